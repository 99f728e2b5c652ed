"""Builds facts about a stack for tests of `preflight`, with given answers in place of AWS's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from ops.preflight.finding import Finding
from ops.preflight.stack_facts import StackFacts
from pipeline.config import StackConfig
from pipeline.config.stack_file import StackSettings


def config(**options: Any) -> StackConfig:
    return StackConfig(environment="development", **options)


class Answers:
    """A client of any service. `answers` maps operations to answers; every other operation is denied."""

    def __init__(self, service: str, answers: dict[str, Any], called: set[str]) -> None:
        self._service, self._answers, self._called = service, answers, called

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> Any:
            self._called.add(f"{self._service}.{operation}")
            answer = self._answers.get(operation, ClientError({"Error": {"Code": "AccessDenied"}}, operation))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, operation: str) -> Any:
        class Pages:
            @staticmethod
            def paginate(**_: Any) -> Iterator[Any]:
                yield getattr(self, operation)()

        return Pages


class Known(StackFacts):
    """A `StackFacts` whose clients return the answers in `answers`, without calling AWS."""

    answers: dict[str, Any]
    called: set[str]
    owned: frozenset[str] = frozenset()

    def ids(self) -> frozenset[str]:
        return self.owned

    def client(self, service: str, region: str | None = None) -> Any:
        del region
        return Answers(service, self.answers, self.called)


def known(
    stack_config: StackConfig, deployed: dict[str, Any] | None = None, stack: str = "prod", **answers: Any
) -> Known:
    settings = StackSettings("orders", stack, {"aws:region": "eu-west-1"})
    made = Known(settings, stack_config, deployed or {})
    vars(made)["called"] = set()
    vars(made)["answers"] = {"get_caller_identity": {"Account": "123456789012"}, **answers}
    return made


def only(findings: Iterator[Finding], check: str) -> Finding:
    (found,) = [each for each in findings if each.check == check]
    return found
