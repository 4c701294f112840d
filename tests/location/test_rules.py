"""The registrar's rules as tables: RFC 3261 s10.3, RFC 3327, RFC 5626 s6."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.location.model import Binding
from proxy.location.rules import (
    MAX_CONTACTS_IN_REQUEST,
    Limits,
    RegisterRefused,
    apply_register,
    contact_expires,
    contact_q,
)
from proxy.sip.errors import ParseError
from proxy.sip.fields import parse_name_addr
from proxy.sip.message import Request
from proxy.sip.uri import Aor
from tests.harness.registrations import ALICE, SOURCE, WALL, applied, register

DESK = b"<sip:alice@192.0.2.10:5060>"
MOBILE = b"<sip:alice@192.0.2.11:5060>"
INSTANCE = b';+sip.instance="<urn:uuid:0001>"'
OUTBOUND = {"supported": b"path, outbound"}


def contacts(bindings: list[Binding]) -> list[bytes]:
    return [binding.contact for binding in bindings]


def registered(*requests: Request) -> list[Binding]:
    bindings: list[Binding] = []
    for one in requests:
        bindings = applied(bindings, one).after
    return bindings


def refused(to: list[Binding], made: Request, limits: Limits | None = None) -> RegisterRefused:
    with pytest.raises(RegisterRefused) as found:
        applied(to, made, limits=limits)
    return found.value


# -- adding, refreshing, removing


def test_a_new_contact() -> None:
    outcome = applied([], register(DESK + b";q=0.5", call_id=b"c", cseq=4, user_agent=b"Snom"))
    (made,) = outcome.after
    assert outcome.written == [made]
    assert outcome.removed == []
    assert outcome.commit_needed
    assert not outcome.uses_outbound
    assert (made.aor, made.contact, made.q) == (ALICE, b"sip:alice@192.0.2.10:5060", 500)
    assert (made.expires_at, made.registered_at) == (WALL + 3600, WALL)
    assert (made.call_id, made.cseq, made.user_agent) == (b"c", 4, b"Snom")
    assert (made.domain_id, made.subscriber_id, made.node_id) == (1, 7, b"a")


def test_a_query_changes_nothing() -> None:
    before = registered(register(DESK))
    outcome = applied(before, register())
    assert outcome.after == before
    assert (outcome.written, outcome.removed, outcome.commit_needed) == ([], [], False)


def test_a_refresh_needs_no_commit() -> None:
    before = registered(register(DESK, cseq=1))
    outcome = applied(before, register(DESK, cseq=2, expires=b"1800"), wall=WALL + 100)
    (made,) = outcome.written
    assert outcome.after == [made]
    assert not outcome.commit_needed
    assert (made.expires_at, made.cseq) == (WALL + 1900, 2)
    assert made.registered_at == WALL
    assert made.binding_id == before[0].binding_id


@pytest.mark.parametrize(
    "changed",
    [
        {"flow_token": b"another"},
        {"node_id": b"b"},
    ],
)
def test_another_way_needs_a_commit(changed: dict[str, bytes]) -> None:
    before = registered(register(DESK, cseq=1))
    source = replace(SOURCE, **changed)
    outcome = applied(before, register(DESK, cseq=2), source=source, wall=WALL + 9)
    assert outcome.commit_needed
    assert outcome.removed == []
    assert outcome.after[0].registered_at == WALL + 9


@pytest.mark.parametrize(
    "again",
    [
        register(DESK + b";q=0.7"),
        register(DESK + b';methods="INVITE"'),
        register(DESK + INSTANCE),
        register(DESK, path=b"<sip:192.0.2.50;lr>", supported=b"path"),
    ],
)
def test_another_quality_needs_a_commit(again: Request) -> None:
    outcome = applied(registered(register(DESK, cseq=0)), again)
    assert outcome.commit_needed
    assert len(outcome.after) == 1


@pytest.mark.parametrize(
    "again",
    [
        register(DESK, user_agent=b"Snom 2"),
        register(DESK, call_id=b"after a reboot", cseq=1),
        register(b'"Alice" ' + DESK),
    ],
)
def test_what_is_a_refresh_all_the_same(again: Request) -> None:
    outcome = applied(registered(register(DESK, cseq=0)), again)
    assert outcome.written
    assert not outcome.commit_needed


def test_removal() -> None:
    before = registered(register(DESK, MOBILE))
    outcome = applied(before, register(DESK, expires=b"0"))
    assert contacts(outcome.after) == [b"sip:alice@192.0.2.11:5060"]
    assert contacts(outcome.removed) == [b"sip:alice@192.0.2.10:5060"]
    assert outcome.commit_needed
    assert applied(before, register(DESK + b";expires=0")).removed == outcome.removed


def test_removal_of_what_is_not_there() -> None:
    outcome = applied([], register(DESK, expires=b"0"))
    assert (outcome.after, outcome.removed, outcome.commit_needed) == ([], [], False)


def test_several_contacts_at_once() -> None:
    before = registered(register(DESK))
    outcome = applied(before, register(DESK + b";expires=0", MOBILE + b";expires=60"))
    assert contacts(outcome.after) == [b"sip:alice@192.0.2.11:5060"]
    assert outcome.after[0].expires_at == WALL + 60
    in_one_line = register(DESK + b";expires=0, " + MOBILE + b";expires=60")
    assert contacts(applied(before, in_one_line).after) == contacts(outcome.after)


def test_the_same_contact_twice_in_one_request() -> None:
    outcome = applied([], register(DESK, DESK + b";q=0.2"))
    assert [binding.q for binding in outcome.after] == [200]
    assert outcome.written == outcome.after
    removed = applied([], register(DESK, DESK + b";expires=0"))
    assert (removed.after, removed.written) == ([], [])
    again = applied(registered(register(DESK)), register(DESK + b";expires=0", DESK))
    assert len(again.after) == 1
    assert again.commit_needed


# -- star


def test_star_removes_all() -> None:
    before = registered(register(DESK, MOBILE))
    outcome = applied(before, register(b"*", expires=b"0"))
    assert outcome.after == []
    assert outcome.removed == before
    assert outcome.commit_needed
    assert not applied([], register(b"*", expires=b"0")).commit_needed


@pytest.mark.parametrize(
    "made",
    [
        register(b"*"),
        register(b"*", expires=None),
        register(b"*", expires=b"nonsense"),
    ],
)
def test_star_needs_expires_0(made: Request) -> None:
    assert refused(registered(register(DESK)), made).status == 400


@pytest.mark.parametrize("contacts", [(b"*", DESK), (b"*, " + DESK,), (b"*", b"*"), (b"*;q=1",)])
def test_star_stands_alone(contacts: tuple[bytes, ...]) -> None:
    with pytest.raises(ParseError):
        applied(registered(register(DESK)), register(*contacts, expires=b"0"))


# -- order


@pytest.mark.parametrize("contact", [DESK, DESK + b";expires=0", b"*"])
@pytest.mark.parametrize(
    ("call_id", "cseq", "status"),
    [(b"c", 9, 500), (b"c", 10, 500), (b"c", 11, None), (b"other", 1, None)],
)
def test_order_within_a_call_id(
    contact: bytes, call_id: bytes, cseq: int, status: int | None
) -> None:
    before = registered(register(DESK, call_id=b"c", cseq=10))
    expires = b"0" if contact == b"*" else b"3600"
    made = register(contact, call_id=call_id, cseq=cseq, expires=expires)
    if status is None:
        assert applied(before, made).written or applied(before, made).removed
    else:
        assert refused(before, made).status == status


def test_all_of_a_request_or_nothing() -> None:
    before = registered(register(DESK, call_id=b"c", cseq=10))
    refused(before, register(MOBILE, DESK, call_id=b"c", cseq=10))
    assert contacts(before) == [b"sip:alice@192.0.2.10:5060"]


def test_a_call_id_that_cannot_be_kept_still_orders() -> None:
    for odd in (b"\xff\xfe", b"x" * 1000, b"a\tb"):
        before = registered(register(DESK, call_id=odd, cseq=10))
        assert before[0].call_id.isalnum()
        assert refused(before, register(DESK, call_id=odd, cseq=10)).status == 500
        assert applied(before, register(DESK, call_id=odd, cseq=11)).written


# -- expiry


@pytest.mark.parametrize(
    ("header", "parameter", "granted"),
    [
        (None, b"", 3600),
        (b"1800", b"", 1800),
        (b"1800", b";expires=600", 600),
        (b"0", b";expires=600", 600),
        (b"1800", b";expires=0", 0),
        (b"nonsense", b"", 3600),
        (b"1800", b";expires=nonsense", 3600),
        (b"1800", b";expires=-1", 3600),
        (b"86401", b"", 86400),
        (b"4294967295", b"", 86400),
        (b"9" * 40, b"", 86400),
        (b"60", b"", 60),
        (b"59", b"", None),
        (b"3600", b";expires=1", None),
    ],
)
def test_how_long(header: bytes | None, parameter: bytes, granted: int | None) -> None:
    made = register(DESK + parameter, expires=header)
    if granted is None:
        refusal = refused([], made)
        assert (refusal.status, refusal.headers) == (423, ((b"min-expires", b"60"),))
    else:
        assert contact_expires(made, made.contacts[0], Limits()) == granted


def test_an_hour_is_never_too_brief() -> None:
    limits = Limits(min_expires=7200)
    assert refused([], register(DESK, expires=b"3599"), limits).status == 423
    made = register(DESK, expires=b"3600")
    assert contact_expires(made, made.contacts[0], limits) == 7200


# -- comparison of contacts


@pytest.mark.parametrize(
    ("first", "second", "are_same"),
    [
        (b"sip:a@h", b"sip:a@H", True),
        (b"sip:a@h", b"sip:A@h", False),
        (b"sip:a@h", b"sip:a@h:5060", False),
        (b"sip:a@h", b"sips:a@h", False),
        (b"sip:a@h", b"sip:a@h;transport=tcp", False),
        (b"sip:a@h;transport=TCP", b"sip:a@h;transport=tcp", True),
        (b"sip:a@h;x=1", b"sip:a@h", True),
        (b"sip:a@h;x=1", b"sip:a@h;x=2", False),
        (b"sip:a@h;x=1;y=2", b"sip:a@h;y=2;x=1", True),
        (b"sip:%61@h", b"sip:a@h", True),
    ],
)
def test_which_contacts_are_the_same(first: bytes, second: bytes, are_same: bool) -> None:
    before = registered(register(b"<" + first + b">"))
    outcome = applied(before, register(b"<" + second + b">"))
    assert len(outcome.after) == (1 if are_same else 2)
    assert outcome.after[-1].contact == second
    if are_same and outcome.written[0].binding_id != before[0].binding_id:
        assert outcome.removed == before
        assert outcome.commit_needed


# -- limits


def test_too_many_contacts() -> None:
    limits = Limits(max_contacts=2)
    before = registered(register(DESK, MOBILE))
    third = b"<sip:alice@192.0.2.12>"
    assert refused(before, register(third), limits).status == 403
    assert refused([], register(DESK, MOBILE, third), limits).status == 403
    assert len(applied(before, register(DESK + b";expires=0", third), limits=limits).after) == 2


def test_a_lowered_limit_still_lets_refresh() -> None:
    limits = Limits(max_contacts=1)
    before = registered(register(DESK, MOBILE))
    assert len(applied(before, register(DESK), limits=limits).after) == 2
    assert refused(before, register(b"<sip:alice@192.0.2.12>"), limits).status == 403


def test_too_many_contacts_in_one_request() -> None:
    many = [b"<sip:a@192.0.2.1:%d>;expires=0" % (port + 1) for port in range(33)]
    assert refused([], register(*many)).status == 403
    assert applied([], register(*many[:MAX_CONTACTS_IN_REQUEST])).after == []


@pytest.mark.parametrize(
    "made",
    [
        register(b"<tel:+4930123>"),
        register(b"<mailto:alice@example.com>"),
        register(b"<sip:" + b"a" * 1100 + b"@h>"),
        register(b'<sip:a@h>;+sip.instance="' + b"x" * 300 + b'"'),
        register(b'<sip:a@h>;+sip.instance="\xff"'),
    ],
)
def test_contacts_that_cannot_be(made: Request) -> None:
    assert refused([], made).status == 400


@pytest.mark.parametrize("q", [b"1.1", b"2", b"x", b"0.1234", b".5", b"0.x", b"1.001", b"-1"])
def test_q_that_cannot_be(q: bytes) -> None:
    with pytest.raises(ParseError):
        contact_q(parse_name_addr(DESK + b";q=" + q))


@pytest.mark.parametrize(
    ("q", "thousandths"),
    [(b"", 1000), (b";q=1", 1000), (b";q=1.0", 1000), (b";q=0", 0), (b";q=0.05", 50)],
)
def test_q(q: bytes, thousandths: int) -> None:
    assert contact_q(parse_name_addr(DESK + q)) == thousandths


def test_a_user_who_is_no_text() -> None:
    for aor in (b"\xff@example.com", b"a\0b@example.com", b"a" * 600 + b"@example.com"):
        with pytest.raises(RegisterRefused) as found:
            apply_register(Aor(aor), register(DESK), [], SOURCE, Limits(), wall=WALL)
        assert found.value.status == 400


# -- Path


def test_path_is_kept() -> None:
    made = register(DESK, path=b"<sip:192.0.2.50;lr>, <sip:192.0.2.51;lr>", supported=b"path")
    assert applied([], made).after[0].path == (b"<sip:192.0.2.50;lr>", b"<sip:192.0.2.51;lr>")
    required = register(DESK, path=b"<sip:192.0.2.50;lr>", require=b"path")
    assert applied([], required).after[0].path == (b"<sip:192.0.2.50;lr>",)


def test_path_needs_support() -> None:
    refusal = refused([], register(DESK, path=b"<sip:192.0.2.50;lr>"))
    assert (refusal.status, refusal.headers) == (421, ((b"require", b"path"),))


@pytest.mark.parametrize(
    "path", [b"<tel:123>", b"<sip:" + b"a" * 1100 + b"@h;lr>", b", ".join([b"<sip:h;lr>"] * 9)]
)
def test_path_that_cannot_be(path: bytes) -> None:
    assert refused([], register(DESK, path=path, supported=b"path")).status == 400


def test_path_that_cannot_be_read() -> None:
    with pytest.raises(ParseError):
        applied([], register(DESK, path=b"<sip:h", supported=b"path"))


# -- outbound


def outbound(contact: bytes, reg_id: int = 1, **fields: bytes) -> Request:
    parameter = b";reg-id=%d" % reg_id
    return register(contact + INSTANCE + parameter, **(OUTBOUND | fields))  # type: ignore[arg-type]


def test_instance_and_reg_id_replace_whatever_the_contact() -> None:
    before = registered(outbound(DESK))
    outcome = applied(before, outbound(MOBILE), source=replace(SOURCE, flow_token=b"new"))
    (made,) = outcome.after
    assert outcome.uses_outbound
    assert outcome.commit_needed
    assert (made.contact, made.flow_token) == (b"sip:alice@192.0.2.11:5060", b"new")
    assert (made.instance, made.reg_id) == (b"urn:uuid:0001", 1)
    assert made.binding_id == before[0].binding_id
    assert outcome.removed == []


def test_each_reg_id_is_a_flow_of_its_own() -> None:
    assert len(registered(outbound(DESK), outbound(DESK, 2))) == 2


@pytest.mark.parametrize(
    "made",
    [
        register(DESK + INSTANCE + b";reg-id=1"),
        register(DESK + b";reg-id=1", **OUTBOUND),  # type: ignore[arg-type]
        register(DESK + INSTANCE + b";reg-id=0", **OUTBOUND),  # type: ignore[arg-type]
        register(DESK + INSTANCE + b";reg-id=x", **OUTBOUND),  # type: ignore[arg-type]
        register(DESK + INSTANCE + b";reg-id=2147483648", **OUTBOUND),  # type: ignore[arg-type]
        register(DESK + INSTANCE + b";reg-id=000000000012147483648", **OUTBOUND),  # type: ignore[arg-type]
    ],
)
def test_when_reg_id_does_not_count(made: Request) -> None:
    outcome = applied([], made)
    assert outcome.after[0].reg_id is None
    assert not outcome.uses_outbound


def test_one_contact_with_reg_id_at_a_time() -> None:
    first = DESK + INSTANCE + b";reg-id=1"
    assert refused([], register(first, MOBILE, **OUTBOUND)).status == 400  # type: ignore[arg-type]
    both = register(first, MOBILE + b";expires=0", **OUTBOUND)  # type: ignore[arg-type]
    assert len(applied([], both).after) == 1


@pytest.mark.parametrize(
    ("vias", "path", "status"),
    [
        (1, None, None),
        (2, None, 439),
        (2, b"<sip:192.0.2.50;lr>", 439),
        (2, b"<sip:token@192.0.2.50;lr;ob>", None),
        (3, b"<sip:192.0.2.51;lr>, <sip:token@192.0.2.50;lr;ob>", None),
        (3, b"<sip:192.0.2.51;lr;ob>, <sip:192.0.2.50;lr>", 439),
    ],
)
def test_the_first_hop_must_know_outbound(
    vias: int, path: bytes | None, status: int | None
) -> None:
    fields = OUTBOUND if path is None else OUTBOUND | {"path": path}
    made = register(DESK + INSTANCE + b";reg-id=1", vias=vias, **fields)  # type: ignore[arg-type]
    if status is None:
        assert applied([], made).uses_outbound
    else:
        assert refused([], made).status == status


def test_public_gruu() -> None:
    (made,) = registered(register(DESK + b';+sip.instance="<urn:uuid:a b>"'))
    assert made.gruu == b"sip:alice@example.com;gr=urn:uuid:a%20b"
    assert registered(register(DESK))[0].gruu is None


# -- any order of events keeps the books


steps = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([b"", b";expires=0", b";expires=60", b";q=0.5", b";x=1", b";x=2"]),
        st.integers(1, 6),
        st.sampled_from([b"c1", b"c2"]),
    ),
    max_size=25,
)


@given(steps)
def test_books_are_kept(events: list[tuple[int, bytes, int, bytes]]) -> None:
    """Memory that applies removed and written always equals `after`."""
    held: dict[str, Binding] = {}
    for number, parameter, cseq, call_id in events:
        inside = parameter if parameter.startswith(b";x") else b""
        contact = b"<sip:alice@192.0.2.%d%b>%b" % (number, inside, b"" if inside else parameter)
        try:
            outcome = applied(
                list(held.values()),
                register(contact, cseq=cseq, call_id=call_id),
                limits=Limits(max_contacts=3),
            )
        except RegisterRefused:
            continue
        for binding in outcome.removed:
            held.pop(binding.binding_id, None)
        for binding in outcome.written:
            held[binding.binding_id] = binding
        assert sorted(held) == sorted(binding.binding_id for binding in outcome.after)
        assert len({binding.contact for binding in held.values()}) == len(held)
        if not outcome.commit_needed:
            assert outcome.removed == []
