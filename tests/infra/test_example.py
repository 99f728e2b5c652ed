"""Tests the example of a program that uses a single component."""

import ast
import json
import runpy

from lab.recording.recording import record
from local.instance import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "one_component.py"


def test_the_example_registers_a_queue_with_a_dead_letter_queue() -> None:
    # GIVEN the example, whose `from … import` statements all import from `components`
    imported = {node.module for node in ast.walk(ast.parse(EXAMPLE.read_text())) if isinstance(node, ast.ImportFrom)}
    assert all(str(module).startswith("components.") for module in imported)

    # WHEN it runs
    recording = record(lambda: runpy.run_path(str(EXAMPLE), run_name="__main__"), stack="dev")

    # THEN a queue and its dead-letter queue are registered, and failed messages go to the dead-letter queue
    queues = {each.name: each.inputs for each in recording.of_type("aws:sqs/queue:Queue")}
    assert {name: inputs["messageRetentionSeconds"] for name, inputs in queues.items()} == {
        "letters": 345_600,
        "letters-dlq": 1_209_600,
    }
    assert json.loads(queues["letters"]["redrivePolicy"]) == {
        "deadLetterTargetArn": recording.state("aws:sqs/queue:Queue", "letters-dlq")["arn"],
        "maxReceiveCount": 5,
    }
