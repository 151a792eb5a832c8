"""Local Athena: tables as crawlers and jobs make them. The rows expected are those of Athena's documents."""

from __future__ import annotations

import bz2
import datetime
import io
import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import cramjam
import fastavro
import pyorc
import pytest
from moto import mock_aws

from tests.support.athena_tables import (
    CSV,
    JSON,
    PARQUET,
    SKIP,
    Aws,
    failure,
    parquet,
    put,
    rows,
    serving,
    table,
)

HIVE = "org.apache.hadoop.hive"
ORC = {"SerializationLibrary": f"{HIVE}.ql.io.orc.OrcSerde"}
AVRO = {"SerializationLibrary": f"{HIVE}.serde2.avro.AvroSerDe"}
UTC = datetime.UTC


def lazy(**properties: str) -> dict[str, Any]:
    given = {name.replace("_", "."): value for name, value in properties.items()}
    return {"SerializationLibrary": f"{HIVE}.serde2.lazy.LazySimpleSerDe", "Parameters": given}


def regex(pattern: str) -> dict[str, Any]:
    return {"SerializationLibrary": f"{HIVE}.serde2.RegexSerDe", "Parameters": {"input.regex": pattern}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with mock_aws(), serving(tmp_path_factory.mktemp("athena") / "queries") as aws:
        for bucket in ("data", "results"):
            aws("s3").create_bucket(Bucket=bucket)
        aws("glue").create_database(DatabaseInput={"Name": "db"})
        configuration = {"ResultConfiguration": {"OutputLocation": "s3://results/"}}
        aws("athena").create_work_group(Name="learners", Configuration=configuration)
        yield aws


def values(aws: Aws, name: str) -> list[list[str | None]]:
    """The rows of a table, without the header."""
    return rows(aws, f"SELECT * FROM {name}")[1:]


def test_a_crawled_csv_table_has_the_types_of_its_columns(aws: Aws) -> None:
    columns = "id bigint; price decimal(6,2); rate double; paid boolean; day date; at timestamp; note string"
    table(aws, "crawled", columns, lazy(field_delim=","), parameters=SKIP)
    put(
        aws,
        "crawled/a.csv",
        "id,price,rate,paid,day,at,note\n"
        '1,1.005,1e3,TRUE,2020-2-30,2020-01-02 03:04:05.6789,a"b\n'
        "+2.9,12345.6,NaN,yes,soon,2020-01-02T03:04:05,\\N\n"
        "\n"
        "9223372036854775808,,, true,,,,too many\r\n",
    )
    assert values(aws, "crawled") == [
        ["1", "1.01", "1000.0", "true", "2020-03-01", "2020-01-02 03:04:05.679", 'a"b'],
        ["2", None, "NaN", None, None, "2020-01-02 03:04:05.000", None],
        [None, None, None, None, None, None, None],
        [None, None, None, None, None, None, ""],
    ]


def test_lazy_simple_delimiters_escapes_and_nulls_are_the_tables(aws: Aws) -> None:
    serde = lazy(field_delim="\t", escape_delim="\\", serialization_null_format="-")
    table(aws, "escaped", "a string; b string; c varchar(2)", serde)
    put(aws, "escaped/a.tsv", "x\\\ty\t-\tlong\nonly\n")
    assert values(aws, "escaped") == [["x\ty", None, "lo"], ["only", None, None]]
    table(aws, "bare", "a string; b int", {"SerializationLibrary": lazy()["SerializationLibrary"]})
    put(aws, "bare/000000_0", "x\x017\n")
    assert values(aws, "bare") == [["x", "7"]]
    table(
        aws,
        "rest",
        "a string; b string",
        lazy(field_delim="124", serialization_last_column_takes_rest="true"),
    )
    put(aws, "rest/a.txt", "x|y|z\n")
    assert values(aws, "rest") == [["x", "y|z"]]


def test_lazy_simple_nested_types_have_their_own_delimiters(aws: Aws) -> None:
    serde = lazy(field_delim=",", collection_delim="|", mapkey_delim=":")
    nested = "tags array<string>; counts map<string,int>; place struct<x:int,y:string>"
    table(aws, "nested", f"id int; {nested}", serde)
    put(aws, "nested/a.csv", "1,a|b,k:1|l:x|k:3,5|north\n2,,,7\n")
    assert values(aws, "nested") == [
        ["1", "[a, b]", "{k=1, l=null}", "{x=5, y=north}"],
        ["2", "[]", "{}", "{x=7, y=null}"],
    ]


def test_regex_tables_have_the_groups_of_the_expression(aws: Aws) -> None:
    pattern = r"^(?<host>\S+) \[(\d+)\] (\d+\.?\d*)?.*$"
    table(aws, "logs", "host string; status int; size bigint", regex(pattern))
    put(aws, "logs/a.log", "web1 [200] 17 ok\nweb2 [404] 1.5\nnothing\nweb3 [99999999999] -\n")
    assert values(aws, "logs") == [
        ["web1", "200", "17"],
        ["web2", "404", None],
        [None, None, None],
        ["web3", None, None],
    ]


def hadoop(codec: Any, text: bytes) -> bytes:
    """Hadoop's block format, as Spark writes `.snappy` and `.lz4` text files."""
    chunk = bytes(codec(text))
    return len(text).to_bytes(4, "big") + len(chunk).to_bytes(4, "big") + chunk


TEXT = b"1,a\n2,b\n"
COMPRESSED = {
    "bz2": bz2.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "zst": bytes(cramjam.zstd.compress(TEXT)),
    "snappy": hadoop(cramjam.snappy.compress_raw, TEXT) * 2,
    "lz4": hadoop(lambda text: cramjam.lz4.compress_block(text, store_size=False), TEXT),
}


@pytest.mark.parametrize("serde", [CSV, lazy(field_delim=",")], ids=["csv", "lazy"])
@pytest.mark.parametrize("ending", COMPRESSED)
def test_text_is_decompressed_by_the_ending_of_its_name(aws: Aws, ending: str, serde: dict[str, Any]) -> None:
    name = f"packed_{ending}_{len(serde['Parameters'])}"
    table(aws, name, "id int; name string", serde)
    put(aws, f"{name}/a.csv.{ending}", COMPRESSED[ending])
    assert values(aws, name) == [["1", "a"], ["2", "b"]] * (2 if ending == "snappy" else 1)


def test_compressed_files_that_are_damaged_or_unsupported_are_named(aws: Aws) -> None:
    for ending, content, reason in (
        ("bz2", b"plain", "HIVE_CURSOR_ERROR: Failed to read file s3://data/odd_bz2/a.bz2"),
        ("snappy", b"\0\0\0\x05\0\0", "HIVE_CURSOR_ERROR: Failed to read file s3://data/odd_snappy/a.snappy"),
        (
            "lzo",
            b"",
            "NOT_SUPPORTED: The local AWS emulator does not support text files with the ending .lzo",
        ),
    ):
        table(aws, f"odd_{ending}", "id int", lazy())
        put(aws, f"odd_{ending}/a.{ending}", content or b"x")
        assert failure(aws, f"SELECT * FROM odd_{ending}").startswith(reason)


def orc(schema: str, *items: Any) -> bytes:
    buffer = io.BytesIO()
    with pyorc.Writer(buffer, schema, struct_repr=pyorc.StructRepr.DICT) as writer:
        for item in items:
            writer.write(item)
    return buffer.getvalue()


def test_orc_columns_are_read_by_position_or_by_name(aws: Aws) -> None:
    content = orc("struct<Id:int,Name:string>", {"Id": 1, "Name": "a"}, {"Id": None, "Name": None})
    put(aws, "orders/part-0.snappy.orc", content)
    by_name = ORC | {"Parameters": {"orc.column.index.access": "false"}}
    place = {"location": "s3://data/orders/"}
    table(aws, "by_place", "n bigint; text string; added int", ORC, **place)
    table(aws, "by_name", "name string; id int; added int", by_name, **place)
    assert values(aws, "by_place") == [["1", "a", None], [None, None, None]]
    assert values(aws, "by_name") == [["a", "1", None], [None, None, None]]
    table(aws, "by_mistake", "name boolean", ORC, **place)
    assert failure(aws, "SELECT * FROM by_mistake").startswith(
        "HIVE_BAD_DATA: Field name's type INTEGER in orc file is incompatible with type BOOLEAN"
    )
    put(aws, "broken_orc/a.orc", b"no orc")
    table(aws, "broken_orc", "id int", ORC)
    assert failure(aws, "SELECT * FROM broken_orc").startswith(
        "HIVE_BAD_DATA: Malformed ORC file s3://data/broken_orc/a.orc"
    )


NESTED = {"D": Decimal("1.50"), "at": datetime.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)}
NESTED |= {"day": datetime.date(2020, 2, 29), "raw": b"\x00\xff", "s": {"A": 1, "b": None}, "x": float("nan")}


def test_orc_has_every_type(aws: Aws) -> None:
    kinds = "d:decimal(10,2),at:timestamp,day:date,raw:binary,x:double"
    item = {**{name.lower(): value for name, value in NESTED.items()}, "m": {"Key": 1}, "l": [True, None]}
    schema = f"struct<{kinds},s:struct<A:int,b:string>,m:map<string,int>,l:array<boolean>>"
    put(aws, "every_orc/a.orc", orc(schema, item))
    columns = f"{kinds.replace(',', ';').replace('10;2', '10,2').replace(':', ' ')};"
    table(aws, "every_orc", columns + "s struct<a:int,b:string>;m map<string,int>;l array<boolean>", ORC)
    assert values(aws, "every_orc") == [
        [
            *("1.50", "2020-01-02 03:04:05.679", "2020-02-29", "00 ff", "NaN"),
            *("{a=1, b=null}", "{Key=1}", "[true, null]"),
        ]
    ]


def avro(fields: list[Any], *items: Any, codec: str = "null") -> bytes:
    buffer = io.BytesIO()
    schema = {"type": "record", "name": "r", "fields": [{"name": n, "type": t} for n, t in fields]}
    fastavro.writer(buffer, fastavro.parse_schema(schema), items, codec=codec)
    return buffer.getvalue()


def test_avro_columns_are_read_by_name_with_their_logical_types(aws: Aws) -> None:
    fields = [
        ("D", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}),
        ("at", {"type": "long", "logicalType": "timestamp-millis"}),
        ("day", ["null", {"type": "int", "logicalType": "date"}]),
        ("raw", {"type": "fixed", "name": "two", "size": 2}),
        ("s", {"type": "record", "name": "s", "fields": [{"name": "A", "type": "int"}]}),
        ("x", "float"),
        ("kind", {"type": "enum", "name": "kinds", "symbols": ["GOOD"]}),
        ("m", {"type": "map", "values": "long"}),
    ]
    item = NESTED | {"s": {"A": 1}, "kind": "GOOD", "m": {"Key": 2}, "x": 0.5}
    for place, codec in enumerate(("null", "deflate", "snappy", "bzip2")):
        put(aws, f"events/{place}.avro", avro(fields, item, codec=codec))
    columns = "kind string; d decimal(10,2); at timestamp; day date; raw binary; x double; added int"
    table(aws, "events", f"{columns}; s struct<a:int>; m map<string,bigint>", AVRO)
    row = ["GOOD", "1.50", "2020-01-02 03:04:05.678", "2020-02-29", "00 ff", "0.5", None, "{a=1}", "{Key=2}"]
    assert values(aws, "events") == [row] * 4


def test_an_avro_schema_in_the_table_gives_defaults(aws: Aws) -> None:
    put(aws, "evolved/a.avro", avro([("id", "int")], {"id": 1}))
    fields = [{"name": "id", "type": "long"}, {"name": "source", "type": "string", "default": "web"}]
    literal = json.dumps({"type": "record", "name": "r", "fields": fields})
    serde = AVRO | {"Parameters": {"avro.schema.literal": literal}}
    table(aws, "evolved", "id bigint; source string", serde)
    assert values(aws, "evolved") == [["1", "web"]]


@pytest.mark.parametrize(
    ("content", "columns", "reason"),
    [
        (avro([("id", "string")], {"id": "1"}), "id int", "Field id's type VARCHAR in avro file"),
        (b"no avro", "id int", "Malformed Avro file s3://data/"),
    ],
)
def test_an_avro_file_of_other_types_is_bad_data(aws: Aws, content: bytes, columns: str, reason: str) -> None:
    name = f"bad_avro{len(content)}"
    put(aws, f"{name}/a.avro", content)
    table(aws, name, columns, AVRO)
    assert failure(aws, f"SELECT * FROM {name}").startswith(f"HIVE_BAD_DATA: {reason}")


# Lines as OpenCSVSerde reads them: expected values by hand from the rules of Trino's CsvDeserializer.
OPEN_CSV_LINES = {
    "quotes": ('a,"b,""c""",d', ["a", 'b,"c"', "d"]),
    "only quotes": ('"","""",""""""', ["", '"', '""']),
    "a line break": ('1,"two\nlines",x', ["1", None, None], [None] * 3),
    "an open quote": ('1,2,"x', ["1", "2", None]),
    "carriage returns": ("1,2,3\r\n4,5,6\r7,8,9", ["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]),
    "a blank line": ("1,2,3\n\n4,5,6", ["1", "2", "3"], [None] * 3, ["4", "5", "6"]),
    "a short row": ("1,2", ["1", "2", None]),
    "a long row": ("1,2,3,4,5", ["1", "2", "3"]),
    "escapes": (r'"C:\\temp","say \"hi\"",a\tb', [r"C:\temp", 'say "hi"', "atb"]),
    "an escaped end": ('"a\\",b,c', [None, None, None]),
    "an escaped null": (r"\N,\\N,x\\y", ["N", "N", "x\\y"]),
    "quotes within a text": ('1,a "b" c,5"', ["1", 'a "b" c', None]),
    "blanks before quotes": ('1, "b" ,c', ["1", 'b" ', "c"]),
    "other separators": ("a;b;c", ["a;b;c", None, None]),
    "Unicode line breaks": ("a\u2028b,c\x85d,e\x0cf", ["a\u2028b", "c\x85d", "e\x0cf"]),
}


@pytest.mark.parametrize("name", OPEN_CSV_LINES)
def test_csv_lines_are_split_as_opencsv_splits_them(aws: Aws, name: str) -> None:
    content, *expected = OPEN_CSV_LINES[name]
    place = f"lines_{'_'.join(name.lower().split())}"
    table(aws, place, "a string; b string; c string", CSV, parameters=SKIP)
    put(aws, f"{place}/a.csv", f"a,b,c\n{content}\n")
    assert values(aws, place) == expected


def test_csv_headers_marks_and_bytes_of_each_file(aws: Aws) -> None:
    counts = {"skip.header.line.count": "2", "skip.footer.line.count": "1"}
    table(aws, "titled", "a string; b string", CSV, parameters=counts)
    put(aws, "titled/a.csv", "A title\na,b\n1,2\nTotal\n")
    put(aws, "titled/b.csv.gz", b"A title\na,b\n3,\xe9\nTotal\n")
    assert values(aws, "titled") == [["1", "2"], ["3", "\ufffd"]]
    table(aws, "marked", "a string; b string", CSV)
    put(aws, "marked/a.csv", "\ufeff1,2\n")
    assert values(aws, "marked") == [["1", "2"]]


def test_csv_separators_quotes_and_escapes_are_the_tables(aws: Aws) -> None:
    own = {"separatorChar": ";", "quoteChar": "'", "escapeChar": "^"}
    table(aws, "german", "a string; b string", CSV | {"Parameters": own})
    put(aws, "german/a.csv", "'x;y';\"z\"\n'it''s';'^'\\n'\n")
    assert values(aws, "german") == [["x;y", '"z"'], ["it's", "'\\n"]]
    same = CSV | {"Parameters": own | {"quoteChar": ";"}}
    table(aws, "same", "a string; b string", same, location="s3://data/german/")
    assert failure(aws, "SELECT * FROM same").startswith("NOT_SUPPORTED: CSV not supported")
    table(aws, "quoted_escape", "a string", CSV | {"Parameters": {"escapeChar": '"'}})  # means a backslash
    put(aws, "quoted_escape/a.csv", r'"a\"b"')
    assert values(aws, "quoted_escape") == [['a"b']]


def test_csv_columns_may_be_days_and_milliseconds(aws: Aws) -> None:
    table(aws, "unix", "day date; at timestamp", CSV)
    put(aws, "unix/a.csv", '"18276","1579059880000"\n')
    assert values(aws, "unix") == [["2020-01-15", "2020-01-15 03:44:40.000"]]


def test_an_empty_number_in_csv_is_bad_data_unless_the_table_permits_it(aws: Aws) -> None:
    put(aws, "gaps/a.csv", "1,a\n,b\n")
    table(aws, "gaps", "id int; name string", CSV)
    assert failure(aws, "SELECT * FROM gaps") == "HIVE_BAD_DATA: Error parsing field value '' for field 0"
    lenient = {"use.null.for.invalid.data": "true"}
    table(aws, "lenient", "id int; name string", CSV, parameters=lenient, location="s3://data/gaps/")
    assert values(aws, "lenient") == [["1", "a"], [None, "b"]]


def test_parquet_times_and_unsigned_numbers_are_those_of_trino(aws: Aws, tmp_path: Path) -> None:
    select = (
        "SELECT TIMESTAMP_NS '2020-01-02 03:04:05.678500001' AS ns,"
        " TIMESTAMP '1969-01-02 03:04:05.678901' AS us, 18446744073709551615::UBIGINT AS u,"
        " 7::UBIGINT AS small, 4294967295::UINTEGER AS half, 1::FLOAT AS f"
    )
    put(aws, "odd_types/a.parquet", parquet(select, tmp_path))
    columns = "ns timestamp; us timestamp; u bigint; small bigint; half bigint; f double"
    table(aws, "odd_types", columns, PARQUET)
    times = ["2020-01-02 03:04:05.679", "1969-01-02 03:04:05.679"]
    assert values(aws, "odd_types") == [[*times, "-1", "7", "-1", "1.0"]]
    table(aws, "exact", "u decimal(20,0)", PARQUET, location="s3://data/odd_types/")
    assert failure(aws, "SELECT * FROM exact").startswith("HIVE_BAD_DATA: Field u's type UBIGINT")


def test_fields_of_parquet_structs_have_the_names_of_the_catalog(aws: Aws, tmp_path: Path) -> None:
    put(aws, "places/a.parquet", parquet("SELECT {'City': 'Bonn', 'Zip': 53111} AS Place", tmp_path))
    table(aws, "places", "place struct<city:string,zip:int>", PARQUET)
    assert values(aws, "places") == [["{city=Bonn, zip=53111}"]]


def test_parquet_files_may_differ_in_the_order_and_the_case_of_columns(aws: Aws, tmp_path: Path) -> None:
    put(aws, "grown/a.parquet", parquet("SELECT 1 AS \"ID\", 'a' AS name", tmp_path))
    put(aws, "grown/b.parquet", parquet("SELECT 'b' AS \"Name\", 2::BIGINT AS id, 3 AS dropped", tmp_path))
    table(aws, "grown", "id bigint; name string; added date", PARQUET)
    assert values(aws, "grown") == [["1", "a", None], ["2", "b", None]]
    by_place = PARQUET | {"Parameters": {"parquet.column.index.access": "true"}}
    put(aws, "renamed/a.parquet", parquet("SELECT 1 AS old, 'a' AS name", tmp_path))
    table(aws, "renamed", "fresh int", by_place)
    assert values(aws, "renamed") == [["1"]]


@pytest.mark.parametrize(
    ("serde", "parameters", "reason"),
    [
        (
            "com.amazonaws.glue.serde.GrokSerDe",
            {},
            "NOT_SUPPORTED: The local AWS emulator does not support Grok",
        ),
        (
            "com.amazon.ionhiveserde.IonHiveSerDe",
            {},
            "NOT_SUPPORTED: The local AWS emulator does not support Amazon",
        ),
        (
            "com.example.XmlSerDe",
            {},
            "HIVE_UNSUPPORTED_FORMAT: Athena does not support the SerDe com.example.Xml",
        ),
        ("", {}, "HIVE_UNKNOWN_ERROR: Unable to create input format: the table has no SerDe"),
        (
            AVRO["SerializationLibrary"],
            {"avro.schema.url": "s3://data/x"},
            "NOT_SUPPORTED: Athena does not support",
        ),
        (
            lazy()["SerializationLibrary"],
            {"timestamp.formats": "yyyy"},
            "NOT_SUPPORTED: The local AWS emulator",
        ),
        (regex("")["SerializationLibrary"], {"input.regex": "("}, "NOT_SUPPORTED: The local AWS emulator"),
        (CSV["SerializationLibrary"], {}, "NOT_SUPPORTED: OpenCSVSerde does not support the types FLOAT"),
    ],
)
def test_a_table_that_cannot_be_read_has_the_true_reason(
    aws: Aws, serde: str, parameters: dict[str, str], reason: str
) -> None:
    name = f"refused{abs(hash((serde, str(parameters))))}"
    library = {"SerializationLibrary": serde} if serde else {}
    table(aws, name, "id float", library | {"Parameters": parameters})
    put(aws, f"{name}/a", "x")
    assert failure(aws, f"SELECT * FROM {name}").startswith(reason)


def test_json_keys_may_be_mapped_and_malformed_lines_ignored(aws: Aws) -> None:
    properties = {"mapping.at": "ts", "ignore.malformed.json": "true"}
    table(aws, "mapped", "at string; n int", JSON | {"Parameters": properties})
    put(aws, "mapped/a.json", '{"TS": "now", "n": 1}\n{"ts": \n')
    assert values(aws, "mapped") == [["now", "1"], [None, None]]


def test_keys_of_json_maps_keep_their_case(aws: Aws) -> None:
    table(aws, "tagged", "tags map<string,int>; place struct<x:int>", JSON)
    put(aws, "tagged/a.json.bz2", bz2.compress(b'{"Tags": {"Key": 1}, "PLACE": {"X": 2}}\n'))
    assert values(aws, "tagged") == [["{Key=1}", "{x=2}"]]
