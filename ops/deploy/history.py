"""History of a function, in two of its tags: the versions that callers used, and those that were rolled back.

The tags are stored with the function, so that everybody who may deploy sees the same history. `pulumi up`
does not change the tags (components/function.py). Entries in another format, for example after an edit
by hand, are ignored.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

LIVE_BEFORE: Final = "LiveBefore"
ROLLED_BACK: Final = "RolledBack"
# Highest number of entries in each tag. A tag's value has at most 256 characters, and each code hash
# takes 44 of them.
_KEPT: Final = {LIVE_BEFORE: 5, ROLLED_BACK: 3}
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_ENTRY: Final = re.compile(r"(?P<version>[0-9]+)@(?P<at>[0-9T:-]{19}Z)(=(?P<code>[A-Za-z0-9+/]{43}=))?")


@dataclass(frozen=True)
class PastVersion:
    """A version that callers used until `at` (UTC, full seconds).

    If a rollback ended this use, `code` is the hash of the version's code.
    """

    version: int
    at: datetime
    code: str = ""

    def __str__(self) -> str:
        return f"{self.version}@{self.at.strftime(_TIME)}{f'={self.code}' if self.code else ''}"


@dataclass(frozen=True)
class History:
    """History of one function, the latest entry first."""

    live_before: tuple[PastVersion, ...] = ()
    rolled_back: tuple[PastVersion, ...] = ()

    def before(self, current: int) -> PastVersion | None:
        """Return the version that callers used before `current`; `None` if no such version is recorded.

        Versions that were rolled back do not count.
        """
        bad = {each.version for each in self.rolled_back}
        return next((each for each in self.live_before if each.version != current and each.version not in bad), None)

    def has_rolled_back(self, code: str) -> bool:
        """Return whether this code is recorded as rolled back."""
        return code in {each.code for each in self.rolled_back}


def read_history(lambda_client: "LambdaClient", function_arn: str) -> History:
    """Read the function's history; empty before the first shift."""
    tags = lambda_client.list_tags(Resource=function_arn).get("Tags", {})
    return History(tuple(_entries(tags.get(LIVE_BEFORE, ""))), tuple(_entries(tags.get(ROLLED_BACK, ""))))


def note_shift(lambda_client: "LambdaClient", function_arn: str, current: int, at: datetime) -> None:
    """Record that callers leave `current` for a newer version.

    Call it before the shift, because the shift may be killed.
    """
    history = read_history(lambda_client, function_arn)
    _write(lambda_client, function_arn, LIVE_BEFORE, PastVersion(current, at), history.live_before)


def note_rollback(lambda_client: "LambdaClient", function_arn: str, version: PastVersion) -> None:
    """Record that a rollback moves callers away from `version`. Call this first, because the rollback may be killed."""
    _write(lambda_client, function_arn, ROLLED_BACK, version, read_history(lambda_client, function_arn).rolled_back)


def allow_again(lambda_client: "LambdaClient", function_arn: str, code: str) -> None:
    """Remove the record that this code was rolled back, because callers use the code again."""
    history = read_history(lambda_client, function_arn)
    if not history.has_rolled_back(code):
        return
    if rest := [each for each in history.rolled_back if each.code != code]:
        lambda_client.tag_resource(Resource=function_arn, Tags={ROLLED_BACK: _text(rest)})
    else:
        lambda_client.untag_resource(Resource=function_arn, TagKeys=[ROLLED_BACK])


def _write(
    lambda_client: "LambdaClient", function_arn: str, tag: str, new: PastVersion, old: tuple[PastVersion, ...]
) -> None:
    kept = [new, *(each for each in old if each.version != new.version)][: _KEPT[tag]]
    lambda_client.tag_resource(Resource=function_arn, Tags={tag: _text(kept)})


def _text(entries: Iterable[PastVersion]) -> str:
    return " ".join(map(str, entries))


def _entries(text: str) -> Iterable[PastVersion]:
    for word in text.split():
        if match := _ENTRY.fullmatch(word):
            try:
                at = datetime.strptime(match["at"], _TIME).replace(tzinfo=UTC)
            except ValueError:
                continue
            yield PastVersion(int(match["version"]), at, match["code"] or "")
