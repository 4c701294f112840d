"""What it costs to keep the messages of calls, without the calls: in the proxy and PostgreSQL.

    python -m tests.bench.kept [--calls 1000] [--digest]

Thirteen messages of a call pass the tap, a hundred calls in each turn, and are written. To count
instructions, which do not depend on neighbours, start PostgreSQL apart and take the difference of
two numbers of calls:

    python -m tests.bench.kept --serve              # prints the address of its database
    valgrind --tool=callgrind python -m tests.bench.kept --url URL --calls 200
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fedsip_platform.launch.postgres import EmbeddedPostgres
from proxy import native
from tests.bench.machine import temporary_folder

IN_A_TURN = 100
START = (
    ("INVITE sip:bob@example.com SIP/2.0", 0, True),
    ("SIP/2.0 100 Trying", 0, False),
    ("INVITE sip:bob@192.0.2.20:5060 SIP/2.0", 1, True),
    ("SIP/2.0 180 Ringing", 1, False),
    ("SIP/2.0 180 Ringing", 0, False),
    ("SIP/2.0 200 OK", 1, True),
    ("SIP/2.0 200 OK", 0, True),
    ("ACK sip:bob@192.0.2.20:5060 SIP/2.0", 0, False),
    ("ACK sip:bob@192.0.2.20:5060 SIP/2.0", 1, False),
    ("BYE sip:bob@192.0.2.20:5060 SIP/2.0", 0, False),
    ("BYE sip:bob@192.0.2.20:5060 SIP/2.0", 1, False),
    ("SIP/2.0 200 OK", 1, False),
    ("SIP/2.0 200 OK", 0, False),
)
"""Start line, which side, and whether a session description follows."""
FIELDS = (
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-a-0123456789abcdef\r\n"
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-7-1-0;rport=5060;received=192.0.2.10\r\n"
    "Record-Route: <sip:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcd@192.0.2.1:5060;lr>\r\n"
    "Record-Route: <sip:ZbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcd@192.0.2.1:5060;lr>\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:alice@example.com>;tag=f1\r\n"
    "To: <sip:bob@example.com>;tag=t1\r\n"
    "Call-ID: {call_id}\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:alice@192.0.2.10:5060;transport=UDP>\r\n"
)
DIGEST = (
    'Authorization: Digest username="alice", realm="example.com", nonce="0123456789abcdef", '
    'uri="sip:bob@example.com", response="0123456789abcdef0123456789abcdef", qop=auth, nc=00000001'
    ', cnonce="abcdef"\r\n'
)
SDP = (
    "v=0\r\no=user 53655765 2353687637 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=sendrecv\r\n"
)


def messages(number: int, digest: str) -> list[tuple[bytes, int, bool]]:
    """The bytes of each message of a call, which side it is of, and whether we sent it."""
    found = []
    for place, (start, side, has_body) in enumerate(START):
        fields = FIELDS.format(call_id=f"{number}-4711@192.0.2.10")
        fields += digest if place == 0 else ""
        body = SDP if has_body else ""
        text = f"{start}\r\n{fields}Content-Length: {len(body)}\r\n\r\n{body}"
        is_sent = place not in (0, 3, 5, 7, 9, 11)
        found.append((text.encode(), side, is_sent))
    return found


async def keep(url: str, calls: int, digest: str, database_pid: int) -> tuple[float, float]:
    """Keep the messages of so many calls; CPU seconds, and those of PostgreSQL."""
    from proxy.observe.trace import Owner, Trace
    from proxy.transport.flow import Flow
    from tests.harness import cpu

    def beside() -> float:
        return cpu.nanoseconds(database_pid) / 1e9 if database_pid else 0.0

    ends = [Flow("udp", ("192.0.2.1", 5060), (f"192.0.2.{n}", 5060)) for n in (10, 20)]
    tracing = Trace(
        url, node_id="n1", export_key="", wall=time.time, per_second=10**9, most_bytes=8192,
        export=None,
    )  # fmt: skip
    passing = [
        (f"{number}-4711@192.0.2.10".encode(), messages(number, digest)) for number in range(calls)
    ]
    before = began = 0.0
    for turn in range(0, calls, IN_A_TURN):
        if turn == IN_A_TURN:  # after what is done once
            before, began = beside(), time.process_time()
        for call_id, texts in passing[turn : turn + IN_A_TURN]:
            tracing.follow(call_id, Owner(1, 1))
            for data, side, is_sent in texts:
                (tracing.sent if is_sent else tracing.received)(data, ends[side])
        await tracing.flush()
    seconds = time.process_time() - began, beside() - before
    await tracing.close()
    return seconds


def migrated(folder: Path) -> tuple[EmbeddedPostgres, str]:
    """A server with the platform's tables, and its address."""
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    url = postgres.start()
    os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "fedsip_platform.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return postgres, url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--digest", action="store_true", help="an INVITE with credentials")
    parser.add_argument("--url", help="of a database with the platform's tables")
    parser.add_argument("--serve", action="store_true", help="PostgreSQL alone, until a line comes")
    args = parser.parse_args()
    print(f"the proxy's modules are {native.choose(pure=False)}")
    digest = DIGEST if args.digest else ""
    if args.url:
        asyncio.run(keep(args.url, args.calls, digest, 0))
        return
    with temporary_folder() as folder:
        postgres, url = migrated(folder)
        try:
            if args.serve:
                print(url, flush=True)
                sys.stdin.readline()
                return
            assert postgres.process is not None
            calls = args.calls + IN_A_TURN
            ours, beside = asyncio.run(keep(url, calls, digest, postgres.process.pid))
            print(f"CPU-µs of a call: {ours / args.calls * 1e6:.1f}, "
                  f"its PostgreSQL {beside / args.calls * 1e6:.1f}")  # fmt: skip
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
