"""End-to-end tests against a stack on AWS, and a report of them that can be attached to an issue.

    pulumi stack output --json --show-secrets --stack dev > dev.json
    make aws-check OUTPUTS=dev.json

The command runs the tests marked `deployed`. They inject no fault, and use the stack's public
address and your credentials. The command refuses a production stack. A run costs less than a cent,
takes one to three minutes, and places some 20 orders in the currency XTS. These orders stay in the
table, as CONFIRMED or REJECTED. Their idempotency records stay until they expire. The run also
creates articles AWS-CHECK-… and, if the stack has a standard topic, one queue with its
subscription. It removes them at the end. If a run is killed, the next run removes them. Subscribers
receive the orders' events. Errors and rejections may raise an alarm of the tier notify.

Exit codes: 0 all passed, or a dry run; 1 something failed, 2 wrong usage, 3 no such stack, 4 no access, 5 a production
stack or an unknown environment, 130 interrupted.
"""

import argparse
import json
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local.instance import ROOT
from ops.cli.screen import Screen
from ops.errors import ExitCode, OpsError, RefusedError, explain
from ops.smoke.token import token_for
from ops.target import Choice, Target, read_outputs
from pipeline.help import HelpFormatter
from tests.e2e.deployed import NAME, Deployed, DeployedStack, tidy_up

_CODES: Final = {pytest.ExitCode.OK: ExitCode.OK, pytest.ExitCode.INTERRUPTED: ExitCode.INTERRUPTED}
_ALLOWED: Final = ("development", "local")
_EVENTS: Final = "tests/e2e/test_events.py"
_REASON_LINES: Final = 12


class Report:
    """A pytest plugin that collects the results of the tests during their run."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of a test (setup, call or teardown) to the test's result.

        A test has failed if one of its phases failed.
        """
        new: dict[str, Any] = {"test": report.nodeid, "outcome": "passed", "milliseconds": 0}
        result = self.tests.setdefault(report.nodeid, new)
        result["milliseconds"] += round(1_000 * report.duration)
        if report.failed:
            result["outcome"] = "failed"
            result["reason"] = report.longreprtext.splitlines()[-_REASON_LINES:]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The results of the tests that failed."""
        return [each for each in self.tests.values() if each["outcome"] == "failed"]


def main(arguments: Sequence[str]) -> int:
    """Run the check, and return the exit code."""
    options = _parser().parse_args(arguments)
    err = Screen(stderr=True)
    try:
        stack = _stack(options.outputs)
        if not options.yes:
            words = shlex.join(["python", "-m", "tests.e2e.aws_check", *arguments, "--yes"])
            err.print((__doc__ or "").partition("\n\n")[2])
            err.print(f"Dry run: nothing was done on {stack.target.describe()}.\n  next: {words}")
            return ExitCode.OK
        # SIGTERM ends the run as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return _run(stack, options)
    except OpsError as error:
        err.print(f"error: {error}")
        return int(error.exit_code)
    except (ClientError, BotoCoreError) as error:
        explained = explain(error, str(options.outputs))
        err.print(f"error: {explained}")
        return int(explained.exit_code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.e2e.aws_check", description=__doc__, formatter_class=HelpFormatter
    )
    parser.add_argument("outputs", type=Path, help="a file from `pulumi stack output --json --show-secrets`")
    parser.add_argument("--yes", action="store_true", help="run the tests; without this option nothing is done")
    parser.add_argument(
        "--token",
        help="a bearer token, if the API uses your own issuer; the value - reads it from standard input",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="the file for the report, in JSON (default: a file in .build)",
    )
    return parser


def _stack(path: Path) -> DeployedStack:
    """Return the stack, if a check is allowed on it.

    Raises:
        RefusedError: the stack is a production stack, or its environment is not known.
    """
    label, outputs = read_outputs(Choice(outputs=path))
    stack = DeployedStack(Target.from_outputs(label, outputs), outputs)
    stack.aws.check()
    tags = stack.aws.lambda_.get_function(FunctionName=stack.target.process_order_function).get("Tags", {})
    environment = tags.get("Environment", "")
    if environment not in _ALLOWED:
        raise RefusedError(
            f"{stack.target.prefix}: its environment is {environment or 'not known'}; "
            f"allowed: {' or '.join(_ALLOWED)}. Check a production stack with: python -m ops smoke."
        )
    return stack


def _run(stack: DeployedStack, options: argparse.Namespace) -> int:
    deployed = Deployed(stack, token_for(Choice(outputs=options.outputs), options.token))
    report, at, started = Report(), datetime.now(UTC), time.monotonic()
    ended: int = pytest.ExitCode.INTERRUPTED
    tidy_up(stack)
    # The test of events reads a queue that the run subscribes to a standard topic. With a FIFO topic or a bus, the test
    # is left out.
    checks_events = bool(stack.target.notifications_topic_arn) and not stack.target.events_arn.endswith(".fifo")
    chosen = ["-m", "deployed", "-p", "no:cacheprovider", "-q", "--rootdir", str(ROOT), str(ROOT / "tests/e2e")]
    try:
        if checks_events:
            deployed.account.subscribe()
        else:
            chosen += [f"--ignore={ROOT / _EVENTS}"]
        ended = pytest.main(chosen, plugins=[_Named(deployed), report])
    finally:
        removed = tidy_up(stack)
        document = {
            "stack": stack.target.prefix,
            "region": stack.target.region,
            "at": at.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - started),
            "complete": ended in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED),
            "passed": len(report.tests) - len(report.failed),
            "failed": len(report.failed),
            "events": "checked"
            if checks_events
            else "not checked: this stack has no standard topic, which the check needs",
            "removed": vars(removed),
            "tests": list(report.tests.values()),
        }
        _write(document, options.report)
    return int(_CODES.get(pytest.ExitCode(ended), ExitCode.FAILED))


class _Named:
    """Registers the stack under the name that the fixtures use."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the stack."""
        config.pluginmanager.register(self._deployed, NAME)


def _write(document: dict[str, Any], path: Path | None) -> None:
    chosen = path or ROOT / ".build" / f"aws-check-{document['stack']}.json"
    chosen.parent.mkdir(parents=True, exist_ok=True)
    chosen.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    Screen(stderr=True).print(
        f"{document['stack']} ({document['region']}): {document['passed']} passed, {document['failed']} failed in "
        f"{document['seconds']} s. This run's orders (currency XTS) stay in the table. "
        "Everything else that it created (articles, and perhaps a queue and its subscription) "
        "is removed.\n"
        f"report: {chosen}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
