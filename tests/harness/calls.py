"""The steps that calls are made of, as SIPp scenarios: register, call with digest, answer, end."""

from __future__ import annotations

from tests.harness.sipp import (
    SDP,
    Party,
    ack_of_failure,
    receive,
    request,
    response,
    send,
)


def register(party: Party, *, last: int = 200) -> tuple[str, ...]:
    domain = f"sip:{party.domain}"
    first = request("REGISTER", party, domain, to=party.aor, cseq=1, extra=["Expires: 300"])
    again = request(
        "REGISTER", party, domain, to=party.aor, cseq=2,
        extra=["Expires: 300", party.authentication],
    )  # fmt: skip
    return send(first), receive(401, challenge=True), send(again), receive(last)


def invite(
    caller: Party, target: str, *, body: str = SDP, extra: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """INVITE, challenge, INVITE with credentials."""
    return (
        send(request("INVITE", caller, target, cseq=1, body=body, extra=extra)),
        receive(100, optional=True),
        receive(407, challenge=True),
        send(ack_of_failure(caller, target, cseq=1), retransmit=False),
        send(
            request(
                "INVITE", caller, target, cseq=2, body=body, extra=(*extra, caller.authentication)
            )
        ),
        receive(100, optional=True),
    )


def in_dialog(
    method: str,
    caller: Party,
    target: str,
    *,
    cseq: int,
    body: str = "",
    extra: tuple[str, ...] = (),
) -> str:
    text = request(
        method, caller, target, to=target, cseq=cseq, in_dialog=True, body=body, extra=extra
    )
    return send(text, retransmit=method != "ACK")


def ring_and_answer(user: str) -> tuple[str, ...]:
    return (
        receive("INVITE", route_set=True),
        send(response(180, "Ringing", user=user), retransmit=False),
        send(response(200, "OK", user=user, body=SDP)),
        receive("ACK"),
    )


def bye_from_caller(caller: Party, target: str, *, cseq: int = 3) -> tuple[str, ...]:
    return in_dialog("BYE", caller, target, cseq=cseq), receive(200)


def bye_at_callee() -> tuple[str, ...]:
    return receive("BYE"), send(response(200, "OK", new_tag=False), retransmit=False)
