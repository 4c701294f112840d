"""The call of the API that gives what a page shows, or does what its form does.

`{slug}` and `{key}` are those of the page's own address. A token of the tenant makes further
filters unnecessary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# The pages of things that belong to something, by kind: the resource.
_OWNED = {
    "alias": "aliases",
    "group": "ring-groups",
    "trunk": "trunks",
    "gateway": "gateways",
    "peer": "federation-rules",
    "policy": "outbound-policies",
    "forward": "forwards",
    "user": "users",
    "domain": "domains",
    "rule": "translations",
    "webhook": "webhooks",
}


@dataclass(frozen=True, slots=True)
class Call:
    """Method and path below /api/v1/."""

    method: str
    path: str

    @property
    def part(self) -> str:
        """What it is about, as the API's reference calls it."""
        return self.path.partition("?")[0].partition("/")[0]


def _of_things() -> Iterator[tuple[str, Call]]:
    for kind, resource in _OWNED.items():
        yield kind, Call("GET", f"{resource}/{{key}}")
        yield f"{kind}-new", Call("POST", resource)
        yield f"{kind}-delete", Call("DELETE", f"{resource}/{{key}}")


CALLS: Mapping[str, Call] = {
    **dict(_of_things()),
    "overview": Call("GET", "tenants/{slug}/usage"),
    "search": Call("GET", "users"),
    "calls": Call("GET", "calls"),
    "call": Call("GET", "calls/{key}"),
    "users": Call("GET", "users"),
    "user-import": Call("POST", "users/import"),
    "domains": Call("GET", "domains"),
    "certificates": Call("GET", "certificates"),
    "routing": Call("GET", "translations"),
    "rule-history": Call("GET", "audit?kind=translation"),
    "aliases": Call("GET", "aliases"),
    "groups": Call("GET", "ring-groups"),
    "trunks": Call("GET", "trunks"),
    "peers": Call("GET", "federation-rules"),
    "dialling": Call("GET", "outbound-policies"),
    "softphone": Call("GET", "me/phone"),
    "security": Call("GET", "failed-sign-ins"),
    "developers": Call("GET", "tokens"),
    "webhooks": Call("GET", "webhooks"),
    "api-reference": Call("GET", "schema"),
    "settings": Call("GET", "people"),
    "person-remove": Call("DELETE", "people/{key}"),
    "limits": Call("GET", "tenants/{slug}/usage"),
    "jobs": Call("GET", "jobs"),
    "job": Call("GET", "jobs/{key}"),
    "audit": Call("GET", "audit"),
    "platform": Call("GET", "tenants"),
    "platform-certificates": Call("GET", "certificates"),
    "tenant-new": Call("POST", "tenants"),
    "tenant": Call("GET", "tenants/{slug}"),
    "platform-audit": Call("GET", "audit"),
    "platform-jobs": Call("GET", "jobs"),
    "platform-job": Call("GET", "jobs/{key}"),
    "blocks": Call("GET", "blocks"),
    "mine": Call("GET", "me/users"),
    "my-user": Call("GET", "me/users/{key}"),
    "mfa_index": Call("GET", "me"),
    "usersessions_list": Call("GET", "me/sessions"),
}


def of_page(match: Any) -> Call | None:
    """The call of the page that a request was resolved to."""
    call = CALLS.get(match.url_name) if match else None
    return None if call is None else Call(call.method, call.path.format(**match.kwargs))
