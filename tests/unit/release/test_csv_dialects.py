"""CSV files as people have them: separator, quotes and header are recognised."""

from __future__ import annotations

import codecs
import csv
import io

import pytest

from tests.support.recognised_csv import Read, Refuse, records, text_of

# ---- Separator and quotes


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_recognised(read: Read, separator: str) -> None:
    source = read(f"id{separator}name\n1{separator}x\n".encode())
    assert (source.separator, source.names) == (separator, ("id", "name"))
    assert source.is_plain == (separator == ",")


@pytest.mark.parametrize(
    ("separator", "text"),
    [
        (";", "id;price\n1;2,50\n2;3,99\n"),
        (",", "id,genres\n1,Action|Comedy\n2,Drama|War\n"),
        (",", "id,tags\n1,a;b\n2,c;d\n"),
        (";", 'id;note\n1;"a,b,c"\n2;"d,e,f"\n'),
        (",", 'id,"a;b"\n1,"c;d"\n'),
        ("\t", "id\tnote\n1\ta, b\n2\tc, d\n"),
        (",", "note\nx\ny\n"),
        (";", "a;b;c\n"),
    ],
)
def test_other_separators_within_values_do_not_mislead(read: Read, separator: str, text: str) -> None:
    assert read(text.encode()).separator == separator


def test_decimal_commas_without_a_header_do_not_mislead(read: Read) -> None:
    source = read(b"1,5;2,5\n2,5;3,5\n", header=False, names=("x", "y"))
    assert (source.separator, source.names, source.has_header) == (";", ("x", "y"), False)


def test_the_owner_may_say_another_separator(read: Read) -> None:
    assert read(b"id~name\n1~x\n", separator="~").names == ("id", "name")


def test_a_file_with_a_seldom_separator_says_what_to_write(refuse: Refuse) -> None:
    [fault] = refuse(b"id~name\n1~x\n")
    assert 'write separator = "~"' in fault


def test_a_file_with_blanks_as_separators_says_what_to_do(read: Read, refuse: Refuse) -> None:
    [fault] = refuse(b"id x y\n1 2 3\n")
    assert 'if blanks separate fields, write separator = " ", else write separator = ","' in fault
    [fault] = refuse(b"id    x\n1   2.5\n 10 3\n")
    assert "if blanks separate fields, save it with commas" in fault
    assert read(b"id x y\n1 2 3\n", separator=" ").names == ("id", "x", "y")
    assert read(b"full name\nAnn Lee\nBob Ray\n").names == ("full_name",)


def test_excels_line_with_the_separator_is_left_out(read: Read) -> None:
    source = read(b"\xef\xbb\xbfsep=;\r\nid;name\r\n1;x\r\n")
    assert (source.separator, source.names, source.skipped_lines) == (";", ("id", "name"), 1)
    assert text_of(source) == b"id;name\n1;x\n"


def test_blank_lines_above_the_header_are_left_out(read: Read) -> None:
    source = read(b"\n \nid,name\n1,x\n")
    assert (source.names, source.skipped_lines) == (("id", "name"), 2)
    assert text_of(source) == b"id,name\n1,x\n"


def test_apostrophes_are_quotes_if_they_are_around_the_names_or_the_separator(read: Read) -> None:
    assert read(b"'id','name'\n1,'x'\n").names == ("id", "name")
    assert read(b"id,name\n1,'a, b'\n2,'c, d'\n").quote == "'"
    assert read(b"id,name\n1,'x'\n2,it's\n").quote == '"'
    assert read(b"'id','name'\n1,'a, \"b\"'\n").quote == "'"


def test_quotes_within_values_of_tab_separated_text_are_parts_of_them(read: Read) -> None:
    source = read(b'id\tsize\tnote\n1\t"5\tx\n2\t6\ty\n3\t7\tz\n')
    assert source.quote == ""
    assert read(b'id\tnote\n1\t"a\tb"\n2\tx\n').quote == '"'
    source = read(b'id\tnote\r\n1\t"a\r\n', quote="")
    assert (source.quote, text_of(source)) == ("", b'id\tnote\n1\t"a\n')


@pytest.mark.parametrize("separator", ["\t", ";", "|", ","])
def test_doubled_quotes_are_within_quotes_with_every_separator(read: Read, separator: str) -> None:
    rows = [["size", 'w"h'], ['5" pipe', "a; b, c"], ["'", '"'], ['"x', 'y\t"']]
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(rows)
    source = read(stream.getvalue().encode())
    assert (source.separator, source.quote) == (separator, '"')
    assert records(source) == rows


def test_an_open_quote_does_not_make_quotes_parts_of_values(read: Read) -> None:
    assert read(b'id,city,state\n1,"barreiras,BA\n2,x,SP\n').quote == '"'


# ---- Header


def test_names_become_legal_and_the_header_is_kept_as_comment(read: Read) -> None:
    source = read("Order ID;Preço (R$);;2019;Цена;Total;total\n1;2;3;4;5;6;7\n".encode())
    assert source.names == ("order_id", "preco_r", "column_3", "c_2019", "column_5", "total", "total_2")
    assert source.originals == ("Order ID", "Preço (R$)", None, "2019", "Цена", "Total", "total")
    assert not source.is_plain
    assert any("'Preço (R$)' is preco_r" in decision for decision in source.decisions)


def test_a_header_that_differs_only_in_what_nobody_sees_gives_no_comment(read: Read) -> None:
    source = read(b"\xef\xbb\xbf\xef\xbb\xbfid, name\n1,x\n")  # the byte order mark twice
    assert (source.names, source.originals, source.is_plain) == (("id", "name"), (None, None), False)


def test_columns_can_be_renamed_by_header_or_by_name(read: Read) -> None:
    source = read(b"Order ID,Total\n1,2\n", rename={"Order ID": "id", "total": "amount"})
    assert (source.names, source.originals) == (("id", "amount"), ("Order ID", "Total"))


def test_repeated_byte_order_marks_are_left_out(read: Read) -> None:
    source = read(codecs.BOM_UTF8 * 2 + b"id,x\n1,2\n")
    assert text_of(source) == b"id,x\n1,2\n"


def test_a_repeated_name_is_renamed_once(read: Read) -> None:
    assert read(b"Id,Id,x\n1,2,3\n", rename={"id": "key"}).names == ("key", "id_2", "x")
    assert read(b"Id,Id,x\n1,2,3\n", rename={"Id": "key"}).names == ("id", "id_2", "x")


def test_two_columns_cannot_be_renamed_to_one_name(refuse: Refuse) -> None:
    [fault] = refuse(b"a,b\n1,2\n", rename={"a": "b"})
    assert "rename gives b to two columns" in fault


@pytest.mark.parametrize(
    "text",
    [
        "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n",
        "2020-01-01,x,y\n2020-01-02,x,z\n",
        "ann@example.com,Ann\nbob@example.com,Bob\n",
        "p,x,s\ne,x,s\np,b,s\n",
        "0,0,0\n0,1,0\n",
        "39, State-gov, 77516\n50, Private, 83311\n",
    ],
)
def test_a_file_without_a_header_is_refused_with_what_to_write(refuse: Refuse, text: str) -> None:
    [fault] = refuse(text.encode())
    assert fault.startswith("1: the first line seems to be data")
    assert "header = false and names = [" in fault


@pytest.mark.parametrize(
    "text",
    [
        "country,2018,2019\nPeru,1.5,2.5\n",
        "day,1,2,3\nMon,4,5,6\n",
        "name,city\nAnn,Paris\nBob,Rome\n",
        "id,name\n",
        "id,name\n1,x\nid,name\n2,y\n",  # the header again is for the check of the rows
        ",a,b\n0,1,2\n",  # pandas' index
        '"first\nname",n\n1,x\n',
    ],
)
def test_a_header_is_a_header(read: Read, text: str) -> None:
    assert read(text.encode()).has_header


def test_the_owner_may_say_that_data_is_the_header(read: Read) -> None:
    assert read(b"1,2\n3,4\n", header=True).names == ("c_1", "c_2")


def test_without_names_columns_are_named_by_position(read: Read) -> None:
    source = read(b"1,2\n3,4\n", header=False)
    assert (source.names, source.originals) == (("column_1", "column_2"), (None, None))


def test_names_must_be_as_many_as_the_columns(refuse: Refuse) -> None:
    [fault] = refuse(b"1,2,3\n3,4,5\n", header=False, names=("a", "b"))
    assert fault == "1: has 3 fields, but names in _table.toml has 2 names; write one name for each field"


@pytest.mark.parametrize(
    "text",
    [
        "Sales report\nas of 2020\nid,name,city\n1,x,y\n2,x,y\n3,x,y\n4,x,y\n",
        "Combined,,,\nGLOBAL in .01 C,,,\n,,,\nYear,Jan,Feb,Mar\n1880,-43,-27,-26\n1881,-20,-24,-1\n",
        '\n\nÄrzte\n***\n \nRegion:;DE\n;"";;\n;"1985";"1993";\n" Chirurgie";".";"379";\n'
        + '" Audiologie";".";"16";\n' * 9,
        "Sales report,,\nid,name,city\n1,x,y\n2,x,z\n",
        "Tabelle: KNA1\n------\n|id|name|\n------\n|1|x|\n------\n",
        "Umsatz 2020\n\nid;name;city\n1;x;y\n2;x;y\n3;x;y\n4;x;y\n",
    ],
)
def test_a_title_above_the_header_is_refused(refuse: Refuse, text: str) -> None:
    [fault] = refuse(text.encode())
    assert "delete what is above the names of the columns" in fault


def test_thousands_of_columns_are_read(read: Read) -> None:
    header = ",".join(f"c{n}" for n in range(5_000))
    row = ",".join(str(n) for n in range(5_000))
    source = read(f"{header}\n{row}\n{row}\n".encode())
    assert (len(source.names), source.is_plain) == (5_000, True)


def test_a_table_of_too_many_columns_is_refused(refuse: Refuse) -> None:
    names, values = (",".join(f"{letter}{n}" for n in range(5_001)) for letter in "cx")
    advice = "write one row for each value, with its name in a column"
    wanted = [f"1: has 5,001 columns, and 5,000 are possible; {advice}"]
    assert refuse(f"{names}\n{values}\n".encode()) == wanted
