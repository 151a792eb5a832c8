"""Start and stop of `up`: its output, its files and its processes."""

import json
import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.local_up import LOCAL, Up, eventually, group_members, kill, running_up
from tests.support.paths import ROOT


def assert_gone(up: Up) -> None:
    """Check that none of its processes is left and its ports are free."""
    for name in ("aws", "api"):
        members = lambda name=name: group_members(up.ready["pids"][name])  # noqa: E731
        eventually(lambda members=members: members() == [], 20, f"left over: {members()}")
    for url in (up.ready["aws"], up.ready["api"]):
        # The kernel may still be ending threads of a process that ps shows as ended.
        eventually(lambda url=url: not listens(url), 20, f"{url} is in use")


def listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0


def test_the_ready_file_has_all_values_for_a_script(up: Up) -> None:
    ready = up.ready
    assert {"api", "aws", "region", "issuer", "client_id"} <= set(ready)
    assert ready["api"].startswith("http://127.0.0.1:")
    assert ready["region"] == "us-east-1"
    assert up.ready_file.stat().st_mode & 0o077 == 0


def test_printed_commands_can_be_executed(up: Up) -> None:
    printed = up.output.read_text()
    lines = [line for line in printed.splitlines() if line.startswith(("TOKEN=", "curl "))]
    pasted = "\n".join(line for line in lines if "POST" not in line)
    answers = subprocess.run(
        ["bash", "-ec", pasted], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert '"owner":"ana"' in answers
    assert up.ready["aws"] in printed


def test_the_token_command_prints_a_token_and_nothing_else(up: Up) -> None:
    command = [*LOCAL, "token", "zoe", "--admin", "--ready-file", str(up.ready_file)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert printed.stderr == ""
    assert printed.stdout.count(".") == 2 and printed.stdout.count("\n") == 1
    request = urllib.request.Request(
        f"{up.ready['api']}/me", headers={"Authorization": f"Bearer {printed.stdout.strip()}"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        me = json.load(response)
    assert (me["owner"], me["is_admin"]) == ("zoe", True)


def test_the_token_command_without_a_running_instance_prints_one_sentence(tmp_path: Path) -> None:
    command = [*LOCAL, "token", "ana", "--ready-file", str(tmp_path / "none.json")]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("token failed: Nothing is running")


def test_ctrl_c_stops_its_own_processes_and_no_others(up: Up, tmp_path: Path) -> None:
    with running_up(tmp_path) as second:
        assert second.ready["api"] != up.ready["api"]
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(30) == 0
        assert_gone(second)
        assert not second.ready_file.exists()
        assert not Path(second.ready["state"]).exists()
    assert up.process.poll() is None
    with urllib.request.urlopen(f"{up.ready['api']}/health", timeout=30) as response:
        assert response.status == 200


def test_after_a_kill_its_processes_end_automatically(tmp_path: Path) -> None:
    with running_up(tmp_path, "--state", str(tmp_path / "state")) as second:
        kill(second.process.pid)
        second.process.wait(30)
        assert_gone(second)


def test_when_a_process_ends_up_names_it_and_stops_the_others(tmp_path: Path) -> None:
    with running_up(tmp_path, "--state", str(tmp_path / "state")) as second:
        kill(second.ready["pids"]["aws"])
        assert second.process.wait(30) == 1
        assert "up failed: The process 'aws' was killed by signal 9." in second.output.read_text()
        assert_gone(second)


def test_a_killed_api_is_restarted_on_its_port_with_its_records(tmp_path: Path) -> None:
    with running_up(tmp_path) as second:
        caller = second.caller("ana")
        asked = caller.call("POST", "/environments")
        assert asked.status == 202, asked
        kill(second.ready["pids"]["api"])

        def serves() -> bool:
            try:
                return caller.call("GET", "/health").status == 200
            except OSError:  # not yet
                return False

        eventually(serves, 30)
        assert second.output.read_text().count("The API was killed and is restarting.") == 1
        assert caller.until(asked.headers["Location"], {"READY", "FAILED"})[-1]["status"] == "READY"


def test_a_used_port_prints_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*LOCAL, "up", "--port", str(port), "--ready-file", str(tmp_path / "ready.json")]
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert (
        refused.stderr
        == f"up failed: Port {port} is in use. Stop its process, or choose another port: --port N.\n"
    )


def test_a_missing_data_folder_prints_one_sentence(tmp_path: Path) -> None:
    command = [*LOCAL, "up", "--port", "0", "--data", str(tmp_path / "none")]
    refused = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, env=os.environ
    )
    assert refused.returncode == 1
    assert refused.stderr == f"up failed: The data folder {tmp_path / 'none'} does not exist.\n"


def test_a_published_data_set_is_listed_for_new_environments(up: Up, tmp_path: Path) -> None:
    folder = tmp_path / "db_sales/tbl_sales"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,amount\n1,2.5\n2,3.5\n")
    command = [*LOCAL, "publish", "--data", str(tmp_path), "--ready-file", str(up.ready_file)]
    printed = subprocess.run(
        [*command, "--data-set", "sales"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert f'POST {up.ready["api"]}/environments {{"data": "sales"}}' in printed.stdout
    listed = {item["name"]: item for item in up.caller("zoe").call("GET", "/data-sets").body["items"]}
    assert (listed["sales"]["databases"], listed["sales"]["row_count"]) == (["db_sales"], 2)
    assert listed["sales"]["release"] in printed.stdout
    (folder / "a.csv").write_text("id,amount\n1\n")
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert refused.returncode == 1 and "a.csv:2: " in refused.stderr
