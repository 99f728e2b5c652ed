"""All resource types that the embedded AWS knows."""

from collections.abc import Mapping
from typing import Any

from local.services.apigatewayv2 import Api, Integration, Route, Stage
from local.services.authorizer import Authorizer
from local.services.base import Handler
from local.services.cloudwatch import CompositeAlarm, Dashboard, MetricAlarm
from local.services.cognito import ResourceServer, UserPool, UserPoolClient, UserPoolDomain
from local.services.dynamodb import Table
from local.services.event_source import EventSourceMapping
from local.services.events import EventBus, EventRule, EventTarget
from local.services.function_access import Alias, Permission, ProvisionedConcurrencyConfig
from local.services.functions import Function
from local.services.iam import Role, RolePolicy
from local.services.logs import LogGroup
from local.services.sns import Topic, TopicPolicy, TopicSubscription
from local.services.sqs import Queue, QueuePolicy, RedriveAllowPolicy

_ALL: tuple[Handler[Any], ...] = (
    Alias(),
    Api(),
    Authorizer(),
    CompositeAlarm(),
    Dashboard(),
    EventBus(),
    EventRule(),
    EventSourceMapping(),
    EventTarget(),
    Function(),
    Integration(),
    LogGroup(),
    MetricAlarm(),
    Permission(),
    ProvisionedConcurrencyConfig(),
    Queue(),
    QueuePolicy(),
    RedriveAllowPolicy(),
    ResourceServer(),
    Role(),
    RolePolicy(),
    Route(),
    Stage(),
    Table(),
    Topic(),
    TopicPolicy(),
    TopicSubscription(),
    UserPool(),
    UserPoolClient(),
    UserPoolDomain(),
)

HANDLERS: Mapping[str, Handler[Any]] = {handler.pulumi_type: handler for handler in _ALL}
