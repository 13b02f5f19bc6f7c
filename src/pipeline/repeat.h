/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* An order for rows of a table, and the part of it that is under way (repeats.c); how it stands in the state file. */
#ifndef PIPELINE_REPEAT_H
#define PIPELINE_REPEAT_H

#include "run.h"

#define REPEAT_RECORD "repeat."

/* A row of the part; those that look the same are in a list. */
struct kept_row {
	struct value *values;
	struct kept_row *same;
	bool struck;
};

struct part {
	bool pending;               /* it is read, and waits for the stream */
	const struct table *table;
	struct arena arena;
	struct kept_row *rows;
	size_t count, capacity;
	size_t bytes;
	struct map keys;            /* -> the first of those with this key; keys in the arena */
	struct writer key;
};

struct repeat {
	uint64_t number;
	char *schema, *name, *condition; /* condition "": all rows */
	bool of_first;              /* it is what was left of the first snapshot ... */
	char *rest;                 /* ... of this table: these rows; "": all */
	uint64_t parts, rows;       /* published */
	struct writer mark;         /* where the next part begins; empty: at the beginning */

	/* of the part that is about to be published */
	uint64_t next_rows;
	uint64_t next_published;    /* ... without those that were struck */
	bool next_more;
	unsigned thrown_away;       /* parts, one after the other: they become smaller */
	struct writer next_mark;
	struct position seen;
	struct part part;

	unsigned slow;              /* parts that took too long */
	usec_t retry_at;
	struct repeat *next;
};

/* Its record, in the open transaction of the state file. */
MUST_CHECK int repeat_save(struct pipeline *p, const struct repeat *repeat, struct error *err);
MUST_CHECK int repeat_forget(struct pipeline *p, const struct repeat *repeat, struct error *err);

/* From its record; without where its parts stand if there is no pipeline. The caller's, for repeat_free. */
struct repeat *repeat_parse(struct pipeline *p, struct view name, struct view text);
void repeat_free(struct repeat *repeat);

#endif
