"""Which policies a call met, as its record keeps them. Pure.

They change after a call, and then nobody could say any more why it went as it did. So its record
has a line of words, each with its values between commas:

    caller=   and callee=: what held for that side; missing where nothing is known of it, and for a
              callee of another tenant, which is not the caller's to know
                relay:always|auto|never   srtp:off|offered|required|either|dtls   codecs:A+B
                tls (needed)   open (no credentials asked)   e164   alias (of NAT in Contact)
                nat (the side is behind one)
    media=    why it goes by a relay: always, encryption, codecs, kinds (a browser and a phone),
              nat, family (IPv4 and IPv6); or why not: never, plain, spiral, browsers (which may)
    federation_in=   and federation_out=: open|verified_tls|allow_list|closed|denied, then
              rule (one for the other domain has decided), verified, trusted
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .protocols import Observed

Flags = tuple[bool, bool, bool, bool, bool]
_FLAGS: Final = ("tls", "open", "e164", "alias", "nat")


@lru_cache(maxsize=1024)
def side(relay: str, srtp: str, codecs: tuple[bytes, ...], flags: Flags) -> str:
    """The values of one side; `relay` is empty where nothing is known of its policies. `flags` are
    in the order of the table above."""
    words = [f"relay:{relay}", f"srtp:{srtp}"] if relay else []
    if codecs:
        words.append("codecs:" + "+".join(name.decode("ascii", "replace") for name in codecs))
    words += [name for name, is_set in zip(_FLAGS, flags, strict=True) if is_set]
    return ",".join(words)


def line(caller: str, callee: str, media: str, federation_in: str, federation_out: str) -> str:
    """The words of a call, without those that have nothing to say."""
    said = ""
    if caller:
        said = "caller=" + caller
    if callee:
        said += " callee=" + callee
    if media:
        said += " media=" + media
    if federation_in:
        said += " federation_in=" + federation_in
    if federation_out:
        said += " federation_out=" + federation_out
    return said.lstrip()


def policies_of(call: Observed) -> str:
    """Those that held for the branch that answered, else for the last that was tried; of a call
    that went nowhere, what was thought of its other domain."""
    context = call.response_context
    chosen = ""
    if context is not None:
        for branch in context.branches:
            if branch.policies:
                chosen = branch.policies
                if branch.final is not None and branch.final.status < 300:
                    break
    return chosen or line("", "", "", call.notes.federation_in, call.notes.federation_out)
