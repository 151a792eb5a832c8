"""Parameters of the service's template, and the keys that set them in a stage file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.requirements import ROOT

TEMPLATES = ("resources.json", "functions.json", "identity.json", "alarms.json", "rollout.json")
"""Files in chalice_app/ that the package merges into Chalice's template."""

STAGE_PARAMETER = "Stage"
"""Parameter with the name of the stage. The file's name sets it, no key."""

REVISION_PARAMETER = "Revision"
"""Parameter with a hash of code and configuration. deploy/rollout.py computes it, no key sets it."""

SERVICE_URL_PARAMETER = "ServiceUrl"
"""Parameter with the URL of the API, for the sign-in of the portal. It is known when the API exists."""

WITHOUT_KEY = (STAGE_PARAMETER, REVISION_PARAMETER, SERVICE_URL_PARAMETER)

Json = dict[str, Any]


def declared() -> dict[str, Json]:
    """Return the parameters of this checkout's template."""
    found: dict[str, Json] = {}
    for name in TEMPLATES:
        part = json.loads((ROOT / "chalice_app" / name).read_text(encoding="utf-8"))
        found |= part.get("Parameters", {})
    return found


def key_of(parameter: str) -> str:
    """Return the key of a parameter: BUDGET_USD for BudgetUsd."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).upper()


def errors(parameters: Mapping[str, Json], given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each value that the template does not allow, and what the template requires."""
    for name, value in given.items():
        if (expected := _violated(parameters[name], value)) is not None:
            yield name, expected


def _violated(parameter: Json, value: str) -> str | None:
    """Return the constraint that a value violates.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
    """
    if choices := parameter.get("AllowedValues"):
        return None if value in map(str, choices) else f"must be one of {', '.join(map(str, choices))}"
    if parameter["Type"] == "Number":
        least, most = parameter.get("MinValue", float("-inf")), parameter.get("MaxValue", float("inf"))
        is_number = re.fullmatch(r"-?[0-9]{1,16}(\.[0-9]{1,6})?", value) is not None
        if is_number and least <= float(value) <= most:
            return None
        return f"must be a number from {least}" + (f" to {most}" if "MaxValue" in parameter else "")
    shortest, longest = parameter.get("MinLength", 0), parameter.get("MaxLength", 4096)
    if not shortest <= len(value) <= longest:
        return f"must have {shortest} to {longest} characters"
    pattern = parameter.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return f"must match {pattern}: {parameter.get('Description', '')}".rstrip(": ")
    return None
