/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Tables that are read while changes are streamed: while rows are inserted, updated, deleted and get other keys, and the
 * agent is killed at every point on the way and at random, columns of a mirrored table are altered again and again. In the
 * end every document is what plain SQL has, and no message was sent twice.
 *
 * TAILWATER_ROUNDS says how often each point is taken (0: a third of them, by chance), TAILWATER_KILLS how many kills at
 * random follow (1). With the name of a step: only that.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/output.h"
#include "system/site.h"

static struct scene scene;

/* Rows of a tenth have a text that is stored apart, and that an update which leaves it alone does not carry. */
static const char tables[] =
	"CREATE TABLE NAME (id int PRIMARY KEY, hours numeric(12,2), state text, note text, grp int);"
	"ALTER TABLE NAME ALTER COLUMN note SET STORAGE EXTERNAL;"
	"CREATE TABLE NAME_group (label text, rate int); ALTER TABLE NAME_group REPLICA IDENTITY FULL;"
	"INSERT INTO NAME SELECT g, g % 50, 'S', CASE WHEN g % 10 = 0 THEN repeat('x' || g, 900) ELSE 'n' || g END, g % 20 FROM "
	"generate_series(1, 2500) g;"
	"INSERT INTO NAME_group SELECT 'g' || g % 10, g FROM generate_series(0, 29) g;"
	"CREATE PUBLICATION NAME FOR TABLE NAME, NAME_group";

/* A few changes of each kind in a transaction. */
static const char work[] =
	"CREATE FUNCTION NAME_work() RETURNS void LANGUAGE plpgsql AS $$ DECLARE k int; BEGIN FOR i IN 1..8 LOOP k := 1 + random() * 3000;"
	" INSERT INTO NAME SELECT k, 1, 'S', 'n' || k, k % 20 WHERE NOT EXISTS (SELECT FROM NAME WHERE id IN (k, -k)) ON CONFLICT DO NOTHING;"
	" UPDATE NAME SET hours = hours + 1 WHERE id = 1 + (random() * 3000)::int;"
	" UPDATE NAME SET hours = hours + 1 WHERE id = 10 * (random() * 250)::int;"
	" UPDATE NAME SET state = CASE state WHEN 'A' THEN 'S' ELSE 'A' END WHERE id = 1 + (random() * 3000)::int;"
	" UPDATE NAME SET note = repeat('y' || i, 900) WHERE id = 10 * (random() * 250)::int;"
	" UPDATE NAME SET id = -id WHERE id = k + 1 AND NOT EXISTS (SELECT FROM NAME WHERE id = -k - 1);"
	" DELETE FROM NAME WHERE id = 1 + (random() * 3000)::int;"
	" UPDATE NAME_group SET rate = rate + 1 WHERE label = 'g' || (random() * 9)::int;"
	" DELETE FROM NAME_group WHERE ctid = (SELECT ctid FROM NAME_group ORDER BY random() LIMIT 1);"
	" INSERT INTO NAME_group VALUES ('g' || (random() * 9)::int, 5); END LOOP; END $$";

static const char pack[] =
	"entity: TimeEntry\nroot: NAME\nreference: [NAME_group]\n"
	"document: |\n"
	"  SELECT t.id AS \"sourceKeys.id\", ref('Resource', 7) AS resource, '2026-03-01' AS workDate,\n"
	"         t.hours AS \"quantity.value\", 'HUR' AS \"quantity.unit\", t.note AS \"extensions.note\",\n"
	"         CASE t.state WHEN 'A' THEN 'APPROVED' ELSE 'SUBMITTED' END AS approvalStatus\n"
	"    FROM NAME t WHERE t.id = :id\n"
	"required: [resource, workDate, quantity]\n";

static const char group_pack[] =
	"entity: Customer\nroot: NAME\ntouched_by: {NAME_group: \"SELECT id FROM NAME WHERE grp = substr(:label, 2) + 0 AND id <= 40\"}\n"
	"document: |\n  SELECT t.id AS \"sourceKeys.id\", 'customer ' || t.id AS name,\n"
	"         (SELECT group_concat(rate, ' ') FROM (SELECT rate FROM NAME_group WHERE label = 'g' || t.grp ORDER BY rate)) AS \"extensions.rates\"\n"
	"    FROM NAME t WHERE t.id = :id AND t.id BETWEEN 1 AND 40\nrequired: [name]\n";

/* NAME is the site's. */
static char *named(const struct site *site, const char *text)
{
	static char to[4][8000];
	static unsigned next;
	char *start = to[next++ % 4], *end = start;

	for (; *text; text++) {
		if (strncmp(text, "NAME", 4) != 0) {
			*end++ = *text;
			continue;
		}
		end = stpcpy(end, site->plain.name);
		text += 3;
	}
	*end = '\0';
	return start;
}

static void prepare(struct site *site, const char *name)
{
	site_init(site, &scene, name);
	scene_sql(&scene, "%s", named(site, tables));
	scene_sql(&scene, "%s", named(site, work));
	site_write(site, "TimeEntry.yaml", named(site, pack));
	site_write(site, "Customer.yaml", named(site, group_pack));
	site_configure(site, "batch:\n  events: 300\nsnapshot:\n  part_rows: 300\n");
}

static void must_be_empty(const struct site *site, const char *query, const char *what)
{
	const char *found = scene_value(&scene, "%s", named(site, query));

	if (!*found)
		return;
	fprintf(stderr, "%s\n", found);
	harness_fail(&site->plain.agent, what);
}

static void expect_documents(const struct site *site)
{
	must_be_empty(site, "SELECT concat_ws(' ', r.*, '|', d.*) FROM (SELECT id, hours::numeric(38,9)::text AS hours, md5(note) AS note, CASE state WHEN "
		      "'A' THEN 'APPROVED' ELSE 'SUBMITTED' END AS status FROM NAME) r FULL JOIN (SELECT split_part(key #>> '{}', '/', 3)::int AS "
		      "id, document #>> '{quantity,value}' AS hours, md5(document #>> '{extensions,note}') AS note, document->>'approvalStatus' AS "
		      "status FROM last WHERE topic = 'NAME.entity.TimeEntry' AND value <> 'null') d USING (id) WHERE (r.hours, r.note, r.status) IS "
		      "DISTINCT FROM (d.hours, d.note, d.status)", "a document is not what the table has");
	must_be_empty(site, "SELECT concat_ws(' ', r.*, '|', d.*) FROM (SELECT id, coalesce((SELECT string_agg(rate::text, ' ' ORDER BY rate) FROM NAME_group "
		      "WHERE label = 'g' || grp), '') AS rates FROM NAME WHERE id BETWEEN 1 AND 40) r FULL JOIN (SELECT split_part(key #>> '{}', "
		      "'/', 3)::int AS id, coalesce(document #>> '{extensions,rates}', '') AS rates FROM last WHERE topic = 'NAME.entity.Customer' "
		      "AND value <> 'null') d USING (id) WHERE r.rates IS DISTINCT FROM d.rates", "a document by a table without a key is not right");
}

static void expect_once(const struct site *site)
{
	must_be_empty(site, "SELECT header->>'eventId' || ' ' || count(*) FROM seen WHERE kind IN ('entity', 'event') AND header IS NOT NULL AND "
		      "topic LIKE 'NAME.%' GROUP BY header->>'eventId' HAVING count(*) > 1", "a message was sent twice");
	must_be_empty(site, "SELECT value::text FROM seen WHERE kind = 'exception'", "there are exceptions");
}

/* By turns, so that the table is altered each time. */
static void alter(const struct site *site)
{
	static unsigned times;

	times++;
	scene_sql(&scene, "ALTER TABLE %s ALTER COLUMN hours TYPE numeric(12,%u) USING hours + 1", site->plain.name, 2 + times % 2);
	if (times % 3 == 0)
		scene_sql(&scene, "ALTER TABLE %s_group ALTER COLUMN rate TYPE %s USING rate + 1", site->plain.name, times % 2 ? "int" : "bigint");
}

/* As many rows as the table has never had before. */
static void await_loaded(const struct site *site, const char *suffix)
{
	const char *name = site->plain.name;
	char said[200];

	snprintf(said, sizeof(said), "public.%s%s is loaded: %s rows", name, suffix,
		 scene_value(&scene, "SELECT count(*) FROM %s%s", name, suffix));
	WAIT_UNTIL(agent_logged(&site->plain.agent, said) > 0, 60, &site->plain.agent);
}

static int number(const char *variable, int fallback)
{
	const char *value = getenv(variable);

	return value ? atoi(value) : fallback;
}

static size_t death_step(void)
{
	return number("TAILWATER_ROUNDS", 0) > 1 ? 1 : 3;
}

static size_t first_death(void)
{
	return number("TAILWATER_ROUNDS", 0) > 1 ? 0 : (size_t)getpid() % 3;
}

static void reload_under_load(void)
{
	static const char *const deaths[] = {"in-load:900", "part-loaded:2", "part-loaded:6", "table-loaded:1", "in-job:100", "in-job:1500",
					     "before-state-commit:6", "after-state-commit:4", "after-commit:9"};
	struct site site;
	struct agent *agent = &site.plain.agent;
	pid_t workers[2];

	prepare(&site, "reload");
	plain_stream(&site.plain);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		workers[i] = scene_work(&scene, named(&site, "SELECT NAME_work()"));
	for (int round = number("TAILWATER_ROUNDS", 0); round >= (number("TAILWATER_ROUNDS", 0) > 0); round--) {
		for (size_t i = first_death(); i < COUNT_OF(deaths); i += death_step()) {
			alter(&site);
			if (i % 2)
				usleep((useconds_t)rand() % 300000);
			if (agent->pid)
				agent_kill(agent);
			plain_die_at(&site.plain, deaths[i]);
		}
	}
	agent_start(agent, NULL);
	for (int i = number("TAILWATER_KILLS", 1); i > 0; i--) {
		alter(&site);
		usleep((useconds_t)rand() % 1000000);
		agent_kill(agent);
		agent_start(agent, NULL);
	}
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		scene_work_stop(&scene, workers[i]);
	scene_sql(&scene, "INSERT INTO reload SELECT g, 1, 'S', 'late' FROM generate_series(10001, 11234) g");
	scene_sql(&scene, "INSERT INTO reload_group SELECT 'g3', g FROM generate_series(1, 77) g");
	scene_sql(&scene, "ALTER TABLE reload ALTER COLUMN hours TYPE numeric(12,4); ALTER TABLE reload_group ALTER COLUMN rate TYPE smallint");
	scene_sql(&scene, "INSERT INTO reload_group VALUES ('g3', 78)");
	scene_sql(&scene, "UPDATE reload SET hours = 7 WHERE id = (SELECT max(id) FROM reload)");
	await_loaded(&site, "");
	await_loaded(&site, "_group");
	plain_catch_up(&site.plain);
	agent_stop(agent);
	site_read_last(&site);
	expect_documents(&site);
	expect_once(&site);
	printf("tables altered under load are loaded again, whenever the agent is killed: every document is right, none was sent twice\n");
}

/* Snapshots that are repeated ------------------------------------------------------------------- */

static void ask(const struct site *site, const char *flags, int code)
{
	char verb[300];

	snprintf(verb, sizeof(verb), "snapshot %s", flags);
	if (agent_verb(&site->plain.agent, verb, "asked.out") != code)
		harness_fail(&site->plain.agent, verb);
}

static void prepare_plain(struct site *site, const char *name, const char *include)
{
	*site = (struct site){.plain.name = name};
	scene_sql(&scene, "%s", named(site, tables));
	scene_sql(&scene, "%s", named(site, work));
	site->plain.include = include;
	site->plain.extra = "batch:\n  events: 300\nsnapshot:\n  part_rows: 300\n";
	agent_init(&site->plain.agent, &scene, name, "");
	plain_configure(&site->plain);
}

/* Of every key, the last record is what the table has; and a row that was read again is what the record before it has. */
static void expect_rows(const struct site *site)
{
	must_be_empty(site, "SELECT concat_ws(' ', r.*, '|', d.*) FROM (SELECT id, hours, state FROM NAME) r FULL JOIN (SELECT (key->>'id')::int AS "
		      "id, (value #>> '{after,hours}')::numeric AS hours, value #>> '{after,state}' AS state FROM last WHERE topic = "
		      "'NAME.change.public.NAME' AND value <> 'null') d USING (id) WHERE (r.hours, r.state) IS DISTINCT FROM (d.hours, d.state)",
		      "the last record of a key is not what the table has");
	must_be_empty(site, "SELECT key::text || ' at ' || n FROM (SELECT key, n, value, lag(value) OVER (PARTITION BY key ORDER BY n) AS before FROM seen "
		      "WHERE topic = 'NAME.change.public.NAME') s WHERE value #>> '{source,snapshot}' = 'incremental' AND (before IS NULL OR before = "
		      "'null' OR (value #> '{after,hours}', value #> '{after,state}') IS DISTINCT FROM (before #> '{after,hours}', before #> "
		      "'{after,state}'))", "a row was read again that is older than what was published");
}

/* A row that nobody changes comes once with each snapshot. */
static void expect_repeats(const struct site *site, int snapshots)
{
	char query[500];

	snprintf(query, sizeof(query), "SELECT key::text || ' ' || count(*) FILTER (WHERE value #>> '{source,snapshot}' = 'incremental') FROM seen WHERE "
		 "topic = 'NAME.change.public.NAME' AND (key->>'id')::int BETWEEN 8001 AND 9500 GROUP BY key HAVING count(*) FILTER (WHERE value #>> "
		 "'{source,snapshot}' = 'incremental') <> %d", snapshots);
	must_be_empty(site, query, "a row does not come once with each snapshot");
}

static void repeat_under_load(void)
{
	static const char *const deaths[] = {"in-repeat:900", "part-read:3", "part-due:2", "part-published:1", "part-published:3",
					     "before-state-commit:4", "after-state-commit:3", "after-commit:6", "before-commit:5"};
	struct site site;
	struct agent *agent = &site.plain.agent;
	int snapshots = 0;
	pid_t workers[2];

	prepare_plain(&site, "again", "[public.again, public.again_group]");
	scene_sql(&scene, "INSERT INTO again SELECT g, 1, 'S', 'still' FROM generate_series(8001, 9500) g");
	plain_stream(&site.plain);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		workers[i] = scene_work(&scene, named(&site, "SELECT NAME_work()"));
	ask(&site, "--table nothing", 2);
	ask(&site, "--table again --where 'nothing = 1'", 2);
	for (int round = number("TAILWATER_ROUNDS", 0); round >= (number("TAILWATER_ROUNDS", 0) > 0); round--) {
		for (size_t i = first_death(); i < COUNT_OF(deaths); i += death_step()) {
			ask(&site, "--table public.again", 0);
			snapshots++;
			agent_kill(agent);
			plain_die_at(&site.plain, deaths[i]);
			plain_stream(&site.plain);
		}
	}
	for (int i = number("TAILWATER_KILLS", 1); i > 0; i--) {
		usleep((useconds_t)rand() % 1000000);
		agent_kill(agent);
		plain_stream(&site.plain);
	}
	ask(&site, "--table again_group", 0);
	WAIT_UNTIL(agent_logged(agent, "of table public.again_group is published") > 0, 60, agent);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		scene_work_stop(&scene, workers[i]);
	ask(&site, "--table again --where 'id <= 8500 -- half of them'", 0);
	WAIT_UNTIL(agent_logged(agent, "of table public.again is published") > (unsigned)snapshots, 60, agent);
	plain_catch_up(&site.plain);
	agent_stop(agent);
	site_read_last(&site);
	expect_rows(&site);
	scene_sql(&scene, "DELETE FROM line WHERE line #>> '{value,source,snapshot}' = 'incremental' AND (line #>> '{key,id}')::int BETWEEN 8001 AND "
		  "8500 AND (line->>'offset')::bigint > (SELECT max((line->>'offset')::bigint) FROM line WHERE line #>> '{key,id}' = '9500')");
	expect_repeats(&site, snapshots);
	printf("%d snapshots are repeated under load: no row is older than what was published, each comes once, whenever the agent is killed\n",
	       snapshots);
}

/*
 * Updates of a table that is being read for the first time do not carry large values that stay the same: each of them is in a
 * record of its row all the same, with the newest of the others.
 */
static void large_values_that_stay_the_same(void)
{
	struct site site;
	struct agent *agent = &site.plain.agent;
	pid_t worker;

	prepare_plain(&site, "large", NULL);
	plain_stream(&site.plain);
	agent_stop(agent);
	scene_sql(&scene, "CREATE TABLE kept_apart (id int PRIMARY KEY, n int, big text); ALTER TABLE kept_apart ALTER big SET STORAGE EXTERNAL; "
		  "INSERT INTO kept_apart SELECT g, 0, repeat(md5(g::text), 100) FROM generate_series(1, 700) g; "
		  "ALTER PUBLICATION large ADD TABLE kept_apart");
	worker = scene_work(&scene, "UPDATE kept_apart SET n = n + 1");
	site.plain.include = "[public.large, public.kept_apart]";
	plain_configure(&site.plain);
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "of table public.kept_apart is published: 700 rows") > 0, 60, agent);
	scene_work_stop(&scene, worker);
	plain_catch_up(&site.plain);
	agent_stop(agent);
	site_read_last(&site);
	must_be_empty(&site, "SELECT a.id || ' has no record with its value' FROM kept_apart a WHERE NOT EXISTS (SELECT FROM seen WHERE topic = "
		      "'large.change.public.kept_apart' AND (key->>'id')::int = a.id AND value #>> '{after,big}' = a.big)", "a value is in no record");
	must_be_empty(&site, "SELECT a.id || ': ' || a.n || ' <> ' || coalesce(l.value #>> '{after,n}', 'nothing') FROM kept_apart a LEFT JOIN last l ON "
		      "l.topic = 'large.change.public.kept_apart' AND (l.key->>'id')::int = a.id WHERE a.n IS DISTINCT FROM (l.value #>> '{after,n}')::int",
		      "the last record of a key is not what the table has");
	printf("large values that stay the same are in a record of their rows\n");
}

/* Transactions that are open while the table comes into the publication, and of which the log does not have all. */
static void table_added(void)
{
	struct site site;
	struct agent *agent = &site.plain.agent;
	pid_t workers[2];

	prepare_plain(&site, "older", NULL);
	plain_stream(&site.plain);
	agent_stop(agent);
	scene_sql(&scene, "CREATE TABLE added (id int PRIMARY KEY, hours int, state text); INSERT INTO added SELECT g, 0, 'S' FROM "
		  "generate_series(1, 3000) g; CREATE SEQUENCE added_ids START 5001");
	workers[0] = scene_work(&scene, "BEGIN; INSERT INTO added VALUES (nextval('added_ids'), 1, 'A'); UPDATE added SET hours = hours + 1 WHERE id % 7 = 0;"
				" SELECT pg_sleep(1.5); COMMIT");
	workers[1] = scene_work(&scene, "SELECT pg_sleep(0.4); UPDATE added SET hours = hours + 1 WHERE id % 7 = 3; DELETE FROM added WHERE id = "
				"(SELECT max(id) FROM added WHERE id < 3000)");
	WAIT_UNTIL(atoi(scene_value(&scene, "SELECT count(*) FROM pg_locks WHERE relation = 'added'::regclass AND mode = 'RowExclusiveLock'")) > 0, 20, agent);
	scene_sql(&scene, "ALTER PUBLICATION older ADD TABLE added");
	site.plain.include = "[public.older, public.added]";
	plain_configure(&site.plain);
	plain_die_at(&site.plain, "part-read:1");
	plain_die_at(&site.plain, "part-published:2");
	agent_start(agent, NULL);
	WAIT_UNTIL(agent_logged(agent, "of table public.added is published") > 0, 60, agent);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		scene_work_stop(&scene, workers[i]);
	plain_catch_up(&site.plain);
	agent_stop(agent);
	site_read_last(&site);
	must_be_empty(&site, "SELECT concat_ws(' ', r.*, '|', d.*) FROM added r FULL JOIN (SELECT (key->>'id')::int AS id, (value #>> '{after,hours}')::int AS "
		      "hours, value #>> '{after,state}' AS state FROM last WHERE topic = 'older.change.public.added' AND value <> 'null') d USING (id) "
		      "WHERE (r.hours, r.state) IS DISTINCT FROM (d.hours, d.state)", "the rows of the added table are not what the table has");
	must_be_empty(&site, "SELECT topic || ' ' || n FROM seen WHERE topic LIKE '%.public.older' AND value #>> '{source,snapshot}' = 'incremental'",
		      "a table that was there already was read again");
	plain_stream(&site.plain);
	agent_stop(agent);
	if (agent_logged(agent, "is new among those that have change topics") < 1 || agent_logged(agent, "of table public.added is published") != 1)
		harness_fail(agent, "the table was not read once");
	printf("a table that is added to the configuration is read, and no other\n");
}

/* Conditions that the server refuses, or takes long for: they end by themselves, or wait, while the stream goes on. */
static void expect_given_up(const struct site *site, const char *flags, const char *meanwhile, const char *why)
{
	const struct agent *agent = &site->plain.agent;
	char said[300];

	ask(site, flags, 0);
	if (meanwhile)
		scene_sql(&scene, "%s", meanwhile);
	snprintf(said, sizeof(said), "of table public.refused is given up: the server refuses its condition: %s", why);
	WAIT_UNTIL(agent_logged(agent, said) > 0, 20, agent);
}

static int listed(const struct site *site, const char *pattern)
{
	if (agent_verb(&site->plain.agent, "snapshot --list", "listed.out") != 0)
		harness_fail(&site->plain.agent, "snapshot --list");
	return atoi(scene_value(&scene, "\\! grep -c '%s' %s/listed.out", pattern, scene.dir));
}

/* The log tells it a moment before the list does. */
static void expect_listed(const struct site *site, const char *pattern, int count)
{
	WAIT_UNTIL(listed(site, pattern) == count, 10, &site->plain.agent);
}

static void stop_soon(const struct site *site)
{
	usec_t begun = clock_mono();

	agent_stop((struct agent *)&site->plain.agent);
	if (clock_mono() - begun > 2 * USEC_PER_SEC)
		harness_fail(&site->plain.agent, "it did not end within 2 s while a part was read");
}

static void conditions_fail(void)
{
	struct site site;
	struct agent *agent = &site.plain.agent;

	prepare_plain(&site, "refused", NULL);
	scene_sql(&scene, "ALTER TABLE refused ADD extra int");
	plain_stream(&site.plain);
	expect_given_up(&site, "--table refused --where '10/(id-500) is not null'", NULL, "division by zero (SQLSTATE 22012)");
	expect_given_up(&site, "--table refused --where 'state::int > 0'", NULL, "invalid input syntax for");
	expect_given_up(&site, "--table refused --where 'extra IS NULL AND pg_sleep(0.002) IS NOT NULL'", "ALTER TABLE refused DROP extra",
			"column \"extra\" does not exist (SQLSTATE 42703)");
	expect_listed(&site, "snapshot [0-9]* of public.refused by the agent: given up after [0-9]* rows: the server refuses", 3);
	if (agent_logged(agent, "\"S\""))
		harness_fail(agent, "the log has a value of the table");
	agent_expect(agent, "snapshot --table refused --where 'id = 1 OR nought > 1'", EXIT_USAGE, "tailwater: the server refuses the condition "
		     "'id = 1 OR nought > 1': column \"nought\" does not exist (at character 11 of it)\n  it is what stands behind WHERE");
	agent_expect(agent, "snapshot --table refused --where 'id >'", EXIT_USAGE, "'id >': syntax error at or near \")\" (at its end)\n");
	agent_expect(agent, "snapshot --table nought", EXIT_USAGE, "no table nought is captured, and so it has no change topic\n"
		     "  those that have one (tables.include): public.refused\n");
	ask(&site, "--table refused --where 'pg_sleep(1) is null'", 0);
	for (int i = 0; i < 3; i++)
		scene_sql(&scene, "UPDATE refused SET hours = hours + 1 WHERE id = 7");
	plain_catch_up(&site.plain);
	if (agent_logged(agent, "connecting again"))
		harness_fail(agent, "the stream did not go on");
	WAIT_UNTIL(atoi(scene_value(&scene, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%%pg_sleep(1)%%' AND state = 'active'")) > 0,
		   20, agent);
	stop_soon(&site);
	expect_listed(&site, "^snapshot 4 of public.refused: open, 0 rows so far; where pg_sleep(1) is null", 1);
	plain_stream(&site.plain);
	agent_expect(agent, "snapshot --cancel 3", EXIT_USAGE, "no snapshot 3 is open\n  `tailwater snapshot --list` has those that are\n");
	if (agent_verb(agent, "status", "status.out") != 0 ||
	    atoi(scene_value(&scene, "\\! grep -c '^orders  *snapshots of tables: 1 open; 4 is under way' %s/status.out", scene.dir)) != 1)
		harness_fail(agent, "status does not tell of the open snapshot");
	agent_expect(agent, "snapshot --cancel 4", EXIT_DONE, "snapshot 4 is cancelled; what of it was published stays\n");
	expect_listed(&site, "open, ", 0);
	expect_listed(&site, "snapshot 4 of public.refused by the agent: cancelled after 0 rows", 1);
	agent_stop(agent);
	printf("an order with a condition that fails is given up, with one that is slow waits, and the stream goes on\n");
}

/*
 * Rows that fit are far apart, and what is asked of each takes its time: it is read for fewer and fewer keys, until a part comes
 * to its end, and every row is there once. In long runs, too: one that is slow for any key is given up.
 */
static void conditions_take_long(void)
{
	struct site site;
	struct agent *agent = &site.plain.agent;

	prepare_plain(&site, "slow", NULL);
	plain_stream(&site.plain);
	ask(&site, "--table slow --where 'pg_sleep(0.0008) IS NOT NULL AND id % 1000 IN (7, 300)'", 0);
	WAIT_UNTIL(agent_logged(agent, "of table public.slow is published: 6 rows") > 0, 60, agent);
	if (number("TAILWATER_ROUNDS", 0)) {
		ask(&site, "--table slow --where 'pg_sleep(1) IS NULL'", 0);
		WAIT_UNTIL(agent_logged(agent, "is given up: its condition takes too long, more than 10 s for 1 rows: give one that an index helps") >
			   0, 90, agent);
	}
	agent_stop(agent);
	site_read_last(&site);
	must_be_empty(&site, "SELECT key->>'id' || ' ' || count(*) FROM seen WHERE value #>> '{source,snapshot}' = 'incremental' AND topic = "
		      "'slow.change.public.slow' GROUP BY key->>'id' HAVING count(*) <> 1 OR (key->>'id')::int % 1000 NOT IN (7, 300)",
		      "a row came twice, or does not fit");
	printf("an order whose condition takes long is read for fewer keys at a time\n");
}

/* Nothing comes behind what was read again, and the next look at the state file is ten minutes away. */
static void snapshot_at_rest(void)
{
	struct site site;
	struct agent *agent = &site.plain.agent;
	char position[64];

	prepare_plain(&site, "rest", NULL);
	site.plain.confirm_interval = "600s";
	plain_configure(&site.plain);
	plain_stream(&site.plain);
	scene_sql(&scene, "UPDATE rest SET hours = 7 WHERE id = 7");
	snprintf(position, sizeof(position), "%s", scene_value(&scene, "SELECT pg_current_wal_lsn()"));
	ask(&site, "--table rest", 0);
	WAIT_UNTIL(plain_confirmed(&site.plain, position), 30, agent);
	agent_stop(agent);
	printf("the position of a part that was read is confirmed at once\n");
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{"repeat", repeat_under_load},
	{"added", table_added},
	{"reload", reload_under_load},
	{"large", large_values_that_stay_the_same},
	{"rest", snapshot_at_rest},
	{"refused", conditions_fail},
	{"slow", conditions_take_long},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		if (argc > 1 && strcmp(argv[1], steps[i].name) != 0)
			continue;
		steps[i].run();
		scene_sql(&scene, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
	}
	scene_end(&scene);
	printf("tables are read while changes are streamed\n");
	return 0;
}
