"""moto over HTTP with IAM, as the S3 of the tests' Spark session."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from pyspark.sql import SparkSession
from werkzeug.serving import make_server

from local.aws import clients
from local.iam import access
from tests.support.glue_server import TRUST
from tests.support.spark_session import hadoop_configuration

Fault = Callable[[WSGIEnvironment], int | None]


@dataclass
class SparkS3:
    """A server with a record of the requests of Spark."""

    spark: SparkSession
    client: Callable[..., Any]
    requests: list[str] = field(default_factory=list)
    fault: Fault = lambda _: None

    def bucket(self) -> str:
        """Create a bucket with a new name. Return the name."""
        name = f"b-{uuid.uuid4().hex[:12]}"
        self.client("s3").create_bucket(Bucket=name)
        return name

    def put(self, bucket: str, key: str, body: bytes = b"x") -> None:
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def get(self, bucket: str, key: str) -> bytes:
        content: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def keys(self, bucket: str) -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    @contextlib.contextmanager
    def role(self, *statements: tuple[str, str]) -> Iterator[None]:
        """Give Spark the credentials of a role that may do some actions on some resources."""
        name = f"role-{uuid.uuid4().hex[:12]}"
        iam = self.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        allowed = [{"Effect": "Allow", "Action": action, "Resource": what} for action, what in statements]
        iam.put_role_policy(
            RoleName=name,
            PolicyName="own",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allowed}),
        )
        given = access.assume(self.client, name, "glue.amazonaws.com", "session")
        hadoop = hadoop_configuration(self.spark)
        hadoop.set("fs.s3a.access.key", given.access_key_id)
        hadoop.set("fs.s3a.session.token", given.session_token)
        try:
            yield
        finally:
            hadoop.unset("fs.s3a.access.key")
            hadoop.unset("fs.s3a.session.token")

    @property
    def jvm(self) -> Any:
        return self.spark.sparkContext._jvm

    def path(self, uri: str) -> Any:
        return self.jvm.org.apache.hadoop.fs.Path(uri)

    def files(self, uri: str) -> Any:
        """Hadoop's file system of a URI."""
        return self.path(uri).getFileSystem(hadoop_configuration(self.spark))

    def listed(self, uri: str) -> dict[str, int | None]:
        """Sizes of the files in a folder, and None for its folders, by path."""
        found = self.files(uri).listStatus(self.path(uri))
        return {each.getPath().toString(): None if each.isDirectory() else each.getLen() for each in found}

    def below(self, uri: str) -> dict[str, int]:
        """Sizes of all files below a folder, by path."""
        found, sizes = self.files(uri).listFiles(self.path(uri), True), {}
        while found.hasNext():
            status = found.next()
            sizes[status.getPath().toString()] = status.getLen()
        return sizes

    def read(self, uri: str) -> bytes:
        stream = self.files(uri).open(self.path(uri))
        try:
            return bytes(self.jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
        finally:
            stream.close()

    def write(self, uri: str, body: bytes, *, overwrite: bool = True) -> None:
        stream = self.files(uri).create(self.path(uri), overwrite)
        stream.write(body)
        stream.close()


@contextlib.contextmanager
def serving(spark: SparkSession) -> Iterator[SparkS3]:
    """Serve moto with checks of IAM to the Spark session."""
    inner = DomainDispatcherApplication(create_backend_app)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_USER_AGENT", "").startswith("Java/"):
            query = environ["QUERY_STRING"]
            method = "LIST" if "list-type" in query else environ["REQUEST_METHOD"]
            s3.requests.append(f"{method} {environ['PATH_INFO']}{'?' + query if query else ''}")
            if status := s3.fault(environ):
                start_response(f"{status} Fault", [("Content-Length", "0")])
                return []
        return inner(environ, start_response)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    s3 = SparkS3(spark, functools.cache(functools.partial(clients.client, endpoint=url)))
    unchecked = access.install()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hadoop = hadoop_configuration(spark)
    hadoop.set("terraglue.s3.endpoint", url)
    try:
        yield s3
    finally:
        hadoop.unset("terraglue.s3.endpoint")
        unchecked()
        server.shutdown()
        server.server_close()
        thread.join()
