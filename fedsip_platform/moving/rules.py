"""Rows of `translations`: rules, the seed's own and ours with all their fields."""

from __future__ import annotations

from hashlib import blake2b

from django.core.exceptions import ValidationError

from fedsip_platform.changes import ServiceError, service_error
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Translation

from . import columns, writing
from .batch import Batch
from .columns import RULE_FIELDS, FindDomain
from .sources import Row

_MADE = ("public_id", "domain")


class Maker:
    """Makes rules; one that is there already, with all its fields, is not made again."""

    def __init__(self, find: FindDomain) -> None:
        self._find = find
        self._known: dict[int, set[bytes]] = {}
        """Digests of each domain's rules: to ask for each row would cost a query through all."""

    def make(self, batch: Batch) -> None:
        """Make the rules of a batch."""
        new = []
        digests: dict[int, set[bytes]] = {}
        for number, row in batch.rows:
            try:
                rule = self._rule(row)
            except ServiceError as error:
                batch.refuse(number, error)
                continue
            digest, made = _digest(rule), digests.setdefault(rule.domain_id, set())
            if digest in made or digest in self._known_of(rule.domain):
                batch.count(is_new=False)
            else:
                made.add(digest)
                new.append((number, rule))
        writing.write(batch, new, services.refuse_more_rules)
        if not batch.report.problems:
            numbers = {rule.pk: number for number, rule in new}
            crowded = services.crowded([rule for _, rule in new])
            for rule in {(one.domain_id, one.kept_under): one for one in crowded}.values():
                batch.refuse(numbers[rule.pk], services.crowd_error(rule))
        if not batch.report.problems:  # else it is undone
            for domain_id, made in digests.items():
                self._known[domain_id] |= made

    def _rule(self, row: Row) -> Translation:
        """The rule of a row, checked; raises ServiceError."""
        domain = self._find(row.get("from_domain") or "", "from_domain")
        rule = Translation(domain=domain, **columns.fields_of(Translation, RULE_FIELDS, row))
        try:
            rule.full_clean(exclude=_MADE, validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            raise service_error(error) from error
        return rule

    def _known_of(self, domain: Domain) -> set[bytes]:
        if domain.pk not in self._known:
            rules = domain.translations.iterator(chunk_size=1000)
            self._known[domain.pk] = {_digest(rule) for rule in rules}
        return self._known[domain.pk]


def _digest(rule: Translation) -> bytes:
    values = repr([getattr(rule, name) for name in RULE_FIELDS])
    return blake2b(values.encode("utf-8", "surrogatepass"), digest_size=16).digest()
