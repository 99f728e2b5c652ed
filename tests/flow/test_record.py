"""A long run that is stopped goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.simulation.histories.record import OtherRunError, Record
from lab.simulation.histories.run import play_in_chunks, play_seeds

FIRST = 77


def test_a_run_that_goes_on_counts_the_same_as_one_without_a_pause(tmp_path: Path) -> None:
    # GIVEN a run that was stopped after ten histories
    path = tmp_path / "run.json"
    Record(FIRST, play_seeds(range(FIRST, FIRST + 10)), seconds=1.5).write(path, wanted=25)
    # WHEN it is read and goes on
    record = Record.read(path, FIRST)
    for part in play_in_chunks(FIRST + record.tally.histories, 15, workers=1):
        record.tally.merge(part)
    # THEN everything that was counted is as in one run
    assert record.seconds == 1.5
    assert record.tally == play_seeds(range(FIRST, FIRST + 25))


@pytest.mark.parametrize(("field", "value"), [("first_seed", 5), ("code", "0123456789abcdef")])
def test_a_file_of_another_run_is_refused(tmp_path: Path, field: str, value: object) -> None:
    # GIVEN the file of a run with another seed, or of other code
    path = tmp_path / "run.json"
    Record(FIRST, play_seeds(range(FIRST, FIRST + 1))).write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    # WHEN somebody wants to go on with it
    # THEN the error says what differs
    with pytest.raises(OtherRunError, match=str(value)):
        Record.read(path, FIRST)


def test_several_processes_count_the_same_as_one() -> None:
    # GIVEN the counts of one process
    alone = list(play_in_chunks(FIRST, 6, workers=1))
    # WHEN two play the same
    together = list(play_in_chunks(FIRST, 6, workers=2))
    # THEN they are the same
    assert together == alone
