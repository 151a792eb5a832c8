"""The Run page: a run with its price before, its live log, its result and stages; a failure; a stop."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect

from tests.support.portal import Portal

SCRIPT = b"""import sys
import time

from awsglue.utils import getResolvedOptions

args = getResolvedOptions(sys.argv, ["LINES", "PAUSE"])
for number in range(int(args["LINES"])):
    print(f"line {number} of the script")
    time.sleep(float(args["PAUSE"]))
raise ValueError("no such customer")
"""
LINE_OF_RAISE = SCRIPT.decode().split("\n").index('raise ValueError("no such customer")') + 1
LINES = 150


def badge(portal: Portal, status: str) -> Locator:
    return portal.page.get_by_role("heading", level=1).get_by_text(status, exact=True)


def log_text(portal: Portal) -> str:
    text = portal.page.get_by_role("region", name="Output of the run").text_content()
    assert text is not None
    return text


def scripted_environment(portal: Portal) -> dict[str, Any]:
    """Create an environment whose job runs SCRIPT, which needs no Spark."""
    job = {"name": "lines", "script": "src/main.py"}
    environment = portal.ready_environment({"mode": "production", "job": job})
    path = f"{environment['links']['self']}/job/files/src/main.py"
    put = portal.caller.call("PUT", path, raw=SCRIPT, headers={"Content-Type": "text/x-python"})
    assert put.status in (200, 201), put
    return environment


def test_a_run_from_its_price_to_its_result_and_stages(portal: Portal) -> None:
    portal.sign_in("ana")
    portal.ready_environment()
    page = portal.page
    page.reload()  # the page asks for the environment twice a minute
    portal.open("Run")

    page.get_by_label("Workers", exact=True).fill("1")
    page.get_by_label("Timeout in minutes").fill("ten")
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_label("Timeout in minutes")).to_have_accessible_description(
        re.compile("Must be a whole number")
    )
    page.get_by_label("Timeout in minutes").fill("6")
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_label("Workers", exact=True)).to_be_focused()
    expect(page.get_by_label("Workers", exact=True)).to_have_accessible_description(re.compile("at least 2"))

    # 3 workers for 6 minutes at $0.44 an hour, and twice that with two DPUs for each worker.
    page.get_by_label("Workers", exact=True).fill("3")
    expect(page.get_by_text("$0.13 at most")).to_be_visible()
    page.get_by_label("Worker type").select_option("G.2X")
    expect(page.get_by_text("$0.26 at most")).to_be_visible()
    expect(page.get_by_text("of your budget of $5.00 is available")).to_be_visible()
    page.get_by_role("button", name="Start run").click()

    expect(badge(portal, "RUNNING")).to_be_visible()
    log = page.get_by_role("region", name="Output of the run")
    expect(log).to_contain_text("credentials")  # the first line, while the run is active
    expect(page.get_by_text("Following the newest line.")).to_be_visible()
    expect(badge(portal, "SUCCEEDED")).to_be_visible(timeout=240_000)
    expect(page.get_by_text("Complete.")).to_be_visible()
    expect(log).to_contain_text("rows=9921")
    expect(page.get_by_text(re.compile("3 . G.2X"))).to_be_visible()
    phases = page.get_by_role("list", name="Phases of the run").get_by_role("listitem")
    expect(phases).to_contain_text(["Requested", "Waiting", "Starting", "Running", "Succeeded"])

    data = page.get_by_role("link", name=re.compile("See the data of .*tbsot_ecommerce_br"))
    expect(data).to_have_attribute("href", re.compile(r"#/data/terraglue_\w+_sot/tbsot_ecommerce_br"))
    expect(page.get_by_text("9,921 rows")).to_be_visible()
    stages = page.get_by_role("listitem").filter(has_text=re.compile(r"^Stage \d+"))
    expect(stages.filter(has_text="longest stage")).to_have_count(1)
    portal.screenshot("run", full_page=True)
    page.get_by_text("Show as a table").click()
    rows = page.get_by_role("region", name="Table of the stages").get_by_role("row")
    expect(rows).to_have_count(stages.count() + 1)
    portal.check_page()

    page.get_by_role("navigation", name="Job").get_by_role("link").click()
    chart = page.get_by_role("slider", name=re.compile("Duration of each run"))
    chart.focus()
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"\d+ s, \$0\.\d\d"))
    portal.screenshot("job", full_page=True)
    portal.check_page()
    chart.press("Enter")
    expect(badge(portal, "SUCCEEDED")).to_be_visible()


def test_a_lost_api_costs_no_line_of_a_log_that_ends_with_an_explained_failure(portal: Portal) -> None:
    portal.sign_in("bob")
    scripted_environment(portal)
    page = portal.page
    page.reload()  # the page asks for the environment twice a minute
    portal.open("Run")
    page.get_by_text("Arguments of this run").click()
    for number, (name, value) in enumerate((("--LINES", str(LINES)), ("--PAUSE", "0.1")), start=1):
        page.get_by_role("button", name="Add to Arguments").click()
        page.get_by_label(f"Arguments: Name {number}").fill(name)
        page.get_by_label(f"Arguments: Value {number}").fill(value)
    with portal.lost_api():
        page.get_by_role("button", name="Start run").click()
        expect(page.get_by_role("button", name="Starting …")).to_be_visible()
    log = page.get_by_role("region", name="Output of the run")
    expect(log).to_contain_text("line 5 of")
    with portal.lost_api():
        expect(page.get_by_text("The service does not answer")).to_be_visible(timeout=40_000)
    expect(badge(portal, "FAILED")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("Complete.")).to_be_visible()
    found = re.findall(r"line (\d+) of the script", log_text(portal))
    assert found == [str(number) for number in range(LINES)]

    expect(page.get_by_role("heading", name="Why it failed")).to_be_visible()
    expect(page.get_by_text("ValueError: no such customer").first).to_be_visible()
    expect(page.get_by_text("What to do:")).to_be_visible()
    line = page.get_by_role("link", name=f"Open src/main.py, line {LINE_OF_RAISE}")
    expect(line).to_have_attribute("href", f"#/code/src/main.py:{LINE_OF_RAISE}")
    page.get_by_role("button", name="Errors and Spark").click()
    expect(page.get_by_role("region", name="Errors of the run")).to_contain_text("Traceback")
    portal.screenshot("run-failed", full_page=True)
    portal.check_page()

    page.get_by_role("navigation", name="Job").get_by_role("link").click()
    expect(page.get_by_role("region", name="Runs of lines").get_by_role("row")).to_have_count(2)


def test_a_reader_stops_following_by_scrolling_up_and_stops_the_run(portal: Portal) -> None:
    portal.sign_in("carla")
    environment = scripted_environment(portal)
    page = portal.page
    arguments = {"--LINES": "100000", "--PAUSE": "0.01"}
    path = f"/jobs/{environment['outputs']['job_id']}/runs"
    run = portal.caller.call("POST", path, {"arguments": arguments}).body
    page.goto(f"{portal.url}#/run/{run['job_id']}/{run['id']}")
    log = page.get_by_role("region", name="Output of the run")
    expect(log).to_contain_text("line 100 of")
    log.focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("Not following, because you scrolled up.")).to_be_visible()
    expect(log).to_contain_text("line 300 of")
    assert log.evaluate("(box) => box.scrollTop") == 0
    page.get_by_role("button", name="Jump to the newest").click()
    expect(page.get_by_text("Following the newest line.")).to_be_visible()

    page.get_by_role("button", name="Stop run").click()
    expect(badge(portal, "STOPPING")).to_be_visible()
    expect(badge(portal, "STOPPED")).to_be_visible()
    expect(page.get_by_text("Stopped by")).to_be_visible()
    expect(page.get_by_role("button", name="Stop run")).to_have_count(0)
