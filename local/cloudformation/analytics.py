"""Glue and Athena resources: their properties are the arguments of the services' own create calls."""

from __future__ import annotations

from local.cloudformation.resources import CallFailed, Context, Json, given, resource
from local.cloudformation.template import Placed

_GONE = "EntityNotFoundException"


def _refuse_existing(context: Context, get: str, **named: str) -> None:
    """Glue refuses a second job or trigger of a name; moto takes it in the place of the first."""
    try:
        context.call("glue", get, **named)
    except CallFailed as error:
        if error.code != _GONE:
            raise
    else:
        [name] = named.values()
        raise CallFailed("glue", "AlreadyExistsException", f"{name} already exists", 400, "null")


def _delete_database(context: Context, name: str, _: Json) -> None:
    context.call("glue", "delete_database", Name=name)


@resource("AWS::Glue::Database", "CatalogId DatabaseInput", missing=_GONE, delete=_delete_database)
def _database(context: Context, properties: Json) -> Placed:
    name = context.name(properties["DatabaseInput"].get("Name"))
    context.call("glue", "create_database", DatabaseInput={**properties["DatabaseInput"], "Name": name})
    return Placed(name, {})


def _delete_table(context: Context, name: str, properties: Json) -> None:
    context.call("glue", "delete_table", DatabaseName=properties["DatabaseName"], Name=name)


@resource("AWS::Glue::Table", "CatalogId DatabaseName TableInput", missing=_GONE, delete=_delete_table)
def _table(context: Context, properties: Json) -> Placed:
    context.call("glue", "create_table", **given(properties, "DatabaseName", "TableInput"))
    return Placed(properties["TableInput"]["Name"], {})


def _delete_job(context: Context, name: str, _: Json) -> None:
    context.call("glue", "delete_job", JobName=name)


@resource(
    "AWS::Glue::Job",
    "Name Description Role Command DefaultArguments NonOverridableArguments Connections MaxRetries Timeout "
    "GlueVersion WorkerType NumberOfWorkers ExecutionProperty ExecutionClass SecurityConfiguration "
    "NotificationProperty JobMode Tags",
    missing=_GONE,
    delete=_delete_job,
)
def _job(context: Context, properties: Json) -> Placed:
    name = context.name(properties.get("Name"))
    _refuse_existing(context, "get_job", JobName=name)
    tags = context.tag_map(properties.get("Tags"))
    context.call("glue", "create_job", **{**properties, "Name": name, "Tags": tags})
    return Placed(name, {})


def _delete_trigger(context: Context, name: str, _: Json) -> None:
    context.call("glue", "delete_trigger", Name=name)


@resource(
    "AWS::Glue::Trigger",
    "Name Description Type Schedule StartOnCreation Actions Predicate WorkflowName Tags",
    missing=_GONE,
    delete=_delete_trigger,
)
def _trigger(context: Context, properties: Json) -> Placed:
    name = context.name(properties.get("Name"))
    _refuse_existing(context, "get_trigger", Name=name)
    tags = context.tag_map(properties.get("Tags"))
    context.call("glue", "create_trigger", **{**properties, "Name": name, "Tags": tags})
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
    if "S3Encryptions" in settings:  # the API's name for the same list
        settings["S3Encryption"] = settings.pop("S3Encryptions")
    context.call("glue", "create_security_configuration", Name=name, EncryptionConfiguration=settings)
    return Placed(name, {})


def _delete_work_group(context: Context, name: str, properties: Json) -> None:
    recursive = str(properties.get("RecursiveDeleteOption", "false")).lower() == "true"
    context.call("athena", "delete_work_group", WorkGroup=name, RecursiveDeleteOption=recursive)


@resource(
    "AWS::Athena::WorkGroup",
    "Name Description State RecursiveDeleteOption WorkGroupConfiguration Tags",
    missing="InvalidRequestException",
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
