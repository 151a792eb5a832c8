"""Pages of the records that belong to one environment."""

from __future__ import annotations

from chalicelib.aws.dynamodb import Page, Table
from chalicelib.domain.json_types import Json


def children(
    table: Table,
    environment_id: str,
    prefix: str,
    limit: int,
    start: Json | None,
    *,
    consistent: bool = False,
) -> Page[Json]:
    """Return a page of an environment's records whose sort keys have a prefix, newest first.

    A `consistent` read has every record that was written before it.
    """
    values = {":pk": f"ENV#{environment_id}", ":prefix": prefix}
    return table.query(
        "pk = :pk AND begins_with(sk, :prefix)", values, limit=limit, start=start, ConsistentRead=consistent
    )
