"""Pages in docs: numbers of decisions, links between pages, and costs of calls."""

from __future__ import annotations

import re

import app
from tests.support.paths import ROOT

DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *DECISIONS]


def test_decisions_are_numbered_without_gaps_or_repetitions() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for page in DECISIONS:
        assert page.read_text(encoding="utf-8").startswith(f"# {int(page.name[:4])}. "), page.name


def test_links_to_decisions_name_their_number() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, target in re.findall(r"\[decision\s+(\d+)\]\([^)]*?(\d{4})-[^)]*\)", text):
            assert int(number) == int(target), page.name


def test_links_lead_to_files_and_headings_that_exist() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            known = file.exists() and (not anchor or anchor in anchors(file.read_text(encoding="utf-8")))
            if not known:
                broken.append(f"{page.name}: {target}")
    assert broken == []


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_page_of_configuration_lists_what_calls_cost() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| (.+) \|$", page.partition("## Limit callers")[2], re.MULTILINE)
    documented = {call: int(cost) for cost, calls in rows for call in re.findall(r"`([A-Z]+ /[^`]+)`", calls)}
    costs = {
        operation.route: operation.cost
        for operation in app.api.all
        if operation.cost != (0 if operation.method == "GET" else 1)
    }
    assert documented == costs
