-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- What the documents of the demo database must be, said by plain SQL on PostgreSQL itself. It is written apart from the
-- mapping pack, from the meaning of the tables, so that a mistake in one does not hide in the other: keep it so.
--
--	SELECT entity, canonical_id, document FROM oracle.documents('erp-oslo');
--
-- gives one row for each document that must exist and is not deleted. A document holds every field that the pack fills, null
-- where it must be null. Money is {"amount", "currency"}, quantities {"value", "unit"}; decimals are text with nine
-- decimals, rates and percentages with twelve; times are 'YYYY-MM-DDTHH:MM:SS[.ffffff]Z' without trailing zeros, dates 'YYYY-MM-DD'. legalEntity
-- and correlation stand in "header", because that is where a message has them.

CREATE SCHEMA oracle;

CREATE FUNCTION oracle.ref(p_instance text, p_entity text, p_key bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT p_instance || '/' || p_entity || '/' || p_key $$;

CREATE FUNCTION oracle.dec(p numeric) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT p::numeric(38,9)::text $$;

CREATE FUNCTION oracle.rate(p numeric) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT p::numeric(38,12)::text $$;

CREATE FUNCTION oracle.money(p numeric, p_currency text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN p IS NOT NULL THEN jsonb_build_object('amount', oracle.dec(p), 'currency', p_currency) END
$$;

CREATE FUNCTION oracle.qty(p numeric, p_unit text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN p IS NOT NULL THEN jsonb_build_object('value', oracle.dec(p), 'unit', p_unit) END
$$;

CREATE FUNCTION oracle.ts(p timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT regexp_replace(to_char(p AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '\.?0+$', '') || 'Z'
$$;

CREATE FUNCTION oracle.list(p jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(p, '[]') $$;

-- What has been paid on an invoice by payments that count.
CREATE FUNCTION oracle.paid(p_invoice bigint) RETURNS numeric
LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(a.amount + a.discount + a.write_off), 0)
	  FROM payment_allocation a
	 WHERE a.invoice_id = p_invoice AND (SELECT status FROM payment WHERE id = a.payment_id) = 2
$$;

CREATE FUNCTION oracle.hours(p interval) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT extract(epoch FROM p)::numeric / 3600 $$;

-- What is left of a text when only its end may be seen: the pack masks telephones so, and the tests e-mail addresses.
CREATE FUNCTION oracle.last4(p text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT '****' || CASE WHEN length(p) >= 8 THEN right(p, 4) ELSE '' END $$;

CREATE VIEW oracle.legal_entity AS
SELECT o.id, false AS gone, jsonb_build_object(
	'businessKey', o.code, 'name', o.name, 'registrationNumber', o.reg_no, 'taxRegistration', trim(o.vat_no), 'country', o.country,
	'functionalCurrency', (SELECT code FROM currency WHERE id = o.currency_id),
	'parent', oracle.ref('%', 'LegalEntity', o.parent_id), 'timezone', o.tz,
	'createdAt', oracle.ts(o.created_at AT TIME ZONE o.tz), 'modifiedAt', oracle.ts(o.modified_at), 'deleted', false,
	'sourceKeys', jsonb_build_object('id', o.id::text),
	'extensions', jsonb_build_object('fiscal_start', o.fiscal_start::text),
	'header', jsonb_build_object('legalEntity', oracle.ref('%', 'LegalEntity', o.id))) AS document
  FROM company o;

CREATE VIEW oracle.customer AS
SELECT o.id, o.deleted_at IS NOT NULL AS gone, jsonb_build_object(
	'businessKey', o.number, 'previousBusinessKey', o.old_number, 'sourceStatus', o.state::text, 'name', o.name, 'legalName', o.legal_name,
	'kind', ('{"O": "ORGANISATION", "P": "PERSON"}'::jsonb) ->> o.kind::text,
	'parentCustomer', oracle.ref('%', 'Customer', o.parent_id), 'billingAccount', oracle.ref('%', 'Customer', o.billing_id),
	'roles', to_jsonb(array_remove(ARRAY[CASE WHEN o.is_customer THEN 'CUSTOMER' END, CASE WHEN o.is_prospect THEN 'PROSPECT' END,
		CASE WHEN o.is_supplier THEN 'SUPPLIER' END], NULL)),
	'taxRegistrations', CASE WHEN o.vat_no IS NULL THEN '[]'
		ELSE jsonb_build_array(jsonb_build_object('scheme', 'VAT', 'id', trim(o.vat_no), 'country', o.country)) END,
	'addresses', oracle.list((SELECT jsonb_agg(jsonb_build_object(
			'use', ('{"V": "visiting", "B": "billing", "D": "delivery"}'::jsonb) ->> a.kind::text,
			'lines', to_jsonb(array_remove(ARRAY[a.street, a.street2], NULL)),
			'city', a.city, 'postalCode', a.postal_code, 'region', a.region, 'country', a.country) ORDER BY a.kind)
		FROM partner_address a WHERE a.partner_id = o.id)),
	'contacts', oracle.list((SELECT jsonb_agg(jsonb_build_object('name', k.name, 'email', oracle.last4(k.email), 'phone', oracle.last4(k.phone), 'role', k.role) ORDER BY k.id)
		FROM partner_contact k WHERE k.partner_id = o.id)),
	'defaultCurrency', c.code, 'paymentTerms', o.payment_term, 'language', o.lang,
	'creditLimit', oracle.money(o.credit_limit, c.code), 'creditHold', o.credit_hold,
	'status', (ARRAY['INACTIVE', 'ACTIVE', 'BLOCKED', 'MERGED'])[o.state + 1], 'mergedInto', oracle.ref('%', 'Customer', o.merged_into_id),
	'createdAt', oracle.ts(o.created_at), 'modifiedAt', oracle.ts(o.modified_at), 'deleted', o.deleted_at IS NOT NULL,
	'sourceKeys', jsonb_build_object('id', o.id::text),
	'extensions', jsonb_build_object('segment', o.attributes ->> 'segment', 'industry', o.attributes ->> 'industry'),
	'header', jsonb_build_object('correlation', jsonb_build_object('customerId', oracle.ref('%', 'Customer', o.id)))) AS document
  FROM partner o LEFT JOIN currency c ON c.id = o.currency_id
 WHERE o.is_customer OR o.is_prospect;

CREATE VIEW oracle.resource AS
SELECT o.id, false AS gone, jsonb_build_object(
	'businessKey', o.number, 'sourceStatus', CASE o.active WHEN true THEN 'active' ELSE 'left' END,
	'validFrom', o.hired_on, 'validTo', o.left_on, 'displayName', o.name, 'email', oracle.last4(o.email), 'externalPersonId', o.number,
	'kind', upper(o.kind::text),
	'employer', CASE WHEN o.partner_id IS NULL THEN oracle.ref('%', 'LegalEntity', o.company_id) ELSE oracle.ref('%', 'Customer', o.partner_id) END,
	'costRate', NULL, -- masked
	'costRateValidFrom', r.valid_from, 'billRateDefault', oracle.money(r.bill_rate, c.code),
	'calendarHoursPerDay', oracle.rate(o.hours_per_day), 'approver', oracle.ref('%', 'Resource', o.manager_id),
	'createdAt', oracle.ts(o.created_at), 'modifiedAt', oracle.ts(o.modified_at), 'deleted', false,
	'sourceKeys', jsonb_build_object('id', o.id::text),
	'header', jsonb_build_object('legalEntity', oracle.ref('%', 'LegalEntity', o.company_id),
		'correlation', jsonb_build_object('resourceId', oracle.ref('%', 'Resource', o.id)))) AS document
  FROM employee o
  LEFT JOIN LATERAL (SELECT * FROM employee_rate WHERE employee_id = o.id ORDER BY valid_from DESC LIMIT 1) r ON true
  LEFT JOIN currency c ON c.id = r.currency_id;

CREATE VIEW oracle.project AS
SELECT o.id, false AS gone, jsonb_build_object(
	'businessKey', o.code, 'sourceStatus', o.status::text, 'code', o.code, 'name', o.name, 'customer', oracle.ref('%', 'Customer', o.partner_id),
	'status', (SELECT ('{"offer": "PROPOSED", "open": "ACTIVE", "hold": "ON_HOLD", "done": "CLOSED", "lost": "CANCELLED"}'::jsonb) ->> s.meaning
		FROM status_code s WHERE s.kind = 'project' AND s.code = o.status),
	'parentProject', oracle.ref('%', 'Project', o.parent_id), 'manager', oracle.ref('%', 'Resource', o.manager_id),
	'plannedStart', o.planned_start, 'plannedEnd', o.planned_end, 'actualStart', o.actual_start, 'actualEnd', o.actual_end,
	'billingType', ('{"F": "FIXED_FEE", "T": "TIME_AND_MATERIALS"}'::jsonb) ->> o.kind::text,
	'currency', c.code, 'budgetAmount', oracle.money(o.budget, c.code), 'budgetQuantity', oracle.qty(o.budget_hours, 'HUR'),
	'percentComplete', oracle.rate(o.percent_complete::text::numeric),
	'createdAt', oracle.ts(o.created_at), 'modifiedAt', oracle.ts(o.modified_at), 'deleted', false,
	'sourceKeys', jsonb_build_object('id', o.id::text), 'extensions', jsonb_build_object('planned_effort', o.planned_effort::text),
	'header', jsonb_build_object('legalEntity', oracle.ref('%', 'LegalEntity', o.company_id), 'correlation', jsonb_build_object(
		'customerId', oracle.ref('%', 'Customer', o.partner_id), 'projectId', oracle.ref('%', 'Project', o.id)))) AS document
  FROM project o JOIN currency c ON c.id = o.currency_id;

CREATE VIEW oracle.time_entry AS
SELECT o.id, o.voided AS gone, jsonb_build_object(
	'sourceStatus', s.status::text, 'resource', oracle.ref('%', 'Resource', s.employee_id), 'project', oracle.ref('%', 'Project', o.project_id),
	'task', oracle.ref('%', 'ProjectTask', o.task_id), 'workDate', o.work_date,
	'startAt', oracle.ts(o.started_at AT TIME ZONE (SELECT tz FROM company WHERE id = s.company_id)),
	'quantity', oracle.qty(oracle.hours(o.duration), 'HUR'),
	'billableQuantity', CASE WHEN o.billable THEN oracle.qty(oracle.hours(o.duration), 'HUR') END,
	'billable', o.billable, 'description', o.note,
	'approvalStatus', (ARRAY['DRAFT', 'SUBMITTED', 'APPROVED', 'REJECTED', 'REVOKED'])[s.status + 1],
	'approvedBy', oracle.ref('%', 'Resource', s.approved_by), 'approvedAt', oracle.ts(s.approved_at),
	'billingStatus', CASE WHEN NOT o.billable THEN 'NON_BILLABLE' ELSE coalesce((
		SELECT ('{"D": "STAGED", "V": "STAGED", "P": "BILLED", "W": "BILLED"}'::jsonb) ->> i.status::text
		  FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id WHERE l.id = o.invoice_line_id), 'UNBILLED') END,
	'invoiceLine', oracle.ref('%', 'InvoiceLine', o.invoice_line_id),
	'billRate', oracle.money(o.bill_rate, c.code), 'costRate', NULL,
	'billAmount', CASE WHEN o.billable THEN oracle.money(round(oracle.hours(o.duration) * o.bill_rate, 2), c.code) END,
	'costAmount', NULL, -- made of a masked rate
	'timesheet', oracle.ref('%', 'Timesheet', o.timesheet_id),
	'createdAt', oracle.ts(o.created_at), 'modifiedAt', oracle.ts(o.modified_at), 'deleted', o.voided,
	'sourceKeys', jsonb_build_object('id', o.id::text, 'timesheet_id', o.timesheet_id::text),
	'header', jsonb_build_object('legalEntity', oracle.ref('%', 'LegalEntity', s.company_id), 'correlation', jsonb_strip_nulls(jsonb_build_object(
		'resourceId', oracle.ref('%', 'Resource', s.employee_id), 'projectId', oracle.ref('%', 'Project', o.project_id),
		'invoiceId', oracle.ref('%', 'Invoice', (SELECT invoice_id FROM invoice_line WHERE id = o.invoice_line_id)))))) AS document
  FROM timesheet_line o
  JOIN timesheet s ON s.id = o.timesheet_id
  LEFT JOIN project p ON p.id = o.project_id
  LEFT JOIN currency c ON c.id = p.currency_id;

-- Invoices without a customer are left out: they have no valid document.
CREATE VIEW oracle.invoice AS
SELECT o.id, false AS gone, jsonb_build_object(
	'businessKey', o.number, 'sourceStatus', o.status, 'number', o.number,
	'documentType', (ARRAY['INVOICE', 'CREDIT_NOTE', 'PREPAYMENT'])[o.doc_type],
	'direction', CASE o.side WHEN 'S' THEN 'RECEIVABLE' WHEN 'P' THEN 'PAYABLE' END,
	'status', CASE WHEN o.status <> 'P' THEN ('{"D": "DRAFT", "V": "VALIDATED", "X": "CANCELLED", "R": "REVERSED"}'::jsonb) ->> o.status::text
		WHEN oracle.paid(o.id) = 0 THEN 'POSTED' WHEN oracle.paid(o.id) >= o.gross_total THEN 'PAID' ELSE 'PARTIALLY_PAID' END,
	'customer', oracle.ref('%', 'Customer', o.partner_id), 'billTo', oracle.ref('%', 'Customer', o.bill_to_id),
	'project', oracle.ref('%', 'Project', o.project_id), 'paymentTerms', o.payment_term,
	'issueDate', o.issue_date, 'dueDate', o.due_date, 'taxPointDate', o.tax_date, 'accountingDate', o.accounting_date,
	'currency', c.code, 'exchangeRate', oracle.rate(o.exchange_rate), 'entityCurrency', cc.code,
	'taxExclusive', oracle.money(o.net_total, c.code), 'taxTotal', oracle.money(o.tax_total, c.code),
	'taxInclusive', oracle.money(o.gross_total, c.code), 'prepaid', oracle.money(oracle.paid(o.id), c.code),
	'amountDue', oracle.money(o.gross_total - oracle.paid(o.id), c.code),
	'entityTaxExclusive', oracle.money(round(o.net_total * o.exchange_rate, 2), cc.code),
	'entityTaxTotal', oracle.money(round(o.tax_total * o.exchange_rate, 2), cc.code),
	'entityTaxInclusive', oracle.money(round(o.gross_total * o.exchange_rate, 2), cc.code),
	'originalInvoice', oracle.ref('%', 'Invoice', o.original_id), 'reason', o.reason,
	'taxes', oracle.list((SELECT jsonb_agg(jsonb_build_object('taxCode', g.code, 'category', g.category, 'percent', oracle.rate(g.percent),
			'base', oracle.money(g.base, c.code), 'tax', oracle.money(g.amount, c.code)) ORDER BY g.code COLLATE "C")
		FROM (SELECT x.code, trim(x.category) AS category, x.percent, sum(t.base) AS base, sum(t.amount) AS amount
			FROM invoice_line_tax t JOIN tax x ON x.id = t.tax_id
		       WHERE t.line_id IN (SELECT id FROM invoice_line WHERE invoice_id = o.id)
		       GROUP BY 1, 2, 3) g)),
	'lines', oracle.list((SELECT jsonb_agg(jsonb_build_object(
			'canonicalId', oracle.ref('%', 'InvoiceLine', l.id), 'lineNo', l."order",
			'lineType', ('{"I": "ITEM", "T": "TEXT", "S": "SECTION", "Z": "SUBTOTAL"}'::jsonb) ->> l.kind::text,
			'description', l.description,
			'quantity', oracle.qty(l.qty, coalesce(('{"h": "HUR", "d": "DAY"}'::jsonb) ->> l.uom, 'C62')),
			'unitPrice', oracle.money(l.price, c.code), 'discountPercent', oracle.rate(l.discount_pct), 'netAmount', oracle.money(l.net, c.code),
			'project', oracle.ref('%', 'Project', l.project_id), 'task', oracle.ref('%', 'ProjectTask', l.task_id),
			'serviceFrom', l.service_from, 'serviceTo', l.service_to, 'originalLine', oracle.ref('%', 'InvoiceLine', l.original_line_id),
			'taxes', oracle.list((SELECT jsonb_agg(jsonb_build_object('taxCode', x.code, 'category', trim(x.category),
					'percent', oracle.rate(x.percent), 'base', oracle.money(t.base, c.code), 'tax', oracle.money(t.amount, c.code))
					ORDER BY x.code COLLATE "C")
				FROM invoice_line_tax t JOIN tax x ON x.id = t.tax_id WHERE t.line_id = l.id)),
			'sourceDocuments', oracle.list((SELECT jsonb_agg(oracle.ref('%', 'TimeEntry', t.id) ORDER BY t.id)
				FROM timesheet_line t WHERE t.invoice_line_id = l.id))) ORDER BY l."order", l.id)
		FROM invoice_line l WHERE l.invoice_id = o.id)),
	'createdAt', oracle.ts(o.created_at AT TIME ZONE e.tz), 'modifiedAt', oracle.ts(o.modified_at), 'deleted', false,
	'sourceKeys', jsonb_build_object('id', o.id::text),
	'extensions', jsonb_build_object('user', o."user", 'posted_at', o.posted_at::text, 'report_length', length(o.report)::text),
	'header', jsonb_build_object('legalEntity', oracle.ref('%', 'LegalEntity', o.company_id), 'correlation', jsonb_strip_nulls(jsonb_build_object(
		'customerId', oracle.ref('%', 'Customer', o.partner_id), 'projectId', oracle.ref('%', 'Project', o.project_id),
		'invoiceId', oracle.ref('%', 'Invoice', o.id))))) AS document
  FROM invoice o
  JOIN company e ON e.id = o.company_id
  JOIN currency cc ON cc.id = e.currency_id
  JOIN currency c ON c.id = o.currency_id
 WHERE o.partner_id IS NOT NULL;

CREATE VIEW oracle.payment AS
SELECT o.id, false AS gone, jsonb_build_object(
	'businessKey', o.number, 'sourceStatus', o.status::text, 'direction', CASE o.direction WHEN 'I' THEN 'IN' WHEN 'O' THEN 'OUT' END,
	'method', o.method,
	'status', ('{"0": "DRAFT", "1": "IN_PROCESS", "2": "CLEARED", "3": "FAILED", "9": "REVERSED"}'::jsonb) ->> o.status::text,
	'party', oracle.ref('%', 'Customer', o.partner_id), 'amount', oracle.money(o.amount, c.code),
	'entityAmount', oracle.money(round(o.amount * o.exchange_rate, 2), cc.code), 'feeAmount', oracle.money(o.bank_fee, c.code),
	'valueDate', o.value_date, 'bookingDate', o.booking_date, 'reference', o.reference, 'endToEndId', o.e2e_id,
	'allocations', oracle.list((SELECT jsonb_agg(jsonb_build_object(
			'canonicalId', oracle.ref('%', 'PaymentAllocation', a.id), 'invoice', oracle.ref('%', 'Invoice', a.invoice_id),
			'amount', oracle.money(a.amount, c.code), 'discount', oracle.money(a.discount, c.code), 'writeOff', oracle.money(a.write_off, c.code),
			'allocatedAt', oracle.ts(a.allocated_at)) ORDER BY a.id)
		FROM payment_allocation a WHERE a.payment_id = o.id)),
	'createdAt', oracle.ts(o.created_at), 'modifiedAt', oracle.ts(o.modified_at), 'deleted', false,
	'sourceKeys', jsonb_build_object('id', o.id::text),
	'header', jsonb_build_object('legalEntity', oracle.ref('%', 'LegalEntity', o.company_id), 'correlation', jsonb_build_object(
		'customerId', oracle.ref('%', 'Customer', o.partner_id), 'paymentId', oracle.ref('%', 'Payment', o.id)))) AS document
  FROM payment o
  JOIN company e ON e.id = o.company_id
  JOIN currency cc ON cc.id = e.currency_id
  JOIN currency c ON c.id = o.currency_id;

-- The views say '%' for the name of the instance; no text of the demo begins like a reference.
CREATE FUNCTION oracle.documents(p_instance text) RETURNS TABLE (entity text, canonical_id text, document jsonb)
LANGUAGE sql STABLE AS $$
	SELECT v.entity, oracle.ref(p_instance, v.entity, v.id), replace(v.document::text, '"%/', '"' || p_instance || '/')::jsonb
	  FROM (SELECT 'LegalEntity' AS entity, * FROM oracle.legal_entity
		UNION ALL SELECT 'Customer', * FROM oracle.customer
		UNION ALL SELECT 'Resource', * FROM oracle.resource
		UNION ALL SELECT 'Project', * FROM oracle.project
		UNION ALL SELECT 'TimeEntry', * FROM oracle.time_entry
		UNION ALL SELECT 'Invoice', * FROM oracle.invoice
		UNION ALL SELECT 'Payment', * FROM oracle.payment) v
	 WHERE NOT v.gone
	 ORDER BY v.entity, v.id
$$;
