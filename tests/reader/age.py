"""Opening an age file with an X25519 identity (age-encryption.org/v1, binary)."""

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CHUNK = 64 * 1024
TAG = 16
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class Unsealable(Exception):
    """The file does not open with this identity."""


def _checksum(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check


def bech32(text, prefix):
    """The 32 bytes of a Bech32 text (BIP 173) with this prefix."""
    lower = text.lower()
    if lower != text and text.upper() != text:
        raise Unsealable("mixed case")
    found, _, data = lower.rpartition("1")
    values = [ALPHABET.find(c) for c in data]
    expanded = [ord(c) >> 5 for c in found] + [0] + [ord(c) & 31 for c in found]
    if found != prefix or min(values, default=-1) < 0 or _checksum(expanded + values) != 1:
        raise Unsealable(f"not a text of {prefix}")
    bits = number = 0
    out = bytearray()
    for value in values[:-6]:
        number, bits = number << 5 | value, bits + 5
        if bits >= 8:
            bits -= 8
            out.append(number >> bits & 255)
    if len(out) != 32 or bits >= 5 or number & (1 << bits) - 1:
        raise Unsealable("not 32 bytes")
    return bytes(out)


def _hkdf(secret, salt, info):
    """HKDF-SHA-256 (RFC 5869) of 32 bytes."""
    extracted = hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def _unbase64(text):
    """Canonical base64 without padding."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise Unsealable("not base64") from None
    if base64.b64encode(data).rstrip(b"=").decode() != text:
        raise Unsealable("not canonical base64")
    return data


def _header(data):
    """The stanzas as (arguments, body), the bytes under the MAC, the MAC, and the payload."""
    version, _, rest = data.partition(b"\n")
    if version != b"age-encryption.org/v1":
        raise Unsealable("not an age file")
    stanzas, at = [], len(version) + 1

    def line():
        nonlocal at
        end = data.find(b"\n", at)
        if end < 0:
            raise Unsealable("the header ends early")
        found, at = data[at:end], end + 1
        try:
            return found.decode("ascii")
        except UnicodeDecodeError:
            raise Unsealable("not ASCII") from None

    while True:
        start, first = at, line()
        if first.startswith("--- "):
            return stanzas, data[: start + 3], _unbase64(first[4:]), data[at:]
        if not first.startswith("-> "):
            raise Unsealable("not a stanza")
        body = ""
        while True:
            wrapped = line()
            body += wrapped
            # A body ends with a line shorter than 64 characters.
            if len(wrapped) < 64:
                break
            if len(wrapped) > 64:
                raise Unsealable("a line too long")
        stanzas.append((first[3:].split(" "), _unbase64(body)))


def _file_key(stanzas, identity):
    """The key that a stanza wraps for this identity; stanzas for others, of any type, are passed over."""
    secret = X25519PrivateKey.from_private_bytes(identity)
    public = secret.public_key().public_bytes_raw()
    for arguments, body in stanzas:
        if arguments[0] != "X25519" or len(arguments) != 2 or len(body) != 32:
            continue
        share = _unbase64(arguments[1])
        try:
            shared = secret.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise Unsealable("a weak share") from None
        wrapping = _hkdf(shared, share + public, b"age-encryption.org/v1/X25519")
        try:
            return ChaCha20Poly1305(wrapping).decrypt(bytes(12), body, None)
        except InvalidTag:
            continue
    raise Unsealable("sealed to others")


def open_file(data, identity_text):
    """What an age file seals to this identity."""
    identity = bech32(identity_text, "age-secret-key-")
    stanzas, covered, mac, payload = _header(data)
    key = _file_key(stanzas, identity)
    expected = hmac.new(_hkdf(key, b"", b"header"), covered, hashlib.sha256).digest()
    if not hmac.compare_digest(expected, mac):
        raise Unsealable("the header was changed")
    if len(payload) < 16 + TAG:
        raise Unsealable("the payload is cut off")
    cipher = ChaCha20Poly1305(_hkdf(key, payload[:16], b"payload"))
    chunks = [payload[at : at + CHUNK + TAG] for at in range(16, len(payload), CHUNK + TAG)]
    out = bytearray()
    for number, chunk in enumerate(chunks):
        last = number == len(chunks) - 1
        nonce = number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
        try:
            plain = cipher.decrypt(nonce, chunk, None)
        except (InvalidTag, ValueError):
            raise Unsealable(f"chunk {number} was changed") from None
        if last and number > 0 and not plain:
            raise Unsealable("an empty chunk at the end")
        out += plain
    return bytes(out)
