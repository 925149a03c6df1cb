"""What the documents of a network say together, SPEC.md section 5."""

from collections import Counter
from itertools import groupby

from cbor import read
from digests import H, ZERO, key_id
from documents import NotValid, Refused, agreement, card, charter, check_signatures, network_id, node_keys
from documents import rejection, revocation, signers, suspension, whole
from policy import Policy


def _order(found):
    return (found["version"], found["id"], found["digest"])


def _member(body, member):
    return next((m for m in body["members"] if m["id"] == member), None)


class Cards:
    """Cards that hold under some charters, with the identity keys that follow."""

    def __init__(self, documents, network, chain):
        self.network = network
        self.accepted, self.identities, self.owners = {}, {}, {}
        self.conflicts, self.evidence, self.refused = [], [], []
        self.voted, self.frozen = {}, set()
        for _, body in chain:
            for member in body["members"]:
                keys = self.identities.setdefault(member["id"], [member["identity"]])
                voted = self.voted.setdefault(member["id"], [])
                if member["identity"] not in keys + voted:
                    voted.append(member["identity"])
        for _, group in groupby(documents, lambda d: (d["version"], d["id"])):
            self._take(list(group))
        if len(chain) > 1:
            self._unused(chain[-1][1])

    def _take(self, group):
        valid = {}
        for found in group:
            try:
                body = self._judge(found)
                valid.setdefault(found["digest"], (found, body))
            except (NotValid, Refused) as error:
                self.refused.append((found, error.reason))
        if len(valid) > 1:
            found = group[0]
            self.frozen.add(found["id"])
            self.conflicts.append(("card", found["id"], found["version"], sorted(valid)))
            self.evidence += [document for document, _ in valid.values()]
            return
        for found, body in valid.values():
            try:
                self._claim(body)
            except NotValid as error:
                self.refused.append((found, error.reason))
                return
            keys = self.identities[body["member"]]
            self.identities[body["member"]] = [key for key in keys if key != body["identity"]] + [body["identity"]]
            self.accepted.setdefault(body["member"], []).append((found, body))

    def _judge(self, found):
        if found["id"] in self.frozen:
            raise NotValid("frozen", found["id"])
        if found["network"] != self.network:
            raise NotValid("network", found["id"])
        body = read(found["body"], card)
        if body["member"] != found["id"]:
            raise NotValid("content", "another member")
        known = self.identities.get(found["id"])
        if not known:
            raise NotValid("no_member", found["id"])
        before = self.accepted.get(found["id"], [(None, None)])[-1]
        today = before[1]["identity"] if before[1] else known[0]
        may = [today, *(key for key in self.voted[found["id"]] if key not in known)]
        if any(signed["member"] != found["id"] for signed in found["signatures"]):
            raise NotValid("stranger", found["id"])
        ids = {signed["key"]: signed for signed in found["signatures"]}
        old = next((key for key in may if key_id("identity", key) in ids), None)
        if old is None:
            raise NotValid("other_key" if ids else "missing", found["id"])
        for key in (old, body["identity"]):
            if key_id("identity", key) not in ids:
                raise NotValid("missing", found["id"])
            check_signatures(found | {"signatures": [ids[key_id("identity", key)]]}, {found["id"]: [key]})
        if len(ids) > len({old, body["identity"]}):
            raise NotValid("two_keys", found["id"])
        if before[0] and before[0]["version"] + 1 == found["version"] and before[0]["digest"] != found["previous"]:
            raise NotValid("chain", found["id"])
        return body

    def _claim(self, body):
        claims = []
        for node in body["nodes"]:
            full = f"{body['member']}/{node['name']}"
            if any(self.owners.get(key, full) != full for key in node_keys(node)):
                raise NotValid("shared_key", full)
            here = any(other["origin"] == node["origin"] for other in body["nodes"] if other is not node)
            if here or self.owners.get(node["origin"], full) != full:
                raise NotValid("shared_origin", full)
            claims += [(what, full) for what in (*node_keys(node), node["origin"])]
        self.owners.update(claims)

    def _unused(self, newest):
        for member, voted in self.voted.items():
            keys = self.identities[member]
            unused = [key for key in voted if key not in keys]
            pinned = _member(newest, member)
            last = [key for key in unused if pinned and key == pinned["identity"]]
            self.identities[member] = [key for key in unused if key not in last] + keys + last


class Directory:
    """What holds of documents that were taken before. Those in `new` have come now."""

    def __init__(self, documents, tables, new=()):
        self.tables, self.refused, self.conflicts, self.holding = tables, [], [], []
        self.new = [whole(found) for found in new]
        unique = {whole(found): found for found in [*documents, *new]}
        ordered = sorted(unique.items(), key=lambda item: H("luxor/v1/document", b"whole", item[0]))
        of = {}
        for _, found in sorted(ordered, key=lambda item: _order(item[1])):
            of.setdefault(found["kind"], []).append(found)
        self._found(of.get("charter", []))
        self._resolve(of.get("charter", []), of.get("card", []))
        self.charter = self.chain[-1][1]
        self.identities = self.cards.identities
        self.refused += self.cards.refused
        self.conflicts += self.cards.conflicts
        self.holding += self.cards.evidence + [d for cards in self.cards.accepted.values() for d, _ in cards]
        self._reject(of.get("rejection", []))
        self._revoke(of.get("revocation", []))
        self._suspend(of.get("suspension", []))
        self._agree(of.get("agreement", []))
        self._nodes()
        self.policy = Policy(self)

    def _try(self, found, judge):
        try:
            return judge()
        except (NotValid, Refused) as error:
            self.refused.append((found, error.reason))
            return None

    # Charters.

    def _found(self, charters):
        first = {found["digest"]: found for found in reversed(charters) if found["version"] == 1}
        if len(first) != 1:
            raise NotValid("founding", len(first))
        ((self.network, founding),) = first.items()
        body = read(founding["body"], charter)
        named = founding["network"] == ZERO and founding["id"] == network_id(body["name"])
        if not named or body["round"] != 1 or body["merges"] is not None:
            raise NotValid("content", "not a founding charter")
        check_signatures(founding, {g: [_member(body, g)["identity"]] for g in body["governors"]})
        self.founding, self.chain, self.charter_document = founding, [(self.network, body)], founding

    def _resolve(self, charters, cards):
        self.holding.append(self.founding)
        waiting = [found for found in charters if found["version"] > 1]
        self.split, self.open, self.rivals = None, [], []
        self.cards = Cards(cards, self.network, self.chain)
        while True:
            digest, current = self.chain[-1]
            version = self.charter_document["version"]
            plain = lambda d: d["version"] == version + 1 and d["previous"] == digest and not self._merges(d)
            children = [found for found in waiting if plain(found)]
            waiting = [found for found in waiting if not plain(found)]
            counted = self._count(children, current)
            adopted = [voted for voted in counted if self._enough(current, voted[2])]
            lost = [voted for voted in counted if voted not in adopted]
            if len(adopted) == 1:
                self.refused += [(found, "votes") for found, _, _ in lost]
                self._adopt(adopted[0], cards)
                continue
            if not adopted:
                self.open = lost
                break
            names = {found["digest"] for found, _, _ in adopted}
            pair = lambda d: {d["previous"], self._merges(d)}
            heals = lambda d: d["version"] == version + 2 and len(pair(d)) == 2 and pair(d) <= names
            healers = self._count([found for found in waiting if heals(found)], current)
            waiting = [found for found in waiting if not heals(found)]
            healed = [voted for voted in healers if self._enough(current, voted[2])]
            self.holding += [found for found, _, _ in adopted]
            self.rivals += adopted
            if len(healed) == 1:
                self._adopt(healed[0], cards)
                continue
            stays = lambda body, member: (_member(body, member) or {"status": None})["status"] == "active"
            removed = [m["id"] for m in current["members"] if not all(stays(body, m["id"]) for _, body, _ in adopted)]
            self.split = {"version": version + 1, "charters": sorted(names), "removed": removed}
            self.holding += [found for found, _, _ in healed]
            self.open = [voted for voted in healers if voted not in healed] + lost
            break
        for found in waiting:
            try:
                read(found["body"], charter)
                reason = "chain" if found["version"] == self.charter_document["version"] + 1 else "version"
            except Refused as refused:
                reason = refused.reason
            self.refused.append((found, reason))

    def _adopt(self, voted, cards):
        found, body, _ = voted
        self.chain.append((found["digest"], body))
        self.charter_document = found
        self.holding.append(found)
        self.cards = Cards(cards, self.network, self.chain)

    @staticmethod
    def _merges(found):
        try:
            return read(found["body"], charter)["merges"]
        except Refused:
            return None

    def _count(self, copies, current):
        allowed = {m["id"]: self.cards.identities.get(m["id"], []) for m in current["members"]}
        counted = {}
        for copy in copies:
            try:
                body = read(copy["body"], charter)
                if copy["network"] != self.network:
                    raise NotValid("network")
                if copy["id"] != self.founding["id"]:
                    raise NotValid("content")
                voters = signers(copy, allowed)
                if not voters:
                    raise NotValid("votes")
            except (NotValid, Refused) as error:
                self.refused.append((copy, error.reason))
                continue
            joined = counted.setdefault(copy["digest"], (body, {}))[1]
            for signed in copy["signatures"]:
                kept = joined.get(signed["member"])
                if kept is None or signed["key"] < kept["key"]:
                    joined[signed["member"]] = signed
        found = []
        for digest, (body, joined) in sorted(counted.items()):
            one = next(copy for copy in copies if copy["digest"] == digest)
            signatures = [joined[member] for member in sorted(joined)]
            found.append((one | {"signatures": signatures}, body, sorted(joined)))
        return found

    @staticmethod
    def _enough(current, votes):
        active = [m["id"] for m in current["members"] if m["status"] == "active"]
        governors = sum(member in current["governors"] for member in votes)
        return governors >= current["threshold"] or 4 * sum(m in votes for m in active) >= 3 * len(active)

    def _reject(self, documents):
        digest, current = self.chain[-1]
        self.rounds, kept = {}, []
        for found in documents:

            def judge(found=found):
                if found["network"] != self.network:
                    raise NotValid("network")
                body = read(found["body"], rejection)
                governor = body["governor"]
                if governor != found["id"]:
                    raise NotValid("content")
                if body["previous"] != digest or governor not in current["governors"]:
                    raise NotValid("round")
                check_signatures(found, {governor: self.identities[governor]})
                return body

            body = self._try(found, judge)
            if body and body["governor"] not in self.rounds.setdefault(body["round"], []):
                self.rounds[body["round"]].append(body["governor"])
                kept.append((found, body))
        self.proposals, said = [], {}
        for found, body, votes in self.open:
            against = self.rounds.get(body["round"], [])
            one = {"document": found, "round": body["round"], "votes": votes, "rejections": against}
            self.proposals.append(one | {"needed": current["threshold"], "closed": self._closed(len(against))})
        for found, body, votes in self.open + self.rivals:
            for governor in votes:
                if found["previous"] == digest and governor in current["governors"]:
                    said.setdefault((governor, body["round"]), []).append(found["digest"])
        for found, body in kept:
            said.setdefault((body["governor"], body["round"]), []).append(found["digest"])
        self.broken = [(*who, words[:2]) for who, words in sorted(said.items()) if len(words) > 1]
        self.holding += [found for found, _, _ in self.open] + [found for found, _ in kept]

    def _closed(self, rejections):
        return rejections > len(self.charter["governors"]) - self.charter["threshold"]

    def closed_rounds(self):
        """The highest round that is closed."""
        return max((number for number, who in self.rounds.items() if self._closed(len(who))), default=0)

    # What stops.

    def _known(self, member):
        return any(_member(body, member) for _, body in self.chain)

    def _revoke(self, documents):
        owned = {(member, key_id("identity", key)) for member, keys in self.identities.items() for key in keys}
        for member, cards in self.cards.accepted.items():
            for node in (node for _, body in cards for node in body["nodes"]):
                owned |= {(member, key_id(use, key)) for use in ("sign", "log", "witness", "transport") for key in node[use]}
            for key in (key for _, body in cards for key, _, _ in body["attest"]):
                owned.add((member, key_id("attest-p256" if len(key) == 33 else "attest-ed25519", key)))
        self.revoked = {}
        for found in documents:

            def judge(found=found):
                if found["network"] != self.network:
                    raise NotValid("network")
                body = read(found["body"], revocation)
                if body["keys"][0].hex() != found["id"] or found["version"] != 1:
                    raise NotValid("content")
                member, before = body["member"], whole(found) not in self.new
                if not self._known(member):
                    raise NotValid("no_member")
                charters = [body for _, body in self.chain] if before else [self.charter]
                governors = {g for one in charters for g in one["governors"]}
                allowed = {g: self.identities[g] for g in governors}
                allowed[member] = self.identities[member] if before else self.identities[member][-1:]
                by = signers(found, allowed)
                decided = any(sum(g in by for g in one["governors"]) >= one["threshold"] for one in charters)
                if member not in by and not decided:
                    raise NotValid("missing")
                return body

            body = self._try(found, judge)
            if not body:
                continue
            self.holding.append(found)
            for key in body["keys"]:
                if (body["member"], key) in owned:
                    said = self.revoked.setdefault(key, {"member": body["member"], "at": body["at"], "since": body["since"]})
                    said["at"] = min(said["at"], body["at"])
                    said["since"] = min((at for at in (said["since"], body["since"]) if at is not None), default=None)

    def standing(self, key, made):
        """What a signature by this key is worth that was made, provably, at this time."""
        said = self.revoked.get(key)
        if said is None:
            return "good"
        if made is None or made > said["at"]:
            return "refused"
        return "contested" if said["since"] is not None and made >= said["since"] else "good"

    def _suspend(self, documents):
        self.suspended = {}
        for found in documents:

            def judge(found=found):
                if found["network"] != self.network:
                    raise NotValid("network")
                body = read(found["body"], suspension)
                if body["member"] != found["id"]:
                    raise NotValid("content")
                if not self._known(body["member"]):
                    raise NotValid("no_member")
                check_signatures(found, {body["member"]: self.identities[body["member"]]})
                return body

            body = self._try(found, judge)
            if body:
                self.holding.append(found)
                version, names = self.suspended.get(body["member"], (0, []))
                both = names if version == found["version"] else []
                self.suspended[body["member"]] = (found["version"], sorted({*both, *body["agreements"]}))

    # Agreements.

    def _agree(self, documents):
        self.versions, self.agreements, frozen = {}, {}, set()
        for _, group in groupby(documents, lambda d: (d["version"], d["id"])):
            valid = {}
            for found in group:

                def judge(found=found):
                    if found["network"] != self.network:
                        raise NotValid("network")
                    body = read(found["body"], agreement)
                    if body["id"] != found["id"]:
                        raise NotValid("content")
                    if body["id"] in frozen:
                        raise NotValid("frozen")
                    before = self.versions.get(body["id"], [])
                    if found["version"] != len(before) + 1:
                        raise NotValid("version")
                    if before and before[-1][0] != found["previous"]:
                        raise NotValid("chain")
                    parties = {*body["parties"], *(before[-1][1]["parties"] if before else [])}
                    if not all(map(self._known, parties)):
                        raise NotValid("no_member")
                    check_signatures(found, {party: self.identities[party] for party in parties})
                    return body

                body = self._try(found, judge)
                if body:
                    valid.setdefault(found["digest"], (found, body))
            self.holding += [found for found, _ in valid.values()]
            if len(valid) > 1:
                found = next(iter(valid.values()))[0]
                frozen.add(found["id"])
                self.conflicts.append(("agreement", found["id"], found["version"], sorted(valid)))
                continue
            for found, body in valid.values():
                self.versions.setdefault(found["id"], []).append((found["digest"], body))
                self.agreements[found["digest"]] = body

    # Nodes and members.

    def belongs(self, member):
        """The member of this name if it may connect."""
        out = self.split is not None and member in self.split["removed"]
        return None if out else _member(self.charter, member)

    def takes_part(self, member):
        """The member of this name if it takes part."""
        found = self.belongs(member)
        return found if found and found["status"] == "active" else None

    def _nodes(self):
        self.nodes = {}
        for member, cards in self.cards.accepted.items():
            newest = {node["name"]: (at, node) for at, (_, body) in enumerate(cards) for node in body["nodes"]}
            for at, node in newest.values():
                past = []
                for _, body in reversed(cards[:at]):
                    earlier = next((n for n in body["nodes"] if n["name"] == node["name"]), None)
                    if earlier is None:
                        break
                    past.append(earlier)
                known = self._node(member, node, past)
                known["belongs"] = at + 1 == len(cards) and self.belongs(member) is not None
                self.nodes[f"{member}/{node['name']}"] = known

    def _node(self, member, node, past):
        good = lambda use, keys: [key for key in keys if key_id(use, key) not in self.revoked]
        ever = lambda use: list(dict.fromkeys(key for n in (node, *past) for key in n[use]))
        logs = []
        for one in (node, *past):
            if not logs or logs[-1][0] != one["origin"]:
                logs.append((one["origin"], []))
            logs[-1][1].extend(key for key in one["log"] if key not in logs[-1][1])
        present = [key for origin, keys in logs if origin == node["origin"] for key in keys]
        present = good("log", dict.fromkeys([*node["log"], *present]))
        former = [(origin, keys) for origin, keys in logs if origin != node["origin"]]
        return {
            "member": member,
            "origin": node["origin"],
            "epoch": node["epoch"],
            "sign": node["sign"][0],
            "sign_now": good("sign", node["sign"]),
            "sign_ever": ever("sign"),
            "log": node["log"][0],
            "log_keys": present,
            "witness_keys": good("witness", ever("witness")),
            "transport_keys": good("transport", node["transport"]),
            "former_logs": former,
            "former": [(origin, key) for origin, keys in former for key in keys],
            "logs": [(node["origin"], key) for key in present] + [(origin, key) for origin, keys in former for key in keys],
        }

    # What comes now, and who sees what.

    def taken(self, found, day):
        """Takes a document that comes on a day, or raises why not; the directory that knows it."""
        found = self._without_void_votes(found)
        known = lambda d: d["digest"] == found["digest"] and all(s in d["signatures"] for s in found["signatures"])
        if any(map(known, self.holding)):
            return self
        self._check_new(found, day)
        after = Directory(self.holding, self.tables, [found])
        for other, reason in after.refused:
            if whole(other) == whole(found) or reason in ("shared_key", "shared_origin"):
                raise NotValid(reason)
        return after

    def _without_void_votes(self, found):
        good = [signed for signed in found["signatures"] if signed["key"] not in self.revoked]
        later = found["kind"] == "charter" and found["version"] > 1
        return found | {"signatures": good} if later and good else found

    def _check_new(self, found, day):
        founding = found["kind"] == "charter" and found["version"] == 1
        if found["network"] != (ZERO if founding else self.network):
            raise NotValid("network")
        if founding:
            raise NotValid("network")
        own = read(found["body"], revocation)["member"] if found["kind"] == "revocation" else None
        if any(signed["key"] in self.revoked and signed["member"] != own for signed in found["signatures"]):
            raise NotValid("revoked_key")
        self._check_round(found)
        first_card = found["kind"] == "card" and found["id"] not in self.cards.accepted
        until = self.charter["valid_until"]
        if until is not None and day > until and (first_card or found["kind"] == "agreement"):
            raise NotValid("stale")

    def _check_round(self, found):
        if found["kind"] == "charter" and found["previous"] == self.chain[-1][0]:
            number = read(found["body"], charter)["round"]
        elif found["kind"] == "rejection":
            body = read(found["body"], rejection)
            number = body["round"]
            if body["governor"] != found["id"]:
                raise NotValid("content")
        else:
            return
        if number > self.closed_rounds() + 1:
            raise NotValid("round")
        others = [p for p in self.proposals if p["round"] == number and p["document"]["digest"] != found["digest"]]
        heard = Counter(signed["member"] for p in others for signed in p["document"]["signatures"])
        signed_by = [signed["member"] for signed in found["signatures"]]
        if found["kind"] == "charter" and signed_by and all(heard[member] >= 2 for member in signed_by):
            raise NotValid("round")

    def sees(self, found, member):
        """Whether a member may see a document that holds."""
        audits = lambda party: any(
            row["type"] == "opening" and 1 in row["versions"] and party in row["from"] and member in row["to"]
            for versions in self.versions.values()
            for _, body in versions
            for row in body["rows"]
        )
        parties = lambda name: {p for _, body in self.versions.get(name, []) for p in body["parties"]}
        concerns = lambda name: any(party == member or audits(party) for party in parties(name))
        if found["kind"] == "agreement":
            return concerns(found["id"]) or member in read(found["body"], agreement)["parties"]
        if found["kind"] == "suspension":
            named = read(found["body"], suspension)["agreements"]
            shared = [name for name in self.versions if found["id"] in parties(name)]
            return found["id"] == member or any(map(concerns, [*named, *shared]))
        return True

    def permits(self, *ways):
        """Why a dispatch may not carry this, or None."""
        return self.policy.refusal(*ways)
