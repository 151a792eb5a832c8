"""Recovery by the schedule alone after the process is killed between any two AWS calls.

Each kill has its own environment, all in one simulated account on the local CloudFormation. Events of single
resources are omitted: they only show progress, and the service reads the final state again at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.domain.requests import EnvironmentChange, RunRequest
from chalicelib.domain.settings import Settings
from chalicelib.errors import NotFound
from chalicelib.services.idempotency import IdempotentRequest
from local.chaos.owners import ADMIN
from local.chaos.world import World
from local.faults.rules import parse_all
from local.setup.bootstrap import TABLE
from tests.support.kills import deaths, undisturbed

STACK_SECONDS = 60
A_FEW_TICKS = 240
DATA = {"db_shop/orders/1.csv", "db_shop/orders/2.csv"}
EMPTY: dict[str, set[str]] = {key: set() for key in BUCKET_KEYS}

Story = Callable[[World, str], None]


def objects(world: World, bucket: str) -> set[str]:
    listed = world.clients("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"] for item in listed}


def stacks(world: World, environment: Environment) -> list[Any]:
    found = world.clients("cloudformation").describe_stacks()["Stacks"]
    return [stack for stack in found if stack["StackName"] == environment.name]


def request(world: World, owner: str) -> None:
    asked = IdempotentRequest(Caller(owner, is_admin=False), "request", "key", "fingerprint")
    world.service.environments.create(asked, Settings(kms_key=False, athena_workgroup=False))


def delete(world: World, owner: str) -> None:
    environment = world.service.environments.live(Caller(owner, is_admin=False))
    if environment is None:
        raise NotFound("It is gone.")
    world.service.environments.delete(ADMIN, environment.id, "request")


def retry(world: World, owner: str) -> None:
    environment = world.service.environments.live(Caller(owner, is_admin=False))
    assert environment is not None
    world.service.environments.retry(IdempotentRequest(ADMIN, "request"), environment.id)


def reset(world: World, owner: str) -> None:
    environment = world.service.environments.live(Caller(owner, is_admin=False))
    assert environment is not None
    world.service.environments.reset(IdempotentRequest(ADMIN, "request"), environment.id)


def freeze(world: World, owner: str) -> None:
    environment = world.service.environments.live(Caller(owner, is_admin=False))
    assert environment is not None
    world.service.environments.freeze(IdempotentRequest(ADMIN, "request"), environment.id, "the end")


def run(world: World, owner: str) -> None:
    caller = Caller(owner, is_admin=False)
    environment = world.service.environments.live(caller)
    assert environment is not None
    wanted = RunRequest(timeout_minutes=30)
    world.service.jobs.start_run(IdempotentRequest(caller, "request"), environment.job_id, wanted)


def change(world: World, owner: str) -> None:
    environment = world.service.environments.live(Caller(owner, is_admin=False))
    assert environment is not None
    wanted = EnvironmentChange.model_validate({"settings": {"job": {"timeout_minutes": 7}}})
    world.service.environments.change(ADMIN, environment.id, wanted, "request")


def asked(world: World, owner: str, what: Story, seconds: float) -> None:
    """Send a request and let time pass."""
    world.invoke("request", owner, lambda: what(world, owner))
    world.simulation.run(seconds)


def killed(world: World, owner: str, what: Story, fault: str, call: int, *, beside: str = "") -> bool:
    """Send a request and kill the process at a call. Later events are lost. Return False if no call was left.

    `beside` are rules of additional faults.
    """
    world.faults.replace(parse_all(f"*:* {fault} after {call} times 1; events:resource lost; {beside}"), 0)
    world.invoke("request", owner, lambda: what(world, owner))
    for _ in range(3 * STACK_SECONDS):
        world.simulation.run(1)
        if world.faults.show()[0]["acted"]:
            world.faults.replace(parse_all(f"events:* lost; {beside}"), 0)
            return True
    return False


def of(world: World, owner: str) -> Environment:
    found: list[Environment] = []

    def look() -> None:
        page = world.service.environments.page(ADMIN, owner=owner, status=None, limit=10, start=None)
        found.extend(page.items)

    undisturbed(world)
    asked(world, owner, lambda *_: look(), 1)
    assert len(found) == 1, f"{owner} has {len(found)} environments"
    return found[0]


def live(world: World, owner: str) -> Environment | None:
    found: list[Environment | None] = []
    caller = Caller(owner, is_admin=False)
    asked(world, owner, lambda *_: found.append(world.service.environments.live(caller)), 1)
    [environment] = found
    return environment


def recorded(world: World, environment: Environment, action: str) -> int:
    """Return how often the timeline contains such an entry."""
    lines = world.clients("dynamodb").query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
        ExpressionAttributeValues={":pk": {"S": f"ENV#{environment.id}"}, ":event": {"S": "EVENT#"}},
    )["Items"]
    return sum(line["action"]["S"] == action for line in lines)


def test_a_request_is_finished(world: World) -> None:
    for fault, call in deaths():
        owner = f"owner-{fault}-{call}"
        died = killed(world, owner, request, fault, call)
        # The caller may not have received a response, and repeats the request with its key.
        asked(world, owner, request, STACK_SECONDS + A_FEW_TICKS)
        environment = of(world, owner)
        assert environment.status is Status.READY, f"{fault} {call}: {environment}"
        assert objects(world, environment.bucket("sor")) == DATA, f"{fault} {call}"
        assert len(stacks(world, environment)) == 1, f"{fault} {call}"
        if not died:
            assert call > 20, "so few calls: was anything killed?"
            return


def test_a_delete_is_finished(world: World) -> None:
    for fault, call in deaths():
        owner = f"owner-{fault}-{call}"
        undisturbed(world)
        asked(world, owner, request, STACK_SECONDS + 10)
        died = killed(world, owner, delete, fault, call)
        if of(world, owner).status is Status.READY:  # it died before the request was recorded
            asked(world, owner, delete, 0)
        world.simulation.run(STACK_SECONDS + A_FEW_TICKS)
        environment = of(world, owner)
        assert environment.status is Status.DELETED, f"{fault} {call}: {environment}"
        assert environment.receipt is not None
        left = {bucket["Name"] for bucket in world.clients("s3").list_buckets()["Buckets"]}
        assert not left & {environment.bucket(key) for key in BUCKET_KEYS}, f"{fault} {call}"
        assert stacks(world, environment) == [], f"{fault} {call}"
        assert live(world, owner) is None, f"{fault} {call}"
        if not died:
            assert call > 20, "so few calls: was anything killed?"
            return


def test_leftovers_of_a_failed_attempt_are_removed(world: World) -> None:
    no_room = "stack:GlueJob create_failed 'no room'"
    for fault, call in deaths():
        owner = f"owner-{fault}-{call}"
        died = killed(world, owner, request, fault, call, beside=no_room)
        asked(world, owner, request, STACK_SECONDS + A_FEW_TICKS)
        environment = of(world, owner)
        assert environment.status is Status.FAILED, f"{fault} {call}: {environment}"
        assert environment.failure and environment.failure.message == "no room"
        assert not environment.clean_up, f"{fault} {call}: {environment}"
        if not died:
            assert call > 20, "so few calls: was anything killed?"
            return


def test_a_retry_is_finished(world: World) -> None:
    for fault, call in deaths():
        owner = f"owner-{fault}-{call}"
        world.faults.replace(parse_all("stack:GlueJob create_failed; events:resource lost"), 0)
        asked(world, owner, request, 3 * STACK_SECONDS)
        died = killed(world, owner, retry, fault, call)
        if of(world, owner).status is Status.FAILED:  # it died before the request was recorded
            asked(world, owner, retry, 0)
        world.simulation.run(STACK_SECONDS + A_FEW_TICKS)
        environment = of(world, owner)
        assert (environment.status, environment.creations) == (Status.READY, 2), (
            f"{fault} {call}: {environment}"
        )
        assert len(stacks(world, environment)) == 1, f"{fault} {call}"
        if not died:
            assert call > 20, "so few calls: was anything killed?"
            return


def test_a_reset_is_finished(world: World) -> None:
    s3, glue = world.clients("s3"), world.clients("glue")
    for fault, call in deaths():
        owner = f"owner-{fault}-{call}"
        undisturbed(world)
        asked(world, owner, request, STACK_SECONDS + 10)
        environment = of(world, owner)
        sor = environment.bucket("sor")
        for key in BUCKET_KEYS:
            s3.put_object(Bucket=environment.bucket(key), Key="mine", Body=b"1")
        glue.create_table(DatabaseName=environment.sot_database, TableInput={"Name": "result"})
        s3.put_object(Bucket=sor, Key="db_shop/orders/1.csv", Body=b"spoilt")
        died = killed(world, owner, reset, fault, call)
        if not recorded(world, environment, "reset_requested"):  # it died before
            asked(world, owner, reset, 0)
        world.simulation.run(A_FEW_TICKS)
        assert of(world, owner).status is Status.READY, f"{fault} {call}: {of(world, owner)}"
        kept = {key: objects(world, environment.bucket(key)) for key in BUCKET_KEYS}
        assert kept == EMPTY | {"sor": DATA, "glue_assets": {"jobs/sot_ecommerce.py"}}, f"{fault} {call}"
        assert glue.get_tables(DatabaseName=environment.sot_database)["TableList"] == [], f"{fault} {call}"
        found = s3.get_object(Bucket=sor, Key="db_shop/orders/1.csv")["Body"].read()
        assert found == b"id\n1\n", f"{fault} {call}"
        if not died:
            assert call > 20, "so few calls: was anything killed?"
            return


def test_a_change_is_finished(world: World) -> None:
    for fault, call in deaths():
        owner = f"owner-{fault}-{call}"
        undisturbed(world)
        asked(world, owner, request, STACK_SECONDS + 10)
        died = killed(world, owner, change, fault, call)
        if of(world, owner).changes == 0:  # it died before the request was recorded
            asked(world, owner, change, 0)
        world.simulation.run(STACK_SECONDS + 2 * A_FEW_TICKS)
        environment = of(world, owner)
        assert (environment.status, environment.wanted, environment.failure) == (Status.READY, None, None)
        assert recorded(world, environment, "change_requested") == 1, f"{fault} {call}"
        cloudformation = world.clients("cloudformation")
        assert cloudformation.list_change_sets(StackName=environment.name)["Summaries"] == []
        job = world.clients("glue").get_job(JobName=environment.job_id)["Job"]
        assert (job["Timeout"], environment.settings.job.timeout_minutes) == (7, 7), f"{fault} {call}"
        if not died:
            assert call > 20, "so few calls: was anything killed?"
            return


def test_a_freeze_is_finished(world: World) -> None:
    for fault, call in deaths():
        owner = f"owner-{fault}-{call}"
        undisturbed(world)
        asked(world, owner, request, STACK_SECONDS + 10)
        asked(world, owner, run, 5)
        environment = of(world, owner)
        died = killed(world, owner, freeze, fault, call)
        if not recorded(world, environment, "frozen"):  # it died before
            asked(world, owner, freeze, 0)
        world.simulation.run(A_FEW_TICKS)
        environment = of(world, owner)
        assert environment.frozen is not None and environment.frozen.stopped_at, f"{fault} {call}"
        runs = world.clients("glue").get_job_runs(JobName=environment.job_id)["JobRuns"]
        assert {each["JobRunState"] for each in runs} == {"STOPPED"}, f"{fault} {call}"
        assert environment.reserved_micro_usd == 0, f"{fault} {call}"
        assert recorded(world, environment, "frozen") == 1, f"{fault} {call}"
        if not died:
            assert call > 5, "so few calls: was anything killed?"
            return
