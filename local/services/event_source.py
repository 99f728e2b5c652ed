"""Lambda's event source mappings."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, gone_is_fine, names


class ScalingConfig(Inputs):
    """How many batches of one mapping may run at once."""

    maximum_concurrency: int


class Filter(Inputs):
    """One pattern."""

    pattern: str


class FilterCriteria(Inputs):
    """Which records reach the function."""

    filters: list[Filter]


class EventSourceMappingInputs(Inputs):
    """`aws:lambda/eventSourceMapping:EventSourceMapping` for SQS."""

    event_source_arn: str
    function_name: str
    batch_size: int = 10
    enabled: bool = True
    filter_criteria: FilterCriteria | None = None
    function_response_types: list[str] | None = None
    maximum_batching_window_in_seconds: int | None = None
    scaling_config: ScalingConfig | None = None
    tags: Tags


class EventSourceMapping(Handler[EventSourceMappingInputs]):
    """A mapping from a queue to a function. Its id is its UUID."""

    pulumi_type = "aws:lambda/eventSourceMapping:EventSourceMapping"
    model = EventSourceMappingInputs
    updatable = names(
        "batchSize enabled filterCriteria functionName functionResponseTypes maximumBatchingWindowInSeconds "
        "scalingConfig"
    )

    def create(self, aws: Aws, name: str, inputs: EventSourceMappingInputs) -> Created:
        made = aws.lambda_.create_event_source_mapping(Tags=inputs.tags, **inputs.parameters("tags"))
        return Created(made["UUID"], {"uuid": made["UUID"], "functionArn": made["FunctionArn"], "state": "Enabled"})

    def update(
        self, aws: Aws, id_: str, old: EventSourceMappingInputs, new: EventSourceMappingInputs
    ) -> Mapping[str, Any]:
        made = aws.lambda_.update_event_source_mapping(UUID=id_, **new.parameters("event_source_arn", "tags"))
        return {"uuid": id_, "functionArn": made["FunctionArn"], "state": made["State"]}

    def delete(self, aws: Aws, id_: str, inputs: EventSourceMappingInputs) -> None:
        gone_is_fine(aws.lambda_.delete_event_source_mapping, "ResourceNotFoundException", UUID=id_)
