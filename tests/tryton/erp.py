#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
"""
A firm that works with Tryton, driven by Tryton's own scripting library: first its master data and an old invoice; then, when a
line comes on standard input, its business. What happened, and in the end what Tryton says of its records, goes to a file.

    erp.py postgresql://USER@HOST:PORT/DATABASE FOLDER

FOLDER/ready is made when the master data is there, FOLDER/told.json at the end.
"""
import datetime
import json
import os
import sys
import time
from decimal import Decimal as D

uri, folder = sys.argv[1:]
os.environ["DB_NAME"] = uri.rsplit("/", 1)[1]

from proteus import Model, Wizard, config  # noqa: E402
cfg = config.set_trytond(uri, config_file=os.environ["TRYTOND_CONFIG"])
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts  # noqa: E402
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences  # noqa: E402
from trytond.modules.company.tests.tools import create_company, get_company  # noqa: E402

began = time.time()
today = datetime.date.today()
events = []  # what must be raised, in the order of what was done


def step(what):
    print(f"{time.time() - began:6.2f} s  {what}", flush=True)


def raised(name, record):
    events.append([name, record.id])


def new(model, **values):
    record = Model.get(model)(**values)
    record.save()
    return record


def one(model, *clauses):
    return Model.get(model).find(list(clauses), limit=1)[0]


# Master data ---------------------------------------------------------------------------------------------------------

def currency(code, rounding, rate):
    made = new("currency.currency", name=code, symbol=code, code=code, rounding=D(rounding), digits=2)
    made.rates.new(date=datetime.date(today.year, 1, 1), rate=D(rate))
    made.save()
    return made


euro, dollar, franc = currency("EUR", "0.01", "1.0"), currency("USD", "0.01", "1.0837"), currency("CHF", "0.05", "0.9411")
firm_party = new("party.party", name="Tailors & Sons")
firm_party.identifiers.new(type="be_vat", code="BE0897290877")
firm_party.save()
create_company(party=firm_party, currency=euro)
company = get_company()
cfg._context = Model.get("res.user").get_preferences(True, cfg.context)
year = set_fiscalyear_invoice_sequences(create_fiscalyear(company))
year.click("create_period")
create_chart(company)
accounts = get_accounts(company)
step("company, fiscal year, chart of accounts")

vat, levy = create_tax(D(".21")), create_tax(D(".0375"))
vat.save()
levy.save()
category = Model.get("product.category")(name="Services", accounting=True)
category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
category.customer_taxes.append(vat)
category.customer_taxes.append(levy)
category.supplier_taxes.append(Model.get("account.tax")(vat.id))
category.save()
hour, unit = one("product.uom", ("symbol", "=", "h")), one("product.uom", ("symbol", "=", "u"))


def product_of(name, uom, price):
    template = Model.get("product.template")(name=name, default_uom=uom, type="service", list_price=D(price), account_category=category)
    template.salable = True
    template.save()
    return template.products[0]


work, thing = product_of("Consulting", hour, "120"), product_of("Licence", unit, "33.335")
term = Model.get("account.invoice.payment_term")(name="30 days")
term.lines.new(type="remainder").relativedeltas.new(days=30)
term.save()
parts = Model.get("account.invoice.payment_term")(name="Two parts")
parts.lines.new(type="percent", ratio=D("0.3")).relativedeltas.new(days=10)
parts.lines.new(type="remainder").relativedeltas.new(days=40)
parts.save()
cash = one("account.journal", ("type", "=", "cash"))
method = new("account.invoice.payment.method", name="Bank", journal=cash, credit_account=accounts["cash"], debit_account=accounts["cash"])
country = one("country.country", ("code", "=", "NO")) if Model.get("country.country").find([("code", "=", "NO")]) else \
    new("country.country", name="Norway", code="NO")


def party(name, **values):
    made = Model.get("party.party")(name=name, **values)
    made.addresses.pop()
    made.addresses.new(street="Havnegata 1\nOppgang B", city="Oslo", postal_code="0150", country=country)
    made.contact_mechanisms.new(type="email", value=name.split()[0].lower() + "@example.org")
    made.save()
    return made


customer, other, twin, supplier = party("Arne Berg AS", customer_payment_term=term), party("Dahl & Co"), party("Arne Berg AS"), party("Papir AS")
person = party("Emil Fisker")
employee = new("company.employee", party=person, company=company)
employee.cost_prices.new(date=datetime.date(today.year, 1, 1), cost_price=D("45.1234"))
employee.save()


def invoice(of, lines, kind="out", money=None, payment_term=None):
    """Lines are (product or None, quantity, price)."""
    made = Model.get("account.invoice")(type=kind)
    made.party = of
    made.currency = money or euro
    made.payment_term = payment_term
    if kind == "in":
        made.invoice_date = today
    for product, quantity, price in lines:
        line = made.lines.new()
        if product:
            line.product = product
        else:
            line.account = accounts["revenue" if kind == "out" else "expense"]
            line.description = "by hand"
        line.quantity, line.unit_price = quantity, D(price)
    made.save()
    return made


def post(made, event="InvoicePosted"):
    made.click("post")
    if event:
        raised(event, made)
    return made


def pay(made, amount=None, money=None, how="partial"):
    wizard = Wizard("account.invoice.pay", [made])
    wizard.form.payment_method, wizard.form.date = method, today
    if money:
        wizard.form.currency = money
    if amount is not None:
        wizard.form.amount = D(amount)
    wizard.execute("choice")
    if wizard.form_state == "ask":  # since something is left to be paid
        wizard.form.type = how
        if how == "writeoff":
            wizard.form.writeoff = writeoff
        wizard.execute("pay")
    made.reload()
    if made.state == "paid":
        raised("InvoicePaid", made)


old = post(invoice(customer, [(thing, 1, "10")]), None)
step("an old invoice, as of before the snapshot: no event")
open(os.path.join(folder, "ready"), "w", encoding="utf-8").close()
if not sys.stdin.readline():
    sys.exit(0)

# Business ------------------------------------------------------------------------------------------------------------

writeoff = Model.get("account.move.reconcile.write_off")(name="Rounding", journal=new("account.journal", name="Write-off", code="WO", type="write-off", sequence=cash.sequence))
writeoff.credit_account = writeoff.debit_account = accounts["expense"]
writeoff.save()

sale = Model.get("sale.sale")()
sale.party, sale.payment_term, sale.invoice_method = customer, term, "order"
line = sale.lines.new()
line.product, line.quantity = thing, 3
sale.click("quote")
sale.click("confirm")
sale.reload()
step(f"sale {sale.number}: {sale.state}")
sold, = sale.invoices
post(Model.get("account.invoice")(sold.id))

project = Model.get("project.work")(name="Harbour", type="project", timesheet_available=True)
project.party, project.project_invoice_method, project.product = customer, "timesheet", work
project.save()
raised("ProjectActivated", project)
task = Model.get("project.work")(name="Quay", type="task", timesheet_available=True)
task.parent, task.product, task.effort_duration, task.progress = project, work, datetime.timedelta(hours=40, minutes=20), 0.25
task.save()
for day, minutes in enumerate((450, 20, 95)):
    entry = Model.get("timesheet.line")(employee=employee, date=today - datetime.timedelta(days=day))
    entry.duration, entry.work, entry.description = datetime.timedelta(minutes=minutes), task.timesheet_works[0], f"day {day}"
    entry.save()
project.reload()
project.click("invoice")
billed = one("account.invoice", ("party", "=", customer.id), ("state", "=", "draft"))
post(billed)
for entry in Model.get("timesheet.line").find([]):
    raised("TimeBilled", entry)
step(f"project: {len(project.children)} task, invoice {billed.number} of {billed.total_amount}")
pay(billed, "100")
pay(billed, "0.01")
assert billed.state == "posted"
pay(billed, billed.amount_to_pay)
assert billed.state == "paid"
step("part payments, and the rest")

quay = Model.get("project.work")(name="Quay wall", type="project", parent=project, party=customer, product=thing)
quay.project_invoice_method = "effort"
quay.save()
raised("ProjectActivated", quay)
pile = Model.get("project.work")(name="Piles", type="task", parent=quay, product=thing, effort_duration=datetime.timedelta(hours=7.5))
pile.timesheet_available = True
pile.save()
entry = Model.get("timesheet.line")(employee=employee, date=today, duration=datetime.timedelta(days=1, hours=2), work=pile.timesheet_works[0])
entry.save()
pile.progress = 1
pile.save()
pile.status = one("project.work.status", ("progress", "=", 1))
pile.save()
quay.reload()
quay.click("invoice")
fixed = one("account.invoice", ("party", "=", customer.id), ("state", "=", "draft"))
post(fixed)
step(f"a project within, at a fixed price: {fixed.total_amount}")

# halves to even, taxes rounded by document and by line, quantities that are binary floats, all kinds of lines
rough = [(thing, 1, "10.0050"), (thing, 3, "33.3350"), (work, 0.1, "0.7500"), (work, 7.35, "119.9900"), (None, 2.67, "1.5037")]
mixed = invoice(other, rough, payment_term=parts)
for kind in ("subtotal", "title", "comment"):
    mixed.lines.new(type=kind, description=kind)
for product, quantity, price in rough[:3]:
    line = mixed.lines.new()
    line.product = product
    line.quantity, line.unit_price = quantity, D(price)
mixed.lines.new(type="subtotal", description="the rest")
mixed.save()
post(mixed)
settings = Model.get("account.configuration")(1)
settings.tax_rounding = "line"
settings.save()
by_line = post(invoice(other, rough))
pay(by_line, str(by_line.total_amount - D("0.02")), how="writeoff")
step(f"rounded by document {mixed.tax_amount}, by line {by_line.tax_amount}")
abroad = post(invoice(other, rough, money=dollar, payment_term=parts))
pay(abroad, "50", money=dollar)
pay(abroad, "10", money=euro)
swiss = post(invoice(other, rough, money=franc))
step(f"other currencies: {abroad.total_amount} USD, {abroad.amount_to_pay} due; {swiss.total_amount} CHF")

credit = Wizard("account.invoice.credit", [swiss])
credit.form.with_refund = True
credit.execute("credit")
note, = [i for i in Model.get("account.invoice").find([("party", "=", other.id)]) if i.total_amount < 0]
raised("InvoiceCancelled", swiss)
raised("CreditNoteIssued", note)
credit = Wizard("account.invoice.credit", [sold])
credit.form.with_refund = False
credit.execute("credit")
part = one("account.invoice", ("party", "=", customer.id), ("state", "=", "draft"))
part.lines[0].quantity = -1
part.save()
post(part, "CreditNoteIssued")
step(f"credit notes {note.number} over {note.total_amount}, {part.number} over {part.total_amount}")

# money that comes back, money that is too much, time whose invoice is refunded
undone = post(invoice(other, [(thing, 1, "7")]))
pay(undone)
paid_by, = undone.reconciliation_lines
Wizard("account.move.unreconcile_lines", [paid_by])
undone.reload()
assert undone.state == "posted"
raised("InvoiceReopened", undone)
Wizard("account.move.cancel", [paid_by.move]).execute("cancel")
raised("PaymentReversed", paid_by)
more = post(invoice(other, [(thing, 1, "8")]))
pay(more, more.total_amount + D("5.55"), how="overpayment")
assert more.state == "paid"
entry = Model.get("timesheet.line")(employee=employee, date=today, duration=datetime.timedelta(hours=1, minutes=15), work=task.timesheet_works[0])
entry.save()
project.reload()
project.click("invoice")
regretted = one("account.invoice", ("party", "=", customer.id), ("state", "=", "draft"))
post(regretted)
raised("TimeBilled", entry)
credit = Wizard("account.invoice.credit", [regretted])
credit.form.with_refund = True
credit.execute("credit")
raised("CreditNoteIssued", one("account.invoice", ("party", "=", customer.id), ("id", ">", regretted.id)))
raised("InvoiceCancelled", regretted)
raised("TimeUnbilled", entry)
step("a payment cancelled, an overpayment, an invoice of time refunded")

bought = invoice(supplier, [(thing, 2, "10.0050"), (None, 1, "99.9900")], kind="in")
bought.lines[0].taxes_deductible_rate = D("0.5")
bought.save()
bought.click("validate_invoice")
post(bought)
pay(bought)
half = invoice(supplier, [(thing, 2, "10.0050")], kind="in")
half.lines[0].taxes_deductible_rate = D("0.5")
half.save()
step(f"a supplier's invoice: {bought.total_amount}, {bought.state}")
draft, dropped, gone = invoice(customer, rough), invoice(customer, rough), invoice(customer, rough)
draft.click("validate_invoice")
dropped.click("cancel")
gone_id = gone.id
gone.delete()

theirs = post(invoice(twin, [(thing, 1, "20")]))
merge = Wizard("party.replace", [twin])
merge.form.destination = customer
merge.execute("replace")
twin = Model.get("party.party")(twin.id)
raised("CustomerMerged", twin)
done = one("project.work.status", ("progress", "=", 1))
task.status, task.progress = done, 1
task.save()
quay.reload()
quay.status, quay.progress = done, 1
quay.save()
raised("ProjectClosed", quay)
project.reload()
project.status, project.progress = done, 1
project.save()
raised("ProjectClosed", project)
project.status = one("project.work.status", ("progress", "=", None))
project.save()
raised("ProjectReopened", project)
step("a party merged, a project closed and opened again")

# What Tryton says ----------------------------------------------------------------------------------------------------


def text(value):
    return None if value is None else str(value)


def tell_invoice(i):
    return {
        "id": i.id, "number": i.number, "state": i.state, "type": i.type, "party": i.party.id, "currency": i.currency.code,
        "date": text(i.invoice_date), "untaxed": text(i.untaxed_amount), "tax": text(i.tax_amount), "total": text(i.total_amount),
        "due": text(i.amount_to_pay), "move": i.move.id if i.move else None, "cancelled_by": i.cancel_move.id if i.cancel_move else None,
        "term": i.payment_term.name if i.payment_term else None,
        "project": {billed.id: project.id, fixed.id: quay.id, regretted.id: project.id}.get(i.id),
        "lines": [{"id": n.id, "type": n.type, "amount": text(n.amount), "quantity": text(n.quantity), "description": n.description}
                  for n in i.lines],
        "taxes": sorted([text(t.base), text(t.amount)] for t in i.taxes),
        "payments": sorted(n.id for n in i.payment_lines),
    }


def every(model):
    with cfg.set_context(active_test=False):
        return Model.get(model).find([])


cancelled = {m.origin.id for m in every("account.move") if m.origin and m.origin.__class__.__name__ == "account.move"}
told = {
    "gone": [gone_id], "events": events, "posted_later": sorted({k for e, k in events if e in ("InvoicePosted", "CreditNoteIssued")}),
    "Invoice": [tell_invoice(i) for i in every("account.invoice")],
    "Customer": [{"id": p.id, "code": p.code, "name": p.name, "active": bool(p.active),
                  "replaced_by": p.replaced_by.id if p.replaced_by else None,
                  "addresses": [[a.street, a.city] for a in p.addresses if a.active],
                  "contacts": [c.value for c in p.contact_mechanisms if c.active]}
                 for p in every("party.party")],
    "LegalEntity": [{"id": c.id, "name": c.party.name, "currency": c.currency.code,
                     "tax": c.party.tax_identifier.code if c.party.tax_identifier else None} for c in every("company.company")],
    "Resource": [{"id": e.id, "name": e.party.name, "cost": text(e.cost_price)} for e in every("company.employee")],
    "Project": [{"id": w.id, "name": w.name, "party": w.party.id if w.party else None, "parent": w.parent.id if w.parent else None, "closed": w.status.progress == 1,
                 "effort": w.total_effort.total_seconds() / 3600 if w.total_effort else None, "progress": w.total_progress}
                for w in every("project.work") if w.type == "project"],
    "TimeEntry": [{"id": t.id, "employee": t.employee.id, "date": text(t.date), "hours": t.duration.total_seconds() / 3600,
                   "work": int(t.work.origin.id), "cost": text(t.cost_price), "line": t.invoice_line.id if t.invoice_line else None}
                  for t in every("timesheet.line")],
    "Payment": [{"id": n.id, "party": n.party.id, "debit": text(n.debit), "credit": text(n.credit), "foreign": text(n.amount_second_currency),
                 "state": n.move.state, "cancelled": n.move.id in cancelled, "invoice": n.invoice_payment.id if n.invoice_payment else None}
                for n in every("account.move.line") if n.move.journal.type == "cash" and n.party and not (n.move.origin and n.move.origin.__class__.__name__ == "account.move")],
}
for payment in told["Payment"]:
    if D(payment["credit"]) > 0:
        events.append(["PaymentReceived", payment["id"]])
with open(os.path.join(folder, "told.json"), "w", encoding="utf-8") as out:
    json.dump(told, out, indent=1)
step(f"{len(told['Invoice'])} invoices, {len(events)} events")
