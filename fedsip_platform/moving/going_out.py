"""A domain's tables as rows that `import` reads: itself, its users, its rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fedsip_platform.directory.models import Domain

from . import columns

HASHES = ("ha1", "ha1_sha256")
_ROWS_AT_ONCE = 1000
Row = Mapping[str, Any]


def names(table: str, *, with_hashes: bool = False) -> list[str]:
    """The columns of a table."""
    hashes = HASHES if with_hashes else ()
    first, fields = {
        "domain": (("domain",), columns.DOMAIN_FIELDS),
        "subscriber": (("username", "domain", *hashes), columns.USER_FIELDS),
        "translations": (("from_domain",), columns.RULE_FIELDS),
    }[table]
    return [*first, *columns.outside(fields)]


def rows(table: str, domain: Domain, *, with_hashes: bool = False) -> Iterator[Row]:
    """The rows of a table; users have the hashes of their passwords where those are asked for."""
    made: dict[str, Callable[[], Iterator[Row]]] = {
        "domain": lambda: _itself(domain),
        "subscriber": lambda: _users(domain, with_hashes),
        "translations": lambda: _rules(domain),
    }
    return made[table]()


def _itself(domain: Domain) -> Iterator[Row]:
    yield {"domain": domain.name, **columns.texts_of(domain, columns.DOMAIN_FIELDS)}


def _users(domain: Domain, with_hashes: bool) -> Iterator[Row]:
    for user in domain.subscribers.iterator(chunk_size=_ROWS_AT_ONCE):
        hashes = {"ha1": user.ha1_md5, "ha1_sha256": user.ha1_sha256} if with_hashes else {}
        texts = columns.texts_of(user, columns.USER_FIELDS)
        yield {"username": user.username, "domain": domain.name, **hashes, **texts}


def _rules(domain: Domain) -> Iterator[Row]:
    for rule in domain.translations.iterator(chunk_size=_ROWS_AT_ONCE):
        yield {"from_domain": domain.name, **columns.texts_of(rule, columns.RULE_FIELDS)}
