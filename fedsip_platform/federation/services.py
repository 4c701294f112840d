"""Everything that changes federation rules; the proxy obeys within a second."""

from __future__ import annotations

from typing import Any

from fedsip_platform import changes
from fedsip_platform.directory.models import Domain

from .models import FederationRule


def create_rule(domain: Domain, pattern: str, **fields: Any) -> FederationRule:
    """Say something of another domain."""
    return changes.save(FederationRule(domain=domain, pattern=pattern, **fields))


def update_rule(rule: FederationRule, **fields: Any) -> FederationRule:
    """Change a rule."""
    return changes.change(rule, fields)


def delete_rule(rule: FederationRule) -> None:
    """Say nothing of the other domain any more."""
    changes.delete(rule)
