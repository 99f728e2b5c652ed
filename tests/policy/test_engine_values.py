"""Tests the values that the rules get from Pulumi's engine, and the reports that the policy pack returns."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import proto
from pulumi_policy.policy import EnforcementLevel, _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.engine import plain, to_policy
from policy.model import UNKNOWN, Resource, Rule, Violation
from policy.rules import RULES
from tests.policy.test_rules import BY_NAME, CASES, PRODUCTION, QUEUE, TABLE, make, messages

PACK = Path(__file__).resolve().parents[2] / "policy" / "__main__.py"


def test_unknown_values_are_marked() -> None:
    # GIVEN properties as the engine passes them, some of them unknown in a preview
    props = unknown_checking_proxy({"a": UNKNOWN_STRING_VALUE, "b": {"c": [1, UNKNOWN_STRING_VALUE]}, "d": "text"})
    # WHEN they are converted
    seen = plain(props)
    # THEN known values are unchanged, and unknown values are marked
    assert seen == {"a": UNKNOWN, "b": {"c": [1, UNKNOWN]}, "d": "text"}


class _Engine(_PolicyAnalyzerServicer):
    """The policy pack as the engine calls it: with serialized resources, first one at a time and then all together."""

    def __init__(self, rules: Sequence[Rule] = RULES) -> None:
        super().__init__("orders", "1.0.0", [to_policy(rule) for rule in rules], EnforcementLevel.ADVISORY)

    def _configure_runtime_settings(self) -> None:
        """Do nothing: there is no stack whose settings could be read."""

    def reports(self, resources: list[Resource]) -> set[tuple[str, str, str]]:
        """Return policy, level and message of everything that the pack reports."""
        servicer: Any = self
        sent = [_serialized(each) for each in resources]
        answers = [
            *(servicer.Analyze(proto.AnalyzeRequest(**fields), None) for fields, _ in sent),
            servicer.AnalyzeStack(
                proto.AnalyzeStackRequest(resources=[proto.AnalyzerResource(**a, **b) for a, b in sent]), None
            ),
        ]
        return {
            (each.policyName, proto.EnforcementLevel.Name(each.enforcementLevel).lower(), each.message)
            for answer in answers
            for each in answer.diagnostics
        }


def _serialized(resource: Resource) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the resource's fields for every request, and additional fields for a request about the whole stack."""
    known = json.dumps(resource.props, default=lambda _: UNKNOWN_STRING_VALUE)
    fields = {
        "type": resource.type,
        "urn": resource.urn,
        "name": resource.name,
        "properties": json_format.Parse(known, Struct()),
        "options": proto.AnalyzerResourceOptions(protect=resource.protect),
    }
    references = {
        name: proto.AnalyzerPropertyDependencies(urns=sorted(urns)) for name, urns in resource.references.items()
    }
    return fields, {"propertyDependencies": references}


@pytest.mark.parametrize("name", CASES)
def test_the_pack_reports_each_rules_messages_with_its_level(name: str) -> None:
    # GIVEN a stack that obeys a rule, a stack that breaks it, and the pack as the engine runs it
    rule, case, engine = BY_NAME[name], CASES[name], _Engine()
    for resources in (case.kept, case.broken):
        # WHEN the engine calls the pack
        reported = {each for each in engine.reports(resources) if each[0] == name}
        # THEN the pack reports the rule's messages, with the rule's level
        expected = messages(rule, resources)
        assert reported == {(name, rule.level, f"{rule.description}\n{message}") for message in expected}


def test_a_rule_receives_the_resource_that_the_engine_sent() -> None:
    # GIVEN a rule that checks a single resource, and a rule that checks all resources together
    references = {name: frozenset({make(TABLE).urn}) for name in ("kmsMasterKeyId", "policy")}
    sent = make(QUEUE, {"tags": PRODUCTION}, protect=True, references=references)
    alone: list[Resource] = []
    together: list[Resource] = []

    def one(resource: Resource) -> list[str]:
        alone.append(resource)
        return []

    def all_of_them(resources: list[Resource]) -> list[Violation]:
        together.extend(resources)
        return []

    rules = [
        Rule("one", "One.", "mandatory", frozenset({QUEUE}), check=one),
        Rule("every", "All.", "mandatory", frozenset({QUEUE}), check_stack=all_of_them),
    ]

    # WHEN
    _Engine(rules).reports([sent, make(TABLE)])

    # THEN both rules get the resource; only the rule that checks all resources together gets the references
    assert alone == [replace(sent, references={})]
    assert together == [sent, make(TABLE)]


def test_a_rule_that_checks_nothing_is_refused() -> None:
    # GIVEN a rule without a check; WHEN it is converted; THEN the error names it
    with pytest.raises(ValueError, match="the rule idle checks nothing"):
        to_policy(Rule("idle", "Idle.", "mandatory", frozenset({QUEUE})))


def test_the_pack_has_every_rule_and_runs_from_any_folder(tmp_path: Path) -> None:
    # GIVEN the pack as the engine starts it: in another folder, without the project on the path
    script = (
        "import runpy, pulumi_policy; pulumi_policy.PolicyPack = lambda name, policies: print(name, len(policies)); "
        f"runpy.run_path({str(PACK)!r})"
    )

    # WHEN
    ran = subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)

    # THEN
    assert ran.stdout == f"orders {len(RULES)}\n"
