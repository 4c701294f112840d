"""Digest authentication (RFC 3261 s22, RFC 7616, RFC 8760): challenge, verify, and answer.

Nonces are stateless: `wall-clock seconds, serial, keyed hash`. Any node that has the secret
verifies them. What a node remembers is the highest nonce counts, to refuse replays (RFC 7616 s3.4).
To verify takes HA1 only, never a password; to answer others' challenges takes one.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from hashlib import blake2b, md5, sha256
from hmac import compare_digest
from typing import Final

from .fields import Credentials
from .scan import quote

MD5: Final = b"MD5"
SHA256: Final = b"SHA-256"
ALGORITHMS: Final = (SHA256, MD5)

NONCE_SECONDS: Final = 300.0
_HASHES: Final = {MD5: md5, SHA256: sha256}
_SEAL_BYTES: Final = 12
_HEX: Final = b"0123456789abcdefABCDEF"
_DUMMY_HA1: Final = b"0" * 32


class Verdict(Enum):
    """What came of verifying credentials."""

    OK = "ok"
    STALE = "stale"  # right, but for an old nonce: challenge again with stale=true
    WRONG = "wrong"
    MALFORMED = "malformed"


class NonceCounts:
    """Highest nc of each nonce that was used, the oldest forgotten first."""

    __slots__ = ("_limit", "_seen")

    def __init__(self, limit: int = 200_000) -> None:
        self._seen: OrderedDict[bytes, int] = OrderedDict()
        self._limit = limit

    def is_new(self, nonce: bytes, count: int) -> bool:
        """Whether the count is above all that were seen with the nonce; it is then remembered."""
        seen = self._seen
        if count <= seen.get(nonce, 0):
            return False
        seen[nonce] = count
        if len(seen) > self._limit:
            seen.popitem(last=False)
        return True


def make_nonce(secret: bytes, *, wall: float, unique: bytes) -> bytes:
    """A nonce of this second; `unique` makes it differ from others of the same second."""
    text = b"%x-%b" % (int(wall), unique)
    return text + b"-" + _seal(secret, text)


def _seal(secret: bytes, text: bytes) -> bytes:
    digest = blake2b(text, key=secret, digest_size=_SEAL_BYTES, person=b"fedsip nonce").digest()
    return urlsafe_b64encode(digest).rstrip(b"=").replace(b"-", b".")


def nonce_age(nonce: bytes, secret: bytes, *, wall: float) -> float | None:
    """Seconds since we made the nonce; None when we did not make it."""
    text, dash, seal = nonce.rpartition(b"-")
    if not dash or not compare_digest(_seal(secret, text), seal):
        return None
    return wall - int(text.partition(b"-")[0], 16)


def make_challenge(
    realm: bytes,
    secret: bytes,
    *,
    wall: float,
    unique: bytes,
    algorithms: tuple[bytes, ...] = ALGORITHMS,
    stale: bool = False,
) -> list[bytes]:
    """Values of WWW-/Proxy-Authenticate, strongest algorithm first (RFC 8760 s2.3)."""
    nonce = make_nonce(secret, wall=wall, unique=unique)
    flag = b", stale=true" if stale else b""
    return [
        b'Digest realm="%b", nonce="%b", algorithm=%b, qop="auth,auth-int"%b'
        % (realm, nonce, algorithm, flag)
        for algorithm in algorithms
    ]


def ha1(username: bytes, realm: bytes, password: bytes, algorithm: bytes = MD5) -> bytes:
    """Hexadecimal H(username:realm:password)."""
    return _HASHES[algorithm](b"%b:%b:%b" % (username, realm, password)).hexdigest().encode()


def digest_response(
    ha1_hex: bytes,
    method: bytes,
    uri: bytes,
    nonce: bytes,
    *,
    algorithm: bytes = MD5,
    qop: bytes | None = None,
    nc: bytes = b"",
    cnonce: bytes = b"",
    body: bytes = b"",
) -> bytes:
    """The response value for these parameters (RFC 7616 s3.4.1)."""
    hash_of = _HASHES[algorithm]
    a2 = method + b":" + uri
    if qop == b"auth-int":
        a2 += b":" + hash_of(body).hexdigest().encode()
    ha2 = hash_of(a2).hexdigest().encode()
    if qop is None:
        text = b"%b:%b:%b" % (ha1_hex, nonce, ha2)
    else:
        text = b"%b:%b:%b:%b:%b:%b" % (ha1_hex, nonce, nc, cnonce, qop, ha2)
    return hash_of(text).hexdigest().encode()


def can_answer(challenge: Credentials) -> bool:
    """Whether we know how: digest of a known algorithm, with a qop that we know or none."""
    params = challenge.params
    if challenge.scheme.lower() != b"digest" or not params.get(b"nonce"):
        return False
    if params.get(b"algorithm", MD5).upper() not in _HASHES:
        return False
    return b"qop" not in params or _chosen_qop(params) is not None


def credentials_for(
    challenge: Credentials,
    username: bytes,
    password: bytes,
    method: bytes,
    uri: bytes,
    *,
    count: int,
    cnonce: bytes,
    body: bytes = b"",
) -> bytes:
    """The value of (Proxy-)Authorization that answers a challenge which `can_answer` took.

    `count` is how often its nonce has been used, with this one (RFC 7616 s3.4).
    """
    params = challenge.params
    realm, nonce = params.get(b"realm", b""), params[b"nonce"]
    algorithm = params.get(b"algorithm", MD5).upper()
    qop, nc = _chosen_qop(params), b"%08x" % count
    response = digest_response(
        ha1(username, realm, password, algorithm),
        method,
        uri,
        nonce,
        algorithm=algorithm,
        qop=qop,
        nc=nc,
        cnonce=cnonce,
        body=body,
    )
    value = b"Digest username=%b, realm=%b, nonce=%b, uri=%b, response=%b" % tuple(
        quote(text) for text in (username, realm, nonce, uri, response)
    )
    if b"algorithm" in params:
        value += b", algorithm=" + algorithm
    if b"opaque" in params:
        value += b", opaque=" + quote(params[b"opaque"])
    if qop is not None:
        value += b", qop=%b, nc=%b, cnonce=%b" % (qop, nc, quote(cnonce))
    return value


def _chosen_qop(params: dict[bytes, bytes]) -> bytes | None:
    """auth where it is offered, else auth-int; None where neither is."""
    offered = [word.strip().lower() for word in params.get(b"qop", b"").split(b",")]
    return next((known for known in (b"auth", b"auth-int") if known in offered), None)


def verify(
    credentials: Credentials,
    method: bytes,
    uri_raw: bytes,
    ha1_for: Callable[[bytes], bytes | None],
    secret: bytes,
    *,
    wall: float,
    replay: NonceCounts,
    body: bytes = b"",
) -> Verdict:
    """Check credentials. `ha1_for(algorithm)` gives the user's HA1, None for an unknown user,
    who costs as much work and gets the same verdict as a wrong password."""
    params = credentials.params
    algorithm = params.get(b"algorithm", MD5).upper()
    nonce, uri, response = params.get(b"nonce"), params.get(b"uri"), params.get(b"response")
    qop = params.get(b"qop")
    nc, cnonce = params.get(b"nc", b""), params.get(b"cnonce", b"")
    if nonce is None or uri is None or response is None or algorithm not in _HASHES:
        return Verdict.MALFORMED
    if qop is not None:
        qop = qop.lower()
        if qop not in (b"auth", b"auth-int") or not cnonce or not _is_count(nc):
            return Verdict.MALFORMED
    known = ha1_for(algorithm)
    expected = digest_response(
        _DUMMY_HA1 if known is None else known,
        method,
        uri,
        nonce,
        algorithm=algorithm,
        qop=qop,
        nc=nc,
        cnonce=cnonce,
        body=body,
    )
    is_right = compare_digest(expected, response.lower())
    if not is_right or known is None:
        return Verdict.WRONG
    age = nonce_age(nonce, secret, wall=wall)
    if age is None or age > NONCE_SECONDS:
        return Verdict.STALE
    if qop is not None and not replay.is_new(nonce, int(nc, 16)):
        return Verdict.STALE
    # The uri may differ from the Request-URI where proxies changed it (s22.4 point 4), so it is
    # only bound by the response itself.
    _ = uri_raw
    return Verdict.OK


def _is_count(value: bytes) -> bool:
    return len(value) == 8 and not value.translate(None, _HEX) and int(value, 16) > 0
