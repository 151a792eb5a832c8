"""First paint of the portal, and the sizes of its scripts.

    .venv/bin/python -m tests.benchmarks.portal_speed [--loads N]

Starts the product, and prints the figures (see `figures`): milliseconds with an empty cache, and bytes as a
browser receives them.
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from local.install import browser
from tests.benchmarks.figures import Figures, at_least_one, command_line
from tests.support.local_up import eventually, running_up
from tests.support.portal import Portal, new_context
from tests.support.portal_build import BUILT, ensure_built

_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def first_paint(browser: Browser, url: str) -> float:
    """Return the first contentful paint of the sign-in page, in milliseconds."""
    with new_context(browser) as context:
        page = context.new_page()
        page.goto(url)
        page.get_by_role("button", name="Sign in").wait_for()
        eventually(lambda: page.evaluate(_PAINT) is not None, 20, "no first paint")
        milliseconds: float = page.evaluate(_PAINT)
        return milliseconds


def sizes() -> dict[str, int]:
    """Return the compressed bytes of the scripts that the page loads first, and of all."""
    html = (BUILT / "index.html").read_text()
    scripts = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in BUILT.glob("assets/*.js")}
    return {
        "first_script_bytes": sum(size for name, size in scripts.items() if name in html),
        "all_script_bytes": sum(scripts.values()),
    }


def main() -> None:
    """Run the command line."""
    parser = command_line("portal_speed", __doc__)
    parser.add_argument("--loads", type=at_least_one, default=10, help="loads of each page")
    options = parser.parse_args()
    if (path := browser.find()) is None:
        parser.error("requires Chromium; see local/install/browser.py")
    if (reason := ensure_built()) is not None:
        parser.error(reason)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_up(Path(folder)) as up,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        paints = [first_paint(chromium, f"{up.ready['api']}/") for _ in range(options.loads)]
        sandbox = []
        for _ in range(options.loads):
            with new_context(chromium) as context:
                portal = Portal(context.new_page(), up)
                portal.sign_in()
                portal.page.get_by_role("heading", name="My sandbox").wait_for()
                sandbox.append(portal.page.evaluate("performance.now()"))
        figures = Figures("portal_speed", options.loads)
        figures.write("portal.first_paint", paints, "ms")
        figures.write("portal.signed_in_page", sandbox, "ms")
        for name, size in sizes().items():
            figures.write(f"portal.{name}", size, "bytes")


if __name__ == "__main__":
    main()
