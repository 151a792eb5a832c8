"""Cost of a month, computed by hand from AWS's prices and from the templates."""

from __future__ import annotations

from decimal import Decimal

import pytest

from deploy import costs
from deploy.package import merged
from tests.support.paths import ROOT

ITEMS = {item.name: item for item in costs.items()}


@pytest.mark.parametrize(
    ("name", "learners", "usd"),
    [
        ("KMS keys", 10, "11.00"),  # the key of the alarms and one key each
        ("Glue job runs", 100, "73.33"),  # 100 learners x 10 runs x 5 DPU x 2/60 h x 0.44
        ("API requests", 1_000, "7.00"),  # 2 million x 3.50
        ("Lambda requests", 0, "0.01"),  # a tick per minute: 43,800 x 0.20 per million
        ("DynamoDB writes", 1_000, "5.00"),  # 8 million x 0.625
        ("Athena queries", 1_000, "5.00"),  # 1,000 x 100 queries x 10 MB = 1 TB
        ("S3 writes", 100, "1.50"),  # 300,000 x 0.005 per thousand
    ],
)
def test_an_item_costs_what_aws_bills(name: str, learners: int, usd: str) -> None:
    assert ITEMS[name].usd(learners).quantize(Decimal("0.01")) == Decimal(usd)


def test_the_total_grows_with_the_learners_from_the_cost_of_an_idle_service() -> None:
    idle, one, two = (costs.total(learners, costs.items()) for learners in (0, 1, 2))
    assert two - one == one - idle
    assert Decimal(5) < idle < Decimal(15)


def test_the_alarms_and_metrics_are_those_of_the_service() -> None:
    resources = merged(ROOT / "chalice_app")["Resources"].values()
    kinds = [resource.get("Type") for resource in resources if "Condition" not in resource]
    assert ITEMS["Alarms"].fixed == kinds.count("AWS::CloudWatch::Alarm")
    assert ITEMS["Dashboard"].fixed == kinds.count("AWS::CloudWatch::Dashboard")
    assert ITEMS["KMS keys"].fixed == kinds.count("AWS::KMS::Key")
    assert ITEMS["Secret"].fixed == kinds.count("AWS::SecretsManager::Secret")
    _, _, section = (ROOT / "docs/operate.md").read_text(encoding="utf-8").partition("\n## Metrics\n")
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert ITEMS["Metrics"].fixed == sum(row.split("|")[1].count("`") // 2 for row in rows)


def test_the_plan_uses_the_operator_s_price_and_names_the_region_of_the_others() -> None:
    usual = costs.lines("us-east-1", {})
    doubled = costs.lines("eu-west-1", {"PricePerDpuHourUsd": "0.88"})
    assert "  Glue job runs" in "\n".join(usual)
    assert [line.split() for line in usual if "Glue job runs" in line] == [
        ["Glue", "job", "runs", "7.33", "73.33", "733.33"]
    ]
    assert [line.split() for line in doubled if "Glue job runs" in line] == [
        ["Glue", "job", "runs", "14.67", "146.67", "1,466.67"]
    ]
    assert usual[-1] == "  Prices of us-east-1, November 2026."
    assert doubled[-1].endswith(" eu-west-1 has other prices.")


def test_the_table_of_the_documentation_is_that_of_the_code() -> None:
    text = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- costs -->\n")[2].partition("\n<!-- /costs -->")[0]
    assert shown == costs.table(), "python -m deploy.costs prints the current table"
