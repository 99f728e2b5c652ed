"""Converts our `Rule`s into Pulumi's policies, and Pulumi's resources into our `Resource`s."""

from collections.abc import Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policy.model import UNKNOWN, Resource, ResourceCheck, Rule, StackCheck

LEVELS = {"mandatory": EnforcementLevel.MANDATORY, "advisory": EnforcementLevel.ADVISORY}


def to_policy(rule: Rule) -> ResourceValidationPolicy | StackValidationPolicy:
    """Return the rule as a policy of the engine."""
    if rule.check is not None:
        return ResourceValidationPolicy(
            rule.name, rule.description, _validate_resource(rule, rule.check), LEVELS[rule.level]
        )
    if rule.check_stack is None:
        message = f"the rule {rule.name} checks nothing; give it check or check_stack"
        raise ValueError(message)
    return StackValidationPolicy(rule.name, rule.description, _validate_stack(rule.check_stack), LEVELS[rule.level])


def _validate_resource(rule: Rule, check: ResourceCheck) -> Any:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type in rule.types:
            resource = Resource(args.resource_type, args.name, args.urn, plain(args.props), {}, bool(args.opts.protect))
            for message in check(resource):
                report(message, None)

    return validate


def _validate_stack(check: StackCheck) -> Any:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for violation in check([_resource(each) for each in args.resources]):
            report(violation.message, violation.resource.urn)

    return validate


def _resource(each: PolicyResource) -> Resource:
    references = {name: frozenset(other.urn for other in others) for name, others in each.property_dependencies.items()}
    return Resource(each.resource_type, each.name, each.urn, plain(each.props), references, bool(each.opts.protect))


def plain(value: Any) -> Any:
    """Return a copy of `value` as dicts and lists. Items unknown to Pulumi are `UNKNOWN`."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        return value
    return [_item(value, index) for index in range(len(value))]


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
