"""Tests the messages of failed builds, pip's retries, and the choice of wheels and of the interpreter."""

import errno
import os
import platform
import socket
import sys
from pathlib import Path

import pytest

from pipeline.package import BuildError, LocalTarget, PackageSpec, build, build_package
from tests.infra.package.projects import PYTHON, Project, make_project, make_wheel, read

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


def test_an_index_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    # GIVEN pip with the address of an index that does not exist
    project = make_project(tmp_path / "project")
    index = f"http://127.0.0.1:{closed_port()}/simple"

    # WHEN the project is built
    message = refusal(project, *LOCAL, PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=index)

    # THEN the message reports that the index does not answer, and names the variable to check
    assert "the package index does not answer" in message
    assert "PIP_INDEX_URL" in message


def test_pip_retries_as_often_as_the_user_configured(tmp_path: Path) -> None:
    # GIVEN an index that does not exist, and a user who configured pip with one retry
    project = make_project(tmp_path / "project")
    index = f"http://127.0.0.1:{closed_port()}/simple"

    # WHEN the project is built
    message = refusal(project, *LOCAL, PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=index, PIP_RETRIES="1")

    # THEN pip retries once
    assert message.count("Retrying (") == 1


def test_a_wheel_whose_hash_differs_from_the_lock_file_is_refused(tmp_path: Path) -> None:
    # GIVEN a lock file with another hash than the wheel's
    project = make_project(tmp_path / "project", lock=f"greeting==1.0 --hash=sha256:{'0' * 64}\n")

    # WHEN the project is built
    message = refusal(project, *LOCAL)

    # THEN the message names the lock file, and the cache is empty
    assert "another hash than in requirements-runtime.txt" in message
    assert not list((project.root / ".build/package").glob("installed/*"))


def test_a_wheel_that_is_missing_for_the_target_is_reported(tmp_path: Path) -> None:
    # GIVEN a dependency with a wheel for x86_64 only
    project = make_project(tmp_path / "project")
    line = make_wheel(project.wheels, "native", {"native.py": ""}, tag="cp313-cp313-manylinux2014_x86_64")
    (project.root / "requirements-runtime.txt").write_text(line)

    # WHEN the project is built for arm64
    message = refusal(project, "--no-bytecode", "--architecture", "arm64", "--python-version", "3.13")

    # THEN the message names the dependency and the target
    assert "no wheel of native==1.0 for lambda-arm64-python3.13" in message


def test_the_wheel_of_the_configured_architecture_is_used(tmp_path: Path) -> None:
    # GIVEN a dependency with one wheel per architecture
    project = make_project(tmp_path / "project")
    tags = {"arm64": "cp313-cp313-manylinux_2_28_aarch64", "x86_64": "cp313-cp313-manylinux2014_x86_64"}
    lines = [
        make_wheel(project.wheels, "native", {"native.py": f"FOR = {name!r}\n"}, tag=tag) for name, tag in tags.items()
    ]
    hashes = " ".join(line.split()[1] for line in lines)
    (project.root / "requirements-runtime.txt").write_text(f"native==1.0 {hashes}\n")

    # WHEN a package is built for each architecture
    built = {name: project.build("--no-bytecode", "--architecture", name)["path"] for name in tags}

    # THEN each package contains the wheel of its architecture
    assert {name: read(path, "native.py").decode() for name, path in built.items()} == {
        name: f"FOR = {name!r}\n" for name in tags
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("greeting==1.0", "is not locked"),
        (f"greeting>=1.0 --hash=sha256:{'0' * 64}", "is not locked"),
        (f"greeting==1.0 ; python_version < '3.12' --hash=sha256:{'0' * 64}", "environment marker"),
    ],
)
def test_a_requirement_needs_a_pin_and_a_hash_and_must_have_no_marker(tmp_path: Path, line: str, words: str) -> None:
    # GIVEN a lock file with a requirement that is not pinned, has no hash, or has a marker
    project = make_project(tmp_path / "project", lock=f"{line}\n")

    # WHEN the project is built
    message = refusal(project, *LOCAL)

    # THEN the message names what is wrong with the requirement, and the command to run
    assert words in message
    assert "make lock" in message


def test_a_missing_lock_file_is_reported(tmp_path: Path) -> None:
    # GIVEN a project without its lock file
    project = make_project(tmp_path / "project")
    (project.root / "requirements-runtime.txt").unlink()

    # WHEN it is built
    message = refusal(project, *LOCAL)

    # THEN the message names the file
    assert "requirements-runtime.txt: No such file" in message


def test_a_missing_interpreter_of_the_configured_version_is_reported(tmp_path: Path) -> None:
    # GIVEN a PATH with only two programs. Both have the name of the missing interpreter, but one fails, and the other
    # is another Python version
    project = make_project(tmp_path / "project")
    version = "3.14" if PYTHON != "3.14" else "3.13"
    tools = tmp_path / "tools"
    (tools / "shims").mkdir(parents=True)
    (tools / "others").mkdir()
    (tools / "shims" / f"python{version}").write_text("#!/bin/sh\nexit 127\n")
    (tools / "shims" / f"python{version}").chmod(0o755)
    (tools / "others" / f"python{version}").symlink_to(sys.executable)

    # WHEN a package with byte code is built
    message = refusal(project, "--python-version", version, PATH=f"{tools}/shims:{tools}/others")

    # THEN the message names the interpreters that were tried, the one to install, and the option to
    # change
    assert f"needs Python {version}" in message
    assert f"{tools}/shims/python{version} (does not run" in message
    assert f"{tools}/others/python{version} (is {PYTHON}." in message
    assert "package_bytecode: false" in message


def test_an_interpreter_that_is_not_the_pinned_release_is_refused(tmp_path: Path) -> None:
    # GIVEN a pinned release that this machine lacks
    project = make_project(tmp_path / "project")

    # WHEN the package is built
    message = refusal(project, "--python-version", PYTHON, "--bytecode-release", f"{PYTHON}.99")

    # THEN the message names the release
    assert f"needs Python {PYTHON}.99" in message
    assert "change `package_bytecode_release`" in message


def test_a_shim_that_fails_is_skipped(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a shim that fails, before the real interpreter on PATH
    project = make_project(tmp_path / "project", cache=shared_cache)
    shim = tmp_path / "shims" / f"python{PYTHON}"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)

    # WHEN a package with byte code is built
    release = ("--bytecode-release", platform.python_version())
    built = project.build("--python-version", PYTHON, *release, PATH=f"{shim.parent}:{os.environ['PATH']}")

    # THEN the real interpreter compiles the byte code
    assert built["python"] == platform.python_version()


@pytest.mark.parametrize(("limit", "what"), [("MAX_ZIPPED", "as a zip"), ("MAX_UNZIPPED", "unpacked")])
def test_a_package_above_a_limit_of_lambda_is_refused(
    tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, limit: str, what: str
) -> None:
    # GIVEN a package that is larger than the limit and was not built before
    project = prepared(tmp_path, monkeypatch, shared_cache, limit)
    monkeypatch.setattr(build, limit, 100)
    before = zips(project)

    # WHEN it is built
    # THEN the message states the size of the package, and no new zip file is left
    with pytest.raises(BuildError, match=rf"MB {what}, and Lambda accepts at most"):
        build_package(spec_of(project), print)
    assert zips(project) == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_reported(
    tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    # GIVEN a disk that is full when the zip file is written
    project = prepared(tmp_path, monkeypatch, shared_cache, f"full {code}")

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(build, "write_archive", refuse)

    # WHEN the package is built
    # THEN the message names the full disk and the space that the build needs, and no incomplete file is left
    with pytest.raises(BuildError, match=r"no space left on the disk of .*\.build/package: the build needs about"):
        build_package(spec_of(project), print)
    assert not (project.root / ".build/package/scratch").exists()


def test_a_dependency_that_would_hide_our_code_is_refused(tmp_path: Path) -> None:
    # GIVEN a dependency with a top-level folder `runtime`, which our code has too
    project = make_project(tmp_path / "project")
    line = make_wheel(project.wheels, "rival", {"before.py": "", "runtime/__init__.py": ""})
    (project.root / "requirements-runtime.txt").write_text(line)

    # WHEN the package is built
    message = refusal(project, *LOCAL)

    # THEN the message names the folder
    assert "have a top-level `runtime`" in message


def test_a_folder_of_code_that_is_no_package_is_refused(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a project whose folder of code lacks `__init__.py`
    project = make_project(tmp_path / "project", cache=shared_cache)
    (project.root / "runtime/__init__.py").unlink()

    # WHEN it is built
    message = refusal(project, *LOCAL)

    # THEN the message names what is missing
    assert "no __init__.py" in message


def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, word: str) -> Project:
    """Return a project whose code contains `word`, so that no other test has built its package.

    Also set this process's environment to exactly `project.variables()`.
    """
    project = make_project(tmp_path / "project", cache=cache, runtime={"runtime/word.py": f"WORD = {word!r}\n"})
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    for name in set(os.environ) - set(project.variables()):
        monkeypatch.delenv(name)
    return project


def zips(project: Project) -> set[str]:
    """Return the names of the zip files in the cache."""
    return {path.name for path in (project.root / ".build/package").glob("zips/*")}


def spec_of(project: Project) -> PackageSpec:
    return PackageSpec(root=project.root, target=LocalTarget(), bytecode=False)
