"""The type tables, read from SPEC.md section 6 itself, so that nothing is needed beside that text."""

import re
from dataclasses import dataclass

TYPE = re.compile(r"\*\*`(\w+)` version (\d+)\*\*")
GROUP = re.compile(r"\| (\d+) \| `(\w+)` \| (record|goods item)(, repeats)?(, mandatory)? \| (.+?) \| (.+) \|")
FIELDS = re.compile(r"\*\*(`\w+`(?: of `\w+`)?)\*\*")
FIELD = re.compile(r"\| (\d+) \| `(\w+)` \| (.+?) \| [\w–]+ \| (mandatory)? ?\|")
USE = re.compile(r"(`\w+`(?: of `\w+`)?)(?:, 1 to (\d+))?")
LIST = re.compile(r"^\| `(\w+)` \| .+ \| .+ \| `\w+` \| ((?:\d{4} \([\d-]{10}\)(?:, )?)+) \|$", re.MULTILINE)
KIND = re.compile(r"(Text|Code|Digits|Decimal|Uint|Bytes|Bool|Day|Time|Territory|Currency|Token)(?:\(([\d, ]+)\))?")


@dataclass
class Field:
    """One field of a group; kind is (word, arguments)."""

    number: int
    name: str
    kind: tuple
    mandatory: bool


@dataclass
class Group:
    """Fields that are disclosed together, by number."""

    number: int
    name: str
    in_goods: bool
    repeats: bool
    mandatory: bool
    fields: dict


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
    if match := re.fullmatch(r"Words: ((?:`[\w+]+`(?:, )?)+)", text):
        return ("Words", re.findall(r"`([\w+]+)`", match[1]))
    if match := re.fullmatch(r"Edition\(`(\w+)`\)", text):
        return ("Edition", lists[match[1]])
    match = KIND.fullmatch(text)
    return (match[1], [int(n) for n in match[2].split(",")] if match[2] else [])


def _rows(section, head, row):
    """The tables under lines that match `head`: (head, rows); every line of a table but its head must be a row."""
    tables = []
    for line in section.splitlines():
        if match := head.fullmatch(line):
            tables.append((match, []))
        elif line.startswith("| ") and not line.startswith("| no. |"):
            match = row.fullmatch(line)
            if match is None or not tables:
                raise ValueError(f"SPEC.md section 6: not understood: {line}")
            tables[-1][1].append(match)
    return tables


def _part(specification, title):
    """What stands under a title of third order."""
    _, found, rest = specification.partition(f"\n### {title}\n")
    if not found:
        raise ValueError(f"SPEC.md section 6 has no part '{title}'")
    return re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0]


def _numbered(what, numbers):
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"SPEC.md section 6 does not number {what} from 1")


def read_tables(specification):
    """The types by (name, version)."""
    # The years of each code list's editions.
    found = LIST.finditer(specification)
    lists = {match[1]: [int(year) for year in re.findall(r"(\d{4}) \(", match[2])] for match in found}
    fields = {}
    for head, rows in _rows(_part(specification, "Fields of each group"), FIELDS, FIELD):
        if head[1] in fields:
            raise ValueError(f"SPEC.md section 6 lists {head[1]} twice")
        fields[head[1]] = [Field(int(row[1]), row[2], _kind(row[3], lists), bool(row[4])) for row in rows]
        _numbered(f"the fields of {head[1]}", [field.number for field in fields[head[1]]])
    types, used = {}, set()
    for head, rows in _rows(_part(specification, "Groups of each type"), TYPE, GROUP):
        groups = []
        for row in rows:
            own = []
            if row[6] != "–":
                use = USE.fullmatch(row[6])
                used.add(use[1])
                own = fields[use[1]][: int(use[2]) if use[2] else None]
            numbered = {field.number: field for field in own}
            where = (row[3] == "goods item", bool(row[4]), bool(row[5]))
            groups.append(Group(int(row[1]), row[2], *where, numbered))
        _numbered(f"the groups of {head[1]}", [group.number for group in groups])
        types[head[1], int(head[2])] = Type(head[1], int(head[2]), groups)
    if used != set(fields):
        raise ValueError(f"SPEC.md section 6 lists fields that no type has: {set(fields) - used}")
    return types
