"""Base of all handlers of resource types: strict inputs by the API's own model, and create / update / delete."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from local.services.aws import Aws

Inputs = Mapping[str, Any]
"""Input properties of a resource by Pulumi's names, without those that are ignored."""


class UnknownInputError(ValueError):
    """Inputs that the API does not have. `found`: their values by path."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        super().__init__(f"the API does not have {', '.join(found)}")
        self.found = found


@dataclass(frozen=True)
class Created:
    """A real resource: its physical id, and the outputs that others need beyond its inputs (Pulumi's names)."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Handler:
    """Maps one resource type to API calls: by default to Create…, Update… and Delete… of its `noun`.

    An operation is sent the inputs that it has under the same name, whatever the case of their letters. What no
    operation that creates the resource has is an error, so nothing is skipped silently.

    Attributes:
        pulumi_type: Type token.
        service: API, as botocore names it.
        noun: The resource in the names of operations, `Integration`; `verb` is that of the creating one.
        creates, deletes: Operations, by default verb and noun.
        key: The parameter that has the id; empty where the inputs say which resource is meant.
        answered: What the answer to the creating call, or its member named like the noun, calls the id, if not `key`.
        renamed: Pulumi's name to the API's where they differ.
        separate: Inputs that the handler itself makes parameters of.
        defaults: What an input is that is not given (any more).
        ignored: Inputs that are accepted without an effect, and why.
        updatable: What `update` can change in place; any other change replaces the resource.
        gone: Error codes that mean that there is nothing left to delete.
    """

    pulumi_type: ClassVar[str]
    service: ClassVar[str]
    noun: ClassVar[str] = ""
    verb: ClassVar[str] = "Create"
    creates: ClassVar[str]
    deletes: ClassVar[str]
    key: ClassVar[str] = ""
    answered: ClassVar[str] = ""
    renamed: ClassVar[Mapping[str, str]] = {}
    separate: ClassVar[frozenset[str]] = frozenset()
    defaults: ClassVar[Inputs] = {}
    ignored: ClassVar[Mapping[str, str]] = {}
    updatable: ClassVar[frozenset[str]] = frozenset()
    gone: ClassVar[tuple[str, ...]] = ("ResourceNotFoundException",)

    def __init_subclass__(cls) -> None:
        """Name the operations of a new noun."""
        if "noun" in vars(cls):
            for name, verb in (("creates", cls.verb), ("deletes", "Delete")):
                setattr(cls, name, vars(cls).get(name, f"{verb}{cls.noun}"))

    def create(self, aws: Aws, name: str, inputs: Inputs) -> Created:
        """Create the resource; `name` is its logical name, used where no physical name is given."""
        whole = self.whole(name, inputs)
        made = self._answer(self.send(aws, self.creates, whole))
        return Created(self.id_of(whole, made), self.outputs(aws, self.id_of(whole, made), whole, made))

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Change in place what `updatable` names and return the outputs that `create` would return."""
        made = self._answer(self.send(aws, f"Update{self.noun}", new, **self.which(id_)))
        return self.outputs(aws, id_, new, made)

    def delete(self, aws: Aws, id_: str, inputs: Inputs) -> None:
        """Delete the resource; one that is gone already is fine."""
        with_gone_is_fine(lambda: self.send(aws, self.deletes, inputs, **self.which(id_)), *self.gone)

    # --- what types differ in -----------------------------------------------------------------------------------------

    def whole(self, name: str, inputs: Inputs) -> Inputs:
        """The inputs with what follows from the logical name."""
        return {"name": name, **inputs}

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        """The id of what was made from the inputs, by the API's answer."""
        return str(made[self.answered or self.key])

    def which(self, id_: str) -> dict[str, Any]:
        """The parameters that say which resource is meant, as far as they are not inputs."""
        return {self.key: id_} if self.key else {}

    def shaped(self, inputs: Inputs) -> Inputs:
        """The inputs in the API's shape, where that is another."""
        return inputs

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs beyond the inputs."""
        return {}

    # --- calls --------------------------------------------------------------------------------------------------------

    def check(self, inputs: Inputs) -> None:
        """Raise `UnknownInputError` for inputs that have no effect."""
        unknown: dict[str, Any] = {}
        known = {key: value for key, value in self.shaped(inputs).items() if key not in self.separate}
        self._parameters(self.creates, known, unknown)
        if unknown:
            raise UnknownInputError(unknown)

    def send(self, aws: Aws, operation: str, inputs: Inputs, **given: Any) -> Any:
        """Call an operation with what it has of the inputs, and the parameters given."""
        known = {name.lower() for name in input_shape(self.service, operation).members}
        shaped = {**self.defaults, **self.shaped(inputs)}
        fitting = {key: value for key, value in shaped.items() if self.renamed.get(key, key).lower() in known}
        return self.call(aws, operation, fitting, **given)

    def call(self, aws: Aws, operation: str, values: Inputs, **given: Any) -> Any:
        """Call an operation with these values and parameters. Raises `UnknownInputError` for what it does not have."""
        unknown: dict[str, Any] = {}
        parameters = self._parameters(operation, values, unknown)
        if unknown:
            raise UnknownInputError(unknown)
        method: Callable[..., Any] = getattr(aws.client(self.service), xform_name(operation))
        return method(**{**parameters, **given})

    def _parameters(self, operation: str, values: Inputs, unknown: dict[str, Any]) -> dict[str, Any]:
        renamed = {self.renamed.get(key, key): value for key, value in values.items()}
        parameters: dict[str, Any] = as_shape(input_shape(self.service, operation), renamed, "", unknown)
        return parameters

    def _answer(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        inner: Mapping[str, Any] = answer.get(self.noun, answer)
        return inner


class Put(Handler):
    """A resource that is changed by the call that creates it."""

    verb = "Put"

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Create it in place of the old one."""
        return self.create(aws, id_, new).outputs


class Attributed(Handler):
    """Resource with attributes, which are all text: the `separate` inputs."""

    def attributes(self, inputs: Inputs) -> dict[str, str]:
        """Those inputs that are attributes."""
        return {
            self.renamed.get(key, key[0].upper() + key[1:]): str(value).lower()
            if isinstance(value, bool)
            else str(value)
            for key, value in inputs.items()
            # A standard queue or topic must not even say that it is not FIFO.
            if key in self.separate and value is not None and (key, value) not in _STANDARD
        }

    def shaped(self, inputs: Inputs) -> Inputs:
        return {**without(inputs, *self.separate), "attributes": self.attributes(inputs)}

    def changed(self, old: Inputs, new: Inputs) -> dict[str, str]:
        """The attributes that differ; an empty value takes one away."""
        before, after = self.attributes(old), self.attributes(new)
        return {key: after.get(key, "") for key in {**before, **after} if before.get(key) != after.get(key)}


_STANDARD = (("fifoQueue", False), ("fifoTopic", False))


@cache
def service_model(service: str) -> ServiceModel:
    """Return what botocore knows of a service. A session would read the machine's settings, and take far longer."""
    return ServiceModel(Loader().load_service_model(service, "service-2"))


def input_shape(service: str, operation: str) -> Any:
    """Return what an operation takes."""
    return service_model(service).operation_model(operation).input_shape


def as_shape(shape: Any, value: Any, path: str, unknown: dict[str, Any]) -> Any:
    """A value by the API's names; what the API does not have goes into `unknown`, by its path.

    A map for a list, as of tags and dimensions, becomes one of names and values.
    """
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = {name.lower(): name for name in shape.members}
        given = {}
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            if (name := members.get(key.lower())) is None:
                unknown[where] = item
            elif item is not None:
                given[name] = as_shape(shape.members[name], item, where, unknown)
        return given
    if shape.type_name == "list" and isinstance(value, Mapping):
        key = "Key" if "Key" in shape.member.members else "Name"
        return [{key: name, "Value": item} for name, item in value.items()]
    if shape.type_name == "list" and isinstance(value, list):
        return [as_shape(shape.member, item, path, unknown) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: as_shape(shape.value, item, f"{path}.{key}", unknown) for key, item in value.items()}
    return value


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def without(inputs: Inputs, *names: str) -> dict[str, Any]:
    """All inputs but these."""
    return {key: value for key, value in inputs.items() if key not in names}


def retag(client: Any, old: Inputs, new: Inputs, *, as_list: bool, **which: str) -> None:
    """Make the tags of what `which` says those of the new inputs."""
    before, after = old.get("tags") or {}, new.get("tags") or {}
    if lost := [key for key in before if key not in after]:
        client.untag_resource(**which, TagKeys=lost)
    if after:
        pairs = [{"Key": key, "Value": value} for key, value in after.items()]
        client.tag_resource(**which, Tags=pairs if as_list else after)


def with_gone_is_fine(call: Callable[[], Any], *codes: str) -> None:
    """Make a deleting call; the error codes given mean that there is nothing left to delete."""
    try:
        call()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in codes:
            raise
