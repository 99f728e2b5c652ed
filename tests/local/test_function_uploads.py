"""Tests uploads of functions' packages, which are so big that a busy emulator can close the connection."""

import hashlib
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from local.deploy.resources import DeployError, create
from local.services.aws import Aws
from tests.local.factories import function_inputs
from tests.local.signing import KEYS

FUNCTION = "aws:lambda/function:Function"


@dataclass
class BusyLambda:
    """A fake of Lambda. It closes the connection of each of the first `closures` uploads.

    If `after` is true, it creates the function before it closes the connection.
    """

    closures: int = 0
    after: bool = False
    upload_seconds: float = 0
    made: dict[str, str] = field(default_factory=dict)
    uploads: int = 0
    running: int = 0
    most_at_once: int = 0
    _lock: Lock = field(default_factory=Lock)

    def create_function(self, **parameters: Any) -> dict[str, Any]:
        with self._lock:
            self.uploads += 1
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
            closes = self.uploads <= self.closures
        try:
            time.sleep(self.upload_seconds)
            return self._create(parameters["FunctionName"], parameters["Code"]["ZipFile"], closes=closes)
        finally:
            with self._lock:
                self.running -= 1

    def _create(self, name: str, code: bytes, *, closes: bool) -> dict[str, Any]:
        closed = ConnectionClosedError(endpoint_url="http://127.0.0.1/functions")
        if closes and not self.after:
            raise closed
        if name in self.made:
            raise ClientError({"Error": {"Code": "ResourceConflictException", "Message": name}}, "CreateFunction")
        self.made[name] = b64encode(hashlib.sha256(code).digest()).decode()
        if closes:
            raise closed
        return {"Version": "1"}

    def list_versions_by_function(self, FunctionName: str) -> dict[str, Any]:
        if FunctionName not in self.made:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "ListVersionsByFunction")
        sha256 = self.made[FunctionName]
        return {"Versions": [{"Version": each, "CodeSha256": sha256} for each in ("$LATEST", "1")]}


def aws_with(busy: BusyLambda) -> Aws:
    """Return an account with this Lambda."""
    aws = Aws("http://127.0.0.1:1", "eu-west-1", KEYS)
    vars(aws)["lambda_"] = busy
    return aws


@pytest.mark.parametrize(("after", "uploads"), [(False, 2), (True, 1)], ids=["nothing done", "answer lost"])
def test_an_upload_whose_connection_closes_is_repeated_only_if_it_had_no_effect(after: bool, uploads: int) -> None:
    # GIVEN
    busy = BusyLambda(closures=1, after=after)

    # WHEN
    made = create(aws_with(busy), FUNCTION, "greet", function_inputs())

    # THEN
    assert (made.id, made.outputs["version"]) == ("greet", "1")
    assert busy.uploads == uploads


def test_a_second_closed_connection_is_an_error_that_names_the_resource() -> None:
    # GIVEN
    busy = BusyLambda(closures=2)

    # WHEN / THEN
    with pytest.raises(DeployError, match=r"greet \(aws:lambda.*Connection was closed"):
        create(aws_with(busy), FUNCTION, "greet", function_inputs())
    assert busy.uploads == 2


def test_a_repeated_upload_fails_if_the_function_exists_with_other_code() -> None:
    # GIVEN an existing function `greet` with other code, and a first upload whose connection is closed
    busy = BusyLambda(closures=1, made={"greet": "another digest"})

    # WHEN / THEN
    with pytest.raises(DeployError, match="ResourceConflictException"):
        create(aws_with(busy), FUNCTION, "greet", function_inputs())


def test_packages_are_uploaded_one_at_a_time() -> None:
    # GIVEN
    busy = BusyLambda(upload_seconds=0.02)
    aws = aws_with(busy)

    # WHEN
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda name: create(aws, FUNCTION, name, function_inputs(name=name)), "abc"))

    # THEN
    assert [each.id for each in made] == ["a", "b", "c"]
    assert busy.most_at_once == 1
