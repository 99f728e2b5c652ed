"""What every handler of a resource type shares: strict inputs, and create / update / delete."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from botocore.exceptions import ClientError
from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel, to_pascal

from local.services.aws import Aws


class Inputs(BaseModel):
    """Input properties of one resource type, by Pulumi's camelCase names. An unknown property is an error.

    The API has most of them under the same name in PascalCase; `called` says where it has another one.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=AliasGenerator(alias=to_camel, serialization_alias=to_pascal),
        arbitrary_types_allowed=True,
        validate_by_name=True,
    )

    def parameters(self, *without: str) -> dict[str, Any]:
        """As the API's parameters, but for the fields `without`; what was not given is left out."""
        return self.model_dump(by_alias=True, exclude_none=True, exclude=set(without))


def called(name: str, default: Any = None) -> Any:
    """An optional field that the API calls `name`; `...` makes it a required one."""
    return Field(default, serialization_alias=name)


@dataclass(frozen=True)
class Created:
    """A real resource: its physical id, and the outputs that others need beyond its inputs (Pulumi's names)."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


# Tags are part of every taggable type; none given means none.
Tags = Annotated[dict[str, str], Field(default_factory=dict)]

InputsT = TypeVar("InputsT", bound=Inputs)


class Handler(ABC, Generic[InputsT]):
    """Maps one resource type to API calls.

    `pulumi_type` is the type token, `model` its inputs that have an effect; `ignored` names the inputs that are
    accepted without one, and why. An input in neither is an error, so nothing is skipped silently. `updatable` names
    what `update` can change in place; any other change replaces the resource.
    """

    pulumi_type: ClassVar[str]
    model: type[InputsT]
    ignored: ClassVar[Mapping[str, str]] = {}
    updatable: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def create(self, aws: Aws, name: str, inputs: InputsT) -> Created:
        """Create the resource; `name` is its logical name, used where no physical name is given."""

    def update(self, aws: Aws, id_: str, old: InputsT, new: InputsT) -> Mapping[str, Any]:
        """Change in place what `updatable` names and return the outputs that `create` would return."""
        raise NotImplementedError(f"{self.pulumi_type} has nothing that can change in place")

    @abstractmethod
    def delete(self, aws: Aws, id_: str, inputs: InputsT) -> None:
        """Delete the resource; one that is gone already is fine."""


class Put(Handler[InputsT]):
    """A resource that is changed by the call that creates it."""

    def update(self, aws: Aws, id_: str, old: InputsT, new: InputsT) -> Mapping[str, Any]:
        """Create it in place of the old one."""
        return self.create(aws, id_, new).outputs


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    """Tags as `[{"Key": …, "Value": …}]`, the form of IAM, SNS, DynamoDB and CloudWatch."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def compact(**parameters: Any) -> dict[str, Any]:
    """The parameters that are set: an absent optional must not be sent."""
    return {key: value for key, value in parameters.items() if value is not None}


def as_attributes(given: Mapping[str, str | bool | int | None]) -> dict[str, str]:
    """Attributes of a queue, topic or subscription, which are all text; what was not given is left out."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in given.items()
        if value is not None
    }


def gone_is_fine(call: Callable[..., Any], *codes: str, **parameters: Any) -> None:
    """Make a deleting call; the error codes given mean that there is nothing left to delete."""
    try:
        call(**parameters)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in codes:
            raise
