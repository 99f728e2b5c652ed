"""The API's options on recorded resources: what each makes when it is on."""

import pytest

from lab.recording.fake_outputs import ACCOUNT
from lab.recording.recording import Recorded, Recording, record_stack
from lab.recording.stacks import custom, recorded, recorded_with
from pipeline.functions import API_FUNCTIONS, FUNCTIONS
from pipeline.origin import HEADER
from runtime.http import origin
from runtime.http.body import MAX_BYTES
from runtime.settings import LookupSettings

API, AUTHORIZER, ROUTE = (f"aws:apigatewayv2/{kind}" for kind in ("api:Api", "authorizer:Authorizer", "route:Route"))
SECRET = "0123456789abcdef0123456789abcdef"
OLD_SECRET = "fedcba9876543210fedcba9876543210"
CORS = {"orders:cors_origins": '["https://shop.example.com"]'}
DOMAIN = {"orders:domain_name": "orders.example.com", "orders:domain_zone_id": "Z123"}
WAF = {"orders:waf": "true", "orders:origin_secret": SECRET}
EXTERNAL = {
    "orders:authorizer": "external",
    "orders:jwt_issuer": "https://id.example.com/",
    "orders:jwt_audiences": '["orders", "orders-test"]',
}


def only(recording: Recording, token: str) -> Recorded:
    (found,) = recording.of_type(token)
    return found


class TestCognito:
    def test_every_route_is_behind_the_authorizer_and_a_scope_of_its_own(self) -> None:
        # GIVEN / WHEN
        recording = recorded("prod")
        authorizer = recording.state(AUTHORIZER, "api-authorizer")["id"]

        # THEN
        routes = {each.inputs["routeKey"]: each.inputs for each in recording.of_type(ROUTE)}
        assert {key: each["authorizationScopes"] for key, each in routes.items()} == {
            f"{each.method} {each.path}": [f"orders/{'read' if each.method == 'GET' else 'write'}"]
            for each in API_FUNCTIONS
        }
        assert {(each["authorizationType"], each["authorizerId"]) for each in routes.values()} == {("JWT", authorizer)}

    def test_the_authorizer_takes_tokens_of_this_pool_s_clients_only(self) -> None:
        # GIVEN / WHEN
        recording = recorded("prod")
        client = recording.state("aws:cognito/userPoolClient:UserPoolClient", "callers-client-shop")["id"]
        endpoint = recording.state("aws:cognito/userPool:UserPool", "callers-pool")["endpoint"]

        # THEN
        assert only(recording, AUTHORIZER).inputs["jwtConfiguration"] == {
            "issuer": f"https://{endpoint}",
            "audiences": [client],
        }

    def test_clients_get_tokens_by_their_own_credentials_and_in_no_other_way(self) -> None:
        # GIVEN / WHEN
        client = only(recorded("prod"), "aws:cognito/userPoolClient:UserPoolClient").inputs

        # THEN
        assert client["generateSecret"] is True
        assert client["allowedOauthFlows"] == ["client_credentials"]
        assert client["allowedOauthScopes"] == ["orders/read", "orders/write"]
        assert (client["accessTokenValidity"], client["tokenValidityUnits"]) == (3_600, {"accessToken": "seconds"})

    def test_nobody_can_sign_up_and_pool_and_clients_are_protected(self) -> None:
        # GIVEN / WHEN
        recording = recorded("prod")
        pool = only(recording, "aws:cognito/userPool:UserPool")
        client = only(recording, "aws:cognito/userPoolClient:UserPoolClient")

        # THEN
        assert pool.inputs["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": True}
        assert pool.inputs["deletionProtection"] == "ACTIVE"
        assert pool.protect
        assert client.protect

    def test_the_oauth_domain_holds_no_word_that_cognito_refuses(self) -> None:
        # GIVEN / WHEN
        domain = only(recorded("prod"), "aws:cognito/userPoolDomain:UserPoolDomain").inputs["domain"]

        # THEN
        assert domain.removeprefix("tokens-").isalnum()
        assert not [word for word in ("aws", "amazon", "cognito") if word in domain]
        assert recorded("prod").outputs["token_url"].startswith(f"https://{domain}.auth.eu-west-1.")

    def test_each_client_is_one(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("prod", {"orders:token_clients": '["shop", "warehouse"]'})

        # THEN
        clients = recording.of_type("aws:cognito/userPoolClient:UserPoolClient")
        assert {each.inputs["name"] for each in clients} == {"orders-prod-shop", "orders-prod-warehouse"}
        for output in ("token_clients", "token_client_secrets"):
            assert set(recording.outputs[output]) == {"shop", "warehouse"}
        assert len(only(recording, AUTHORIZER).inputs["jwtConfiguration"]["audiences"]) == 2


class TestExternalIssuer:
    def test_its_tokens_open_every_route_and_no_user_pool_is_made(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", {**EXTERNAL, "orders:jwt_write_scope": "orders.write"})

        # THEN
        assert only(recording, AUTHORIZER).inputs["jwtConfiguration"] == {
            "issuer": "https://id.example.com/",
            "audiences": ["orders", "orders-test"],
        }
        routes = {each.inputs["routeKey"][:4]: each.inputs for each in recording.of_type(ROUTE)}
        assert routes["POST"]["authorizationScopes"] == ["orders.write"]
        assert "authorizationScopes" not in routes["GET "]
        assert {each["authorizationType"] for each in routes.values()} == {"JWT"}
        assert not [each for each in custom(recording) if "cognito" in each.type]


class TestFunctionsThatKnowOfTheAuthorizer:
    """So that a route that lost its authorizer, or was added without one, is nobody's."""

    @pytest.mark.parametrize(
        ("stack", "overrides", "verified"),
        [
            ("prod", {}, True),
            ("dev", EXTERNAL, True),
            ("dev", {}, False),
            (
                "prod",
                {"orders:authorizer": "none", "orders:token_clients": "[]", "orders:allow_anonymous": "true"},
                False,
            ),
        ],
        ids=["cognito", "external", "none", "anonymous"],
    )
    def test_every_function_behind_a_route_is_told_exactly_when_the_routes_have_one(
        self, stack: str, overrides: dict[str, str], verified: bool
    ) -> None:
        # GIVEN
        recording = recorded_with(stack, overrides)
        targets = [
            each.inputs["integrationUri"] for each in recording.of_type("aws:apigatewayv2/integration:Integration")
        ]

        # WHEN
        functions = recording.of_type("aws:lambda/function:Function")
        told = {
            each.inputs["name"]: LookupSettings.from_environment(each.inputs["environment"]["variables"]).jwt_authorizer
            for each in functions
            if any(f":{each.inputs['name']}:live/" in target for target in targets)
        }

        # THEN
        assert bool(recording.of_type(AUTHORIZER)) is verified
        assert len(told) == len(targets) == len(API_FUNCTIONS)
        assert set(told.values()) == {verified}


class TestCors:
    def test_pages_may_send_what_the_contract_asks_for_and_read_what_it_answers(self) -> None:
        # GIVEN / WHEN
        cors = only(recorded_with("dev", CORS), API).inputs["corsConfiguration"]

        # THEN
        assert cors["allowOrigins"] == ["https://shop.example.com"]
        assert set(cors["allowMethods"]) == {each.method for each in API_FUNCTIONS}
        assert {"content-type", "idempotency-key"} <= set(cors["allowHeaders"])
        assert {"location", "idempotent-replayed", "retry-after"} <= set(cors["exposeHeaders"])
        assert "allowCredentials" not in cors

    def test_a_token_may_be_sent_where_one_is_asked_for(self) -> None:
        # GIVEN / WHEN
        headers = [
            only(recorded_with(stack, CORS), API).inputs["corsConfiguration"]["allowHeaders"]
            for stack in ("dev", "prod")
        ]

        # THEN
        assert ["authorization" in each for each in headers] == [False, True]


class TestDomain:
    def test_the_default_endpoint_is_closed_and_the_name_leads_to_the_api(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", DOMAIN)

        # THEN
        name = only(recording, "aws:apigatewayv2/domainName:DomainName").inputs
        mapping = only(recording, "aws:apigatewayv2/apiMapping:ApiMapping").inputs
        assert only(recording, API).inputs["disableExecuteApiEndpoint"] is True
        assert name["domainName"] == "orders.example.com"
        assert name["domainNameConfiguration"]["endpointType"] == "REGIONAL"
        assert name["domainNameConfiguration"]["securityPolicy"] == "TLS_1_2"
        assert mapping["apiId"] == recording.state(API, "api")["id"]
        assert (mapping["stage"], mapping["domainName"]) == ("$default", "orders.example.com")
        assert recording.outputs["api_url"] == "https://orders.example.com"
        record = recording.one("aws:route53/record:Record", "api-domain-a").inputs
        (alias,) = record["aliases"]
        assert (record["zoneId"], record["name"], record["type"]) == ("Z123", "orders.example.com", "A")
        assert alias["name"].startswith("d-")

    def test_a_certificate_is_made_and_validated_in_the_zone_before_it_is_used(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("dev", DOMAIN)
        record = recording.one("aws:route53/record:Record", "api-domain-tls-validation-record")
        validation = only(recording, "aws:acm/certificateValidation:CertificateValidation")

        # THEN
        certificate = only(recording, "aws:acm/certificate:Certificate").inputs
        assert (certificate["domainName"], certificate["validationMethod"]) == ("orders.example.com", "DNS")
        assert (record.inputs["zoneId"], record.inputs["type"]) == ("Z123", "CNAME")
        assert record.inputs["records"] == ["_y.acm-validations.aws."]
        assert validation.inputs["validationRecordFqdns"] == ["_x.orders.example.com"]
        name = only(recording, "aws:apigatewayv2/domainName:DomainName")
        assert validation.urn in name.depends_on

    def test_with_a_certificate_of_one_s_own_and_no_zone_the_target_is_told(self) -> None:
        # GIVEN
        arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1"

        # WHEN
        recording = recorded_with("dev", {"orders:domain_name": "o.example.com", "orders:domain_certificate_arn": arn})

        # THEN
        name = only(recording, "aws:apigatewayv2/domainName:DomainName").inputs
        assert name["domainNameConfiguration"]["certificateArn"] == arn
        assert recording.outputs["domain_target"].startswith("d-")
        assert not recording.of_type("aws:route53/record:Record")
        assert not recording.of_type("aws:acm/certificate:Certificate")


class TestTraceGroup:
    def test_it_holds_what_failed_or_was_slow_in_this_stack_s_functions(self) -> None:
        # GIVEN / WHEN
        traced = {"orders:tracing": "true", "orders:trace_group": "true"}
        group = only(recorded_with("prod", traced), "aws:xray/group:Group").inputs

        # THEN
        assert group["groupName"] == "orders-prod"
        for each in FUNCTIONS:
            assert f'service("orders-prod-{each.name}")' in group["filterExpression"]
        assert group["filterExpression"].endswith("AND (fault OR error OR responsetime > 3)")
        assert group["insightsConfiguration"] == {"insightsEnabled": False}


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
