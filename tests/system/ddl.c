/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A table whose columns are added, dropped, renamed and given other types between row changes, while the agent is away and
 * then under its eyes: each record has the row as the table was when it was written. A trigger has noted all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/plain.h"

static struct scene scene;
static struct plain plain = {.name = "shape"};

static const char *const statements[] = {
	"ADD COLUMN a int",
	"ADD COLUMN b text DEFAULT 'fifteen'",
	"ALTER COLUMN a TYPE bigint",
	"RENAME COLUMN b TO c",
	"ALTER COLUMN c TYPE varchar(40)",
	"ALTER COLUMN c SET NOT NULL",
	"DROP COLUMN a",
	"ADD COLUMN a text",
	"ALTER COLUMN a TYPE int USING length(a)",
	"ADD COLUMN d numeric(8,2) DEFAULT 1.5",
	"ALTER COLUMN d TYPE numeric(12,4)",
	"ALTER COLUMN d TYPE numeric",
	"ALTER COLUMN d TYPE text",
	"ADD COLUMN b bool DEFAULT true, DROP COLUMN c",
	"RENAME COLUMN a TO e",
	"RENAME COLUMN d TO a",
	"RENAME COLUMN e TO d",
	"ADD COLUMN m mood DEFAULT 'ok'",
	"REPLICA IDENTITY FULL",
	"DROP CONSTRAINT shape_pkey, ADD PRIMARY KEY (id, part)",
	"REPLICA IDENTITY DEFAULT",
	"ALTER COLUMN m TYPE text",
	"ADD COLUMN l text[] DEFAULT '{x,NULL}'",
	"DROP COLUMN l, DROP COLUMN m, DROP COLUMN b, DROP COLUMN a, DROP COLUMN d",
	"DROP CONSTRAINT shape_pkey, ADD PRIMARY KEY (id)",
};

static void make_table(void)
{
	scene_sql(&scene,
		  "CREATE TYPE mood AS ENUM ('sad', 'ok');"
		  "CREATE TABLE shape (id int PRIMARY KEY, part int NOT NULL DEFAULT 1, text text);"
		  "CREATE TABLE noted (n bigint GENERATED ALWAYS AS IDENTITY, was jsonb, is_now jsonb);"
		  "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO noted (was, is_now) VALUES "
		  "(CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END, CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) "
		  "END); RETURN NULL; END $$;"
		  "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON shape FOR EACH ROW EXECUTE PROCEDURE note();"
		  "CREATE PUBLICATION shape FOR TABLE shape");
	agent_init(&plain.agent, &scene, plain.name, "");
	plain_configure(&plain);
}

/* A transaction of rows before and behind each statement, and one with the statement inside. */
static void change_shape(int round)
{
	for (size_t i = 0; i < COUNT_OF(statements); i++) {
		int id = round * 1000 + (int)i * 10;

		scene_sql(&scene, "INSERT INTO shape (id, text) SELECT g, 'row ' || g FROM generate_series(%d, %d) g;"
			  "UPDATE shape SET text = text || '.' WHERE id %% 3 = 0", id, id + 2);
		scene_sql(&scene, "BEGIN; INSERT INTO shape (id, text) VALUES (%d, 'before'); ALTER TABLE shape %s;"
			  "INSERT INTO shape (id, text) VALUES (%d, 'behind'); DELETE FROM shape WHERE id = %d; COMMIT", id + 3, statements[i],
			  id + 4, id);
	}
}

static void read_back(void)
{
	plain_catch_up(&plain);
	plain_read_back(&plain, "change.*");
}

/* By column, as text: a decimal is a text in a record and a number in the note; zeros at its end are not compared. */
static void compare(void)
{
	const char *differs;

	scene_sql(&scene,
		  "CREATE FUNCTION texts(p jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_object_agg(key, CASE jsonb_typeof(value) "
		  "WHEN 'array' THEN value::text ELSE CASE WHEN p->>key ~ '^-?[0-9]+[.][0-9]+$' THEN rtrim(rtrim(p->>key, '0'), '.') ELSE p->>key END END) FROM jsonb_each(p) WHERE p <> 'null' $$;"
		  "CREATE VIEW record AS SELECT row_number() OVER (ORDER BY n) AS n, value->>'op' AS op, texts(value->'after') AS is_now "
		  "FROM seen WHERE value <> 'null'");
	differs = scene_value(&scene, "SELECT coalesce(n::text, '-') || ' ' || coalesce(op, '-') || ': ' || coalesce(r.is_now::text, '-') || ' / ' || "
			      "coalesce(texts(o.is_now)::text, '-') FROM record r FULL JOIN noted o USING (n) WHERE r.is_now IS DISTINCT FROM "
			      "texts(o.is_now) ORDER BY n LIMIT 1");
	if (*differs)
		harness_fail(&plain.agent, differs);
	printf("%s are what was noted\n",
	       scene_value(&scene, "SELECT count(*) || ' records of ' || count(DISTINCT (SELECT string_agg(k, ',' ORDER BY k) FROM "
			   "jsonb_object_keys(r.is_now) AS k)) || ' shapes' FROM record r"));
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	scene_begin(&scene);
	make_table();
	plain_stream(&plain);
	agent_stop(&plain.agent);
	change_shape(1);
	plain_stream(&plain);
	plain_catch_up(&plain);
	change_shape(2);
	read_back();
	compare();
	agent_stop(&plain.agent);
	scene_end(&scene);
	return 0;
}
