"""An OpenID Connect provider, small but strict: PKCE, one code for one token, a client's secret.

Whoever it is told to be is signed in there; `consents` is the person pressing its button.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from tests.harness.closing import Closing

CLIENT_ID, CLIENT_SECRET = "fedsip-tests", secrets.token_hex(16)


class Provider(Closing):
    """`with Provider("alice@example.org") as provider:` serves at `provider.issuer`."""

    def __init__(self, email: str, *, is_verified: bool = True) -> None:
        self.email = email
        self.is_verified = is_verified
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: set[str] = set()
        provider = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._answer(self, urlsplit(self.path).path, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider._answer(self, urlsplit(self.path).path, dict(parse_qsl(body)))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def consents(self, address: str) -> str:
        """Where the browser is sent to when the person says yes at that address of ours."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def _answer(self, page: BaseHTTPRequestHandler, path: str, given: dict[str, str]) -> None:
        match path:
            case "/.well-known/openid-configuration":
                found: dict[str, Any] | None = self._configuration()
            case "/token":
                found = self._token(given)
            case "/userinfo":
                token = (page.headers["Authorization"] or "").removeprefix("Bearer ")
                found = self._claims() if token in self._tokens else None
            case _:
                found = None
        body = json.dumps(found or {"error": "invalid_request"}).encode()
        page.send_response(200 if found else 400)
        page.send_header("Content-Type", "application/json")
        page.send_header("Content-Length", str(len(body)))
        page.end_headers()
        page.wfile.write(body)

    def _configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def _token(self, given: dict[str, str]) -> dict[str, Any] | None:
        asked = self._codes.pop(given.get("code", ""), None)
        if asked is None or given.get("client_secret") != CLIENT_SECRET:
            return None
        proof = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        if _base64url(proof) != asked["code_challenge"]:
            return None
        token = secrets.token_urlsafe(16)
        self._tokens.add(token)
        return {"access_token": token, "token_type": "Bearer", "id_token": self._id_token(asked)}

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {**self._claims(), "iat": now, "exp": now + 300}
        if "nonce" in asked:
            claims["nonce"] = asked["nonce"]
        parts = [json.dumps(each).encode() for each in ({"alg": "HS256", "typ": "JWT"}, claims)]
        return ".".join([*map(_base64url, parts), _base64url(secrets.token_bytes(32))])

    def _claims(self) -> dict[str, Any]:
        subject = hashlib.sha256(self.email.encode()).hexdigest()
        return {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": subject,
            "email": self.email,
            "email_verified": self.is_verified,
        }


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
