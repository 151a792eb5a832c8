"""Descriptions and examples of errors in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from chalicelib import errors
from chalicelib.errors import ServiceError


class Documentation(NamedTuple):
    """Description of an error for callers, and an example of its detail."""

    description: str
    example: str


ERRORS: Mapping[type[ServiceError], Documentation] = {
    errors.ServiceError: Documentation(
        "Internal error. Retry; if it persists, report `instance`.",
        "Internal error. Retry; if it persists, report `instance`.",
    ),
    errors.InvalidJson: Documentation(
        "The body is not valid JSON. `line` and `column` have the position, if it is known.",
        "The body is not valid JSON. NaN, Infinity and very long integers are not allowed.",
    ),
    errors.BadCursor: Documentation(
        "The cursor is not valid for this list and caller, or has expired. Start again without it.",
        "The cursor is not valid for this list. Start again without it.",
    ),
    errors.Unauthorized: Documentation(
        "The bearer token is missing, expired or invalid.",
        "The bearer token has expired. Sign in again.",
    ),
    errors.Forbidden: Documentation(
        "Only admins can use this operation.",
        "Only admins can freeze and thaw environments.",
    ),
    errors.NotFound: Documentation(
        "The resource does not exist or belongs to another owner.",
        "The environment does not exist or belongs to another owner.",
    ),
    errors.NotAcceptable: Documentation(
        "The request does not accept the file's media type.",
        "Request this file with Accept: application/zip.",
    ),
    errors.Conflict: Documentation(
        "The resource's state does not allow the request, or another request changed it first. Retry.",
        "Other requests changed the environment at the same time. Retry.",
    ),
    errors.EnvironmentExists: Documentation(
        "The caller already has an environment, linked in `environment`. Delete it first.",
        "You already have an environment. Delete it and wait until it is DELETED before you create another.",
    ),
    errors.EnvironmentNotReady: Documentation(
        "The environment is not READY. Wait for its current operation, or retry it if it is FAILED.",
        "The environment is CREATING. It must be READY to run the job.",
    ),
    errors.EnvironmentNotFailed: Documentation(
        "The environment is not FAILED, so there is nothing to retry.",
        "The environment is READY. It must be FAILED to be retried.",
    ),
    errors.EnvironmentNotLive: Documentation(
        "The environment is being deleted or is DELETED.",
        "The environment is DELETED. Its expiration cannot be changed.",
    ),
    errors.EnvironmentFrozen: Documentation(
        "The environment is frozen: an admin or the budget stopped it. It can be read and deleted.",
        "The environment is frozen: The owner's budget is used up.",
    ),
    errors.CohortBusy: Documentation(
        "The cohort carries out another action for its members. Wait until its status is not WORKING.",
        "The cohort carries out create for its members. Wait for it.",
    ),
    errors.BudgetExceeded: Documentation(
        "The remaining budget does not cover the run's maximum cost. Use fewer workers or a "
        "shorter timeout, or wait for the next period.",
        "The run could cost up to 0.55 USD, but 0.12 USD of the owner's budget of 5.00 USD is "
        "left. The period ends at 2026-12-24T09:30:00.000Z. Use fewer workers or a shorter "
        "timeout, or wait.",
    ),
    errors.JobFilesMissing: Documentation(
        "Job files that the job's settings name do not exist. Upload them first.",
        "These job files do not exist: main.py. Upload them first.",
    ),
    errors.JobFileInUse: Documentation(
        "The settings of a job name the file. Change its `script` or `extra_files` first.",
        "main.py is the script of the job etl. Change it with PATCH /environments/{id} first.",
    ),
    errors.LearningMode: Documentation(
        "The environment is in learning mode, where job files are read-only. Use production mode.",
        "Job files are read-only in learning mode. Use production mode to upload your own.",
    ),
    errors.TooManyFiles: Documentation(
        "The environment would have too many job files, or their paths are too long together.",
        "The environment would have 201 job files; the maximum is 200. Put modules into a .zip.",
    ),
    errors.TableUnreadable: Documentation(
        "Athena cannot read the table, because its files do not match its definition.",
        "Athena cannot read the table: its files do not match the table's definition in the Data Catalog.",
    ),
    errors.TableOutOfReach: Documentation(
        "The table refers to data outside the environment.",
        "The table refers to data outside this environment, in a location, partition, view or "
        "property. Queries can read data of this environment only.",
    ),
    errors.WorkgroupUnusable: Documentation(
        "The environment's Athena workgroup is deleted, disabled or has no output location.",
        "The environment's Athena workgroup is deleted, disabled or has no output location.",
    ),
    errors.PreconditionFailed: Documentation(
        "The file is not the one that `If-Match` names, or exists despite `If-None-Match: *`.",
        "main.py was changed by bob at 2026-11-24T09:30:00.000Z. Read it again, then repeat the change.",
    ),
    errors.PayloadTooLarge: Documentation(
        "The body is larger than the limit.",
        "The body must be at most 65536 bytes.",
    ),
    errors.UnsupportedMediaType: Documentation(
        "The `Content-Type` of the body is not supported.",
        "Send the body as Content-Type: application/json.",
    ),
    errors.InvalidFields: Documentation(
        "Fields of the body or parameters are invalid. `errors` lists them all, up to 100.",
        "One field is invalid.",
    ),
    errors.InvalidCombination: Documentation(
        "The fields are valid alone, but not together or under the operator's limits.",
        "One field is invalid.",
    ),
    errors.InvalidFile: Documentation(
        "The content of the job file is not valid for the ending of its name.",
        "main.py: Not UTF-8: byte 3 is invalid.",
    ),
    errors.IdempotencyKeyReused: Documentation(
        "The `Idempotency-Key` was used with another path or body in the last 24 hours.",
        "This Idempotency-Key was used with another request. Send a new key.",
    ),
    errors.Throttled: Documentation(
        "AWS is throttling requests. Retry after `Retry-After`.",
        "AWS is throttling requests. Retry after the seconds in Retry-After.",
    ),
    errors.TooManyQueries: Documentation(
        "The environment has the maximum number of active queries. Retry after `Retry-After`.",
        "20 queries of the environment are active. Wait until one ends, or stop one.",
    ),
    errors.QueryNotSucceeded: Documentation(
        "The query has not succeeded, so it has no rows and no result.",
        "The query is RUNNING, so it has no rows.",
    ),
    errors.ResultGone: Documentation(
        "The result was deleted: by a user, a reset, or with the environment. Run the query again.",
        "The result no longer exists: the environment is DELETED.",
    ),
    errors.RateLimited: Documentation(
        "The caller has used up the limit of calls that change or compute something. Retry after "
        "`Retry-After`.",
        "You may make 600 calls that change or compute something per minute, and 300 at once. Retry after "
        "the seconds in Retry-After.",
    ),
    errors.TooManyCreations: Documentation(
        "The owner has reached the limit of creations in 24 hours. Retry after `Retry-After`.",
        "An owner can create 10 environments in 24 hours, including retries. Create the next one "
        "after 2026-11-25T09:30:00.000Z.",
    ),
    errors.Unavailable: Documentation(
        "A dependency is unavailable. Accepted work continues; retry after `Retry-After`.",
        "An AWS service is unavailable. Retry after the seconds in Retry-After.",
    ),
    errors.QueryTooSlow: Documentation(
        "The query took longer than 18 seconds and was stopped. Retry after `Retry-After`.",
        "The query took too long and was stopped. Retry.",
    ),
    errors.TableChanging: Documentation(
        "The table's files changed during the query. Retry after `Retry-After`.",
        "The table's files changed during the query. Retry.",
    ),
}
