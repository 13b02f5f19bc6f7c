/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A first start that publishes nothing of what is there: neither rows nor documents, but what changes then leaves with all
 * that a document is made of, and raises the events of its change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/plain.h"

static struct scene scene;
static struct plain plain = {.name = "now", .include = "[public.invoice, public.invoice_line, public.employee]"};
static char extra[700];

static void expect(const char *query, const char *value)
{
	const char *found = scene_value(&scene, "%s", query);

	if (strcmp(found, value) == 0)
		return;
	fprintf(stderr, "%s\nexpected %s, found %s\n", query, value, found);
	harness_fail(&plain.agent, "the history is not left out as it should be");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	scene_begin(&scene);
	scene_sql_file(&scene, "contrib/demo/schema.sql");
	scene_sql_file(&scene, "contrib/demo/generator.sql");
	scene_sql(&scene, "CALL psa.setup(1, 1)");
	scene_sql(&scene, "CREATE PUBLICATION now FOR ALL TABLES");
	snprintf(extra, sizeof(extra), "mapping:\n  pack: %s/contrib/mappings/demo\n  schemas: %s/schemas\nmasking:\n  classes: {email: last4}\n",
		 scene.source, scene.source);
	plain.extra = extra;
	agent_init(&plain.agent, &scene, plain.name, "");
	plain_configure(&plain);
	agent_start_with(&plain.agent, NULL, "--from-now");
	WAIT_UNTIL(agent_logged(&plain.agent, "streaming from") > 0, 60, &plain.agent);
	plain_catch_up(&plain);
	plain_read_back(&plain, "*");
	expect("SELECT count(*) FROM seen WHERE kind IN ('change', 'entity', 'event')", "0");
	agent_stop(&plain.agent);
	plain_stream(&plain);
	scene_sql(&scene, "UPDATE employee SET hours_per_day = 6.25 WHERE id = 1; UPDATE project SET name = name || '!' WHERE id = 2");
	plain_catch_up(&plain);
	plain_read_back(&plain, "*");
	expect("SELECT string_agg(topic || ' ' || (value->>'op'), ' ') FROM seen WHERE kind = 'change'", "now.change.public.employee u");
	expect("SELECT string_agg(topic || ' ' || (header->>'operation') || ' ' || (document->>'sourceKeys'), ' ' ORDER BY topic) FROM seen "
	       "WHERE kind = 'entity'",
	       "now.entity.Project UPDATE {\"id\": \"2\"} now.entity.Resource UPDATE {\"id\": \"1\"}");
	agent_stop(&plain.agent);
	printf("the history is left out, and what changes is whole\n");
	scene_end(&scene);
	return 0;
}
