"""Rules as data and pure functions: they know resources, not the engine, so tests run them over recorded resources."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Level = Literal["mandatory", "advisory"]


class Unknown:
    """The value of a property that AWS decides, in a preview before it exists."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        """Present: somebody set it, only not to a value known yet."""
        return True


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Resource:
    """A resource that the program registers.

    Attributes:
        type: Pulumi's token, e.g. `aws:sqs/queue:Queue`.
        props: Inputs by their names on the wire (camelCase); `UNKNOWN` where not known yet.
        references: URNs that a property's value was made from, by property.
        protect: Whether Pulumi refuses to delete it.
    """

    type: str
    name: str
    urn: str
    props: Mapping[str, Any]
    references: Mapping[str, frozenset[str]] = field(default_factory=dict)
    protect: bool = False

    @property
    def is_production(self) -> bool:
        """Return True where it belongs to a stack with the rules of production, by its tag."""
        tags = self.props.get("tags")
        return isinstance(tags, Mapping) and tags.get("Environment") == "production"

    def refers_to(self, prop: str, other: "Resource") -> bool:
        """Return True where property `prop` was made from `other`."""
        return other.urn in self.references.get(prop, frozenset())


@dataclass(frozen=True)
class Violation:
    """A resource that breaks a rule, and what to change."""

    resource: Resource
    message: str


ResourceCheck = Callable[[Resource], Iterable[str]]
StackCheck = Callable[[list[Resource]], Iterable[Violation]]


@dataclass(frozen=True)
class Rule:
    """One rule of the pack.

    Attributes:
        name: Shown by the engine, kebab-case.
        description: What is required and why.
        types: The types it is about.
        check: For rules about one resource at a time: what is wrong with it.
        check_stack: For rules about how resources belong together.
    """

    name: str
    description: str
    level: Level
    types: frozenset[str]
    check: ResourceCheck | None = None
    check_stack: StackCheck | None = None

    def violations(self, resources: list[Resource]) -> Iterator[Violation]:
        """All violations in a stack."""
        if self.check is not None:
            for resource in resources:
                if resource.type in self.types:
                    yield from (Violation(resource, message) for message in self.check(resource))
        if self.check_stack is not None:
            yield from self.check_stack(resources)


def of_type(resources: Iterable[Resource], *types: str) -> list[Resource]:
    """The resources of these types."""
    return [resource for resource in resources if resource.type in types]
