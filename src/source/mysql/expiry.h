/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * When the server removes its log, whether it was read or not: a file of it so many seconds after its last event. The last file is not
 * removed. Nothing in SQL tells when a file ended; the one behind it begins with an event that does.
 */
#ifndef MYSQL_EXPIRY_H
#define MYSQL_EXPIRY_H

#include "conn.h"
#include "model/position.h"

struct source_options;

struct my_expiry {
	uint32_t file;     /* the last one that was asked about, and is not the last of the log ... */
	int64_t ended_at;  /* ... and when it ended, seconds since 1970; 0: not known */
};

/* How long the log at a place will be there: UINT64_MAX if it is for ever, or not known; 0 if it is gone. */
int my_expiry_ask(struct my_expiry *expiry, MYSQL *conn, const struct my_server *server, const struct source_options *options,
		  struct position at, uint64_t *ret_seconds, struct error *err) MUST_CHECK;

#endif
