"""The built files of the portal: those of its sources, small, and without outside hosts."""

from __future__ import annotations

import gzip
import re

from tests.support import portal_build
from tests.support.portal_build import BUILT, STAMP

ALL_BYTES = 150_000


def compressed(pattern: str) -> dict[str, int]:
    """Return the bytes of the built files of a pattern as a browser receives them."""
    return {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in BUILT.glob(pattern)}


def test_the_built_files_are_of_the_sources() -> None:
    """If this fails, run `make portal` and commit the built files."""
    assert (BUILT / STAMP).read_text() == portal_build.sources_stamp()


def test_scripts_stay_small() -> None:
    scripts = compressed("assets/*.js")
    assert sum(scripts.values()) < ALL_BYTES, scripts


def test_the_page_has_no_inline_script_or_style() -> None:
    """Its Content-Security-Policy forbids them."""
    html = (BUILT / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:", html) == []


def test_the_built_files_name_no_outside_host_and_make_no_code_of_strings() -> None:
    ours = {"www.w3.org", "api.invalid", "127.0.0.1", "localhost"}
    for path in BUILT.rglob("*"):
        if path.suffix in {".html", ".js", ".css", ".svg"}:
            text = path.read_text()
            assert set(re.findall(r"https?://(\w[\w.-]*\w)", text)) <= ours, path.name
            assert re.findall(r"\beval\(|\bnew Function\(|\bFunction\(\"|sourceMappingURL", text) == [], (
                path.name
            )


def test_all_files_except_the_page_have_a_hash_in_their_name() -> None:
    names = {path.relative_to(BUILT).as_posix() for path in BUILT.rglob("*") if path.is_file()}
    named = {name for name in names if re.fullmatch(r"assets/[\w.-]+-[\w-]{8}\.\w+", name)}
    assert names - named == {"index.html", STAMP}
