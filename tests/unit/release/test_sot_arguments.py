"""Arguments of the SoT job."""

import pytest

import sot_ecommerce as job
from tests.support.sot_arguments import ARGUMENTS, read_settings


def test_missing_arguments_have_terraglues_defaults() -> None:
    settings = read_settings()
    assert settings.partition_uri == "s3://sot/tbsot_ecommerce_br/anomesdia=20261105"
    assert settings.partition_type == "int"
    assert (settings.compression, settings.num_partitions) == ("snappy", 5)
    assert (settings.update_catalog, settings.update_schema) == (True, True)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_argument_is_rejected_by_name(name: str, value: str | None) -> None:
    with pytest.raises(job.JobError, match=f"^The job argument --{name} is missing.$"):
        read_settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONNECTION_TYPE", "jdbc"),
        ("UPDATE_BEHAVIOR", "REPLACE"),
        ("PARTITION_NAME", "ano mes dia"),
        ("PARTITION_FORMAT", "%Y/%m/%d"),
        ("DATA_FORMAT", "csv"),
        ("COMPRESSION", "rar"),
        ("ENABLE_UPDATE_CATALOG", "maybe"),
        ("NUM_PARTITIONS", "0"),
        ("NUM_PARTITIONS", "many"),
        ("OUTPUT_TABLE_URI", "s3://somebody-else/table"),
        ("OUTPUT_TABLE_URI", "s3://sot/"),
    ],
)
def test_an_impossible_argument_is_rejected_by_name(name: str, value: str) -> None:
    with pytest.raises(job.JobError, match=f"^The job argument --{name} "):
        read_settings(**{name: value})


def test_the_partition_follows_its_name_and_format() -> None:
    settings = read_settings(
        PARTITION_NAME="dia", PARTITION_FORMAT="%Y-%m-%d", OUTPUT_TABLE_URI="s3://sot/t/"
    )
    assert settings.partition_uri == "s3://sot/t/dia=2026-11-05"
    assert settings.partition_type == "string"
