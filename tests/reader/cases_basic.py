"""Cases of cbor.json, digests.json, keys.json and documents.json."""

import json

import digests
from cbor import Refused, read
from directory import Directory
from documents import agreement, card, charter, document, network_id
from values import day_of, lies_in
from wrong import Wrong, equal, unhex

LIMIT = 64


def diagnostic(reader):
    """Any one item in diagnostic notation."""
    major = reader.major()
    if major in (0, 1):
        return str(reader.uint() if major == 0 else reader.int())
    if major == 2:
        return f"h'{reader.bytes(LIMIT).hex()}'"
    if major == 3:
        return json.dumps(reader.text(LIMIT), ensure_ascii=False)
    if major == 4:
        return "[" + ", ".join(reader.list(LIMIT, diagnostic)) + "]"
    if major == 5:
        items, last = [], -1
        for _ in range(reader.map(LIMIT)):
            last = reader.key(last)
            items.append(f"{last}: {diagnostic(reader)}")
        reader.leave()
        return "{" + ", ".join(items) + "}"
    return "null" if reader.null() else str(reader.bool()).lower()


READERS = {
    "any": diagnostic,
    "uint": lambda r: str(r.uint()),
    "int": lambda r: str(r.int()),
    "bytes": lambda r: r.bytes(LIMIT).hex(),
    "digest": lambda r: r.fixed(32).hex(),
    "text": lambda r: r.text(LIMIT),
    "bool": lambda r: str(r.bool()).lower(),
}


def cbor(case, _):
    """One item, taken or refused."""
    try:
        value = read(unhex(case["bytes"]), READERS[case["read"]])
    except Refused as refused:
        equal("refused", refused.reason, case.get("refused"))
        equal("offset", refused.offset, case["offset"])
        return
    equal("value", value, case.get("value"))


def digest(case, _):
    """A digest, keyed or not."""
    parts = [unhex(part) for part in case["parts"]]
    if "key" in case:
        found = digests.K(unhex(case["key"]), case["domain"], *parts)
    else:
        found = digests.H(case["domain"], *parts)
    equal("digest", found.hex(), case["digest"])


def key(case, _):
    """A key's public bytes, id and texts."""
    use, seed = case["use"], unhex(case["seed"])
    public = digests.public_of(seed)
    equal("public", public.hex(), case["public"])
    equal("id", digests.key_id(use, public).hex(), case["id"])
    equal("text", digests.key_text(use, public), case["text"])
    equal("read", digests.read_key_text(use, case["text"]), public)
    equal("file", digests.key_file(use, seed), case["file"])


def bad_key(case, _):
    """Public bytes that are refused."""
    equal("strong", digests.strong(unhex(case["public"])), False)


def bad_key_text(case, _):
    """A text form that is refused."""
    equal("read", digests.read_key_text(case["use"], case["text"]), None)


def signature(case, _):
    """A frame, and whether its signature holds."""
    public, body, network = unhex(case["public"]), unhex(case["body"]), unhex(case["network"])
    frame = digests.frame(case["domain"], network, digests.key_id(case["use"], public), body)
    equal("signed", frame.hex(), case["signed"])
    found = digests.verify(case["use"], public, case["domain"], network, body, unhex(case["signature"]))
    equal("holds", found, case["holds"])
    if case["holds"]:
        equal("signature", digests.sign_raw(unhex(case["seed"]), frame).hex(), case["signature"])


def one_document(case, context):
    """A document's fields, digest, signed bytes and signatures; whose they must be, the network checks."""
    found = read(unhex(case["bytes"]), document)
    for field in ("digest", "network", "previous"):
        equal(field, found[field].hex(), case[field])
    equal("id and version", (found["id"], found["version"]), (case["id"], case["version"]))
    for signed, expected in zip(found["signatures"], case["signatures"], strict=True):
        frame = digests.frame("luxor/v1/document", found["network"], signed["key"], found["digest"])
        equal("signed", frame.hex(), expected["signed"])
        equal("signer", signed["member"], expected["member"])
        public = context.directory.identities[signed["member"]][-1]
        equal("key", signed["key"], digests.key_id("identity", public))
        equal("signature holds", digests.verify_raw(public, frame, signed["signature"]), True)


def build_directory(cases, tables):
    """The network that the documents of documents.json make together."""
    found = [read(unhex(case["bytes"]), document) for case in cases if case["kind"] == "document"]
    directory = Directory(found, tables)
    if directory.refused or directory.conflicts:
        raise Wrong(f"documents.json is no network: {directory.refused}")
    return directory


def permit(case, context):
    """Whether an agreement gives this."""
    kind = context.tables["declaration", 1]
    groups, on = kind.bits(case["groups"]), day_of(case["day"])
    asked = (kind.name, kind.version, case["from"], case["to"], case["purpose"])
    why = context.directory.permits(unhex(case["agreement"]), asked, groups, case["retention"], on)
    equal("permitted", why is None, case["permitted"])


def body(case, _):
    """Whether bytes are the body of a document of this kind."""
    try:
        read(unhex(case["bytes"]), {"charter": charter, "card": card, "agreement": agreement}[case["of"]])
        holds = True
    except Refused:
        holds = False
    equal("holds", holds, case["holds"])


def network(case, _):
    """The id of a network of this name."""
    equal("id", network_id(case["network"]), case["id"])


def within(case, _):
    """Whether a destination lies in a territory."""
    equal("within", lies_in(case["destination"], case["territory"]), case["within"])


CASES = {
    "cbor": cbor,
    "digest": digest,
    "key": key,
    "bad_key": bad_key,
    "bad_key_text": bad_key_text,
    "signature": signature,
    "document": one_document,
    "permit": permit,
    "body": body,
    "network_id": network,
    "territory": within,
}
