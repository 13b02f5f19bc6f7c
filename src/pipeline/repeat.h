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
	uint64_t parts, rows;       /* that were read, ... */
	uint64_t published;         /* ... and not overtaken by a change of their own */
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
	bool given_up;              /* what was left of it is not published any more */
	usec_t retry_at;
	struct repeat *next;
};

/* The rows of a part. Those kept are copies; they are indexed when all are there, and struck by what is newer. */
void part_reset(struct part *part);
void part_keep(struct part *part, const struct table *table, const struct change *change);
void part_index(struct part *part);
bool part_strike(struct part *part, const struct value *values);
void part_strike_all(struct part *part);

/*
 * An update that does not have all values, by the row before it (NULL: its key has not changed): a row that is there, and not
 * struck, takes over those it has. False if there is none.
 */
bool part_overlay(struct part *part, const struct value *before, const struct value *after);

/* How many are not struck. */
uint64_t part_count(const struct part *part);

/* The list of orders: one more; the first one is done; whether the record's end is noted for who asks (`what` became of it). */
MUST_CHECK int repeat_add(struct pipeline *p, const struct source_table *table, struct view condition, const char *rest,
			  uint64_t *ret_number, struct error *err);
void repeat_drop_first(struct pipeline *p);
MUST_CHECK int repeat_note(struct pipeline *p, const struct repeat *repeat, const char *what, const char *why, struct error *err);
void repeat_tell_status(struct pipeline *p);

/* Its record, in the open transaction of the state file. */
MUST_CHECK int repeat_save(struct pipeline *p, const struct repeat *repeat, struct error *err);
MUST_CHECK int repeat_forget(struct pipeline *p, const struct repeat *repeat, struct error *err);

/* From its record; without where its parts stand if there is no pipeline. The caller's, for repeat_free. */
struct repeat *repeat_parse(struct pipeline *p, struct view name, struct view text);
void repeat_free(struct repeat *repeat);

#endif
