-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- schema.sql for MariaDB: the same tables, columns and meanings, so that the mapping pack makes the same documents. What has no
-- equal type has the one that such databases use: boolean is tinyint(1), timestamptz is timestamp(6), timestamp is datetime(6), jsonb
-- is json, an interval under a day is time and another one is text, numeric without a scale has one that is large enough.
-- The remarks marked "care:" in schema.sql hold here, too. journal.sql says how rows come.

SET NAMES utf8mb4;

CREATE TABLE currency (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	code		char(3) NOT NULL UNIQUE,
	name		varchar(40) NOT NULL,
	digits		smallint NOT NULL DEFAULT 2
) CHARACTER SET utf8mb4;

CREATE TABLE status_code (
	kind		varchar(16),
	code		smallint,
	label		varchar(40) NOT NULL,
	meaning		varchar(16) NOT NULL,
	PRIMARY KEY (kind, code)
) CHARACTER SET utf8mb4;

CREATE TABLE tax (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	code		varchar(12) NOT NULL UNIQUE,
	name		varchar(60) NOT NULL,
	category	char(2) NOT NULL,
	percent		decimal(7,4) NOT NULL
) CHARACTER SET utf8mb4;

CREATE TABLE company (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	code		varchar(8) NOT NULL UNIQUE,
	name		varchar(80) NOT NULL,
	reg_no		varchar(20),
	vat_no		char(20),
	country		char(2),
	currency_id	bigint NOT NULL REFERENCES currency (id),
	parent_id	bigint REFERENCES company (id),
	tz		varchar(40) NOT NULL,
	fiscal_start	smallint NOT NULL DEFAULT 1,
	created_at	datetime(6) NOT NULL,		-- care: local time of the company
	modified_at	timestamp(6) NULL
) CHARACTER SET utf8mb4;

CREATE TABLE partner (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	number		varchar(12),
	old_number	varchar(12),
	name		varchar(80) NOT NULL,
	legal_name	varchar(120),
	kind		char(1) NOT NULL DEFAULT 'O',
	is_customer	tinyint(1) NOT NULL DEFAULT true,
	is_prospect	tinyint(1) NOT NULL DEFAULT false,
	is_supplier	tinyint(1) NOT NULL DEFAULT false,
	state		smallint NOT NULL DEFAULT 1,
	parent_id	bigint,
	billing_id	bigint,
	merged_into_id	bigint,
	vat_no		char(20),
	country		char(2),
	currency_id	bigint REFERENCES currency (id),
	payment_term	varchar(12),
	lang		varchar(8),
	credit_limit	decimal(30,9),
	credit_hold	tinyint(1),
	attributes	json,
	note		text,
	created_at	timestamp(6) NOT NULL DEFAULT current_timestamp(6),
	modified_at	timestamp(6) NULL,
	deleted_at	timestamp(6) NULL
) CHARACTER SET utf8mb4;

CREATE TABLE partner_address (
	partner_id	bigint REFERENCES partner (id),
	kind		char(1),
	street		varchar(80),
	street2		varchar(80),
	postal_code	varchar(12),
	city		varchar(60),
	region		varchar(60),
	country		char(2),
	PRIMARY KEY (partner_id, kind)
) CHARACTER SET utf8mb4;

CREATE TABLE partner_contact (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	partner_id	bigint NOT NULL REFERENCES partner (id),
	name		varchar(80),
	email		varchar(120),
	phone		varchar(40),
	role		varchar(40)
) CHARACTER SET utf8mb4;

CREATE TABLE employee (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	company_id	bigint NOT NULL REFERENCES company (id),
	partner_id	bigint REFERENCES partner (id),
	number		varchar(12) NOT NULL,
	name		varchar(80) NOT NULL,
	email		varchar(120),
	kind		enum('employee', 'contractor', 'subcontractor', 'equipment') NOT NULL DEFAULT 'employee',
	manager_id	bigint REFERENCES employee (id),
	hours_per_day	decimal(4,2),
	hired_on	date,
	left_on		date,
	active		tinyint(1) NOT NULL DEFAULT true,
	created_at	timestamp(6) NOT NULL DEFAULT current_timestamp(6),
	modified_at	timestamp(6) NULL
) CHARACTER SET utf8mb4;

CREATE TABLE employee_rate (
	employee_id	bigint REFERENCES employee (id),
	valid_from	date,
	currency_id	bigint NOT NULL REFERENCES currency (id),
	cost_rate	decimal(12,4) NOT NULL,
	bill_rate	decimal(12,2),
	PRIMARY KEY (employee_id, valid_from)
) CHARACTER SET utf8mb4;

CREATE TABLE project (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	company_id	bigint NOT NULL REFERENCES company (id),
	partner_id	bigint REFERENCES partner (id),
	code		varchar(16) NOT NULL UNIQUE,
	name		varchar(120) NOT NULL,
	kind		char(1) NOT NULL,
	status		smallint NOT NULL,
	parent_id	bigint REFERENCES project (id),
	manager_id	bigint REFERENCES employee (id),
	currency_id	bigint NOT NULL REFERENCES currency (id),
	budget		decimal(30,9),
	budget_hours	decimal(10,2),
	planned_effort	varchar(40),			-- an interval beyond a day, as text
	percent_complete double,
	planned_start	date,
	planned_end	date,
	actual_start	date,
	actual_end	date,
	created_at	timestamp(6) NOT NULL DEFAULT current_timestamp(6),
	modified_at	timestamp(6) NULL
) CHARACTER SET utf8mb4;

CREATE TABLE task (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	project_id	bigint NOT NULL REFERENCES project (id),
	wbs		varchar(16) NOT NULL,
	name		varchar(80) NOT NULL,
	billable	tinyint(1) NOT NULL DEFAULT true
) CHARACTER SET utf8mb4;

CREATE TABLE timesheet (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	company_id	bigint NOT NULL REFERENCES company (id),
	employee_id	bigint NOT NULL REFERENCES employee (id),
	week_start	date NOT NULL,
	status		smallint NOT NULL DEFAULT 0,
	approved_by	bigint REFERENCES employee (id),
	approved_at	timestamp(6) NULL,
	UNIQUE (employee_id, week_start)
) CHARACTER SET utf8mb4;

CREATE TABLE timesheet_line (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	timesheet_id	bigint NOT NULL REFERENCES timesheet (id),
	project_id	bigint REFERENCES project (id),
	task_id		bigint REFERENCES task (id),
	work_date	date NOT NULL,
	started_at	datetime(6),			-- care: local time of the sheet's company
	duration	time NOT NULL,
	billable	tinyint(1) NOT NULL DEFAULT true,
	note		varchar(200),
	bill_rate	decimal(12,4),
	cost_rate	decimal(12,4),
	invoice_line_id	bigint,
	voided		tinyint(1) NOT NULL DEFAULT false,
	created_at	timestamp(6) NOT NULL DEFAULT current_timestamp(6),
	modified_at	timestamp(6) NULL,
	KEY (invoice_line_id)
) CHARACTER SET utf8mb4;

CREATE TABLE invoice (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	company_id	bigint NOT NULL REFERENCES company (id),
	doc_type	smallint NOT NULL DEFAULT 1,
	side		char(1) NOT NULL DEFAULT 'S',
	number		varchar(20),
	status		char(1) NOT NULL DEFAULT 'D',
	partner_id	bigint,
	bill_to_id	bigint,
	project_id	bigint REFERENCES project (id),
	original_id	bigint REFERENCES invoice (id),
	reason		varchar(120),
	payment_term	varchar(12),
	issue_date	date,
	due_date	date,
	tax_date	date,
	accounting_date	date,
	currency_id	bigint NOT NULL REFERENCES currency (id),
	exchange_rate	decimal(30,12) NOT NULL DEFAULT 1,
	net_total	decimal(14,2) NOT NULL DEFAULT 0,
	tax_total	decimal(14,2) NOT NULL DEFAULT 0,
	gross_total	decimal(14,2) NOT NULL DEFAULT 0,
	open_amount	decimal(30,9) NOT NULL DEFAULT 0,
	posted_at	datetime(6),			-- care: local time of the company
	report		mediumtext,
	`user`		varchar(20),
	created_at	datetime(6) NOT NULL,		-- care: local time of the company
	modified_at	timestamp(6) NULL,
	KEY (partner_id)
) CHARACTER SET utf8mb4;

CREATE TABLE invoice_line (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	invoice_id	bigint NOT NULL REFERENCES invoice (id),
	`order`		int NOT NULL,
	kind		char(1) NOT NULL DEFAULT 'I',
	description	varchar(200),
	qty		decimal(38,18),
	uom		varchar(6),
	price		decimal(16,6),
	discount_pct	decimal(6,3),
	net		decimal(14,2),
	project_id	bigint,
	task_id		bigint,
	original_line_id bigint,
	service_from	date,
	service_to	date
) CHARACTER SET utf8mb4;

CREATE TABLE invoice_line_tax (
	line_id		bigint REFERENCES invoice_line (id),
	tax_id		bigint REFERENCES tax (id),
	base		decimal(14,2) NOT NULL,
	amount		decimal(14,2) NOT NULL,
	PRIMARY KEY (line_id, tax_id)
) CHARACTER SET utf8mb4;

CREATE TABLE payment (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	company_id	bigint NOT NULL REFERENCES company (id),
	partner_id	bigint NOT NULL REFERENCES partner (id),
	number		varchar(20),
	direction	char(1) NOT NULL DEFAULT 'I',
	method		varchar(12),
	status		smallint NOT NULL DEFAULT 0,
	amount		decimal(14,2) NOT NULL CHECK (amount >= 0),
	currency_id	bigint NOT NULL REFERENCES currency (id),
	exchange_rate	decimal(30,12) NOT NULL DEFAULT 1,
	bank_fee	decimal(30,9),
	open_amount	decimal(30,9) NOT NULL DEFAULT 0,
	value_date	date,
	booking_date	date,
	reference	varchar(60),
	e2e_id		varchar(35),
	created_at	timestamp(6) NOT NULL DEFAULT current_timestamp(6),
	modified_at	timestamp(6) NULL
) CHARACTER SET utf8mb4;

CREATE TABLE payment_allocation (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	payment_id	bigint NOT NULL REFERENCES payment (id),
	invoice_id	bigint NOT NULL REFERENCES invoice (id),
	amount		decimal(14,2) NOT NULL CHECK (amount >= 0),
	discount	decimal(30,9) NOT NULL DEFAULT 0,
	write_off	decimal(30,9) NOT NULL DEFAULT 0,
	allocated_at	timestamp(6) NOT NULL DEFAULT current_timestamp(6)
) CHARACTER SET utf8mb4;

-- Not captured ------------------------------------------------------------------------------------------------------

CREATE TABLE numbering (
	company_id	bigint,
	kind		varchar(8),
	last		bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (company_id, kind)
) CHARACTER SET utf8mb4;

CREATE TABLE session_log (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	day		int NOT NULL,
	line		text
) CHARACTER SET utf8mb4;

CREATE TABLE psa_fact (
	id		bigint AUTO_INCREMENT PRIMARY KEY,
	day		int NOT NULL,
	fact		varchar(32) NOT NULL,
	entity		varchar(32) NOT NULL,
	root_key	bigint NOT NULL
) CHARACTER SET utf8mb4;

CREATE VIEW psa_fact_count AS
	SELECT fact, count(*) AS made FROM psa_fact GROUP BY fact ORDER BY fact;
