"""Where a Request-URI leads, a sentence for each step: ENUM, what may leave, carriers, our users.

What is decided is decided by the proxy's own functions: outbound policies by destination_class.py,
federation by federation_rules.py, ENUM and servers by proxy/locate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F, Q

from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.federation import locating
from fedsip_platform.location.models import Binding
from proxy.directory import model
from proxy.directory.destination_class import class_of, is_allowed
from proxy.directory.federation_rules import FederationRules, Verdict, Why, judge, patterns_of
from proxy.locate.enum import is_number
from proxy.settings import ProxySettings
from proxy.sip.uri import Aor, SipUri, unescape

from .models import Alias, Forward, Gateway, OutboundPolicy, RingGroup, Trunk

if TYPE_CHECKING:
    from .trying import Trial

_NEVER_SECURE = (b"udp", b"ws")


def follow(trial: Trial, domain: Domain, caller: str, uri: SipUri, trunk: str) -> None:
    """Tell where a call of `caller`, a user of the domain, goes; by a trunk, if a rule says so."""
    if trunk:
        _leave_by_trunk(trial, domain, caller, trunk, uri)
        return
    home = _home_of(uri)
    if home is not None and domain.enum and is_number(uri.user) and not _is_user(uri):
        found = locating.enum((uri.user or b"").decode())
        if found:
            shown = ", then ".join(one.serialise().decode() for one in found)
            trial.way.append(f"The number is no user of ours; ENUM has {shown}.")
            uri = found[0]
            home = _home_of(uri)
    if home is None:
        _leave(trial, domain, caller, uri)
    elif home.tenant_id != domain.tenant_id:
        # Who is there, and whether he is, is not for other tenants to know.
        trial.way.append(f"{home.name} is another domain of this platform.")
    else:
        _lead_home(trial, home, unescape(uri.user or b"").decode("utf-8", "replace").lower())


def _home_of(uri: SipUri) -> Domain | None:
    return Domain.objects.filter(name=_name(uri)).first()


def _name(uri: SipUri) -> str:
    return uri.host.decode().lower().rstrip(".")


def _is_user(uri: SipUri) -> bool:
    return Subscriber.objects.filter(aor=uri.aor().decode("utf-8", "replace")).exists()


# -- away


def _leave(trial: Trial, domain: Domain, caller: str, uri: SipUri) -> None:
    why = _not_dialled(domain, caller, uri, by_trunk=False)
    if why:
        trial.way.append(why)
        return
    peer = _name(uri)
    verdict = _verdict(domain, peer)
    if verdict.refusal is not None:
        trial.way.append(
            f"The call is refused with 403: {domain} has no calls with {peer} ({verdict.refusal})."
        )
        return
    if verdict.is_verified and uri.transport in _NEVER_SECURE:
        trial.way.append(f"The call is refused with 488: {peer} may be called over TLS alone.")
        return
    proof = f", to whoever proves over TLS to be {peer}" if verdict.is_verified else ""
    trial.way.append(f"The host is none of ours: the call leaves{proof}.")
    trial.located.append(locating.locate(uri, ask_hops=False))


def _not_dialled(domain: Domain, caller: str, uri: SipUri, *, by_trunk: bool) -> str:
    """Why the caller's outbound policy does not allow it; empty where it does."""
    policies = OutboundPolicy.objects.filter(Q(user__aor=caller) | Q(user=None), domain=domain)
    policy = policies.order_by(F("user").asc(nulls_last=True)).first()
    if policy is None:
        return ""
    row = model.OutboundPolicy(
        policy.pk,
        domain.pk,
        Aor(caller.encode()),
        classes=tuple(policy.classes),
        allow_regex=policy.allow_regex,
        deny_regex=policy.deny_regex,
    )
    user = unescape(uri.user or b"")
    kind = class_of(user, domain.e164_country.encode(), is_domain=not by_trunk)
    if is_allowed(row, user, kind):
        return ""
    whose = "the user's" if policy.user_id else "the domain's"
    return f"The call is refused with 403: {whose} outbound policy does not allow {kind}."


def _verdict(domain: Domain, peer: str) -> Verdict:
    settings = ProxySettings.from_env()
    patterns = [pattern.decode() for pattern in patterns_of(peer.encode())]
    if not set(patterns).isdisjoint(settings.federation_deny):
        return Verdict(Why.DENIED)
    policy = settings.federation if domain.federation == "platform" else domain.federation
    rules = FederationRules()
    rules.put(
        model.FederationRule(
            rule.pk, domain.pk, rule.pattern.encode(), rule.direction,
            allow=rule.allow, verified=rule.verified, trusted=rule.trusted, enabled=rule.enabled,
        )
        for rule in domain.federation_rules.filter(pattern__in=patterns)
    )  # fmt: skip
    return judge(policy, rules.find(domain.pk, peer.encode(), "out"))


def _leave_by_trunk(trial: Trial, domain: Domain, caller: str, name: str, uri: SipUri) -> None:
    trunk = domain.trunks.filter(name=name, enabled=True).first()
    gateways = [] if trunk is None else _in_order(trunk)
    if not gateways:
        trial.way.append(f"The trunk {name} has no gateways or is off: 503.")
        return
    why = _not_dialled(domain, caller, uri, by_trunk=True)
    if why:
        trial.way.append(why)
        return
    trial.way.append(f"The call leaves by the trunk {name}, by {len(gateways)} gateways at most.")
    for gateway, is_dead in gateways:
        if is_dead:
            trial.way.append(f"{gateway.host} does not answer OPTIONS: it is tried last.")
        made = uri.without_params(b"maddr", b"transport")
        made = made.with_(host=gateway.host.encode(), port=gateway.port)
        if gateway.transport:
            made = made.with_param(b"transport", gateway.transport.encode())
        trial.located.append(locating.locate(made, ask_hops=False))


def _in_order(trunk: Trunk) -> list[tuple[Gateway, bool]]:
    """The gateways in the order of trying, and whether a proxy finds each of them dead; which of
    equals comes first is drawn anew for each call."""
    found = trunk.gateways.filter(enabled=True).prefetch_related("health")
    known = [(one, any(not seen.is_alive for seen in one.health.all())) for one in found]
    return sorted(known, key=lambda pair: (pair[1], pair[0].priority, -pair[0].weight))


# -- home


def _lead_home(trial: Trial, home: Domain, name: str) -> None:
    alias = Alias.objects.filter(domain=home, name=name, enabled=True).first()
    aor = f"{name}@{home.name}"
    if alias is not None:
        trial.way.append(f"{alias} is another name of {alias.target}.")
        aor = alias.target
    user, _, host = aor.rpartition("@")
    group = RingGroup.objects.filter(domain__name=host, name=user, enabled=True).first()
    if group is not None:
        members = ", ".join(group.members) or "nobody"
        order = "at once" if group.strategy == "parallel" else "one after the other"
        trial.way.append(f"{group} rings {members} {order}, {group.ring_seconds} s.")
        if group.fallback:
            trial.way.append(f"Then the call goes to {group.fallback}.")
        return
    if not Subscriber.objects.filter(aor=aor).exists():
        trial.way.append(f"There is no user {aor}: 404.")
        return
    phones = Binding.objects.filter(aor=aor, deleted=False).count()
    trial.way.append(f"{aor} is a user of ours with {phones} registered contacts.")
    forwards = Forward.objects.filter(user__aor=aor, enabled=True)
    trial.way.extend(_forward(each) for each in forwards)


def _forward(forward: Forward) -> str:
    return f"Forwarded to {forward.target} {forward.get_condition_display()}."
