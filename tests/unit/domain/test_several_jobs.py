"""Several jobs in the settings of one environment."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import OWN_JOB, Limits, Settings
from chalicelib.domain.settings_changes import SettingsChange, changed
from chalicelib.storage.codec import stored

TWO: list[dict[str, Any]] = [
    {"name": "load", "script": "load.py", "files_prefix": "mine/", "schedule": "rate(1 hour)"},
    {"name": "clean", "script": "clean.py", "arguments": {"--A": "b"}},
]


def settings(*jobs: dict[str, Any], **more: Any) -> Settings:
    return Settings.model_validate({"mode": "production", "jobs": [*jobs], **more})


def accepted(*jobs: dict[str, Any], **more: Any) -> Settings:
    made = settings(*jobs, **more)
    assert invalid_combinations(made, Limits()) == []
    return made.within(Limits()).resolved()


def pointers(made: Settings, limits: Limits | None = None) -> list[str]:
    return [wrong["pointer"] for wrong in invalid_combinations(made, limits or Limits())]


def names(made: Settings) -> list[str]:
    return [job.name for job in made.jobs]


def patched(current: Settings, **change: Any) -> tuple[Settings, list[str]]:
    after, wrong = changed(current, SettingsChange.model_validate(change), Limits())
    return after, [each["pointer"] for each in wrong]


def test_job_is_the_first_of_jobs_and_further_jobs_have_its_folder() -> None:
    made = accepted(*TWO)
    assert made.job == made.jobs[0]
    assert names(made) == ["load", "clean"]
    assert [job.files_prefix for job in made.jobs] == ["mine/", "mine/"]
    assert [job.description for job in made.jobs] == [OWN_JOB, OWN_JOB]


def test_a_single_job_is_the_list_of_jobs() -> None:
    made = Settings().resolved()
    assert made.jobs == [made.job]


def test_settings_of_a_response_are_a_valid_request() -> None:
    made = accepted(*TWO)
    again = Settings.model_validate(made.model_dump(mode="json"))
    assert invalid_combinations(again, Limits()) == []
    assert again.within(Limits()).resolved() == made


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"job": {"name": "load", "script": "other.py"}}, "/jobs"),
        ({"mode": "learning"}, "/jobs"),
    ],
)
def test_contradictory_jobs_are_rejected(change: dict[str, Any], pointer: str) -> None:
    assert pointer in pointers(settings(*TWO, **change))


@pytest.mark.parametrize(
    ("second", "pointer"),
    [
        ({"name": "load"}, "/jobs/1/name"),
        ({"script": None}, "/jobs/1/script"),
        ({"files_prefix": "other/"}, "/jobs/1/files_prefix"),
        ({"extra_files": ["clean.py"]}, "/jobs/1/extra_files"),
        ({"schedule": "cron(0 0 1 1 ? 1999)"}, "/jobs/1/schedule"),
        ({"description": "\u4e2d" * 1000}, "/jobs/1/description"),
        ({"number_of_workers": 9}, "/jobs/1/number_of_workers"),
        ({"timeout_minutes": 50}, "/jobs/1/timeout_minutes"),
    ],
)
def test_the_rules_apply_to_each_job(second: dict[str, Any], pointer: str) -> None:
    limits = Limits(number_of_workers=8, timeout_minutes=40)
    assert pointers(settings(TWO[0], {**TWO[1], **second}), limits) == [pointer]


def test_the_main_jobs_pointer_is_the_one_of_the_request() -> None:
    assert pointers(settings({"name": "load"})) == ["/jobs/0/script"]
    assert pointers(Settings.model_validate({"mode": "production"})) == ["/job/script"]


def test_jobs_that_do_not_fit_into_a_record_are_rejected() -> None:
    dear = {f"--A{n}": "x" * 2048 for n in range(20)}
    assert pointers(settings({**TWO[0], "arguments": dear}, {**TWO[1], "arguments": dear})) == ["/jobs"]


def test_a_record_from_before_there_were_several_jobs_has_one() -> None:
    made = Settings().resolved()
    old = {name: value for name, value in stored(made).items() if name != "jobs"}
    assert Settings.from_stored(old) == made


def test_a_record_holds_the_main_job_once() -> None:
    made = accepted(*TWO)
    record = stored(made)
    assert (record["job"]["name"], [job.get("name") for job in record["jobs"]]) == ("load", [None, "clean"])
    assert Settings.from_stored(record) == made


def test_a_change_of_job_changes_the_main_job_only() -> None:
    current = accepted(*TWO)
    after, wrong = patched(current, job={"number_of_workers": 3})
    assert wrong == []
    assert [job.number_of_workers for job in after.jobs] == [3, 5]
    assert after.job == after.jobs[0] and after.jobs[1] == current.jobs[1]


def test_a_change_of_jobs_replaces_them() -> None:
    current = accepted(*TWO)
    main = {name: value for name, value in TWO[0].items() if name not in ("name", "files_prefix")}
    after, wrong = patched(current, jobs=[main, {"name": "new", "script": "new.py"}])
    assert (wrong, names(after), after.jobs[0]) == ([], ["load", "new"], current.jobs[0])
    assert after.jobs[1].files_prefix == "mine/"
    for nothing in (None, []):
        after, wrong = patched(current, jobs=nothing)
        assert (wrong, names(after)) == ([], ["load"])


def test_a_change_of_jobs_can_send_back_the_settings() -> None:
    current = accepted(*TWO)
    shown = current.model_dump(mode="json")
    assert patched(current, **shown) == (current, [])
    shown["job"]["number_of_workers"] = 3
    after, wrong = patched(current, **shown)
    assert (wrong, after.jobs[0].number_of_workers) == ([], 3)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"job": {"number_of_workers": 2}, "jobs": [TWO[0]]}, "/settings/jobs"),
        ({"jobs": [{**TWO[0], "name": "else"}]}, "/settings/jobs/0/name"),
        ({"jobs": [{**TWO[0], "files_prefix": "else/"}]}, "/settings/jobs/0/files_prefix"),
        ({"jobs": [{"number_of_workers": 2}]}, "/settings/jobs/0/script"),
        ({"jobs": [TWO[0], {"name": "x"}]}, "/settings/jobs/1/script"),
        ({"job": {"name": "else"}}, "/settings/job/name"),
        ({"job": {"script": None}}, "/settings/job/script"),
    ],
)
def test_invalid_changes_are_rejected(change: dict[str, Any], pointer: str) -> None:
    assert patched(accepted(*TWO), **change)[1] == [pointer]


def test_an_unchanged_schedule_of_each_job_may_be_over() -> None:
    over = {"schedule": "cron(0 0 1 1 ? 1999)"}
    main, second = accepted(*TWO).jobs
    current = accepted(*TWO).with_jobs([main, second.model_copy(update=over)])
    assert patched(current, job={"number_of_workers": 2})[1] == []
    wrong = patched(current, jobs=[TWO[0], {**TWO[1], **over}, {"name": "x", "script": "x.py", **over}])[1]
    assert wrong == ["/settings/jobs/2/schedule"]
