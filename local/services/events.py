"""EventBridge: buses, rules and their targets."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Put, ignore_gone, names, retag, without

_BUS: Mapping[str, str] = {"eventBusName": "default"}


class EventBus(Handler):
    """A bus. As in Pulumi, its id is its name."""

    pulumi_type = "aws:cloudwatch/eventBus:EventBus"
    service, noun, key = "events", "EventBus", "Name"
    updatable = names("deadLetterConfig description kmsKeyIdentifier tags")

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return str(inputs["name"])

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Change the bus. Send `{}` for a removed dead-letter queue: UpdateEventBus keeps settings that are omitted."""
        made = self.send(
            aws, "UpdateEventBus", {**({"deadLetterConfig": {}} if old.get("deadLetterConfig") else {}), **new}
        )
        retag(aws.events, old, new, as_list=True, ResourceARN=made["Arn"])
        return {"name": id_, "arn": made["Arn"]}

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": id_, "arn": made["EventBusArn"]}


class EventRule(Put):
    """A rule with a pattern. Its id is `bus/rule`."""

    pulumi_type = "aws:cloudwatch/eventRule:EventRule"
    service, noun = "events", "Rule"
    defaults: ClassVar = {**_BUS, "state": "ENABLED"}
    updatable = names("description eventPattern state tags")

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return f"{inputs.get('eventBusName', _BUS['eventBusName'])}/{inputs['name']}"

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Put the rule again; its targets stay. Tags of an existing rule need separate calls."""
        outputs = super().update(aws, id_, old, without(new, "tags"))
        retag(aws.events, old, new, as_list=True, ResourceARN=outputs["arn"])
        return outputs

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": inputs["name"], "arn": made["RuleArn"]}


class EventTarget(Put):
    """A target of a rule's events. Its id is `bus-rule-target`."""

    pulumi_type = "aws:cloudwatch/eventTarget:EventTarget"
    service, noun = "events", "Targets"
    defaults: ClassVar = _BUS
    ignored: ClassVar[Mapping[str, str]] = {
        "deadLetterConfig": "the emulator drops an event whose delivery fails",
        "retryPolicy": "the emulator delivers once",
    }
    updatable = names("arn inputPath")

    def shaped(self, inputs: Inputs) -> Inputs:
        which = {key: value for key, value in inputs.items() if key in ("rule", "eventBusName")}
        return {**which, "targets": [{"id": inputs["targetId"], **without(inputs, "targetId", "name", *which)}]}

    def create(self, aws: Aws, name: str, inputs: Inputs) -> Created:
        answer = self.send(aws, self.creates, inputs)
        if answer["FailedEntryCount"]:
            raise ValueError(f"target {inputs['targetId']} of rule {inputs['rule']}: {answer['FailedEntries']}")
        return Created("-".join(({**_BUS, **inputs}[key]) for key in ("eventBusName", "rule", "targetId")))

    def delete(self, aws: Aws, id_: str, inputs: Inputs) -> None:
        which = {**_BUS, **inputs}
        ignore_gone(
            lambda: aws.events.remove_targets(
                Rule=which["rule"], EventBusName=which["eventBusName"], Ids=[which["targetId"]]
            ),
            *self.gone,
        )
