"""Places an order, repeats the request and reads the order, with a generated client.

The generator is openapi-python-client.

Usage: with_client.py URL KEY BODY
"""

import json
import sys

from orders_client.api.default import create_order, get_order
from orders_client.models import OrderRequest

from orders_client import Client

url, key, body = sys.argv[1:]
client = Client(url, raise_on_unexpected_status=True)
order = OrderRequest.from_dict(json.loads(body))
first = create_order.sync_detailed(client=client, body=order, idempotency_key=key)
again = create_order.sync_detailed(client=client, body=order, idempotency_key=key)
read = get_order.sync(first.parsed.order_id, client=client)
result = {
    "first": first.parsed.order_id,
    "again": again.parsed.order_id,
    "replayed": again.headers.get("Idempotent-Replayed"),
    "read": read.order_id,
    "total": read.total,
}
sys.stdout.write(json.dumps(result))
