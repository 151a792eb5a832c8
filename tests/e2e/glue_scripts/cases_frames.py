"""Scripts with DynamicFrames: sources, transforms and targets of Glue's own library."""

import json

from tests.e2e.glue_scripts.case import Case, Table
from tests.e2e.glue_scripts.data import (
    CLUBS,
    CUSTOMERS_CSV,
    EVENTS,
    ORDERS_CSV,
    PLAYERS,
    SEASONS,
    lines,
)

_ORDERS = {"orders/orders.csv": ORDERS_CSV}
_EVENTS = {"events/a.json": lines(EVENTS[:3]), "events/b.json": lines(EVENTS[3:])}
_READ_ORDERS = "read_csv('{data}/orders/*.csv', header = true, all_varchar = true)"
_READ_EVENTS = "read_json('{data}/events/*.json', format = 'newline_delimited')"
_PARQUET = "read_parquet('{out}/**/*.parquet')"


def _avro() -> bytes:
    import io

    import fastavro

    fields = [{"name": "id", "type": "int"}, {"name": "name", "type": ["null", "string"]}]
    schema = fastavro.parse_schema({"type": "record", "name": "people", "fields": fields})
    file = io.BytesIO()
    fastavro.writer(file, schema, [{"id": 1, "name": "Ana"}, {"id": 2, "name": None}])
    return file.getvalue()


def _types() -> bytes:
    import tempfile
    from pathlib import Path

    import duckdb

    select = (
        "SELECT 1 AS id, 2.50::DECIMAL(10,2) AS price, 3::INTEGER AS pieces, DATE '2024-02-29' AS day,"
        " TIMESTAMP '2024-02-29 10:11:12.345678' AS moment, ['a', NULL] AS tags, MAP {'k': 1::BIGINT} AS counts,"
        " {'x': 1.5::DOUBLE, 'y': true} AS place, 'unused' AS unused"
        " UNION ALL SELECT 2, NULL, 4, NULL, NULL, NULL, NULL, NULL, NULL"
    )
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        file = Path(folder) / "types.parquet"
        connection.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")
        return file.read_bytes()


CASES = [
    Case(
        "studio_csv_to_parquet.py",
        inputs=_ORDERS,
        result="SELECT * FROM read_parquet('{out}/orders/**/*.parquet', hive_partitioning = true)",
        expected=(
            "SELECT order_id::INT AS id, customer_id AS customer, ordered_at::TIMESTAMP AS ordered_at,"
            f" amount::DECIMAL(10,2) AS amount, region FROM {_READ_ORDERS}"
        ),
        objects=(r"orders/region=[NSW]/[^/]+\.parquet",),
        is_quick=True,
    ),
    Case(
        "catalog_etl_drop_nulls.py",
        inputs={"customers/customers.csv": CUSTOMERS_CSV},
        tables={
            "customers": Table("opencsv", "id string; name string; city string; updated string", header=True)
        },
        result=f"SELECT id, coalesce(name, '') AS name, city FROM {_PARQUET}",
        expected="SELECT id, coalesce(name, '') AS name, city FROM read_csv('{data}/customers/*.csv')",
        log=("Count:  4", "|-- city: string"),
    ),
    Case(
        "avro_to_parquet.py",
        inputs={"avro/a.avro": _avro()},
        result=f"SELECT id, name FROM {_PARQUET}",
        expected="SELECT * FROM (VALUES (1, 'Ana'), (2, NULL)) t(id, name)",
    ),
    Case(
        "xml_to_json.py",
        inputs={
            "xml/a.xml": '<books><book id="1"><title>Emma</title><price>7.5</price></book>'
            '<book id="2"><title>Walden</title><price>8</price></book></books>'
        },
        result="SELECT _id, title, price FROM read_json('{out}/**/*.json')",
        expected="SELECT * FROM (VALUES (1, 'Emma', 7.5), (2, 'Walden', 8.0)) t(_id, title, price)",
    ),
    Case(
        "resolve_choice.py",
        inputs={
            "readings/a.json": '{"id": 1, "value": "12.5"}\n{"id": 2, "value": 3}\n{"id": 3, "value": "off"}\n'
        },
        # A projection drops values of other types:
        # https://docs.aws.amazon.com/glue/latest/dg/glue-etl-scala-apis-glue-dynamicframe-class.html
        result=(
            "SELECT a.id, a.value AS cast_value, b.value_int, b.value_string, c.value AS projected"
            " FROM read_parquet('{out}/cast/*.parquet') a"
            " JOIN read_parquet('{out}/columns/*.parquet') b USING (id)"
            " JOIN read_parquet('{out}/projected/*.parquet') c USING (id)"
        ),
        expected=(
            "SELECT * FROM (VALUES (1, 12.5, NULL, '12.5', '12.5'), (2, 3.0, 3, NULL, NULL),"
            " (3, NULL, NULL, 'off', 'off')) t(id, cast_value, value_int, value_string, projected)"
        ),
        is_quick=True,
    ),
    Case(
        "catalog_to_partitions.py",
        inputs={"orders_to_split/orders.csv": ORDERS_CSV},
        tables={
            "orders_to_split": Table(
                "csv",
                "order_id bigint; customer_id string; ordered_at string; status string; amount string; region string",
                header=True,
            )
        },
        result=(
            "SELECT order_id, customer_id, ordered_at, status, amount, region, year, month"
            " FROM read_parquet('{out}/orders/**/*.parquet', hive_partitioning = true)"
        ),
        expected=(
            "SELECT order_id, customer_id, ordered_at, status, amount, region, year(ordered_at) AS year,"
            " month(ordered_at) AS month FROM read_csv('{data}/orders_to_split/*.csv')"
        ),
        objects=(r"orders/year=2024/month=[12]/[^/]+\.parquet",),
    ),
    Case(
        "join_relationalize.py",
        inputs={
            "players/a.json": lines(PLAYERS),
            "seasons/a.json": lines(SEASONS),
            "clubs/a.json": lines(CLUBS),
        },
        tables={
            "players": Table(
                "json",
                "id string; given string; family string; contacts array<struct<kind:string,value:string>>",
            ),
            "seasons": Table("json", "player string; club string; since string"),
            "clubs": Table("json", "id string; name string; home struct<city:string,seats:int>"),
        },
        # The names of columns are those of AWS's "Joining and relationalizing data" example:
        # https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-samples-legislators.html
        result=(
            'SELECT r.given, r.club_name, r."home.city" AS city, r."home.seats" AS seats, r.since,'
            ' c."contacts.val.kind" AS kind, c."contacts.val.value" AS contact, c.index AS place'
            " FROM read_parquet('{out}/hist_root/*.parquet') r"
            " LEFT JOIN read_parquet('{out}/hist_root_contacts/*.parquet') c ON r.contacts = c.id"
        ),
        expected=(
            "SELECT p.given, k.name AS club_name, k.home.city AS city, k.home.seats AS seats, s.since,"
            " c.kind, c.contact, c.place"
            " FROM read_json('{data}/players/*.json') p JOIN read_json('{data}/seasons/*.json') s ON p.id = s.player"
            " JOIN read_json('{data}/clubs/*.json') k ON k.id = s.club"
            " LEFT JOIN (SELECT id, u.kind, u.value AS contact, place - 1 AS place FROM ("
            "   SELECT id, unnest(contacts) AS u, generate_subscripts(contacts, 1) AS place"
            "   FROM read_json('{data}/players/*.json'))) c ON c.id = p.id"
        ),
        log=("Count:  4", "['hist_root', 'hist_root_contacts']"),
        is_quick=True,
    ),
    Case(
        "bookmark_incremental.py",
        inputs={"landing/2024/01.json": lines(EVENTS[:2])},
        later={"landing/2024/02.json": lines(EVENTS[2:])},
        arguments={"--job-bookmark-option": "job-bookmark-enable"},
        result=f"SELECT eventId, ts FROM {_PARQUET}",
        expected="SELECT eventId, ts FROM read_json('{data}/landing/**/*.json')",
        log=("new records: 3",),
        is_quick=True,
    ),
    Case(
        "json_path.py",
        inputs={
            "api/page1.json": json.dumps(
                {
                    "next": None,
                    "data": {"items": [{"id": 1, "geo": {"lat": 1.5}}, {"id": 2, "geo": {"lat": -2.0}}]},
                },
                indent=2,
            ),
        },
        result="SELECT id, \"geo.lat\" AS lat FROM read_json('{out}/**/*', format = 'newline_delimited')",
        expected="SELECT * FROM (VALUES (1, 1.5), (2, -2.0)) t(id, lat)",
    ),
    Case(
        "csv_without_header.py",
        inputs={"export/stock.txt": 'A1|a "quoted part|7\nB2|x, y|0\n'},
        result="SELECT * FROM read_json('{out}/**/*', format = 'newline_delimited',"
        " columns = {'sku': 'VARCHAR', 'label': 'VARCHAR', 'stock': 'VARCHAR'})",
        expected="SELECT * FROM (VALUES ('A1', 'a \"quoted part', '7'), ('B2', 'x, y', '0')) t(sku, label, stock)",
    ),
    Case(
        "recurse_exclusions.py",
        inputs={
            "logs/2024/a.json": lines(EVENTS[:1]),
            "logs/2024/b.json.tmp": lines(EVENTS[1:2]),
            "logs/archive/old.json": lines(EVENTS[2:3]),
            "logs/c.json": lines(EVENTS[3:]),
        },
        result="SELECT eventId FROM read_json('{out}/*.json')",
        expected="SELECT * FROM (VALUES ('e1'), ('e4'), ('e5')) t(eventId)",
        log=("records: 3",),
    ),
    Case(
        "filter_map.py",
        inputs=_EVENTS,
        result="SELECT eventId, userId, day, first_tag FROM read_json('{out}/**/*', format = 'newline_delimited',"
        " columns = {'eventId': 'VARCHAR', 'userId': 'VARCHAR', 'day': 'VARCHAR', 'first_tag': 'VARCHAR'})",
        expected=(
            "SELECT eventId, userId, strftime(make_timestamp(ts * 1000000), '%Y-%m-%d') AS day,"
            f" coalesce(tags[1], 'none') AS first_tag FROM {_READ_EVENTS} WHERE type = 'view'"
        ),
        log=("errors: 0",),
        is_quick=True,
    ),
    Case(
        "split_frames.py",
        inputs=_ORDERS,
        result=(
            "SELECT 'medium' AS name, order_id, amount, status, region FROM read_parquet('{out}/medium/*.parquet')"
            " UNION ALL SELECT 'rest', order_id, amount, status, region FROM read_parquet('{out}/rest/*.parquet')"
            " UNION ALL SELECT 'where', order_id, NULL, NULL, region FROM read_parquet('{out}/where/*.parquet')"
            " UNION ALL SELECT 'what', NULL, amount, status, NULL FROM read_parquet('{out}/what/*.parquet')"
        ),
        expected=(
            "WITH o AS (SELECT order_id::BIGINT AS order_id, amount::DOUBLE AS amount, status, region"
            f" FROM {_READ_ORDERS})"
            " SELECT CASE WHEN amount > 9 AND amount < 50 THEN 'medium' ELSE 'rest' END AS name, * FROM o"
            " UNION ALL SELECT 'where', order_id, NULL, NULL, region FROM o"
            " UNION ALL SELECT 'what', NULL, amount, status, NULL FROM o"
        ),
        log=("['medium', 'rest'] ['what', 'where']",),
    ),
    Case(
        "unbox_json.py",
        inputs={
            "messages/a.json": lines(
                {"id": name, "payload": json.dumps({"user": {"name": person}, "amount": amount})}
                for name, person, amount in (("m1", "Ana", 1.5), ("m2", "Bea", 2.25))
            )
        },
        result=f"SELECT id, name, amount FROM {_PARQUET}",
        expected="SELECT * FROM (VALUES ('m1', 'Ana', 1.5), ('m2', 'Bea', 2.25)) t(id, name, amount)",
    ),
    Case(
        "spigot_sample.py",
        inputs=_EVENTS,
        result="SELECT userId, count FROM read_parquet('{out}/counts/*.parquet')",
        expected=f"SELECT userId, count(*) AS count FROM {_READ_EVENTS} GROUP BY userId",
        objects=(r"counts/.*", r"spigot/.+"),
        log=("users: 3",),
    ),
    Case(
        "round_trip_types.py",
        inputs={"types/types.parquet": _types()},
        result=f"SELECT id, unit_price, pieces, day, moment, tags, counts, place, total FROM {_PARQUET}",
        expected=(
            "SELECT id, price AS unit_price, pieces, day, moment, tags, counts, place, price * pieces AS total"
            " FROM read_parquet('{data}/types/*.parquet')"
        ),
        is_quick=True,
    ),
    Case(
        "merge_frames.py",
        inputs={
            "current/a.json": lines([{"id": 1, "city": "A"}, {"id": 2, "city": "B"}]),
            "changes/a.json": lines([{"id": 2, "city": "X"}, {"id": 3, "city": "C"}]),
            "extra/a.json": lines([{"id": 9, "city": "Z"}]),
        },
        result="SELECT id, city FROM read_json('{out}/**/*', format = 'newline_delimited')",
        expected="SELECT * FROM (VALUES (1, 'A'), (2, 'X'), (3, 'C'), (9, 'Z')) t(id, city)",
        log=("fields: ['city', 'id']", "rows: 4"),
    ),
    Case(
        "json_array.py",
        inputs={
            "export/all.json": json.dumps(
                [{"id": n, "amount": n * 3, "who": {"name": "abc"[n]}} for n in range(3)], indent=1
            )
        },
        result="SELECT id, label FROM read_csv('{out}/*', header = true)",
        expected="SELECT * FROM (VALUES (2, '2-c')) t(id, label)",
        log=("kept: 1 schema: ['id', 'label']",),
    ),
]
