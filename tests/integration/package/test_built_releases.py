"""Releases that `make up` keeps: the same files give the same release without reading the data again."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from glue_assets import release as releases
from local.runtime.processes import Failed
from local.setup import built_releases


@pytest.fixture
def data(tmp_path: Path) -> Path:
    table = tmp_path / "data/db_shop/tbl_orders"
    table.mkdir(parents=True)
    (table / "a.csv").write_text("order_id,price\n1,2.50\n")
    (tmp_path / "data/db_shop/tbl_visits").mkdir()
    (tmp_path / "data/db_shop/tbl_visits/a.json").write_text('{"at": 1}\n{"at": 2}\n')
    return tmp_path / "data"


@pytest.fixture
def built(data: Path, tmp_path: Path) -> Callable[[], releases.Release]:
    return lambda: built_releases.built(data, tmp_path / "cache")


def forbid_building(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the release was built")

    monkeypatch.setattr(releases, "build", fail)


def test_an_unchanged_folder_is_not_read_again(
    built: Callable[[], releases.Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = built()
    forbid_building(monkeypatch)
    again = built()
    assert (again.id, again.manifest, again.template) == (first.id, first.manifest, first.template)
    assert [file.source.read_bytes() for file in again.files] == [f.source.read_bytes() for f in first.files]


def test_a_changed_value_gives_another_release_although_size_and_time_are_equal(
    built: Callable[[], releases.Release], data: Path
) -> None:
    file = data / "db_shop/tbl_orders/a.csv"
    first, time = built(), file.stat().st_mtime_ns
    file.write_text("order_id,price\n1,3.50\n")
    os.utime(file, ns=(time, time))
    assert built().id != first.id


def test_a_new_folder_is_a_change(built: Callable[[], releases.Release], data: Path) -> None:
    built()
    (data / "db_shop/tbl_empty").mkdir()
    with pytest.raises(Failed, match="tbl_empty"):
        built()


def test_a_folder_that_contains_itself_ends(built: Callable[[], releases.Release], data: Path) -> None:
    (data / "db_shop/tbl_loop").symlink_to(data)
    with pytest.raises(Failed, match="tbl_loop"):
        built()


def test_a_damaged_entry_is_built_again(built: Callable[[], releases.Release], tmp_path: Path) -> None:
    first = built()
    [kept] = (tmp_path / "cache").rglob("release.pickle")
    kept.write_bytes(kept.read_bytes()[:100])
    assert built().id == first.id


def test_a_lost_converted_file_is_made_again(
    built: Callable[[], releases.Release], data: Path, tmp_path: Path
) -> None:
    (data / "db_shop/tbl_orders/a.csv").write_bytes("order_id;price\r\n1;2,50\r\n".encode("latin-1"))
    converted = [file for file in built().files if file.source.is_relative_to(tmp_path / "cache")]
    assert converted
    converted[0].source.unlink()
    assert all(file.source.is_file() for file in built().files)


def test_invalid_data_is_not_kept(built: Callable[[], releases.Release], data: Path) -> None:
    (data / "db_shop/tbl_orders/a.csv").write_text("order_id,price\n1\n")
    for _ in range(2):
        with pytest.raises(Failed, match=r"a\.csv:2"):
            built()


def test_old_releases_are_removed(built: Callable[[], releases.Release], data: Path, tmp_path: Path) -> None:
    for number in range(12):
        (data / "db_shop/tbl_orders/a.csv").write_text(f"order_id,price\n1,{number}.50\n")
        built()
    assert len(list((tmp_path / "cache").iterdir())) == 8
