-- DuckDB macros for functions of Trino that need more than an expression.

CREATE OR REPLACE TEMP MACRO trino_unscaled(a) AS
    CAST(replace(CAST(a AS VARCHAR), '.', '') AS HUGEINT);

-- Rounded half up.
CREATE OR REPLACE TEMP MACRO trino_quotient(a, b) AS
    CASE
    WHEN (a < 0) = (b < 0) THEN 1
    ELSE -1 END * ((2 * abs(a) + abs(b)) // (2 * abs(b)));

CREATE OR REPLACE TEMP MACRO trino_scaled(q, s) AS
    CASE
    WHEN s = 0 THEN CAST(q AS VARCHAR)
    ELSE CASE
    WHEN q < 0 THEN '-'
    ELSE '' END || regexp_replace(lpad(CAST(abs(q) AS VARCHAR), greatest(s + 1, length(CAST(abs(q) AS VARCHAR)))::INTEGER, '0'), '(\d{' || s || '})$', '.\1') END;

-- Java's Double.toString: scientific from 10^7 and below 10^-3, with DuckDB's digits, which are the fewest, too.
CREATE OR REPLACE TEMP MACRO trino_double(x) AS
    CASE
    WHEN isnan(x) THEN 'NaN'
    WHEN isinf(x) THEN CASE
    WHEN x > 0 THEN 'Infinity'
    ELSE '-Infinity' END
    WHEN x = 0 OR (abs(x) >= 1e-3 AND abs(x) < 1e7) THEN CAST(x AS VARCHAR)
    ELSE trino_scientific(CAST(x AS VARCHAR)) END;

CREATE OR REPLACE TEMP MACRO trino_scientific(t) AS
    CASE
    WHEN t[1] = '-' THEN '-'
    ELSE '' END || trino_mantissa(trino_digits(t)) || 'E' || CASE
    WHEN contains(t, 'e') THEN CAST(CAST(regexp_extract(t, 'e(.*)$', 1) AS INTEGER) AS VARCHAR)
    WHEN regexp_matches(t, '^-?0\.') THEN CAST(-1 - length(regexp_extract(t, '^-?0\.(0*)', 1)) AS VARCHAR)
    ELSE CAST(length(regexp_extract(t, '^-?(\d+)', 1)) - 1 AS VARCHAR) END;

CREATE OR REPLACE TEMP MACRO trino_digits(t) AS
    rtrim(ltrim(replace(regexp_extract(t, '^-?([0-9.]+)', 1), '.', ''), '0'), '0');

CREATE OR REPLACE TEMP MACRO trino_mantissa(d) AS
    d[1] || '.' || CASE
    WHEN length(d) > 1 THEN d[2:]
    ELSE '0' END;

CREATE OR REPLACE TEMP MACRO trino_moment(t) AS
    strftime(t, '%Y-%m-%d %H:%M:%S.%g');

CREATE OR REPLACE TEMP MACRO trino_zoned(z) AS
    trino_moment(trino_local(z)) || ' ' || z.zone;

-- An offset such as +02:00 is no name of a zone in DuckDB.
CREATE OR REPLACE TEMP MACRO trino_local(z) AS
    CASE
    WHEN regexp_full_match(z.zone, '[+-]\d\d:\d\d') THEN (z.instant AT TIME ZONE 'UTC') + to_minutes(trino_minutes(z.zone))
    ELSE z.instant AT TIME ZONE z.zone END;

CREATE OR REPLACE TEMP MACRO trino_minutes(z) AS
    CAST(z[1] || '1' AS INTEGER) * (CAST(z[2:3] AS INTEGER) * 60 + CAST(z[5:6] AS INTEGER));

CREATE OR REPLACE TEMP MACRO trino_at(t, z) AS
    {'instant': CASE
    WHEN regexp_full_match(z, '[+-]\d\d:\d\d') THEN (t - to_minutes(trino_minutes(z))) AT TIME ZONE 'UTC'
    ELSE t AT TIME ZONE z END, 'zone': z};

CREATE OR REPLACE TEMP MACRO trino_iso(t) AS
    strftime(t, '%Y-%m-%dT%H:%M:%S.%g');

CREATE OR REPLACE TEMP MACRO trino_offset(z) AS
    date_sub('minute', z.instant AT TIME ZONE 'UTC', trino_local(z));

CREATE OR REPLACE TEMP MACRO trino_offset_text(m) AS
    CASE
    WHEN m = 0 THEN 'Z'
    ELSE CASE
    WHEN m < 0 THEN '-'
    ELSE '+' END || lpad(CAST(abs(m) // 60 AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(m) % 60 AS VARCHAR), 2, '0') END;

CREATE OR REPLACE TEMP MACRO trino_to_base(n, b) AS
    CASE
    WHEN n < 0 THEN '-'
    ELSE '' END || lower(to_base(abs(n), b::INTEGER));

CREATE OR REPLACE TEMP MACRO trino_from_base(t, b) AS
    CAST(list_reduce(list_transform(string_split(lower(t), ''), lambda c: CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', c) - 1 AS BIGINT)), lambda s, d: s * b + d) AS BIGINT);

CREATE OR REPLACE TEMP MACRO trino_scalar(j) AS
    CASE
    WHEN json_type(j) IN ('OBJECT', 'ARRAY') THEN NULL
    ELSE json_extract_string(j, '$') END;

-- DuckDB's cbrt(27) is 3.0000000000000004.
CREATE OR REPLACE TEMP MACRO trino_cbrt(x) AS
    CASE WHEN pow(round(cbrt(x)), 3) = x THEN round(cbrt(x)) ELSE cbrt(x) END;

-- Of months as 1-2, of a time as 1 02:03:04.000.
CREATE OR REPLACE TEMP MACRO trino_interval(i) AS
    CASE WHEN trino_months(i) <> 0 THEN CASE WHEN trino_months(i) < 0 THEN '-' ELSE '' END
        || (abs(trino_months(i)) // 12) || '-' || (abs(trino_months(i)) % 12)
    ELSE CASE WHEN epoch_ms(i) < 0 THEN '-' ELSE '' END || trino_span(abs(epoch_ms(i))) END;

CREATE OR REPLACE TEMP MACRO trino_months(i) AS
    date_part('year', i) * 12 + date_part('month', i);

CREATE OR REPLACE TEMP MACRO trino_span(ms) AS
    (ms // 86400000) || ' ' || printf('%02d:%02d:%02d.%03d', ms // 3600000 % 24, ms // 60000 % 60, ms // 1000 % 60, ms % 1000);
