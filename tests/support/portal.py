"""Drives the portal in a browser as its user, and checks what holds on each of its pages."""

from __future__ import annotations

import itertools
import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.support.local_up import Caller, Up, eventually, kill
from tests.support.paths import ROOT

IMAGES = ROOT / "docs/images"
MOST_IMAGE_BYTES = 300_000
WIDTHS = (320, 375, 768, 1280, 2560)
SIZE = (1280, 800)
_numbers = itertools.count(1)

# Words of twice their length, as those of German and of careful people are.
_DOUBLE = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    window.shortTexts = [];
    while (walker.nextNode()) {
        const node = walker.currentNode;
        if (node.parentElement.closest("script, style")) continue;
        window.shortTexts.push([node, node.data]);
        node.data = node.data.replace(/\\p{L}{2,}/gu, "$&$&");
    }
}"""
# Each element that Tab must reach. Of radio buttons with one name, Tab reaches one.
_TABBABLE = """() => {
    const selector = "a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, " +
        "[tabindex]:not([tabindex='-1']), [contenteditable=true]";
    const scope = document.querySelector("dialog:modal") ?? document;
    window.unreached = new Set([...scope.querySelectorAll(selector)].filter((each) =>
        each.checkVisibility({ visibilityProperty: true }) && each.type !== "radio" && each.tabIndex >= 0));
    document.activeElement?.blur();
    const dates = scope.querySelectorAll("input[type^=date]").length; // Tab stops at each part of them
    return window.unreached.size + 7 * dates;
}"""
_REACHED = """() => {
    const now = document.activeElement;
    window.unreached.delete(now);
    if (now === document.body) return null;
    const isShown = (style) => style.outlineStyle !== "none" || style.boxShadow !== "none";
    for (let each = now; each; each = each.parentElement) if (isShown(getComputedStyle(each))) return null;
    return `no mark of focus: ${now.outerHTML.slice(0, 200)}`;
}"""
_IN_EDITOR = "() => document.activeElement.matches('.editor-host')"
_UNREACHED = "() => [...window.unreached].map((each) => each.outerHTML.slice(0, 200))"
_RESTORE = "() => { for (const [node, text] of window.shortTexts) node.data = text; }"
_TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const inScroll = (each) => { // what its own box scrolls does not widen the page
        for (let box = each.parentElement; box && box !== document.body; box = box.parentElement)
            if (getComputedStyle(box).overflowX !== "visible") return true;
        return false;
    };
    return [...document.body.querySelectorAll("*")]
        .filter((each) => each.getBoundingClientRect().right > width + 1 && !inScroll(each))
        .map((each) => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 60)}`);
}"""


def fresh_user(name: str) -> str:
    """Return the name of a user who has nothing yet."""
    return f"{name}-{next(_numbers)}"


@dataclass
class Portal:
    """One browser context: what a user sees, and an HTTP caller for what a test needs without looking."""

    page: Page
    up: Up
    saves_screenshots: bool = False
    faults: list[str] = field(default_factory=list)
    user: str = ""
    admin: bool = False
    _shown_name: str = ""
    _is_lost: bool = False

    def __post_init__(self) -> None:
        context = self.page.context
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.faults.append(f"uncaught: {error.error}"))
        context.on("request", self._on_request)
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) => console.error("
            "`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`))"
        )

    # ---- The user

    def sign_in(
        self, name: str = "ana", *, admin: bool = False, at: str = "#/", user: str | None = None
    ) -> Caller:
        """Sign in a user at a page of the portal. Return an HTTP caller with their token.

        It is a fresh user, whose name begins with `name`, unless `user` is one that exists.
        """
        self._shown_name, self.user, self.admin = name, user or fresh_user(name), admin
        self.up.token(self.user, admin=admin)  # creates the user
        self.page.goto(f"{self.url}{at}")
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_label("Another name").fill(self.user)
        self.page.get_by_role("button", name="Sign in with this name").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        if admin:  # known when GET /me has answered
            expect(self._link("Admin")).to_be_visible()
        return self.caller

    @property
    def url(self) -> str:
        return f"{self.up.ready['api']}/"

    @property
    def caller(self) -> Caller:
        return self.up.caller(self.user, admin=self.admin)

    def open(self, name: str) -> None:
        """Open a page by its link in the navigation."""
        self._link(name).click()

    def _link(self, name: str) -> Locator:
        return self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True)

    def ready_environment(self, settings: dict[str, Any] | None = None) -> dict[str, Any]:
        """Create an environment of the user by HTTP, and wait until it is READY."""
        caller = self.caller
        asked = caller.call("POST", "/environments", settings or {})
        assert asked.status == 202, asked
        environment = caller.until(asked.headers["Location"], {"READY", "FAILED"})[-1]
        assert environment["status"] == "READY", environment
        return environment

    # ---- The API

    @contextmanager
    def lost_api(self) -> Iterator[None]:
        """Kill the API, keep it away inside of the block, and start it again at the end."""
        killed, self._is_lost = self._pids()["api"], True
        os.kill(self.up.process.pid, signal.SIGSTOP)  # `up` restarts a killed API at once
        kill(killed)
        try:
            yield
        finally:
            os.kill(self.up.process.pid, signal.SIGCONT)
            eventually(lambda: self._pids()["api"] != killed and self._is_healthy(), 60, "no API again")
            self.page.evaluate("0")  # delivers what Chromium has logged until now
            self._is_lost = False

    def kill_api(self) -> None:
        """Kill the API, and wait until it is there again."""
        with self.lost_api():
            pass

    def _pids(self) -> dict[str, int]:
        pids: dict[str, int] = json.loads(self.up.ready_file.read_text())["pids"]
        return pids

    def _is_healthy(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(f"{self.up.ready['api']}/health", timeout=5).close()
        except OSError:
            return False
        return True

    # ---- What holds on each page

    def check_page(self) -> None:
        """Check the page as it is now: accessibility in light and dark, the keyboard, and all widths."""
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.check_accessibility()
        assert self.page.evaluate("document.getAnimations().length") == 0, "moves despite reduced motion"
        self.check_keyboard()
        self.check_widths()

    def check_keyboard(self) -> None:
        """Fail if Tab does not reach a control, or the focus is not visible on one."""
        for _ in range(int(self.page.evaluate(_TABBABLE)) + 3):
            if self.page.evaluate(_IN_EDITOR):
                self.page.keyboard.press("Escape")  # Tab indents there
            self.page.keyboard.press("Tab")
            unmarked = self.page.evaluate(_REACHED)
            assert not unmarked, unmarked
        unreached = self.page.evaluate(_UNREACHED)
        assert not unreached, unreached

    def check_accessibility(self) -> None:
        """Fail on findings of axe that are serious or critical."""
        results = Axe().run(self.page)
        found = [each for each in results.response["violations"] if each["impact"] in ("serious", "critical")]
        nodes = [
            (each["id"], node["target"], node["failureSummary"]) for each in found for node in each["nodes"]
        ]
        assert not nodes, nodes

    def check_widths(self) -> None:
        """Fail if the page scrolls sideways at a common width, also with words of twice the length."""
        for words in ("as they are", "twice as long"):
            if words == "twice as long":
                self.page.evaluate(_DOUBLE)
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": SIZE[1]})
                too_wide = self.page.evaluate(_TOO_WIDE)
                assert not too_wide, (words, width, too_wide)
        self.page.evaluate(_RESTORE)
        self.page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})

    def screenshot(self, name: str, *, full_page: bool = False) -> None:
        """Save docs/images/portal-NAME.png, if pytest has the option --screenshots."""
        if not self.saves_screenshots:
            return
        self.page.evaluate(
            """([user, shown]) => {
                const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (walker.nextNode()) {
                    walker.currentNode.data = walker.currentNode.data.replaceAll(user, shown);
                }
            }""",
            [self.user, self._shown_name],
        )
        self.page.evaluate("scrollTo(0, 0)")
        IMAGES.mkdir(exist_ok=True)
        path = IMAGES / f"portal-{name}.png"
        self.page.screenshot(path=path, full_page=full_page, animations="disabled", caret="hide")
        assert path.stat().st_size < MOST_IMAGE_BYTES, f"{path} has {path.stat().st_size} bytes"

    # ---- What must not happen on any page

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        url = message.location.get("url", "")
        # Chromium logs each refused or failed request. Those to the API are for the pages to show.
        if message.text.startswith("Failed to load resource") and ("/assets/" not in url or self._is_lost):
            return
        self.faults.append(f"console: {message.text} ({url})")

    def _on_request(self, request: Request) -> None:
        own = {urlsplit(self.up.ready[name]).netloc for name in ("api", "aws")}
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc not in own:
            self.faults.append(f"request to another host: {request.url}")


@contextmanager
def new_context(browser: Any, **options: Any) -> Iterator[BrowserContext]:
    """A browser context of one test, as it is on each machine."""
    viewport = {"width": SIZE[0], "height": SIZE[1]}
    usual = {"viewport": viewport, "locale": "en-US", "timezone_id": "UTC", "reduced_motion": "reduce"}
    context = browser.new_context(**{**usual, **options})
    context.set_default_timeout(20_000)
    try:
        yield context
    finally:
        context.close()
