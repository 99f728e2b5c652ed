"""bootstrap/template.yaml as CloudFormation resolves it for one stack, and what IAM makes of its policies."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

TEMPLATE: Final = Path(__file__).resolve().parents[2] / "bootstrap" / "template.yaml"
ACCOUNT: Final = "123456789012"
_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
}

Statements = list[dict[str, Any]]


def boundary_arn(stack: str) -> str:
    """The ARN of the boundary that the template makes for `stack`."""
    return f"arn:aws:iam::{ACCOUNT}:policy/orders-{stack}-boundary"


@cache
def resources(stack: str) -> dict[str, dict[str, Any]]:
    """The template's resources by logical id, names of `stack` put in. `!GetAtt` stays as it is written."""
    values = {"AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "Project": "orders", "Environment": stack}

    def sub(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
        assert isinstance(node, yaml.ScalarNode)
        text = str(loader.construct_scalar(node))
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    def ref(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
        assert isinstance(node, yaml.ScalarNode)
        name = str(loader.construct_scalar(node))
        return boundary_arn(stack) if name == "Boundary" else values.get(name, name)

    class Loader(yaml.SafeLoader):
        """Resolves `!Sub` and `!Ref`."""

    Loader.add_constructor("!Sub", sub)
    Loader.add_constructor("!Ref", ref)
    Loader.add_multi_constructor("!", _as_written)
    document = yaml.load(TEMPLATE.read_text(), Loader)  # noqa: S506 - a SafeLoader
    found: dict[str, dict[str, Any]] = document["Resources"]
    return found


def _as_written(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


def deploy_role(stack: str) -> Statements:
    """All statements of the deploy role's own policies."""
    policies = resources(stack)["DeployRole"]["Properties"]["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def boundary(stack: str) -> Statements:
    """The statements of the boundary."""
    found: Statements = resources(stack)["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    return found


def allows(statements: Statements, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether IAM allows it by these statements: some `Allow` fits, and no `Deny` does.

    Raises `LookupError` for a condition's operator that is not known here.
    """
    effects = {each["Effect"] for each in statements if _fits(each, action, resource, context or {})}
    return effects == {"Allow"}


def _fits(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    return (
        any(fnmatchcase(action, each) for each in _listed(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in _listed(statement["Resource"]))
        and all(
            _holds(operator, key, _listed(wanted), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, key: str, wanted: Iterable[str], context: Mapping[str, str]) -> bool:
    if operator not in _OPERATORS:
        raise LookupError(f"given the condition operator {operator}; known: {', '.join(_OPERATORS)}")
    # A key that the request does not have fits no value.
    return key in context and any(_OPERATORS[operator](context[key], each) for each in wanted)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
