"""The portal's frame: navigation, a lost API, defects, polling, and addresses without a page."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.portal import Portal

PAGES = ("My sandbox", "Run", "Data", "Code", "Admin")
BANNER = "The service does not answer"


def heading(page: Page, name: str) -> Any:
    return page.get_by_role("heading", level=1, name=name)


def look_again(page: Page) -> None:
    """What a browser says when its tab is shown again. The page asks for news at once."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize("name", PAGES)
def test_pages_without_a_sandbox_are_accessible_and_fit_each_width(portal: Portal, name: str) -> None:
    portal.sign_in("admin", admin=True)
    portal.open(name)
    expect(portal.page.get_by_role("heading", level=1)).to_be_visible()
    portal.check_page()


def test_pages_of_a_sandbox_are_accessible_and_fit_each_width(portal: Portal) -> None:
    portal.sign_in("admin", admin=True)
    portal.ready_environment()
    portal.page.reload()
    expect(portal.page.get_by_text("READY").first).to_be_visible()
    for name in PAGES:
        portal.open(name)
        expect(portal.page.get_by_role("heading", level=1)).to_have_text(name)
        portal.page.wait_for_load_state("networkidle")
        portal.check_page()


def test_only_admins_see_the_link_to_their_page(portal: Portal) -> None:
    portal.sign_in("ana")
    pages = portal.page.get_by_role("navigation", name="Pages").get_by_role("link")
    expect(pages).to_have_text(["My sandbox", "Run", "Data", "Code"])


def test_another_page_gets_the_focus_and_the_title(portal: Portal) -> None:
    portal.sign_in("admin", admin=True)
    expect(portal.page).to_have_title(re.compile("· terraglue$"))
    for name in ("Run", "Admin"):
        portal.page.get_by_role("link", name=name, exact=True).press("Enter")
        expect(heading(portal.page, name)).to_be_focused()
        expect(portal.page).to_have_title(f"{name} · terraglue")
    portal.page.go_back()
    expect(heading(portal.page, "Run")).to_be_focused()
    expect(portal.page).to_have_title("Run · terraglue")


def test_the_keyboard_skips_the_navigation(portal: Portal) -> None:
    portal.sign_in("ana")
    portal.page.keyboard.press("Tab")
    skip = portal.page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    skip.press("Enter")
    expect(portal.page.get_by_role("main")).to_be_focused()


def test_a_lost_api_leaves_each_page_and_shows_a_calm_banner_until_it_is_back(portal: Portal) -> None:
    portal.sign_in("admin", admin=True)
    banner = portal.page.get_by_text(BANNER)
    with portal.lost_api():
        look_again(portal.page)
        expect(banner).to_be_visible()
        for name in PAGES:
            portal.open(name)
            expect(portal.page.get_by_role("main")).not_to_be_empty()
            expect(banner).to_be_visible()
            portal.check_accessibility()
    expect(banner).to_be_hidden()
    for name in PAGES:
        portal.open(name)
        expect(heading(portal.page, name)).to_be_visible()


def test_an_error_of_the_service_is_shown(portal: Portal) -> None:
    problem = {"title": "Internal error", "detail": "Retry later.", "status": 500, "code": "internal_error"}
    body = json.dumps(problem | {"errors": []})
    portal.page.route(
        "**/me",
        lambda route: route.fulfill(status=500, body=body, content_type="application/problem+json"),
    )
    portal.sign_in("ana")
    expect(portal.page.get_by_role("alert").filter(has_text="Internal error")).to_contain_text("Retry later.")
    portal.page.unroute("**/me")
    look_again(portal.page)
    expect(portal.page.get_by_text("Internal error")).to_be_hidden()


@pytest.mark.parametrize("address", ["#/nowhere", "#/admin/nowhere"])
def test_an_unknown_address_says_so(portal: Portal, address: str) -> None:
    portal.sign_in("admin", admin=True, at=address)
    expect(heading(portal.page, "This page does not exist")).to_be_visible()
    portal.check_page()
    portal.page.get_by_role("main").get_by_role("link", name="my sandbox").click()
    expect(heading(portal.page, "My sandbox")).to_be_visible()


@pytest.mark.parametrize(
    "address", ["run/%E0", "data/%/x", "admin/environments/%", "code/%", "admin/spend/%"]
)
def test_an_address_with_a_broken_escape_is_no_defect(portal: Portal, address: str) -> None:
    portal.sign_in("admin", admin=True, at=f"#/{address}")
    expect(portal.page.get_by_role("heading", level=1)).to_be_visible()
    expect(portal.page.get_by_role("heading", name="This page has failed")).to_be_hidden()


@pytest.mark.parametrize("address", ["run/..", "run/%2e%2E", "admin/environments/..", "admin/cohorts/.."])
def test_an_address_cannot_lead_requests_to_another_resource(portal: Portal, address: str) -> None:
    """Browsers resolve dots in the path of a request: what a link names would not be what is asked for."""
    asked: list[str] = []
    portal.sign_in("admin", admin=True)
    portal.page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    portal.page.evaluate("(address) => { location.hash = address; }", f"#/{address}")
    expect(portal.page.get_by_role("alert").filter(has_text="Not found").first).to_be_visible()
    assert not {"/", "/environments/", "/cohorts/", "/jobs/"} & set(asked), asked


def test_the_page_of_a_network_in_place_of_an_answer_is_shown_as_an_error_until_it_is_gone(
    portal: Portal,
) -> None:
    portal.page.clock.install()
    portal.sign_in("ana")
    portal.page.route("**/data-sets", lambda route: route.fulfill(body="<html>", content_type="text/html"))
    portal.page.route("**/me", lambda route: route.fulfill(body="<html>", content_type="text/html"))
    portal.page.reload()
    shown = portal.page.get_by_role("alert").filter(has_text="The answer is not the service's").first
    expect(shown).to_be_visible()
    portal.page.unroute("**/me")
    portal.page.unroute("**/data-sets")
    portal.page.clock.run_for(6_000)
    expect(shown).to_be_hidden()


def test_a_throttled_script_leaves_no_empty_page(portal: Portal) -> None:
    """API Gateway counts each file for `REQUEST_BURST`. Without its script, the page can say nothing else."""
    page = portal.page
    page.route("**/assets/portal-*.js", lambda route: route.fulfill(status=429, body="{}"))
    page.goto(portal.url)
    waiting = page.get_by_text("If this stays, reload the page.")
    expect(waiting).to_be_visible()
    page.unroute("**/assets/portal-*.js")
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(waiting).to_be_hidden()
    assert [each for each in portal.faults if "429" not in each] == []
    portal.faults.clear()


EDITOR = "**/assets/codemirror-*.js"


def sign_in_with_environment(portal: Portal) -> None:
    portal.sign_in("ana")
    portal.ready_environment()
    portal.page.reload()  # the page has not asked yet
    expect(portal.page.get_by_role("button", name="Extend")).to_be_visible()


def open_sql(portal: Portal) -> None:
    portal.page.goto(f"{portal.url}#/data/sql")


def test_a_defect_of_one_page_leaves_the_others(portal: Portal) -> None:
    broken = "export const createCodeView = () => { throw new Error('a defect'); }"
    portal.page.route(EDITOR, lambda route: route.fulfill(body=broken, content_type="text/javascript"))
    sign_in_with_environment(portal)
    open_sql(portal)
    expect(heading(portal.page, "This page has failed")).to_be_visible()
    expect(portal.page.get_by_text("Error: a defect")).to_be_visible()
    portal.check_page()
    portal.open("Run")
    expect(heading(portal.page, "Run")).to_be_visible()
    assert [fault for fault in portal.faults if "a defect" not in fault] == []
    portal.faults.clear()


def test_a_page_of_an_old_version_offers_a_reload(portal: Portal) -> None:
    portal.page.route(EDITOR, lambda route: route.fulfill(status=404))
    sign_in_with_environment(portal)
    open_sql(portal)
    expect(heading(portal.page, "A new version is available")).to_be_visible()
    portal.check_accessibility()
    assert [fault for fault in portal.faults if "404" not in fault] == []
    portal.faults.clear()
    portal.page.unroute(EDITOR)
    portal.page.get_by_role("button", name="Reload the page").click()
    expect(portal.page.get_by_role("textbox", name="SQL")).to_be_visible()


def test_an_editor_that_cannot_be_loaded_while_the_service_is_lost_comes_later(portal: Portal) -> None:
    lost = {EDITOR, "**/config.json", "**/me"}
    sign_in_with_environment(portal)
    for pattern in lost:
        portal.page.route(pattern, lambda route: route.abort("connectionrefused"))
    open_sql(portal)
    expect(portal.page.get_by_text(BANNER)).to_be_visible()
    for pattern in lost:
        portal.page.unroute(pattern)
    expect(portal.page.get_by_role("textbox", name="SQL")).to_be_visible()
    expect(portal.page.get_by_text(BANNER)).to_be_hidden()
    portal.faults.clear()  # Chromium logs the asset that it could not load


def test_an_error_that_no_page_handles_is_shown(portal: Portal) -> None:
    portal.sign_in("ana")
    portal.page.evaluate("void Promise.reject(new Error('not handled'))")
    alert = portal.page.get_by_role("alert").filter(has_text="Error: not handled")
    expect(alert).to_be_visible()
    portal.check_page()
    alert.get_by_role("button", name="Dismiss").click()
    expect(alert).to_be_hidden()
    assert [fault for fault in portal.faults if "not handled" not in fault] == []
    portal.faults.clear()


def test_polls_send_the_tag_of_what_they_have(portal: Portal) -> None:
    portal.sign_in("ana")
    expect(portal.page.get_by_text(portal.user)).to_be_visible()
    with portal.page.expect_response("**/me") as again:
        look_again(portal.page)
    assert again.value.request.headers["if-none-match"]
    assert again.value.status == 304
    expect(portal.page.get_by_text(portal.user)).to_be_visible()


def test_a_hidden_tab_does_not_poll(portal: Portal) -> None:
    page = portal.page
    page.add_init_script(
        """window.asked = 0;
        const send = window.fetch;
        window.fetch = (...of) => { window.asked++; return send(...of); };
        Object.defineProperty(document, "hidden", { get: () => window.isHidden ?? false });"""
    )
    page.clock.install()
    portal.sign_in("ana")
    expect(page.get_by_text(portal.user)).to_be_visible()
    with page.expect_response("**/me"):
        page.clock.run_for(31_000)  # the interval of GET /me
    page.evaluate("[window.isHidden, window.asked] = [true, 0]")
    page.clock.run_for(600_000)
    assert page.evaluate("window.asked") == 0
    page.evaluate("window.isHidden = false")
    with page.expect_response("**/me"):
        look_again(page)
