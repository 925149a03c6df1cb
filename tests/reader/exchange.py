"""Dispatches and withdrawals, SPEC.md section 11: headers, the sealed part, and the order of checks."""

import age
import lz4
from batches import batch, batch_root, views
from cbor import Refused, read
from digests import H, verify
from leaves import Fault
from records import check_view, shown, view_root
from source import Lacking, NotProven, Passing, source
from values import MAX_TIME, PURPOSES, name, node, time, word

LANES = ("ordinary", "urgent")
MAX_OPENED = 8388608
MAX_EXPANSION = 20
MAX_HEADER = 4096


class Verdict(Exception):
    """What decides a dispatch: `error word`, `later word`, `refused word`."""


class BadPacking(Exception):
    """Opened bytes that are refused, by the word."""


def channel(reader):
    """A channel as (sender, recipient, epoch, lane)."""
    reader.tuple(4)
    found = (node(reader), node(reader), reader.uint(), word(reader, LANES))
    reader.leave()
    return found


def _number(reader):
    start = reader.at
    number = reader.uint()
    if number == 0:
        raise Refused("value", start, "numbers begin at 1")
    return number


def dispatch_header(tables):
    """A reader of a dispatch's header."""

    def header(reader):
        reader.tuple(12)
        found = {"network": reader.fixed(32), "channel": channel(reader), "number": _number(reader)}
        found |= {"batch": batch(reader, tables), "agreement_id": name(reader), "agreement": reader.fixed(32)}
        found["purpose"] = word(reader, PURPOSES)
        start = reader.at
        found["view"] = reader.uint(2**32 - 1)
        if found["view"] >> len(found["batch"]["type"].groups):
            raise Refused("value", start, "a group that the type does not have")
        found["retention"] = reader.uint(3660)
        found["source"] = None if reader.null() else name(reader)
        found |= {"sent_at": time(reader), "held": reader.uint()}
        reader.leave()
        return found

    return header


def withdrawal_header(reader):
    """A withdrawal's header."""
    reader.tuple(6)
    found = {"network": reader.fixed(32), "channel": channel(reader), "number": _number(reader)}
    found |= {"dispatch": reader.fixed(32), "agreement": reader.fixed(32), "withdrawn_at": time(reader)}
    reader.leave()
    return found


def header_digest(header):
    """The digest that stands first inside the seal."""
    return H("luxor/v1/header", header)


def sealed_digest(sealed):
    """The digest of sealed bytes."""
    return H("luxor/v1/sealed", sealed)


def dispatch_digest(header, sealed_hash):
    """The identity of a dispatch."""
    return H("luxor/v1/dispatch", header, sealed_hash)


def padded_length(length):
    """Padmé."""
    if length < 2:
        return length
    e = length.bit_length() - 1
    s = e.bit_length()
    mask = (1 << max(e - s, 0)) - 1
    return (length + mask) & ~mask


def unpack(digest, packed):
    """The content inside a seal."""
    if len(packed) < 40:
        raise BadPacking("malformed")
    if packed[:32] != digest:
        raise BadPacking("foreign_seal")
    opened, stored = int.from_bytes(packed[32:36], "big"), int.from_bytes(packed[36:40], "big")
    if opened > MAX_OPENED or (opened > stored and opened > MAX_EXPANSION * stored):
        raise BadPacking("expansion")
    block, padding = packed[40 : 40 + stored], packed[40 + stored :]
    if len(block) < stored or len(packed) != padded_length(40 + stored) or any(padding):
        raise BadPacking("malformed")
    if stored == opened:
        return block
    try:
        return lz4.decode(block, opened)
    except lz4.Malformed as malformed:
        raise BadPacking("malformed") from malformed


def _route(directory, me, peer, header):
    if header["network"] != directory.network:
        raise Verdict("error wrong_network")
    if header["channel"][1] != me:
        raise Verdict("error not_for_me")
    if header["channel"][0] != peer:
        raise Verdict("error wrong_sender")


def _epoch(directory, peer, header):
    epoch, current = header["channel"][2], directory.nodes[peer]["epoch"]
    if epoch < current:
        raise Verdict("error wrong_epoch")
    if epoch > current:
        raise Verdict("later card")


def _signed(directory, peer, domain, body, signature):
    keys = directory.nodes[peer]["sign_now"]
    return any(verify("sign", key, domain, directory.network, body, signature) for key in keys)


def check_withdrawal(directory, me, peer, header, signature):
    """The verdict on a withdrawal, and what its header says."""
    try:
        said = read(header, withdrawal_header)
    except Refused as refused:
        raise Verdict("error undecodable") from refused
    _route(directory, me, peer, said)
    if not _signed(directory, peer, "luxor/v1/withdrawal", header, signature):
        raise Verdict("error bad_signature")
    _epoch(directory, peer, said)
    return "withdrawn", said


def check_dispatch(directory, me, peer, header, signature, sealed, identity, now):
    """The verdict on a dispatch, in one line; Verdict for one that stops before its records."""
    digest = dispatch_digest(header, sealed_digest(sealed))
    signed = _signed(directory, peer, "luxor/v1/dispatch", digest, signature)
    try:
        said = read(header, dispatch_header(directory.tables))
    except Refused as refused:
        if refused.reason == "unknown_type":
            raise Verdict("later version" if signed else "error bad_signature") from refused
        raise Verdict("error undecodable") from refused
    _route(directory, me, peer, said)
    if not signed:
        raise Verdict("error bad_signature")
    _epoch(directory, peer, said)
    if said["source"] is None and said["agreement"] not in directory.agreements:
        raise Verdict("later agreement")
    _permitted(directory, me, peer, said, now)
    inner = said["batch"]
    if not _signed(directory, peer, "luxor/v1/batch", inner["bytes"], inner["signature"]):
        raise Verdict("refused batch_signature")
    try:
        packed = age.open_file(sealed, identity)
    except age.Unsealable as error:
        raise Verdict("refused unsealable") from error
    try:
        content = unpack(header_digest(header), packed)
    except BadPacking as bad:
        outcome = "error" if str(bad) == "foreign_seal" else "refused"
        raise Verdict(f"{outcome} {bad}") from bad
    return check_content(directory, me, peer, said, content, now)


def _permitted(directory, me, peer, said, now):
    if said["source"] is not None:
        sender, recipient = directory.nodes[peer]["member"], directory.nodes[me]["member"]
        if not all(map(directory.takes_part, (said["source"], sender, recipient))):
            raise Verdict("later membership")
        records = any(group.fields for group in said["batch"]["type"].groups)
        if said["source"] == sender or said["batch"]["node"] != peer or not records:
            raise Verdict("refused not_permitted")
        return
    inner, agreement = said["batch"], directory.agreements[said["agreement"]]
    on = min(now, MAX_TIME) // 86_400_000
    sender, recipient = directory.nodes[peer]["member"], directory.nodes[me]["member"]
    asked = (inner["type"].name, inner["type"].version, sender, recipient, said["purpose"])
    holds = (
        directory.permits(said["agreement"], asked, said["view"], said["retention"], on) is None
        and agreement["id"] == said["agreement_id"]
        and any(group.fields for group in inner["type"].groups)
        and inner["node"] == peer
    )
    if not holds:
        raise Verdict("refused not_permitted")


def _content(reader, directory, said):
    if said["source"] is None:
        return views(reader, said["batch"]["count"], directory.tables), None
    reader.tuple(2)
    found = (views(reader, said["batch"]["count"], directory.tables), source(reader))
    reader.leave()
    return found


def check_content(directory, me, peer, said, content, now):
    """The verdict on what was sealed under a header."""
    inner, view_bits, contested = said["batch"], said["view"], False
    try:
        seen, carried = read(content, lambda reader: _content(reader, directory, said))
    except Refused as refused:
        raise Verdict("refused malformed") from refused
    issuer = said["source"] or directory.nodes[peer]["member"]
    if any(v["header"]["type"] is not inner["type"] or v["header"]["issuer"] != issuer for v in seen):
        raise Verdict("refused malformed")
    if any(shown(v) & ~view_bits for v in seen):
        raise Verdict("refused shows_more")
    if batch_root([view_root(v) for v in seen]) != inner["root"]:
        raise Verdict("refused batch_root")
    if carried is not None:
        try:
            on = min(now, MAX_TIME) // 86_400_000
            contested = Passing(directory, me, peer, said, on, dispatch_header(directory.tables)).check(carried, seen)
        except NotProven as error:
            raise Verdict(f"refused {error}") from error
        except Lacking as error:
            raise Verdict(f"later {error}") from error
    rejected = []
    for place, v in enumerate(seen):
        hidden = inner["type"].names(view_bits & ~shown(v))
        try:
            if hidden:
                raise Fault("missing", f"/{hidden[0]}")
            check_view(v)
        except Fault as fault:
            rejected.append(f"{place} {fault.fault} {fault.place}")
    verdict = "rejected " + ", ".join(rejected) if rejected else "accepted"
    return verdict + ", contested" if contested else verdict


def envelope(reader):
    """A dispatch without its sealed part, or a withdrawal: (header, sealed digest or None, signature)."""
    start = reader.at
    count = reader.array(3)
    header = reader.bytes(MAX_HEADER)
    if count not in (2, 3):
        raise Refused("value", start, "neither an envelope nor a withdrawal")
    found = (header, reader.fixed(32) if count == 3 else None, reader.fixed(64))
    reader.leave()
    return found
