"""Fixtures for job runs."""

from __future__ import annotations

import pytest

from tests.support.api import Api
from tests.support.moto_runs import Stopper


@pytest.fixture(autouse=True)
def manual_runs(runs_end_when_told: None) -> None:
    """Let every run in this folder last until its test ends it."""


@pytest.fixture
def stopper(api: Api) -> Stopper:
    """Add BatchStopJobRun, which moto lacks, to the service's Glue client."""
    glue = api.app.service().jobs._runs._glue
    glue._client = Stopper(glue._client)
    return glue._client
