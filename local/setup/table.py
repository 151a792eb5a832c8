"""The service's DynamoDB table, as `chalice_app/resources.json` defines it."""

from __future__ import annotations

import json
from typing import Any

from local.runtime.paths import ROOT

_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


def table_properties() -> dict[str, Any]:
    """Return the parameters of CreateTable, without the table's name."""
    resources = json.loads((ROOT / "chalice_app" / "resources.json").read_text(encoding="utf-8"))
    properties = resources["Resources"]["Table"]["Properties"]
    return {name: properties[name] for name in _PROPERTIES}
