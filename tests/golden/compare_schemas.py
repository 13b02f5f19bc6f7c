#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
"""
Compares the schemas that an agent has published with those that a real Debezium Server 3.6.1.Final has registered: its own of the
recorded tables, and for other tables what it makes of columns of the same types. Field for field, attribute for attribute, in
the same order, but for these deviations:

 1. A topic is <prefix>.change.<schema>.<table>, not <prefix>.<schema>.<table>, and its records are named after it.
 2. Columns: where Debezium has T, T with a default, or [T, null] with a default, we have [null, T] and the default null:
    of a deleted or updated row nothing may be known but its key. Defaults of columns are in no schema.
 3. Items of an array of an enum may be null, as those of other arrays.
 4. With a mapping pack the metadata of transactions counts documents, too, in a field that Debezium does not have.

    compare_schemas.py FOLDER PUBLISHED.jsonl COLUMNS

COLUMNS has table, column, type, and the number in the primary key or 0, separated by tabs.
"""
import collections
import copy
import glob
import json
import os
import re
import sys

folder, published_path, columns_path = sys.argv[1:]
wrong, same = [], 0


def renamed(value):
    """Deviation 1."""
    return json.loads(re.sub(r"\bgold\.public\b", "gold.change.public", json.dumps(value)))


def without_default(kind):
    return {k: v for k, v in kind.items() if k != "connect.default"} if isinstance(kind, dict) else kind


def plain(kind):
    """{"type": "int"} is "int"."""
    return kind["type"] if isinstance(kind, dict) and list(kind) == ["type"] else kind


def column(field):
    """Deviations 2 and 3."""
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    kind = plain(without_default(next(k for k in kinds if k != "null")))
    if isinstance(kind, dict) and kind.get("type") == "array" and not isinstance(kind["items"], list):
        kind = {**kind, "items": ["null", kind["items"]]}
    return {"name": field["name"], "type": ["null", kind], "default": None}


def expected(schema):
    schema = renamed(schema)
    if schema["name"] == "Envelope":
        row = schema["fields"][0]["type"][1]
        row["fields"] = [column(field) for field in row["fields"]]
    return schema


def full_name(schema):
    return f"{schema['namespace']}.{schema['name']}"


def compare(what, ours, wanted):
    global same
    if ours is None:
        wrong.append(f"{what}: not published")
    elif json.dumps(ours) != json.dumps(wanted):
        a, b = json.dumps(ours), json.dumps(wanted)
        at = max(0, len(os.path.commonprefix([a, b])) - 60)
        wrong.append(f"{what}:\n  ours       ...{a[at:at + 300]}\n  Debezium's ...{b[at:at + 300]}")
    else:
        same += 1


ours = collections.defaultdict(list)
with open(published_path, encoding="utf-8") as lines:
    for record in map(json.loads, lines):
        if record["topic"].endswith(".schemas") and isinstance(record["value"], dict) and "namespace" in record["value"]:
            ours[full_name(record["value"])].append(record["value"])

# The recorded schemas; a later one of a subject is .v2, .v3
recorded = {}
for path in sorted(glob.glob(os.path.join(folder, "*.avsc"))):
    with open(path, encoding="utf-8") as file:
        recorded[os.path.basename(path)] = json.load(file)
for name, schema in recorded.items():
    version = int(re.search(r"\.v(\d)\.", name).group(1)) if ".v" in name else 1
    wanted = expected(schema)
    found = ours[full_name(wanted)]
    compare(name, found[version - 1] if len(found) >= version else None, wanted)

# Other tables: the recorded form of each type of a column, in the recorded envelope
types = recorded["gold.public.types-value.avsc"]["fields"][0]["type"][1]["fields"]
forms = {field["name"]: column(field)["type"][1] for field in types}
by_type = {}
tables = collections.defaultdict(list)
with open(columns_path, encoding="utf-8") as lines:
    for line in lines:
        table, name, kind, key = line.rstrip("\n").split("\t")
        if table == "types":
            by_type[kind] = forms.get(name)
        tables[table].append((name, kind, int(key)))


def form_of(kind):
    """A type that was recorded, or one that differs from it in its length or precision, or in the labels of an enum."""
    if kind in by_type and by_type[kind] is not None:
        return copy.deepcopy(by_type[kind])
    base, _, numbers = kind.rstrip(")").partition("(")
    if base == "numeric":
        precision, _, scale = numbers.partition(",")
        text = json.dumps(by_type["numeric(12,2)"]).replace('"12"', f'"{precision}"').replace(": 12", f": {precision}")
        return json.loads(text.replace('"2"', f'"{scale}"').replace('"scale": 2', f'"scale": {scale}'))
    if base == "enum":
        return {**by_type["enum(sad,ok,happy)"], "connect.parameters": {"allowed": numbers}}
    return {"character varying": "string", "character": "string"}[base]


template = recorded["gold.public.compk-value.avsc"]
for table, columns in sorted(tables.items()):
    if f"gold.public.{table}-value.avsc" in recorded or table in ("Weird-Name",):
        continue
    value = json.loads(json.dumps(template).replace("gold.public.compk", f"gold.public.{table}"))
    row = value["fields"][0]["type"][1]
    defined = set()
    row["fields"] = []
    for name, kind, _ in columns:
        form = form_of(kind)
        full = f"{form['namespace']}.{form['name']}" if isinstance(form, dict) and form.get("type") == "record" else None
        row["fields"].append({"name": name, "type": full if full in defined else form})
        if full:
            defined.add(full)
    compare(table, ours[f"gold.change.public.{table}.Envelope"][0] if ours[f"gold.change.public.{table}.Envelope"] else None, expected(value))
    key = [{"name": name, "type": form_of(kind)} for name, kind, number in sorted(columns, key=lambda c: c[2]) if number]
    name = f"gold.change.public.{table}"
    compare(table + " key", ours[name + ".Key"][0] if ours[name + ".Key"] else None,
            {"type": "record", "name": "Key", "namespace": name, "fields": key, "connect.name": name + ".Key"})

print(f"{len(recorded)} recorded schemas and {len(tables)} tables, {same} schemas are Debezium's")
if wrong:
    print("\n".join(wrong)[:8000], file=sys.stderr)
    sys.exit(1)
