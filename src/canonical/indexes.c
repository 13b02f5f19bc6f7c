/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Statements on the scratch database as programs: what they do with decimals, which tables they walk from end to end,
 * and which indexes the mirror needs so that they do not. An index is found by trying: the planner says what it would
 * use.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "compile.h"

/* The b-trees of captured tables, as flow_follow wants them ------------------------------------------------------- */

struct trees {
	struct mapping *mapping;
	struct flow_tree *list;
	unsigned count;
};

static const struct column *source_column(const struct captured *captured, const char *name)
{
	int i = name ? table_column(captured->table, name) : -1;

	return i < 0 ? NULL : &captured->table->columns[i];
}

/* PRAGMA table_xinfo has names in column 1, index_xinfo in column 2. */
static void read_columns(struct trees *trees, struct flow_tree *tree, const struct captured *captured,
			 const char *pragma, const char *name, int name_column)
{
	char *sql = sqlite3_mprintf("PRAGMA %s(%Q)", pragma, name);
	const struct column **columns = ARENA_ARRAY(&trees->mapping->arena, const struct column *,
						    captured->table->column_count + 3);
	sqlite3_stmt *stmt;

	tree->columns = columns;
	if (sqlite3_prepare_v2(db_handle(trees->mapping->scratch), sql, -1, &stmt, NULL) == SQLITE_OK)
		while (sqlite3_step(stmt) == SQLITE_ROW && tree->column_count < captured->table->column_count + 2)
			columns[tree->column_count++] =
				source_column(captured, (const char *)sqlite3_column_text(stmt, name_column));
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
}

static void add_tree(struct trees *trees, sqlite3_stmt *stmt)
{
	const char *name = (const char *)sqlite3_column_text(stmt, 1);
	const struct captured *captured = capture_find(trees->mapping, (const char *)sqlite3_column_text(stmt, 2));
	bool is_table = strcmp((const char *)sqlite3_column_text(stmt, 0), "table") == 0;
	struct flow_tree *tree;

	if (!captured || !captured->used)
		return;
	trees->list = mem_resize(trees->list, trees->count + 1, sizeof(*trees->list));
	tree = &trees->list[trees->count++];
	*tree = (struct flow_tree){.root_page = sqlite3_column_int(stmt, 3), .table = captured->table};
	read_columns(trees, tree, captured, is_table ? "table_xinfo" : "index_xinfo", name, is_table ? 1 : 2);
}

static struct trees read_trees(struct mapping *mapping)
{
	struct trees trees = {.mapping = mapping};
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db_handle(mapping->scratch),
			       "SELECT type, name, tbl_name, rootpage FROM sqlite_schema WHERE rootpage > 0", -1, &stmt,
			       NULL) == SQLITE_OK)
		while (sqlite3_step(stmt) == SQLITE_ROW)
			add_tree(&trees, stmt);
	sqlite3_finalize(stmt);
	return trees;
}

int flow_check(struct mapping *mapping, const struct statement *statement, struct flow_result *results, unsigned count)
{
	struct trees trees = read_trees(mapping);
	struct flow_options options = {
		.handle = db_handle(mapping->scratch), .sql = statement->sql, .trees = trees.list,
		.tree_count = trees.count, .arena = &mapping->arena,
	};
	struct flow_fault *faults = flow_follow(&options, results, count);
	int result = faults ? -1 : 0;

	for (; faults; faults = faults->next)
		diag_error(mapping->diag, statement_place(statement, faults->column), "%s", faults->message);
	free(trees.list);
	return result;
}

/* Scans and indexes ----------------------------------------------------------------------------------------------- */

#define TABLES_MAX 64 /* SQLite joins no more */

/* The tables that a statement reads, those first that it walks from end to end. */
struct reads {
	struct mapping *mapping;
	struct captured *tables[TABLES_MAX];
	unsigned count;
	unsigned walked;
};

static bool has_table(const struct reads *reads, const struct captured *captured)
{
	for (unsigned i = 0; i < reads->count; i++)
		if (reads->tables[i] == captured)
			return true;
	return false;
}

static struct captured *captured_of(struct mapping *mapping, const struct flow_tree *tree)
{
	for (unsigned i = 0; i < mapping->options.table_count; i++)
		if (mapping->captured[i].table == tree->table)
			return &mapping->captured[i];
	return NULL;
}

static void note_walked(void *arg, const struct flow_tree *tree, bool is_walked)
{
	struct reads *reads = arg;
	struct captured *captured = captured_of(reads->mapping, tree);

	if (is_walked && !has_table(reads, captured) && reads->count < TABLES_MAX) {
		reads->tables[reads->count++] = captured;
		reads->walked++;
	}
}

static void note_opened(void *arg, const struct flow_tree *tree, bool is_walked)
{
	struct reads *reads = arg;
	struct captured *captured = captured_of(reads->mapping, tree);

	if (!is_walked && !has_table(reads, captured) && reads->count < TABLES_MAX)
		reads->tables[reads->count++] = captured;
}

static struct reads find_reads(struct mapping *mapping, const char *sql)
{
	struct trees trees = read_trees(mapping);
	struct flow_options options = {
		.handle = db_handle(mapping->scratch), .sql = sql, .trees = trees.list, .tree_count = trees.count,
		.arena = &mapping->arena,
	};
	struct reads reads = {.mapping = mapping};

	flow_trees(&options, note_walked, &reads);
	flow_trees(&options, note_opened, &reads);
	free(trees.list);
	return reads;
}

#define TRIAL "_tw_trial"

static void run_scratch(struct mapping *mapping, char *sql)
{
	sqlite3_exec(db_handle(mapping->scratch), sql, NULL, NULL, NULL);
	sqlite3_free(sql);
}

static void create_index(struct mapping *mapping, const char *name, const struct captured *captured,
			 const char *const *columns)
{
	struct writer list = {0};

	for (unsigned i = 0; columns[i]; i++) {
		char *quoted = sqlite3_mprintf("%s\"%w\"", i ? ", " : "", columns[i]);

		wr_printf(&list, "%s", quoted);
		sqlite3_free(quoted);
	}
	run_scratch(mapping, sqlite3_mprintf("CREATE INDEX \"%w\" ON \"%w\"(%.*s)", name, captured->name, (int)list.len,
					     list.data));
	wr_done(&list);
}

/* How many equalities the plan uses the trial index for: "SEARCH l USING INDEX _tw_trial (invoice_id=? AND kind=?)". */
static unsigned trial_equalities(struct mapping *mapping, const char *sql)
{
	char *explain = mem_printf("EXPLAIN QUERY PLAN %s", sql);
	unsigned most = 0;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db_handle(mapping->scratch), explain, -1, &stmt, NULL) == SQLITE_OK) {
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *at = strstr((const char *)sqlite3_column_text(stmt, 3), "INDEX " TRIAL " (");
			unsigned count = 0;

			while (at && (at = strstr(at, "=?"))) {
				count++;
				at += 2;
			}
			most = count > most ? count : most;
		}
	}
	sqlite3_finalize(stmt);
	free(explain);
	return most;
}

static unsigned try_index(struct mapping *mapping, const char *sql, const struct captured *captured,
			  const char *const *columns)
{
	unsigned equalities;

	create_index(mapping, TRIAL, captured, columns);
	equalities = trial_equalities(mapping, sql);
	run_scratch(mapping, sqlite3_mprintf("DROP INDEX " TRIAL));
	return equalities;
}

/* Keys and references first: what has few values (a flag, a kind) leads an index badly. */
static unsigned selectivity(const struct column *column)
{
	switch (column->type.kind) {
	case TYPE_INT64:
	case TYPE_INT32:
	case TYPE_UUID:
		return 0;
	case TYPE_BOOL:
	case TYPE_ENUM:
		return 2;
	default:
		return 1;
	}
}

/* The columns that the statement compares for equality, found by trying each: NULL if there are none. */
static const char **find_columns(struct mapping *mapping, const char *sql, const struct captured *captured)
{
	const struct table *table = captured->table;
	const char **columns = ARENA_ARRAY(&mapping->arena, const char *, table->column_count + 1);
	unsigned count = 0;

	for (unsigned wanted = 0; wanted < 3; wanted++) {
		for (unsigned i = 0; i < table->column_count; i++) {
			const char *const one[] = {table->columns[i].name, NULL};

			if (captured->columns[i] && selectivity(&table->columns[i]) == wanted &&
			    try_index(mapping, sql, captured, one))
				columns[count++] = one[0];
		}
	}
	while (count > 1 && try_index(mapping, sql, captured, columns) < count)
		columns[--count] = NULL;
	return count ? columns : NULL;
}

/* An index that a statement may get; it has a name on the scratch database while it is tried. */
struct candidate {
	struct captured *captured;
	const char **columns;
	char name[32];
};

static void keep_index(struct mapping *mapping, const struct candidate *candidate)
{
	struct captured *captured = candidate->captured;
	const char ***indexes = ARENA_ARRAY(&mapping->arena, const char **, captured->index_count + 1);

	if (captured->index_count)
		memcpy(indexes, captured->indexes, sizeof(*indexes) * captured->index_count);
	indexes[captured->index_count++] = candidate->columns;
	captured->indexes = indexes;
}

static void drop_index(struct mapping *mapping, const struct candidate *candidate)
{
	run_scratch(mapping, sqlite3_mprintf("DROP INDEX \"%w\"", candidate->name));
}

/*
 * One candidate after the other, until nothing is walked: first for what is walked, then for what is joined to it,
 * since the planner may begin at either end. Those that turn out not to be needed are dropped again.
 */
static unsigned try_candidates(struct mapping *mapping, const char *sql, struct candidate *candidates)
{
	struct reads reads = find_reads(mapping, sql), rest = reads;
	unsigned count = 0;

	for (unsigned i = 0; i < reads.count && rest.walked; i++) {
		struct candidate *candidate = &candidates[count];

		candidate->captured = reads.tables[i];
		candidate->columns = find_columns(mapping, sql, reads.tables[i]);
		if (!candidate->columns)
			continue;
		snprintf(candidate->name, sizeof(candidate->name), "_tw_i%ld_%u",
			 (long)(candidate->captured - mapping->captured), candidate->captured->index_count);
		create_index(mapping, candidate->name, candidate->captured, candidate->columns);
		rest = find_reads(mapping, sql);
		count++;
	}
	return count;
}

static void settle(struct mapping *mapping, const char *sql, struct candidate *candidates, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		drop_index(mapping, &candidates[i]);
		if (find_reads(mapping, sql).walked == 0)
			continue;
		create_index(mapping, candidates[i].name, candidates[i].captured, candidates[i].columns);
		keep_index(mapping, &candidates[i]);
	}
}

void indexes_find(struct mapping *mapping, const struct statement *statement, const char *what)
{
	struct candidate *candidates = ARENA_ARRAY(&mapping->arena, struct candidate, TABLES_MAX);
	unsigned count = try_candidates(mapping, statement->sql, candidates);
	struct reads rest = find_reads(mapping, statement->sql);

	if (rest.walked == 0) {
		settle(mapping, statement->sql, candidates, count);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		drop_index(mapping, &candidates[i]);
	rest = find_reads(mapping, statement->sql);
	for (unsigned i = 0; i < rest.walked; i++)
		diag_error(mapping->diag, statement_place(statement, rest.tables[i]->name),
			   "%s would read all of table '%s' each time; join it by '=' on a column", what,
			   rest.tables[i]->name);
}
