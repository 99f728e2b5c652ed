"""Facts about a stack before it is deployed: its files, its Region and, if it was deployed before, its outputs."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import boto3

from ops.errors import NoAccessError, NoStackError, RefusedError
from ops.gateway.clients import CONFIG, open_session
from ops.target import LOCAL, ROOT, STACK_VARIABLE, Choice, Credentials, Outputs, Target, read_outputs, run_pulumi
from pipeline.config import ConfigError, StackConfig, parse_config
from pipeline.config.stack_file import StackFileError, StackSettings, load_settings

_WORKER: Final = "-process-order"


@dataclass(frozen=True)
class StackFacts:
    """Facts about one stack, deployed or not.

    Attributes:
        outputs: Empty if no deployment has succeeded yet; `None` if they could not be read (`unread` says why).
        endpoint_url, credentials: Those of the embedded AWS. For AWS itself both are `None`, and the credentials come
            from the environment.
    """

    settings: StackSettings
    config: StackConfig
    outputs: Outputs | None
    unread: str = ""
    endpoint_url: str | None = None
    credentials: Credentials | None = None

    @property
    def prefix(self) -> str:
        """`{project}-{stack}`, the beginning of physical names. A log group has `/aws/lambda/` or similar before it."""
        return f"{self.settings.project}-{self.settings.stack}"

    @property
    def region(self) -> str | None:
        """The Region that the stack's file names; `None` if the environment decides."""
        return self.settings.config.get("aws:region")

    @cached_property
    def session(self) -> boto3.Session:
        """A boto3 session. For the local stack, it ignores the machine's AWS settings."""
        return open_session(self.region, self.credentials)

    def client(self, service: str, region: str | None = None) -> Any:
        """Create a boto3 client."""
        make: Any = self.session.client
        return make(service, region_name=region, endpoint_url=self.endpoint_url, config=CONFIG)

    def ids(self) -> frozenset[str]:
        """Read the ids of the resources in Pulumi's state. A first deployment that failed may have left some.

        Raises:
            NoStackError: the state cannot be read.
        """
        state = json.loads(run_pulumi(self.settings.stack, "stack", "export"))
        return frozenset(each["id"] for each in state["deployment"].get("resources") or () if "id" in each)

    def account(self) -> str:
        """The account's number.

        Raises:
            NoAccessError: the stack was deployed in another account.
        """
        account: str = self.client("sts").get_caller_identity()["Account"]
        deployed = Target.from_outputs(self.settings.stack, self.outputs).account if self.outputs else account
        if account != deployed:
            raise NoAccessError(
                f"These credentials are of account {account}; {self.prefix} is deployed in account {deployed}. "
                "Choose the right profile with AWS_PROFILE."
            )
        return account


def collect_facts(choice: Choice, environment: Mapping[str, str] = os.environ) -> StackFacts:
    """Collect the facts about the chosen stack.

    Raises:
        NoStackError: no stack is named, the stack has no file, or the outputs that `choice` names cannot be read.
        RefusedError: the stack's configuration is refused.
    """
    outputs, unread = _outputs(choice, environment)
    settings, config = configured(choice, environment, outputs)
    return StackFacts(settings, config, outputs, unread, *_reach(outputs or {}))


def configured(
    choice: Choice, environment: Mapping[str, str] = os.environ, outputs: Outputs | None = None
) -> tuple[StackSettings, StackConfig]:
    """Read the stack's file and its configuration.

    If `choice` names a file of outputs, the stack's name comes from this file. `outputs` is the file's content, if it
    has been read.

    Raises:
        NoStackError: no stack is named, the stack has no file, or the outputs that `choice` names cannot be read.
        RefusedError: the stack's configuration is refused.
    """
    stack = LOCAL if choice.local else choice.stack or environment.get(STACK_VARIABLE)
    if choice.outputs is not None:
        stack = _stack_of(outputs or read_outputs(choice, environment)[1])
    if not stack:
        raise NoStackError(
            f"Which stack? Name it: --stack prod, or once for this terminal: export {STACK_VARIABLE}=prod."
        )
    try:
        settings = load_settings(ROOT, stack, {}, _stand_in)
        return settings, _config(settings)
    except StackFileError as error:
        raise NoStackError(str(error)) from None
    except ConfigError as error:
        # Messages of this command line are one line long.
        raise RefusedError(" ".join(str(error).split())) from None


def _outputs(choice: Choice, environment: Mapping[str, str]) -> tuple[Outputs | None, str]:
    try:
        return read_outputs(choice, environment)[1], ""
    except NoStackError as error:
        # Outputs that cannot be read are no error here: before the first `up`, the stack may not exist, or
        # this machine may lack `pulumi`.
        if choice.outputs is None and not choice.local:
            return None, str(error)
        raise


def _reach(outputs: Outputs) -> tuple[str | None, Credentials | None]:
    if "aws_access_key_id" not in outputs:
        return None, None
    keys = {name: outputs[name] for name in Credentials.model_fields}
    return outputs["endpoint_url"], Credentials.model_validate(keys)


def _stack_of(outputs: Outputs) -> str:
    project = load_settings(ROOT, LOCAL, {}).project
    name = Target.from_outputs("these outputs", outputs).process_order_function
    return name.removeprefix(f"{project}-").removesuffix(_WORKER)


def _config(settings: StackSettings) -> StackConfig:
    own = {
        name.partition(":")[2]: text
        for name, text in settings.config.items()
        if name.startswith(f"{settings.project}:")
    }
    return parse_config(own, project=settings.project, stack=settings.stack)


def _stand_in(key: str) -> str:
    """Return a placeholder for a secret, different for each key."""
    return f"not-decrypted-for-preflight-{key.replace(':', '-')}"
