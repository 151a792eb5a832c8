"""The usual work of awswrangler (AWS SDK for pandas)."""

import os

import awswrangler as wr
import pandas as pd
from botocore.exceptions import ClientError

DATABASE, BUCKET, WORKGROUP = os.environ["DATABASE"], os.environ["BUCKET"], os.environ["WORKGROUP"]
GIVEN = {"database": DATABASE, "workgroup": WORKGROUP}
ORDERS = "SELECT id, status, price, date(day) AS day FROM orders ORDER BY id"


def check_orders(frame: pd.DataFrame) -> None:
    assert list(frame.columns) == ["id", "status", "price", "day"]
    assert frame["id"].tolist() == [1, 2, 3, 4, 5]
    assert frame["price"].sum() == 17.5
    assert str(frame["day"][0]) == "2026-01-01"


# Reads: by CTAS (the default), by UNLOAD, and of the CSV result.
check_orders(wr.athena.read_sql_query(ORDERS, **GIVEN))
check_orders(wr.athena.read_sql_query(ORDERS, ctas_approach=False, **GIVEN))
unloaded = wr.athena.read_sql_query(
    ORDERS, ctas_approach=False, unload_approach=True, s3_output=f"{os.environ['RESULTS']}unloaded/", **GIVEN
)
check_orders(unloaded)
assert wr.athena.read_sql_table("orders", ctas_approach=False, **GIVEN).shape == (5, 4)
chunks = wr.athena.read_sql_query("SELECT id FROM orders", chunksize=2, ctas_approach=False, **GIVEN)
assert sum(len(chunk) for chunk in chunks) == 5
typed = wr.athena.read_sql_query(
    "SELECT id FROM orders WHERE status = :status", params={"status": "paid"}, ctas_approach=False, **GIVEN
)
assert typed["id"].tolist() == [1, 3, 5]
assert [table["Name"] for table in wr.catalog.get_tables(database=DATABASE)] == ["orders"]  # CTAS left none

# A dataset with partitions.
frame = pd.DataFrame({"id": [1, 2, 3], "at": pd.to_datetime(["2026-01-01"] * 3), "year": [2025, 2026, 2026]})
place = f"s3://{BUCKET}/events/"
wr.s3.to_parquet(frame, place, dataset=True, database=DATABASE, table="events", partition_cols=["year"])
found = wr.athena.read_sql_query("SELECT year, count(*) AS n FROM events GROUP BY year ORDER BY 1", **GIVEN)
assert found.astype(int).values.tolist() == [[2025, 1], [2026, 2]]
wr.s3.to_parquet(
    frame[:1], place, dataset=True, mode="append", database=DATABASE, table="events", partition_cols=["year"]
)
assert wr.athena.read_sql_query("SELECT count(*) AS n FROM events", ctas_approach=False, **GIVEN)["n"][0] == 4
assert len(wr.catalog.get_partitions(database=DATABASE, table="events")) == 2
for location in wr.catalog.get_partitions(database=DATABASE, table="events"):
    assert (
        wr.catalog.delete_partitions(
            "events", DATABASE, partitions_values=[location.rstrip("/").rpartition("=")[2:]]
        )
        is None
    )
wr.athena.repair_table("events", **GIVEN)
assert len(wr.catalog.get_partitions(database=DATABASE, table="events")) == 2

# The catalog.
assert wr.catalog.get_table_types(DATABASE, "orders")["price"] == "double"
assert wr.catalog.does_table_exist(DATABASE, "orders") and not wr.catalog.does_table_exist(DATABASE, "none")
assert wr.catalog.table(DATABASE, "orders")["Column Name"].tolist() == ["id", "status", "price", "day"]
assert list(wr.athena.describe_table("orders", **GIVEN)["Column Name"]) == ["id", "status", "price", "day"]
assert wr.athena.show_create_table("orders", **GIVEN).startswith("CREATE EXTERNAL TABLE")
assert wr.catalog.delete_table_if_exists(DATABASE, "events")

# Executions, prepared statements and what is written by SQL.
made = wr.athena.create_ctas_table(
    "SELECT status, count(*) AS n FROM orders GROUP BY status", ctas_table="counted", wait=True, **GIVEN
)
assert made["ctas_table"] == "counted"
counted = wr.athena.read_sql_query("SELECT * FROM counted ORDER BY n", ctas_approach=False, **GIVEN)
assert counted["n"].tolist() == [2, 3]
query_id = wr.athena.start_query_execution("SELECT 1 AS one", **GIVEN)
assert wr.athena.wait_query(query_id)["Status"]["State"] == "SUCCEEDED"
assert wr.athena.get_query_results(query_id)["one"].tolist() == [1]
known = wr.athena.get_query_executions([query_id])
assert known["Status.State"].tolist() == ["SUCCEEDED"]
assert query_id in wr.athena.list_query_executions(workgroup=WORKGROUP)
wr.athena.create_prepared_statement("SELECT id FROM orders WHERE id = ?", "one", workgroup=WORKGROUP)
assert [each["StatementName"] for each in wr.athena.list_prepared_statements(WORKGROUP)] == ["one"]
used = wr.athena.read_sql_query("EXECUTE one USING 3", ctas_approach=False, **GIVEN)
assert used["id"].tolist() == [3]
wr.athena.delete_prepared_statement("one", workgroup=WORKGROUP)

# What Athena, or the emulator, refuses.
try:
    wr.athena.to_iceberg(
        frame, table="ice", table_location=f"s3://{BUCKET}/ice/", temp_path=f"s3://{BUCKET}/tmp/", **GIVEN
    )
except (wr.exceptions.QueryFailed, ClientError) as error:
    assert "does not support" in str(error), error
else:
    raise AssertionError("Iceberg is not supported")
try:
    wr.athena.read_sql_query(f"SELECT * FROM {os.environ['NEIGHBOUR']}.orders", ctas_approach=False, **GIVEN)
except (wr.exceptions.QueryFailed, ClientError) as error:
    assert "PERMISSION_DENIED" in str(error), error
else:
    raise AssertionError("the neighbour's data was read")
