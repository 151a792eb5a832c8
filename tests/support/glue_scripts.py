"""Runs Glue scripts through the API of one `up`, several at a time, and reads what they wrote."""

from __future__ import annotations

import io
import json
import queue
import zipfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.glue_scripts.case import Case
from tests.support.local_up import Caller, Up

SCRIPTS = Path(__file__).parents[1] / "e2e" / "glue_scripts" / "scripts"
_ENDED = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
_OWNERS = ("gina", "gus", "greta")
_LIBRARY = """
def with_vat(amount, rate=0.2):
    return round(amount * (1 + rate), 2)
"""
_PACKAGE = {
    "shop/__init__.py": "",
    "shop/regions.py": "NAMES = {'N': 'north', 'S': 'south'}\nname = lambda code: NAMES.get(code, 'other')\n",
}
_SETTINGS = {
    "mode": "production",
    "upload_data": False,
    "job": {
        "name": "etl",
        "script": "src/main.py",
        "extra_files": ["lib/vat.py", "lib/shop.zip"],
        "number_of_workers": 2,
        "timeout_minutes": 5,
    },
}


@dataclass(frozen=True)
class Outcome:
    """The last run of a script, its log, its output below `out`, and the rows of tables in the API."""

    run: dict[str, Any]
    log: list[str]
    data: Path
    out: Path
    objects: list[str]
    warnings: list[str]
    rows: dict[str, Any]


def run_all(up: Up, cases: Iterable[Case], folder: Path) -> dict[str, Outcome | BaseException]:
    """Run scripts in a few environments. Return an outcome for each, or what kept it from running."""
    waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
    for case in cases:
        waiting.put(case)
    owners = _OWNERS[: max(1, min(len(_OWNERS), waiting.qsize()))]
    outcomes: dict[str, Outcome | BaseException] = {}
    with ThreadPoolExecutor(len(owners)) as threads:
        done = [threads.submit(_work, up, owner, waiting, folder, outcomes) for owner in owners]
    for each in done:
        each.result()
    return outcomes


def _work(
    up: Up,
    owner: str,
    waiting: queue.SimpleQueue[Case],
    folder: Path,
    outcomes: dict[str, Outcome | BaseException],
) -> None:
    environment = _Environment.create(up, owner)
    try:
        while True:
            case = waiting.get_nowait()
            try:
                outcomes[case.name] = environment.run(case, folder / case.name)
            except Exception as error:  # of this script alone
                outcomes[case.name] = error
    except queue.Empty:
        environment.delete()


@dataclass(frozen=True)
class _Environment:
    up: Up
    caller: Caller
    shown: dict[str, Any]

    @classmethod
    def create(cls, up: Up, owner: str) -> _Environment:
        caller = up.caller(owner)
        asked = caller.call("POST", "/environments", _SETTINGS)
        assert asked.status == 202, asked.body
        [*_, last] = caller.until(asked.headers["Location"], {"READY", "FAILED"})
        assert last["status"] == "READY", last
        environment = cls(up, caller, last)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in _PACKAGE.items():
                archive.writestr(name, content)
        environment._put_file("lib/vat.py", _LIBRARY.encode())
        environment._put_file("lib/shop.zip", buffer.getvalue())
        return environment

    def delete(self) -> None:
        self.caller.call("DELETE", self.shown["links"]["self"])

    def run(self, case: Case, folder: Path) -> Outcome:
        data, out = folder / "data", folder / "out"
        names = self._names(case)
        uploaded = self._put_file("src/main.py", (SCRIPTS / case.script).read_bytes())
        self._put_inputs(case.inputs, names, data)
        for name, table in case.tables.items():
            location = table.location.format(**names) or f"{names['source']}/{name}/"
            self._create_table(case, name, table.definition(name, location), names)
        run = self._ended(self._start(case, names))
        if case.later and run["status"] == "SUCCEEDED":
            self._put_inputs(case.later, names, data)
            run = self._ended(self._start(case, names))
        link = f"{run['links']['logs']}?limit=1000&stream"
        streams = [self.caller.call("GET", f"{link}={stream}").body for stream in ("output", "error")]
        return Outcome(
            run=run,
            log=[line["message"] for stream in streams for line in stream["items"]],
            data=data,
            out=out,
            objects=self._download(names["sot"], case.name, out),
            warnings=[warning["detail"] for warning in uploaded["warnings"]],
            rows={name: self._rows(name) for name in case.rows},
        )

    def _names(self, case: Case) -> dict[str, str]:
        outputs = self.shown["outputs"]
        buckets = outputs["buckets"]
        return {
            **{name: buckets[name] for name in ("sor", "sot", "spec", "glue_assets")},
            "source": f"s3://{buckets['sor']}/{case.name}",
            "target": f"s3://{buckets['sot']}/{case.name}",
            "database": outputs["databases"]["sot"],
        }

    def _put_file(self, path: str, content: bytes) -> Any:
        answer = self.caller.call("PUT", f"{self.shown['links']['job_files']}/{path}", raw=content)
        assert answer.status in (200, 201), answer.body
        return answer.body

    def _put_inputs(self, inputs: Mapping[str, str | bytes], names: dict[str, str], data: Path) -> None:
        s3 = self.up.client("s3")
        for name, content in inputs.items():
            body = content.encode() if isinstance(content, str) else content
            path = data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            s3.put_object(Bucket=names["sor"], Key=f"{names['source'].split('/', 3)[3]}/{name}", Body=body)

    def _create_table(self, case: Case, name: str, definition: dict[str, Any], names: dict[str, str]) -> None:
        glue, database = self.up.client("glue"), names["database"]
        glue.create_table(DatabaseName=database, TableInput=definition)
        if not definition["PartitionKeys"]:
            return
        storage = definition["StorageDescriptor"]
        for folder in sorted({key.rpartition("/")[0] for key in case.inputs if key.startswith(f"{name}/")}):
            values = [part.partition("=")[2] for part in folder.split("/")[1:]]
            location = f"{names['source']}/{folder}/"
            partition = {"Values": values, "StorageDescriptor": storage | {"Location": location}}
            glue.create_partition(DatabaseName=database, TableName=name, PartitionInput=partition)

    def _start(self, case: Case, names: dict[str, str]) -> str:
        given = {name: value.format(**names) for name, value in case.arguments.items()}
        usual = {"--SOURCE": names["source"], "--TARGET": names["target"], "--DATABASE": names["database"]}
        job = self.shown["links"]["job"]
        asked = self.caller.call("POST", f"{job}/runs", {"arguments": usual | given})
        assert asked.status == 202, asked.body
        return asked.headers["Location"]

    def _ended(self, location: str) -> dict[str, Any]:
        return self.caller.until(location, _ENDED, seconds=240)[-1]

    def _download(self, bucket: str, prefix: str, out: Path) -> list[str]:
        s3, names = self.up.client("s3"), []
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            for item in page.get("Contents", []):
                name = item["Key"].removeprefix(f"{prefix}/")
                names.append(name)
                if item["Size"]:  # without folders and markers
                    path = out / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())
                    _as_json(path)
        return names

    def _rows(self, table: str) -> Any:
        link = f"{self.shown['links']['self']}/tables/sot/{table}/rows?limit=100"
        return self.caller.call("GET", link).body


def _as_json(path: Path) -> None:
    """Write the rows of an ORC or Avro file beside it as JSON, for DuckDB."""
    if path.suffix not in (".orc", ".avro"):
        return
    with path.open("rb") as source:
        if path.suffix == ".orc":
            import pyorc

            rows = list(pyorc.Reader(source, struct_repr=pyorc.StructRepr.DICT))
        else:
            import fastavro

            rows = list(fastavro.reader(source))
    lines = [json.dumps(row, default=str) + "\n" for row in rows]
    path.with_name(f"{path.name}.json").write_text("".join(lines))
