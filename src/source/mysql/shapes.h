/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The shapes of tables where the log does not tell of them: read once from the catalogue, at a place of the log for which that is
 * proven, and followed through the statements of the log from there. What cannot be followed is lost, and is not guessed.
 */
#ifndef MYSQL_SHAPES_H
#define MYSQL_SHAPES_H

#include "base/writer.h"
#include "ddl.h"
#include "model/position.h"
#include "tables.h"

/* A table as it is from a place of the log on. */
struct my_version {
	struct position since;
	struct my_shape shape;          /* without columns if it is lost */
	const char *charset;            /* of columns that name none; NULL: not known */
	const char *lost;               /* the statement behind which nobody knows it; NULL: it is known */
	struct my_version *older;
};

struct my_shapes {
	const struct my_charsets *charsets; /* borrowed */
	bool mariadb;
	bool follows;                   /* the log does not tell of shapes itself */
	bool changed;                   /* since it was printed */
	bool lost;                      /* something was, since this was last set to false */
	struct map tables;              /* "schema<TAB>name" -> the newest struct my_version */
	struct arena arena;
};

void my_shapes_done(struct my_shapes *shapes);

int my_shapes_parse(struct my_shapes *shapes, struct view text, struct error *err) MUST_CHECK;
void my_shapes_print(struct my_shapes *shapes, struct writer *to);

/* The log is read from there: what was known of what is behind it comes again. */
void my_shapes_start(struct my_shapes *shapes, struct position from);

/* All before it is done: older versions are not needed any more. */
void my_shapes_forget(struct my_shapes *shapes, struct position done);

/* The present version, or NULL: nothing was ever known of it. */
const struct my_version *my_shapes_of(const struct my_shapes *shapes, const char *schema, const char *name);

/* As the catalogue has it; copies. */
void my_shapes_put(struct my_shapes *shapes, const struct my_shape *shape, const char *charset, struct position since);
void my_shapes_lose(struct my_shapes *shapes, const char *schema, const char *name, const char *statement, struct position since);

/* A statement of the log that ends there. */
void my_shapes_take(struct my_shapes *shapes, const struct ddl *ddl, struct view sql, struct position at);

#endif
