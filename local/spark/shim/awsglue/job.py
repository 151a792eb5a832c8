"""`Job`: start and commit of a job. Without bookmarks, they have no effect."""

from typing import Any

from .utils import unsupported


class Job:
    """Glue's `Job`."""

    def __init__(self, glue_context: Any) -> None:
        self._name: str | None = None

    def init(self, job_name: str, args: dict[str, str] | None = None) -> None:
        """Start the job. Job bookmarks are not supported."""
        if (args or {}).get("job_bookmark_option", "job-bookmark-disable") != "job-bookmark-disable":
            unsupported("job bookmarks")
        self._name = job_name

    def isInitialized(self) -> bool:
        """Return whether `init` was called."""
        return self._name is not None

    def commit(self) -> None:
        """Commit the job."""
