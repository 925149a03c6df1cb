"""The JSON form of content, SPEC.md section 8, written as CBOR."""

from cbor import Refused, read, write
from leaves import Fault, place_of
from values import encoded, value


def _occurrence(group, json, place):
    if not isinstance(json, dict):
        raise Fault("encoding", place, "not an object")
    named, out = {field.name: field for field in group.fields.values()}, {}
    for name, each in json.items():
        if name not in named:
            raise Fault("unknown", f"{place}/{name}")
        field = named[name]
        item = encoded(each, field.kind)
        try:
            if item is None:
                raise Refused("value")
            # Whatever CBOR would not hold has no JSON form either.
            read(write(item), lambda reader: value(reader, field.kind))
        except Refused:
            raise Fault("value", f"{place}/{name}") from None
        out[field.number] = item
    for field in group.fields.values():
        if field.mandatory and field.name not in json:
            raise Fault("missing", f"{place}/{field.name}")
    return out


def _part(kind, json, item):
    """One map of groups; item is None for the record's own."""
    place = "" if item is None else f"/goods/{item + 1}"
    if not isinstance(json, dict):
        raise Fault("encoding", place, "not an object")
    out = {}
    for name, each in json.items():
        group = kind.named(name)
        if group is None or group.in_goods != (item is not None):
            raise Fault("unknown", f"{place}/{name}")
        here = place_of(group, item or 0)
        if not group.repeats:
            out[group.number] = _occurrence(group, each, here)
        elif not isinstance(each, list):
            raise Fault("encoding", here, "not a list")
        elif len(each) > 99:
            raise Fault("limit", here)
        else:
            out[group.number] = [_occurrence(group, one, f"{here}/{n}") for n, one in enumerate(each, 1)]
    return out


def content_of(json, tables):
    """The CBOR form of a record in its JSON form; Fault for what does not belong."""
    json = dict(json)
    name, version, goods = json.pop("type", None), json.pop("version", 1), json.pop("goods", [])
    if not isinstance(name, str):
        raise Fault("missing", "/type")
    if isinstance(version, bool) or not isinstance(version, int):
        raise Fault("value", "/version")
    kind = tables.get((name, version))
    if kind is None or not any(group.fields for group in kind.groups):
        raise Fault("unknown", "/type")
    if not isinstance(goods, list):
        raise Fault("encoding", "/goods")
    if len(goods) > 99:
        raise Fault("limit", "/goods")
    record = _part(kind, json, None)
    parts = [_part(kind, part, item) for item, part in enumerate(goods)]
    for group in kind.groups:
        if group.mandatory and group.number not in record:
            mandatory = next(field.name for field in group.fields.values() if field.mandatory)
            raise Fault("missing", f"/{group.name}/{mandatory}")
    return write([name, version, record, parts])
