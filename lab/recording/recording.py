"""Runs the real `__main__.py` without an engine and records the resources that it registers.

Tests should check the recorded resources. They should assert nothing in a function that they give
to `.apply`: if this function never runs, the test still passes.
"""

import gc
import hashlib
import json
import logging
import runpy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, cast
from unittest import mock

import pulumi
import yaml
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.rpc import deserialize_properties, is_rpc_secret, unwrap_rpc_secret
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

import pipeline.package
from lab.recording.fake_outputs import REGION, answer_to, outputs_of
from local.deploy.loop import event_loop
from local.deploy.program import inside
from pipeline.package import LocalTarget, Package, PackageSpec

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "orders"
STACKS = ("dev", "prod", "local")
STACK_TYPE = "pulumi:pulumi:Stack"
_LOG = logging.getLogger(__name__)
_LOGGED: set[str] = set()


def _first_time(record: logging.LogRecord) -> bool:
    """Return whether this message is new.

    Scripts that generate pages of docs/ run the program many times. So each warning is logged only
    once.
    """
    logged = record.getMessage() in _LOGGED
    _LOGGED.add(record.getMessage())
    return not logged


_LOG.addFilter(_first_time)


@dataclass(frozen=True)
class Recorded:
    """One registered resource.

    The keys of `inputs` are wire names (`camelCase`); an archive among the values is recorded as its path. `secrets`
    are the names of the secret inputs.
    """

    type: str
    name: str
    urn: str
    parent: str
    custom: bool
    inputs: Mapping[str, Any]
    protect: bool
    aliases: tuple[str, ...]
    depends_on: tuple[str, ...]
    secrets: frozenset[str] = frozenset()
    ignore_changes: tuple[str, ...] = ()
    references: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The URNs of the resources that each input depends on."""

    def document(self, key: str) -> dict[str, Any]:
        """Return the JSON text in input `key`, parsed."""
        return cast("dict[str, Any]", json.loads(self.inputs[key]))


@dataclass
class Recording:
    """The resources that one run of a program registered, sorted by URN, and its stack outputs."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    of_components: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The URN of each component that registered outputs, with the names of these outputs."""
    region: str = REGION

    def of_type(self, token: str) -> list[Recorded]:
        """Return the resources of the type, e.g. `aws:sqs/queue:Queue`."""
        return [each for each in self.resources if each.type == token]

    def one(self, token: str, name: str) -> Recorded:
        """Return the only resource with this type and logical name. Raises `LookupError` for none and for several."""
        found = [each for each in self.of_type(token) if each.name == name]
        if len(found) != 1:
            names = [each.name for each in self.of_type(token)]
            message = f"{len(found)} resources of type {token} are named {name!r}; names of this type: {names}"
            raise LookupError(message)
        return found[0]

    def state(self, token: str, name: str) -> dict[str, Any]:
        """Return the outputs that the mocks returned for this resource, including `id`."""
        recorded = self.one(token, name)
        return outputs_of(recorded.type, recorded.name, recorded.inputs, self.region)


class _Recorder(Mocks):
    def __init__(self, region: str) -> None:
        self._region = region

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.custom:
            return None, {}
        state = outputs_of(args.typ, args.name, _plain(args.inputs), self._region)
        return state["id"], {**args.inputs, **state}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return answer_to(args.token, self._region), []


class _Monitor(MockMonitor):
    """Records whole requests, because `new_resource` does not get options such as the parent."""

    def __init__(self, region: str) -> None:
        super().__init__(_Recorder(region))
        self._lock = Lock()
        self.recording = Recording(region=region)

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return a URN with the types of all parents except the stack. The base class names only the direct parent."""
        chain = parent.split("::")[2] if parent else ""
        qualified = type_ if chain in ("", STACK_TYPE) else f"{chain}${type_}"
        return "::".join(["urn:pulumi:" + pulumi.get_stack(), pulumi.get_project(), qualified, name])

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        if request.type != STACK_TYPE:
            inputs = deserialize_properties(request.object)
            recorded = Recorded(
                type=request.type,
                name=request.name,
                urn=self.make_urn(request.parent, request.type, request.name),
                parent=request.parent,
                custom=request.custom,
                inputs=_plain(inputs),
                protect=request.protect,
                aliases=tuple(alias.urn or alias.spec.type for alias in request.aliases),
                depends_on=tuple(sorted(request.dependencies)),
                references={name: frozenset(made.urns) for name, made in request.propertyDependencies.items()},
                secrets=frozenset(key for key, value in inputs.items() if is_rpc_secret(value)),
                ignore_changes=tuple(request.ignoreChanges),
            )
            with self._lock:
                self.recording.resources.append(recorded)
        untyped: Any = super()
        return untyped.RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        if request.urn.split("::")[2] == STACK_TYPE:
            self.recording.outputs = _plain(deserialize_properties(request.outputs))
        else:
            self.recording.of_components[request.urn] = tuple(sorted(request.outputs))
        untyped: Any = super()
        return untyped.RegisterResourceOutputs(request)


def read_stack_file(stack: str) -> dict[str, str]:
    """Return the configuration in `Pulumi.{stack}.yaml` as the engine passes it to the program: all values are text."""
    own = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    content = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    given = {key.removeprefix(f"{own}:"): value for key, value in content["config"].items()}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    return {key if ":" in key else f"{PROJECT}:{key}": text for key, text in texts.items()}


def fake_package(spec: PackageSpec) -> Package:
    """Return a package without building it, because a build needs the package index and has separate tests."""
    label = "this-machine" if isinstance(spec.target, LocalTarget) else spec.target.label
    sha256 = hashlib.sha256(repr((label, spec.bytecode, spec.bytecode_release)).encode()).hexdigest()
    path = spec.root.resolve() / ".build" / "package" / "zips" / f"{label}.zip"
    return Package(path=path, sha256=sha256, size=1, unzipped_size=1, files=1, python=None)


def record_stack(
    stack: str,
    overrides: Mapping[str, str] | None = None,
    build: Callable[[PackageSpec], Package] = fake_package,
) -> Recording:
    """Record `__main__.py` with the configuration of `Pulumi.{stack}.yaml`.

    `overrides` replaces or adds options. It maps keys with a namespace, such as `orders:batch_size`, to values as text.
    `build` makes the functions' package. Errors of the program are raised.
    """
    config = {**read_stack_file(stack), **(overrides or {})}
    with mock.patch.object(pipeline.package, "build_package", build):
        return record(_program, stack=stack, config=config)


def record_config(config: Mapping[str, str], stack: str = "test", region: str = REGION) -> Recording:
    """Record `__main__.py` without a stack file. `config` maps options, such as `batch_size`, to text."""
    own = {f"{PROJECT}:{key}": value for key, value in config.items()}
    with mock.patch.object(pipeline.package, "build_package", fake_package):
        return record(_program, stack=stack, config={"aws:region": region, **own})


def record(program: Callable[[], object], *, stack: str = "test", config: Mapping[str, str] | None = None) -> Recording:
    """Record `program`. Its errors are raised."""
    recording, error = _run(program, stack, config or {})
    if error is not None:
        raise error
    return recording


def record_refused(stack: str, overrides: Mapping[str, str]) -> tuple[Recording, Exception]:
    """Run `__main__.py` with a configuration that it must refuse. Return the registered resources and the error."""
    config = {**read_stack_file(stack), **overrides}
    with mock.patch.object(pipeline.package, "build_package", fake_package):
        recording, error = _run(_program, stack, config)
    if error is None:
        raise AssertionError(f"the program accepts {dict(overrides)}")
    return recording, error


def _program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def _run(program: Callable[[], object], stack: str, config: Mapping[str, str]) -> tuple[Recording, Exception | None]:
    monitor = _Monitor(config.get("aws:region", REGION))

    async def main() -> None:
        # set_mocks starts an asynchronous task that registers a root stack. Only a running event loop can finish this
        # task, so call set_mocks inside the loop.
        set_mocks(monitor.mocks, project=PROJECT, stack=stack, preview=False, monitor=monitor, logger=_LOG)
        # Unset the root stack that set_mocks registered, because run_in_stack registers its own.
        set_root_resource(cast("pulumi.Resource", None))
        secrets = [key for key in config if "secret" in key]
        pulumi.runtime.set_all_config(dict(config), secrets)

        def run() -> None:
            program()

        await run_in_stack(run)

    error: Exception | None = None
    with inside(ROOT), _uncollected():
        try:
            with event_loop() as loop:
                loop.run_until_complete(main())
        except Exception as raised:  # noqa: BLE001 - returned to the caller
            error = raised
    # Threads register resources in any order; sorting by URN makes the order stable.
    monitor.recording.resources.sort(key=lambda each: each.urn)
    monitor.recording.of_components = dict(sorted(monitor.recording.of_components.items()))
    return monitor.recording, error


@contextmanager
def _uncollected() -> Iterator[None]:
    """Disable garbage collection inside the block. It would free nothing: a run's objects live until the run ends."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _plain(value: Any) -> Any:
    """Return secrets as their value, archives as their path, whole floats as integers, anything else unchanged.

    The items of mappings and lists are converted in the same way.
    """
    if is_rpc_secret(value):
        return _plain(unwrap_rpc_secret(value))
    if isinstance(value, pulumi.FileArchive):
        return value.path
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
