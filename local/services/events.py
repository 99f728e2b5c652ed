"""EventBridge: buses, rules and their targets."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Put, Tags, compact, gone_is_fine, names, tag_list

_GONE = ("ResourceNotFoundException",)
DEFAULT_BUS = "default"


class DeadLetterConfig(Inputs):
    """Where a bus puts what it cannot encrypt or decrypt; kept by the emulator, where that never happens."""

    arn: str


class EventBusInputs(Inputs):
    """`aws:cloudwatch/eventBus:EventBus`."""

    name: str
    description: str | None = None
    kms_key_identifier: str | None = None
    dead_letter_config: DeadLetterConfig | None = None
    tags: Tags


class EventBus(Handler[EventBusInputs]):
    """A bus. As in Pulumi, its id is its name."""

    pulumi_type = "aws:cloudwatch/eventBus:EventBus"
    model = EventBusInputs
    updatable = names("deadLetterConfig description kmsKeyIdentifier tags")

    def create(self, aws: Aws, name: str, inputs: EventBusInputs) -> Created:
        arn = aws.events.create_event_bus(
            Name=inputs.name, Tags=tag_list(inputs.tags), **inputs.parameters("name", "tags")
        )["EventBusArn"]
        return Created(inputs.name, {"name": inputs.name, "arn": arn})

    def update(self, aws: Aws, id_: str, old: EventBusInputs, new: EventBusInputs) -> Mapping[str, Any]:
        settings = new.parameters("name", "tags")
        if old.dead_letter_config:
            # What is left out of the call stays as it was.
            settings.setdefault("DeadLetterConfig", {})
        arn = aws.events.update_event_bus(Name=id_, **settings)["Arn"]
        _retag(aws, arn, old.tags, new.tags)
        return {"name": id_, "arn": arn}

    def delete(self, aws: Aws, id_: str, inputs: EventBusInputs) -> None:
        """Delete it; its rules went before."""
        gone_is_fine(aws.events.delete_event_bus, *_GONE, Name=id_)


class EventRuleInputs(Inputs):
    """`aws:cloudwatch/eventRule:EventRule`."""

    name: str
    description: str | None = None
    event_bus_name: str = DEFAULT_BUS
    event_pattern: str
    state: Literal["ENABLED", "DISABLED"] = "ENABLED"
    tags: Tags


class EventRule(Handler[EventRuleInputs]):
    """A rule with a pattern. Its id is `bus/rule`."""

    pulumi_type = "aws:cloudwatch/eventRule:EventRule"
    model = EventRuleInputs
    updatable = names("description eventPattern state tags")

    def create(self, aws: Aws, name: str, inputs: EventRuleInputs) -> Created:
        """Create it; a pattern that makes no sense is refused."""
        arn = self._put(aws, inputs, Tags=tag_list(inputs.tags))
        return Created(f"{inputs.event_bus_name}/{inputs.name}", {"name": inputs.name, "arn": arn})

    def update(self, aws: Aws, id_: str, old: EventRuleInputs, new: EventRuleInputs) -> Mapping[str, Any]:
        """Put it again, which leaves its targets alone."""
        arn = self._put(aws, new)
        _retag(aws, arn, old.tags, new.tags)
        return {"name": new.name, "arn": arn}

    def delete(self, aws: Aws, id_: str, inputs: EventRuleInputs) -> None:
        """Delete it; its targets went before."""
        gone_is_fine(aws.events.delete_rule, *_GONE, Name=inputs.name, EventBusName=inputs.event_bus_name)

    @staticmethod
    def _put(aws: Aws, inputs: EventRuleInputs, **more: Any) -> str:
        return aws.events.put_rule(**inputs.parameters("tags"), **more)["RuleArn"]


class EventTargetInputs(Inputs):
    """`aws:cloudwatch/eventTarget:EventTarget`."""

    arn: str
    event_bus_name: str = DEFAULT_BUS
    input_path: str | None = None
    rule: str
    target_id: str


class EventTarget(Put[EventTargetInputs]):
    """Where a rule's events go. Its id is `bus-rule-target`."""

    pulumi_type = "aws:cloudwatch/eventTarget:EventTarget"
    model = EventTargetInputs
    ignored: ClassVar[Mapping[str, str]] = {
        "deadLetterConfig": "the emulator keeps nothing of a delivery that fails",
        "retryPolicy": "the emulator delivers once",
    }
    updatable = names("arn inputPath")

    def create(self, aws: Aws, name: str, inputs: EventTargetInputs) -> Created:
        target: Any = {"Id": inputs.target_id, "Arn": inputs.arn, **compact(InputPath=inputs.input_path)}
        answer = aws.events.put_targets(Rule=inputs.rule, EventBusName=inputs.event_bus_name, Targets=[target])
        if answer["FailedEntryCount"]:
            raise ValueError(f"the target {inputs.target_id} of rule {inputs.rule}: {answer['FailedEntries']}")
        return Created(f"{inputs.event_bus_name}-{inputs.rule}-{inputs.target_id}")

    def delete(self, aws: Aws, id_: str, inputs: EventTargetInputs) -> None:
        which: Any = {"Rule": inputs.rule, "EventBusName": inputs.event_bus_name, "Ids": [inputs.target_id]}
        gone_is_fine(aws.events.remove_targets, *_GONE, **which)


def _retag(aws: Aws, arn: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    if lost := [key for key in old if key not in new]:
        aws.events.untag_resource(ResourceARN=arn, TagKeys=lost)
    if new:
        aws.events.tag_resource(ResourceARN=arn, Tags=tag_list(new))
