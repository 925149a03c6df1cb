"""Cases of governance.json: what holds of the documents of a network, what they permit, and what is taken now."""

from cbor import Refused, read
from directory import Directory
from documents import NotValid, document, whole
from values import day_of
from wrong import Wrong, equal, unhex


def build(cases, tables):
    """The documents of the network by name, and the directory of all of them."""
    documents = {case["name"]: read(unhex(case["bytes"]), document) for case in cases if case["kind"] == "governance"}
    directory = Directory(documents.values(), tables)
    if directory.refused:
        raise Wrong(f"governance.json: refused: {directory.refused[0][1]}")
    return documents, directory


def one(case, _):
    """A document of the network."""
    found = read(unhex(case["bytes"]), document)
    equal("bytes", whole(found).hex(), case["bytes"])
    fields = (found["kind"], found["digest"].hex(), found["id"], found["version"])
    equal("fields", fields, tuple(case[key] for key in ("document", "digest", "id", "version")))
    equal("signers", [signed["member"] for signed in found["signatures"]], case["signers"])


def _hexed(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [_hexed(item) for item in value]
    return {key: _hexed(item) for key, item in value.items()} if isinstance(value, dict) else value


def _said(directory):
    members, nodes = [], []
    for member in directory.charter["members"]:
        name = member["id"]
        cards, suspends = directory.cards.accepted.get(name), directory.suspended.get(name)
        one_of = {"id": name, "takes_part": directory.takes_part(name) is not None}
        one_of |= {"identities": directory.identities[name]}
        one_of["card"] = [cards[-1][0]["version"], cards[-1][0]["digest"]] if cards else None
        members.append(one_of | {"suspends": suspends})
    for name, node in sorted(directory.nodes.items()):
        if node["belongs"]:
            keys = {"log": "log_keys", "witness": "witness_keys", "transport": "transport_keys"}
            one_of = {"node": name} | {use: node[key] for use, key in keys.items()}
            nodes.append(one_of | {"former_logs": node["former_logs"]})
    proposal = lambda p: {"digest": p["document"]["digest"]} | {
        key: p[key] for key in ("votes", "rejections", "needed", "closed")
    }
    broken = [{"governor": who, "round": number, "documents": words} for who, number, words in directory.broken]
    versions = sorted(directory.versions.items())
    revoked = [[key, said["member"], said["at"], said["since"]] for key, said in sorted(directory.revoked.items())]
    order = lambda conflict: (["card", "agreement"].index(conflict[0]), conflict[1])
    return {
        "charter": [directory.charter_document["version"], directory.chain[-1][0]],
        "split": directory.split,
        "proposals": [proposal(p) for p in directory.proposals],
        "broke_their_word": broken,
        "members": members,
        "nodes": nodes,
        "agreements": [[name, [digest for digest, _ in of]] for name, of in versions],
        "revoked": revoked,
        "conflicts": sorted(directory.conflicts, key=order),
    }


def holds(case, context):
    """What holds of some of the documents, whatever their order."""
    given = [context.life[name] for name in case["documents"]]
    for documents in (given, given[::-1]):
        found = Directory(documents, context.tables)
        equal("refused", [reason for _, reason in found.refused], [])
        said = _hexed(_said(found))
        for key, expected in case["holds"].items():
            equal(key, said[key], expected)
        equal("keys", sorted(said), sorted(case["holds"]))


def permit_why(case, context):
    """Why the network does not permit something, or that it does."""
    asked = ("declaration", case["version"], case["from"], case["to"], case["purpose"])
    view = context.tables["declaration", 1].bits(case["groups"])
    found = context.governance.permits(unhex(case["agreement"]), asked, view, case["retention"], day_of(case["day"]))
    equal("refused", found, case["refused"])


def comes(case, context):
    """A document that comes on a day to a node that has the first ones of the network."""
    directory = Directory(list(context.life.values())[: case["had"]], context.tables)
    if "after" in case:
        directory = directory.taken(read(unhex(case["after"]), document), day_of("2026-11-23"))
    reason = None
    try:
        directory.taken(read(unhex(case["bytes"]), document), day_of(case["day"]))
    except (NotValid, Refused) as error:
        reason = error.reason
    equal("refused", reason, case["refused"])


def standing(case, context):
    """What a signature by a revoked key is worth."""
    equal("standing", context.governance.standing(unhex(case["key"]), case["made"]), case["standing"])


def hidden(case, context):
    """What a member does not see of the network's documents."""
    seen = {d["digest"] for d in context.governance.holding if context.governance.sees(d, case["member"])}
    found = [name for name, d in context.life.items() if d["digest"] not in seen]
    equal("hidden", found, case["hidden"])


CASES = {
    "governance": one,
    "holds": holds,
    "permit_why": permit_why,
    "comes": comes,
    "standing": standing,
    "hidden": hidden,
}
