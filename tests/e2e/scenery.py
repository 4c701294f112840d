"""Tenants to look at: one at work, one that is new, one that is crowded; and where all pages are.

Runs inside the platform's own Django: `platform.python("... scenery.build()")` prints what it made.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from cryptography.hazmat.primitives.asymmetric import ec
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone
from fido2.cose import ES256
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

from fedsip_platform.api import tokens
from fedsip_platform.calls import services as calls
from fedsip_platform.calls.models import (
    CallRecord,
    FailedSignIn,
    LiveCall,
    Node,
    RegistrationSample,
)
from fedsip_platform.directory import imports, services
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.federation import dns_records
from fedsip_platform.federation.models import DomainCheck, Refusal
from fedsip_platform.gateway.services import give_phone
from fedsip_platform.location.models import Binding
from fedsip_platform.people import services as people
from fedsip_platform.routing import services as routing
from fedsip_platform.routing.models import GatewayHealth, Trunk
from fedsip_platform.tenants.models import Membership, Tenant
from fedsip_platform.webhooks import services as webhooks
from fedsip_platform.webhooks.models import Delivery, State
from tests.platform.test_dashboard_isolation import (
    CHANGING,
    OF_A_DOMAIN,
    OF_OPERATORS,
    SHOWN,
    address,
)
from tests.platform.world import (
    PASSWORD,
    World,
    make_live_call,
    make_message,
    make_person,
    make_world,
)

NODE = "edge-1"
NAMES = (
    *("Alice Martin", "Bob Okafor", "Carol Nguyen", "Dave Lindqvist", "Erin O'Neill"),
    *("Farid Haddad", "Grace Kim", "Hugo Álvarez", "Ines Fernandes", "Jonas Weiß"),
    *("Reception", "Meeting room 1", "Workshop", "Night desk"),
)
CROWDED_NAMES = (
    "محمد عبد الرحمن الهاشمي",
    "שירה בן־דוד",
    "山田太郎・営業部第三課・東京支店",
    "김민수",
    "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh, department of very long names",
    "😀 Ångström",
)
LONG_NAME = "telephones.department-with-a-very-long-name.subsidiary.example.com"
PHONES = (
    ("tls", "Yealink SIP-T46U 108.86.0.45", True),
    ("udp", "Grandstream GXP2170 1.0.11.64", True),
    ("tcp", "Linphone-Desktop/5.2.4", False),
    ("wss", "fedsip softphone (Chrome 141)", True),
)
ENDINGS = (
    (True, 200, "BYE", "callee"),
    (True, 200, "BYE", "caller"),
    (True, 200, "BYE", "caller"),
    (False, 486, "Busy Here", "callee"),
    (False, 487, "Request Terminated", "caller"),
    (False, 480, "Temporarily Unavailable", "proxy"),
)
HOURS_OF_A_DAY = (1, 0, 0, 0, 1, 2, 4, 7, 9, 11, 8, 6, 7, 9, 10, 8, 6, 5, 3, 2, 2, 1, 1, 1)
STREAMS = [
    {"sender": "caller", "kind": "audio", "codec": "opus", "packets": 3000, "octets": 240_000,
     "expected": 3004, "lost": 4, "jitter_ms": 2.1, "round_trip_ms": 18.0, "mos": 4.3},
    {"sender": "callee", "kind": "audio", "codec": "opus", "packets": 2990, "octets": 239_000,
     "expected": 3010, "lost": 20, "jitter_ms": 6.4, "round_trip_ms": 21.5, "mos": 4.1},
]  # fmt: skip
ALICE, US, BOB = "203.0.113.7:51234", "192.0.2.1:5061", "198.51.100.20:5060"
LADDER = (
    ("in", ALICE, "INVITE sip:bob@example.com SIP/2.0", "1 INVITE", 0.0),
    ("out", ALICE, "SIP/2.0 407 Proxy Authentication Required", "1 INVITE", 0.002),
    ("in", ALICE, "ACK sip:bob@example.com SIP/2.0", "1 ACK", 0.020),
    ("in", ALICE, "INVITE sip:bob@example.com SIP/2.0", "2 INVITE", 0.021),
    ("out", ALICE, "SIP/2.0 100 Trying", "2 INVITE", 0.022),
    ("out", BOB, "INVITE sip:bob@198.51.100.20:5060 SIP/2.0", "2 INVITE", 0.024),
    ("in", BOB, "SIP/2.0 180 Ringing", "2 INVITE", 0.320),
    ("out", ALICE, "SIP/2.0 180 Ringing", "2 INVITE", 0.321),
    ("in", BOB, "SIP/2.0 200 OK", "2 INVITE", 9.870),
    ("out", ALICE, "SIP/2.0 200 OK", "2 INVITE", 9.871),
    ("in", ALICE, "ACK sip:bob@198.51.100.20:5060 SIP/2.0", "2 ACK", 9.900),
    ("out", BOB, "ACK sip:bob@198.51.100.20:5060 SIP/2.0", "2 ACK", 9.901),
    ("in", BOB, "BYE sip:alice@203.0.113.7:51234 SIP/2.0", "7 BYE", 69.700),
    ("out", ALICE, "BYE sip:alice@203.0.113.7:51234 SIP/2.0", "7 BYE", 69.701),
    ("in", ALICE, "SIP/2.0 200 OK", "7 BYE", 69.730),
    ("out", BOB, "SIP/2.0 200 OK", "7 BYE", 69.731),
)


def build() -> dict[str, Any]:
    """All tenants. `pages` says who may see which, {person: {name: path}}, "" being a stranger;
    `no_pages` what is none, and `names` all that there are."""
    world = at_work()
    new, many = new_tenant(), crowded()
    operator = make_person("operator@example.org", is_operator=True, name="Olga Operator")
    subscriber = make_person("bob@people.example", name="Bob Okafor")
    people.own(Subscriber.objects.get(aor="bob@example.com"), subscriber)
    nobody = make_person("nobody@people.example")
    owner = world.people["owner"]
    give_phone(owner, world.user)
    pages = {
        "": stranger_pages(world),
        owner.email: {**owner_pages(world), **account_pages(owner)},
        operator.email: {name: find(world) for name, find in OF_OPERATORS.items()},
        subscriber.email: subscriber_pages(subscriber),
        nobody.email: {"home": reverse("home"), "mine": reverse("mine")},
        new: {f"new-{name}": path for name, path in lists("fresh").items()},
        many: {f"crowded-{name}": path for name, path in lists("crowded", LONG_NAME).items()},
    }
    return {"pages": pages, "no_pages": no_pages(world), "names": every_name()}


def every_name() -> list[str]:
    """The name of every address that people open; Django's admin and the API's are not here."""
    return sorted({name for name in _names(get_resolver().url_patterns, "") if name})


def _names(patterns: list[Any], prefix: str) -> Iterator[str | None]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if path.startswith(("admin/", "api/")):
            continue
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns, path)
        else:
            yield pattern.name


# -- where pages are


def owner_pages(world: World) -> dict[str, str]:
    shown = {name: address(name, world, keys, world) for name, keys in SHOWN.items()}
    shown["search"] += "?q=al"
    live = LiveCall.objects.filter(tenant=world.tenant).first()
    assert live is not None
    tried = "?domain=example.com&caller=alice&dialled=1000"
    return {
        **shown,
        "live-call": reverse("call", args=[world.tenant.slug, live.public_id]),
        "rules-tried": shown["routing"] + tried,
        "calls-filtered-to-none": shown["calls"] + "?q=nobody@example.com",
        "users-offline": shown["users"] + "?show=offline",
    }


def account_pages(owner: Any) -> dict[str, str]:
    key = Authenticator.objects.filter(user=owner, type=Authenticator.Type.WEBAUTHN).get()
    plain = (
        *("account_change_password", "account_set_password", "account_reauthenticate"),
        *("mfa_index", "mfa_reauthenticate", "mfa_view_recovery_codes", "mfa_list_webauthn"),
        *("mfa_generate_recovery_codes", "mfa_add_webauthn", "mfa_reauthenticate_webauthn"),
        *("mfa_deactivate_totp", "usersessions_list", "socialaccount_connections"),
        *("sign-out", "api-docs"),
    )
    return {
        **{name: reverse(name) for name in plain},
        "mfa_remove_webauthn": reverse("mfa_remove_webauthn", args=[key.pk]),
        "mfa_edit_webauthn": reverse("mfa_edit_webauthn", args=[key.pk]),
        "not-there": "/nothing",
    }


def subscriber_pages(person: Any) -> dict[str, str]:
    user = person.subscribers.get()
    return {
        "my-user": reverse("my-user", args=[user.public_id]),
        "phone": reverse("phone"),
        "mfa_activate_totp": reverse("mfa_activate_totp"),
        "mfa_index-without": reverse("mfa_index"),
    }


def stranger_pages(world: World) -> dict[str, str]:
    _, link = people.invite(world.tenant, "invited@people.example", "admin")
    plain = (
        *("sign-in", "account_reset_password", "account_reset_password_done"),
        *("account_reset_password_from_key_done", "account_inactive", "account_signup"),
        *("account_email_verification_sent", "socialaccount_login_cancelled"),
        *("socialaccount_login_error",),
    )
    gone = {"uidb36": "1", "key": "gone"}
    return {
        **{name: reverse(name) for name in plain},
        "account_reset_password_from_key": reverse("account_reset_password_from_key", kwargs=gone),
        "invitation": link,
        "invitation-gone": reverse("invitation", args=["gone"]),
    }


def no_pages(world: World) -> dict[str, str]:
    """What only changes something, or is fetched by programs."""
    changing = {
        name: address(name, world, keys, world)
        for name, (keys, _) in CHANGING.items()
        if name not in SHOWN
    }
    one = {"key": world.user.public_id}
    return {
        **changing,
        "my-password": reverse("my-password", kwargs=one),
        "my-device-sign-out": reverse("my-device-sign-out", kwargs={**one, "binding_id": "x"}),
        "my-forward-delete": reverse(
            "my-forward-delete", kwargs={**one, "forward_key": world.user.public_id}
        ),
        **{
            name: reverse(name)
            for name in (
                "theme",
                "words",
                "words-of-widget",
                "switch-tenant",
                "health",
                "allowed-new",
            )
        },
        **{
            name: reverse(name, kwargs=one)
            for name in ("block-lift", "allowed-remove", "domain-vouch")
        },
        **{name: reverse(name) for name in ("mfa_login_webauthn", "socialaccount_signup")},
        "session-end": reverse("session-end", args=[1]),
        **{
            name: reverse(name)
            for name in (
                *("platform-audit-export", "platform-audit-export-job"),
                "platform-domains-check",
            )
        },
        **{
            name: reverse(name, args=[world.user.public_id])
            for name in ("platform-job-cancel", "platform-job-result")
        },
        "mfa_download_recovery_codes": reverse("mfa_download_recovery_codes"),
        **{
            name: reverse(name, kwargs={"provider_id": "sso"})
            for name in ("openid_connect_login", "openid_connect_callback")
        },
    }


def lists(slug: str, domain: str = "") -> dict[str, str]:
    """The pages of a tenant that need nothing but the tenant; those of a domain are of this one."""
    plain = [name for name, keys in SHOWN.items() if not _needs_more(keys)]
    asked = dict.fromkeys(OF_A_DOMAIN if domain else (), f"?domain={domain}")
    return {name: reverse(name, args=[slug]) + asked.get(name, "") for name in plain}


def _needs_more(keys: Any) -> bool:
    return keys.__name__ != "nothing"


# -- a tenant at work


def at_work() -> World:
    world = make_world("acme", "example.com")
    tenant, domain, now = world.tenant, world.domain, timezone.now()
    services.update_tenant(tenant, name="Acme Telephones", max_subscribers=20, max_calls=100)
    _rename(world)
    users = [
        services.create_subscriber(domain, name.split()[0].lower(), PASSWORD, display_name=name)
        for name in NAMES[1:]
    ]
    for number, user in enumerate(users[:9]):
        for _, phone in zip(range(1 + number % 2), itertools.cycle(PHONES), strict=False):
            _device(user, PHONES[(number + len(phone)) % len(PHONES)], now)
    services.disable_subscriber(users[-1])
    shop = services.create_domain(tenant, "shop.example.org", require_tls=True)
    services.create_domain(tenant, "xn--mnchen-3ya.example")
    services.update_domain(services.create_domain(tenant, "old.example.com"), enabled=False)
    _checks(domain, shop, now)
    _rules(world)
    _routes(world, now)
    _calls(tenant, domain, now, world.rule.pk)
    _ladder(world, now)
    _refused(domain, now)
    _developers(world, now)
    _platform(tenant, now)
    _factors(world.people["owner"])
    return world


def _rename(world: World) -> None:
    for role, name in (("owner", "Olivia Owner"), ("admin", "Adam Admin"), ("viewer", "Vera")):
        person = world.people[role]
        person.name, person.last_login = name, timezone.now() - timedelta(hours=3)
        person.save()
    services.update_subscriber(world.user, display_name=NAMES[0], note="Sales, second floor")
    Binding.objects.filter(pk=world.binding.pk).update(
        node_id=NODE,
        protocol="tls",
        received="203.0.113.7:51234",
        nat=True,
        user_agent=PHONES[0][1],
    )
    LiveCall.objects.filter(tenant=world.tenant).update(node_id=NODE)


def _device(user: Subscriber, phone: tuple[str, str, bool], now: datetime) -> None:
    protocol, agent, is_behind_nat = phone
    key = f"sip:{user.username}@10.0.0.{secrets.randbelow(250)}:5060"
    Binding.objects.create(
        binding_id=secrets.token_hex(8), aor=user.aor, domain=user.domain, subscriber=user,
        contact=key, contact_key=key + secrets.token_hex(2), node_id=NODE, protocol=protocol,
        received="203.0.113.9:40112", nat=is_behind_nat, user_agent=agent,
        expires_at=now + timedelta(minutes=50), registered_at=now - timedelta(hours=5),
        updated_at=now,
    )  # fmt: skip


def _checks(failing: Domain, fine: Domain, now: datetime) -> None:
    wanted = {
        each: dns_records.records(each.name, dns_records.this_site()) for each in (failing, fine)
    }
    told = {
        each: [
            {"name": r.name, "kind": r.kind, "value": r.value, "line": str(r),
             "state": "published", "found": [r.value]}
            for r in records
        ]
        for each, records in wanted.items()
    }  # fmt: skip
    missing = told[failing][-1]
    missing.update(state="missing", found=[])
    certificate = {
        "names": ["example.com", "shop.example.org"],
        "expires_at": (now + timedelta(days=61)).isoformat(),
        "is_self_signed": False,
        "issuer": "An Authority",
        "source": "node",
    }
    problem = f"{missing['kind']} of {missing['name']} is missing: {missing['value']}"
    for domain, state, problems in ((failing, "failing", [problem]), (fine, "fine", [])):
        result = {
            "state": state,
            "problems": problems,
            "records": told[domain],
            "changes": [f"{missing['kind']} of {missing['name']}: published, now missing"],
            "certificate": certificate,
            "checked_at": now - timedelta(minutes=12),
            "changed_at": now - timedelta(hours=7),
        }
        DomainCheck.objects.update_or_create(domain=domain, defaults=result)


def _rules(world: World) -> None:
    make = services.create_translation
    make(world.domain, match_regex=r"^0([1-9]\d+)$", tran_strip=1, tran_prefix="+49", priority=20,
         tran_trunk="carrier", note="National numbers")  # fmt: skip
    make(world.domain, match_regex="^support$", tran_user="carol", priority=30, weight=3,
         note="Most of it to Carol")  # fmt: skip
    make(world.domain, match_regex="^support$", tran_user="dave", priority=30, weight=1)
    make(world.domain, request_domain="old.example.com", tran_domain="example.com", priority=40,
         enabled=False)  # fmt: skip
    make(world.domain, from_username="night", match_user_agent="Yealink", tran_user="reception",
         priority=50, hours="Mon-Fri 18:00-08:00")  # fmt: skip
    make(world.domain, match_regex="^1000$", priority=60, note="As the shop",
         tran_from_user="+4989123456", tran_from_display="Example & Sons",
         tran_add_header="X-Department: sales", tran_remove_header="X-Cost-Centre")  # fmt: skip


def _routes(world: World, now: datetime) -> None:
    domain = world.domain
    Trunk.objects.update(options_seconds=0)  # nobody asks whether these carriers are there
    routing.create_alias(domain, "1001", "bob", note="Direct dial")
    routing.create_alias(domain, "+4989123456", "sales", note="From the carrier")
    routing.create_forward(world.user, "no_answer", "bob", ring_seconds=20)
    routing.create_ring_group(
        domain, "desk", members=["reception", "bob", "carol", "dave"], strategy="in_order",
        fallback="night", note="Front desk",
    )  # fmt: skip
    second = routing.create_gateway(world.routes["trunks"], "sbc2.carrier.example", priority=20)
    routing.create_outbound_policy(
        domain, Subscriber.objects.get(aor="bob@example.com"), classes=["national"],
        deny_regex=r"^\+49900",
    )  # fmt: skip
    for gateway, is_alive in ((world.routes["gateways"], True), (second, False)):
        GatewayHealth.objects.create(
            node_id=NODE, gateway=gateway, is_alive=is_alive, checked_at=now,
            round_trip_ms=23 if is_alive else None, changed_at=now - timedelta(hours=2),
        )  # fmt: skip


def _calls(tenant: Tenant, domain: Domain, now: datetime, rule_id: int) -> None:
    endings, made = itertools.cycle(ENDINGS), []
    names = [name.split()[0].lower() for name in NAMES[:8]]
    for hours_ago, amount in enumerate(reversed(HOURS_OF_A_DAY)):
        for number in range(amount):
            is_answered, status, reason, ended_by = next(endings)
            began = now - timedelta(hours=hours_ago, minutes=5 + 5 * number)
            caller, callee = names[number % 8], names[(number + hours_ago + 1) % 8]
            is_heard = is_answered and number % 7 != 3
            made.append(
                CallRecord(
                    call_id=f"{hours_ago}-{number}@example.com", tenant=tenant, domain=domain,
                    caller=f"sip:{caller}@{domain}", callee=f"sip:{callee}@{domain}",
                    request_uri=f"sip:{callee}@{domain}", started_at=began,
                    ringing_at=began + timedelta(seconds=1),
                    answered_at=began + timedelta(seconds=8) if is_answered else None,
                    ended_at=began + timedelta(seconds=68 + 40 * number), status=status,
                    reason=reason, ended_by=ended_by,
                    mos=4.2 - number % 4 / 2 if is_heard else None,
                    rule_id=rule_id if number % 3 == 0 else None,
                    verdict=[] if is_heard or not is_answered else ["no_media_callee"],
                )
            )  # fmt: skip
    CallRecord.objects.bulk_create(made)
    make_live_call(tenant, domain, call_id="l2", node_id=NODE, caller=f"sip:bob@{domain}")
    make_live_call(
        tenant, domain, call_id="l3", node_id=NODE, answered_at=None, caller=f"sip:erin@{domain}",
        request_uri="sip:+4915112345678@example.com",
    )  # fmt: skip


def _ladder(world: World, now: datetime) -> None:
    call = world.call
    CallRecord.objects.filter(pk=call.pk).update(
        caller_address=f"tls {ALICE}", hop=f"udp {BOB}", target="sip:bob@198.51.100.20:5060",
        user_agent=PHONES[0][1], codec="opus", mos=4.1, media=_streams(call), node_id=NODE,
        relay_id="relay-1", verdict=["other_address_caller"], rule_id=world.rule.pk,
        hops=_hops(call),
        policies="caller=relay:auto,srtp:offered,codecs:opus+pcma,e164,nat"
        " callee=relay:auto,srtp:off media=nat federation_out=verified_tls,rule,verified",
        verdict_text=["The caller's packets came from 203.0.113.7:40000, not from 10.0.0.5:40000."],
    )  # fmt: skip
    for way, remote, start, cseq, seconds in LADDER:
        make_message(
            call.call_id, call.started_at + timedelta(seconds=seconds), tenant=world.tenant,
            domain=world.domain, node_id=NODE, way=way, local=US, remote=remote,
            protocol="tls" if remote == ALICE else "udp", text=_message(start, cseq, way),
        )  # fmt: skip


def _hops(call: CallRecord) -> list[dict[str, Any]]:
    """A server that is overloaded, one that nobody reaches, and the phone that took it."""
    led = ["example.com SRV 10 0 5061 sip1.example.com.", "sip1.example.com A 198.51.100.7"]
    ends = [
        ("tls 198.51.100.7:5061", "refused", 503, "Service Unavailable", led),
        ("tls 198.51.100.8:5061", "failed", 0, "198.51.100.8:5061 did not accept in time", led),
        (f"udp {BOB}", "answered", 200, "OK", []),
    ]
    return [
        {
            "target": "sip:bob@198.51.100.20:5060",
            "address": address,
            "leads": leads,
            "at": (call.started_at + timedelta(seconds=0.01 * number)).isoformat(),
            "outcome": outcome,
            "status": status,
            "reason": reason,
        }
        for number, (address, outcome, status, reason, leads) in enumerate(ends)
    ]


def _streams(call: CallRecord) -> list[dict[str, Any]]:
    """Each with MOS, loss (percent) and jitter (ms) as the call went on."""
    began = call.started_at.timestamp()
    return [
        stream
        | {
            "series": [
                [began + 5 * n, 4.4 - (n * turn) % 7 / 6, (n * turn) % 5 / 2, 2.0 + (n * turn) % 9]
                for n in range(2, 14)
            ]
        }
        for turn, stream in enumerate(STREAMS, start=2)
    ]


def _message(start: str, cseq: str, way: str) -> str:
    lines = [
        start,
        f"Via: SIP/2.0/TLS {US};branch=z9hG4bK-a-1"
        if way == "out"
        else "Via: SIP/2.0/TLS 10.0.0.5",
        "From: <sip:alice@example.com>;tag=88sja8x",
        "To: <sip:bob@example.com>",
        "Call-ID: call@example.com",
        f"CSeq: {cseq}",
        f"Max-Forwards: {69 if way == 'out' else 70}",
    ]
    if cseq.endswith("INVITE") and start.startswith(("INVITE", "SIP/2.0 200")):
        lines += ["Content-Type: application/sdp", "", "v=0", "m=audio 40000 RTP/AVP 111", ""]
    return "\r\n".join([*lines, ""])


def _refused(domain: Domain, now: datetime) -> None:
    for number, name in enumerate(("admin", "1000", "alice", "test")):
        FailedSignIn.objects.create(
            domain=domain, aor=f"{name}@{domain}", address=f"198.51.100.{number + 10}",
            hour=now - timedelta(hours=number), attempts=7 * (number + 1),
            user_agent="friendly-scanner", last_at=now - timedelta(hours=number, minutes=4),
        )  # fmt: skip
    for peer, why in (
        ("spam.example", "not_listed"),
        ("weak.example", "no_tls"),
        ("", "domain_rate"),
    ):
        Refusal.objects.create(
            domain=domain, peer=peer, direction="in", why=why, day=now.date(), amount=41,
            last_at=now - timedelta(hours=1),
        )  # fmt: skip


def _developers(world: World, now: datetime) -> None:
    owner, tenant = world.people["owner"], world.tenant
    token, _ = tokens.create(owner, "CRM synchronisation", "write", tenant=tenant)
    token.last_used_at = now - timedelta(minutes=9)
    token.save()
    tokens.create(owner, "Wallboard", tenant=tenant, expires_at=now + timedelta(days=30))
    webhook = world.delivery.webhook
    for state, status, problem, attempts in (
        (State.DELIVERED, 200, "", 1),
        (State.FAILED, 500, "The server answered 500.", 9),
        (State.WAITING, 503, "The server answered 503.", 2),
    ):
        delivery = webhooks.test(webhook)
        Delivery.objects.filter(pk=delivery.pk).update(
            state=state, status=status, problem=problem, attempts=attempts,
            due_at=now + timedelta(minutes=8),
        )  # fmt: skip
    webhooks.create(tenant, "https://chat.example/hooks/telephony", ["call.ended"], note="Chat")


def _platform(tenant: Tenant, now: datetime) -> None:
    for node_id, age, relays in (
        (NODE, timedelta(0), {"relay-1": {"is_alive": True}, "relay-2": {"is_alive": True}}),
        ("edge-2", timedelta(minutes=9), {}),
    ):
        Node.objects.create(
            node_id=node_id, started_at=now - timedelta(days=3), seen_at=now - age, version="0.1.0",
            address="192.0.2.1:5060", flows=12, bindings=14, calls=3, relays=relays,
        )  # fmt: skip
    calls.block("198.51.100.99", evidence="friendly-scanner: 4,211 REGISTER in a minute")
    calls.block("2001:db8::bad")
    calls.allow("192.0.2.0/28", "Our own monitoring")
    samples = [
        RegistrationSample(
            tenant=tenant, at=now - timedelta(minutes=5 * back), devices=14 - back % 24 // 6,
            users=9 - back % 24 // 8, calls=back % 5,
        )
        for back in range(288)
    ]  # fmt: skip
    RegistrationSample.objects.bulk_create(samples)


def _factors(owner: Any) -> None:
    """An authenticator app, recovery codes and a passkey, as their owner's pages show them."""
    owner.set_password(PASSWORD)
    owner.save()
    TOTP.activate(owner, generate_totp_secret())
    RecoveryCodes.activate(owner)
    Authenticator.objects.create(
        user=owner,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": "Olivia's laptop", "credential": _credential()},
    )


def _credential() -> dict[str, Any]:
    """A passkey as a browser registers it; its private key is thrown away."""
    public_key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    flags = AuthenticatorData.FLAG.AT | AuthenticatorData.FLAG.UP
    held = AttestedCredentialData.create(bytes(16), secrets.token_bytes(16), public_key)
    data = AuthenticatorData.create(bytes(32), flags, 0, held)
    asked = CollectedClientData.create("webauthn.create", bytes(16), "https://localhost")
    response = AuthenticatorAttestationResponse(
        client_data=asked, attestation_object=AttestationObject.create("none", data, {})
    )
    registered = dict(RegistrationResponse(raw_id=held.credential_id, response=response))
    return {**registered, "clientExtensionResults": {"credProps": {"rk": True}}}


# -- a tenant that is new, and one that is crowded


def new_tenant() -> str:
    """Nothing but its owner; her address."""
    return _owner_of(services.create_tenant("Fresh", "fresh"))


def crowded() -> str:
    """Long names, right to left, wide letters, many of everything; the owner's address."""
    name = "Wolfeschlegelsteinhausenbergerdorff & Söhne Fernsprechgesellschaft mbH & Co. KG"
    tenant, now = services.create_tenant(name, "crowded"), timezone.now()
    domain = services.create_domain(tenant, LONG_NAME)
    for number in range(60):
        services.create_domain(tenant, f"d{number}.example.net")
    names = itertools.cycle(CROWDED_NAMES)
    rows = [
        imports.NewSubscriber(f"{'x' * (number % 40)}user{number}", PASSWORD, next(names))
        for number in range(2000)
    ]
    imports.create_subscribers(domain, rows)
    for user in Subscriber.objects.filter(domain=domain)[:200]:
        _device(user, PHONES[user.pk % len(PHONES)], now)
    long_user = f"{'x' * 39}user39"
    for number in range(60):
        services.create_translation(
            domain, match_regex=rf"^00{number}\d{{6,12}}(?:#\d{{1,4}})?$", tran_user=long_user,
            priority=number, note=CROWDED_NAMES[number % len(CROWDED_NAMES)],
        )  # fmt: skip
        routing.create_alias(domain, f"+4989{number:09}", long_user)
        routing.create_ring_group(
            domain, f"group{number}", members=[f"{'x' * (n % 40)}user{n}" for n in range(12)]
        )
        routing.create_trunk(domain, f"trunk{number}", options_seconds=0)
        FailedSignIn.objects.create(
            domain=domain, aor=f"{long_user}@{domain}", address=f"2001:db8::{number:x}", hour=now,
            user_agent="An agent with a name that goes on and on " * 5,
        )  # fmt: skip
    _calls(tenant, domain, now, 0)
    longest = f"sip:{long_user}@{domain}"
    CallRecord.objects.filter(tenant=tenant).update(caller=longest, request_uri=longest)
    for number in range(12):
        make_live_call(tenant, domain, call_id=f"c{number}", node_id=NODE, caller=longest)
    for number in range(20):
        webhooks.create(tenant, f"https://h{number}.example/{'long/' * 30}", ["call.ended"])
        person = make_person(f"p{number}@people.example", name=CROWDED_NAMES[number % 6])
        Membership.objects.create(person=person, tenant=tenant, role="admin")
        people.invite(tenant, f"{'i' * 50}{number}@people.example", "viewer")
    return _owner_of(tenant)


def _owner_of(tenant: Tenant) -> str:
    person = make_person(f"owner@{tenant.slug}.example", name="Olivia Owner")
    Membership.objects.create(person=person, tenant=tenant, role="owner")
    return str(person.email)
