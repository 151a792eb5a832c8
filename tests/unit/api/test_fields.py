"""The query parameter `fields` of lists."""

from __future__ import annotations

import pytest

from chalicelib.api import fields, responses
from chalicelib.errors import InvalidFields

PAGE = {
    "items": [
        {
            "id": "k3v7q2mzab",
            "failure": None,
            "settings": {"mode": "learning", "job": {"name": "sot", "arguments": {"--a.b": "1"}}},
            "progress": {
                "done": 1,
                "resources": [{"type": "a", "status": "b"}, {"type": "c", "status": "d"}],
            },
        }
    ],
    "next": "cursor",
}


@pytest.mark.parametrize(
    ("asked", "item"),
    [
        ("id", {"id": "k3v7q2mzab"}),
        ("settings.mode,id", {"id": "k3v7q2mzab", "settings": {"mode": "learning"}}),
        ("settings.job.name", {"settings": {"job": {"name": "sot"}}}),
        ("settings.job.arguments", {"settings": {"job": {"arguments": {"--a.b": "1"}}}}),
        ("progress.resources.status", {"progress": {"resources": [{"status": "b"}, {"status": "d"}]}}),
        ("failure.cause,failure.fix", {"failure": None}),
        ("progress,progress.done", {"progress": PAGE["items"][0]["progress"]}),
        ("progress.done,progress", {"progress": PAGE["items"][0]["progress"]}),
        ("id,id", {"id": "k3v7q2mzab"}),
    ],
)
def test_items_have_the_selected_fields_only(asked: str, item: dict[str, object]) -> None:
    chosen = fields.parse(asked, responses.EnvironmentPage)
    assert fields.selected(PAGE, chosen) == {"items": [item], "next": "cursor"}


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ("owned", "Unknown field: owned. Known fields: id, owner, status,"),
        ("", "Unknown field: an empty name. Known fields: id,"),
        ("id,", "Unknown field: an empty name. Known fields: id,"),
        (" id", "Unknown field:  id. Known fields: id,"),
        ("progress.dne", "Unknown field: dne in progress. Known fields: done, total, resources."),
        ("progress.", "Unknown field: an empty name in progress. Known fields: done,"),
        ("id.x", "id has no fields to select from. Send id."),
        ("settings.job.arguments.--a", "settings.job.arguments has no fields to select from."),
    ],
)
def test_unknown_names_are_rejected_with_the_known_ones(asked: str, detail: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        fields.parse(asked, responses.EnvironmentPage)
    [problem] = caught.value.extra["errors"]
    assert problem["parameter"] == "fields"
    assert problem["detail"].startswith(detail)


def test_all_unknown_names_are_listed() -> None:
    with pytest.raises(InvalidFields) as caught:
        fields.parse("a,id,b", responses.JobRunPage)
    assert [problem["detail"][:16] for problem in caught.value.extra["errors"]] == [
        "Unknown field: a",
        "Unknown field: b",
    ]
