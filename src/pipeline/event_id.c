/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Event ids of documents and business events: source/final LSN/entity/key[/rule]; of a snapshot or a job its number
 * stands in the place of the LSN. They are joined by hand, since every document has one or more.
 */
#include <stdio.h>

#include "run.h"

#define PARTS 5

/* With slashes between them; the last may be missing. */
static struct view join(struct arena *arena, const struct view parts[PARTS])
{
	struct view id = {.len = 0};
	char *to;

	for (unsigned i = 0; i < PARTS; i++)
		id.len += parts[i].len + 1;
	id.ptr = to = arena_alloc(arena, id.len);
	for (unsigned i = 0; i < PARTS && parts[i].ptr; i++) {
		memcpy(to, parts[i].ptr, parts[i].len);
		to += parts[i].len;
		*to++ = '/';
	}
	id.len = (size_t)(to - 1 - id.ptr);
	return id;
}

static struct view occasion(struct pipeline *p, enum document_cause cause)
{
	if (cause == CAUSE_COMMIT)
		return p->txn_position;
	if (cause == CAUSE_SNAPSHOT)
		return arena_printf(&p->doc_arena, "snapshot-%llu", (unsigned long long)p->applied.snapshot);
	return arena_printf(&p->doc_arena, "job-%llu", (unsigned long long)p->job);
}

struct view event_id(struct pipeline *p, enum document_cause cause, const char *entity, struct view key,
		     const char *rule)
{
	const struct view parts[PARTS] = {
		view_of(p->options->name), occasion(p, cause), view_of(entity), key, rule ? view_of(rule) : VIEW_NONE,
	};

	return join(&p->doc_arena, parts);
}

void event_id_begin(struct pipeline *p, const struct transaction *txn)
{
	char position[POSITION_TEXT_BYTES];

	position_print(txn->final, position);
	p->txn_position = arena_copy(&p->txn_arena, view_of(position));
	p->txn_number = arena_printf(&p->txn_arena, "%llu", (unsigned long long)txn->id);
}
