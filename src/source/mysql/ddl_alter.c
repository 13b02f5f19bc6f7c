/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What stands in the parentheses of CREATE TABLE, and the clauses of ALTER TABLE. */
#include <string.h>

#include "ddl_parse.h"

static struct ddl_action *add_action(struct ddl_parse *parse, enum ddl_verb verb)
{
	struct ddl_action *action = ARENA_NEW(parse->arena, struct ddl_action);

	action->verb = verb;
	*parse->next_action = action;
	parse->next_action = &action->next;
	return action;
}

/* Columns -------------------------------------------------------------------------------------- */

static void take_place(struct ddl_parse *parse, struct ddl_action *action)
{
	action->first = sql_take(&parse->words, "first");
	if (sql_take(&parse->words, "after"))
		action->after = ddl_take_name(parse);
}

static void define(struct ddl_parse *parse, struct ddl_action *action, const char *name)
{
	action->column.name = name;
	ddl_parse_column(parse, &action->column);
	take_place(parse, action);
}

void ddl_add_column(struct ddl_parse *parse, bool maybe)
{
	struct ddl_action *action = add_action(parse, DDL_ADD_COLUMN);

	action->maybe = maybe;
	define(parse, action, ddl_take_name(parse));
}

/* ADD (a ..., b ...) */
static void add_columns(struct ddl_parse *parse, bool maybe)
{
	do
		ddl_add_column(parse, maybe);
	while (!parse->ddl->unknown && sql_take_sign(&parse->words, ','));
	if (!sql_take_sign(&parse->words, ')'))
		ddl_unknown(parse);
}

/* PRIMARY KEY [name] [USING BTREE] (a, b(10) DESC) ... */
static void take_key(struct ddl_parse *parse)
{
	while (parse->words.kind != WORD_END && !sql_is_sign(&parse->words, '(') && !sql_is_sign(&parse->words, ','))
		sql_next(&parse->words);
	if (!sql_take_sign(&parse->words, '('))
		ddl_unknown(parse);
	while (!parse->ddl->unknown) {
		add_action(parse, DDL_KEY)->name = ddl_take_name(parse);
		sql_skip_clause(&parse->words);
		if (!sql_take_sign(&parse->words, ','))
			break;
	}
	if (!sql_take_sign(&parse->words, ')'))
		ddl_unknown(parse);
	sql_skip_clause(&parse->words);
}

/* Keys and conditions: of them, only the primary key counts. */
bool ddl_take_constraint(struct ddl_parse *parse)
{
	static const char *const others[] = {"index", "key", "unique", "fulltext", "spatial", "foreign key", "check", "vector index", "vector key"};
	struct sql_words *words = &parse->words;

	if (sql_take(words, "constraint") && !sql_is(words, "primary") && !sql_is(words, "unique") && !sql_is(words, "foreign") &&
	    !sql_is(words, "check"))
		ddl_take_name(parse);
	if (sql_take(words, "primary key")) {
		take_key(parse);
		return true;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!sql_take(words, others[i]))
			continue;
		sql_skip_clause(words);
		return true;
	}
	return false;
}

/* Clauses of ALTER TABLE ------------------------------------------------------------------------ */

typedef void take_clause(struct ddl_parse *parse);

static void alter_add(struct ddl_parse *parse)
{
	struct sql_words *words = &parse->words;
	bool column, maybe;

	if (sql_is(words, "system") || sql_is(words, "period")) {
		ddl_unknown(parse);
		return;
	}
	if (ddl_take_constraint(parse))
		return;
	column = sql_take(words, "column");
	maybe = sql_take(words, "if not exists");
	if (sql_take_sign(words, '('))
		add_columns(parse, maybe);
	else if (parse->words.kind == WORD_END && !column)
		ddl_unknown(parse);
	else
		ddl_add_column(parse, maybe);
}

static void alter_drop(struct ddl_parse *parse)
{
	static const char *const others[] = {"index", "key", "foreign key", "constraint", "check"};
	struct sql_words *words = &parse->words;
	struct ddl_action *action;

	if (sql_take(words, "primary key")) {
		add_action(parse, DDL_NO_KEY);
		return;
	}
	if (sql_is(words, "system") || sql_is(words, "period")) {
		ddl_unknown(parse);
		return;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!sql_take(words, others[i]))
			continue;
		sql_skip_clause(words);
		return;
	}
	sql_take(words, "column");
	action = add_action(parse, DDL_DROP_COLUMN);
	action->maybe = sql_take(words, "if exists");
	action->name = ddl_take_name(parse);
	if (!sql_take(words, "restrict"))
		sql_take(words, "cascade");
}

static void alter_column(struct ddl_parse *parse, bool renames)
{
	struct ddl_action *action = add_action(parse, DDL_CHANGE_COLUMN);

	sql_take(&parse->words, "column");
	action->maybe = sql_take(&parse->words, "if exists");
	action->name = ddl_take_name(parse);
	define(parse, action, renames ? ddl_take_name(parse) : action->name);
}

static void alter_modify(struct ddl_parse *parse)
{
	alter_column(parse, false);
}

static void alter_change(struct ddl_parse *parse)
{
	alter_column(parse, true);
}

static void alter_rename(struct ddl_parse *parse)
{
	struct sql_words *words = &parse->words;
	struct ddl_action *action;

	if (sql_take(words, "index") || sql_take(words, "key")) {
		sql_skip_clause(words);
		return;
	}
	if (!sql_take(words, "column")) {
		if (!sql_take(words, "to") && !sql_take(words, "as"))
			sql_take_sign(words, '=');
		parse->ddl->renamed = ddl_take_table(parse);
		parse->ddl->rows = true;
		return;
	}
	action = add_action(parse, DDL_RENAME_COLUMN);
	action->maybe = sql_take(words, "if exists");
	action->name = ddl_take_name(parse);
	if (!sql_take(words, "to"))
		ddl_unknown(parse);
	action->to = ddl_take_name(parse);
}

/* Defaults and visibility: nothing that is there changes by them. */
static void alter_default(struct ddl_parse *parse)
{
	sql_skip_clause(&parse->words);
}

/* A character set, or the collation that may follow it and says it more exactly. */
static void take_charset(struct ddl_parse *parse, enum ddl_verb verb)
{
	struct ddl_action *action = add_action(parse, verb);
	struct view name;

	sql_take_sign(&parse->words, '=');
	name = sql_take_text(&parse->words, parse->arena);
	action->name = name.ptr ? name.ptr : ddl_take_name(parse);
}

static bool take_charset_words(struct ddl_parse *parse)
{
	return sql_take(&parse->words, "character set") || sql_take(&parse->words, "char set") || sql_take(&parse->words, "charset");
}

static void alter_convert(struct ddl_parse *parse)
{
	if (!sql_take(&parse->words, "to") || !take_charset_words(parse)) {
		ddl_unknown(parse); /* also CONVERT PARTITION, CONVERT TABLE */
		return;
	}
	if (sql_is(&parse->words, "default")) {
		ddl_unknown(parse);
		return;
	}
	take_charset(parse, DDL_CONVERT);
	if (sql_take(&parse->words, "collate"))
		sql_next(&parse->words);
	parse->ddl->rows = true;
}

static bool take_default_charset(struct ddl_parse *parse)
{
	struct sql_words ahead = parse->words;

	sql_take(&parse->words, "default");
	if (take_charset_words(parse) || sql_take(&parse->words, "collate")) {
		take_charset(parse, DDL_DEFAULT_CHARSET);
		return true;
	}
	parse->words = ahead;
	return false;
}

static void take_rows(struct ddl_parse *parse)
{
	parse->ddl->rows = true;
	ddl_skip_rest(parse);
}

/* EXCHANGE PARTITION p WITH TABLE t: the rows of both. */
static void take_exchange(struct ddl_parse *parse)
{
	parse->ddl->rows = true;
	while (parse->words.kind != WORD_END && !sql_is(&parse->words, "table"))
		sql_next(&parse->words);
	if (sql_take(&parse->words, "table"))
		ddl_take_table(parse);
	sql_skip_clause(&parse->words);
}

/* To the end: how rows are spread over files. */
void ddl_skip_rest(struct ddl_parse *parse)
{
	while (parse->words.kind != WORD_END)
		sql_next(&parse->words);
}

static const struct {
	const char *words;
	take_clause *take;
} clauses[] = {
	{"add partition", ddl_skip_rest},       {"drop partition", take_rows},
	{"truncate partition", take_rows},        {"exchange partition", take_exchange},
	{"discard", take_rows},                   {"import", take_rows},
	{"reorganize partition", ddl_skip_rest}, {"coalesce partition", ddl_skip_rest},
	{"analyze partition", ddl_skip_rest},   {"check partition", ddl_skip_rest},
	{"optimize partition", ddl_skip_rest},  {"rebuild partition", ddl_skip_rest},
	{"repair partition", take_rows},          {"remove partitioning", ddl_skip_rest},
	{"partition by", ddl_skip_rest},
	{"add", alter_add},                       {"drop", alter_drop},
	{"modify", alter_modify},                 {"change", alter_change},
	{"rename", alter_rename},                 {"alter", alter_default},
	{"convert", alter_convert},               {"order by", ddl_skip_rest},
	{"enable keys", alter_default},           {"disable keys", alter_default},
	{"force", alter_default},                 {"lock", alter_default},
	{"algorithm", alter_default},             {"with validation", alter_default},
	{"without validation", alter_default},
};

#define CLAUSES (sizeof(clauses) / sizeof(clauses[0]))

static const char *const options[] = {
	"engine", "auto_increment", "comment", "row_format", "key_block_size", "avg_row_length", "checksum", "table_checksum", "compression",
	"connection", "delay_key_write", "encryption", "encrypted", "encryption_key_id", "engine_attribute", "secondary_engine_attribute",
	"autoextend_size", "insert_method", "max_rows", "min_rows", "pack_keys", "page_checksum", "page_compressed",
	"page_compression_level", "password", "stats_auto_recalc", "stats_persistent", "stats_sample_pages", "tablespace", "transactional",
	"start", "secondary_engine",
};

/* name [=] value */
bool ddl_take_option(struct ddl_parse *parse)
{
	struct sql_words *words = &parse->words;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!sql_take(words, options[i]))
			continue;
		sql_take_sign(words, '=');
		if (words->kind != WORD_END)
			sql_next(words);
		return true;
	}
	return take_default_charset(parse);
}

static bool take_known_clause(struct ddl_parse *parse)
{
	for (size_t i = 0; i < CLAUSES; i++) {
		if (!sql_take(&parse->words, clauses[i].words))
			continue;
		clauses[i].take(parse);
		return true;
	}
	return ddl_take_option(parse);
}

void ddl_parse_clauses(struct ddl_parse *parse)
{
	while (!parse->ddl->unknown && parse->words.kind != WORD_END && !sql_is_sign(&parse->words, ';')) {
		if (sql_take_sign(&parse->words, ','))
			continue;
		if (!take_known_clause(parse))
			ddl_unknown(parse);
	}
}
