"""What may be a domain, a SIP user name, a header line: normal forms and reasons for refusal.

Every check raises Django's ValidationError with a sentence that says what to type instead.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from functools import cache

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from proxy.directory.header_lines import PROTECTED_HEADERS, is_one_line

LONGEST_DOMAIN = 253
LONGEST_USERNAME = 64

# Encoding names of RTP (IANA). What goes beside a codec, such as telephone-event, is no choice.
CODECS = (
    *("opus", "G722", "PCMA", "PCMU", "G729", "G723", "GSM", "iLBC", "speex", "AMR", "AMR-WB"),
    *("EVS", "G7221", "G726-32", "L16", "SILK", "VP8", "VP9", "H264", "H265", "AV1", "H263-1998"),
)

# RFC 3261 s25.1: user = unreserved / user-unreserved, without the escaped ones.
_USERNAME = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]+", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+", re.ASCII)


def normal_domain(text: str) -> str:
    """The one form in which a domain is kept: lower case, punycode (UTS 46), no trailing dot."""
    name = text.strip()
    if not name:
        raise ValidationError(_("Type a domain such as example.com."), code="blank")
    if name.startswith("[") or ":" in name:
        raise ValidationError(_("Type only the name: no port, no scheme, no IPv6 address."))
    try:
        name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii").rstrip(".").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValidationError(_("This is no domain name: %(error)s.") % {"error": error}) from error
    if len(name) > LONGEST_DOMAIN:
        raise ValidationError(
            _("A domain has at most %(longest_domain)s characters.")
            % {"longest_domain": LONGEST_DOMAIN}
        )
    if name.rpartition(".")[2].isdigit() and not _is_ipv4(name):
        raise ValidationError(_("The last part of a domain cannot be a number."))
    return name


def check_domain(text: str) -> None:
    """Refuse what is not in its normal form already."""
    if normal_domain(text) != text:
        raise ValidationError(_("This is not the normal form of the domain."))


def check_host(text: str) -> None:
    """Refuse what cannot be the host of a SIP URI: a domain or an address."""
    if text.startswith("[") and text.endswith("]"):
        try:
            ipaddress.IPv6Address(text[1:-1])
        except ValueError as error:
            raise ValidationError(_("This is no IPv6 address.")) from error
        return
    check_domain(text)


def check_username(text: str) -> None:
    """Refuse what cannot stand unescaped as the user of a SIP URI (RFC 3261 s25.1)."""
    if not _USERNAME.fullmatch(text):
        raise ValidationError(
            _("Use letters, digits and - _ . ! ~ * ' ( ) & = + $ , ; ? / only, without the domain.")
        )


def check_methods(value: str) -> None:
    """SIP methods in capitals between spaces, or * for all."""
    for word in value.split():
        if word != "*" and not (word.isascii() and word.isalpha() and word.isupper()):
            raise ValidationError(
                _("%(word)s is no SIP method; write them as INVITE MESSAGE OPTIONS.")
                % {"word": word}
            )


def check_codecs(value: str) -> None:
    """Names of codecs between spaces, each perhaps with its clock rate: opus PCMA/8000."""
    known = {name.lower() for name in CODECS}
    for word in value.split():
        name, *rates = word.split("/")
        if name.lower() not in known or len(rates) > 2 or not all(map(str.isdigit, rates)):
            raise ValidationError(
                _("%(word)s is no codec known here; there are %(list)s.")
                % {"word": word, "list": " ".join(CODECS)}
            )


def check_one_line(text: str) -> None:
    """Refuse line ends and other control characters: the text is written into messages."""
    if not is_one_line(text):
        raise ValidationError(_("Line ends and control characters are not allowed."))


def check_header_line(text: str) -> None:
    """Refuse what is not one complete header line, or a line that steers the message itself."""
    check_one_line(text)
    name, colon, value = text.partition(":")
    name = name.rstrip(" \t")
    if not colon or not _TOKEN.fullmatch(name):
        raise ValidationError(_("Type one header line, such as X-Account: 42."))
    if name.lower() in PROTECTED_HEADERS:
        raise ValidationError(
            _("The %(name)s line belongs to the protocol; a rule cannot add it.") % {"name": name}
        )
    if not value.strip():
        raise ValidationError(_("The %(name)s line has no value.") % {"name": name})


def check_header_lines(text: str) -> None:
    """Refuse lines of which one is no header line; a line break stands between them, never a CR."""
    for line in text.split("\n"):
        check_header_line(line)


def check_header_names(text: str) -> None:
    """Refuse what is no list of names, or names of lines that steer the message itself."""
    for name in (part.strip() for part in text.split(",")):
        if not _TOKEN.fullmatch(name):
            raise ValidationError(_("Type names of headers, such as X-Internal, Call-Info."))
        if name.lower() in PROTECTED_HEADERS:
            raise ValidationError(
                _("The %(name)s line belongs to the protocol; a rule keeps it.") % {"name": name}
            )


def check_time_zone(text: str) -> None:
    """Refuse what is no time zone of the IANA."""
    if text not in _time_zones():
        raise ValidationError(_("Type a time zone such as Europe/Berlin or America/New_York."))


@cache
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones()


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def readable(name: str) -> str:
    """A domain's name in the letters of its language, as people read it (RFC 5891)."""
    if "xn--" not in name:
        return name
    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name
