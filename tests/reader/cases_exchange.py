"""Cases of dispatches.json, answers.json and log.json."""

import age
import answers
import exchange
import tlog
from audit import Audit
from cbor import read, write
from digests import frame, key_id
from directory import Directory
from documents import document
from exchange import LANES
from values import day_of, day_text
from source import source
from wrong import Wrong, equal, patched, unhex


def dispatch(case, context):
    """Every step of a dispatch, from its header to the recipient's verdict."""
    header, sealed, signature = (unhex(case[key]) for key in ("header", "sealed", "signature"))
    equal("header digest", exchange.header_digest(header).hex(), case["header_digest"])
    opened, content = age.open_file(sealed, case["identity"]), unhex(case["content"])
    stored = content if case["stored"] == "content" else unhex(case["stored"])
    lengths = len(content).to_bytes(4, "big") + len(stored).to_bytes(4, "big")
    expected = (exchange.header_digest(header) + lengths + stored).ljust(case["packed_length"], b"\0")
    equal("opened", opened.hex(), expected.hex())
    equal("content", exchange.unpack(exchange.header_digest(header), opened).hex(), case["content"])
    equal("sealed digest", exchange.sealed_digest(sealed).hex(), case["sealed_digest"])
    digest = exchange.dispatch_digest(header, exchange.sealed_digest(sealed))
    equal("digest", digest.hex(), case["digest"])
    public = context.directory.nodes[case["peer"]]["sign"]
    signed = frame("luxor/v1/dispatch", context.directory.network, key_id("sign", public), digest)
    equal("signed", signed.hex(), case["signed"])
    context.honest[case["name"]] = case
    equal("verdict", verdict(context, case, header, signature, sealed), case["verdict"])


def verdict(context, case, header, signature, sealed):
    """What the recipient says of a dispatch, in one line."""
    ways = (case["recipient"], case["peer"], header, signature, sealed, case["identity"], case["now"])
    try:
        return exchange.check_dispatch(context.directory, *ways)
    except exchange.Verdict as said:
        return str(said)


def onward(case, context):
    """What the last recipient says of records passed on."""
    context.honest.setdefault("onward", case)
    header, content = unhex(case["header"]), unhex(case["content"])
    said = read(header, exchange.dispatch_header(context.directory.tables))
    _, carried = read(content, lambda reader: exchange._content(reader, context.directory, said))
    equal("source", carried, read(unhex(case["source"]), source))
    equal("verdict", _passed_on(_knowing(context, case), case, header, content), case["verdict"])


def _knowing(context, case):
    """The network, with the further documents that a case gives."""
    more = [read(unhex(found), document) for found in case.get("documents", [])]
    return Directory([*context.directory.holding, *more], context.tables) if more else context.directory


def onward_changed(case, context):
    """The same of a changed one."""
    honest = context.honest["onward"]
    parts = {key: unhex(honest[key]) for key in ("header", "content")}
    parts |= {key: patched(case[key], parts[key]) for key in parts if key in case}
    now = case.get("now", honest["now"])
    equal("verdict", _passed_on(_knowing(context, case), honest | {"now": now}, *parts.values()), case["verdict"])


def _passed_on(directory, case, header, content):
    said = read(header, exchange.dispatch_header(directory.tables))
    ways = (directory, said["channel"][1], case["peer"], said)
    try:
        exchange._permitted(*ways, case["now"])
        return exchange.check_content(*ways, content, case["now"])
    except exchange.Verdict as verdict_:
        return str(verdict_)


def withdrawal(case, context):
    """A withdrawal and its verdict."""
    header, signature = unhex(case["header"]), unhex(case["signature"])
    ways = (context.directory, case["recipient"], case["peer"], header, signature)
    outcome, said = exchange.check_withdrawal(*ways)
    equal("verdict", outcome, case["verdict"])
    found = (said["number"], said["dispatch"].hex(), said["agreement"].hex(), said["withdrawn_at"])
    equal("fields", found, tuple(case[key] for key in ("number", "dispatch", "agreement", "withdrawn_at")))
    public = context.directory.nodes[case["peer"]]["sign"]
    signed = frame("luxor/v1/withdrawal", context.directory.network, key_id("sign", public), header)
    equal("signed", signed.hex(), case["signed"])
    equal("withdrawal", write([header, signature]).hex(), case["withdrawal"])
    equal("read", read(unhex(case["withdrawal"]), exchange.envelope), (header, None, signature))


def packed(case, _):
    """What is sealed of a content."""
    found = exchange.unpack(unhex(case["header_digest"]), unhex(case["packed"]))
    equal("content", found.hex(), case["content"])


def padded(case, _):
    """Padded lengths."""
    for length, expected in case["lengths"]:
        equal(f"padded {length}", exchange.padded_length(length), expected)


def bad_packed(case, _):
    """Opened bytes that are refused."""
    try:
        exchange.unpack(unhex(case["header_digest"]), unhex(case["packed"]))
    except exchange.BadPacking as bad:
        equal("refused", str(bad), case["refused"])
        return
    raise Wrong("taken")


def _hexed(fields):
    def hexed(value):
        if isinstance(value, list):
            return [hexed(item) for item in value]
        if isinstance(value, dict):
            return _hexed(value)
        return value.hex() if isinstance(value, bytes) else value

    return {key: hexed(value) for key, value in fields.items()}


def request(case, _):
    """A request and its frame."""
    data = unhex(case["bytes"])
    equal("framed", (len(data).to_bytes(4, "big") + data).hex(), case["framed"])
    what, fields = read(data, answers.request)
    equal("request", what, case["request"])
    equal("fields", _hexed(fields), {key: case[key] for key in fields})
    numbers = {"dispatch": 1, "audit_read": 2, "withdrawal": 3, "add_checkpoint": 4, "checkpoint": 5}
    numbers |= {"holdings": 6, "proof": 7, "deletion": 8, "documents_known": 9, "documents_wanted": 10, "take_documents": 11}
    numbers |= {"attachment": 12, "window": 13, "statement": 14, "deposit": 15, "deposits": 16}
    parts = list(fields.values())
    if what == "attachment":
        digest, epoch, lane, number, offset = parts
        parts = [digest, [epoch, LANES.index(lane) + 1, number], offset]
    equal("written", write([numbers[what], *parts]), data)


def answer(case, _):
    """An answer."""
    what, fields = read(unhex(case["bytes"]), answers.answer)
    equal("answer", what, case["answer"])
    if what == "receipt":
        fields = {"file": fields["file"].decode()}
    elif what == "page":
        fields = {
            "entries": len(fields["entries"]),
            "checkpoint": fields["checkpoint"].hex(),
            "checkpoints": [note.hex() for note in fields["checkpoints"]],
        }
    else:
        fields = _hexed(fields)
    equal("fields", fields, case["fields"])


def receipt_body(case, _):
    """The body of a `received` entry."""
    found = _hexed(read(unhex(case["bytes"]), answers.receipt_body))
    equal("body", found, {key: case[key] for key in ("dispatch", "outcome", "contiguous", "channel_root")})


def checkpoints_body(case, _):
    """The body of an entry about checkpoints."""
    found = read(unhex(case["bytes"]), answers.checkpoints_body)
    equal("notes", [note.hex() for note in found], case["notes"])


def other_body(case, _):
    """The body of other entries."""
    equal("dispatch", read(unhex(case["bytes"]), answers.other_body).hex(), case["dispatch"])


def document_body(case, _):
    """The body of an entry about a document."""
    equal("document", read(unhex(case["bytes"]), answers.other_body).hex(), case["document"])


def skeleton(case, _):
    """A skeleton."""
    found = read(unhex(case["bytes"]), answers.skeleton)
    equal("kind", found["kind"], case["entry_kind"])
    equal("agreement", found["agreement"].hex(), case["agreement"])
    equal("channel", found["channel"], answers.channel_of(case))
    equal("number and day", (found["number"], day_text(found["due"])), (case["number"], case["due"]))
    equal("day", found["due"], day_of(case["due"]))


def opening(case, _):
    """An entry and what it commits to."""
    parts = [unhex(case[key]) for key in ("salt", "skeleton", "body_salt", "body")]
    hashed = answers.body_hash(parts[2], parts[3])
    equal("body hash", hashed.hex(), case["body_hash"])
    entry = answers.entry_of(parts[0], parts[1], hashed)
    equal("entry", entry.hex(), case["entry"])
    equal("leaf hash", tlog.leaf_hash(entry).hex(), case["leaf_hash"])
    said = read(parts[1], answers.skeleton)
    found = (said["kind"], said["agreement"].hex(), said["channel"], said["number"], day_text(said["due"]))
    expected = (case["entry_kind"], case["agreement"], answers.channel_of(case["channel"]), case["number"], case["due"])
    equal("skeleton", found, expected)


def tree(case, _):
    """The root of every size, and inclusion proofs in the whole."""
    leaves = [tlog.leaf_hash(unhex(entry)) for entry in case["entries"]]
    equal("roots", [tlog.root(leaves[:size]).hex() for size in range(len(leaves) + 1)], case["roots"])
    for index, expected in enumerate(case.get("proofs", [])):
        proof = tlog.inclusion(leaves, index)
        equal(f"proof of {index}", [step.hex() for step in proof], expected)
        equal("leads to", tlog.included(leaves[index], index, len(leaves), proof), tlog.root(leaves))


def checkpoint(case, _):
    """A signed checkpoint."""
    public = unhex(case["public"])
    equal("key id", tlog.key_id(case["origin"], public).hex(), case["key_id"])
    found = tlog.checkpoint(case["note"].encode(), case["origin"], public)
    equal("fields", (found["size"], found["root"].hex()), (case["size"], case["root"]))


def receipt(case, context):
    """A receipt and what it says."""
    node, where = context.directory.nodes[case["recipient"]], answers.channel_of(case["channel"])
    found = answers.check_receipt(node, unhex(case["dispatch"]), where, case["number"], case["file"].encode())
    equal("place", (found["index"], found["checkpoint"]["size"]), (case["index"], case["size"]))
    body = _hexed(found["body"])
    equal("body", body, {key: case[key] for key in ("dispatch", "outcome", "contiguous", "channel_root")})


def pages(texts):
    """The pages in these answers."""
    for text in texts:
        what, page = read(unhex(text), answers.answer)
        equal("answer", what, "page")
        yield page


def audit(case, context):
    """An audit without findings, and what it counts."""
    given = list(pages(case["pages"]))
    found = Audit(context.directory, case["node"], given[0])
    for page in given:
        found.page(page)
    equal("findings", found.finish(), [])
    equal("entries and root", (len(found.leaves), tlog.root(found.leaves).hex()), (case["entries"], case["root"]))
    equal("counts", found.counts, {key: case[key] for key in found.counts})
    equal("without receipt", len(found.open), case["without_receipt"])
    expected = [(answers.channel_of(c), c["count"], c["root"]) for c in case["channels"]]
    equal("channels", sorted(found.channels()), sorted(expected))


CASES = {
    "dispatch": dispatch,
    "onward": onward,
    "onward_changed": onward_changed,
    "withdrawal": withdrawal,
    "packed": packed,
    "padded": padded,
    "bad_packed": bad_packed,
    "request": request,
    "answer": answer,
    "receipt_body": receipt_body,
    "checkpoints_body": checkpoints_body,
    "other_body": other_body,
    "document_body": document_body,
    "skeleton": skeleton,
    "opening": opening,
    "tree": tree,
    "checkpoint": checkpoint,
    "receipt": receipt,
    "audit": audit,
}
