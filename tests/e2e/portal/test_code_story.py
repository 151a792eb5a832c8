"""Story 5: a user changes the code of their job in the browser, and nothing that they typed is lost."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.local_up import Caller, Up
from tests.support.portal import Portal, fresh_user

SCRIPT = 'import sys\n\n\ndef main() -> None:\n    print("start", len(sys.argv))\n\n\nmain()\n'
OTHERS = "print('of somebody else')\n"


@dataclass
class OwnJob:
    """A user with an own job, whose script is main.py."""

    user: str
    environment: dict[str, Any]


@pytest.fixture(scope="module")
def own_job(portal_up: Up) -> OwnJob:
    user = fresh_user("ana")
    caller = portal_up.caller(user)
    asked = caller.call("POST", "/environments", {"mode": "production", "job": {"script": "main.py"}})
    return OwnJob(user, caller.until(asked.headers["Location"], {"READY"})[-1])


def opened(portal: Portal, own_job: OwnJob, at: str = "#/code") -> dict[str, Any]:
    """Give the user the script from above, and sign them in at a page."""
    put(portal.up.caller(own_job.user), own_job.environment, "main.py", SCRIPT)
    portal.sign_in("ana", at=at, user=own_job.user)
    expect(editor(portal)).to_contain_text("import sys")
    return own_job.environment


def put(caller: Caller, environment: dict[str, Any], path: str, text: str) -> None:
    kind = {"Content-Type": "application/octet-stream"}
    url = f"{environment['links']['job_files']}/{path}"
    assert caller.call("PUT", url, raw=text.encode(), headers=kind).status in (200, 201)


def files(portal: Portal, environment: dict[str, Any]) -> dict[str, str]:
    """Return the digests of the files by path."""
    items = portal.caller.call("GET", environment["links"]["job_files"]).body["items"]
    return {file["path"]: file["sha256"] for file in items}


def saves(portal: Portal, environment: dict[str, Any]) -> int:
    events = portal.caller.call("GET", f"{environment['links']['events']}?limit=100").body["items"]
    return sum(event["action"] == "job_file_put" for event in events)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def editor(portal: Portal, path: str = "main.py") -> Locator:
    return portal.page.get_by_role("textbox", name=path, exact=True)


def button(portal: Portal, name: str) -> Locator:
    return portal.page.get_by_role("button", name=name, exact=True)


def status(portal: Portal, text: str) -> None:
    expect(portal.page.get_by_role("status").filter(has_text=re.compile(f"^{text}$"))).to_be_visible()


def test_a_user_gets_an_own_job_from_the_example(portal: Portal) -> None:
    portal.sign_in("ana")
    environment = portal.ready_environment()
    portal.page.goto(f"{portal.url}#/code")
    portal.page.reload()
    expect(editor(portal, "sot_ecommerce.py")).to_have_attribute("aria-readonly", "true")
    button(portal, "Get your own job").click()
    portal.page.get_by_role("dialog").get_by_role("button", name="Get your own job").click()
    expect(editor(portal)).to_contain_text("Glue job that builds", timeout=60_000)
    expect(portal.page).to_have_url(re.compile(r"#/code/main\.py$"))
    now = files(portal, environment)
    assert now["main.py"] == now["sot_ecommerce.py"]
    portal.screenshot("code")


def test_a_syntax_error_is_shown_at_its_line_and_the_corrected_script_runs(
    portal: Portal, own_job: OwnJob
) -> None:
    environment = opened(portal, own_job)
    keys = portal.page.keyboard
    editor(portal).click()
    for key in ("ControlOrMeta+Home", "ArrowDown", "Enter"):
        keys.press(key)
    keys.type("if True")
    status(portal, "Unsaved changes")
    keys.press("ControlOrMeta+s")
    expect(editor(portal)).to_contain_text("Error: Line 3, column 8: expected ':'.")
    expect(editor(portal)).to_be_focused()
    portal.check_accessibility()
    portal.screenshot("code-error")

    keys.type(":")  # the cursor is at the error
    keys.press("Enter")
    keys.type("import not_there")
    keys.press("ControlOrMeta+Enter")
    expect(portal.page).to_have_url(re.compile(r"#/run/terraglue-[\w-]+/[a-z2-7]{16}$"))
    expected = SCRIPT.replace("\n\n\ndef", "\n\nif True:\n    import not_there\n\ndef", 1)
    assert files(portal, environment)["main.py"] == digest(expected)

    portal.page.get_by_role("link", name="Open main.py, line 4").click()
    expect(editor(portal)).to_be_focused()
    keys.press("End")
    keys.type("  # here")
    expect(editor(portal)).to_contain_text("import not_there  # here")


def test_warnings_name_what_a_run_will_not_find(portal: Portal, own_job: OwnJob) -> None:
    opened(portal, own_job)
    editor(portal).click()
    portal.page.keyboard.press("ControlOrMeta+a")
    portal.page.keyboard.type("import not_there")
    button(portal, "Save").click()
    status(portal, "Saved")
    expect(editor(portal)).to_contain_text("Warning: Glue 5.1 does not provide the module not_there")
    expect(portal.page.get_by_text("Line 1: Glue 5.1 does not provide")).to_be_visible()
    portal.check_page()
    status(portal, "Saved")


def test_the_line_of_an_address_has_the_cursor(portal: Portal, own_job: OwnJob) -> None:
    environment = opened(portal, own_job, "#/code/main.py:5")
    expect(editor(portal)).to_be_focused()
    portal.page.keyboard.press("End")
    portal.page.keyboard.type("  # here")
    button(portal, "Save").click()
    status(portal, "Saved")
    assert files(portal, environment)["main.py"] == digest(SCRIPT.replace("argv))", "argv))  # here"))


def test_the_keyboard_leaves_the_editor(portal: Portal, own_job: OwnJob) -> None:
    opened(portal, own_job)
    editor(portal).click()
    portal.page.keyboard.press("Tab")
    expect(editor(portal)).to_be_focused()
    portal.page.keyboard.press("Escape")
    portal.page.keyboard.press("Tab")
    expect(button(portal, "Download")).to_be_focused()


def test_a_killed_api_saves_once_and_loses_nothing(portal: Portal, own_job: OwnJob) -> None:
    environment = opened(portal, own_job)
    before = saves(portal, environment)
    editor(portal).click()
    portal.page.keyboard.press("ControlOrMeta+Home")
    portal.page.keyboard.type("# first ")
    with portal.lost_api():
        button(portal, "Save").click()
        expect(portal.page.get_by_text("The service does not answer")).to_be_visible()
        status(portal, "Saving …")
        editor(portal).press("ControlOrMeta+Home")
        portal.page.keyboard.type("# second ")
    status(portal, "Unsaved changes")  # what was typed meanwhile
    assert files(portal, environment)["main.py"] == digest(f"# first {SCRIPT}")
    button(portal, "Save").click()
    status(portal, "Saved")
    assert files(portal, environment)["main.py"] == digest(f"# second # first {SCRIPT}")
    assert saves(portal, environment) == before + 2


def test_a_lost_response_of_a_save_is_no_conflict(portal: Portal, own_job: OwnJob) -> None:
    environment = opened(portal, own_job)
    before, sent = saves(portal, environment), 0

    def lose_first(route: Route) -> None:
        nonlocal sent
        if route.request.method != "PUT":
            return route.continue_()
        sent += 1
        response = route.fetch()
        return route.abort() if sent == 1 else route.fulfill(response=response)

    portal.page.route("**/job/files/main.py", lose_first)
    editor(portal).click()
    portal.page.keyboard.press("ControlOrMeta+Home")
    portal.page.keyboard.type("# saved ")
    button(portal, "Save").click()
    status(portal, "Saved")
    assert sent == 2
    assert saves(portal, environment) == before + 1


def test_a_change_of_somebody_else_is_never_overwritten_in_silence(portal: Portal, own_job: OwnJob) -> None:
    environment = opened(portal, own_job)
    editor(portal).click()
    portal.page.keyboard.press("ControlOrMeta+Home")
    portal.page.keyboard.type("# mine ")
    put(portal.caller, environment, "main.py", OTHERS)
    button(portal, "Save").click()
    alert = portal.page.get_by_role("alert").filter(has_text="main.py was changed")
    expect(alert).to_contain_text("Your changes are not saved.")
    assert files(portal, environment)["main.py"] == digest(OTHERS)
    button(portal, "Show the saved version").click()
    expect(editor(portal, "Saved version of main.py")).to_contain_text("of somebody else")
    portal.check_accessibility()
    button(portal, "Replace it with my text").click()
    status(portal, "Saved")
    assert files(portal, environment)["main.py"] == digest(f"# mine {SCRIPT}")


def test_an_expired_sign_in_and_a_reload_keep_what_was_typed(portal: Portal, own_job: OwnJob) -> None:
    environment = opened(portal, own_job)
    portal.page.route(
        "**/job/files/main.py",
        lambda route: route.fulfill(
            status=401, content_type="application/problem+json", body=json.dumps({"code": "unauthorized"})
        ),
    )
    editor(portal).click()
    portal.page.keyboard.press("ControlOrMeta+Home")
    portal.page.keyboard.type("# typed ")
    button(portal, "Save").click()
    expect(portal.page.get_by_text("sign-in", exact=False).first).to_be_visible()
    expect(editor(portal)).to_contain_text("# typed")
    portal.page.unroute("**/job/files/main.py")
    portal.page.reload()
    expect(editor(portal)).to_contain_text("# typed")
    portal.open("Run")
    portal.open("Code")
    expect(editor(portal)).to_contain_text("# typed")
    status(portal, "Unsaved changes")
    button(portal, "Save").click()
    status(portal, "Saved")
    assert files(portal, environment)["main.py"] == digest(f"# typed {SCRIPT}")


def test_files_are_created_renamed_uploaded_and_deleted(
    portal: Portal, own_job: OwnJob, tmp_path: Path
) -> None:
    environment = opened(portal, own_job)
    page = portal.page

    button(portal, "New file").click()
    page.get_by_label("Path").fill("bad name.py")
    button(portal, "Create").click()
    expect(page.get_by_label("Path")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Path").fill("src/helpers.py")
    button(portal, "Create").click()
    expect(editor(portal, "src/helpers.py")).to_be_visible()

    button(portal, "Rename").click()
    page.get_by_label("Path").fill("src/tools.py")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(editor(portal, "src/tools.py")).to_be_visible()
    assert {"src/tools.py", "main.py"} < files(portal, environment).keys()
    assert "src/helpers.py" not in files(portal, environment)

    button(portal, "Delete").click()
    portal.check_accessibility()
    button(portal, "Delete the file").click()
    expect(page.get_by_role("link", name="tools.py")).to_be_hidden()
    assert "src/tools.py" not in files(portal, environment)

    upload(page, tmp_path, {"lib/a.py": "x = 1\n", "lib/b.py": "x = \n", ".git/config": "[core]\n"})
    button(portal, "Upload").last.click()
    expect(page.get_by_role("alert")).to_contain_text("lib/b.py Line 1, column 5: invalid syntax.")
    portal.check_accessibility()
    assert "lib/a.py" not in files(portal, environment)
    button(portal, "Cancel").click()
    upload(page, tmp_path, {"lib/b.py": "x = 2\n"})
    button(portal, "Upload").last.click()
    expect(page.get_by_role("dialog")).to_contain_text("New (2)")
    button(portal, "Close").click()
    page.get_by_role("link", name="b.py").click()
    expect(editor(portal, "lib/b.py")).to_contain_text("x = 2")
    assert files(portal, environment)["lib/b.py"] == digest("x = 2\n")


def upload(page: Page, folder: Path, contents: dict[str, str]) -> None:
    """Write files, and choose their folder in the dialog."""
    for path, text in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    page.get_by_role("button", name="Upload", exact=True).first.click()
    page.get_by_label("A folder").set_input_files(folder)
