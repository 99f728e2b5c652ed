"""Tests that what cannot be built is refused with what was given, what is wrong and what to change."""

import errno
import os
import platform
import socket
import sys
from pathlib import Path

import pytest

from pipeline.package import BuildError, LocalTarget, PackageSpec, build, build_package
from tests.infra.package.projects import PYTHON, Project, make_project, make_wheel

LOCAL = ("--target", "local", "--no-bytecode")


def refusal(project: Project, *options: str, **variables: str) -> str:
    result = project.run(*options, **variables)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_an_index_that_does_not_answer(tmp_path: Path) -> None:
    # GIVEN pip set to an index that nobody serves
    project = make_project(tmp_path / "project")
    index = f"http://127.0.0.1:{closed_port()}/simple"

    # WHEN the project is built
    message = refusal(project, *LOCAL, PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=index)

    # THEN the message says so and where to look
    assert "the package index does not answer" in message
    assert "PIP_INDEX_URL" in message


def test_the_users_own_patience_is_kept(tmp_path: Path) -> None:
    # GIVEN an index that nobody serves, and a user who wants no retries
    project = make_project(tmp_path / "project")
    index = f"http://127.0.0.1:{closed_port()}/simple"

    # WHEN the project is built
    message = refusal(project, *LOCAL, PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=index, PIP_RETRIES="1")

    # THEN pip tried again as often as the user said
    assert message.count("Retrying (") == 1


def test_a_hash_that_differs(tmp_path: Path) -> None:
    # GIVEN a lock with another hash than the wheel's
    project = make_project(tmp_path / "project", lock=f"greeting==1.0 --hash=sha256:{'0' * 64}\n")

    # WHEN the project is built
    message = refusal(project, *LOCAL)

    # THEN the message names the lock, and the cache has nothing
    assert "requirements-runtime.txt was locked to" in message
    assert not list((project.root / ".build/package").glob("installed/*"))


def test_a_wheel_that_is_missing_for_the_target(tmp_path: Path) -> None:
    # GIVEN a dependency with a wheel for x86_64 only
    project = make_project(tmp_path / "project")
    line = make_wheel(project.wheels, "native", {"native.py": ""}, tag="cp313-cp313-manylinux2014_x86_64")
    (project.root / "requirements-runtime.txt").write_text(line)

    # WHEN the project is built for arm64
    message = refusal(project, "--no-bytecode", "--architecture", "arm64", "--python-version", "3.13")

    # THEN the message names the dependency and the target
    assert "no wheel of native==1.0 for lambda-arm64-python3.13" in message


def test_the_wheel_of_the_configured_architecture_is_taken(tmp_path: Path) -> None:
    # GIVEN a dependency with one wheel per architecture
    project = make_project(tmp_path / "project")
    tags = {"arm64": "cp313-cp313-manylinux_2_28_aarch64", "x86_64": "cp313-cp313-manylinux2014_x86_64"}
    lines = [
        make_wheel(project.wheels, "native", {"native.py": f"FOR = {name!r}\n"}, tag=tag) for name, tag in tags.items()
    ]
    hashes = " ".join(line.split()[1] for line in lines)
    (project.root / "requirements-runtime.txt").write_text(f"native==1.0 {hashes}\n")

    # WHEN both are built
    built = {name: project.build("--no-bytecode", "--architecture", name)["sha256"] for name in tags}

    # THEN each has its own
    assert built["arm64"] != built["x86_64"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("greeting==1.0", "is not locked"),
        (f"greeting>=1.0 --hash=sha256:{'0' * 64}", "is not locked"),
        (f"greeting==1.0 ; python_version < '3.12' --hash=sha256:{'0' * 64}", "environment marker"),
    ],
)
def test_a_lock_that_this_machine_would_decide(tmp_path: Path, line: str, says: str) -> None:
    # GIVEN a lock without a pin, without hashes, or with a marker
    project = make_project(tmp_path / "project", lock=f"{line}\n")

    # WHEN it is built
    message = refusal(project, *LOCAL)

    # THEN the message quotes the requirement and says what to run
    assert says in message
    assert "make lock" in message


def test_a_missing_lock(tmp_path: Path) -> None:
    # GIVEN a project without its lock
    project = make_project(tmp_path / "project")
    (project.root / "requirements-runtime.txt").unlink()

    # WHEN it is built
    message = refusal(project, *LOCAL)

    # THEN the message names the file
    assert "requirements-runtime.txt: No such file" in message


def test_no_interpreter_of_the_configured_version(tmp_path: Path) -> None:
    # GIVEN a PATH with a shim that does not answer, a Python of another version under the right name, and no other
    project = make_project(tmp_path / "project")
    version = "3.14" if PYTHON != "3.14" else "3.13"
    tools = tmp_path / "tools"
    (tools / "shims").mkdir(parents=True)
    (tools / "liars").mkdir()
    (tools / "shims" / f"python{version}").write_text("#!/bin/sh\nexit 127\n")
    (tools / "shims" / f"python{version}").chmod(0o755)
    (tools / "liars" / f"python{version}").symlink_to(sys.executable)

    # WHEN byte code is wanted
    message = refusal(project, "--python-version", version, PATH=f"{tools}/shims:{tools}/liars")

    # THEN the message says what was looked at, what to install and which key to change
    assert f"needs exactly Python {version}" in message
    assert f"{tools}/shims/python{version} (does not answer" in message
    assert f"{tools}/liars/python{version} (is {PYTHON}." in message
    assert "package_bytecode: false" in message


def test_an_interpreter_of_another_release_than_the_pinned_one(tmp_path: Path) -> None:
    # GIVEN a pinned release that this machine lacks
    project = make_project(tmp_path / "project")

    # WHEN the package is built
    message = refusal(project, "--python-version", PYTHON, "--bytecode-release", f"{PYTHON}.99")

    # THEN the message names it
    assert f"needs exactly Python {PYTHON}.99" in message
    assert "change `package_bytecode_release`" in message


def test_a_shim_that_does_not_answer_is_passed_over(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a shim before the real interpreter on PATH
    project = make_project(tmp_path / "project", cache=shared_cache)
    shim = tmp_path / "shims" / f"python{PYTHON}"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)

    # WHEN byte code is wanted
    release = ("--bytecode-release", platform.python_version())
    built = project.build("--python-version", PYTHON, *release, PATH=f"{shim.parent}:{os.environ['PATH']}")

    # THEN it is compiled all the same
    assert built["python"] == platform.python_version()


@pytest.mark.parametrize(("limit", "what"), [("MAX_ZIPPED", "as a zip"), ("MAX_UNZIPPED", "unpacked")])
def test_a_package_beyond_lambdas_limits(
    tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, limit: str, what: str
) -> None:
    # GIVEN a package above a limit, which was never zipped
    project = prepared(tmp_path, monkeypatch, shared_cache, limit)
    monkeypatch.setattr(build, limit, 100)
    before = zips(project)

    # WHEN it is built
    # THEN the message says how large it is, and no zip is left
    with pytest.raises(BuildError, match=rf"MB {what}, and Lambda takes at most"):
        build_package(spec_of(project), print)
    assert zips(project) == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    # GIVEN a disk that is full when the zip is written
    project = prepared(tmp_path, monkeypatch, shared_cache, f"full {code}")

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(build, "write_archive", refuse)

    # WHEN the package is built
    # THEN the message says which disk and how much is needed, and no half-written file stays
    with pytest.raises(BuildError, match=r"no space left on the disk of .*\.build/package: the build needs about"):
        build_package(spec_of(project), print)
    assert not (project.root / ".build/package/scratch").exists()


def test_a_dependency_that_would_hide_our_code(tmp_path: Path) -> None:
    # GIVEN a dependency with a top-level folder named like ours
    project = make_project(tmp_path / "project")
    line = make_wheel(project.wheels, "rival", {"before.py": "", "runtime/__init__.py": ""})
    (project.root / "requirements-runtime.txt").write_text(line)

    # WHEN the package is built
    message = refusal(project, *LOCAL)

    # THEN the message names it
    assert "its own top-level `runtime`" in message


def test_a_folder_without_code(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a folder with a lock and nothing to run
    project = make_project(tmp_path / "project", cache=shared_cache)
    (project.root / "runtime/__init__.py").unlink()

    # WHEN it is built
    message = refusal(project, *LOCAL)

    # THEN the message names what is missing
    assert "no __init__.py" in message


def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, word: str) -> Project:
    """A project whose environment is this process's, and whose code has a word of its own."""
    project = make_project(tmp_path / "project", cache=cache, runtime={"runtime/word.py": f"WORD = {word!r}\n"})
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    for name in set(os.environ) - set(project.variables()):
        monkeypatch.delenv(name)
    return project


def zips(project: Project) -> set[str]:
    """Return what was zipped."""
    return {path.name for path in (project.root / ".build/package").glob("zips/*")}


def spec_of(project: Project) -> PackageSpec:
    return PackageSpec(root=project.root, target=LocalTarget(), bytecode=False)
