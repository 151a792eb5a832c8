"""What callers may send: the models that validate requests. Defaults are terraglue's."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from chalicelib.glue import RUN_MARKER
from chalicelib.pricing import DPU_PER_WORKER
from chalicelib.records import Status

_ARGUMENT_NAME = re.compile(r"--[A-Za-z][A-Za-z0-9_-]{0,126}")
# Glue keeps these for itself (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html);
# a script location from a caller would run another script than the release's.
_RESERVED_ARGUMENTS = {"--conf", "--debug", "--mode", "--JOB_NAME", "--scriptLocation", RUN_MARKER}
_MAX_ARGUMENTS = 40


def _arguments(value: dict[str, str]) -> dict[str, str]:
    if len(value) > _MAX_ARGUMENTS:
        raise ValueError(f"at most {_MAX_ARGUMENTS} arguments")
    for name, text in value.items():
        if not _ARGUMENT_NAME.fullmatch(name):
            raise ValueError(f"argument {name[:40]!r} is not of the form --NAME")
        if name in _RESERVED_ARGUMENTS:
            raise ValueError(f"argument {name} is reserved")
        if len(text) > 2048 or not text.isprintable():
            raise ValueError(f"the value of {name} must be printable and at most 2,048 characters")
    return value


def _worker_type(value: str) -> str:
    if value not in DPU_PER_WORKER:
        raise ValueError(f"worker type must be one of {', '.join(DPU_PER_WORKER)}")
    return value


Arguments = Annotated[dict[str, str], AfterValidator(_arguments)]
WorkerType = Annotated[str, Field(max_length=20), AfterValidator(_worker_type)]
NumberOfWorkers = Annotated[int, Field(ge=2, le=10)]
TimeoutMinutes = Annotated[int, Field(ge=1, le=60)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JobSettings(_Strict):
    """How the sandbox's Glue job is set up."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")] = "sot-ecommerce-br"
    glue_version: Literal["4.0", "5.0", "5.1"] = "5.1"
    worker_type: WorkerType = "G.1X"
    number_of_workers: NumberOfWorkers = 5
    timeout_minutes: TimeoutMinutes = 15
    max_concurrent_runs: Annotated[int, Field(ge=1, le=5)] = 1
    arguments: Arguments = {}


class Settings(_Strict):
    """What a person may choose about their sandbox."""

    mode: Literal["learning"] = "learning"
    expires_in_hours: Annotated[int, Field(ge=1, le=720)] = 72
    upload_data: bool = True
    athena_workgroup: bool = True
    kms_key: bool = True
    block_public_access: bool = True
    job: JobSettings = JobSettings()


class RunRequest(_Strict):
    """What one run of the job does otherwise than the job's settings say."""

    arguments: Arguments = {}
    worker_type: WorkerType | None = None
    number_of_workers: NumberOfWorkers | None = None
    timeout_minutes: TimeoutMinutes | None = None


class PageQuery(_Strict):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=2048)] | None = None


class EnvironmentsQuery(PageQuery):
    """Which environments, and which page of them."""

    status: Status | None = None
    owner: Annotated[str, Field(max_length=128)] | None = None

    @field_validator("status", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if value is not None and value not in list(Status):
            raise ValueError(f"status must be one of {', '.join(Status)}")
        return value


class LogsQuery(_Strict):
    """Which log stream of a run, and from where on."""

    stream: Literal["output", "error"] = "output"
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str, Field(max_length=2048)] | None = None
