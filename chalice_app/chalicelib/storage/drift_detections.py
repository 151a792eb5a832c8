"""Records of drift detections: one per environment, with the sort key `DRIFT`."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.domain.drift import DriftDetection
from chalicelib.domain.json_types import Json
from chalicelib.storage.codec import fields_of, stored_fields


class DriftDetections:
    """Reads and writes the last detection of environments. AWS errors are raised as `AwsError`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def last(self, environment_id: str) -> DriftDetection | None:
        """Return the last detection of an environment, or None."""
        item = self._table.get(_key(environment_id))
        return DriftDetection(**fields_of(DriftDetection, item)) if item else None

    def save(self, detection: DriftDetection) -> None:
        """Replace the last detection of an environment, unless a later one is recorded."""
        item = {**_key(detection.environment_id), **stored_fields(detection)}
        condition = "attribute_not_exists(pk) OR started_at <= :at"
        with suppress(ConditionFailed):
            self._table.transact([self._table.put(item, condition, {":at": detection.started_at})])


def _key(environment_id: str) -> Json:
    return {"pk": f"ENV#{environment_id}", "sk": "DRIFT"}
