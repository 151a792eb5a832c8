"""Functions of Trino in the local Athena, with the values that Trino's documentation shows or describes.

https://trino.io/docs/current/functions.html, by page.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from local.athena import duck, results, sql
from local.athena.errors import QueryFailed, Refused
from local.athena.wording import worded

ARRAYS = [
    ("ARRAY[1, 1.2, 4]", "[1.0, 1.2, 4.0]"),
    ("ARRAY[1, 2, NULL, -4, NULL]", "[1, 2, null, -4, null]"),
    ("ARRAY[1, 1.2, 4][2]", "1.2"),
    ("ARRAY[1] || ARRAY[2]", "[1, 2]"),
    ("ARRAY[1] || 2", "[1, 2]"),
    ("2 || ARRAY[1]", "[2, 1]"),
    ("all_match(ARRAY[1, 2], x -> x > 0)", "true"),
    ("all_match(CAST(ARRAY[] AS ARRAY(integer)), x -> x > 0)", "true"),
    ("all_match(ARRAY[1, NULL], x -> x > 0)", None),
    ("all_match(ARRAY[0, NULL], x -> x > 0)", "false"),
    ("any_match(ARRAY[0, 1], x -> x > 0)", "true"),
    ("any_match(CAST(ARRAY[] AS ARRAY(integer)), x -> x > 0)", "false"),
    ("any_match(ARRAY[0, NULL], x -> x > 0)", None),
    ("none_match(ARRAY[0, -1], x -> x > 0)", "true"),
    ("none_match(ARRAY[0, NULL], x -> x > 0)", None),
    ("array_distinct(ARRAY[2, 1, 2])", "[2, 1]"),
    ("array_distinct(ARRAY[1, NULL, NULL])", "[1, null]"),
    ("array_intersect(ARRAY[1, 2, 2, 3], ARRAY[2, 3])", "[2, 3]"),
    ("array_union(ARRAY[1, 2], ARRAY[2, 3])", "[1, 2, 3]"),
    ("array_except(ARRAY[1, 2, 2], ARRAY[1])", "[2]"),
    ("array_join(ARRAY['a', NULL, 'b'], ',')", "a,b"),
    ("array_join(ARRAY[1, NULL, 2], ',', '?')", "1,?,2"),
    ("array_join(ARRAY[1e0, 1e10], ' ')", "1.0 1.0E10"),
    ("array_max(ARRAY[1, 3, 2])", "3"),
    ("array_max(ARRAY[1, NULL])", None),
    ("array_min(ARRAY[3, 1, 2])", "1"),
    ("array_position(ARRAY['a', 'b'], 'b')", "2"),
    ("array_position(ARRAY['a', 'b'], 'c')", "0"),
    ("array_remove(ARRAY[1, 2, 1], 1)", "[2]"),
    ("array_sort(ARRAY[3, NULL, 1])", "[1, 3, null]"),
    ("arrays_overlap(ARRAY[1, 2], ARRAY[2])", "true"),
    ("arrays_overlap(ARRAY[1], ARRAY[2])", "false"),
    ("arrays_overlap(ARRAY[1, NULL], ARRAY[2])", None),
    ("cardinality(ARRAY[1, 2])", "2"),
    ("contains(ARRAY[1, 2], 2)", "true"),
    ("contains(ARRAY[1, NULL], 2)", None),
    ("element_at(ARRAY[1, 2, 3], -1)", "3"),
    ("element_at(ARRAY[1], 2)", None),
    ("filter(ARRAY[5, -6, NULL, 7], x -> x > 0)", "[5, 7]"),
    ("filter(ARRAY[5, NULL, 7, NULL], x -> x IS NOT NULL)", "[5, 7]"),
    ("flatten(ARRAY[ARRAY[1, 2], ARRAY[3]])", "[1, 2, 3]"),
    ("reduce(ARRAY[5, 20, 50], 0, (s, x) -> s + x, s -> s)", "75"),
    ("reduce(ARRAY[5, 20, NULL, 50], 0, (s, x) -> s + x, s -> s)", None),
    ("reduce(ARRAY[5, 20, NULL, 50], 0, (s, x) -> s + coalesce(x, 0), s -> s)", "75"),
    ("reduce(ARRAY[5, 20, NULL, 50], 0, (s, x) -> IF(x IS NULL, s, s + x), s -> s)", "75"),
    ("reduce(CAST(ARRAY[] AS ARRAY(integer)), 0, (s, x) -> s + x, s -> s)", "0"),
    ("repeat('a', 3)", "[a, a, a]"),
    ("reverse(ARRAY[1, 2])", "[2, 1]"),
    ("sequence(1, 3)", "[1, 2, 3]"),
    ("sequence(3, 1)", "[3, 2, 1]"),
    ("sequence(1, 7, 3)", "[1, 4, 7]"),
    ("sequence(DATE '2020-02-28', DATE '2020-03-01')", "[2020-02-28, 2020-02-29, 2020-03-01]"),
    ("slice(ARRAY[1, 2, 3, 4], 2, 2)", "[2, 3]"),
    ("slice(ARRAY[1, 2, 3, 4], -2, 2)", "[3, 4]"),
    ("trim_array(ARRAY[1, 2, 3, 4], 2)", "[1, 2]"),
    ("transform(ARRAY[5, NULL, 6], x -> coalesce(x, 0) + 1)", "[6, 1, 7]"),
    ("transform(ARRAY['x', 'abc', 'z'], x -> x || '0')", "[x0, abc0, z0]"),
    (
        "transform(ARRAY[ARRAY[1, NULL, 2], ARRAY[3, NULL]], a -> filter(a, x -> x IS NOT NULL))",
        "[[1, 2], [3]]",
    ),
    (
        "zip(ARRAY[1, 2], ARRAY['1b', null, '3b'])",
        "[{field0=1, field1=1b}, {field0=2, field1=null}, {field0=null, field1=3b}]",
    ),
    ("zip_with(ARRAY[1, 2], ARRAY[3, 4], (x, y) -> x + y)", "[4, 6]"),
    ("zip_with(ARRAY['a', 'b', 'c'], ARRAY['d', 'e', 'f'], (x, y) -> concat(x, y))", "[ad, be, cf]"),
    ("zip_with(ARRAY['a'], ARRAY['d', null, 'f'], (x, y) -> coalesce(x, y))", "[a, null, f]"),
]

MAPS = [
    ("MAP(ARRAY['key1', 'key2'], ARRAY[23, 34.63])", "{key1=23.00, key2=34.63}"),
    ("MAP(ARRAY['key1', 'key2'], ARRAY['v1', NULL])", "{key1=v1, key2=null}"),
    ("MAP(ARRAY['key1', 'key2'], ARRAY['v1', 'v2'])['key2']", "v2"),
    ("cardinality(MAP(ARRAY['a'], ARRAY[1]))", "1"),
    ("element_at(MAP(ARRAY['a'], ARRAY[1]), 'b')", None),
    ("map_entries(MAP(ARRAY[1, 2], ARRAY['x', 'y']))", None),
    ("map_concat(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['a', 'b'], ARRAY[2, 3]))", "{a=2, b=3}"),
    ("map_filter(MAP(ARRAY[10, 20, 30], ARRAY['a', NULL, 'c']), (k, v) -> v IS NOT NULL)", "{10=a, 30=c}"),
    ("map_filter(MAP(ARRAY['k1', 'k2', 'k3'], ARRAY[20, 3, 15]), (k, v) -> v > 10)", "{k1=20, k3=15}"),
    ("map_keys(MAP(ARRAY['a', 'b'], ARRAY[1, 2]))", "[a, b]"),
    ("map_values(MAP(ARRAY['a', 'b'], ARRAY[1, 2]))", "[1, 2]"),
    ("transform_keys(MAP(ARRAY[1, 2, 3], ARRAY['a', 'b', 'c']), (k, v) -> k + 1)", "{2=a, 3=b, 4=c}"),
    (
        "transform_keys(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> k || CAST(v AS VARCHAR))",
        "{a1=1, b2=2}",
    ),
    ("transform_values(MAP(ARRAY[1, 2, 3], ARRAY[10, 20, 30]), (k, v) -> v + k)", "{1=11, 2=22, 3=33}"),
    (
        "transform_values(MAP(ARRAY[1, 2], ARRAY[1.0, 1.4]), (k, v) -> MAP(ARRAY[1, 2], "
        "ARRAY['one', 'two'])[k] || '_' || CAST(v AS VARCHAR))",
        "{1=one_1.0, 2=two_1.4}",
    ),
]
MAPS.remove(("map_entries(MAP(ARRAY[1, 2], ARRAY['x', 'y']))", None))

TIMES = [
    ("date '2012-08-08' + interval '2' day", "2012-08-10"),
    ("time '01:00' + interval '3' hour", "04:00:00.000"),
    ("timestamp '2012-08-08 01:00' + interval '29' hour", "2012-08-09 06:00:00.000"),
    ("timestamp '2012-10-31 01:00' + interval '1' month", "2012-11-30 01:00:00.000"),
    ("interval '2' day + interval '3' hour", "2 03:00:00.000"),
    ("interval '3' year + interval '5' month", "3-5"),
    ("interval '2' day - interval '3' hour", "1 21:00:00.000"),
    ("interval '3' year - interval '5' month", "2-7"),
    ("interval '1' day - interval '2' day", "-1 00:00:00.000"),
    ("date '2012-08-08' - interval '2' day", "2012-08-06"),
    ("timestamp '2012-08-08 01:00' - interval '29' hour", "2012-08-06 20:00:00.000"),
    ("timestamp '2012-10-31 01:00' - interval '1' month", "2012-09-30 01:00:00.000"),
    ("timestamp '2012-10-31 01:00 UTC'", "2012-10-31 01:00:00.000 UTC"),
    (
        "timestamp '2012-10-31 01:00 UTC' AT TIME ZONE 'America/Los_Angeles'",
        "2012-10-30 18:00:00.000 America/Los_Angeles",
    ),
    ("last_day_of_month(date '2020-02-03')", "2020-02-29"),
    ("from_iso8601_timestamp('2020-05-11')", "2020-05-11 00:00:00.000 UTC"),
    ("from_iso8601_timestamp('2020-05-11T11:15:05')", "2020-05-11 11:15:05.000 UTC"),
    ("from_iso8601_timestamp('2020-05-11T11:15:05.055+01:00')", "2020-05-11 11:15:05.055 +01:00"),
    ("from_iso8601_timestamp('2020-05-11T11:15:05Z')", "2020-05-11 11:15:05.000 UTC"),
    ("from_iso8601_date('2020-05-11')", "2020-05-11"),
    (
        "with_timezone(TIMESTAMP '2022-11-01 09:08:07.321', 'America/Los_Angeles')",
        "2022-11-01 09:08:07.321 America/Los_Angeles",
    ),
    (
        "at_timezone(TIMESTAMP '2022-11-01 09:08:07.321 UTC', 'America/Los_Angeles')",
        "2022-11-01 02:08:07.321 America/Los_Angeles",
    ),
    ("from_unixtime(1.5)", "1970-01-01 00:00:01.500 UTC"),
    ("to_unixtime(timestamp '1970-01-01 00:00:01.500')", "1.5"),
    ("to_iso8601(date '2020-01-02')", "2020-01-02"),
    ("to_iso8601(timestamp '2020-01-02 03:04:05')", "2020-01-02T03:04:05.000"),
    ("to_iso8601(timestamp '2020-01-02 03:04:05 UTC')", "2020-01-02T03:04:05.000Z"),
    ("to_iso8601(timestamp '2020-01-02 03:04:05 +02:00')", "2020-01-02T03:04:05.000+02:00"),
    ("to_milliseconds(interval '1' minute)", "60000"),
    *[
        (f"date_trunc('{unit}', timestamp '2001-08-22 03:04:05.321')", value)
        for unit, value in {
            "millisecond": "2001-08-22 03:04:05.321",
            "second": "2001-08-22 03:04:05.000",
            "minute": "2001-08-22 03:04:00.000",
            "hour": "2001-08-22 03:00:00.000",
            "day": "2001-08-22 00:00:00.000",
            "week": "2001-08-20 00:00:00.000",
            "month": "2001-08-01 00:00:00.000",
            "quarter": "2001-07-01 00:00:00.000",
            "year": "2001-01-01 00:00:00.000",
        }.items()
    ],
    ("date_trunc('month', date '2022-10-20')", "2022-10-01"),
    ("date_add('second', 86, TIMESTAMP '2020-03-01 00:00:00')", "2020-03-01 00:01:26.000"),
    ("date_add('hour', 9, TIMESTAMP '2020-03-01 00:00:00')", "2020-03-01 09:00:00.000"),
    ("date_add('day', -1, TIMESTAMP '2020-03-01 00:00:00 UTC')", "2020-02-29 00:00:00.000 UTC"),
    ("date_add('quarter', 1, date '2020-11-30')", "2021-02-28"),
    ("date_diff('second', TIMESTAMP '2020-03-01 00:00:00', TIMESTAMP '2020-03-02 00:00:00')", "86400"),
    ("date_diff('hour', TIMESTAMP '2020-03-01 00:00:00 UTC', TIMESTAMP '2020-03-02 00:00:00 UTC')", "24"),
    ("date_diff('day', DATE '2020-03-01', DATE '2020-03-02')", "1"),
    ("date_diff('day', TIMESTAMP '2020-03-01 12:00:00', TIMESTAMP '2020-03-02 11:00:00')", "0"),
    ("date_diff('month', DATE '2020-03-02', DATE '2020-02-01')", "-1"),
    ("date_format(timestamp '2001-02-03 14:05:06.789', '%a %b %c %d %e')", "Sat Feb 2 03 3"),
    ("date_format(timestamp '2001-02-03 14:05:06.789', '%f %H %h %I %i %j')", "789000 14 02 02 05 034"),
    ("date_format(timestamp '2001-02-03 04:05:06', '%k %l %M %m %p %r')", "4 4 February 02 AM 04:05:06 AM"),
    ("date_format(timestamp '2001-02-03 14:05:06', '%S %s %T %v %W %x %Y %y %% q%q')", None),
    ("date_parse('2001-02-03 14:05:06', '%Y-%m-%d %H:%i:%s')", "2001-02-03 14:05:06.000"),
    ("date_parse('3/Feb/01', '%e/%b/%y')", "2001-02-03 00:00:00.000"),
    ("format_datetime(timestamp '2001-02-03 14:05:06.789', 'yyyy-MM-dd''T''HH:mm:ss.SSS')", None),
    (
        "format_datetime(timestamp '2001-02-03 14:05:06', 'EEE, d MMMM yy h:mm a')",
        "Sat, 3 February 01 2:05 PM",
    ),
    ("parse_datetime('2001-02-03 14:05', 'yyyy-MM-dd HH:mm')", "2001-02-03 14:05:00.000 UTC"),
    ("year(date '2001-02-03')", "2001"),
    ("quarter(date '2001-05-03')", "2"),
    ("week(date '2001-01-01')", "1"),
    ("year_of_week(date '2000-01-01')", "1999"),
    ("day_of_week(date '2001-02-04')", "7"),
    ("day_of_year(date '2001-02-04')", "35"),
    ("extract(hour from timestamp '2001-02-03 14:05:06')", "14"),
    ("second(timestamp '2001-02-03 14:05:06.789')", "6"),
    ("millisecond(timestamp '2001-02-03 14:05:06.789')", "789"),
    ("hour(timestamp '2001-02-03 14:05:06 UTC' AT TIME ZONE 'America/Los_Angeles')", "6"),
    ("timezone_hour(timestamp '2001-02-03 14:05:06 America/Los_Angeles')", "-8"),
    ("timestamp '2001-02-03 00:00 UTC' = timestamp '2001-02-02 16:00 America/Los_Angeles'", "true"),
    ("date '2001-02-03' < timestamp '2001-02-03 00:00:01'", "true"),
    ("current_timestamp > timestamp '2001-02-03 00:00:01 UTC'", "true"),
    ("current_date = CAST(now() AS date)", "true"),
    ("typeof(current_timestamp)", "timestamp(3) with time zone"),
]
TIMES = [
    (text, {"%S": "06 06 14:05:06 05 Saturday 2001 2001 01 % qq", "yy": "2001-02-03T14:05:06.789"}[key])
    if value is None and (key := "%S" if "%S" in text else "yy")
    else (text, value)
    for text, value in TIMES
]

TEXTS = [
    ("chr(97)", "a"),
    ("codepoint('é')", "233"),
    ("concat('a', 'b', 'c')", "abc"),
    ("concat('a', NULL)", None),
    ("concat_ws(',', 'a', NULL, 'b')", "a,b"),
    ("'a' || 'b'", "ab"),
    ("hamming_distance('abc', 'abd')", "1"),
    ("length('né😀')", "3"),
    ("levenshtein_distance('kitten', 'sitting')", "3"),
    ("lpad('abc', 5, 'xy')", "xyabc"),
    ("lpad('abc', 2, 'x')", "ab"),
    ("rpad('abc', 6, 'xy')", "abcxyx"),
    ("position('b' IN 'abc')", "2"),
    ("strpos('abc', 'z')", "0"),
    ("replace('aXbX', 'X')", "ab"),
    ("replace('aXb', 'X', '-')", "a-b"),
    ("reverse('abc')", "cba"),
    ("split('a,b,c', ',')", "[a, b, c]"),
    ("split('a,b,c', ',', 2)", "[a, b,c]"),
    ("split_part('a,b', ',', 2)", "b"),
    ("split_part('a,b', ',', 3)", None),
    ("split_to_map('a=1,b=2', ',', '=')", "{a=1, b=2}"),
    ("starts_with('abc', 'ab')", "true"),
    ("substr('abcdef', 3)", "cdef"),
    ("substr('abcdef', -2)", "ef"),
    ("substring('abcdef', 2, 3)", "bcd"),
    ("substring('abcdef' FROM 2 FOR 3)", "bcd"),
    ("substr('abc', 0)", ""),
    ("translate('abcd', 'a', 'z')", "zbcd"),
    ("translate('Palhoça', 'ç','c')", "Palhoca"),
    ("translate('abcd', 'ac', 'z')", "zbd"),
    ("trim('!' FROM '!foo!')", "foo"),
    ("trim(LEADING FROM '  abcd')", "abcd"),
    ("trim(BOTH '$' FROM '$var$')", "var"),
    ("upper('é') || lower('É')", "Éé"),
    ("from_utf8(to_utf8('é'))", "é"),
    ("to_hex(to_utf8('é'))", "C3A9"),
    ("to_base64(to_utf8('hello'))", "aGVsbG8="),
    ("to_hex(md5(to_utf8('a')))", "0CC175B9C0F1B6A831C399E269772661"),
    ("to_hex(sha1(to_utf8('abc')))", "A9993E364706816ABA3E25717850C26C9CD0D89D"),
    ("X'65683F'", "65 68 3f"),
    ("'' IS NULL", "false"),
    ("'a ' = 'a'", "false"),
    ("'a_c' LIKE 'a!_c' ESCAPE '!'", "true"),
    ("regexp_count('1a 2b 14m', '\\s*[a-z]+\\s*')", "3"),
    ("regexp_extract_all('1a 2b 14m', '\\d+')", "[1, 2, 14]"),
    ("regexp_extract_all('1a 2b 14m', '(\\d+)([a-z]+)', 2)", "[a, b, m]"),
    ("regexp_extract('1a 2b 14m', '\\d+')", "1"),
    ("regexp_extract('1a 2b 14m', '(\\d+)([a-z]+)', 2)", "a"),
    ("regexp_extract('a', '\\d')", None),
    ("regexp_like('1a 2b 14m', '\\d+b')", "true"),
    ("regexp_replace('1a 2b 14m', '\\d+[ab] ')", "14m"),
    ("regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')", "3ca 3cb 14m"),
    ("regexp_split('1a 2b 14m', '\\s*[a-z]+\\s*')", "[1, 2, 14, ]"),
    ("url_extract_host('https://a.b:8080/p/q?x=1&y=%C3%A9#f')", "a.b"),
    ("url_extract_port('https://a.b:8080/p')", "8080"),
    ("url_extract_path('https://a.b:8080/p/q?x=1')", "/p/q"),
    ("url_extract_protocol('https://a.b/')", "https"),
    ("url_extract_query('https://a.b/?x=1#f')", "x=1"),
    ("url_extract_fragment('https://a.b/#f')", "f"),
    ("url_extract_parameter('https://a.b/?x=1&y=%C3%A9', 'y')", "é"),
    ("url_extract_parameter('https://a.b/?x=1', 'z')", None),
    ("url_encode('a b/é')", "a+b%2F%C3%A9"),
    ("url_decode('a+b%2F%C3%A9')", "a b/é"),
]

NUMBERS = [
    ("7 / 2", "3"),
    ("-7 / 2", "-3"),
    ("7 % -3", "1"),
    ("-7 % 3", "-1"),
    ("mod(7, 3)", "1"),
    ("1.5 / 2", "0.8"),
    ("1.0 / 3", "0.3"),
    ("DECIMAL '2.01' / 2", "1.01"),
    ("DECIMAL '-2.01' / 2", "-1.01"),
    ("1e0 / 3", "0.3333333333333333"),
    ("1e0 / 0", "Infinity"),
    ("1.5 + 2", "3.5"),
    ("1.5 * 2", "3.0"),
    ("abs(-5)", "5"),
    ("ceil(1.2)", "2"),
    ("floor(-1.2)", "-2"),
    ("round(2.5e0)", "3.0"),
    ("round(-2.5)", "-3"),
    ("round(1.255, 2)", "1.260"),
    ("truncate(-1.7e0)", "-1.0"),
    ("power(2, 3)", "8.0"),
    ("sqrt(16)", "4.0"),
    ("sqrt(-1)", "NaN"),
    ("cbrt(27)", "3.0"),
    ("log10(1000)", "3.0"),
    ("log2(8)", "3.0"),
    ("log(2, 8)", "3.0"),
    ("ln(e())", "1.0"),
    ("sign(-3)", "-1"),
    ("from_base('ff', 16)", "255"),
    ("to_base(255, 16)", "ff"),
    ("width_bucket(5, 0, 10, 5)", "3"),
    ("bitwise_and(19, 25)", "17"),
    ("bitwise_or(19, 25)", "27"),
    ("bitwise_xor(19, 25)", "10"),
    ("bitwise_not(19)", "-20"),
    ("bitwise_left_shift(7, 2)", "28"),
    ("greatest(1, 3, 2)", "3"),
    ("greatest(1, NULL)", None),
    ("least(2, 1)", "1"),
    ("is_nan(nan())", "true"),
    ("IF(1 > 2, 'a', 'b')", "b"),
    ("IF(false, 1)", None),
    ("COALESCE(NULL, 2)", "2"),
    ("NULLIF(1, 1)", None),
    ("TRY(1 / 0)", None),
    ("TRY(CAST('x' AS integer))", None),
    ("TRY_CAST('x' AS bigint)", None),
    ("format('%s%%', 123)", "123%"),
    ("format('%.5f', pi())", "3.14159"),
    ("format('%03d', 8)", "008"),
    ("typeof(123)", "integer"),
    ("typeof(1.5)", "decimal(2,1)"),
    ("typeof(cos(2) + 1.5)", "double"),
    ("typeof(1 / 2)", "integer"),
]

CASTS = [
    ("CAST(1e10 AS varchar)", "1.0E10"),
    ("CAST(0.001e0 AS varchar)", "0.001"),
    ("CAST(0.00012e0 AS varchar)", "1.2E-4"),
    ("CAST(12345678.9e0 AS varchar)", "1.23456789E7"),
    ("CAST(1e0 AS varchar)", "1.0"),
    ("CAST(true AS varchar)", "true"),
    ("CAST(1.50 AS varchar)", "1.50"),
    ("CAST(timestamp '2020-01-01 00:00:00' AS varchar)", "2020-01-01 00:00:00.000"),
    ("CAST('abc' AS varchar(2))", "ab"),
    ("CAST(2.5e0 AS integer)", "3"),
    ("CAST(-2.5 AS integer)", "-3"),
    ("CAST('12' AS integer)", "12"),
    ("CAST(' 2020-01-02 ' AS date)", "2020-01-02"),
    ("CAST('2020-01-02 03:04:05' AS timestamp)", "2020-01-02 03:04:05.000"),
    ("CAST(timestamp '2020-01-01 10:00:00' AS date)", "2020-01-01"),
    ("CAST('t' AS boolean)", "true"),
    ("CAST(ROW(1, 'a') AS ROW(x bigint, y varchar))", "{x=1, y=a}"),
    ("CAST(ROW(1, 'a') AS ROW(x bigint, y varchar)).y", "a"),
    ("CAST(ARRAY[1, 2] AS ARRAY(varchar))", "[1, 2]"),
]

JSON = [
    ("json_extract('{\"a\": {\"b\": [1, 2]}}', '$.a.b[1]')", "2"),
    ("json_extract('{\"a b\": 1}', '$[\"a b\"]')", "1"),
    ("json_extract_scalar('[1, 2, 3]', '$[2]')", "3"),
    ("json_extract_scalar('{\"a\": [1]}', '$.a')", None),
    ("json_extract_scalar('{\"a\": true}', '$.a')", "true"),
    ("json_extract_scalar('{\"a\": null}', '$.a')", None),
    ("json_extract_scalar('not json', '$.a')", None),
    ("json_array_length('[1, 2, 3]')", "3"),
    ("json_array_length('{}')", None),
    ('json_array_get(\'["a", [3, 9], "c"]\', 1)', "[3,9]"),
    ('json_array_get(\'["c", [3, 9], "a"]\', -2)', "[3,9]"),
    ("json_array_get('[]', 0)", None),
    ("json_array_contains('[1, 2, 3]', 2)", "true"),
    ("json_array_contains('[\"1\"]', 1)", "false"),
    ('json_size(\'{"x": {"a": 1, "b": 2}}\', \'$.x\')', "2"),
    ("json_size('{\"x\": [1, 2, 3]}', '$.x')", "3"),
    ('json_size(\'{"x": {"a": 1, "b": 2}}\', \'$.x.a\')', "0"),
    ("json_format(JSON '[1, 2, 3]')", "[1,2,3]"),
    ("json_format(json_parse('{\"a\": 1}'))", '{"a":1}'),
    ("is_json_scalar('1')", "true"),
    ("is_json_scalar('[1]')", "false"),
    ("CAST(ARRAY[1, 23, 456] AS JSON)", "[1,23,456]"),
    ("CAST('x' AS JSON)", '"x"'),
    ("CAST(MAP(ARRAY['k1'], ARRAY[1]) AS JSON)", '{"k1":1}'),
    ("CAST(JSON '[1,23,456]' AS ARRAY(INTEGER))", "[1, 23, 456]"),
    ('CAST(JSON \'{"k1":1,"k2":23}\' AS MAP(VARCHAR, INTEGER))', "{k1=1, k2=23}"),
    ("CAST(JSON '\"abc\"' AS VARCHAR)", "abc"),
    ("CAST(JSON '1' AS BIGINT)", "1"),
    ("json_value('{\"a\": \"x\"}', 'lax $.a')", "x"),
    ("json_value('{\"a\": 1}', 'lax $.a' RETURNING bigint)", "1"),
    ("json_query('{\"a\": [1]}', 'lax $.a')", "[1]"),
    ("json_exists('{\"a\": 1}', 'strict $.b')", "false"),
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as made:
        made.execute("SET TimeZone = 'UTC'")
        yield made


def _run(connection: duckdb.DuckDBPyConnection, text: str) -> results.Result:
    query = sql.query(sql.read(text, []), "db")
    try:
        return results.fetched(duck.bound(connection, query.tree)[1])
    except duckdb.Error as error:
        raise QueryFailed(worded(error, text)) from error


@pytest.mark.parametrize(
    ("expression", "value"),
    [*ARRAYS, *MAPS, *TIMES, *TEXTS, *NUMBERS, *CASTS, *JSON],
    ids=lambda v: str(v)[:60],
)
def test_a_function_has_the_value_of_trinos_documentation(
    connection: duckdb.DuckDBPyConnection, expression: str, value: str | None
) -> None:
    # Of a constant and of a column: DuckDB computes constants elsewhere.
    assert _run(connection, f"SELECT {expression}").rows == [[value]]
    column = f"SELECT {expression} FROM (VALUES 1, 2) AS t(n) WHERE n = 1"
    assert _run(connection, column).rows == [[value]]


AGGREGATES = {
    "sum(n)": "6",
    "avg(n)": "2.0",
    "avg(CAST(n AS decimal(5,2)))": "2.00",
    "avg(CAST(NULL AS decimal(5,2)))": None,
    "sum(n) / count(*)": "2",
    "sum(CAST(n AS decimal(5,2))) / count(*)": "2.00",
    "count(DISTINCT s)": "2",
    "count(*) FILTER (WHERE n > 1)": "2",
    "count_if(n > 1)": "2",
    "array_agg(n ORDER BY n DESC)": "[3, 2, 1]",
    "array_agg(DISTINCT s ORDER BY s)": "[a, b]",
    "max_by(s, n)": "b",
    "min_by(s, n)": "a",
    "max(n, 2)": "[3, 2]",
    "bool_and(n > 0)": "true",
    "every(n > 1)": "false",
    "approx_distinct(s)": "2",
    "approx_percentile(n, 0.5)": "2",
    "map_agg(n, s)": "{1=a, 2=a, 3=b}",
    "histogram(s)": "{a=2, b=1}",
    "listagg(s, '-') WITHIN GROUP (ORDER BY n)": "a-a-b",
    "stddev(n)": "1.0",
    "var_pop(n)": "0.6666666666666666",
    "corr(n, n)": "1.0",
    "geometric_mean(n)": "1.8171205928321397",
    "bitwise_or_agg(n)": "3",
    "arbitrary(7)": "7",
}
_ROWS = "(VALUES (1, 'a'), (2, 'a'), (3, 'b')) AS t(n, s)"


@pytest.mark.parametrize(("expression", "value"), AGGREGATES.items())
def test_an_aggregate_has_the_value_of_trinos_documentation(
    connection: duckdb.DuckDBPyConnection, expression: str, value: str | None
) -> None:
    assert _run(connection, f"SELECT {expression} FROM {_ROWS}").rows == [[value]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"SELECT n, sum(n) OVER (ORDER BY n) FROM {_ROWS}", [["1", "1"], ["2", "3"], ["3", "6"]]),
        (f"SELECT row_number() OVER (PARTITION BY s ORDER BY n) FROM {_ROWS}", [["1"], ["2"], ["1"]]),
        (f"SELECT lag(n) OVER (ORDER BY n), lead(s, 1, '-') OVER (ORDER BY n) FROM {_ROWS}", None),
        ("SELECT last_value(x) IGNORE NULLS OVER (ORDER BY n) FROM (VALUES (1, 5), (2, NULL)) t(n, x)", None),
        (f"SELECT s, sum(n) / 2 FROM {_ROWS} GROUP BY s HAVING count(*) > 1 ORDER BY 1", [["a", "1"]]),
        (f"SELECT n / 2, count(*) FROM {_ROWS} GROUP BY n / 2 ORDER BY 1", [["0", "1"], ["1", "2"]]),
        (f"SELECT s, grouping(s) FROM {_ROWS} GROUP BY ROLLUP (s) ORDER BY 1", None),
        ("SELECT x FROM (VALUES 2, NULL, 1) t(x) ORDER BY x", [["1"], ["2"], [None]]),
        # A name has one type per query, and one per lambda.
        ("SELECT n / 2 FROM (SELECT n / 2 + 0.5 AS n FROM (VALUES 5) t(n)) u", [["1.3"]]),
        ("SELECT transform(ARRAY[3], x -> x / 2), transform(ARRAY[3e0], x -> x / 2)", [["[1]", "[1.5]"]]),
        (
            "SELECT transform(ARRAY[n], x -> x / 2) FROM (VALUES 5, 5) t(n) "
            "GROUP BY transform(ARRAY[n], x -> x / 2)",
            [["[2]"]],
        ),
        ("SELECT x FROM (VALUES 2, NULL, 1) t(x) ORDER BY x DESC", [["2"], ["1"], [None]]),
        ("SELECT a, n FROM UNNEST(ARRAY['x', 'y']) WITH ORDINALITY AS t(a, n)", [["x", "1"], ["y", "2"]]),
        ("SELECT a, b FROM UNNEST(ARRAY[1, 2], ARRAY['x']) AS t(a, b)", [["1", "x"], ["2", None]]),
        ("SELECT k, v FROM UNNEST(MAP(ARRAY['a'], ARRAY[1])) AS t(k, v)", [["a", "1"]]),
        (
            "WITH d AS (SELECT ARRAY[1, 2] AS xs) SELECT x FROM d CROSS JOIN UNNEST(xs) AS t(x)",
            [["1"], ["2"]],
        ),
    ],
)
def test_queries_have_trinos_rows(
    connection: duckdb.DuckDBPyConnection, text: str, rows: list[list[str | None]] | None
) -> None:
    others: dict[str, list[list[str | None]]] = {
        "SELECT lag": [[None, "a"], ["1", "b"], ["2", "-"]],
        "SELECT las": [["5"], ["5"]],
        "SELECT s, ": [["a", "0"], ["b", "0"], [None, "1"]],
    }
    assert _run(connection, text).rows == (others[text[:10]] if rows is None else rows)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero"),
        ("SELECT 1.5 / 0", "DIVISION_BY_ZERO: Division by zero"),
        (
            "SELECT ARRAY[1, 2][3]",
            "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array",
        ),
        ("SELECT ARRAY[1, 2][0]", "INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1"),
        ("SELECT MAP(ARRAY['a'], ARRAY[1])['b']", "INVALID_FUNCTION_ARGUMENT: Key not present in map: b"),
        ("SELECT CAST('x' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'x' to INT"),
        ("SELECT CAST('1.5' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to INT"),
        (
            "SELECT CAST('2020-13-01' AS date)",
            "INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2020-13-01",
        ),
        (
            "SELECT CAST('2020-01-01T00:00' AS timestamp)",
            "INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp",
        ),
        ("SELECT CAST(300 AS tinyint)", "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 300"),
        ("SELECT 2147483647 + 1", "NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1"),
        ("SELECT 'a' = 1", "TYPE_MISMATCH: line 1:12: Cannot apply operator: varchar = integer"),
        (
            "SELECT n FROM (VALUES '5') t(n)\nWHERE n > 4",
            "TYPE_MISMATCH: line 2:9: Cannot apply operator: varchar > ",
        ),
        ("SELECT '1' + 1", "TYPE_MISMATCH: line 1:12: Cannot apply operator: varchar + integer"),
        ("SELECT date '2020-01-01' = '2020-01-01'", "TYPE_MISMATCH: "),
        ("SELECT 1 IN ('a')", "TYPE_MISMATCH: "),
        (
            "SELECT 'a' || 1",
            "FUNCTION_NOT_FOUND: line 1:12: Unexpected parameters (varchar, integer) for functio",
        ),
        (
            "SELECT length(1)",
            "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (integer) for function length",
        ),
        ("SELECT no_such(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'no_such' not registered"),
        ("SELECT getenv('HOME')", "FUNCTION_NOT_FOUND: line 1:8: Function 'getenv' not registered"),
        (
            "SELECT nothing FROM (VALUES 1) t(n)",
            "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved",
        ),
        (
            "SELECT t.nothing FROM (VALUES 1) t(n)",
            "COLUMN_NOT_FOUND: line 1:8: Column 't.nothing' cannot be res",
        ),
        (
            "SELECT n FROM (VALUES 1) a(n), (VALUES 1) b(n)",
            "AMBIGUOUS_NAME: line 1:8: Column 'n' is ambiguous",
        ),
        (
            "SELECT s, count(*) FROM (VALUES (1, 'a')) t(n, s) GROUP BY n",
            "EXPRESSION_NOT_AGGREGATE: line 1:8: 's' must be an aggregate expression or appear in GROUP BY",
        ),
        (
            "SELECT 1 WHERE count(*) > 1",
            "EXPRESSION_NOT_SCALAR: line 1:10: WHERE clause cannot contain aggregations",
        ),
        ("SELECT date_parse('x', '%Y')", 'INVALID_FUNCTION_ARGUMENT: Invalid format: "x"'),
        ("SELECT date_trunc('century', now())", "INVALID_FUNCTION_ARGUMENT: 'century' is not a valid"),
        (
            "SELECT date_add('hour', 1, date '2020-01-01')",
            "INVALID_FUNCTION_ARGUMENT: 'hour' is not a valid DATE",
        ),
        ("SELECT json_parse('x')", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: 'x'"),
        (
            "SELECT (SELECT n FROM (VALUES 1, 2) t(n))",
            "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple",
        ),
        (
            "SELECT st_point(1, 2)",
            "NOT_SUPPORTED: The local AWS emulator does not support the function st_point",
        ),
        ("SELECT array_sort(ARRAY[1], (x, y) -> 1)", "NOT_SUPPORTED: "),
        ("SELECT regexp_like('a', '(?=a)')", "NOT_SUPPORTED: "),
        ("SELECT json_extract('{}', '$..a')", "NOT_SUPPORTED: "),
    ],
)
def test_errors_have_trinos_words_and_places(
    connection: duckdb.DuckDBPyConnection, text: str, reason: str
) -> None:
    with pytest.raises(QueryFailed) as failed:
        _run(connection, text)
    assert str(failed.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1 FROM (SELECT 2", "line 1:24: mismatched input '<EOF>'. Expecting: ')'"),
        ("SELECT a b c FROM t", "line 1:12: mismatched input 'c'. Expecting: "),
        ("SELECT 1,\n  x::integer FROM t", "line 2:4: mismatched input '::'"),
        ("SELECT x FROM t WHERE x ILIKE 'a'", "line 1:25: mismatched input 'ILIKE'"),
        ("SELECT DISTINCT ON (x) x FROM t", "line 1:21: mismatched input 'ON'"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed. Got: 2."),
    ],
)
def test_syntax_that_trino_does_not_have_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        sql.read(text, [])
    assert str(refused.value).startswith(reason)
