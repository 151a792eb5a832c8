"""Glue and Athena resources. Their properties are the parameters of the services' create calls."""

from __future__ import annotations

from local.cloudformation.resources import CallFailed, Context, Former, Json, given, resource, tag_changes
from local.cloudformation.template import Placed

_GONE = "EntityNotFoundException"


def _refuse_existing(context: Context, get: str, **named: str) -> None:
    """Raise an error for an existing job, as Glue does. moto would replace the job."""
    try:
        context.call("glue", get, **named)
    except CallFailed as error:
        if error.code != _GONE:
            raise
    else:
        [name] = named.values()
        raise CallFailed("glue", "AlreadyExistsException", f"{name} already exists", 400, "null")


def _tag(context: Context, former: Former, properties: Json, kind: str) -> None:
    """Update the tags of a Glue resource."""
    arn = f"arn:aws:glue:{context.region}:{context.account}:{kind}/{former.name}"
    wanted, unwanted = tag_changes(context, former, properties)
    if wanted:
        context.call("glue", "tag_resource", ResourceArn=arn, TagsToAdd=wanted)
    if unwanted:
        context.call("glue", "untag_resource", ResourceArn=arn, TagsToRemove=unwanted)


def _update_database(context: Context, former: Former, properties: Json) -> Placed:
    wanted = {"Name": former.name, **properties["DatabaseInput"]}
    context.call("glue", "update_database", Name=former.name, DatabaseInput=wanted)
    return former.placed


def _delete_database(context: Context, name: str, _: Json) -> None:
    context.call("glue", "delete_database", Name=name)


@resource(
    "AWS::Glue::Database",
    "CatalogId DatabaseInput",
    missing=_GONE,
    update=_update_database,
    delete=_delete_database,
)
def _database(context: Context, properties: Json) -> Placed:
    name = context.name(properties["DatabaseInput"].get("Name"))
    context.call("glue", "create_database", DatabaseInput={**properties["DatabaseInput"], "Name": name})
    return Placed(name, {})


def _update_table(context: Context, former: Former, properties: Json) -> Placed:
    context.call("glue", "update_table", **given(properties, "DatabaseName", "TableInput"))
    return former.placed


def _delete_table(context: Context, identifier: str, _: Json) -> None:
    database, name = table_names(identifier)
    context.call("glue", "delete_table", DatabaseName=database, Name=name)


def table_names(identifier: str) -> tuple[str, str]:
    """Return the database and the name of a table from its physical ID."""
    _, database, name = identifier.split("|")
    return database, name


@resource(
    "AWS::Glue::Table",
    "CatalogId DatabaseName TableInput",
    missing=_GONE,
    update=_update_table,
    delete=_delete_table,
)
def _table(context: Context, properties: Json) -> Placed:
    context.call("glue", "create_table", **given(properties, "DatabaseName", "TableInput"))
    catalog = properties.get("CatalogId", context.account)
    return Placed(f"{catalog}|{properties['DatabaseName']}|{properties['TableInput']['Name']}", {})


def _update_job(context: Context, former: Former, properties: Json) -> Placed:
    wanted = {key: value for key, value in properties.items() if key not in ("Name", "Tags")}
    context.call("glue", "update_job", JobName=former.name, JobUpdate=wanted)
    _tag(context, former, properties, "job")
    return former.placed


def _delete_job(context: Context, name: str, _: Json) -> None:
    context.call("glue", "delete_job", JobName=name)


@resource(
    "AWS::Glue::Job",
    "Name Description Role Command DefaultArguments NonOverridableArguments Connections MaxRetries Timeout "
    "GlueVersion WorkerType NumberOfWorkers ExecutionProperty ExecutionClass SecurityConfiguration "
    "NotificationProperty JobMode Tags",
    missing=_GONE,
    update=_update_job,
    delete=_delete_job,
)
def _job(context: Context, properties: Json) -> Placed:
    name = context.name(properties.get("Name"))
    _refuse_existing(context, "get_job", JobName=name)
    tags = context.tag_map(properties.get("Tags"))
    context.call("glue", "create_job", **{**properties, "Name": name, "Tags": tags})
    return Placed(name, {})


def _delete_security_configuration(context: Context, name: str, _: Json) -> None:
    context.call("glue", "delete_security_configuration", Name=name)


@resource(
    "AWS::Glue::SecurityConfiguration",
    "Name EncryptionConfiguration",
    missing=_GONE,
    delete=_delete_security_configuration,
)
def _security_configuration(context: Context, properties: Json) -> Placed:
    name = context.name(properties.get("Name"))
    settings = dict(properties["EncryptionConfiguration"])
    if "S3Encryptions" in settings:  # the API's name for the list
        settings["S3Encryption"] = settings.pop("S3Encryptions")
    context.call("glue", "create_security_configuration", Name=name, EncryptionConfiguration=settings)
    return Placed(name, {})


_REMOVABLE_RESULTS = ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration")


def _update_work_group(context: Context, former: Former, properties: Json) -> Placed:
    context.call(
        "athena",
        "update_work_group",
        WorkGroup=former.name,
        Description=properties.get("Description", ""),
        State=properties.get("State", "ENABLED"),
        ConfigurationUpdates=_work_group_updates(
            former.properties.get("WorkGroupConfiguration", {}), properties.get("WorkGroupConfiguration", {})
        ),
    )
    arn = f"arn:aws:athena:{context.region}:{context.account}:workgroup/{former.name}"
    wanted, unwanted = tag_changes(context, former, properties)
    if wanted:
        tags = [{"Key": key, "Value": value} for key, value in wanted.items()]
        context.call("athena", "tag_resource", ResourceARN=arn, Tags=tags)
    if unwanted:
        context.call("athena", "untag_resource", ResourceARN=arn, TagKeys=unwanted)
    return former.placed


def _work_group_updates(before: Json, after: Json) -> Json:
    """Return the ConfigurationUpdates of the change from one configuration to another."""
    updates = {key: value for key, value in after.items() if key != "ResultConfiguration"}
    if "BytesScannedCutoffPerQuery" in before and "BytesScannedCutoffPerQuery" not in after:
        updates["RemoveBytesScannedCutoffPerQuery"] = True
    old, results = before.get("ResultConfiguration", {}), dict(after.get("ResultConfiguration", {}))
    results |= {f"Remove{key}": True for key in _REMOVABLE_RESULTS if key in old and key not in results}
    return updates | ({"ResultConfigurationUpdates": results} if results else {})


def _delete_work_group(context: Context, name: str, properties: Json) -> None:
    recursive = str(properties.get("RecursiveDeleteOption", "false")).lower() == "true"
    context.call("athena", "delete_work_group", WorkGroup=name, RecursiveDeleteOption=recursive)


@resource(
    "AWS::Athena::WorkGroup",
    "Name Description State RecursiveDeleteOption WorkGroupConfiguration Tags",
    missing="InvalidRequestException",
    update=_update_work_group,
    delete=_delete_work_group,
)
def _work_group(context: Context, properties: Json) -> Placed:
    context.call(
        "athena",
        "create_work_group",
        Name=properties["Name"],
        Configuration=properties.get("WorkGroupConfiguration", {}),
        Tags=context.tag_list(properties.get("Tags")),
        **given(properties, "Description"),
    )
    return Placed(properties["Name"], {})
