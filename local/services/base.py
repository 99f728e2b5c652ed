"""Base of all handlers of resource types: create, update, delete, and check all inputs against the API's model."""

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
"""A resource's input properties without the handler's `ignored` inputs. Keys are Pulumi's names."""


class UnknownInputError(ValueError):
    """Inputs that the API does not have. `found`: their values by path."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        super().__init__(f"the API does not have {', '.join(found)}")
        self.found = found


@dataclass(frozen=True)
class Created:
    """A created resource: its physical id, and the outputs that are not inputs (by Pulumi's names)."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Handler:
    """Maps one resource type to API calls: by default `Create`, `Update` and `Delete` + `noun`, such as `CreateQueue`.

    An operation gets the inputs for which it has a parameter. Case is ignored when names are compared. Each input must
    be a parameter of the creating operation, or be listed in `separate` or `ignored`. Any other input is an error, so
    no input is dropped silently.

    Attributes:
        pulumi_type: Type token.
        service: API, as botocore names it.
        noun: The resource's name in the names of operations: `Api` in `CreateApi`.
        verb: The first word of the creating operation's name, `Create` or `Put`. Not used if `creates` is set.
        creates: Name of the creating operation (default: `verb` + `noun`).
        deletes: Name of the deleting operation (default: `Delete` + `noun`).
        key: The parameter for the resource's id; empty if the inputs identify the resource.
        answered: The field of the creating call's answer that has the id (default: `key`). If the answer has a
            member with the noun's name, the field is inside this member: for the answer `{"UserPool": {"Id": …}}`,
            `answered` is `Id`.
        renamed: Pulumi's name → the API's name, where they differ.
        separate: Inputs that the handler turns into parameters itself.
        defaults: The values to send for inputs that are not given. For example, if an input was removed from the
            program, the update sends its default.
        ignored: Inputs that are accepted without an effect, each with the reason.
        updatable: Inputs that `update` can change in place. A change of any other input is refused, unless `ignored`
            lists the input.
        gone: Error codes which mean that the resource no longer exists.
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
        """Set the operations' names for the class's noun."""
        if "noun" in vars(cls):
            for name, verb in (("creates", cls.verb), ("deletes", "Delete")):
                setattr(cls, name, vars(cls).get(name, f"{verb}{cls.noun}"))

    def create(self, aws: Aws, name: str, inputs: Inputs) -> Created:
        """Create the resource. Its logical name `name` is used where no physical name is given."""
        whole = self.whole(name, inputs)
        made = self._answer(self.send(aws, self.creates, whole))
        return Created(self.id_of(whole, made), self.outputs(aws, self.id_of(whole, made), whole, made))

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Change the `updatable` inputs in place, and return the outputs that `create` would return."""
        made = self._answer(self.send(aws, f"Update{self.noun}", new, **self.which(id_)))
        return self.outputs(aws, id_, new, made)

    def delete(self, aws: Aws, id_: str, inputs: Inputs) -> None:
        """Delete the resource, if it still exists."""
        ignore_gone(lambda: self.send(aws, self.deletes, inputs, **self.which(id_)), *self.gone)

    # --- overridden by resource types ---------------------------------------------------------------------------------

    def whole(self, name: str, inputs: Inputs) -> Inputs:
        """Return the inputs. The logical name replaces a missing physical name."""
        return {"name": name, **inputs}

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        """Return the new resource's id, from the inputs or the API's answer."""
        return str(made[self.answered or self.key])

    def which(self, id_: str) -> dict[str, Any]:
        """Return the parameters that identify the resource and that are not among the inputs."""
        return {self.key: id_} if self.key else {}

    def shaped(self, inputs: Inputs) -> Inputs:
        """Return the inputs, changed to the API's shape if Pulumi's shape is different."""
        return inputs

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs that are not inputs."""
        return {}

    # --- calls --------------------------------------------------------------------------------------------------------

    def check(self, inputs: Inputs) -> None:
        """Raise `UnknownInputError` for inputs that the creating operation does not have."""
        unknown: dict[str, Any] = {}
        known = {key: value for key, value in self.shaped(inputs).items() if key not in self.separate}
        self._parameters(self.creates, known, unknown)
        if unknown:
            raise UnknownInputError(unknown)

    def send(self, aws: Aws, operation: str, inputs: Inputs, **given: Any) -> Any:
        """Call an operation with the parameters `given`, and with those `inputs` for which it has a parameter."""
        known = {name.lower() for name in input_shape(self.service, operation).members}
        shaped = {**self.defaults, **self.shaped(inputs)}
        fitting = {key: value for key, value in shaped.items() if self.renamed.get(key, key).lower() in known}
        return self.call(aws, operation, fitting, **given)

    def call(self, aws: Aws, operation: str, values: Inputs, **given: Any) -> Any:
        """Call an operation with converted `values`, and `given`. Raises `UnknownInputError` for unknown values."""
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
    """A resource with one API call for both creation and change, such as `PutDashboard`."""

    verb = "Put"

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Call the creating operation again, with the new inputs."""
        return self.create(aws, id_, new).outputs


class Attributed(Handler):
    """A resource with text attributes, which are the `separate` inputs."""

    def attributes(self, inputs: Inputs) -> dict[str, str]:
        """Return those inputs that are attributes, as text."""
        return {
            self.renamed.get(key, key[0].upper() + key[1:]): str(value).lower()
            if isinstance(value, bool)
            else str(value)
            for key, value in inputs.items()
            # SQS and SNS refuse `FifoQueue` and `FifoTopic` for a standard queue or topic, even with the value `false`.
            if key in self.separate and value is not None and (key, value) not in _STANDARD
        }

    def shaped(self, inputs: Inputs) -> Inputs:
        return {**without(inputs, *self.separate), "attributes": self.attributes(inputs)}

    def changed(self, old: Inputs, new: Inputs) -> dict[str, str]:
        """Return the attributes that differ; an empty value removes an attribute."""
        before, after = self.attributes(old), self.attributes(new)
        return {key: after.get(key, "") for key in {**before, **after} if before.get(key) != after.get(key)}


_STANDARD = (("fifoQueue", False), ("fifoTopic", False))


@cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service. It uses no session: a session is slow, and reads the machine's settings."""
    return ServiceModel(Loader().load_service_model(service, "service-2"))


def input_shape(service: str, operation: str) -> Any:
    """Return the shape of an operation's input."""
    return service_model(service).operation_model(operation).input_shape


def as_shape(shape: Any, value: Any, path: str, unknown: dict[str, Any]) -> Any:
    """Return a value with the API's names. Parts that the API does not have are added to `unknown`, by their path.

    Where Pulumi has a map and the API has a list (tags, dimensions), the map becomes a list of names and values.
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
    """Return the words of a text as a set."""
    return frozenset(text.split())


def without(inputs: Inputs, *names: str) -> dict[str, Any]:
    """Return the inputs without those that have the given names."""
    return {key: value for key, value in inputs.items() if key not in names}


def retag(client: Any, old: Inputs, new: Inputs, *, as_list: bool, **which: str) -> None:
    """Replace a resource's old tags with the tags of the new inputs. `which` identifies the resource."""
    before, after = old.get("tags") or {}, new.get("tags") or {}
    if lost := [key for key in before if key not in after]:
        client.untag_resource(**which, TagKeys=lost)
    if after:
        pairs = [{"Key": key, "Value": value} for key, value in after.items()]
        client.tag_resource(**which, Tags=pairs if as_list else after)


def ignore_gone(call: Callable[[], Any], *codes: str) -> None:
    """Make a deleting call. Ignore errors with these `codes`, which mean that the resource is
    gone."""
    try:
        call()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in codes:
            raise
