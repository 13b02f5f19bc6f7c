/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A first start that publishes nothing of what is there: neither rows nor documents, but what changes then leaves with all
 * that a document is made of, and raises the events of its change. And one that publishes only some of the documents.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "system/plain.h"

static struct scene scene;
static struct plain plain = {.name = "now", .include = "[public.invoice, public.invoice_line, public.employee]"};
static char extra[1000];

#define PACK "mapping:\n  pack: %s/contrib/mappings/demo\n  schemas: %s/schemas\nmasking:\n  classes: {email: last4}\n"

static void expect(const char *query, const char *value)
{
	const char *found = scene_value(&scene, "%s", query);

	if (strcmp(found, value) == 0)
		return;
	fprintf(stderr, "%s\nexpected %s, found %s\n", query, value, found);
	harness_fail(&plain.agent, "the history is not left out as it should be");
}

/* What is the matter with a condition, and where. */
static void expect_complaint(const char *documents, const char *said)
{
	char path[300], output[4000];
	FILE *file;

	snprintf(extra, sizeof(extra), PACK "snapshot:\n  documents: %s\n", scene.source, scene.source, documents);
	plain_configure(&plain);
	if (agent_verb(&plain.agent, "check", "check.out") == 0)
		harness_fail(&plain.agent, "`check` has no complaint");
	snprintf(path, sizeof(path), "%s/check.out", scene.dir);
	file = fopen(path, "r");
	output[file ? fread(output, 1, sizeof(output) - 1, file) : 0] = '\0';
	if (file)
		fclose(file);
	if (strstr(output, said))
		return;
	fprintf(stderr, "expected %s, it said: %s\n", said, output);
	harness_fail(&plain.agent, "`check` says something else");
}

static void leave_all_out(void)
{
	snprintf(extra, sizeof(extra), PACK, scene.source, scene.source);
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
}

#define RECENT "(issue_date IS NULL OR issue_date >= date '2025-01-09')"

/* By the whole document: each invoice has all of its lines, or is not there. */
static void leave_some_out(void)
{
	plain = (struct plain){.name = "few", .include = "[public.invoice]", .extra = extra};
	scene_sql(&scene, "CREATE PUBLICATION few FOR ALL TABLES; CALL psa.business_days(1, 1, 8)");
	agent_init(&plain.agent, &scene, plain.name, "");
	expect_complaint("{Invoice: \"new.status = 'DRAFT' OR new.issuDate > '2025'\"}",
			 "/few.yaml:28:15: snapshot.documents.Invoice:1:29: error: the document has no field 'issuDate'; did you mean 'issueDate'?");
	expect_complaint("{Invoice: \"old.status = 'DRAFT'\"}", "the history has no 'old'");
	expect_complaint("{Invoices: \"new.status = 'DRAFT'\"}", "the mapping has no entity 'Invoices'");
	snprintf(extra, sizeof(extra), PACK "snapshot:\n  documents: {Invoice: \"new.issueDate IS NULL OR new.issueDate >= '2025-01-09'\"}\n",
		 scene.source, scene.source);
	plain_configure(&plain);
	plain_stream(&plain);
	plain_catch_up(&plain);
	plain_read_back(&plain, "*");
	expect("SELECT count(*) > 3 FROM invoice WHERE " RECENT, "t");
	expect("SELECT count(*) > 3 FROM invoice WHERE NOT " RECENT, "t");
	expect("SELECT count(*) FROM (SELECT id FROM invoice WHERE " RECENT ") i FULL JOIN (SELECT (document #>> '{sourceKeys,id}')::bigint AS id FROM seen "
	       "WHERE topic = 'few.entity.Invoice' AND header->>'operation' = 'SNAPSHOT') s USING (id) WHERE i.id IS NULL OR s.id IS NULL", "0");
	expect("SELECT count(*) FROM seen WHERE topic = 'few.entity.Invoice' AND jsonb_array_length(document->'lines') <> (SELECT count(*) FROM "
	       "invoice_line WHERE invoice_id = (document #>> '{sourceKeys,id}')::bigint)", "0");
	expect("SELECT (SELECT count(*) FROM seen WHERE topic = 'few.entity.TimeEntry') > 100 AND (SELECT count(*) FROM seen WHERE kind = 'change') = "
	       "(SELECT count(*) FROM invoice)", "t");
	scene_sql(&scene, "CREATE TABLE touched AS SELECT id, invoice_id FROM invoice_line WHERE invoice_id = (SELECT min(id) FROM invoice WHERE "
		  "status = 'P' AND NOT " RECENT "); UPDATE invoice_line SET description = 'touched' WHERE id = (SELECT min(id) FROM touched);"
		  "UPDATE invoice SET status = 'V' WHERE id = (SELECT min(invoice_id) FROM touched)");
	plain_catch_up(&plain);
	agent_stop(&plain.agent);
	plain_read_back(&plain, "*");
	expect("SELECT string_agg((header->>'operation') || ' ' || regexp_replace(document->>'status', '^(PARTIALLY_)?PAID', 'POSTED') || ' ' || ((document #>> '{lines,0,description}') = "
	       "'touched')::text || ' ' || (jsonb_array_length(document->'lines') = (SELECT count(*) FROM touched))::text, ', ' ORDER BY n) FROM seen "
	       "WHERE topic = 'few.entity.Invoice' AND (document #>> '{sourceKeys,id}')::bigint = (SELECT min(invoice_id) FROM touched)",
	       "UPDATE POSTED true true, UPDATE VALIDATED true true");
	expect("SELECT string_agg(topic, ' ') FROM seen WHERE kind = 'event'", "few.event.InvoiceUnposted");
	if (agent_verb(&plain.agent, "snapshot --rebuild", "rebuild.out") != named_states[STATE_UNSUPPORTED].exit_code)
		harness_fail(&plain.agent, "what was left out is not known to a rebuild");
	printf("a part of the history is left out, by whole documents\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	scene_begin(&scene);
	scene_sql_file(&scene, "contrib/demo/schema.sql");
	scene_sql_file(&scene, "contrib/demo/generator.sql");
	scene_sql(&scene, "CALL psa.setup(1, 1)");
	scene_sql(&scene, "CREATE PUBLICATION now FOR ALL TABLES");
	leave_all_out();
	leave_some_out();
	scene_end(&scene);
	return 0;
}
