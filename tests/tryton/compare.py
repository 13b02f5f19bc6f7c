#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
"""
Compares what `tailwater read` has printed with what Tryton tells of the same records (erp.py).

    compare.py TOLD.json PUBLISHED.jsonl
"""
import collections
import json
import sys
from decimal import ROUND_HALF_EVEN, Decimal as D

INSTANCE = "erp"
PREFIX = "tw."
wrong = []


def expect(what, published, told):
    if published != told:
        wrong.append(f"{what}: published {published!r}, Tryton tells {told!r}")


def ref(entity, key):
    return None if key is None else f"{INSTANCE}/{entity}/{key}"


def amount(value):
    return None if value is None else D(value["amount"])


def number(text):
    return None if text is None else D(text)


def masked(text):
    """As the method last4 masks it."""
    return "****" + text[-4:] if len(text) >= 8 else "****"


def invoice(what, got, told):
    status = {"draft": "DRAFT", "validated": "VALIDATED", "paid": "PAID", "cancelled": "REVERSED" if told["cancelled_by"] else "CANCELLED",
              "posted": "POSTED" if told["due"] == told["total"] else "PARTIALLY_PAID"}[told["state"]]
    unknown = {"total": None, "untaxed": None} if told["move"] is None and got["lineTotal"] is None else {}
    expect(what + " status", got["status"], status)
    expect(what + " sourceStatus", got["sourceStatus"], told["state"])
    expect(what + " number", got["number"], told["number"])
    expect(what + " type", got["documentType"], "CREDIT_NOTE" if D(told["total"]) < 0 else "INVOICE")
    expect(what + " direction", got["direction"], "RECEIVABLE" if told["type"] == "out" else "PAYABLE")
    expect(what + " customer", got["customer"], ref("Customer", told["party"]))
    expect(what + " currency", got["currency"], told["currency"])
    expect(what + " date", got["issueDate"], told["date"])
    expect(what + " project", got["project"], ref("Project", told["project"]))
    expect(what + " terms", got["paymentTerms"], told["term"])
    expect(what + " tax", amount(got["taxTotal"]), D(told["tax"]))
    expect(what + " total", amount(got["taxInclusive"]), number({**told, **unknown}["total"]))
    expect(what + " untaxed", amount(got["taxExclusive"]), number({**told, **unknown}["untaxed"]))
    expect(what + " due", amount(got["amountDue"]), D(told["due"]) if told["state"] in ("posted", "paid") else None)
    expect(what + " entry", got["journalEntry"], ref("JournalEntry", told["move"]))
    expect(what + " taxes", sorted((amount(t["base"]), amount(t["tax"])) for t in got["taxes"]),
           sorted((D(base), D(tax)) for base, tax in told["taxes"]))
    if unknown:
        expect(what + " is a draft with tax that is no deduction", (told["state"], told["type"]), ("draft", "in"))
    expect(what + " lines", [line["canonicalId"] for line in got["lines"]], [ref("InvoiceLine", line["id"]) for line in told["lines"]])
    for line, of in zip(got["lines"], told["lines"]):
        net = D(of["amount"]) if of["type"] in ("line", "subtotal") else None
        if not (unknown and line["netAmount"] is None):
            expect(f"{what} line {of['id']} of type {of['type']}", amount(line["netAmount"]), net)
        if of["type"] == "line":
            expect(f"{what} line {of['id']} quantity", D(line["quantity"]["value"]), D(of["quantity"]))


def customer(what, got, told):
    expect(what + " name", got["name"], told["name"])
    expect(what + " code", got["businessKey"], told["code"])
    expect(what + " status", got["status"], "MERGED" if told["replaced_by"] else "ACTIVE" if told["active"] else "INACTIVE")
    expect(what + " merged into", got["mergedInto"], ref("Customer", told["replaced_by"]))
    expect(what + " addresses", [["\n".join(a["lines"]) or None, a["city"]] for a in got["addresses"]],
           [[street or None, city] for street, city in told["addresses"]])
    expect(what + " contacts", [c["email"] or c["phone"] for c in got["contacts"]], [masked(c) for c in told["contacts"]])


def legal_entity(what, got, told):
    expect(what + " name", got["name"], told["name"])
    expect(what + " currency", got["functionalCurrency"], told["currency"])
    expect(what + " tax number", got["taxRegistration"], told["tax"])


def resource(what, got, told):
    expect(what + " name", got["displayName"], told["name"])
    expect(what + " cost", amount(got["costRate"]["rate"]), D(told["cost"]))


def project(what, got, told):
    expect(what + " name", got["name"], told["name"])
    expect(what + " customer", got["customer"], ref("Customer", told["party"]))
    expect(what + " status", got["status"], "CLOSED" if told["closed"] else "ACTIVE")
    expect(what + " parent", got["parentProject"], ref("Project", told["parent"]))
    expect(what + " effort", round(float(got["budgetQuantity"]["value"]), 6), round(told["effort"], 6))
    expect(what + " progress", D(got["percentComplete"]) / 100, D(str(told["progress"])))


def time_entry(what, got, told):
    expect(what + " resource", got["resource"], ref("Resource", told["employee"]))
    expect(what + " date", got["workDate"], told["date"])
    expect(what + " hours", round(float(got["quantity"]["value"]), 6), round(told["hours"], 6))
    expect(what + " task", got["task"], ref("ProjectTask", told["work"]))
    expect(what + " cost", amount(got["costRate"]), D(told["cost"]))
    expect(what + " invoice line", got["invoiceLine"], ref("InvoiceLine", told["line"]))
    expect(what + " cost of all of it", amount(got["costAmount"]),
           (D(got["quantity"]["value"]) * D(told["cost"])).quantize(D("0.01"), ROUND_HALF_EVEN))


def payment(what, got, told):
    booked = D(told["credit"]) - D(told["debit"])
    expect(what + " direction", got["direction"], "IN" if booked > 0 else "OUT")
    expect(what + " party", got["party"], ref("Customer", told["party"]))
    expect(what + " amount", amount(got["amount"]), abs(D(told["foreign"])) if told["foreign"] else abs(booked))
    expect(what + " entity amount", amount(got["entityAmount"]), abs(booked))
    expect(what + " status", got["status"], "REVERSED" if told["cancelled"] else {"posted": "CLEARED", "draft": "DRAFT"}[told["state"]])
    expect(what + " of", [a["invoice"] for a in got["allocations"]], [ref("Invoice", told["invoice"])] if told["invoice"] else [])


ENTITIES = {"Invoice": invoice, "Customer": customer, "LegalEntity": legal_entity, "Resource": resource, "Project": project,
            "TimeEntry": time_entry, "Payment": payment}

with open(sys.argv[1], encoding="utf-8") as file:
    told = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    records = [json.loads(line) for line in file]

documents, raised, updates = {}, collections.Counter(), collections.Counter()
posted_in = {}
for record in records:
    topic, value = record["topic"].removeprefix(PREFIX), record["value"]
    if topic.startswith("entity."):
        documents[record["key"]] = value and value["document"]
    elif topic.startswith("event."):
        raised[value["header"]["eventType"], record["key"]] += 1
        posted_in[value["header"]["eventType"], record["key"]] = value["header"]["transactionId"]
    elif topic == "change.public.account_invoice" and value and value["op"] == "u":
        updates[ref("Invoice", value["after"]["id"]), str(value["source"]["txId"])] += 1
    elif topic == "exception":
        wrong.append(f"an exception: {value['document']['message'] if 'document' in value else value}")

for entity, compare in ENTITIES.items():
    rows = {ref(entity, row["id"]): row for row in told[entity]}
    alive = {key for key, document in documents.items() if key.startswith(f"{INSTANCE}/{entity}/") and document}
    expect(f"which {entity} there are", sorted(alive), sorted(rows))
    for key in alive & set(rows):
        compare(key, documents[key], rows[key])
    print(f"{entity}: {len(rows)}")
for key in told["gone"]:
    expect(f"deleted invoice {key}", documents.get(ref("Invoice", key), "never published"), None)

kinds = {"Invoice": "Invoice", "CreditNote": "Invoice", "Payment": "Payment", "Time": "TimeEntry", "Project": "Project", "Customer": "Customer"}
wanted = collections.Counter((event, ref(next(k for p, k in kinds.items() if event.startswith(p)), key)) for event, key in told["events"])
for event in sorted(set(raised) | set(wanted)):
    expect(f"{event[0]} of {event[1]}", raised[event], wanted[event])
print(f"events: {sum(raised.values())}")

# one event each, although the row was updated five times
for event, key in raised:
    times = updates[key, posted_in[event, key]]
    if event in ("InvoicePosted", "CreditNoteIssued"):
        print(f"{event} {key}: once, its row was updated {times} times by that transaction")
        if documents[key]["direction"] == "RECEIVABLE" and times < 5:
            wrong.append(f"{event} {key}: its row was updated {times} times only, which is no test")

if wrong:
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(1)
