"""Sandboxes with generated settings: created, changed and deleted on the local CloudFormation."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib.clock import environment_id
from chalicelib.domain.environment import Environment
from chalicelib.domain.settings import Limits, Settings
from chalicelib.domain.settings_changes import SettingsChange, changed
from tests.support.sandbox_stacks import Account
from tests.support.settings_strategies import accepted, without
from tests.support.size import sized

STAYS = ("expires_in_hours", "buckets")


def change_of(stored: Settings, wanted: dict[str, Any], limits: Limits) -> Settings:
    """Stored settings after a PATCH, without the rejected ones."""
    main, *more = [{n: v for n, v in job.items() if n != "files_prefix"} for job in wanted["jobs"]]
    del main["name"]
    jobs: dict[str, Any] = {"jobs": [main, *more]} if more else {"job": main}
    change = {n: v for n, v in wanted.items() if n not in (*STAYS, "job", "jobs")} | jobs
    for _ in range(60):
        after, wrong = changed(stored, SettingsChange.model_validate(change), limits)
        if not wrong:
            return after
        for one in wrong:
            fewer = without(change, one["pointer"].split("/")[2:])
            # The stored value is the wrong one, so another part of the change is at odds with it.
            change = fewer if fewer != change else dict(list(change.items())[1:])
    raise AssertionError(wrong)


def test_valid_settings_are_created_updated_and_deleted(operated: Account) -> None:
    limits = operated.config.limits
    count = itertools.count(1)

    @settings(
        max_examples=sized(4, 8),
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
        phases=[Phase.generate],
    )
    @given(accepted(limits), accepted(limits), st.text(min_size=1, max_size=128).filter(str.isprintable))
    def build(first: Any, second: Any, owner: str) -> None:
        made: Environment = dataclasses.replace(
            operated.environment(environment_id(), {}), owner=owner, settings=first
        )
        assert operated.deploy(made)["StackStatus"] == "CREATE_COMPLETE", operated.failures(made)
        after = change_of(made.settings, second.model_dump(), limits)
        made = dataclasses.replace(made, settings=after)
        assert operated.update(made)["StackStatus"] in ("UPDATE_COMPLETE", "CREATE_COMPLETE"), (
            operated.failures(made)
        )
        assert operated.delete(made)["StackStatus"] == "DELETE_COMPLETE", operated.failures(made)
        next(count)

    build()
    assert next(count) > sized(1, 3)
