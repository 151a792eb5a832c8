"""Checks of requests about cohorts. They find every problem, so that one response names all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.clock import parse
from chalicelib.config import Config
from chalicelib.domain.cohort import MOST_OWNERS, CohortAction
from chalicelib.domain.owner_names import is_folded, is_name
from chalicelib.domain.requests import CohortActionRequest, CohortRequest
from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.errors import InvalidFields
from chalicelib.services.data_sets import DataSets
from chalicelib.storage.cohorts import Owners

Problems = list[dict[str, str]]

_NEEDED = {CohortAction.EXTEND: "hours", CohortAction.FREEZE: "reason"}


class CohortChecks:
    """Checks requests about cohorts against the operator's configuration and the published data sets."""

    def __init__(self, config: Config, data_sets: DataSets) -> None:
        self._config = config
        self._data_sets = data_sets

    def checked(self, wanted: CohortRequest, moment: datetime) -> tuple[list[str], str | None, Problems]:
        """Return the owners and the release's ID of a new cohort, and what is wrong with the request."""
        names, wrong = self._owners(wanted.owners, "/owners", {})
        settings = invalid_combinations(wanted.settings, self._config.limits, moment)
        wrong += [{**each, "pointer": f"/settings{each['pointer']}"} for each in settings]
        release = self._data_sets.newest(wanted.data)
        if release is None:
            wrong.append(self._data_sets.unknown())
        if wanted.expires_at is not None:
            wrong += self._wrong_expiration(wanted.expires_at, moment)
        return names, release.id if release else None, wrong

    def check_action(self, action: CohortAction, wanted: CohortActionRequest) -> None:
        """Raise `InvalidFields` unless a request has what its action needs, and nothing else."""
        wrong: Problems = []
        for name in ("hours", "reason"):
            is_needed, is_given = name == _NEEDED.get(action), getattr(wanted, name) is not None
            if is_needed != is_given:
                detail = f"{'Required' if is_needed else 'Not allowed'} for {action}."
                wrong.append({"pointer": f"/{name}", "detail": detail})
        maximum = self._config.limits.expires_in_hours
        if wanted.hours is not None and wanted.hours > maximum:
            detail = f"The operator allows 1 to {maximum} hours from now."
            wrong.append({"pointer": "/hours", "detail": detail})
        if wrong:
            raise InvalidFields(wrong)

    def changed_owners(
        self, before: Owners, last_number: int, add: Sequence[str], remove: Sequence[str]
    ) -> Owners:
        """Return the owners of a cohort after a change. Raises `InvalidFields`."""
        known = {owner: number for number, owner in before}
        removed, wrong = self._owners(remove, "/remove", {})
        wrong += [
            {"pointer": f"/remove/{index}", "detail": "The cohort has no such member."}
            for index, name in enumerate(remove)
            if is_name(name) and self._config.owner(name) not in known
        ]
        left = {owner: number for owner, number in known.items() if owner not in removed}
        added, more = self._owners(add, "/add", dict.fromkeys(left, "a member"))
        if len(left) + len(added) > MOST_OWNERS:
            more.append({"pointer": "/add", "detail": f"A cohort has at most {MOST_OWNERS} members."})
        if not left and not added:
            more.append({"pointer": "/remove", "detail": "A cohort has at least one member."})
        if wrong := [*wrong, *more]:
            raise InvalidFields(wrong)
        kept = sorted((number, owner) for owner, number in left.items())
        return [*kept, *enumerate(added, last_number + 1)]

    def _owners(
        self, given: Sequence[str], pointer: str, known: Mapping[str, str]
    ) -> tuple[list[str], Problems]:
        """Return owners as the service compares them, and what is wrong with them.

        `known` are names that must not occur again, each with its place.
        """
        places = dict(known)
        names: list[str] = []
        wrong: Problems = []
        for index, name in enumerate(given):
            at = f"{pointer}/{index}"
            if not is_name(name):
                wrong.append({"pointer": at, "detail": "Must be 1 to 128 printable characters."})
                continue
            if name != name.strip():  # nobody could sign in as this owner
                wrong.append({"pointer": at, "detail": "Must not begin or end with a space."})
                continue
            folded = self._config.owner(name)
            if folded in places:
                wrong.append({"pointer": at, "detail": f"The same owner as {places[folded]}."})
                continue
            names.append(folded)
            places[folded] = at
        return names, wrong

    def _wrong_expiration(self, expires_at: str, moment: datetime) -> Problems:
        maximum = self._config.limits.expires_in_hours
        try:
            hours = math.ceil((parse(expires_at) - moment).total_seconds() / 3600)
        except ValueError:  # such as the 31st of a shorter month
            return [{"pointer": "/expires_at", "detail": "Must be a time."}]
        if 1 <= hours <= maximum:
            return []
        return [{"pointer": "/expires_at", "detail": f"Must be within the next {maximum} hours."}]


def owner_warnings(config: Config) -> list[str]:
    """Return what an admin should know about the names of owners."""
    if is_folded(config.owner_claim):
        return []
    return [
        f"Write each owner exactly as in the claim {config.owner_claim} of their sign-in, with "
        "the same capital letters. If its values are IDs that nobody knows before, ask the operator for "
        "OWNER_CLAIM=email."
    ]
