"""What to try with a running instance."""

from rich.console import Console

from local.instance import Outputs, StateDir


def print_hints(console: Console, outputs: Outputs, state: StateDir) -> None:
    """Lines that can be copied into a shell."""
    url, endpoint, table = outputs["api_url"], outputs.endpoint_url, outputs["orders_table"]
    console.print(f"\n[bold]The embedded AWS is ready.[/bold] Outputs: {state.outputs}\n", highlight=False)
    for line in (
        f"curl -i -X POST {url}/orders -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first' \\",
        """  -d '{"currency": "EUR", "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}]}'""",
        f"curl -s {url}/orders/ORDER_ID",
        f"aws --endpoint-url {endpoint} --region {outputs.region} dynamodb scan --table-name {table}",
        "python -m local logs --follow",
    ):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    console.print(
        "\n  The contract is docs/openapi.json: open it in any OpenAPI viewer, e.g. editor.swagger.io", highlight=False
    )
    console.print("  Make it fail: python -m local fault add --help", highlight=False)
    console.print()
