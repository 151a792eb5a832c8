"""Small rules of the service, without I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from chalicelib.api.cursors import Cursors
from chalicelib.aws.cloudformation import resource_state
from chalicelib.clock import environment_id, later, parse, sortable_id, timestamp
from chalicelib.config import Config
from chalicelib.domain import pricing
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.names import ENVIRONMENT_ID, environment_of_job, environment_of_stack
from chalicelib.domain.requests import RunRequest
from chalicelib.domain.settings import Settings
from chalicelib.errors import BadRequest, IdempotencyKeyReused, InvalidFields
from chalicelib.sandbox.template_parameters import stack_tags
from chalicelib.services.idempotency import checked_key, fingerprint

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, UTC)


def test_timestamps_are_utc_sortable_and_parseable() -> None:
    assert timestamp(NOON) == "2026-11-23T12:00:00.123Z"
    assert timestamp(NOON.astimezone(tz=None)) == "2026-11-23T12:00:00.123Z"
    assert later(NOON, 60) == "2026-11-23T12:01:00.123Z" > timestamp(NOON)
    assert parse("2026-11-23T12:00:00.123Z") == NOON.replace(microsecond=123000)


def test_ids_have_the_form_that_names_allow_and_run_ids_sort_by_time() -> None:
    assert all(ENVIRONMENT_ID.fullmatch(environment_id()) for _ in range(50))
    moments = [NOON + timedelta(milliseconds=n * n) for n in range(1, 50)]
    ids = [sortable_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert len(set(ids)) == 49


@pytest.mark.parametrize(
    ("seconds", "expected"),
    # 5 workers of 1 DPU at 0.44 USD an hour: one minute is the least that is billed.
    [(0, 0), (1, 36_667), (60, 36_667), (61, 37_278), (3600, 2_200_000)],
)
def test_the_cost_of_a_run_equals_glues_bill(seconds: int, expected: int) -> None:
    used = pricing.dpu_seconds("G.1X", 5, seconds)
    assert pricing.cost_micro_usd(used, Decimal("0.44")) == expected


def test_bigger_workers_cost_more() -> None:
    small = pricing.worst_case_micro_usd("G.1X", 2, 15, Decimal("0.44"))
    assert pricing.worst_case_micro_usd("G.8X", 2, 15, Decimal("0.44")) == 8 * small == 1_760_000


def test_cursors_are_decoded_unchanged_and_others_are_rejected() -> None:
    cursors, key = Cursors("secret"), {"pk": "ENV#abc", "created_at": "2026-11-23T12:00:00.123Z"}
    good = cursors.encode(key, ("list", "ana"))
    assert good is not None
    assert cursors.decode(good, ("list", "ana")) == key
    assert cursors.encode(None, ("list", "ana")) is None is cursors.decode(None, ("list", "ana"))
    changed = good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB")
    for bad in ("", "a", "!!!!", "bnVsbA", "WzFd", "eyJhIjogMX0", good[:-1], good + "A", changed):
        with pytest.raises(BadRequest):
            cursors.decode(bad, ("list", "ana"))
    for other in (Cursors("another secret"), cursors):
        with pytest.raises(BadRequest):
            other.decode(good, ("list", "ben"))


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("terraglue-abcdefgh23", "abcdefgh23"),
        ("arn:aws:cloudformation:us-east-1:1:stack/terraglue-abcdefgh23/1-2", "abcdefgh23"),
        ("arn:aws:cloudformation:us-east-1:1:stack/another-abcdefgh23/1-2", None),
        ("terraglue-short", None),
        ("terraglue", None),
    ],
)
def test_only_our_stacks_belong_to_an_environment(stack: str, expected: str | None) -> None:
    assert environment_of_stack(stack) == expected


def test_only_our_jobs_belong_to_an_environment() -> None:
    assert environment_of_job("terraglue-abcdefgh23-sot-ecommerce-br") == "abcdefgh23"
    for other in ("terraglue-abcdefgh23", "terraglue-abcdefgh23-", "x", "terraglue-abcdefgh1!-job"):
        assert environment_of_job(other) is None


def test_the_same_request_has_the_same_fingerprint_in_any_notation() -> None:
    assert fingerprint("POST /a", {"x": 1, "y": 2}) == fingerprint("POST /a", {"y": 2, "x": 1})
    assert fingerprint("POST /a", {"x": 1}) != fingerprint("POST /b", {"x": 1})
    assert fingerprint("POST /a", {"x": 1}) != fingerprint("POST /a", {"x": 2})


def test_idempotency_keys_are_short_and_printable() -> None:
    assert checked_key(None) is None
    assert checked_key("a" * 255) == "a" * 255
    for bad in ("", "a" * 256, "a\nb", "é"):
        with pytest.raises(InvalidFields):
            checked_key(bad)
    assert IdempotencyKeyReused("x").status == 422


def test_a_later_state_of_a_resource_sorts_after_an_earlier_one() -> None:
    second = "2026-11-23T12:00:00Z"
    begun = resource_state("s", "T", "CREATE_IN_PROGRESS", None, second)
    done = resource_state("s", "T", "CREATE_COMPLETE", None, second)
    deleting = resource_state("s", "T", "DELETE_IN_PROGRESS", None, "2026-11-23T12:00:01Z")
    assert begun.order < done.order < deleting.order


def test_an_owner_with_special_characters_is_made_safe_for_tags() -> None:
    environment = Environment(
        id="abcdefgh23",
        owner="ana <script>\u00e9@x.org",
        status=Status.QUEUED,
        release="1",
        settings=Settings(),
        created_at="",
        updated_at="",
        expires_at="",
    )
    config = Config(
        "t", "b", "https://issuer", "a", "https://issuer/jwks", "key", stack_tags={"cost-center": "7"}
    )
    assert stack_tags(environment, config) == {
        "cost-center": "7",
        "terraglue:environment": "abcdefgh23",
        "terraglue:owner": "ana--script--@x.org",
        "terraglue:release": "1",
    }


def test_defaults_are_valid_settings() -> None:
    assert Settings.model_validate(Settings().model_dump()) == Settings()
    assert RunRequest().arguments == {}
