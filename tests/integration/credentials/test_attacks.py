"""Attacks with the credentials that a user gets: they reach the user's own sandbox, and nothing else.

The policies of the service and the key policies of the sandboxes are enforced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.clock import environment_id
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from local.aws.clients import Credentials
from local.iam import access
from local.iam.checks import PermissionCheck
from local.iam.policies import listed
from tests.support.athena_tables import CSV, ended, table
from tests.support.policy_documents import SANDBOX, documents
from tests.support.sandbox_stacks import ACCOUNT, REGION, client
from tests.support.service_roles import World, serving

pytestmark = pytest.mark.xdist_group("attacks")

SECRET = "the neighbour's"


class Attack:
    """Sandboxes of ana and bob, and the credentials that the API issues to ana."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mine = world.ready(environment_id(), {})
        self.theirs = world.ready(environment_id(), {})
        for environment in (self.mine, self.theirs):
            data = SECRET if environment is self.theirs else "mine"
            client("s3").put_object(Bucket=environment.bucket("sot"), Key="t/a.csv", Body=data.encode())
            place = f"s3://{environment.bucket('sot')}/t/"
            table(client, "t", "a string", CSV, database=environment.sot_database, location=place)
        issued = world.service("api_handler").access.issue(
            Caller(self.mine.owner, is_admin=False), self.mine.id, 3600, "request"
        )
        given = issued.credentials
        self.credentials = Credentials(given.access_key_id, given.secret_access_key, given.session_token)

    def aws(self, service: str) -> Any:
        return client(service, self.credentials)

    def query(self, sql: str, **more: Any) -> str:
        """Run a query in the own workgroup. Return its state and its reason or first value."""
        athena = self.aws("athena")
        started = {"WorkGroup": outputs(self.mine).athena_workgroup} | more
        try:
            query_id = athena.start_query_execution(QueryString=sql, **started)["QueryExecutionId"]
        except athena.exceptions.InvalidRequestException as error:  # such as a location of a CTAS
            return f"FAILED: {error}"
        status = ended(self.aws, query_id)["Status"]
        if status["State"] != "SUCCEEDED":
            return f"{status['State']}: {status.get('StateChangeReason')}"
        rows = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
        return str(rows[-1]["Data"][0]["VarCharValue"]) if rows else "no rows"


def outputs(environment: Environment) -> Any:
    assert environment.outputs is not None
    return environment.outputs


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    folder = tmp_path_factory.mktemp("attack")
    orders = folder / "data/db_shop/tbl_orders/orders.csv"
    orders.parent.mkdir(parents=True)
    orders.write_text("id\n1\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        with serving(folder / "data", folder / "work") as world:
            yield Attack(world)


def refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        assert code in ("AccessDenied", "AccessDeniedException", "403"), code
        return True
    return False


def test_the_owner_works_in_the_own_sandbox(attack: Attack) -> None:
    mine, own = attack.mine, outputs(attack.mine)
    s3, glue = attack.aws("s3"), attack.aws("glue")
    for bucket in own.buckets.values():
        s3.put_object(Bucket=bucket, Key="x/y.csv", Body=b"1\n")
        assert s3.get_object(Bucket=bucket, Key="x/y.csv")["Body"].read() == b"1\n"
        assert s3.list_objects_v2(Bucket=bucket, Prefix="x/")["KeyCount"] == 1
        s3.delete_object(Bucket=bucket, Key="x/y.csv")
    glue.create_table(
        DatabaseName=mine.sot_database,
        TableInput={"Name": "made", "StorageDescriptor": {"Columns": [], "Location": "s3://x/"}},
    )
    assert {"made", "t"} <= {t["Name"] for t in glue.get_tables(DatabaseName=mine.sot_database)["TableList"]}
    glue.delete_table(DatabaseName=mine.sot_database, Name="made")
    assert attack.query(f"SELECT a FROM {mine.sot_database}.t") == "mine"
    assert attack.aws("athena").list_query_executions(WorkGroup=own.athena_workgroup)["QueryExecutionIds"]
    job = glue.get_job(JobName=own.job_id)["Job"]
    update = {"Role": own.role_arn, "Command": job["Command"], "Description": "mine"}
    glue.update_job(JobName=own.job_id, JobUpdate=update)
    attack.aws("logs").describe_log_streams(logGroupName=own.log_groups["output"])
    who = attack.aws("sts").get_caller_identity()["Arn"]
    assert who.endswith(f"/{mine.id}-{mine.owner}")


STATEMENTS = (
    "SHOW TABLES IN {database}",
    "SHOW PARTITIONS {database}.parts",
    "DESCRIBE {database}.t",
    "SHOW CREATE TABLE {database}.t",
    "CREATE EXTERNAL TABLE {database}.more (a string) PARTITIONED BY (p string) LOCATION 's3://{bucket}/m/'",
    "ALTER TABLE {database}.parts ADD PARTITION (p='x') LOCATION 's3://{bucket}/parts/p=x/'",
    "ALTER TABLE {database}.parts PARTITION (p='x') RENAME TO PARTITION (p='y')",
    "ALTER TABLE {database}.parts DROP PARTITION (p='y')",
    "ALTER TABLE {database}.t SET TBLPROPERTIES ('a'='b')",
    "MSCK REPAIR TABLE {database}.parts",
    "CREATE VIEW {database}.v AS SELECT a FROM {database}.t",
    "DROP VIEW {database}.v",
    "CREATE TABLE {database}.copied AS SELECT a FROM {database}.t",
    "INSERT INTO {database}.parts VALUES ('a', 'z')",
    "UNLOAD (SELECT a FROM {database}.t) TO 's3://{bucket}/unloaded/' WITH (format = 'ORC')",
    "EXPLAIN SELECT a FROM {database}.t",
    "DROP TABLE {database}.parts",
)


def test_every_statement_works_in_the_own_sandbox_and_is_denied_in_a_neighbours(attack: Attack) -> None:
    for environment in (attack.theirs, attack.mine):
        glue, database = client("glue"), environment.sot_database
        bucket = environment.bucket("sot")
        found = glue.get_table(DatabaseName=database, Name="t")["Table"]
        storage = {**found["StorageDescriptor"], "Location": f"s3://{bucket}/parts/"}
        keys = [{"Name": "p", "Type": "string"}]
        description = {"Name": "parts", "StorageDescriptor": storage, "PartitionKeys": keys}
        glue.create_table(DatabaseName=database, TableInput=description)
        before = glue.get_tables(DatabaseName=database)["TableList"]
        objects = client("s3").list_objects_v2(Bucket=bucket)["KeyCount"]
        for statement in STATEMENTS:
            result = attack.query(statement.format(database=database, bucket=bucket))
            is_denied = result.startswith("FAILED: PERMISSION_DENIED: ")
            assert is_denied is (environment is attack.theirs), (statement, result)
            assert is_denied or not result.startswith("FAILED"), (statement, result)
        if environment is attack.theirs:
            assert glue.get_tables(DatabaseName=database)["TableList"] == before
            assert client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == objects
            glue.delete_table(DatabaseName=database, Name="parts")
    stolen = f"CREATE TABLE {attack.mine.sot_database}.stolen AS SELECT * FROM {attack.theirs.sot_database}.t"
    assert attack.query(stolen).startswith("FAILED: PERMISSION_DENIED: ")
    place = f"s3://{attack.theirs.bucket('sot')}"
    sent = f"UNLOAD (SELECT a FROM {attack.mine.sot_database}.t) TO '{place}/x/' WITH (format = 'ORC')"
    assert attack.query(sent).startswith("FAILED: PERMISSION_DENIED: ")
    outside = f"CREATE EXTERNAL TABLE {attack.mine.sot_database}.pointer (a string) LOCATION '{place}/t/'"
    assert attack.query(outside) == "no rows"  # the catalog does not check locations, but reading does
    for statement in ("SELECT * FROM {}.pointer", "INSERT INTO {}.pointer VALUES ('x')"):
        result = attack.query(statement.format(attack.mine.sot_database))
        assert result.startswith("FAILED: PERMISSION_DENIED: "), result
        assert SECRET not in result
    for name in ("copied", "more", "pointer"):
        client("glue").delete_table(DatabaseName=attack.mine.sot_database, Name=name)


def test_every_call_on_a_neighbour_and_on_the_service_is_denied(attack: Attack) -> None:
    mine, theirs, own, other = attack.mine, attack.theirs, outputs(attack.mine), outputs(attack.theirs)
    s3, glue, athena, sts = (attack.aws(name) for name in ("s3", "glue", "athena", "sts"))
    target, sot, group = theirs.bucket("sot"), theirs.sot_database, other.log_groups["output"]
    assets = attack.world.config.assets_bucket
    query = client("athena").start_query_execution(QueryString="SELECT 1", WorkGroup=other.athena_workgroup)[
        "QueryExecutionId"
    ]
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{theirs.bucket('glue_assets')}/jobs/a.py"}
    a_table = {"Name": "x", "StorageDescriptor": {"Columns": []}}
    by_key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": other.kms_key_arn}
    service = attack.world.config.service_role_arns[0]
    for call in (
        # bob's data, and those of the service
        lambda: s3.get_object(Bucket=target, Key="t/a.csv"),
        lambda: s3.list_objects_v2(Bucket=target),
        lambda: s3.put_object(Bucket=target, Key="x", Body=b""),
        lambda: s3.delete_object(Bucket=target, Key="t/a.csv"),
        lambda: s3.copy_object(Bucket=mine.bucket("sot"), Key="x", CopySource=f"{target}/t/a.csv"),
        lambda: s3.list_objects_v2(Bucket=assets),
        lambda: s3.get_object(Bucket=assets, Key=f"releases/{attack.world.config.assets_bucket}"),
        lambda: s3.list_buckets(),
        # settings of the own buckets, and the files that the service stored for jobs
        lambda: s3.put_bucket_policy(Bucket=mine.bucket("sot"), Policy="{}"),
        lambda: s3.delete_bucket(Bucket=mine.bucket("sot")),
        lambda: s3.create_bucket(Bucket=f"{mine.name}-more"),
        lambda: s3.put_object(Bucket=mine.bucket("glue_assets"), Key="jobs/.content/x", Body=b""),
        # bob's key, directly and through S3
        lambda: attack.aws("kms").decrypt(KeyId=other.kms_key_arn, CiphertextBlob=b"x"),
        lambda: attack.aws("kms").generate_data_key(KeyId=other.kms_key_arn, KeySpec="AES_256"),
        lambda: attack.aws("kms").generate_data_key(KeyId=own.kms_key_arn, KeySpec="AES_256"),
        lambda: s3.put_object(Bucket=mine.bucket("sot"), Key="x", Body=b"", **by_key),
        # the catalog
        lambda: glue.get_table(DatabaseName=sot, Name="t"),
        lambda: glue.get_tables(DatabaseName=sot),
        lambda: glue.create_table(DatabaseName=sot, TableInput=a_table),
        lambda: glue.delete_table(DatabaseName=sot, Name="t"),
        lambda: glue.create_database(DatabaseInput={"Name": f"terraglue_{mine.id}_more"}),
        lambda: glue.delete_database(Name=mine.sot_database),
        lambda: glue.create_table(DatabaseName="default", TableInput=a_table),
        lambda: glue.get_tables(DatabaseName="default"),
        # jobs and runs
        lambda: glue.start_job_run(JobName=own.job_id),
        lambda: glue.start_job_run(JobName=other.job_id),
        lambda: glue.get_jobs(),
        lambda: glue.get_job(JobName=other.job_id),
        lambda: glue.update_job(JobName=other.job_id, JobUpdate={"Role": own.role_arn, "Command": command}),
        lambda: glue.update_job(JobName=own.job_id, JobUpdate={"Role": other.role_arn, "Command": command}),
        lambda: glue.update_job(JobName=own.job_id, JobUpdate={"Role": service, "Command": command}),
        lambda: glue.create_job(Name=f"{mine.name}-more", Role=own.role_arn, Command=command),
        lambda: glue.delete_job(JobName=own.job_id),
        lambda: glue.reset_job_bookmark(JobName=own.job_id),
        # queries
        lambda: athena.start_query_execution(QueryString="SELECT 1", WorkGroup="primary"),
        lambda: athena.start_query_execution(QueryString="SELECT 1"),
        lambda: athena.start_query_execution(QueryString="SELECT 1", WorkGroup=other.athena_workgroup),
        lambda: athena.get_query_execution(QueryExecutionId=query),
        lambda: athena.get_query_results(QueryExecutionId=query),
        lambda: athena.stop_query_execution(QueryExecutionId=query),
        lambda: athena.list_query_executions(WorkGroup=other.athena_workgroup),
        lambda: athena.list_work_groups(),
        lambda: athena.delete_work_group(WorkGroup=own.athena_workgroup),
        # logs
        lambda: attack.aws("logs").describe_log_streams(logGroupName=group),
        lambda: attack.aws("logs").filter_log_events(logGroupName=group),
        lambda: attack.aws("logs").delete_log_group(logGroupName=own.log_groups["output"]),
        lambda: attack.aws("logs").describe_log_groups(),
        # other credentials and rights
        lambda: sts.assume_role(RoleArn=service, RoleSessionName="again"),
        lambda: sts.assume_role(RoleArn=attack.world.config.sandbox_user_role_arn, RoleSessionName="again"),
        lambda: sts.assume_role(RoleArn=own.role_arn, RoleSessionName="again"),
        lambda: sts.get_session_token(),
        lambda: sts.get_federation_token(Name="again"),
        lambda: attack.aws("iam").list_roles(),
        lambda: attack.aws("iam").put_role_policy(RoleName="x", PolicyName="x", PolicyDocument="{}"),
        lambda: attack.aws("cloudformation").describe_stacks(StackName=mine.name),
        lambda: attack.aws("dynamodb").scan(TableName="terraglue"),
        lambda: attack.aws("lambda").list_functions(),
    ):
        assert refused(call), call.__code__.co_firstlineno
    databases = {each["Name"] for each in glue.get_databases()["DatabaseList"]}
    assert all(name == "default" or mine.id in name for name in databases)


def test_queries_do_not_reach_the_data_of_a_neighbour(attack: Attack) -> None:
    mine, theirs = attack.mine, attack.theirs
    glue, target = attack.aws("glue"), theirs.bucket("sot")

    def made(name: str, location: str, **more: Any) -> str:
        storage = {**CSV_STORAGE, "Location": location}
        given = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage, **more}
        glue.create_table(DatabaseName=mine.sot_database, TableInput=given)
        return f"{mine.sot_database}.{name}"

    stolen = made("theirs_by_location", f"s3://{target}/t/")
    link = made(
        "link",
        f"s3://{mine.bucket('sot')}/t/",
        TargetTable={"DatabaseName": theirs.sot_database, "Name": "t"},
    )
    for sql in (
        f"SELECT a FROM {stolen}",
        f"SELECT a FROM {link}",
        f"SELECT a FROM {theirs.sot_database}.t",
        f"CREATE TABLE {mine.sot_database}.c WITH (external_location = 's3://{target}/new/') AS SELECT 1 a",
        f"CREATE OR REPLACE VIEW {mine.sot_database}.seen AS SELECT a FROM {theirs.sot_database}.t",
        f"UNLOAD (SELECT 1 AS a) TO 's3://{target}/new/' WITH (format = 'PARQUET')",
        f"INSERT INTO {stolen} VALUES ('x')",
        f"DROP TABLE {theirs.sot_database}.t",
    ):
        answer = attack.query(sql)
        assert answer.startswith("FAILED"), (sql, answer)
        assert SECRET not in answer
    listed_keys = client("s3").list_objects_v2(Bucket=target)["Contents"]
    assert [item["Key"] for item in listed_keys] == ["t/a.csv"]
    assert client("glue").get_table(DatabaseName=theirs.sot_database, Name="t")


CSV_STORAGE: dict[str, Any] = {
    "Columns": [{"Name": "a", "Type": "string"}],
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ","},
    },
}


def test_no_action_of_another_role_leaves_the_sandbox(attack: Attack) -> None:
    """Try each action of each policy on the resources of the policy, with ana's and with bob's names."""
    caller = access._caller(ACCOUNT, attack.credentials.access_key_id)
    assert caller is not None
    granted = set(permissions())
    assert len(granted) > 300
    reached = set()
    for action, resource in granted:
        for sandbox in (attack.mine, attack.theirs):
            name = resource.replace("??????????", sandbox.id).replace(SANDBOX, sandbox.id)
            key = outputs(sandbox).kms_key_arn
            check = PermissionCheck(
                action,
                key if ":key/" in name else name,
                {
                    "aws:ResourceAccount": ACCOUNT,
                    "aws:ResourceTag/terraglue:environment": sandbox.id,
                    "iam:PassedToService": "glue.amazonaws.com",
                    "kms:CallerAccount": ACCOUNT,
                    "kms:ViaService": f"s3.{REGION}.amazonaws.com",
                },
            )
            if access._refusal(ACCOUNT, caller, check) is None:
                reached.add((action, check.resource))
    names = (attack.mine.id, outputs(attack.mine).kms_key_arn, ":catalog", "/default", "/AwsDataCatalog")
    assert [each for each in reached if not any(name in each[1] for name in names)] == []
    actions = {action for action, _ in reached}
    [user] = [each.document for each in documents() if (each.owner, each.kind) == ("SandboxUser", "identity")]
    assert actions == {
        action
        for statement in user["Statement"]
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }


def permissions() -> Iterator[tuple[str, str]]:
    """Every action and resource that a policy of the service, or of a sandbox's role, allows."""
    for found in documents():
        for statement in listed(found.document["Statement"]):
            if found.kind == "identity" and statement["Effect"] == "Allow" and "Action" in statement:
                yield from product(listed(statement["Action"]), listed(statement["Resource"]))
