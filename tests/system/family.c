/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The table of facts. */
#include "system/family.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define NEVER UINT_MAX

/* Versions as numbers: 50604 is 5.6.4. */
static const struct {
	unsigned mysql, mariadb;
} since[] = {
	[FACT_ANY] = {0, 0},
	[FACT_MARIADB] = {NEVER, 0},
	[FACT_FRACTIONS] = {50604, 0},
	[FACT_JSON] = {50708, 100207},
	[FACT_WAIT_FOR_SET] = {50705, NEVER},
	[FACT_UUID] = {NEVER, 100700},
	[FACT_INET6] = {NEVER, 100500},
	[FACT_IMAGES] = {50602, 100106},
	[FACT_METADATA] = {80001, 100500},
	[FACT_GTIDS] = {50605, 0},
	[FACT_MYSQL_GTIDS] = {50605, NEVER},
	[FACT_CUTS_LOG] = {50600, NEVER},
	[FACT_PACKED_LOG] = {80020, 100203},
	[FACT_SHOW_REPLICAS] = {80022, NEVER},
	[FACT_LOG_STATUS] = {80200, NEVER},
	[FACT_LIMITED_TIME] = {50708, 100101},
	[FACT_CASCADES] = {90600, NEVER},
	[FACT_RENAME_COLUMN] = {80003, 100502},
	[FACT_IF_EXISTS] = {NEVER, 0},
	[FACT_STORED] = {50706, 100201},
	[FACT_DEFAULTS] = {80033, 100201}, /* 8.0.15 has them, but not with GTIDs */
	[FACT_ALGORITHM] = {50605, 0},
	[FACT_SEVERAL_TABLES] = {NEVER, 0},
};

bool family_has(const struct scene *scene, enum fact fact)
{
	unsigned from = scene->is_mariadb ? since[fact].mariadb : since[fact].mysql;

	return from != NEVER && scene->mariadb_version >= from;
}

const char *family_says(const struct scene *scene, enum fact fact, const char *with, const char *without)
{
	return family_has(scene, fact) ? with : without;
}

const char *family_name(const struct scene *scene)
{
	static char name[60];
	unsigned version = scene->mariadb_version;

	snprintf(name, sizeof(name), "%s %u.%u.%u", scene->is_mariadb ? "MariaDB" : "MySQL", version / 10000, version / 100 % 100, version % 100);
	return name;
}

void family_needs(struct scene *scene, enum fact fact, const char *what)
{
	if (family_has(scene, fact))
		return;
	printf("skipped: %s has no %s\n", family_name(scene), what);
	scene_end(scene);
	exit(77);
}
