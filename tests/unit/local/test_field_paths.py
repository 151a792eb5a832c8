"""Paths to fields of frames."""

from __future__ import annotations

import pytest

from local.spark.shim.awsglue._spark.paths import parse


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a", ("a",)),
        ("a.b.c", ("a", "b", "c")),
        ("`a.b`", ("a.b",)),
        ("a.`b.c`.d", ("a", "b.c", "d")),
        ("list[].price", ("list", "price")),
        ("`[id]`", ("[id]",)),
        ("provider id", ("provider id",)),
        (".id", (".id",)),  # a name that a join made
        ("`.id`", (".id",)),
    ],
)
def test_a_path_is_split_into_names(path: str, names: tuple[str, ...]) -> None:
    assert parse(path) == names
