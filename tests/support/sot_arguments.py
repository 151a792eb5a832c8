"""Arguments of the SoT job."""

from __future__ import annotations

from datetime import UTC, datetime

import sot_ecommerce as job

ARGUMENTS = {
    "JOB_NAME": "sot",
    "SOURCE_DB": "db_ecommerce",
    "OUTPUT_BUCKET": "sot",
    "OUTPUT_DB": "db_sot",
    "OUTPUT_TABLE": "tbsot_ecommerce_br",
    "OUTPUT_TABLE_URI": "s3://sot/tbsot_ecommerce_br",
}


def read_settings(**changes: str | None) -> job.Settings:
    given = {name: value for name, value in (ARGUMENTS | changes).items() if value is not None}
    argv = ["script.py", *(text for name, value in given.items() for text in (f"--{name}", value))]

    def resolve(argv: list[str], names: list[str]) -> dict[str, str]:
        return {name: argv[argv.index(f"--{name}") + 1] for name in names}

    return job.read_settings(argv, resolve, datetime(2026, 11, 5, 23, 30, tzinfo=UTC))
