"""Cases of damaged.json: documents, dispatches, views, paths, receipts and logs that are refused."""

import answers
import batches
import records
import tlog
from audit import Audit
from cases_exchange import pages, verdict
from cbor import Refused, read
from directory import Directory
from documents import NotValid, document
from leaves import Fault
from values import day_of
from wrong import Wrong, bytes_of, equal, patched, refused_as, unhex


def bad_document(case, context):
    """A document in its place in the network."""
    data = bytes_of(case, context)

    def check():
        found = read(data, document)
        given = [case["bytes"] for case in context.files["documents"] if case["kind"] == "document"]
        others = [read(unhex(each), document) for each in given]
        if found["kind"] == "charter":
            Directory([found], context.tables)
            return
        same = lambda other: (other["kind"], other["id"]) == (found["kind"], found["id"])
        kept = [other for other in others if not same(other) or other["version"] < found["version"]]
        directory = Directory([*kept, found], context.tables)
        if directory.refused:
            raise NotValid(directory.refused[0][1])
        if directory.conflicts:
            raise NotValid("twice")

    refused_as(case, check, Refused, NotValid)


def bad_governance(case, context):
    """A document that comes to a node with all those of governance.json."""
    data = bytes_of(case, context)
    check = lambda: context.governance.taken(read(data, document), day_of("2026-11-23"))
    refused_as(case, check, Refused, NotValid)


def bad_dispatch(case, context):
    """A dispatch; the parts that are not given are those of an honest one."""
    honest = context.honest["one record"]
    parts = {key: unhex(honest[key]) for key in ("header", "signature", "sealed")}
    parts |= {key: patched(case[key], parts[key]) for key in parts if key in case}
    found = verdict(context, honest | {"peer": case["peer"]}, *parts.values())
    equal("verdict", found, case["verdict"])


def bad_view(case, context):
    """A view, its root and its leaves."""
    data = bytes_of(case, context)

    def check():
        seen = read(data, lambda r: records.view(r, context.tables))
        if records.view_root(seen) != unhex(case["root"]):
            raise NotValid("root")
        try:
            records.check_view(seen)
        except Fault as fault:
            raise NotValid(f"{fault.fault} {fault.place}") from fault

    refused_as(case, check, Refused, NotValid)


def bad_path(case, _):
    """A path that does not lead to the root."""
    count, index = case["count"], case["index"]
    path = [unhex(step) for step in case["path"]]
    found = batches.climb(count, index, unhex(case["record"]), path) if index < count else None
    if found == unhex(case["root"]):
        raise Wrong("leads to the root")


def bad_receipt(case, context):
    """A receipt."""
    data, node = bytes_of(case, context), context.directory.nodes[case["recipient"]]
    where = (case["sender"], case["recipient"], case["epoch"], case["lane"])
    check = lambda: answers.check_receipt(node, unhex(case["dispatch"]), where, case["number"], data)
    refused_as(case, check, tlog.Broken)


def bad_log(case, context):
    """A page that is audited alone."""
    (page,) = pages([bytes_of(case, context).hex()])
    found = Audit(context.directory, case["node"], page)
    found.page(page)
    equal("findings", found.finish() or None, case["refused"])


CASES = {
    "bad_document": bad_document,
    "bad_governance": bad_governance,
    "bad_dispatch": bad_dispatch,
    "bad_view": bad_view,
    "bad_path": bad_path,
    "bad_receipt": bad_receipt,
    "bad_log": bad_log,
}
