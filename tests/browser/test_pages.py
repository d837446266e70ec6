"""Every page in a real browser: no errors, nothing from outside, readable by everybody."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from monitor.outputs.listen import Server
from monitor.settings.values import Address
from monitor.state import audit, incidents
from tests.pages import HOSTILE, Service, incident, service
from tests.services.require import require_program

pytestmark = pytest.mark.browser

ACTED = "/incidents/loan-2026-03-18-1"
PAGES = (
    "/",
    "/models/loan",
    "/models/loan/card",
    "/models/loan/drilldowns",
    "/models/loan/metrics/override",
    "/models/loan/metrics/feature_psi",
    "/incidents",
    ACTED,
    "/trace?id=p1",
    "/quarantine",
    "/ledger",
    "/audit",
    "/token",
)
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = require_program("chromium", "install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def loan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = service(tmp_path_factory.mktemp("pages"), text=HOSTILE)
    yield made
    made.state.close()


@pytest.fixture(scope="module")
def url(loan: Service) -> Iterator[str]:
    with Server(Address("127.0.0.1", 0), {}, loan.site()) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


@dataclass
class Watched:
    """A page, and what the browser said and asked while it was shown."""

    page: Page
    said: list[str]
    asked: list[str]


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(**request.param)
    yield context
    context.close()


def watched(context: BrowserContext) -> Watched:
    found = Watched(context.new_page(), [], [])
    found.page.on("console", lambda message: found.said.append(message.text))
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    # A dialog that nobody handles is dismissed, unless somebody listens.
    found.page.add_init_script("window.alert = () => console.error('alert')")
    found.page.on("request", lambda asked: found.asked.append(asked.url))
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_quiet_alone_and_accessible(path: str, context: BrowserContext, url: str) -> None:
    shown = watched(context)
    answer = shown.page.goto(url + path)
    assert answer is not None
    assert answer.ok
    assert shown.said == []
    assert [asked for asked in shown.asked if not asked.startswith(url)] == []
    found = Axe().run(shown.page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not shown.page.evaluate(too_wide)


def test_pages_are_whole_without_javascript(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/models/loan")
    assert page.get_by_text("Override rate").first.is_visible()
    assert page.locator("svg .mbm-line").first.is_visible()
    context.close()


def test_the_keyboard_reaches_the_content_and_every_link(browser: Browser, url: str) -> None:
    context = browser.new_context(**DESKTOP)
    page = context.new_page()
    page.goto(f"{url}/models/loan")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    context.close()


def test_an_incident_is_acknowledged_and_the_audit_log_says_so(
    browser: Browser, loan: Service, url: str
) -> None:
    context = browser.new_context(**PHONE)
    shown = watched(context)
    shown.page.goto(url + ACTED)
    shown.page.get_by_label("Your name").fill("Ada")
    shown.page.get_by_label("Why").fill(HOSTILE)
    shown.page.get_by_role("button", name="Acknowledge").click()
    assert shown.page.get_by_text("Page, acknowledged.").is_visible()
    assert shown.said == []
    assert incidents.one(loan.state, "loan-2026-03-18-1").status == "acknowledged"
    entry = audit.entries(loan.state)[-1]
    assert (entry.who, entry.what, entry.reason) == ("Ada (without token)", "ack incident", HOSTILE)
    shown.page.get_by_role("link", name="Audit").click()
    assert shown.page.get_by_text("Ada (without token)").is_visible()
    assert shown.page.get_by_text(HOSTILE).first.is_visible()
    assert shown.said == []
    context.close()


def test_a_page_of_another_site_cannot_act(
    browser: Browser, loan: Service, url: str, tmp_path: Path
) -> None:
    known = incidents.add(loan.state, incident())
    before = len(audit.entries(loan.state))
    evil = tmp_path / "evil.html"
    evil.write_text(
        f'<form method="post" action="{url}/incidents/{known.id}"><input name="what" value="ack">'
        '<input name="who" value="Eve"><input name="reason" value="x"><button>Win</button></form>'
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(url + ACTED)
    page.goto(evil.as_uri())
    page.get_by_role("button").click()
    assert page.get_by_text("another site").is_visible()
    assert len(audit.entries(loan.state)) == before
    context.close()
