"""The local CloudFormation over real HTTP, and frequent calls of its tests."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local.aws import clients, events
from local.cloudformation.engine import CloudFormation, CloudFormationOptions
from local.iam import access

Aws = Callable[[str], Any]


@contextlib.contextmanager
def serving(seconds_per_stack: float = 0) -> Iterator[Aws]:
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    make = functools.cache(functools.partial(clients.client, endpoint=f"http://127.0.0.1:{server.port}"))
    unchecked = access.install()
    engine = CloudFormation(
        CloudFormationOptions(make, events.publish, "us-east-1", seconds_per_stack=seconds_per_stack)
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield make
    finally:
        engine.close()  # moto has its own CloudFormation back for other tests
        unchecked()
        server.shutdown()
        server.server_close()
        thread.join()


def template(resources: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Resources": resources, **more})


def bucket(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, **more}


def create(aws: Aws, name: str, body: str, **arguments: Any) -> str:
    stack = aws("cloudformation").create_stack(StackName=name, TemplateBody=body, **arguments)
    return str(stack["StackId"])


def settled(aws: Aws, name: str) -> dict[str, Any]:
    for _ in range(500):
        stack: dict[str, Any] = aws("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.02)
    raise AssertionError(f"{name} stays {stack['StackStatus']}")


def history(aws: Aws, name: str) -> list[tuple[str, str]]:
    shown = aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(shown)]


def buckets(aws: Aws) -> set[str]:
    return {bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]}


def deployer(aws: Aws, name: str, *actions: str, resource: str = "*", service: str = "cloudformation") -> str:
    """The ARN of a role for stacks that allows these actions on a resource."""
    trust = {"Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    documents = [
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
        for statement in (trust, {"Action": [*actions], "Resource": resource})
    ]
    role = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=documents[0])["Role"]
    aws("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=documents[1])
    return str(role["Arn"])


def propose(aws: Aws, stack: str, name: str = "next", **arguments: Any) -> dict[str, Any]:
    """A change set, when it has settled."""
    call = aws("cloudformation").create_change_set
    made = call(StackName=stack, ChangeSetName=name, **arguments)
    for _ in range(500):
        shown: dict[str, Any] = aws("cloudformation").describe_change_set(ChangeSetName=made["Id"])
        if shown["Status"] in ("CREATE_COMPLETE", "FAILED"):
            return shown
        time.sleep(0.02)
    raise AssertionError(shown)


def changes(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"] for change in shown["Changes"]
    }


def update(aws: Aws, stack: str, body: str, **arguments: Any) -> dict[str, Any]:
    aws("cloudformation").update_stack(StackName=stack, TemplateBody=body, **arguments)
    return settled(aws, stack)


def made(aws: Aws, stack: str, body: str, **arguments: Any) -> dict[str, Any]:
    create(aws, stack, body, **arguments)
    shown = settled(aws, stack)
    assert shown["StackStatus"] == "CREATE_COMPLETE", history(aws, stack)
    return shown


def versioned(name: str, **more: Any) -> dict[str, Any]:
    """A versioned bucket. Versioning is another property than the name."""
    properties = {"BucketName": name, "VersioningConfiguration": {"Status": "Enabled"}}
    return {"Type": "AWS::S3::Bucket", "Properties": properties, **more}


def job(name: str, **properties: Any) -> dict[str, Any]:
    given = {"Name": name, "Role": "r", "Command": {"Name": "glueetl"}, **properties}
    return {"Type": "AWS::Glue::Job", "Properties": given}


def reasons(aws: Aws, stack: str, status: str) -> list[str]:
    shown = aws("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [event["ResourceStatusReason"] for event in shown if event["ResourceStatus"] == status]
