"""The edge with its firewall on recorded resources: what stands in front of the API, and the secret that proves it."""

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
    """Tests that nothing gets around the firewall: the header is added, it is checked, and it is the same."""

    def test_cloudfront_adds_the_secret_that_the_api_s_functions_check(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", WAF)
        (header,) = only(recording, "aws:cloudfront/distribution:Distribution").inputs["origins"][0]["customHeaders"]

        # THEN the functions take exactly what is sent, under the name it is sent by
        assert header["name"] == HEADER == origin.HEADER
        for each in API_FUNCTIONS:
            variables = recording.one("aws:lambda/function:Function", f"{each.name}-function").inputs["environment"]
            guard = origin.OriginGuard.of(variables["variables"]["ORIGIN_SECRET_SHA256"].split(","))
            assert guard.accepts(header["value"])
            assert not guard.accepts("")

    def test_every_route_leads_to_a_function_that_checks(self) -> None:
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

    def test_the_secret_itself_is_nowhere_but_in_the_distribution(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", {**WAF, "orders:origin_secret_also_accepted": OLD_SECRET})

        # THEN
        holders = [each.type for each in recording.resources if SECRET in repr(each.inputs)]
        assert holders == ["aws:cloudfront/distribution:Distribution"]
        assert only(recording, holders[0]).secrets == {"origins"}
        assert not [each.urn for each in recording.resources if OLD_SECRET in repr(each.inputs)]
        assert SECRET not in repr(recording.outputs)

    def test_while_it_is_replaced_both_secrets_are_accepted_and_the_new_one_is_sent_after_that(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", {**WAF, "orders:origin_secret_also_accepted": OLD_SECRET})
        variables = recording.one("aws:lambda/function:Function", "get-order-function").inputs["environment"]
        distribution = only(recording, "aws:cloudfront/distribution:Distribution")

        # THEN
        guard = origin.OriginGuard.of(variables["variables"]["ORIGIN_SECRET_SHA256"].split(","))
        assert guard.accepts(SECRET)
        assert guard.accepts(OLD_SECRET)
        aliases = {each.urn for each in recording.of_type("aws:lambda/alias:Alias") if "process" not in each.name}
        assert aliases <= set(distribution.depends_on)

    def test_the_firewall_is_where_cloudfront_looks_and_in_front_of_it(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", WAF)
        firewall = only(recording, "aws:wafv2/webAcl:WebAcl")
        distribution = only(recording, "aws:cloudfront/distribution:Distribution").inputs

        # THEN
        assert (firewall.inputs["scope"], firewall.inputs["region"]) == ("CLOUDFRONT", "us-east-1")
        # An HTTP API gives up after 30 s.
        assert [each["customOriginConfig"]["originReadTimeout"] for each in distribution["origins"]] == [30]
        assert distribution["webAclId"] == recording.state(firewall.type, firewall.name)["arn"]
        assert recording.outputs["api_url"].endswith(".cloudfront.net")
        assert f"https://{distribution['origins'][0]['domainName']}" == recording.outputs["api_origin_url"]

    def test_nothing_hides_behind_what_the_firewall_looks_at(self) -> None:
        # GIVEN / WHEN
        firewall = only(recorded_with("dev", WAF), "aws:wafv2/webAcl:WebAcl").inputs
        (body,) = firewall["associationConfig"]["requestBodies"]

        # THEN
        assert int(body["cloudfront"]["defaultSizeInspectionLimit"].removeprefix("KB_")) * 1024 == MAX_BYTES

    @pytest.mark.parametrize(("managed", "action"), [("block", "none"), ("count", "count")])
    def test_the_rate_limit_refuses_and_managed_rules_do_as_told(self, managed: str, action: str) -> None:
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

    def test_bodies_of_ordinary_size_and_clients_without_a_user_agent_pass(self) -> None:
        # GIVEN / WHEN
        rules = only(recorded_with("dev", WAF), "aws:wafv2/webAcl:WebAcl").inputs["rules"]
        (common,) = (rule for rule in rules if rule["name"] == "AWSManagedRulesCommonRuleSet")

        # THEN
        overrides = common["statement"]["managedRuleGroupStatement"]["ruleActionOverrides"]
        assert {each["name"] for each in overrides} == {"SizeRestrictions_BODY", "NoUserAgent_HEADER"}
        assert all(list(each["actionToUse"]) == ["count"] for each in overrides)

    def test_nothing_is_cached_and_nothing_goes_in_the_clear(self) -> None:
        # GIVEN / WHEN
        distribution = only(recorded_with("dev", WAF), "aws:cloudfront/distribution:Distribution").inputs

        # THEN
        behavior = distribution["defaultCacheBehavior"]
        assert behavior["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert behavior["viewerProtocolPolicy"] == "https-only"
        assert distribution["origins"][0]["customOriginConfig"]["originProtocolPolicy"] == "https-only"
        assert "orderedCacheBehaviors" not in distribution

    def test_only_what_was_refused_or_counted_is_logged_and_without_tokens(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", WAF)
        logging = only(recording, "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration").inputs
        group = recording.one("aws:cloudwatch/logGroup:LogGroup", "edge-firewall-logs").inputs

        # THEN
        assert logging["loggingFilter"]["defaultBehavior"] == "DROP"
        assert {each["singleHeader"]["name"] for each in logging["redactedFields"]} >= {"authorization"}
        assert group["name"].startswith("aws-waf-logs-")
        assert (group["region"], group["retentionInDays"]) == ("us-east-1", 7)

    def test_with_a_domain_the_name_leads_to_the_edge_with_a_certificate_where_cloudfront_looks(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", {**WAF, **DOMAIN})
        distribution = only(recording, "aws:cloudfront/distribution:Distribution").inputs

        # THEN the origin stays open, and guarded, because CloudFront needs it
        assert distribution["aliases"] == ["orders.example.com"]
        assert distribution["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
        assert only(recording, "aws:acm/certificate:Certificate").inputs["region"] == "us-east-1"
        assert only(recording, "aws:acm/certificateValidation:CertificateValidation").inputs["region"] == "us-east-1"
        assert not recording.of_type("aws:apigatewayv2/domainName:DomainName")
        assert "disableExecuteApiEndpoint" not in only(recording, API).inputs
        records = [each.inputs for each in recording.of_type("aws:route53/record:Record") if "aliases" in each.inputs]
        assert {each["type"] for each in records} == {"A", "AAAA"}
        assert recording.outputs["api_url"] == "https://orders.example.com"

    def test_a_certificate_of_the_edge_has_its_alarm_where_its_metric_is(self) -> None:
        # GIVEN / WHEN somebody hears of notices
        heard = {"orders:alarms": "true", "orders:alarm_notify_subscriptions": '["email=team@example.com"]'}
        recording = recorded_with("dev", {**WAF, **DOMAIN, **heard})
        alarm = recording.one("aws:cloudwatch/metricAlarm:MetricAlarm", "alarms-certificate-expiry").inputs
        there = [each.inputs for each in recording.resources if each.inputs.get("region") == "us-east-1"]

        # THEN the alarm, its topic and the same people are in that Region: CloudWatch publishes to no other
        (topic,) = [each for each in there if each.get("name") == "orders-dev-alarms-notify-us-east-1"]
        (action,) = alarm["alarmActions"]
        assert (alarm["region"], action.split(":")[3:]) == ("us-east-1", ["us-east-1", ACCOUNT, topic["name"]])
        assert [each["endpoint"] for each in there if "endpoint" in each] == ["team@example.com"]


def test_a_secret_in_plain_text_is_refused_with_the_command_that_encrypts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a stack file that somebody wrote the secret into
    monkeypatch.setattr("pipeline.config.secrets.is_config_secret", lambda _key: False)

    # WHEN
    with pytest.raises(ValueError, match="plain text") as caught:
        record_stack("dev", WAF)

    # THEN
    assert "pulumi config set --secret orders:origin_secret" in str(caught.value)
    assert SECRET not in str(caught.value)
