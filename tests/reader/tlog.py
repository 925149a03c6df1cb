"""The log, SPEC.md section 14: RFC 6962 trees, C2SP signed-note, tlog-checkpoint and tlog-proof."""

import base64
import re

from digests import sha256, verify_raw

PROOF = "c2sp.org/tlog-proof@v1"
MAX_NOTE = 65536
MAX_FILE = 8 * 1024 * 1024
MAX_SIZE = 2**63 - 1


class Broken(Exception):
    """A file that is refused: `file`, `checkpoint` or `inclusion`."""

    def __init__(self, reason, detail=""):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def leaf_hash(entry):
    """The leaf of an entry."""
    return sha256(b"\x00" + entry)


def node_hash(left, right):
    """An inner node."""
    return sha256(b"\x01" + left + right)


def root(leaves):
    """The root over leaf hashes."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root(leaves[:left]), root(leaves[left:]))


def inclusion(leaves, index):
    """The inclusion proof of a leaf, its sibling first."""
    if len(leaves) == 1:
        return []
    left = 1 << (len(leaves) - 1).bit_length() - 1
    if index < left:
        return inclusion(leaves[:left], index) + [root(leaves[left:])]
    return inclusion(leaves[left:], index - left) + [root(leaves[:left])]


def included(leaf, index, size, proof):
    """The root that a proof leads to (RFC 9162, 2.1.3.2), or None."""
    if index >= size:
        return None
    low, high, found = index, size - 1, leaf
    for sibling in proof:
        if high == 0:
            return None
        if low & 1 or low == high:
            found = node_hash(sibling, found)
            while low & 1 == 0 and low:
                low, high = low >> 1, high >> 1
        else:
            found = node_hash(found, sibling)
        low, high = low >> 1, high >> 1
    return found if high == 0 else None


def _unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


def _decimal(text):
    return int(text) if re.fullmatch(r"0|[1-9][0-9]{0,19}", text, re.ASCII) and int(text) < 2**64 else None


def key_name(text):
    """Whether a text may be the name of a key."""
    return bool(text) and len(text.encode()) <= 255 and "+" not in text and not any(c.isspace() for c in text)


def note(data):
    """A signed note: its text and [(name, key id, signature)]."""
    if len(data) > MAX_NOTE:
        raise Broken("file", "note too large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Broken("file", "note is not UTF-8") from None
    if any(ord(c) < 32 and c != "\n" for c in text):
        raise Broken("file", "control character")
    split = text.rfind("\n\n")
    if split < 0 or not text.endswith("\n") or split + 2 == len(text):
        raise Broken("file", "no text, empty line and signatures")
    lines, signatures = text[split + 2 : -1].split("\n"), []
    if len(lines) > 64:
        raise Broken("file", "too many signatures")
    for line in lines:
        parts = line.split(" ")
        payload = _unbase64(parts[2]) if len(parts) == 3 else None
        if payload is None or parts[0] != "\u2014" or not key_name(parts[1]) or len(payload) < 5:
            raise Broken("file", "not a signature line")
        signatures.append((parts[1], payload[:4], payload[4:]))
    return text[: split + 1], signatures


def key_id(name, public):
    """The key id of an Ed25519 key: type 0x01."""
    return sha256(name.encode() + b"\n\x01" + public)[:4]


def checkpoint_text(text):
    """Origin, size and root of a checkpoint's text; further lines have no meaning here."""
    lines = text.split("\n")[:-1]
    size = _decimal(lines[1]) if len(lines) >= 3 else None
    found = _unbase64(lines[2]) if len(lines) >= 3 else None
    if not all(lines) or size is None or size > MAX_SIZE or found is None or len(found) != 32:
        raise Broken("file", "not a checkpoint")
    return {"origin": lines[0], "size": size, "root": found}


def note_of(data):
    """The checkpoint that a note says it is; its signatures are not looked at."""
    return checkpoint_text(note(data)[0])


def checkpoint(data, origin, public):
    """A checkpoint that the log of this origin and key signed."""
    text, signatures = note(data)
    wanted = (origin, key_id(origin, public))
    known = [signature for name, key, signature in signatures if (name, key) == wanted]
    if not known:
        raise Broken("checkpoint", "not signed by the log")
    if not all(verify_raw(public, text.encode(), signature) for signature in known):
        raise Broken("checkpoint", "a wrong signature of the log")
    found = checkpoint_text(text)
    if found["origin"] != origin:
        raise Broken("checkpoint", "of another origin")
    return found


def proof_file(data):
    """A tlog-proof: extra, index, hashes and the checkpoint's bytes."""
    if len(data) > MAX_FILE:
        raise Broken("file", "too large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Broken("file", "not UTF-8") from None
    head, empty, rest = text.partition("\n\n")
    lines = head.split("\n")
    if not empty or lines.pop(0) != PROOF:
        raise Broken("file", "not a tlog-proof")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = _unbase64(lines.pop(0)[6:])
    index = _decimal(lines.pop(0)[6:]) if lines and lines[0].startswith("index ") else None
    hashes = [_unbase64(line) for line in lines]
    if extra is None or index is None or len(hashes) > 63 or any(h is None or len(h) != 32 for h in hashes):
        raise Broken("file", "a line before the checkpoint")
    checkpoint_text(note(rest.encode())[0])
    return {"extra": extra, "index": index, "hashes": hashes, "checkpoint": rest.encode()}


def verify_proof(proof, leaf, origin, public):
    """The checkpoint that covers this leaf hash."""
    found = checkpoint(proof["checkpoint"], origin, public)
    if included(leaf, proof["index"], found["size"], proof["hashes"]) != found["root"]:
        raise Broken("inclusion", "the proof does not lead to the checkpoint's root")
    return found
