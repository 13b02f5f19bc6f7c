/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Tables that a mapping reads are altered in ways that leave no row events, under the agent's eyes and while it is away: they
 * are STALE, their entities are held until they are loaded again, and nothing is lost or doubled by that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/small.h"

static struct scene scene;

static void await_healed(struct site *site, unsigned times)
{
	char said[200];

	snprintf(said, sizeof(said), "table public.%s is loaded", site->plain.name);
	WAIT_UNTIL(agent_logged(&site->plain.agent, said) >= times, 60, &site->plain.agent);
	scene_sql(&scene, "UPDATE %s_customer SET name = name", site->plain.name); /* what is confirmed is told with the next commit */
	plain_catch_up(&site->plain);
}

/*
 * Columns of a mirrored table change in ways that rewrite rows without telling. What happens meanwhile is made up for, and so
 * are its events.
 */
static void stale(const char *name, const char *change)
{
	struct site site;
	struct agent *agent = &site.plain.agent;
	char query[600];

	small_prepare(&site, &scene, name, 20);
	plain_stream(&site.plain);
	scene_sql(&scene, "DELETE FROM %s WHERE id = 8", name);
	plain_catch_up(&site.plain);
	scene_sql(&scene, "ALTER TABLE %s %s; UPDATE %s SET state = 'A' WHERE id <= 5; DELETE FROM %s WHERE id = 7", name, change, name, name);
	scene_sql(&scene, "UPDATE %s_customer SET name = 'renamed'", name);
	await_healed(&site, 1);
	scene_sql(&scene, "UPDATE %s SET state = 'A', hours = 3 WHERE id = 6; INSERT INTO %s (id, day, hours, state) VALUES (30, '2026-03-02', 5, 'S')", name, name);
	plain_catch_up(&site.plain);
	agent_stop(agent);
	site_read_last(&site);
	small_expect_documents(&site, "hours");
	site_expect(&site, "SELECT string_agg(value->>'op', '' ORDER BY n) FROM seen WHERE topic LIKE '%.change.public.%' AND topic NOT LIKE "
	       "'%customer' AND value <> 'null' AND value->>'op' <> 'r'", "duuuuuduc");
	snprintf(query, sizeof(query), "SELECT string_agg(DISTINCT substring(header->>'eventId' FROM '([0-9]+)/TimeApproved'), ',' "
		 "ORDER BY substring(header->>'eventId' FROM '([0-9]+)/TimeApproved')), count(*) FROM seen WHERE topic = '%s.event.TimeApproved'", name);
	site_expect(&site, query, "1,2,3,4,5,6|6");
	site_expect(&site, "SELECT count(*) FROM seen WHERE kind = 'exception'", "0");
	site_expect(&site, "SELECT count(*) FROM seen WHERE topic LIKE '%.entity.Customer'", "6");
	printf("%s: the table is loaded again; documents and events are made up for\n", change);
}

/*
 * A column is dropped, and another of its name and type is there when the log comes to a row. All that the log has before that is
 * of the former one, and how far the agent is in it does not matter; nor where it dies, and reads a part of it once more.
 */
static void renew(const struct site *site, unsigned round)
{
	const char *name = site->plain.name;

	scene_sql(&scene, "UPDATE %s SET hours = 1 WHERE id %% 2 = 0", name);
	scene_sql(&scene, "BEGIN; UPDATE %s SET hours = 2 WHERE id = 3; ALTER TABLE %s DROP COLUMN hours, ADD COLUMN hours numeric(9,2) "
		  "DEFAULT %u; UPDATE %s SET note = '%u' WHERE id <= 5; COMMIT", name, name, 100 + round, name, round);
	scene_sql(&scene, "UPDATE %s SET note = note || '.' WHERE id = 4", name);
}

static void expect_renewed(struct site *site, unsigned round)
{
	char text[300];

	await_healed(site, round);
	agent_stop(&site->plain.agent);
	site_read_last(site);
	small_expect_documents(site, "hours");
	snprintf(text, sizeof(text), "SELECT count(*) FROM seen WHERE topic LIKE '%%.entity.TimeEntry' AND document #>> '{quantity,value}' "
		 "LIKE '%u.%%'", 100 + round);
	site_expect(site, text, "20");
}

static void renewed(void)
{
	static const char *const deaths[] = {"stale:1", "before-state-commit:1", "before-state-commit:2", "after-commit:2", "part-loaded:1",
					     "table-loaded:1"};
	struct site site;
	struct agent *agent = &site.plain.agent;
	unsigned round = 0;

	small_prepare(&site, &scene, "renewed", 20);
	plain_stream(&site.plain);
	renew(&site, ++round);
	expect_renewed(&site, round);
	renew(&site, ++round);
	plain_stream(&site.plain);
	expect_renewed(&site, round);
	for (size_t i = 0; i < COUNT_OF(deaths); i++) {
		unsigned before = agent_logged(agent, "streaming from");

		agent_start(agent, deaths[i]);
		WAIT_UNTIL(agent_logged(agent, "streaming from") > before, 30, agent);
		renew(&site, ++round);
		plain_await_death(&site.plain, deaths[i]);
		plain_stream(&site.plain);
		expect_renewed(&site, round);
	}
	if (!agent_logged(agent, "replay done"))
		harness_fail(agent, "nothing was replayed");
	printf("a column dropped and added again with its name and type: the table is loaded again, also after %zu deaths\n",
	       COUNT_OF(deaths));
}

/* The mapping needs the column that is gone: held, with the place in the pack, until it is there again. */
static void vanished(void)
{
	struct site site;
	struct agent *agent = &site.plain.agent;

	small_prepare(&site, &scene, "vanished", 20);
	plain_stream(&site.plain);
	scene_sql(&scene, "ALTER TABLE vanished DROP COLUMN hours; UPDATE vanished SET state = 'A' WHERE id <= 5");
	scene_sql(&scene, "UPDATE vanished_customer SET name = 'renamed'");
	WAIT_UNTIL(agent_logged(agent, "TimeEntry.yaml:") > 0, 60, agent);
	plain_catch_up(&site.plain);
	agent_kill(agent);
	plain_stream(&site.plain);
	if (agent_logged(agent, "its entities are held, because the mapping does not take it") < 2)
		harness_fail(agent, "a restart does not tell that entities are held");
	agent_stop(agent);
	site_read_last(&site);
	site_expect(&site, "SELECT string_agg(DISTINCT header->>'operation', ' '), count(*) FROM seen WHERE topic = "
	       "'vanished.entity.TimeEntry'", "SNAPSHOT|20");
	site_expect(&site, "SELECT string_agg(value->>'op', '' ORDER BY n) FROM seen WHERE topic = 'vanished.change.public.vanished' AND "
	       "value->>'op' <> 'r'", "uuuuu");
	site_expect(&site, "SELECT count(*) FROM seen WHERE topic LIKE '%.entity.Customer'", "6");
	scene_sql(&scene, "ALTER TABLE vanished ADD COLUMN hours numeric(9,2) DEFAULT 2.5");
	plain_stream(&site.plain);
	await_healed(&site, 1);
	agent_stop(agent);
	site_read_last(&site);
	small_expect_documents(&site, "hours");
	site_expect(&site, "SELECT count(*) FROM seen WHERE kind = 'event'", "5");
	printf("DROP COLUMN: its entity is held with the place in the pack, also after a restart, until there is one again\n");
}

/* Whatever happens to a table without a row being written is noticed by a look now and then. */
static void expect_look(struct site *site, const char *said)
{
	WAIT_UNTIL(agent_logged(&site->plain.agent, said) > 0, 45, &site->plain.agent);
}

static void looked_at(void)
{
	struct site written, renamed;

	small_prepare(&written, &scene, "written", 20);
	small_prepare(&renamed, &scene, "named", 20);
	plain_stream(&written.plain);
	plain_stream(&renamed.plain);
	scene_sql(&scene, "ALTER TABLE named RENAME hours TO spent; UPDATE named SET state = 'A' WHERE id = 1");
	expect_look(&renamed, "its entities are held, because the mapping does not take it");
	scene_sql(&scene, "ALTER TABLE named RENAME spent TO hours");
	scene_sql(&scene, "VACUUM FULL written; ALTER TABLE written_customer ALTER name SET NOT NULL");
	scene_sql(&scene, "ALTER TABLE written ALTER hours TYPE numeric(9,2) USING hours + 10");
	await_healed(&written, 1);
	await_healed(&renamed, 1);
	expect_look(&written, "table public.written is STALE: its rows were written anew when a column was altered");
	if (agent_logged(&written.plain.agent, "written_customer is STALE"))
		harness_fail(&written.plain.agent, "a constraint made a table STALE");
	agent_stop(&written.plain.agent);
	agent_stop(&renamed.plain.agent);
	site_read_last(&written);
	small_expect_documents(&written, "hours");
	site_read_last(&renamed);
	small_expect_documents(&renamed, "hours");
	printf("a column that has its name back, and one that was written anew as what it was, are noticed without a row\n");
}

/* What does not change a row makes no table STALE, though its file is another; nor while the agent is away. */
static void kept(void)
{
	struct site site;
	struct agent *agent = &site.plain.agent;

	small_prepare(&site, &scene, "kept", 20);
	plain_stream(&site.plain);
	agent_stop(agent);
	scene_sql(&scene, "VACUUM FULL kept");
	scene_sql(&scene, "TRUNCATE kept_customer; INSERT INTO kept_customer VALUES (9, 'late')");
	plain_stream(&site.plain);
	plain_catch_up(&site.plain);
	agent_stop(agent);
	scene_sql(&scene, "ALTER TABLE kept ALTER hours SET DEFAULT 4, ALTER note SET STATISTICS 7, ADD CHECK (hours >= 0)");
	plain_stream(&site.plain);
	plain_catch_up(&site.plain);
	if (agent_logged(agent, "STALE"))
		harness_fail(agent, "a table is STALE in which no row has changed");
	agent_stop(agent);
	scene_sql(&scene, "ALTER TABLE kept ALTER note TYPE text USING note || '!', ALTER hours TYPE numeric(9,2) USING hours * 2");
	plain_stream(&site.plain);
	await_healed(&site, 1);
	agent_stop(agent);
	site_read_last(&site);
	small_expect_documents(&site, "hours");
	printf("VACUUM FULL, TRUNCATE and constraints make no table STALE; a rewrite while the agent is away does\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene_begin(&scene);
	stale("retyped", "ALTER COLUMN hours TYPE numeric(12,3) USING hours + 1");
	stale("rewritten", "ALTER COLUMN state TYPE varchar(20) USING 'S'");
	stale("redone", "DROP COLUMN hours, ADD COLUMN hours numeric(10,2) DEFAULT 7.5");
	renewed();
	vanished();
	kept();
	looked_at();
	scene_end(&scene);
	printf("altered tables are what the source has, or held back\n");
	return 0;
}
