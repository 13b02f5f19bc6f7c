/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Statements that change tables. */
#include "ddl.h"

#include <string.h>

#include "ddl_parse.h"

#define MODE_ANSI_QUOTES 4
#define MODE_NO_BACKSLASH_ESCAPES (1 << 20)
#define CLAUSE_BYTES 80 /* of what is told of one that is not known */

void ddl_unknown(struct ddl_parse *parse)
{
	const struct sql_words *words = &parse->words;
	struct view text;

	if (parse->ddl->unknown)
		return;
	if (words->kind == WORD_END)
		text = VIEW("the end of the statement");
	else
		text = view_cut((struct view){words->text.ptr, (size_t)(words->rest.ptr - words->text.ptr) + words->rest.len}, CLAUSE_BYTES);
	parse->ddl->unknown = arena_copy(parse->arena, text).ptr;
}

struct ddl_table *ddl_take_table(struct ddl_parse *parse)
{
	struct ddl_table *table = ARENA_NEW(parse->arena, struct ddl_table);
	struct view name = sql_take_name(&parse->words, parse->arena);

	if (sql_take_sign(&parse->words, '.')) {
		table->schema = name.ptr ? name.ptr : "";
		name = sql_take_name(&parse->words, parse->arena);
	} else {
		table->schema = arena_copy(parse->arena, parse->session->database).ptr;
	}
	table->name = name.ptr ? name.ptr : "";
	if (!name.ptr)
		ddl_unknown(parse);
	*parse->next_table = table;
	parse->next_table = &table->next;
	return table;
}

const char *ddl_take_name(struct ddl_parse *parse)
{
	struct view name = sql_take_name(&parse->words, parse->arena);

	if (!name.ptr)
		ddl_unknown(parse);
	return name.ptr ? name.ptr : "";
}

/* Statements ------------------------------------------------------------------------------------ */

typedef void read_statement(struct ddl_parse *parse);

/* MariaDB: how long it waits for a lock. */
static void skip_wait(struct ddl_parse *parse)
{
	if (sql_take(&parse->words, "wait"))
		sql_next(&parse->words);
	else
		sql_take(&parse->words, "nowait");
}

static void read_alter(struct ddl_parse *parse)
{
	parse->ddl->kind = DDL_ALTER;
	sql_take(&parse->words, "if exists");
	ddl_take_table(parse);
	skip_wait(parse);
	ddl_parse_clauses(parse);
}

static void read_definitions(struct ddl_parse *parse)
{
	do {
		if (sql_is(&parse->words, "period"))
			ddl_unknown(parse);
		else if (!ddl_take_constraint(parse))
			ddl_add_column(parse, false);
	} while (!parse->ddl->unknown && sql_take_sign(&parse->words, ','));
	if (!sql_take_sign(&parse->words, ')'))
		ddl_unknown(parse);
}

static bool take_like(struct ddl_parse *parse, bool inside)
{
	if (!sql_take(&parse->words, "like"))
		return false;
	parse->ddl->like = ddl_take_table(parse);
	if (inside && !sql_take_sign(&parse->words, ')'))
		ddl_unknown(parse);
	return true;
}

/* With START TRANSACTION come the rows of a CREATE TABLE ... SELECT, as rows. */
static void read_create(struct ddl_parse *parse)
{
	struct sql_words *words = &parse->words;

	parse->ddl->kind = DDL_CREATE;
	parse->ddl->maybe = sql_take(words, "if not exists");
	parse->ddl->rows = !parse->ddl->maybe;
	ddl_take_table(parse);
	if (take_like(parse, false))
		return;
	if (!sql_take_sign(words, '(')) {
		ddl_unknown(parse);
		return;
	}
	if (take_like(parse, true))
		return;
	read_definitions(parse);
	while (!parse->ddl->unknown && words->kind != WORD_END && !sql_is_sign(words, ';')) {
		if (sql_take_sign(words, ','))
			continue;
		if (sql_take(words, "partition by"))
			ddl_skip_rest(parse);
		else if (!ddl_take_option(parse))
			ddl_unknown(parse);
	}
}

static void read_replace(struct ddl_parse *parse)
{
	parse->ddl->replaces = true;
	read_create(parse);
}

static void read_rename(struct ddl_parse *parse)
{
	parse->ddl->kind = DDL_RENAME;
	parse->ddl->rows = true;
	sql_take(&parse->words, "if exists");
	do {
		ddl_take_table(parse);
		skip_wait(parse);
		if (!sql_take(&parse->words, "to"))
			ddl_unknown(parse);
		ddl_take_table(parse);
	} while (!parse->ddl->unknown && sql_take_sign(&parse->words, ','));
}

static void read_list(struct ddl_parse *parse, enum ddl_kind kind)
{
	parse->ddl->kind = kind;
	parse->ddl->rows = true;
	sql_take(&parse->words, "if exists");
	do
		ddl_take_table(parse);
	while (!parse->ddl->unknown && sql_take_sign(&parse->words, ','));
}

static void read_drop(struct ddl_parse *parse)
{
	read_list(parse, DDL_DROP);
}

static void read_truncate(struct ddl_parse *parse)
{
	read_list(parse, DDL_TRUNCATE);
	parse->ddl->rows = false; /* the change that it is handed out as tells of it */
}

static void read_drop_database(struct ddl_parse *parse)
{
	struct ddl_table *table = ARENA_NEW(parse->arena, struct ddl_table);

	sql_take(&parse->words, "if exists");
	*table = (struct ddl_table){.schema = ddl_take_name(parse), .name = ""};
	parse->ddl->kind = DDL_DROP_DATABASE;
	parse->ddl->rows = true;
	parse->ddl->tables = table;
}

/* What is temporary is not in the log's rows. */
static const struct {
	const char *words;
	read_statement *read;
} statements[] = {
	{"alter table", read_alter},             {"alter online table", read_alter},
	{"alter ignore table", read_alter},      {"alter online ignore table", read_alter},
	{"alter offline table", read_alter},     {"create table", read_create},
	{"create or replace table", read_replace}, {"rename table", read_rename},
	{"rename tables", read_rename},          {"drop table", read_drop},
	{"drop tables", read_drop},              {"truncate table", read_truncate},
	{"truncate", read_truncate},             {"drop database", read_drop_database},
	{"drop schema", read_drop_database},
};

/* SET STATEMENT name = value, ... FOR: what follows is the statement. */
static void skip_settings(struct sql_words *words)
{
	if (!sql_take(words, "set statement"))
		return;
	while (words->kind != WORD_END && !sql_take(words, "for"))
		sql_next(words);
}

void ddl_read(struct view sql, const struct ddl_session *session, struct arena *arena, struct ddl *ret)
{
	struct ddl_parse parse = {
		.words = sql_words_of(sql, session->sql_mode & MODE_ANSI_QUOTES, session->sql_mode & MODE_NO_BACKSLASH_ESCAPES),
		.session = session,
		.arena = arena,
		.ddl = ret,
		.next_table = &ret->tables,
		.next_action = &ret->actions,
	};

	*ret = (struct ddl){.kind = DDL_NONE};
	skip_settings(&parse.words);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (!sql_take(&parse.words, statements[i].words))
			continue;
		statements[i].read(&parse);
		return;
	}
}

bool ddl_is_about(const struct ddl *ddl, const char *schema, const char *name)
{
	for (const struct ddl_table *table = ddl->tables; table; table = table->next)
		if (strcmp(table->schema, schema) == 0 && (ddl->kind == DDL_DROP_DATABASE || strcmp(table->name, name) == 0))
			return true;
	return false;
}
