"""The data sets and releases that requests name."""

from __future__ import annotations

from chalicelib.domain.environment import Environment
from chalicelib.domain.requests import EnvironmentChange
from chalicelib.storage.releases import Release, Releases

_NAMED_DATA_SETS = 20
"""Number of data sets that an error names."""


class DataSets:
    """Finds what requests name among the published releases."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases

    def requested(
        self, environment: Environment, change: EnvironmentChange
    ) -> tuple[str | None, str, list[dict[str, str]]]:
        """Return the data set and the release's ID that a change requests, and what is wrong with them.

        Another data set without a release means its newest release.
        """
        given = change.model_fields_set
        data = change.data if "data" in given else environment.data
        if data == environment.data and "release" not in given:
            return data, environment.release, []
        newest = self.newest(data, afresh=True)
        if newest is None and data != environment.data:
            return data, environment.release, [self.unknown()]
        is_pinned = "release" in given and change.release != "latest"
        found = self._releases.find(change.release) if is_pinned else newest
        if found is None:
            detail = "Unknown release. GET /releases lists the published ones."
            if not is_pinned:
                detail = f"The data set {data} is not published any more. GET /data-sets lists the others."
            return data, environment.release, [{"pointer": "/release", "detail": detail}]
        return data, found.id, []

    def newest(self, data: str | None, *, afresh: bool = False) -> Release | None:
        """Return the newest release of a data set, or None if the data set is unknown."""
        if data is None:
            return self._releases.latest(afresh=afresh)
        return self._releases.of_data_set(data, afresh=afresh)

    def unknown(self) -> dict[str, str]:
        """Return the error of an unknown data set."""
        names = self._releases.data_set_names()
        listed = ", ".join(names[:_NAMED_DATA_SETS])
        more = ". GET /data-sets lists all" if len(names) > _NAMED_DATA_SETS else ""
        known = f"The published ones are {listed}{more}." if names else "None has been published."
        return {"pointer": "/data", "detail": f"Unknown data set. {known}"}
