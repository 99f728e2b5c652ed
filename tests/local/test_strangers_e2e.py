"""Tests that a running embedded AWS refuses calls by other users of the machine and by web pages in a browser."""

import base64
import io
import json
import queue
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from selenium.webdriver import Chrome

from local.emulator import Emulator
from local.instance import StateDir
from local.page.server import PageServer
from local.ports import LOOPBACK
from local.proxy.faults import Faults
from local.proxy.server import Proxy
from local.services.aws import Aws
from tests.browser import chromium
from tests.emulated import emulator_behind_its_gate
from tests.local.factories import HELLO

pytestmark = pytest.mark.e2e

REGION = "us-east-1"
EVIL = "evil.example"
NOBODY = 65534
STRANGERS = Path(__file__).with_name("strangers")
FORGED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2Flambda%2Faws4_request"
    "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + "0" * 64
)


def attack() -> str:
    return (STRANGERS / "page.js").read_text()


def zipped(code: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", code)
    return archive.getvalue()


FUNCTION = json.dumps(
    {
        "FunctionName": "planted",
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Role": "arn:aws:iam::000000000000:role/r",
        "Code": {"ZipFile": base64.b64encode(zipped(HELLO)).decode()},
    }
)


class Running:
    """An embedded AWS with three endpoints: the emulator (for people), the proxy (for functions) and the local page."""

    def __init__(self, emulator: Emulator, proxy: Proxy, page: PageServer, folder: Path) -> None:
        self.aws = Aws(emulator.endpoint_url, REGION, emulator.keys)
        self.emulator = emulator
        self.addresses = [emulator.endpoint_url, proxy.url, page.address]
        self.folder = folder
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
        trust["Statement"][0]["Principal"] = {"Service": "lambda.amazonaws.com", "AWS": "*"}  # type: ignore[index]
        self.aws.iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))

    @property
    def changes(self) -> list[str]:
        """Return the resources that a stranger created, and "reset" if the role is gone."""
        functions = [each["FunctionName"] for each in self.aws.lambda_.list_functions()["Functions"]]
        queues = self.aws.sqs.list_queues().get("QueueUrls", [])
        roles = [each["RoleName"] for each in self.aws.iam.list_roles()["Roles"]]
        return [*functions, *queues, *([] if "r" in roles else ["reset"])]


@pytest.fixture(scope="module", params=[False, True], ids=["without IAM", "IAM enforced"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    # Unix sockets have a limit for the length of a path. On Linux a longer path must work, too, so it is used here.
    folder = tmp_path_factory.mktemp("state") / ("deep" * 30 if sys.platform == "linux" else "state")
    with emulator_behind_its_gate(folder, REGION, iam=request.param) as emulator:
        proxy, page = emulator.proxy_with(Faults()), PageServer(StateDir(folder), Faults())
        for each in (proxy, page):
            each.start()
        yield Running(emulator, proxy, page, folder)
        for each in (proxy, page):
            each.stop()


def test_the_owner_has_access(running: Running) -> None:
    # GIVEN a client with the instance's key / WHEN it creates and calls a function / THEN the function runs
    aws = running.aws
    made = json.loads(FUNCTION)
    aws.lambda_.create_function(**{**made, "FunctionName": "owned", "Code": {"ZipFile": zipped(HELLO)}})
    answer = aws.lambda_.invoke(FunctionName="owned", Payload=b'{"name": "owner"}')
    assert json.loads(answer["Payload"].read()) == {"hello": "owner"}
    aws.lambda_.delete_function(FunctionName="owned")


def get(url: str) -> tuple[int, bytes]:
    """Return status and body of a request without a key."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_keys_from_sts_have_access(running: Running) -> None:
    # GIVEN the session of a role without permissions
    sts = running.aws.session.client("sts", endpoint_url=running.addresses[0])
    made = sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/r", RoleSessionName="me")["Credentials"]
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], REGION)
    # WHEN the session requests its identity / THEN the gate accepts the request
    client = session.client("sts", endpoint_url=running.addresses[0])
    assert ":assumed-role/r/me" in client.get_caller_identity()["Arn"]


def test_a_presigned_url_opens_only_its_own_object(running: Running) -> None:
    # GIVEN a presigned URL that the owner gives to somebody
    config = Config(signature_version="s3v4")
    s3 = running.aws.session.client("s3", endpoint_url=running.addresses[0], config=config)
    s3.create_bucket(Bucket="given")
    s3.put_object(Bucket="given", Key="a b/c", Body=b"away")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "given", "Key": "a b/c"})
    # WHEN a client without the key requests this URL, and then the same URL with another object's name
    # THEN only the unchanged URL is accepted
    assert get(url) == (HTTPStatus.OK, b"away")
    assert get(url.replace("/c?", "/d?"))[0] == HTTPStatus.FORBIDDEN


def test_everybody_can_read_the_public_keys_of_a_user_pool(running: Running) -> None:
    # GIVEN a user pool / WHEN its key set is read without a key of the instance / THEN it is returned
    pool = running.aws.cognito.create_user_pool(PoolName="callers")["UserPool"]["Id"]
    status, body = get(f"{running.addresses[0]}/{pool}/.well-known/jwks.json")
    assert (status, set(json.loads(body))) == (HTTPStatus.OK, {"keys"})


def test_a_subscriber_can_confirm_with_the_link_that_it_received(running: Running, page: "Page") -> None:
    # GIVEN an HTTP subscriber
    topic = running.aws.sns.create_topic(Name="news")["TopicArn"]
    running.aws.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://{LOOPBACK}:{page.port}/")
    # WHEN it follows the link in the confirmation message
    link = json.loads(page.posted.get(timeout=10))["SubscribeURL"]
    status, _ = get(link)
    # THEN the subscription is confirmed
    assert link.startswith(running.addresses[0])
    assert status == HTTPStatus.OK
    (subscription,) = running.aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert subscription["SubscriptionArn"].startswith(topic)


# ---------------------------------------------------------------------------------------------------------------------
# Another user of the machine


def test_another_user_has_no_access(running: Running) -> None:
    # GIVEN another user of this machine, who knows the program but does not have the key
    endpoints = json.dumps([urlsplit(each).netloc for each in running.addresses])
    running.folder.parent.chmod(0o755)
    command = [sys.executable, "-I", str(STRANGERS / "another_user.py"), endpoints, str(running.folder), str(NOBODY)]
    # WHEN this user calls every endpoint, without credentials and with made-up credentials. If the test runs as root,
    # the user also tries to open files of the state folder
    done = subprocess.run(command, input=f"{FUNCTION}\n{FORGED}", capture_output=True, text=True, check=True)
    # THEN every attempt failed
    assert json.loads(done.stdout) == []
    assert running.changes == []


def test_only_its_owner_can_open_the_state_folder(running: Running) -> None:
    # GIVEN every file of a running instance / WHEN
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (running.folder, *running.folder.rglob("*"))}
    # THEN
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077 and not path.is_symlink()} == {}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows which process listens where")
def test_the_emulator_listens_on_no_port(running: Running) -> None:
    # GIVEN the emulator's process and its guard / WHEN their listening sockets are read / THEN none is a TCP port
    for pid in (running.emulator.pid, running.emulator.guard_pid):
        assert listening_ports(pid) == []


def test_the_key_is_in_no_command_line(running: Running) -> None:
    # GIVEN the command lines of all processes, which every user can read / WHEN
    listing = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    # THEN
    assert running.emulator.keys.secret_access_key not in listing


def listening_ports(pid: int) -> list[str]:
    """Return the addresses on which a process listens for TCP (Linux)."""
    process = Path(f"/proc/{pid}")
    inodes = {str(each.readlink()) for each in (process / "fd").iterdir()}
    lines = [line for name in ("tcp", "tcp6") for line in (process / "net" / name).read_text().splitlines()[1:]]
    rows = [line.split() for line in lines]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]


# ---------------------------------------------------------------------------------------------------------------------
# A page in the browser


class Page(ThreadingHTTPServer):
    """A web server that does not belong to the instance. It keeps the bodies of POST requests."""

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Page)
        self.port = int(self.server_address[1])
        self.posted: queue.Queue[bytes] = queue.Queue()


class _Page(BaseHTTPRequestHandler):
    server: Page

    def do_POST(self) -> None:
        self.server.posted.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def do_GET(self) -> None:
        body = b"<!doctype html><title>somewhere else</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """Log nothing."""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with Page() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    # For this browser, another site's host name resolves to this machine, as after DNS rebinding.
    rule = f"--host-resolver-rules=MAP {EVIL} {LOOPBACK}"
    with chromium(tmp_path_factory.mktemp("profile"), rule) as browser:
        browser.set_script_timeout(60)
        yield browser


@pytest.mark.parametrize("host", [EVIL, "localhost"])
def test_a_page_of_another_origin_has_no_access(running: Running, browser: Chrome, page: Page, host: str) -> None:
    # GIVEN a page of another site, or of another port of this machine
    browser.get(f"http://{host}:{page.port}/")
    # WHEN its script calls all endpoints, by their addresses and by another site's host name
    ports = [urlsplit(endpoint).port for endpoint in running.addresses]
    endpoints = [f"http://{name}:{port}" for port in ports for name in (LOOPBACK, "localhost", EVIL)]
    read = browser.execute_async_script(attack(), endpoints, FUNCTION, FORGED)
    # THEN the script can read none of the answers, and nothing has changed
    assert read == []
    assert running.changes == []


def published(aws: Aws, *origins: str) -> str:
    """Deploy an API with one function. Pages of `origins` may call the API. Return the API's URL."""
    made = json.loads(FUNCTION)
    function = aws.lambda_.create_function(**{**made, "FunctionName": "greet", "Code": {"ZipFile": zipped(HELLO)}})
    cors: Any = {"AllowOrigins": origins, "AllowMethods": ["POST"], "AllowHeaders": ["content-type"]}
    api = aws.apigatewayv2.create_api(Name="greet", ProtocolType="HTTP", CorsConfiguration=cors)["ApiId"]
    integration = aws.apigatewayv2.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function["FunctionArn"],
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    aws.apigatewayv2.create_route(ApiId=api, RouteKey="POST /greet", Target=f"integrations/{integration}")
    aws.apigatewayv2.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return f"{aws.endpoint_url}/_aws/execute-api/{api}/greet"


CALL = """
const [url, done] = arguments;
fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"})
  .then(answer => answer.json()).then(done, () => done("the browser refused"));
"""


def test_the_stacks_api_answers_the_pages_that_its_cors_allows(running: Running, browser: Chrome, page: Page) -> None:
    # GIVEN an API whose CORS settings allow one page
    url = published(running.aws, f"http://localhost:{page.port}")
    answers = []
    try:
        # WHEN this page and another page call the API
        for host in ("localhost", EVIL):
            browser.get(f"http://{host}:{page.port}/")
            answers.append(browser.execute_async_script(CALL, url))
    finally:
        running.aws.lambda_.delete_function(FunctionName="greet")
    # THEN the first page can read the answer, and the other page cannot
    assert answers == [{"hello": "nobody"}, "the browser refused"]


def test_a_page_after_dns_rebinding_has_no_access(running: Running, browser: Chrome) -> None:
    # GIVEN a page whose host name now resolves to an endpoint's address. So the browser treats the page and the
    # endpoint as one origin
    for port in (urlsplit(endpoint).port for endpoint in running.addresses):
        browser.get(f"http://{EVIL}:{port}/")
        # WHEN its script calls the endpoint
        read = browser.execute_async_script(attack(), [f"http://{EVIL}:{port}"], FUNCTION, FORGED)
        # THEN every answer that it can read is a refusal
        assert {status for _, status, _ in read} == {403}
        assert running.changes == []
