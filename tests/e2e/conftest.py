"""Fixtures: one local stack for all files that define no `CONFIG`, and a different idempotency key for each test.

`make aws-check` provides a stack on AWS instead (`tests.e2e.deployed`), for the tests marked `deployed`.
"""

import uuid
from collections.abc import Callable, Iterator
from itertools import count
from typing import cast

import pytest

from local.client import LocalStack
from local.demo.account import Account
from local.demo.http import OrdersApi
from tests.e2e.deployed import NAME, STOCK_PREFIX, Deployed

_NUMBERS = count(1)
# A stack on AWS still has the idempotency keys and articles of earlier runs, so each run uses new names.
_RUN = uuid.uuid4().hex[:8]


@pytest.fixture(scope="session")
def deployed(request: pytest.FixtureRequest) -> Deployed | None:
    """Return the stack on AWS, if the tests run on one."""
    return cast("Deployed | None", request.config.pluginmanager.get_plugin(NAME))


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Start a stack with the retry settings of Pulumi.local.yaml.

    IAM is enforced: each function may make only the calls that its role allows.
    """
    with LocalStack.started(tmp_path_factory.mktemp("e2e"), iam=True, warm_workers=2) as stack:
        yield stack


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, deployed: Deployed | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack]:
    """Return the stack on AWS if the tests run on one. Else return the shared stack, or a separate one for a file with
    a `CONFIG`."""
    config = getattr(request.module, "CONFIG", None)
    if deployed:
        # Tests marked `deployed` use only what a `DeployedStack` has.
        yield cast("LocalStack", deployed.stack)
    elif config is None:
        yield request.getfixturevalue("shared_stack")
    else:
        with LocalStack.started(tmp_path_factory.mktemp("own"), iam=True, warm_workers=1, config=config) as stack:
            yield stack


@pytest.fixture(scope="module")
def account(request: pytest.FixtureRequest, deployed: Deployed | None, stack: LocalStack) -> Account:
    """Return the stack's account. On the separate stack of a file, the stock of SKU-1 is the file's `STOCK`, or 1,000
    if the file has no `STOCK`."""
    if deployed:
        return deployed.account
    account = Account(stack)
    account.keep_events()
    if hasattr(request.module, "CONFIG"):
        account.set_stock({"SKU-1": getattr(request.module, "STOCK", 1_000)})
    return account


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest, deployed: Deployed | None, stack: LocalStack, account: Account) -> OrdersApi:
    """Return the API's client.

    CloudFront does not run here. So the tests of a file with `waf` in its `CONFIG` send
    CloudFront's header themselves.
    """
    if deployed:
        return deployed.api
    edge = "waf" in getattr(request.module, "CONFIG", {})
    return OrdersApi(stack.outputs["api_origin_url" if edge else "api_url"])


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    # The fixture `stack` is requested only for tests that use `stack` themselves, because the request can start the
    # shared stack. Other tests make their own stack, or need no stack.
    stack = request.getfixturevalue("stack") if "stack" in request.fixturenames else None
    yield
    if isinstance(stack, LocalStack):
        stack.clear_faults()


@pytest.fixture
def key() -> str:
    return f"key-{_RUN}-{next(_NUMBERS)}"


@pytest.fixture
def keys() -> Callable[[], str]:
    return lambda: f"key-{_RUN}-{next(_NUMBERS)}"


@pytest.fixture
def stocked(account: Account) -> Callable[[int], str]:
    """Return a function that makes a new SKU with the given stock."""

    def make(available: int) -> str:
        sku = f"{STOCK_PREFIX}{_RUN}-{next(_NUMBERS)}"
        account.set_stock({sku: available})
        return sku

    return make
