"""Names of AWS's partitions and domains: no template, policy or module is bound to one partition.

`AWS::Partition` and `AWS::URLSuffix` differ in China and in other partitions:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.aws.s3 import Buckets
from deploy.package import merged
from glue_assets.template_builder import assemble, parse
from tests.support.paths import ROOT

# Principals of services end in amazonaws.com in every partition, except those of a few other services:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
PRINCIPALS = re.compile(
    r"(apigateway|cloudformation|cloudwatch|codedeploy|events|glue|lambda)\.amazonaws\.com"
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
LINKED_ROLE = re.compile(r".*:role/aws-service-role/athena\.amazonaws\.com/\*")
EXAMPLE = re.compile(r"examples=|::000000000000:")
POLICIES = sorted((ROOT / "chalice_app/.chalice/policies").iterdir())
CODE = [
    path
    for folder in ("chalice_app/chalicelib", "deploy", "glue_assets")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def bound(document: Any) -> list[str]:
    """Return the strings of a document that name one partition."""
    return [
        text
        for text in strings(document)
        if re.search(r"\barn:aws[a-z-]*:", text)
        or ("amazonaws" in text and not PRINCIPALS.fullmatch(text) and not LINKED_ROLE.fullmatch(text))
    ]


def test_the_check_finds_what_it_looks_for() -> None:
    wrong = ["arn:aws:s3:::bucket", "s3.${AWS::Region}.amazonaws.com", "arn:aws-cn:iam::1:role/a"]
    right = ["arn:${AWS::Partition}:s3:::bucket", "glue.amazonaws.com", "s3.${AWS::Region}.${AWS::URLSuffix}"]
    assert bound({"Resource": [*wrong, *right]}) == wrong


def test_the_services_template_works_in_every_partition() -> None:
    assert bound(merged(ROOT / "chalice_app")) == []


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_the_functions_policies_work_in_every_partition(path: Path) -> None:
    assert bound(json.loads(path.read_text(encoding="utf-8"))) == []


def test_the_sandboxes_template_works_in_every_partition() -> None:
    assert bound(parse(assemble(ROOT / "glue_assets"))) == []


def test_no_module_names_a_partition_or_its_domain() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in CODE
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\barn:aws[a-z-]*:[a-z]|\.amazonaws\.com(?!\.cn/)", line) and not EXAMPLE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "bucket.s3.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "bucket.s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "bucket.s3.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "bucket.s3.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_the_url_of_an_object_has_the_domain_of_its_partition(region: str, host: str) -> None:
    client = boto3.client("s3", region_name=region, aws_access_key_id="a", aws_secret_access_key="b")
    assert Buckets(client).url("bucket", "a/b.yaml") == f"https://{host}/a/b.yaml"
