"""Extends Pulumi's mock monitor: it creates the resources in the embedded AWS."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from local.deploy.resources import DeployError, create, plain
from local.services.aws import Aws, where

_STACK = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Deployed:
    """One resource of the stack.

    `type` is the Pulumi type, and `name` is the logical name. `state` has the inputs and outputs.
    """

    urn: str
    type: str
    name: str
    id: str
    state: dict[str, Any]


class RealResources(Mocks):
    """Creates the registered resources. Keeps the first error, because the SDK's later errors hide it."""

    def __init__(self, aws: Aws, created: Callable[[str, str], None]) -> None:
        """`created` is called with type and name of each created resource, on several threads."""
        self._aws = aws
        self._created = created
        self.error: DeployError | None = None

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Create one resource and return its id and state. A component needs no resource."""
        if not args.custom and not args.resource_id:
            return None, {}
        try:
            _refuse_existing(args)
            made = create(self._aws, args.typ, args.name, plain(args.inputs))
        except DeployError as error:
            self.error = self.error or error
            raise
        self._created(args.typ, args.name)
        return made.id, dict(made.outputs)

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Answer calls of the provider functions for account, region and partition."""
        answers = where(self._aws.account_id, self._aws.region)
        if args.token not in answers:
            self.error = self.error or DeployError(
                f"the embedded AWS does not support the provider function {args.token}; "
                f"supported: {', '.join(answers)}. "
                "Add it in local/services/aws.py."
            )
            raise self.error
        return answers[args.token], []


def _refuse_existing(args: MockResourceArgs) -> None:
    if args.resource_id:
        raise DeployError(
            f"{args.name} ({args.typ}): the program reads or imports the existing resource {args.resource_id}. "
            "The embedded AWS starts empty, so the local stack must create this resource."
        )


class Monitor(MockMonitor):
    """Records every resource except components, refuses a duplicate URN, and keeps the stack's outputs."""

    def __init__(self, mocks: RealResources) -> None:
        super().__init__(mocks)
        self._real = mocks
        self._lock = threading.Lock()
        self._urns: set[str] = set()
        self.deployed: list[Deployed] = []
        self.stack_outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the protocol's name
        """Create one resource."""
        urn = self.make_urn(request.parent, request.type, request.name)
        with self._lock:
            # The stack resource is registered twice: when the mocks are installed and when the program runs.
            if urn in self._urns and request.type != _STACK:
                self._real.error = self._real.error or DeployError(
                    f"{request.name} ({request.type}): two resources have the URN {urn}. "
                    "Give one of them another name, or another parent."
                )
                raise self._real.error
            self._urns.add(urn)
        untyped: Any = super()
        answer = untyped.RegisterResource(request)
        if request.custom:
            registration = self.resources[urn]
            with self._lock:
                self.deployed.append(
                    Deployed(urn, request.type, request.name, registration.id, dict(registration.state))
                )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 the protocol's name
        """Keep the stack's outputs."""
        if request.urn.split("::")[2] == _STACK:
            self.stack_outputs = plain(rpc.deserialize_properties(request.outputs))
        untyped: Any = super()
        return untyped.RegisterResourceOutputs(request)


def install(mocks: RealResources, project: str, stack: str) -> Monitor:
    """Make the SDK use a new monitor with `mocks`. The SDK then behaves as in `pulumi up`, not as in a preview."""
    monitor = Monitor(mocks)
    pulumi.runtime.set_mocks(mocks, project=project, stack=stack, preview=False, monitor=monitor)
    # set_mocks sets a root stack. It must be unset again, so that run_in_stack can create one.
    pulumi.runtime.settings.set_root_resource(cast(pulumi.Resource, None))
    return monitor
