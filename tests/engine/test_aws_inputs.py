"""Tests that the inputs of resources are checked against the types of Pulumi's AWS SDK, `pulumi_aws`."""

from typing import Any

import pulumi
import pytest

from local.engine import aws_inputs

# Importing the SDK's Lambda module warns about one of its types, which this program does not use.
pytestmark = pytest.mark.filterwarnings("ignore:aws.lambda/microvmsimage:DeprecationWarning")

MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
TABLE = "aws:dynamodb/table:Table"


def mapping_inputs(**overrides: Any) -> dict[str, Any]:
    return {
        "functionName": "worker",
        "batchSize": 10,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "scalingConfig": {"maximumConcurrency": 2},
        "tags": {"project": "orders"},
        "enabled": None,
    } | overrides


def test_well_formed_inputs_have_no_findings() -> None:
    # GIVEN inputs with scalars, a list, a map, a nested object and an unset property
    inputs = mapping_inputs()
    # WHEN they are checked
    found = aws_inputs.findings(MAPPING, inputs)
    # THEN nothing is found
    assert found == []


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"batchsize": 10}, "unknown property 'batchsize'"),
        ({"scalingConfig": {"maxConcurrency": 2}}, ".scalingConfig: unknown property 'maxConcurrency'"),
        ({"functionName": None}, "missing required property 'functionName'"),
        ({"batchSize": "ten"}, ".batchSize: str given, int needed"),
        ({"batchSize": True}, ".batchSize: bool given, int needed"),
        ({"enabled": "yes"}, ".enabled: str given, bool needed"),
        ({"functionResponseTypes": "ReportBatchItemFailures"}, ".functionResponseTypes: str given, a list needed"),
        ({"functionResponseTypes": [1]}, ".functionResponseTypes[0]: int given, str needed"),
        ({"tags": {"project": 1}}, ".tags['project']: int given, str needed"),
        ({"tags": ["project"]}, ".tags: list given, a map needed"),
        ({"scalingConfig": 2}, ".scalingConfig: int given, an object needed"),
    ],
)
def test_a_malformed_input_is_named(overrides: dict[str, Any], expected: str) -> None:
    # GIVEN one input that the provider's schema does not accept
    inputs = mapping_inputs(**overrides)
    # WHEN it is checked
    found = aws_inputs.findings(MAPPING, inputs)
    # THEN there is one finding, which names the input's place
    assert len(found) == 1
    assert expected in found[0]


def test_an_object_in_a_list_is_checked() -> None:
    # GIVEN a table with a misspelt key in an attribute
    inputs = {"hashKey": "id", "attributes": [{"name": "id", "typ": "S"}]}
    # WHEN it is checked
    found = aws_inputs.findings(TABLE, inputs)
    # THEN both the unknown key and the missing one are found in the first item
    assert [text.split("[0]: ")[1].split(";")[0] for text in found] == [
        "unknown property 'typ'",
        "missing required property 'type'",
    ]


def test_a_finding_does_not_show_the_value_of_an_input() -> None:
    # GIVEN a secret instead of a number
    inputs = mapping_inputs(batchSize="hunter2")
    # WHEN it is checked
    found = aws_inputs.findings(MAPPING, inputs)
    # THEN the finding names only the secret's type
    assert "hunter2" not in " ".join(found)


def test_an_archive_is_accepted() -> None:
    # GIVEN a function with its code
    inputs = {"role": "arn:aws:iam::123456789012:role/r", "code": pulumi.FileArchive("code.zip")}
    # WHEN it is checked
    found = aws_inputs.findings("aws:lambda/function:Function", inputs)
    # THEN nothing is found
    assert found == []


@pytest.mark.parametrize("token", ["aws:sqs/queue:Quue", "aws:nowhere/queue:Queue", "Queue"])
def test_an_unknown_resource_type_is_an_error(token: str) -> None:
    # GIVEN a token that the SDK does not have
    # WHEN it is checked
    # THEN the error names the token
    with pytest.raises(LookupError, match=token):
        aws_inputs.findings(token, {})
