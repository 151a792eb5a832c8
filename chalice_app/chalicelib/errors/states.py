"""Errors with status 409: the state of a resource does not allow the request."""

from __future__ import annotations

from chalicelib.errors.base import ServiceError


class Conflict(ServiceError):
    """The state of the environment or run does not allow the request."""

    status, code, title = 409, "conflict", "Conflict"


class EnvironmentExists(Conflict):
    """The caller already has a live environment."""

    code = "environment_exists"


class EnvironmentNotReady(Conflict):
    """The environment is not READY."""

    code = "environment_not_ready"


class EnvironmentNotFailed(Conflict):
    """The environment is not FAILED."""

    code = "environment_not_failed"


class EnvironmentNotLive(Conflict):
    """The environment is being deleted or is DELETED."""

    code = "environment_not_live"


class EnvironmentFrozen(Conflict):
    """The environment is frozen: it runs nothing and accepts no changes."""

    code = "environment_frozen"


class CohortBusy(Conflict):
    """The cohort carries out another action for its members."""

    code = "cohort_busy"


class BudgetExceeded(Conflict):
    """The owner's remaining budget does not cover the run's maximum cost."""

    code = "budget_exceeded"


class QueryNotSucceeded(Conflict):
    """The query has not succeeded, so it has no rows."""

    code = "query_not_succeeded"


class JobFilesMissing(Conflict):
    """Job files that the job's settings name do not exist."""

    code = "job_files_missing"


class JobFileInUse(Conflict):
    """The settings of a job name the file."""

    code = "job_file_in_use"


class LearningMode(Conflict):
    """A learning environment runs the release's job and accepts no files."""

    code = "learning_mode"


class TooManyFiles(Conflict):
    """The environment would have too many job files."""

    code = "too_many_files"


class TableUnreadable(Conflict):
    """Athena cannot read the table: its files do not match its definition."""

    code = "table_unreadable"


class TableOutOfReach(Conflict):
    """The table refers to data that the environment's credentials may not read."""

    code = "table_out_of_reach"


class WorkgroupUnusable(Conflict):
    """The environment's Athena workgroup accepts no queries."""

    code = "workgroup_unusable"
