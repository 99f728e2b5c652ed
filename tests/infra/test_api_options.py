"""Tests which resources are registered for each option of the API."""

import pytest

from lab.recording.stacks import custom, recorded, recorded_with
from pipeline.functions import API_FUNCTIONS, FUNCTIONS
from runtime.settings import LookupSettings
from tests.infra.recorded import only

API, AUTHORIZER, ROUTE = (f"aws:apigatewayv2/{kind}" for kind in ("api:Api", "authorizer:Authorizer", "route:Route"))
CORS = {"orders:cors_origins": '["https://shop.example.com"]'}
DOMAIN = {"orders:domain_name": "orders.example.com", "orders:domain_zone_id": "Z123"}
EXTERNAL = {
    "orders:authorizer": "external",
    "orders:jwt_issuer": "https://id.example.com/",
    "orders:jwt_audiences": '["orders", "orders-test"]',
}


class TestCognito:
    def test_every_route_requires_the_authorizer_and_the_scope_of_its_method(self) -> None:
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

    def test_the_authorizer_accepts_tokens_of_this_pool_s_clients_only(self) -> None:
        # GIVEN / WHEN
        recording = recorded("prod")
        client = recording.state("aws:cognito/userPoolClient:UserPoolClient", "callers-client-shop")["id"]
        endpoint = recording.state("aws:cognito/userPool:UserPool", "callers-pool")["endpoint"]

        # THEN
        assert only(recording, AUTHORIZER).inputs["jwtConfiguration"] == {
            "issuer": f"https://{endpoint}",
            "audiences": [client],
        }

    def test_clients_can_get_tokens_by_client_credentials_only(self) -> None:
        # GIVEN / WHEN
        client = only(recorded("prod"), "aws:cognito/userPoolClient:UserPoolClient").inputs

        # THEN
        assert client["generateSecret"] is True
        assert client["allowedOauthFlows"] == ["client_credentials"]
        assert client["allowedOauthScopes"] == ["orders/read", "orders/write"]
        assert (client["accessTokenValidity"], client["tokenValidityUnits"]) == (3_600, {"accessToken": "seconds"})

    def test_the_pool_and_its_clients_are_protected_and_users_cannot_sign_up(self) -> None:
        # GIVEN / WHEN
        recording = recorded("prod")
        pool = only(recording, "aws:cognito/userPool:UserPool")
        client = only(recording, "aws:cognito/userPoolClient:UserPoolClient")

        # THEN
        assert pool.inputs["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": True}
        assert pool.inputs["deletionProtection"] == "ACTIVE"
        assert pool.protect
        assert client.protect

    def test_the_oauth_domain_contains_no_word_that_cognito_refuses(self) -> None:
        # GIVEN / WHEN
        domain = only(recorded("prod"), "aws:cognito/userPoolDomain:UserPoolDomain").inputs["domain"]

        # THEN
        assert domain.removeprefix("tokens-").isalnum()
        assert not [word for word in ("aws", "amazon", "cognito") if word in domain]
        assert recorded("prod").outputs["token_url"].startswith(f"https://{domain}.auth.eu-west-1.")

    def test_each_client_of_the_pool_gets_its_own_credentials(self) -> None:
        # GIVEN / WHEN
        recording = recorded_with("prod", {"orders:token_clients": '["shop", "warehouse"]'})

        # THEN
        clients = recording.of_type("aws:cognito/userPoolClient:UserPoolClient")
        assert {each.inputs["name"] for each in clients} == {"orders-prod-shop", "orders-prod-warehouse"}
        for output in ("token_clients", "token_client_secrets"):
            assert set(recording.outputs[output]) == {"shop", "warehouse"}
        assert len(only(recording, AUTHORIZER).inputs["jwtConfiguration"]["audiences"]) == 2


class TestExternalIssuer:
    def test_every_route_accepts_the_issuer_s_tokens_and_there_is_no_user_pool(self) -> None:
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


class TestFunctionsBehindAnAuthorizer:
    """Tests the setting `JWT_AUTHORIZER`. With it, a function refuses requests that no authorizer has verified."""

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
    def test_every_function_behind_a_route_has_the_setting_if_and_only_if_there_is_an_authorizer(
        self, stack: str, overrides: dict[str, str], verified: bool
    ) -> None:
        # GIVEN
        recording = recorded_with(stack, overrides)
        targets = [
            each.inputs["integrationUri"] for each in recording.of_type("aws:apigatewayv2/integration:Integration")
        ]

        # WHEN
        functions = recording.of_type("aws:lambda/function:Function")
        settings = {
            each.inputs["name"]: LookupSettings.from_environment(each.inputs["environment"]["variables"]).jwt_authorizer
            for each in functions
            if any(f":{each.inputs['name']}:live/" in target for target in targets)
        }

        # THEN
        assert bool(recording.of_type(AUTHORIZER)) is verified
        assert len(settings) == len(targets) == len(API_FUNCTIONS)
        assert set(settings.values()) == {verified}


class TestCors:
    def test_web_pages_may_send_and_read_the_headers_of_the_api(self) -> None:
        # GIVEN / WHEN
        cors = only(recorded_with("dev", CORS), API).inputs["corsConfiguration"]

        # THEN
        assert cors["allowOrigins"] == ["https://shop.example.com"]
        assert set(cors["allowMethods"]) == {each.method for each in API_FUNCTIONS}
        assert {"content-type", "idempotency-key"} <= set(cors["allowHeaders"])
        assert {"location", "idempotent-replayed", "retry-after"} <= set(cors["exposeHeaders"])
        assert "allowCredentials" not in cors

    def test_web_pages_may_send_a_token_only_if_there_is_an_authorizer(self) -> None:
        # GIVEN / WHEN
        headers = [
            only(recorded_with(stack, CORS), API).inputs["corsConfiguration"]["allowHeaders"]
            for stack in ("dev", "prod")
        ]

        # THEN
        assert ["authorization" in each for each in headers] == [False, True]


class TestDomain:
    def test_the_default_endpoint_is_disabled_and_the_domain_name_leads_to_the_api(self) -> None:
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

    def test_a_certificate_is_requested_and_validated_in_the_zone_before_it_is_used(self) -> None:
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

    def test_the_dns_target_is_an_output_if_the_domain_has_no_zone(self) -> None:
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
    def test_the_group_selects_failed_and_slow_traces_of_this_stack_s_functions(self) -> None:
        # GIVEN / WHEN
        traced = {"orders:tracing": "true", "orders:trace_group": "true"}
        group = only(recorded_with("prod", traced), "aws:xray/group:Group").inputs

        # THEN
        assert group["groupName"] == "orders-prod"
        for each in FUNCTIONS:
            assert f'service("orders-prod-{each.name}")' in group["filterExpression"]
        assert group["filterExpression"].endswith("AND (fault OR error OR responsetime > 3)")
        assert group["insightsConfiguration"] == {"insightsEnabled": False}
