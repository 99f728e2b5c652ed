"""The `incident` command: one incident, played on an embedded AWS of its own.

A dependency fails, somebody is paged, opens the runbook that the page names, types its commands, and all is well again.
Orders, queues, functions, topics and the commands are the real ones. Whether the alarm's condition holds is decided
here, from what SQS says, because the embedded AWS evaluates alarms too crudely; it delivers the page.
It takes about two minutes.
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
"""What the alarm table pages in this story, in order, with the alarms that cause it; a test evaluates the table."""
RUNBOOKS: Final = "https://runbooks.example.com/orders"
"""Where the story's alarms link to."""
CONFIG: Final = {"runbook_base_url": RUNBOOKS}
_UNDECIDED: Final = (
    "Whether an alarm's condition holds, and after how long, the embedded AWS cannot decide: it ignores dimensions, "
    "metric math and missing data. So the story sets what the alarm table would raise; composite, topic and page are "
    "the real ones. When AWS would page: docs/incidents.md."
)
_LATER: Final = (
    "No attempt fails any more, because all are used up, so the first page is over. What is left are dead letters: on "
    "AWS they page half an hour later, when it is clear that nobody has drained them."
)
_DEAD: Final = "dead_letter_queue_url"
_LINK: Final = re.compile(rf"Runbook: {re.escape(RUNBOOKS)}/([\w-]+\.md)#([\w-]+)$")


@dataclass(frozen=True)
class Page:
    """Text that the pager shows."""

    alarm: str
    state: str
    text: str


class Pager:
    """A queue that hears the pages."""

    def __init__(self, stack: LocalStack) -> None:
        self._sqs = stack.aws.sqs
        self._url = self._sqs.create_queue(QueueName="pager")["QueueUrl"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        topic = stack.outputs["alarm_topic_arns"]["page"]
        stack.aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=answer["Attributes"]["QueueArn"])

    def wait(self, state: str) -> Page:
        """The first page of this state. Raises `LocalError` if none comes."""
        return wait_for(
            f"a page that says {state}", lambda: next((p for p in self._pages() if p.state == state), None), 20
        )

    def _pages(self) -> Iterator[Page]:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                told = json.loads(json.loads(message["Body"])["Message"])
                yield Page(told["AlarmName"], told["NewStateValue"], told["AlarmDescription"])


@dataclass
class Incident:
    """The story's stage."""

    stack: LocalStack
    account: Account
    api: OrdersApi
    pager: Pager
    transcript: Transcript

    def breaks(self) -> list[str]:
        """A dependency fails; the accepted orders, all of which end as dead letters."""
        self.transcript.chapter(
            "A dependency fails", "DynamoDB refuses every settlement. Customers order all the same."
        )
        rule = self.stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.ERROR)
        self.transcript.sent(f"fault: {rule.rule.service} {rule.rule.operation} {rule.rule.kind}")
        accepted = [self._order(f"incident-{number}") for number in range(ORDERS)]
        wait_for("the attempts to be used up", lambda: self.account.waiting(_DEAD) == ORDERS, 120)
        self.transcript.check(f"{ORDERS} orders accepted, and kept in the dead-letter queue", ok=True)
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
                StateReason="the story says so",
            )

    def pages(self, name: str, why: str) -> tuple[str, str]:
        """Somebody is paged; the runbook's file and heading, as the page's link has them."""
        self.transcript.chapter(f"Somebody is paged: {name}", why)
        self._set(name, raised=True)
        page = self.pager.wait("ALARM")
        self.transcript.came(f"{page.alarm}: {page.text}")
        self.transcript.check(f"it is the page of {name}", ok=page.alarm.endswith(f"-{name}"))
        link = _LINK.search(page.text)
        if link is None:
            raise LocalError(f"The page of {page.alarm} does not end with a runbook below {RUNBOOKS}: {page.text}")
        self.transcript.check(
            f"the whole link leads to a runbook that is there: {link[0]}", ok=bool(commands_of(*link.groups()))
        )
        return link[1], link[2]

    def follows(self, runbook: tuple[str, str], order_id: str) -> None:
        """Type the runbook's commands; between looking and doing, the cause is repaired."""
        self.transcript.chapter(f"The runbook: {runbook[0]}, {runbook[1]}", "Its commands, as they are written there.")
        looked = True
        for command in commands_of(*runbook):
            if looked and " redrive" in command:
                looked = False
                self.stack.clear_faults()
                self.transcript.saw("the dependency is repaired")
            self._type(command, order_id)

    def _type(self, command: str, order_id: str) -> None:
        words = shlex.split(Template(command).substitute(ORDER_ID=order_id, NAME="Ada", REASON="dependency repaired"))
        self.transcript.sent(shlex.join(words))
        done = self.stack.run(*words[2:])
        for line in (done.stdout or done.stderr).splitlines():
            self.transcript.came(line.rstrip())
        if done.returncode:
            self.transcript.check(f"{command}: exit code {done.returncode}\n{done.stderr}", ok=False)

    def recovers(self, accepted: list[str]) -> None:
        """Everything drains, the alarm is OK, and the pager hears it."""
        self.transcript.chapter("Over")
        wait_for("the orders to settle", lambda: self._confirmed(accepted), 60)
        self.transcript.check(f"all {len(accepted)} orders are CONFIRMED", ok=True)
        left = self.account.waiting() + self.account.waiting(_DEAD)
        self.transcript.check("both queues are empty", ok=left == 0)
        taken = STOCK - self.account.available(SKU)
        self.transcript.check(f"stock moved once per order: {taken} taken", ok=taken == 2 * len(accepted))
        self.over("dead-letters")

    def over(self, name: str) -> None:
        """The pager hears that an alarm is over."""
        self._set(name, raised=False)
        self.transcript.came(f"{self.pager.wait('OK').alarm}: OK")

    def _confirmed(self, accepted: list[str]) -> bool:
        orders = self.account.orders()
        return all(orders[order_id]["status"] == "CONFIRMED" for order_id in accepted)


def commands_of(file: str, heading: str) -> list[str]:
    """The commands under a heading of a runbook; none where there is no such heading."""
    path = ROOT / "docs" / "runbooks" / Path(file).name
    sections = re.split(r"^## ", path.read_text() if path.is_file() else "", flags=re.MULTILINE)
    found = next((part for part in sections if part.startswith(f"{heading}\n")), "")
    return [line for block in re.findall(r"```console\n(.*?)```", found, re.DOTALL) for line in block.splitlines()]


def play(stack: LocalStack, transcript: Transcript) -> None:
    """The whole incident. Raises `LocalError` when it cannot go on."""
    incident = Incident(stack, Account(stack), OrdersApi(stack.outputs["api_url"]), Pager(stack), transcript)
    incident.account.set_stock({SKU: STOCK})
    accepted = incident.breaks()
    first, second = PAGES
    incident.follows(incident.pages(first, _UNDECIDED), accepted[0])
    incident.over(first)
    incident.follows(incident.pages(second, _LATER), accepted[0])
    incident.recovers(accepted)
    transcript.conclude(audit(gather(incident.account)))


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "incident",
        "play an incident on an instance of its own, from the page to the runbook's end; exit 0 if all is well",
        "python -m local incident",
        folder="incident in that folder",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Start an instance of its own, play, stop. Exit 0 if everything that is said is so."""
    console = Console(highlight=False)
    transcript = Transcript(console)
    with instance_for_a_story(own_state(options.state_dir, "incident"), UpOptions(config=CONFIG), console) as stack:
        play(stack, transcript)
    return ExitCode.OK if transcript.ok else ExitCode.FAILED
