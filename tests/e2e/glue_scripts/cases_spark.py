"""Scripts with Spark alone, boto3, and the options of a job."""

import gzip
import json

from local.runtime.paths import GLUE_LIBRARIES
from tests.e2e.glue_scripts.case import Case
from tests.e2e.glue_scripts.data import CUSTOMERS_CSV, EVENTS, ORDERS_CSV, PLAYERS, lines

_ORDERS = {"orders/orders.csv": ORDERS_CSV}
_CUSTOMERS = {"customers/customers.csv": CUSTOMERS_CSV}
_EVENTS = {"events/a.json": lines(EVENTS[:3]), "events/b.json": lines(EVENTS[3:])}
_READ_ORDERS = "read_csv('{data}/orders/*.csv', header = true)"
_READ_EVENTS = "read_json('{data}/events/*.json', format = 'newline_delimited')"
_PARQUET = "read_parquet('{out}/**/*.parquet')"

_PANDAS = Case(
    "pandas_udf.py",
    inputs=_ORDERS,
    result=(
        "SELECT order_id::VARCHAR AS name, z AS value FROM read_parquet('{out}/z/*.parquet')"
        " UNION ALL SELECT region, median FROM read_parquet('{out}/medians/*.parquet')"
    ),
    expected=(
        f"SELECT order_id::VARCHAR AS name, round((amount - 10) / 2, 3) AS value FROM {_READ_ORDERS}"
        f" UNION ALL SELECT region, median(amount) FROM {_READ_ORDERS} GROUP BY region"
    ),
    log=("(5, 6)",),
)
_NO_PANDAS = Case("pandas_udf.py", inputs=_ORDERS, error=r"pandas.*make glue-libraries")

CASES = [
    _PANDAS if GLUE_LIBRARIES.is_dir() else _NO_PANDAS,
    Case(
        "studio_sql_query.py",
        inputs=_ORDERS | _CUSTOMERS,
        result=(
            "SELECT * FROM read_json('{out}/**/*', format = 'newline_delimited',"
            " columns = {'city': 'VARCHAR', 'orders': 'BIGINT', 'amount': 'DECIMAL(20,2)'})"
        ),
        expected=(
            "SELECT c.city, count(DISTINCT o.order_id) AS orders, sum(o.amount::DECIMAL(10,2)) AS amount"
            f" FROM {_READ_ORDERS} o JOIN read_csv('{{data}}/customers/*.csv') c ON o.customer_id = c.id"
            " GROUP BY c.city"
        ),
        is_quick=True,
    ),
    Case(
        "boto3_and_spark.py",
        inputs={f"small/{n}.json": json.dumps({"kind": "ab"[n % 2], "n": n}) for n in range(5)},
        result="SELECT kind, n FROM read_csv('{out}/report.csv', header = true)",
        expected="SELECT kind, sum(n) AS n FROM read_json('{data}/small/*.json') GROUP BY kind",
        objects=(r"report\.csv", r"staged/all\.json"),
        log=("staged: 5",),
        is_quick=True,
    ),
    Case(
        "bucket_root.py",
        arguments={"--BUCKET": "{spec}"},
        result=f"SELECT id, n FROM {_PARQUET}",
        expected="SELECT * FROM (VALUES (1, 10), (2, 20), (3, 30)) t(id, n)",
        log=("total: 60", "listed: ['a.csv', 'b.csv']"),
    ),
    Case(
        "latest_by_key.py",
        inputs=_CUSTOMERS,
        result=f"SELECT id, name, city, updated, initials FROM {_PARQUET}",
        expected=(
            "SELECT * FROM (VALUES ('c1', 'Ana & Co, Lda', 'Braga', '2024-03-01', 'ACL'),"
            " ('c2', 'Bea', 'Lisboa', '2024-01-02', 'B'), ('c3', NULL, 'Faro', '2024-01-03', NULL))"
            " t(id, name, city, updated, initials)"
        ),
    ),
    Case(
        "slowly_changing.py",
        inputs={
            "dimension/a.json": lines(
                {"id": n, "city": city, "valid_from": f"2023-0{n}-01"}
                for n, city in ((1, "A"), (2, "B"), (3, "C"))
            ),
            "updates/a.json": lines({"id": n, "city": city} for n, city in ((1, "X"), (2, "B"), (4, "D"))),
        },
        result=f"SELECT id, city, valid_from, valid_to FROM {_PARQUET}",
        expected=(
            "SELECT * FROM (VALUES (1, 'A', DATE '2023-01-01', DATE '2024-06-01'),"
            " (1, 'X', DATE '2024-06-01', NULL), (2, 'B', DATE '2023-02-01', NULL),"
            " (3, 'C', DATE '2023-03-01', NULL), (4, 'D', DATE '2024-06-01', NULL))"
            " t(id, city, valid_from, valid_to)"
        ),
    ),
    Case(
        "pivot_explode.py",
        inputs=_EVENTS,
        result=(
            "SELECT eventId AS name, tag, tags AS n FROM read_parquet('{out}/tags/*.parquet')"
            " UNION ALL SELECT userId, NULL, view * 10 + buy FROM read_parquet('{out}/by_user/*.parquet')"
            " UNION ALL SELECT hour, NULL, count FROM read_parquet('{out}/hours/*.parquet')"
        ),
        expected=(
            f"WITH e AS (SELECT * FROM {_READ_EVENTS})"
            " SELECT eventId AS name, tag, len(tags) AS n FROM e LEFT JOIN unnest(e.tags) t(tag) ON true"
            " UNION ALL SELECT userId, NULL, sum(CASE WHEN type = 'view' THEN 10 ELSE 1 END)::BIGINT FROM e GROUP BY userId"
            " UNION ALL SELECT strftime(make_timestamp(ts * 1000000), '%H'), NULL, count(*) FROM e GROUP BY 1"
        ),
    ),
    Case(
        "nested_json_explode.py",
        inputs={"players/a.json": lines(PLAYERS)},
        result="SELECT id, position, kind, value FROM read_json('{out}/*.json.gz', format = 'newline_delimited',"
        " columns = {'id': 'VARCHAR', 'position': 'INT', 'kind': 'VARCHAR', 'value': 'VARCHAR'})",
        expected=(
            "SELECT * FROM (VALUES ('p1', 0, 'mail', 'ada@a.pt'), ('p3', 0, 'mail', 'e@b.pt'),"
            " ('p3', 1, 'phone', '123')) t(id, position, kind, value)"
        ),
    ),
    Case(
        "data_quality.py",
        inputs=_ORDERS,
        # https://docs.aws.amazon.com/glue/latest/dg/dqdl.html
        result="SELECT replace(Rule, ' ', '') AS rule, Outcome AS outcome FROM read_json('{out}/*.json')",
        expected=(
            "SELECT * FROM (VALUES ('RowCount>3', 'Passed'), ('IsComplete\"order_id\"', 'Passed'),"
            " ('IsUnique\"order_id\"', 'Passed'), ('ColumnValues\"region\"in[\"N\",\"S\"]', 'Failed'),"
            " ('ColumnExists\"amount\"', 'Passed')) t(rule, outcome)"
        ),
    ),
    Case(
        "extra_py_files.py",
        inputs=_ORDERS,
        result=f"SELECT order_id, gross, region FROM {_PARQUET}",
        expected=(
            "SELECT * FROM (VALUES ('1', 12.6, 'north'), ('2', 24.0, 'south'), ('3', 6.3, 'north'),"
            " ('4', 119.99, 'other'), ('5', 8.4, 'south')) t(order_id, gross, region)"
        ),
        log=("regions known: 2",),
        is_quick=True,
    ),
    Case(
        "extra_file_config.py",
        inputs=_ORDERS | {"config/mapping.json": '{"order_id": "id", "status": "state"}'},
        arguments={"--extra-files": "{source}/config/mapping.json"},
        result=f"SELECT id, state FROM {_PARQUET}",
        expected=f"SELECT order_id AS id, status AS state FROM {_READ_ORDERS}",
        log=("mapping: ['order_id', 'status']",),
    ),
    Case(
        "logging_and_arguments.py",
        arguments={"--region": "N"},
        result="SELECT name, value FROM read_json('{out}/*.json')",
        expected="SELECT 'region' AS name, 'N' AS value",
        log=(
            *("info from the Glue logger", "warning from the Glue logger", "info from Python's logging"),
            "region=N limit=none",
        ),
    ),
    Case(
        "purge_and_rewrite.py",
        inputs=_ORDERS,
        result=f"SELECT id, state FROM {_PARQUET}",
        expected=f"SELECT order_id AS id, status AS state FROM {_READ_ORDERS}",
    ),
    Case(
        "overwrite_partitions.py",
        inputs={"corrections/a.json": lines([{"id": "b", "n": 20, "day": "2024-01-02"}])},
        result="SELECT id, n, day::VARCHAR AS day FROM read_parquet('{out}/daily/**/*.parquet', hive_partitioning = true)",
        expected=(
            "SELECT * FROM (VALUES ('a', 1, '2024-01-01'), ('b', 20, '2024-01-02'), ('c', 3, '2024-01-03')) t(id, n, day)"
        ),
        log=("days: 2024-01-01,2024-01-02,2024-01-03",),
    ),
    Case(
        "streaming_available_now.py",
        inputs=_EVENTS,
        result="SELECT eventId, userId, ts FROM read_parquet('{out}/events/*.parquet')",
        expected=f"SELECT eventId, userId, ts FROM {_READ_EVENTS}",
        log=("streamed: 5",),
    ),
    Case(
        "csv_gz_s3a.py",
        inputs={
            f"packed/{name}.csv.gz": gzip.compress(text.encode(), mtime=0)
            for name, text in (("a", 'id,note\n1,"x, y"\n2,z\n'), ("b", "id,note\n3,w\n"))
        },
        result="SELECT * FROM read_csv('{out}/**/*.gz', header = true, all_varchar = true)",
        expected="SELECT * FROM read_csv('{data}/packed/*.csv.gz', header = true, all_varchar = true)",
    ),
    Case(
        "rdd_and_broadcast.py",
        inputs={"logs/a.log": "E 5 disk full\nW 1 slow\n", "logs/b.log": "E 2 no route\nbroken\n"},
        arguments={"--day-part": "am"},
        result=f"SELECT level, minutes, text FROM {_PARQUET}",
        expected=(
            "SELECT * FROM (VALUES ('error', 5, 'disk full'), ('warning', 1, 'slow'),"
            " ('error', 2, 'no route')) t(level, minutes, text)"
        ),
        log=("minutes: [('error', 7), ('warning', 1)] skipped: 1 part: am",),
    ),
    Case(
        "local_files.py",
        inputs=_ORDERS,
        result=(
            "SELECT order_id AS value FROM read_parquet('{out}/ids/*.parquet')"
            " UNION ALL SELECT customer FROM read_parquet('{out}/customers/*.parquet')"
        ),
        expected=(
            f"SELECT order_id::VARCHAR AS value FROM {_READ_ORDERS} UNION ALL"
            f" SELECT DISTINCT substr(sha256(customer_id), 1, 8) FROM {_READ_ORDERS}"
        ),
        log=("written: [('customers', 3), ('ids', 5)]",),
    ),
]
