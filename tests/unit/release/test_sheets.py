"""Spreadsheets: the first visible sheet, with the values as the user sees them."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb
import pytest

from glue_assets.tables import DataError, Table
from tests.support.paths import ROOT
from tests.support.releases import tables_of

FILES = ROOT / "tests/integration/data_shapes/files"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# Style 1 is a date, style 2 a date with a time.
STYLES = (
    f'<styleSheet {MAIN}><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy-mm-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy-mm-dd hh:mm:ss"/></numFmts><cellXfs count="3">'
    '<xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)


def text(value: str) -> str:
    return f't="inlineStr"><is><t>{escape(value)}</t></is>'


def number(value: object, style: int = 0) -> str:
    return f's="{style}"><v>{value}</v>'


def sheet(*rows: list[str | None], merged: str = "", start: str = "A1") -> str:
    column, first = ord(start[0]), int(start[1:])
    lines = []
    for row, cells in enumerate(rows, first):
        written = (f'<c r="{chr(column + n)}{row}" {cell}</c>' for n, cell in enumerate(cells) if cell)
        lines.append(f'<row r="{row}">{"".join(written)}</row>')
    merge = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    return f"<worksheet {MAIN}><sheetData>{''.join(lines)}</sheetData>{merge}</worksheet>"


def workbook(hidden: tuple[str, ...] = (), **sheets: str) -> bytes:
    tags, links = "", f'<Relationship Id="rId99" Type="{LINKS}/styles" Target="styles.xml"/>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number_, (name, content) in enumerate(sheets.items(), 1):
            state = "hidden" if name in hidden else "visible"
            tags += f'<sheet name="{name}" sheetId="{number_}" state="{state}" r:id="rId{number_}"/>'
            target = f"worksheets/s{number_}.xml"
            links += f'<Relationship Id="rId{number_}" Type="{LINKS}/worksheet" Target="{target}"/>'
            archive.writestr(f"xl/{target}", content)
        book = f'<workbook {MAIN} xmlns:r="{LINKS}"><sheets>{tags}</sheets></workbook>'
        archive.writestr("xl/workbook.xml", book)
        root = f'<Relationship Id="rId1" Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}">{root}</Relationships>')
        relations = f'<Relationships xmlns="{PACKAGE}">{links}</Relationships>'
        archive.writestr("xl/_rels/workbook.xml.rels", relations)
        archive.writestr("xl/styles.xml", STYLES)
    return buffer.getvalue()


def put(root: Path, content: bytes, name: str = "a.xlsx") -> Path:
    (root / "s" / "t").mkdir(parents=True)
    (root / "s" / "t" / name).write_bytes(content)
    return root


def table(root: Path) -> Table:
    [found] = tables_of(root)
    return found


def rows(found: Table) -> list[tuple[object, ...]]:
    return duckdb.execute("FROM read_parquet($1)", [[str(file.source) for file in found.files]]).fetchall()


HEADER = [text("id"), text("v")]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (number(7), "7"),
        (number(12.5), "12.5"),
        (number("1e21"), "1000000000000000000000"),
        (number("0.000001"), "0.000001"),
        ('t="b"><v>1</v>', "true"),
        (number(45293, 1), "2024-01-02"),
        (number("45293.5", 2), "2024-01-02 12:00:00"),
        (text("007"), "007"),
        (text('a "q",\nb'), 'a "q",\nb'),
        ("><f>A2*2</f><v>2</v>", "2"),
        (None, ""),
    ],
)
def test_values_are_strings_as_the_user_sees_them(tmp_path: Path, cell: str | None, expected: str) -> None:
    found = table(put(tmp_path, workbook(Data=sheet(HEADER, [number(1), cell]))))
    assert [(column.name, column.type) for column in found.columns] == [("id", "string"), ("v", "string")]
    assert rows(found) == [("1", expected)]
    assert found.files[0].original == tmp_path / "s/t/a.xlsx"


def test_dates_of_a_column_have_one_form(tmp_path: Path) -> None:
    content = sheet([text("at")], [number(45293, 1)], [number("45293.5", 2)])
    found = table(put(tmp_path, workbook(Data=content)))
    assert rows(found) == [("2024-01-02 00:00:00",), ("2024-01-02 12:00:00",)]


def test_types_are_inferred_on_request(tmp_path: Path) -> None:
    data = put(tmp_path, workbook(Data=sheet(HEADER, [number(1), text("007")], [number(2), None])))
    (data / "s/t/_table.toml").write_text('types = "infer"\n')
    found = table(data)
    assert [(column.name, column.type) for column in found.columns] == [("id", "bigint"), ("v", "string")]
    assert rows(found) == [(1, "007"), (2, None)]


def test_the_first_visible_sheet_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    content = workbook(
        ("Old",), Old=sheet([text("x")]), New=sheet(HEADER, [number(1), number(2)]), Notes=sheet()
    )
    found = table(put(tmp_path, content))
    assert rows(found) == [("1", "2")]
    assert "a.xlsx: the sheet 'New' was read" in found.decisions
    assert any("not read: Old, Notes" in sentence for sentence in found.decisions)


def test_empty_rows_and_columns_around_and_between_are_left_out(tmp_path: Path) -> None:
    content = sheet(
        HEADER, [number(1), number(2)], [None, None], [number(3), None], [None, text("")], start="C4"
    )
    found = table(put(tmp_path, workbook(Data=content)))
    assert rows(found) == [("1", "2"), ("3", "")]
    assert "a.xlsx: empty rows left out: 1" in found.decisions


def test_merged_cells_are_told(tmp_path: Path) -> None:
    content = sheet(HEADER, [number(1), text("x")], [number(2), None], merged="B2:B3")
    found = table(put(tmp_path, workbook(Data=content)))
    assert rows(found) == [("1", "x"), ("2", "")]
    assert any("merged cells" in sentence for sentence in found.decisions)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (workbook(A=sheet()), r"a\.xlsx: the sheet 'A' is empty; move the sheet with the data"),
        (workbook(("A",), A=sheet(HEADER)), r"a\.xlsx: has no visible sheet; show the sheet"),
        (
            workbook(A=sheet([text("Sales of 2024")], [], HEADER, [number(1), number(2)])),
            r"a\.xlsx: the first row with values, 'Sales of 2024', seems to be a title",
        ),
        (
            workbook(A=sheet(HEADER, [number(1), 't="e"><f>1/0</f><v>#DIV/0!</v>'])),
            r"a\.xlsx: has an error in B2; correct the formula",
        ),
        (
            workbook(A=sheet(HEADER, [number(1), "><f>A2</f>"])),
            r"a\.xlsx: has a formula without a value in B2; open the file in Excel",
        ),
        (b"\0id,v\n1,2\n", r"a\.xlsx: is not a spreadsheet, or is damaged"),
        (
            workbook(A=sheet(HEADER, ['t="str"><v>&unknown;</v>'])),
            r"a\.xlsx: .*is damaged .*unrecognized entity",
        ),
        (b"id,v\n1,2\n", r"a\.xlsx: is text with the name of a workbook; .* rename it to \.csv"),
        (b"\n<html><table>", r"a\.xlsx: is a web page or XML .*; open it in Excel, and save it as \.xlsx"),
        (
            b"\xd0\xcf\x11\xe0" + b"\0" * 99 + "EncryptedPackage".encode("utf-16-le"),
            r"a\.xlsx: is protected by a password; save it without one",
        ),
    ],
)
def test_faults_say_what_to_do(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tables_of(put(tmp_path, content))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("excel_97.xls", [("007", "Bond"), ("1.0", "x")]),
        ("libreoffice.ods", [("Nîmes", "148561"), ("Lyon", "522250")]),
    ],
)
def test_other_spreadsheets_are_read(tmp_path: Path, name: str, expected: list[tuple[str, str]]) -> None:
    data = put(tmp_path, b"", name)
    shutil.copyfile(FILES / name, data / "s/t" / name)
    assert rows(table(data)) == expected
