"""Spark SQL on the Data Catalog in a local Glue run. boto3 and the local Athena judge its results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.athena.engine import Athena, AthenaOptions
from local.moto_patches import glue_names
from tests.support.athena_tables import rows
from tests.support.glue_server import Aws, ended, job, lines, serving, start

_HIVE = "org.apache.hadoop.hive"
_TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat",
}
_OPEN_CSV = {"SerializationLibrary": f"{_HIVE}.serde2.OpenCSVSerde", "Parameters": {"separatorChar": ","}}
_LAZY = {"SerializationLibrary": f"{_HIVE}.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ";"}}
_JSON = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    folder = tmp_path_factory.mktemp("catalog")
    folded = glue_names.install()
    with serving(folder) as clients_of:
        yield clients_of
    folded()


def _table(
    aws: Aws, name: str, /, serde: dict[str, Any], keys: dict[str, str], **columns: str
) -> dict[str, Any]:
    storage = {**_TEXT, "SerdeInfo": serde, "Location": f"s3://tg-a-sor/{name}/"}
    storage["Columns"] = [{"Name": column, "Type": kind} for column, kind in columns.items()]
    header = {} if serde is _JSON else {"skip.header.line.count": "1"}
    table = {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": header, "StorageDescriptor": storage}
    table["PartitionKeys"] = [{"Name": key, "Type": kind} for key, kind in keys.items()]
    aws("glue").create_table(DatabaseName="raw", TableInput=table)
    return storage


def _tables(aws: Aws) -> None:
    glue, s3 = aws("glue"), aws("s3")
    glue.create_database(DatabaseInput={"Name": "raw", "LocationUri": "s3://tg-a-sor/raw"})
    _table(aws, "people", _OPEN_CSV, {}, name="string", age="int", note="string")
    people = b'name,age,note\nAna,30,"two\nlines"\n"Bo ""b""",40,\nCy,10,x\n'
    s3.put_object(Bucket="tg-a-sor", Key="people/1.csv", Body=people)
    storage = _table(
        aws, "sales", _LAZY, {"day": "string"}, id="bigint", price="decimal(10,2)", note="string"
    )
    for day in ("1", "2"):
        s3.put_object(
            Bucket="tg-a-sor",
            Key=f"sales/day={day}/a.csv",
            Body=f"id;price;note\n{day};{day}.5;\\N\n7;;\n".encode(),
        )
        partition = {
            "Values": [day],
            "StorageDescriptor": {**storage, "Location": f"s3://tg-a-sor/sales/day={day}/"},
        }
        glue.create_partition(DatabaseName="raw", TableName="sales", PartitionInput=partition)
    _table(aws, "events", _JSON, {}, userid="int", tags="array<string>", device="struct<osname:string>")
    events = b'{"userId": 1, "Tags": ["a"], "device": {"osName": "x"}}\n{"USERID": "2", "other": 1}\n'
    s3.put_object(Bucket="tg-a-sor", Key="events/1.json", Body=events)


WRITTEN = {
    f"SELECT * FROM raw.athena_{name.lower()} ORDER BY id": [
        ["1", "1.50", "é,x", "2020-01-02", "2020-01-02 03:04:05.678000", "[1, None]", "Row(a=1, b='x')", "p"],
        ["2", *["None"] * 6, "q"],
    ]
    for name in ("PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE")
}
"""Tables that the local Athena writes, as Spark reads them."""


def _written_by_athena(aws: Aws) -> None:
    location = {"OutputLocation": "s3://tg-a-sot/results/"}
    aws("athena").create_work_group(Name="learners", Configuration={"ResultConfiguration": location})
    select = """SELECT 1 AS id, 1.50 AS price, 'é,x' AS name, DATE '2020-01-02' AS d,
    TIMESTAMP '2020-01-02 03:04:05.678' AS at, ARRAY[1, NULL] AS items,
    CAST(ROW(1, 'x') AS ROW(a integer, b varchar)) AS st, 'p' AS part
    UNION ALL SELECT 2, NULL, NULL, NULL, NULL, NULL, NULL, 'q'"""
    for format_ in ("PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE"):
        properties = f"format='{format_}', partitioned_by=ARRAY['part']"
        rows(aws, f"CREATE TABLE raw.athena_{format_.lower()} WITH ({properties}) AS {select}")


SCRIPT = """
import json
from awsglue.context import GlueContext
from pyspark.context import SparkContext

spark = GlueContext(SparkContext.getOrCreate()).spark_session
results = []
for statement in STATEMENTS:
    try:
        if statement.startswith("python "):
            results.append(str(eval(statement[7:])))
        else:
            results.append([list(map(str, row)) for row in spark.sql(statement).collect()])
    except Exception as error:
        results.append(f"{type(error).__name__}: {error}".split(chr(10))[0])
print(json.dumps(results))
"""


STATEMENTS: dict[str, Any] = {
    "SHOW DATABASES": [["default"], ["raw"]],
    # tables that crawlers and templates make
    "SELECT * FROM raw.people ORDER BY name": [
        ["Ana", "30", "two\nlines"],
        ['Bo "b"', "40", ""],
        ["Cy", "10", "x"],
    ],
    "SELECT name FROM raw.people WHERE age > 30 AND note = ''": [['Bo "b"']],
    "SELECT * FROM raw.sales WHERE day = '2'": [["2", "2.50", "None", "2"], ["7", "None", "", "2"]],
    "SELECT userid, tags[0], device.osname FROM raw.events": [["1", "a", "x"], ["2", "None", "None"]],
    "INSERT INTO raw.people VALUES ('Di', 50, 'new')": [],
    "INSERT INTO raw.sales PARTITION (day = '3') VALUES (9, 9.99, 'x')": [],
    "INSERT INTO raw.events SELECT 3, array('z'), named_struct('osname', 'm')": [],
    "ALTER TABLE raw.people ADD COLUMNS (city string COMMENT 'where')": [],
    # tables that Spark makes
    "CREATE DATABASE IF NOT EXISTS Shop LOCATION 's3://tg-a-sot/shop'": [],
    "USE shop": [],
    "CREATE TABLE IF NOT EXISTS orders (id INT, city STRING) USING parquet": [],
    "INSERT INTO orders VALUES (1, 'a')": [],
    "INSERT OVERWRITE orders VALUES (2, 'b'), (3, 'c')": [],
    "CREATE EXTERNAL TABLE hive (id INT) PARTITIONED BY (p STRING) "
    "STORED AS PARQUET LOCATION 's3://tg-a-sot/hive'": [],
    "INSERT INTO hive PARTITION (p = 'a/b c%') VALUES (1)": [],
    "SET hive.exec.dynamic.partition.mode = nonstrict": [["hive.exec.dynamic.partition.mode", "nonstrict"]],
    "INSERT INTO hive PARTITION (p) SELECT 2, 'its' UNION ALL SELECT 3, 'dyn'": [],
    "INSERT OVERWRITE TABLE hive PARTITION (p = 'dyn') SELECT 4": [],
    "SELECT * FROM hive WHERE p LIKE 'it%' OR p = 'a/b c%' ORDER BY id": [["1", "a/b c%"], ["2", "its"]],
    "ALTER TABLE hive ADD PARTITION (p = 'z') LOCATION 's3://tg-a-sot/hive/elsewhere'": [],
    "ALTER TABLE hive DROP PARTITION (p = 'its')": [],
    "SHOW PARTITIONS hive": [["p=a%2Fb c%25"], ["p=dyn"], ["p=z"]],
    "CREATE TABLE ctas STORED AS ORC LOCATION 's3://tg-a-sot/ctas' AS SELECT id, city FROM orders": [],
    "CREATE VIEW names AS SELECT city FROM ctas WHERE id = 3": [],
    "SELECT * FROM names": [["c"]],
    'python spark.range(6).selectExpr("id", "cast(id % 3 as int) m").write.mode("overwrite")'
    '.option("path", "s3://tg-a-sot/saved").partitionBy("m").saveAsTable("shop.saved")': "None",
    'python spark.range(2).selectExpr("id", "7 m").write.insertInto("shop.saved")': "None",
    "SELECT m, count(*) FROM shop.saved WHERE m > 0 GROUP BY m ORDER BY m": [
        ["1", "2"],
        ["2", "2"],
        ["7", "2"],
    ],
    'python spark.range(3).write.mode("overwrite").saveAsTable("shop.again")': "None",
    'python spark.range(4).write.mode("overwrite").saveAsTable("shop.again")': "None",
    "SELECT count(*) FROM again": [["4"]],
    "CREATE EXTERNAL TABLE found (a BIGINT) PARTITIONED BY (y INT) "
    "STORED AS PARQUET LOCATION 's3://tg-a-sot/found'": [],
    'python spark.range(2).selectExpr("id a", "2026 y")'
    '.write.mode("append").partitionBy("y").parquet("s3://tg-a-sot/found")': "None",
    "MSCK REPAIR TABLE found": [],
    "SELECT y, count(*) FROM found WHERE y = 2026 GROUP BY y": [["2026", "2"]],
    'python sorted(table.name for table in spark.catalog.listTables("shop"))': (
        "['again', 'ctas', 'found', 'hive', 'names', 'orders', 'saved']"
    ),
    "python [database.name for database in spark.catalog.listDatabases()]": "['default', 'raw', 'shop']",
    'python (spark.catalog.tableExists("shop.saved"), spark.catalog.databaseExists("no"))': "(True, False)",
    "DROP TABLE again": [],
    # refusals
    "SELECT * FROM shop.missing": "AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view "
    "`shop`.`missing` cannot be found. Verify the spelling and correctness of the schema and catalog.",
    "USE missing": "AnalysisException: [SCHEMA_NOT_FOUND] The schema `missing` cannot be found. "
    "Verify the spelling and correctness of the schema and catalog.",
    "CREATE FUNCTION f AS 'x.Y'": "AnalysisException: org.apache.hadoop.hive.ql.metadata.HiveException: "
    "MetaException(message:The local Data Catalog does not support create_function.)",
}


QUERIES: dict[str, list[list[str | None]]] = {
    "SELECT * FROM shop.orders ORDER BY id": [["2", "b"], ["3", "c"]],
    "SELECT * FROM shop.hive ORDER BY id": [["1", "a/b c%"], ["4", "dyn"]],
    "SELECT * FROM shop.ctas ORDER BY id": [["2", "b"], ["3", "c"]],
    "SELECT m, count(*) FROM shop.saved GROUP BY m ORDER BY m": [
        ["0", "2"],
        ["1", "2"],
        ["2", "2"],
        ["7", "2"],
    ],
    "SELECT sum(a), max(y) FROM shop.found": [["1", "2026"]],
    # Athena reads line by line: a line end in quotes ends the row, as OpenCSVSerde does it.
    "SELECT name, age, note FROM raw.people ORDER BY name": [
        ["Ana", "30", None],
        ['Bo "b"', "40", ""],
        ["Cy", "10", "x"],
        ["Di", "50", "new"],
        [None, None, None],
    ],
    "SELECT price, note FROM raw.sales WHERE day = '3'": [["9.99", "x"]],
    "SELECT userid, tags[1] FROM raw.events ORDER BY userid": [["1", "a"], ["2", None], ["3", "z"]],
}


@pytest.mark.spark
def test_a_script_uses_the_data_catalog_with_sql(aws: Aws, tmp_path: Path) -> None:
    engine = Athena(AthenaOptions(aws, tmp_path / "queries"))
    _tables(aws)
    _written_by_athena(aws)
    script = SCRIPT.replace("STATEMENTS", repr([*WRITTEN, *STATEMENTS]))
    name = job(aws, "sql", script, DefaultArguments={"--enable-glue-datacatalog": ""}, Timeout=600)
    run_id = start(aws, name)

    run = ended(aws, name, run_id, 600)

    assert run["JobRunState"] == "SUCCEEDED", (run, lines(aws, "error", run_id))
    results = json.loads("".join(lines(aws, "output", run_id)))
    assert dict(zip([*WRITTEN, *STATEMENTS], results, strict=True)) == WRITTEN | STATEMENTS
    glue = aws("glue")
    names = {table["Name"] for table in glue.get_tables(DatabaseName="shop")["TableList"]}
    assert names == {"orders", "hive", "ctas", "names", "saved", "found"}
    partitions = glue.get_partitions(DatabaseName="shop", TableName="hive")["Partitions"]
    assert sorted(partition["Values"] for partition in partitions) == [["a/b c%"], ["dyn"], ["z"]]
    people = glue.get_table(DatabaseName="raw", Name="people")["Table"]
    assert people["StorageDescriptor"]["SerdeInfo"] == _OPEN_CSV
    assert not [parameter for parameter in people["Parameters"] if parameter.startswith("spark.sql.sources")]
    assert {query: rows(aws, query)[1:] for query in QUERIES} == QUERIES
    engine.close()
