-- The rows that tbsot_ecommerce_br must have, computed by DuckDB from the CSV files (plain or gzip) of a data folder.
-- Written from the rules in docs/data.md, not from the job. The variable `data` names the folder.
-- Money is counted in whole cents, so that nothing here depends on how an engine divides decimals.

SET TimeZone = 'UTC';
CREATE OR REPLACE TEMP MACRO csv(table_name) AS TABLE
    FROM read_csv(
        getvariable('data') || '/db_ecommerce/' || table_name || '/*.csv*',
        all_varchar = true, header = true, delim = ',', quote = '"', escape = '"', nullstr = ''
    );

-- DuckDB alone reads 1_000 as a number, and 24:00:00 and offsets above 18 hours as times.
CREATE OR REPLACE TEMP MACRO cents(amount) AS CASE
    WHEN NOT contains(amount, '_') THEN CAST(TRY_CAST(amount AS DECIMAL(12, 2)) * 100 AS BIGINT)
END;
CREATE OR REPLACE TEMP MACRO money(cents) AS TRY_CAST(CAST(cents AS DECIMAL(18, 0)) * 0.01 AS DECIMAL(12, 2));
CREATE OR REPLACE TEMP MACRO mean_half_up(total, n) AS sign(total) * ((2 * abs(total) + n) // (2 * n));
CREATE OR REPLACE TEMP MACRO moment(text) AS coalesce(
    CASE WHEN text LIKE '____-__-__ __:__:__' THEN TRY_STRPTIME(text, '%Y-%m-%d %H:%M:%S') END,  -- almost all, and fast
    CASE
        WHEN regexp_full_match(
            text,
            '\d{4}-\d\d-\d\d([ T]([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-7]):?\d\d|[+-]18:?00)?)?'
        )
        THEN TRY_CAST(text AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
    END
);

WITH orders AS (
    SELECT *, moment(order_purchase_timestamp) AS bought FROM csv('tbl_orders')
),
items AS (
    SELECT
        order_id,
        count(product_id) AS quantity,
        sum(cents(price))::BIGINT AS total,
        count(cents(price)) AS priced,
        max(cents(price)) AS highest,
        min(cents(price)) AS lowest,
        sum(cents(freight_value))::BIGINT AS freight,
        count(cents(freight_value)) AS freighted
    FROM csv('tbl_order_items')
    GROUP BY order_id
),
payments AS (
    SELECT
        order_id,
        count(*) AS quantity,
        sum(cents(payment_value))::BIGINT AS total,
        count(cents(payment_value)) AS valued
    FROM csv('tbl_payments')
    GROUP BY order_id
),
common_types AS (
    SELECT order_id, payment_type
    FROM csv('tbl_payments')
    WHERE payment_type IS NOT NULL
    GROUP BY order_id, payment_type
    QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY count(*) DESC, payment_type) = 1
),
reviews AS (
    SELECT
        order_id,
        max(review_score[1])::INTEGER AS best_score,
        max(review_comment_message) AS comment
    FROM csv('tbl_reviews')
    WHERE regexp_full_match(review_score, '[1-5](\.0+)?')
    GROUP BY order_id
)
SELECT
    orders.order_id,
    orders.customer_id,
    orders.order_status,
    orders.bought AS order_purchase_ts,
    moment(orders.order_approved_at) AS order_approved_at,
    moment(orders.order_delivered_carrier_date) AS order_deliv_carrier_dt,
    moment(orders.order_delivered_customer_date) AS order_deliv_customer_dt,
    moment(orders.order_estimated_delivery_date) AS order_estim_deliv_dt,
    year(orders.bought)::INTEGER AS year_order_purchase_ts,
    quarter(orders.bought)::INTEGER AS quarter_order_purchase_ts,
    month(orders.bought)::INTEGER AS month_order_purchase_ts,
    day(orders.bought)::INTEGER AS dayofmonth_order_purchase_ts,
    dayofweek(orders.bought)::INTEGER + 1 AS dayofweek_order_purchase_ts,  -- DuckDB: 0 = Sunday
    dayofyear(orders.bought)::INTEGER AS dayofyear_order_purchase_ts,
    weekofyear(orders.bought)::INTEGER AS weekofyear_order_purchase_ts,  -- ISO 8601
    items.quantity AS qty_order_items,
    money(items.total) AS sum_order_price,
    money(mean_half_up(items.total, items.priced)) AS mean_order_price,
    money(items.highest) AS max_order_price,
    money(items.lowest) AS min_order_price,
    money(mean_half_up(items.freight, items.freighted)) AS mean_order_freight_value,
    customers.customer_city,
    customers.customer_state,
    money(payments.total) AS sum_payment_value,
    money(mean_half_up(payments.total, payments.valued)) AS mean_payment_value,
    payments.quantity AS count_payment_value,
    common_types.payment_type AS most_common_payment_type,
    reviews.best_score AS review_best_score,
    reviews.comment AS review_comment_message
FROM orders
JOIN items ON items.order_id = orders.order_id
LEFT JOIN csv('tbl_customers') AS customers ON customers.customer_id = orders.customer_id
LEFT JOIN payments ON payments.order_id = orders.order_id
LEFT JOIN common_types ON common_types.order_id = orders.order_id
LEFT JOIN reviews ON reviews.order_id = orders.order_id
ORDER BY orders.order_id;
