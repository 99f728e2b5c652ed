"""The `incident` command: one incident, played on a new instance.

A dependency fails. An alarm pages somebody. The page links to a runbook, and this person types the runbook's commands.
Then all orders settle. Orders, queues, functions, topics and commands are the real ones. This story sets the alarms'
states itself, because the embedded AWS does not evaluate alarms as AWS does. The embedded AWS delivers the pages.
The story takes about two minutes.
"""

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

from rich.console import Console

from local.cli.common import add_command
from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.audit import audit, gather
from local.demo.http import OrdersApi, order
from local.demo.stage import instance_for_a_story, own_state
from local.demo.transcript import Transcript
from local.errors import ExitCode, LocalError
from local.instance import ROOT
from local.proxy.faults import FaultKind
from local.supervisor import UpOptions

SKU: Final = "SKU-BOOK"
STOCK: Final = 100
ORDERS: Final = 5
PAGES: Final = {
    "processing-failing": ("settling-14x-1h", "settling-14x-5m"),
    "dead-letters": ("dead-letter-queue-not-empty",),
}
"""The pages of this story, in order, each with the alarms that cause it. A test checks them against the alarm table."""
RUNBOOKS: Final = "https://runbooks.example.com/orders"
"""The address that the alarms' links begin with."""
CONFIG: Final = {"runbook_base_url": RUNBOOKS}
_UNDECIDED: Final = (
    "The embedded AWS cannot decide whether and when an alarm's condition holds: it ignores dimensions, metric math "
    "and missing data. So the story sets the alarms that AWS would raise. The composite alarm, the topic and the page "
    "are the real ones. docs/incidents.md shows when AWS would page."
)
_LATER: Final = (
    "All attempts are used up. So no attempt fails any more, and the alarm of the first page returns "
    "to OK. The dead letters remain. On AWS they cause a page half an hour later, if they are still "
    "in the queue then."
)
_DEAD: Final = "dead_letter_queue_url"
_LINK: Final = re.compile(rf"Runbook: {re.escape(RUNBOOKS)}/([\w-]+\.md)#([\w-]+)$")


@dataclass(frozen=True)
class Page:
    """A page: the alarm that causes it, the alarm's new state (ALARM or OK), and the page's text."""

    alarm: str
    state: str
    text: str


class Pager:
    """A queue that is subscribed to the paging topic."""

    def __init__(self, stack: LocalStack) -> None:
        self._sqs = stack.aws.sqs
        self._url = self._sqs.create_queue(QueueName="pager")["QueueUrl"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        topic = stack.outputs["alarm_topic_arns"]["page"]
        stack.aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=answer["Attributes"]["QueueArn"])

    def wait(self, state: str) -> Page:
        """Return the next page with this state. Raises `LocalError` if no such page arrives within 20 seconds."""
        return wait_for(
            f"a page with the state {state}", lambda: next((p for p in self._pages() if p.state == state), None), 20
        )

    def _pages(self) -> Iterator[Page]:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                change = json.loads(json.loads(message["Body"])["Message"])
                yield Page(change["AlarmName"], change["NewStateValue"], change["AlarmDescription"])


@dataclass
class Incident:
    """The steps of the story, on one stack."""

    stack: LocalStack
    account: Account
    api: OrdersApi
    pager: Pager
    transcript: Transcript

    def breaks(self) -> list[str]:
        """Make a dependency fail, then send orders, which all end as dead letters. Return the orders' ids."""
        self.transcript.chapter("A dependency fails", "DynamoDB refuses every settlement. Customers still send orders.")
        rule = self.stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.ERROR)
        self.transcript.sent(f"fault: {rule.rule.service} {rule.rule.operation} {rule.rule.kind}")
        accepted = [self._order(f"incident-{number}") for number in range(ORDERS)]
        wait_for("all orders to be in the dead-letter queue", lambda: self.account.waiting(_DEAD) == ORDERS, 120)
        self.transcript.check(f"{ORDERS} orders accepted, and all of them in the dead-letter queue", ok=True)
        return accepted

    def _order(self, key: str) -> str:
        answer, _ = self.api.submit(order((SKU, 2)), key)
        self.transcript.answered(answer)
        return answer.order_id

    def _set(self, page: str, *, raised: bool) -> None:
        for alarm in PAGES[page]:
            self.stack.aws.cloudwatch.set_alarm_state(
                AlarmName=f"{self.stack.outputs['dashboard']}-{alarm}",
                StateValue="ALARM" if raised else "OK",
                StateReason="set by the story",
            )

    def pages(self, name: str, why: str) -> tuple[str, str]:
        """Set the alarms of a page to ALARM and wait for the page. Return the linked runbook's file and heading."""
        self.transcript.chapter(f"Somebody is paged: {name}", why)
        self._set(name, raised=True)
        page = self.pager.wait("ALARM")
        self.transcript.received(f"{page.alarm}: {page.text}")
        self.transcript.check(f"the page is that of {name}", ok=page.alarm.endswith(f"-{name}"))
        link = _LINK.search(page.text)
        if link is None:
            raise LocalError(f"The page of {page.alarm} does not end with a link below {RUNBOOKS}: {page.text}")
        self.transcript.check(
            f"the link leads to a section of a runbook: {link[0]}", ok=bool(commands_of(*link.groups()))
        )
        return link[1], link[2]

    def follows(self, runbook: tuple[str, str], order_id: str) -> None:
        """Type the runbook's commands. The fault ends before the first redrive."""
        self.transcript.chapter(f"The runbook: {runbook[0]}, {runbook[1]}", "The commands under that heading:")
        looked = True
        for command in commands_of(*runbook):
            if looked and " redrive" in command:
                looked = False
                self.stack.clear_faults()
                self.transcript.returned("the dependency is repaired")
            self._type(command, order_id)

    def _type(self, command: str, order_id: str) -> None:
        words = shlex.split(Template(command).substitute(ORDER_ID=order_id, NAME="Ada", REASON="dependency repaired"))
        self.transcript.sent(shlex.join(words))
        done = self.stack.run(*words[2:])
        for line in (done.stdout or done.stderr).splitlines():
            self.transcript.received(line.rstrip())
        if done.returncode:
            self.transcript.check(f"{command}: exit code {done.returncode}\n{done.stderr}", ok=False)

    def recovers(self, accepted: list[str]) -> None:
        """Wait until all orders settle, check queues and stock, and end the last page."""
        self.transcript.chapter("The incident is over")
        wait_for("the orders to settle", lambda: self._confirmed(accepted), 60)
        self.transcript.check(f"all {len(accepted)} orders are CONFIRMED", ok=True)
        left = self.account.waiting() + self.account.waiting(_DEAD)
        self.transcript.check("both queues are empty", ok=left == 0)
        taken = STOCK - self.account.available(SKU)
        self.transcript.check(f"stock was taken once per order: {taken} units", ok=taken == 2 * len(accepted))
        self.ends("dead-letters")

    def ends(self, name: str) -> None:
        """Set the alarms of a page to OK and wait for the page that reports OK."""
        self._set(name, raised=False)
        self.transcript.received(f"{self.pager.wait('OK').alarm}: OK")

    def _confirmed(self, accepted: list[str]) -> bool:
        orders = self.account.orders()
        return all(orders[order_id]["status"] == "CONFIRMED" for order_id in accepted)


def commands_of(file: str, heading: str) -> list[str]:
    """Return the commands under a heading of a runbook; an empty list if the heading does not exist."""
    path = ROOT / "docs" / "runbooks" / Path(file).name
    sections = re.split(r"^## ", path.read_text() if path.is_file() else "", flags=re.MULTILINE)
    found = next((part for part in sections if part.startswith(f"{heading}\n")), "")
    return [line for block in re.findall(r"```console\n(.*?)```", found, re.DOTALL) for line in block.splitlines()]


def play(stack: LocalStack, transcript: Transcript) -> None:
    """Play the whole incident. Raises `LocalError` when a failed step ends the story."""
    incident = Incident(stack, Account(stack), OrdersApi(stack.outputs["api_url"]), Pager(stack), transcript)
    incident.account.set_stock({SKU: STOCK})
    accepted = incident.breaks()
    first, second = PAGES
    incident.follows(incident.pages(first, _UNDECIDED), accepted[0])
    incident.ends(first)
    incident.follows(incident.pages(second, _LATER), accepted[0])
    incident.recovers(accepted)
    transcript.conclude(audit(gather(incident.account)))


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "incident",
        "play an incident on a new instance, from the page to the runbook's end; exit 0 if every check passes",
        "python -m local incident",
        remark='the command uses the subfolder "incident" of this default folder',
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Start a new instance, play the incident, stop the instance. Exit 0 if every check passes."""
    console = Console(highlight=False)
    transcript = Transcript(console)
    with instance_for_a_story(own_state(options.state_dir, "incident"), UpOptions(config=CONFIG), console) as stack:
        play(stack, transcript)
    return ExitCode.OK if transcript.ok else ExitCode.FAILED
