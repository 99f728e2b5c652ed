"""Client of the orders API: one order per submission, no matter how often requests are repeated.

example:
    client = OrdersClient("https://api.example.com", ClientCredentials(token_url, client_id, client_secret))
    submission = Submission.of({"currency": "EUR", "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}]})
    save(submission.to_json())                  # before the first call: after a crash, go on with Submission.from_json
    accepted = client.submit(submission)
    order = client.wait(accepted.order_id)      # CONFIRMED, REJECTED or DISCARDED
"""

from orders_client.answers import Accepted, Order
from orders_client.client import OrdersClient
from orders_client.errors import NotFinalError, OrdersError, OutcomeUnknownError, ProblemError, TokenRefusedError
from orders_client.submission import Submission
from orders_client.tokens import ClientCredentials, FixedToken

__all__ = [
    "Accepted",
    "ClientCredentials",
    "FixedToken",
    "NotFinalError",
    "Order",
    "OrdersClient",
    "OrdersError",
    "OutcomeUnknownError",
    "ProblemError",
    "Submission",
    "TokenRefusedError",
]
