"""CSV files of spreadsheets and statistics programs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from tests.integration.data_shapes.shape import Shape, shape, zipped

GERMAN = 'Straße;Größe;Preis\r\nHauptstraße 5;42;1.234,50\r\n"Platz; Süd";;-0,5\r\n'
GERMAN_ROWS = [("Hauptstraße 5", "42", "1234.50"), ("Platz; Süd", "", "-0.5")]


@shape
def excel_german() -> Shape:
    """Excel with German settings, "CSV (Trennzeichen-getrennt)"."""
    return Shape(
        {"Mappe1.csv": GERMAN.encode("cp1252")}, "strasse; grosse; preis", GERMAN_ROWS, "1252(.|\\n)*decimal"
    )


@shape
def excel_german_with_types() -> Shape:
    """The same file, of which the owner wants numbers."""
    return Shape(
        {"Mappe1.csv": GERMAN.encode("cp1252")},
        "strasse; grosse int; preis double",
        [("Hauptstraße 5", 42, 1234.5), ("Platz; Süd", None, -0.5)],
        options='decimal = ","\n[types]\ngrosse = "int"\npreis = "double"\n',
    )


@shape
def excel_separator_line() -> Shape:
    """A file that begins with `sep=;`, which Excel understands and never shows."""
    return Shape(
        {"export.csv": 'sep=;\r\nid;name\r\n1;Anna\r\n2;"Bo;b"\r\n'},
        "id; name",
        [("1", "Anna"), ("2", "Bo;b")],
    )


@shape
def excel_utf8() -> Shape:
    """Excel, "CSV UTF-8 (Comma delimited)"."""
    return Shape({"Book1.csv": "\ufeffId,Name\r\n1,Zoë\r\n2,\r\n"}, "id; name", [("1", "Zoë"), ("2", "")])


@shape
def excel_unicode_text() -> Shape:
    """Excel, "Unicode Text": UTF-16 with tabs."""
    text = 'Id\tName\r\n1\t日本\r\n2\t"a""b"\r\n'
    return Shape({"Book1.tsv": text.encode("utf-16")}, "id; name", [("1", "日本"), ("2", 'a"b')], "UTF-16")


@shape
def excel_line_breaks_in_cells() -> Shape:
    """Alt+Enter within a cell writes a line feed, at the end of rows Excel writes CRLF."""
    return Shape(
        {"Book1.csv": 'id,note,by\r\n1,"first\nsecond",x\r\n2,plain,y\r\n'},
        "id; note; by",
        [("1", "first\nsecond", "x"), ("2", "plain", "y")],
        "line ends CRLF and LF",
    )


@shape
def excel_french() -> Shape:
    text = "N° client;Prénom;Ancienneté (années)\r\n12;Éloïse;3,5\r\n13;Noël;\r\n"
    return Shape(
        {"Classeur1.csv": text.encode("cp1252")},
        "n_client; prenom; anciennete_annees",
        [("12", "Éloïse", "3.5"), ("13", "Noël", "")],
    )


@shape
def excel_for_mac() -> Shape:
    """Excel for Mac, "CSV (Macintosh)" of a plain table: carriage returns alone."""
    return Shape({"Book1.csv": "id,name\r1,Ann\r2,Bob\r"}, "id; name", [("1", "Ann"), ("2", "Bob")])


@shape
def excel_with_empty_columns_and_rows() -> Shape:
    """Formatted cells beside and below the table."""
    return Shape(
        {"Book1.csv": "id,name,,\r\n1,Ann,,\r\n,,,\r\n"},
        "id; name; column_3; column_4",
        [("1", "Ann", "", ""), ("", "", "", "")],
    )


@shape
def google_sheets() -> Shape:
    """No line break at the end of the file."""
    return Shape(
        {"Untitled spreadsheet - Sheet1.csv": 'Name,Price,"Tags, all"\r\nTea,"1,200.50",\r\nCake,3,"a, b"'},
        "name; price; tags_all",
        [("Tea", "1,200.50", ""), ("Cake", "3", "a, b")],
    )


@shape
def libreoffice() -> Shape:
    """Calc with "Quote all text cells"."""
    return Shape(
        {"Sheet.csv": '"code","amount"\n"007",1.5\n"",2\n'}, "code; amount", [("007", "1.5"), ("", "2")]
    )


@shape
def capital_extension() -> Shape:
    """Mainframes and old Windows programs write names in capitals."""
    return Shape(
        {"KUNDEN.CSV": "KUNDE;ORT\r\n0001;Köln\r\n".encode("cp1252")}, "kunde; ort", [("0001", "Köln")]
    )


@shape
def tab_separated() -> Shape:
    return Shape(
        {"data.tsv": 'gene\tsample 1\tsample 2\nBRCA2\t0.5\tNA\nTP53\t\t"x"\n'},
        "gene; sample_1; sample_2",
        [("BRCA2", "0.5", "NA"), ("TP53", "", "x")],
    )


@shape
def pandas_with_index() -> Shape:
    """DataFrame.to_csv with its default index: the first column has no name."""
    return Shape(
        {"df.csv": ",city,pop\n0,Oslo,709037.0\n1,Bergen,\n"},
        "column_1; city; pop",
        [("0", "Oslo", "709037.0"), ("1", "Bergen", "")],
    )


@shape
def pandas_tabs_gzip() -> Shape:
    """DataFrame.to_csv("x.tsv.gz", sep="\\t", index=False)."""
    return Shape({"df.tsv.gz": zipped("a\tb\n1\tx y\n")}, "a; b", [("1", "x y")])


@shape
def r_write_csv() -> Shape:
    """R's write.csv: quoted names and texts, row names without a header, NA."""
    return Shape(
        {"mtcars.csv": '"","mpg","gear"\n"Mazda RX4",21,4\n"Datsun 710",NA,4\n'},
        "column_1; mpg; gear",
        [("Mazda RX4", "21", "4"), ("Datsun 710", None, "4")],
        options='null = ["NA"]\n',
    )


@shape
def r_write_csv2() -> Shape:
    """R's write.csv2: semicolons and decimal commas."""
    return Shape(
        {"iris.csv": '"Sepal.Length";"Species"\n5,1;"setosa"\n4,9;NA\n'},
        "sepal_length; species",
        [("5.1", "setosa"), ("4.9", "NA")],
    )


@shape
def sas_proc_export() -> Shape:
    return Shape(
        {"class.csv": "Name,Sex,Age,Enrolled\nAlfred,M,14,01JAN2020\nAlice,F,.,\n"},
        "name; sex; age; enrolled date",
        [("Alfred", "M", "14", dt.date(2020, 1, 1)), ("Alice", "F", ".", None)],
        options='[types]\nenrolled = "date"\n[date_formats]\nenrolled = "%d%b%Y"\n',
    )


@shape
def spss_save_translate() -> Shape:
    text = "\ufeffid;geschlecht;alter\r\n1;männlich;#NULL!\r\n2;weiblich;44\r\n"
    return Shape(
        {"umfrage.csv": text},
        "id; geschlecht; alter",
        [("1", "männlich", None), ("2", "weiblich", "44")],
        options='null = "#NULL!"\n',
    )


@shape
def kaggle_titanic() -> Shape:
    text = (
        'PassengerId,Survived,Name,Cabin\r\n1,0,"Braund, Mr. Owen Harris",\r\n'
        '4,1,"Futrelle, Mrs. Jacques Heath (Lily May ""Peel"")",C123\r\n'
    )
    return Shape(
        {"train.csv": text},
        "passengerid; survived; name; cabin",
        [
            ("1", "0", "Braund, Mr. Owen Harris", ""),
            ("4", "1", 'Futrelle, Mrs. Jacques Heath (Lily May "Peel")', "C123"),
        ],
    )


@shape
def inferred_types() -> Shape:
    """`types = "infer"`: codes with leading zeros remain strings."""
    text = "zip,n,price,day,note,big\n01310,1,1.50,2024-02-29,x,12345678901\n99999,,20,2024-03-01,,7\n"
    return Shape(
        {"a.csv": text},
        "zip; n bigint; price decimal(18,2); day date; note; big bigint",
        [
            ("01310", 1, Decimal("1.50"), dt.date(2024, 2, 29), "x", 12345678901),
            ("99999", None, Decimal("20.00"), dt.date(2024, 3, 1), None, 7),
        ],
        options='types = "infer"\n',
    )


@shape
def backslashes() -> Shape:
    """Windows paths: OpenCSVSerde would drop their backslashes."""
    return Shape(
        {"paths.csv": 'id,path\n1,C:\\temp\\new\n2,"\\\\server\\"\n'},
        "id; path",
        [("1", "C:\\temp\\new"), ("2", "\\\\server\\")],
    )


@shape
def inches() -> Shape:
    """A quote within a text that is not quoted."""
    return Shape(
        {"screens.csv": 'id,size,kind\n1,15" wide,lcd\n2,27",oled\n'},
        "id; size; kind",
        [("1", '15" wide', "lcd"), ("2", '27"', "oled")],
    )


@shape
def one_column_with_empty_values() -> Shape:
    """An empty value of a single column is an empty line, or `""`."""
    return Shape({"names.csv": 'name\nAnn\n""\nBob\n'}, "name", [("Ann",), ("",), ("Bob",)])


@shape
def mixed_line_ends() -> Shape:
    """A header by one program, rows appended by another."""
    return Shape({"a.csv": "id,state\n1,SP\r\n2,RJ\r\n"}, "id; state", [("1", "SP"), ("2", "RJ")])


@shape
def blank_lines() -> Shape:
    return Shape({"a.csv": "id,state\n1,SP\n\n2,RJ\n\n"}, "id; state", [("1", "SP"), ("2", "RJ")])


@shape
def gzip_named_csv() -> Shape:
    """A browser that keeps the compression of a download, but not its name."""
    return Shape({"a.csv": zipped("id,name\n1,x\n")}, "id; name", [("1", "x")])


@shape
def line_breaks_in_the_header() -> Shape:
    """Alt+Enter in a header cell."""
    return Shape(
        {"Book1.csv": 'id,"Preço\n(R$)",by\r\n1,5,x\r\n2,7,y\r\n'},
        "id; preco_r; by",
        [("1", "5", "x"), ("2", "7", "y")],
    )


@shape
def blanks_after_quotes() -> Shape:
    """The Bureau of Economic Analysis writes a blank at the end of each line."""
    return Shape(
        {"spi.csv": '"FIPS","Area","2008  " \n"00","United States, all",39582 \n'},
        refused=r"spi\.csv:1: .*(quote|blank|after)",
    )
