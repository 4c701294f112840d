"""What was located and which records are published, as programs read it: for REST and --json."""

from __future__ import annotations

from typing import Any

from proxy.locate.hop import Hop
from proxy.transport.probe import Probe

from .dns_records import AtServer, Checked
from .locating import Located


def of_located(located: Located) -> dict[str, Any]:
    """How an address was located, and who answered."""
    explanation = located.explanation
    probes = {probe.hop: probe for probe in located.probes}
    return {
        "uri": located.uri,
        "steps": [
            {
                "kind": step.question.kind,
                "name": step.question.name,
                "answers": list(step.answers),
                "seconds": round(step.seconds, 1),
                "error": step.error,
            }
            for step in explanation.steps
        ],
        "hops": [_of_hop(hop, probes.get(hop)) for hop in explanation.hops],
        "error": explanation.error,
    }


def place(address: str, port: int) -> str:
    """Address and port, as in a URI (RFC 3986 s3.2.2)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _of_hop(hop: Hop, probe: Probe | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "transport": hop.transport,
        "address": hop.address,
        "port": hop.port,
        "tls_name": hop.tls_name,
    }
    if probe is not None:
        row |= {
            "status": probe.status,
            "reason": probe.reason,
            "seconds": round(probe.seconds, 3),
            "certificate": probe.certificate,
        }
    return row


def of_server(at: AtServer) -> dict[str, Any]:
    """What one of the zone's own servers has of the records to publish."""
    records = [of_dns_record(each) for each in at.checked]
    return {"server": at.server, "address": at.address, "records": records}


def of_dns_record(checked: Checked) -> dict[str, Any]:
    """A record to publish, and what the DNS has."""
    record = checked.record
    return {
        "name": record.name,
        "kind": record.kind,
        "value": record.value,
        "line": str(record),
        "state": checked.state,
        "found": list(checked.found),
    }
