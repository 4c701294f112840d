"""What a person reads: the table after `up`, what a phone is told, what `status` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(rows: Iterable[Sequence[str]], *, indent: str = "  ") -> str:
    """Left-aligned columns, as wide as their widest cell."""
    cells = [list(row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = (
        indent + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def after_start(facts: Mapping[str, Any]) -> str:
    """The one table that `up` prints when everything serves."""
    rows = [("Dashboard", facts["dashboard"], f"certificate SHA-256 {facts['fingerprint'][:23]}…")]
    administrator = facts.get("administrator")
    if administrator:
        rows.append(("Administrator", administrator["email"], _password_text(administrator)))
    rows += [(f"SIP {where['protocol']}", where["address"], "") for where in facts["sip"]]
    rows.append(("SIP runs as", facts["runs_as"], ""))
    rows.append(("Media", facts["media"], "RTP through the relay"))
    rows.append(("Media runs as", facts["media_runs_as"], ""))
    rows.append(("Logs", facts["logs"], "./fedsip logs"))
    text = "\nfedsip is up.\n\n" + table(rows) + "\n"
    if facts.get("demo"):
        text += "\n" + phone_settings(facts["demo"], facts["outbound_proxy"])
    return text


def phone_settings(demo: Mapping[str, Any], outbound_proxy: str) -> str:
    """What to type into two phones."""
    rows = [("", *(f"phone {number}" for number in range(1, len(demo["users"]) + 1)))]
    rows.append(("User name", *(user["username"] for user in demo["users"])))
    rows.append(("Password", *(user["password"] for user in demo["users"])))
    rows.append(("Domain (SIP server)", *(demo["domain"] for _ in demo["users"])))
    rows.append(("Outbound proxy", *(outbound_proxy for _ in demo["users"])))
    rows.append(("Transport", *("UDP, TCP or TLS" for _ in demo["users"])))
    first, second = (user["username"] for user in demo["users"][:2])
    return (
        "Type this into two phones:\n\n"
        + table(rows)
        + f"\n\nThen dial {second} from {first}'s phone.\n"
    )


def status(facts: Mapping[str, Any]) -> str:
    """One row for each process."""
    rows = [("PROCESS", "STATE", "PID", "RESTARTS")]
    rows += [
        (each["name"], each["state"], str(each["pid"] or "-"), str(each["restarts"]))
        for each in facts["processes"]
    ]
    text = table(rows, indent="")
    if "runs_as" in facts:  # known when everything serves
        text += f"\n\nThe proxy runs as {facts['runs_as']}."
        text += f"\nThe relay runs as {facts['media_runs_as']}."
    return text


def _password_text(administrator: Mapping[str, Any]) -> str:
    if administrator.get("password"):
        return f"password {administrator['password']}"
    return "password as set (./fedsip admin password sets a new one)"
