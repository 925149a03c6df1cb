"""What is permitted, SPEC.md section 5."""

from values import day_text

TERMS = {("deletion_receipt", "yes"), ("evidence", "yes"), ("unlinkable", "yes"), ("when_stale", "stop")}


def term_known(term):
    """Whether a term is known; a depositary is named, and a row that holds names a party."""
    return tuple(term) in TERMS or term[0] == "deposit"


class Policy:
    """Asks the agreements of a directory, row by row."""

    def __init__(self, directory):
        self.directory = directory

    def _rows(self):
        for versions in (self.directory.versions[name] for name in sorted(self.directory.versions)):
            for number, (digest, body) in enumerate(versions):
                superseded = min((later["valid_from"] for _, later in versions[number + 1 :]), default=None)
                for row in body["rows"]:
                    yield {"digest": digest, "number": number, "body": body, "row": row, "superseded": superseded}

    def _groups(self, row, asked):
        """The groups that a row shows of a version of its type, as a number, or why it is not understood."""
        for term in row["terms"]:
            if not term_known(term):
                return None, f"unknown_term {term[0]} = {term[1]}"
        kind = self.directory.tables.get(asked[:2])
        if kind is None:
            return None, f"unknown_type {asked[0]} {asked[1]}"
        if not all(kind.named(group) for group in row["groups"]):
            return None, f"unknown_group {asked[0]} {asked[1]}"
        return kind.bits(row["groups"]), None

    def _gives(self, found, asked, on):
        groups, unknown = self._groups(found["row"], asked)
        body, superseded = found["body"], found["superseded"]
        until = self.directory.charter["valid_until"]
        if unknown:
            return None, unknown
        if on < body["valid_from"]:
            return None, f"not_yet {day_text(body['valid_from'])}"
        if superseded is not None and on >= superseded:
            return None, f"superseded {day_text(superseded)}"
        if on > body["valid_until"]:
            return None, f"ended {day_text(body['valid_until'])}"
        for member in asked[2:4]:
            if body["id"] in self.directory.suspended.get(member, (0, []))[1]:
                return None, f"suspended {member}"
        if until is not None and on > until and any(name == "when_stale" for name, _ in found["row"]["terms"]):
            return None, f"stale {day_text(until)}"
        return groups, None

    def refusal(self, digest, asked, view, retention, on):
        """Why a dispatch under the version with this digest may not carry these groups for so long, or None.

        Asked is (type, version, sender, recipient, purpose)."""
        name, version, sender, recipient, purpose = asked
        for member in (sender, recipient):
            if not self.directory.takes_part(member):
                return f"{'member_suspended' if self.directory.belongs(member) else 'no_member'} {member}"
        between = [f for f in self._rows() if sender in f["row"]["from"] and recipient in f["row"]["to"]]
        of_type = [f for f in between if f["row"]["type"] == name]
        of_version = [f for f in of_type if version in f["row"]["versions"]]
        about = [f for f in of_version if f["row"]["purpose"] == purpose]
        for rows, reason in (
            (between, "no_agreement"),
            (of_type, f"no_type {name}"),
            (of_version, f"no_version {version}"),
            (about, f"no_purpose {purpose}"),
        ):
            if not rows:
                return reason
        why = None
        for found in about:
            if not self._carries(found, about, digest, asked, view, retention, on):
                continue
            groups, why = self._gives(found, asked, on)
            if why is None and view & ~groups:
                why = f"too_much {view & ~groups}"
            if why is None and retention > found["row"]["retention"]:
                why = f"too_long {found['row']['retention']}"
            if why is None:
                return None
        return why or "other_agreement"

    def _carries(self, found, about, digest, asked, view, retention, on):
        if found["digest"] == digest:
            return True
        for named in about:
            earlier = named["body"]["id"] == found["body"]["id"] and named["number"] < found["number"]
            groups, unknown = self._groups(named["row"], asked)
            begun = max(named["body"]["valid_from"], found["body"]["valid_from"]) <= on
            if named["digest"] == digest and earlier and not unknown and begun:
                if not view & ~groups and retention <= named["row"]["retention"]:
                    return True
        return False
