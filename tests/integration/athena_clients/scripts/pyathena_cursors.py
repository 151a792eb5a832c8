"""The usual work of PyAthena: its cursors, and its dialect of SQLAlchemy."""

import datetime
import os
from concurrent.futures import wait
from decimal import Decimal
from urllib.parse import quote_plus

import sqlalchemy
from pyathena import connect
from pyathena.async_cursor import AsyncCursor
from pyathena.cursor import DictCursor
from pyathena.error import OperationalError
from pyathena.pandas.cursor import PandasCursor
from sqlalchemy import column, func, select, table

DATABASE, WORKGROUP, REGION = os.environ["DATABASE"], os.environ["WORKGROUP"], os.environ["AWS_REGION"]
GIVEN = {"schema_name": DATABASE, "work_group": WORKGROUP, "region_name": REGION, "poll_interval": 0.05}
TYPES = (
    "SELECT CAST(1 AS tinyint), 2, 3.50, 4e0, true, 'x', DATE '2026-01-02', "
    "TIMESTAMP '2026-01-02 03:04:05.678', ARRAY[1, 2], CAST(NULL AS varchar), "
    "CAST(ROW(1, 'a') AS ROW(a int, b varchar)), "
    "MAP(ARRAY['k'], ARRAY[1]), X'6162', JSON '[1]'"
)

connection = connect(**GIVEN)
cursor = connection.cursor()
cursor.execute("SELECT id, price FROM orders WHERE status = %(status)s ORDER BY id", {"status": "paid"})
assert cursor.fetchall() == [(1, 1.5), (3, 3.5), (5, 5.5)]
assert [each[:2] for each in cursor.description] == [("id", "integer"), ("price", "double")]
assert (cursor.state, cursor.data_scanned_in_bytes > 0) == ("SUCCEEDED", True)
cursor.execute("SELECT id FROM orders WHERE id = ?", ["2"], paramstyle="qmark")
assert cursor.fetchone() == (2,)
row = cursor.execute(TYPES).fetchone()
moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000)
assert row[:8] == (1, 2, Decimal("3.50"), 4.0, True, "x", datetime.date(2026, 1, 2), moment), row
assert row[8:] == ([1, 2], None, {"a": "1", "b": "a"}, {"k": "1"}, b"ab", [1]), row
cursor.execute("SHOW TABLES")
assert ("orders",) in cursor.fetchall()
try:
    cursor.execute("SELECT nothing FROM orders")
except OperationalError as error:
    assert "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved" in str(error)
else:
    raise AssertionError("an unknown column was read")

assert connection.cursor(DictCursor).execute("SELECT 1 AS one").fetchall() == [{"one": 1}]
frame = connection.cursor(PandasCursor).execute("SELECT id, price, day FROM orders ORDER BY id").as_pandas()
assert frame["price"].tolist() == [1.5, 2.5, 3.5, 4.5, 5.5]
staged = connect(**GIVEN, s3_staging_dir=f"{os.environ['RESULTS']}staged/")
unloaded = staged.cursor(PandasCursor, unload=True).execute("SELECT id FROM orders ORDER BY id")
assert sorted(unloaded.as_pandas()["id"]) == [1, 2, 3, 4, 5]
with connection.cursor(AsyncCursor) as asynchronous:
    futures = [asynchronous.execute(f"SELECT {number} AS n")[1] for number in range(3)]
    assert [future.result().fetchall() for future in wait(futures).done]
assert connection.cursor().list_table_metadata(schema_name=DATABASE)[0].name == "orders"
assert (
    connection.cursor()
    .get_table_metadata("orders", schema_name=DATABASE)
    .row_format.endswith("OpenCSVSerde'")
)

key, secret, token = (
    quote_plus(os.environ[f"AWS_{name}"]) for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
)
url = (
    f"awsathena+rest://{key}:{secret}@athena.{REGION}.amazonaws.com:443/{DATABASE}?work_group={WORKGROUP}"
    f"&aws_session_token={token}&endpoint_url={quote_plus(os.environ['AWS_ENDPOINT_URL'])}&poll_interval=0.05"
)
engine = sqlalchemy.create_engine(url)
with engine.connect() as session:
    orders = table("orders", column("status"), column("price"))
    query = (
        select(orders.c.status, func.sum(orders.c.price)).group_by(orders.c.status).order_by(orders.c.status)
    )
    assert session.execute(query).fetchall() == [("open", 7.0), ("paid", 10.5)]
inspector = sqlalchemy.inspect(engine)
assert inspector.get_table_names(schema=DATABASE) == ["orders"]
assert inspector.has_table("orders", schema=DATABASE) and not inspector.has_table("none", schema=DATABASE)
assert [each["name"] for each in inspector.get_columns("orders", schema=DATABASE)] == [
    "id",
    "status",
    "price",
    "day",
]
reflected = sqlalchemy.Table("orders", sqlalchemy.MetaData(schema=DATABASE), autoload_with=engine)
assert isinstance(reflected.c.price.type, sqlalchemy.types.Float)
with engine.connect() as session:
    assert session.execute(select(func.count()).select_from(reflected)).scalar() == 5
