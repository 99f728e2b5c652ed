"""Tests docs/openapi.json with validators, client generators, and a fuzzer on a running stack.

The tools have their own environment, which `make contract` creates.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.client import LocalStack
from local.instance import ROOT

pytestmark = pytest.mark.contract

HERE = Path(__file__).parent
TOOLS = ROOT / ".build" / "contract-env"
NODE = TOOLS / "node" / "node_modules" / ".bin"
CONTRACT = ROOT / "docs" / "openapi.json"
ORDER = {"currency": "EUR", "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}], "reference": "r"}
# The first check expects that valid orders are accepted. But the fuzzer sends different bodies with
# the same idempotency key, and then the API answers 422.
# The second check expects 405 for a method without a route. But API Gateway returns 404.
EXCLUDED_CHECKS = "positive_data_acceptance,unsupported_method"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a stack, and yield the URL of its API."""
    with LocalStack.started(tmp_path_factory.mktemp("contract"), warm_workers=1) as stack:
        yield stack.outputs["api_url"]


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """Run a tool and return its output. If the tool fails or finds an error, the test fails with this output."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    path = os.pathsep.join([str(TOOLS / "bin"), str(NODE), os.environ["PATH"]])
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **quiet, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def placed(text: str) -> None:
    """Assert that a generated client placed, repeated and read one order."""
    result = json.loads(text)
    assert result["first"] == result["again"] == result["read"]
    assert (result["replayed"], result["total"]) == ("true", "39.80")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["openapi-spec-validator", CONTRACT], id="validator"),
        pytest.param(["redocly", "lint", CONTRACT], id="linter"),
    ],
)
def test_validators_find_no_error_in_the_contract(command: list[str | Path], tmp_path: Path) -> None:
    # GIVEN / WHEN
    output = run(*command, folder=tmp_path)

    # THEN there is neither an error nor a warning
    assert "warning" not in output.lower().replace("deprecation warning", "")


def test_a_generated_python_client_places_repeats_and_reads_an_order(url: str, tmp_path: Path) -> None:
    # GIVEN
    run("openapi-python-client", "generate", "--path", CONTRACT, "--output-path", "client", folder=tmp_path)

    # WHEN
    order = (url, "key-client", json.dumps(ORDER))
    output = run("python", HERE / "with_client.py", *order, folder=tmp_path, PYTHONPATH=str(tmp_path / "client"))

    # THEN
    placed(output)


def test_generated_python_models_place_repeat_and_read_an_order(url: str, tmp_path: Path) -> None:
    # GIVEN
    kind = ["--input-file-type=openapi", "--output-model-type=pydantic_v2.BaseModel", "--formatters=builtin"]
    run("datamodel-codegen", "--input", CONTRACT, *kind, "--output", "models.py", folder=tmp_path)

    # WHEN
    order = (url, "key-models", json.dumps(ORDER))
    output = run("python", HERE / "with_models.py", *order, folder=tmp_path, PYTHONPATH=str(tmp_path))

    # THEN
    placed(output)


def test_a_generated_typescript_client_places_repeats_and_reads_an_order(url: str, tmp_path: Path) -> None:
    # GIVEN a client that checks answers with zod. It does not check requests, because the generated check cannot see
    # their headers and would refuse each order. Instead, order.ts checks the body of the request.
    for name in ("order.ts", "package.json"):
        (tmp_path / name).write_text((HERE / name).read_text())
    (tmp_path / "node_modules").symlink_to(NODE.parent)
    plugins = ["@hey-api/client-fetch", "zod", {"name": "@hey-api/sdk", "validator": {"response": "zod"}}]
    generated = {"path": "client", "module": {"extension": ".js"}}
    options = {"input": str(CONTRACT), "output": generated, "plugins": plugins}
    (tmp_path / "openapi-ts.config.mjs").write_text(f"export default {json.dumps(options)};\n")
    run("openapi-ts", folder=tmp_path)
    compiler = ["--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck"]
    run("tsc", *compiler, "order.ts", folder=tmp_path)

    # WHEN
    output = run("node", "order.js", url, "key-typescript", json.dumps(ORDER), folder=tmp_path)

    # THEN
    placed(output)


def test_answers_of_a_running_stack_conform_to_the_contract(url: str, tmp_path: Path) -> None:
    # GIVEN a fuzzer that generates valid and invalid requests from the contract
    options = [f"--exclude-checks={EXCLUDED_CHECKS}", "--max-examples=60", "--seed=1", "--generation-database=none"]

    # WHEN / THEN every status, header and body is in the contract
    output = run("schemathesis", "run", CONTRACT, "--url", url, *options, folder=tmp_path)
    assert "Fuzzing" in output


def test_the_tools_are_installed() -> None:
    # GIVEN / WHEN / THEN if a tool is missing, the message names the command that installs it
    assert (TOOLS / "bin" / "schemathesis").exists(), "run: make contract"
    assert (NODE / "redocly").exists(), "Node.js and npm are needed: make contract"
