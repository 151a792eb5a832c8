"""Benchmarks: what they count and compare. Nothing here is timed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data.generate import generate
from tests.benchmarks import event_log, job_lake, job_scaling, job_speed, performance
from tests.benchmarks.figures import Figures, read_lines
from tests.benchmarks.job_rows import WrongRows, check_equal, check_usual
from tests.benchmarks.memory_size import usd_per_million
from tests.benchmarks.packaged import unpacked
from tests.benchmarks.processes import Measured
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "performance.md"


def test_a_figure_is_the_median_of_its_rounds_with_machine_and_command() -> None:
    out = io.StringIO()
    Figures("job_speed", 3, out=out).write("job.ours.wall", [3.0, 1.0, 2.0], "s", orders=100)
    line = json.loads(out.getvalue())
    assert (line["figure"], line["value"], line["unit"], line["rounds"]) == ("job.ours.wall", 2.0, "s", 3)
    assert (line["values"], line["orders"]) == ([3.0, 1.0, 2.0], 100)
    assert line["command"].startswith(".venv/bin/python -m tests.benchmarks.job_speed")
    assert re.fullmatch(r"\d+ cores, .+, \d+ GB", line["machine"])


def test_a_ratio_is_the_median_of_the_ratios_of_rounds() -> None:
    out = io.StringIO()
    Figures("job_speed", 3, out=out).ratio("ratio", [1.0, 10.0, 3.0], [2.0, 10.0, 2.0])
    assert json.loads(out.getvalue())["values"] == [0.5, 1.0, 1.5]
    assert json.loads(out.getvalue())["value"] == 1.0


def stage(*seconds: float, name: str = "parquet at X", result_bytes: int = 100) -> event_log.Stage:
    tasks = [event_log.Task(each, each, 0, each, result_bytes) for each in seconds]
    return event_log.Stage(1, name, tuple(tasks))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (stage(2.1), "its only task takes 2.1 s"),
        (stage(1, 1, 4.1), "4.1 x the median"),
        (stage(1, 1, result_bytes=6 * 2**20), "12 MB go to the driver"),
        (stage(0.1, name="collect at script.py:3"), "go to the driver in between"),
    ],
)
def test_stages_that_do_not_scale_are_found(bad: event_log.Stage, words: str) -> None:
    (found,) = event_log.problems([bad])
    assert words in found


def test_short_single_tasks_and_short_skewed_ones_do_not_count() -> None:
    assert event_log.problems([stage(1.9), stage(0.1, 0.1, 0.9), stage(1, 1, 3.9)]) == []


def test_tasks_take_the_next_free_slot() -> None:
    assert event_log.makespan([3, 1, 1, 1], 2) == 3
    assert event_log.makespan([1, 1, 1, 3], 2) == 4
    assert event_log.makespan([1, 1, 1, 3], 40) == 3


def test_an_event_log_becomes_stages_and_the_seconds_without_a_task(tmp_path: Path) -> None:
    def task(number: int, began: int, ended: int, reason: str = "Success") -> dict[str, Any]:
        return {
            "Event": "SparkListenerTaskEnd",
            "Stage ID": number,
            "Task End Reason": {"Reason": reason},
            "Task Info": {"Launch Time": began, "Finish Time": ended},
            "Task Metrics": {"Executor CPU Time": 500_000_000, "Result Size": 10},
        }

    def ends(number: int) -> dict[str, Any]:
        info = {"Stage ID": number, "Stage Name": f"parquet at {number}"}
        return {"Event": "SparkListenerStageCompleted", "Stage Info": info}

    events = [
        {"Event": "SparkListenerApplicationStart", "Timestamp": 10_000},
        task(0, 12_000, 14_000),
        task(0, 13_000, 15_000),
        task(0, 13_000, 15_000, "ExceptionFailure"),
        ends(0),
        task(1, 16_000, 17_000),
        ends(1),
        {"Event": "SparkListenerApplicationEnd", "Timestamp": 20_000},
    ]
    (tmp_path / "app").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    application = event_log.read(tmp_path)
    assert [[task.seconds for task in stage.tasks] for stage in application.stages] == [[2, 2], [1]]
    assert (application.seconds, application.idle, application.cpu) == (10, 6, 1.5)
    assert application.seconds_with(1) == 1.5
    assert application.seconds_with(8) == 1.0


def rows(
    folder: Path,
    price: str = "1.00",
    kind: str = "DECIMAL(12,2)",
    paid: str = "boleto",
    comment: str = "Two\r\nlines",
) -> Path:
    folder.mkdir()
    duckdb.sql(
        f"""COPY (SELECT 'o1' AS order_id, {price}::{kind} AS sum_order_price,
        '{paid}' AS most_common_payment_type, '{comment}' AS review_comment_message)
        TO '{folder}/part.parquet' (FORMAT parquet)"""
    )
    return folder


def test_equal_rows_are_equal(tmp_path: Path) -> None:
    assert check_equal(rows(tmp_path / "a"), rows(tmp_path / "b")) == 1


@pytest.mark.parametrize("other", [{"price": "1.01"}, {"kind": "DOUBLE"}, {"paid": "voucher"}])
def test_other_rows_and_other_types_end_the_benchmark(tmp_path: Path, other: dict[str, str]) -> None:
    with pytest.raises(WrongRows):
        check_equal(rows(tmp_path / "a", **other), rows(tmp_path / "b"))


def test_the_usual_job_may_differ_by_a_cent_in_ties_and_in_line_breaks(tmp_path: Path) -> None:
    usual = rows(tmp_path / "a", price="1.01", kind="DOUBLE", paid="voucher", comment="Two\nlines")
    assert check_usual(usual, rows(tmp_path / "b")) == 1
    with pytest.raises(WrongRows, match=r"differ: \{'sum_order_price': 1\}"):
        check_usual(rows(tmp_path / "c", price="1.03", kind="DOUBLE"), tmp_path / "b")


@dataclass
class WrittenRows:
    """In place of a Bench: DuckDB writes the right price, and each job the next of `prices`."""

    lake: job_lake.Lake
    prices: list[str]

    def run(self, variant: str) -> Measured:
        folder = self.lake.output(variant)
        shutil.rmtree(folder, ignore_errors=True)
        rows(folder, price="1.00" if variant == "duckdb" else self.prices.pop(0))
        return Measured(1, 1, 1)


@pytest.mark.parametrize("variant", ["ours", "usual"])
def test_rows_of_each_round_are_compared(tmp_path: Path, variant: str) -> None:
    (tmp_path / "sot").mkdir()
    bench: Any = WrittenRows(job_lake.Lake(tmp_path, {}), ["1.00", "2.00"])
    with pytest.raises(WrongRows):
        job_speed.compare(bench, [variant], 2, None)
    assert bench.prices == []


def test_the_page_of_performance_is_made_of_the_figures() -> None:
    template = performance.TEMPLATE.read_text(encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == performance.render(
        template, read_lines(performance.FIGURES)
    ), "run `.venv/bin/python -m tests.benchmarks.performance`"


def test_a_figure_that_is_not_there_is_an_error() -> None:
    with pytest.raises(performance.Missing, match=r"job\.ours\.wall"):
        performance.render("{{job.ours.wall orders=7}}", [])


def test_new_lines_replace_those_of_the_same_command() -> None:
    old = [{"figure": "a", "command": "x", "value": 1}, {"figure": "b", "command": "y", "value": 2}]
    new = [{"figure": "a", "command": "x", "value": 3}]
    assert performance.merged(old, new) == [old[1], *new]


@pytest.fixture
def page(tmp_path: Path) -> dict[str, Path]:
    """A page with one figure."""
    files = {name: tmp_path / name for name in ("figures", "template", "document")}
    files["figures"].write_text('{"figure": "a", "command": "x", "value": 1, "unit": "s"}\n')
    files["template"].write_text("It takes {{a}}.")
    return files


def test_added_lines_reach_the_page(page: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "new").write_text('{"figure": "a", "command": "x", "value": 2, "unit": "s"}\n')
    performance.main(["add", str(tmp_path / "new")], **page)
    assert page["document"].read_text() == "It takes 2 s."
    assert [line["value"] for line in read_lines(page["figures"])] == [2]


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ('{"figure": "b", "command": "x"}', "no figure a"),
        ('{"figure": "b"}\nround 1: ours', "new, line 2: not a figure, but 'round 1: ours'"),
        (None, "No such file"),
    ],
)
def test_lines_that_cannot_be_added_change_nothing(
    page: dict[str, Path], tmp_path: Path, new: str | None, words: str
) -> None:
    old = page["figures"].read_text()
    if new is not None:
        (tmp_path / "new").write_text(new)
    with pytest.raises(SystemExit, match=words):
        performance.main(["add", str(tmp_path / "new")], **page)
    assert page["figures"].read_text() == old
    assert not page["document"].exists()


@pytest.mark.parametrize("arguments", [["add"], ["update", "file"], ["--help"]])
def test_the_page_is_not_written_by_an_incomplete_command(
    page: dict[str, Path], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit, match="add FILE"):
        performance.main(arguments, **page)
    assert not page["document"].exists()


def test_the_command_of_a_figure_repeats_it() -> None:
    _, arguments = job_speed.read_options(["--prepared", "/tmp/a", "--lock", "/tmp/b"])
    assert arguments == "--orders 100000 --rounds 3"
    given = "--data /tmp/a --conf spark.x=1 --rounds 2 --variants ours,bare --before /tmp/old.py"
    _, arguments = job_speed.read_options(given.split())
    assert arguments == "--data DIR --conf spark.x=1 --rounds 2 --variants ours,bare --before SCRIPT"


@pytest.mark.parametrize("wrong", ["--rounds 0", "--orders -1", "--variants our"])
def test_a_wrong_option_is_an_error_at_once(wrong: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        job_speed.read_options(wrong.split())


def test_a_missing_package_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"zip does not exist\. Run: make package"):
        unpacked(tmp_path / "deployment.zip", tmp_path)


def data_folder(folder: Path, reviews: str = "reviews.csv") -> Path:
    """A data folder of its own kind: reversed columns, and items in two compressed files."""
    generate(20, folder / "generated")
    for table in job_lake.COLUMNS:
        (file,) = (folder / "generated/db_ecommerce" / table).iterdir()
        columns, *values = csv.reader(file.read_text().splitlines())
        lines = [",".join(f'"{value}"' for value in reversed(row)) for row in [columns, *values]]
        place = folder / "data/db_ecommerce" / table
        place.mkdir(parents=True)
        if table == "tbl_order_items":
            for number in (1, 2):
                text = "\n".join([lines[0], *lines[number::2]])
                (place / f"{number}.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (place / (reviews if table == "tbl_reviews" else "all.csv")).write_text("\n".join(lines))
    return folder / "data"


def test_a_hot_order_is_added_to_files_of_any_shape(tmp_path: Path) -> None:
    job_scaling.add_hot_order(data_folder(tmp_path), tmp_path / "hot", 7)
    files = f"read_csv('{tmp_path}/hot/db_ecommerce/tbl_order_items/*.csv*', all_varchar = true)"
    rows = duckdb.sql(f"SELECT order_id, count(*), min(price), max(price) FROM {files} GROUP BY 1").fetchall()
    order, count, lowest, highest = max(rows, key=lambda row: row[1])
    assert (len(order), count >= 8) == (32, True)
    assert lowest == highest


def test_a_prepared_folder_is_not_used_for_other_data(tmp_path: Path) -> None:
    data, prepared = data_folder(tmp_path), tmp_path / "prepared"
    lake = job_lake.prepare(prepared, 0, data)
    assert job_lake.prepare(prepared, 0, data) == lake
    with pytest.raises(SystemExit, match="prepared from other data"):
        job_lake.prepare(prepared, 30)
    (data / "db_ecommerce/tbl_customers/all.csv").write_text("customer_id,customer_city,customer_state\n")
    with pytest.raises(SystemExit, match="prepared from other data"):
        job_lake.prepare(prepared, 0, data)


def test_a_table_without_csv_files_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="tbl_reviews has no CSV file"):
        job_lake.prepare(tmp_path / "prepared", 0, data_folder(tmp_path, reviews="reviews.json"))


def test_commands_of_the_page_and_of_the_figures_exist() -> None:
    lines = read_lines(performance.FIGURES)
    text = PAGE.read_text(encoding="utf-8") + "\n".join(str(line.get("command", "")) for line in lines)
    commands = set(re.findall(r"python -m tests\.benchmarks\.(\w+)([^`\n|]*)", text))
    assert commands
    shared = (ROOT / "tests/benchmarks/job_speed.py").read_text(encoding="utf-8")
    for module, arguments in commands:
        source = (ROOT / f"tests/benchmarks/{module}.py").read_text(encoding="utf-8")
        for option in re.findall(r"--[a-z-]+", arguments):
            assert option in source or option in shared, f"{module} has no option {option}"


def test_figures_name_no_folder_of_a_machine() -> None:
    assert not re.search(r'[ "]/[a-z]', performance.FIGURES.read_text(encoding="utf-8"))


def test_a_million_invocations_cost_their_gigabyte_seconds_and_the_requests() -> None:
    assert usd_per_million(ms=1000, size=1024) == pytest.approx(16.6667 + 0.20)
    assert usd_per_million(ms=100, size=512) == pytest.approx(0.833335 + 0.20)
