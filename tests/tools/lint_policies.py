"""Findings of parliament in every policy: `python tests/tools/lint_policies.py POLICIES.json`.

`parliament.toml` beside this file explains the accepted findings. A finding without an explanation fails, and
so does an explanation without a finding. It runs in a virtual environment of its own, .venv/iam.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parliament import analyze_policy_string

ACCEPTED = Path(__file__).with_name("parliament.toml")
ROLE = "arn:aws:iam::123456789012:role/itself"


def findings(policies: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the issue and the place of each finding."""
    for policy in policies:
        document = policy["document"]
        is_trust = policy["kind"] == "trust"
        if is_trust:  # has no Resource, without which parliament reads no further
            statements = [{**statement, "Resource": ROLE} for statement in document["Statement"]]
            document = {**document, "Statement": statements}
        found = analyze_policy_string(json.dumps(document), include_community_auditors=not is_trust).findings
        for finding in found:
            where = {k: v for k, v in (finding.location or {}).items() if k in ("string", "actions", "type")}
            text = " ".join(str(part) for part in (finding.detail, where) if part)
            yield finding.issue, f"{policy['owner']} {policy['kind']}: {text}"


def main(path: Path) -> int:
    """Print what is not explained. Return the exit code."""
    accepted = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))["accepted"]
    unused = list(accepted)
    unexplained, explained = [], 0
    for issue, place in findings(json.loads(path.read_text(encoding="utf-8"))):
        matching = [a for a in accepted if a["issue"] == issue and re.search(a["where"], place)]
        unused = [each for each in unused if each not in matching]
        if matching:
            explained += 1
        else:
            unexplained.append(f"{issue}: {place}")
    unexplained += [f"no such finding any more: {each['issue']} {each['where']}" for each in unused]
    print(
        "\n".join([*unexplained, f"parliament: {explained} explained findings, {len(unexplained)} others."])
    )
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
