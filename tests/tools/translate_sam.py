"""AWS's own translator of SAM templates to CloudFormation: `python tests/tools/translate_sam.py IN OUT`.

It runs in a virtual environment of its own, .venv/sam, for it wants an older pydantic than the service.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """Stub for the names of AWS's managed policies. The template uses none."""

    def load(self) -> dict[str, str]:
        return {}


def main(source: Path, target: Path) -> None:
    template = json.loads(source.read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":  # as `aws cloudformation package` does
            resource["Properties"]["CodeUri"] = "s3://packages/deployment.zip"
    translated = transform(template, {}, NoManagedPolicies())
    target.write_text(json.dumps(translated, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
