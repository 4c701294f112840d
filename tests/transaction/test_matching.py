"""Keys by which messages find their transactions (RFC 3261 s17.1.3, s17.2.3)."""

import pytest

from proxy.sip.transaction import cancelled_keys, client_key, rfc2543_ack_key, server_key
from proxy.sip.transaction.matching import is_unique
from tests.harness.builders import ack_of, cancel_of, request, respond

URI = b"sip:bob@example.com"


def invite(**changes):
    return request(b"INVITE", URI, **{"branch": b"z9hG4bKone", **changes})


def test_a_retransmission_has_the_key_of_its_request():
    assert server_key(invite()) == server_key(invite(call_id=b"branches alone decide"))


@pytest.mark.parametrize(
    "change",
    [
        {"branch": b"z9hG4bKtwo"},
        {"via": b"SIP/2.0/UDP 192.0.2.11:5060"},
        {"via": b"SIP/2.0/UDP 192.0.2.10:5062"},
        {"via": b"SIP/2.0/UDP 192.0.2.10"},
    ],
)
def test_another_branch_or_sender_is_another_transaction(change):
    assert server_key(invite()) != server_key(invite(**change))


def test_sent_by_is_compared_without_case():
    one = invite(via=b"SIP/2.0/UDP Phone.Example.com")
    assert server_key(one) == server_key(invite(via=b"SIP/2.0/UDP phone.example.com"))


def test_methods_are_kept_apart_but_ack_belongs_to_its_invite():
    first = invite()
    assert server_key(ack_of(first, respond(first, 486))) == server_key(first)
    cancel = cancel_of(first)
    assert server_key(cancel) != server_key(first)
    assert cancelled_keys(cancel)[0] == server_key(first)
    options = request(b"OPTIONS", URI, branch=b"z9hG4bKone")
    assert server_key(options) != server_key(first)


@pytest.mark.parametrize("branch", [b"z9hG4bKone", b"1"])
@pytest.mark.parametrize("method", [b"INVITE", b"MESSAGE", b"OPTIONS", b"BYE", b"REGISTER"])
def test_cancel_may_mean_a_request_of_any_method(method, branch):
    meant = request(method, URI, branch=branch)
    assert server_key(meant) in cancelled_keys(cancel_of(meant))


@pytest.mark.parametrize("method", [b"ACK", b"CANCEL"])
def test_what_a_cancel_never_means(method):
    cancel = cancel_of(invite())
    keys = cancelled_keys(cancel)
    assert all(key[-1] != method for key in keys)


def test_client_key_is_branch_and_method():
    first = invite()
    assert client_key(respond(first, 200)) == (b"z9hG4bKone", b"INVITE")
    assert client_key(respond(cancel_of(first), 200)) == (b"z9hG4bKone", b"CANCEL")
    bare = respond(first, 200)
    bare.headers.set(b"via", b"SIP/2.0/UDP 192.0.2.10")
    assert client_key(bare) is None


@pytest.mark.parametrize(
    ("branch", "verdict"),
    [
        (b"z9hG4bKx", True),
        (b"Z9HG4BKx", True),
        (b"z9hG4bK", False),
        (b"1", False),
        (b"", False),
        (None, False),
    ],
)
def test_is_unique(branch, verdict):
    assert is_unique(branch) is verdict


def old(method: bytes = b"INVITE", **changes):
    return request(method, changes.pop("uri", URI), **{"branch": b"1", **changes})


def test_rfc2543_invite_is_matched_by_its_fields():
    assert server_key(old()) == server_key(old())


@pytest.mark.parametrize(
    "change",
    [
        {"uri": b"sip:eve@example.com"},
        {"from_tag": b"other"},
        {"to_tag": b"other"},
        {"call_id": b"other"},
        {"cseq": 2},
        {"via": b"SIP/2.0/UDP 192.0.2.11:5060"},
        {"method": b"OPTIONS"},
    ],
)
def test_rfc2543_any_other_field_is_another_transaction(change):
    assert server_key(old()) != server_key(old(**change))


def test_rfc2543_ack_has_the_to_tag_of_the_response():
    first = old()
    ack = old(b"ACK", to_tag=b"of-response")
    assert server_key(ack) == rfc2543_ack_key(first, b"of-response")
    assert server_key(ack) != server_key(first)


def test_rfc2543_cancel_means_its_invite():
    assert cancelled_keys(old(b"CANCEL"))[0] == server_key(old())
