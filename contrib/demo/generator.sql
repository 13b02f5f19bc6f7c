-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- Business days for the demo database.
--
--	CALL psa.setup(seed, size);			master data, once; size 1 is a firm of twelve
--	CALL psa.business_day(seed, day);		one day, 1 is the first
--	CALL psa.business_days(seed, first, count);	several
--	SELECT * FROM psa_fact_count;			what was made
--
-- The same calls on an empty database make the same rows: nothing asks the clock or a random generator; chance is a hash of
-- seed, day, key and purpose. Days come in order, each once. Each business fact is one transaction of its own: the
-- procedures commit after each, so they must be called outside of a transaction block.
--
-- psa_fact gets one row for each business event that the fact must raise, in the fact's own transaction, so that what is
-- rolled back leaves no fact either. An event compares the state before a commit with the state after: what is made
-- and unmade within one transaction is no fact.

CREATE SCHEMA psa;

-- Chance and time ---------------------------------------------------------------------------------------------------

-- A throw of a die with so many sides, 0 the lowest. The purpose keeps throws for one key apart.
CREATE FUNCTION psa.dice(p_seed bigint, p_day int, p_key bigint, p_purpose int, p_sides int) RETURNS int
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	m CONSTANT bigint := 2147483647;
	x bigint := (p_seed * 7919 + p_day * 104729::bigint + 1) % m;
BEGIN
	x := ((x # (x >> 11)) % m * 48271 + p_key) % m;
	x := ((x # (x >> 13)) % m * 69621 + p_purpose * 2654435::bigint) % m;
	x := ((x # (x >> 7)) % m * 16807) % m;
	x := ((x # (x >> 15)) % m * 48271) % m;
	RETURN x % p_sides;
END $$;

-- Days are working days: day 1 is Monday, 6 January 2025, day 6 the Monday after. No change of summer time falls on one.
CREATE FUNCTION psa.date_of(p_day int) RETURNS date
LANGUAGE sql IMMUTABLE AS $$
	SELECT date '2025-01-06' + (p_day - 1) / 5 * 7 + (p_day - 1) % 5
$$;

-- The clock of a day moves on by one and a quarter seconds with each transaction.
CREATE FUNCTION psa.at(p_day int, p_step int) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
	SELECT (psa.date_of(p_day) + time '07:00' + (p_step % 28800) * interval '1.250137 s') AT TIME ZONE 'UTC'
$$;

CREATE FUNCTION psa.pick(p_from text[], p_throw int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT p_from[1 + p_throw % array_length(p_from, 1)] $$;

CREATE FUNCTION psa.fact(p_day int, p_fact text, p_entity text, p_key bigint) RETURNS void
LANGUAGE sql AS $$ INSERT INTO psa_fact (day, fact, entity, root_key) VALUES (p_day, p_fact, p_entity, p_key) $$;

-- A fact for each time entry that an invoice charges.
CREATE FUNCTION psa.time_facts(p_day int, p_fact text, p_invoice bigint) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO psa_fact (day, fact, entity, root_key)
	SELECT p_day, p_fact, 'TimeEntry', t.id
	  FROM invoice_line l JOIN timesheet_line t ON t.invoice_line_id = l.id
	 WHERE l.invoice_id = p_invoice AND t.billable AND NOT t.voided
	 ORDER BY t.id
$$;

CREATE FUNCTION psa.next_number(p_company bigint, p_kind text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	INSERT INTO numbering AS r (company_id, kind, last) VALUES (p_company, p_kind, 1)
		ON CONFLICT (company_id, kind) DO UPDATE SET last = r.last + 1 RETURNING last INTO n;
	RETURN p_kind || p_company || '-' || lpad(n::text, 6, '0');
END $$;

-- Master data -------------------------------------------------------------------------------------------------------

CREATE FUNCTION psa.add_partner(p_seed bigint, p_day int, p_n int, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_id		bigint;
	v_country	text := psa.pick('{NO,US,DE,NO,SE,US,FR,NO}', psa.dice(p_seed, 0, p_n, 1, 64));
	v_name		text;
BEGIN
	v_name := psa.pick('{Fjord,Prärie,Łódź,Hudson,Blåvann,Café Müller,Kestrel,Nordlys,Ærø,Juniper,東京,Øst}', psa.dice(p_seed, 0, p_n, 2, 60))
		|| ' ' || psa.pick('{Energy,Shipping,Foods,Insurance,Labs,Rail,Retail,Media,"& Sons"}', psa.dice(p_seed, 0, p_n, 3, 90))
		|| ' ' || p_n;
	INSERT INTO partner (number, name, legal_name, kind, is_customer, is_prospect, is_supplier, vat_no, country, currency_id,
			payment_term, lang, credit_limit, credit_hold, attributes, created_at, modified_at)
	VALUES ('C' || lpad(p_n::text, 5, '0'), v_name,
		v_name || psa.pick('{" AS"," Inc."," GmbH"}', psa.dice(p_seed, 0, p_n, 4, 3)),
		CASE WHEN psa.dice(p_seed, 0, p_n, 5, 12) = 0 THEN 'P' ELSE 'O' END,
		p_n % 9 <> 4, p_n % 7 = 3, p_n % 9 = 4 OR p_n % 5 = 2,
		CASE WHEN p_n % 4 <> 3 THEN v_country || (100000000 + psa.dice(p_seed, 0, p_n, 6, 899999999)) END,
		v_country,
		(SELECT id FROM currency WHERE code = CASE v_country WHEN 'NO' THEN 'NOK' WHEN 'US' THEN 'USD' ELSE 'EUR' END),
		psa.pick('{NET14,NET30,NET60}', p_n), psa.pick('{nb-NO,en-US,de-DE}', p_n),
		CASE p_n % 4 WHEN 0 THEN 50000 WHEN 1 THEN 125000.5 WHEN 2 THEN 75000.00 END, p_n % 11 = 7,
		CASE WHEN p_n % 3 <> 2 THEN jsonb_build_object('segment', psa.pick('{A,B,C}', p_n),
			'industry', psa.pick('{energy,"food & drink",rail}', p_n), 'tags', jsonb_build_array('x', p_n)) END,
		p_at, p_at)
	RETURNING id INTO v_id;
	INSERT INTO partner_address VALUES (v_id, 'V', p_n || ' Harbour Road', CASE WHEN p_n % 2 = 0 THEN 'Floor ' || p_n % 9 END,
		lpad((p_n * 37 % 10000)::text, 4, '0'), psa.pick('{Oslo,Boston,Köln,Malmö}', p_n),
		CASE WHEN v_country = 'US' THEN 'MA' END, v_country);
	IF p_n % 3 = 0 THEN
		INSERT INTO partner_address VALUES (v_id, 'B', NULL, 'PO Box ' || p_n, '0102', 'Oslo', NULL, v_country);
	END IF;
	INSERT INTO partner_contact (partner_id, name, email, phone, role)
	SELECT v_id, psa.pick('{Åse Lund,Bo O''Hara,Chloé Roux}', p_n + k), 'contact' || k || '@c' || p_n || '.example',
		'+47 22 00 ' || p_n % 90 + 10, psa.pick('{purchasing,accounts,"project lead"}', k)
	  FROM generate_series(1, p_n % 3) k;
	RETURN v_id;
END $$;

CREATE FUNCTION psa.add_employee(p_seed bigint, p_n int, p_from date, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_id		bigint;
	v_company	bigint := 1 + p_n % 2;
	v_kind		resource_kind := psa.pick('{employee,employee,employee,contractor,subcontractor}', p_n)::resource_kind;
BEGIN
	INSERT INTO employee (company_id, partner_id, number, name, email, kind, manager_id, hours_per_day, hired_on, created_at, modified_at)
	VALUES (v_company, CASE WHEN v_kind = 'subcontractor' THEN 2 END, 'E' || lpad(p_n::text, 4, '0'),
		psa.pick('{Kari,Łukasz,Mary,Jörg,Zoë,Ola,Ines}', psa.dice(p_seed, 0, p_n, 10, 70)) || ' '
			|| psa.pick('{Nilsen,Nowak,Smith,Größ,"d''Arc",Holm}', psa.dice(p_seed, 0, p_n, 11, 60)),
		'e' || p_n || '@tindr.example', v_kind, CASE WHEN p_n > 2 THEN v_company END,
		CASE WHEN p_n % 4 = 0 THEN 6 ELSE 7.5 END, p_from - p_n * 30, p_at, p_at)
	RETURNING id INTO v_id;
	INSERT INTO employee_rate VALUES (v_id, p_from - p_n * 30, v_company,
		45.5 + psa.dice(p_seed, 0, p_n, 12, 300) / 8.0, CASE WHEN p_n % 6 <> 5 THEN 95 + psa.dice(p_seed, 0, p_n, 13, 120) END);
	RETURN v_id;
END $$;

CREATE FUNCTION psa.add_project(p_seed bigint, p_n int, p_from date, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_id		bigint;
	v_kind		text := psa.pick('{T,F,T,T,F,N}', p_n);
	v_partner	partner;
BEGIN
	SELECT * INTO v_partner FROM partner WHERE is_customer AND deleted_at IS NULL AND state = 1
	 ORDER BY (id * 7919 + p_n * 104729) % 1009, id LIMIT 1;
	INSERT INTO project (company_id, partner_id, code, name, kind, status, manager_id, currency_id, budget, budget_hours, planned_effort,
			percent_complete, planned_start, planned_end, actual_start, created_at, modified_at)
	VALUES (1 + p_n % 2, CASE WHEN v_kind <> 'N' THEN v_partner.id END, 'P-' || lpad(p_n::text, 4, '0'),
		psa.pick('{Migration,Audit,Rollout,Roadmap,Support,Håndbok}', psa.dice(p_seed, 0, p_n, 20, 60)) || ' ' || p_n,
		v_kind, 1, 1 + p_n % 2, CASE WHEN v_kind = 'N' THEN 1 + p_n % 2 ELSE v_partner.currency_id END,
		CASE v_kind WHEN 'F' THEN 10000 + p_n * 250.5 WHEN 'T' THEN CASE WHEN p_n % 2 = 0 THEN 80000.00 END END,
		CASE WHEN p_n % 3 = 0 THEN 120 + p_n END, make_interval(days => p_n % 20, hours => 4),
		0, p_from, p_from + 90 + p_n, p_from, p_at, p_at)
	RETURNING id INTO v_id;
	INSERT INTO task (project_id, wbs, name, billable)
	SELECT v_id, '1.' || k, psa.pick('{Analysis,Build,Test}', k), v_kind <> 'N' AND k <> 3 FROM generate_series(1, 3) k;
	RETURN v_id;
END $$;

CREATE PROCEDURE psa.setup(p_seed bigint, p_size int DEFAULT 1)
LANGUAGE plpgsql AS $$
DECLARE
	d CONSTANT date := psa.date_of(1) - 7;
	at CONSTANT timestamptz := (d + time '09:00') AT TIME ZONE 'UTC';
BEGIN
	INSERT INTO currency (code, name) VALUES ('NOK', 'Norwegian krone'), ('USD', 'US dollar'), ('EUR', 'Euro');
	INSERT INTO status_code VALUES ('project', 0, 'Tilbud', 'offer'), ('project', 1, 'Løpende', 'open'),
		('project', 2, 'Venter', 'hold'), ('project', 3, 'Ferdig', 'done'), ('project', 4, 'Tapt', 'lost');
	INSERT INTO tax (code, name, category, percent) VALUES ('NO25', 'Utgående mva 25 %', 'S', 25),
		('US-MA', 'Massachusetts sales tax', 'S', 6.25), ('US-BOS', 'Boston local tax', 'S', 0.125), ('EU-RC', 'Reverse charge', 'AE', 0);
	INSERT INTO company (code, name, reg_no, vat_no, country, currency_id, parent_id, tz, created_at, modified_at) VALUES
		('TNO', 'Tindr Rådgivning AS', '912 345 678', 'NO912345678MVA', 'NO', 1, NULL, 'Europe/Oslo', at AT TIME ZONE 'Europe/Oslo', at),
		('TUS', 'Tindr Consulting Inc.', NULL, '04-1234567', 'US', 2, 1, 'America/New_York', at AT TIME ZONE 'America/New_York', at);
	COMMIT;
	FOR n IN 1 .. 10 * p_size LOOP
		PERFORM psa.add_partner(p_seed, 0, n, at + n * interval '1 s');
		COMMIT;
	END LOOP;
	FOR n IN 1 .. 12 * p_size LOOP
		PERFORM psa.add_employee(p_seed, n, d, at + n * interval '1 s');
		COMMIT;
	END LOOP;
	FOR n IN 1 .. 12 * p_size LOOP
		PERFORM psa.add_project(p_seed, n, d, at + n * interval '1 s');
		COMMIT;
	END LOOP;
END $$;

-- Time --------------------------------------------------------------------------------------------------------------

-- A line of time, put in without rates and priced by a second statement, as a form that saves twice does.
CREATE FUNCTION psa.add_time(p_seed bigint, p_day int, p_at timestamptz, p_employee employee, p_projects project[], p_n int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	d CONSTANT date := psa.date_of(p_day);
	v_sheet		timesheet;
	v_project	project := p_projects[1 + psa.dice(p_seed, p_day, p_employee.id, 30 + p_n, array_length(p_projects, 1))];
	v_task		task;
	v_id		bigint;
BEGIN
	SELECT * INTO v_sheet FROM timesheet WHERE employee_id = p_employee.id AND week_start = d - (p_day - 1) % 5;
	IF NOT FOUND THEN
		INSERT INTO timesheet (company_id, employee_id, week_start)
		VALUES (p_employee.company_id, p_employee.id, d - (p_day - 1) % 5) RETURNING * INTO v_sheet;
	END IF;
	IF v_sheet.status NOT IN (0, 3) THEN
		RETURN NULL;
	END IF;
	SELECT * INTO v_task FROM task WHERE project_id = v_project.id ORDER BY id OFFSET psa.dice(p_seed, p_day, p_employee.id, 40 + p_n, 3) LIMIT 1;
	INSERT INTO timesheet_line (timesheet_id, project_id, task_id, work_date, started_at, duration, billable, note, cost_rate, created_at, modified_at)
	VALUES (v_sheet.id, v_project.id, v_task.id, d, d + time '08:00' + p_n * interval '4 h',
		make_interval(mins => 15 * (2 + psa.dice(p_seed, p_day, p_employee.id, 50 + p_n, 16))), v_task.billable,
		CASE WHEN p_n % 2 = 0 THEN v_task.name || ' – dag ' || p_day END, 0, p_at, p_at)
	RETURNING id INTO v_id;
	UPDATE timesheet_line
	   SET bill_rate = coalesce((SELECT bill_rate FROM employee_rate WHERE employee_id = p_employee.id ORDER BY valid_from DESC LIMIT 1), 101.3350),
	       cost_rate = (SELECT cost_rate FROM employee_rate WHERE employee_id = p_employee.id ORDER BY valid_from DESC LIMIT 1)
	 WHERE id = v_id;
	RETURN v_id;
END $$;

-- Corrections of a line that is not approved yet: another duration, voided, brought back, or deleted for good.
CREATE FUNCTION psa.correct_time(p_kind int, p_line bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	CASE p_kind
	WHEN 0 THEN UPDATE timesheet_line SET duration = duration + interval '15 min', modified_at = p_at WHERE id = p_line;
	WHEN 1 THEN UPDATE timesheet_line SET voided = true, modified_at = p_at WHERE id = p_line;
	WHEN 2 THEN UPDATE timesheet_line SET voided = false, note = 'back again', modified_at = p_at WHERE id = p_line AND voided;
	ELSE DELETE FROM timesheet_line WHERE id = p_line;
	END CASE;
END $$;

-- A sheet goes from one status to the next; what that means for its lines is what the facts are about.
CREATE FUNCTION psa.set_sheet(p_day int, p_at timestamptz, p_sheet bigint, p_status int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_old	timesheet;
BEGIN
	SELECT * INTO v_old FROM timesheet WHERE id = p_sheet;
	UPDATE timesheet
	   SET status = p_status,
	       approved_by = CASE WHEN p_status = 2 THEN company_id END,
	       approved_at = CASE WHEN p_status = 2 THEN p_at END
	 WHERE id = p_sheet;
	IF (p_status = 2) <> (v_old.status = 2) THEN
		INSERT INTO psa_fact (day, fact, entity, root_key)
		SELECT p_day, CASE WHEN p_status = 2 THEN 'TimeApproved' ELSE 'TimeApprovalRevoked' END, 'TimeEntry', id
		  FROM timesheet_line WHERE timesheet_id = p_sheet AND NOT voided ORDER BY id;
	END IF;
END $$;

-- An approved line is voided, brought back, added or deleted: all behind the back of approval, and all facts.
CREATE FUNCTION psa.meddle(p_seed bigint, p_day int, p_at timestamptz, p_kind int, p_line timesheet_line) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_id	bigint;
BEGIN
	CASE p_kind
	WHEN 0 THEN
		UPDATE timesheet_line SET voided = NOT voided, modified_at = p_at WHERE id = p_line.id;
		PERFORM psa.fact(p_day, CASE WHEN p_line.voided THEN 'TimeApproved' ELSE 'TimeApprovalRevoked' END, 'TimeEntry', p_line.id);
	WHEN 1 THEN
		INSERT INTO timesheet_line (timesheet_id, project_id, task_id, work_date, duration, billable, note, bill_rate, cost_rate, created_at)
		VALUES (p_line.timesheet_id, p_line.project_id, p_line.task_id, p_line.work_date, '00:45', p_line.billable, 'late',
			p_line.bill_rate, p_line.cost_rate, p_at) RETURNING id INTO v_id;
		PERFORM psa.fact(p_day, 'TimeApproved', 'TimeEntry', v_id);
	ELSE
		DELETE FROM timesheet_line WHERE id = p_line.id;
		IF NOT p_line.voided THEN
			PERFORM psa.fact(p_day, 'TimeApprovalRevoked', 'TimeEntry', p_line.id);
		END IF;
	END CASE;
END $$;

-- Invoices ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION psa.rate_between(p_seed bigint, p_day int, p_from bigint, p_to bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN p_from = p_to THEN 1
		ELSE round(('{1,10.4,11.6}'::numeric[])[p_from] / ('{1,10.4,11.6}'::numeric[])[p_to], 4)
			+ psa.dice(p_seed, p_day, p_from * 10 + p_to, 60, 2000) * 0.0001 END
$$;

-- Taxes of the lines of an invoice by who sells to whom, and the totals of the header.
CREATE FUNCTION psa.total_invoice(p_invoice bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO invoice_line_tax (line_id, tax_id, base, amount)
	SELECT l.id, x.id, l.net, round(l.net * x.percent / 100, 2)
	  FROM invoice i
	  JOIN partner p ON p.id = i.partner_id
	  JOIN invoice_line l ON l.invoice_id = i.id AND l.kind = 'I'
	  JOIN tax x ON x.code = ANY (CASE WHEN i.company_id = 1 AND p.country = 'NO' THEN '{NO25}'::text[]
			WHEN i.company_id = 2 AND p.country = 'US' THEN '{US-MA,US-BOS}' WHEN p.country IN ('DE', 'FR', 'SE') THEN '{EU-RC}' ELSE '{}' END)
	 WHERE i.id = p_invoice
	 ORDER BY l.id, x.id
	ON CONFLICT DO NOTHING;
	UPDATE invoice i
	   SET net_total = t.net, tax_total = t.tax, gross_total = t.net + t.tax
	  FROM (SELECT coalesce(sum(l.net), 0) AS net,
		       coalesce((SELECT sum(a.amount) FROM invoice_line k JOIN invoice_line_tax a ON a.line_id = k.id
				  WHERE k.invoice_id = p_invoice), 0) AS tax
		  FROM invoice_line l WHERE l.invoice_id = p_invoice) t
	 WHERE i.id = p_invoice;
END $$;

CREATE FUNCTION psa.new_invoice(p_seed bigint, p_day int, p_at timestamptz, p_project project, p_type int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_id		bigint;
	v_company	company;
BEGIN
	SELECT * INTO v_company FROM company WHERE id = p_project.company_id;
	INSERT INTO invoice (company_id, doc_type, partner_id, bill_to_id, project_id, payment_term, currency_id, exchange_rate, "user",
			created_at, modified_at)
	SELECT p_project.company_id, p_type, p.id, coalesce(p.billing_id, p.id), p_project.id, p.payment_term, p_project.currency_id,
		psa.rate_between(p_seed, p_day, p_project.currency_id, v_company.currency_id), 'kari', p_at AT TIME ZONE v_company.tz, p_at
	  FROM partner p WHERE p.id = p_project.partner_id
	RETURNING id INTO v_id;
	RETURN v_id;
END $$;

-- Approved time of a project becomes a draft: a line for each sheet, and a closing text.
CREATE FUNCTION psa.bill_time(p_seed bigint, p_day int, p_at timestamptz, p_project project) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_invoice	bigint;
	v_line		bigint;
	v_n		int := 0;
	r		record;
BEGIN
	FOR r IN SELECT t.timesheet_id, t.bill_rate, array_agg(t.id ORDER BY t.id) AS ids, min(t.work_date) AS first, max(t.work_date) AS last,
			extract(epoch FROM sum(t.duration))::numeric / 3600 AS hours
		   FROM timesheet_line t JOIN timesheet s ON s.id = t.timesheet_id AND s.status = 2
		  WHERE t.project_id = p_project.id AND t.invoice_line_id IS NULL AND t.billable AND NOT t.voided
		  GROUP BY t.timesheet_id, t.bill_rate ORDER BY t.timesheet_id, t.bill_rate LIMIT 12
	LOOP
		v_invoice := coalesce(v_invoice, psa.new_invoice(p_seed, p_day, p_at, p_project, 1));
		v_n := v_n + 1;
		INSERT INTO invoice_line (invoice_id, "order", description, qty, uom, price, discount_pct, net, project_id, service_from, service_to)
		SELECT v_invoice, v_n * 10, 'Sheet ' || r.timesheet_id, r.hours, 'h', r.bill_rate, x.pct, round(r.hours * r.bill_rate * (1 - x.pct / 100), 2),
			p_project.id, r.first, r.last
		  FROM (SELECT (ARRAY[0, 0, 0, 10, 2.5])[1 + psa.dice(p_seed, p_day, r.timesheet_id, 70, 5)] AS pct) x
		RETURNING id INTO v_line;
		UPDATE timesheet_line SET invoice_line_id = v_line, modified_at = p_at WHERE id = ANY (r.ids);
	END LOOP;
	IF v_invoice IS NOT NULL THEN
		INSERT INTO invoice_line (invoice_id, "order", kind, description) VALUES (v_invoice, v_n * 10 + 10, 'T', 'Takk for oppdraget!');
		PERFORM psa.total_invoice(v_invoice);
	END IF;
	RETURN v_invoice;
END $$;

CREATE FUNCTION psa.bill_fee(p_seed bigint, p_day int, p_at timestamptz, p_project project) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_invoice	bigint := psa.new_invoice(p_seed, p_day, p_at, p_project, 1);
	v_fee		numeric := 900 + psa.dice(p_seed, p_day, p_project.id, 71, 4000) / 4.0;
BEGIN
	INSERT INTO invoice_line (invoice_id, "order", kind, description, qty, uom, price, discount_pct, net, project_id, service_from, service_to) VALUES
		(v_invoice, 1, 'S', 'Milestone', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
		(v_invoice, 2, 'I', 'Part of the fee', 1, 'pc', v_fee, 0, v_fee, p_project.id, psa.date_of(p_day) - 30, psa.date_of(p_day)),
		(v_invoice, 3, 'I', 'Workshop', 0.5, 'd', 1250.333333, NULL, 625.17, p_project.id, psa.date_of(p_day), psa.date_of(p_day));
	PERFORM psa.total_invoice(v_invoice);
	RETURN v_invoice;
END $$;

-- Edits as some products do them: all lines are deleted and made again. New lines get new keys and take the time entries
-- with them; where no time hangs on them, the same keys are used again.
CREATE FUNCTION psa.edit_lines(p_at timestamptz, p_invoice bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_lines		invoice_line[] := ARRAY(SELECT l FROM invoice_line l WHERE invoice_id = p_invoice ORDER BY id);
	v_time		boolean := EXISTS (SELECT FROM invoice_line l JOIN timesheet_line t ON t.invoice_line_id = l.id WHERE l.invoice_id = p_invoice);
	v_line		invoice_line;
	v_old		bigint;
BEGIN
	DELETE FROM invoice_line_tax x USING invoice_line l WHERE l.id = x.line_id AND l.invoice_id = p_invoice;
	DELETE FROM invoice_line WHERE invoice_id = p_invoice;
	FOREACH v_line IN ARRAY v_lines LOOP
		v_old := v_line.id;
		v_line.description := v_line.description || ' (rev.)';
		IF v_time THEN
			v_line.id := nextval(pg_get_serial_sequence('invoice_line', 'id'));
		END IF;
		INSERT INTO invoice_line SELECT v_line.*;
		IF v_time THEN
			UPDATE timesheet_line SET invoice_line_id = v_line.id, modified_at = p_at WHERE invoice_line_id = v_old;
		END IF;
	END LOOP;
	PERFORM psa.total_invoice(p_invoice);
	UPDATE invoice SET modified_at = p_at WHERE id = p_invoice;
END $$;

CREATE FUNCTION psa.release_time(p_at timestamptz, p_invoice bigint) RETURNS void
LANGUAGE sql AS $$
	UPDATE timesheet_line SET invoice_line_id = NULL, modified_at = p_at
	 WHERE invoice_line_id IN (SELECT id FROM invoice_line WHERE invoice_id = p_invoice)
$$;

CREATE FUNCTION psa.delete_draft(p_at timestamptz, p_invoice bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM psa.release_time(p_at, p_invoice);
	DELETE FROM invoice_line_tax x USING invoice_line l WHERE l.id = x.line_id AND l.invoice_id = p_invoice;
	DELETE FROM invoice_line WHERE invoice_id = p_invoice;
	DELETE FROM invoice WHERE id = p_invoice;
END $$;

-- A payment is set off against an invoice: the part of it that is open, or what is left of the payment.
CREATE FUNCTION psa.set_off(p_day int, p_at timestamptz, p_payment bigint, p_invoice bigint, p_discount numeric DEFAULT 0) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_open	numeric;
	v_part	numeric;
BEGIN
	SELECT least(p.open_amount, i.open_amount - p_discount), i.open_amount - p_discount INTO v_part, v_open
	  FROM payment p, invoice i WHERE p.id = p_payment AND i.id = p_invoice;
	INSERT INTO payment_allocation (payment_id, invoice_id, amount, discount, allocated_at) VALUES (p_payment, p_invoice, v_part, p_discount, p_at);
	UPDATE payment SET open_amount = open_amount - v_part WHERE id = p_payment;
	UPDATE invoice SET open_amount = open_amount - v_part - p_discount WHERE id = p_invoice;
	IF v_part = v_open THEN
		PERFORM psa.fact(p_day, 'InvoicePaid', 'Invoice', p_invoice);
	END IF;
END $$;

-- Posting writes the header five times, and ends with the printed document. What the customer has paid before is set off.
CREATE FUNCTION psa.post(p_seed bigint, p_day int, p_at timestamptz, p_invoice bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	d CONSTANT date := psa.date_of(p_day);
	i	invoice;
	v_pay	bigint;
BEGIN
	UPDATE invoice SET status = 'V', accounting_date = d WHERE id = p_invoice RETURNING * INTO i;
	UPDATE invoice SET number = coalesce(number, psa.next_number(i.company_id, CASE doc_type WHEN 2 THEN 'CN' ELSE 'IN' END)) WHERE id = p_invoice;
	UPDATE invoice SET issue_date = d, tax_date = d, due_date = d + CASE payment_term WHEN 'NET14' THEN 14 WHEN 'NET30' THEN 30 ELSE 60 END
	 WHERE id = p_invoice;
	UPDATE invoice
	   SET status = 'P', open_amount = CASE doc_type WHEN 1 THEN gross_total ELSE 0 END, modified_at = p_at,
	       posted_at = p_at AT TIME ZONE (SELECT tz FROM company WHERE id = i.company_id)
	 WHERE id = p_invoice;
	UPDATE invoice SET report = repeat(md5(p_invoice::text) || E' linje\n', 65 + p_invoice::int % 30) WHERE id = p_invoice;
	PERFORM psa.fact(p_day, CASE i.doc_type WHEN 2 THEN 'CreditNoteIssued' ELSE 'InvoicePosted' END, 'Invoice', p_invoice);
	IF i.doc_type = 1 THEN
		PERFORM psa.time_facts(p_day, 'TimeBilled', p_invoice);
		SELECT id INTO v_pay FROM payment
		 WHERE partner_id = i.partner_id AND status = 2 AND open_amount > 0 AND company_id = i.company_id AND currency_id = i.currency_id
		 ORDER BY id LIMIT 1;
		IF FOUND THEN
			PERFORM psa.set_off(p_day, p_at, v_pay, p_invoice);
		END IF;
	END IF;
END $$;

-- Back to draft, or away: only where nothing is paid.
CREATE FUNCTION psa.unpost(p_day int, p_at timestamptz, p_invoice bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE invoice SET status = 'D', open_amount = 0, modified_at = p_at WHERE id = p_invoice;
	PERFORM psa.fact(p_day, 'InvoiceUnposted', 'Invoice', p_invoice);
	PERFORM psa.time_facts(p_day, 'TimeUnbilled', p_invoice);
END $$;

CREATE FUNCTION psa.cancel(p_day int, p_at timestamptz, p_invoice bigint, p_status char) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM psa.time_facts(p_day, 'TimeUnbilled', p_invoice);
	PERFORM psa.release_time(p_at, p_invoice);
	UPDATE invoice SET status = p_status, open_amount = 0, reason = 'sent to the wrong party', modified_at = p_at WHERE id = p_invoice;
	PERFORM psa.fact(p_day, 'InvoiceCancelled', 'Invoice', p_invoice);
END $$;

-- A credit note over a part of an invoice, or over the whole of it.
CREATE FUNCTION psa.credit(p_seed bigint, p_day int, p_at timestamptz, p_invoice bigint, p_part numeric) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_id	bigint;
BEGIN
	INSERT INTO invoice (company_id, doc_type, partner_id, bill_to_id, project_id, original_id, reason, payment_term, currency_id, exchange_rate,
			"user", created_at, modified_at)
	SELECT i.company_id, 2, i.partner_id, i.bill_to_id, i.project_id, i.id, 'hours disputed', i.payment_term, i.currency_id, i.exchange_rate,
		'ola', p_at AT TIME ZONE c.tz, p_at
	  FROM invoice i JOIN company c ON c.id = i.company_id WHERE i.id = p_invoice
	RETURNING id INTO v_id;
	INSERT INTO invoice_line (invoice_id, "order", description, qty, uom, price, net, project_id, original_line_id)
	SELECT v_id, "order", 'Credit: ' || description, qty * p_part, uom, price, round(net * p_part, 2), project_id, id
	  FROM invoice_line WHERE invoice_id = p_invoice AND kind = 'I' ORDER BY id;
	PERFORM psa.total_invoice(v_id);
	RETURN v_id;
END $$;

-- Payments ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION psa.pay(p_day int, p_at timestamptz, p_like invoice, p_amount numeric, p_status int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	v_id	bigint;
BEGIN
	INSERT INTO payment (company_id, partner_id, number, method, status, amount, currency_id, exchange_rate, bank_fee, open_amount, value_date,
			booking_date, reference, e2e_id, created_at, modified_at)
	VALUES (p_like.company_id, p_like.partner_id, psa.next_number(p_like.company_id, 'PA'), psa.pick('{bank,card,cheque}', p_like.id::int),
		p_status, p_amount, p_like.currency_id, p_like.exchange_rate,
		CASE p_like.id % 3 WHEN 0 THEN 2.5 WHEN 1 THEN 0 END, CASE p_status WHEN 2 THEN p_amount ELSE 0 END,
		CASE p_status WHEN 2 THEN psa.date_of(p_day) END, CASE p_status WHEN 2 THEN psa.date_of(p_day) END,
		p_like.number, 'E2E' || lpad(p_like.id::text, 12, '0'), p_at, p_at)
	RETURNING id INTO v_id;
	IF p_status = 2 THEN
		PERFORM psa.fact(p_day, 'PaymentReceived', 'Payment', v_id);
	END IF;
	RETURN v_id;
END $$;

CREATE FUNCTION psa.clear(p_day int, p_at timestamptz, p_payment bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE payment SET status = 2, open_amount = amount, value_date = psa.date_of(p_day), booking_date = psa.date_of(p_day), modified_at = p_at
	 WHERE id = p_payment;
	PERFORM psa.fact(p_day, 'PaymentReceived', 'Payment', p_payment);
END $$;

-- The bank takes it back. What it had paid is open again, though the allocations stay where they are.
CREATE FUNCTION psa.reverse(p_day int, p_at timestamptz, p_payment bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE payment SET status = 9, open_amount = 0, modified_at = p_at WHERE id = p_payment;
	PERFORM psa.fact(p_day, 'PaymentReversed', 'Payment', p_payment);
	INSERT INTO psa_fact (day, fact, entity, root_key)
	SELECT DISTINCT p_day, 'InvoiceReopened', 'Invoice', i.id
	  FROM payment_allocation a JOIN invoice i ON i.id = a.invoice_id
	 WHERE a.payment_id = p_payment AND i.status = 'P' AND i.open_amount = 0 ORDER BY i.id;
	UPDATE invoice i SET open_amount = i.open_amount + a.sum, modified_at = p_at
	  FROM (SELECT invoice_id, sum(amount + discount + write_off) FROM payment_allocation WHERE payment_id = p_payment GROUP BY invoice_id) a
	 WHERE i.id = a.invoice_id AND i.status = 'P';
END $$;

-- The parts of a day ------------------------------------------------------------------------------------------------
-- Each commits after every business fact. step counts the transactions of the day and moves its clock.

CREATE PROCEDURE psa.do_time(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_staff	employee[] := ARRAY(SELECT e FROM employee e WHERE active ORDER BY id);
	v_open	project[] := ARRAY(SELECT p FROM project p WHERE status = 1 ORDER BY id);
	e	employee;
	v_line	bigint;
	k	int;
BEGIN
	FOREACH e IN ARRAY v_staff LOOP
		FOR n IN 0 .. psa.dice(p_seed, p_day, e.id, 80, 2) LOOP
			step := step + 1;
			v_line := psa.add_time(p_seed, p_day, psa.at(p_day, step), e, v_open, n);
			COMMIT;
		END LOOP;
		k := psa.dice(p_seed, p_day, e.id, 81, 16);
		IF k < 4 AND v_line IS NOT NULL THEN
			step := step + 1;
			PERFORM psa.correct_time(k, CASE k WHEN 2 THEN v_line - 30 ELSE v_line END, psa.at(p_day, step))
			   FROM timesheet_line t JOIN timesheet s ON s.id = t.timesheet_id
			  WHERE t.id = CASE k WHEN 2 THEN v_line - 30 ELSE v_line END AND s.status IN (0, 3);
			COMMIT;
		END IF;
	END LOOP;
END $$;

CREATE PROCEDURE psa.do_approval(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_sheets timesheet[] := ARRAY(SELECT s FROM timesheet s WHERE status <> 2 ORDER BY id);
	s	timesheet;
	k	int;
BEGIN
	FOREACH s IN ARRAY v_sheets LOOP
		k := psa.dice(p_seed, p_day, s.id, 90, 20);
		step := step + 1;
		IF s.status IN (0, 3, 4) AND (p_day % 5 = 0 OR s.week_start < psa.date_of(p_day) - 7) THEN
			PERFORM psa.set_sheet(p_day, psa.at(p_day, step), s.id, 1);
		ELSIF s.status = 1 AND k < 15 THEN
			PERFORM psa.set_sheet(p_day, psa.at(p_day, step), s.id, 2);
		ELSIF s.status = 1 AND k < 17 THEN
			PERFORM psa.set_sheet(p_day, psa.at(p_day, step), s.id, 3);
		ELSIF s.status = 1 AND k = 17 THEN
			-- approved and taken back in one transaction: nothing happened, and there is no fact
			UPDATE timesheet SET status = 2, approved_by = company_id, approved_at = psa.at(p_day, step) WHERE id = s.id;
			UPDATE timesheet SET status = 1, approved_by = NULL, approved_at = NULL WHERE id = s.id;
		END IF;
		COMMIT;
	END LOOP;
END $$;

-- Of the sheets approved some days ago, some are opened again, and some lines are meddled with.
CREATE PROCEDURE psa.do_revocation(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_sheets timesheet[] := ARRAY(
		SELECT s FROM timesheet s
		 WHERE status = 2 AND week_start BETWEEN psa.date_of(p_day) - 21 AND psa.date_of(p_day)
		   AND NOT EXISTS (SELECT FROM timesheet_line t WHERE t.timesheet_id = s.id AND t.invoice_line_id IS NOT NULL)
		 ORDER BY id);
	s	timesheet;
	v_line	timesheet_line;
	k	int;
BEGIN
	FOREACH s IN ARRAY v_sheets LOOP
		k := psa.dice(p_seed, p_day, s.id, 100, 16);
		step := step + 1;
		IF k = 0 THEN
			PERFORM psa.set_sheet(p_day, psa.at(p_day, step), s.id, 4);
		ELSIF k < 4 THEN
			SELECT * INTO v_line FROM timesheet_line WHERE timesheet_id = s.id ORDER BY id LIMIT 1;
			IF FOUND THEN
				PERFORM psa.meddle(p_seed, p_day, psa.at(p_day, step), k - 1, v_line);
			END IF;
		END IF;
		COMMIT;
	END LOOP;
END $$;

CREATE PROCEDURE psa.do_billing(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_projects project[] := ARRAY(SELECT p FROM project p WHERE status = 1 AND kind <> 'N' AND (id + p_day) % 4 = 0 ORDER BY id);
	p	project;
	v_id	bigint;
	k	int;
BEGIN
	FOREACH p IN ARRAY v_projects LOOP
		step := step + 1;
		k := psa.dice(p_seed, p_day, p.id, 110, 12);
		IF p.kind = 'T' THEN
			v_id := psa.bill_time(p_seed, p_day, psa.at(p_day, step), p);
		ELSE
			v_id := psa.bill_fee(p_seed, p_day, psa.at(p_day, step), p);
			IF k < 3 THEN	-- made and posted in one transaction
				PERFORM psa.post(p_seed, p_day, psa.at(p_day, step), v_id);
				v_id := NULL;
			END IF;
		END IF;
		COMMIT;
		CONTINUE WHEN v_id IS NULL;
		step := step + 1;
		IF k < 5 THEN
			PERFORM psa.edit_lines(psa.at(p_day, step), v_id);
		ELSIF k = 5 THEN
			PERFORM psa.delete_draft(psa.at(p_day, step), v_id);
		ELSIF k = 6 THEN
			-- a text line moves to the newest other draft, so that two documents change by one row
			UPDATE invoice_line SET invoice_id = o.id, "order" = 900
			  FROM (SELECT max(id) AS id FROM invoice WHERE status = 'D' AND id <> v_id) o
			 WHERE invoice_id = v_id AND kind IN ('T', 'S') AND o.id IS NOT NULL;
		END IF;
		COMMIT;
	END LOOP;
END $$;

-- A try that fails behind a savepoint leaves nothing.
CREATE FUNCTION psa.fail_to_post(p_seed bigint, p_day int, p_at timestamptz, p_invoice bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM psa.post(p_seed, p_day, p_at, p_invoice);
	RAISE EXCEPTION 'the printer is out of paper';
EXCEPTION WHEN raise_exception THEN
	UPDATE invoice SET "user" = 'batch' WHERE id = p_invoice;
END $$;

CREATE PROCEDURE psa.do_posting(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_drafts bigint[] := ARRAY(SELECT id FROM invoice WHERE status IN ('D', 'V') AND partner_id IS NOT NULL ORDER BY id);
	v_id	bigint;
	k	int;
	at	timestamptz;
BEGIN
	FOREACH v_id IN ARRAY v_drafts LOOP
		k := psa.dice(p_seed, p_day, v_id, 120, 24);
		CONTINUE WHEN k < 6;	-- another day
		step := step + 1;
		at := psa.at(p_day, step);
		IF k = 6 THEN		-- all of it, and then not after all
			PERFORM psa.post(p_seed, p_day, at, v_id);
			ROLLBACK;
			CONTINUE;
		ELSIF k = 7 THEN
			PERFORM psa.fail_to_post(p_seed, p_day, at, v_id);
			COMMIT;
			step := step + 1;
			at := psa.at(p_day, step);
		ELSIF k = 8 THEN	-- posted and unposted in one transaction: the states before and after are drafts
			UPDATE invoice SET status = 'P' WHERE id = v_id;
			UPDATE invoice SET status = 'D', modified_at = at WHERE id = v_id;
			COMMIT;
			CONTINUE;
		ELSIF k = 9 THEN	-- validated today, posted another day
			UPDATE invoice SET status = 'V', modified_at = at WHERE id = v_id;
			COMMIT;
			CONTINUE;
		END IF;
		PERFORM psa.post(p_seed, p_day, at, v_id);
		COMMIT;
	END LOOP;
END $$;

-- Posted invoices that nothing was paid on: some go back to draft, are cancelled, or are replaced by a credit note; of
-- all posted ones some are credited in part. Some credit notes are cancelled.
CREATE PROCEDURE psa.do_second_thoughts(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_ids	bigint[] := ARRAY(SELECT id FROM invoice WHERE status = 'P' AND doc_type = 1 AND open_amount > 0
				     AND issue_date BETWEEN psa.date_of(p_day) - 7 AND psa.date_of(p_day) ORDER BY id);
	v_id	bigint;
	v_note	bigint;
	k	int;
	at	timestamptz;
	v_unpaid boolean;
BEGIN
	FOREACH v_id IN ARRAY v_ids LOOP
		k := psa.dice(p_seed, p_day, v_id, 130, 60);
		CONTINUE WHEN k > 6;
		step := step + 1;
		at := psa.at(p_day, step);
		SELECT open_amount = gross_total INTO v_unpaid FROM invoice WHERE id = v_id;
		IF k < 2 AND v_unpaid THEN
			PERFORM psa.unpost(p_day, at, v_id);
		ELSIF k = 2 AND v_unpaid THEN
			PERFORM psa.cancel(p_day, at, v_id, 'X');
		ELSIF k = 3 AND v_unpaid THEN
			PERFORM psa.cancel(p_day, at, v_id, 'R');
			PERFORM psa.post(p_seed, p_day, at, psa.credit(p_seed, p_day, at, v_id, 1));
		ELSE
			v_note := psa.credit(p_seed, p_day, at, v_id, 0.25);
			IF k = 6 THEN		-- stays a draft until it is posted like any other
				COMMIT;
				CONTINUE;
			END IF;
			PERFORM psa.post(p_seed, p_day, at, v_note);
			COMMIT;
			IF k = 5 THEN
				step := step + 1;
				UPDATE invoice SET status = 'X', modified_at = psa.at(p_day, step) WHERE id = v_note;
				PERFORM psa.fact(p_day, 'CreditNoteCancelled', 'Invoice', v_note);
			END IF;
		END IF;
		COMMIT;
	END LOOP;
END $$;

CREATE PROCEDURE psa.do_payments(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_waiting bigint[] := ARRAY(SELECT id FROM payment WHERE status = 1 ORDER BY id);
	v_ids	bigint[] := ARRAY(SELECT id FROM invoice WHERE status = 'P' AND open_amount > 0
				   ORDER BY due_date, id LIMIT 2 + (SELECT count(*) FROM project) / 4);
	v_id	bigint;
	v_other	bigint;
	v_pay	bigint;
	i	invoice;
	k	int;
	at	timestamptz;
BEGIN
	FOREACH v_pay IN ARRAY v_waiting LOOP	-- what the bank had in process clears, fails or stays
		k := psa.dice(p_seed, p_day, v_pay, 140, 6);
		step := step + 1;
		at := psa.at(p_day, step);
		IF k = 0 THEN
			UPDATE payment SET status = 3, modified_at = at WHERE id = v_pay;
		ELSIF k < 5 THEN
			PERFORM psa.clear(p_day, at, v_pay);
			SELECT n.id INTO v_id FROM payment p JOIN invoice n ON n.number = p.reference AND n.partner_id = p.partner_id
			 WHERE p.id = v_pay AND n.status = 'P' AND n.open_amount > 0;
			IF FOUND THEN
				PERFORM psa.set_off(p_day, at, v_pay, v_id);
			END IF;
		END IF;
		COMMIT;
	END LOOP;
	FOREACH v_id IN ARRAY v_ids LOOP
		SELECT * INTO i FROM invoice WHERE id = v_id AND status = 'P' AND open_amount > 0;
		CONTINUE WHEN NOT FOUND;
		k := psa.dice(p_seed, p_day, v_id, 141, 12);
		step := step + 1;
		at := psa.at(p_day, step);
		IF k < 3 THEN		-- in full, in one go
			PERFORM psa.set_off(p_day, at, psa.pay(p_day, at, i, i.open_amount, 2), v_id);
		ELSIF k < 6 THEN	-- a part
			PERFORM psa.set_off(p_day, at, psa.pay(p_day, at, i, round(i.open_amount * 0.4, 2), 2), v_id);
		ELSIF k = 6 THEN	-- received now, set off by a later transaction
			v_pay := psa.pay(p_day, at, i, i.open_amount, 2);
			COMMIT;
			PERFORM psa.set_off(p_day, at, v_pay, v_id);
		ELSIF k = 7 THEN	-- in full, less a cash discount
			PERFORM psa.set_off(p_day, at, psa.pay(p_day, at, i, i.open_amount - round(i.open_amount * 0.02, 2), 2), v_id,
				round(i.open_amount * 0.02, 2));
		ELSIF k = 8 THEN
			PERFORM psa.pay(p_day, at, i, i.open_amount, 1);
		ELSIF k = 9 THEN	-- one payment for two invoices
			SELECT id INTO v_other FROM invoice
			 WHERE partner_id = i.partner_id AND company_id = i.company_id AND currency_id = i.currency_id AND status = 'P'
			   AND open_amount > 0 AND id <> v_id ORDER BY id LIMIT 1;
			v_pay := psa.pay(p_day, at, i, i.open_amount + coalesce((SELECT open_amount FROM invoice WHERE id = v_other), 0), 2);
			PERFORM psa.set_off(p_day, at, v_pay, v_id);
			IF v_other IS NOT NULL THEN
				PERFORM psa.set_off(p_day, at, v_pay, v_other);
			END IF;
		ELSIF k = 10 AND i.id % 2 = 0 THEN	-- money for which there is no invoice yet
			PERFORM psa.pay(p_day, at, i, 500 + i.id % 900, 2);
		END IF;
		COMMIT;
	END LOOP;
END $$;

CREATE PROCEDURE psa.do_reversals(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_ids	bigint[] := ARRAY(SELECT id FROM payment WHERE id > (SELECT max(id) FROM payment) - 60 AND status = 2
				     AND value_date < psa.date_of(p_day) ORDER BY id);
	v_id	bigint;
BEGIN
	FOREACH v_id IN ARRAY v_ids LOOP
		CONTINUE WHEN psa.dice(p_seed, p_day, v_id, 150, 40) > 0;
		step := step + 1;
		PERFORM psa.reverse(p_day, psa.at(p_day, step), v_id);
		COMMIT;
	END LOOP;
END $$;

-- An import brings an invoice that has no customer yet. It has no valid document until somebody says whose it is, and
-- its posting is known only then.
CREATE PROCEDURE psa.do_import(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_projects project[] := ARRAY(SELECT p FROM project p WHERE kind = 'F' AND partner_id IS NOT NULL ORDER BY id LIMIT 1);
	v_id	bigint;
BEGIN
	step := step + 2;
	v_id := psa.bill_fee(p_seed, p_day, psa.at(p_day, step), v_projects[1]);
	UPDATE invoice SET partner_id = NULL, number = 'IMP-' || p_day, status = 'P', issue_date = psa.date_of(p_day),
		due_date = psa.date_of(p_day) + 30, open_amount = gross_total WHERE id = v_id;
	PERFORM psa.fact(p_day, 'ExceptionOpened', 'Invoice', v_id);
	COMMIT;
	UPDATE invoice SET partner_id = v_projects[1].partner_id, modified_at = psa.at(p_day, step + 1) WHERE id = v_id;
	PERFORM psa.fact(p_day, 'ExceptionClosed', 'Invoice', v_id);
	PERFORM psa.fact(p_day, 'InvoicePosted', 'Invoice', v_id);
	COMMIT;
END $$;

-- Customers, staff and projects change. None of this is a business event of the pack, but all of it is documents.
CREATE PROCEDURE psa.do_master_data(p_seed bigint, p_day int, INOUT step int)
LANGUAGE plpgsql AS $$
DECLARE
	v_partners bigint[] := ARRAY(SELECT id FROM partner WHERE psa.dice(p_seed, p_day, id, 160, 12) = 0 ORDER BY id);
	v_id	bigint;
	at	timestamptz;
BEGIN
	FOREACH v_id IN ARRAY v_partners LOOP
		step := step + 1;
		at := psa.at(p_day, step);
		CASE psa.dice(p_seed, p_day, v_id, 161, 14)
		WHEN 0 THEN UPDATE partner SET name = left(name || '*', 80), modified_at = at WHERE id = v_id;
		WHEN 1 THEN UPDATE partner SET credit_limit = credit_limit * 1.0, modified_at = at WHERE id = v_id;	-- the same, with another scale
		WHEN 2 THEN UPDATE partner SET credit_hold = NOT credit_hold, modified_at = at WHERE id = v_id;
		WHEN 3 THEN UPDATE partner SET deleted_at = CASE WHEN deleted_at IS NULL THEN at END, modified_at = at WHERE id = v_id;
		WHEN 4 THEN UPDATE partner SET attributes = coalesce(attributes, '{}') || jsonb_build_object('segment', 'S' || p_day) WHERE id = v_id;
		WHEN 5 THEN UPDATE partner SET old_number = number, number = 'R' || p_day || '-' || v_id, modified_at = at WHERE id = v_id;
		WHEN 6 THEN UPDATE partner_address SET kind = CASE kind WHEN 'V' THEN 'D' WHEN 'D' THEN 'V' ELSE kind END WHERE partner_id = v_id;
		WHEN 7 THEN
			DELETE FROM partner_contact WHERE partner_id = v_id;
			INSERT INTO partner_contact (partner_id, name, email) VALUES (v_id, 'Day ' || p_day, 'day' || p_day || '@c.example');
		WHEN 8 THEN UPDATE partner SET note = 'called on day ' || p_day WHERE id = v_id;	-- nothing that is mapped
		WHEN 9 THEN UPDATE partner SET is_prospect = NOT is_prospect, is_customer = true WHERE id = v_id;
		WHEN 10 THEN UPDATE partner SET state = CASE state WHEN 2 THEN 1 ELSE 2 END WHERE id = v_id;
		WHEN 11 THEN UPDATE partner SET billing_id = CASE WHEN billing_id IS NULL THEN 1 END WHERE id = v_id;
		WHEN 12 THEN UPDATE partner SET name = name WHERE id = v_id;				-- an update that changes nothing
		ELSE DELETE FROM partner_address WHERE partner_id = v_id AND kind = 'B';
		END CASE;
		COMMIT;
	END LOOP;
	IF p_day % 10 = 3 THEN
		step := step + 1;
		v_id := psa.add_partner(p_seed, p_day, 90000 + p_day, psa.at(p_day, step));
		COMMIT;
		UPDATE partner SET state = 3, merged_into_id = v_id WHERE id = (SELECT max(id) FROM partner WHERE id < v_id AND is_customer AND state = 1);
		COMMIT;
	END IF;
	step := step + 1;
	at := psa.at(p_day, step);
	v_id := 3 + psa.dice(p_seed, p_day, 0, 162, (SELECT count(*)::int FROM employee) - 2);
	CASE p_day % 8
	WHEN 1 THEN
		INSERT INTO employee_rate SELECT employee_id, psa.date_of(p_day), currency_id, cost_rate * 1.03, bill_rate + 5
		  FROM employee_rate WHERE employee_id = v_id ORDER BY valid_from DESC LIMIT 1 ON CONFLICT DO NOTHING;
	WHEN 3 THEN UPDATE employee SET hours_per_day = hours_per_day - 0.25, modified_at = at WHERE id = v_id AND hours_per_day > 4;
	WHEN 5 THEN UPDATE employee SET email = 'd' || p_day || '@tindr.example', kind = 'contractor', modified_at = at WHERE id = v_id;
	ELSE UPDATE currency SET name = name || '' WHERE id = 1 + p_day % 3;
	END CASE;
	COMMIT;
	step := step + 1;
	at := psa.at(p_day, step);
	v_id := 1 + psa.dice(p_seed, p_day, 0, 163, (SELECT count(*)::int FROM project));
	IF p_day % 6 = 0 THEN
		UPDATE project SET status = CASE status WHEN 1 THEN 2 ELSE 1 END, modified_at = at WHERE id = v_id AND status IN (0, 1, 2);
	ELSIF p_day % 15 = 7 THEN
		PERFORM psa.add_project(p_seed, 5000 + p_day, psa.date_of(p_day), at);
	ELSE
		UPDATE project SET percent_complete = (round((percent_complete * 10)::numeric) + 1) / 10.0, actual_end = psa.date_of(p_day) WHERE id = v_id;
	END IF;
	COMMIT;
	-- noise that nobody has asked for, in a transaction of its own
	INSERT INTO session_log (day, line) SELECT p_day, 'tick ' || k FROM generate_series(1, 5) k;
	COMMIT;
END $$;

CREATE PROCEDURE psa.business_day(p_seed bigint, p_day int)
LANGUAGE plpgsql AS $$
DECLARE
	step	int := 0;
BEGIN
	-- Plans are made while the tables are nearly empty, and kept: without this they would scan for ever. A scan that cannot
	-- be helped is then counted as dear enough to be compiled, which it is not.
	PERFORM set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false);
	CALL psa.do_time(p_seed, p_day, step);
	CALL psa.do_approval(p_seed, p_day, step);
	CALL psa.do_revocation(p_seed, p_day, step);
	CALL psa.do_billing(p_seed, p_day, step);
	CALL psa.do_posting(p_seed, p_day, step);
	CALL psa.do_second_thoughts(p_seed, p_day, step);
	CALL psa.do_payments(p_seed, p_day, step);
	CALL psa.do_reversals(p_seed, p_day, step);
	IF p_day % 5 = 2 THEN
		CALL psa.do_import(p_seed, p_day, step);
	END IF;
	CALL psa.do_master_data(p_seed, p_day, step);
END $$;

CREATE PROCEDURE psa.business_days(p_seed bigint, p_first int, p_count int)
LANGUAGE plpgsql AS $$
BEGIN
	FOR d IN p_first .. p_first + p_count - 1 LOOP
		CALL psa.business_day(p_seed, d);
	END LOOP;
END $$;
