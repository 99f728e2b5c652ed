"""Tries requests and file accesses as another user of the machine. Prints a JSON list of those that were not refused.

Arguments: the addresses (JSON list of host:port), the state folder and the other user's number. Standard input
has two lines: the request body that creates a function, and a query string with a forged signature. Only root can
change to the other user. Without root, the script sends only the requests. No request has the instance's key.
"""

import encodings.idna  # noqa: F401 loaded here, because the other user cannot load it later
import http.client
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

addresses, folder, user = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
function, forged = sys.stdin.read().split("\n", 1)
is_another = os.geteuid() == 0
if is_another:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)

KEYS = ("test", "000000000000", "AKIAIOSFODNN7EXAMPLE")
SCOPE = "20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=" + "0" * 64
HEADERS: list[dict[str, str]] = [
    {},
    {"Host": "evil.example"},
    {"Origin": "http://evil.example"},
    *(
        {"Authorization": f"AWS4-HMAC-SHA256 Credential={key}/{SCOPE}", "X-Amz-Date": "20260101T000000Z"}
        for key in KEYS
    ),
]
CALLS = [
    ("POST", "/2015-03-31/functions", function),
    ("POST", f"/2015-03-31/functions?{forged}", function),
    ("GET", "/_ministack/health", ""),
    ("POST", "/_ministack/reset", ""),
    ("GET", "/?Action=ListQueues", ""),
    ("GET", "/api/live", ""),
    ("POST", "/api/faults", '{"service": "dynamodb", "kind": "error"}'),
]


def answered(address: str, method: str, path: str, body: str, headers: Mapping[str, str]) -> int:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def opened(path: Path) -> Iterator[str]:
    def connect() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))

    attempts: list[Callable[[], object]] = [path.read_bytes, lambda: list(path.iterdir()), connect]
    for attempt in attempts:
        try:
            attempt()
        except OSError:
            continue
        yield str(path)


succeeded: list[object] = [
    [address, *call[:2], headers]
    for address in addresses
    for headers in HEADERS
    for call in CALLS
    if answered(address, *call, headers) != http.HTTPStatus.FORBIDDEN
]
names = ["outputs.json", "instance.json", "emulator.log", "tmp/aws", "tmp/keys"]
for name in ["", *names] if is_another else ():
    succeeded += opened(Path(folder, name))
sys.stdout.write(json.dumps(succeeded))
