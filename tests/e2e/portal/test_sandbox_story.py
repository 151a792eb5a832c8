"""My sandbox: from nothing to a sandbox and back, as its owner sees it."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Route, expect

from tests.support.portal import Portal

READY_SECONDS = 60_000


def heading(portal: Portal, name: str) -> Locator:
    return portal.page.get_by_role("heading", name=name)


def button(portal: Portal, name: str) -> Locator:
    return portal.page.get_by_role("button", name=name, exact=True)


def is_ready(portal: Portal) -> None:
    expect(heading(portal, "The sandbox is ready")).to_be_visible(timeout=READY_SECONDS)


def console_url(part: str) -> re.Pattern[str]:
    return re.compile(rf"^https://us-east-1\.console\.aws\.amazon\.com/{part}/")


def open_settings(portal: Portal) -> None:
    portal.page.get_by_text("Choose settings").click()
    expect(portal.page.get_by_label("Expires in hours")).to_be_visible()


@contextmanager
def faults(portal: Portal, *rules: str) -> Iterator[None]:
    """Inject faults into the emulator inside of the block."""

    def put(rules: list[str]) -> None:
        request = urllib.request.Request(
            f"{portal.up.ready['aws']}/_terraglue/faults",
            data=json.dumps({"seed": 1, "rules": rules}).encode(),
            method="PUT",
        )
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).close()

    put(list(rules))
    try:
        yield
    finally:
        put([])


def test_from_nothing_to_a_sandbox_and_back_to_nothing(portal: Portal) -> None:
    page = portal.page
    portal.sign_in("ana")
    portal.screenshot("sandbox-create")
    portal.check_page()

    button(portal, "Create my sandbox").click()
    expect(page.get_by_text("of 30 resources created")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Resources")).to_be_visible()
    expect(
        page.get_by_role("list", name="Resources").get_by_text("Bucket", exact=False).first
    ).to_be_visible()
    portal.screenshot("sandbox-creating")
    portal.check_accessibility()
    is_ready(portal)
    expect(page.get_by_role("row", name="Bucket: SoT").get_by_role("link")).to_have_attribute(
        "href", console_url("s3/buckets")
    )
    expect(page.get_by_role("link", name="Run the job")).to_have_attribute("href", "#/run")
    portal.screenshot("sandbox-ready", full_page=True)
    portal.check_page()

    button(portal, "Extend").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Hours from now").fill("240")
    dialog.get_by_role("button", name="Extend").click()
    expect(page.get_by_text("in 10 days")).to_be_visible()
    expect(page.get_by_text("changed the expiration")).to_be_visible()

    button(portal, "Reset").click()
    expect(dialog).to_contain_text("You lose everything else in it")
    dialog.get_by_role("button", name="Reset").click()
    expect(page.get_by_text("asked for a reset")).to_be_visible()
    is_ready(portal)

    button(portal, "Delete").click()
    dialog.get_by_role("button", name="Delete for good").click()
    receipt = page.locator("section", has=heading(portal, "Receipt of the deletion"))
    expect(receipt).to_contain_text("30 resources no longer exist", timeout=READY_SECONDS)
    expect(receipt).to_contain_text("Encryption key")
    expect(receipt).to_contain_text("AWS removes it on")
    expect(button(portal, "Create my sandbox")).to_be_visible()
    page.reload()
    button(portal, "Sign in").or_(heading(portal, "My sandbox")).first.wait_for()
    expect(receipt).to_be_visible()
    portal.check_page()


def test_errors_of_settings_stand_beside_their_fields_and_nothing_typed_is_lost(portal: Portal) -> None:
    page = portal.page
    caller = portal.sign_in("ana")
    open_settings(portal)
    page.get_by_label("Expires in hours").fill("many")
    page.locator("summary", has_text="Job").first.click()
    workers = page.get_by_label("Number of workers")
    workers.fill("99")
    page.get_by_label("Extra files").fill("a.py\n../b.py")
    page.get_by_role("button", name="Add to Arguments").click()
    page.get_by_label("Arguments: Name 1").fill("--DATE")
    page.get_by_label("Arguments: Value 1").fill("2026-11-27")
    page.locator("summary", has_text="Job").first.click()  # a closed group opens for its error
    page.locator("summary", has_text="Encryption").click()
    portal.check_page()
    button(portal, "Create my sandbox").click()

    hours = page.get_by_label("Expires in hours")
    expect(hours).to_be_focused()
    expect(hours).to_have_accessible_description(re.compile("integer"))
    hours.fill("24")
    expect(hours).not_to_have_attribute("aria-invalid", "true")
    page.reload()  # what was typed is still there
    expect(page.get_by_label("Expires in hours")).to_have_value("24")
    button(portal, "Create my sandbox").click()
    expect(page.get_by_label("Extra files")).to_be_focused()
    expect(workers).to_have_accessible_description(re.compile("Must be at most 10."))
    expect(page.get_by_label("Extra files")).to_have_accessible_description(re.compile("Line 2:"))
    expect(page.get_by_label("Arguments: Value 1")).to_have_value("2026-11-27")
    workers.fill("2")
    page.get_by_label("Extra files").fill("")
    portal.screenshot("sandbox-settings", full_page=True)
    button(portal, "Create my sandbox").click()
    is_ready(portal)

    settings = caller.call("GET", "/me").body["environment"]["settings"]
    assert settings["expires_in_hours"] == 24
    assert settings["job"]["number_of_workers"] == 2
    assert settings["job"]["arguments"] == {"--DATE": "2026-11-27"}

    button(portal, "Change settings").click()
    page.locator("summary", has_text="Job").first.click()
    workers.fill("1")
    button(portal, "Save changes").click()
    expect(workers).to_have_accessible_description(re.compile("Must be at least 2."))
    workers.fill("3")
    button(portal, "Save changes").click()
    expect(page.get_by_text("changed settings")).to_be_visible()
    is_ready(portal)
    links = caller.call("GET", "/me").body["environment"]["links"]
    events = caller.call("GET", links["events"]).body["items"]
    sent = [each["detail"] for each in events if each["action"] == "change_requested"]
    assert sent == [{"settings": {"job": {"number_of_workers": 3}}}]  # only what was changed


def test_a_setting_of_a_later_release_is_in_the_form_and_its_error_beside_it(portal: Portal) -> None:
    def with_extra_fields(route: Route) -> None:
        document = route.fetch().json()
        schemas = document["components"]["schemas"]
        schemas["EnvironmentRequest"]["properties"]["cold_storage"] = {
            "anyOf": [{"type": "string", "enum": ["GLACIER", "NONE"]}, {"type": "null"}],
            "default": None,
            "description": "Class of files that are not read for a month.",
        }
        schemas["JobSettings"]["properties"]["pause_seconds"] = {
            "type": "integer",
            "minimum": 0,
            "maximum": 9,
            "default": 1,
        }
        route.fulfill(json=document)

    page = portal.page
    page.route("**/openapi.json", with_extra_fields)
    portal.sign_in("ana")
    open_settings(portal)
    page.locator("summary", has_text="More settings").click()
    storage = page.get_by_label("Cold storage")
    expect(storage).to_have_accessible_description(
        re.compile("Class of files that are not read for a month.")
    )
    storage.select_option("GLACIER")
    page.locator("summary", has_text="Job").first.click()
    page.get_by_label("Pause seconds").fill("3")
    button(portal, "Create my sandbox").click()  # the API of this release does not know what it gets
    expect(storage).to_have_accessible_description(re.compile("Unknown field."))
    expect(page.get_by_label("Pause seconds")).to_have_accessible_description(re.compile("Unknown field."))


def test_a_creation_goes_on_while_the_api_is_killed(portal: Portal) -> None:
    page = portal.page
    portal.sign_in("ana")
    button(portal, "Create my sandbox").click()
    expect(page.get_by_text("of 30 resources created")).to_be_visible()
    banner = page.get_by_text("The service does not answer")
    with portal.lost_api():
        expect(banner).to_be_visible(timeout=40_000)
        expect(heading(portal, "The sandbox is being created")).to_be_visible()
    is_ready(portal)
    expect(banner).to_be_hidden()


def test_a_request_that_meets_a_killed_api_is_sent_again(portal: Portal) -> None:
    page = portal.page
    portal.sign_in("ana")
    expect(button(portal, "Create my sandbox")).to_be_visible()
    with portal.lost_api():
        button(portal, "Create my sandbox").click()
        expect(page.get_by_text("The service does not answer")).to_be_visible(timeout=40_000)
    is_ready(portal)


def test_a_failed_creation_says_why_and_can_be_tried_again(portal: Portal) -> None:
    page = portal.page
    portal.sign_in("ana")
    with faults(portal, 'stack:GlueJob create_failed times 1 "The quota of jobs is used up."'):
        button(portal, "Create my sandbox").click()
        expect(heading(portal, "The sandbox needs your attention")).to_be_visible(timeout=READY_SECONDS)
    failure = page.locator("section", has=heading(portal, "What went wrong"))
    expect(failure).to_contain_text("GlueJob")
    expect(failure).to_contain_text("The quota of jobs is used up.")
    expect(failure).to_contain_text("A limit of the AWS account is reached")
    expect(failure).to_contain_text("What to do:")
    portal.screenshot("sandbox-failed")
    portal.check_page()
    button(portal, "Try again").click()
    is_ready(portal)


def test_credentials_are_in_their_dialog_only(portal: Portal) -> None:
    page = portal.page
    portal.sign_in("ana")
    portal.ready_environment()
    page.reload()
    is_ready(portal)
    button(portal, "Get AWS credentials").click()
    secret = page.get_by_role("dialog").get_by_label("AWS_SECRET_ACCESS_KEY", exact=True)
    value = secret.input_value()
    assert len(value) >= 40
    portal.check_accessibility()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert value not in page.content()
    assert value not in page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
