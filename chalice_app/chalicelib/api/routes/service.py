"""Service: the caller's account, releases and health."""

from __future__ import annotations

from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.account import me_body
from chalicelib.api.presenters.releases import data_set_body, release_body
from chalicelib.api.routes.responding import present

operations = Operations("Service")


@operations.add("GET", "/me", returns={200: responses.Me})
def get_me(call: Call) -> responses.Me:
    """Get the caller's account.

    Returns the caller's name, environment, remaining budget and limits.
    """
    service = call.service
    live, account = service.environments.mine(call.caller)
    return me_body(call.caller, account, present(call, live) if live else None, service.config)


@operations.add("GET", "/releases", returns={200: responses.Releases})
def list_releases(call: Call) -> responses.Releases:
    """List the published releases.

    Returns all releases, newest first.
    """
    releases = call.service.releases
    latest = releases.latest().id
    items = [release_body(item, is_latest=item.id == latest) for item in releases.all()]
    return responses.Releases(items=items)


@operations.add("GET", "/data-sets", returns={200: responses.DataSets})
def list_data_sets(call: Call) -> responses.DataSets:
    """List the data sets.

    Returns what `data` of a new environment can be: the default, whose name is null, and then the data sets
    by name. Each has the newest release.
    """
    default = call.service.releases.default()
    items = [*([(None, default)] if default else []), *call.service.releases.data_sets()]
    return responses.DataSets(items=[data_set_body(name, release) for name, release in items])


@operations.add("GET", "/health", returns={200: responses.Health}, public=True)
def get_health(call: Call) -> responses.Health:
    """Check the service's health.

    Returns the latest release, which new environments get. Requires no token.
    """
    return responses.Health(status="ok", release=call.service.releases.latest().id)
