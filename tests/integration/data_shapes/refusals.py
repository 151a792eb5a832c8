"""Files that no release can publish rightly."""

from __future__ import annotations

import zipfile
from io import BytesIO

from tests.integration.data_shapes.shape import Shape, shape, zipped


@shape
def empty_file() -> Shape:
    return Shape({"a.csv": b""}, refused=r"a\.csv.*empty")


@shape
def nul_bytes() -> Shape:
    """A file that was not closed before the machine stopped."""
    return Shape({"a.csv": b"id,name\n1,x\n\0\0\0\0"}, refused=r"a\.csv:3: .*NUL")


@shape
def short_row() -> Shape:
    return Shape({"a.csv": "id,name\n1,x\n2\n"}, refused=r"a\.csv:3: has 1 field.*2")


@shape
def long_row_late() -> Shape:
    """A comma within a text that is not quoted, after thousands of good rows."""
    return Shape(
        {"a.csv": "id,name\n" + "1,x\n" * 5000 + "2,Silva, Ana\n"}, refused=r"a\.csv:5002: has 3 fields.*2"
    )


@shape
def open_quote() -> Shape:
    return Shape({"a.csv": 'id,name\n1,x\n2,"never closed\n3,y\n'}, refused=r"a\.csv:3: .*quote")


@shape
def header_again() -> Shape:
    """Parts that were joined with cat, each with its header."""
    return Shape({"a.csv": "id,name\n1,x\nid,name\n2,y\n"}, refused=r"a\.csv:3: .*header")


@shape
def same_file_twice() -> Shape:
    text = "id,name\n1,x\n2,y\n"
    return Shape({"a.csv": text, "a (1).csv": text}, refused=r"a.*\.csv.*same|copy|twice|identical")


@shape
def other_header() -> Shape:
    return Shape({"a.csv": "id,name\n1,x\n", "b.csv": "id,label\n2,y\n"}, refused=r"b\.csv:1: .*(label|name)")


@shape
def two_formats() -> Shape:
    return Shape({"a.csv": "id\n1\n", "b.json": '{"id": 2}\n'}, refused=r"b\.json: .*format")


@shape
def zip_archive() -> Shape:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "id\n1\n")
    return Shape({"a.zip": packed.getvalue()}, refused=r"a\.zip: .*(unpack|extract|unzip)")


@shape
def web_page() -> Shape:
    """A download that needs a login saves the page of the login."""
    return Shape(
        {"a.csv": "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body></body></html>\n"},
        refused=r"a\.csv.*(HTML|web page)",
    )


@shape
def git_lfs_pointer() -> Shape:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    return Shape({"a.csv": text}, refused="git lfs|Git LFS|field|header")


@shape
def workbook_named_csv() -> Shape:
    return Shape({"a.csv": b"PK\x03\x04" + b"\x14\0\x06\0" * 20}, refused=r"a\.csv.*(xlsx|ZIP|zip|NUL)")


@shape
def damaged_gzip() -> Shape:
    """A download that broke off."""
    content = "".join(f"{number**3}\n" for number in range(1000))
    return Shape(
        {"a.csv.gz": zipped("id\n" + content)[:-500]}, refused=r"a\.csv\.gz.*(damaged|incomplete|again|gzip)"
    )


@shape
def damaged_parquet() -> Shape:
    return Shape({"a.parquet": b"PAR1" + b"\0" * 40}, refused=r"a\.parquet: ")


@shape
def fixed_width() -> Shape:
    text = "ID   NAME           AMOUNT\n0001 Silva, Ana     00100\n0002 Meyer          00200\n"
    return Shape({"a.csv": text}, refused="field|separator|header")


@shape
def unknown_ending() -> Shape:
    return Shape({"a.sav": b"$FL2@(#) SPSS DATA FILE"}, refused=r"a\.sav: .*\.csv")


@shape
def wrong_option() -> Shape:
    return Shape(
        {"a.csv": "id,x\n1,2\n"}, options='delimiter = ";"\n', refused=r"_table\.toml:1: .*separator"
    )


@shape
def value_of_another_type() -> Shape:
    return Shape(
        {"a.csv": "id,x\n1,2\n2,two\n"}, options='[types]\nx = "int"\n', refused=r"a\.csv:3: .*two.*int"
    )


@shape
def impossible_date() -> Shape:
    options = '[types]\nd = "date"\n[date_formats]\nd = "%d/%m/%Y"\n'
    return Shape(
        {"a.csv": "id,d\n1,28/02/2023\n2,30/02/2023\n"}, options=options, refused=r"a\.csv:3: .*30/02/2023"
    )
