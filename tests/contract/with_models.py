"""Places, repeats and reads an order with the models that datamodel-code-generator generates.

Usage: with_models.py URL KEY BODY
"""

import json
import sys

import httpx
import models

url, key, body = sys.argv[1:]
order = models.OrderRequest.model_validate_json(body).model_dump(mode="json", exclude_none=True)


def post() -> httpx.Response:
    """POST the order with the key."""
    return httpx.post(f"{url}/orders", json=order, headers={"Idempotency-Key": key}, timeout=30).raise_for_status()


first, again = (post(), post())
accepted = [models.AcceptedOrder.model_validate_json(each.content) for each in (first, again)]
read = models.OrderView.model_validate_json(httpx.get(first.url.join(first.headers["Location"]), timeout=30).content)
result = {
    "first": str(accepted[0].order_id),
    "again": str(accepted[1].order_id),
    "replayed": again.headers.get("Idempotent-Replayed"),
    "read": str(read.order_id),
    "total": str(read.total),
}
sys.stdout.write(json.dumps(result))
