"""`make plan` against moto over HTTP: real requests, and APIs that the server does not have."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from deploy.findings import Severity, find

EMPTY = {"CreateDatabaseDefaultPermissions": [], "CreateTableDefaultPermissions": []}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    # What another test has left: moto's account belongs to the process, not to the server.
    urllib.request.urlopen(f"{url}/moto-api/reset", data=b"").close()
    try:
        yield boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    finally:
        server.stop()


def test_settings_and_resources_of_an_account_are_found(session: boto3.Session) -> None:
    session.client("lakeformation").put_data_lake_settings(DataLakeSettings=EMPTY)
    glue = session.client("glue")
    glue.put_data_catalog_encryption_settings(
        DataCatalogEncryptionSettings={
            "EncryptionAtRest": {"CatalogEncryptionMode": "SSE-KMS", "SseAwsKmsKeyId": "1234"}
        }
    )
    for number in range(55):
        glue.create_security_configuration(Name=f"other-{number}", EncryptionConfiguration={})
    findings = {finding.title: finding for finding in find(session, {})}
    blocking = {title for title, finding in findings.items() if finding.severity is Severity.BLOCKS}
    assert blocking >= {
        "Lake Formation controls access to new databases and tables",
        "The Data Catalog is encrypted with the KMS key 1234",
        "API Gateway has no CloudWatch role in this Region",
    }
    limit = findings["Quota for 195 environments: Max security configurations per account (glue)"]
    assert "of which others use 55" in limit.detail
    # moto has no policy simulator and no limits of CloudFormation.
    assert "Some settings could not be read" in findings
