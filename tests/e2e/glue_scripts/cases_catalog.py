"""Scripts that read and write the Data Catalog, with DynamicFrames or with Spark SQL."""

from tests.e2e.glue_scripts.case import Case, Table
from tests.e2e.glue_scripts.data import EVENTS, ORDERS_CSV, lines

_ORDERS = {"orders/orders.csv": ORDERS_CSV}
_EVENTS = {"events/a.json": lines(EVENTS[:3]), "events/b.json": lines(EVENTS[3:])}
_READ_ORDERS = "read_csv('{data}/orders/*.csv', header = true, all_varchar = true)"
_READ_EVENTS = "read_json('{data}/events/*.json', format = 'newline_delimited')"
_CHOSEN = f"SELECT order_id, status, region FROM {_READ_ORDERS}"
_SALES = {
    f"sales/year={year}/month={month}/a.json": lines([{"id": f"{year}{month}", "amount": int(month) + 0.5}])
    for year, month in (("2023", "12"), ("2024", "01"), ("2024", "02"), ("2024", "03"))
}
_VISITS = {
    "visits/day=2024-01-01/a.json": lines([{"path": "/", "seconds": 9}]),
    "visits/day=2024-01-02/a.json": lines([{"path": "/", "seconds": 3}, {"path": "/a", "seconds": 5}]),
    "visits/day=2024-01-03/a.json": lines([{"path": "/", "seconds": 1}, {"path": "/", "seconds": 2}]),
}

CASES = [
    Case(
        "sink_parquet_catalog.py",
        inputs=_EVENTS,
        rows={
            "events_by_type": (f"SELECT eventId AS event_id, userId AS user_id, ts, type FROM {_READ_EVENTS}")
        },
        objects=(r"events_by_type/type=(buy|view)/[^/]+\.parquet",),
        is_quick=True,
    ),
    Case("show_databases.py", log=("databases: default and own only",)),
    Case("sink_json_catalog.py", inputs=_ORDERS, rows={"orders_as_json": _CHOSEN}),
    Case("sink_csv_catalog.py", inputs=_ORDERS, rows={"orders_as_csv": _CHOSEN}),
    Case(
        "write_to_catalog_table.py",
        inputs=_ORDERS,
        tables={
            "order_states": Table(
                "parquet", "id int; state string", "region string", location="{target}/order_states/"
            )
        },
        rows={"order_states": f"SELECT order_id AS id, status AS state, region FROM {_READ_ORDERS}"},
    ),
    Case(
        "push_down_predicate.py",
        inputs=_SALES,
        tables={"sales": Table("json", "id string; amount double", "year string; month string")},
        result=(
            "SELECT 'march' AS name, id, amount, year, month FROM read_parquet('{out}/march/*.parquet')"
            " UNION ALL SELECT 'south', id, amount, year, month FROM read_parquet('{out}/south/*.parquet')"
        ),
        expected=(
            "SELECT * FROM (VALUES ('march', '202402', 2.5, '2024', '02'), ('march', '202403', 3.5, '2024', '03'),"
            " ('south', '202312', 12.5, '2023', '12')) t(name, id, amount, year, month)"
        ),
        log=("2024: 2 2023: 1",),
        is_quick=True,
    ),
    Case(
        "data_frame_api.py",
        inputs=_ORDERS | {"cities/a.csv": "1,Porto\n2,Faro\n"},
        tables={"cities": Table("csv", "id int; name string")},
        result="SELECT id, name, count FROM read_parquet('{out}/**/*.parquet')",
        expected="SELECT * FROM (VALUES (1, 'PORTO', 5), (2, 'FARO', 5)) t(id, name, count)",
    ),
    Case(
        "camel_case_catalog.py",
        inputs={"camel_events/a.json": lines(EVENTS)},
        tables={"camel_events": Table("json", "eventid string; userid string; ts bigint")},
        result="SELECT eventid, userid, ts FROM read_parquet('{out}/*.parquet')",
        expected="SELECT eventId AS eventid, userId AS userid, ts FROM read_json('{data}/camel_events/*.json')",
    ),
    Case(
        "orc_table.py",
        inputs=_EVENTS,
        result="SELECT eventId FROM read_json('{out}/events_orc/*.orc.json', format = 'newline_delimited')",
        expected=f"SELECT eventId FROM {_READ_EVENTS}",
        rows={
            "events_orc": f"SELECT eventId AS eventid, userId AS userid, type, ts, tags FROM {_READ_EVENTS}"
        },
        log=("read again: 5",),
    ),
    Case(
        "spark_sql_catalog.py",
        inputs=_VISITS | {"pages/pages.csv": 'path,title\n/,Home\n/a,"About, us"\n/b,Blog\n'},
        tables={
            "visits": Table("json", "path string; seconds int", "day string"),
            "pages": Table("opencsv", "path string; title string", header=True),
        },
        result="SELECT title, day, visits, longest FROM read_parquet('{out}/*.parquet')",
        expected=(
            "SELECT title, day, count(*) AS visits, max(seconds) AS longest"
            " FROM read_json('{data}/visits/**/*.json', hive_partitioning = true, hive_types_autocast = false)"
            " LEFT JOIN read_csv('{data}/pages/*.csv', header = true) USING (path)"
            " WHERE day >= '2024-01-02' GROUP BY title, day"
        ),
        log=("has visits: True has pages: True", "pages: 3"),
        is_quick=True,
    ),
    Case(
        "ctas_insert.py",
        inputs=_ORDERS,
        rows={
            "order_totals": (
                f"WITH o AS (SELECT * REPLACE (amount::DECIMAL(10,2) AS amount) FROM {_READ_ORDERS})"
                " SELECT customer_id, sum(amount)::VARCHAR AS total FROM o WHERE status = 'shipped' GROUP BY customer_id"
                " UNION ALL SELECT 'all', sum(amount)::VARCHAR FROM o"
            ),
            "orders_by_region": _CHOSEN,
        },
        log=("regions: 3",),
        is_quick=True,
    ),
    Case(
        "hive_partition_sql.py",
        inputs=_ORDERS,
        rows={
            "daily_orders": (
                f"SELECT order_id::INT AS id, amount, region FROM {_READ_ORDERS} WHERE region <> 'W'"
                " UNION ALL SELECT 100, '1.00', 'X'"
            )
        },
        log=("partitions: ['region=N', 'region=S', 'region=X']", "listed: True", "rows: 5"),
    ),
]
