"""Tests the comment that shows a preview on a pull request."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.preview import MAX_COMMENT, Preview, main, marker

URN = "urn:pulumi:dev::orders::pipeline:components:Queue$aws:sqs/queue:Queue::"


def step(op: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": f"{URN}{name}", **metadata}}}


def error(message: str, severity: str = "error") -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message}}


def comment(*events: dict[str, Any], code: int = 0, output: str = "the diff") -> str:
    return Preview.read("dev", code, output, events).comment()


def test_deletions_are_listed_first_and_the_title_counts_all_changes() -> None:
    # GIVEN / WHEN
    text = comment(
        step("create", "new"),
        step("update", "tuned", detailedDiff={"visibilityTimeoutSeconds": {}, "tags.Owner": {}}),
        step("replace", "ordered", keys=["fifoQueue"], detailedDiff={"fifoQueue": {}, "name": {}}),
        step("create-replacement", "ordered"),
        step("delete", "old"),
        step("same", "left"),
    )

    # THEN
    lines = text.splitlines()
    assert lines[:2] == [marker("dev"), "### Preview of dev: 1 replaced, 1 deleted, 1 changed, 1 new"]
    assert lines.index("- replaced: **ordered** (aws:sqs/queue:Queue): `fifoQueue`") < lines.index(
        "- changed: **tuned** (aws:sqs/queue:Queue): `tags.Owner`, `visibilityTimeoutSeconds`"
    )
    assert lines.index("- deleted: **old** (aws:sqs/queue:Queue)") < lines.index("- new: **new** (aws:sqs/queue:Queue)")
    assert "left" not in text
    assert "the diff" in text


def test_the_comment_on_a_preview_without_changes_is_only_a_title() -> None:
    assert comment(step("same", "left"), output="Resources: 80 unchanged") == (
        f"{marker('dev')}\n### Preview of dev: no changes\n\n"
    )


def test_a_failure_is_shown_with_its_reasons() -> None:
    # GIVEN / WHEN
    text = comment(
        error("<{%fg 1%}>orders:<{%reset%}>protect: given false\n\nchange orders:protect<{%reset%}>"),
        error("only a hint", "warning"),
        {"policyEvent": {"enforcementLevel": "mandatory", "policyName": "queues-are-encrypted", "message": "no key"}},
        {"policyEvent": {"enforcementLevel": "advisory", "policyName": "tags", "message": "no owner"}},
        code=255,
    )

    # THEN
    assert text.splitlines()[1:6] == [
        "### Preview of dev failed",
        "",
        "- orders:protect: given false",
        "  change orders:protect",
        "- policy queues-are-encrypted: no key",
    ]
    assert "hint" not in text
    assert "no owner" not in text


def test_a_failure_without_an_event_shows_the_end_of_the_output() -> None:
    assert "error: no credentials" in comment(code=255, output=f"{'x' * 9_000}\nerror: no credentials")


@pytest.mark.parametrize("printed", ["x" * 200_000, "x\n" * 100_000, "`````\n" * 50_000, ""])
@pytest.mark.parametrize("count", [0, 1, 250])
def test_a_long_diff_is_cut_and_the_list_of_changes_stays_complete(printed: str, count: int) -> None:
    # GIVEN / WHEN
    text = comment(*(step("delete", f"queue-{number}") for number in range(count)), output=printed)

    # THEN
    assert len(text) <= 65_536
    assert all(f"**queue-{number}**" in text for number in range(count))
    assert text.count("`````") in (0, 2)
    assert text.count("<details>") == text.count("</details>")


def test_a_list_of_changes_that_is_too_long_is_cut_at_the_end() -> None:
    # GIVEN / WHEN
    text = comment(step("delete", "gone"), *(step("create", f"queue-{number}") for number in range(3_000)))

    # THEN the deletion is still in the comment
    assert MAX_COMMENT <= len(text) <= 65_536
    assert "1 deleted, 3000 new" in text
    assert "**gone**" in text
    assert "… cut" in text


def test_the_command_runs_pulumi_and_returns_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a `pulumi` command that prints its arguments, writes one event, and fails
    event = json.dumps(error("a wrong key"))
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(
        f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\n"
        "log = next(each for each in sys.argv if each.startswith('--event-log=')).partition('=')[2]\n"
        f"open(log, 'w').write({event!r} + chr(10))\nsys.exit(255)\n"
    )
    pulumi.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))

    # WHEN
    code = main(["--stack", "dev", "--comment", str(tmp_path / "comment.md"), "--", "--policy-pack", "policy"])

    # THEN
    assert code == 255
    printed = capfd.readouterr().out
    assert "'preview', '--stack', 'dev', '--diff'" in printed
    assert printed.strip().endswith("'--policy-pack', 'policy']")
    assert "- a wrong key" in (tmp_path / "comment.md").read_text()


def test_the_comment_reports_a_missing_pulumi_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN
    monkeypatch.setenv("PATH", "")

    # WHEN
    code = main(["--stack", "dev", "--comment", str(tmp_path / "comment.md")])

    # THEN
    assert code == 1
    assert "no `pulumi` command" in (tmp_path / "comment.md").read_text()
