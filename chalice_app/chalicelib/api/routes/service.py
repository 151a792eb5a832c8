"""Service: the caller's account, releases and health."""

from __future__ import annotations

from chalicelib.api import presenters, responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Operations
from chalicelib.api.routes.responding import present

operations = Operations("Service")


@operations.add("GET", "/me", returns={200: responses.Me})
def get_me(call: Call) -> responses.Me:
    """Get the caller's account.

    Returns the caller's name, environment, remaining budget and limits.
    """
    environments, config = call.service.environments, call.service.config
    live = environments.live(call.caller)
    budget, creations = presenters.account(environments.account(call.caller), config.allowance)
    return responses.Me(
        owner=call.caller.owner,
        is_admin=call.caller.is_admin,
        environment=present(call, live) if live else None,
        budget=budget,
        creations=creations,
        limits=presenters.limits(config.allowance, config.limits),
    )


@operations.add("GET", "/releases", returns={200: responses.Releases})
def list_releases(call: Call) -> responses.Releases:
    """List the published releases.

    Returns all releases, newest first.
    """
    releases = call.service.releases
    latest = releases.latest().id
    items = [presenters.release(item, is_latest=item.id == latest) for item in releases.all()]
    return responses.Releases(items=items)


@operations.add("GET", "/health", returns={200: responses.Health}, public=True)
def get_health(call: Call) -> responses.Health:
    """Check the service's health.

    Returns the latest release, which new environments get. Requires no token.
    """
    return responses.Health(status="ok", release=call.service.releases.latest().id)
