"""fedsip locate URI"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import speech
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import locating, shown
from fedsip_platform.launch import report
from proxy.locate.explain import Step
from proxy.locate.hop import Hop
from proxy.sip.uri import SipUri
from proxy.transport.probe import Probe


class Command(BaseCommand):
    help = gettext_lazy(
        "How a SIP address is found: each question to the DNS, the servers, and who answers."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("uri", metavar="URI", help=_("such as sip:bob@elsewhere.org"))
        parser.add_argument("--no-ping", action="store_true", help=_("send the servers nothing"))
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=tell)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def tell(options: Any) -> None:
    """Print the decision tree."""
    uri = locating.read_uri(options["uri"])
    located = locating.locate(uri, ask_hops=not options["no_ping"])
    if options["json"]:
        speech.show_one(shown.of_located(located), options)
    else:
        _show(located, uri)
    if located.explanation.error:
        speech.end_as_unwell()


def _show(located: locating.Located, uri: SipUri) -> None:
    print(located.uri)
    if Domain.objects.filter(name=uri.host_text.lower()).exists():
        print("  a domain of ours: only other servers find it so, our calls to it ring its users")
    explanation = located.explanation
    lines = [line for step in explanation.steps for line in _step(step)]
    print(report.table(lines) if lines else "  an address: nothing to ask")
    if explanation.error:
        print(f"leads nowhere: {explanation.error}")
        return
    print("servers, in the order of trying:")
    probes = {one.hop: one for one in located.probes}
    hops = enumerate(explanation.hops, start=1)
    print(report.table([[str(at), *_hop(hop, probes.get(hop))] for at, hop in hops]))


def _step(step: Step) -> list[list[str]]:
    asked = [step.question.kind, step.question.name]
    if step.error:
        return [[*asked, "", f"failed: {step.error}"]]
    holds = f"{step.seconds:.0f} s"
    first, *others = step.answers or ("nothing",)
    return [[*asked, holds, first], *(["", "", "", answer] for answer in others)]


def _hop(hop: Hop, probe: Probe | None) -> list[str]:
    return [hop.transport, shown.place(hop.address, hop.port), said(probe) if probe else ""]


def said(probe: Probe) -> str:
    """What a server said, in words."""
    if probe.status is None:
        return f"does not answer OPTIONS: {probe.reason}"
    answer = f"answers OPTIONS: {probe.status} {probe.reason} in {probe.seconds * 1000:.0f} ms"
    return f"{answer}; its certificate is {probe.certificate}" if probe.certificate else answer
