"""Content, commitment and views, SPEC.md sections 8 and 9."""

from cbor import Reader, Refused, write
from digests import H, K
from leaves import Fault, not_encoded, place_of, read_leaf
from values import name

MAX_RECORD = 262144


def _part(kind, reader, item):
    """One map of groups: {group: (leaf bytes, JSON)}; item is None for the record's own."""
    place = "" if item is None else f"/goods/{item + 1}"
    leaves, last = {}, -1
    try:
        for _ in range(reader.map(len(kind.groups))):
            last = reader.key(last)
            group = kind.groups[last - 1] if 1 <= last <= len(kind.groups) else None
            if group is None or group.in_goods != (item is not None):
                raise Fault("unknown", place, f"no group {last}")
            start = reader.at
            json = read_leaf(group, reader, place_of(group, item or 0))
            leaves[group.name] = (reader.data[start : reader.at], json)
        reader.leave()
    except Refused as refused:
        raise not_encoded(place, refused) from None
    return leaves


def read_content(data, tables):
    """A complete record: (type, groups of the record, groups of each goods item), each group as (leaf, JSON)."""
    reader = Reader(data)
    place = ""
    try:
        reader.tuple(4)
        place = "/type"
        type_name = reader.text(40)
        place = "/version"
        version = reader.uint()
        kind = tables.get((type_name, version))
        if kind is None or not any(group.fields for group in kind.groups):
            raise Fault("unknown", "/type")
        record = _part(kind, reader, None)
        place = "/goods"
        goods = [_part(kind, reader, item) for item in range(reader.array(99))]
        reader.leave()
        reader.leave()
    except Refused as refused:
        raise not_encoded(place, refused) from None
    for group in kind.groups:
        if group.mandatory and group.name not in record and not group.in_goods:
            mandatory = next((f.name for f in group.fields.values() if f.mandatory), "")
            raise Fault("missing", f"/{group.name}/{mandatory}")
    parts = [record, *goods]
    spare = sum(leaf_count(group, len(goods)) for group in kind.groups) - sum(map(len, parts))
    if sum(len(leaf) + 4 for part in parts for leaf, _ in part.values()) + 4 * spare > MAX_RECORD:
        raise Fault("limit", "")
    try:
        reader.finish()
    except Refused as refused:
        raise not_encoded("", refused) from None
    return kind, record, goods


def leaf_count(group, items):
    """How many leaves a group has in a record of so many goods items."""
    return 1 << max(items - 1, 0).bit_length() if group.in_goods else 1


def leaves_of(kind, record, goods):
    """The leaves of every group, absent ones empty."""
    out = []
    for group in kind.groups:
        parts = goods if group.in_goods else [record]
        leaves = [part[group.name][0] if group.name in part else b"" for part in parts]
        out.append(leaves + [b""] * (leaf_count(group, len(goods)) - len(leaves)))
    return out


def path(kind, group, item):
    """Where a leaf stands."""
    return b"".join(number.to_bytes(8, "big") for number in (kind.version, group.number, item))


def salt(seed, kind, group, item):
    """The salt of a leaf."""
    return K(seed, "luxor/v1/salt", path(kind, group, item))[:16]


def leaf_digest(kind, group, item, leaf_salt, leaf):
    """The digest of a leaf."""
    return H("luxor/v1/leaf", path(kind, group, item), leaf_salt, leaf)


def fold(level):
    """The digest over a power of two of leaves."""
    while len(level) > 1:
        level = [H("luxor/v1/item-node", level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def record_root(header, groups):
    """The root over an encoded header and the digests of all groups."""
    return H("luxor/v1/record-root", header, *groups)


def record_header(reader, tables):
    """A record's header with its bytes and its type."""
    start = reader.at
    reader.tuple(5)
    type_name, version = reader.text(40), reader.uint()
    kind = tables.get((type_name, version))
    if kind is None:
        raise Refused("value", start, "an unknown type or version")
    header = {"type": kind, "issuer": name(reader), "id": reader.fixed(16)}
    header["supersedes"] = None if reader.null() else reader.fixed(32)
    reader.leave()
    header["bytes"] = reader.data[start : reader.at]
    return header


def view(reader, tables):
    """A view: header, and of each group its digest or a list of (salt, leaf)."""
    reader.tuple(2)
    header = record_header(reader, tables)
    start = reader.at
    kind = header["type"]
    if reader.array(32) != len(kind.groups):
        raise Refused("value", start, "another number of groups")
    groups = []
    for group in kind.groups:
        if reader.major() == 2:
            groups.append(reader.fixed(32))
            continue
        start = reader.at
        count = reader.array(128)
        if count not in ([1, 2, 4, 8, 16, 32, 64, 128] if group.in_goods else [1]):
            raise Refused("value", start, "not a power of two of leaves")
        leaves = []
        for _ in range(count):
            reader.tuple(2)
            leaves.append((reader.fixed(16), reader.bytes(MAX_RECORD)))
            reader.leave()
        reader.leave()
        groups.append(leaves)
    reader.leave()
    reader.leave()
    return {"header": header, "groups": groups}


def shown(seen):
    """The set of groups that a view shows, as a number."""
    return sum(1 << at for at, group in enumerate(seen["groups"]) if isinstance(group, list))


def view_root(seen):
    """The root that a view leads to."""
    kind = seen["header"]["type"]
    digests = []
    for group, given in zip(kind.groups, seen["groups"]):
        if isinstance(given, list):
            given = fold([leaf_digest(kind, group, item, s, leaf) for item, (s, leaf) in enumerate(given)])
        digests.append(given)
    return record_root(seen["header"]["bytes"], digests)


def check_view(seen):
    """What a view shows, in the JSON form; Fault for the first leaf that its type does not allow."""
    kind = seen["header"]["type"]
    json, goods, withheld = {"type": kind.name, "version": kind.version}, [], []
    for group, given in zip(kind.groups, seen["groups"]):
        if not isinstance(given, list):
            withheld.append(group.name)
            continue
        for item, (_, leaf) in enumerate(given):
            if not leaf:
                if group.mandatory and not group.in_goods:
                    raise Fault("missing", place_of(group, item))
                continue
            reader = Reader(leaf)
            found = read_leaf(group, reader, place_of(group, item))
            try:
                reader.finish()
            except Refused as refused:
                raise not_encoded(place_of(group, item), refused) from None
            if group.in_goods:
                goods += [{} for _ in range(item + 1 - len(goods))]
                goods[item][group.name] = found
            else:
                json[group.name] = found
    if goods:
        json["goods"] = goods
    return json | {"withheld": withheld}


def encode_header(type_name, version, issuer, record_id, supersedes):
    """A record's header in bytes."""
    return write([type_name, version, issuer, record_id, supersedes])
