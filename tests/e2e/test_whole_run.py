"""After everything that the other modules of this folder did to the stack (this one's name sorts last)."""

import pytest

from local.demo.account import Account, wait_for
from local.demo.audit import audit, gather

pytestmark = pytest.mark.e2e


def test_guarantees_hold_over_the_whole_run(account: Account) -> None:
    # GIVEN a stack that has come to rest
    wait_for("the orders queue to be empty", lambda: account.waiting() == 0, 90)

    # WHEN the guarantees are counted from the AWS APIs
    findings = [finding for finding in audit(gather(account)) if finding.name != "G4"]

    # THEN all hold. Exact retries are left out: some workers were killed on purpose
    assert [violation for finding in findings for violation in finding.violations] == []
