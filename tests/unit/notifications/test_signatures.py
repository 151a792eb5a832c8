"""Signatures of webhooks, compared with an example and a verifier of others.

The example is the one of Svix's documentation of the scheme that became Standard Webhooks:
https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from chalicelib.domain.webhooks import WebhookSecret
from chalicelib.notifications.signatures import signed_headers


def test_the_signature_is_that_of_the_published_example() -> None:
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_receiver_verifies_the_signature_with_another_implementation_of_hmac() -> None:
    secret = WebhookSecret.new().secret
    headers = signed_headers("a", 1, "{}é".encode(), [secret])
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1"
    receiver = HMAC(base64.b64decode(secret.removeprefix("whsec_")), SHA256())
    receiver.update("a.1.{}é".encode())
    receiver.verify(base64.b64decode(signature))


def test_during_a_rotation_both_secrets_sign() -> None:
    old = WebhookSecret.new()
    new = WebhookSecret.new(old.secret, "2026-01-02T00:00:00.000Z")
    during, after = new.in_use("2026-01-01T12:00:00.000Z"), new.in_use("2026-01-02T00:00:00.000Z")
    assert (during, after) == ([new.secret, old.secret], [new.secret])
    assert signed_headers("a", 1, b"", during)["webhook-signature"].split() == [
        signed_headers("a", 1, b"", [each])["webhook-signature"] for each in (new.secret, old.secret)
    ]
    assert old.secret not in repr(new) and new.secret not in repr(new)
    assert len(base64.b64decode(new.secret.removeprefix("whsec_"))) == 32
