"""The process behind `up`: starts the emulator, deploys the program, waits for the end, and cleans up."""

import io
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import asdict, dataclass, field
from typing import Any

from local.deploy.program import Deployment, deploy
from local.emulator import EmulatorOptions, start_emulator
from local.engine.stack import engine_stack
from local.environment import ensure_environment
from local.errors import LocalError, StoppedError, explain_os_error
from local.instance import ROOT, Instance, Outputs, StateDir
from local.page.server import PageServer
from local.prewarm import prewarm
from local.progress import Reporter, Step, step
from local.proxy.faults import Faults
from local.services.aws import Aws
from ops.logic.counts import counted
from pipeline.config.stack_file import StackFileError, StackSettings, load_settings

STACK = "local"
ENDPOINT_KEY = "local_endpoint"
_WATCH_SECONDS = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class UpOptions:
    """Options of `up`. `port` 0 picks a free port; `config` overrides the configuration, as `pulumi up -c` does.

    `engine` deploys with Pulumi's own engine instead of the SDK's mock monitor.
    """

    port: int = 0
    iam: bool = False
    warm_workers: int = 3
    engine: bool = False
    config: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """One instance from start to end. `run` can be used once."""

    def __init__(self, state: StateDir, options: UpOptions, reporter: Reporter) -> None:
        self._state = state
        self._options = options
        self._reporter = reporter
        self._faults = Faults()
        self._stopping = threading.Event()
        self._crashed = False

    @contextmanager
    def run(self) -> Iterator[Outputs]:
        """Start the instance and yield its outputs; at the end of the block, stop the instance and clean up.

        When a step fails, clean up and raise `LocalError`.
        """
        try:
            with ExitStack() as cleanup:
                yield self._start(cleanup)
        except OSError as error:
            raise explain_os_error(error, self._state.path) from error

    def watch(self) -> None:
        """Block until this instance is asked to stop. Raises `LocalError` if the emulator ends first."""
        while not self._stopping.wait(_WATCH_SECONDS):
            if not self._emulator.is_running:
                self._crashed = True
                raise LocalError(
                    f"The emulator ended by itself, so everything else was stopped too.\n{self._emulator.log_tail()}"
                )

    def _start(self, cleanup: ExitStack) -> Outputs:
        lock = cleanup.enter_context(self._state.held())
        self._state.clean()
        cleanup.callback(self._clean)
        settings = self._settings()
        with self._step("Environment of the emulator") as current:
            interpreter = ensure_environment(current.note)
        with self._step("Emulator") as current:
            options = EmulatorOptions(
                interpreter, self._options.port, settings.region, self._options.iam, secrets.token_hex(8)
            )
            self._emulator = start_emulator(self._state, options, lock)
            cleanup.callback(self._emulator.stop)
            self._emulator.wait_until_healthy()
            current.detail = self._emulator.endpoint_url
        instance = self._serve(cleanup)
        aws = Aws(self._emulator.endpoint_url, settings.region, self._emulator.keys)
        settings = settings.override({f"{settings.project}:{ENDPOINT_KEY}": instance.proxy_url})
        deployment = self._deploy(aws, settings, cleanup)
        with self._step("Warm functions") as current:
            count = prewarm(aws, self._state, deployment.resources, self._options.warm_workers)
            current.detail = counted(count, "worker")
        return self._publish(instance, aws, deployment)

    def _settings(self) -> StackSettings:
        try:
            return load_settings(ROOT, STACK, self._options.config)
        except StackFileError as error:
            raise LocalError(str(error)) from None

    def _clean(self) -> None:
        """Clean the folder. If the emulator crashed, remove only the files that describe the instance.

        The next start or stop then removes the rest.
        """
        if self._crashed:
            self._state.forget()
        else:
            self._state.clean()

    def _serve(self, cleanup: ExitStack) -> Instance:
        """Start the proxy and the page, and write the instance's record."""
        proxy = self._emulator.proxy_with(self._faults)
        cleanup.callback(proxy.stop)
        proxy.start()
        page = PageServer(self._state, self._faults, self._stopping.set)
        cleanup.callback(page.stop)
        page.start()
        instance = Instance(
            supervisor_pid=os.getpid(),
            guard_pid=self._emulator.guard_pid,
            emulator_pid=self._emulator.pid,
            endpoint_url=self._emulator.endpoint_url,
            proxy_url=proxy.url,
            page_url=page.url,
            iam=self._options.iam,
            started_at=time.time(),
        )
        self._state.write_instance(instance)
        return instance

    def _deploy(self, aws: Aws, settings: StackSettings, cleanup: ExitStack) -> Deployment:
        if self._options.engine:
            with self._step("Program deployed by the engine") as current:
                deployment = cleanup.enter_context(engine_stack(self._state, aws, settings, current.note))
                current.detail = f"{len(deployment.resources)} resources"
            return deployment
        with self._step("Program deployed") as current, redirect_stderr(_Notes(current)):
            count = _Counter(current)
            deployment = deploy(ROOT, aws, settings, count)
            current.detail = f"{count.value} resources"
        return deployment

    def _publish(self, instance: Instance, aws: Aws, deployment: Deployment) -> Outputs:
        outputs = Outputs(
            endpoint_url=aws.endpoint_url,
            region=aws.region,
            aws_access_key_id=aws.keys.access_key_id,
            aws_secret_access_key=aws.keys.secret_access_key,
            account_id=aws.account_id,
            proxy_url=instance.proxy_url,
            iam=instance.iam,
            **deployment.outputs,
        )
        self._state.write_outputs(outputs, [asdict(each) for each in deployment.resources])
        self._state.write_instance(instance.model_copy(update={"ready": True}))
        return outputs

    @contextmanager
    def _step(self, title: str) -> Iterator[Step]:
        if self._stopping.is_set():
            raise StoppedError("Stopped while starting.")
        with step(self._reporter, title) as current:
            yield current


class _Counter:
    """Counts the created resources. Several threads call it."""

    def __init__(self, current: Step) -> None:
        self._current = current
        self._lock = threading.Lock()
        self.value = 0

    def __call__(self, _: str, name: str) -> None:
        with self._lock:
            self.value += 1
            self._current.note(f"{counted(self.value, 'resource')}, {name}")


class _Notes(io.TextIOBase):
    """Takes the place of standard error: each line that the program writes becomes a note of the current step."""

    def __init__(self, current: Step) -> None:
        self._current = current

    def write(self, text: str) -> int:
        """Report each line as a note."""
        for line in text.splitlines():
            if line.strip():
                self._current.note(line.strip())
        return len(text)


def interrupt_on_signals() -> None:
    """Make SIGTERM and SIGHUP do what Ctrl-C does: interrupt the main thread, which then cleans up and ends.

    Only the first signal counts, so that an impatient second Ctrl-C does not interrupt the clean-up.
    """

    def interrupt(*_: Any) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, interrupt)
