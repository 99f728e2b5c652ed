"""Tests the package of this project, built for this interpreter: its handlers can be imported, and its boto3 works."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.functions import FUNCTIONS
from pipeline.package import LocalTarget, Package, PackageSpec, build_package
from pipeline.package.check import check_handlers, plain_environment
from pipeline.package.trim import UNUSED
from tests.infra.package.projects import REPOSITORY, names, read

SERVICES = ("dynamodb", "events", "sns", "sqs")
CLIENTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import boto3
session = boto3.session.Session(region_name=sys.argv[2], aws_access_key_id="a", aws_secret_access_key="b")
clients = {name: session.client(name) for name in sys.argv[3:]}
paginator = clients["dynamodb"].get_paginator("query").__class__.__name__
waiters = clients["dynamodb"].waiter_names
print(json.dumps({"urls": {name: client.meta.endpoint_url for name, client in clients.items()},
                  "retries": {name: client.meta.config.retries["mode"] for name, client in clients.items()},
                  "partition": session.get_partition_for_region(sys.argv[2]),
                  "regions": session.get_available_regions("dynamodb"), "paginator": paginator, "waiters": waiters}))
"""


@pytest.fixture(scope="module")
def spec() -> PackageSpec:
    """Return the specification of the local stack's package. All builds of this module share one cache."""
    return PackageSpec(root=REPOSITORY, target=LocalTarget())


@pytest.fixture(scope="module")
def package(spec: PackageSpec) -> Package:
    """Return the package of this project."""
    return build_package(spec)


@pytest.fixture(scope="module")
def unpacked(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which the package is unpacked, as Lambda unpacks it."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder)
    return folder


def test_the_handlers_can_be_imported_with_only_the_package_on_the_path(spec: PackageSpec, package: Package) -> None:
    # GIVEN the environment that the functions are deployed with
    variables = plain_environment(ENVIRONMENT)

    # WHEN all handlers are imported in an isolated interpreter
    imported = check_handlers(spec, package, variables)

    # THEN they are the handlers of exactly the declared functions
    assert set(imported) == {f"runtime.handlers.{each.key}" for each in FUNCTIONS}


@pytest.mark.parametrize(("region", "suffix"), [("eu-central-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")])
def test_the_trimmed_boto3_works_like_the_complete_one(unpacked: Path, region: str, suffix: str) -> None:
    # GIVEN the complete boto3 of this environment and the trimmed one of the package
    def describe_clients(folder: str) -> dict[str, object]:
        result = subprocess.run(
            [sys.executable, "-I", "-S", "-c", CLIENTS, folder, region, *SERVICES],
            capture_output=True,
            text=True,
            env=plain_environment({}),
            check=True,
        )
        answer: dict[str, object] = json.loads(result.stdout)
        return answer

    import boto3

    # WHEN both create the clients that the functions use
    whole = describe_clients(str(Path(boto3.__file__).parents[1]))
    trimmed = describe_clients(str(unpacked))

    # THEN endpoints, regions, retries, paginators and waiters are the same
    assert trimmed == whole
    assert suffix in str(trimmed["urls"])


def test_only_the_data_of_services_in_use_is_packaged(package: Package) -> None:
    # GIVEN the package's files
    data = [name.split("/")[2] for name in names(package.path) if name.startswith("botocore/data/")]

    # WHEN the data of services are separated from the common files
    services = {entry for entry in data if "." not in entry}
    common = {entry for entry in data if "." in entry}

    # THEN only the services in use have data, and all common files are in the package
    assert services == set(SERVICES)
    assert common == {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}


def test_only_files_of_the_intended_kinds_and_folders_are_packaged(package: Package) -> None:
    # GIVEN the package's files
    files = [Path(name) for name in names(package.path)]

    # WHEN their suffixes and top-level names are collected
    suffixes = {path.suffix for path in files if not path.parts[0].endswith(".dist-info")}
    tops = {path.parts[0] for path in files if not path.parts[0].endswith(".dist-info")} - {"__pycache__"}

    # THEN the package has only code, data and certificates, of this project and of the locked dependencies
    assert suffixes <= {".py", ".pyc", ".so", ".json", ".gz", ".pem", ".js", ".txt"}
    assert tops == EXPECTED_TOPS
    assert not any({"tests", "bin"} & set(path.parts) for path in files)


def test_versions_can_be_read_at_run_time(unpacked: Path) -> None:
    # GIVEN the unpacked package
    code = "import sys; sys.path.insert(0, sys.argv[1]); import importlib.metadata as m; print(m.version('pydantic'))"

    # WHEN the version of a library is read
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(unpacked)], capture_output=True, text=True, check=True
    )

    # THEN it is the locked one
    assert f"pydantic=={result.stdout.strip()} " in (REPOSITORY / "requirements-runtime.txt").read_text()


def test_the_package_is_small(package: Package) -> None:
    # GIVEN / WHEN / THEN
    assert package.size <= 14e6


def test_the_package_never_imports_a_module_that_was_left_out(tmp_path: Path) -> None:
    # GIVEN this project's package, built without byte code, so that it contains the sources of the dependencies too
    package = build_package(PackageSpec(root=REPOSITORY, target=LocalTarget(), bytecode=False))
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(tmp_path)
    left_out = tuple(part.rstrip("/").replace("/", ".") for part in UNUSED)

    # WHEN all imports in the files that mention Powertools are read, including imports within functions
    found = {
        (name, imported)
        for path in tmp_path.rglob("*.py")
        for name, text in [(path.relative_to(tmp_path).as_posix(), path.read_bytes())]
        if b"aws_lambda_powertools" in text  # parsing takes long
        for imported in imports(ast.parse(text))
        if f"{imported}.".startswith(tuple(f"{part}." for part in left_out))
    }

    # THEN only one import statement names a left-out module, and this statement never runs
    assert found == NEVER_RUN
    # AND only modules of Powertools are left out
    assert {part.partition(".")[0] for part in left_out} == {"aws_lambda_powertools"}


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of absolute imports. Relative imports are skipped: Powertools uses them only for modules of the
    same folder."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_the_package_contains_the_sources_of_the_working_tree(package: Package) -> None:
    # GIVEN our sources
    sources = {path for path in (REPOSITORY / "runtime").rglob("*.py") if "__pycache__" not in path.parts}

    # WHEN they are compared with the package
    packaged = {name: read(package.path, name) for name in names(package.path) if name.endswith(".py")}

    # THEN the package contains each of them unchanged, and no other source
    assert packaged == {path.relative_to(REPOSITORY).as_posix(): path.read_bytes() for path in sources}


def test_the_archive_path_is_relative_to_the_project(package: Package) -> None:
    # GIVEN a built package
    # WHEN its path is computed in the form that Pulumi gets
    path = package.relative_to(REPOSITORY)

    # THEN the path has no folder of this machine in it
    assert not Path(path).is_absolute()
    assert (REPOSITORY / path).samefile(package.path)
    assert os.path.getsize(package.path) == package.size  # noqa: PTH202 - independent check: the build uses Path.stat


NEVER_RUN = {
    # This import runs only for payloads that are Pydantic models. Our payloads are JSON.
    ("aws_lambda_powertools/shared/functions.py", "aws_lambda_powertools.event_handler.openapi.compat"),
}
#: The functions' environment variables, as a file for `python -m pipeline.package build --check --env-file`.
FUNCTIONS_ENV = Path(__file__).with_name("functions.env")
EXPECTED_TOPS = {
    *("annotated_types", "aws_lambda_powertools", "boto3", "botocore", "dateutil", "jmespath"),
    *("pydantic", "pydantic_core", "runtime", "s3transfer", "six.pyc", "typing_extensions.pyc", "typing_inspection"),
    "urllib3",
}
ENVIRONMENT = dict(line.split("=", 1) for line in FUNCTIONS_ENV.read_text(encoding="utf-8").splitlines())
