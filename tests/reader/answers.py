"""Requests, answers, log entries and receipts, SPEC.md sections 12 and 13."""

from cbor import Refused, read
from digests import H
from exchange import LANES, channel
from tlog import Broken, leaf_hash, note_of, proof_file, verify_proof
from values import FAULTS, day, word

ERRORS = (
    "not_a_member wrong_network bad_signature not_for_me wrong_sender undecodable oversized number_used "
    "number_out_of_window foreign_seal no_mandate too_many_in_flight wrong_epoch forked not_there"
).split()
LATER_ERRORS = {30: "erased", 31: "bad_deletion", 32: "other_statement", 33: "no_deposit"}
LACKS = "agreement card capacity version witnesses".split() + [None] * 44 + ["suspended", "membership"]
REFUSALS = "not_permitted unsealable malformed batch_signature batch_root shows_more expansion".split() + [None] * 32
REFUSALS += "source_agreement source_dispatch source_signature source_receipt source_unwitnessed source_path".split()
ENTRIES = [*"sent received receipt withdrawn resent peers succeeded erased hold document statement deposited".split()]
OF_NODE = ("peers", "succeeded", "hold", "document")
OF_LOGS = ("peers", "succeeded")
GROUNDS = ("retention", "order")

MAX_ANSWER = 4194304
MAX_DOCUMENTS = 65536
MAX_DOCUMENT = 1310720
MAX_NOTE = 65536
MAX_NOTE_TOLD = 5120
MAX_SEALED = 9445376
DEPOSIT_RANGE = 2097152
MAX_ATTACHMENT = 268435456
RANGE = 1048576
MAX_SEALED_RANGE = RANGE + 256 * 34 + 64 + 8192
MAX_ADD_CHECKPOINT = 25 + 63 * 45 + 1 + MAX_NOTE


def request(reader):
    """A request as (word, fields)."""
    start = reader.at
    count = reader.array(4)
    kind = reader.uint()
    if kind in (1, 15) and count == 4:
        parts = {"header": reader.bytes(4096), "signature": reader.fixed(64), "sealed": reader.bytes(MAX_SEALED)}
        found = ("dispatch" if kind == 1 else "deposit", parts)
    elif (kind, count) == (2, 3):
        found = ("audit_read", {"from": reader.uint(), "count": reader.uint(512)})
    elif (kind, count) == (3, 3):
        found = ("withdrawal", {"header": reader.bytes(4096), "signature": reader.fixed(64)})
    elif (kind, count) == (4, 2):
        found = ("add_checkpoint", {"body": reader.bytes(MAX_ADD_CHECKPOINT)})
    elif (kind, count) == (5, 2):
        found = ("checkpoint", {"have": reader.list(20, lambda r: r.uint())})
    elif (kind, count) == (6, 1):
        found = ("holdings", {})
    elif (kind, count) == (7, 2):
        found = ("proof", {"index": reader.uint()})
    elif (kind, count) == (8, 3):
        parts = {"file": reader.bytes(MAX_ANSWER), "numbers": reader.list(10000, lambda r: r.uint())}
        found = ("deletion", parts)
    elif (kind, count) == (9, 2):
        found = ("documents_known", {"summary": reader.fixed(32)})
    elif (kind, count) == (10, 2):
        found = ("documents_wanted", _digests(reader))
    elif (kind, count) == (11, 2):
        found = ("take_documents", _documents(reader))
    elif (kind, count) == (12, 4):
        digest = reader.fixed(32)
        reader.tuple(3)
        parts = {"digest": digest, "epoch": reader.uint(), "lane": word(reader, LANES), "number": reader.uint()}
        reader.leave()
        start = reader.at
        parts["offset"] = reader.uint(MAX_ATTACHMENT - 1)
        if parts["offset"] % RANGE:
            raise Refused("value", start, "no range begins there")
        found = ("attachment", parts)
    elif (kind, count) == (13, 2):
        found = ("window", {"question": reader.bytes(65536)})
    elif (kind, count) == (14, 2):
        found = ("statement", {"proposal": reader.bytes(2097152)})
    elif (kind, count) == (16, 4):
        done, start = reader.uint(), reader.at
        parts = {"done": done, "from": reader.uint()}
        if parts["from"] < done:
            raise Refused("value", start, "decided already")
        found = ("deposits", parts | {"offset": reader.uint(MAX_SEALED)})
    else:
        raise Refused("value", start, "not a request")
    reader.leave()
    return found


def _deposit_part(reader):
    reader.tuple(5)
    found = {"entry": reader.uint(), "header": reader.bytes(4096), "signature": reader.fixed(64)}
    found |= {"length": reader.uint(MAX_SEALED), "sealed": reader.bytes(DEPOSIT_RANGE)}
    reader.leave()
    return found


def _digests(reader):
    return {"digests": reader.list(MAX_DOCUMENTS, lambda r: r.fixed(32))}


def _documents(reader):
    start = reader.at
    found = reader.list(MAX_DOCUMENTS, lambda r: r.bytes(MAX_DOCUMENT))
    if sum(map(len, found)) > MAX_ANSWER // 2:
        raise Refused("value", start, "too many bytes")
    return {"documents": found}


def _hashes(reader):
    start = reader.at
    found = reader.bytes(64 * 32)
    if len(found) % 32:
        raise Refused("value", start, "not hashes")
    return found


def _audit_entry(reader):
    reader.tuple(6)
    found = {"entry": reader.fixed(33), "salt": reader.fixed(16), "skeleton": reader.bytes(512)}
    found |= {"body_hash": reader.fixed(32), "body": None}
    if not reader.null():
        reader.tuple(2)
        found["body"] = (reader.fixed(16), reader.bytes(2097152))
        reader.leave()
    found["evidence"] = None if reader.null() else reader.bytes(MAX_ANSWER)
    reader.leave()
    return found


def _listed(reader, words, later=()):
    start = reader.at
    code = reader.uint()
    if code in later:
        return {"code": code, "word": later[code], "detail": reader.text(1000)}
    if not 1 <= code <= len(words):
        raise Refused("value", start, "an unknown number")
    return {"code": code, "word": words[code - 1], "detail": reader.text(1000)}


def answer(reader):
    """An answer as (word, fields)."""
    start = reader.at
    count = reader.array(4)
    kind = reader.uint()
    if (kind, count) == (0, 3):
        found = ("error", _listed(reader, ERRORS, LATER_ERRORS))
    elif (kind, count) == (1, 3):
        found = ("later", _listed(reader, LACKS))
    elif (kind, count) == (2, 2):
        found = ("receipt", {"file": reader.bytes(MAX_ANSWER)})
    elif (kind, count) == (3, 4):
        page = {"checkpoint": reader.bytes(MAX_NOTE), "entries": reader.list(512, _audit_entry)}
        found = ("page", page | {"checkpoints": reader.list(512, lambda r: r.bytes(MAX_NOTE))})
    elif (kind, count) == (4, 2):
        found = ("resend", {"after": reader.uint()})
    elif (kind, count) == (5, 3):
        found = ("witness", {"status": reader.uint(599), "body": reader.bytes(MAX_NOTE)})
    elif (kind, count) == (6, 2):
        reader.tuple(2)
        found = ("checkpoint", {"note": reader.bytes(MAX_NOTE), "proofs": reader.list(20, _hashes)})
        reader.leave()
    elif (kind, count) == (7, 2):
        reader.tuple(3)
        held = {"notes": reader.list(4096, lambda r: r.bytes(MAX_NOTE_TOLD))}
        if not reader.null():
            reader.tuple(2)
            held |= {"card_version": reader.uint(), "card": reader.fixed(32)}
            reader.leave()
        held["forks"] = reader.list(16, lambda r: r.bytes(64 * 1024))
        found = ("holdings", held)
        reader.leave()
    elif (kind, count) == (8, 2):
        found = ("proof", {"file": reader.bytes(MAX_NOTE + 4096)})
    elif (kind, count) == (9, 1):
        found = ("deletion_noted", {})
    elif (kind, count) == (10, 2):
        found = ("documents_known", _digests(reader))
    elif (kind, count) == (11, 2):
        found = ("documents", _documents(reader))
    elif (kind, count) == (12, 2):
        found = ("documents_taken", _digests(reader))
    elif (kind, count) == (13, 2):
        found = ("attachment", {"sealed": reader.bytes(MAX_SEALED_RANGE)})
    elif (kind, count) == (14, 2):
        found = ("window", {"reply": reader.bytes(MAX_ANSWER)})
    elif (kind, count) == (15, 2):
        found = ("statement", {"signature": reader.fixed(64)})
    elif (kind, count) == (16, 2):
        found = ("deposit", {"part": None if reader.null() else _deposit_part(reader)})
    else:
        raise Refused("value", start, "not an answer")
    reader.leave()
    return found


def skeleton(reader):
    """A skeleton."""
    reader.tuple(5)
    found = {"kind": word(reader, ENTRIES), "agreement": reader.fixed(32), "channel": channel(reader)}
    found |= {"number": reader.uint(), "due": day(reader)}
    reader.leave()
    return found


def opening(reader):
    """An opening."""
    reader.tuple(4)
    found = {"salt": reader.fixed(16), "skeleton": reader.bytes(512)}
    found |= {"body_salt": reader.fixed(16), "body": reader.bytes(2097152)}
    reader.leave()
    return found


def body_hash(salt, body):
    """The commitment to a body."""
    return H("luxor/v1/body", salt, body)


def entry_of(salt, encoded_skeleton, hashed_body):
    """The entry that commits to a skeleton and a body."""
    return b"\x01" + H("luxor/v1/entry", salt, encoded_skeleton, hashed_body)


def _rejection(reader):
    reader.tuple(3)
    found = (reader.uint(10000), word(reader, FAULTS), reader.text(200))
    reader.leave()
    return found


def receipt_body(reader):
    """The body of a `received` entry, its outcome in one line."""
    reader.tuple(4)
    found = {"dispatch": reader.fixed(32)}
    if reader.null():
        found["outcome"] = "withdrawn"
    elif reader.major() == 0:
        found["outcome"] = "refused " + word(reader, REFUSALS)
    else:
        rejected = []
        for _ in range(reader.array(10000)):
            start = reader.at
            rejected.append(_rejection(reader))
            if len(rejected) > 1 and rejected[-2][0] >= rejected[-1][0]:
                raise Refused("value", start, "not ordered by record")
        reader.leave()
        lines = ", ".join(f"{record} {fault} {place}" for record, fault, place in rejected)
        found["outcome"] = f"rejected {lines}" if rejected else "accepted"
    found |= {"contiguous": reader.uint(), "channel_root": reader.fixed(32)}
    reader.leave()
    return found


def other_body(reader):
    """The body of every other entry: the digest of a dispatch, or of a document."""
    reader.tuple(1)
    found = reader.fixed(32)
    reader.leave()
    return found


def _named(reader):
    found = []
    for _ in range(reader.array(10000)):
        start = reader.at
        reader.tuple(2)
        entry, places = reader.uint(), []
        if found and found[-1][0] >= entry:
            raise Refused("value", start, "entries are not ascending")
        for _ in range(reader.array(10000)):
            start = reader.at
            places.append(reader.uint(10000))
            if len(places) > 1 and places[-2] >= places[-1]:
                raise Refused("value", start, "places are not ascending")
        reader.leave()
        reader.leave()
        found.append((entry, places))
    reader.leave()
    return found


def erased_body(reader):
    """The body of an `erased` entry."""
    reader.tuple(4)
    found = {"ground": word(reader, GROUNDS), "on": day(reader)}
    found |= {"reference": None if reader.null() else reader.fixed(32), "named": _named(reader)}
    reader.leave()
    return found


def hold_body(reader):
    """The body of a `hold` entry."""
    reader.tuple(6)
    found = {"hold": reader.uint(), "begins": reader.bool(), "on": day(reader), "ground": reader.fixed(32)}
    found |= {"agreement": None if reader.null() else reader.fixed(32), "named": _named(reader)}
    reader.leave()
    return found


def read_receipt(node, dispatch, data):
    """What a receipt of this node for this dispatch says; Broken with the first reason."""
    proof = proof_file(data)
    try:
        opened = read(proof["extra"], opening)
    except Refused as refused:
        raise Broken("opening", str(refused)) from refused
    entry = entry_of(opened["salt"], opened["skeleton"], body_hash(opened["body_salt"], opened["body"]))
    found = first = None
    for origin, public in node["logs"]:
        try:
            found = verify_proof(proof, leaf_hash(entry), origin, public)
            break
        except Broken as broken:
            first = first or broken
    if found is None:
        raise first
    try:
        said, body = read(opened["skeleton"], skeleton), read(opened["body"], receipt_body)
    except Refused as refused:
        raise Broken("opening", str(refused)) from refused
    if said["kind"] != "received":
        raise Broken("kind")
    if body["dispatch"] != dispatch:
        raise Broken("dispatch")
    return {"index": proof["index"], "checkpoint": found, "skeleton": said, "body": body}


def check_receipt(node, dispatch, where, number, data):
    """As read_receipt, with the channel and number that it must be about."""
    receipt = read_receipt(node, dispatch, data)
    if receipt["skeleton"]["channel"] != where:
        raise Broken("channel")
    if receipt["skeleton"]["number"] != number:
        raise Broken("number")
    return receipt


def channel_of(json):
    """A channel from a vector."""
    if json["lane"] not in LANES:
        raise ValueError("an unknown lane")
    return (json["sender"], json["recipient"], json["epoch"], json["lane"])


def checkpoints_body(reader):
    """The notes in the body of an entry about checkpoints, ordered by origin."""
    start = reader.at
    notes = reader.list(4096, lambda r: r.bytes(MAX_NOTE_TOLD))
    try:
        origins = [note_of(note)["origin"] for note in notes]
    except Broken:
        raise Refused("value", start, "no checkpoint") from None
    if any(a >= b for a, b in zip(origins, origins[1:])):
        raise Refused("value", start, "not ordered")
    return notes
