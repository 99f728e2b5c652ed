"""Routes of the local stack's web page. GET requests change nothing."""

import dataclasses
import importlib.util
import json
import mimetypes
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.cli.fault import check_call
from local.client import LocalStack
from local.demo.account import Account
from local.demo.http import OrdersApi, at_once
from local.errors import LocalError
from local.instance import ROOT, StateDir
from local.page.commands import OpsCommands
from local.page.watch import View, Watch
from local.proxy.faults import FaultRule, Faults
from ops.errors import OpsError
from ops.gateway.http import Answer

_STATIC: Final = Path(__file__).with_name("static")
_MOST_AT_ONCE: Final = 20
_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})
_PASSED: Final = ("content-type", "idempotency-key", "x-correlation-id", "authorization")


def files() -> dict[str, Path]:
    """Return the page's files by path. They contain no data, so anybody on this machine may read them."""
    found = importlib.util.find_spec("swagger_ui")
    (swagger,) = (found and found.submodule_search_locations) or [""]
    own = {f"/{path.name}": path for path in _STATIC.iterdir()}
    swagger_files = {f"/{name}": Path(swagger, "static", name) for name in ("swagger-ui-bundle.js", "swagger-ui.css")}
    return {**own, **swagger_files, "/": _STATIC / "index.html"}


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Orders(_Body):
    """Request of the order form: send the body unchanged, once with each key."""

    body: str
    keys: Annotated[list[str], Field(min_length=1, max_length=_MOST_AT_ONCE)]


class Decision(_Body):
    """A person's decision about dead letters. If `yes` is false, the request is a dry run."""

    id: str | None = None
    by: str
    reason: str
    yes: bool


class StockRequest(_Body):
    """Request to add `count` pieces to an article's stock."""

    sku: str
    count: int


class Page:
    """The web page of one instance. `stop_all` stops the instance.

    The page reads the instance's outputs only when a request needs them, because the instance may
    still be starting when the page is made.
    """

    def __init__(self, state: StateDir, faults: Faults, stop_all: Callable[[], None] = lambda: None) -> None:
        self._stack = LocalStack(state)
        self._faults = faults
        self._stop_all = stop_all
        self._commands = OpsCommands(state)
        self._watch = Watch(View(self._commands, lambda: self._account, faults))

    @cached_property
    def _account(self) -> Account:
        return Account(self._stack)

    @cached_property
    def _api(self) -> OrdersApi:
        return OrdersApi(self._stack.outputs["api_url"])

    def app(self) -> Starlette:
        """Return the application with all routes."""
        routes = [
            *(Route(path, _file(file)) for path, file in files().items()),
            Route("/api/live", self._live),
            Route("/api/stack", _reads(self._about)),
            Route("/api/openapi.json", _reads(self._contract)),
            Route("/api/orders/{order_id}/trace", _reads(self._commands.trace)),
            Route("/api/send", _acts(Orders, self._send), methods=["POST"]),
            Route("/api/stock", _acts(StockRequest, self._add_stock), methods=["POST"]),
            Route("/api/faults", _reads(lambda: [each.model_dump(mode="json") for each in self._faults.list()])),
            Route("/api/faults", _acts(FaultRule, self._add_fault), methods=["POST"]),
            Route("/api/faults/clear", _acts(_Body, lambda _: self._faults.clear()), methods=["POST"]),
            Route("/api/faults/{number:int}/remove", self._remove_fault, methods=["POST"]),
            Route("/api/redrive", _acts(Decision, self._redrive), methods=["POST"]),
            Route("/api/discard", _acts(Decision, self._discard), methods=["POST"]),
            Route("/api/guarantees", _acts(_Body, lambda _: self._commands.audit()), methods=["POST"]),
            Route("/api/stop", _acts(_Body, lambda _: self._stop_all()), methods=["POST"]),
            Route("/stack/orders", self._forward, methods=["POST"]),
            Route("/stack/orders/{order_id}", self._forward),
        ]
        shown_errors = (OpsError, LocalError, BotoCoreError, ClientError, ValidationError, ValueError)
        return Starlette(routes=routes, exception_handlers=dict.fromkeys(shown_errors, _explain))

    def stop(self) -> None:
        """End the open event streams."""
        self._watch.stopped = True

    async def _live(self, _: Request) -> Response:
        return StreamingResponse(self._watch.events(), media_type="text/event-stream")

    def _about(self) -> Any:
        target = self._commands.context.target
        publish = ("events", "PutEvents") if target.notifications_bus_arn else ("sns", "Publish")
        return {
            "api_url": self._api.url,
            "options": f"--local{self._stack.state.option}",
            "faults": [
                _preset("No order can be settled: DynamoDB fails", "dynamodb", "TransactWriteItems", "error"),
                _preset("No event can be published", *publish, "error"),
                _preset("No order can be queued: SQS fails", "sqs", "SendMessage", "error"),
                _preset("A third of DynamoDB's answers are lost", "dynamodb", None, "lost-answer", 0.33),
                _preset("DynamoDB throttles half of the calls", "dynamodb", None, "throttle", 0.5),
            ],
        }

    def _contract(self) -> Any:
        document = json.loads((ROOT / "docs" / "openapi.json").read_text())
        return {**document, "servers": [{"url": "/stack", "description": f"this stack, {self._api.url}"}]}

    def _send(self, orders: Orders) -> Any:
        answers = at_once(orders.keys, lambda key: self._api.post(orders.body.encode(), key), len(orders.keys))
        return [{**dataclasses.asdict(each), "body": each.body.decode(errors="replace")} for each in answers]

    def _add_stock(self, request: StockRequest) -> Any:
        return self._commands.add_stock(request.sku, request.count)

    def _add_fault(self, rule: FaultRule) -> Any:
        check_call(rule.service, rule.operation, rule.kind)
        return self._faults.add(rule).model_dump(mode="json")

    async def _remove_fault(self, request: Request) -> Response:
        return JSONResponse(self._faults.remove(request.path_params["number"]))

    def _redrive(self, decision: Decision) -> Any:
        return self._commands.redrive(decision.id, by=decision.by, reason=decision.reason, yes=decision.yes)

    def _discard(self, decision: Decision) -> Any:
        return self._commands.discard(decision.id or "", by=decision.by, reason=decision.reason, yes=decision.yes)

    async def _forward(self, request: Request) -> Response:
        """Forward a request that the page's API reference (Swagger UI) sends to the stack's API.

        The page itself is not allowed to call another origin.
        """
        path = f"/orders/{request.path_params['order_id']}" if request.path_params else "/orders"
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        body = await request.body() or None
        answer: Answer = await run_in_threadpool(self._api.call, request.method, path, body, headers)
        kept = {name: value for name, value in answer.headers.items() if name not in _HOP}
        return Response(answer.body, answer.status, kept)


def _preset(title: str, service: str, operation: str | None, kind: str, probability: float = 1.0) -> dict[str, Any]:
    rule = {"service": service, "operation": operation, "kind": kind, "probability": probability}
    return {"title": title, "rule": rule}


Endpoint = Callable[[Request], Awaitable[Response]]


def _file(path: Path) -> Endpoint:
    async def answer(_: Request) -> Response:
        return FileResponse(path, media_type=mimetypes.guess_type(path.name)[0])

    return answer


def _reads(work: Callable[..., Any]) -> Endpoint:
    """Return an endpoint that calls `work` with the path's parameters. `work` only reads."""

    async def answer(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(work, *request.path_params.values()))

    return answer


def _acts(model: type[BaseModel], work: Callable[[Any], Any]) -> Endpoint:
    """Return an endpoint that parses the body as `model` and calls `work` with it."""

    async def answer(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(work, model.model_validate_json(await request.body() or b"{}")))

    return answer


async def _explain(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)
