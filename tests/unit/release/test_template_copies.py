"""An environment's own copy of the template: further jobs and the arguments of all jobs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.config import Config
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_parameters import job_parameters
from chalicelib.domain.settings import Settings
from chalicelib.sandbox.template_parameters import template_parameters
from chalicelib.storage.template_copies import further_jobs, template_copy
from glue_assets.release import findings
from glue_assets.template_builder import assemble, parse
from tests.support.paths import ROOT

TEMPLATE = assemble(ROOT / "glue_assets")
CONFIG = Config("t", "b", "https://issuer", "a", "https://issuer/jwks", "key")
TRICKY = 'Ends "well" \\1 !Ref WorkerType ${JobName} \u00e9: #'


def environment(*jobs: dict[str, Any]) -> Environment:
    settings = Settings.model_validate({"mode": "production", "jobs": [*jobs]})
    return Environment(
        id="abcdefgh23",
        owner="ana",
        status=Status.QUEUED,
        release="0.0.1-abcdef012345",
        settings=settings.resolved(),
        created_at="2026-11-23T12:00:00.000Z",
        updated_at="2026-11-23T12:00:00.000Z",
        expires_at="2026-11-26T12:00:00.000Z",
    )


THREE = environment(
    {"name": "load", "script": "load.py", "arguments": {"--A": "1"}},
    {
        "name": "clean-up",
        "script": "src/clean.py",
        "description": TRICKY,
        "extra_files": ["lib.zip", "q.sql"],
        "number_of_workers": 3,
        "timeout_minutes": 7,
        "arguments": {"--DATA_FORMAT": TRICKY},
    },
    {"name": "c", "script": "c.py", "worker_type": "G.2X", "glue_version": "5.0", "python_modules": ["x"]},
)


def test_further_jobs_have_their_own_values_and_the_main_job_its_parameters() -> None:
    resources = parse(template_copy(TEMPLATE, THREE))["Resources"]
    original = parse(TEMPLATE)["Resources"]
    assert resources.keys() - original.keys() == {"GlueJobXcleanXup", "GlueJobXc"}
    main, clean, last = (resources[n]["Properties"] for n in ("GlueJob", "GlueJobXcleanXup", "GlueJobXc"))
    assert main["DefaultArguments"].pop("--A") == "1"
    assert main == original["GlueJob"]["Properties"]
    assert (clean["Description"], clean["NumberOfWorkers"], clean["Timeout"]) == (TRICKY, 3, 7)
    assert clean["Name"] == {"Fn::Sub": "terraglue-${EnvironmentId}-clean-up"}
    location = {"Fn::Sub": "s3://${GlueAssetsBucket}/${JobFilesPrefix}src/clean.py"}
    assert clean["Command"]["ScriptLocation"] == location
    files = "s3://terraglue-abcdefgh23-glue-assets/jobs"
    arguments = clean["DefaultArguments"]
    assert arguments["--extra-py-files"] == f"{files}/lib.zip"
    assert arguments["--extra-files"] == f"{files}/q.sql"
    assert arguments["--DATA_FORMAT"] == TRICKY
    assert "--additional-python-modules" not in arguments and "--A" not in arguments
    assert (last["WorkerType"], last["GlueVersion"]) == ("G.2X", "5.0")
    assert last["DefaultArguments"]["--additional-python-modules"] == "x"
    assert not last["DefaultArguments"].keys() & {"--extra-py-files", "--extra-files", "--A"}


def test_the_copy_passes_the_linter() -> None:
    jobs = [{"name": job.name, "script": job.script, "extra_files": ["a.sql"]} for job in THREE.settings.jobs]
    made = environment(*({**job, "arguments": {"--A": "1"}, "python_modules": ["x"]} for job in jobs))
    assert findings(template_copy(TEMPLATE, made)) == []


def test_a_further_job_refers_to_no_parameter_of_the_main_job() -> None:
    """A parameter that becomes part of the job's resource must be in `job_parameters`, or be shared."""
    main, further = (
        THREE.settings.all_jobs[0],
        parse(template_copy(TEMPLATE, THREE))["Resources"]["GlueJobXc"],
    )
    shared = {"EnvironmentId", "JobFilesPrefix", "RoleArn"}
    declared = parse(TEMPLATE)["Parameters"].keys()
    named = set(re.findall(r"(?:'Ref': '|\$\{)(\w+)", str(further))) & declared
    assert named == shared
    assert job_parameters(THREE, main).keys() <= declared
    one, other = (template_parameters(environment(job), CONFIG) for job in ({"name": "a"}, {"name": "b"}))
    assert {name for name in one if one[name] != other[name]} == {"JobName"}


def test_the_logical_id_of_a_job_follows_from_its_name() -> None:
    names = ["a", "a-b", "ab", "a--b", "axb"]
    made = environment({"name": "main"}, *({"name": name} for name in names[:4]))
    ids = [logical_id for logical_id, _ in further_jobs(made.settings)]
    assert ids == ["GlueJobXa", "GlueJobXaXb", "GlueJobXab", "GlueJobXaXXb"]


@pytest.mark.parametrize("broken", [("  GlueJob:", "  OtherJob:"), ("# releases.py", "# other.py")])
def test_a_template_without_the_known_job_is_refused(broken: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="the template must have"):
        template_copy(TEMPLATE.replace(*broken), THREE)
