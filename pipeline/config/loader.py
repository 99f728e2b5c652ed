"""Turns Pulumi's configuration, where every value is text, into a checked `StackConfig`."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Literal, get_args, get_origin

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.subscription_args import SubscriptionArgs, SubscriptionError
from pipeline.config.allowed import allowed
from pipeline.config.problems import BrokenRulesError, ConfigError, Problem
from pipeline.config.secrets import is_secret, plain_secrets
from pipeline.config.stack_config import StackConfig
from pipeline.config.stack_file import parse_yaml

# The tightest limit is that of a queue's name: 80 characters. `{prefix}-notifications-{name}-queue` has at most 79,
# because `name`, a subscription's name, has at most 20.
MAX_PREFIX = 38
# With a bus, the tightest limit is that of a rule's name: 64 characters. `{prefix}-events-{name}` has at most 64.
MAX_BUS_PREFIX = 36
# Names in bootstrap/template.yaml begin with pulumi-, so a stack's names must not.
_PREFIX = re.compile(r"(?!pulumi-)[a-z][a-z0-9-]*")
# The permissions boundary that bootstrap/template.yaml creates for a stack.
_BOUNDARY = re.compile(r".*:policy/pulumi-(?P<prefix>.+)-boundary")
_INTEGER = re.compile(r"-?\d{1,18}")
# Namespaces of stack files besides the project's own.
_OF_PULUMI = ("aws", "pulumi")
_FIELDS = StackConfig.model_fields
_SUBSCRIPTIONS = "subscriptions"


def load_config() -> StackConfig:
    """Return the configuration of the stack for which Pulumi runs the program.

    Raises `ConfigError`, which lists all misplaced keys, the keys of all secrets in plain text, and all problems that
    `parse_config` finds.
    """
    config = pulumi.Config()
    # A misspelt key would silently have no effect, so all keys that are set are checked. Pulumi's
    # public API does not list these keys; `get_config_env` and `CONFIG` do.
    names = {*get_config_env(), *CONFIG.get()}
    own = {name.partition(":")[2] for name in names if name.startswith(f"{config.name}:")}
    misplaced = _misplaced(names, config.name)
    given = {key: text for key in own | set(_FIELDS) if (text := config.get(key)) is not None}
    project, stack = pulumi.get_project(), pulumi.get_stack()
    # A local stack's secrets may be plain text, because they protect nothing.
    plain = plain_secrets(_FIELDS, given, config.name) if given.get("environment") != "local" else ()
    return _parse(given, project, stack, misplaced, plain)


def _misplaced(names: Iterable[str], own: str) -> dict[str, str]:
    """Return the keys with a wrong namespace (Pulumi silently ignores them), each with the option that is meant.

    A namespace is wrong if it is spelt almost like the project's name. It is also wrong if it has several keys, and
    all of them are options of this program. It may then be the project's former name. Other namespaces belong to
    Pulumi and its providers.
    """
    by_namespace: dict[str, set[str]] = {}
    for name in names:
        namespace, _, key = name.partition(":")
        by_namespace.setdefault(namespace, set()).add(key)
    return {
        f"{namespace}:{key}": _nearest(key) or key
        for namespace, keys in sorted(by_namespace.items())
        if namespace not in (own, *_OF_PULUMI)
        and (difflib.get_close_matches(namespace, [own]) or (len(keys) > 1 and keys <= set(_FIELDS)))
        for key in sorted(keys)
    }


def _misplaced_problem(name: str, meant: str, own: str) -> Problem:
    limits = f"keys that begin with the project's name ({own}:)"
    return Problem((), f"the key {name}", limits, change=f"it to {own}:{meant}")


def parse_config(given: Mapping[str, str], *, project: str, stack: str) -> StackConfig:
    """Check Pulumi's values (lists as JSON, keys without namespace). Raises `ConfigError` with each problem found."""
    return _parse(given, project, stack, {}, ())


def _parse(
    given: Mapping[str, str], project: str, stack: str, misplaced: Mapping[str, str], found: Iterable[Problem]
) -> StackConfig:
    """Check values like `parse_config`. Also report `misplaced` keys and the problems already `found`.

    A misplaced or unknown key can be a wrong spelling of an option. Then the value under this key is not used, and
    the option is checked with its default. Problems that name the option are not reported, because the value
    under the wrong key may not have them.
    """
    problems = [_misplaced_problem(name, meant, project) for name, meant in misplaced.items()]
    problems += [*found, *_name_problems(project, stack, given)]
    unknown = {key: _nearest(key) for key in sorted(set(given) - set(_FIELDS))}
    problems += [_unknown(key, near) for key, near in unknown.items()]
    values: dict[str, object] = {}
    undecoded: list[Problem] = []
    for key in sorted(set(given) & set(_FIELDS)):
        value, wrong = _decode(key, given[key])
        undecoded += wrong
        if value is not None:
            values[key] = value
    meant = {*misplaced.values(), *filter(None, unknown.values())}
    config, more = _validate(values, frozenset((*given, *meant)) - frozenset(values))
    # An item that could not be decoded is not reported twice.
    known = {problem.keys for problem in undecoded}
    problems += [*undecoded, *(each for each in more if each.keys not in known)]
    if config is None or problems:
        # A value with several wrong parts can have the same problem several times.
        raise ConfigError([*dict.fromkeys(problems)], project, stack)
    return config


def _validate(values: Mapping[str, object], invalid: frozenset[str]) -> tuple[StackConfig | None, list[Problem]]:
    """Check `values`. Fields in `invalid` have their defaults here, so problems that name these fields are dropped."""
    try:
        return StackConfig.model_validate(dict(values)), []
    except ValidationError as error:
        details = error.errors()
    broken = [item for item in details if not item["loc"]]
    if broken:
        cause = broken[0].get("ctx", {}).get("error")
        rules = cause.problems if isinstance(cause, BrokenRulesError) else ()
        return None, [problem for problem in rules if not invalid & set(problem.keys)]
    in_order = sorted(details, key=lambda item: str(item["loc"][0]))
    problems = [problem for item in in_order for problem in _field_problems(item)]
    wrong = {str(item["loc"][0]) for item in details}
    rest = {key: value for key, value in values.items() if key not in wrong}
    subscriptions = values.get(_SUBSCRIPTIONS)
    if _SUBSCRIPTIONS in wrong and isinstance(subscriptions, tuple):
        # A rule about subscriptions looks at each subscription alone, or compares them with each
        # other. So the valid ones can be checked without the invalid ones.
        refused = {item["loc"][1] for item in details if item["loc"][0] == _SUBSCRIPTIONS}
        rest[_SUBSCRIPTIONS] = tuple(each for index, each in enumerate(subscriptions) if index not in refused)
        wrong.remove(_SUBSCRIPTIONS)
    return None, [*problems, *_validate(rest, invalid | wrong)[1]]


def _name_problems(project: str, stack: str, given: Mapping[str, str]) -> list[Problem]:
    prefix = f"{project}-{stack}"
    bounded = _BOUNDARY.fullmatch(given.get("permissions_boundary_arn", ""))
    if bounded and bounded["prefix"] != prefix:
        # A renamed stack would get new tables and queues, but its boundary would still allow only the old ones.
        allowed = f"pulumi-{prefix}-boundary, the boundary of this project and stack"
        change = (
            "the ARN. But if you renamed project or stack, change the name back, because a "
            "rename is not possible (docs/delivery.md#renaming)"
        )
        return [Problem(("permissions_boundary_arn",), f"the boundary of {bounded['prefix']}", allowed, change)]
    longest = MAX_PREFIX - (len(".fifo") if given.get("strict_ordering") == "true" else 0)
    longest = MAX_BUS_PREFIX if given.get("events_target") == "bus" else longest
    if len(prefix) <= longest and _PREFIX.fullmatch(prefix):
        return []
    limits = (
        f"at most {longest} characters together, because names of resources begin with both; only lower-case letters, "
        "digits and hyphens; the first character must be a letter; pulumi- must not come first"
    )
    found = f"project and stack {prefix!r} ({len(prefix)} characters)"
    return [Problem((), found, limits, change="the stack's name, or `name` in Pulumi.yaml")]


def _unknown(key: str, near: str | None) -> Problem:
    hint = f"; did you mean {near}?" if near else ""
    return Problem((key,), "a key that does not exist", f"the keys in docs/options.md{hint}")


def _nearest(key: str) -> str | None:
    return next(iter(difflib.get_close_matches(key, _FIELDS, n=1, cutoff=0.5)), None)


def _decode(key: str, text: str) -> tuple[object, list[Problem]]:
    """Return the typed value of `text`, and the problems in it."""
    field = _FIELDS[key]
    if get_origin(field.annotation) is tuple:
        return _decode_list(key, text, field)
    wants_integer = field.annotation is int or (
        get_origin(field.annotation) is Literal and all(isinstance(each, int) for each in get_args(field.annotation))
    )
    if is_secret(field):
        return SecretStr(text), []
    if wants_integer and not _INTEGER.fullmatch(text):
        return None, [Problem((key,), repr(text), allowed(field))]
    if field.annotation is bool and text not in ("true", "false"):
        return None, [Problem((key,), repr(text), allowed(field))]
    if wants_integer:
        return int(text), []
    return (text == "true" if field.annotation is bool else text), []


def _decode_list(key: str, text: str, field: FieldInfo) -> tuple[object, list[Problem]]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list):
        return None, [Problem((key,), repr(text), f"a list of texts; its items: {allowed(field)}")]
    decoded = tuple(_decode_item(key, item) for item in items)
    return decoded, [
        Problem((f"{key}[{index}]",), repr(item), allowed(field))
        for index, (item, value) in enumerate(zip(items, decoded, strict=True))
        if value is None
    ]


def _decode_item(key: str, item: object) -> object:
    """Return the value of a list's item; `None` if the item is not text, or if a subscription is not a YAML mapping."""
    if not isinstance(item, str) or key != _SUBSCRIPTIONS:
        return item if isinstance(item, str) else None
    try:
        value = parse_yaml(item)
    except yaml.YAMLError:
        return None
    return value if isinstance(value, dict) else None


def _field_problems(error: ErrorDetails) -> list[Problem]:
    """Turn an error of pydantic into problems. One error about a subscription can contain several problems."""
    location = error["loc"]
    key = str(location[0]) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location[1:3])
    if error["type"] == "value_error":
        cause = error["ctx"]["error"]
        if isinstance(cause, SubscriptionError):
            return [Problem((key,), *problem) for problem in cause.problems]
        given, _, limits = str(cause).removeprefix("given ").partition("; allowed: ")
        return [Problem((key,), given, limits)]
    if error["type"] == "extra_forbidden":
        return [Problem((key,), "a key that does not exist", f"one of {', '.join(SubscriptionArgs.model_fields)}")]
    given = "nothing" if error["type"] == "missing" else repr(error["input"])
    nested = SubscriptionArgs.model_fields.get(str(location[2])) if len(location) > 2 else None
    return [Problem((key,), given, allowed(nested or _FIELDS[str(location[0])]))]
