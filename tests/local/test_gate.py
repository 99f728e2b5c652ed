"""Tests that the emulator's gate accepts requests with the instance's keys, and other requests only on open routes."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.keys import Keys
from local.ports import LOOPBACK
from local.proxy.gate import Gate, Refusal
from local.proxy.wire import Head, Request
from tests.local.signing import KEYS, gate, presigned, signed
from tests.local.upstream import Upstream, proxied

PORT = 4566
ME = f"http://{LOOPBACK}:{PORT}"
CREATE = "/2015-03-31/functions"
API = "/_aws/execute-api/a1b2c3d4/orders"
KEY_SET = "/eu-west-1_AbCdEfGhI/.well-known/jwks.json"
CONFIRM = "/?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A000000000000%3At&Token=0a1b"
OTHER = Keys("LOCALZZZZZZZZZZZZZZZ", "the-secret-of-another")


def request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Request:
    given = {"Host": f"{LOOPBACK}:{PORT}", **headers}
    return Request(Head(method, target, tuple((name.encode(), value.encode()) for name, value in given.items())), body)


def judged(by: Gate, attempt: Request) -> str:
    """Return the code of the refusal, or an empty string if the request passes."""
    refusal: Refusal | None = by.refusal_of_head(attempt.head, PORT) or by.refusal_of_signature(attempt)
    return refusal.code if refusal else ""


def create(keys: Keys = KEYS, **headers: str) -> Request:
    body = b'{"FunctionName": "f"}'
    given = signed("POST", ME + CREATE, body, headers, service="lambda", keys=keys)
    return request("POST", CREATE, given, body)


class TestTheKey:
    @pytest.mark.parametrize("service", ["lambda", "dynamodb", "sqs", "sns", "s3", "events", "monitoring", "iam"])
    @pytest.mark.parametrize("target", ["/", "/a/b", "/a%20b/%2F", "/x?list=2&a=b%3Ac&a=&Z=1", "/?flag"])
    def test_a_request_that_the_sdk_signed_passes(self, service: str, target: str) -> None:
        # GIVEN a request that botocore signed, for any service
        body = b"{}"
        headers = signed("POST", ME + target, body, {"X-Amz-Target": "T", "Content-Type": "a/b"}, service=service)
        # WHEN / THEN it passes
        assert judged(gate(), request("POST", target, headers, body)) == ""

    @given(segments=st.lists(st.text(max_size=8), max_size=3), pairs=st.dictionaries(st.text(min_size=1), st.text()))
    def test_a_signed_request_passes_with_any_path_and_query(self, segments: list[str], pairs: dict[str, str]) -> None:
        # GIVEN any path and any query
        path = "/" + "/".join(quote(each.replace("/", "").replace(".", ""), safe="") or "x" for each in segments)
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs.items())
        target = f"{path}?{query}" if query else path
        # WHEN one request has its signature in a header, and another request has it in the URL
        headed = request("GET", target, signed("GET", ME + target))
        url = urlsplit(presigned(ME + target))
        # THEN both requests pass
        assert judged(gate(), headed) == ""
        assert judged(gate(), request("GET", f"{url.path}?{url.query}", {})) == ""

    @pytest.mark.parametrize(
        ("attempt", "code"),
        [
            (request("POST", CREATE, {}), "MissingAuthenticationToken"),
            (request("POST", CREATE, {"Authorization": "Bearer x"}), "MissingAuthenticationToken"),
            (request("POST", CREATE, {"Authorization": "AWS4-HMAC-SHA256 gibberish"}), "MissingAuthenticationToken"),
            (request("GET", "/_ministack/health", {}), "MissingAuthenticationToken"),
            (request("POST", "/_ministack/reset", {}), "MissingAuthenticationToken"),
            (request("OPTIONS", CREATE, {}), "MissingAuthenticationToken"),
            (create(OTHER), "InvalidClientTokenId"),
            (create(Keys("test", "test")), "InvalidClientTokenId"),
            (create(Keys("../outputs.json", "x")), "MissingAuthenticationToken"),
            (create(Keys(KEYS.access_key_id, "guessed")), "SignatureDoesNotMatch"),
            (create(Keys("000000000000", "test")), "SignatureDoesNotMatch"),
        ],
    )
    def test_a_request_without_a_valid_signature_is_refused(self, attempt: Request, code: str) -> None:
        # GIVEN a request without a signature, with another key, or with a wrong signature / WHEN / THEN
        assert judged(gate(), attempt) == code

    @pytest.mark.parametrize("service", ["s3", "lambda"])
    def test_a_signature_in_the_query_is_checked_like_one_in_the_header(self, service: str) -> None:
        # GIVEN presigned URLs, with this instance's key and with a made-up one
        ours, foreign = (urlsplit(presigned(f"{ME}/bucket/key", service=service, keys=keys)) for keys in (KEYS, OTHER))
        # WHEN / THEN
        assert judged(gate(), request("GET", f"{ours.path}?{ours.query}", {})) == ""
        assert judged(gate(), request("GET", f"{foreign.path}?{foreign.query}", {})) == "InvalidClientTokenId"

    @pytest.mark.parametrize(
        "change",
        [
            lambda attempt: replace(attempt, body=b'{"FunctionName": "g"}'),
            lambda attempt: replace(attempt, head=replace(attempt.head, target=f"{CREATE}/f/invocations")),
            lambda attempt: replace(attempt, head=replace(attempt.head, target=f"{CREATE}?Qualifier=1")),
            lambda attempt: replace(attempt, head=replace(attempt.head, method="PUT")),
        ],
    )
    def test_a_signature_is_valid_for_its_request_only(self, change: object) -> None:
        # GIVEN a signed request / WHEN a part of it is changed / THEN
        assert callable(change)
        assert judged(gate(), change(create())) == "SignatureDoesNotMatch"

    @pytest.mark.parametrize(
        ("minutes", "code"), [(-16, "RequestExpired"), (-14, ""), (14, ""), (16, "RequestExpired")]
    )
    def test_a_signature_expires(self, minutes: int, code: str) -> None:
        # GIVEN a clock that differs from the signer's
        clock = replace(gate(), clock=lambda: datetime.now(UTC) + timedelta(minutes=minutes))
        # WHEN / THEN
        assert judged(clock, create()) == code

    @pytest.mark.parametrize(("seconds", "code"), [(59, ""), (61, "RequestExpired")])
    def test_a_presigned_url_is_valid_for_the_time_in_its_query(self, seconds: int, code: str) -> None:
        # GIVEN a URL that is valid for a minute, and a gate whose clock is `seconds` ahead
        url = urlsplit(presigned(f"{ME}/bucket/key", service="s3", seconds=60))
        later = replace(gate(), clock=lambda: datetime.now(UTC) + timedelta(seconds=seconds))
        # WHEN / THEN
        assert judged(later, request("GET", f"{url.path}?{url.query}", {})) == code

    def test_a_request_with_keys_that_the_emulator_issued_passes(self, tmp_path: Path) -> None:
        # GIVEN a function's key, which the emulator has written to a file for the gate, and a made-up key
        (tmp_path / "ASIA0123456789ABCDEF").write_text("secret of the function")
        by = gate(sessions=tmp_path)
        # WHEN / THEN
        assert judged(by, create(Keys("ASIA0123456789ABCDEF", "secret of the function"))) == ""
        assert judged(by, create(Keys("ASIA0123456789ABCDEF", "guessed"))) == "SignatureDoesNotMatch"
        assert judged(by, create(Keys("ASIA0000000000000000", "made up"))) == "InvalidClientTokenId"

    def test_keys_are_new_each_time_and_differ_from_those_of_aws(self) -> None:
        # GIVEN / WHEN
        made = [Keys.fresh() for _ in range(100)]
        # THEN
        assert len({each.access_key_id for each in made}) == len({each.secret_access_key for each in made}) == 100
        assert not any(each.access_key_id.startswith(("AKIA", "ASIA")) for each in made)
        assert not any(each.secret_access_key in repr(each) for each in made)


class TestOrigin:
    @pytest.mark.parametrize(
        "host", ["evil.example", f"evil.example:{PORT}", LOOPBACK, f"{LOOPBACK}:80", "localhost", ""]
    )
    @pytest.mark.parametrize("target", [CREATE, API, KEY_SET])
    def test_another_host_name_is_refused_even_with_a_signature(self, host: str, target: str) -> None:
        # GIVEN a request whose Host header does not name this instance, as after DNS rebinding
        headers = signed("GET", ME + target, headers={"Host": host})
        # WHEN / THEN the gate refuses it, even for the public API
        assert judged(gate(), request("GET", target, {**headers, "Host": host})) == "AccessDenied"

    @pytest.mark.parametrize("host", [f"{LOOPBACK}:{PORT}", f"localhost:{PORT}", f"LOCALHOST:{PORT}"])
    def test_the_instances_own_host_names_pass(self, host: str) -> None:
        # GIVEN / WHEN / THEN
        headers = signed("GET", ME + CREATE, headers={"Host": host})
        assert judged(gate(), request("GET", CREATE, {**headers, "Host": host})) == ""

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:3000"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    @pytest.mark.parametrize("target", [CREATE, KEY_SET, CONFIRM])
    def test_a_page_of_another_origin_is_refused_even_with_a_signature(
        self, headers: dict[str, str], target: str
    ) -> None:
        # GIVEN the headers with which a browser describes the page
        attempt = request("GET", target, {**signed("GET", ME + target), **headers})
        # WHEN / THEN
        assert judged(gate(), attempt) == "AccessDenied"

    def test_the_instances_own_page_passes_with_the_key(self) -> None:
        # GIVEN / WHEN / THEN
        attempt = request("GET", CREATE, {**signed("GET", ME + CREATE), "Origin": ME, "Sec-Fetch-Site": "same-origin"})
        assert judged(gate(), attempt) == ""

    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
    def test_the_gate_leaves_cors_to_the_stacks_api(self, method: str) -> None:
        # GIVEN a request of a page of another origin
        headers = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
        # WHEN / THEN
        assert judged(gate(), request(method, API, headers)) == ""


class TestOpenRoutes:
    @pytest.mark.parametrize(
        ("method", "target"),
        [
            ("POST", API),
            ("GET", f"{API}/some-order"),
            ("POST", "/oauth2/token"),
            ("GET", KEY_SET),
            ("GET", "/eu-west-1_AbCdEfGhI/.well-known/openid-configuration"),
            ("GET", CONFIRM),
        ],
    )
    def test_routes_that_are_public_on_aws_need_no_key(self, method: str, target: str) -> None:
        assert judged(gate(), request(method, target, {})) == ""

    @pytest.mark.parametrize(
        ("method", "target"),
        [
            ("GET", "/oauth2/token"),
            ("POST", KEY_SET),
            ("GET", f"/bucket{KEY_SET}"),
            ("GET", f"{KEY_SET}/x"),
            ("POST", CONFIRM),
            ("GET", f"{CONFIRM}&Action=CreateTopic"),
            ("GET", f"{CONFIRM}&Name=t"),
            ("GET", "/?Action=Subscribe&TopicArn=t"),
            ("GET", "/?Action=ConfirmSubscription"),
            ("GET", "/_aws/execute-api"),
            ("GET", f"/x{API}"),
            ("GET", "/_aws%2Fexecute-api/a/b"),
            ("GET", "/_aws/sqs/messages"),
            ("GET", "/_ministack/lambda-code/f"),
            ("GET", "http://127.0.0.1/_aws/execute-api/a/b"),
        ],
    )
    def test_routes_that_resemble_public_ones_need_the_key(self, method: str, target: str) -> None:
        assert judged(gate(), request(method, target, {})) == "MissingAuthenticationToken"

    def test_a_public_request_whose_body_names_another_action_is_refused(self) -> None:
        # GIVEN a confirmation whose body names another action / WHEN / THEN
        attempt = request("GET", CONFIRM, {"Content-Length": "18"}, b"Action=CreateTopic")
        assert judged(gate(), attempt) == "MissingAuthenticationToken"


@pytest.fixture
def pair() -> Iterator[tuple[Upstream, int]]:
    with proxied() as (upstream, proxy):
        yield upstream, proxy.port


def sent(port: int, data: bytes) -> bytes:
    """Send these bytes, and return everything that the server sends until the connection ends."""
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


class TestOnTheWire:
    def test_a_client_that_sends_too_much_receives_the_refusal(self, pair: tuple[Upstream, int]) -> None:
        # GIVEN a client that has no key, and that sends more than the gate reads
        upstream, port = pair
        head = f"POST {CREATE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 400000\r\n\r\n".encode()
        # WHEN
        answer = sent(port, head + b"x" * 400_000)
        # THEN the client still receives the refusal, with the name of the keys' file, and nothing reaches the emulator
        assert answer.startswith(b"HTTP/1.1 403 Forbidden")
        assert b"outputs.json" in answer
        assert upstream.seen == []

    @pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\r\n", b"\n\r\n"])
    def test_no_request_is_smuggled_behind_another(self, pair: tuple[Upstream, int], ending: bytes) -> None:
        # GIVEN a public request with a hidden request behind it: some servers read one request, and others read two
        upstream, port = pair
        hidden = f"POST {CREATE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\r\n".encode()
        first = f"GET {API} HTTP/1.1\r\nHost: 127.0.0.1:{port}".encode()
        shapes = [
            first + ending + hidden,
            first + b"\r\nX: a" + ending + hidden,
            first + b"\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
            first + f"\r\nContent-Length: 0\r\nContent-Length: {len(hidden)}\r\n\r\n".encode() + hidden,
            first + b"\r\nTransfer-Encoding: xchunked\r\n\r\n" + hidden,
            first + b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" + hidden,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
        ]
        # WHEN
        for shape in shapes:
            sent(port, shape)
        # THEN only the public request reaches the emulator
        assert {path for _, path, _, _ in upstream.seen} <= {API}
        assert not any("Upgrade" in headers for _, _, headers, _ in upstream.seen)

    @pytest.mark.parametrize("method", ["HEAD", "GET", "OPTIONS", "PUT", "BREW"])
    def test_a_request_without_a_key_is_refused_whatever_its_method(
        self, pair: tuple[Upstream, int], method: str
    ) -> None:
        # GIVEN / WHEN / THEN
        upstream, port = pair
        answer = sent(port, f"{method} / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert (b"outputs.json" in answer) == (method != "HEAD")
        assert upstream.seen == []

    def test_a_malformed_request_is_answered_400(self, pair: tuple[Upstream, int]) -> None:
        # GIVEN / WHEN / THEN
        _, port = pair
        assert sent(port, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert sent(port, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")

    def test_a_public_request_cannot_choose_another_service(self, pair: tuple[Upstream, int]) -> None:
        # GIVEN headers from which the emulator would choose another service
        upstream, port = pair
        head = (
            f"GET {KEY_SET} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Amz-Target: DynamoDB_20120810.Scan\r\n"
            "Authorization: Bearer x\r\nX-Amz-Account-Id: 0\r\nAccept: */*\r\n\r\n"
        )
        # WHEN
        sent(port, head.encode())
        # THEN the emulator does not receive these headers
        assert set(upstream.seen[0][2]) == {"Host", "Accept"}

    def test_only_answers_of_the_stacks_api_keep_the_cors_header(self, pair: tuple[Upstream, int]) -> None:
        # GIVEN an emulator whose answers all have a header that allows every page to read them
        upstream, port = pair
        upstream.headers["Access-Control-Allow-Origin"] = "*"
        lead = f"Host: 127.0.0.1:{port}\r\n\r\n"
        # WHEN
        keys = sent(port, f"GET {KEY_SET} HTTP/1.1\r\n{lead}".encode())
        api = sent(port, f"GET {API} HTTP/1.1\r\n{lead}".encode())
        # THEN only the answer of the stack's API keeps this header
        assert b"200" in keys.partition(b"\r\n")[0]
        assert b"access-control" not in keys.lower()
        assert b"Access-Control-Allow-Origin: *" in api
