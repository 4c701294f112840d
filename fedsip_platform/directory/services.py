"""Everything that changes tenants, domains, subscribers and translations (many: imports.py).

REST, Django's admin and the CLI all come through here, and all of it goes through changes.py, which
checks, writes and logs. The proxy learns of each change by the triggers of sql/triggers.sql, at
commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform.audit import actor
from fedsip_platform.changes import Conflict, ServiceError, change, delete, save
from fedsip_platform.directory import passwords
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.tenants.models import Tenant
from proxy.directory.rules import MOST_LOOKED_AT

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128


# -- tenants


def create_tenant(name: str, slug: str, **fields: Any) -> Tenant:
    """Make a tenant."""
    return save(Tenant(name=name, slug=slug, **fields))


def update_tenant(tenant: Tenant, **fields: Any) -> Tenant:
    """Change a tenant; `enabled=False` stops all its domains at once."""
    return change(tenant, fields)


@transaction.atomic
def delete_tenant(tenant: Tenant) -> None:
    """Delete a tenant with its domains, users, rules and call records."""
    for domain in tenant.domains.all():
        delete_domain(domain)
    delete(tenant)


# -- domains


@transaction.atomic
def create_domain(tenant: Tenant, name: str, **policy: Any) -> Domain:
    """Make a domain; the name may be typed in any case and script.

    It is served at once on the word of an operator, a command or a task. That of others needs a
    proof (federation/ownership.py).
    """
    if tenant.max_domains is not None:
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        if tenant.domains.count() >= tenant.max_domains:
            raise Conflict(
                "tenant",
                _("%(tenant)s may have %(max_domains)s domains, not more.")
                % {"tenant": tenant, "max_domains": tenant.max_domains},
            )
    policy.setdefault("vouched", _may_vouch())
    return save(Domain(tenant=tenant, name=name, **policy))


@transaction.atomic
def update_domain(domain: Domain, **fields: Any) -> Domain:
    """Change policies, or the name as long as the domain has no users: a new name, a new proof."""
    if fields.get("name", domain.name) == domain.name:
        return change(domain, fields)
    fields.setdefault("vouched", _may_vouch())
    renamed = change(domain, fields)
    renamed.ownership_proved_at = None
    Domain.objects.filter(pk=renamed.pk).update(ownership_proved_at=None)
    return renamed


def _may_vouch() -> bool:
    person = actor.current().person
    return person is None or person.is_operator or not settings.WEB.domain_proof


@transaction.atomic
def delete_domain(domain: Domain) -> None:
    """Delete a domain with its users and rules; phones are signed out."""
    delete(domain)


# -- subscribers


@transaction.atomic
def create_subscriber(domain: Domain, username: str, password: str, **fields: Any) -> Subscriber:
    """Make a SIP user. The username is kept in lower case: phones must be set up so."""
    username = username.strip().lower()
    refuse_above_limits(domain)
    for kind in names_in_use([domain.name], [username]).values():
        raise Conflict(
            "username",
            _("%(username)s@%(domain)s is %(kind)s already.")
            % {"username": username, "domain": domain.name, "kind": kind},
        )
    subscriber = Subscriber(domain=domain, username=username, **fields)
    subscriber.aor = f"{username}@{domain.name}"
    set_hashes(subscriber, password)
    return save(subscriber)


@transaction.atomic
def update_subscriber(
    subscriber: Subscriber, *, new_password: str | None = None, **fields: Any
) -> Subscriber:
    """Change a user's limits and texts, enabled, and the password; username and domain stay."""
    before = {"username": subscriber.username, "domain": subscriber.domain}
    for name, value in before.items():
        if fields.pop(name, value) != value:
            raise ServiceError(
                name, _("This cannot change: the password's hash contains it. Make a new user.")
            )
    if new_password is not None:
        set_password(subscriber, new_password)
    return change(subscriber, fields) if fields else subscriber


def set_password(subscriber: Subscriber, password: str) -> Subscriber:
    """Give a user a new password; phones with the old one fail at their next registration."""
    set_hashes(subscriber, password)
    return save(subscriber, ["ha1_md5", "ha1_sha256", "password_changed_at", "updated_at"])


def disable_subscriber(subscriber: Subscriber) -> Subscriber:
    """Sign the user's phones out and let them not in again."""
    return change(subscriber, {"enabled": False})


def enable_subscriber(subscriber: Subscriber) -> Subscriber:
    """Let a disabled user in again."""
    return change(subscriber, {"enabled": True})


def delete_subscriber(subscriber: Subscriber) -> None:
    """Delete a user; its phones are signed out."""
    delete(subscriber)


def names_in_use(domains: Collection[str], usernames: Collection[str]) -> dict[str, str]:
    """Of these names in these domains those that are aliases or ring groups, by address: no user of
    that name could ever be called."""
    found: dict[str, str] = {}
    for relation, kind in (("aliases", _("an alias")), ("ring_groups", _("a ring group"))):
        wanted = {"name__in": domains, f"{relation}__name__in": usernames}
        for user, domain in Domain.objects.filter(**wanted).values_list(
            f"{relation}__name", "name"
        ):
            found[f"{user}@{domain}"] = kind
    return found


def ha1(username: str, realm: str, password: str) -> tuple[str, str]:
    """H(A1) of RFC 7616 s3.4.2 for MD5 and SHA-256, as hex."""
    a1 = f"{username}:{realm}:{password}".encode()
    md5 = hashlib.md5(a1, usedforsecurity=False).hexdigest()  # the digest scheme's own choice
    return md5, hashlib.sha256(a1).hexdigest()


# -- translations


@transaction.atomic
def create_translation(domain: Domain, **fields: Any) -> Translation:
    """Make a rule; the proxy obeys it within a second."""
    refuse_more_rules(domain)
    made = save(Translation(domain=domain, **fields))
    for rule in crowded([made]):
        raise crowd_error(rule)
    return made


def crowded(rules: Collection[Translation]) -> list[Translation]:
    """Those, already written, that are too many of a kind that calls must look at one by one."""
    kept = Translation.objects.filter(
        domain__in={rule.domain_id for rule in rules},
        kept_under__in={rule.kept_under for rule in rules},
    )
    counted = kept.values_list("domain_id", "kept_under").annotate(count=Count("id"))
    counts = {(domain, place): count for domain, place, count in counted.order_by()}
    return [rule for rule in rules if counts[rule.domain_id, rule.kept_under] > rule.most_together]


def crowd_error(rule: Translation) -> ServiceError:
    """Why one more rule of a crowded kind is refused."""
    most = rule.most_together
    if most == MOST_LOOKED_AT:
        said = _(
            "%(domain)s has %(most)s rules for the same numbers, callers and called domain."
        ) % {"domain": rule.domain, "most": most}
    else:
        said = _(
            "%(domain)s has %(most)s rules whose expressions have no beginning or end of "
            "their own, so that each call must be searched for all of them."
        ) % {"domain": rule.domain, "most": most}
    return ServiceError("match_regex", said)


def refuse_more_rules(domain: Domain, *, adding: int = 1) -> None:
    """Raise Conflict when so many more rules are too many for the tenant."""
    most = domain.tenant.max_rules
    if most is None:
        return
    # Two requests at once must not both take the last place.
    Tenant.objects.select_for_update(no_key=True).get(pk=domain.tenant_id)
    if Translation.objects.filter(domain__tenant=domain.tenant).count() + adding > most:
        raise Conflict(
            "domain",
            _("%(tenant)s may have %(most)s rules, not more.")
            % {"tenant": domain.tenant, "most": most},
        )


def update_translation(translation: Translation, **fields: Any) -> Translation:
    """Change a rule."""
    before = translation.kept_under
    try:
        with transaction.atomic():
            change(translation, fields)
            for rule in crowded([translation] if translation.kept_under != before else []):
                raise crowd_error(rule)
    except ServiceError:
        translation.refresh_from_db()
        raise
    return translation


def delete_translation(translation: Translation) -> None:
    """Delete a rule."""
    delete(translation)


# -- passwords and limits


def set_hashes(subscriber: Subscriber, password: str) -> None:
    """Put the hashes of a password into the user, unsaved; ServiceError for one that is none. The
    password that the user has already changes nothing."""
    username, realm = subscriber.username, subscriber.domain.name
    reason = password_problem(username, realm, password)
    if reason:
        raise ServiceError("password", reason)
    hashes = ha1(username, realm, password)
    if hashes != (subscriber.ha1_md5, subscriber.ha1_sha256):
        subscriber.ha1_md5, subscriber.ha1_sha256 = hashes
        subscriber.password_changed_at = timezone.now()


def password_problem(username: str, realm: str, password: str) -> str | None:
    """Why this cannot be the password of that user, or None."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return _("Use %(shortest_password)s to %(longest_password)s characters.") % {
            "shortest_password": SHORTEST_PASSWORD,
            "longest_password": LONGEST_PASSWORD,
        }
    if passwords.has_controls(password):
        return _("Control characters cannot be typed into a phone.")
    if password.lower() in (username.lower(), f"{username}@{realm}".lower()):
        return _("This is the first password that anybody would guess.")
    return None


def refuse_above_limits(domain: Domain, *, adding: int = 1) -> None:
    """Raise Conflict when so many more users are too many for the domain or its tenant."""
    tenant = domain.tenant
    if domain.max_subscribers is None and tenant.max_subscribers is None:
        return
    # Two requests at once must not both take the last place.
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    for owner, users, most in (
        (domain, domain.subscribers, domain.max_subscribers),
        (tenant, Subscriber.objects.filter(domain__tenant=tenant), tenant.max_subscribers),
    ):
        if most is not None and users.count() + adding > most:
            raise Conflict(
                "domain",
                _("%(owner)s may have %(most)s users, not more.") % {"owner": owner, "most": most},
            )
