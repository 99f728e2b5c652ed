"""Resolves bootstrap/template.yaml for one stack, as CloudFormation does, and returns the statements of its roles."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import yaml

from lab.permissions.iam import Statements

PATH: Final = Path(__file__).resolve().parents[2] / "bootstrap" / "template.yaml"
ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
_VARIABLE: Final = re.compile(r"\$\{([\w:.]+)\}")

Document = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads `!Sub x` as `{"Fn::Sub": x}`."""


def _intrinsic(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return {f"Fn::{name}": loader.construct_sequence(node, deep=True)}
    return {f"Fn::{name}": str(loader.construct_scalar(cast("yaml.ScalarNode", node)))}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def _as_written() -> Document:
    document: Document = yaml.load(PATH.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    return document


def document() -> Document:
    """Return a copy of the template, with `!Sub x` as `{"Fn::Sub": x}`. The caller may change it."""
    return deepcopy(_as_written())


def boundary_arn(stack: str) -> str:
    """Return the ARN of the permissions boundary that the template makes for `stack`."""
    return f"arn:aws:iam::{ACCOUNT}:policy/pulumi-orders-{stack}-boundary"


def resources(stack: str, parameters: Mapping[str, str] | None = None, source: Document | None = None) -> Document:
    """Return the template's resources by logical id, as CloudFormation makes them for one stack of the project.

    `parameters` are the template's parameters besides `Environment`; `source` replaces the template. Values that AWS
    decides (ids, ARNs of unnamed resources) are `arn:of:LogicalId`. Raises `LookupError` for an intrinsic function
    that is not supported here.
    """
    template = source or _as_written()
    return _Resolver(template, _given(template, stack, parameters or {}), boundary_arn(stack)).resources()


def accepts(parameters: Mapping[str, str]) -> bool:
    """Return whether parameters meet all assertions of the template's rules. If not, CloudFormation refuses them."""
    template = _as_written()
    resolver = _Resolver(template, _given(template, "dev", parameters), "")
    return all(resolver.value(each["Assert"]) for rule in template["Rules"].values() for each in rule["Assertions"])


def _given(template: Document, stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
    defaults = {name: each["Default"] for name, each in template["Parameters"].items() if "Default" in each}
    return {"Repository": "octo/shop", **defaults, "Environment": stack, **parameters}


class _Resolver:
    def __init__(self, template: Document, parameters: Mapping[str, str], boundary: str) -> None:
        self._template = template
        self._values = {
            "AWS::Partition": "aws",
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "Boundary": boundary,
            **parameters,
        }

    def resources(self) -> Document:
        found: Document = {
            name: self.value(each)
            for name, each in self._template["Resources"].items()
            if self._holds(each.get("Condition"))
        }
        return found

    def value(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.value(each) for each in node if self.value(each) is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, argument),) = node.items()
            if key.startswith("Fn::"):
                return self._call(key.removeprefix("Fn::"), argument)
        return {key: self.value(each) for key, each in node.items()}

    def _call(self, name: str, argument: Any) -> Any:
        known: dict[str, Callable[[], Any]] = {
            "Ref": lambda: self._reference(argument),
            "GetAtt": lambda: self._reference(argument),
            "Sub": lambda: self._sub(argument),
            "If": lambda: self.value(argument[1] if self._holds(argument[0]) else argument[2]),
            "Equals": lambda: self.value(argument[0]) == self.value(argument[1]),
            "Not": lambda: not self.value(argument[0]),
            "And": lambda: all(map(self.value, argument)),
            "Or": lambda: any(map(self.value, argument)),
            "Select": lambda: self.value(argument[1])[int(argument[0])],
            "Split": lambda: self.value(argument[1]).split(argument[0]),
        }
        if name not in known:
            message = f"the function {name} is not supported; known: {', '.join(known)}"
            raise LookupError(message)
        return known[name]()

    def _holds(self, condition: str | None) -> bool:
        return condition is None or bool(self.value(self._template["Conditions"][condition]))

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        return self._values.get(name, f"arn:of:{name.partition('.')[0]}")

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        return _VARIABLE.sub(lambda match: str(self.value(own.get(match[1], {"Fn::Ref": match[1]}))), text)


def statements(
    role: str, stack: str, parameters: Mapping[str, str] | None = None, source: Document | None = None
) -> Statements:
    """Return all statements of the inline policies of `DeployRole` or `PreviewRole`."""
    policies = resources(stack, parameters, source)[role]["Properties"]["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def boundary(stack: str, source: Document | None = None) -> Statements:
    """Return the statements of the permissions boundary."""
    found: Statements = resources(stack, source=source)["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    return found
