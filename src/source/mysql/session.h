/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What a query event tells of the session that ran its statement (MySQL source, Query_event, "status variables"). */
#ifndef MYSQL_SESSION_H
#define MYSQL_SESSION_H

#include <stdint.h>

#include "base/view.h"

struct session {
	uint64_t sql_mode;
	unsigned collation; /* of what the client sends, and so of the statement; 0: not told */
};

/* What is not told is 0. A variable that is not known hides those behind it, since it does not tell how long it is. */
void session_read(struct view variables, struct session *ret);

#endif
