"""The tables: orders, stock, and the idempotency records of the API and the worker."""

from dataclasses import dataclass

from components.component import Scope
from components.idempotency_table import IdempotencyTable, IdempotencyTableArgs
from components.table import Table, TableArgs
from pipeline.config import StackConfig


@dataclass(frozen=True)
class Data:
    """The tables. API and worker have one idempotency table each, because the lifetimes of their records differ."""

    orders: Table
    stock: Table
    api_idempotency: IdempotencyTable
    worker_idempotency: IdempotencyTable


def build_data(config: StackConfig, scope: Scope) -> Data:
    """Create the stack's tables."""
    durable = TableArgs(
        hash_key="order_id",
        point_in_time_recovery=config.point_in_time_recovery,
        deletion_protection=config.deletion_protection,
        protect=config.protect,
    )
    remembered = IdempotencyTableArgs(deletion_protection=config.deletion_protection, protect=config.protect)
    return Data(
        orders=Table("orders", scope, durable),
        stock=Table("stock", scope, durable.model_copy(update={"hash_key": "sku"})),
        api_idempotency=IdempotencyTable("api-idempotency", scope, remembered),
        worker_idempotency=IdempotencyTable("worker-idempotency", scope, remembered),
    )
