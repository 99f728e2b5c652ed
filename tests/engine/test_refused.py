"""Tests mistakes that the engine and the provider refuse, but mocks accept."""

import pytest

from lab.preview.programs import append, replace_text
from tests.engine.conftest import Deployed

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("addition", "expected"),
    [
        ('aws.sqs.Queue("twin")\naws.sqs.Queue("twin")', "Duplicate resource URN"),
        ('pulumi.CustomResource("aws:sqs/queue:Queue", "typo", {"nmae": "x"})', "unknown property 'nmae'"),
        ('pulumi.CustomResource("aws:sqs/queue:Queue", "text", {"delaySeconds": "x"})', "str given, int needed"),
        ('pulumi.CustomResource("aws:sqs/quue:Quue", "what")', "is not a resource type"),
    ],
)
def test_a_mistake_in_the_program_fails_the_preview(addition: str, expected: str, dev: Deployed) -> None:
    # GIVEN a program with a mistake
    workspace, _ = dev
    append(workspace.program / "__main__.py", f"import pulumi\nimport pulumi_aws as aws\n{addition}\n")
    # WHEN it is previewed
    done = workspace.preview()
    # THEN the preview fails, and names the mistake
    assert done.code != 0
    assert expected in done.output


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  batch_size: many", "batch_size"),
        ("  batch_sise: 3", "batch_sise"),
        ("  tracing: 3", "tracing"),
    ],
)
def test_a_mistake_in_a_stack_file_fails_the_preview(line: str, expected: str, dev: Deployed) -> None:
    # GIVEN a stack file with a mistake
    workspace, _ = dev
    replace_text(workspace.program / "Pulumi.dev.yaml", "config:\n", f"config:\n{line}\n")
    # WHEN it is previewed
    done = workspace.preview()
    # THEN the preview fails, and names the key
    assert done.code != 0
    assert expected in done.output
