"""Template parameters of a job (glue_assets/modules/glue.yaml)."""

from __future__ import annotations

from chalicelib.domain.environment import Environment
from chalicelib.domain.settings import JobSettings


def job_parameters(environment: Environment, job: JobSettings) -> dict[str, str | int]:
    """Return the values of the template parameters that differ between the jobs of an environment.

    `JobFilesPrefix` is not among them: all jobs share the job files.
    """
    return {
        "JobName": job.name,
        "JobDescription": job.description,
        "JobScript": environment.script(job),
        "ExtraPyFiles": environment.python_files(job),
        "ExtraFiles": environment.other_files(job),
        "PythonModules": ",".join(job.python_modules),
        "GlueVersion": job.glue_version,
        "WorkerType": job.worker_type,
        "NumberOfWorkers": job.number_of_workers,
        "TimeoutMinutes": job.timeout_minutes,
        "MaxRetries": job.max_retries,
        "MaxConcurrentRuns": environment.max_concurrent_runs(job),
    }
