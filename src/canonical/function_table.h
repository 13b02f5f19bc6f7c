/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The SQL functions as tables: those we add or replace, and how each function that a mapping may call treats decimals.
 * Private to canonical/.
 */
#ifndef CANONICAL_FUNCTION_TABLE_H
#define CANONICAL_FUNCTION_TABLE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/view.h"
#include "base/writer.h"

struct function {
	const char *name;
	int arguments;   /* -1: any number */
	void (*call)(sqlite3_context *context, int count, sqlite3_value **values); /* of an aggregate: its step */
	void (*inverse)(sqlite3_context *context, int count, sqlite3_value **values);
	void (*value)(sqlite3_context *context); /* set: an aggregate */
};

extern const struct function decimal_functions[]; /* ends with name NULL */

/* What becomes of decimals. */
enum decimal_use {
	DECIMAL_REFUSED,  /* a decimal argument would go through binary floats, or be compared as text */
	DECIMAL_AS_TEXT,  /* takes it as text, gives no decimal */
	DECIMAL_KEPT,     /* gives a decimal if an argument is one */
	DECIMAL_MADE,     /* gives a decimal always */
};

struct allowed_function {
	const char *name;
	enum decimal_use use;
};

/* All functions that a mapping may call, since they are deterministic; NULL for others. */
const struct allowed_function *function_allowed(const char *name);

/* Sets the error of the statement: "name of the caller's choice: ..." */
void function_fail(sqlite3_context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One part of a composite key, with what separates parts escaped. */
void key_write_part(struct writer *wr, struct view part);

#endif
