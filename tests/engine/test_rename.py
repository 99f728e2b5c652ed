"""Tests whether renames in code replace deployed resources, and that renaming a protected stack is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.preview.programs import replace_text
from tests.engine.conftest import Deployed

pytestmark = pytest.mark.engine

RUNS = (("preview",), ("up", "--yes"))


def sources(program: Path) -> list[Path]:
    return [path for folder in ("components", "pipeline") for path in (program / folder).rglob("*.py")]


def test_renaming_a_component_file_and_class_changes_nothing(dev: Deployed) -> None:
    # GIVEN a deployed stack, and a component whose file and class have new names
    workspace, _ = dev
    components = workspace.program / "components"
    (components / "topic.py").rename(components / "fan_out.py")
    replace_text(components / "fan_out.py", "class Topic(", "class FanOut(")
    for path in sources(workspace.program):
        text = path.read_text().replace("components.topic import Topic,", "components.fan_out import FanOut as Topic,")
        path.write_text(text.replace("components.topic import", "components.fan_out import"))
    # WHEN it is deployed
    done = workspace.up()
    # THEN no resource changes
    assert done.code == 0, done.output
    assert done.changes == {}


def test_a_component_with_a_new_kind_and_an_alias_replaces_nothing(dev: Deployed) -> None:
    # GIVEN a deployed stack, whose program then renames a component's kind and keeps the former kind as an alias
    workspace, account = dev
    before = set(account.resources)
    replace_text(
        workspace.program / "components" / "topic.py",
        'kind: ClassVar[str] = "Topic"',
        'kind: ClassVar[str] = "FanOut"\n    former_kinds: ClassVar[tuple[str, ...]] = ("Topic",)',
    )
    # WHEN it is deployed
    done = workspace.up()
    # THEN the state has the new URNs, and no resource changes
    assert done.code == 0, done.output
    assert done.changes == {}
    assert set(account.resources) == before
    assert "pipeline:components:FanOut$aws:sns/topic:Topic" in workspace.exported()


def test_a_component_with_a_new_kind_and_no_alias_replaces_its_resources(dev: Deployed) -> None:
    # GIVEN a deployed stack, and a component with a new kind, but no alias
    workspace, _ = dev
    replace_text(
        workspace.program / "components" / "topic.py", 'kind: ClassVar[str] = "Topic"', 'kind: ClassVar[str] = "FanOut"'
    )
    # WHEN it is previewed
    done = workspace.preview()
    # THEN the engine would delete resources and create new ones
    assert {"create", "delete"} <= set(done.changes.values())


def test_a_renamed_protected_stack_is_refused_before_any_change(dev: Deployed) -> None:
    # GIVEN a protected stack with a new name. The names of its tables and queues contain the stack's name.
    workspace, account = dev
    assert workspace.up("--config", "protect=true").code == 0
    before = dict(account.resources)
    workspace.checked("stack", "rename", "kept", "--stack", "dev")
    renamed = replace(workspace, stack="kept")
    # WHEN it is previewed and deployed
    done = [renamed.operate(command, *options, "--config", "protect=true") for command, *options in RUNS]
    # THEN the engine names a table that it refuses to replace, and nothing is changed
    for each in done:
        assert each.code != 0
        assert "unable to replace resource" in each.output
        assert "aws:dynamodb/table:Table::orders" in each.output
    assert account.resources == before
