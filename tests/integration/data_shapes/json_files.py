"""JSON of APIs, document databases and warehouses."""

from __future__ import annotations

import json

from tests.integration.data_shapes.shape import Shape, shape, zipped

PEOPLE = [{"id": 1, "name": "Ana", "tags": ["a", "b"]}, {"id": 2, "name": None, "tags": []}]
PEOPLE_ROWS = [(1, "Ana", ["a", "b"]), (2, None, [])]
PEOPLE_COLUMNS = "id bigint; name; tags array<string>"


def lines(*records: object) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


@shape
def json_lines() -> Shape:
    return Shape({"people.jsonl": lines(*PEOPLE)}, PEOPLE_COLUMNS, PEOPLE_ROWS)


@shape
def ndjson_gzip() -> Shape:
    return Shape({"people.ndjson.gz": zipped(lines(*PEOPLE))}, PEOPLE_COLUMNS, PEOPLE_ROWS)


@shape
def api_array() -> Shape:
    """A list, as curl saves it: one line."""
    return Shape({"people.json": json.dumps(PEOPLE)}, PEOPLE_COLUMNS, PEOPLE_ROWS, "array|list")


@shape
def pretty_array() -> Shape:
    """DataFrame.to_json(orient="records", indent=2), jq, or an editor."""
    return Shape({"people.json": json.dumps(PEOPLE, indent=2)}, PEOPLE_COLUMNS, PEOPLE_ROWS)


@shape
def pretty_objects() -> Shape:
    """jq '.[]': objects on several lines, one after another."""
    return Shape(
        {"people.json": "".join(json.dumps(one, indent=2) + "\n" for one in PEOPLE)},
        PEOPLE_COLUMNS,
        PEOPLE_ROWS,
    )


@shape
def firehose() -> Shape:
    """Amazon Data Firehose: records without anything between them."""
    return Shape({"delivery-1.json": "".join(json.dumps(one) for one in PEOPLE)}, PEOPLE_COLUMNS, PEOPLE_ROWS)


@shape
def powershell() -> Shape:
    """ConvertTo-Json | Out-File: UTF-16 with CRLF."""
    text = json.dumps(PEOPLE, indent=4).replace("\n", "\r\n")
    return Shape({"people.json": text.encode("utf-16")}, PEOPLE_COLUMNS, PEOPLE_ROWS)


@shape
def json_with_byte_order_mark() -> Shape:
    return Shape({"people.json": "\ufeff" + lines(*PEOPLE)}, PEOPLE_COLUMNS, PEOPLE_ROWS)


@shape
def json_with_capitals() -> Shape:
    """Names in the style of C#, at every level."""
    records = [{"OrderId": 1, "Ship": {"ToCity": "Köln"}}, {"OrderId": 2, "Ship": None}]
    return Shape(
        {"orders.json": lines(*records)},
        "orderid bigint; ship struct<tocity:string>",
        [(1, {"tocity": "Köln"}), (2, None)],
    )


@shape
def mongoexport() -> Shape:
    """Extended JSON of MongoDB."""
    record = {
        "_id": {"$oid": "65a1"},
        "total": {"$numberDecimal": "1.50"},
        "at": {"$date": "2024-01-02T03:04:05.678Z"},
    }
    return Shape(
        {"orders.json": lines(record)},
        "id struct<oid:string>; total struct<numberdecimal:string>; at struct<date:string>",
        [({"oid": "65a1"}, {"numberdecimal": "1.50"}, {"date": "2024-01-02T03:04:05.678Z"})],
    )


@shape
def elasticdump() -> Shape:
    record = {
        "_index": "logs",
        "_id": "a1",
        "_source": {"@timestamp": "2024-01-02T03:04:05Z", "http.status": 200},
    }
    return Shape(
        {"logs.json": lines(record)},
        "index; id; source struct<timestamp:string,http_status:bigint>",
        [("logs", "a1", {"timestamp": "2024-01-02T03:04:05Z", "http_status": 200})],
    )


@shape
def dynamodb_export() -> Shape:
    """Export to S3: a record is an Item with typed values."""
    records = [{"Item": {"Id": {"S": "1"}, "Total": {"N": "1.5"}}}, {"Item": {"Id": {"S": "2"}}}]
    return Shape(
        {"tzq5nq3xvi.json.gz": zipped(lines(*records))},
        "item struct<id:struct<s:string>,total:struct<n:string>>",
        [({"id": {"s": "1"}, "total": {"n": "1.5"}},), ({"id": {"s": "2"}, "total": None},)],
    )


@shape
def bigquery_json() -> Shape:
    """BigQuery writes 64-bit integers as strings."""
    return Shape(
        {"000000000000.json": lines({"n": "9007199254740993", "x": 0.5})},
        "n; x double",
        [("9007199254740993", 0.5)],
    )


@shape
def odata() -> Shape:
    """One object around the list."""
    text = json.dumps({"@odata.context": "x", "value": [{"Id": 1}]}, indent=1)
    return Shape({"people.json": text}, refused=r"people\.json: .*'value'.*jq")


@shape
def geojson() -> Shape:
    place = {
        "type": "Feature",
        "properties": {"Name": "A"},
        "geometry": {"type": "Point", "coordinates": [6.9, 50.9]},
    }
    text = json.dumps({"type": "FeatureCollection", "features": [place]})
    return Shape({"places.json": text}, refused=r"places\.json: .*'features'.*jq")


@shape
def python_nan() -> Shape:
    """Python's json.dumps writes NaN, which is not JSON."""
    return Shape({"a.json": '{"id": 1, "x": NaN}\n'}, refused=r"a\.json:1: has NaN.* null")


@shape
def json_with_numbers_and_texts() -> Shape:
    """The same field with values of several types."""
    return Shape(
        {"a.json": lines({"id": 1, "v": 5}, {"id": 2, "v": "n/a"}, {"id": 3})},
        "id bigint; v",
        [(1, "5"), (2, "n/a"), (3, None)],
    )


@shape
def json_partitions() -> Shape:
    return Shape(
        {"day=2024-01-01/a.json": lines({"id": 1}), "day=2024-01-02/a.json": lines({"id": 2, "x": True})},
        "id bigint; x boolean; day",
        [(1, None, "2024-01-01"), (2, True, "2024-01-02")],
    )


@shape
def json_duplicate_key() -> Shape:
    return Shape({"a.json": '{"id": 1}\n{"id": 2, "id": 3}\n'}, refused=r"a\.json:2: .*id.*twice")


@shape
def json_case_duplicate() -> Shape:
    return Shape({"a.json": '{"id": 1, "ID": 2}\n'}, refused=r"a\.json:1: .*ID.*twice")


@shape
def json_cut_off() -> Shape:
    return Shape({"a.json": '{"id": 1}\n{"id": 2, "na'}, refused=r"a\.json:2: ")


@shape
def json_late_latin_1() -> Shape:
    return Shape(
        {"a.json": b'{"n": "x"}\n' * 2000 + '{"n": "São"}\n'.encode("latin-1")},
        refused=r"a\.json:2001: .*UTF-8",
    )


@shape
def json_scalars() -> Shape:
    return Shape({"a.json": "[1, 2, 3]"}, refused="object")


@shape
def python_dicts() -> Shape:
    """str(dict) is not JSON."""
    return Shape({"a.json": "{'id': 1}\n"}, refused=r"a\.json:1: ")
