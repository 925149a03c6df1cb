"""Verifies the test vectors of the Luxor protocol: a second reader, after protocol/SPEC.md.

    python3 tests/reader/verify.py protocol/vectors [--damaged]

Prints one line for each case and a summary; exit 1 when a case does not hold. With --damaged, the cases of damaged.json
too, each of which must be refused with its reason. Needs the packages `cryptography` and `blake3`.
"""

import argparse
import json
import sys
import traceback
from pathlib import Path

import cases_basic
import cases_damaged
import cases_exchange
import cases_governance
import cases_records
from cbor import Refused
from documents import NotValid
from table import read_tables
from wrong import Wrong

FILES = "cbor digests keys documents governance records batches dispatches onward answers log".split()
CASES = cases_basic.CASES | cases_governance.CASES | cases_records.CASES | cases_exchange.CASES | cases_damaged.CASES


class Context:
    """What cases share: the type tables, the network, the records."""

    def __init__(self, folder):
        self.tables = read_tables((folder.parent / "SPEC.md").read_text(encoding="utf-8"))
        self.records, self.honest = {}, {}
        self.files = {name: load(folder, name) for name in FILES}
        self.directory = cases_basic.build_directory(self.files["documents"], self.tables)
        self.life, self.governance = cases_governance.build(self.files["governance"], self.tables)


def load(folder, name):
    """The cases of a file."""
    return json.loads((folder / f"{name}.json").read_text(encoding="ascii"))["cases"]


def run(file, cases, context):
    """How many cases of a file do not hold."""
    failed = 0
    for case in cases:
        try:
            CASES[case["kind"]](case, context)
            outcome = "ok"
        except Wrong as wrong:
            outcome = f"WRONG: {wrong}"
        except Exception as error:  # A reader that breaks is as wrong as one that errs.
            where = traceback.extract_tb(error.__traceback__)[-1]
            outcome = f"WRONG: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        failed += outcome != "ok"
        print(f"{file}: {case['name']}: {outcome}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path, help="the folder protocol/vectors, with SPEC.md beside it")
    parser.add_argument("--damaged", action="store_true", help="the damaged cases too")
    arguments = parser.parse_args()
    try:
        context = Context(arguments.vectors)
    except (Refused, NotValid, Wrong) as error:
        print(f"documents: the network of the vectors: WRONG: {error}")
        return 1
    files = dict(context.files)
    if arguments.damaged:
        files["damaged"] = load(arguments.vectors, "damaged")
    failed = {name: run(name, cases, context) for name, cases in files.items()}
    counts = ", ".join(f"{name} {len(cases)}" for name, cases in files.items())
    total = sum(map(len, files.values()))
    print(f"{total} cases ({counts}): {total - sum(failed.values())} hold, {sum(failed.values())} do not")
    return 1 if any(failed.values()) or not total else 0


if __name__ == "__main__":
    sys.exit(main())
