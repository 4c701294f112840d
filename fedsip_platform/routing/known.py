"""A directory as proxies have it: the rows of the views that they read, asked for one by one."""

from __future__ import annotations

from typing import Any

from django.db import connection

from proxy.directory import load, load_routes, model
from proxy.directory.federation_rules import FederationRules, patterns_of
from proxy.directory.load import Source
from proxy.directory.rules import Rules
from proxy.sip.uri import Aor


class Published:
    """What proxy/directory/leading.py asks of a directory and of its routes."""

    @property
    def routes(self) -> Published:
        return self

    def domain(self, name: bytes) -> model.Domain | None:
        return _first(load.DOMAINS, "name = %s", name)

    def subscriber(self, aor: Aor) -> model.Subscriber | None:
        return _first(load.SUBSCRIBERS, "aor = %s", aor)

    def alias(self, aor: Aor) -> model.Alias | None:
        return _first(load_routes.SOURCES["alias"], "aor = %s", aor)

    def group(self, aor: Aor) -> model.RingGroup | None:
        return _first(load_routes.SOURCES["ring_group"], "aor = %s", aor)

    def forwards_of(self, aor: Aor) -> dict[str, model.Forward]:
        found = _rows(load_routes.SOURCES["forward"], "aor = %s", aor)
        return {forward.condition: forward for forward in found}

    def trunk(self, domain_id: int, name: bytes) -> model.Trunk | None:
        return _first(load_routes.SOURCES["trunk"], "domain_id = %s AND name = %s", domain_id, name)

    def gateways_of(self, trunk: model.Trunk) -> tuple[model.Gateway, ...]:
        found = _rows(load_routes.SOURCES["gateway"], "trunk_id = %s", trunk.trunk_id)
        return tuple(sorted(found, key=lambda gateway: gateway.gateway_id))

    def policy(self, aor: Aor, domain_id: int) -> model.OutboundPolicy | None:
        """The user's own policy, else the one of his domain."""
        source = load_routes.SOURCES["outbound_policy"]
        own = _first(source, "aor = %s", aor)
        return own or _first(source, "domain_id = %s AND coalesce(aor, '') = ''", domain_id)

    def rules(self, domain: model.Domain) -> Rules:
        return Rules(_rows(load.TRANSLATIONS, "domain_id = %s", domain.domain_id))

    def federation_rules(self, domain: model.Domain, peer: bytes) -> FederationRules:
        """As many as matter for one other domain."""
        patterns = [pattern.decode() for pattern in patterns_of(peer)]
        found = FederationRules()
        where = "domain_id = %s AND pattern = ANY(%s)"
        found.put(_rows(load.FEDERATION_RULES, where, domain.domain_id, patterns))
        return found


def _rows(source: Source, where: str, *values: Any) -> list[Any]:
    given = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value
             for value in values]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"{source.query} WHERE {where}", given)
        return [source.make(row) for row in cursor.fetchall()]


def _first(source: Source, where: str, *values: Any) -> Any:
    return next(iter(_rows(source, where, *values)), None)
