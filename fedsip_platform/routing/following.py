"""Where a call leads, a sentence for each step: ENUM, what may leave, carriers, our users.

Nothing is decided here: where an address leads is proxy/directory/leading.py's to say, what may
leave federation_rules.py's, what a rule makes translate.py's, each given the proxies' own rows.
What registers or answers meanwhile, and which of equals is drawn, only a call finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import locating
from fedsip_platform.location.models import Binding
from proxy.directory import leading, model
from proxy.directory.federation_rules import Verdict, Why, refusal_to_leave, verdict_on
from proxy.directory.leading import Payer
from proxy.directory.translate import TranslationError, apply, facts_of
from proxy.locate.hop import SECURE
from proxy.settings import ProxySettings
from proxy.sip.uri import Aor, SipUri

from .known import Published
from .models import ForwardWhen, GatewayHealth

if TYPE_CHECKING:
    from .trying import Trial

_NOBODY_THERE: Final = (404, 480, 503)
"""After these, what comes next is tried: the next address, or rule."""


One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class _Journey:
    """One call on its way."""

    trial: Trial
    known: Published
    tenant_id: int
    """Of the caller: who is there in other tenants' domains is not for him to know."""
    user_agent: bytes
    at: datetime

    def say(self, sentence: str) -> None:
        self.trial.way.append(sentence)

    def refuse(self, status: int, sentence: str) -> None:
        self.trial.status = status
        self.say(sentence)


def follow(trial: Trial, domain: Domain, caller: str, *, user_agent: str, at: datetime) -> None:
    """Tell where a call of a domain's user leads, by its rules in the order of trying."""
    known = Published()
    own = known.domain(domain.name.encode())
    if own is None:
        trial.way.append(_("%(domain)s is not served.") % {"domain": domain})
        return
    payer = Payer(own, Aor(f"{caller}@{domain.name}".encode()))
    journey = _Journey(trial, known, domain.tenant_id, user_agent.encode(), at)
    matching = [verdict.rule for verdict in trial.matching]
    _by_rules(journey, payer, trial.normalised, matching)


def _by_rules(journey: _Journey, payer: Payer, uri: SipUri, rules: list[model.Translation]) -> None:
    """By the first of some rules, the next when nobody can be reached there; as it is without."""
    if not rules:
        _to_number(journey, payer, uri, b"")
        return

    def by(rule: model.Translation) -> None:
        try:
            made = apply(rule, uri).uri
        except TranslationError as error:
            _say_refused(journey, 500, str(error))
        else:
            _to_number(journey, payer, made, rule.tran_trunk)

    _one_after_the_other(journey, rules, by, _("Then the next rule is tried."))


def _one_after_the_other(
    journey: _Journey, some: list[One], go: Callable[[One], None], then: str
) -> None:
    """Until one leads somewhere, or is refused for another reason than that nobody is there; of
    refusals the best is told (RFC 3261 s16.7 step 6)."""
    refused: list[int] = []
    for number, one in enumerate(some):
        if number:
            journey.say(then)
        journey.trial.status = 0
        go(one)
        if not journey.trial.status:
            return
        refused.append(journey.trial.status)
        if journey.trial.status not in _NOBODY_THERE:
            break
    journey.trial.status = min(refused, key=lambda status: status // 100)


def _to_number(journey: _Journey, payer: Payer, uri: SipUri, trunk: bytes) -> None:
    """To an address; or, where the DNS has others for the number, to these."""
    found: list[SipUri] = []
    if leading.wants_enum(journey.known, payer.domain, uri, trunk):
        found = leading.no_less_secure(locating.enum((uri.user or b"").decode()), uri)
    if not found:
        _lead(journey, payer, uri, trunk)
        return
    shown = _(", then ").join(one.serialise().decode() for one in found)
    said = _("The number is no user of ours; ENUM has %(addresses)s.")
    journey.say(said % {"addresses": shown})
    go = lambda one: _lead(journey, payer, one, b"")  # noqa: E731
    _one_after_the_other(journey, found, go, _("Then the next address is tried."))


def _lead(journey: _Journey, payer: Payer, uri: SipUri, trunk: bytes) -> None:
    found = leading.lead(journey.known, payer, uri, trunk)
    match found:
        case leading.Refused():
            _refuse(journey, payer, found, trunk)
        case leading.ByTrunk():
            _leave_by_trunk(journey, found, uri)
        case leading.Away(payer=domain):
            _leave(journey, domain, uri)
        case _ if found.domain.tenant_id != journey.tenant_id:
            said = _("%(domain)s is another domain of this platform.")
            journey.say(said % {"domain": found.domain.name.decode()})
        case leading.ToGroup():
            _say_alias(journey, found.alias)
            _ring(journey, payer, found.group, uri.scheme)
        case leading.ToUser():
            _say_alias(journey, found.alias)
            _call_user(journey, payer, found)


def _refuse(journey: _Journey, payer: Payer, why: leading.Refused, trunk: bytes) -> None:
    status = why.status
    if why.not_allowed and payer.domain is not None and payer.aor is not None:
        policy = journey.known.policy(payer.aor, payer.domain.domain_id)
        if policy is not None and policy.aor:
            said = _("the user's outbound policy does not allow %(what)s")
        else:
            said = _("the domain's outbound policy does not allow %(what)s")
        _say_refused(journey, status, said % {"what": why.not_allowed})
    elif trunk:
        said = _("The trunk %(trunk)s has no gateways or is off: %(status)d.")
        journey.refuse(status, said % {"trunk": trunk.decode(), "status": status})
    elif why.reason is None:
        said = _("The domain is switched off: %(status)d.")
        journey.refuse(status, said % {"status": status})
    else:
        _say_refused(journey, status, why.reason.decode())


def _say_refused(journey: _Journey, status: int, why: str) -> None:
    said = _("The call is refused with %(status)d: %(why)s.")
    journey.refuse(status, said % {"status": status, "why": why})


# -- away


def _leave(journey: _Journey, domain: model.Domain, uri: SipUri) -> None:
    name, peer = domain.name.decode(), leading.peer_name(uri)
    verdict = _verdict(journey, domain, peer)
    why, other = refusal_to_leave(verdict, uri.transport), peer.decode()
    if why is Why.NEVER_SECURE:
        said = _("%(other)s may be called over TLS alone")
        _say_refused(journey, 488, said % {"other": other})
    elif why is not None:
        said = _("%(domain)s has no calls with %(other)s (%(why)s)")
        _say_refused(journey, 403, said % {"domain": name, "other": other, "why": why})
    else:
        if verdict.is_verified:
            said = _(
                "The host is none of ours: the call leaves, "
                "to whoever proves over TLS to be %(other)s."
            )
        else:
            said = _("The host is none of ours: the call leaves.")
        journey.say(said % {"other": other})
        _try_at(journey, [uri])


def _verdict(journey: _Journey, domain: model.Domain, peer: bytes) -> Verdict:
    settings = ProxySettings.from_env()
    return verdict_on(
        domain,
        peer,
        "out",
        journey.known.federation_rules(domain, peer),
        platform=settings.federation,
        denied=frozenset(name.encode() for name in settings.federation_deny),
    )


def _leave_by_trunk(journey: _Journey, by: leading.ByTrunk, uri: SipUri) -> None:
    said = ngettext(
        "The call leaves by the trunk %(trunk)s, by its gateway.",
        "The call leaves by the trunk %(trunk)s, by %(n)d gateways at most.",
        len(by.gateways),
    )
    journey.say(said % {"trunk": by.trunk.name.decode(), "n": len(by.gateways)})
    found = GatewayHealth.objects.filter(
        gateway__in=[one.gateway_id for one in by.gateways], is_alive=False
    )
    dead = set(found.values_list("gateway_id", flat=True))
    ordered = leading.in_order(by.gateways, dead, lambda: 0.0)
    for gateway in ordered:
        if gateway.gateway_id in dead:
            said = _("%(host)s does not answer OPTIONS: it is tried last.")
            journey.say(said % {"host": gateway.host.decode()})
    _try_at(journey, [leading.uri_at(gateway, uri) for gateway in ordered])


def _try_at(journey: _Journey, uris: list[SipUri]) -> None:
    """At servers elsewhere, one after the other; who of them answers only a call finds out."""
    journey.trial.targets.append(uris[0].serialise().decode())
    journey.trial.located += [locating.locate(uri, ask_hops=False) for uri in uris]


# -- home


def _say_alias(journey: _Journey, alias: model.Alias | None) -> None:
    if alias is not None:
        said = _("%(alias)s is another name of %(target)s.")
        journey.say(said % {"alias": alias.aor.decode(), "target": alias.target.decode()})


def _ring(journey: _Journey, payer: Payer, group: model.RingGroup, scheme: bytes) -> None:
    names = ", ".join(member.decode() for member in group.members) or _("nobody")
    if group.strategy == "parallel":
        said = _("%(group)s rings %(names)s at once, %(n)d s.")
    else:
        said = _("%(group)s rings %(names)s one after the other, %(n)d s.")
    journey.say(said % {"group": group.aor.decode(), "names": names, "n": group.ring_seconds})
    members = [leading.uri_of(member, scheme) for member in group.members]
    reached = [contacts for member in members if (contacts := _contacts(journey, member))]
    for contacts in reached if group.strategy == "parallel" else reached[:1]:
        journey.trial.targets += contacts
    if group.fallback:
        said = _("Then the call goes to %(target)s.")
        journey.say(said % {"target": group.fallback.decode()})
    if not reached and group.fallback:
        after = leading.uri_of(group.fallback, scheme)
        _divert(journey, payer, group.aor, "no_answer", after)
    elif not reached:
        journey.refuse(480, _("None of them has a phone there: 480."))


def _call_user(journey: _Journey, payer: Payer, user: leading.ToUser) -> None:
    aor = user.uri.aor()
    contacts = _contacts(journey, user.uri)
    name = aor.decode("utf-8", "replace")
    is_known = journey.known.subscriber(aor) is not None
    if is_known or contacts:
        said = ngettext(
            "%(name)s is a user of ours with %(n)d registered contact.",
            "%(name)s is a user of ours with %(n)d registered contacts.",
            len(contacts),
        )
        journey.say(said % {"name": name, "n": len(contacts)})
    now = leading.at_once(user.forwards, is_reachable=bool(contacts))
    if now is not None:
        journey.say(_forward(now))
        destination = leading.uri_of(now.target, user.uri.scheme)
        _divert(journey, payer, now.aor, now.condition, destination)
    elif not contacts:
        if not is_known:
            said = _("There is no user %(name)s: %(status)d.")
        elif user.uri.is_sips:
            said = _("No phone that registered over TLS of %(name)s is there: %(status)d.")
        else:
            said = _("No phone of %(name)s is there: %(status)d.")
        status = 480 if is_known else 404
        journey.refuse(status, said % {"name": name, "status": status})
    else:
        journey.trial.targets += contacts
        for condition in leading.LATER:
            if condition in user.forwards:
                journey.say(_forward(user.forwards[condition]))


def _contacts(journey: _Journey, uri: SipUri) -> list[str]:
    domain = journey.known.domain(leading.host_name(uri))
    if domain is None or not domain.enabled:
        return []
    found = Binding.objects.filter(
        aor=uri.aor().decode("utf-8", "replace"), deleted=False, expires_at__gt=journey.at
    )
    if uri.is_sips:
        found = found.filter(protocol__in=SECURE)
    return list(found.values_list("contact", flat=True))


def _forward(forward: model.Forward) -> str:
    when = ForwardWhen(forward.condition).label
    return _("Forwarded to %(target)s %(when)s.") % {
        "target": forward.target.decode(),
        "when": when,
    }


def _divert(journey: _Journey, payer: Payer, aor: Aor, condition: str, destination: SipUri) -> None:
    """On, on the account of whoever has sent the call elsewhere and by the rules of his domain."""
    found = leading.divert(journey.known, payer, aor, condition, destination)
    if isinstance(found, leading.Refused):
        _refuse(journey, payer, found, b"")
        return
    on, uri = found
    if on.domain is None:
        return
    facts = facts_of(
        on.domain,
        aor.rpartition(b"@")[0],
        uri,
        user_agent=journey.user_agent,
        at=journey.at.timestamp(),
    )
    _by_rules(journey, on, uri, journey.known.rules(on.domain).candidates(facts, lambda: 0.0))
