"""Serves the engine's language runtime protocol."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO, Any

import grpc
from google.protobuf import json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from local.engine.language_host.interpreter import InterpreterError, attached, interpreter, inventory

# The SDK's script ends with this code when it has already printed the error.
_ALREADY_SHOWN = 32


class PythonHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs and policy packs. Calls of methods that are not defined here get the answer UNIMPLEMENTED."""

    def __init__(self, engine: str, script: Path) -> None:
        """`engine` is the engine's address, `script` the SDK's `pulumi-language-python-exec`."""
        self._engine = engine
        self._script = script

    def Handshake(self, request: Any, context: Any) -> Any:
        """Return an empty answer: there are no options to negotiate."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return the version of the installed SDK, which defines the protocol."""
        return plugin_pb2.PluginInfo(version=version("pulumi"))

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """Return the providers of the installed packages, except the providers that already run."""
        with _explained(context):
            plugins = inventory(_python(request.info)).plugins
        running = attached()
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(name=each.name, kind="resource", version=each.version, server=each.server)
                for each in plugins
                if each.name not in running
            ]
        )

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        """Return all installed packages, both direct and transitive dependencies."""
        with _explained(context):
            packages = inventory(_python(request.info)).packages
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=packages[name]) for name in sorted(packages)]
        )

    def About(self, request: Any, context: Any) -> Any:
        """Return path and version of the interpreter."""
        with _explained(context):
            found = inventory(_python(request.info))
        return language_pb2.AboutResponse(
            executable=found.executable, version=found.version, metadata={"host": "stand-in, see docs/engine.md"}
        )

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        """Return no prompts for `pulumi new`."""
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """Refuse: only `make setup` may install packages, because it checks their hashes."""
        reason = "the stand-in language host installs no packages; run `make setup`"
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, reason)

    def Run(self, request: Any, context: Any) -> Any:
        """Run a program to its end. The program writes to our output streams, and the engine shows them."""
        with _explained(context):
            command = [str(_python(request.info)), "-u", str(self._script), *self._arguments(request)]
        variables = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        process = subprocess.Popen(
            command, cwd=request.info.program_directory, env={**os.environ, **variables}, stdin=subprocess.DEVNULL
        )
        context.add_callback(process.terminate)
        code = process.wait()
        if code == _ALREADY_SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"the program ended with code {code}" if code else "")

    def _arguments(self, request: Any) -> list[str]:
        given = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
            "pwd": request.pwd,
            "parallel": str(request.parallel),
            "dry_run": str(request.dryRun).lower(),
        }
        options = [part for key, value in given.items() for part in (f"--{key}", value)]
        return [*options, request.info.entry_point or ".", *request.args]

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """Run a policy pack to its end, and send its output to the engine."""
        if request.kind != "analyzer":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in language host runs no {request.kind} plugins")
        with _explained(context):
            python = _python(request.info)
        process = subprocess.Popen(
            [str(python), "-u", "-m", "pulumi.policy", self._engine, request.info.program_directory],
            cwd=request.pwd,
            env=dict(each.partition("=")[::2] for each in request.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(process.terminate)
        yield from _output(process)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())


def _output(process: "subprocess.Popen[bytes]") -> Iterator[Any]:
    """Yield the output of both streams of a process as soon as it is written."""
    messages: Queue[Any] = Queue()

    def read(stream: IO[bytes], message: Callable[[bytes], Any]) -> None:
        for line in stream:
            messages.put(message(line))
        messages.put(None)

    streams = [
        (process.stdout, lambda line: language_pb2.RunPluginResponse(stdout=line)),
        (process.stderr, lambda line: language_pb2.RunPluginResponse(stderr=line)),
    ]
    readers = [Thread(target=read, args=each, daemon=True) for each in streams]
    for reader in readers:
        reader.start()
    for _ in readers:
        yield from iter(messages.get, None)


def _python(info: Any) -> Path:
    options: Mapping[str, Any] = json_format.MessageToDict(info.options)
    return interpreter(Path(info.root_directory), options)


@contextmanager
def _explained(context: Any) -> Iterator[None]:
    try:
        yield
    except InterpreterError as error:
        sys.stderr.write(f"{error}\n")
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
