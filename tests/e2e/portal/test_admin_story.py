"""Admins look at all environments, freeze one, create a class, and see what it costs."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.local_up import Caller, Up
from tests.support.portal import Portal, new_context
from tests.support.portal_crowd import CrowdApi, crowd

_numbers = itertools.count(1)

_WATCH_LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.longTasks.push(Math.round(each.duration));
}).observe({ type: "longtask", buffered: true });
"""
_SCROLL_TO_THE_END = """async () => {
    for (let still = 0; still < 10; ) {
        const before = scrollY;
        scrollBy(0, 400);
        await new Promise((resolve) => requestAnimationFrame(resolve));
        still = scrollY === before ? still + 1 : 0;
    }
}"""


@pytest.fixture
def owner(browser: Browser, portal_up: Up) -> Iterator[Portal]:
    """Another user's browser, beside the admin's."""
    with new_context(browser) as context:
        owner = Portal(context.new_page(), portal_up)
        yield owner
        assert owner.faults == []


def test_an_admin_freezes_an_environment_and_its_owner_sees_why(portal: Portal, owner: Portal) -> None:
    owner.sign_in("ana")
    bob = portal.up.caller(f"bob-{owner.user}")
    assert bob.call("POST", "/environments", {}).status == 202
    environment = owner.ready_environment()
    portal.sign_in("root", admin=True, at="#/admin")
    page = portal.page
    table = page.get_by_role("table", name="Environments")
    page.get_by_label("Search").fill(owner.user)
    expect(table.get_by_role("rowheader")).to_have_count(2)
    page.get_by_label("Owner").select_option(owner.user)
    expect(table.get_by_role("rowheader")).to_have_text([f"{owner.user}{environment['id']}"])
    portal.check_page()

    table.get_by_role("link", name=owner.user).click()
    expect(page.get_by_role("heading", name=f"Environment of {owner.user}")).to_be_visible()
    views = page.get_by_role("navigation", name="Views of the environment")
    views.get_by_role("link", name="Jobs and runs").click()
    expect(page.get_by_role("heading", name="sot-ecommerce-br")).to_be_visible()
    portal.check_accessibility()
    views.get_by_role("link", name="Data").click()
    page.get_by_role("link", name="tbl_sellers").click()
    expect(page.get_by_role("columnheader", name="seller_id")).to_be_visible()
    portal.check_accessibility()
    views.get_by_role("link", name="Overview").click()
    page.get_by_role("button", name="Freeze").click()
    dialog = page.get_by_role("dialog", name=f"Freeze the environment of {owner.user}?")
    dialog.get_by_label("Reason").fill("The course has ended.")
    with portal.lost_api():
        dialog.get_by_role("button", name="Freeze").click()
        expect(page.get_by_text("The service does not answer")).to_be_visible()
        expect(dialog.get_by_label("Reason")).to_have_value("The course has ended.")
    expect(page.get_by_role("heading", name=f"Frozen by {portal.user}")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=f"{portal.user} (admin) froze it")).to_have_count(1)
    portal.check_page()

    owner.page.reload()
    expect(owner.page.get_by_role("heading", name=f"Frozen by {portal.user}")).to_be_visible()
    expect(owner.page.get_by_text("The course has ended.").first).to_be_visible()

    page.get_by_role("button", name="Thaw").click()
    page.get_by_role("dialog").get_by_role("button", name="Thaw").click()
    expect(page.get_by_role("heading", name=f"Frozen by {portal.user}")).to_be_hidden()
    page.get_by_role("link", name="All environments").click()
    expect(table.get_by_role("link", name=owner.user)).to_be_focused()
    assert _actions(portal.caller, environment) == ["thawed", "frozen"]


def _actions(admin: Caller, environment: dict[str, Any]) -> list[str]:
    """Return what admins did with an environment, newest first."""
    events = admin.call("GET", f"{environment['links']['events']}?limit=100").body["items"]
    return [each["action"] for each in events if each["as_admin"]]


def test_a_class_is_checked_created_and_deleted(portal: Portal, tmp_path: Path) -> None:
    pia, quentin = (f"{name}-{next(_numbers)}-{id(portal)}" for name in ("pia", "quentin"))
    portal.sign_in("root", admin=True, at="#/admin/cohorts")
    page = portal.page
    page.get_by_role("link", name="New cohort").click()
    page.get_by_label("Name of the cohort").fill("Autumn")
    page.get_by_label("Owners").fill(f"email\n{pia}\n{'x' * 129}\n{quentin}, {pia}")
    expect(page.get_by_text("3 owners.")).to_be_visible()
    page.get_by_role("button", name="Check what would happen").click()
    expect(page.get_by_text("Must be 1 to 128 printable characters.")).to_contain_text("Line 3")
    expect(page.get_by_label("Owners")).to_be_focused()

    page.get_by_label("Owners").fill(f"email\n{pia}\n{quentin}, {pia}")
    with portal.lost_api():
        page.get_by_role("button", name="Check what would happen").click()
        expect(page.get_by_text("The service does not answer")).to_be_visible()
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible()
    expect(page.get_by_text("Would wait in the queue")).to_be_visible()
    assert portal.caller.call("GET", f"/environments?owner={pia}").body["items"] == []
    portal.check_page()

    page.get_by_role("button", name="Create the cohort with 2 environments").click()
    expect(page.get_by_role("heading", name="Autumn", level=1)).to_be_visible()
    members = page.get_by_role("table", name="Members")
    expect(members.get_by_text("READY")).to_have_count(2, timeout=90_000)
    expect(page.get_by_text("2 done of 2 members")).to_be_visible(timeout=60_000)
    portal.check_page()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "members.csv")
    with (tmp_path / "members.csv").open(newline="") as file:
        assert [row["owner"] for row in csv.DictReader(file)] == [pia, quentin]

    page.get_by_role("button", name="Delete environments").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Check what would happen").click()
    dialog.get_by_role("button", name="Delete environments: 2 of 2").click()
    expect(page.get_by_text("Delete environments, requested by")).to_be_visible()
    expect(members.get_by_text("DELETED")).to_have_count(2, timeout=90_000)


def test_spend_is_that_of_the_usage(portal: Portal, portal_up: Up, tmp_path: Path) -> None:
    portal.sign_in("root", admin=True, at="#/admin/spend")
    spender = f"{portal.user}-spender"
    caller = portal_up.caller(spender)
    asked = caller.call("POST", "/environments", {})
    environment = caller.until(asked.headers["Location"], {"READY", "FAILED"})[-1]
    run = caller.call("POST", f"{environment['links']['runs']}", {})
    ended = caller.until(run.headers["Location"], {"SUCCEEDED", "FAILED"}, seconds=240)[-1]
    assert ended["status"] == "SUCCEEDED", ended
    usage = portal.caller.call("GET", f"/usage?by=owner&owner={spender}").body
    assert usage["totals"]["glue_usd"] > 0

    page = portal.page
    page.get_by_role("button", name="Refresh").click()
    chart = page.get_by_role("figure", name="Charged to budgets by owner")
    bar = chart.get_by_role("listitem").filter(has_text=spender)
    expect(bar).to_contain_text(f"${usage['totals']['glue_usd']:.2f}")
    portal.check_page()
    bar.get_by_role("link").click()
    expect(page.get_by_role("heading", name=f"Spend of {spender}")).to_be_visible()
    totals = page.get_by_role("definition")
    expect(totals.nth(0)).to_have_text(f"${usage['totals']['settled_usd']:.2f}")
    expect(totals.nth(1)).to_contain_text(" · 1 run · ")
    expect(page.get_by_text("KMS keys (estimate)").first).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=environment["id"])).to_be_visible()

    with portal.lost_api():
        page.get_by_label("Kind").select_option("Queries only")
        expect(page.get_by_text("The service does not answer")).to_be_visible()
    expect(page.get_by_text("Nothing was charged in this period.")).to_be_visible()
    page.get_by_label("Kind").select_option("Job runs and queries")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "spend.csv")
    with (tmp_path / "spend.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["glue_usd"]) for row in rows) == pytest.approx(usage["totals"]["glue_usd"])
    assert {row["owner"] for row in rows} == {spender}


def test_the_page_is_for_admins(portal: Portal) -> None:
    portal.sign_in("ana", at="#/admin")
    expect(portal.page.get_by_text("This page is for admins.")).to_be_visible()
    expect(portal.page.get_by_role("table")).to_have_count(0)


def test_300_environments(portal: Portal) -> None:
    """Also prints how long the browser was busy at once, which depends on the machine (pytest -s)."""
    page = portal.page
    page.add_init_script(_WATCH_LONG_TASKS)
    api = CrowdApi(page.context, crowd(300))
    portal.sign_in("root", admin=True, at="#/admin")
    expect(page.get_by_text("300 of 300 environments")).to_be_visible()
    print("long tasks of loading:", _long_tasks(page))
    portal.screenshot("admin")
    page.evaluate(_SCROLL_TO_THE_END)
    rows = page.get_by_role("table", name="Environments").get_by_role("rowheader")
    expect(rows).to_have_count(300)
    print("long tasks of scrolling:", _long_tasks(page))

    # A poll without news costs no bodies, and one with news keeps the place of the reader.
    first = api.answers.copy()
    page.get_by_role("button", name="Refresh").click()
    expect(rows).to_have_count(300)
    last = page.get_by_role("link", name="student-0299@example.com")
    last.focus()
    scrolled = page.evaluate("scrollY")
    with page.expect_response(lambda response: "status=READY" in response.url and response.status == 200):
        api.environments[298]["owner"] = "somebody@example.com"
        page.get_by_role("button", name="Refresh").dispatch_event("click")
    expect(page.get_by_role("link", name="somebody@example.com")).to_be_visible()
    expect(last).to_be_focused()
    assert page.evaluate("scrollY") == scrolled
    assert api.answers[304] > api.answers[200] - first[200]

    page.get_by_role("button", name="Failed 15").click()
    expect(rows).to_have_count(15)
    page.get_by_role("button", name="Queued 15").click()
    expect(rows).to_have_count(30)
    page.get_by_role("link", name="AWS quota reached").click()
    expect(rows).to_have_count(8)
    page.get_by_role("link", name="Clear all filters").click()
    expect(page.get_by_text("300 of 300 environments")).to_be_visible()
    page.get_by_role("button", name="Owner").click()
    expect(rows.first).to_contain_text("somebody@example.com")
    print("long tasks of filters_and_order:", _long_tasks(page))
    page.get_by_label("Search").fill("student-002")
    expect(rows).to_have_count(10)
    portal.check_page()


def _long_tasks(page: Page) -> list[int]:
    """Return the long tasks since the last call, in milliseconds."""
    tasks: list[int] = page.evaluate("longTasks.splice(0)")
    return tasks
