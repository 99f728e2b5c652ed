"""Outputs of the stack."""

from dataclasses import asdict

import pulumi

from components.event_bus import EventBus
from pipeline.callers import SCOPES
from pipeline.data import Data
from pipeline.edge import Api
from pipeline.functions import FUNCTIONS, Functions
from pipeline.messaging import Messaging
from pipeline.operations import Operations


def export_outputs(data: Data, messaging: Messaging, functions: Functions, api: Api, operations: Operations) -> None:
    """Export the addresses and names that tools, subscribers and tests use."""
    pulumi.export("api_url", api.url)
    pulumi.export("api_id", api.http.api_id)
    pulumi.export("api_stage", api.http.stage_name)
    pulumi.export("orders_queue_url", messaging.queue.url)
    pulumi.export("dead_letter_queue_url", messaging.queue.dead_letter_url)
    _export_notifications(messaging)
    pulumi.export("subscriber_queue_urls", messaging.notifications.subscriber_queue_urls)
    pulumi.export("orders_table", data.orders.table_name)
    pulumi.export("stock_table", data.stock.table_name)
    pulumi.export("api_idempotency_table", data.api_idempotency.table_name)
    pulumi.export("worker_idempotency_table", data.worker_idempotency.table_name)
    for each in FUNCTIONS:
        pulumi.export(each.output, functions[each.name].function_name)
    alarms = operations.alarms
    pulumi.export("alarm_topic_arns", {str(tier): arn for tier, arn in alarms.topics.items()} if alarms else {})
    pulumi.export("dashboard", operations.dashboard.name)
    pulumi.export("objectives", asdict(operations.objectives))
    if operations.gradual_deploy:
        shifting = operations.gradual_deploy
        pulumi.export("gradual_deploy", {"application": shifting.application, "functions": shifting.groups})
    _export_optional_parts(api)


def _export_notifications(messaging: Messaging) -> None:
    """Export the topic or bus to which outcomes are published."""
    if isinstance(messaging.notifications, EventBus):
        pulumi.export("notifications_bus_arn", messaging.notifications.arn)
        pulumi.export("notifications_bus_name", messaging.notifications.bus_name)
    else:
        pulumi.export("notifications_topic_arn", messaging.notifications.arn)


def _export_optional_parts(api: Api) -> None:
    """Export the optional parts of the API, if they exist."""
    if api.edge:
        # The origin's URL is exported, so that tests can check that the origin refuses requests without the secret.
        pulumi.export("api_origin_url", api.http.url)
    if api.dns_target:
        pulumi.export("domain_target", api.dns_target)
    if api.issuer:
        pulumi.export("token_url", api.issuer.token_url)
        pulumi.export("token_scopes", [api.issuer.scope_name(scope) for scope in sorted(SCOPES)])
        pulumi.export("token_clients", api.issuer.client_ids)
        pulumi.export("token_client_secrets", pulumi.Output.secret(api.issuer.client_secrets))
