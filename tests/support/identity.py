"""An OIDC issuer for tests: real keys, real tokens, and a real JWKS over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://issuer.example"
AUDIENCE = "terraglue-portal"


class Issuer:
    """Signs tokens. `jwks_uri` serves the public key."""

    def __init__(self, jwks_uri: str, key: rsa.RSAPrivateKey) -> None:
        self.jwks_uri = jwks_uri
        self.key = key

    def token(self, owner: str, *, groups: tuple[str, ...] = (), **claims: Any) -> str:
        now = int(time.time())
        payload = {"iss": ISSUER, "aud": AUDIENCE, "sub": owner, "iat": now, "exp": now + 600}
        payload |= {"cognito:groups": list(groups)} if groups else {}
        payload |= claims
        return jwt.encode(payload, self.key, algorithm="RS256", headers={"kid": "test"})


@contextmanager
def serving_issuer() -> Iterator[Issuer]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    body = json.dumps({"keys": [{**jwk, "kid": "test", "use": "sig", "alg": "RS256"}]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Issuer(f"http://127.0.0.1:{server.server_port}/jwks.json", key)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
