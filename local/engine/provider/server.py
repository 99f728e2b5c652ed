"""Serves the provider protocol for an account."""

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from local.engine import aws_inputs
from local.engine.provider import wire
from local.engine.provider.account import Account, RefusedError
from local.engine.provider.changes import change, previewed
from local.services.aws import where

_LARGEST_MESSAGE = 400 * 1024 * 1024
_THREADS = 16


@contextmanager
def serving(account: Account) -> Iterator[int]:
    """Serve `account` on loopback and yield the port, for PULUMI_DEBUG_PROVIDERS=aws:PORT."""
    options = [("grpc.max_receive_message_length", _LARGEST_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(StandIn(account), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """Answers in place of the `aws` provider. Calls of methods that are not defined here get UNIMPLEMENTED."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def Handshake(self, request: Any, context: Any) -> Any:
        """Set no options, so that the engine sends secrets, resources and outputs as plain values."""
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: Any) -> Any:
        """Receive the engine's address, which is not needed."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return the version of the locked AWS SDK."""
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Accept the provider's own configuration unchanged."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Report a changed configuration as an update, never as a replacement."""
        same = wire.plain(request.olds) == wire.plain(request.news)
        return _unchanged() if same else provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_SOME)

    def Configure(self, request: Any, context: Any) -> Any:
        """Report that Create and Update support previews."""
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> Any:
        """Do nothing, because calls in progress are short and end by themselves."""
        return empty_pb2.Empty()

    def Check(self, request: Any, context: Any) -> Any:
        """Check the inputs against the locked SDK's types."""
        token = _token(request.urn)
        try:
            found = aws_inputs.findings(token, wire.plain(request.news))
        except LookupError as error:
            _abort(context, grpc.StatusCode.NOT_FOUND, error)
        failures = [provider_pb2.CheckFailure(reason=text) for text in found]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare old inputs with new ones."""
        try:
            found = change(_token(request.urn), wire.plain(request.old_inputs), wire.plain(request.news))
        except LookupError as error:
            _abort(context, grpc.StatusCode.UNIMPLEMENTED, error)
        if not found.differing:
            return _unchanged()
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            diffs=found.differing,
            replaces=found.replacing,
            deleteBeforeReplace=found.delete_first,
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Create the resource. In a preview only return its inputs."""
        inputs = wire.plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=wire.struct(inputs))
        with _refusals(context, request.urn):
            made = self._account.create(_token(request.urn), _name(request.urn), inputs)
        return provider_pb2.CreateResponse(id=made.id, properties=wire.struct({**inputs, **made.outputs}))

    def Read(self, request: Any, context: Any) -> Any:
        """Return the resource with this id, or an empty answer if it is gone."""
        token = _token(request.urn)
        with _refusals(context, request.urn):
            state = self._account.read(token, request.id)
        if state is None:
            return provider_pb2.ReadResponse()
        # The request of an import has no inputs, so the inputs are taken from the state.
        inputs = request.inputs if request.inputs.fields else wire.struct(aws_inputs.inputs_among(token, state))
        return provider_pb2.ReadResponse(id=request.id, properties=wire.struct(state), inputs=inputs)

    def Update(self, request: Any, context: Any) -> Any:
        """Change the resource in place. In a preview only return the outputs that are already known."""
        token, before, after = _token(request.urn), wire.plain(request.olds), wire.plain(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=wire.struct(previewed(token, before, after)))
        with _refusals(context, request.urn):
            outputs = self._account.update(token, request.id, wire.plain(request.old_inputs), after)
        return provider_pb2.UpdateResponse(properties=wire.struct({**after, **outputs}))

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete the resource."""
        with _refusals(context, request.urn):
            self._account.delete(_token(request.urn), request.id, wire.plain(request.old_inputs))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Answer calls of the provider functions for account, region and partition."""
        answers = where(self._account.account_id, self._account.region)
        if request.tok not in answers:
            message = f"the stand-in provider has no function {request.tok}; it has: {', '.join(answers)}"
            _abort(context, grpc.StatusCode.UNIMPLEMENTED, message)
        return provider_pb2.InvokeResponse(**{"return": wire.struct(answers[request.tok])})


def _token(urn: str) -> str:
    # A URN has the types of all parents, outermost first; the last one is the resource's own.
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _unchanged() -> Any:
    return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)


@contextmanager
def _refusals(context: Any, urn: str) -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        _abort(context, grpc.StatusCode.FAILED_PRECONDITION, f"{_name(urn)} ({_token(urn)}): {error}")


def _abort(context: Any, code: grpc.StatusCode, reason: object) -> NoReturn:
    context.abort(code, str(reason))
    raise AssertionError("abort always raises")
