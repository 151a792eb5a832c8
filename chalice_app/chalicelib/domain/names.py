"""IDs and names: of environments, jobs, runs, stacks and buckets."""

from __future__ import annotations

import re

ENVIRONMENT_ID = re.compile(r"[a-z2-7]{10}")
JOB_ID = re.compile(r"terraglue-([a-z2-7]{10})-([a-z0-9][a-z0-9-]{0,63})")
RUN_ID = re.compile(r"[a-z2-7]{16}")
RUN_MARKER = "--terraglue-run-id"
"""The job argument that identifies a run: StartJobRun has no request token."""
DATA_SET = re.compile(r"[a-z][a-z0-9-]{0,39}")
"""Name of a data set that the operator published (glue_assets/published.py)."""
BUCKET_KEYS = ("sor", "sot", "spec", "glue_assets", "athena_results")
"""The keys of `outputs.buckets`."""


def environment_of_job(job_id: str) -> str | None:
    """Return the environment ID in a job ID, or None if it is not a job of this service."""
    match = JOB_ID.fullmatch(job_id)
    return match[1] if match else None


def environment_of_stack(stack: str) -> str | None:
    """Return the environment ID in a stack's name or ARN, or None if it is not a stack of this service."""
    name = stack.split("/")[1] if stack.startswith("arn:") and stack.count("/") >= 2 else stack
    prefix, _, environment_id = name.partition("-")
    return (
        environment_id if prefix == "terraglue" and ENVIRONMENT_ID.fullmatch(environment_id or "") else None
    )
