"""Text files as people have them: compression, encoding, line ends, and files that are something else."""

from __future__ import annotations

import bz2
import codecs
import gzip
from string import ascii_lowercase

import pytest

from glue_assets.sources.text.encodings import codec_of
from tests.support.recognised_csv import Read, Refuse, text_of

# ---- Nothing to recognise


def test_a_file_in_the_usual_form_stays_as_it_is(read: Read) -> None:
    source = read(b'id,name\n1,"a ""b"", c"\n')
    assert source.readable == source.file
    assert source.is_plain
    assert (source.separator, source.quote, source.has_header) == (",", '"', True)
    assert (source.names, source.originals) == (("id", "name"), (None, None))
    assert source.decisions == ()


def test_a_compressed_file_in_the_usual_form_stays_as_it_is(read: Read) -> None:
    source = read(gzip.compress(b"id,name\n1,x\n"), "a.csv.gz")
    assert source.readable == source.file
    assert source.is_plain


# ---- Compression


@pytest.mark.parametrize("name", ["a.csv.bz2", "a.csv.gz", "a.csv"])
def test_content_says_how_a_file_is_compressed(read: Read, name: str) -> None:
    source = read(bz2.compress(b"id,name\n1,x\n"), name)
    assert text_of(source) == b"id,name\n1,x\n"
    assert source.readable != source.file
    assert not source.is_plain


def test_a_gzip_file_with_capitals_in_its_name_is_copied_for_readers_that_go_by_name(read: Read) -> None:
    source = read(gzip.compress(b"id,name\n1,x\n"), "A.CSV.GZ")
    assert source.readable.name.endswith(".csv")
    assert text_of(source) == b"id,name\n1,x\n"


def test_a_truncated_compressed_file_is_refused(refuse: Refuse) -> None:
    [fault] = refuse(gzip.compress(b"id,name\n1,x\n" * 1000)[:-20], "a.csv.gz")
    assert "is damaged or incomplete" in fault
    assert "download or compress it again" in fault


# ---- Encoding


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
def test_unicode_is_recognised_with_and_without_a_byte_order_mark(
    read: Read, encoding: str, mark: bytes
) -> None:
    source = read(mark + "id,straße\n1,Köln 東京\n".encode(encoding))
    assert text_of(source).decode() == "id,straße\n1,Köln 東京\n"
    assert source.names == ("id", "strasse")


@pytest.mark.parametrize(
    "text",
    [
        "Größe,Straße,Müller",  # German
        "Numéro,Libellé,Genève",  # French
        "Règle,Système,Problème",
        "Código,año,niño",  # Spanish
        "São Paulo,ação,Brasília",  # Portuguese
        "città,perché,più",  # Italian
        "Västerås,Malmö,Göteborg",  # Swedish
        "København,Ålborg,Ærø",  # Danish
        "Reykjavík,Ísafjörður,Þingvellir",  # Icelandic
        "Zürich,Málaga,Tromsø,São Tomé,Besançon",  # cities of Europe
        "“quoted” – café…,5 €,20 °C,m²",  # noqa: RUF001
        "Nº,Preço",
        "£25",
        "Café",
    ],
)
def test_western_languages_are_certain_to_be_windows_1252(read: Read, text: str) -> None:
    source = read(f"id,b,c,d,e\n1,{text}\n".encode("cp1252"))
    assert text_of(source).decode() == f"id,b,c,d,e\n1,{text}\n"
    assert any("Windows-1252 was recognised" in decision for decision in source.decisions)


def test_bytes_that_windows_1252_does_not_define_are_latin_1(read: Read, refuse: Refuse) -> None:
    rows = [f"1,{first}{second}ção\n" for first in ascii_lowercase for second in "aeiou"]
    text = "".join(["id,word\n", *rows, "2,x\x81y\n"])
    content = "".join(["id,word\n", *rows]).encode("cp1252") + b"2,x\x81y\n"
    assert text_of(read(content)).decode() == text
    [fault] = refuse(b"id,word\n1,ma\xe7\xe3\n2,a\xe7\xe3o\n3,x\x81y\n")  # one of a few words: not certain
    assert 'encoding = "cp1252" (reads maçã, ação, ' in fault
    assert text_of(read(b"id,word\n1,x\x81y\n", encoding="cp1252")).decode() == "id,word\n1,x\x81y\n"


def test_a_codec_must_be_one_for_files_of_text() -> None:
    assert [codec_of(name) for name in ("Latin1", "UTF8", "cp1252")] == ["iso8859-1", "utf-8", "cp1252"]
    assert [codec_of(name) for name in ("rot13", "hex", "utf-7", "idna", "undefined", "x\0")] == [None] * 6


@pytest.mark.parametrize(
    ("encoding", "python", "text"),
    [
        ("cp1250", "cp1250", "Łódź,Kraków,Gdańsk"),
        ("cp1250", "cp1250", "Győr,Pécs"),
        ("cp1250", "cp1250", "Děčín,Příbram,Plzeň"),
        ("cp1251", "cp1251", "Москва,Город"),
        ("koi8-r", "koi8-r", "Москва,Город"),
        ("cp1254", "cp1254", "İstanbul,Şanlıurfa"),  # noqa: RUF001
        ("cp1257", "cp1257", "Šiauliai,Panevėžys"),
        ("cp1253", "cp1253", "Αθήνα,Πόλη"),
        ("cp932", "shift_jis", "東京都,カタカナ,人口"),
        ("gb18030", "gbk", "省份,城市,人口"),
        ("big5", "big5", "臺北市,高雄市,人口"),
        ("cp949", "euc_kr", "서울,부산,인천"),
        ("mac-roman", "mac-roman", "München,Köln"),
        ("cp850", "cp850", "München,Köln"),
    ],
)
def test_other_encodings_are_refused_with_the_line_to_write(
    read: Read, refuse: Refuse, encoding: str, python: str, text: str
) -> None:
    content = f"a,b,c\n1,{text}\n".encode(python)
    [fault] = refuse(content)
    assert fault.startswith("2: is not UTF-8, and its encoding is not certain")
    assert f'encoding = "{encoding}" (reads ' in fault
    assert any(word in fault for word in text.split(","))
    assert text_of(read(content, encoding=encoding)).decode() == f"a,b,c\n1,{text}\n"


def test_words_that_two_languages_explain_are_shown_in_both_encodings(refuse: Refuse) -> None:
    [fault] = refuse("id,town\n1,Črnomelj\n2,Kočevje\n".encode("cp1250"))
    assert 'encoding = "cp1250" (reads Kočevje, Črnomelj)' in fault


def test_a_late_byte_that_is_not_utf_8_is_a_fault_of_its_line(refuse: Refuse) -> None:
    lines = ["id,city\n", *["1,Köln\n"] * 300_000]
    content = "".join(lines).encode() + b"2,K\xf6ln\n" + b"3,M\xfcnchen\n"
    what = "has a byte that is not UTF-8, although other lines are UTF-8"
    advice = "correct the character and save the file as UTF-8"
    assert refuse(content) == [f"300002: {what}; {advice}", f"300003: {what}; {advice}"]


def test_two_encodings_in_one_file_are_a_fault(refuse: Refuse) -> None:
    [fault] = refuse("id,city\n1,Köln\n".encode() + "2,Köln\n3,Düren\n4,Fürth\n".encode("cp1252"))
    assert fault.startswith("3: mixes encodings: 1 lines are UTF-8, and 3 are not")


def test_a_given_encoding_that_does_not_fit_is_a_fault_of_its_line(refuse: Refuse) -> None:
    [fault] = refuse(b"id,city\n1,x\n2,\x98\n", encoding="cp1251")
    assert fault.startswith("3: has the byte 0x98, which is not cp1251")


def test_an_encoding_that_the_file_does_not_have_is_a_fault(refuse: Refuse) -> None:
    [fault] = refuse("id,city\n1,Köln\n2,Düren\n".encode(), encoding="cp1252")
    assert fault == (
        "None: is UTF-8, but _table.toml says cp1252; remove encoding there, because it is recognised"
    )
    [fault] = refuse(b"\xef\xbb\xbfid,city\n1,K\xf6ln\n")
    assert (
        fault == "2: has the byte 0xF6, which is not utf-8; correct the character, or save the file as UTF-8"
    )


def test_latin_1_is_read_as_windows_1252_as_browsers_do(read: Read) -> None:
    assert text_of(read(b"a,b\n1,5 \x80\n", encoding="latin-1")).decode() == "a,b\n1,5 €\n"


# ---- Line ends


@pytest.mark.parametrize("end", ["\r\n", "\r", "\r\r\n"])
def test_other_line_ends_become_line_feeds(read: Read, end: str) -> None:
    source = read(f'id,state{end}1,SP{end}2,"RJ"{end}'.encode())
    assert text_of(source) == b'id,state\n1,SP\n2,"RJ"\n'
    assert any("line ends" in decision for decision in source.decisions)


def test_a_header_with_lf_over_rows_with_crlf_is_normalised(read: Read) -> None:
    source = read(b"id,state\n1,SP\r\n2,RJ\r\n")
    assert text_of(source) == b"id,state\n1,SP\n2,RJ\n"
    assert source.decisions == ("a.csv: the line ends CRLF and LF were written as LF",)


def test_line_breaks_within_quotes_survive(read: Read) -> None:
    source = read(b'id,text\r\n1,"a\r\nb ""c""\rd"\r\n2,"5\n"\r\n3,5" pipe\r\n4,x\r\n')
    assert text_of(source) == b'id,text\n1,"a\r\nb ""c""\rd"\n2,"5\n"\n3,5" pipe\n4,x\n'


def test_line_breaks_within_quotes_survive_where_chunks_of_the_file_meet(read: Read) -> None:
    row = b'1234567,"a\r\n,""b"\r\n'  # of 19 bytes, so that chunks of 1 MiB cut it at many places
    source = read(b"id,text\r\n" + row * 300_000)
    assert text_of(source) == b"id,text\n" + row.replace(b'"\r\n', b'"\n') * 300_000


def test_a_nul_byte_is_a_fault_of_its_line(refuse: Refuse) -> None:
    [fault] = refuse(b"id,name\n1,x\n2,\0\n3,\0\n")
    assert fault == "3: has a NUL character, as damaged files do; export it again"


# ---- Files that are something else


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\r\n", "the file is empty"),
        (b"<!DOCTYPE html><html>", "download the file itself"),
        (b'\n<?xml version="1.0"?>', "web page or XML"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "is a picture; put the file with the data here"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a picture"),
        (b'[{"id": 1}]', "name it .json"),
        (b'{"id": 1}\n', "name it .json"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "name it .xlsx"),
        (b"PK\x03\x04" + b"\0" * 26 + b"a.csv", "unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
        (b"\x28\xb5\x2f\xfd\x24\x00", "zstd -d"),
        (b"PAR1\x15\x04", "name it .parquet"),
    ],
)
def test_a_file_that_is_something_else_says_what_to_do(refuse: Refuse, content: bytes, advice: str) -> None:
    [fault] = refuse(content)
    assert advice in fault
