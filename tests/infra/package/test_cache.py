"""Tests the cache: the second build needs no network, and neither killed nor concurrent builds break the cache."""

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


def test_a_build_without_byte_code_needs_no_package_index_if_the_dependencies_are_installed(tmp_path: Path) -> None:
    # GIVEN a project that was built with byte code
    project = make_project(tmp_path / "project")
    project.build(*TARGET)

    # WHEN it is built without byte code and without any package index
    result = project.run(*TARGET, "--no-bytecode", PIP_FIND_LINKS="")

    # THEN it uses the dependencies that are already installed
    assert result.returncode == 0, result.stderr


def test_concurrent_builds_install_once_and_give_the_same_package(tmp_path: Path) -> None:
    # GIVEN a project that was never built
    project = make_project(tmp_path / "project")

    # WHEN three processes build it at the same time
    builds = [project.start(*TARGET) for _ in range(3)]
    results = [build.communicate(timeout=120) for build in builds]

    # THEN all builds give the same package, and only one of them installed the dependencies
    assert [build.returncode for build in builds] == [0, 0, 0]
    assert len({out.split('"sha256": ')[1].split(",")[0] for out, _ in results}) == 1
    assert sum("installing" in errors for _, errors in results) == 1


def test_a_killed_build_does_not_break_the_next_one(tmp_path: Path) -> None:
    # GIVEN a build that was killed while it waited for an index that never answers
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

    # WHEN the project is built again
    again = project.build(*TARGET)

    # THEN the package is complete, and the files that the killed build left are deleted
    assert read(again["path"], "greeting/__init__.pyc")
    assert not (project.root / ".build/package/scratch").exists()


def test_an_entry_whose_filling_failed_is_not_in_the_cache(tmp_path: Path) -> None:
    # GIVEN a function that fills an entry and fails after its first file
    def half(draft: Path) -> None:
        (draft / "file").write_text("half")
        raise KeyboardInterrupt

    # WHEN an entry is created with it
    with cache.locked(tmp_path / "cache", print) as scratch:
        try:
            cache.entry(tmp_path / "cache/installed/key", scratch, half)
        except KeyboardInterrupt:
            interrupted = True

    # THEN there is no entry
    assert interrupted
    assert not (tmp_path / "cache/installed/key").exists()


def test_a_build_that_waits_for_another_build_reports_that_it_waits(tmp_path: Path) -> None:
    # GIVEN a build that needs the cache
    messages: list[str] = []
    waiter = threading.Thread(target=lambda: cache.locked(tmp_path, messages.append).__enter__())

    # WHEN it starts while another build holds the lock of the cache
    with cache.locked(tmp_path, messages.append):
        waiter.start()
        deadline = time.monotonic() + 10
        while not messages and time.monotonic() < deadline:
            time.sleep(0.01)
    waiter.join(timeout=10)

    # THEN it reports that it waits, and continues afterwards
    assert messages == ["another build is running: waiting for it"]
    assert not waiter.is_alive()


def test_entries_that_no_build_has_used_for_a_long_time_are_deleted(tmp_path: Path) -> None:
    # GIVEN a zip file and two folders that were last used over 14 days ago, and a folder last used 13 days ago
    for name in ("old", "in-use", "recent"):
        (tmp_path / name).mkdir()
    (tmp_path / "old.zip").write_text("")
    long_ago = time.time() - cache.KEEP_SECONDS - 60
    for name in ("old", "in-use", "old.zip"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    os.utime(tmp_path / "recent", (time.time() - 13 * 86_400,) * 2)

    # WHEN the cache is pruned while one of the old folders is in use
    cache.prune(tmp_path, keep=tmp_path / "in-use")

    # THEN the old zip file and the other old folder are deleted
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in-use", "recent"]
