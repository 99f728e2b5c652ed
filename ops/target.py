"""Finds the stack that a command acts on, with its endpoint and credentials.

Precedence: the command line (one of `--outputs`, `--local` and `--stack`), then ORDERS_STACK in the environment. There
is no other default: a command that acts on orders must not guess the stack.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ops.errors import NoStackError

ROOT: Final = Path(__file__).resolve().parent.parent
STACK_VARIABLE: Final = "ORDERS_STACK"
LOCAL_VARIABLE: Final = "ORDERS_LOCAL_DIR"
LOCAL: Final = "local"
_PULUMI_SECONDS: Final = 120
WORKER: Final = "process_order"
"""The key of the worker among the functions."""
_ARN: Final = r"^arn:[^:]+:[^:]+:[^:]+:[0-9]{12}:.+$"

Outputs = Mapping[str, Any]
PulumiOutputs = Callable[[str], Outputs]


class Credentials(BaseModel):
    """AWS keys for an endpoint such as the embedded AWS."""

    model_config = ConfigDict(frozen=True)

    aws_access_key_id: str
    aws_secret_access_key: str


class ShiftedFunction(BaseModel):
    """A function whose traffic CodeDeploy shifts: names of the function, its alias and its deployment group."""

    model_config = ConfigDict(frozen=True)

    function: str
    alias: str
    group: str


class GradualDeploy(BaseModel):
    """Resources of gradual deployment: CodeDeploy's application, and the functions by key (`create_order`)."""

    model_config = ConfigDict(frozen=True)

    application: str
    functions: Mapping[str, ShiftedFunction]


class Objectives(BaseModel):
    """Promises to customers.

    `accepting_percent` of the requests are answered without a 5xx. `settling_percent` of the accepted orders are
    settled within `promise_seconds`.
    """

    model_config = ConfigDict(frozen=True)

    accepting_percent: float
    settling_percent: float
    promise_seconds: int


class Target(BaseModel):
    """A stack, as its outputs describe it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    label: str = Field(description="Name of the stack in messages.")
    orders_queue_url: str
    dead_letter_queue_url: str
    notifications_topic_arn: str | None = Field(default=None, pattern=_ARN)
    notifications_bus_arn: str | None = Field(default=None, pattern=_ARN)
    orders_table: str
    stock_table: str
    api_idempotency_table: str
    worker_idempotency_table: str
    process_order_function: str = Field(pattern=r"^.+-process-order$")
    functions: tuple[str, ...] = Field(
        description="Names of all functions: the worker last, the others sorted by the names of their outputs."
    )
    gradual_deploy: GradualDeploy | None = Field(
        default=None, description="`None` without gradual_deploy: `pulumi up` itself moves all callers to new versions."
    )
    api_url: str | None = Field(
        default=None, description="URL for clients: of the edge or custom domain if there is one, else of the API."
    )
    api_id: str | None = Field(default=None, description="Id of the HTTP API, a dimension of its metrics.")
    api_stage: str | None = None
    objectives: Objectives | None = Field(default=None, description="`None` for an older release without objectives.")
    alarm_topic_arns: Mapping[str, str] = Field(
        default={}, description="Topics of the alarms by tier; empty if the stack has no alarms."
    )
    endpoint_url: str | None = None
    credentials: Credentials | None = None

    @classmethod
    def from_outputs(cls, label: str, outputs: Outputs) -> Self:
        """Read a stack's outputs. Those of the local stack also have an endpoint and credentials.

        Raises:
            NoStackError: an output is missing or invalid.
        """
        known = {name: value for name, value in outputs.items() if name in cls.model_fields}
        functions = sorted(
            (name for name in outputs if name.endswith("_function")), key=lambda it: (it == f"{WORKER}_function", it)
        )
        known["functions"] = tuple(outputs[name] for name in functions)
        if "aws_access_key_id" in outputs:
            known["credentials"] = {name: outputs[name] for name in Credentials.model_fields if name in outputs}
        try:
            return cls.model_validate({**known, "label": label})
        except ValidationError as error:
            wrong = ", ".join(sorted({_about(problem["loc"]) for problem in error.errors()}))
            raise NoStackError(
                f"{label}: these outputs of an orders stack are missing or invalid: {wrong}. "
                "Give the outputs of a stack after a complete `pulumi up`: pulumi stack output --json."
            ) from None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if bool(self.notifications_topic_arn) == bool(self.notifications_bus_arn):
            raise ValueError("a stack has either a topic or a bus")
        return self

    @property
    def events_arn(self) -> str:
        """The topic or bus to which outcomes are published."""
        return self.notifications_bus_arn or self.notifications_topic_arn or ""

    @property
    def region(self) -> str:
        """The Region in the ARN of the topic or bus."""
        return self.events_arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account's number in the ARN of the topic or bus."""
        return self.events_arn.split(":")[4]

    @property
    def resources(self) -> frozenset[str]:
        """Names, URLs and ARNs of the tables, the queues and the topic or bus.

        The functions' environment refers to the resources by these texts.
        """
        return frozenset(
            {
                self.orders_table,
                self.stock_table,
                self.api_idempotency_table,
                self.worker_idempotency_table,
                self.orders_queue_url,
                self.dead_letter_queue_url,
                self.events_arn,
                # Functions have a bus's name, not its ARN.
                self.events_arn.rpartition("/")[2],
            }
        )

    @property
    def prefix(self) -> str:
        """`{project}-{stack}`, the beginning of physical names. A log group has `/aws/lambda/` or similar before it."""
        return self.process_order_function.removesuffix("-process-order")

    def describe(self) -> str:
        """Return one line that names the stack, for people."""
        where = self.endpoint_url or f"account {self.account}, {self.region}"
        return f"{self.label} ({self.prefix}; {where})"


def _about(location: tuple[int | str, ...]) -> str:
    # Every error has the name of an output, except the error of `_one_target`.
    return str(location[0]) if location else "one of notifications_topic_arn and notifications_bus_arn"


class Choice(BaseModel):
    """Choice of the stack on the command line; at most one of `outputs`, `local` and `stack` is given."""

    model_config = ConfigDict(frozen=True)

    outputs: Path | None = None
    local: bool = False
    stack: str | None = None
    state_dir: Path | None = None


def resolve(
    choice: Choice, environment: Mapping[str, str] = os.environ, read_pulumi: PulumiOutputs | None = None
) -> Target:
    """Return the chosen stack.

    Raises:
        NoStackError: no stack is named, or the stack's outputs cannot be read, are incomplete, or are not those of an
            orders stack.
    """
    return Target.from_outputs(*read_outputs(choice, environment, read_pulumi))


def read_outputs(
    choice: Choice, environment: Mapping[str, str] = os.environ, read_pulumi: PulumiOutputs | None = None
) -> tuple[str, Outputs]:
    """Return a label of the chosen stack, and its unchecked outputs.

    Raises:
        NoStackError: no stack is named, or its outputs cannot be read.
    """
    stack = choice.stack or environment.get(STACK_VARIABLE)
    if choice.outputs is not None:
        return f"the outputs in {choice.outputs}", _read_file(choice.outputs)
    if choice.local or stack == LOCAL:
        folder = choice.state_dir or Path(environment.get(LOCAL_VARIABLE) or ROOT / ".local")
        return "the local stack", _read_local(folder / "outputs.json")
    if stack:
        return f"stack {stack}", (read_pulumi or _read_pulumi)(stack)
    raise NoStackError(
        f"Which stack? Name it once for this terminal: export {STACK_VARIABLE}=prod. Or on the command: --stack prod "
        f"(runs the `pulumi` command), --outputs FILE (from `pulumi stack output --json`), or --local."
    )


def _read_file(path: Path) -> Outputs:
    try:
        return _parse(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise NoStackError(
            f"{path} cannot be read: {error.strerror}. Create it: pulumi stack output --json --stack NAME > {path}"
        ) from None
    except UnicodeDecodeError:
        raise NoStackError(f"{path} is not UTF-8 text. Give the output of: pulumi stack output --json") from None


def _read_local(path: Path) -> Outputs:
    if not path.exists():
        raise NoStackError(
            f"No local stack is running: there is no {path}. Start one: python -m local up --detach. "
            f"If it runs in another folder, name the folder: --state-dir DIR or {LOCAL_VARIABLE}."
        )
    return _read_file(path)


def _read_pulumi(stack: str) -> Outputs:
    return _parse(run_pulumi(stack, "stack", "output", "--json"), f"pulumi stack output --stack {stack}")


def run_pulumi(stack: str, *arguments: str) -> str:
    """Run a `pulumi` command on a stack and return its output.

    Raises:
        NoStackError: `pulumi` is not installed, or the command does not end in time or fails.
    """
    words = " ".join(["pulumi", *arguments])
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise NoStackError(
            f"`{words}` cannot run: there is no `pulumi` command on the PATH. On a machine that has `pulumi`: "
            f"pulumi stack output --json --stack {stack} > {stack}.json; then here: --outputs {stack}.json"
        )
    command = [pulumi, *arguments, "--non-interactive", "--stack", stack]
    try:
        done = subprocess.run(  # noqa: S603 - the found command, with the stack's name as one argument
            command, cwd=ROOT, capture_output=True, text=True, timeout=_PULUMI_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoStackError(f"`{words}` did not end within {_PULUMI_SECONDS} s. Is `pulumi` logged in?") from None
    if done.returncode:
        raise NoStackError(f"`{words} --stack {stack}` failed: {' '.join(done.stderr.split())}")
    return done.stdout


def _parse(text: str, source: str) -> Outputs:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise NoStackError(f"{source} is not a JSON object. Give the output of: pulumi stack output --json")
    return document
