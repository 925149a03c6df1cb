"""The type tables, read from SPEC.md section 6 itself, so that nothing is needed beside that text."""

import re
from dataclasses import dataclass, field as default, replace

GROUP = re.compile(r"^\*\*(\d+) `(\w+)`\*\* \((once in the record|in each goods item)(, repeats)?(, mandatory)?\)")
FIELD = re.compile(r"^\| (\d+) \| `(\w+)` \| (.+?) \| .* \| (mandatory|version (\d+))?\s*\|$")
LIST = re.compile(r"^\| `(\w+)` \| .+ \| .+ \| `\w+` \| ((?:\d{4} \([\d-]{10}\)(?:, )?)+) \|$", re.MULTILINE)


@dataclass
class Field:
    """One field of a group; kind is (word, arguments)."""

    number: int
    name: str
    kind: tuple
    mandatory: bool
    since: int


@dataclass
class Group:
    """Fields that are disclosed together."""

    number: int
    name: str
    in_goods: bool
    repeats: bool
    mandatory: bool
    fields: dict = default(default_factory=dict)


@dataclass
class Type:
    """A version of a record type, its groups in order."""

    name: str
    version: int
    groups: list

    def named(self, name):
        """The group of this name, or None."""
        return next((group for group in self.groups if group.name == name), None)

    def bits(self, names):
        """The number of a set of groups."""
        return sum(1 << self.named(name).number - 1 for name in names)

    def names(self, bits):
        """The groups of a set."""
        return [group.name for group in self.groups if bits >> group.number - 1 & 1]


def _kind(text, lists):
    word, _, rest = text.partition(":")
    if word == "Words":
        return ("Words", re.findall(r"`(\w+)`", rest))
    if match := re.fullmatch(r"Edition\(`(\w+)`\)", text):
        return ("Edition", lists[match[1]])
    match = re.fullmatch(r"(\w+)(?:\(([\d, ]+)\))?", text)
    return (match[1], [int(n) for n in match[2].split(",")] if match[2] else [])


def read_tables(specification):
    """The types by (name, version): `declaration` from its tables, `opening` from its sentence."""
    # The years of each code list's editions.
    found = LIST.finditer(specification)
    lists = {match[1]: [int(year) for year in re.findall(r"(\d{4}) \(", match[2])] for match in found}
    groups = []
    for line in specification.splitlines():
        if match := GROUP.match(line):
            number, name, scope, repeats, mandatory = match.groups()
            groups.append(Group(int(number), name, scope == "in each goods item", bool(repeats), bool(mandatory)))
        elif groups and (match := FIELD.match(line)):
            number = int(match[1])
            kind, mandatory, since = _kind(match[3], lists), match[4] == "mandatory", int(match[5] or 1)
            groups[-1].fields[number] = Field(number, match[2], kind, mandatory, since)
        elif groups and line.startswith("## "):
            break
    if [group.number for group in groups] != list(range(1, len(groups) + 1)):
        raise ValueError("SPEC.md section 6 does not number its groups from 1")
    sentence = re.search(r"`opening` version 1 has the groups ([^.]*?) and no fields", specification)
    found = re.findall(r"(\d) `(\w+)`", sentence[1]) if sentence else []
    opening = [Group(int(number), name, False, False, False) for number, name in found]
    # Version 1 lacks the last group, and fields marked with a later version.
    first = [replace(group, fields={n: f for n, f in group.fields.items() if f.since == 1}) for group in groups[:-1]]
    types = [Type("declaration", 1, first), Type("declaration", 2, groups), Type("opening", 1, opening)]
    return dict(zip([("declaration", 1), ("declaration", 2), ("opening", 1)], types, strict=True))
