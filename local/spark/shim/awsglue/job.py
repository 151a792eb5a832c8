"""The job's beginning and end; without bookmarks they mark nothing."""

from typing import Any

from .utils import unsupported


class Job:
    """Glue's `Job`."""

    def __init__(self, glue_context: Any) -> None:
        self._name: str | None = None

    def init(self, job_name: str, args: dict[str, str] | None = None) -> None:
        """Begin; with bookmarks AWS's would find its state here."""
        if (args or {}).get("job_bookmark_option", "job-bookmark-disable") != "job-bookmark-disable":
            unsupported("job bookmarks")
        self._name = job_name

    def isInitialized(self) -> bool:
        """Whether `init` was called."""
        return self._name is not None

    def commit(self) -> None:
        """End."""
