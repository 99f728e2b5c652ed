"""Tests CloudFront, its firewall, and the secret that proves that a request came through CloudFront."""

import pytest

from lab.recording.fake_outputs import ACCOUNT
from lab.recording.recording import record_stack
from lab.recording.stacks import recorded_with
from pipeline.functions import API_FUNCTIONS
from pipeline.origin import HEADER
from runtime.http import origin
from runtime.http.body import MAX_BYTES
from tests.infra.recorded import only

API = "aws:apigatewayv2/api:Api"
SECRET = "0123456789abcdef0123456789abcdef"
OLD_SECRET = "fedcba9876543210fedcba9876543210"
DOMAIN = {"orders:domain_name": "orders.example.com", "orders:domain_zone_id": "Z123"}
WAF = {"orders:waf": "true", "orders:origin_secret": SECRET}


class TestFirewall:
    """Tests the firewall, and that no request can bypass it: CloudFront adds the secret, and the functions check it."""

    def test_cloudfront_adds_the_secret_that_the_api_s_functions_check(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", WAF)
        (header,) = only(recording, "aws:cloudfront/distribution:Distribution").inputs["origins"][0]["customHeaders"]

        # THEN the functions accept exactly the header and the secret that CloudFront sends
        assert header["name"] == HEADER == origin.HEADER
        for each in API_FUNCTIONS:
            variables = recording.one("aws:lambda/function:Function", f"{each.name}-function").inputs["environment"]
            guard = origin.OriginGuard.of(variables["variables"]["ORIGIN_SECRET_SHA256"].split(","))
            assert guard.accepts(header["value"])
            assert not guard.accepts("")

    def test_every_route_leads_to_a_function_that_checks_the_secret(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", WAF)
        integrations = recording.of_type("aws:apigatewayv2/integration:Integration")
        checking = [
            each.inputs["name"]
            for each in recording.of_type("aws:lambda/function:Function")
            if "ORIGIN_SECRET_SHA256" in each.inputs["environment"]["variables"]
        ]

        # THEN
        assert len(integrations) == len(checking) == len(API_FUNCTIONS)
        assert all(any(f":{name}:live/" in each.inputs["integrationUri"] for name in checking) for each in integrations)

    def test_only_the_distribution_contains_the_secret_itself(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", {**WAF, "orders:origin_secret_also_accepted": OLD_SECRET})

        # THEN
        holders = [each.type for each in recording.resources if SECRET in repr(each.inputs)]
        assert holders == ["aws:cloudfront/distribution:Distribution"]
        assert only(recording, holders[0]).secrets == {"origins"}
        assert not [each.urn for each in recording.resources if OLD_SECRET in repr(each.inputs)]
        assert SECRET not in repr(recording.outputs)

    def test_all_functions_accept_both_secrets_before_cloudfront_sends_the_new_secret(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", {**WAF, "orders:origin_secret_also_accepted": OLD_SECRET})
        distribution = only(recording, "aws:cloudfront/distribution:Distribution")

        # THEN
        for each in API_FUNCTIONS:
            variables = recording.one("aws:lambda/function:Function", f"{each.name}-function").inputs["environment"]
            guard = origin.OriginGuard.of(variables["variables"]["ORIGIN_SECRET_SHA256"].split(","))
            assert guard.accepts(SECRET)
            assert guard.accepts(OLD_SECRET)
        aliases = {each.urn for each in recording.of_type("aws:lambda/alias:Alias") if "process" not in each.name}
        assert aliases <= set(distribution.depends_on)

    def test_the_firewall_is_in_us_east_1_and_attached_to_the_distribution(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", WAF)
        firewall = only(recording, "aws:wafv2/webAcl:WebAcl")
        distribution = only(recording, "aws:cloudfront/distribution:Distribution").inputs

        # THEN
        assert (firewall.inputs["scope"], firewall.inputs["region"]) == ("CLOUDFRONT", "us-east-1")
        # CloudFront waits 30 s for the API, because the API waits at most 30 s for a function.
        assert [each["customOriginConfig"]["originReadTimeout"] for each in distribution["origins"]] == [30]
        assert distribution["webAclId"] == recording.state(firewall.type, firewall.name)["arn"]
        assert recording.outputs["api_url"].endswith(".cloudfront.net")
        assert f"https://{distribution['origins'][0]['domainName']}" == recording.outputs["api_origin_url"]

    def test_the_firewall_inspects_as_many_bytes_of_a_body_as_the_api_accepts(self) -> None:
        # GIVEN / WHEN
        firewall = only(recorded_with("dev", WAF), "aws:wafv2/webAcl:WebAcl").inputs
        (body,) = firewall["associationConfig"]["requestBodies"]

        # THEN
        assert int(body["cloudfront"]["defaultSizeInspectionLimit"].removeprefix("KB_")) * 1024 == MAX_BYTES

    @pytest.mark.parametrize(("managed", "action"), [("block", "none"), ("count", "count")])
    def test_the_rate_limit_always_blocks_but_managed_rules_block_or_count(self, managed: str, action: str) -> None:
        # GIVEN
        overrides = {**WAF, "orders:waf_managed_rules": managed, "orders:waf_rate_limit": "500"}

        # WHEN
        rules = only(recorded_with("dev", overrides), "aws:wafv2/webAcl:WebAcl").inputs["rules"]

        # THEN
        rate, *groups = sorted(rules, key=lambda rule: int(rule["priority"]))
        assert rate["statement"]["rateBasedStatement"]["limit"] == 500
        assert "block" in rate["action"]
        assert [list(group["overrideAction"]) for group in groups] == [[action]] * 3
        assert len({rule["priority"] for rule in rules}) == 4

    def test_managed_rules_count_requests_with_large_bodies_or_without_a_user_agent_but_do_not_block_them(self) -> None:
        # GIVEN / WHEN
        rules = only(recorded_with("dev", WAF), "aws:wafv2/webAcl:WebAcl").inputs["rules"]
        (common,) = (rule for rule in rules if rule["name"] == "AWSManagedRulesCommonRuleSet")

        # THEN
        overrides = common["statement"]["managedRuleGroupStatement"]["ruleActionOverrides"]
        assert {each["name"] for each in overrides} == {"SizeRestrictions_BODY", "NoUserAgent_HEADER"}
        assert all(list(each["actionToUse"]) == ["count"] for each in overrides)

    def test_nothing_is_cached_and_all_connections_are_encrypted(self) -> None:
        # GIVEN / WHEN
        distribution = only(recorded_with("dev", WAF), "aws:cloudfront/distribution:Distribution").inputs

        # THEN
        behavior = distribution["defaultCacheBehavior"]
        assert behavior["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert behavior["viewerProtocolPolicy"] == "https-only"
        assert distribution["origins"][0]["customOriginConfig"]["originProtocolPolicy"] == "https-only"
        assert "orderedCacheBehaviors" not in distribution

    def test_only_refused_and_counted_requests_are_logged_and_their_tokens_are_left_out(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", WAF)
        logging = only(recording, "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration").inputs
        group = recording.one("aws:cloudwatch/logGroup:LogGroup", "edge-firewall-logs").inputs

        # THEN
        (kept,) = logging["loggingFilter"]["filters"]
        assert logging["loggingFilter"]["defaultBehavior"] == "DROP"
        assert kept["behavior"] == "KEEP"
        assert [each["actionCondition"]["action"] for each in kept["conditions"]] == ["BLOCK", "COUNT"]
        assert {each["singleHeader"]["name"] for each in logging["redactedFields"]} >= {"authorization"}
        assert group["name"].startswith("aws-waf-logs-")
        assert (group["region"], group["retentionInDays"]) == ("us-east-1", 7)

    def test_a_domain_name_points_to_cloudfront_whose_certificate_is_in_us_east_1(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", {**WAF, **DOMAIN})
        distribution = only(recording, "aws:cloudfront/distribution:Distribution").inputs

        # THEN the API's default endpoint stays enabled, because CloudFront calls it (the secret protects this endpoint)
        assert distribution["aliases"] == ["orders.example.com"]
        assert distribution["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
        assert only(recording, "aws:acm/certificate:Certificate").inputs["region"] == "us-east-1"
        assert only(recording, "aws:acm/certificateValidation:CertificateValidation").inputs["region"] == "us-east-1"
        assert not recording.of_type("aws:apigatewayv2/domainName:DomainName")
        assert "disableExecuteApiEndpoint" not in only(recording, API).inputs
        records = [each.inputs for each in recording.of_type("aws:route53/record:Record") if "aliases" in each.inputs]
        assert {each["type"] for each in records} == {"A", "AAAA"}
        assert recording.outputs["api_url"] == "https://orders.example.com"

    def test_the_alarm_on_cloudfront_s_certificate_is_in_us_east_1_like_its_metric(self) -> None:
        # GIVEN / WHEN an e-mail address is subscribed to the alarms of tier notify
        receiver = {"orders:alarms": "true", "orders:alarm_notify_subscriptions": '["email=team@example.com"]'}
        recording = recorded_with("dev", {**WAF, **DOMAIN, **receiver})
        alarm = recording.one("aws:cloudwatch/metricAlarm:MetricAlarm", "alarms-certificate-expiry").inputs
        in_us_east_1 = [each.inputs for each in recording.resources if each.inputs.get("region") == "us-east-1"]

        # THEN us-east-1 has a topic of this tier too, with the same subscription: an alarm can notify only topics in
        # its own Region
        (topic,) = [each for each in in_us_east_1 if "displayName" in each]
        assert topic["name"] == "orders-dev-alarms-notify-us-east-1"
        (action,) = alarm["alarmActions"]
        assert (alarm["region"], action.split(":")[3:]) == ("us-east-1", ["us-east-1", ACCOUNT, topic["name"]])
        assert [each["endpoint"] for each in in_us_east_1 if "endpoint" in each] == ["team@example.com"]


def test_the_message_about_a_secret_in_plain_text_names_the_command_that_encrypts_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN a stack file with the secret in plain text
    monkeypatch.setattr("pipeline.config.secrets.is_config_secret", lambda _key: False)

    # WHEN
    with pytest.raises(ValueError, match="plain text") as caught:
        record_stack("dev", WAF)

    # THEN
    assert "pulumi config set --stack dev --secret orders:origin_secret" in str(caught.value)
    assert SECRET not in str(caught.value)
