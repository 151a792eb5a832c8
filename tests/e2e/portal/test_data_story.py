"""The Data page: the lake after a run, its lineage, SQL with a chart and CSV, errors, and a killed API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import Download, Locator, Page, expect

from tests.support.local_up import DATA, eventually
from tests.support.portal import Portal

SOURCES = ("tbl_customers", "tbl_order_items", "tbl_orders", "tbl_payments", "tbl_reviews")
BY_STATUS = """SELECT order_status, count(*) AS orders, sum(sum_payment_value) AS paid
FROM tbsot_ecommerce_br
GROUP BY order_status
ORDER BY order_status"""
# The same from the sources.
BY_STATUS_IN_DUCKDB = """
    WITH ordered AS (SELECT DISTINCT order_id FROM tbl_order_items),
    paid AS (SELECT order_id, sum(CAST(payment_value AS DECIMAL(12, 2))) AS paid FROM tbl_payments GROUP BY 1)
    SELECT order_status, count(*), sum(paid)
    FROM tbl_orders JOIN ordered USING (order_id) LEFT JOIN paid USING (order_id) GROUP BY 1 ORDER BY 1
"""
PRODUCTS = "SELECT product_id, product_category_name FROM tbl_products ORDER BY product_id"
# Longer than any test.
ENDLESS = """WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 50000000)
SELECT count(*) FROM counted"""


def write(page: Page, sql: str) -> None:
    page.get_by_role("textbox", name="SQL").click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Backspace")  # over a selection, Chromium itself writes styles that the policy blocks
    page.keyboard.insert_text(sql)


def run(page: Page, sql: str, status: str = "SUCCEEDED") -> Locator:
    """Run a query. Return the section of its result."""
    write(page, sql)
    page.get_by_role("button", name="Run", exact=True).click()
    result = section(page, "Result")
    expect(result.get_by_role("status").get_by_text(status)).to_be_visible()
    return result


def section(page: Page, title: str) -> Locator:
    return page.locator("section").filter(has=page.get_by_role("heading", name=title, exact=True))


def sql_page(portal: Portal) -> dict[str, Any]:
    """Sign in a user with an environment, at the SQL page."""
    portal.sign_in("ana")
    environment = portal.ready_environment()
    portal.page.reload()  # the page asks for the environment twice a minute
    portal.open("Data")
    portal.page.get_by_role("link", name="SQL", exact=True).click()
    return environment


def check_sql_page(portal: Portal) -> None:
    """Check the page as `check_page` does, but leave the editor as its users do: Tab indents there."""
    for scheme in ("dark", "light"):
        portal.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        portal.check_accessibility()
    portal.check_widths()
    portal.page.get_by_role("textbox", name="SQL").focus()
    for key in ("Escape", "Tab"):
        portal.page.keyboard.press(key)
    expect(portal.page.get_by_label("Database")).to_be_focused()


def queries(portal: Portal, environment: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = portal.caller.call(
        "GET", f"/environments/{environment['id']}/queries"
    ).body["items"]
    return items


def in_duckdb(sql: str) -> list[tuple[Any, ...]]:
    connection = duckdb.connect()
    for folder in (DATA / "db_ecommerce").glob("tbl_*"):
        connection.execute(
            f"CREATE VIEW {folder.name} AS SELECT * FROM read_csv('{folder}/*.csv', all_varchar = true, "
            "nullstr = 'no such value', header = true, quote = '\"', escape = '\"')"
        )
    return connection.execute(sql).fetchall()


def csv(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """CSV as the API writes it: every value in quotes."""
    return "".join(",".join(f'"{value}"' for value in row) + "\r\n" for row in [header, *rows])


def text(download: Download) -> str:
    return Path(download.path()).read_bytes().decode()


def test_from_the_lake_to_a_chart(portal: Portal) -> None:
    caller = portal.sign_in("ana")
    environment = portal.ready_environment()
    asked = caller.call("POST", f"/jobs/{environment['outputs']['job_id']}/runs", {})
    assert caller.until(asked.headers["Location"], {"SUCCEEDED", "FAILED"})[-1]["status"] == "SUCCEEDED"
    page = portal.page
    page.reload()  # the page asks for the environment twice a minute
    portal.open("Data")

    # The sources of the run feed its table.
    lineage = page.get_by_role("list", name="Tables and jobs, from sources to results")
    expect(lineage.get_by_role("listitem")).to_have_count(7)
    for name in SOURCES:
        expect(lineage.get_by_role("link", name=name)).to_contain_text("rows read")
    expect(lineage.get_by_role("link", name="tbsot_ecommerce_br")).to_contain_text("9,921 rows written")
    page.get_by_text("sot-ecommerce-br as text").click()
    expect(page.get_by_text("db_ecommerce.tbl_order_items: 11,403 rows")).to_be_visible()
    portal.check_page()
    portal.screenshot("data")

    # A column leads to its table.
    page.get_by_label("Search tables and columns").fill("most_common_payment_type")
    expect(page.get_by_role("status").get_by_text("1 table found")).to_be_visible()
    page.get_by_role("link", name="tbsot_ecommerce_br").click()
    expect(page.get_by_role("heading", level=1, name="tbsot_ecommerce_br")).to_be_visible()
    columns = page.get_by_role("region", name="Columns")
    row = columns.get_by_role("row").filter(has_text="most_common_payment_type")
    expect(row).to_contain_text("Most frequent type of its payments")
    expect(columns.get_by_role("row").filter(has_text="anomesdia")).to_contain_text("partition key")
    rows = page.get_by_role("region", name="First rows of tbsot_ecommerce_br")
    expect(rows.get_by_role("row")).to_have_count(21)
    portal.check_page()

    # Nested values and nulls of another table.
    page.get_by_role("navigation", name="Views of the data").get_by_role("link", name="Tables").click()
    page.get_by_role("link", name="tbl_clickstream").click()
    rows = page.get_by_role("region", name="First rows of tbl_clickstream")
    expect(rows.get_by_text("null", exact=True).first).to_be_visible()
    rows.locator("summary").first.click()
    expect(rows.get_by_text("channel:").first).to_be_visible()
    page.go_back()

    # SQL, from the table.
    page.get_by_role("link", name="tbsot_ecommerce_br").first.click()
    page.get_by_role("button", name="Query this table").click()
    expect(page.get_by_role("textbox", name="SQL")).to_contain_text("FROM tbsot_ecommerce_br")
    expected = in_duckdb(BY_STATUS_IN_DUCKDB)
    result = run(page, BY_STATUS)
    expect(result.get_by_role("region", name="Rows of the result").get_by_role("row")).to_have_count(
        len(expected) + 1
    )
    expect(result.get_by_text("scanned")).to_contain_text("$")
    result.get_by_text("Chart", exact=True).click()
    chart = result.get_by_role("figure")
    result.get_by_label("paid").check()
    expect(chart.get_by_text("delivered").first).to_be_visible()
    check_sql_page(portal)
    portal.screenshot("sql")
    with page.expect_download() as download:
        result.get_by_role("button", name="Download CSV").click()
    assert text(download.value) == csv(("order_status", "orders", "paid"), expected)


def test_a_result_of_several_pages_is_one_file(portal: Portal) -> None:
    environment = sql_page(portal)
    page = portal.page
    result = run(page, PRODUCTS)
    result.get_by_role("button", name="Next page").click()
    expect(result.get_by_text("Rows 101 to 200")).to_be_visible()
    with page.expect_download() as download:
        result.get_by_role("button", name="Download CSV").click()
    rows = in_duckdb(PRODUCTS)
    assert len(rows) > 3 * 999
    assert text(download.value) == csv(("product_id", "product_category_name"), rows)

    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("Query Plan").or_(page.locator("pre.plan")).first).to_be_visible()
    assert [each["sql"] for each in queries(portal, environment)] == [f"EXPLAIN {PRODUCTS}", PRODUCTS]


def test_an_error_is_at_its_place_and_drafts_survive_a_reload(portal: Portal) -> None:
    sql_page(portal)
    page = portal.page
    result = run(page, "SELECT order_id,\n  ordr_status\nFROM tbl_orders", "FAILED")
    alert = result.get_by_role("alert")
    expect(alert).to_contain_text("line 2, column 3")
    expect(alert).to_contain_text("ordr_status")
    editor = page.get_by_role("region", name="Editor")
    expect(editor.get_by_text("Error: COLUMN_NOT_FOUND")).to_be_visible()
    check_sql_page(portal)

    page.get_by_role("button", name="New draft").click()
    expect(page.get_by_role("textbox", name="SQL")).not_to_contain_text("ordr_status")
    write(page, "SELECT 'a draft that nobody ran'")
    # The browser shows typed text some milliseconds before the editor reads and keeps it. Playwright's
    # wait_for_function fails if it has to wait: each look but the first needs eval, which the policy forbids.
    eventually(lambda: "that nobody ran" in page.evaluate("JSON.stringify(sessionStorage)"), 20, "not kept")
    page.reload()
    expect(page.get_by_role("textbox", name="SQL")).to_contain_text("a draft that nobody ran")
    page.get_by_role("list", name="Drafts").get_by_role("button", name="Query 1", exact=True).click()
    expect(page.get_by_role("textbox", name="SQL")).to_contain_text("ordr_status")
    expect(section(page, "Result").get_by_role("alert")).to_contain_text("line 2, column 3")


def test_a_killed_api_runs_no_query_twice(portal: Portal) -> None:
    environment = sql_page(portal)
    page = portal.page
    # The API accepts the query, and its answer is lost.
    page.route("**/queries", lambda route: (route.fetch(), route.abort()), times=1)
    result = run(page, "SELECT 7 AS seven")
    expect(result.get_by_role("cell", name="7")).to_be_visible()
    assert len(queries(portal, environment)) == 1

    write(page, "SELECT count(*) AS orders FROM tbl_orders")
    with portal.lost_api():
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.get_by_text("The service does not answer")).to_be_visible()
    expect(result.get_by_role("cell", name="10000")).to_be_visible()
    assert len(queries(portal, environment)) == 2

    # Killed while Athena runs the query: the page follows it, and stops it.
    write(page, ENDLESS)
    page.keyboard.press("Control+Enter")
    expect(result.get_by_role("status").get_by_text("RUNNING")).to_be_visible()
    portal.kill_api()
    result.get_by_role("button", name="Stop").click()
    expect(result.get_by_role("status").get_by_text("CANCELLED")).to_be_visible()
    found = queries(portal, environment)
    assert [each["status"] for each in found] == ["CANCELLED", "SUCCEEDED", "SUCCEEDED"]
    history = page.get_by_role("region", name="History of queries")
    expect(history.get_by_role("row")).to_have_count(4)

    history.get_by_role("link", name="count(*) AS orders").click()
    expect(result.get_by_role("cell", name="10000")).to_be_visible()
    history.get_by_role("button", name="Run again: SELECT count(*) AS orders FROM tbl_orders").click()
    expect(history.get_by_role("row")).to_have_count(5)
    expect(result.get_by_role("cell", name="10000")).to_be_visible()
