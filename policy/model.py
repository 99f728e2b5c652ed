"""Types of rules and resources that do not use Pulumi's engine, so tests can run rules over recorded resources."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Level = Literal["mandatory", "advisory"]


class Unknown:
    """Placeholder in a preview for a value that AWS sets when it creates the resource."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        """Return True, because the property is set; only its value is not known yet."""
        return True


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Resource:
    """A resource that the program registers.

    Attributes:
        type: Pulumi's token, e.g. `aws:sqs/queue:Queue`.
        props: Inputs by their camelCase names; `UNKNOWN` if the value is not known yet.
        references: For each property, the URNs of the resources from which its value comes.
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
        """Return whether its tags mark it as production, so that the rules for production apply."""
        tags = self.props.get("tags")
        return isinstance(tags, Mapping) and tags.get("Environment") == "production"

    def refers_to(self, prop: str, other: "Resource") -> bool:
        """Return whether the value of property `prop` comes from `other`."""
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
        name: The name in the engine's output, in kebab case.
        description: The requirement and, where needed, its reason.
        types: The types of resources that it checks.
        check: For rules about single resources: returns the problems of a resource.
        check_stack: For rules about several resources: returns the violations in a stack.
    """

    name: str
    description: str
    level: Level
    types: frozenset[str]
    check: ResourceCheck | None = None
    check_stack: StackCheck | None = None

    def violations(self, resources: list[Resource]) -> Iterator[Violation]:
        """Return all violations in a stack."""
        if self.check is not None:
            for resource in resources:
                if resource.type in self.types:
                    yield from (Violation(resource, message) for message in self.check(resource))
        if self.check_stack is not None:
            yield from self.check_stack(resources)


def of_type(resources: Iterable[Resource], *types: str) -> list[Resource]:
    """Return the resources of these types."""
    return [resource for resource in resources if resource.type in types]
