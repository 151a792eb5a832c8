"""Permissions of every function: sufficient for its work, and nothing more."""

from __future__ import annotations

import copy
import json
import re
import time
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import boto3
import pytest
from chalice.test import Client

from chalicelib.api.call import Service
from chalicelib.clock import later, sortable_id, timestamp
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import DesiredState, JobFile
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.domain.notices import KINDS
from chalicelib.domain.pricing import worst_case_micro_usd
from chalicelib.domain.query import QueryStatus
from chalicelib.domain.setting_types import JOB_FILE_ENDINGS
from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.domain.webhooks import Webhook, WebhookSecret
from chalicelib.notifications.https_client import HttpsClient, Response
from chalicelib.wiring import build
from glue_assets.release import publish
from local.iam.policies import Verdict, listed, verdict
from local.setup import roles
from tests.support.event_bridge import event_with
from tests.support.identity import AUDIENCE, ISSUER, Issuer
from tests.support.job_files import zipped
from tests.support.paths import ROOT
from tests.support.releases import built_release
from tests.support.sandbox_stacks import client
from tests.support.service_roles import RICH, TABLE, TOPIC, World, serving

RECONCILERS = ("api_handler", "stack_changed", "job_changed", "tick")
"""Functions that call reconcile. Each may have to carry out any step, so each has all permissions."""

COUNT = "SELECT count(*) FROM tbl_orders"
ENDLESS = "SELECT count(*) FROM " + ", ".join(f"UNNEST(sequence(1, 9000)) AS t{n} (x{n})" for n in range(4))

BY_S3 = "S3 uses a bucket's key on behalf of the caller; moto's S3 uses no key"
BY_ATHENA = "Athena makes more calls on behalf of the caller than the local one"
NOT_FOUND = "S3 returns NoSuchKey instead of AccessDenied only with permission to list; moto always does"
UNSEEN = {
    "OwnLogs": "Lambda writes the function's log with its role",
    "Tracing": "Lambda sends the function's traces with its role",
    "FailedEvents": "Lambda sends a function's failed events with its role",
    "SandboxKeysThroughS3": BY_S3,
    "SharedKeysThroughS3": BY_S3,
    "AssetsBucket": NOT_FOUND,
    "s3:GetBucketLocation": BY_ATHENA,
    "WriteResults s3:AbortMultipartUpload": BY_ATHENA,
    "WriteResults s3:ListMultipartUploadParts": BY_ATHENA,
    "LookForDefault": BY_ATHENA,
    "ReadCatalog glue:GetDatabase": BY_ATHENA,
    "glue:BatchGetPartition": BY_ATHENA,
    "glue:GetPartition": BY_ATHENA,
    "athena:StopQueryExecution": "only a query that takes longer than 18 seconds is stopped",
    "RemovedFunctions": "the emulator does not check functions when a database is deleted",
    "TemplateCopies s3:GetObject": "CloudFormation reads a template on behalf of the caller of CreateStack",
}
"""Permissions that the local AWS emulator does not check, by Sid, action or both, with their use in AWS."""


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tables in a newer release, with other files in them, and one more column in the partitions."""
    folder = tmp_path_factory.mktemp("newer")
    for path, text in (("tbl_orders/other.csv", "id\n1\n"), ("tbl_days/day=1/a.csv", "id,channel\n1,web\n")):
        file = folder / "db_shop" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_every_function_may_do_all_its_work_and_nothing_more(
    world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, newer: Path
) -> None:
    for number, function in enumerate(RECONCILERS):
        whole_life(world, function, f"{'abcd'[number]}lifeaaaaa", newer)
        whole_life(world, function, f"{'abcd'[number]}nameaaaaa", newer, athena_workgroup_name="w")
        failed_creation(world, function, f"{'abcd'[number]}failaaaaa")
    resource_changes(world, "eresaaaaaa")
    job_changes(world, "fjobaaaaaa")
    ticks(world, "gtickaaaaa")
    queue(world, "tick", "hqueueaaaa")
    queue(world, "stack_changed", "iqueueaaaa")
    deliveries(world, "jsentaaaaa")
    routes(world, issuer, monkeypatch)
    assert world.refused == []
    assert spare(world) == []


@pytest.mark.parametrize("function", RECONCILERS)
def test_every_function_may_detect_and_recreate_resources_deleted_by_hand(
    world: World, function: str
) -> None:
    ready, service = world.ready("aaaaaaaaaa", RICH), world.service(function)
    client("glue").delete_job(JobName=ready.job_id)
    world.change(ready, look_at=timestamp(world.moment))
    world.reconcile(service, ready)
    lost = world.look(ready)
    assert (lost.status, lost.failure and lost.failure.resource) == (Status.FAILED, "GlueJob")
    world.change(lost, status=Status.UPDATING, due_at=timestamp(world.moment))  # as a retry does
    for _ in range(4):
        world.reconcile(service, ready)
        world.operated.settled(ready)
    assert world.look(ready).status is Status.READY
    assert world.refused == []


def test_without_a_permission_the_work_stops(keys: None, data: Path, tmp_path: Path) -> None:
    granted = copy.deepcopy(roles.functions())
    [objects] = [s for s in granted["tick"]["Statement"] if s["Sid"] == "SandboxObjects"]
    objects["Action"].remove("s3:PutObject")
    with serving(data, tmp_path, granted) as world, pytest.raises(AssertionError, match="SEEDING"):
        whole_life(world, "tick", "aaaaaaaaaa", data)
    assert [why.partition(" on ")[0] for why in world.refused] == ["tick: s3:PutObject"]


def test_a_function_reaches_no_foreign_resources_and_no_other_functions_resources(
    world: World,
) -> None:
    sandbox, bucket = "terraglue-aaaaaaaaaa-sor", world.config.assets_bucket
    wishes: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
        "api_handler": [
            ("dynamodb", "scan", {"TableName": TABLE}),
            ("dynamodb", "delete_table", {"TableName": TABLE}),
            ("dynamodb", "get_item", {"TableName": "payroll", "Key": {"pk": {"S": "1"}}}),
            ("s3", "put_object", {"Bucket": bucket, "Key": "releases/latest.json", "Body": b""}),
            ("s3", "get_object", {"Bucket": "payroll", "Key": "a"}),
            ("s3", "delete_bucket", {"Bucket": "payroll"}),
            ("cloudformation", "delete_stack", {"StackName": "payroll"}),
            ("cloudformation", "delete_stack", {"StackName": "terraglue"}),
            ("glue", "start_job_run", {"JobName": "payroll"}),
            ("glue", "delete_job", {"JobName": "terraglue-aaaaaaaaaa-sot"}),
            ("glue", "get_table", {"DatabaseName": "sales", "Name": "t"}),
            ("logs", "delete_log_group", {"logGroupName": "/aws/lambda/payroll"}),
            ("iam", "list_roles", {}),
            ("sts", "assume_role", {"RoleArn": world.config.deployment_role_arn, "RoleSessionName": "me"}),
            ("kms", "create_key", {}),
        ],
        "resource_changed": [
            ("dynamodb", "query", {"TableName": TABLE, "KeyConditionExpression": "pk = :a"}),
            ("s3", "list_buckets", {}),
            ("cloudformation", "describe_stacks", {"StackName": "terraglue-aaaaaaaaaa"}),
            ("glue", "get_job_runs", {"JobName": "terraglue-aaaaaaaaaa-sot"}),
        ],
        "stack_changed": [
            ("glue", "start_job_run", {"JobName": "terraglue-aaaaaaaaaa-sot"}),
            ("s3", "get_object", {"Bucket": sandbox, "Key": "a"}),
        ],
        "tick": [("glue", "start_job_run", {"JobName": "payroll"})],
        "deliver": [
            ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:payroll", "Message": "a"}),
            ("s3", "get_object", {"Bucket": sandbox, "Key": "a"}),
            ("sts", "assume_role", {"RoleArn": world.config.sandbox_user_role_arn, "RoleSessionName": "me"}),
            ("dynamodb", "scan", {"TableName": TABLE}),
        ],
    }
    for function, calls in wishes.items():
        for service, operation, arguments in calls:
            aws = client(service, world.credentials[function])
            with pytest.raises(aws.exceptions.ClientError) as caught:
                getattr(aws, operation)(**arguments)
            code = caught.value.response["Error"]["Code"]
            assert code in ("AccessDenied", "AccessDeniedException"), (function, operation, code)


def test_a_role_is_passed_to_cloudformation_only_if_it_is_the_deployment_role(world: World) -> None:
    cloudformation = client("cloudformation", world.credentials["tick"])
    with pytest.raises(cloudformation.exceptions.ClientError, match="iam:PassRole"):
        cloudformation.create_stack(
            StackName="terraglue-aaaaaaaaaa",
            TemplateBody="{}",
            RoleARN="arn:aws:iam::123456789012:role/admin",
        )


# -- the work ---------------------------------------------------------------------------------------------


def whole_life(world: World, function: str, environment_id: str, data: Path, **more: Any) -> None:
    """From the request to the receipt, with one function for every step."""
    service = world.service(function)
    environment = world.record(environment_id, {**RICH, **more})
    world.reconcile(service, environment)
    world.operated.settled(environment)
    world.reconcile(service, environment)
    ready = world.look(environment)
    assert ready.status is Status.READY, ready
    job_files(world, service, ready)
    other_release(world, service, ready, data)  # it would wait for runs
    for state in ("RUNNING", "FAILED", "SUCCEEDED"):
        world.ask_run(ready, state)
    in_doubt(world, ready)
    asked = world.ask_query(ready, ENDLESS)
    world.change(ready, credentials_until=later(world.moment, 600))
    other_settings_and_back(world, service, ready)
    reset(world, service, ready)
    stopped = world.store.queries.get(ready.id, asked.id)
    assert stopped is not None
    assert stopped.status is QueryStatus.CANCELLED
    ready = world.look(ready)
    s3 = client("s3")
    s3.create_multipart_upload(Bucket=ready.bucket("sot"), Key="half")
    s3.put_object(Bucket=ready.bucket("sot"), Key="whole", Body=b"1")
    client("logs").create_log_group(logGroupName=f"/aws-glue/jobs/{ready.name}/not-of-the-stack")
    table = {"Name": "made_by_the_job", "StorageDescriptor": {"Columns": []}}
    client("glue").create_table(DatabaseName=ready.sot_database, TableInput=table)

    stack_id = world.operated.settled(ready)["StackId"]
    world.change(ready, delete_requested=True)
    for _ in range(2):  # until the stack is deleted, and no further; it may be deleted already
        [stack] = client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
        if not stack["StackStatus"].startswith("DELETE"):
            world.reconcile(service, ready)
    world.operated.settled(ready, stack_id)
    if world.look(ready).status is Status.DELETED:  # the stack was gone before the last check of the function
        world.change(world.look(ready), status=Status.DELETING, receipt=None, deleted_at=None)
    s3.create_bucket(Bucket=ready.bucket("spec"))  # as if the stack had left them behind
    client("glue").create_database(DatabaseInput={"Name": ready.sot_database})
    world.reconcile(service, ready)
    world.reconcile(service, ready)
    gone = world.look(ready)
    assert gone.status is Status.DELETED, gone
    assert gone.receipt is not None
    assert [entry.type for entry in gone.receipt.remaining] == ["AWS::KMS::Key"]
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert not there & {ready.bucket(key) for key in BUCKET_KEYS}


def job_files(world: World, service: Service, environment: Environment) -> None:
    """A request that uploads files is killed before Glue can read them. The function completes the work."""
    s3, bucket = client("s3"), environment.bucket("glue_assets")
    files = {}
    for path in ("main.py", *(f"file{ending}" for ending in JOB_FILE_ENDINGS)):
        s3.put_object(Bucket=bucket, Key=environment.job_file_key(f".content/c1/{path}"), Body=path.encode())
        files[path] = JobFile(
            size_bytes=len(path),
            sha256="0" * 64,
            changed_by=environment.owner,
            changed_at=timestamp(world.moment),
            content="c1",
        )
    was = world.look(environment)
    world.change(was, job_files={**was.job_files, **files}, due_at=timestamp(world.moment))
    world.reconcile(service, environment)
    for path in files:
        live = s3.get_object(Bucket=bucket, Key=environment.job_file_key(path))["Body"].read()
        assert live == path.encode()


def with_job(environment: Environment, **job: Any) -> Settings:
    changed = environment.settings.job.model_copy(update=job)
    return environment.settings.model_copy(update={"job": changed})


def update(world: World, service: Service, environment: Environment, **wanted: Any) -> Environment:
    """Request other settings or another release, and let the function carry out the change."""
    was = world.look(environment)
    desired = DesiredState(was.settings, was.release)
    world.change(
        was,
        status=Status.UPDATING,
        wanted=replace(desired, **wanted),
        changes=was.changes + 1,
        seeded_files=0,
        failure=None,
        due_at=timestamp(world.moment),
    )
    return finish(world, service, environment)


def finish(world: World, service: Service, environment: Environment) -> Environment:
    for _ in range(10):
        world.reconcile(service, environment)
        found = world.look(environment)
        if found.status is Status.READY:
            return found
        world.operated.settled(environment)
        world.moment += timedelta(seconds=61)
    raise AssertionError(found)


def other_settings_and_back(world: World, service: Service, environment: Environment) -> None:
    """Set other job arguments, then remove them. If AWS rejects the change, it also rejects the rollback."""
    done = update(world, service, environment, settings=with_job(environment, timeout_minutes=9))
    assert done.failure is None
    iam, less = client("iam"), {"Effect": "Deny", "Action": "glue:UpdateJob", "Resource": "*"}
    named = {"RoleName": roles.DEPLOYMENT, "PolicyName": "less"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [less]})
    iam.put_role_policy(**named, PolicyDocument=document)
    was = world.look(environment)
    world.change(
        was,
        status=Status.UPDATING,
        changes=was.changes + 1,
        wanted=DesiredState(with_job(was, arguments={}), was.release),
    )
    for _ in range(3):
        world.reconcile(service, environment)
        stack = world.operated.settled(environment)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    iam.delete_role_policy(**named)
    world.moment += timedelta(seconds=61)
    back = finish(world, service, environment)
    assert back.failure is not None and back.failure.cause == "permission"
    plain = update(world, service, environment, settings=with_job(was, arguments={}))
    assert plain.failure is None


def other_release(world: World, service: Service, environment: Environment, data: Path) -> None:
    release = built_release(data, "2.0.0")
    publish(release, client("s3"), world.config.assets_bucket)
    after = update(world, service, environment, release=release.id)
    assert (after.release, after.failure) == (release.id, None)


def reset(world: World, service: Service, environment: Environment) -> None:
    """Reset twice: first with a damaged catalog, then with an intact one."""
    glue = client("glue")
    glue.delete_database(Name=environment.database("db_shop"))
    glue.create_table(DatabaseName=environment.sot_database, TableInput={"Name": "result"})
    for _ in range(2):
        world.change(environment, status=Status.RESETTING, is_emptied=False, seeded_files=0)
        after = finish(world, service, environment)
        assert after.failure is None
    tables = glue.get_tables(DatabaseName=environment.database("db_shop"))["TableList"]
    assert {table["Name"] for table in tables} == {"tbl_orders", "tbl_days"}
    assert glue.get_tables(DatabaseName=environment.sot_database)["TableList"] == []


def failed_creation(world: World, function: str, environment_id: str) -> None:
    """A bucket name is already taken. The function finds the reason of the stack's failure."""
    environment = world.record(environment_id, {})
    client("s3").create_bucket(Bucket=environment.bucket("spec"))
    world.reconcile(world.service(function), environment)
    world.operated.settled(environment)
    world.reconcile(world.service(function), environment)
    failed = world.look(environment)
    assert failed.status is Status.FAILED
    assert failed.failure is not None
    assert (failed.failure.resource, failed.failure.cause) == ("SpecBucket", "name_conflict")


def resource_changes(world: World, environment_id: str) -> None:
    environment = world.change(world.record(environment_id, {}), status=Status.CREATING)
    detail = {
        "stack-id": f"arn:aws:cloudformation:us-east-1:1:stack/{environment.name}/x",
        "logical-resource-id": "SorBucket",
        "resource-type": "AWS::S3::Bucket",
        "status-details": {"status": "CREATE_FAILED", "status-reason": "exists already"},
    }
    world.service("resource_changed").events.resource_changed(event_with(detail, "2026-11-23T12:00:00Z"))
    assert world.look(environment).failure is not None


def job_changes(world: World, environment_id: str) -> None:
    """A run ends while another waits for it. Then an attempt without a reservation ends, too."""
    environment = world.ready(environment_id, RICH)
    events = world.service("job_changed").events
    ended = world.ask_run(environment, "SUCCEEDED")
    waiting = pending(world, environment, reason="Waiting for an earlier run to end.")
    events.job_changed(event_with({"jobName": environment.job_id, "jobRunId": ended.glue_run_id}))
    assert status(world, ended) is RunStatus.SUCCEEDED
    assert status(world, waiting) is RunStatus.STARTING

    settled = world.store.run(environment.id, ended.id)
    assert settled is not None and settled.cost_micro_usd is not None
    cost, mark = settled.cost_micro_usd, {"--terraglue-run-id": ended.id}
    run_id = world.glue.begin(environment.job_id, "FAILED", Attempt=1, Arguments=mark, ExecutionTime=60)
    events.job_changed(event_with({"jobName": environment.job_id, "jobRunId": run_id}))
    after = world.store.run(environment.id, ended.id)
    assert after is not None and after.cost_micro_usd in (2 * cost - 1, 2 * cost)  # rounded once, not twice


def ticks(world: World, environment_id: str) -> None:
    environment = world.ready(environment_id, {"job": {"schedule": "rate(1 day)", "max_concurrent_runs": 2}})
    waiting = pending(world, environment)
    at = timestamp(world.moment)
    world.change(environment, next_run_at=at, due_at=at)
    assert world.service("tick").events.tick(seconds=60) >= 1
    assert status(world, waiting) is RunStatus.STARTING


def queue(world: World, function: str, environment_id: str) -> None:
    """One environment is queued. The function admits it and starts its creation."""
    environment = world.record(environment_id, {}, admitted_at=None)
    events = world.service(function).events
    if function == "tick":
        events.tick(seconds=60)
    else:
        events.stack_changed(event_with({"stack-id": environment.name}))
    assert world.look(environment).status is Status.CREATING


def deliveries(world: World, environment_id: str) -> None:
    """A notice is delivered, one is given up, and that of a DELETED environment is the last."""
    topic = client("sns").create_topic(Name=TOPIC.rpartition(":")[2])["TopicArn"]
    assert topic == TOPIC
    secret = WebhookSecret.new()
    webhook = Webhook("https://hooks.example.com/", [*KINDS], secret.id)
    environment = world.record(environment_id, {}, webhook=webhook)
    read, at = world.look(environment), timestamp(world.moment)
    also = [world.store.outbox.put_secret(environment.id, secret)]
    world.store.save_environment(read, read.replace(status=Status.READY), also=also)
    notices = world.service("deliver").notices.with_one_thread()  # moto's transactions are not thread-safe
    statuses = iter((200, 500, 200))

    class Receiver(HttpsClient):
        def post(self, *_: Any) -> Response:
            return Response(next(statuses))

    notices._delivery._client = Receiver(world.config.webhooks)
    notices.deliver(seconds=60)  # those of the other environments
    for status, hours in ((Status.READY, 0), (Status.FAILED, 25), (Status.DELETED, 0)):
        read = world.look(environment)
        event = TimelineEvent.by_service(at, "status_changed", {"to": str(status)})
        world.store.save_environment(read, read.replace(status=status, updated_at=at), event)
        world.moment += timedelta(hours=hours, seconds=1)
        assert notices.deliver(seconds=60) >= 1
    gone = world.look(environment)
    assert gone.webhook is None
    actions = [event.action for event in world.store.events(environment.id, limit=9).items]
    assert "notice_undelivered" in actions


def routes(world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call every operation of the API once. Add new operations here."""
    files = "/environments/{environment_id}/job/files"
    rows = "/environments/{environment_id}/tables/{database}/{table}/rows"
    queries = "/environments/{environment_id}/queries"
    orders = {"database": "db_shop", "table": "tbl_orders"}
    own = {"mode": "production", "athena_workgroup_name": "w", "job": {"name": "own", "script": "a.py"}}
    app = api_of_role(world, issuer, monkeypatch)
    called: set[tuple[str, str]] = set()
    with Client(app.app, project_dir=str(ROOT / "chalice_app")) as http:

        def call(
            method: str,
            route: str,
            body: Any = None,
            user: str = "hana",
            admin: bool = False,
            status: int = 200,
            **parts: str,
        ) -> Any:
            called.add((method, route.partition("?")[0]))
            headers = {"Authorization": f"Bearer {issuer.token(user, groups=('admins',) if admin else ())}"}
            if route == files:
                headers["Content-Type"] = "application/zip"
            if isinstance(body, dict):
                headers["Content-Type"] = "application/json"
                body = json.dumps(body).encode()
            answer = http.http.request(method, route.format(**parts), headers=headers, body=body or b"")
            assert answer.status_code // 100 == status // 100, (method, route, answer.body)
            is_json = "json" in answer.headers.get("Content-Type", "json")
            return answer.json_body if is_json else answer.body

        def ready(user: str, settings: dict[str, Any]) -> Environment:
            made = call("POST", "/environments", settings, user)
            environment = world.store.environment(made["id"])
            assert environment is not None
            world.operated.settled(environment)
            world.reconcile(world.operator, environment)
            return world.look(environment)

        call("GET", "/health")
        call("GET", "/openapi.json")
        call("GET", "/docs")
        call("GET", "/docs/{name}", name="swagger-ui.css")
        page = call("GET", "/").decode()
        call("GET", "/assets/{name}", name=re.findall(r"assets/([^\"]+\.js)", page)[0])
        assert call("GET", "/config.json")["api"] is None
        call("GET", "/releases")
        call("GET", "/data-sets")
        environment = ready("hana", own)
        its = {"environment_id": environment.id}
        call("GET", "/me")
        call("GET", "/usage")
        call("GET", "/usage?by=environment", admin=True)
        call("GET", "/environments")
        call("GET", "/environments", admin=True)
        call("GET", "/environments?status=READY", admin=True)
        assert call("GET", "/environments/{environment_id}", **its)["status"] == "READY"
        call("PATCH", "/environments/{environment_id}", {"expires_in_hours": 100}, **its)
        call("GET", "/environments/{environment_id}/events", **its)
        assert call("GET", "/environments/{environment_id}/tables", **its)["items"]
        for _ in range(200):
            drift = call("GET", "/environments/{environment_id}/drift", **its)
            if drift["status"] != "DETECTING":
                break
            time.sleep(0.05)
        assert (drift["status"], drift["reason"], drift["resources"]) == ("IN_SYNC", None, [])
        assert call("GET", rows, **orders, **its)["items"] == [{"id": "1"}]
        for user, settings in (("ivo", {}), ("jana", {"athena_workgroup": False})):
            other = ready(user, settings)
            found = call("GET", rows, None, user, **{**orders, "table": "tbl_days"}, environment_id=other.id)
            assert found["items"] == [{"id": "1", "channel": "web", "day": "1"}]

        for folders in range(9):
            parts = [*"bcdefghi"[:folders], "a.py"]
            place = {f"part{number}": part for number, part in enumerate(parts, 1)}
            path = files + "".join(f"/{{{name}}}" for name in place)
            call("PUT", path, b"print(1)\n", status=422 if folders == 8 else 200, **its, **place)
            if folders < 8:
                call("GET", path, **its, **place)
                # The first is the script of the job.
                call("DELETE", path, status=204 if folders else 409, **its, **place)
        call("PUT", files, zipped({"a.py": b"print(1)\n"}), **its)
        call("GET", files, **its)
        job = {"job_id": environment.job_id}
        call("GET", "/jobs")
        call("GET", "/jobs", admin=True)
        call("GET", "/jobs/{job_id}", **job)
        call("POST", "/environments/{environment_id}/credentials", **its)
        query = call("POST", "/environments/{environment_id}/queries", {"sql": COUNT}, **its)
        its_query = {**its, "query_id": query["id"]}
        found = call("GET", f"{queries}/{{query_id}}?wait=20", **its_query)
        assert (found["status"], found["rows"]) == ("SUCCEEDED", [[1]]), found["error"]
        call("GET", f"{queries}/{{query_id}}", **its_query)
        call("GET", queries, **its)
        call("GET", f"{queries}/{{query_id}}/results", status=303, **its_query)
        call("DELETE", f"{queries}/{{query_id}}", **its_query)
        call("DELETE", "/jobs/{job_id}/bookmark", **job)
        run = call("POST", "/jobs/{job_id}/runs", {}, **job)
        its_run = {**job, "run_id": run["id"]}
        call("GET", "/jobs/{job_id}/runs", **job)
        call("GET", "/jobs/{job_id}/runs/{run_id}", **its_run)
        call("GET", "/jobs/{job_id}/runs/{run_id}/logs", **its_run)
        call("GET", "/jobs/{job_id}/runs/{run_id}/metrics", **its_run)
        call("DELETE", "/jobs/{job_id}/runs/{run_id}", **its_run)

        call("POST", "/environments/{environment_id}/freeze", {"reason": "over"}, admin=True, **its)
        call("POST", "/environments/{environment_id}/thaw", admin=True, **its)
        owners = {"name": "class", "owners": ["ben"]}
        its_cohort = {"cohort_id": call("POST", "/cohorts", owners, admin=True)["id"]}
        call("POST", "/cohorts", {**owners, "dry_run": True}, admin=True)
        call("GET", "/cohorts", admin=True)
        call("GET", "/cohorts/{cohort_id}", admin=True, **its_cohort)
        call("GET", "/cohorts/{cohort_id}/members", admin=True, **its_cohort)
        call("POST", "/cohorts/{cohort_id}/{action}", {}, admin=True, **its_cohort, action="expire")
        call("PATCH", "/cohorts/{cohort_id}", {"add": ["eva"]}, admin=True, status=409, **its_cohort)
        call("POST", "/environments/{environment_id}/reset", **its)
        world.change(environment, status=Status.FAILED)
        call("POST", "/environments/{environment_id}/retry", **its)
        call("DELETE", "/environments/{environment_id}", **its)
    assert {(each.method, each.path) for each in app.api.all} == called


def api_of_role(world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The app with a service that uses the credentials of its role."""
    import app

    settings = {
        "TABLE_NAME": TABLE,
        "ASSETS_BUCKET": world.config.assets_bucket,
        "DEPLOYMENT_ROLE_ARN": str(world.config.deployment_role_arn),
        "PERMISSIONS_BOUNDARY_ARN": world.config.permissions_boundary_arn,
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "JWKS_URI": issuer.jwks_uri,
        "CURSOR_KEY": "not a secret",
        "SANDBOX_INSPECTOR_ROLE_ARN": world.config.sandbox_inspector_role_arn,
        "SANDBOX_READER_ROLE_ARN": world.config.sandbox_reader_role_arn,
        "SANDBOX_USER_ROLE_ARN": world.config.sandbox_user_role_arn,
        "FEDERATION_URL": "http://127.0.0.1:9/federation",  # where nothing listens
        "SERVICE_ROLE_ARNS": ",".join(world.config.service_role_arns),
    }
    given: Any = world.credentials["api_handler"].client_arguments
    with monkeypatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        service = build(session=boto3.Session(region_name="us-east-1", **given))
    monkeypatch.setattr(app, "service", lambda: service)
    return app


def pending(world: World, environment: Environment, **more: Any) -> JobRun:
    """A run that is recorded and due, but not in Glue."""
    run = JobRun(
        id=sortable_id(world.moment),
        environment_id=environment.id,
        job_id=environment.job_id,
        status=RunStatus.PENDING,
        arguments={"--OUTPUT_DB": environment.sot_database, "--OUTPUT_TABLE": "t"},
        worker_type="G.1X",
        number_of_workers=2,
        timeout_minutes=1,
        owner=environment.owner,
        requested_by=environment.owner,
        requested_at=timestamp(world.moment),
        max_cost_micro_usd=worst_case_micro_usd("G.1X", 2, 1, world.config.price_per_dpu_hour_usd),
        log_prefix=f"/aws-glue/jobs/{environment.name}",
        due_at=timestamp(world.moment),
    ).replace(**more)
    assert world.store.add_run(run, TimelineEvent(run.requested_at, "test", "run_requested"), None)
    return run


def in_doubt(world: World, environment: Environment) -> JobRun:
    """A run whose StartJobRun call may or may not have reached Glue."""
    return pending(world, environment, start_attempts=1)


def status(world: World, run: JobRun) -> RunStatus:
    found = world.store.run(run.environment_id, run.id)
    assert found is not None
    return found.status


# -- used and granted permissions -------------------------------------------------------------------------


def spare(world: World) -> list[str]:
    """Return the grants that a policy does not need, except those whose use is invisible."""
    found = []
    for function, policy in {**world.granted, "sandbox_reader": reader_policy()}.items():
        whole = roles.resolved(policy, world.known)["Statement"]
        for number, statement in enumerate(whole):
            for action, resource in product(listed(statement["Action"]), listed(statement["Resource"])):
                sid = statement["Sid"]
                if UNSEEN.keys() & {sid, action, f"{sid} {action}"}:
                    continue
                fewer = [*whole[:number], *without(statement, action, resource), *whole[number + 1 :]]
                checks = [check for check in world.checks[function] if check.action == action]
                if all(verdict([{"Statement": fewer}], check) is Verdict.ALLOWED for check in checks):
                    found.append(f"{function} {sid} {action} {resource}")
    return found


def reader_policy() -> dict[str, Any]:
    """The policy of the role that reads sandboxes for their owners."""
    resources = json.loads((ROOT / "chalice_app/functions.json").read_text())["Resources"]
    [policy] = resources["SandboxReader"]["Properties"]["Policies"]
    document: dict[str, Any] = policy["PolicyDocument"]
    return document


def without(statement: dict[str, Any], action: str, resource: str) -> list[dict[str, Any]]:
    """A statement without one action on one resource."""
    others = [each for each in listed(statement["Action"]) if each != action]
    elsewhere = [each for each in listed(statement["Resource"]) if each != resource]
    return [{**statement, "Action": others}, {**statement, "Action": action, "Resource": elsewhere}]
