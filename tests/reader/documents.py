"""Documents, SPEC.md section 5: their bytes, bodies and signatures. What they say together is in directory.py."""

import re

from cbor import Refused, write
from digests import H, ZERO, key_id, strong, verify
from values import MEMBER_KINDS, NAME, PURPOSES, WHITE, day, name, territory, time, word

KINDS = ("charter", "card", "agreement", "suspension", "revocation", "rejection")
STATUS = ("active", "suspended")
ROLES = ("destination", "first_entry", "transit", "departure")
USES = ("sign", "log", "witness", "transport")
BENEFITS = ("fewer_controls", "priority", "simplified_data", "deferred_payment", "reduced_guarantee", "resumption")
ISSUING = {"aeo": {"customs"}, "collect": {"customs"}, "vetted_seller": {"platform", "post", "broker"}}
P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
P256_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
WORD = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)


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
    later = found["version"] > 1 and found["previous"] != ZERO and found["kind"] != "rejection"
    if not first and not later:
        raise Refused("value", start, "a first version has no predecessor, a later one has; rejections have no later one")
    found["body"] = reader.bytes(1048576)
    found["signatures"] = []
    for _ in range(reader.array(1024)):
        start = reader.at
        reader.tuple(3)
        signed = {"member": name(reader), "key": reader.fixed(16), "signature": reader.fixed(64)}
        reader.leave()
        last = found["signatures"][-1] if found["signatures"] else None
        if last and (last["member"], last["key"]) >= (signed["member"], signed["key"]):
            raise Refused("value", start, "signatures are not ordered by member and key")
        found["signatures"].append(signed)
    reader.leave()
    reader.leave()
    found["digest"] = H("luxor/v1/document", write(_content(found)))
    return found


def _content(found):
    number = KINDS.index(found["kind"]) + 1
    return [number, *(found[key] for key in ("network", "id", "version", "previous", "body"))]


def whole(found):
    """All bytes of a document: tells copies with other signatures apart."""
    signatures = [[signed["member"], signed["key"], signed["signature"]] for signed in found["signatures"]]
    return write([*_content(found), signatures])


def signers(found, allowed):
    """Who signed, of those allowed {member: identity keys}, each once and with one of its keys."""
    signed_by = []
    for signed in found["signatures"]:
        member = signed["member"]
        if member not in allowed:
            raise NotValid("stranger", member)
        if member in signed_by:
            raise NotValid("two_keys", member)
        public = next((key for key in allowed[member] if key_id("identity", key) == signed["key"]), None)
        if public is None:
            raise NotValid("other_key", member)
        holds = verify("identity", public, "luxor/v1/document", found["network"], found["digest"], signed["signature"])
        if not holds:
            raise NotValid("signature", member)
        signed_by.append(member)
    return signed_by


def check_signatures(found, required):
    """Exactly the required members {id: identity keys} signed."""
    missing = set(required) - set(signers(found, required))
    if missing:
        raise NotValid("missing", min(missing))


def _whole(reader, start, holds, what):
    if not holds:
        raise Refused("value", start, what)


def _key(reader):
    start = reader.at
    public = reader.fixed(32)
    _whole(reader, start, strong(public), "not a strong key")
    return public


def _attest_key(reader):
    """A key that signs attestations: a compressed point of P-256, or of Ed25519."""
    start = reader.at
    public = reader.bytes(33)
    if len(public) == 33:
        x = int.from_bytes(public[1:], "big")
        square = (x**3 - 3 * x + P256_B) % P256
        holds = public[0] in (2, 3) and x < P256 and pow(square, (P256 + 1) // 4, P256) ** 2 % P256 == square
    else:
        holds = len(public) == 32 and strong(public)
    _whole(reader, start, holds, "not a strong key of attestations")
    return public


def _some(reader, most, item):
    """The list of a longer form, which is not empty."""
    start = reader.at
    found = reader.list(most, item)
    _whole(reader, start, found, "an empty list at the end")
    return found


def _control(text):
    return any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text)


def _line(text):
    return 1 <= len(text.encode()) <= 400 and not _control(text)


def _optional(reader, item):
    return None if reader.null() else item(reader)


def _pair(*items):
    def pair(reader):
        reader.tuple(len(items))
        found = tuple(item(reader) for item in items)
        reader.leave()
        return found

    return pair


def _digest(reader):
    return reader.fixed(32)


def _short(reader):
    return reader.text(40)


def charter(reader):
    """A charter's body."""
    start = reader.at
    lists = reader.array(10) - 8
    _whole(reader, start, lists >= 0, "the length of the array")

    def member(inner):
        inner.tuple(6)
        found = {"id": name(inner), "name": inner.text(200), "kind": word(inner, MEMBER_KINDS)}
        found |= {"territory": territory(inner), "identity": _key(inner), "status": word(inner, STATUS)}
        inner.leave()
        return found

    found = {"name": reader.text(200), "members": reader.list(1024, member), "governors": reader.list(1024, name)}
    found["threshold"] = reader.uint()
    found["policy"] = _optional(reader, lambda r: r.text(128 * 1024))
    found |= {"valid_until": _optional(reader, day), "round": reader.uint(), "merges": _optional(reader, _digest)}
    row = _pair(_short, lambda r: r.list(1024, name))
    found["issuers"] = [] if lists == 0 else _some(reader, 32, row) if lists == 1 else reader.list(32, row)
    found["coordinators"] = _some(reader, 8, name) if lists == 2 else []
    reader.leave()
    ids = [m["id"] for m in found["members"]]
    active = {m["id"] for m in found["members"] if m["status"] == "active"}
    governors, threshold = found["governors"], found["threshold"]
    _whole(reader, start, found["name"] and all(m["name"] for m in found["members"]), "a name is empty")
    _whole(reader, start, ids and ascending(ids), "members")
    _whole(reader, start, governors and ascending(governors) and set(governors) <= active, "governors")
    coordinators = found["coordinators"]
    _whole(reader, start, ascending(coordinators) and set(coordinators) <= active, "coordinators")
    _whole(reader, start, found["round"] >= 1, "round")
    _whole(reader, start, len({m["identity"] for m in found["members"]}) == len(ids), "a shared key")
    _whole(reader, start, 2 * len(governors) < 3 * threshold <= 3 * len(governors), "threshold")
    kinds = {m["id"]: m["kind"] for m in found["members"]}
    for of, issuers in found["issuers"]:
        may = ISSUING.get(of, MEMBER_KINDS)
        there = issuers and ascending(issuers) and all(kinds.get(issuer) in may for issuer in issuers)
        _whole(reader, start, WORD.fullmatch(of) and there, "issuers")
    _whole(reader, start, ascending([of for of, _ in found["issuers"]]), "types of issuers")
    return found


def network_id(network_name):
    """The id of a charter's document."""
    lower = "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in network_name)
    dashed = "".join(c if c in "abcdefghijklmnopqrstuvwxyz0123456789" else "-" for c in lower)[:40]
    return "-".join(part for part in dashed.split("-") if part) or "network"


def _plain(text):
    return 1 <= len(text.encode()) <= 256 and not _control(text) and not any(c in WHITE for c in text)


def _keys(reader):
    start = reader.at
    keys = reader.list(4, _key)
    _whole(reader, start, keys and len(set(keys)) == len(keys), "no key, or one twice")
    return keys


def card(reader):
    """A card's body."""
    start = reader.at
    longer = reader.tuple_or_longer(3)

    def node(inner):
        inner.tuple(10)
        found = {"name": name(inner)} | {use: _keys(inner) for use in USES}
        found |= {"seal": inner.list(4, lambda r: r.text(256)), "origin": inner.text(256)}
        found |= {"addresses": inner.list(8, lambda r: r.text(256))}
        found |= {"epoch": inner.uint(), "reads": inner.list(64, _pair(_short, lambda r: r.uint()))}
        inner.leave()
        return found

    found = {"member": name(reader), "identity": _key(reader), "nodes": reader.list(16, node)}
    attest = _pair(_attest_key, day, lambda r: _optional(r, day))
    found["attest"] = _some(reader, 16, attest) if longer else []
    reader.leave()
    nodes = found["nodes"]
    keys = [found["identity"], *(key for n in nodes for key in node_keys(n))]
    keys += [key for key, _, _ in found["attest"] if len(key) == 32]
    _whole(reader, start, ascending([key for key, _, _ in found["attest"]]), "order of keys")
    _whole(reader, start, all(last is None or first <= last for _, first, last in found["attest"]), "days of a key")
    _whole(reader, start, nodes and ascending([n["name"] for n in nodes]), "nodes")
    for n in nodes:
        _whole(reader, start, _plain(n["origin"]) and len(n["origin"].encode()) <= 247 and "+" not in n["origin"], "origin")
        _whole(reader, start, n["seal"] and all(s.startswith("age1") and _plain(s) for s in n["seal"]), "seal")
        _whole(reader, start, n["epoch"] >= 1, "epoch")
        _whole(reader, start, all(a.startswith("/") and _plain(a) for a in n["addresses"]), "address")
    _whole(reader, start, len(set(keys)) == len(keys), "one key twice")
    return found


def node_keys(node):
    """Every Ed25519 key of a node on a card."""
    return [key for use in USES for key in node[use]]


def _onward(reader):
    reader.tuple(5)
    kind = _pair(lambda r: word(r, MEMBER_KINDS), lambda r: _optional(r, territory))
    found = {"members": reader.list(1024, name), "kinds": reader.list(1024, kind)}
    found |= {"purpose": word(reader, PURPOSES), "groups": reader.list(32, _short), "retention": reader.uint()}
    reader.leave()
    return found


def _row(reader):
    reader.tuple(12)
    found = {"type": reader.text(40), "versions": reader.list(16, lambda r: r.uint())}
    found |= {"from": reader.list(1024, name), "to": reader.list(1024, name), "purpose": word(reader, PURPOSES)}
    found |= {"groups": reader.list(32, _short), "places": reader.list(300, territory)}
    found |= {"roles": reader.list(4, lambda r: word(r, ROLES)), "handling": reader.bool(), "retention": reader.uint()}
    found |= {"onward": reader.list(32, _onward), "terms": reader.list(32, _pair(_short, _short))}
    reader.leave()
    return found


def _onward_holds(onward, row):
    numbers = [(MEMBER_KINDS.index(kind), place or "") for kind, place in onward["kinds"]]
    lists = ascending(onward["members"]) and ascending(numbers) and ascending(onward["groups"])
    there = (onward["members"] or numbers) and onward["groups"] and set(onward["groups"]) <= set(row["groups"])
    passed = row["type"] != "opening" and onward["purpose"] != "audit"
    return lists and there and passed and 1 <= onward["retention"] <= 3660


def _row_holds(row, parties):
    roles = [ROLES.index(role) for role in row["roles"]]
    needed = (row["versions"], row["from"], row["to"], row["groups"], roles)
    lists = all(needed) and all(map(ascending, (*needed, row["places"], [name for name, _ in row["terms"]])))
    sides = set(row["from"] + row["to"]) <= set(parties) and not set(row["from"]) & set(row["to"])
    words = [row["type"], *row["groups"], *(term[0] for term in row["terms"])]
    spelled = all(WORD.fullmatch(text) for text in words)
    spelled = spelled and all(WORD.fullmatch(value) or NAME.fullmatch(value) for _, value in row["terms"])
    third = set(parties) - set(row["from"] + row["to"]) if row["type"] != "opening" else set()
    spelled = spelled and all(value in third for term, value in row["terms"] if term == "deposit")
    audit = (row["purpose"] == "audit") == (row["type"] == "opening")
    passed_on = all(_onward_holds(onward, row) for onward in row["onward"])
    passed_on = passed_on and not (row["onward"] and ("unlinkable", "yes") in row["terms"])
    return lists and sides and spelled and audit and passed_on and 1 <= row["retention"] <= 3660


def _recognition(reader):
    reader.tuple(8)
    start = reader.at
    reader.tuple(2)
    number = reader.uint()
    _whole(reader, start, number in (1, 2), "neither a member nor a territory")
    found = {"member": name(reader) if number == 1 else None, "territory": territory(reader) if number == 2 else None}
    reader.leave()
    start = reader.at
    _whole(reader, start, reader.text(40) == "aeo", "another type than aeo")
    found |= {"programme": reader.text(400), "by": reader.list(1024, name)}
    found |= {"purposes": reader.list(10, lambda r: word(r, PURPOSES))}
    found |= {"benefits": reader.list(6, lambda r: word(r, BENEFITS))}
    found |= {"prefixes": reader.list(256, _short), "needs": reader.list(256, _short)}
    reader.leave()
    return found


def _recognition_holds(row, parties):
    member = row["member"]
    named = member is None or (member in parties and member not in row["by"])
    numbers = [[words.index(found) for found in row[key]] for key, words in (("purposes", PURPOSES), ("benefits", BENEFITS))]
    lists = (row["by"], *numbers)
    ordered = all(lists) and all(map(ascending, (*lists, row["prefixes"], row["needs"])))
    digits = all(re.fullmatch("[0-9]{2,10}", prefix, re.ASCII) for prefix in row["prefixes"])
    spelled = digits and all(WORD.fullmatch(text) for text in row["needs"]) and _line(row["programme"])
    return named and ordered and spelled and set(row["by"]) <= set(parties) and "audit" not in row["purposes"]


def agreement(reader):
    """An agreement's body."""
    start = reader.at
    longer = reader.tuple_or_longer(10)
    found = {"id": name(reader)} | {key: reader.text(400) for key in ("title", "instrument", "article", "controller")}
    found["document"] = _optional(reader, _digest)
    found |= {"parties": reader.list(1024, name), "valid_from": day(reader), "valid_until": day(reader)}
    found["rows"] = reader.list(256, _row)
    found["recognitions"] = _some(reader, 256, _recognition) if longer else []
    reader.leave()
    for key in ("title", "instrument", "article", "controller"):
        _whole(reader, start, _line(found[key]), key)
    parties = found["parties"]
    _whole(reader, start, len(parties) >= 2 and ascending(parties), "parties")
    _whole(reader, start, found["rows"] or found["recognitions"], "no row")
    _whole(reader, start, all(_recognition_holds(row, parties) for row in found["recognitions"]), "a recognition")
    _whole(reader, start, found["valid_from"] <= found["valid_until"], "days")
    _whole(reader, start, all(_row_holds(row, parties) for row in found["rows"]), "a row")
    return found


def suspension(reader):
    """A suspension's body."""
    start = reader.at
    reader.tuple(3)
    found = {"member": name(reader), "agreements": reader.list(1024, name), "reason": reader.text(400)}
    reader.leave()
    _whole(reader, start, ascending(found["agreements"]) and _line(found["reason"]), "order or reason")
    return found


def revocation(reader):
    """A revocation's body."""
    start = reader.at
    reader.tuple(5)
    found = {"member": name(reader), "keys": reader.list(64, lambda r: r.fixed(16)), "reason": reader.text(400)}
    found |= {"at": time(reader), "since": _optional(reader, time)}
    reader.leave()
    _whole(reader, start, found["keys"] and ascending(found["keys"]) and _line(found["reason"]), "keys or reason")
    _whole(reader, start, found["since"] is None or found["since"] <= found["at"], "compromised after it")
    return found


def rejection(reader):
    """A rejection's body."""
    start = reader.at
    reader.tuple(3)
    found = {"governor": name(reader), "previous": reader.fixed(32), "round": reader.uint()}
    reader.leave()
    _whole(reader, start, found["round"] >= 1, "round")
    return found
