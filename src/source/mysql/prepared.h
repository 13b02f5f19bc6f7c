/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Transactions in two phases (XA) of which the log has the first one. Their rows stand there, and what becomes of them is told
 * later, by another group, perhaps in another file: until then it is known where they stand. Kept with our place in the log.
 */
#ifndef MYSQL_PREPARED_H
#define MYSQL_PREPARED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/view.h"
#include "model/position.h"

struct writer;

struct my_prepared {
	char *xid;               /* "X'6162',X'63',1", as statements name it */
	struct position at;      /* where its group begins; NONE: it has no rows for us */
	struct position settled; /* the end of the group that told what became of it; NONE: it is open */
};

/* Zeroed it is empty. */
struct my_prepared_set {
	struct my_prepared *each; /* owned */
	size_t count, capacity;
};

void my_prepared_done(struct my_prepared_set *set);

/* Replaces what was known of it: a name can be used again. */
void my_prepared_put(struct my_prepared_set *set, struct view xid, struct position at);

/* By its name, or NULL. */
struct my_prepared *my_prepared_find(const struct my_prepared_set *set, struct view xid);

/* What became of them is told and done, as far as the log was read to there. */
void my_prepared_forget(struct my_prepared_set *set, struct position reached);

/* Each behind a blank: " X'6162',X'',1@7:18812", with ">7:20000" behind it if that is where it was settled. */
void my_prepared_print(const struct my_prepared_set *set, struct writer *to);
int my_prepared_parse(struct my_prepared_set *set, struct view text, struct error *err) MUST_CHECK;

#endif
