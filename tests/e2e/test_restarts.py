"""kill -9 in the middle of 50 calls: the calls end properly, and no binding is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.sip import Request
from tests.harness.calls import in_dialog, invite, register, ring_and_answer
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.sipp import Party, Sipp, pause, receive, response, scenario, send
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

CALLS = 50
DOMAIN = "restart.test"
QUIET = "nat_keepalive=off"  # SIPp takes our OPTIONS for one of the calls that it waits for


@pytest.fixture
def platform_to_kill(tmp_path: Path, migrated_url: str) -> Platform:
    return Platform(tmp_path / "platform", database_url=migrated_url, web=True)


def run(platform: Platform, folder: Path, name: str, *steps: str, **how: object) -> Sipp:
    return Sipp(
        scenario(*steps),
        folder,
        name=name,
        remote=f"127.0.0.1:{platform.port}",
        options=["-mp", str(free_port())],
        **how,  # type: ignore[arg-type]
    )


def test_proxy_killed_during_established_calls(platform_to_kill: Platform, tmp_path: Path) -> None:
    with platform_to_kill as platform:
        platform.add_domain(DOMAIN, "media_policy=always", QUIET, tenant="restart")
        alice = platform.add_user("alice", DOMAIN)
        bob = platform.add_user("bob", DOMAIN)
        bob_port = free_port()
        run(platform, tmp_path, "register", *register(bob), port=bob_port).succeeds()
        before = platform.cli("registrations", "--json")
        callee = run(
            platform,
            tmp_path,
            "callee",
            *ring_and_answer(bob.user),
            receive("BYE", seconds=60),
            send(response(200, "OK", new_tag=False), retransmit=False),
            port=bob_port,
            calls=CALLS,
            within=90.0,
        )
        caller = run(
            platform,
            tmp_path,
            "caller",
            *_call(alice, bob),
            port=free_port(),
            calls=CALLS,
            rate=25,
            within=90.0,
        )
        _until_acknowledged(callee)
        platform.kill("proxy")
        platform.start("proxy")
        assert platform.cli("registrations", "--json") == before
        caller.succeeds()
        callee.succeeds()
        byes = [m for m in callee.messages() if isinstance(m, Request) and m.method == b"BYE"]
        assert len({m.call_id for m in byes}) == CALLS
        late = run(platform, tmp_path, "callee-again", *ring_and_answer(bob.user),
                   receive("BYE"), send(response(200, "OK", new_tag=False), retransmit=False),
                   port=bob_port)  # fmt: skip
        again = run(platform, tmp_path, "caller-again", *_call(alice, bob, seconds=0.5),
                    port=free_port())  # fmt: skip
        again.succeeds()
        late.succeeds()


def test_web_killed_and_phones_notice_nothing(platform_to_kill: Platform, tmp_path: Path) -> None:
    with platform_to_kill as platform:
        platform.add_domain("web" + DOMAIN, QUIET, tenant="restartweb")
        alice = platform.add_user("alice", "web" + DOMAIN)
        bob = platform.add_user("bob", "web" + DOMAIN)
        bob_port = free_port()
        platform.kill("web")
        run(platform, tmp_path, "register", *register(bob), port=bob_port).succeeds()
        callee = run(platform, tmp_path, "callee", *ring_and_answer(bob.user),
                     receive("BYE"), send(response(200, "OK", new_tag=False), retransmit=False),
                     port=bob_port)  # fmt: skip
        caller = run(platform, tmp_path, "caller", *_call(alice, bob, seconds=0.5),
                     port=free_port())  # fmt: skip
        caller.succeeds()
        callee.succeeds()


def _call(caller: Party, callee: Party, *, seconds: float = 15.0) -> tuple[str, ...]:
    return (
        *invite(caller, callee.aor),
        receive(180),
        receive(200, route_set=True),
        in_dialog("ACK", caller, callee.aor, cseq=2),
        pause(seconds),
        in_dialog("BYE", caller, callee.aor, cseq=3),
        receive(200),
    )


def _until_acknowledged(callee: Sipp) -> None:
    """Wait until the ACK of every call has come, so that all are established."""

    def acknowledged() -> int:
        return sum(isinstance(m, Request) and m.method == b"ACK" for m in callee.messages())

    wait_until(lambda: acknowledged() >= CALLS, f"{CALLS} calls are established")
