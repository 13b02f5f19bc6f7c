/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The scratch database on which statements are prepared before the mirror exists, and the authorizer that says what
 * they read: that is the capture list. A mapping's statement may read the source's tables and call functions that
 * always give the same answer, and nothing else.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "canonical/functions.h"
#include "compile.h"
#include "function_table.h"

static int create_table(struct mapping *mapping, const struct captured *captured, struct error *err)
{
	const struct table *table = captured->table;
	const char **names = MEM_ARRAY(const char *, table->column_count + 1);
	struct mirror_need need = {table->schema, table->name, names, table->column_count, NULL, 0};
	int result;

	for (unsigned i = 0; i < table->column_count; i++)
		names[i] = table->columns[i].name;
	result = mirror_create(mapping->scratch, table, &need, err);
	free(names);
	return result;
}

static void add_table(struct mapping *mapping, unsigned i)
{
	struct captured *captured = &mapping->captured[i];
	struct error err = {0};

	captured->table = mapping->options.tables[i];
	captured->name = mirror_name(&mapping->arena, captured->table->schema, captured->table->name);
	captured->columns = ARENA_ARRAY(&mapping->arena, bool, captured->table->column_count + 1);
	/* A table that cannot be mirrored is missed only if somebody reads it. */
	if (create_table(mapping, captured, &err) < 0)
		captured->columns = NULL;
}

int capture_open(struct mapping *mapping)
{
	struct error err = {0};

	mapping->captured = ARENA_ARRAY(&mapping->arena, struct captured, mapping->options.table_count + 1);
	if (db_open(":memory:", NULL, &mapping->scratch, &err) < 0 ||
	    functions_install(mapping->scratch, mapping->options.instance, &err) < 0)
		return diag_error(mapping->diag, (struct place){0}, "%s", err.text);
	for (unsigned i = 0; i < mapping->options.table_count; i++)
		add_table(mapping, i);
	return 0;
}

struct captured *capture_find(struct mapping *mapping, const char *name)
{
	for (unsigned i = 0; i < mapping->options.table_count; i++)
		if (strcasecmp(mapping->captured[i].name, name) == 0)
			return &mapping->captured[i];
	return NULL;
}

static int refuse(struct capture *capture, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct capture *capture, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!capture->refusal[0])
		vsnprintf(capture->refusal, sizeof(capture->refusal), format, args);
	va_end(args);
	return SQLITE_DENY;
}

static int authorize_read(struct capture *capture, const char *name, const char *column)
{
	struct captured *captured = capture_find(capture->mapping, name);
	int i;

	if (strcasecmp(name, "json_each") == 0 || strcasecmp(name, "json_tree") == 0)
		return SQLITE_OK;
	if (!capture->tables_allowed)
		return refuse(capture, "a rule sees only 'old' and 'new', no tables");
	if (!captured)
		return refuse(capture, "'%s' is no table of the source", name);
	i = table_column(captured->table, column);
	if (i >= 0)
		captured->columns[i] = true, capture->masked |= captured->table->columns[i].mask != MASK_KEEP;
	else if (*column)
		return refuse(capture, "'%s' is no column of table '%s'", column, name);
	captured->used = true;
	if (capture->reads)
		capture->reads[captured - capture->mapping->captured] = true;
	return SQLITE_OK;
}

static int authorize(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	struct capture *capture = arg;

	(void)c;
	(void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_READ:
		return authorize_read(capture, a, b);
	case SQLITE_FUNCTION:
		if (function_allowed(b))
			return SQLITE_OK;
		return refuse(capture, "function %s() is not among those that mappings may call", b);
	default:
		return refuse(capture, "only SELECT is allowed here");
	}
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

struct place statement_place(const struct statement *statement, const char *word)
{
	size_t len = word ? strlen(word) : 0;

	for (const char *at = statement->sql; len && *at; at++)
		if (strncasecmp(at, word, len) == 0 && !is_word(at[len]) &&
		    (at == statement->sql || !is_word(at[-1])))
			return text_place(statement->node, (size_t)(at - statement->sql));
	return text_place(statement->node, 0);
}

static bool mentions(const char *sql, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = sql; *at; at++)
		if (strncasecmp(at, name, len) == 0 && !is_word(at[len]) && (at == sql || !is_word(at[-1])))
			return true;
	return false;
}

/* The column, of the tables that the statement mentions, that was probably meant. */
static const char *guess_column(struct mapping *mapping, const char *sql, const char *word)
{
	const char **names = NULL, *guess;
	size_t count = 0;

	for (unsigned i = 0; i < mapping->options.table_count; i++) {
		const struct table *table = mapping->captured[i].table;

		if (!mentions(sql, mapping->captured[i].name))
			continue;
		names = mem_resize(names, count + table->column_count + 1, sizeof(*names));
		for (unsigned j = 0; j < table->column_count; j++)
			names[count++] = table->columns[j].name;
	}
	guess = diag_did_you_mean(view_of(word), names, count);
	free(names);
	return guess;
}

static const char *guess_table(struct mapping *mapping, const char *word)
{
	const char **names = MEM_ARRAY(const char *, mapping->options.table_count + 1), *guess;

	for (unsigned i = 0; i < mapping->options.table_count; i++)
		names[i] = mapping->captured[i].name;
	guess = diag_did_you_mean(view_of(word), names, mapping->options.table_count);
	free(names);
	return guess;
}

static void complain_guess(struct mapping *mapping, struct place at, const char *what, const char *name,
			   const char *guess)
{
	if (guess)
		diag_error(mapping->diag, at, "no such %s: %s; did you mean '%s'?", what, name, guess);
	else
		diag_error(mapping->diag, at, "no such %s: %s", what, name);
}

/* What SQLite says, with a guess at what was meant. Returns false if it is for want of a catalogue. */
static void complain(struct capture *capture, const struct statement *statement)
{
	struct mapping *mapping = capture->mapping;
	sqlite3 *handle = db_handle(mapping->scratch);
	const char *message = sqlite3_errmsg(handle);
	int offset = sqlite3_error_offset(handle);
	struct place at = text_place(statement->node, offset > 0 ? (size_t)offset : 0);
	struct captured *captured;

	if (capture->refusal[0]) {
		const char *quote = strchr(capture->refusal, '\'');
		char word[80] = "";

		if (sscanf(capture->refusal, "function %79[^(]", word) == 1 ||
		    (quote && sscanf(quote, "'%79[^']", word) == 1))
			at = statement_place(statement, word);
		diag_error(mapping->diag, at, "%s", capture->refusal);
	} else if (strncmp(message, "no such column: ", 16) == 0) {
		const char *name = message + 16, *dot = strrchr(name, '.');

		complain_guess(mapping, at, "column", name, guess_column(mapping, statement->sql, dot ? dot + 1 : name));
	} else if (strncmp(message, "no such table: ", 15) == 0) {
		at = statement_place(statement, message + 15);
		captured = capture_find(mapping, message + 15);
		if (captured)
			diag_error(mapping->diag, at, "table '%s' has no primary key and no replica identity; give it one",
				   captured->name);
		else
			complain_guess(mapping, at, "table", message + 15, guess_table(mapping, message + 15));
	} else {
		diag_error(mapping->diag, at, "%s", message);
	}
}

static bool is_for_want_of_tables(const struct mapping *mapping)
{
	return !mapping->options.tables_known &&
	       strncmp(sqlite3_errmsg(db_handle(mapping->scratch)), "no such table: ", 15) == 0;
}

static bool is_blank(const char *text)
{
	while (*text == ';' || isspace((unsigned char)*text))
		text++;
	return !*text;
}

sqlite3_stmt *capture_prepare(struct capture *capture, const struct statement *statement, const char *what)
{
	struct mapping *mapping = capture->mapping;
	sqlite3 *handle = db_handle(mapping->scratch);
	sqlite3_stmt *stmt = NULL;
	const char *tail = "";
	int code;

	capture->refusal[0] = '\0';
	sqlite3_set_authorizer(handle, authorize, capture);
	code = sqlite3_prepare_v2(handle, statement->sql, -1, &stmt, &tail);
	sqlite3_set_authorizer(handle, NULL, NULL);
	if (code != SQLITE_OK) {
		if (!is_for_want_of_tables(mapping))
			complain(capture, statement);
	} else if (!stmt) {
		diag_error(mapping->diag, statement->node->at, "%s is empty", what);
	} else if (!is_blank(tail)) {
		diag_error(mapping->diag, text_place(statement->node, (size_t)(tail - statement->sql)),
			   "%s is one statement; there is more here", what);
		sqlite3_finalize(stmt);
		stmt = NULL;
	}
	return stmt;
}

const char *node_text(struct mapping *mapping, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_SCALAR && !yaml_is_null(node))
		return node->text.ptr;
	diag_error(mapping->diag, node->at, "%s must be a text", what);
	return NULL;
}
