"""The handlers of all resource types that the emulator creates. inert.py lists the types without effect."""

from collections.abc import Mapping

from local.services import (
    apigatewayv2,
    cloudwatch,
    cognito,
    dynamodb,
    events,
    function_access,
    functions,
    iam,
    sns,
    sqs,
)
from local.services.base import Handler

_MODULES = (apigatewayv2, cloudwatch, cognito, dynamodb, events, function_access, functions, iam, sns, sqs)

HANDLERS: Mapping[str, Handler] = {
    each.pulumi_type: each()
    for module in _MODULES
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Handler) and "pulumi_type" in vars(each)
}
