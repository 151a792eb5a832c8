"""AWS's own translator of SAM templates to CloudFormation: `python tests/tools/translate_sam.py IN OUT`.

`--at SECONDS` sets the time of the translation, which names deployments of APIs with AlwaysDeploy.
`--parameter NAME=VALUE` sets a parameter of the stack, whose default is used otherwise.

It runs in a virtual environment of its own, .venv/sam, for it wants an older pydantic than the service.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from samtranslator.model import apigateway
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """Stub for the names of AWS's managed policies. The template uses none."""

    def load(self) -> dict[str, str]:
        return {}


def main(source: Path, target: Path, parameters: dict[str, str]) -> None:
    template = json.loads(source.read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":  # as `aws cloudformation package` does
            resource["Properties"]["CodeUri"] = "s3://packages/deployment.zip"
    translated = transform(template, {"Revision": "0123456789"} | parameters, NoManagedPolicies())
    target.write_text(json.dumps(translated, indent=1), encoding="utf-8")


class Clock:
    """Stands in for the module `time` of the translator."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def time(self) -> float:
        return self._seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--at", type=float)
    parser.add_argument("--parameter", action="append", default=[])
    options = parser.parse_args()
    if options.at is not None:
        apigateway.time = Clock(options.at)
    main(options.source, options.target, dict(pair.split("=", 1) for pair in options.parameter))
