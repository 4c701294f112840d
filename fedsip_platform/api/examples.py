"""Examples of what may be sent, for the API's description; tests send each of them."""

from __future__ import annotations

from typing import Any

ID = "3f2b8c1e-6a54-4d0b-9a53-1f7c6e0d2b47"

# By the component that describes a body.
BODIES: dict[str, dict[str, Any]] = {
    "AliasRequest": {"domain": "example.com", "name": "100", "target": "alice"},
    "AllowedSourceRequest": {"network": "198.51.100.0/24", "note": "our office"},
    "BlockRequest": {"address": "198.51.100.7", "seconds": 3600, "evidence": "guesses passwords"},
    "DomainRequest": {"tenant": "acme", "name": "example.org", "require_tls": True},
    "ExportRequest": {"tenant": "acme", "domain": "example.com"},
    "SweepRequest": {"tenant": "acme"},
    "FavouriteRequest": {"address": "bob@example.com", "name": "Bob"},
    "FederationRuleRequest": {
        "domain": "example.com",
        "pattern": "*.partner.example",
        "direction": "in",
        "allow": True,
    },
    "ForwardRequest": {
        "user": "alice@example.com",
        "condition": "no_answer",
        "target": "bob@elsewhere.example",
        "ring_seconds": 20,
    },
    "GatewayRequest": {
        "trunk": ID,
        "host": "gw2.carrier.example",
        "transport": "tls",
        "priority": 10,
    },
    "InvitationRequest": {"tenant": "acme", "email": "ann@example.org", "role": "admin"},
    "OriginRequest": {"tenant": "acme", "origin": "https://shop.example.org"},
    "OutboundPolicyRequest": {
        "domain": "example.com",
        "user": "alice@example.com",
        "caller_id": "+15551234567",
        "classes": ["national", "toll_free"],
    },
    "OwnForwardRequest": {"condition": "not_registered", "target": "+15557654321"},
    "PassRequestRequest": {"seconds": 600},
    "PhoneRequest": {"address": "alice@example.com"},
    "RingGroupRequest": {
        "domain": "example.com",
        "name": "office",
        "strategy": "parallel",
        "members": ["alice"],
        "ring_seconds": 20,
    },
    "RowRequest": {"address": "bob@example.com", "password": "three green boats"},
    "SignInRequest": {"email": "ann@example.org", "password": "correct horse battery staple"},
    "TenantRequest": {"name": "Globex", "slug": "globex", "max_subscribers": 1000},
    "TokenRequest": {"name": "deploy", "tenant": "acme", "scopes": ["users:write", "calls:read"]},
    "TranslationRequest": {
        "domain": "example.com",
        "match_regex": "^1(\\d{3})$",
        "tran_user": "alice",
        "note": "four digits beginning with 1",
    },
    "TrunkRequest": {
        "domain": "example.com",
        "name": "second-carrier",
        "inbound_addresses": ["198.51.100.20"],
    },
    "UserRequest": {
        "domain": "example.com",
        "username": "bob",
        "password": "three green boats",
        "display_name": "Bob",
    },
    "WebhookRequest": {
        "tenant": "acme",
        "url": "https://hooks.example.org/fedsip",
        "events": ["call.ended", "domain.check_failed"],
    },
}
# Of changes: what is not named stays.
CHANGES: dict[str, dict[str, Any]] = {
    "PatchedAliasRequest": {"target": "bob"},
    "PatchedAllowedSourceRequest": {"note": "our office"},
    "PatchedBlockRequest": {"seconds": 3600, "evidence": "guesses passwords"},
    "PatchedDomainRequest": {"require_tls": True, "note": "sales"},
    "PatchedFederationRuleRequest": {"allow": False},
    "PatchedForwardRequest": {"enabled": False},
    "PatchedGatewayRequest": {"priority": 20},
    "PatchedInvitationRequest": {"role": "viewer"},
    "PatchedOriginRequest": {"origin": "https://www.example.com"},
    "PatchedOutboundPolicyRequest": {"caller_id": "+15557654321"},
    "PatchedOwnUserRequest": {"password": "four grey geese"},
    "PatchedPersonRequest": {"role": "viewer"},
    "PatchedRingGroupRequest": {"ring_seconds": 30},
    "PatchedTenantRequest": {"name": "Acme Ltd."},
    "PatchedTranslationRequest": {"enabled": False},
    "PatchedTrunkRequest": {"note": "until May"},
    "PatchedUserRequest": {"display_name": "Alice B.", "password": "four grey geese"},
    "PatchedWebhookRequest": {"enabled": False},
}
PROBLEM = {
    "type": "about:blank",
    "title": "Bad Request",
    "status": 400,
    "detail": "The request was refused.",
    "errors": [{"field": "username", "reason": "This user exists already."}],
    "request_id": "import-7",
}


def attach(schemas: dict[str, Any]) -> None:
    """Put each example at the component that it is of."""
    for name, example in {**BODIES, **CHANGES, "Problem": PROBLEM}.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
