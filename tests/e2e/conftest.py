"""One local stack for the whole folder, with IAM enforced, and names that no two tests share.

`make aws-check` hands in a stack on AWS instead (`tests.e2e.deployed`), for the tests that are marked so.
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
# A stack on AWS remembers keys of earlier runs.
_RUN = uuid.uuid4().hex[:8]


@pytest.fixture(scope="session")
def deployed(request: pytest.FixtureRequest) -> Deployed | None:
    """The stack on AWS, if this is about one."""
    return cast("Deployed | None", request.config.pluginmanager.get_plugin(NAME))


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Retries as in Pulumi.local.yaml; IAM on, so that every function works with its own role's permissions."""
    with LocalStack.started(tmp_path_factory.mktemp("e2e"), iam=True, warm_workers=2) as stack:
        yield stack


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, deployed: Deployed | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack]:
    """The shared one; a file with a `CONFIG` has one of its own."""
    config = getattr(request.module, "CONFIG", None)
    if deployed:
        # Tests that are marked as `deployed` ask no more of it than it has.
        yield cast("LocalStack", deployed.stack)
    elif config is None:
        yield request.getfixturevalue("shared_stack")
    else:
        with LocalStack.started(tmp_path_factory.mktemp("own"), iam=True, warm_workers=1, config=config) as stack:
            yield stack


@pytest.fixture(scope="module")
def account(request: pytest.FixtureRequest, deployed: Deployed | None, stack: LocalStack) -> Account:
    """On a stack of the file's own there is `STOCK` of SKU-1, else plenty."""
    if deployed:
        return deployed.account
    account = Account(stack)
    account.keep_events()
    if hasattr(request.module, "CONFIG"):
        account.set_stock({"SKU-1": getattr(request.module, "STOCK", 1_000)})
    return account


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest, deployed: Deployed | None, stack: LocalStack, account: Account) -> OrdersApi:
    """Return where clients are. There is no CloudFront here: behind an edge the tests send what it would."""
    if deployed:
        return deployed.api
    edge = "waf" in getattr(request.module, "CONFIG", {})
    return OrdersApi(stack.outputs["api_origin_url" if edge else "api_url"])


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    # Tests with an instance of their own must not start the shared one.
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
    """Makes a new SKU with so many in stock."""

    def make(available: int) -> str:
        sku = f"{STOCK_PREFIX}{_RUN}-{next(_NUMBERS)}"
        account.set_stock({sku: available})
        return sku

    return make
