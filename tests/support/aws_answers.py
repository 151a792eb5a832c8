"""A boto3 session whose calls get answers of the test, without HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.model import OperationModel
from botocore.validate import validate_parameters

Answers = Mapping[str, Any]
"""By operation name: the answer, or the error code as a string. Other operations do not exist."""


def session(answers: Answers, calls: list[str] | None = None, *, region: str = "us-east-1") -> boto3.Session:
    """Return a session with these answers. `calls` collects the operation names.

    An answer must have the shape that botocore's model of the operation requires.
    """
    made = boto3.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="secret", region_name=region
    )

    def answer(model: OperationModel, params: Mapping[str, Any], **_: Any) -> tuple[Any, Any]:
        if calls is not None:
            calls.append(model.name)
        given = answers.get(model.name, "UnknownOperationException")
        if callable(given):
            given = given(params)
        if isinstance(given, str):
            error = {"Error": {"Code": given, "Message": given}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            return SimpleNamespace(status_code=400), error
        if model.output_shape is not None:
            validate_parameters(given, model.output_shape)
        return SimpleNamespace(status_code=200), {**given, "ResponseMetadata": {}}

    made.events.register("before-call", answer)
    return made
