"""Response bodies: the models behind every JSON response and its schema in `/openapi.json`.

A response always has all fields, and a value that is not known (yet) is null. Times are RFC 3339 in UTC,
amounts of money are US dollars, and links are relative to the host. `presenters` builds these models.
"""

from chalicelib.api.responses.account import Creations, Limits, Me, OwnerBudget
from chalicelib.api.responses.base import EXAMPLE_ENVIRONMENT, JobWarning, ResponseBody
from chalicelib.api.responses.environments import (
    Budget,
    Environment,
    EnvironmentLinks,
    EnvironmentPage,
    Failure,
    Progress,
    Queue,
    Resource,
)
from chalicelib.api.responses.events import Change, Event, EventPage
from chalicelib.api.responses.job_files import (
    FolderUpload,
    JobFile,
    JobFileLinks,
    JobFiles,
    UploadedJobFile,
)
from chalicelib.api.responses.jobs import Job, JobLinks, JobPage
from chalicelib.api.responses.outputs import Buckets, LogGroups, Outputs
from chalicelib.api.responses.problems import FieldProblem, Problem
from chalicelib.api.responses.receipts import Receipt, Remaining, Removed
from chalicelib.api.responses.releases import Health, Release, Releases
from chalicelib.api.responses.runs import JobRun, JobRunPage, LogLine, LogPage, RunError, RunLinks, RunOutput
from chalicelib.api.responses.tables import (
    Column,
    Database,
    Partition,
    Partitions,
    Rows,
    RowsLinks,
    Table,
    TableLinks,
    Tables,
    TablesLinks,
)

__all__ = [
    "EXAMPLE_ENVIRONMENT",
    "Buckets",
    "Budget",
    "Change",
    "Column",
    "Creations",
    "Database",
    "Environment",
    "EnvironmentLinks",
    "EnvironmentPage",
    "Event",
    "EventPage",
    "Failure",
    "FieldProblem",
    "FolderUpload",
    "Health",
    "Job",
    "JobFile",
    "JobFileLinks",
    "JobFiles",
    "JobLinks",
    "JobPage",
    "JobRun",
    "JobRunPage",
    "JobWarning",
    "Limits",
    "LogGroups",
    "LogLine",
    "LogPage",
    "Me",
    "Outputs",
    "OwnerBudget",
    "Partition",
    "Partitions",
    "Problem",
    "Progress",
    "Queue",
    "Receipt",
    "Release",
    "Releases",
    "Remaining",
    "Removed",
    "Resource",
    "ResponseBody",
    "Rows",
    "RowsLinks",
    "RunError",
    "RunLinks",
    "RunOutput",
    "Table",
    "TableLinks",
    "Tables",
    "TablesLinks",
    "UploadedJobFile",
]
