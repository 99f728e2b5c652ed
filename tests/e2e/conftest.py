"""One local stack for the whole folder, with IAM enforced, and names that no two tests share."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from local.client import LocalStack
from local.demo.account import Account
from local.demo.http import OrdersApi

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Retries as in Pulumi.local.yaml; IAM on, so that every function works with its own role's permissions."""
    with LocalStack.started(tmp_path_factory.mktemp("e2e"), iam=True, warm_workers=2) as stack:
        yield stack


@pytest.fixture(scope="session")
def account(stack: LocalStack) -> Account:
    account = Account(stack)
    account.keep_events()
    return account


@pytest.fixture(scope="session")
def api(stack: LocalStack) -> OrdersApi:
    return OrdersApi(stack.outputs["api_url"])


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    # Tests with an instance of their own must not start the shared one.
    stack = request.getfixturevalue("stack") if "stack" in request.fixturenames else None
    yield
    if stack:
        stack.clear_faults()


@pytest.fixture
def key() -> str:
    return f"key-{next(_NUMBERS)}"


@pytest.fixture
def keys() -> Callable[[], str]:
    return lambda: f"key-{next(_NUMBERS)}"


@pytest.fixture
def stocked(account: Account) -> Callable[[int], str]:
    """Makes a new SKU with so many in stock."""

    def make(available: int) -> str:
        sku = f"SKU-{next(_NUMBERS)}"
        account.set_stock({sku: available})
        return sku

    return make
