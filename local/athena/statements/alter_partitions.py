"""ALTER TABLE ADD, DROP and RENAME PARTITION, and MSCK REPAIR TABLE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.athena.errors import QueryFailed
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements.catalog import Catalog, ddl_failed, require_hive
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Definition, done, lines
from local.athena.tables import bucket_and_path, failed, folder_prefix
from local.metastore.names import partition_name, partition_values

Json = dict[str, Any]
Place = tuple[str | None, str]


@dataclass(frozen=True)
class AddPartitions(Definition):
    """ALTER TABLE ADD PARTITION. A partition without location is in the folder that its name says."""

    table: Place
    if_not_exists: bool
    partitions: tuple[tuple[dict[str, str], str], ...]
    subkind = "ALTER_TABLE_ADD_PARTITION"

    def run(self, session: Session) -> Result:
        """Create the partitions."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        require_hive(table)
        wanted = [(values(table, given), location) for given, location in self.partitions]
        located = [(found, location or default_location(table, found)) for found, location in wanted]
        for _, location in located:
            bucket_and_path(location)
        catalog.add_partitions(table, located, if_not_exists=self.if_not_exists)
        return done()


@dataclass(frozen=True)
class DropPartitions(Definition):
    """ALTER TABLE DROP PARTITION. The data remain in S3."""

    table: Place
    if_exists: bool
    partitions: tuple[dict[str, str], ...]
    subkind = "ALTER_TABLE_DROP_PARTITION"

    def run(self, session: Session) -> Result:
        """Delete the partitions that have the given values. A key without value matches all of them."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        require_hive(table)
        keys = [key["Name"].lower() for key in table.get("PartitionKeys", [])]
        existing = [partition["Values"] for partition in catalog.partitions(table)]
        dropped: list[list[str]] = []
        for given in self.partitions:
            _check_keys(table, given)
            found = [of for of in existing if given.items() <= dict(zip(keys, of, strict=True)).items()]
            if not found and not self.if_exists:
                text = ", ".join(f"{key} = '{value}'" for key, value in given.items())
                raise QueryFailed(f"FAILED: SemanticException [Error 10006]: Partition not found ({text})")
            dropped += [of for of in found if of not in dropped]
        for of in dropped:
            place = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
            catalog.call("delete_partition", **place, PartitionValues=of)
        return done()


@dataclass(frozen=True)
class RenamePartition(Definition):
    """ALTER TABLE PARTITION RENAME TO PARTITION. The partition keeps its location."""

    table: Place
    before: dict[str, str]
    after: dict[str, str]
    subkind = "ALTER_TABLE_RENAME_PARTITION"

    def run(self, session: Session) -> Result:
        """Change the values of a partition."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        require_hive(table)
        before, after = values(table, self.before), values(table, self.after)
        place = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
        missing = QueryFailed(f"FAILED: SemanticException [Error 10006]: Partition not found {self.before}")
        found = catalog.call("get_partition", missing, **place, PartitionValues=before)["Partition"]
        changed = {key: found[key] for key in ("StorageDescriptor", "Parameters") if key in found}
        changed["Values"] = after
        exists = ddl_failed(f"AlreadyExistsException(message:Partition already exists: {after})")
        catalog.call("update_partition", exists, **place, PartitionValueList=before, PartitionInput=changed)
        return done()


@dataclass(frozen=True)
class Repair(Definition):
    """MSCK REPAIR TABLE: adds the partitions whose folders exist below the table's location.

    It removes none. https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html
    """

    table: Place
    subkind = "MSCK_REPAIR_TABLE"

    def run(self, session: Session) -> Result:
        """Create the missing partitions, and return what was found."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        require_hive(table)
        if not (keys := [key["Name"].lower() for key in table.get("PartitionKeys", [])]):
            raise ddl_failed(f"Table {table['DatabaseName']}.{table['Name']} is not a partitioned table")
        location = table["StorageDescriptor"]["Location"].rstrip("/")
        known = [partition["Values"] for partition in catalog.partitions(table)]
        folders = _folders(session, location, len(keys))
        found = {name: of for name in folders if (of := _values_of(name, keys)) is not None}
        added = {name: of for name, of in found.items() if of not in known}
        wanted = [(of, f"{location}/{name}/") for name, of in added.items()]
        catalog.add_partitions(table, wanted, if_not_exists=True)
        text = []
        if added:
            text.append("\t".join(["Partitions not in metastore:", *(f"{table['Name']}:{n}" for n in added)]))
        if missing := [of for of in known if of not in found.values()]:
            names = (f"{table['Name']}:{partition_name(keys, of)}" for of in missing)
            text.append("\t".join(["Partitions missing from filesystem:", *names]))
        text += [f"Repair: Added partition to metastore {table['Name']}:{name}" for name in added]
        return lines(["result"], text)


def values(table: Json, given: dict[str, str]) -> list[str]:
    """Return the values of a partition in the order of keys. Raises `QueryFailed` if one is missing."""
    _check_keys(table, given)
    keys = [key["Name"].lower() for key in table.get("PartitionKeys", [])]
    if len(given) != len(keys):
        raise QueryFailed(
            f"FAILED: SemanticException partition spec {given} doesn't contain all "
            f"({len(keys)}) partition columns"
        )
    return [given[key] for key in keys]


def default_location(table: Json, found: list[str]) -> str:
    """Return the location of a partition below its table's."""
    keys = [key["Name"] for key in table["PartitionKeys"]]
    return f"{table['StorageDescriptor']['Location'].rstrip('/')}/{partition_name(keys, found)}/"


def read_add(words: Words, table: Place) -> AddPartitions:
    """Read what follows ALTER TABLE ADD."""
    if_not_exists = words.accept("IF", "NOT", "EXISTS")
    found = []
    while words.accept("PARTITION"):
        partition = words.partition()
        found.append((partition, words.string() if words.accept("LOCATION") else ""))
    if not found:
        raise words.mismatch("'COLUMNS', 'IF', 'PARTITION'")
    return AddPartitions(table, if_not_exists, tuple(found))


def read_drop(words: Words, table: Place) -> DropPartitions:
    """Read what follows ALTER TABLE DROP."""
    if_exists = words.accept("IF", "EXISTS")
    words.expect("PARTITION")
    found = [words.partition()]
    while words.accept(","):
        words.expect("PARTITION")
        found.append(words.partition())
    return DropPartitions(table, if_exists, tuple(found))


def read_repair(words: Words) -> Repair:
    """Read what follows MSCK REPAIR TABLE."""
    statement = Repair(words.table())
    words.end()
    return statement


def _values_of(folder: str, keys: list[str]) -> list[str] | None:
    """Return the values in the name of a folder, or None if it is not that of a partition by these keys."""
    parts = [part.partition("=") for part in folder.split("/")]
    if [key.lower() for key, _, _ in parts] != keys or not all(mark for _, mark, _ in parts):
        return None
    return partition_values(folder)


def _check_keys(table: Json, given: dict[str, str]) -> None:
    keys = {key["Name"].lower() for key in table.get("PartitionKeys", [])}
    if not keys:
        raise ddl_failed(f"Table {table['DatabaseName']}.{table['Name']} is not a partitioned table")
    for name in given.keys() - keys:
        raise QueryFailed(
            "FAILED: SemanticException [Error 10098]: Non-Partition column appears in the partition "
            f"specification:  {name}"
        )


def _folders(session: Session, location: str, depth: int) -> list[str]:
    """Return the folders at this depth below a location that have objects."""
    bucket, path = bucket_and_path(location)
    prefix = folder_prefix(path)
    found: dict[str, None] = {}
    try:
        pages = session.tables.clients("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            session.check()
            for item in page.get("Contents", []):
                names = item["Key"].removeprefix(prefix).split("/")
                if len(names) > depth:
                    found["/".join(names[:depth])] = None
    except ClientError as error:
        raise failed(error, str(ddl_failed(f"MetaException(message:{error})"))) from error
    return list(found)
