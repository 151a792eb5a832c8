"""Write the files of tests/integration/data_shapes/files with the tools that are named.

    python -m venv V && V/bin/pip install pandas==3.1.1 pyarrow==26.0.1 polars==2.1.0 openpyxl==3.1.5 \
        XlsxWriter==3.3.1 xlwt==1.3.0 odfpy==1.4.1 && V/bin/python make_files.py

The tests only read the files, so nobody needs these tools. `spark()` and `duckdb()` need the project's own
environment: .venv/bin/python -c "import make_files; make_files.spark()".
"""

import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
import xlwt

OUT = Path(__file__).parent


def pandas() -> None:
    frame = pd.DataFrame(
        {
            "Order ID": [1, 2],
            "placed": pd.to_datetime(["2024-01-02 03:04:05.678", None]).astype("datetime64[ns]"),
            "score": [5.0, None],
            "size": pd.Categorical(["S", "L"]),
        },
        index=pd.Index(["a", "b"], name="key"),
    )
    frame.to_parquet(OUT / "pandas_ns.parquet")
    pd.DataFrame({"n": [1, 2, 3]}).query("n != 2").to_parquet(OUT / "pandas_filtered.parquet")
    pd.DataFrame(
        {"Name": ["Ana", "Zoë"], "Born": pd.to_datetime(["1990-05-06", "1985-12-31"]), "Score": [1.5, None]}
    ).to_excel(OUT / "pandas_index.xlsx", engine="openpyxl")


def arrow() -> None:
    when = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    table = pa.table(
        {
            "id": pa.array([18446744073709551615, 7], pa.uint64()),
            "small": pa.array([4294967295, 1], pa.uint32()),
            "at": pa.array([when, None], pa.timestamp("ns", "Europe/Berlin")),
            "clock": pa.array([dt.time(23, 59, 58), None], pa.time64("us")),
            "price": pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)),
            "raw": pa.array([b"\x00\xff", None], pa.binary()),
            "tags": pa.array([["x", None], []], pa.list_(pa.string())),
            "place": pa.array(
                [{"City": "Köln", "zip": 50667}, None],
                pa.struct([("City", pa.string()), ("zip", pa.int32())]),
            ),
            "none": pa.nulls(2),
        }
    )
    pq.write_table(table, OUT / "arrow_types.parquet")


def polars() -> None:
    pl.DataFrame(
        {"ID": [1, 2], "day": [dt.date(2024, 2, 29), None], "took": [1.5, float("nan")], "ok": [True, False]},
        schema_overrides={"ID": pl.UInt32},
    ).write_parquet(OUT / "polars.parquet")


def excel() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Vendas"
    sheet.append(["Pedido", "Data da compra", "Preço (R$)", "Pago?", "Obs."])
    sheet.append([1, dt.datetime(2024, 1, 2), 12.5, True, 'olá, "você"'])
    sheet.append([2, dt.datetime(2024, 1, 3, 4, 5, 6), 7, False, "duas\nlinhas"])
    sheet.append([3, None, None, None, None])
    book.create_sheet("Notas").append(["nada"])
    book.save(OUT / "openpyxl.xlsx")

    made = xlsxwriter.Workbook(OUT / "title_rows.xlsx")
    page = made.add_worksheet()
    page.write(0, 0, "Population by district, 31 December 2023")
    page.write_row(2, 0, ["District", "Inhabitants"])
    page.write_row(3, 0, ["Mitte", 397134])
    made.close()

    old = xlwt.Workbook()
    leaf = old.add_sheet("Sheet1")
    for row, values in enumerate([["code", "name"], ["007", "Bond"], ["1.0", "x"]]):
        for column, value in enumerate(values):
            leaf.write(row, column, value)
    old.save(str(OUT / "excel_97.xls"))


def opendocument() -> None:
    pd.DataFrame({"ville": ["Nîmes", "Lyon"], "habitants": [148561, 522250]}).to_excel(
        OUT / "libreoffice.ods", engine="odf", index=False
    )


def duckdb() -> None:
    import duckdb

    for name, query in {
        "duckdb": "SELECT 3::HUGEINT AS total, [1, 2]::INT[] AS sizes, MAP {'a': 1} AS labels,"
        " 'ok'::ENUM('ok', 'bad') AS mood UNION ALL SELECT NULL, NULL, NULL, NULL",
        "capitals": "FROM (VALUES ('a', 5.0::DECIMAL(2, 1)), ('b', NULL)) t(\"ORDER_ID\", \"SCORE\")",
        "small_int": "SELECT 1::INT AS id",
        "large_int": "SELECT 5000000000::BIGINT AS id",
    }.items():
        duckdb.sql(f"COPY ({query}) TO '{OUT / name}.parquet'")


def spark() -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    rows = [(1, "2024-01-02 03:04:05.678", "9.90"), (2, None, None)]
    texts = session.createDataFrame(rows, "id bigint, at string, price string")
    frame = texts.selectExpr("id", "CAST(at AS timestamp)", "CAST(price AS decimal(7,2))").coalesce(1)
    frame.write.parquet(str(OUT / "spark"))
    [part] = (OUT / "spark").glob("*.parquet")
    part.rename(OUT / "spark_int96.parquet")
    shutil.rmtree(OUT / "spark")


if __name__ == "__main__":
    for make in (pandas, arrow, polars, excel, opendocument):
        make()
