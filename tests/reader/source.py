"""Records passed on, SPEC.md section 11: what comes with them, and what their last recipient checks."""

from batches import climb
from cbor import Refused, read
from digests import H, ZERO, key_id, sha256, verify, verify_raw
from documents import NotValid, agreement, check_signatures, document
from policy import term_known
from records import view_root
from tlog import Broken, note, proof_file
from values import lies_in

MAX_SOURCE = 4194304
MAX_SIGNED_DOCUMENT = 1310720
TRAVEL = 7


class NotProven(Exception):
    """A source that is refused, by its word."""


class Lacking(Exception):
    """What may be lacking here, by its word."""


def source(reader):
    """A source: its documents in bytes, and its origins."""
    start = reader.at
    reader.tuple(2)
    found = {"documents": reader.list(64, lambda r: r.bytes(MAX_SIGNED_DOCUMENT)), "origins": reader.list(64, _origin)}
    reader.leave()
    if reader.at - start > MAX_SOURCE:
        raise Refused("value", start, "more bytes than a source may have")
    return found


def _origin(reader):
    reader.tuple(3)
    reader.tuple(3)
    found = {"header": reader.bytes(4096), "sealed": reader.fixed(32), "signature": reader.fixed(64)}
    reader.leave()
    found["receipt"] = reader.bytes(MAX_SOURCE)
    start = reader.at
    found["records"] = reader.list(10000, _passed)
    reader.leave()
    places = [place for place, _, _ in found["records"]]
    if not places or any(a >= b for a, b in zip(places, places[1:])):
        raise Refused("value", start, "records not ordered by place, or none")
    return found


def _passed(reader):
    reader.tuple(3)
    found = (reader.uint(10000), reader.uint(10000), reader.list(14, lambda r: r.fixed(32)))
    reader.leave()
    return found


class Passing:
    """A dispatch that passes records on, its header read, as it arrives at `me` on a day."""

    def __init__(self, directory, me, peer, said, on, header_of):
        self.directory, self.said, self.on, self.header_of = directory, said, on, header_of
        self.via, self.node = directory.nodes[peer]["member"], directory.nodes[peer]
        self.peer, self.to = peer, directory.nodes[me]["member"]

    def check(self, found, seen):
        """Checks a source against the views seen, in their order; NotProven or Lacking with the first reason. Whether a
        signature is contested."""
        versions = self._versions(found["documents"])
        roots, shown = [view_root(v) for v in seen], set()
        named, contested = [None] * len(versions), False
        for origin in found["origins"]:
            header = self._header(origin)
            at = next((i for i, (d, _) in enumerate(versions) if d["digest"] == header["agreement"]), None)
            if at is None:
                raise NotProven("source_dispatch")
            self._permitted(*versions[-1], header)
            made = self._receipted(origin, header)
            contested |= self._signed(origin, header, made)
            batch = header["batch"]
            for place, index, path in origin["records"]:
                known = place < len(roots) and index < batch["count"] and place not in shown
                if not known or climb(batch["count"], index, roots[place], path) != batch["root"]:
                    raise NotProven("source_path")
                shown.add(place)
            named[: at + 1] = [made if n is None else min(n, made) for n in named[: at + 1]]
        if len(shown) != len(roots):
            raise NotProven("source_path")
        for (signed, _), made in zip(versions, named):
            for one in signed["signatures"]:
                standing = self.directory.standing(one["key"], made)
                if standing == "refused":
                    raise NotProven("source_agreement")
                contested |= standing == "contested"
        return contested

    def _versions(self, documents):
        try:
            versions = []
            for data in documents:
                found = read(data, document)
                body = read(found["body"], agreement)
                last, before = versions[-1] if versions else ({"version": 0, "digest": ZERO}, {"parties": []})
                chained = (found["version"], found["previous"]) == (last["version"] + 1, last["digest"])
                named = found["id"] == body["id"] == self.said["agreement_id"]
                if found["kind"] != "agreement" or found["network"] != self.directory.network or not named or not chained:
                    raise NotProven("source_agreement")
                parties = {*body["parties"], *before["parties"]}
                keys = {party: self.directory.identities.get(party, []) for party in parties}
                for one in found["signatures"]:
                    known = [key_id("identity", key) for key in keys.get(one["member"], [])]
                    if one["member"] in keys and one["key"] not in known:
                        raise Lacking("membership")
                check_signatures(found, keys)
                versions.append((found, body))
        except (Refused, NotValid) as error:
            raise NotProven("source_agreement") from error
        if not versions or versions[-1][0]["digest"] != self.said["agreement"]:
            raise NotProven("source_agreement")
        return versions

    def _header(self, origin):
        try:
            header = read(origin["header"], self.header_of)
        except Refused as refused:
            raise NotProven("source_dispatch") from refused
        sender, recipient, _, _ = header["channel"]
        holds = (
            header["network"] == self.directory.network
            and header["source"] is None
            and sender.split("/")[0] == self.said["source"]
            and header["batch"]["node"] == sender
            and recipient == self.peer
            and header["batch"]["type"] is self.said["batch"]["type"]
            and not self.said["view"] & ~header["view"]
        )
        if not holds:
            raise NotProven("source_dispatch")
        return header

    def _permitted(self, signed, body, header):
        directory, kind, on = self.directory, self.said["batch"]["type"], self.on
        member, until = directory.takes_part(self.to), directory.charter["valid_until"]
        if self.to in (self.said["source"], self.via):
            raise NotProven("not_permitted")
        if not all(map(directory.takes_part, (self.said["source"], self.via, self.to))):
            raise Lacking("membership")
        stale = until is not None and on > until
        known = directory.versions.get(body["id"], [])
        at = next((i for i, (digest, _) in enumerate(known) if digest == signed["digest"]), len(known))
        superseded = any(later["valid_from"] <= on for _, later in known[at + 1 :])
        out = any(body["id"] in directory.suspended.get(m, (0, []))[1] for m in (self.said["source"], self.via))
        why = None
        for row in body["rows"]:
            about = row["type"] == kind.name and kind.version in row["versions"] and row["purpose"] == header["purpose"]
            about = about and self.said["source"] in row["from"] and self.via in row["to"]
            if not about:
                continue
            terms = [tuple(term) for term in row["terms"]]
            understood = all(map(term_known, terms)) and all(kind.named(group) for group in row["groups"])
            in_force = body["valid_from"] <= on <= body["valid_until"] and not superseded
            if not understood or not in_force:
                why = why or NotProven("not_permitted")
                continue
            if out:
                why = why or Lacking("suspended")
                continue
            gave = not header["view"] & ~kind.bits(row["groups"]) and header["retention"] <= row["retention"]
            flows = gave and not (stale and ("when_stale", "stop") in terms)
            if flows and any(self._gives(onward, kind, member) for onward in row["onward"]):
                return
            why = why or NotProven("not_permitted")
        raise why or NotProven("not_permitted")

    def _gives(self, onward, kind, member):
        def of_kind(named):
            return named[0] == member["kind"] and (named[1] is None or lies_in(member["territory"], named[1]))

        return (
            onward["purpose"] == self.said["purpose"]
            and (member["id"] in onward["members"] or any(map(of_kind, onward["kinds"])))
            and all(kind.named(group) for group in onward["groups"])
            and not self.said["view"] & ~kind.bits(onward["groups"])
            and self.said["retention"] <= onward["retention"]
        )

    def _receipted(self, origin, header):
        from answers import read_receipt  # which reads dispatches, and they read this

        try:
            digest = H("luxor/v1/dispatch", origin["header"], origin["sealed"])
            receipt = read_receipt(self.node, digest, origin["receipt"])
        except Broken as broken:
            raise NotProven("source_receipt") from broken
        skeleton, outcome = receipt["skeleton"], receipt["body"]["outcome"]
        rejected = [int(one.split(" ")[0]) for one in outcome[9:].split(", ")] if outcome.startswith("rejected ") else []
        same = (skeleton["channel"], skeleton["number"], skeleton["agreement"])
        due = min(skeleton["due"], header["sent_at"] // 86_400_000 + header["retention"] + TRAVEL)
        sent = self.said["sent_at"] // 86_400_000
        holds = (
            same == (header["channel"], header["number"], header["agreement"])
            and (outcome == "accepted" or rejected)
            and not any(index in rejected for _, index, _ in origin["records"])
            and sent <= due
            and self.on <= due + TRAVEL
        )
        if not holds:
            raise NotProven("source_receipt")
        made = self._witnessed(proof_file(origin["receipt"])["checkpoint"])
        if sent < made // 86_400_000:
            raise NotProven("source_receipt")
        return made

    def _witnessed(self, checkpoint):
        """The quorum time, in milliseconds, under the flat policy of the other members' first nodes."""
        text, signatures = note(checkpoint)
        others = {}
        for full, node in sorted(self.directory.nodes.items()):
            if node["member"] != self.via and node["belongs"]:
                others.setdefault(node["member"], node)
        times = []
        for node in others.values():
            name, public = f"{node['origin']}/witness", node["witness_keys"][0]
            wanted = (name, sha256(name.encode() + b"\n\x04" + public)[:4])
            for signer, key, payload in signatures:
                if (signer, key) != wanted:
                    continue
                time = int.from_bytes(payload[:8], "big")
                message = f"cosignature/v1\ntime {time}\n".encode() + text.encode()
                if len(payload) != 72 or not verify_raw(public, message, payload[8:]):
                    raise NotProven("source_unwitnessed")
                times.append(time)
                break
        needed = 2 * len(others) // 3 + 1
        if len(times) < needed:
            raise NotProven("source_unwitnessed")
        return sorted(times)[needed - 1] * 1000

    def _signed(self, origin, header, made):
        node, contested = self.directory.nodes.get(header["channel"][0]), False
        if node is None:
            raise Lacking("membership")
        keys = node["sign_ever"]
        digest = H("luxor/v1/dispatch", origin["header"], origin["sealed"])
        batch = header["batch"]
        for domain, body, signature in (
            ("luxor/v1/dispatch", digest, origin["signature"]),
            ("luxor/v1/batch", batch["bytes"], batch["signature"]),
        ):
            by = next((k for k in keys if verify("sign", k, domain, self.directory.network, body, signature)), None)
            if by is None:
                raise Lacking("membership")
            standing = self.directory.standing(key_id("sign", by), made)
            if standing == "refused":
                raise NotProven("source_signature")
            contested |= standing == "contested"
        return contested
