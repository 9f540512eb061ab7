"""A sign-in service of one's own: OpenID Connect as small as it can be, for people who need no password."""

import json
import secrets
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "headstart", "known-to-both"
COOKIE_SECRET = "0123456789abcdef" * 4
# What the service says of each; which of them comes is said by the cookie `who` of their browser.
PEOPLE = {
    "ana": {"sub": "1", "name": "Ana <b>*Pérez*</b> :smile:", "email": "ana@example.org"},
    "bo": {"sub": "2", "name": "Bo", "email": "ana@example.org"},  # an address may pass to somebody else
}
KEY_ID = "1"


class Service(ThreadingHTTPServer):
    """Signs people in at `url`; `settings` is the `[auth]` of the app that sends them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = RSAKey.generate_key(2048, {"kid": KEY_ID, "use": "sig", "alg": "RS256"}, private=True)
        self.codes: dict[str, dict[str, Any]] = {}

    @property
    def settings(self) -> str:
        return f"""
            [auth]
            redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
            cookie_secret = "{COOKIE_SECRET}"
            client_id = "{CLIENT_ID}"
            client_secret = "{CLIENT_SECRET}"
            server_metadata_url = "{self.url}/.well-known/openid-configuration"
            """

    def code_for(self, who: str, asked: dict[str, str]) -> str:
        """Remembers somebody who came, until the app asks who it was."""
        code, now = secrets.token_urlsafe(16), int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked.get("nonce")}
        self.codes[code] = claims | PEOPLE[who]
        return code


class Handler(BaseHTTPRequestHandler):
    """Answers the browser at `/authorize` and `/end`, and the app at the other addresses."""

    server: Service

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        match url.path:
            case "/.well-known/openid-configuration":
                self._say(self._discovery())
            case "/keys":
                self._say({"keys": [self.server.key.as_dict(private=False)]})
            case "/authorize":
                cookies = dict(one.strip().split("=", 1) for one in self.headers["cookie"].split(";"))
                code = self.server.code_for(cookies["who"], asked)
                self._send_on(asked["redirect_uri"], code=code, state=asked["state"])
            case "/end":
                self._send_on(asked["post_logout_redirect_uri"])
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        client = b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()
        claims = self.server.codes.pop(sent["code"][0], None)
        if claims is None or client != f"{CLIENT_ID}:{CLIENT_SECRET}":
            self.send_error(400)
            return
        token = jwt.encode({"alg": "RS256", "kid": KEY_ID}, claims, self.server.key)
        self._say({"access_token": "unused", "token_type": "Bearer", "expires_in": 300, "id_token": token})

    def _discovery(self) -> dict[str, Any]:
        url = self.server.url
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/keys",
            "end_session_endpoint": f"{url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _say(self, values: dict[str, Any]) -> None:
        data = json.dumps(values).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_on(self, address: str, **parameters: str) -> None:
        self.send_response(302)
        self.send_header("location", f"{address}?{urlencode(parameters)}")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *said: object) -> None:
        """Says nothing among the tests' own words."""


@contextmanager
def sign_in_service() -> Iterator[Service]:
    """Runs the service until the block is left."""
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        yield service
        service.shutdown()
        thread.join()
