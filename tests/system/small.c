/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "system/small.h"

#include <stdio.h>

void small_write_pack(const struct site *site, const char *version, const char *columns, const char *join)
{
	const char *name = site->plain.name;
	char text[3000];

	site_version(site, version);
	snprintf(text, sizeof(text),
		 "entity: TimeEntry\nroot: %s\n%s"
		 "document: |\n"
		 "  SELECT t.id AS \"sourceKeys.id\", ref('Resource', 7) AS resource, t.day AS workDate,\n"
		 "         t.hours AS \"quantity.value\", 'HUR' AS \"quantity.unit\",\n"
		 "         CASE t.state WHEN 'A' THEN 'APPROVED' ELSE 'SUBMITTED' END AS approvalStatus%s%s\n"
		 "    FROM %s t%s WHERE t.id = :id\n"
		 "required: [resource, workDate, quantity]\n"
		 "events:\n  TimeApproved:\n    class: OPERATIONAL\n"
		 "    when: new.approvalStatus = 'APPROVED' AND old.approvalStatus IS NOT 'APPROVED'\n",
		 name, *join ? "reference: [extra]\n" : "", *columns ? ", " : "", columns, name, join);
	site_write(site, "TimeEntry.yaml", text);
	snprintf(text, sizeof(text), "entity: Customer\nroot: %s_customer\n"
		 "document: SELECT c.name AS name, c.id AS \"sourceKeys.id\" FROM %s_customer c WHERE c.id = :id\nrequired: [name]\n",
		 name, name);
	site_write(site, "Customer.yaml", text);
}

void small_prepare(struct site *site, struct scene *scene, const char *name, int rows)
{
	site_init(site, scene, name);
	scene_sql(scene, "CREATE TABLE %s (id int PRIMARY KEY, day date, hours numeric(9,2), state text, note text);"
		  "CREATE TABLE %s_customer (id int PRIMARY KEY, name text);"
		  "INSERT INTO %s SELECT g, '2026-03-01', g %% 8, 'S', 'note' FROM generate_series(1, %d) g;"
		  "INSERT INTO %s_customer SELECT g, 'customer ' || g FROM generate_series(1, 3) g;"
		  "CREATE PUBLICATION %s FOR TABLE %s, %s_customer", name, name, name, rows, name, name, name, name);
	small_write_pack(site, "1", "", "");
	site_configure(site, "batch:\n  events: 20\n");
}

void small_expect_documents(const struct site *site, const char *hours)
{
	const char *name = site->plain.name;
	char query[900];

	snprintf(query, sizeof(query), "SELECT count(*) FROM (SELECT id, %s::numeric(38,9)::text AS hours, CASE state WHEN 'A' THEN "
		 "'APPROVED' ELSE 'SUBMITTED' END AS status FROM %s WHERE day IS NOT NULL) r FULL JOIN (SELECT split_part(key #>> '{}', '/', 3)::int "
		 "AS id, document #>> '{quantity,value}' AS hours, document->>'approvalStatus' AS status FROM last WHERE topic = "
		 "'%s.entity.TimeEntry' AND value <> 'null') d USING (id) WHERE (r.hours, r.status) IS DISTINCT FROM (d.hours, d.status)",
		 hours, name, name);
	site_expect(site, query, "0");
}
