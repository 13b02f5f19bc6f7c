-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- What the benchmark runs on. w1 is the ten columns of all comparisons; `finish` gets the last row of each load, so that a
-- consumer that sees it has seen everything.

CREATE TABLE w1 (id bigint PRIMARY KEY, a int, b bigint, c text, d numeric(12,2), e timestamptz, f boolean, g text, h int,
	i date);
CREATE TABLE account (id int PRIMARY KEY, name text);
CREATE TABLE finish (id bigint PRIMARY KEY);
CREATE TABLE tax (id int PRIMARY KEY, code text, percent numeric(7,4));
CREATE TABLE invoice (id bigint PRIMARY KEY, number text, status char(1), company int, customer int, issued date,
	currency char(3), net numeric(14,2), tax numeric(14,2));
CREATE TABLE invoice_line (id bigint PRIMARY KEY, invoice_id bigint, number int, description text, quantity numeric(9,2),
	price numeric(12,2), net numeric(14,2));
CREATE TABLE invoice_line_tax (id bigint PRIMARY KEY, line_id bigint, tax_id int, base numeric(14,2), amount numeric(14,2));

INSERT INTO account SELECT i, 'account ' || i FROM generate_series(0, 999) i;
INSERT INTO tax VALUES (1, 'S25', 25), (2, 'S15', 15);
CREATE PUBLICATION tailwater FOR TABLE w1, account, finish, tax, invoice, invoice_line, invoice_line_tax;

CREATE FUNCTION w1_rows(first bigint, last bigint) RETURNS SETOF w1 LANGUAGE sql AS $$
	SELECT n, (n % 1000)::int, n * 7, 'name of ' || n + 100000000, (n % 100000) / 7.0,
	       '2024-03-01 12:00:00+00'::timestamptz + n * interval '1 second', n % 2 = 0,
	       'a description of the row, ' || n + 10000000, (n % 77)::int, date '2024-01-01' + (n % 365)::int
	  FROM generate_series(first, last) n
$$;

-- 100 rows a transaction.
CREATE PROCEDURE w1_load(inserts bigint, updates bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR k IN 0 .. inserts / 100 - 1 LOOP
		INSERT INTO w1 SELECT * FROM w1_rows(k * 100 + 1, k * 100 + 100);
		COMMIT;
	END LOOP;
	FOR k IN 0 .. updates / 100 - 1 LOOP
		UPDATE w1 SET b = b + 1, d = d + 1, e = e + interval '1 hour', f = NOT f
		 WHERE id BETWEEN k * 100 + 1 AND k * 100 + 100;
		COMMIT;
	END LOOP;
	INSERT INTO finish VALUES (1);
	COMMIT;
END $$;

-- Ten invoices a transaction, of three lines, each with its tax.
CREATE PROCEDURE invoice_load(invoices bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR k IN 0 .. invoices / 10 - 1 LOOP
		INSERT INTO invoice
			SELECT n, 'INV-' || n + 1000000, CASE WHEN n % 2 = 0 THEN 'P' ELSE 'D' END, 1, n % 1000, date '2024-05-01', 'NOK',
			       3000, 750
			  FROM generate_series(k * 10 + 1, k * 10 + 10) n;
		INSERT INTO invoice_line
			SELECT n * 3 + l, n, l + 1, 'consulting, week ' || l, 10, 100, 1000
			  FROM generate_series(k * 10 + 1, k * 10 + 10) n, generate_series(0, 2) l;
		INSERT INTO invoice_line_tax
			SELECT n * 3 + l, n * 3 + l, 1 + l % 2, 1000, 250
			  FROM generate_series(k * 10 + 1, k * 10 + 10) n, generate_series(0, 2) l;
		COMMIT;
	END LOOP;
	INSERT INTO finish VALUES (2);
	COMMIT;
END $$;

-- many_1, many_2 ...: so many tables of the ten columns.
CREATE PROCEDURE many_make(tables int) LANGUAGE plpgsql AS $$
BEGIN
	FOR t IN 1 .. tables LOOP
		EXECUTE format('CREATE TABLE many_%s (LIKE w1 INCLUDING ALL)', t);
		EXECUTE format('ALTER PUBLICATION tailwater ADD TABLE many_%s', t);
	END LOOP;
END $$;

-- Ten rows of each in every transaction.
CREATE PROCEDURE many_load(tables int, rounds bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR k IN 0 .. rounds - 1 LOOP
		FOR t IN 1 .. tables LOOP
			EXECUTE format('INSERT INTO many_%s SELECT * FROM w1_rows(%s, %s)', t, k * 10 + 1, k * 10 + 10);
		END LOOP;
		COMMIT;
	END LOOP;
	INSERT INTO finish VALUES (1);
	COMMIT;
END $$;
