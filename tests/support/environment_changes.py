"""Requests for changes of an environment on the local CloudFormation, and their results."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.requests import EnvironmentChange
from glue_assets.release import Release, publish
from local.setup import roles
from tests.support.releases import built_release
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

ID = "abcdefgh23"


def put(folder: Path, **files: str) -> Path:
    for path, text in files.items():
        file = folder / path.replace("__", "/").replace("_csv", ".csv")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def ask(world: World, environment: Environment, **change: Any) -> tuple[Environment, bool]:
    caller = Caller(environment.owner, is_admin=False)
    wanted = EnvironmentChange.model_validate(change)
    return world.operator.environments.change(caller, environment.id, wanted, "r1")


def finish(world: World, environment: Environment) -> Environment:
    """Let CloudFormation finish and run the schedule until the sandbox has settled."""
    for _ in range(20):
        world.operated.settled(environment, environment.stack_id)
        world.moment += timedelta(seconds=61)
        world.operator.events.tick(seconds=60)
        found = world.look(environment)
        if found.status in (Status.READY, Status.FAILED, Status.DELETED):
            return found
    raise AssertionError(found)


def changed(world: World, environment: Environment, **change: Any) -> Environment:
    begun, accepted = ask(world, environment, **change)
    assert accepted
    assert begun.status in (Status.UPDATING, Status.READY), begun  # it may be done already
    return finish(world, environment)


def actions(world: World, environment: Environment) -> list[str]:
    page = world.store.events(environment.id, limit=100)
    return [event.action for event in reversed(page.items)]


def keys(bucket: str) -> list[str]:
    return [item["Key"] for item in client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def change_sets(world: World, environment: Environment) -> list[Any]:
    found = world.operated.aws("cloudformation").list_change_sets(StackName=environment.name)
    return list(found["Summaries"])


def deny(world: World, *denied: str) -> None:
    statement = {"Effect": "Deny", "Action": list(denied), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam").put_role_policy(RoleName=roles.DEPLOYMENT, PolicyName="less", PolicyDocument=document)


def release_of(world: World, folder: Path, version: str = "2.0.0", *more: tuple[str, str]) -> Release:
    """A newer release with some replaced strings in its template."""
    release = built_release(folder, version)
    for old, new in more:
        assert old in release.template
        release = dataclasses.replace(release, template=release.template.replace(old, new))
    publish(release, client("s3"), "assets")
    world.moment += timedelta(seconds=31)  # the service keeps the pointer for half a minute
    return release
