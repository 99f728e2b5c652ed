"""The `demo` command: start a new instance, run the story, check the guarantees, stop the instance."""

import argparse
import sys
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.cli.common import add_command, add_json, print_json
from local.client import LocalStack
from local.demo import callers, failures, story
from local.demo.account import Account
from local.demo.http import OrdersApi
from local.demo.stage import instance_for_a_story, own_state
from local.demo.transcript import Transcript
from local.errors import ExitCode, LocalError
from local.supervisor import UpOptions

# How many workers of each function are started before the story begins. One function needs many
# workers later. But more than one here would start more workers of every function. The demo would not
# be faster, because the additional workers need as much time to start as they save.
_WARM_WORKERS = 1


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "demo",
        "show the whole pipeline on a new instance, and check the guarantees; exit 0 if all hold",
        "python -m local demo",
        remark='the command uses the subfolder "demo" of this default folder',
    )
    parser.add_argument(
        "--pause", action="store_true", help="wait for Enter before the instance stops, so that you can view its page"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Start an instance, run the story, check the guarantees, stop the instance. Exit 0 if every check passes."""
    # With --json, the story goes to standard error, because standard output is for programs.
    console = Console(stderr=options.json, highlight=False)
    transcript = Transcript(console)
    up = UpOptions(warm_workers=_WARM_WORKERS)
    with instance_for_a_story(own_state(options.state_dir, "demo"), up, console) as stack:
        page = stack.instance.page_url
        console.print(f"[bold]Watch the demo in a browser:[/bold] {page}", soft_wrap=True)
        run_story(stack, transcript)
        if options.pause:
            console.print(f"\n{page}\nPress Enter to stop the instance.", soft_wrap=True)
            sys.stdin.readline()
    console.print("Stopped. To try it yourself: make up", style="dim")
    if options.json:
        print_json(transcript.document())
        sys.stdout.flush()
    return ExitCode.OK if transcript.ok else ExitCode.FAILED


def run_story(stack: LocalStack, transcript: Transcript) -> None:
    """Run the whole story on a running instance. Raises `LocalError` when a failed step ends the story."""
    stage = story.DemoStack(stack, Account(stack), OrdersApi(stack.outputs["api_url"]), transcript)
    try:
        story.set_stock(stage)
        story.accept(stage)
        story.concurrent_retries(stage)
        story.out_of_stock(stage)
        known = callers.two_callers(stage)
        poisoned = failures.poison(stage)
        failures.unreadable(stage)
        failures.recover(stage, poisoned)
        *findings, in_data = story.check_guarantees(stage)
        seen = callers.isolation(callers.look_up_all(stage.account.orders(), callers.lookups_of(stage, known)))
        findings.append(in_data.along_with(seen.counted, seen.violations))
        story.events(stage)
    except (BotoCoreError, ClientError) as error:
        log = stack.state.emulator_log
        raise LocalError(f"The embedded AWS failed: {error}. Its log is {log}.") from error
    transcript.conclude(findings)
