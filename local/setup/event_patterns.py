"""Event patterns of the service's rules, as the packaged template has them."""

from __future__ import annotations

import functools
from typing import Any

from chalice.package import TemplateDeepMerger

from deploy.package import merged
from local.aws.clients import REGION
from local.runtime.paths import ROOT
from local.setup import roles

Json = dict[str, Any]


def packaged(handler: str, declared: Json, region: str = REGION) -> Json:
    """Return the pattern of a handler's rule: what `app.py` declares, and what the package adds to it."""
    logical_id = "".join(part.capitalize() for part in handler.split("_"))  # as Chalice names it
    rule = _resources().get(logical_id, {}).get("Properties", {}).get("Events", {}).get(f"{logical_id}Event")
    added = rule["Properties"].get("Pattern", {}) if rule else {}
    pattern: Json = roles.resolved(TemplateDeepMerger().merge(added, declared), roles.account_values(region))
    return pattern


@functools.cache
def _resources() -> Json:
    resources: Json = merged(ROOT / "chalice_app")["Resources"]
    return resources
