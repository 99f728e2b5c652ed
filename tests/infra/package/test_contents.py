"""Tests that the package contains only what the functions need at run time."""

from pathlib import Path

from tests.infra.package.projects import make_project, names

LOCAL = ("--target", "local", "--no-bytecode")


def test_the_package_contains_only_our_code_and_the_trimmed_dependencies(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a project with notes, caches, hidden files and editors' backup files in `runtime/`, and with code elsewhere
    clutter = ("runtime/README.md", "runtime/handlers/get_order.py.orig", "runtime/.hidden.py", "runtime/.git/x.py")
    caches = ("runtime/__pycache__/old.cpython-311.pyc", "runtime/__pycache__/trap.py", "tests/test_it.py", "other.py")
    project = make_project(
        tmp_path / "project",
        cache=shared_cache,
        runtime=dict.fromkeys(clutter + caches, "") | {"runtime/data.json": "{}"},
    )

    # WHEN it is packaged
    found = names(project.build(*LOCAL)["path"])

    # THEN the package contains code, data and the files that `importlib.metadata` reads, and nothing else
    assert found == [
        "greeting-1.0.dist-info/METADATA",
        "greeting-1.0.dist-info/entry_points.txt",
        "greeting/__init__.py",
        "greeting/deep/data.json",
        "greeting/deep/module.py",
        "runtime/__init__.py",
        "runtime/data.json",
        "runtime/handlers/__init__.py",
        "runtime/handlers/create_order.py",
        "runtime/handlers/get_order.py",
        "runtime/handlers/process_order.py",
    ]


def test_a_deleted_source_is_not_in_the_next_package(tmp_path: Path, shared_cache: Path) -> None:
    # GIVEN a project that was packaged with a module
    project = make_project(tmp_path / "project", cache=shared_cache, runtime={"runtime/extra.py": ""})
    assert "runtime/extra.py" in names(project.build(*LOCAL)["path"])

    # WHEN the module is deleted
    (project.root / "runtime/extra.py").unlink()

    # THEN the next package does not contain it
    assert "runtime/extra.py" not in names(project.build(*LOCAL)["path"])
