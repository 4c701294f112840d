"""Domains and rules as the proxy has them, for what decides in both (proxy/directory)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.directory import model

if TYPE_CHECKING:
    from .models import Domain, Translation


def rule_row(rule: Translation, domain: Domain) -> model.Translation:
    """A rule as the proxy has it."""
    return model.Translation(
        translation_id=rule.pk or 0,
        domain_id=domain.pk,
        from_domain=domain.name.encode(),
        valid_from=None if rule.valid_from is None else rule.valid_from.timestamp(),
        valid_until=None if rule.valid_until is None else rule.valid_until.timestamp(),
        **{name: getattr(rule, name).encode() for name in _AS_BYTES},
        **{name: getattr(rule, name) for name in _AS_THEY_ARE},
    )


_AS_BYTES = (
    *("from_username", "match_user_agent", "request_domain", "tran_user", "tran_prefix"),
    *("tran_domain", "tran_add_header", "tran_remove_header", "tran_from_user", "tran_trunk"),
)
_AS_THEY_ARE = (
    *("match_regex", "hours", "priority", "weight", "enabled", "tran_strip", "tran_port"),
    *("tran_strip_port", "tran_from_display"),
)


def domain_row(domain: Domain) -> model.Domain:
    """As much of a domain as numbers and rules need, as the proxy has it."""
    return model.Domain(
        domain.pk,
        domain.tenant_id,
        b"",
        domain.name.encode(),
        e164=domain.e164,
        e164_country=domain.e164_country.encode(),
        time_zone=domain.time_zone,
    )
