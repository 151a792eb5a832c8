"""The README's curl commands, executed unchanged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.local_up import Up
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def shell(command: str, variables: dict[str, str]) -> str:
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stderr}"
    return result.stdout


def commands(up: Up, heading: str) -> list[str]:
    """Return the commands below a heading of the README, with the address of the running API."""
    section = README.partition(f"## {heading}\n")[2].partition("##")[0]
    lines = re.findall(r"^\$ (.+)$", section, re.MULTILINE)
    return [line.replace("localhost:8000", up.ready["api"].removeprefix("http://")) for line in lines]


def guide(heading: str) -> list[str]:
    """Return the commands below a heading of the API guide."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\$ (.+)$", section, re.MULTILINE)


def test_a_class_as_the_guide_teaches_it(up: Up) -> None:
    plan, create, look, members, freeze, thaw, expire = guide("Teach a class")
    variables = {"API": up.ready["api"], "TOKEN": up.token("teacher", admin=True)}
    planned = json.loads(shell(plan, variables))
    assert planned["outcomes"] == {"would_change": 2}
    assert planned["max_cost_usd"] > 0
    cohort = json.loads(shell(create, variables))
    variables["COHORT"] = cohort["id"]
    assert json.loads(shell(create, variables)) == cohort
    teacher, path = up.caller("teacher", admin=True), f"/cohorts/{cohort['id']}"
    settled = teacher.until(path, {"SETTLED"}, 240)[-1]
    assert settled["environments"] == {"READY": 2}
    assert json.loads(shell(look, variables))["id"] == cohort["id"]
    table = shell(members, variables)
    assert [line.split(",")[0] for line in table.splitlines()] == ["owner", "pia", "quentin"]
    # The account of this owner did not exist until now.
    environment = up.caller("quentin").call("GET", "/me").body["environment"]
    assert environment["status"] == "READY" and environment["id"] in table
    assert json.loads(shell(freeze, variables))["action"]["reason"] == "The course has ended."
    assert json.loads(shell(thaw, variables))["code"] == "cohort_busy"  # until the next tick
    assert json.loads(shell(expire, variables))["action"]["action"] == "expire"  # replaces the freeze


def test_the_readmes_description_of_the_api_is_correct(up: Up) -> None:
    me, ask, again, look, money, data_sets, events, extend, change, reset, wrong = [
        line
        for heading in (
            *("Authenticate", "Retry safely", "Poll for changes", "Stay within the budget"),
            *("Choose a data set", "Read lists and the timeline", "Change the expiration"),
            *("Change settings, data or release", "Handle errors"),
        )
        for line in guide(heading)
    ]
    variables = {"API": up.ready["api"], "TOKEN": up.token("reader-of-api")}
    assert json.loads(shell(me, variables))["owner"] == "reader-of-api"
    asked = json.loads(shell(ask, variables))
    assert json.loads(shell(again, variables)) == asked
    shown = json.loads(shell(money, variables))
    assert (shown["budget"]["spent_usd"], shown["creations"]["used"]) == (0, 1)
    assert json.loads(shell(data_sets, variables))["items"][0]["release"] == asked["release"]
    variables["ID"] = asked["id"]
    reader = up.caller("reader-of-api")
    reader.until(f"/environments/{asked['id']}", {"READY"})
    variables["ETAG"] = reader.call("GET", f"/environments/{asked['id']}").headers["ETag"]
    assert shell(look, variables).startswith("HTTP/1.1 304")
    assert len(json.loads(shell(events, variables))["items"]) == 2
    assert json.loads(shell(extend, variables))["expires_at"] < asked["expires_at"]
    for line, status in ((change, "UPDATING"), (reset, "RESETTING")):
        assert json.loads(shell(line, variables))["status"] in (status, "READY")
        assert reader.until(f"/environments/{asked['id']}", {"READY", "FAILED"})[-1]["failure"] is None
    problem = json.loads(shell(wrong, variables))
    assert {error["pointer"] for error in problem["errors"]} == {"/expires_in_hours", "/colour"}
    reader.call("DELETE", f"/environments/{asked['id']}")


def test_all_curl_commands_work_in_order(up: Up) -> None:
    sign_in, ask, look, run, logs, rows, delete = commands(up, "Call the API")
    variables: dict[str, str] = {}

    def answer(command: str) -> Any:
        return json.loads(shell(command, variables))

    token = sign_in.replace("local token ana", f"local token readme --ready-file {up.ready_file}")
    token = token.replace(".venv/bin/python", sys.executable)
    variables["TOKEN"] = shell(f"{token}\necho -n $TOKEN", variables)
    variables["ID"] = answer(ask)["id"]
    reader = up.caller("readme")
    reader.until(f"/environments/{variables['ID']}", {"READY"})
    [environment] = answer(look)["items"]
    variables["JOB"] = environment["outputs"]["job_id"]
    started = answer(run)
    assert started["job_id"] == variables["JOB"]
    variables["RUN"] = started["id"]
    assert "items" in answer(logs)
    assert len(answer(rows)["items"]) == 2
    assert answer(delete)["status"] == "DELETING"
    [*_, gone] = reader.until(f"/environments/{variables['ID']}", {"DELETED"})
    removed = {(item["type"], item.get("logical_id")) for item in gone["receipt"]["removed"]}
    assert ("AWS::S3::Bucket", "SorBucket") in removed
    assert [item["type"] for item in gone["receipt"]["remaining"]] == ["AWS::KMS::Key"]
    left = {bucket["Name"] for bucket in up.client("s3").list_buckets()["Buckets"]}
    assert not [name for name in left if variables["ID"] in name]
    jobs = up.client("glue").get_jobs()["Jobs"]
    assert variables["JOB"] not in [job["Name"] for job in jobs]


def test_a_users_own_script_runs_with_the_modules_beside_it(up: Up, tmp_path: Path) -> None:
    settings, create, upload, run, look = commands(up, "Run your own Glue script")
    (tmp_path / "src/shop").mkdir(parents=True)
    (tmp_path / "src/shop/names.py").write_text("NAME = 'shop'")
    (tmp_path / "src/main.py").write_text("from shop.names import NAME\nassert NAME == 'shop'\n")
    variables = {"TOKEN": up.token("own-script")}
    asked = json.loads(shell(f"{settings}\n{create}", variables))
    reader = up.caller("own-script")
    [*_, ready] = reader.until(f"/environments/{asked['id']}", {"READY", "FAILED"})
    variables |= {"ID": asked["id"], "JOB": ready["outputs"]["job_id"]}
    written = json.loads(shell(upload.replace("my-project", str(tmp_path)), variables))
    assert (written["added"], written["warnings"]) == (["src/main.py", "src/shop/names.py"], [])
    variables["RUN"] = json.loads(shell(run, variables))["id"]
    reader.until(f"/jobs/{variables['JOB']}/runs/{variables['RUN']}", {"SUCCEEDED", "FAILED"})
    shown = json.loads(shell(look, variables))
    assert (shown["status"], shown["error"]) == ("SUCCEEDED", None)
    reader.call("DELETE", f"/environments/{asked['id']}")


def test_the_settings_of_the_readme_are_valid(up: Up) -> None:
    [settings] = re.findall(r"```json\n(.+?)```", README, re.DOTALL)
    caller = up.caller("settings")
    asked = caller.call("POST", "/environments", json.loads(settings))
    assert asked.status == 202, asked.body
    assert asked.body["settings"]["job"]["number_of_workers"] == 2
    caller.call("DELETE", f"/environments/{asked.body['id']}")


def test_every_linked_file_of_the_documents_exists() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"
