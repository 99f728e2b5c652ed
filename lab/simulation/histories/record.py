"""The file that a long run keeps: what was counted so far, so that it can be looked at, and gone on with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab.simulation.histories.tally import Tally

_ROOT = Path(__file__).resolve().parents[3]


class OtherRunError(ValueError):
    """The file is of another run: going on with it would mix what does not belong together."""


@dataclass(slots=True)
class Record:
    """A run so far.

    Attributes:
        first_seed: The seed of its first history; those counted are the next ones without a gap.
        tally: What was counted.
        seconds: How long that took, pauses between runs left out.
    """

    first_seed: int
    tally: Tally
    seconds: float = 0

    @classmethod
    def read(cls, path: Path, first_seed: int) -> Record:
        """Read what :meth:`write` wrote.

        Raises:
            OtherRunError: it started at another seed, or the code is another one by now.
        """
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["first_seed"] != first_seed:
            raise OtherRunError(
                f"{path} starts at seed {document['first_seed']}, not {first_seed}: give --seed, or a new file."
            )
        if document["code"] != code_digest():
            raise OtherRunError(
                f"{path} was counted with other code (its digest is {document['code']}, now it is {code_digest()}): "
                "start a new file, or go on with the version that it was started with."
            )
        return cls(first_seed, Tally.read(document), document["seconds"])

    def write(self, path: Path, **run: Any) -> None:
        """Write it, with what else is to be known of the run. A crash leaves the file before or after, not half."""
        rate = round(self.tally.histories / self.seconds, 2) if self.seconds else 0
        timing = {"seconds": round(self.seconds, 1), "per_second": rate}
        document = {"first_seed": self.first_seed, "code": code_digest(), **run, **timing, **self.tally.document()}
        half = path.with_name(f"{path.name}.part")
        half.write_text(json.dumps(document, indent=1), encoding="utf-8")
        half.replace(path)


def code_digest(*more: str) -> str:
    """Sixteen digits that change with the program, with what plays its histories, and with `more` folders."""
    digest = sha256()
    for folder in ("runtime", "lab/simulation", *more):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            if not path.name.startswith("test_"):
                digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
