"""Tests that docs/embedded-aws.md lists every emulated type, ignored input, inert type and kind of fault."""

from local.instance import ROOT
from local.proxy.faults import FaultKind
from local.services.inert import INERT
from local.services.registry import HANDLERS

PAGE = ROOT / "docs" / "embedded-aws.md"


def emulated_rows() -> list[str]:
    return [
        f"| `{type_}` | {'<br>'.join(f'`{name}`: {why}' for name, why in sorted(handler.ignored.items()))} |"
        for type_, handler in sorted(HANDLERS.items())
    ]


def inert_rows() -> list[str]:
    return [f"| `{type_}` | {why} |" for type_, why in sorted(INERT.items())]


def rows_under(heading: str) -> list[str]:
    section = PAGE.read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def test_emulated_types_and_their_ignored_inputs_are_documented() -> None:
    # GIVEN the page
    # WHEN its table is compared with the code
    # THEN both have the same rows
    assert rows_under("What is emulated") == emulated_rows()


def test_inert_types_are_documented() -> None:
    # GIVEN the page
    # WHEN its table is compared with the code
    # THEN both have the same rows
    assert rows_under("What is inert") == inert_rows()


def test_every_kind_of_fault_is_documented() -> None:
    # GIVEN the page
    # WHEN its table of kinds is compared with the code
    kinds = [row.split("`")[1] for row in rows_under("Faults") if not row.startswith("| `--")]

    # THEN both list the same kinds
    assert kinds == [kind.value for kind in FaultKind]
