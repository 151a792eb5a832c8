"""The chaos test: a small storm, reproducibility by seed, detection of violations."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import pytest

from chalicelib.domain.caller import Caller
from chalicelib.domain.settings import Settings
from chalicelib.services.idempotency import IdempotentRequest
from local.chaos import class_scenario, invariants, scenario
from local.chaos.owners import Owners
from local.chaos.world import World, simulated
from local.setup import roles
from local.setup.bootstrap import TABLE
from tests.support.paths import ROOT
from tests.support.size import sized

SEED, ENVIRONMENTS = 3, sized(8, 20)


def test_invariants_hold_after_a_storm() -> None:
    outcome = scenario.run(SEED, ENVIRONMENTS)
    again = f"the same again: make chaos SEED={SEED} ENVIRONMENTS={ENVIRONMENTS}"
    assert outcome.violations == [], again
    assert outcome.summary["environments"] >= ENVIRONMENTS
    assert outcome.summary["failed calls"] > sized(30, 100)
    assert outcome.summary["runs"] and outcome.summary["DELETED"]
    assert any("sns:Publish" in line for line in outcome.log)
    assert outcome.summary.get("READY", 0) >= sized(0, 1)


def test_a_seed_reproduces_the_report_byte_for_byte_in_another_process() -> None:
    command = [sys.executable, "-m", "local", "chaos", "--seed", "11", "--environments", "3"]
    environ = {"PYTHONHASHSEED": "3"}  # not that of this process
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    written = (ROOT / ".local" / "chaos" / "seed-11.log").read_text(encoding="utf-8").splitlines()
    here = scenario.run(11, 3)
    assert next((pair for pair in zip_longest(written, here.log) if pair[0] != pair[1]), None) is None
    match = re.search("SHA-256 ([0-9a-f]{64})", done.stdout)
    assert match and match[1] == here.digest


def ready(world: World, owner: str = "ana") -> str:
    """An environment of an owner, and its ID."""
    ids = []

    def request() -> None:
        asked = IdempotentRequest(Caller(owner, is_admin=False), "request", None, "")
        ids.append(world.service.environments.create(asked, Settings()).record.id)

    world.tick()
    world.invoke("request", owner, request)
    world.simulation.run(300)
    return str(ids[0])


def set_field(world: World, environment_id: str, name: str, value: dict[str, Any]) -> None:
    world.clients("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"ENV#{environment_id}"}, "sk": {"S": "ENV"}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": value},
    )


def put(world: World, **texts: str) -> None:
    item = {name: {"S": text} for name, text in texts.items()}
    world.clients("dynamodb").put_item(TableName=TABLE, Item=item)


NOBODY = "aaaaaaaaaa"


def a_bucket_of_nobody(world: World, _: str) -> str:
    world.clients("s3").create_bucket(Bucket=f"terraglue-{NOBODY}-sor")
    return f"bucket terraglue-{NOBODY}-sor exists, but its environment {NOBODY} is unknown"


def a_database_of_nobody(world: World, _: str) -> str:
    world.clients("glue").create_database(DatabaseInput={"Name": f"terraglue_{NOBODY}_sot"})
    return f"database terraglue_{NOBODY}_sot exists"


def a_key_of_nobody(world: World, _: str) -> str:
    world.clients("kms").create_key()
    return "but its environment ? is unknown"


def a_stack_that_goes(world: World, environment_id: str) -> str:
    world.clients("cloudformation").delete_stack(StackName=f"terraglue-{environment_id}")
    return "is READY, but its stacks are ['DELETE_IN_PROGRESS']"


def money_that_nobody_spent(world: World, environment_id: str) -> str:
    set_field(world, environment_id, "spent_micro_usd", {"N": "5"})
    return "has spent 5, but runs and queries cost 0"


def money_that_stays_reserved(world: World, environment_id: str) -> str:
    set_field(world, environment_id, "reserved_micro_usd", {"N": "7"})
    return "keeps 7 reserved"


def money_that_an_owner_has_not_spent(world: World, _: str) -> str:
    world.clients("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": "OWNER#ana"}, "sk": {"S": "BUDGET"}},
        UpdateExpression="SET committed_micro_usd = :value",
        ExpressionAttributeValues={":value": {"N": "3"}},
    )
    return "ana has [0, 0, 3] spent, reserved and committed, but runs and queries cost 0"


def a_charge_of_no_run(world: World, environment_id: str) -> str:
    names = {"owner": "ana", "environment_id": environment_id, "id": "run1", "cost_micro_usd": "5"}
    put(world, pk="LEDGER#2026-01-01", sk=f"CHARGE#{environment_id}#run#run1#1", **names)
    return "is for run1, which does not exist"


def a_cost_without_a_charge(world: World, environment_id: str) -> str:
    names = {"owner": "ana", "environment_id": environment_id, "id": "q1", "cost_micro_usd": "5"}
    names |= {"status": "SUCCEEDED"}
    put(world, pk=f"ENV#{environment_id}", sk="QUERY#q1", **names)
    return f"QUERY#q1 of {environment_id} cost 5, but its charges are 0"


def a_warning_that_is_missing(world: World, _: str) -> str:
    world.clients("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": "OWNER#ana"}, "sk": {"S": "BUDGET"}},
        UpdateExpression="SET spent_micro_usd = :value",
        ExpressionAttributeValues={":value": {"N": "1000000"}},
    )
    return "ana has spent 1000000 of 2000000 and was warned of [] percent"


def a_status_that_nobody_told(world: World, environment_id: str) -> str:
    set_field(world, environment_id, "status", {"S": "CREATING"})
    return "ends with READY, but the environment is CREATING"


def a_failure_without_a_reason(world: World, environment_id: str) -> str:
    set_field(world, environment_id, "status", {"S": "FAILED"})
    return "is FAILED without a reason"


def a_run_without_its_environment(world: World, _: str) -> str:
    put(world, pk=f"ENV#{NOBODY}", sk="RUN#1", environment_id=NOBODY, status="ERROR", id="1")
    return f"record ENV#{NOBODY} RUN#1 exists without its environment"


def a_lock_of_another_environment(world: World, _: str) -> str:
    put(world, pk="OWNER#ana", sk="OWNER", environment_id=NOBODY)
    return f"but the lock names {NOBODY}"


def a_place_that_is_not_given_back(world: World, _: str) -> str:
    world.clients("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": "QUEUE"}, "sk": {"S": "QUEUE"}},
        UpdateExpression="ADD creating :ids",
        ExpressionAttributeValues={":ids": {"SS": [NOBODY]}},
    )
    return f"the queue records {{'{NOBODY}'}} in creation instead of set()"


def a_notice_that_is_lost(world: World, environment_id: str) -> str:
    world.clients("dynamodb").put_item(
        TableName=TABLE,
        Item={
            "pk": {"S": f"ENV#{environment_id}"},
            "sk": {"S": "EVENT#2026-01-01T00:00:00.000Z#x"},
            "action": {"S": "expiry_warned"},
            "changes": {"L": []},
        },
    )
    return f"{environment_id} has 1 events environment.expiring, but 0 notices"


def a_notice_that_is_never_due(world: World, environment_id: str) -> str:
    key = {"pk": f"ENV#{environment_id}", "sk": "NOTICE#x"}
    put(world, **key, id="x", kind="run.ended", environment_id=environment_id)
    return f"notice x of {environment_id} is never due"


SPOILERS = [
    a_notice_that_is_lost,
    a_notice_that_is_never_due,
    a_bucket_of_nobody,
    a_database_of_nobody,
    a_key_of_nobody,
    a_stack_that_goes,
    money_that_nobody_spent,
    money_that_stays_reserved,
    money_that_an_owner_has_not_spent,
    a_charge_of_no_run,
    a_cost_without_a_charge,
    a_warning_that_is_missing,
    a_status_that_nobody_told,
    a_failure_without_a_reason,
    a_run_without_its_environment,
    a_lock_of_another_environment,
    a_place_that_is_not_given_back,
]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_each_violated_invariant_is_reported(spoil: Callable[[World, str], str]) -> None:
    with simulated(1) as world:
        owners = Owners(world, 1, 1)
        environment_id = ready(world)
        assert invariants.check(world, owners) == []
        words = spoil(world, environment_id)
        found = invariants.check(world, owners)
        assert any(words in violation for violation in found), found
        assert invariants.check_all_gone(world) != []


def test_a_call_that_the_services_role_may_not_make_is_reported() -> None:
    with simulated(1) as world:
        ready(world)
        assert world.denied == set()
        denial = {"Effect": "Deny", "Action": "kms:GenerateDataKey", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
        iam = world.clients("iam")
        iam.put_role_policy(RoleName=roles.SERVICE, PolicyName="less", PolicyDocument=document)
        ready(world, "bob")
        assert world.denied == {
            f"{roles.SERVICE} may not call kms:GenerateDataKey, with an explicit deny in an "
            "identity-based policy"
        }


def test_a_class_survives_a_storm() -> None:
    members = sized(3, 40)
    outcome = class_scenario.run(SEED, members)
    assert outcome.violations == []
    assert outcome.summary["freeze frozen"] >= members // 2  # the storm makes some creations fail
    assert outcome.summary["thaw frozen"] == 0
    assert outcome.summary["expire DELETED"] == members
