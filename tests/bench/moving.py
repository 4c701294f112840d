"""What bringing in 100,000 users and 100,000 rules takes, and the memory that it needs.

    python -m tests.bench.moving [--rows 1000 100000]

Starts an embedded PostgreSQL of its own, as durable as in production. Each import and export is a
process of its own, whose largest resident size is told: with a hundred times the rows it must not
be much more.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fedsip_platform.launch.postgres import EmbeddedPostgres
from tests.bench.machine import temporary_folder

ROOT: Final = Path(__file__).resolve().parents[2]
_HEAD: Final = (
    "-- MySQL dump 10.19\nCREATE TABLE `subscriber` (`id` int, `username` varchar(64),"
    " `domain` varchar(64), `password` varchar(64), `ha1` varchar(64)) ENGINE=InnoDB;\n"
)


def users(domain: str, rows: int) -> Iterator[str]:
    """A dump of `subscriber`, 1000 rows in each INSERT."""
    yield _HEAD
    for start in range(0, rows, 1000):
        values = (
            f"({n},'user{n}','{domain}','','{hashlib.md5(str(n).encode()).hexdigest()}')"
            for n in range(start, min(start + 1000, rows))
        )
        yield f"INSERT INTO `subscriber` VALUES {','.join(values)};\n"


def rules(domain: str, rows: int) -> Iterator[str]:
    yield "from_domain,match_regex,tran_user,tran_priority\n"
    for n in range(rows):
        yield f"{domain},^\\+1{2_000_000_000 + n}$,user{n},{n % 90}\n"


def fedsip(*words: str, output: Path | None = None) -> None:
    """One command; says its time and its largest size."""
    began = time.perf_counter()
    with (output or Path(os.devnull)).open("wb") as file:
        command = [sys.executable, "manage.py", *words]
        process = subprocess.Popen(command, cwd=ROOT, stdout=file)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{words[0]} failed")
    took = time.perf_counter() - began
    what = " ".join(word for word in words if "/" not in word)
    print(f"  {what:60}{took:7.1f} s   {usage.ru_maxrss / 1024:6.0f} MiB", flush=True)


def measure(folder: Path, rows: int) -> None:
    domain = f"n{rows}.example"
    print(f"{rows:,} rows")
    (folder / "domain.csv").write_text(f"domain\n{domain}\n")
    with (folder / "users.sql").open("w") as file:
        file.writelines(users(domain, rows))
    with (folder / "rules.csv").open("w") as file:
        file.writelines(rules(domain, rows))
    for name in ("domain.csv", "users.sql", "rules.csv"):
        fedsip("import", str(folder / name), "--tenant", "bench")
    for table in ("subscriber", "translations"):
        fedsip("export", domain, "--table", table, output=folder / "out.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 100_000])
    args = parser.parse_args()
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres")
        try:
            os.environ["DATABASE_URL"] = server.start()
            os.environ["FEDSIP_STATE_DIR"] = str(folder)
            fedsip("migrate", "--verbosity", "0")
            fedsip("tenant", "add", "bench")
            for rows in args.rows:
                measure(folder, rows)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
