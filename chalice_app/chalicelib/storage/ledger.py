"""The ledger: the charges of each day."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.aws.dynamodb import Table
from chalicelib.domain.charge import Charge
from chalicelib.domain.json_types import Json
from chalicelib.storage.codec import fields_of, stored_fields

_PAGE = 4000
"""A Query reads at most 1 MB, which are about as many charges."""


class Ledger:
    """Reads charges. AWS errors are raised as `AwsError`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def charges(
        self, day: str, environment_id: str | None = None, *, after: str | None = None
    ) -> Iterator[Charge]:
        """Yield the charges of a day (`yyyy-mm-dd`, UTC), of one environment or of all.

        They are in the order of their keys. `after` is the key of a charge, and leaves out those up to it.
        """
        prefix = "CHARGE#" if environment_id is None else f"CHARGE#{environment_id}#"
        condition = "pk = :pk AND begins_with(sk, :prefix)"
        values = {":pk": f"LEDGER#{day}", ":prefix": prefix}
        start: Json | None = {"pk": f"LEDGER#{day}", "sk": after} if after else None
        while True:
            page = self._table.query(condition, values, limit=_PAGE, newest_first=False, start=start)
            for item in page.items:
                yield Charge(**fields_of(Charge, item))
            start = page.next
            if start is None:
                return


def charge_key(charge: Charge) -> str:
    """Return the sort key of a charge. It has no owner, so that owners can be forgotten."""
    return f"CHARGE#{charge.environment_id}#{charge.kind}#{charge.id}#{charge.number}"


def charge_item(charge: Charge) -> Json:
    """Return the item of a charge."""
    return {"pk": f"LEDGER#{charge.day}", "sk": charge_key(charge), **stored_fields(charge)}
