/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The first snapshot, read by several connections while rows are inserted, updated and deleted, and broken off at every point on
 * the way. As long as tables of the mirror are read it begins anew; after that what Kafka has of the other tables stands,
 * and the rest is read while changes are streamed. In the end a reader has what the database has, every row was sent once, no
 * row is older than what was sent before, and the END has the right counts.
 *
 * TAILWATER_ROUNDS: how often all points are taken (0: a third of them, by chance). With the name of a point: only that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/plain.h"

static struct scene scene;

/* Rows above 9000 are left alone. Those of first_apart have a text that is stored apart. */
static const char tables[] =
	"CREATE TABLE first_root (id int PRIMARY KEY, hours int);"
	"CREATE TABLE first_bag (hours int); ALTER TABLE first_bag REPLICA IDENTITY FULL;"
	"CREATE TABLE first_large (id int PRIMARY KEY, hours int, fill char(900));"
	"CREATE TABLE first_apart (id int PRIMARY KEY, hours int, note text); ALTER TABLE first_apart ALTER note SET STORAGE EXTERNAL;"
	"CREATE TABLE first_small (id int PRIMARY KEY, hours int);"
	"INSERT INTO first_root SELECT g, 1 FROM generate_series(1, 1500) g;"
	"INSERT INTO first_bag SELECT g % 7 FROM generate_series(1, 100) g;"
	"INSERT INTO first_large SELECT g, 1, '' FROM generate_series(1, 12000) g;"
	"INSERT INTO first_apart SELECT g, 1, repeat('n' || g, 600) FROM generate_series(8001, 10000) g;"
	"INSERT INTO first_small SELECT g, 1 FROM generate_series(8501, 9500) g; ANALYZE";

/* Small rows move within the table, larger ones to its beginning and end. */
static const char work[] =
	"CREATE FUNCTION first_work() RETURNS void LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..10 LOOP"
	" UPDATE first_root SET hours = hours + 1 WHERE id = 1 + (random() * 1500)::int;"
	" UPDATE first_large SET hours = hours + 1 WHERE id = 1 + (random() * 8998)::int;"
	" DELETE FROM first_large WHERE id = 1 + (random() * 8998)::int;"
	" INSERT INTO first_large VALUES (1 + (random() * 8998)::int, 5, '') ON CONFLICT DO NOTHING;"
	" UPDATE first_apart SET hours = hours + 1 WHERE id = 8001 + (random() * 998)::int;"
	" UPDATE first_apart SET note = repeat('m' || i, 700) WHERE id = 8001 + (random() * 998)::int;"
	" UPDATE first_small SET hours = hours + 1 WHERE id = 8501 + (random() * 498)::int;"
	" INSERT INTO first_bag VALUES (i); DELETE FROM first_bag WHERE ctid = (SELECT ctid FROM first_bag LIMIT 1); END LOOP; END $$";

static const char pack[] =
	"entity: TimeEntry\nroot: first_root\n"
	"document: |\n"
	"  SELECT t.id AS \"sourceKeys.id\", ref('Resource', 7) AS resource, '2026-03-01' AS workDate,\n"
	"         t.hours AS \"quantity.value\", 'HUR' AS \"quantity.unit\", 'APPROVED' AS approvalStatus\n"
	"    FROM first_root t WHERE t.id = :id\n"
	"required: [resource, workDate, quantity]\n";

static void write_file(const char *name, const char *text)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/pack/%s", scene.dir, name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		harness_fail(NULL, path);
}

static void prepare_tables(void)
{
	char command[400];

	snprintf(command, sizeof(command), "mkdir %s/pack", scene.dir);
	if (system(command) != 0)
		harness_fail(NULL, command);
	write_file("pack.yaml", "name: small\nversion: \"1\"\nsystem: test\nowner: nobody\n");
	write_file("TimeEntry.yaml", pack);
	scene_sql(&scene, "%s", tables);
	scene_sql(&scene, "%s", work);
}

static void prepare(struct plain *plain, const char *name)
{
	static char extra[900];

	snprintf(extra, sizeof(extra), "mapping:\n  pack: %s/pack\n  schemas: %s/schemas\nbatch:\n  events: 300\n"
		 "snapshot:\n  readers: 3\n  part_rows: 500\n", scene.dir, scene.source);
	*plain = (struct plain){.name = name, .extra = extra,
				.include = "[public.first_*]\n  exclude_columns: [public.first_large.fill]"};
	scene_sql(&scene, "DROP PUBLICATION IF EXISTS %s; CREATE PUBLICATION %s FOR TABLE first_root, first_bag, first_large, first_apart, "
		  "first_small", name, name);
	agent_init(&plain->agent, &scene, name, "");
	plain_configure(plain);
}

/* The records of change topics: t (table), n, key, op, marker, hours, note. */
static void read_back(struct plain *plain)
{
	plain_read_back(plain, "*");
	scene_sql(&scene, "DROP TABLE IF EXISTS record; CREATE TABLE record AS SELECT split_part(topic, '.', 4) AS t, n, (key->>'id')::int AS id, "
		  "CASE WHEN value IS NULL OR value = 'null' THEN 'gone' ELSE value->>'op' END AS op, value #>> '{source,snapshot}' AS marker, "
		  "(value #>> '{after,hours}')::int AS hours, value #>> '{after,note}' AS note FROM seen WHERE kind = 'change';"
		  "CREATE INDEX ON record (t, id, n); ANALYZE record");
}

static void expect_rows(struct plain *plain)
{
	plain_must_be_empty(plain, "the last record of a key is not what the table has",
		      "WITH base AS (SELECT 'first_root' AS t, id, hours FROM first_root UNION ALL SELECT 'first_large', id, hours FROM first_large UNION "
		      "ALL SELECT 'first_apart', id, hours FROM first_apart UNION ALL SELECT 'first_small', id, hours FROM first_small) "
		      "SELECT concat_ws(' ', r.*, '|', d.*) FROM base r FULL JOIN (SELECT * FROM (SELECT DISTINCT ON (t, id) t, id, op, hours FROM "
		      "record WHERE id IS NOT NULL ORDER BY t, id, n DESC) x WHERE op <> 'gone') d USING (t, id) WHERE r.hours IS DISTINCT FROM "
		      "d.hours LIMIT 3");
	plain_must_be_empty(plain, "a value that is stored apart was not sent",
		      "SELECT r.id || ' ' || left(coalesce(d.note, '-'), 20) FROM first_apart r LEFT JOIN (SELECT DISTINCT ON (id) id, note FROM record "
		      "WHERE t = 'first_apart' AND op <> 'gone' AND note NOT LIKE '%unavailable%' ORDER BY id, n DESC) d USING (id) WHERE r.note IS "
		      "DISTINCT FROM d.note LIMIT 3");
	plain_must_be_empty(plain, "a row was read that is older than what was sent before",
		      "SELECT concat_ws(' ', t, id, n, before) FROM (SELECT *, lag(hours) OVER w AS before, lag(op) OVER w AS before_op FROM record "
		      "WHERE id IS NOT NULL WINDOW w AS (PARTITION BY t, id ORDER BY n)) s WHERE marker = 'incremental' AND before_op IS NOT NULL AND "
		      "(before_op IN ('gone', 'd') OR before IS DISTINCT FROM hours) LIMIT 3");
}

/* Without a key, rows that an attempt before had sent are not taken back. */
static void expect_bag(struct plain *plain)
{
	plain_must_be_empty(plain, "the rows of the table without a key are not right",
		      "SELECT hours || ': ' || sum(c) FROM (SELECT hours, count(*) AS c FROM first_bag GROUP BY 1 UNION ALL SELECT "
		      "coalesce(value #>> '{after,hours}', value #>> '{before,hours}')::int, sum(CASE WHEN value->>'op' = 'd' THEN 1 ELSE -1 END) FROM "
		      "seen WHERE topic LIKE '%.first_bag' GROUP BY 1) s GROUP BY hours HAVING sum(c) <> 0 LIMIT 3");
}

/* Of the attempt that was finished. Rows that are left alone come once; where nothing is stored apart, all others once at most. */
static void expect_once(struct plain *plain)
{
	plain_must_be_empty(plain, "a row that nobody changed was not sent once",
		      "SELECT t || ' ' || id || ' ' || count(*) FILTER (WHERE op = 'r') FROM record WHERE id > 9000 AND t <> 'first_root' GROUP BY t, id "
		      "HAVING count(*) FILTER (WHERE op = 'r') <> 1 LIMIT 3");
	plain_must_be_empty(plain, "a row was sent twice",
		      "SELECT t || ' ' || id || ' ' || count(*) FROM record WHERE op = 'r' AND t IN ('first_large', 'first_small') GROUP BY t, id "
		      "HAVING count(*) > 1 LIMIT 3");
}

/* Tables of the mirror may have been read by an attempt before. */
static void expect_end(struct plain *plain)
{
	plain_must_be_empty(plain, "there is not one END", "SELECT count(*)::text FROM seen WHERE kind = 'transaction' AND value->>'status' = 'END' AND "
		      "value->>'id' LIKE 'snapshot-%' HAVING count(*) <> 1");
	plain_must_be_empty(plain, "the END has other counts",
		      "SELECT concat_ws(' ', c.*, r.*) FROM (SELECT split_part(e->>'data_collection', '.', 2) AS t, (e->>'event_count')::int AS told FROM "
		      "(SELECT value AS v FROM seen WHERE kind = 'transaction') s, jsonb_array_elements((v->'data_collections')::jsonb) e WHERE v->>'status' = "
		      "'END' AND v->>'id' LIKE 'snapshot-%') c FULL JOIN (SELECT t, count(*) FILTER (WHERE op = 'r') AS counted FROM record GROUP BY t) r USING (t) WHERE t IN "
		      "('first_large', 'first_small', 'first_apart') AND told IS DISTINCT FROM counted");
}

static void expect_documents(struct plain *plain)
{
	plain_must_be_empty(plain, "a document is not what the table has",
		      "SELECT concat_ws(' ', r.*, '|', d.*) FROM (SELECT id, hours FROM first_root) r FULL JOIN (SELECT DISTINCT ON (1) split_part(key #>> "
		      "'{}', '/', 3)::int AS id, (document #>> '{quantity,value}')::numeric::int AS hours FROM seen WHERE topic LIKE '%.entity.TimeEntry' ORDER BY "
		      "1, n DESC) d USING (id) WHERE r.hours IS DISTINCT FROM d.hours LIMIT 3");
	plain_must_be_empty(plain, "a document was sent twice", "SELECT header->>'eventId' FROM seen WHERE kind = 'entity' GROUP BY 1 HAVING count(*) > 1 LIMIT 3");
}

static void nothing(struct plain *plain)
{
	(void)plain;
}

static void rewrite(struct plain *plain)
{
	(void)plain;
	scene_sql(&scene, "VACUUM FULL first_large");
	scene_sql(&scene, scene_version(&scene) < 110000 ? "BEGIN; LOCK TABLE first_small; DELETE FROM first_small; COMMIT" :
		  "TRUNCATE first_small");
	scene_sql(&scene, "INSERT INTO first_small SELECT g, 3 FROM generate_series(8501, 8600) g");
}

/* Where it dies, one after the other, and what happens after the first time. */
static const struct trial {
	const char *name;
	const char *deaths[4];
	bool anew;                     /* the first one is too early */
	bool twice;                    /* rows may come twice: a table was written anew */
	void (*meanwhile)(struct plain *plain);
} trials[] = {
	{"root", {"in-snapshot:700", "in-snapshot:9000", "part-due:2", "part-published:1"}, true, false, nothing},
	{"begin", {"snapshot-rows:1", "part-read:2", "part-published:3"}, false, false, nothing},
	{"large", {"in-snapshot:6000", "part-due:1", "before-state-commit:5", "after-commit:9"}, false, false, nothing},
	{"late", {"in-snapshot:14500", "part-published:1"}, false, false, nothing},
	{"commit", {"after-commit:15", "part-published:2"}, false, false, nothing},
	{"published", {"snapshot-published:1"}, false, false, nothing},
	{"settled", {"snapshot-done:1", "before-commit:15", "after-state-commit:4"}, true, false, nothing},
	{"rewrite", {"in-snapshot:9000", "part-published:2"}, false, true, rewrite},
};

static void try_one(const struct trial *trial)
{
	struct plain plain;
	pid_t worker;

	prepare(&plain, trial->name);
	worker = scene_work(&scene, "SELECT first_work()");
	for (size_t i = 0; i < COUNT_OF(trial->deaths) && trial->deaths[i]; i++) {
		plain_die_at(&plain, trial->deaths[i]);
		if (i == 0)
			trial->meanwhile(&plain);
	}
	plain_stream(&plain);
	WAIT_UNTIL(agent_logged(&plain.agent, trial->anew ? "snapshot 2 is published" : "snapshot 1 is published") > 0 ||
		   strcmp(trial->name, "published") == 0, 60, &plain.agent);
	scene_work_stop(&scene, worker);
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	read_back(&plain);
	expect_end(&plain);
	if (!trial->twice)
		expect_once(&plain);
	scene_sql(&scene, "DELETE FROM record r USING record t WHERE t.t = r.t AND t.op = 't' AND t.n >= r.n");
	expect_rows(&plain);
	if (!trial->anew)
		expect_bag(&plain);
	expect_documents(&plain);
	if (agent_logged(&plain.agent, trial->anew ? "snapshot 3 begins" : "snapshot 2 begins") > 0)
		harness_fail(&plain.agent, "the snapshot began anew");
	scene_sql(&scene, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
	printf("%s: broken off at %s: it went on, and its readers have what the database has\n", trial->name, trial->deaths[0]);
}

/* A table that was to be read, and that nobody wants any more by then. */
static void leave_one_out(void)
{
	struct plain plain;

	prepare(&plain, "without");
	plain_die_at(&plain, "snapshot-rows:1");
	plain_die_at(&plain, "part-read:1");
	plain.include = "[public.first_root, public.first_bag, public.first_large, public.first_apart]\n  exclude_columns: [public.first_large.fill]";
	plain_configure(&plain);
	plain_stream(&plain);
	WAIT_UNTIL(agent_logged(&plain.agent, "snapshot 1 is published") > 0, 60, &plain.agent);
	if (!agent_logged(&plain.agent, "of table public.first_small is given up"))
		harness_fail(&plain.agent, "the table is not given up");
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	read_back(&plain);
	expect_end(&plain);
	scene_sql(&scene, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
	printf("a table is left out: what was left of it is given up, and the snapshot has its end\n");
}

/*
 * It dies when Kafka has a part in which rows were refused, and the state file does not know: the checkpoint tells how many, and the
 * END counts what there is.
 */
static void rows_are_refused(void)
{
	char extra[600];
	struct plain plain = {.name = "refused", .include = "[public.first_odd]", .extra = extra};

	scene_sql(&scene, "CREATE TABLE first_odd (id int PRIMARY KEY, hours numeric(10,2)); INSERT INTO first_odd SELECT g, CASE g %% 40 WHEN 0 THEN "
		  "'NaN'::numeric ELSE 1 END FROM generate_series(1, 1000) g; CREATE PUBLICATION refused FOR TABLE first_odd");
	snprintf(extra, sizeof(extra), "on_bad_record: exception\nmapping:\n  schemas: %s/schemas\nbatch:\n  events: 100\nsnapshot:\n  part_rows: 100\n",
		 scene.source);
	agent_init(&plain.agent, &scene, plain.name, "");
	plain_configure(&plain);
	plain_die_at(&plain, "in-snapshot:450");
	plain_die_at(&plain, "part-published:1");
	plain_stream(&plain);
	WAIT_UNTIL(agent_logged(&plain.agent, "snapshot 1 is published") > 0, 60, &plain.agent);
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	plain_read_back(&plain, "*");
	plain_must_be_empty(&plain, "the END has other counts than there are records and exceptions",
		      "SELECT coalesce(told, 'no END') FROM (SELECT 1) one LEFT JOIN (SELECT concat_ws(' ', value #>> '{documents,0,event_count}', value #>> "
		      "'{data_collections,0,event_count}') AS told FROM seen WHERE kind = 'transaction' AND status = 'END' AND value->>'id' LIKE "
		      "'snapshot-%') e ON true WHERE told IS DISTINCT FROM (SELECT count(*) FILTER (WHERE kind = 'exception') || ' ' || count(*) FILTER "
		      "(WHERE kind = 'change') FROM seen)");
	plain_must_be_empty(&plain, "a row is missing", "SELECT count(*)::text FROM seen WHERE kind IN ('change', 'exception') HAVING count(*) <> 1000 OR "
		      "count(*) FILTER (WHERE kind = 'exception') <> 25");
	scene_sql(&scene, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
	printf("rows of it are refused: its END counts them, wherever it was broken off\n");
}

int main(int argc, char **argv)
{
	const char *rounds = getenv("TAILWATER_ROUNDS");
	bool all = argc > 1 || (rounds && atoi(rounds) > 0);

	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	prepare_tables();
	for (size_t i = all ? 0 : (size_t)getpid() % 3; i < COUNT_OF(trials); i += all ? 1 : 3)
		if (argc < 2 || strcmp(argv[1], trials[i].name) == 0)
			try_one(&trials[i]);
	if (argc < 2 || strcmp(argv[1], "without") == 0)
		leave_one_out();
	if (argc < 2 || strcmp(argv[1], "refused") == 0)
		rows_are_refused();
	scene_end(&scene);
	printf("a first snapshot that is broken off goes on where it was\n");
	return 0;
}
