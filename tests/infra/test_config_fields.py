"""Tests each field of the configuration: the values that it accepts, and the message about a value that it refuses."""

import json

import pytest
import yaml

from lab.recording.recording import ROOT, STACKS, read_stack_file
from pipeline.config import StackConfig, parse_config
from pipeline.config.problems import values_of
from pipeline.config.project_schema import project_schema
from tests.infra.config_factory import only_problem, parsed, refused

# For each field: a value that the configuration refuses, and words that describe the allowed values in the message.
REFUSED: dict[str, tuple[str, str]] = {
    "environment": ("staging", "development, production, local"),
    "owner": ("<nobody>", "1 to 256 letters"),
    "extra_tags": ('["CostCenter"]', "Name=value"),
    "python_version": ("3.9", "3.11, 3.12, 3.13, 3.14"),
    "architecture": ("sparc", "arm64, x86_64"),
    "package_bytecode": ("yes", "true or false"),
    "package_bytecode_release": ("3.13", "a release such as 3.13.0"),
    "package_for_this_machine": ("1", "true or false"),
    "api_memory_mb": ("127", "from 128 to 10240"),
    "worker_memory_mb": ("10241", "from 128 to 10240"),
    "api_timeout_seconds": ("30", "from 6 to 29"),
    "worker_timeout_seconds": ("901", "from 1 to 900"),
    "api_reserved_concurrency": ("-2", "from -1 to 10000"),
    "worker_reserved_concurrency": ("many", "from -1 to 10000"),
    "queue_visibility_seconds": ("43201", "from 0 to 43200"),
    "queue_retention_seconds": ("59", "from 60 to 1209600"),
    "dlq_retention_seconds": ("1209601", "from 60 to 1209600"),
    "max_receive_count": ("4", "from 5 to 1000"),
    "batch_size": ("0", "from 1 to 10000"),
    "batch_window_seconds": ("301", "from 0 to 300"),
    "batch_threads": ("0", "from 1 to 100"),
    "item_budget_seconds": ("0", "from 1 to 900"),
    "time_margin_seconds": ("1.5", "from 1 to 900"),
    "worker_max_concurrency": ("1", "from 2 to 1000"),
    "retry_base_seconds": ("0", "from 1 to 43200"),
    "retry_cap_seconds": ("43201", "from 1 to 43200"),
    "short_retry_horizon": ("True", "true or false"),
    "api_idempotency_ttl_seconds": ("3600", "from 86400 to"),
    "worker_idempotency_ttl_seconds": ("0", "from 86400 to"),
    "throttle_rate": ("0", "from 1 to 10000"),
    "throttle_burst": ("5001", "from 1 to 5000"),
    "allow_anonymous": ("", "true or false"),
    "subscriptions": ("not json", "a list of texts"),
    "alarms": ("off", "true or false"),
    "alarm_page_subscriptions": ('["pager"]', "email=address"),
    "alarm_notify_subscriptions": ('["pigeon"]', "https=URL"),
    "alarm_ticket_subscriptions": ('["sqs=queue"]', "the ARN of a standard queue"),
    "alarm_thresholds": ('["api_6xx_percent=1"]', "api_4xx_percent"),
    "alarm_topic_kms_key_arn": ("alias/aws/sns", "a customer managed key"),
    "runbook_base_url": ("https://example.com/a b", "a URL or path"),
    "accepting_objective_percent": ("93.9", "from 94 to 99.99"),
    "settling_objective_percent": ("100", "from 94 to 99.99"),
    "settling_promise_seconds": ("3601", "from 60 to 3600"),
    "tracing": ("on", "true or false"),
    "log_level": ("info", "DEBUG, INFO, WARNING, ERROR"),
    "debug_log_percent": ("101", "from 0 to 100"),
    "log_retention_days": ("8", "1, 3, 5, 7, 14"),
    "point_in_time_recovery": ("null", "true or false"),
    "deletion_protection": ("0", "true or false"),
    "protect": ("no", "true or false"),
    "local_endpoint": ("http://example.com:80", "http://127.0.0.1:PORT"),
    "authorizer": ("basic", "none, cognito, external"),
    "token_clients": ('["Shop"]', "lower-case letters"),
    "token_validity_seconds": ("86401", "from 1 to 86400"),
    "jwt_issuer": ("http://issuer.example.com", "starts with https://"),
    "jwt_audiences": ('[""]', "1 to 512 characters"),
    "jwt_write_scope": ("a b", "no spaces"),
    "jwt_read_scope": ("a b", "no spaces"),
    "cors_origins": ('["shop.example.com"]', "https://shop.example.com"),
    "domain_name": ("localhost", "a host name such as"),
    "domain_certificate_arn": ("arn:aws:iam::1:x", "the ARN of an ACM certificate"),
    "domain_zone_id": ("/hostedzone/Z1", "a hosted zone's id"),
    "waf": ("1", "true or false"),
    "waf_rate_limit": ("9", "from 10 to"),
    "waf_managed_rules": ("off", "block, count"),
    "origin_secret": ("my-dog", "32 to 256"),
    "origin_secret_also_accepted": ("long enough for a secret, but with a space", "32 to 256"),
    "trace_group": ("yes", "true or false"),
    "api_warm_start": ("off", "none, snap_start, provisioned"),
    "api_provisioned_concurrency": ("0", "from 1 to 1000"),
    "encryption": ("kms", "aws, customer"),
    "strict_ordering": ("1", "true or false"),
    "events_target": ("queue", "topic, bus"),
    "permissions_boundary_arn": ("arn:aws:iam::aws:role/x", "the ARN of a managed policy"),
    "gradual_deploy": ("false", "none, Canary10Percent5Minutes"),
}


def test_every_field_has_a_refused_value_in_the_table() -> None:
    # GIVEN / WHEN / THEN
    assert set(REFUSED) == set(StackConfig.model_fields)


@pytest.mark.parametrize("key", REFUSED)
def test_the_message_about_a_wrong_value_names_the_key_and_the_given_and_allowed_values(key: str) -> None:
    # GIVEN
    value, allowed = REFUSED[key]

    # WHEN
    error = refused(**{key: value})

    # THEN
    problem = error.problems[0]
    given = json.loads(value)[0].removeprefix("sqs=") if value.startswith("[") else value
    assert len(error.problems) == 1
    # The message shows only the length of a secret, because messages end up in logs.
    assert given not in str(error) if "secret" in key else given in problem.given
    assert allowed in problem.allowed
    assert f"change orders:{key}" in str(error)
    assert "Pulumi.test.yaml" in str(error)


@pytest.mark.parametrize("key", StackConfig.model_fields)
def test_every_field_has_a_description_a_default_and_only_known_keys_in_json_schema_extra(key: str) -> None:
    # GIVEN
    declaration = StackConfig.model_fields[key]

    # WHEN
    description, facts = declaration.description or "", declaration.json_schema_extra or {}

    # THEN `json_schema_extra` has only keys that docs/options.md shows or a check uses
    assert len(description) > 15
    assert not declaration.is_required()
    assert isinstance(facts, dict)
    assert facts.keys() <= {"allowed", "consequence", "cost", "only_with"}


def test_the_message_about_an_unknown_key_names_the_nearest_match() -> None:
    # GIVEN / WHEN
    problem = only_problem(batch_sise="10")

    # THEN
    assert problem.keys == ("batch_sise",)
    assert problem.allowed == "the keys in docs/options.md; did you mean batch_size?"


def test_the_message_about_an_unknown_key_names_only_docs_options_if_no_key_is_similar() -> None:
    # GIVEN / WHEN
    problem = only_problem(zzz="10")

    # THEN
    assert problem.allowed == "the keys in docs/options.md"


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ("api_4xx_procent=2", "name=value; did you mean api_4xx_percent?"),
        ("zzz=2", "name=value; docs/alarms.md lists the names"),
        ("api_4xx_percent", "name=value; docs/alarms.md lists the names"),
    ],
)
def test_the_message_about_a_wrong_threshold_suggests_a_similar_name_or_names_docs_alarms_md(
    given: str, allowed: str
) -> None:
    # GIVEN / WHEN
    problem = only_problem(alarm_thresholds=json.dumps([given]))

    # THEN
    assert problem.allowed == allowed


def test_all_problems_are_reported_together() -> None:
    # GIVEN
    wrong = {"batch_size": "x", "log_level": "loud", "max_receive_count": "2", "retry_kap_seconds": "1"}
    listed = {"alarm_page_subscriptions": '["pager", "pigeon"]', "subscriptions": '["[", "{"]'}
    together = {"dlq_retention_seconds": "600", "queue_retention_seconds": "86400"}

    # WHEN
    error = refused(**wrong, **together, **listed)

    # THEN
    assert {problem.keys[0] for problem in error.problems} == {
        *wrong,
        "dlq_retention_seconds",
        *(f"{name}[{index}]" for name in listed for index in range(2)),
    }
    assert str(error).startswith("9 problems in the configuration of stack test")


def test_values_of_several_keys_are_shown_with_their_keys() -> None:
    # GIVEN / WHEN / THEN
    assert values_of(parsed(), "batch_size", "log_level") == "batch_size = 10, log_level = INFO"


def test_a_rule_is_not_checked_on_a_field_with_a_wrong_value() -> None:
    # GIVEN / WHEN
    problem = only_problem(queue_visibility_seconds="-1", worker_timeout_seconds="60")

    # THEN
    assert problem.keys == ("queue_visibility_seconds",)


@pytest.mark.parametrize(
    ("project", "stack"), [("orders", "a" * 40), ("orders", "pr.42"), ("Orders", "dev"), ("9o", "d")]
)
def test_names_of_project_and_stack_that_are_too_long_or_have_wrong_characters_are_refused(
    project: str, stack: str
) -> None:
    # GIVEN / WHEN
    with pytest.raises(ValueError, match="at most 38 characters together") as caught:
        parse_config({"environment": "development"}, project=project, stack=stack)

    # THEN
    assert f"'{project}-{stack}'" in str(caught.value)
    assert "change the stack's name" in str(caught.value)


def test_lists_and_booleans_and_integers_are_parsed_to_their_types() -> None:
    # GIVEN
    item = "{name: billing, protocol: sqs, filter_policy: {event_type: [order.rejected]}}"

    # WHEN
    config = parsed(tracing="true", batch_size="7", subscriptions=json.dumps([item]), extra_tags='["Cost=1"]')

    # THEN
    assert config.tracing is True
    assert config.batch_size == 7
    assert config.subscriptions[0].filter_policy == {"event_type": ["order.rejected"]}
    assert config.tags["Cost"] == "1"


def test_a_parsed_configuration_cannot_be_changed() -> None:
    # GIVEN
    config = parsed()

    # WHEN / THEN
    with pytest.raises(ValueError, match="frozen"):
        config.batch_size = 3  # type: ignore[misc] # assigns to a frozen field on purpose


def test_pulumi_yaml_declares_exactly_the_fields_of_the_configuration() -> None:
    # GIVEN
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]

    # WHEN the key `pulumi:tags` is ignored: it is no field, but `pulumi new` adds it to the file
    own = {key: schema for key, schema in declared.items() if key != "pulumi:tags"}

    # THEN
    assert own == project_schema()


@pytest.mark.parametrize("stack", STACKS)
def test_a_stacks_configuration_is_the_same_with_and_without_the_defaults_of_pulumi_yaml(stack: str) -> None:
    # GIVEN
    own = {
        key.removeprefix("orders:"): value for key, value in read_stack_file(stack).items() if key.startswith("orders:")
    }
    defaults = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in ((key, declaration["default"]) for key, declaration in project_schema().items())
    }

    # WHEN
    with_defaults = parse_config({**defaults, **own}, project="orders", stack=stack)

    # THEN
    assert with_defaults == parse_config(own, project="orders", stack=stack)


def test_the_length_of_the_runbook_url_is_limited_to_leave_room_for_the_alarm_s_description() -> None:
    # GIVEN / WHEN
    problem = only_problem(runbook_base_url=f"https://{'a' * 510}")

    # THEN
    assert "at most 512 characters" in problem.allowed
