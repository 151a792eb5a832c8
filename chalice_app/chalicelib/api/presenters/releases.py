"""Presenter of releases."""

from __future__ import annotations

from chalicelib.api import responses
from chalicelib.storage.releases import Release


def release_body(release: Release, *, is_latest: bool) -> responses.Release:
    """Return the body of a published release."""
    return responses.Release(
        id=release.id,
        version=release.version,
        latest=is_latest,
        published_at=release.published_at,
        notes=release.notes,
    )
