"""Documents, SPEC.md section 5: charter, card, agreement, their signatures, and what they permit together."""

from cbor import Refused, read, write
from digests import H, ZERO, key_id, strong, verify
from values import MEMBER_KINDS, PURPOSES, WHITE, day, name, territory, word

KINDS = ("charter", "card", "agreement")


class NotValid(Exception):
    """A document that is refused: the reason by its word, and for whom."""

    def __init__(self, reason, detail=""):
        super().__init__(f"{reason} {detail}")
        self.reason = reason


def ascending(items):
    """Whether items ascend strictly."""
    return all(a < b for a, b in zip(items, items[1:]))


def document(reader):
    """Any document, its body in bytes."""
    reader.tuple(7)
    found = {"kind": word(reader, KINDS), "network": reader.fixed(32), "id": name(reader)}
    start = reader.at
    found["version"], found["previous"] = reader.uint(), reader.fixed(32)
    first = found["version"] == 1 and found["previous"] == ZERO
    if not first and not (found["kind"] == "card" and found["version"] > 1 and found["previous"] != ZERO):
        raise Refused("value", start, "only cards have later versions, and those a predecessor")
    found["body"] = reader.bytes(1048576)
    found["signatures"] = []
    for _ in range(reader.array(256)):
        start = reader.at
        reader.tuple(3)
        signed = {"member": name(reader), "key": reader.fixed(16), "signature": reader.fixed(64)}
        reader.leave()
        if found["signatures"] and found["signatures"][-1]["member"] >= signed["member"]:
            raise Refused("value", start, "signatures are not ordered by member")
        found["signatures"].append(signed)
    reader.leave()
    reader.leave()
    number = KINDS.index(found["kind"]) + 1
    content = [number, *(found[key] for key in ("network", "id", "version", "previous", "body"))]
    found["digest"] = H("luxor/v1/document", write(content))
    return found


def _whole(reader, start, holds, what):
    if not holds:
        raise Refused("value", start, what)


def _key(reader):
    start = reader.at
    public = reader.fixed(32)
    _whole(reader, start, strong(public), "not a strong key")
    return public


def charter(reader):
    """A charter's body."""
    start = reader.at
    reader.tuple(5)

    def member(inner):
        inner.tuple(5)
        found = {"id": name(inner), "name": inner.text(200), "kind": word(inner, MEMBER_KINDS)}
        found |= {"territory": territory(inner), "identity": _key(inner)}
        inner.leave()
        return found

    found = {"name": reader.text(200), "members": reader.list(1024, member), "governors": reader.list(1024, name)}
    found["threshold"] = reader.uint()
    found["policy"] = None if reader.null() else reader.text(128 * 1024)
    reader.leave()
    ids = [m["id"] for m in found["members"]]
    governors, threshold = found["governors"], found["threshold"]
    _whole(reader, start, found["name"] and all(m["name"] for m in found["members"]), "a name is empty")
    _whole(reader, start, ids and ascending(ids), "members")
    _whole(reader, start, governors and ascending(governors) and set(governors) <= set(ids), "governors")
    _whole(reader, start, len({m["identity"] for m in found["members"]}) == len(ids), "a shared key")
    _whole(reader, start, 2 * len(governors) < 3 * threshold <= 3 * len(governors), "threshold")
    return found


def network_id(network_name):
    """The id of a charter's document."""
    lower = "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in network_name)
    dashed = "".join(c if c in "abcdefghijklmnopqrstuvwxyz0123456789" else "-" for c in lower)[:40]
    return "-".join(part for part in dashed.split("-") if part) or "network"


def _plain(text):
    return 1 <= len(text.encode()) <= 256 and not any(c in WHITE or ord(c) < 32 or 127 <= ord(c) < 160 for c in text)


def card(reader):
    """A card's body."""
    start = reader.at
    reader.tuple(2)

    def read_type(inner):
        inner.tuple(2)
        found = (inner.text(40), inner.uint())
        inner.leave()
        return found

    def node(inner):
        inner.tuple(10)
        found = {"name": name(inner)} | {use: _key(inner) for use in ("sign", "log", "witness", "transport")}
        found |= {"seal": inner.text(1024), "origin": inner.text(256)}
        found |= {"addresses": inner.list(8, lambda r: r.text(256))}
        found |= {"epoch": inner.uint(), "reads": inner.list(64, read_type)}
        inner.leave()
        return found

    found = {"member": name(reader), "nodes": reader.list(16, node)}
    reader.leave()
    nodes = found["nodes"]
    keys = [n[use] for n in nodes for use in ("sign", "log", "witness", "transport")]
    _whole(reader, start, nodes and ascending([n["name"] for n in nodes]), "nodes")
    for n in nodes:
        _whole(reader, start, _plain(n["origin"]) and len(n["origin"]) <= 247 and "+" not in n["origin"], "origin")
        _whole(reader, start, n["seal"].startswith("age1") and _plain(n["seal"]), "seal")
        _whole(reader, start, n["epoch"] >= 1, "epoch")
        _whole(reader, start, all(a.startswith("/") and _plain(a) for a in n["addresses"]), "address")
    _whole(reader, start, len(set(keys)) == len(keys), "one key twice")
    return found


def agreement(reader, tables):
    """An agreement's body."""
    start = reader.at
    reader.tuple(10)

    def flow(inner):
        inner.tuple(9)
        found = {"type": (inner.text(40), inner.uint()), "from": inner.list(1024, name), "to": inner.list(1024, name)}
        found |= {"purpose": word(inner, PURPOSES), "groups": inner.list(32, lambda r: r.text(40))}
        found |= {"destinations": inner.list(300, territory), "retention": inner.uint(), "onward": inner.bool()}
        inner.leave()
        return found

    found = {"id": name(reader)} | {key: reader.text(400) for key in ("title", "instrument", "article", "controller")}
    found["document"] = None if reader.null() else reader.fixed(32)
    found |= {"parties": reader.list(1024, name), "valid_from": day(reader), "valid_until": day(reader)}
    found["flows"] = reader.list(256, flow)
    reader.leave()
    for key in ("title", "instrument", "article", "controller"):
        text = found[key]
        _whole(reader, start, text and not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text), key)
    parties = found["parties"]
    _whole(reader, start, len(parties) >= 2 and ascending(parties) and found["flows"], "parties or flows")
    for f in found["flows"]:
        kind = tables.get(f["type"])
        lists = (f["from"], f["to"], f["groups"], f["destinations"])
        _whole(reader, start, kind and all(map(ascending, lists)) and all(lists[:3]), "lists of a flow")
        _whole(reader, start, set(f["from"] + f["to"]) <= set(parties) and not set(f["from"]) & set(f["to"]), "sides")
        _whole(reader, start, all(kind.named(g) for g in f["groups"]) and 1 <= f["retention"] <= 3660, "groups")
        _whole(reader, start, (f["purpose"] == "audit") == (kind.name == "opening"), "purpose")
    return found


def check_signatures(found, required):
    """Exactly the required members {id: identity key} signed, each with its key."""
    for signed in found["signatures"]:
        public = required.get(signed["member"])
        if public is None:
            raise NotValid("stranger", signed["member"])
        if signed["key"] != key_id("identity", public):
            raise NotValid("other_key", signed["member"])
        holds = verify("identity", public, "luxor/v1/document", found["network"], found["digest"], signed["signature"])
        if not holds:
            raise NotValid("signature", signed["member"])
    missing = set(required) - {signed["member"] for signed in found["signatures"]}
    if missing:
        raise NotValid("missing", min(missing))


class Directory:
    """What a network's documents say together."""

    def __init__(self, founding, tables):
        self.tables = tables
        self.charter = read(founding["body"], charter)
        if founding["network"] != ZERO or founding["id"] != network_id(self.charter["name"]):
            raise NotValid("content", "not a founding charter")
        self.identities = {m["id"]: m["identity"] for m in self.charter["members"]}
        check_signatures(founding, {governor: self.identities[governor] for governor in self.charter["governors"]})
        self.network = founding["digest"]
        self.cards, self.nodes, self.agreements, self.owners = {}, {}, {}, {}

    def add(self, found):
        """Checks a card or agreement and takes it."""
        if found["network"] != self.network:
            raise NotValid("network", found["id"])
        if found["kind"] == "card":
            self._add_card(found)
        elif found["kind"] == "agreement":
            body = read(found["body"], lambda reader: agreement(reader, self.tables))
            if body["id"] != found["id"]:
                raise NotValid("content", "another id")
            check_signatures(found, self._signers(body["parties"]))
            self.agreements[found["digest"]] = body
        else:
            raise NotValid("kind", found["kind"])

    def _signers(self, members):
        for member in members:
            if member not in self.identities:
                raise NotValid("no_member", member)
        return {member: self.identities[member] for member in members}

    def _add_card(self, found):
        body = read(found["body"], card)
        if body["member"] != found["id"]:
            raise NotValid("content", "another member")
        check_signatures(found, self._signers([body["member"]]))
        before = self.cards.get(found["id"])
        if before and before["version"] + 1 == found["version"] and before["digest"] != found["previous"]:
            raise NotValid("chain", found["id"])
        earlier = {n: self.nodes.pop(n) for n in list(self.nodes) if n.split("/")[0] == body["member"]}
        self.cards[found["id"]] = found
        for node in body["nodes"]:
            full = f"{body['member']}/{node['name']}"
            for key in (node[use] for use in ("sign", "log", "witness", "transport")):
                if self.owners.setdefault(key, full) != full:
                    raise NotValid("shared_key", full)
            if self.owners.setdefault(node["origin"], full) != full:
                raise NotValid("shared_origin", full)
            former = []
            if full in earlier:
                old = earlier[full]
                former = ([(old["origin"], old["log"])] if old["log"] != node["log"] else []) + old["former"]
            self.nodes[full] = node | {"member": body["member"], "former": former}

    def permits(self, digest, sender, recipient, kind, purpose, groups, retention, on):
        """Whether one flow of the agreement with this digest gives all of this; groups is a set as a number."""
        found = self.agreements.get(digest)
        if found is None or not found["valid_from"] <= on <= found["valid_until"]:
            return False
        return any(
            flow["type"] == (kind.name, kind.version)
            and sender in flow["from"]
            and recipient in flow["to"]
            and flow["purpose"] == purpose
            and groups & ~kind.bits(flow["groups"]) == 0
            and retention <= flow["retention"]
            for flow in found["flows"]
        )
