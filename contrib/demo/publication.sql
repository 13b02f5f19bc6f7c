-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- What leaves the demo database: the tables that the mapping pack reads, and task, which has a change topic only. Number
-- ranges, the session log and the table of facts stay at home.

CREATE PUBLICATION tailwater FOR TABLE
	currency, status_code, tax, company, partner, partner_address, partner_contact, employee, employee_rate,
	project, task, timesheet, timesheet_line, invoice, invoice_line, invoice_line_tax, payment, payment_allocation;
