"""The cache: the second build needs no network, and no build, killed or concurrent, leaves it broken."""

import os
import signal
import socket
import threading
import time
from pathlib import Path

from pipeline.package import cache
from tests.infra.package.projects import PYTHON, make_project, read

TARGET = ("--target", "lambda", "--python-version", PYTHON)


def test_the_second_build_needs_no_index(tmp_path: Path) -> None:
    # GIVEN a project that was built once, whose code has changed since
    project = make_project(tmp_path / "project")
    first = project.build(*TARGET)
    (project.root / "runtime/handlers/get_order.py").write_text("handler = print\n")

    # WHEN it is built without any index
    second = project.build(*TARGET, PIP_FIND_LINKS="")

    # THEN the package has the new code
    assert read(second["path"], "runtime/handlers/get_order.py") == b"handler = print\n"
    assert second["sha256"] != first["sha256"]
    assert 0 <= second["seconds"] < 60


def test_byte_code_can_be_switched_without_an_index(tmp_path: Path) -> None:
    # GIVEN a project that was built with byte code
    project = make_project(tmp_path / "project")
    project.build(*TARGET)

    # WHEN it is built without byte code and without any index
    result = project.run(*TARGET, "--no-bytecode", PIP_FIND_LINKS="")

    # THEN what was installed serves again
    assert result.returncode == 0, result.stderr


def test_concurrent_builds_install_once_and_agree(tmp_path: Path) -> None:
    # GIVEN a project that was never built
    project = make_project(tmp_path / "project")

    # WHEN three processes build it at once
    builds = [project.start(*TARGET) for _ in range(3)]
    results = [build.communicate(timeout=120) for build in builds]

    # THEN all give the same package, and one of them installed
    assert [build.returncode for build in builds] == [0, 0, 0]
    assert len({out.split('"sha256": ')[1].split(",")[0] for out, _ in results}) == 1
    assert sum("installing" in errors for _, errors in results) == 1


def test_a_killed_build_leaves_nothing_broken(tmp_path: Path) -> None:
    # GIVEN a build that hangs on an index which accepts and never answers, and is then killed
    project = make_project(tmp_path / "project")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        build = project.start(*TARGET, PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=index)
        silent.settimeout(60)
        connection, _ = silent.accept()
        os.killpg(build.pid, signal.SIGKILL)
        build.communicate(timeout=30)
        connection.close()
    assert list((project.root / ".build/package/scratch").iterdir())

    # WHEN it is built again
    again = project.build(*TARGET)

    # THEN the package is whole and what the killed build left is gone
    assert read(again["path"], "greeting/__init__.pyc")
    assert not (project.root / ".build/package/scratch").exists()


def test_an_entry_that_fails_half_way_does_not_appear(tmp_path: Path) -> None:
    # GIVEN a step that writes a file and then fails
    def half(draft: Path) -> None:
        (draft / "file").write_text("half")
        raise KeyboardInterrupt

    # WHEN it makes an entry
    with cache.locked(tmp_path / "cache", print) as scratch:
        try:
            cache.entry(tmp_path / "cache/installed/key", scratch, half)
        except KeyboardInterrupt:
            interrupted = True

    # THEN there is no entry
    assert interrupted
    assert not (tmp_path / "cache/installed/key").exists()


def test_a_waiting_build_says_so(tmp_path: Path) -> None:
    # GIVEN a build that holds the cache
    said: list[str] = []
    waiter = threading.Thread(target=lambda: cache.locked(tmp_path, said.append).__enter__())

    # WHEN another one starts
    with cache.locked(tmp_path, said.append):
        waiter.start()
        deadline = time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
    waiter.join(timeout=10)

    # THEN it says that it waits, and goes on afterwards
    assert said == ["another build is running: waiting for it"]
    assert not waiter.is_alive()


def test_what_no_build_used_for_long_is_deleted(tmp_path: Path) -> None:
    # GIVEN an old zip, an old tree, an old one in use and one of 13 days
    for name in ("old", "in-use", "recent"):
        (tmp_path / name).mkdir()
    (tmp_path / "old.zip").write_text("")
    long_ago = time.time() - cache.KEEP_SECONDS - 60
    for name in ("old", "in-use", "old.zip"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    os.utime(tmp_path / "recent", (time.time() - 13 * 86_400,) * 2)

    # WHEN the folder is pruned
    cache.prune(tmp_path, keep=tmp_path / "in-use")

    # THEN the old ones are gone
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in-use", "recent"]
