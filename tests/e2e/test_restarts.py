"""kill -9 in the middle of calls, with PostgreSQL and without: the calls end properly, no binding
is lost, and each call leaves one record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedsip_platform.launch.postgres import EmbeddedPostgres
from proxy.sip import Request
from tests.harness.calls import bye_at_callee, in_dialog, invite, register, ring_and_answer
from tests.harness.database import Administrator, server_of_its_own
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


@pytest.fixture
def server() -> Iterator[tuple[EmbeddedPostgres, str]]:
    with server_of_its_own() as found:
        yield found


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
        _until_acknowledged(callee, CALLS)
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


def test_proxy_killed_as_soon_as_it_rings(platform_to_kill: Platform, tmp_path: Path) -> None:
    """Before anything of the call was written to PostgreSQL."""
    with platform_to_kill as platform:
        platform.add_domain("ring" + DOMAIN, QUIET, tenant="restartring")
        alice = platform.add_user("alice", "ring" + DOMAIN)
        bob = platform.add_user("bob", "ring" + DOMAIN)
        bob_port = free_port()
        run(platform, tmp_path, "register", *register(bob), port=bob_port).succeeds()
        rings = run(platform, tmp_path, "rings", *_ring_on(bob.user), port=bob_port)
        caller = run(platform, tmp_path, "caller", *_wait_for_answer(alice, bob), port=free_port())
        wait_until(lambda: bool(_call_ids(rings)), "bob's phone rings")
        platform.kill("proxy")
        platform.start("proxy")

        def ended() -> list[tuple[str, str]]:
            calls = json.loads(platform.cli("calls", "--user", alice.aor, "--json"))
            return [(one["call_id"], one["reason"]) for one in calls]

        wait_until(lambda: bool(ended()), "the call is on record")
        assert ended() == [(call_id, "Proxy restarted") for call_id in _call_ids(caller)]
        for unanswered in (caller, rings):
            unanswered.stop()


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


def test_proxy_killed_while_postgres_is_away(
    server: tuple[EmbeddedPostgres, str], tmp_path: Path
) -> None:
    """Of each kind of call some begin with PostgreSQL and some without: those that end while it is
    away, those that ring at the kill, and those that talk then."""
    postgres, url = server
    with Platform(tmp_path / "platform", database_url=url) as platform:
        platform.add_domain(DOMAIN, "media_policy=always", QUIET)
        alice, bob, carol, dave = (
            platform.add_user(name, DOMAIN) for name in ("alice", "bob", "carol", "dave")
        )

        def calls(name: str, number: int, *steps: str, port: int = 0) -> Sipp:
            return run(platform, tmp_path, name, *steps, port=port or free_port(), calls=number,
                       within=120.0)  # fmt: skip

        def phone(callee: Party, number: int, *steps: str) -> Sipp:
            port = free_port()
            calls(f"register-{callee.user}", 1, *register(callee), port=port).succeeds()
            return calls(callee.user, number, *steps, port=port)

        talks = phone(bob, 18, *ring_and_answer(bob.user), *bye_at_callee())
        rings = phone(carol, 2, *_ring_on(carol.user))
        stays = phone(dave, 2, *ring_and_answer(dave.user), *bye_at_callee())
        before = calls("before", 3, *_call(alice, bob, seconds=0))
        before.succeeds()
        across = calls("across", 5, *_call(alice, bob, seconds=3))
        ringing = [calls("ringing", 1, *_wait_for_answer(alice, carol))]
        talking = [calls("talking", 1, *_be_hung_up_on(alice, dave))]
        _until_acknowledged(talks, 8)
        _until_acknowledged(stays, 1)
        wait_until(lambda: len(_call_ids(rings)) == 1, "carol's phone rings")
        postgres.stop()
        across.succeeds()
        away = calls("away", 10, *_call(alice, bob, seconds=0))
        ringing.append(calls("ringing-away", 1, *_wait_for_answer(alice, carol)))
        talking.append(calls("talking-away", 1, *_be_hung_up_on(alice, dave)))
        away.succeeds()
        talks.succeeds()
        for kind, column, some in (
            ("calls", "ended_at", away),
            ("live", "ringing_at", ringing[1]),
            ("live", "answered_at", talking[1]),
        ):
            _until_on_disk(platform, kind, column, some)
        platform.kill("proxy")
        assert postgres.start() == url
        platform.start("proxy")
        administrator = Administrator(url)
        live = "SELECT public_id, node_id, call_id FROM calls_livecall"
        wait_until(lambda: len(administrator.ask(live)) == 2, "what rang is closed")
        for public_id, node_id, call_id in administrator.ask(live):
            assert call_id in _call_ids(*talking)
            administrator.add("calls_hangup", public_id=public_id, node_id=node_id)
        for finished in (*talking, stays):
            finished.succeeds()
        wait_until(lambda: not administrator.ask(live), "no call is open")
        expected = {
            **dict.fromkeys(_call_ids(before, across, away), (200, "BYE", "caller")),
            **dict.fromkeys(_call_ids(*ringing), (503, "Proxy restarted", "proxy")),
            **dict.fromkeys(_call_ids(*talking), (200, "Hung up", "proxy")),
        }
        records = "SELECT call_id, status, reason, ended_by FROM calls_callrecord ORDER BY call_id"
        assert administrator.ask(records) == [
            (call_id, *how) for call_id, how in sorted(expected.items())
        ]
        assert len(expected) == 22
        administrator.close()
        for unanswered in (*ringing, rings):
            unanswered.stop()


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


def _wait_for_answer(caller: Party, callee: Party) -> tuple[str, ...]:
    return *invite(caller, callee.aor), receive(180), receive(200)


def _ring_on(user: str) -> tuple[str, ...]:
    ringing = send(response(180, "Ringing", user=user), retransmit=False)
    return receive("INVITE"), ringing, receive("CANCEL")


def _be_hung_up_on(caller: Party, callee: Party) -> tuple[str, ...]:
    return (
        *invite(caller, callee.aor),
        receive(180),
        receive(200, route_set=True),
        in_dialog("ACK", caller, callee.aor, cseq=2),
        *bye_at_callee(),
    )


def _until_acknowledged(callee: Sipp, calls: int) -> None:
    """Wait until the ACK of every call has come, so that all are established."""

    def acknowledged() -> int:
        return sum(isinstance(m, Request) and m.method == b"ACK" for m in callee.messages())

    wait_until(lambda: acknowledged() >= calls, f"{calls} calls are established")


def _call_ids(*phones: Sipp) -> set[str]:
    return {m.call_id.decode() for phone in phones for m in phone.messages("sent")}


def _until_on_disk(platform: Platform, kind: str, column: str, caller: Sipp) -> None:
    """Wait until rows of all its calls, with this column filled, wait for PostgreSQL."""

    def found() -> set[str]:
        files = (platform.folder / "spool").glob("*")
        lines = [line for file in files for line in file.read_text().split("\n")[:-1]]
        rows = [row for line in lines for row in json.loads(line).get(kind, ())]
        return {row["call_id"] for row in rows if row[column]}

    wait_until(lambda: bool(_call_ids(caller)) and found() >= _call_ids(caller), "it is on disk")
