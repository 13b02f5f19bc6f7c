/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Statements that run seldom. */
#include "query.h"

#include <stdarg.h>

static void bind_one(sqlite3_stmt *stmt, int parameter, char type, va_list *args)
{
	struct view view;

	switch (type) {
	case 'i':
		sqlite3_bind_int64(stmt, parameter, va_arg(*args, int64_t));
		return;
	case 's':
		sqlite3_bind_text(stmt, parameter, va_arg(*args, const char *), -1, SQLITE_STATIC);
		return;
	case 't':
		view = va_arg(*args, struct view);
		sqlite3_bind_text(stmt, parameter, view.ptr, (int)view.len, SQLITE_STATIC);
		return;
	default:
		view = va_arg(*args, struct view);
		sqlite3_bind_blob(stmt, parameter, view.ptr, (int)view.len, SQLITE_STATIC);
	}
}

static int open_va(struct db *db, const char *sql, sqlite3_stmt **ret, struct error *err, const char *types,
		   va_list *args)
{
	if (db_prepare(db, sql, ret, err) < 0)
		return -1;
	for (int i = 0; types[i]; i++)
		bind_one(*ret, i + 1, types[i], args);
	return 0;
}

int query_open(struct db *db, const char *sql, sqlite3_stmt **ret, struct error *err, const char *types, ...)
{
	va_list args;
	int result;

	va_start(args, types);
	result = open_va(db, sql, ret, err, types, &args);
	va_end(args);
	return result;
}

int query_run(struct db *db, const char *sql, struct error *err, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list args;
	int result;

	if (db_begin(db, err) < 0)
		return -1;
	va_start(args, types);
	result = open_va(db, sql, &stmt, err, types, &args);
	va_end(args);
	if (result < 0)
		return -1;
	do {
		result = db_step(db, stmt, err);
	} while (result == 1);
	sqlite3_finalize(stmt);
	return result;
}

int query_number(struct db *db, const char *sql, int64_t *ret, struct error *err, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list args;
	int result;

	va_start(args, types);
	result = open_va(db, sql, &stmt, err, types, &args);
	va_end(args);
	if (result < 0)
		return -1;
	result = db_step(db, stmt, err);
	if (result == 1)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return result;
}

struct view query_view(sqlite3_stmt *stmt, int column)
{
	const char *bytes = sqlite3_column_blob(stmt, column);

	if (!bytes && sqlite3_column_type(stmt, column) != SQLITE_NULL)
		bytes = "";
	return (struct view){bytes, (size_t)sqlite3_column_bytes(stmt, column)};
}
