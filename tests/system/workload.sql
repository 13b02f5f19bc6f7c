-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- A table whose every change is audited by a trigger: what the change topic must have, once, and in this order for each key.

CREATE SEQUENCE version;

CREATE TABLE account (
	id	int PRIMARY KEY,
	version	bigint NOT NULL,
	owner	text,
	balance	numeric(14,2)
);

CREATE TABLE account_audit (
	seq	bigserial PRIMARY KEY,
	id	int NOT NULL,
	op	char(1) NOT NULL,
	version	bigint			-- of an insert or update; a delete has none in the topic
);

CREATE FUNCTION give_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.version := nextval('version');
	RETURN NEW;
END $$;

CREATE FUNCTION audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		INSERT INTO account_audit (id, op) VALUES (OLD.id, 'd');
	ELSE
		INSERT INTO account_audit (id, op, version) VALUES (NEW.id, CASE TG_OP WHEN 'INSERT' THEN 'c' ELSE 'u' END, NEW.version);
	END IF;
	RETURN NULL;
END $$;

CREATE TRIGGER version BEFORE INSERT OR UPDATE ON account FOR EACH ROW EXECUTE PROCEDURE give_version();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON account FOR EACH ROW EXECUTE PROCEDURE audit_account();

INSERT INTO account (id, owner, balance) SELECT g, 'owner ' || g, g FROM generate_series(1, 2500) g;

-- Small transactions: some rows changed, one deleted and made again; now and then one is rolled back.
CREATE PROCEDURE work_small(transactions int) LANGUAGE plpgsql AS $$
DECLARE
	k int;
BEGIN
	FOR i IN 1 .. transactions LOOP
		k := 1 + (random() * 2490)::int;
		UPDATE account SET balance = balance + 1 WHERE id BETWEEN k AND k + 4;
		IF i % 7 = 0 THEN
			DELETE FROM account WHERE id = k;
			INSERT INTO account (id, owner, balance) VALUES (k, 'again', 0);
		END IF;
		IF i % 13 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
		PERFORM pg_sleep(0.004);
	END LOOP;
END $$;

-- A transaction larger than a batch, in changes and in documents: many lines of time sheets before, and after, every account.
CREATE PROCEDURE work_large() LANGUAGE plpgsql AS $$
BEGIN
	UPDATE timesheet_line SET note = 'early ' || txid_current()
	 WHERE id > (SELECT max(id) - 1500 FROM timesheet_line) AND id % 2 = 0;
	UPDATE account SET balance = balance + 10;
	UPDATE timesheet_line SET note = 'late ' || txid_current()
	 WHERE id > (SELECT max(id) - 1500 FROM timesheet_line) AND id % 2 = 1;
	COMMIT;
	PERFORM pg_sleep(2.5);
END $$;

CREATE SEQUENCE day;

CREATE PROCEDURE work_day() LANGUAGE plpgsql AS $$
BEGIN
	CALL psa.business_day(1, nextval('day')::int);
	PERFORM pg_sleep(0.5);
END $$;

ALTER PUBLICATION tailwater ADD TABLE account;
