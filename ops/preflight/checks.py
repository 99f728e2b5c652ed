"""All checks before a deployment, in the order in which they are shown."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from ops.errors import explain
from ops.preflight.capacity import capacity
from ops.preflight.finding import Finding, Verdict
from ops.preflight.names import names, roles
from ops.preflight.people import people
from ops.preflight.stack_facts import StackFacts
from ops.preflight.state import state
from pipeline.config.problems import name_stack
from pipeline.package.interpreter import find_interpreter
from pipeline.package.spec import BuildError


def _account(facts: StackFacts) -> Iterator[Finding]:
    where = facts.session.region_name
    yield Finding("account", Verdict.OK, f"{facts.account()}, {where}, stack {facts.prefix}")
    if facts.outputs is None:
        todo = "log in with pulumi and run preflight again; before the first deployment, ignore this message"
        yield Finding("outputs", Verdict.UNKNOWN, f"could not read: {facts.unread}", (todo,))


def _python(facts: StackFacts) -> Iterator[Finding]:
    config, check = facts.config, "Python for byte code"
    if config.package_for_this_machine or not config.package_bytecode:
        own = "the Python that builds the package also makes the package's byte code"
        reason = own if config.package_bytecode else "the package has no byte code"
        yield Finding(check, Verdict.OK, f"any Python release works, because {reason}")
        return
    try:
        found = find_interpreter(config.python_version, config.package_bytecode_release or None)
    except BuildError as error:
        yield Finding(check, Verdict.ERROR, str(error))
        return
    yield Finding(check, Verdict.OK, f"{found.release} at {found.path}")


_CHECKS: Final[dict[str, Callable[[StackFacts], Iterator[Finding]]]] = {
    "account": _account,
    "capacity": capacity,
    "names": names,
    "roles": roles,
    "Pulumi's state": state,
    "subscriptions": people,
    "python": _python,
}


def run_checks(facts: StackFacts) -> list[Finding]:
    """Run all checks. If a check cannot read something that it needs, it yields an `UNKNOWN` finding.

    Raises:
        NoAccessError: the credentials belong to another account than the stack's.
    """
    facts.account()
    found = [finding for name, check in _CHECKS.items() for finding in _answers(name, check, facts)]
    stack = facts.settings.stack
    return [replace(each, todo=tuple(name_stack(todo, stack) for todo in each.todo)) for each in found]


def _answers(name: str, check: Callable[[StackFacts], Iterator[Finding]], facts: StackFacts) -> Iterator[Finding]:
    try:
        yield from check(facts)
    except (ClientError, BotoCoreError) as error:
        yield Finding(name, Verdict.UNKNOWN, f"could not read: {explain(error, facts.prefix)}")
