"""Suggested commands for a running instance."""

import os
import shlex
import sys
from pathlib import Path
from urllib.request import getproxies_environment, proxy_bypass

from rich.console import Console

from local.instance import Outputs, StateDir
from local.ports import LOOPBACK

_ORDER = '{"currency": "EUR", "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}]}'


def print_hints(console: Console, outputs: Outputs, state: StateDir) -> None:
    """Print the suggested commands, ready to be copied into a shell."""
    console.print(f"\n[bold]The embedded AWS is ready.[/bold] Outputs: {state.outputs}", highlight=False)
    console.print("\n[bold]Place orders and inject faults in a browser[/bold]", highlight=False)
    console.print(f"  {state.running().page_url}", highlight=False, markup=False, soft_wrap=True)
    for title, lines in hints(outputs, state).items():
        console.print(f"\n[bold]{title}[/bold]", highlight=False)
        for line in lines:
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    console.print()


def hints(outputs: Outputs, state: StateDir) -> dict[str, list[str]]:
    """Return the suggested commands under their titles."""
    url = outputs["api_url"]
    where = state.option
    aws = (
        f"AWS_ACCESS_KEY_ID={outputs.aws_access_key_id} AWS_SECRET_ACCESS_KEY={outputs.aws_secret_access_key} "
        f"aws --endpoint-url {outputs.endpoint_url} --region {outputs.region}"
    )
    return {
        **_environment(),
        "Order something": [
            f"python -m ops stock add SKU-1 100 --new --local{where} --yes",
            f"curl -i -X POST {url}/orders -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first' \\",
            f"  -d '{_ORDER}'",
            f"curl -i {url}/orders/ORDER_ID",
        ],
        "See what happened": [
            f"python -m ops order trace ORDER_ID --local{where}",
            f"python -m ops status --local{where}",
            f"python -m ops dlq list --local{where}",
            f"python -m local logs --follow{where}",
            f"{aws} dynamodb scan --table-name {outputs['orders_table']}",
        ],
        "Make a call fail, and end the fault": [
            f"python -m local fault add --service dynamodb --operation TransactWriteItems --kind error{where}",
            f"python -m local fault clear{where}",
            "make incident     # an alarm and its runbook, on a separate instance",
        ],
        "The contract, for Swagger UI, Postman and the like": [
            f"import docs/openapi.json and set the server to {url}",
        ],
        "Show the instance, and stop it": [f"python -m local status{where}", f"python -m local down{where}"],
    }


def _environment() -> dict[str, list[str]]:
    """Return the shell lines that are needed to select this project's `python` and to bypass a proxy."""
    activate = Path(sys.prefix) / "bin" / "activate"
    lines = proxy_exception()
    if os.environ.get("VIRTUAL_ENV") != sys.prefix and activate.is_file():
        lines.insert(0, f". {shlex.quote(str(activate))}")
    return {"Once per terminal": lines} if lines else {}


def proxy_exception() -> list[str]:
    """Return the shell line that makes curl and the AWS CLI bypass the proxy when they call this machine.

    If no such line is needed, the returned list is empty.
    """
    if not getproxies_environment() or proxy_bypass(LOOPBACK):
        return []
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    value = shlex.quote(",".join(filter(None, (given, LOOPBACK))))
    return [f"export NO_PROXY={value} no_proxy={value}"]
