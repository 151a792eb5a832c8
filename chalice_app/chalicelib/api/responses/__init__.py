"""Response bodies: the models behind every JSON response and its schema in `/openapi.json`.

A response always has all fields, and a value that is not known (yet) is null. Times are RFC 3339 in UTC,
amounts of money are US dollars, and links are relative to the host. `presenters` builds these models.

A module of this folder is imported when one of its models is first used (docs/decisions/0035).
"""

# ruff: noqa: F403 - the names are below; type checkers need no list

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.api.responses.account import *
    from chalicelib.api.responses.base import *
    from chalicelib.api.responses.cohorts import *
    from chalicelib.api.responses.credentials import *
    from chalicelib.api.responses.drift import *
    from chalicelib.api.responses.environments import *
    from chalicelib.api.responses.events import *
    from chalicelib.api.responses.job_files import *
    from chalicelib.api.responses.jobs import *
    from chalicelib.api.responses.notifications import *
    from chalicelib.api.responses.outputs import *
    from chalicelib.api.responses.portal import *
    from chalicelib.api.responses.problems import *
    from chalicelib.api.responses.queries import *
    from chalicelib.api.responses.receipts import *
    from chalicelib.api.responses.releases import *
    from chalicelib.api.responses.run_metrics import *
    from chalicelib.api.responses.runs import *
    from chalicelib.api.responses.tables import *
    from chalicelib.api.responses.usage import *

_MODELS = {
    "account": "Creations Limits Me OwnerBudget WorkerPrice",
    "base": "EXAMPLE_ENVIRONMENT JobWarning ResponseBody",
    "cohorts": (
        "Cohort CohortFailure CohortLinks CohortMember CohortMemberPage CohortPage CohortPlan "
        "CohortTask MemberLinks PlannedMember PlannedQueue"
    ),
    "credentials": "Credentials CredentialsLinks",
    "drift": "Drift DriftLinks DriftedResource PropertyDifference",
    "environments": (
        "Budget Environment EnvironmentLinks EnvironmentPage Failure Forecast Freeze Progress Queue Resource"
    ),
    "events": "Change Event EventPage",
    "job_files": "FolderUpload JobFile JobFileLinks JobFiles UploadedJobFile",
    "jobs": "Job JobLinks JobPage",
    "notifications": "Notifications Webhook WebhookDelivery",
    "outputs": "Buckets LogGroups Outputs",
    "portal": "PortalConfig PortalSignIn",
    "problems": "FieldProblem Problem",
    "queries": "Query QueryColumn QueryError QueryLinks QueryPage QueryWithRows",
    "receipts": "Receipt Remaining Removed",
    "releases": "DataSet DataSets Health Release Releases",
    "run_metrics": "Amounts Dataset RunMetrics RunMetricsLinks StageMetrics",
    "runs": "JobRun JobRunPage LogLine LogPage RunError RunLinks RunOutput RunOutputLinks",
    "tables": "Column Database Partition Partitions Rows RowsLinks Table TableLinks Tables TablesLinks",
    "usage": "Usage UsageAmounts UsageItem UsageRule",
}
"""The models of each module."""
_MODULES = {model: module for module, models in _MODELS.items() for model in models.split()}


def __getattr__(name: str) -> Any:
    """Import a model. Python calls this for names that the package does not have yet (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
