"""The whole configuration of a stack: the options and rules of all modules of this package."""

from collections.abc import Callable, Iterable, Iterator
from typing import Self

from pydantic import SecretStr, model_validator

from pipeline.config.alarms import ALARM_RULES
from pipeline.config.callers import CALLER_RULES, CallerOptions
from pipeline.config.data import DATA_RULES, DataOptions
from pipeline.config.delivery import DELIVERY_RULES, DeliveryOptions
from pipeline.config.edge import EDGE_RULES, EdgeOptions
from pipeline.config.functions import FUNCTION_RULES
from pipeline.config.general import ENDPOINT_RULES, TAG_RULES
from pipeline.config.messaging import MESSAGING_RULES, SUBSCRIPTION_RULES, MessagingOptions
from pipeline.config.objectives import ObjectiveOptions
from pipeline.config.observability import ObservabilityOptions
from pipeline.config.package import PACKAGE_RULES
from pipeline.config.problems import BrokenRulesError, Problem
from pipeline.config.processing import PROCESSING_RULES


class StackConfig(
    MessagingOptions,
    DataOptions,
    DeliveryOptions,
    ObservabilityOptions,
    ObjectiveOptions,
    EdgeOptions,
    CallerOptions,
):
    """The configuration of one stack; keys are `<project>:<field>`. The defaults are for production."""

    @model_validator(mode="after")
    def _rules(self) -> Self:
        problems = [problem for rule in RULES for problem in _problems(rule(self))]
        if problems:
            raise BrokenRulesError(problems)
        return self


def _problems(found: Problem | Iterable[Problem] | None) -> Iterable[Problem]:
    if found is None:
        return ()
    return (found,) if isinstance(found, Problem) else found


def _settings_without_effect(config: StackConfig) -> Iterator[Problem]:
    """Report each option that is set but has no effect.

    `only_with` names another option, and the value that this other option must have.
    """
    for key, field in StackConfig.model_fields.items():
        extra = field.json_schema_extra
        needed = extra.get("only_with") if isinstance(extra, dict) else None
        if not isinstance(needed, dict) or getattr(config, key) == field.default:
            continue
        ((option, value),) = needed.items()
        if getattr(config, option) != value:
            yield Problem(
                (key, option),
                f"{_shown(config, key)} with {option} = {_text(getattr(config, option))}",
                f"only with {option}: {_text(value)}; otherwise leave {key} out, because it has no effect",
            )


def _shown(config: StackConfig, key: str) -> str:
    value = getattr(config, key)
    return "a secret" if isinstance(value, SecretStr) else f"{key} = {_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


RULES: tuple[Callable[[StackConfig], Problem | Iterable[Problem] | None], ...] = (
    *PROCESSING_RULES,
    *ENDPOINT_RULES,
    *PACKAGE_RULES,
    *SUBSCRIPTION_RULES,
    *TAG_RULES,
    *ALARM_RULES,
    _settings_without_effect,
    *CALLER_RULES,
    *EDGE_RULES,
    *FUNCTION_RULES,
    *DATA_RULES,
    *DELIVERY_RULES,
    *MESSAGING_RULES,
)
"""The rules, in the sequence in which their problems are reported."""
