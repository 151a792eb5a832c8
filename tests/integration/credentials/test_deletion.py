"""A user with valid credentials writes while the sandbox is deleted: the deletion ends, and is true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.clock import environment_id
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Status
from local.aws.clients import Credentials
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World, serving

pytestmark = pytest.mark.xdist_group("attacks")


@pytest.fixture
def world(small_data: Path, tmp_path: Path, keys: None) -> Iterator[World]:
    with serving(small_data, tmp_path) as world:
        yield world


def refusal(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_a_deletion_ends_although_a_user_keeps_writing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = world.ready(environment_id(), {})
    who = Caller(environment.owner, is_admin=False)
    service = world.service("api_handler")
    given = service.access.issue(who, environment.id, 3600, "r").credentials
    session = Credentials(given.access_key_id, given.secret_access_key, given.session_token)
    s3, glue = client("s3", session), client("glue", session)
    bucket, database = environment.bucket("sot"), environment.sot_database
    table = {"Name": "late", "StorageDescriptor": {"Columns": []}}

    removal = service.environments._reconciler._deletion._removal
    delete_stack, writes = removal.delete_stack, []

    def write_and_delete_stack(*arguments: Any) -> None:
        """Write between the emptying of the buckets and their deletion, twice."""
        if len(writes) < 2:
            s3.put_object(Bucket=bucket, Key=f"late{len(writes)}", Body=b"x")
            s3.create_multipart_upload(Bucket=bucket, Key="unfinished")
            writes.append(refusal_or_none(lambda: glue.create_table(DatabaseName=database, TableInput=table)))
        delete_stack(*arguments)

    monkeypatch.setattr(removal, "delete_stack", write_and_delete_stack)
    service.environments.delete(who, environment.id, "r")
    for _ in range(20):
        world.operated.settled(environment, environment.stack_id)
        world.moment += timedelta(seconds=301)
        service.environments.reconcile_now(environment.id)
        if world.look(environment).status is Status.DELETED:
            break
    deleted = world.look(environment)
    assert deleted.status is Status.DELETED, deleted.reason
    assert len(writes) == 2
    assert deleted.receipt is not None
    names = {entry.id for entry in deleted.receipt.removed}
    assert bucket in names

    # The credentials can recreate nothing: their policy names no action that creates a bucket or a database.
    assert refusal(lambda: s3.put_object(Bucket=bucket, Key="later", Body=b"x")) == "NoSuchBucket"
    assert refusal(lambda: s3.create_bucket(Bucket=bucket)) == "AccessDenied"
    later = refusal(lambda: glue.create_table(DatabaseName=database, TableInput=table))
    assert later == "EntityNotFoundException"
    again = {"DatabaseInput": {"Name": database}}
    assert refusal(lambda: glue.create_database(**again)) == "AccessDeniedException"
    outputs = environment.outputs
    assert outputs is not None
    assert outputs.athena_workgroup is not None
    query = {"QueryString": "SELECT 1", "WorkGroup": outputs.athena_workgroup}
    assert (
        refusal(lambda: client("athena", session).start_query_execution(**query)) == "InvalidRequestException"
    )


def refusal_or_none(call: Any) -> str | None:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None
