"""`Job`: start and commit of a job, with job bookmarks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ._io import bookmarks


class Job:
    """Glue's `Job`."""

    @classmethod
    def continuation_options(cls) -> list[str]:
        """Return the names of the former bookmark option and its values."""
        names = ("continuation-enabled", "continuation-readonly", "continuation-ignore")
        return ["--continuation-option", *names]

    @classmethod
    def job_bookmark_options(cls) -> list[str]:
        """Return the name of the bookmark option and its values."""
        return ["--job-bookmark-option", *bookmarks.OPTIONS]

    @classmethod
    def job_bookmark_range_options(cls) -> list[str]:
        """Return the names of the options that limit a paused bookmark."""
        return ["--job-bookmark-from", "--job-bookmark-to"]

    @classmethod
    def id_params(cls) -> list[str]:
        """Return the names of the arguments that Glue adds."""
        return ["--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--SECURITY_CONFIGURATION"]

    @classmethod
    def encryption_type_options(cls) -> list[str]:
        """Return the name of the encryption option and its value."""
        return ["--encryption-type", "sse-s3"]

    @classmethod
    def data_lineage_options(cls) -> list[str]:
        """Return the name of the option for data lineage."""
        return ["--enable-data-lineage"]

    def __init__(self, glue_context_or_spark_session: Any) -> None:
        self._name: str | None = None
        self._bookmark: bookmarks.Bookmark | None = None

    def init(self, job_name: str, args: Mapping[str, Any] | None = None) -> None:
        """Start the job and read its bookmark."""
        # Glue's own arguments, which getResolvedOptions returns only if a script names them.
        own = _options(sys.argv, self.job_bookmark_options()[:1])
        given = (args or {}).get("job_bookmark_option")
        self._bookmark = bookmarks.start(own or ({"--job-bookmark-option": given} if given else {}))
        bookmarks.activate(self._bookmark)
        self._name = job_name

    def isInitialized(self) -> bool:
        """Return whether `init` was called."""
        return self._name is not None

    def commit(self) -> None:
        """Save the bookmark."""
        if self._bookmark:
            self._bookmark.commit()


def _options(argv: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    pairs = [*pairwise(argv), *(word.split("=", 1) for word in argv if "=" in word)]
    return {name: value for name, value in pairs if name in names}
