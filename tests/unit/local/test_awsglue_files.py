"""Files of the local awsglue: exclusions and job bookmarks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.spark.shim.awsglue._io import bookmarks
from local.spark.shim.awsglue._io.files import File, without_excluded
from local.spark.shim.awsglue._io.options import folder

ROOT = "s3://bucket/data"


def files(*names: str, modified: int = 1) -> list[File]:
    return [File(f"{ROOT}/{name}", modified, 10, ROOT) for name in names]


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("**.pdf", ["a.csv", "x/c.csv"]),
        ("*.pdf", ["a.csv", "x/b.pdf", "x/c.csv"]),
        ("x/**", ["a.csv", "top.pdf"]),
        ("data/x/*.{csv,pdf}", ["a.csv", "top.pdf"]),
        ("s3://bucket/data/[!a].csv", ["a.csv", "top.pdf", "x/b.pdf", "x/c.csv"]),
        ("s3://bucket/data/?.csv", ["top.pdf", "x/b.pdf", "x/c.csv"]),
    ],
)
def test_exclusions_are_glob_patterns(pattern: str, kept: list[str]) -> None:
    found = without_excluded(files("a.csv", "top.pdf", "x/b.pdf", "x/c.csv"), json.dumps([pattern]))
    assert [file.path.removeprefix(ROOT + "/") for file in found] == kept


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bookmark.json"
    path.write_text("{}")
    monkeypatch.setenv(bookmarks.VARIABLE, str(path))
    return path


def bookmark(option: str = "enable") -> bookmarks.Bookmark:
    found = bookmarks.start({"--job-bookmark-option": f"job-bookmark-{option}"})
    assert found is not None
    return found


def test_a_committed_source_reads_new_and_changed_files_only(state: Path) -> None:
    first = bookmark()
    assert first.unprocessed("source", files("a", "b")) == files("a", "b")
    assert first.unprocessed("source", files("a", "b")) == files("a", "b")  # until the commit
    first.commit()
    changed = files("b", modified=2)
    assert bookmark().unprocessed("source", [*files("a"), *changed, *files("c")]) == [*changed, *files("c")]
    assert bookmark().unprocessed("other", files("a")) == files("a")


def test_without_a_commit_files_are_read_again(state: Path) -> None:
    bookmark().unprocessed("source", files("a"))
    assert bookmark().unprocessed("source", files("a")) == files("a")


def test_a_paused_bookmark_does_not_change(state: Path) -> None:
    first = bookmark()
    first.unprocessed("source", files("a"))
    first.commit()
    before = state.read_text()
    paused = bookmark("pause")
    assert paused.unprocessed("source", files("a", "b")) == files("b")
    paused.commit()
    assert state.read_text() == before


def test_a_paused_bookmark_can_end_at_an_earlier_run(state: Path) -> None:
    seen = {file.path: [file.modified, file.size] for file in files("a", "b")}
    state.write_text(
        json.dumps({"sources": {"source": dict([next(iter(seen.items()))])}, "until": {"source": seen}})
    )
    assert bookmark("pause").unprocessed("source", files("a", "b", "c")) == files("b")


def test_files_that_a_limit_leaves_are_read_by_the_next_run(state: Path) -> None:
    first = bookmark()
    assert first.unprocessed("source", files("a", "b", "c"), 2) == files("a", "b")
    first.commit()
    assert bookmark().unprocessed("source", files("a", "b", "c"), 2) == files("c")


def test_an_unknown_option_is_rejected() -> None:
    with pytest.raises(ValueError, match="must be one of job-bookmark-enable"):
        bookmarks.start({"--job-bookmark-option": "enable"})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://bucket/data/", "s3://bucket/data"),
        ("s3://bucket/", "s3://bucket/"),
        ("s3://bucket", "s3://bucket/"),
        ("/data/", "/data"),
    ],
)
def test_only_the_root_of_a_bucket_keeps_its_slash(path: str, expected: str) -> None:
    assert folder(path) == expected
