"""Digests and keys, SPEC.md sections 2 and 3: BLAKE3 with domains, strict Ed25519, key ids, text forms, frames."""

import base64
import hashlib

import blake3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cbor import write

ZERO = bytes(32)
USES = ("identity", "sign", "log", "witness", "transport")

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P


def _parts(domain, parts):
    return b"".join(len(part).to_bytes(8, "big") + part for part in (domain.encode(), *parts))


def H(domain, *parts):
    """The digest of parts under a domain."""
    return blake3.blake3(_parts(domain, parts)).digest()


def K(key, domain, *parts):
    """The keyed digest."""
    return blake3.blake3(_parts(domain, parts), key=key).digest()


def sha256(data):
    """SHA-256, for the log."""
    return hashlib.sha256(data).digest()


def _point(data):
    """The point of 32 bytes as (x, y), or None (RFC 8032, 5.1.3)."""
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
        if (v * x * x - u) % P:
            return None
    return (P - x if x & 1 != sign else x, y % P)


def _add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P)
    return (x % P, (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P)


def strong(data):
    """Whether these 32 bytes are a point, and none of small order (its eightfold is not the neutral point)."""
    point = _point(data)
    if point is None:
        return False
    for _ in range(3):
        point = _add(point, point)
    return point != (0, 1)


def verify_raw(public, message, signature):
    """Ed25519 by the strict rule: canonical S, neither key nor R of small order, no cofactor."""
    if len(signature) != 64 or not strong(public) or not strong(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


def public_of(seed):
    """The public bytes of a secret seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign_raw(seed, message):
    """An Ed25519 signature."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def key_id(use, public):
    """The short name of a key."""
    return H("luxor/v1/key-id", use.encode(), public)[:16]


def frame(domain, network, signer, body):
    """The bytes that a signature covers; signer is a key id."""
    return write([domain, network, signer, body])


def verify(use, public, domain, network, body, signature):
    """Whether a signature by this key holds."""
    return verify_raw(public, frame(domain, network, key_id(use, public), body), signature)


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_text(use, public):
    """The text form of a public key."""
    return f"{use}:{_base64url(public)}"


def key_file(use, seed):
    """The content of a key file."""
    return f"luxor-secret-{use}:{_base64url(seed)}\n"


def read_key_text(use, text):
    """The public bytes in a text form, or None."""
    prefix, _, encoded = text.partition(":")
    if prefix != use or len(encoded) != 43:
        return None
    try:
        data = base64.b64decode(encoded + "=", altchars=b"-_", validate=True)
    except ValueError:
        return None
    # One spelling only: no bits beyond the last byte.
    return data if _base64url(data) == encoded and strong(data) else None
