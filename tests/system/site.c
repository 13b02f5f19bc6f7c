/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "system/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void site_write(const struct site *site, const char *file, const char *text)
{
	char path[400];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s", site->folder, file);
	to = fopen(path, "w");
	if (!to || fputs(text, to) < 0 || fclose(to) != 0)
		harness_fail(NULL, path);
}

void site_version(const struct site *site, const char *version)
{
	char text[200];

	snprintf(text, sizeof(text), "name: small\nversion: \"%s\"\nsystem: test\nowner: nobody\n", version);
	site_write(site, "pack.yaml", text);
}

void site_init(struct site *site, struct scene *scene, const char *name)
{
	char command[400];

	*site = (struct site){.plain.name = name};
	site->plain.agent.scene = scene;
	snprintf(site->folder, sizeof(site->folder), "%s/%s.pack", scene->dir, name);
	snprintf(command, sizeof(command), "mkdir %s", site->folder);
	if (system(command) != 0)
		harness_fail(NULL, command);
	site_version(site, "1");
}

void site_configure(struct site *site, const char *more)
{
	struct scene *scene = site->plain.agent.scene;

	snprintf(site->extra, sizeof(site->extra), "mapping:\n  pack: %s\n  schemas: %s/schemas\n%s", site->folder, scene->source, more);
	site->plain.extra = site->extra;
	agent_init(&site->plain.agent, scene, site->plain.name, "");
	plain_configure(&site->plain);
}

void site_expect(const struct site *site, const char *query, const char *value)
{
	const char *found = scene_value(site->plain.agent.scene, "%s", query);

	if (strcmp(found, value) == 0)
		return;
	fprintf(stderr, "%s\nfound %s, expected %s\n", query, found, value);
	harness_fail(&site->plain.agent, "what was published is not what was expected");
}

void site_read_last(struct site *site)
{
	plain_read_back(&site->plain, "*");
	scene_sql(site->plain.agent.scene, "DROP TABLE IF EXISTS last; CREATE TABLE last AS SELECT DISTINCT ON (topic, key) * FROM seen "
		  "WHERE kind IN ('change', 'entity') ORDER BY topic, key, n DESC");
}
