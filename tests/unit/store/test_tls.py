"""Tests the clients' shared TLS context: it is as safe as botocore's, and reads the certificate authorities once."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore import httpsession
from botocore.config import Config
from botocore.exceptions import SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from runtime.store import clients, tls

ONCE = Config(retries={"total_max_attempts": 1})


class Answer(BaseHTTPRequestHandler):
    """Answers every request and closes the connection, so that the next request needs a new TLS handshake."""

    def do_POST(self) -> None:
        """Answer with an empty JSON object."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Counting(ssl.SSLContext):
    """A TLS context that counts how often authorities are loaded."""

    loads = 0

    def load_verify_locations(self, *arguments: Any) -> None:
        """Count the call, and load the authorities."""
        self.loads += 1
        super().load_verify_locations(*arguments)


def certificate(folder: Path) -> Path:
    """Return a file with a new key and a self-signed certificate for 127.0.0.1."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(host, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = serialization.Encoding.PEM
    private = key.private_bytes(text, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(private + made.public_bytes(text))
    return file


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def endpoint(authority: Path) -> Iterator[str]:
    """Yield the URL of an HTTPS service with the certificate of `authority`."""
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    """Yield the shared context of the clients that a test creates."""
    counting = Counting(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr(httpsession, "create_urllib3_context", httpsession.create_urllib3_context)
    monkeypatch.setattr(tls, "botocore_context", lambda: counting)
    for each in (tls.shared_context, clients._session):
        each.cache_clear()
    yield counting
    for each in (tls.shared_context, clients._session):
        each.cache_clear()


def client(service: Any, endpoint: str, verify: Path | None = None) -> Any:
    """Return the program's client for `endpoint`. Without `verify`, it trusts the authorities of botocore."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}
    trusted = {"verify": str(verify)} if verify else {}
    session: Any = clients._session()
    return session.client(service, endpoint_url=endpoint, config=ONCE, **keys, **trusted)


def test_authorities_are_read_once_for_all_connections_of_all_clients(
    context: Counting, endpoint: str, authority: Path
) -> None:
    # GIVEN clients for DynamoDB and SQS, and an endpoint that closes each connection
    dynamodb, sqs = (client(service, endpoint, authority) for service in ("dynamodb", "sqs"))
    # WHEN each makes two calls
    for _ in range(2):
        dynamodb.list_tables()
        sqs.list_queues()
    # THEN the file of authorities was read once
    assert context.loads == 1


def test_an_unknown_authority_is_refused(context: Counting, endpoint: str) -> None:
    # GIVEN a client that trusts the public authorities
    dynamodb = client("dynamodb", endpoint)
    # WHEN it twice calls a service whose certificate is self-signed
    # THEN each call is refused
    for _ in range(2):
        with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            dynamodb.list_tables()


def test_a_missing_file_of_authorities_is_reported_for_each_call(
    context: Counting, endpoint: str, tmp_path: Path
) -> None:
    # GIVEN a client whose file of authorities does not exist
    dynamodb = client("dynamodb", endpoint, tmp_path / "missing.pem")
    # WHEN it makes two calls
    # THEN both fail
    for _ in range(2):
        with pytest.raises(SSLError):
            dynamodb.list_tables()
