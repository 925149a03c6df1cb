"""Indicators from what repeats in the frauds of one file of declarations, and how well they find those of another.

`write TRAIN OUT`: indicators for combinations of columns that stand in at least MIN_ROWS declarations and were found fraudulent more often than
most; how sure one is, is the share of frauds among them, drawn towards that of the next wider combination. Which combinations are
worth it, and how much is drawn, is chosen by the last quarter of the same file, which the others are made without.
`judge TRAIN VALID HITS`: recall and precision if the declarations with the highest scores are inspected, beside random choice and the
best single column.
"""

import csv
import json
import sys
import uuid

MIN_ROWS = 4
# More often than most: this many times the share of the whole file.
LIFT = 1.1
SHARES = (1, 5, 10)
VALID = ("2020-01-01T00:00:00.000Z", "2021-12-01T00:00:00.000Z")
# Columns that name a party, with its role.
PARTIES = {"Importer ID": "importer", "Declarant ID": "declarant", "Seller ID": "seller", "Courier ID": "courier"}
CODE, ORIGIN, DEPARTURE = "HS6 Code", "Country of Origin", "Country of Departure"
# Each combination with the wider one that it is drawn towards.
WIDER = {(CODE,): (), (CODE, ORIGIN): (CODE,), (CODE, DEPARTURE): (CODE,), (CODE, ORIGIN, DEPARTURE): (CODE, ORIGIN)}
WIDER.update({(party,): () for party in PARTIES})
CHOICES = [
    [(CODE,)], [(CODE, ORIGIN)], [(CODE, ORIGIN, DEPARTURE)], [(CODE, ORIGIN), (CODE, DEPARTURE)],
    [(CODE,), (CODE, ORIGIN)], [(CODE, ORIGIN), (CODE, ORIGIN, DEPARTURE)], [(party,) for party in PARTIES],
    [(CODE, ORIGIN)] + [(party,) for party in PARTIES],
]
DRAWN = (2, 5, 10, 20)
# Single columns that inspection could go by.
COLUMNS = [(column,) for column in (*PARTIES, CODE, ORIGIN, DEPARTURE, "Office ID")]
SINGLE_DRAWN = 20


def rows(path):
    """The rows of a file."""
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def counts(train, columns):
    """Of each value of columns: rows and frauds."""
    counted = {}
    for row in train:
        key = tuple(row[column] for column in columns)
        if all(key):
            found = counted.setdefault(key, [0, 0])
            found[0] += 1
            found[1] += row["Fraud"] == "1"
    return counted


def rates(train, columns, drawn):
    """Of each value of columns: rows, and the share of frauds drawn towards that of the wider combination by so many rows."""
    if not columns:
        return {(): (len(train), sum(row["Fraud"] == "1" for row in train) / len(train))}
    wider = WIDER.get(columns, ())
    above = rates(train, wider, drawn)

    def share(key, rows_of, frauds):
        return (frauds + drawn * above[tuple(key[columns.index(column)] for column in wider)][1]) / (rows_of + drawn)

    return {key: (n, share(key, n, frauds)) for key, (n, frauds) in counts(train, columns).items()}


def chosen(train):
    """Indicators worth writing: columns, value, share."""
    least = LIFT * rates(train, (), 0)[()][1]
    cut = len(train) * 3 // 4
    best = None
    for combinations in CHOICES:
        for drawn in DRAWN:
            found = repeating(train[:cut], combinations, drawn, least)
            table = {(columns, key): share for columns, key, share in found}
            hit = score_and_count(train[cut:], combinations, table)
            if best is None or hit > best[0]:
                best = (hit, combinations, drawn)
    print(f"of what repeats: {best[1]}, drawn by {best[2]} rows", file=sys.stderr)
    return repeating(train, best[1], best[2], least)


def repeating(train, combinations, drawn, least):
    """What repeats: columns, value, share."""
    return [
        (columns, key, share)
        for columns in combinations
        for key, (n, share) in sorted(rates(train, columns, drawn).items())
        if n >= MIN_ROWS and share > least
    ]


def score_and_count(rest, combinations, table):
    """Frauds among the twentieth of declarations with the highest scores."""

    def score(row):
        none = 1
        for columns in combinations:
            none *= 1 - table.get((columns, tuple(row[column] for column in columns)), 0)
        return none

    picked = sorted(rest, key=score)[: len(rest) // 20]
    return sum(row["Fraud"] == "1" for row in picked)


def sought(columns, key):
    """The groups of an indicator for a value of columns."""
    if columns[0] in PARTIES:
        return {"parties_sought": [{"role": PARTIES[columns[0]], "id": key[0]}]}
    told = dict(zip(columns, key))
    row = {"hs": told[CODE].zfill(6)}
    if ORIGIN in told:
        row["origin"] = told[ORIGIN]
    groups = {"goods_sought": [row]}
    if DEPARTURE in told:
        groups["routes_sought"] = [{"departure": told[DEPARTURE]}]
    return groups


def write(train_path, out_path):
    """Writes the indicators."""
    with open(out_path, "w", encoding="ascii") as out:
        for columns, key, share in chosen(rows(train_path)):
            name = "bacuda " + " ".join(columns + key)
            record = {
                "type": "indicator",
                "reference": {"own_reference": "-".join(key)},
                "indicator": {
                    "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
                    "valid_from": VALID[0], "valid_until": VALID[1], "threat": "other_fraud",
                    "confidence": max(1, round(100 * share)), "tlp": "green", "advice": "inspect", "name": name,
                },
                **sought(columns, key),
            }
            out.write(json.dumps(record) + "\n")


def curve(what, order, frauds, total):
    """Tells recall and precision when the first of an order are inspected."""
    told = {}
    for share in SHARES:
        picked = order[: total * share // 100]
        hit = sum(at in frauds for at in picked)
        told[share] = (hit / len(frauds), hit / len(picked))
    print(f"{what:32}" + "".join(f"  {share:2} %: recall {told[share][0]:.4f} precision {told[share][1]:.4f}" for share in SHARES))
    return told


def judge(train_path, valid_path, hits_path):
    """Prints the figures as JSON in the last line."""
    train, valid = rows(train_path), rows(valid_path)
    frauds = {at for at, row in enumerate(valid) if row["Fraud"] == "1"}
    base = len(frauds) / len(valid)
    scores = {}
    with open(hits_path, encoding="utf-8") as file:
        for line in file:
            hit = json.loads(line)
            # Line 1 is the header.
            scores[hit["line"] - 2] = hit["score_millionths"]
    print(f"{len(valid)} declarations, {len(frauds)} frauds, {len(scores)} hit")
    # Equal scores in the order of the file, which knows nothing.
    ours = curve("indicators", sorted(range(len(valid)), key=lambda at: -scores.get(at, 0)), frauds, len(valid))
    print(f"{'random':32}" + "".join(f"  {share:2} %: recall {share / 100:.4f} precision {base:.4f}" for share in SHARES))
    best = None
    for columns in COLUMNS:
        found, whole = rates(train, columns, SINGLE_DRAWN), rates(train, (), 0)[()]
        score = [found.get(tuple(row[column] for column in columns), whole)[1] for row in valid]
        order = sorted(range(len(valid)), key=lambda at: -score[at])
        told = curve(" and ".join(columns), order, frauds, len(valid))
        if best is None or told[10][0] > best[1][10][0]:
            best = (columns, told)
    print(json.dumps({"ours": {share: ours[share][0] for share in SHARES}, "best": {share: best[1][share][0] for share in SHARES}, "base": base}))


if __name__ == "__main__":
    {"write": write, "judge": judge}[sys.argv[1]](*sys.argv[2:])
