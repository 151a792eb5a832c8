"""Presenter of releases and data sets."""

from __future__ import annotations

from chalicelib.api import responses
from chalicelib.storage.releases import Release


def data_set_body(name: str | None, release: Release) -> responses.DataSet:
    """Return the body of a data set with its newest release. The default has no name."""
    return responses.DataSet(
        name=name,
        release=release.id,
        published_at=release.published_at,
        databases=list(release.databases),
        table_count=len(release.tables),
        row_count=release.rows,
        size_bytes=release.data_bytes,
        notes=release.notes,
    )


def release_body(release: Release, *, is_latest: bool) -> responses.Release:
    """Return the body of a published release."""
    return responses.Release(
        id=release.id,
        version=release.version,
        latest=is_latest,
        published_at=release.published_at,
        notes=release.notes,
    )
