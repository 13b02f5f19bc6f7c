/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The kinds of sources there are. */
#include "source/source.h"

#include <string.h>

static const struct source_ops *const kinds[] = {
	&postgres_source_ops,
	&mysql_source_ops,
	&mariadb_source_ops,
};

const char *const log_state_names[LOG_STATES] = {
	[LOG_UNKNOWN] = "unknown", [LOG_RESERVED] = "reserved", [LOG_EXTENDED] = "extended", [LOG_UNRESERVED] = "unreserved",
	[LOG_LOST] = "lost",
};

const struct source_ops *source_find(const char *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->name, type) == 0)
			return kinds[i];
	return NULL;
}
