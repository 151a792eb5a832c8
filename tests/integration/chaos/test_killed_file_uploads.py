"""Killed uploads of job files: the record, S3 and a run agree afterwards."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import boto3
import pytest

from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.domain.requests import RunRequest
from chalicelib.domain.settings import JobSettings, Settings
from chalicelib.errors import NotFound
from chalicelib.services.idempotency import IdempotentRequest
from local.chaos.owners import ADMIN
from local.chaos.world import World
from local.faults.rules import parse_all
from tests.support.job_files import zipped
from tests.support.kills import deaths, undisturbed

PATH = "main.py"
A_TICK_AFTER_SETTLING = 240


def live(environment: Environment) -> bytes:
    place = {"Bucket": environment.bucket("glue_assets"), "Key": environment.job_file_key(PATH)}
    return bytes(boto3.client("s3").get_object(**place)["Body"].read())


OWNER = "ana"


def ready(world: World) -> Environment:
    undisturbed(world)
    settings = Settings(
        mode="production",
        kms_key=False,
        athena_workgroup=False,
        job=JobSettings(script=PATH, timeout_minutes=1),
    )
    asked = IdempotentRequest(Caller(OWNER, is_admin=False), "request", "key", "fingerprint")
    world.invoke("request", OWNER, lambda: done(world.service.environments.create(asked, settings)))
    world.simulation.run(120)
    return look(world)


def done(_: object) -> None:
    pass


def look(world: World) -> Environment:
    found: list[Environment | None] = []
    caller = Caller(OWNER, is_admin=False)
    world.invoke("request", OWNER, lambda: found.append(world.service.environments.live(caller)))
    world.simulation.run(1)
    assert found[0] is not None
    return found[0]


def put(world: World, environment: Environment, body: bytes) -> None:
    world.invoke(
        "request", OWNER, lambda: done(world.service.job_files.write(ADMIN, environment.id, PATH, body, "r"))
    )
    world.simulation.run(5)


def put_and_die(world: World, environment: Environment, body: bytes, fault: str, call: int) -> bool:
    """Upload a file and kill the process at a call. Return False if no call was left."""
    world.faults.replace(parse_all(f"*:* {fault} after {call} times 1; events:* lost"), 0)
    put(world, environment, body)
    died = bool(world.faults.show()[0]["acted"])
    undisturbed(world)
    return died


def check(world: World, environment: Environment, bodies: tuple[bytes, ...], where: str) -> None:
    now = look(world)
    body = live(environment)
    assert body in bodies, where
    assert hashlib.sha256(body).hexdigest() == now.job_files[PATH].sha256, where
    read: list[bytes] = []
    caller = Caller(OWNER, is_admin=False)
    world.invoke(
        "request", OWNER, lambda: read.append(world.service.job_files.read(caller, environment.id, PATH))
    )
    world.simulation.run(1)
    assert read == [body], where


@pytest.mark.parametrize("mended_by", ["the schedule", "a run"])
def test_a_killed_upload_leaves_record_s3_and_run_consistent(world: World, mended_by: str) -> None:
    environment = ready(world)
    put(world, environment, b"print(0)\n")
    check(world, environment, (b"print(0)\n",), "undisturbed")
    last = b"print(0)\n"
    for fault, call in deaths():
        body = f"print('{fault} {call}')\n".encode()
        died = put_and_die(world, environment, body, fault, call)
        if mended_by == "a run":
            asked = IdempotentRequest(Caller(OWNER, is_admin=False), "run", None, "fingerprint")
            world.invoke(
                "request",
                OWNER,
                lambda asked=asked: done(
                    world.service.jobs.start_run(asked, environment.job_id, RunRequest())
                ),
            )
            world.simulation.run(2)
        else:
            world.simulation.run(A_TICK_AFTER_SETTLING)
        check(world, environment, (last, body), f"{fault} {call}")
        last = live(environment)
        world.simulation.run(A_TICK_AFTER_SETTLING)
        if not died:
            assert call > 8, "so few calls: was anything killed?"
            return


def settled(environment: Environment) -> dict[str, str]:
    """The SHA-256 of each object that Glue can read as a job file."""
    s3, bucket, prefix = boto3.client("s3"), environment.bucket("glue_assets"), environment.job_file_key("")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    return {
        key.removeprefix(prefix): hashlib.sha256(
            s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        ).hexdigest()
        for key in keys
        if not key.startswith(f"{prefix}.")
    }


def test_a_killed_folder_upload_or_deletion_leaves_all_files_or_none(world: World) -> None:
    """Each upload replaces the script, adds a module and removes the previous one; then it is deleted."""
    environment = ready(world)
    put(world, environment, b"print(0)\n")
    files, number = world.service.job_files, 0
    for fault, call in deaths():
        died = False
        for step in ("folder", "deletion"):
            before = {path: file.sha256 for path, file in look(world).job_files.items()}
            number += step == "folder"
            archive = zipped({PATH: f"print({number})\n".encode(), f"lib/m{number}.py": b"x = 1\n"})

            def act(step: str = step, archive: bytes = archive, module: str = f"lib/m{number}.py") -> None:
                if step == "folder":
                    files.write_folder(ADMIN, environment.id, "zip", archive, "r", replace=True)
                else:
                    files.remove(ADMIN, environment.id, module, "r")

            world.faults.replace(parse_all(f"*:* {fault} after {call} times 1; events:* lost"), 0)
            with suppress(NotFound):  # the folder was not written
                world.invoke("request", OWNER, act)
                world.simulation.run(5)
            died |= bool(world.faults.show()[0]["acted"])
            undisturbed(world)
            world.simulation.run(A_TICK_AFTER_SETTLING)
            after = look(world)
            where = f"{step} {fault} {call}"
            live = settled(after)
            assert live.keys() == after.job_files.keys(), where
            own = {path: file.sha256 for path, file in after.job_files.items() if file.content}
            assert own.items() <= live.items(), where
            changed = {path for path in before.keys() ^ after.job_files.keys()}
            assert step == "folder" or changed <= {f"lib/m{number}.py"}, where
            if step == "folder" and after.job_files.keys() != before.keys():
                assert after.job_files.keys() == {PATH, f"lib/m{number}.py"}, where
                assert after.job_files[PATH].sha256 != before[PATH], where
            assert not after.removed_files, where
        if not died:
            assert call > 8, "so few calls: was anything killed?"
            return
