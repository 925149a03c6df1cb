"""Batches, SPEC.md section 10: the tree over record roots, and the signed header."""

from cbor import Refused
from digests import H
from records import view
from values import node, time

MAX_BATCH = 10000


def _split(count):
    return 1 << (count - 1).bit_length() - 1


def batch_root(roots):
    """The root over record roots."""
    if len(roots) == 1:
        return H("luxor/v1/batch-leaf", roots[0])
    left = _split(len(roots))
    return H("luxor/v1/batch-node", batch_root(roots[:left]), batch_root(roots[left:]))


def batch_path(roots, index):
    """The path of one record, its sibling first."""
    if len(roots) == 1:
        return []
    left = _split(len(roots))
    if index < left:
        return batch_path(roots[:left], index) + [batch_root(roots[left:])]
    return batch_path(roots[left:], index - left) + [batch_root(roots[:left])]


def climb(count, index, record, steps):
    """The root that a record and its path lead to, or None."""
    if count == 1:
        return None if steps else H("luxor/v1/batch-leaf", record)
    if not steps:
        return None
    left, sibling = _split(count), steps[-1]
    inside = (left, index) if index < left else (count - left, index - left)
    below = climb(*inside, record, steps[:-1])
    if below is None:
        return None
    return H("luxor/v1/batch-node", *((below, sibling) if index < left else (sibling, below)))


def batch(reader, tables):
    """A batch: its header, the header's bytes, its signature."""
    reader.tuple(2)
    start = reader.at
    reader.tuple(6)
    found = {"node": node(reader)}
    at = reader.at
    found["type"] = tables.get((reader.text(40), reader.uint()))
    if found["type"] is None:
        raise Refused("unknown_type", at)
    at = reader.at
    found["count"] = reader.uint(MAX_BATCH)
    if found["count"] == 0:
        raise Refused("value", at, "no record")
    found["root"], found["signed_at"] = reader.fixed(32), time(reader)
    reader.leave()
    found["bytes"] = reader.data[start : reader.at]
    found["signature"] = reader.fixed(64)
    reader.leave()
    return found


def views(reader, count, tables):
    """So many views."""
    reader.tuple(count)
    found = [view(reader, tables) for _ in range(count)]
    reader.leave()
    return found
