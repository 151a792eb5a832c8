"""Signing in and out of the portal: reload, expiry, tabs, users, and a provider that refuses or is lost."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, Response, expect

from local.aws import clients
from tests.support.local_up import Up, eventually
from tests.support.portal import Portal

HOUR_LESS_A_MINUTE = 59 * 60 * 1000 + 30_000
# All that a page can read without the help of its scripts.
LEFT_BEHIND = """() => [
    JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie, location.href,
    document.referrer, window.name, JSON.stringify(history.state), document.documentElement.outerHTML,
    JSON.stringify(performance.getEntries()),
].join("\\n")"""


def provider(portal: Portal) -> Page:
    """Return the page, which must show the provider's sign-in."""
    expect(portal.page.get_by_text("This is the sign-in of the AWS emulator")).to_be_visible()
    return portal.page


def signed_in_as(page: Page, name: str) -> None:
    expect(page.locator(".user")).to_contain_text(f"Signed in as {name}")


def end_refresh_tokens(portal: Portal) -> None:
    ready = portal.up.ready
    cognito = clients.client("cognito-idp", ready["aws"], ready["region"])
    cognito.admin_user_global_sign_out(UserPoolId=ready["user_pool_id"], Username=portal.user)


def expire(portal: Portal) -> None:
    """Let the user's hour end, and the provider refuse to renew it."""
    signed_in_as(portal.page, portal.user)
    end_refresh_tokens(portal)
    portal.page.clock.fast_forward(HOUR_LESS_A_MINUTE + 60_000)
    portal.page.evaluate("dispatchEvent(new Event('online'))")  # polls at once
    expect(portal.page.get_by_text("Your sign-in has expired.")).to_be_visible()


def draft(page: Page) -> Any:
    """Begin a request for a sandbox. Return its first field."""
    page.get_by_text("Choose settings").click()
    number = page.get_by_role("form", name="Settings").get_by_label("Expires in hours")
    number.fill("48")
    return number


def is_draft_stored(page: Page) -> bool:
    """Return whether the tab keeps the number. It also keeps random texts, which may have its digits."""
    return bool(re.search(r"\b48\b", page.evaluate("JSON.stringify(sessionStorage)")))


def test_start_prints_the_url_of_the_portal_first(portal_up: Up) -> None:
    def listed() -> list[tuple[str, str]]:
        return re.findall(r"^  (\S.*?)  +(http://\S+)", portal_up.output.read_text(), re.MULTILINE)

    eventually(lambda: bool(listed()), 20, "no list of URLs")
    assert listed()[:2] == [("Portal", f"{portal_up.ready['api']}/"), ("API", portal_up.ready["api"])]


def test_one_click_signs_in_at_the_page_that_was_asked_for_and_a_reload_keeps_it(portal: Portal) -> None:
    page = portal.page
    page.goto(f"{portal.url}#/run")
    portal.check_page()
    page.get_by_role("button", name="Sign in").click()
    provider(portal)
    portal.check_page()
    page.get_by_role("button", name="bob").click()
    signed_in_as(page, "bob")
    assert page.url == f"{portal.url}#/run"
    page.reload()
    signed_in_as(page, "bob")
    assert page.url == f"{portal.url}#/run"
    entries = page.evaluate("history.length")
    page.reload()
    signed_in_as(page, "bob")
    assert page.evaluate("history.length") == entries


def test_admin_sees_the_page_of_admins(portal: Portal) -> None:
    portal.page.goto(portal.url)
    portal.page.get_by_role("button", name="Sign in").click()
    provider(portal).get_by_role("button", name="admin").click()
    expect(portal.page.get_by_role("link", name="Admin")).to_be_visible()


def test_page_keeps_no_token_and_no_code_that_is_worth_anything(portal: Portal) -> None:
    granted: list[Response] = []
    portal.page.on("response", lambda got: granted.append(got) if "/oauth2/token" in got.url else None)
    codes: list[str] = []
    portal.page.on(
        "request", lambda request: codes.extend(parse_qs(urlsplit(request.url).query).get("code", []))
    )
    portal.sign_in("ana")
    expect(portal.page.get_by_role("heading", name="Create a sandbox")).to_be_visible()
    tokens = next(got.json() for got in granted if got.request.method == "POST")
    secrets = [tokens[name] for name in ("id_token", "access_token", "refresh_token")]
    assert all(len(secret) > 20 for secret in secrets)
    left = portal.page.evaluate(LEFT_BEHIND)
    assert [secret for secret in secrets if secret in left] == []
    assert "verifier" not in portal.page.evaluate("JSON.stringify(sessionStorage)")
    assert "code=" not in portal.page.url
    portal.page.go_back()  # the entry with the code is gone
    expect(portal.page.get_by_text("This is the sign-in of the AWS emulator")).to_be_visible()
    form = {
        "grant_type": "authorization_code",
        "code": codes[0],
        "client_id": portal.up.ready["client_id"],
        "redirect_uri": portal.url,
    }
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{portal.up.ready['aws']}/oauth2/token", urlencode(form).encode(), timeout=10)
    assert json.load(refused.value) == {"error": "invalid_grant"}


def test_token_is_renewed_in_silence_before_its_hour_ends(portal: Portal) -> None:
    portal.page.clock.install()
    portal.sign_in("ana")
    signed_in_as(portal.page, portal.user)
    portal.page.clock.fast_forward(HOUR_LESS_A_MINUTE)
    with (
        portal.page.expect_response(lambda got: "/oauth2/token" in got.url) as renewed,
        portal.page.expect_response(lambda got: got.url.endswith("/me")) as asked,
    ):
        portal.page.evaluate("dispatchEvent(new Event('online'))")
    token = renewed.value.json()["id_token"]
    assert asked.value.request.headers["authorization"] == f"Bearer {token}"
    assert asked.value.status in (200, 304)
    expect(portal.page.get_by_text("Your sign-in has expired.")).to_be_hidden()


def test_expired_sign_in_keeps_page_and_draft_and_its_command_continues(portal: Portal) -> None:
    page = portal.page
    page.clock.install()
    portal.sign_in("ana")
    field = draft(page)
    expire(portal)
    portal.check_accessibility()
    expect(field).to_have_value("48")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    page.get_by_role("form", name="Settings").get_by_role("button", name="Create my sandbox").click()
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Sign in again").click()
    # The provider knows the user, so the window needs no click.
    expect(page.get_by_text("Your sign-in has expired.")).to_be_hidden()
    expect(page.get_by_role("heading", name="Create a sandbox")).to_be_hidden()
    if not opened.value.is_closed():
        opened.value.wait_for_event("close")
    assert page.url == f"{portal.url}#/"
    environment = portal.caller.call("GET", "/me").body["environment"]
    assert environment["owner"] == portal.user
    assert sent.count("POST") == 2  # one for the token, and the command


def test_another_user_after_an_expired_sign_in_finds_nothing_of_the_former(portal: Portal) -> None:
    page = portal.page
    page.clock.install()
    portal.sign_in("ana")
    draft(page)
    assert is_draft_stored(page)
    expire(portal)
    page.context.clear_cookies()
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Sign in again").click()
    opened.value.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Signing in was cancelled.")).to_be_visible()
    expect(page.get_by_label("Expires in hours")).to_have_value("48")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Sign in again").click()
    opened.value.get_by_role("button", name="bob").click()
    signed_in_as(page, "bob")
    left = page.evaluate(LEFT_BEHIND)
    assert portal.user not in left
    assert not is_draft_stored(page)


def test_lost_provider_delays_the_renewal_and_the_page_recovers(portal: Portal) -> None:
    page, endpoint = portal.page, f"{portal.up.ready['aws']}/oauth2/token"
    page.clock.install()
    portal.sign_in("ana")
    signed_in_as(page, portal.user)
    page.context.route(endpoint, lambda route: route.abort())
    page.clock.fast_forward(HOUR_LESS_A_MINUTE + 60_000)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_text("The sign-in service does not answer.")).to_be_visible()
    expect(page.get_by_text("Your sign-in has expired.")).to_be_hidden()
    page.context.unroute(endpoint)
    expect(page.get_by_text("The sign-in service does not answer.")).to_be_hidden()


def test_lost_provider_is_said_before_the_page_leaves(portal: Portal) -> None:
    endpoint = f"{portal.up.ready['aws']}/oauth2/token"
    portal.page.goto(portal.url)
    portal.page.context.route(endpoint, lambda route: route.abort())
    portal.page.get_by_role("button", name="Sign in").click()
    expect(portal.page.get_by_text("The sign-in service does not answer. Try again")).to_be_visible()
    portal.page.context.unroute(endpoint)
    portal.page.get_by_role("button", name="Sign in").click()
    provider(portal)


def test_new_tab_signs_in_by_itself_and_signing_out_ends_all_tabs(portal: Portal) -> None:
    portal.sign_in("ana", at="#/run")
    signed_in_as(portal.page, portal.user)
    second = portal.page.context.new_page()
    second.goto(f"{portal.url}#/data")
    signed_in_as(second, portal.user)
    assert second.url == f"{portal.url}#/data"
    second.get_by_role("button", name="Sign out").click()
    expect(second.get_by_role("button", name="Sign in")).to_be_visible()
    expect(portal.page.get_by_text("You signed out in another tab.")).to_be_visible()
    expect(portal.page.get_by_text(portal.user)).to_be_hidden()
    second.go_back()
    expect(second.get_by_role("button", name="Sign in")).to_be_visible()
    second.get_by_role("button", name="Sign in").click()  # the provider has forgotten the user, too
    expect(second.get_by_text("This is the sign-in of the AWS emulator")).to_be_visible()


def test_cancelled_sign_in_returns_and_can_be_repeated(portal: Portal) -> None:
    portal.page.goto(f"{portal.url}#/data")
    portal.page.get_by_role("button", name="Sign in").click()
    provider(portal).get_by_role("button", name="Cancel").click()
    expect(portal.page.get_by_text("Signing in was cancelled.")).to_be_visible()
    assert portal.page.url == f"{portal.url}#/data"
    portal.page.get_by_role("button", name="Sign in").click()
    provider(portal).get_by_role("button", name="ana").click()
    signed_in_as(portal.page, "ana")


def test_answer_that_was_not_asked_for_signs_nobody_in(portal: Portal) -> None:
    stolen = f"{portal.url}?{urlencode({'code': 'of-an-attacker', 'state': 'of-an-attacker'})}"
    portal.page.goto(stolen)
    expect(portal.page.get_by_text("This sign-in did not begin in this tab")).to_be_visible()
    assert portal.page.url == portal.url
    portal.sign_in("ana")
    signed_in_as(portal.page, portal.user)
    portal.page.goto(stolen)  # keeps the user who was signed in
    signed_in_as(portal.page, portal.user)


def test_back_to_the_sign_in_page_and_another_user(portal: Portal) -> None:
    portal.sign_in("ana")
    signed_in_as(portal.page, portal.user)
    portal.page.go_back()
    provider(portal).get_by_role("button", name="bob").click()
    signed_in_as(portal.page, "bob")


def test_name_with_a_script_is_text(portal: Portal) -> None:
    name = "<img/src=x/onerror=alert(1)>"
    dialogs: list[str] = []
    portal.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    portal.page.goto(portal.url)
    portal.page.get_by_role("button", name="Sign in").click()
    provider(portal).get_by_label("Another name").fill(f"{name} <script>alert(1)</script>")
    portal.page.get_by_role("button", name="Sign in with this name").click()
    expect(portal.page.get_by_text("A name has 1 to 128 letters")).to_be_visible()
    portal.check_page()
    portal.page.get_by_label("Another name").fill(name)
    portal.page.get_by_role("button", name="Sign in with this name").click()
    signed_in_as(portal.page, name)
    assert dialogs == []


def test_plain_http_on_another_host_is_refused_with_what_to_do(portal: Portal) -> None:
    portal.page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    portal.page.goto(portal.url)
    expect(portal.page.get_by_role("alert")).to_contain_text("Open this page with https://")
    expect(portal.page.get_by_role("button", name="Sign in")).to_be_hidden()
