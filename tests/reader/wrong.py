"""What a case that does not hold says, and hexadecimal."""


class Wrong(Exception):
    """A case that does not hold."""


def equal(what, found, expected):
    """Insists on a value."""
    if found != expected:
        raise Wrong(f"{what}: found {found!r}, expected {expected!r}")


def unhex(text):
    """Bytes from lower-case hexadecimal."""
    data = bytes.fromhex(text)
    if data.hex() != text:
        raise Wrong("not lower-case hexadecimal")
    return data


def patched(part, honest):
    """Bytes given whole, or as changes [at, cut, put] of the honest ones, from the first."""
    if isinstance(part, str):
        return unhex(part)
    out, taken = b"", 0
    for at, cut, put in part:
        out += honest[taken:at] + unhex(put)
        taken = at + cut
    return out + honest[taken:]


def bytes_of(case, context):
    """The bytes of a case of damaged.json, which may be a change of an honest one before it."""
    if "base" not in case:
        context.honest[case["name"]] = case
        return unhex(case["bytes"])
    return patched(case["bytes"], unhex(context.honest[case["base"]]["bytes"]))


def refused_as(case, check, *refusals):
    """Runs a check that is to raise one of these with the reason of the case, or nothing where it has none."""
    reason = None
    try:
        check()
    except refusals as refusal:
        reason = refusal.reason
    equal("refused", reason, case["refused"])
