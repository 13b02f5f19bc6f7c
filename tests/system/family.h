/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the servers of the MySQL family have, and since which version: tests of that road run on any of them
 * (TAILWATER_MYSQL, see contrib/servers), and leave out by these facts what a version lacks.
 */
#ifndef SYSTEM_FAMILY_H
#define SYSTEM_FAMILY_H

#include "harness/harness.h"

enum fact {
	FACT_ANY,               /* all have it */
	FACT_MARIADB,
	FACT_FRACTIONS,         /* of seconds */
	FACT_JSON,
	FACT_UUID,
	FACT_INET6,
	FACT_IMAGES,            /* rows in the log without all columns */
	FACT_METADATA,          /* names of columns in the log */
	FACT_GTIDS,
	FACT_MYSQL_GTIDS,
	FACT_WAIT_FOR_SET,      /* of GTIDs */
	FACT_PACKED_LOG,
	FACT_CUTS_LOG,          /* the server, of what a crash has left */
	FACT_SHOW_REPLICAS,     /* which were hosts of slaves */
	FACT_LOG_STATUS,        /* ... and masters: source, log status */
	FACT_LIMITED_TIME,      /* of a statement */
	FACT_CASCADES,          /* in the log */
	FACT_RENAME_COLUMN,
	FACT_IF_EXISTS,         /* of columns; and other words of MariaDB's ALTER TABLE */
	FACT_STORED,            /* generated columns, called so */
	FACT_DEFAULTS,          /* which are expressions */
	FACT_ALGORITHM,
	FACT_SEVERAL_TABLES,    /* DROP and CREATE in one statement: CREATE OR REPLACE */
};

bool family_has(const struct scene *scene, enum fact fact);

/* One of two ways to say it. */
const char *family_says(const struct scene *scene, enum fact fact, const char *with, const char *without);

/* "MariaDB 10.11.19" */
const char *family_name(const struct scene *scene);

/* The test is none for a version that lacks this: it is skipped, with the reason. */
void family_needs(struct scene *scene, enum fact fact, const char *what);

#endif
