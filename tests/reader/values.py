"""Names, times and field values, SPEC.md sections 4 and 7."""

import re
import unicodedata
from datetime import date, datetime, timedelta, timezone

from cbor import Refused

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
MAX_TIME = 253402207199999
DAYS = (-25567, 2932896)
EPOCH = date(1970, 1, 1)

# White_Space of Unicode, which is not quite what str.strip() takes away.
WHITE = set("\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}

UNION = "AT BE BG CY CZ DE DK EE EL ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()

MEMBER_KINDS = "customs post platform carrier payment broker agency auditor".split()
PURPOSES = (
    "safety_security revenue facilitation agency_control enforcement post_clearance_audit statistics delivery "
    "service_quality audit"
).split()
FAULTS = "encoding unknown value missing limit root no_recipient mapping quality credential".split()


def _checked(reader, most, pattern, what):
    start = reader.at
    text = reader.text(most)
    if not pattern.fullmatch(text):
        raise Refused("value", start, f"not a {what}")
    return text


def name(reader):
    """A member's, document's or node's name."""
    return _checked(reader, 40, NAME, "name")


def is_node(text):
    """Whether a text is a member's name, a slash and a node's name."""
    member, slash, node = text.partition("/")
    return bool(slash and NAME.fullmatch(member) and NAME.fullmatch(node))


def node(reader):
    """A node."""
    start = reader.at
    text = reader.text(81)
    if not is_node(text):
        raise Refused("value", start, "not a node")
    return text


def territory(reader):
    """A territory."""
    return _checked(reader, 2, re.compile("[A-Z]{2}", re.ASCII), "territory")


def lies_in(destination, outer):
    """Whether a destination lies in a territory."""
    return destination == outer or (outer == "EU" and destination in UNION)


def time(reader):
    """A time in milliseconds."""
    start = reader.at
    millis = reader.uint()
    if millis > MAX_TIME:
        raise Refused("value", start, "a time after 9999")
    return millis


def day(reader):
    """A day since 1970-01-01."""
    start = reader.at
    days = reader.int()
    if not DAYS[0] <= days <= DAYS[1]:
        raise Refused("value", start, "a day before 1900 or after 9999")
    return days


def word(reader, words):
    """A number that stands for a word of a list, from 1."""
    start = reader.at
    number = reader.uint()
    if not 1 <= number <= len(words) or words[number - 1] is None:
        raise Refused("value", start, "an unknown number")
    return words[number - 1]


def day_text(days):
    """A day as text."""
    return (EPOCH + timedelta(days=days)).isoformat()


def day_of(text):
    """A day from text."""
    return (date.fromisoformat(text) - EPOCH).days


def time_text(millis):
    """A time as text."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=millis)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{millis % 1000:03d}Z"


def _decimal_text(mantissa, scale):
    digits = f"{abs(mantissa):0{scale + 1}d}"
    point = len(digits) - scale
    return ("-" if mantissa < 0 else "") + digits[:point] + ("." + digits[point:] if scale else "")


def _text_holds(word_, arguments, text):
    if word_ == "Text":
        control = any(unicodedata.category(c) == "Cc" for c in text)
        return 1 <= len(text) <= arguments[0] and not control and not {text[0], text[-1]} & WHITE
    if word_ == "Words":
        return text in arguments
    if word_ == "Token":
        return re.fullmatch(f"[!-~]{{1,{arguments[0]}}}", text, re.ASCII) is not None
    low, high = {"Code": (1, arguments), "Digits": (arguments[:1], arguments[1:])}.get(word_, (0, 0))
    pattern = {
        "Code": lambda: f"[A-Z0-9/._-]{{1,{high[0]}}}",
        "Digits": lambda: f"[0-9]{{{low[0]},{high[0]}}}",
        "Territory": lambda: "[A-Z]{2}",
        "Currency": lambda: "[A-Z]{3}",
    }[word_]()
    return re.fullmatch(pattern, text, re.ASCII) is not None


def value(reader, kind):
    """A field's value in its JSON form; refused with the reason `value` where the field may not hold it."""
    word_, arguments = kind
    start = reader.at
    if word_ == "Decimal":
        reader.tuple(2)
        mantissa, scale = reader.int(), reader.uint(6)
        reader.leave()
        digits = max(len(str(abs(mantissa))), scale + 1)
        if digits > arguments[0] or scale > arguments[1]:
            raise Refused("value", start, "too many digits")
        return _decimal_text(mantissa, scale)
    if word_ == "Uint":
        number = reader.uint()
        if number > arguments[0]:
            raise Refused("value", start, "above its limit")
        return number
    if word_ == "Edition":
        year = reader.uint()
        if year not in arguments:
            raise Refused("value", start, "not an edition that is known")
        return year
    if word_ == "Bool":
        return reader.bool()
    if word_ == "Bytes":
        data = reader.bytes(arguments[1])
        if len(data) < arguments[0]:
            raise Refused("value", start, "too few bytes")
        return data.hex()
    if word_ == "Day":
        return day_text(day(reader))
    if word_ == "Time":
        return time_text(time(reader))
    text = reader.text(arguments[0] if word_ == "Token" else 2048)
    if not text or not _text_holds(word_, arguments, text):
        raise Refused("value", start, f"not a {word_}")
    return text


def _decimal_of(text):
    match = re.fullmatch(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]{1,6}))?", text, re.ASCII)
    if match is None:
        return None
    sign, whole, fraction = match[1], match[2], match[3] or ""
    mantissa = int(whole + fraction)
    if len(whole + fraction) > 18 or (sign and mantissa == 0):
        return None
    return [-mantissa if sign else mantissa, len(fraction)]


def _day_of(text):
    return day_of(text) if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) else None


def _time_of(text):
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z", text, re.ASCII):
        return None
    moment = datetime.fromisoformat(text[:-1] + "+00:00") - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return moment // timedelta(milliseconds=1)


def encoded(json, kind):
    """What stands in CBOR for the JSON form of a value, to be written; None where it has no such form."""
    word_, arguments = kind
    if word_ == "Bool":
        return json if isinstance(json, bool) else None
    if word_ in ("Uint", "Edition"):
        return json if isinstance(json, int) and not isinstance(json, bool) and json >= 0 else None
    if not isinstance(json, str):
        return None
    if word_ == "Bytes":
        return bytes.fromhex(json) if re.fullmatch("([0-9a-f]{2})*", json, re.ASCII) else None
    try:
        other = {"Decimal": _decimal_of, "Day": _day_of, "Time": _time_of}.get(word_)
        return other(json) if other else json
    except ValueError:
        return None
