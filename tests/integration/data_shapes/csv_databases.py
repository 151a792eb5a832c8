"""CSV files of databases and warehouses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from tests.integration.data_shapes.shape import Shape, shape, zipped

WITHOUT_HEADER = 'header = false\nnames = ["id", "name", "paid"]\n'


@shape
def oracle_sql_developer() -> Shape:
    return Shape(
        {"EXPORT.csv": '"EMPNO","ENAME","HIREDATE"\r\n7369,"SMITH",17-DEC-80\r\n7499,"O""NEIL",\r\n'},
        "empno; ename; hiredate date",
        [("7369", "SMITH", dt.date(1980, 12, 17)), ("7499", 'O"NEIL', None)],
        options='[types]\nhiredate = "date"\n[date_formats]\nhiredate = "%d-%b-%y"\n',
    )


@shape
def oracle_sqlplus() -> Shape:
    """SET MARKUP CSV ON begins with a blank line, SET FEEDBACK OFF leaves out the count of rows."""
    return Shape(
        {"emp.csv": '\n"EMPNO","ENAME"\n7369,"SMITH"\n7499,"ALLEN"\n'},
        "empno; ename",
        [("7369", "SMITH"), ("7499", "ALLEN")],
    )


@shape
def oracle_sqlplus_with_feedback() -> Shape:
    return Shape(
        {"emp.csv": '\n"EMPNO","ENAME"\n7369,"SMITH"\n7499,"ALLEN"\n\n2 rows selected.\n'},
        refused=r":6: .*1 field.*2",
    )


@shape
def sql_server_bcp() -> Shape:
    """bcp ... out -c: tabs, CRLF, no header, a null is empty."""
    return Shape(
        {"orders.tsv": "1\tAna\t1\r\n2\t\t0\r\n"},
        "id; name; paid",
        [("1", "Ana", "1"), ("2", "", "0")],
        options=WITHOUT_HEADER,
    )


@shape
def sql_server_management_studio() -> Shape:
    """Save Results As: nothing is quoted, null is NULL."""
    return Shape(
        {"Results.csv": "\ufeffId,Name,Created\r\n1,Ana,2024-01-02 03:04:05.000\r\n2,NULL,NULL\r\n"},
        "id; name; created timestamp",
        [("1", "Ana", dt.datetime(2024, 1, 2, 3, 4, 5)), ("2", None, None)],
        options='null = ["NULL"]\n[types]\ncreated = "timestamp"\n',
    )


@shape
def mysql_into_outfile() -> Shape:
    r"""SELECT ... INTO OUTFILE: tabs, no header, \N."""
    return Shape(
        {"people.tsv": "1\tAna\t\\N\n2\tBob\t1\n"},
        "id; name; paid",
        [("1", "Ana", None), ("2", "Bob", "1")],
        options=WITHOUT_HEADER + "null = ['\\N']\n",
    )


@shape
def mysql_batch() -> Shape:
    r"""mysql --batch: a header, NULL, and `\n` for a line break, which stays as it is."""
    return Shape(
        {"people.tsv": "id\tnote\n1\tone\\ntwo\n2\tNULL\n"},
        "id; note",
        [("1", "one\\ntwo"), ("2", None)],
        options='null = ["NULL"]\n',
    )


@shape
def postgres_copy_text() -> Shape:
    return Shape(
        {"t.tsv": "1\tAna\tt\n2\t\\N\tf\n"},
        "id; name; paid",
        [("1", "Ana", "t"), ("2", None, "f")],
        options=WITHOUT_HEADER + "null = ['\\N']\n",
    )


@shape
def postgres_copy_csv() -> Shape:
    text = 'id,note,at\n1,"a ""b"", c",2024-01-02 03:04:05.678\n2,"",\n3,,\n'
    return Shape(
        {"t.csv": text},
        "id; note; at",
        [("1", 'a "b", c', "2024-01-02 03:04:05.678"), ("2", "", ""), ("3", "", "")],
    )


@shape
def snowflake_unload() -> Shape:
    r"""COPY INTO @stage: gzip, several files, no header, null is \\N (which is \N in the file)."""
    return Shape(
        {
            "data_0_0_0.csv.gz": zipped("1,Ana,true\n2,\\N,false\n"),
            "data_0_1_0.csv.gz": zipped("3,Eve,\\N\n"),
        },
        "id; name; paid",
        [("1", "Ana", "true"), ("2", None, "false"), ("3", "Eve", None)],
        options=WITHOUT_HEADER + "null = ['\\N']\n",
    )


@shape
def snowflake_unload_with_header() -> Shape:
    return Shape(
        {"data_0_0_0.csv.gz": zipped('"ID","NAME"\n"1","Ana"\n"2",""\n')},
        "id; name",
        [("1", "Ana"), ("2", "")],
    )


@shape
def bigquery_export() -> Shape:
    return Shape(
        {
            "000000000000.csv.gz": zipped("id,name\n1,a\n"),
            "000000000001.csv.gz": zipped('id,name\n2,"b,c"\n'),
        },
        "id; name",
        [("1", "a"), ("2", "b,c")],
    )


@shape
def redshift_unload() -> Shape:
    """UNLOAD ... HEADER DELIMITER '|' EXTENSION 'csv'."""
    return Shape(
        {"0000_part_00.csv": "id|name\n1|a\n", "0001_part_00.csv": "id|name\n2|b\n"},
        "id; name",
        [("1", "a"), ("2", "b")],
    )


@shape
def hive_text() -> Shape:
    """A text table of Hive: ^A between fields, no header, a name without an ending."""
    return Shape({"000000_0": "1\x01Ana\n2\x01\\N\n"}, refused=r"000000_0: .*\.csv")


@shape
def hive_text_named_csv() -> Shape:
    return Shape(
        {"part.csv": "1\x01Ana\x01t\n2\x01\\N\x01f\n"},
        "id; name; paid",
        [("1", "Ana", "t"), ("2", None, "f")],
        options=WITHOUT_HEADER + "separator = \"\\u0001\"\nnull = ['\\N']\n",
    )


@shape
def spark_csv_folder() -> Shape:
    """DataFrame.write.csv with a header: several parts, checksums and a marker."""
    return Shape(
        {
            "part-00000-c1.csv": "id,note\n1,a\n",
            "part-00001-c1.csv": 'id,note\n2,"b,c"\n',
            "_SUCCESS": "",
            ".part-00000-c1.csv.crc": b"crc\0",
        },
        "id; note",
        [("1", "a"), ("2", "b,c")],
    )


@shape
def sap_list() -> Shape:
    """A list saved from SAP GUI as "unconverted": ruler lines, and a bar at both ends of each row."""
    ruler = "-----------------\n"
    text = f"Tabelle:        KNA1\n\n{ruler}|KUNNR|NAME1    |\n{ruler}|0001 |Müller   |\n{ruler}"
    return Shape({"KNA1.csv": text.encode("cp1252")}, refused="title|header|first line|field")


@shape
def sap_pipes() -> Shape:
    """The rows of such a list, with its outer bars."""
    return Shape(
        {"KNA1.csv": "|KUNNR|NAME1|\n|0001|Müller|\n|0002|Ärzte|\n"},
        "column_1; kunnr; name1; column_4",
        [("", "0001", "Müller", ""), ("", "0002", "Ärzte", "")],
    )


@shape
def db2_export_del() -> Shape:
    """EXPORT TO ... OF DEL: decimals with sign and leading zeros."""
    return Shape(
        {"pay.csv": '1,"Ana",+00012.50\n2,,-00001.00\n'},
        "id int; name; paid decimal(7,2)",
        [(1, "Ana", Decimal("12.50")), (2, "", Decimal("-1.00"))],
        options=WITHOUT_HEADER + '[types]\nid = "int"\npaid = "decimal(7,2)"\n',
    )


@shape
def access_export() -> Shape:
    text = '"ID";"Kunde";"Datum"\r\n1;"Bäcker ""Süd""";2.1.2024 0:00:00\r\n'
    return Shape(
        {"Tabelle1.csv": text.encode("cp1252")},
        "id; kunde; datum timestamp",
        [("1", 'Bäcker "Süd"', dt.datetime(2024, 1, 2))],
        options='[types]\ndatum = "timestamp"\n[date_formats]\ndatum = "%d.%m.%Y %H:%M:%S"\n',
    )


@shape
def sqlite_csv() -> Shape:
    """.mode csv writes CRLF and quotes texts with blanks."""
    return Shape({"t.csv": 'id,name\r\n1,"Ana Maria"\r\n2,\r\n'}, "id; name", [("1", "Ana Maria"), ("2", "")])


@shape
def salesforce_export() -> Shape:
    return Shape(
        {"Account.csv": '"ID","NAME","BILLINGSTREET"\n"001","Edge","12 Rd\r\nSuite 5"\n"002","Burl",""\n'},
        "id; name; billingstreet",
        [("001", "Edge", "12 Rd\r\nSuite 5"), ("002", "Burl", "")],
    )


@shape
def joined_query() -> Shape:
    """SELECT * of a join has two columns of the same name."""
    return Shape({"join.csv": "id,name,id\n1,Ana,7\n"}, "id; name; id_2", [("1", "Ana", "7")])


@shape
def decimal_commas() -> Shape:
    text = "conta;valor;data\n1;1.234,56;31/12/2023\n2;-0,50;01/01/2024\n"
    return Shape(
        {"saldos.csv": text},
        "conta; valor decimal(10,2); data date",
        [("1", Decimal("1234.56"), dt.date(2023, 12, 31)), ("2", Decimal("-0.50"), dt.date(2024, 1, 1))],
        options='decimal = ","\n[types]\nvalor = "decimal(10,2)"\ndata = "date"\n'
        '[date_formats]\ndata = "%d/%m/%Y"\n',
    )


@shape
def partition_folders() -> Shape:
    """The values of a partition key are in the names of folders."""
    return Shape(
        {"year=2023/a.csv": "id;n\n1;x\n", "year=2024/b.csv": "id;n\n2;y\n"},
        "id; n; year",
        [("1", "x", "2023"), ("2", "y", "2024")],
    )


@shape
def reviews() -> Shape:
    """Line breaks within quotes, as in Olist's reviews."""
    return Shape(
        {"reviews.csv": 'id,score,comment\n1,5,"Muito bom!\n\nRecomendo"\n2,4,\n'},
        "id; score; comment",
        [("1", "5", "Muito bom!\n\nRecomendo"), ("2", "4", "")],
        "line breaks within quotes",
    )
