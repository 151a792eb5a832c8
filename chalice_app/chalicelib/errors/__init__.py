"""Errors that the service raises on purpose.

    ServiceError                    an RFC 9457 problem
      BadRequest                400
        InvalidJson             400
        BadCursor               400
      Unauthorized              401
      Forbidden                 403 only admins may do this
      NotFound                  404 missing, or another owner's
      MethodNotAllowed          405
      NotAcceptable             406
      Conflict                  409 the state of an environment or run does not allow the request
        EnvironmentExists       409 an owner has one live environment
        EnvironmentNotReady     409
        EnvironmentNotFailed    409
        EnvironmentNotLive      409
        EnvironmentFrozen       409
        CohortBusy              409
        BudgetExceeded          409
        JobFilesMissing         409
        JobFileInUse            409 a job's settings name the file
        LearningMode            409
        TooManyFiles            409
        TableUnreadable         409 a table's files do not match its definition
        TableOutOfReach         409 a table refers to data outside its environment
        WorkgroupUnusable       409
        QueryNotSucceeded       409
      ResultGone                410
      PreconditionFailed        412 not in the state that If-Match requires
      PayloadTooLarge           413
      UnsupportedMediaType      415
      InvalidFields             422 lists every invalid field by JSON pointer
        InvalidCombination      422 the fields are valid alone, but not together
        InvalidFile             422 the content of a job file does not match its name
      IdempotencyKeyReused      422
      TooManyCreations          429
      TooManyQueries            429
      RateLimited               429 the caller made too many calls
      Throttled                 429 AWS throttles this service
      Unavailable               503 a dependency is unavailable
        QueryTooSlow            503
        TableChanging           503
    StaleRecord                     another process changed the record since it was read

`aws/errors.py` has the errors of AWS calls.

`ServiceError` derives from Chalice's `ChaliceUnhandledError`, the one exception that Chalice passes to the
middleware, which turns it into a problem document. So views need no `try`.
"""

from __future__ import annotations

from chalicelib.errors.base import (
    ServiceError,
    StaleRecord,
)
from chalicelib.errors.limits import (
    QueryTooSlow,
    RateLimited,
    TableChanging,
    Throttled,
    TooManyCreations,
    TooManyQueries,
    Unavailable,
)
from chalicelib.errors.requests import (
    BadCursor,
    BadRequest,
    Forbidden,
    IdempotencyKeyReused,
    InvalidCombination,
    InvalidFields,
    InvalidFile,
    InvalidJson,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    ResultGone,
    Unauthorized,
    UnsupportedMediaType,
)
from chalicelib.errors.states import (
    BudgetExceeded,
    CohortBusy,
    Conflict,
    EnvironmentExists,
    EnvironmentFrozen,
    EnvironmentNotFailed,
    EnvironmentNotLive,
    EnvironmentNotReady,
    JobFileInUse,
    JobFilesMissing,
    LearningMode,
    QueryNotSucceeded,
    TableOutOfReach,
    TableUnreadable,
    TooManyFiles,
    WorkgroupUnusable,
)

__all__ = [
    "BadCursor",
    "BadRequest",
    "BudgetExceeded",
    "CohortBusy",
    "Conflict",
    "EnvironmentExists",
    "EnvironmentFrozen",
    "EnvironmentNotFailed",
    "EnvironmentNotLive",
    "EnvironmentNotReady",
    "Forbidden",
    "IdempotencyKeyReused",
    "InvalidCombination",
    "InvalidFields",
    "InvalidFile",
    "InvalidJson",
    "JobFileInUse",
    "JobFilesMissing",
    "LearningMode",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "PayloadTooLarge",
    "PreconditionFailed",
    "QueryNotSucceeded",
    "QueryTooSlow",
    "RateLimited",
    "ResultGone",
    "ServiceError",
    "StaleRecord",
    "TableChanging",
    "TableOutOfReach",
    "TableUnreadable",
    "Throttled",
    "TooManyCreations",
    "TooManyFiles",
    "TooManyQueries",
    "Unauthorized",
    "Unavailable",
    "UnsupportedMediaType",
    "WorkgroupUnusable",
]
