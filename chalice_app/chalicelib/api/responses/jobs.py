"""Jobs in responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_ID,
    EXAMPLE_JOB,
    EnvironmentId,
    JobId,
    Link,
    Page,
    ResponseBody,
    Time,
    Usd,
)
from chalicelib.domain.pricing import WorkerType


class JobLinks(ResponseBody):
    """Links of a job."""

    self: Annotated[Link, Field(description="The job.", examples=[f"/jobs/{EXAMPLE_JOB}"])]
    runs: Annotated[Link, Field(description="Its runs.", examples=[f"/jobs/{EXAMPLE_JOB}/runs"])]
    environment: Annotated[Link, Field(description="Its environment.", examples=[EXAMPLE_ENVIRONMENT])]
    job_files: Annotated[Link, Field(description="Its files.", examples=[f"{EXAMPLE_ENVIRONMENT}/job/files"])]


class Job(ResponseBody):
    """A Glue job of an environment, with the settings that its runs have by default."""

    id: JobId
    environment_id: EnvironmentId
    name: Annotated[str, Field(description="Name in the settings.", examples=["sot-ecommerce-br"])]
    description: Annotated[
        str,
        Field(
            description="Description of the job.",
            examples=["Builds the table tbsot_ecommerce_br, one row per order"],
        ),
    ]
    script: Annotated[str, Field(description="Job file that the job runs.", examples=["sot_ecommerce.py"])]
    extra_files: Annotated[
        list[str], Field(description="Job files that the script can import.", examples=[[]])
    ]
    python_modules: Annotated[
        list[str], Field(description="Python packages that Glue installs for a run.", examples=[[]])
    ]
    arguments: Annotated[dict[str, str], Field(description="Arguments of the script.", examples=[{}])]
    glue_version: Annotated[str, Field(description="Glue version.", examples=["5.1"])]
    worker_type: Annotated[WorkerType, Field(description="Type of the workers.", examples=["G.1X"])]
    number_of_workers: Annotated[int, Field(description="Number of workers of a run.", examples=[5])]
    timeout_minutes: Annotated[int, Field(description="Timeout of a run in minutes.", examples=[15])]
    max_retries: Annotated[int, Field(description="Retries of a run that fails.", examples=[0])]
    max_concurrent_runs: Annotated[
        int, Field(description="Maximum number of runs at the same time.", examples=[1])
    ]
    schedule: Annotated[
        str | None, Field(description="Schedule in UTC, or null if the job has none.", examples=[None])
    ]
    script_uri: Annotated[
        str,
        Field(
            description="Location of the script in S3.",
            examples=[f"s3://terraglue-{EXAMPLE_ID}-glue-assets/jobs/sot_ecommerce.py"],
        ),
    ]
    max_cost_usd: Annotated[Usd, Field(description="Maximum cost of a run.")]
    next_run_at: Annotated[
        Time | None,
        Field(
            description=(
                "When the schedule starts the next run, or null if there is no schedule or the environment "
                "is not READY."
            ),
            examples=[None],
        ),
    ]
    links: Annotated[JobLinks, Field(description="Related resources.")]


class JobPage(Page[Job]):
    """One page of jobs."""
