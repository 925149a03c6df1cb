"""Encoded leaves and their faults, SPEC.md section 8."""

from cbor import Refused
from values import value


class Fault(Exception):
    """Content that is refused: the fault by its word, and its place."""

    def __init__(self, fault, place, detail=""):
        super().__init__(f"{fault} at '{place}' {detail}")
        self.fault = fault
        self.place = place


def not_encoded(place, refused):
    """Bytes that are not canonical, at this place."""
    return Fault("encoding", place, str(refused))


def read_leaf(group, reader, place):
    """The occurrences of a group in their JSON form."""
    try:
        count = reader.array(99) if group.repeats else 1
    except Refused as refused:
        raise not_encoded(place, refused) from None
    if count == 0:
        raise Fault("encoding", place, "an absent group is left out")
    occurrences = []
    for number in range(1, count + 1):
        inside = f"{place}/{number}" if group.repeats else place
        occurrences.append(_occurrence(group, reader, place, inside))
    if group.repeats:
        reader.leave()
    return occurrences if group.repeats else occurrences[0]


def _occurrence(group, reader, place, inside):
    fields, last = {}, -1
    try:
        count = reader.map(len(group.fields))
        if count == 0:
            raise Fault("encoding", place, "an occurrence without fields")
        for _ in range(count):
            last = reader.key(last)
            if last not in group.fields:
                raise Fault("unknown", place, f"no field {last}")
            field = group.fields[last]
            try:
                fields[field.name] = value(reader, field.kind)
            except Refused as refused:
                fault = "value" if refused.reason in ("value", "too_many") else "encoding"
                raise Fault(fault, f"{inside}/{field.name}", str(refused)) from None
        reader.leave()
    except Refused as refused:
        raise not_encoded(place, refused) from None
    for field in group.fields.values():
        if field.mandatory and field.name not in fields:
            raise Fault("missing", f"{inside}/{field.name}")
    return fields


def place_of(group, item):
    """The place of a group in messages."""
    return f"/goods/{item + 1}/{group.name}" if group.in_goods else f"/{group.name}"
