/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A part of a table, read while the log is streamed: each in a transaction whose place in the log is known. A part that
 * does not see what was delivered is given up; all that stands behind its place is delivered after it.
 */
#ifndef MYSQL_PART_H
#define MYSQL_PART_H

#include "base/writer.h"
#include "snapshot.h"

struct source_part;
struct source_part_end;

struct my_part {
	struct my_snapshot snapshot;
	struct position at;      /* it sees all that stands before */
	uint64_t rows, bytes;
	uint64_t most, most_bytes;
	struct writer mark;      /* of the last row */
	enum my_family family;
	bool asked;              /* somebody's condition is in it: what the server says of it is theirs */
	bool limited;            /* the session has a limit of time for it */
};

void my_part_done(struct my_part *part);

/* 1; 0: what was delivered is not visible, or the server is busy; -1. */
int my_part_begin(struct my_part *part, const struct source_login *login, const struct my_server *server, const struct my_hold *hold,
		  struct position delivered, struct error *err);
int my_part_select(struct my_part *part, const struct my_table *table, const struct source_part *wanted, struct error *err);

/* As my_snapshot_row. */
int my_part_row(struct my_part *part, const struct my_table *table, char ***ret_texts, unsigned long **ret_lengths, struct error *err);
int my_part_end(struct my_part *part, struct source_part_end *ret, struct error *err);
void my_part_stop(struct my_part *part);

#endif
