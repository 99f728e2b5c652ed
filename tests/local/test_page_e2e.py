"""Tests the first use of the page: a person runs `up`, opens the printed address in a browser, and types no other
command."""

import os
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from local.client import LocalStack
from local.instance import ROOT
from tests.browser import chromium

pytestmark = [pytest.mark.e2e, pytest.mark.long]

HOSTILE = '<img src=x onerror="document.title=1">'
PICTURE = "ORDERS_PAGE_PICTURE"
"""An environment variable with the path where a picture of the page is saved (docs/page.webp)."""


class Person:
    """A person who reads the page, presses buttons and types."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def sees(self, selector: str, text: str, seconds: float = 30) -> WebElement:
        """Wait until an element contains this text."""

        def found(_: object) -> WebElement | None:
            script = "return [...document.querySelectorAll(arguments[0])].find(e => e.innerText.includes(arguments[1]))"
            element: WebElement | None = self.browser.execute_script(script, selector, text)
            return element

        try:
            return WebDriverWait(self.browser, seconds).until(lambda it: found(it) or False)
        except TimeoutException:
            there = [each.text for each in self.browser.find_elements(By.CSS_SELECTOR, f"{selector}, #trouble")]
            pytest.fail(f"{selector} never showed {text!r}, but: {there}")

    def presses(self, selector: str, text: str = "") -> None:
        """Focus an element, and press it by keyboard."""
        element = self.sees(selector, text)
        self.browser.execute_script("arguments[0].focus()", element)
        ActionChains(self.browser).send_keys(Keys.ENTER if element.tag_name == "a" else Keys.SPACE).perform()

    def draws(self, file: Path) -> None:
        """Save the top of the page as a WebP picture."""
        self.browser.execute_script("document.activeElement.blur(); document.getElementById('notice').textContent = ''")
        clip = {"x": 0, "y": 0, "width": 1265, "height": 1085, "scale": 1}
        options = {"format": "webp", "quality": 82, "captureBeyondViewport": True, "clip": clip}
        file.write_bytes(b64decode(self.browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"]))

    def types(self, label: str, text: str) -> None:
        """Fill in a field."""
        field = self.browser.find_element(By.ID, label)
        field.clear()
        field.send_keys(text)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, LocalStack]]:
    """Start a stack as `make up` does, and yield the address that it prints, and the stack."""
    folder = tmp_path_factory.mktemp("state")
    command = [sys.executable, "-m", "local", "up", "--detach", "--state-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    stack = LocalStack.attach(folder)
    yield re.findall(r"http://\S+/#key=\S+", done.stderr)[0], stack
    stack.stop()


@pytest.fixture(scope="module")
def person(printed: tuple[str, LocalStack], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    with chromium(tmp_path_factory.mktemp("profile"), "--window-size=1280,1020") as browser:
        browser.get(printed[0])
        yield Person(browser)


def test_an_order_settles_and_another_fails_and_is_redriven(person: Person) -> None:
    # GIVEN the printed address / WHEN the first order is placed
    person.sees("#live", "live")
    person.presses("#add-stock")
    person.sees("#shelf", "In stock: 100")
    person.presses("#order-form .main")
    # THEN the page shows the settled order and its trace
    person.sees("#answer", "202")
    person.sees("#order-rows .pill", "CONFIRMED")
    person.sees("#life .step.good", "event published")
    person.sees("#shelf", "In stock: 98")

    # WHEN DynamoDB fails / THEN the next order ends as a dead letter, and its attempts are shown
    person.presses("#presets input")
    person.sees("#fault-chip", "1")
    person.presses("#order-form .main")
    person.sees("#order-rows .pill", "FAILED", 60)
    person.sees("#dead-rows li", "5 attempts", 30)
    person.sees("#life .step.bad", "attempt:\u00a05")
    if PICTURE in os.environ:
        person.draws(Path(os.environ[PICTURE]))

    # WHEN DynamoDB is repaired, and somebody redrives the dead letter with a reason / THEN the order is confirmed
    person.presses("#presets input")
    person.sees("#fault-chip", "0")
    person.presses("#dead-rows button", "Redrive")
    person.sees("#plan", "1 of 1 message would go back")
    person.types("by", "Ada")
    person.types("why", "dependency repaired")
    person.presses("#decide")
    person.sees("#notice", "1 message redriven.", 60)
    person.sees("#dead-rows", "No dead letters.", 60)
    person.sees("#life .judgement", "CONFIRMED", 60)
    person.sees("#life .step", "by:\u00a0Ada")

    # THEN all guarantees hold
    person.presses("#count")
    person.sees("#findings .good:nth-child(6)", "G6", 60)
    assert person.browser.find_elements(By.CSS_SELECTOR, "#findings .bad") == []


def test_the_page_shows_a_replay_a_refusal_and_twenty_requests_at_once(person: Person) -> None:
    # GIVEN an order
    person.presses("#order-form .main")
    person.sees("#answer", "202")
    # WHEN the same request is sent again / THEN the first answer is shown again
    person.presses("#repeat")
    person.sees("#answer", "replayed: the first answer, sent again")
    # WHEN the order's key is sent with another body / THEN the request is refused
    person.presses("#other-body")
    person.sees("#answer", "422")
    # WHEN twenty requests with the same new key are sent at once / THEN they make one order
    person.presses("#new-key")
    person.presses("#twenty-one")
    person.sees("#answer", "20 requests at once, 1 order", 90)


def test_markup_in_a_dead_letter_is_shown_as_text(person: Person, printed: tuple[str, LocalStack]) -> None:
    # GIVEN a dead letter with markup in its error
    stack, title = printed[1], person.browser.title
    stack.aws.sqs.send_message(
        QueueUrl=stack.outputs["dead_letter_queue_url"],
        MessageBody=HOSTILE,
        MessageAttributes={"error_type": {"DataType": "String", "StringValue": HOSTILE}},
    )
    # WHEN it is shown, and discarded
    person.sees("#dead-rows", HOSTILE, 60)
    first = person.browser.find_element(By.CSS_SELECTOR, "#dead-rows button")
    assert first.text == "Discard", "a redrive cannot repair this message"
    person.presses("#dead-rows button", "Discard")
    person.sees("#plan", "1 message would be deleted")
    person.types("by", "Ben")
    person.types("why", "broken client")
    person.presses("#decide")
    # THEN it is deleted, and its markup was never rendered
    person.sees("#dead-rows", "No dead letters.", 60)
    assert person.browser.title == title
    assert person.browser.find_elements(By.CSS_SELECTOR, "img") == []


def test_the_reference_sends_requests_to_this_stack(person: Person) -> None:
    # GIVEN the API's reference / WHEN its example order is sent from there
    person.presses("#reference")
    person.presses(".opblock-post .opblock-summary-control")
    answered = (By.CSS_SELECTOR, ".live-responses-table")
    for _ in range(10):
        # Swagger UI redraws the panel while it opens, and a press can be lost. So the test presses until there is an
        # answer. Every press sends the same Idempotency-Key, so there is only one order.
        person.presses(".opblock-post .execute")
        with suppress(TimeoutException):
            WebDriverWait(person.browser, 6).until(lambda it: it.find_elements(*answered))
            break
    # THEN this stack answers
    person.sees(".opblock-post .live-responses-table .response-col_status", "202", 60)


def test_the_page_reports_a_stopped_stack_and_the_browser_logged_no_error_except_status_422(
    person: Person, printed: tuple[str, LocalStack]
) -> None:
    # GIVEN the tests above, in the same browser / WHEN the browser's log is read / THEN its only
    # errors are for status 422, the answer to a key that is sent again with another body
    messages = [each["message"] for each in person.browser.get_log("browser")]  # type: ignore[no-untyped-call]
    assert [text for text in messages if "422" not in text] == []
    # THEN `status` shows the address that `up` printed
    command = [sys.executable, "-m", "local", "status", "--state-dir", str(printed[1].state.path)]
    assert printed[0] in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # WHEN the stack is stopped / THEN the page reports that the stack has stopped
    person.browser.get(printed[0].partition("#")[0])
    person.sees("#live", "live")
    printed[1].stop()
    person.sees("#trouble", "The stack has stopped.")
