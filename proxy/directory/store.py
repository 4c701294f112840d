"""The directory in memory: domains, subscribers and rules, looked up in O(1).

Only the loop's thread reads and writes it. A changed row replaces its object; a request that is
already being routed keeps what it began with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proxy.sip.uri import Aor

from . import packed
from .federation_rules import FederationRules
from .model import Domain, Subscriber, Translation
from .routes import Routes
from .row_index import RowIndex
from .rules import Rules

_NO_RULES = Rules(())


class Directory:
    """Everything of all tenants that calls need."""

    __slots__ = (
        "_by_id",
        "_domains",
        "_rule_domain",
        "_rules",
        "_subscriber_aors",
        "_subscribers",
        "federation_rules",
        "routes",
    )

    def __init__(self) -> None:
        self.routes = Routes()
        self._domains: dict[bytes, Domain] = {}
        self._by_id: dict[int, Domain] = {}
        self._subscribers: dict[Aor, bytes] = {}
        self._subscriber_aors = RowIndex()
        self._rule_domain: dict[int, int] = {}
        self._rules: dict[int, Rules] = {}
        self.federation_rules = FederationRules()

    def domain(self, name: bytes) -> Domain | None:
        """A hosted domain by its canonical name, enabled or not; None for a foreign one."""
        return self._domains.get(name)

    def domain_by_id(self, domain_id: int) -> Domain | None:
        return self._by_id.get(domain_id)

    def subscriber(self, aor: Aor) -> Subscriber | None:
        """A user by canonical address, enabled or not."""
        found = self._subscribers.get(aor)
        return None if found is None else packed.unpack(aor, found)

    def subscriber_or_nobody(self, aor: Aor) -> Subscriber:
        """The same, and for an address that is nobody's a user who is not enabled: one costs as
        much time as the other."""
        found = self._subscribers.get(aor)
        return packed.nobody(aor) if found is None else packed.unpack(aor, found)

    def aor_of(self, subscriber_id: int | None) -> Aor | None:
        """The address of a user by his number; the object itself that he is kept under."""
        return None if subscriber_id is None else self._subscriber_aors.get(subscriber_id)

    def rules(self, domain: Domain) -> Rules:
        """The translations of calls from that domain."""
        return self._rules.get(domain.domain_id, _NO_RULES)

    def rules_of(self, domain_id: int) -> Rules:
        """The same by the domain's number."""
        return self._rules.get(domain_id, _NO_RULES)

    @property
    def all_rules(self) -> list[Rules]:
        return list(self._rules.values())

    @property
    def counts(self) -> tuple[int, int, int]:
        """Domains, subscribers, translations."""
        return (
            len(self._domains),
            len(self._subscribers),
            len(self._rule_domain),
        )

    def become(self, other: Directory) -> None:
        """Take over all that another directory holds."""
        self._domains, self._by_id = other._domains, other._by_id
        self._subscribers, self._subscriber_aors = other._subscribers, other._subscriber_aors
        self._rules, self._rule_domain = other._rules, other._rule_domain
        self.federation_rules = other.federation_rules
        self.routes = other.routes

    # -- changes; ids that are named without a row were deleted

    def put_domains(self, rows: Iterable[Domain], gone: Iterable[int] = ()) -> None:
        for domain_id in gone:
            self._forget_domain(domain_id)
        for domain in rows:
            self._forget_domain(domain.domain_id)
            self._domains[domain.name] = domain
            self._by_id[domain.domain_id] = domain

    def _forget_domain(self, domain_id: int) -> None:
        old = self._by_id.pop(domain_id, None)
        if old is not None and self._domains.get(old.name) is old:
            del self._domains[old.name]

    def put_subscribers(self, rows: Iterable[Subscriber], gone: Iterable[int] = ()) -> None:
        for subscriber_id in gone:
            self._forget_subscriber(subscriber_id)
        for subscriber in rows:
            old = self._subscriber_aors.get(subscriber.subscriber_id)
            if old is not None and old != subscriber.aor:
                self._forget_subscriber(subscriber.subscriber_id)
            self._subscribers[subscriber.aor] = packed.pack(subscriber)
            self._subscriber_aors.set(subscriber.subscriber_id, subscriber.aor)

    def _forget_subscriber(self, subscriber_id: int) -> None:
        aor = self._subscriber_aors.pop(subscriber_id)
        if aor is None:
            return
        found = self._subscribers.get(aor)
        # The address may have gone to another row in the meantime.
        if found is not None and packed.subscriber_id_of(found) == subscriber_id:
            del self._subscribers[aor]

    def put_translations(self, rows: Iterable[Translation], gone: Iterable[int] = ()) -> set[int]:
        """Change rules, which is then in force; gives the domains that have some to compile."""
        changed: set[int] = set()
        for rule_id in gone:
            self._forget_rule(rule_id)
        for row in rows:
            domain_id = row.domain_id
            if self._rule_domain.get(row.translation_id, domain_id) != domain_id:
                self._forget_rule(row.translation_id)
            self._rules.setdefault(domain_id, Rules()).put(row)
            self._rule_domain[row.translation_id] = domain_id
            changed.add(domain_id)
        return changed

    def _forget_rule(self, rule_id: int) -> None:
        domain_id = self._rule_domain.pop(rule_id, None)
        if domain_id is None:
            return
        rules = self._rules[domain_id]
        rules.drop(rule_id)
        if not rules.rows:
            del self._rules[domain_id]

    def translations_after(
        self, rows: Iterable[Translation], gone: Iterable[int]
    ) -> dict[int, dict[int, Translation]]:
        """What the rules of each domain that changes are going to be, by number."""
        after: dict[int, dict[int, Translation]] = {}

        def of(domain_id: int) -> dict[int, Translation]:
            if domain_id not in after:
                now = self._rules.get(domain_id)
                after[domain_id] = {} if now is None else dict(now.rows)
            return after[domain_id]

        for rule_id in gone:
            if (domain_id := self._rule_domain.get(rule_id)) is not None:
                of(domain_id).pop(rule_id, None)
        for row in rows:
            domain_id = self._rule_domain.get(row.translation_id, row.domain_id)
            if domain_id != row.domain_id:
                of(domain_id).pop(row.translation_id, None)
            of(row.domain_id)[row.translation_id] = row
        return after

    def replace_rules(self, fresh: Mapping[int, Rules]) -> None:
        """Put the rules of whole domains in force at once; `note_rules` has to follow."""
        for domain_id, rules in fresh.items():
            if rules.rows:
                self._rules[domain_id] = rules
            else:
                self._rules.pop(domain_id, None)

    def note_rules(self, rows: Iterable[Translation], gone: Iterable[int]) -> None:
        """Remember whose rules these are, and forget those that are gone."""
        for rule_id in gone:
            self._rule_domain.pop(rule_id, None)
        for row in rows:
            self._rule_domain[row.translation_id] = row.domain_id
