"""Cases of records.json and batches.json."""

import batches
import digests
import jsonform
import records
from cbor import read
from leaves import Fault
from wrong import Wrong, equal, unhex


def record(case, context):
    """Content, leaves, salts, digests and root of a record."""
    kind, own, goods = records.read_content(unhex(case["content"]), context.tables)
    header = read(unhex(case["header"]), lambda r: records.record_header(r, context.tables))
    supersedes = header["supersedes"] and header["supersedes"].hex()
    found = (header["issuer"], header["id"].hex(), supersedes)
    equal("header", found, (case["issuer"], case["id"], case["supersedes"]))
    encoded = records.encode_header(kind.name, kind.version, header["issuer"], header["id"], header["supersedes"])
    equal("encoded header", encoded.hex(), case["header"])
    json = {"type": kind.name, "version": kind.version} | {name: value for name, (_, value) in own.items()}
    if goods:
        json["goods"] = [{name: value for name, (_, value) in part.items()} for part in goods]
    equal("json", json | {"withheld": []}, case["json"])
    equal("content of the json", jsonform.content_of(json, context.tables).hex(), case["content"])
    seed, groups = unhex(case["seed"]), []
    for group, leaves, expected in zip(kind.groups, records.leaves_of(kind, own, goods), case["groups"], strict=True):
        salts = [records.salt(seed, kind, group, item) for item in range(len(leaves))]
        each = zip(salts, leaves)
        leaf_digests = [records.leaf_digest(kind, group, item, s, leaf) for item, (s, leaf) in enumerate(each)]
        groups.append(records.fold(leaf_digests))
        equal("group", group.name, expected["group"])
        equal("leaves", [leaf.hex() for leaf in leaves], expected["leaves"])
        equal("salts", [s.hex() for s in salts], expected["salts"])
        if len(leaves) > 1:
            equal("leaf digests", [d.hex() for d in leaf_digests], expected["leaf_digests"])
        equal("digest", groups[-1].hex(), expected["digest"])
    equal("root", records.record_root(unhex(case["header"]), groups).hex(), case["root"])
    context.records[case["name"]] = case


def view(case, context):
    """A view: what it shows, the root it leads to, and that nothing of the seed but salts of shown groups is in it."""
    seen = read(unhex(case["view"]), lambda r: records.view(r, context.tables))
    kind = seen["header"]["type"]
    equal("shown", kind.names(records.shown(seen)), case["shown"])
    equal("root", records.view_root(seen).hex(), case["root"])
    equal("json", records.check_view(seen), case["json"])
    origin = context.records[case["record"]]
    equal("root of the record", case["root"], origin["root"])
    for group, given in zip(origin["groups"], seen["groups"], strict=True):
        if isinstance(given, list):
            equal("leaves", [leaf.hex() for _, leaf in given], group["leaves"])
            equal("salts", [salt.hex() for salt, _ in given], group["salts"])
        else:
            equal("hidden", given.hex(), group["digest"])
            for salt in group["salts"]:
                equal(f"a salt of {group['group']} in the view", salt in case["view"], False)


def bad_content(case, context):
    """Content that is refused with its fault and place."""
    try:
        records.read_content(unhex(case["content"]), context.tables)
    except Fault as fault:
        equal("fault", (fault.fault, fault.place), (case["fault"], case["place"]))
        return
    raise Wrong("taken")


def bad_json(case, context):
    """Content in its JSON form that is refused with its fault and place."""
    try:
        jsonform.content_of(case["json"], context.tables)
    except Fault as fault:
        equal("fault", (fault.fault, fault.place), (case["fault"], case["place"]))
        return
    raise Wrong("taken")


def batch_tree(case, _):
    """The root over record roots and every path."""
    roots = [unhex(root) for root in case["records"]]
    equal("root", batches.batch_root(roots).hex(), case["root"])
    for index, expected in enumerate(case["paths"]):
        path = batches.batch_path(roots, index)
        equal(f"path of {index}", [step.hex() for step in path], expected)
        equal("climbed", batches.climb(len(roots), index, roots[index], path).hex(), case["root"])


def batch(case, context):
    """A signed batch."""
    found = read(unhex(case["batch"]), lambda r: batches.batch(r, context.tables))
    equal("header", found["bytes"].hex(), case["header"])
    fields = (found["node"], found["type"].name, found["type"].version, found["signed_at"])
    equal("fields", fields, (case["node"], case["type"], case["version"], case["signed_at"]))
    roots = [unhex(root) for root in case["records"]]
    equal("count and root", (found["count"], found["root"]), (len(roots), batches.batch_root(roots)))
    public, network = unhex(case["public"]), unhex(case["network"])
    frame = digests.frame("luxor/v1/batch", network, digests.key_id("sign", public), found["bytes"])
    equal("signed", frame.hex(), case["signed"])
    equal("signature", found["signature"].hex(), case["signature"])
    holds = digests.verify("sign", public, "luxor/v1/batch", network, found["bytes"], found["signature"])
    equal("holds", holds, True)


CASES = {
    "record": record,
    "view": view,
    "bad_content": bad_content,
    "bad_json": bad_json,
    "batch_tree": batch_tree,
    "batch": batch,
}
