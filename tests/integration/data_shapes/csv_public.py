"""CSV files of statistical offices, open-data portals and other public sources."""

from __future__ import annotations

from decimal import Decimal

from tests.integration.data_shapes.shape import Shape, shape


@shape
def destatis_genesis() -> Shape:
    """GENESIS-Online: title rows, a header of two rows, and foot notes."""
    text = (
        "Bevölkerung: Deutschland, Stichtag\r\nFortschreibung des Bevölkerungsstandes\r\n"
        ";Bevölkerungsstand\r\nStichtag;Anzahl\r\n"
        + "".join(f"31.12.{year};8{year}845\r\n" for year in range(1990, 2023))
        + "__________\r\n(C)opyright Destatis\r\n"
    )
    return Shape({"12411-0001.csv": text.encode("cp1252")}, refused="title|header|first line|field")


@shape
def destatis_flat_file() -> Shape:
    """GENESIS-Online's flat file (ffcsv)."""
    header = "\ufeffstatistics_code;time;1_variable_label;value;value_unit\r\n"
    text = header + "12411;2022-12-31;Köln;1084831;Anzahl\r\n"
    return Shape(
        {"12411-0015_de_flat.csv": text},
        "statistics_code; time; c_1_variable_label; value; value_unit",
        [("12411", "2022-12-31", "Köln", "1084831", "Anzahl")],
    )


@shape
def eurostat() -> Shape:
    """Keys with commas in the first column, blanks after years, `:` for no value."""
    text = "freq,unit,geo\\TIME_PERIOD\t2019 \t2020 \nA,PC,AT\t1.5 \t: \nA,PC,BE\t1.2 b\t0.4 \n"
    return Shape(
        {"prc_hicp.tsv": text},
        "freq_unit_geo_time_period; c_2019; c_2020",
        [("A,PC,AT", "1.5 ", ": "), ("A,PC,BE", "1.2 b", "0.4 ")],
    )


@shape
def ine_spain() -> Shape:
    text = "Comunidades y Ciudades Autónomas;Sexo;Periodo;Total\r\n01 Andalucía;Hombres;2022;4.183.347\r\n"
    return Shape(
        {"2915.csv": text.encode("iso-8859-15")},
        "comunidades_y_ciudades_autonomas; sexo; periodo; total",
        [("01 Andalucía", "Hombres", "2022", "4.183.347")],
    )


@shape
def insee_france() -> Shape:
    text = (
        '"CODGEO";"LIBGEO";"P19_POP"\n"01001";"L\'Abergement-Clémenciat";"779"\n"2A004";"Ajaccio";"71361"\n'
    )
    return Shape(
        {"base-cc.CSV": text},
        "codgeo; libgeo; p19_pop",
        [("01001", "L'Abergement-Clémenciat", "779"), ("2A004", "Ajaccio", "71361")],
    )


@shape
def ibge_brazil() -> Shape:
    """Latin-1, semicolons, decimal commas."""
    text = "UF;Município;População;Área (km²)\n35;São Paulo;12.325.232;1521,11\n33;Niterói;515.317;133,76\n"
    return Shape(
        {"ibge.csv": text.encode("latin-1")},
        "uf; municipio; populacao; area_km2",
        [("35", "São Paulo", "12.325.232", "1521.11"), ("33", "Niterói", "515.317", "133.76")],
    )


@shape
def tse_brazil() -> Shape:
    text = '"DT_GERACAO";"NM_CANDIDATO";"DS_CARGO"\n"01/10/2022";"JOÃO D\'ÁVILA";"#NULO#"\n'
    return Shape(
        {"consulta_cand_2022_SP.csv": text.encode("latin-1")},
        "dt_geracao; nm_candidato; ds_cargo",
        [("01/10/2022", "JOÃO D'ÁVILA", None)],
        options='null = ["#NULO#", "#NE#"]\n',
    )


@shape
def cnj_brazil() -> Shape:
    text = "ano;sigla;ramo_justica;tc\n2022;TJSP;Justiça Estadual;68,4\n"
    return Shape(
        {"JN.csv": text.encode("cp1252")},
        "ano int; sigla; ramo_justica; tc decimal(5,2)",
        [(2022, "TJSP", "Justiça Estadual", Decimal("68.40"))],
        options='decimal = ","\n[types]\nano = "int"\ntc = "decimal(5,2)"\n',
    )


@shape
def data_gouv_france() -> Shape:
    text = '\ufeffnumero;code;libellé\n1;A;Hôpital\n2;B;"Centre; Nord"\n'
    return Shape(
        {"etablissements.csv": text},
        "numero; code; libelle",
        [("1", "A", "Hôpital"), ("2", "B", "Centre; Nord")],
    )


@shape
def ckan() -> Shape:
    text = (
        'Department,Entity,Date,Expense Type,Amount\nHome Office,UKBA,01/05/2024,"Fees, legal","£25,000.00"\n'
    )
    return Shape(
        {"spend-over-25k.csv": text.encode("cp1252")},
        "department; entity; date; expense_type; amount",
        [("Home Office", "UKBA", "01/05/2024", "Fees, legal", "£25,000.00")],
    )


@shape
def socrata() -> Shape:
    """Locations with line breaks, and names with punctuation."""
    text = 'ID,Case Number,Location 1,X Coordinate\n7,HY1,"12 Main St\n(41.8, -87.6)",1165074\n8,HY2,,\n'
    return Shape(
        {"Crimes_-_2001_to_Present.csv": text},
        "id; case_number; location_1; x_coordinate",
        [("7", "HY1", "12 Main St\n(41.8, -87.6)", "1165074"), ("8", "HY2", "", "")],
    )


@shape
def world_bank() -> Shape:
    title = '"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-06-28",\n\n'
    text = title + '"Country Name","Country Code","1960",\n"Aruba","ABW","54608",\n'
    return Shape({"API_SP.POP.TOTL.csv": text}, refused="title|header|first line|field")


@shape
def united_nations_foot_notes() -> Shape:
    text = "Country or Area,Year,Value\nAustria,2020,8.9\n\nFootnote seqID,Footnote\n1,Estimate\n"
    return Shape({"UNdata.csv": text}, refused=r":4: .*2 fields.*3")


@shape
def gtfs() -> Shape:
    """A feed's table, renamed from stops.txt."""
    text = '\ufeffstop_id,stop_name,stop_lat\r\nS1,"Gare, Nord",48.88\r\nS2,Châtelet,48.85\r\n'
    return Shape(
        {"stops.csv": text},
        "stop_id; stop_name; stop_lat",
        [("S1", "Gare, Nord", "48.88"), ("S2", "Châtelet", "48.85")],
    )


@shape
def gtfs_text() -> Shape:
    """A feed's table as it is: CSV by content, `.txt` by name."""
    return Shape({"stops.txt": "stop_id,stop_name\r\nS1,Nord\r\n"}, refused=r"stops\.txt: .*\.csv")


@shape
def apache_log() -> Shape:
    line = '127.0.0.1 - - [10/Oct/2023:13:55:36 -0700] "GET /a,b HTTP/1.1" 200 2326 "-" "Mozilla/5.0 (X11)"\n'
    return Shape({"access.csv": line + line.replace("/a,b", "/") + "\n"}, refused="header|field|separator")


@shape
def noaa_without_header() -> Shape:
    """The first row is data."""
    text = "USW00094728,20200101,50,,,W,2400\nUSW00094729,20200102,44,,,W,2400\n"
    return Shape({"2020.csv": text}, refused="header = false")


@shape
def geonames() -> Shape:
    """Tabs, no header, and quotes that are letters."""
    text = '2950159\tBerlin\t"Spree-Athen\n6077243\tMontréal\tVille "aux cent clochers"\n'
    return Shape(
        {"cities.tsv": text},
        "id; name; nick",
        [("2950159", "Berlin", '"Spree-Athen'), ("6077243", "Montréal", 'Ville "aux cent clochers"')],
        options='header = false\nnames = ["id", "name", "nick"]\nquote = ""\n',
    )


@shape
def johns_hopkins() -> Shape:
    """Dates as names of columns."""
    return Shape(
        {"covid.csv": 'Province/State,Country/Region,1/22/20,1/23/20\n,"Korea, South",0,1\n'},
        "province_state; country_region; c_1_22_20; c_1_23_20",
        [("", "Korea, South", "0", "1")],
    )


@shape
def japanese() -> Shape:
    return Shape(
        {"jinko.csv": "都道府県,人口\r\n東京都,14047594\r\n表,1\r\n".encode("cp932")},
        "column_1; column_2",
        [("東京都", "14047594"), ("表", "1")],
        options='encoding = "cp932"\n',
    )


@shape
def chinese() -> Shape:
    return Shape(
        {"renkou.csv": "地区,人口(万人)\n北京,2184\n".encode("gb18030")},
        "area; people",
        [("北京", "2184")],
        options='encoding = "gb18030"\n[rename]\n"地区" = "area"\n"人口(万人)" = "people"\n',
    )


@shape
def cyrillic() -> Shape:
    return Shape(
        {"regions.csv": "Код;Регион\r\n77;Москва\r\n".encode("cp1251")},
        "code; region",
        [("77", "Москва")],
        options='encoding = "cp1251"\nheader = true\n[rename]\n"Код" = "code"\n"Регион" = "region"\n',
    )


@shape
def korean() -> Shape:
    return Shape(
        {"sigungu.csv": "코드,이름\n11110,종로구\n".encode("cp949")},
        "column_1; column_2",
        [("11110", "종로구")],
        options='encoding = "cp949"\n',
    )


@shape
def arabic() -> Shape:
    return Shape(
        {"a.csv": "المدينة,السكان\nالقاهرة,10100000\n"}, "column_1; column_2", [("القاهرة", "10100000")]
    )


@shape
def polish() -> Shape:
    text = "Województwo;Łączna liczba\r\nŚląskie;12\r\n"
    return Shape(
        {"gus.csv": text.encode("cp1250")},
        "wojewodztwo; laczna_liczba",
        [("Śląskie", "12")],
        options='encoding = "cp1250"\n',
    )
