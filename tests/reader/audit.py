"""An audit of a node's log, SPEC.md section 15: findings by their class, and what was counted."""

from answers import OF_LOGS, body_hash, checkpoints_body, entry_of, erased_body, hold_body, other_body
from answers import read_receipt, receipt_body, skeleton
from cbor import Refused, read
from digests import H, verify
from exchange import dispatch_digest, dispatch_header, envelope, withdrawal_header
from tlog import Broken, checkpoint, leaf_hash, note_of, root


class Finding(Exception):
    """Something that does not hold, by its class."""


class Told:
    """What a log tells of one channel."""

    def __init__(self):
        self.count, self.leaves, self.partial, self.ahead = 0, [], False, {}

    def take(self, digest):
        self.count += 1
        if digest is None:
            self.partial = True
        else:
            self.leaves.append(leaf_hash(digest))


class Audit:
    """An audit of one node up to the newest checkpoint of its first page."""

    def __init__(self, directory, node, first):
        self.directory, self.name, self.node = directory, node, directory.nodes[node]
        self.target = self._checkpoint(first["checkpoint"])
        self.leaves, self.findings = [], []
        self.sent, self.got, self.open, self.withdrawn = {}, {}, {}, set()
        self.last_peers = None
        self.documents, self.kept = set(), set()
        self.bare, self.holds = {}, {}
        counted = "bodies withheld dispatch_signatures receipts withdrawals peer_checkpoints"
        self.counts = dict.fromkeys(counted.split(), 0)
        self.counts["checkpoints"] = 1

    def _checkpoint(self, note):
        return checkpoint(note, self.node["origin"], self.node["log"])

    def page(self, page):
        """Takes the next page."""
        signed = []
        for note in page["checkpoints"]:
            try:
                signed.append(self._checkpoint(note))
            except Broken:
                self.findings.append("checkpoint")
        for given in page["entries"]:
            if len(self.leaves) == self.target["size"]:
                break
            self.leaves.append(leaf_hash(given["entry"]))
            try:
                self._entry(given)
            except Finding as finding:
                self.findings.append(str(finding))
            except (Refused, Broken):
                self.findings.append("undecodable")
            for found in (c for c in signed if c["size"] == len(self.leaves)):
                self.counts["checkpoints"] += 1
                if found["root"] != root(self.leaves):
                    self.findings.append("root")

    def finish(self):
        """Ends the audit."""
        if self.bare and self.counts["bodies"]:
            self.findings.append("unexplained")
        if len(self.leaves) < self.target["size"]:
            self.findings.append("withheld")
        elif root(self.leaves) != self.target["root"]:
            self.findings.append("root")
        return sorted(set(self.findings))

    def channels(self):
        """Every channel with its count and root, '' where a body was withheld."""
        for side in (self.sent, self.got):
            for where in side:
                told = side[where]
                yield where, told.count, "" if told.partial else root(told.leaves).hex()

    def _entry(self, given):
        if entry_of(given["salt"], given["skeleton"], given["body_hash"]) != given["entry"]:
            raise Finding("opening")
        said = read(given["skeleton"], skeleton)
        sender, recipient = said["channel"][:2]
        either = [sender, recipient]
        own = {"received": [recipient], "erased": either, "statement": either}.get(said["kind"], [sender])
        kept = said["kind"] == "erased" and any(where == said["channel"] for where, _ in self.kept)
        third = self.name not in either and (said["kind"] == "deposited" or kept)
        if not third and (said["kind"] == "deposited" or self.name not in own):
            raise Finding("channel")
        body = None
        if given["body"] is None:
            self.counts["withheld"] += 1
            self.bare[len(self.leaves) - 1] = said["due"]
        else:
            if body_hash(*given["body"]) != given["body_hash"]:
                raise Finding("body")
            self.counts["bodies"] += 1
            forms = {"received": receipt_body, "peers": checkpoints_body, "succeeded": checkpoints_body}
            forms |= {"erased": erased_body, "hold": hold_body}
            body = read(given["body"][1], forms.get(said["kind"], other_body))
        evidence = given["evidence"]
        getattr(self, "_" + said["kind"])(said, body, evidence)

    def _sent(self, said, body, evidence):
        told = self.sent.setdefault(said["channel"], Told())
        expected = told.count + 1
        told.take(body)
        self.open[said["channel"], said["number"]] = body
        if said["number"] != expected:
            raise Finding("number")
        self._dispatch(said, body, evidence)

    def _received(self, said, body, evidence):
        told, number = self.got.setdefault(said["channel"], Told()), said["number"]
        if number <= told.count or number in told.ahead:
            raise Finding("number")
        digest = body and body["dispatch"]
        told.ahead[number] = digest
        while told.count + 1 in told.ahead:
            told.take(told.ahead.pop(told.count + 1))
        if body:
            known = told.partial or body["channel_root"] == root(told.leaves)
            if body["contiguous"] != told.count or not known:
                raise Finding("channel_root")
        if evidence is None:
            return
        withdrawal = read(evidence, envelope)[1] is None
        if body and withdrawal != (body["outcome"] == "withdrawn"):
            raise Finding("evidence")
        (self._withdrawal if withdrawal else self._dispatch)(said, digest, evidence)

    def _receipt(self, said, body, evidence):
        key = (said["channel"], said["number"])
        if key not in self.open:
            raise Finding("number")
        sent = self.open.pop(key)
        if sent and body and sent != body:
            raise Finding("evidence")
        if evidence is None or not (body or sent):
            return
        other = self.directory.nodes[said["channel"][1]]
        receipt = read_receipt(other, body or sent, evidence)
        if (receipt["skeleton"]["channel"], receipt["skeleton"]["number"]) != key:
            raise Finding("evidence")
        if receipt["body"]["outcome"] == "withdrawn" and key not in self.withdrawn:
            raise Finding("evidence")
        self.counts["receipts"] += 1

    def _withdrawn(self, said, body, evidence):
        key = (said["channel"], said["number"])
        if key not in self.open:
            raise Finding("number")
        if self.open[key] and body and self.open[key] != body:
            raise Finding("evidence")
        self.withdrawn.add(key)
        if evidence is not None:
            self._withdrawal(said, body or self.open[key], evidence)

    def _resent(self, said, body, evidence):
        key, told = (said["channel"], said["number"]), self.sent.get(said["channel"], Told())
        if said["number"] > told.count or key in self.open:
            raise Finding("number")
        self.open[key] = body
        self._dispatch(said, body, evidence)

    def _peers(self, said, body, _):
        if self.last_peers is not None and said["number"] <= self.last_peers:
            raise Finding("number")
        self.last_peers = said["number"]
        self._checkpoints(said, body, self.directory.nodes.values())

    def _succeeded(self, said, body, _):
        if len(self.leaves) != 1:
            raise Finding("place")
        self._checkpoints(said, body, None)

    def _document(self, said, body, _):
        _of_node(said)
        if body in self.documents:
            raise Finding("number")
        if body:
            self.documents.add(body)

    def _deposited(self, said, body, evidence):
        key = (said["channel"], said["number"])
        if key in self.kept:
            raise Finding("number")
        self.kept.add(key)
        self._dispatch(said, body, evidence)

    def _statement(self, said, body, evidence):
        if said["agreement"] != bytes(32):
            raise Finding("evidence")
        if evidence is None:
            return
        encoded, *signatures = read(evidence, _cosigned)
        digest = H("luxor/v1/statement", encoded)
        if body and body != digest:
            raise Finding("evidence")
        for node, signature in zip(said["channel"][:2], signatures, strict=True):
            keys = self.directory.nodes[node]["sign_ever"]
            network = self.directory.network
            if not any(verify("sign", key, "luxor/v1/statement", network, digest, signature) for key in keys):
                raise Finding("evidence")

    def _erased(self, said, body, _):
        for entry, places in body["named"] if body else []:
            if entry >= len(self.leaves) - 1:
                raise Finding("place")
            if any(_holds(hold, said["agreement"], entry, places) for hold in self.holds.values()):
                raise Finding("held")
            if places:
                continue
            due = self.bare.pop(entry, None)
            if due is None or (body["ground"] == "retention" and body["on"] < due):
                raise Finding("erased")

    def _hold(self, said, body, _):
        sender, recipient, _, lane = said["channel"]
        if sender != recipient or lane != "ordinary" or said["agreement"] != bytes(32):
            raise Finding("channel")
        if body and body["begins"] == (body["hold"] in self.holds):
            raise Finding("hold")
        if body and body["begins"]:
            self.holds[body["hold"]] = body
        elif body:
            del self.holds[body["hold"]]

    def _checkpoints(self, said, body, nodes):
        _of_node(said)
        for note in body or []:
            origin = note_of(note)["origin"]
            own = self.node["former"]
            logs = own if nodes is None else [log for n in nodes for log in n["logs"]]
            keys = [log for found, log in logs if found == origin]
            if nodes is None and not keys:
                raise Finding("evidence")
            if keys and not any(_signed(note, origin, key) for key in keys):
                raise Finding("evidence")
            self.counts["peer_checkpoints"] += 1

    def _signature(self, header, domain, body, signature):
        keys = self.directory.nodes[header["channel"][0]]["sign_ever"]
        if not any(verify("sign", key, domain, self.directory.network, body, signature) for key in keys):
            raise Finding("evidence")

    def _dispatch(self, said, digest, evidence):
        if evidence is None:
            return
        encoded, sealed, signature = read(evidence, envelope)
        found = dispatch_digest(encoded, sealed)
        header = read(encoded, dispatch_header(self.directory.tables))
        fields = (header["channel"], header["number"], header["agreement"])
        if (digest and digest != found) or fields != (said["channel"], said["number"], said["agreement"]):
            raise Finding("evidence")
        self._signature(header, "luxor/v1/dispatch", found, signature)
        self.counts["dispatch_signatures"] += 1

    def _withdrawal(self, said, digest, evidence):
        encoded, _, signature = read(evidence, envelope)
        header = read(encoded, withdrawal_header)
        fields = (header["channel"], header["number"], header["agreement"])
        if (digest and digest != header["dispatch"]) or fields != (said["channel"], said["number"], said["agreement"]):
            raise Finding("evidence")
        self._signature(header, "luxor/v1/withdrawal", encoded, signature)
        self.counts["withdrawals"] += 1


def _cosigned(reader):
    """A statement with the signatures of both nodes."""
    reader.tuple(3)
    found = reader.bytes(2048), reader.fixed(64), reader.fixed(64)
    reader.leave()
    return found


def _of_node(said):
    sender, recipient, _, lane = said["channel"]
    if sender != recipient or lane != "ordinary" or said["agreement"] != bytes(32):
        raise Finding("channel")


def _holds(hold, agreement, entry, places):
    if hold["agreement"] == agreement:
        return True
    return any(e == entry and (not p or not places or set(p) & set(places)) for e, p in hold["named"])


def _signed(data, origin, public):
    try:
        return checkpoint(data, origin, public)
    except Broken:
        return None
