/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* One writer for each form; what a value looks like is the same in both. */
#include "change_text.h"

#include <inttypes.h>

#include "base/datetime.h"
#include "base/json.h"
#include "base/shown.h"
#include "report.h"
#include "state/cell.h"

#define SHOWN_BYTES 200 /* of a value, for people */

static const struct {
	const char *word;  /* for people */
	const char *op;    /* as in the envelope; NULL: not in JSON */
} ops[] = {
	[CHANGE_BEGIN] = {"BEGIN", NULL},     [CHANGE_ORIGIN] = {"ORIGIN", NULL},     [CHANGE_TABLE] = {"TABLE", NULL},
	[CHANGE_INSERT] = {"INSERT", "c"},    [CHANGE_UPDATE] = {"UPDATE", "u"},      [CHANGE_DELETE] = {"DELETE", "d"},
	[CHANGE_READ] = {"READ", "r"},        [CHANGE_TRUNCATE] = {"TRUNCATE", "t"},  [CHANGE_MESSAGE] = {"MESSAGE", "m"},
	[CHANGE_COMMIT] = {"COMMIT", NULL},   [CHANGE_IDLE] = {"IDLE", NULL},
};

static bool is_row(const struct change *change)
{
	return change->table && ops[change->op].op;
}

/* For people ---------------------------------------------------------------------------------- */

/* Quoted unless it is plainly a number or a word like true; what is long is cut. */
static void write_value(struct change_text *text, const struct column *column, const struct value *value, struct writer *to)
{
	char scratch[DATETIME_TEXT_BYTES];
	struct view shown = cell_text(column->type, value, scratch);

	if (column->type.kind == TYPE_BYTES) {
		wr_view_bytes(to, bytes_shown(shown, SHOWN_BYTES, &text->arena));
		return;
	}
	if (column->type.kind == TYPE_BOOL)
		shown = value->integer ? VIEW("true") : VIEW("false");
	shown = text_shown(shown, SHOWN_BYTES, &text->arena);
	if (type_form(column->type) == FORM_TEXT && column->type.kind != TYPE_DECIMAL && column->type.kind != TYPE_DECIMAL_VARIABLE)
		json_text(to, shown);
	else
		wr_view_bytes(to, shown);
}

static void write_row(struct change_text *text, const struct table *table, const struct row *row, const char *before,
		      struct writer *to)
{
	if (row->image == IMAGE_NONE)
		return;
	wr_printf(to, "%s", before);
	for (unsigned i = 0; i < table->column_count; i++) {
		const struct value *value = &row->values[i];

		if (value->state == VALUE_ABSENT || !pipeline_publishes_column(text->options, table, &table->columns[i]))
			continue;
		wr_printf(to, " %s=", table->columns[i].name);
		if (value->state == VALUE_PRESENT)
			write_value(text, &table->columns[i], value, to);
		else
			wr_printf(to, value->state == VALUE_NULL ? "null" : "(unchanged)");
	}
}

static void write_moment(const struct transaction *txn, struct writer *to)
{
	char when[DATETIME_TEXT_BYTES];

	timestamp_print(txn->committed_at, true, when);
	wr_printf(to, " %" PRIu64 ", committed at %s", txn->id, when);
	if (txn->origin.ptr)
		wr_printf(to, ", origin %.*s", VIEW_ARG(txn->origin));
}

static void write_line(struct change_text *text, const struct change *change, struct writer *to)
{
	char position[POSITION_TEXT_BYTES];

	if (change->op == CHANGE_IDLE || change->op == CHANGE_ORIGIN)
		return;
	wr_printf(to, is_row(change) || change->op == CHANGE_MESSAGE ? "  %s" : "%s", ops[change->op].word);
	if (change->op == CHANGE_BEGIN)
		write_moment(change->txn, to);
	if (change->op == CHANGE_COMMIT) {
		position_print(change->position, position);
		wr_printf(to, " %s", position);
	}
	if (change->table)
		wr_printf(to, " %s.%s", change->table->schema, change->table->name);
	if (is_row(change)) {
		write_row(text, change->table, &change->before, change->after.image == IMAGE_NONE ? "" : " old:", to);
		write_row(text, change->table, &change->after, change->before.image == IMAGE_NONE ? "" : " new:", to);
	}
	if (change->op == CHANGE_MESSAGE) {
		wr_printf(to, " %.*s ", VIEW_ARG(change->prefix));
		wr_view_bytes(to, text_shown(change->content, SHOWN_BYTES, &text->arena));
	}
	wr_u8(to, '\n');
}

/* JSON ---------------------------------------------------------------------------------------- */

/* Whole numbers and booleans as they are, everything else as text: no reader rounds it. */
static void write_json_value(const struct column *column, const struct value *value, struct arena *arena, struct writer *to)
{
	char scratch[DATETIME_TEXT_BYTES];
	struct view shown = cell_text(column->type, value, scratch);

	switch (column->type.kind) {
	case TYPE_BOOL:
		wr_printf(to, value->integer ? "true" : "false");
		break;
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_INT64:
		wr_view_bytes(to, shown);
		break;
	case TYPE_BYTES:
		json_text(to, bytes_shown(shown, SIZE_MAX, arena));
		break;
	default:
		json_text(to, shown);
	}
}

static void write_json_row(struct change_text *text, const struct table *table, const struct row *row, struct writer *to)
{
	const char *comma = "";

	if (row->image == IMAGE_NONE) {
		wr_printf(to, "null");
		return;
	}
	wr_u8(to, '{');
	for (unsigned i = 0; i < table->column_count; i++) {
		const struct value *value = &row->values[i];

		if ((value->state != VALUE_PRESENT && value->state != VALUE_NULL) ||
		    !pipeline_publishes_column(text->options, table, &table->columns[i]))
			continue;
		wr_printf(to, "%s", comma);
		json_text(to, view_of(table->columns[i].name));
		wr_u8(to, ':');
		if (value->state == VALUE_NULL)
			wr_printf(to, "null");
		else
			write_json_value(&table->columns[i], value, &text->arena, to);
		comma = ",";
	}
	wr_u8(to, '}');
}

/* Columns that the server did not send, because they are as they were. */
static void write_unchanged(const struct table *table, const struct row *row, struct writer *to)
{
	const char *comma = "";

	wr_printf(to, ",\"unchanged\":[");
	for (unsigned i = 0; row->image != IMAGE_NONE && i < table->column_count; i++) {
		if (row->values[i].state != VALUE_UNCHANGED)
			continue;
		wr_printf(to, "%s", comma);
		json_text(to, view_of(table->columns[i].name));
		comma = ",";
	}
	wr_u8(to, ']');
}

static void write_json_transaction(const struct change *change, struct writer *to)
{
	struct position at = {change->txn ? change->txn->final.kind : POSITION_PG_LSN, change->lsn};
	char text[POSITION_TEXT_BYTES];

	position_print(at, text);
	wr_printf(to, ",\"lsn\":\"%s\"", text);
	if (!change->txn)
		return;
	position_print(change->txn->final, text);
	wr_printf(to, ",\"transaction\":%" PRIu64 ",\"final\":\"%s\",\"committedAt\":", change->txn->id, text);
	report_time(change->txn->committed_at, to);
	wr_printf(to, ",\"index\":%" PRIu64, change->index);
}

static void write_json(struct change_text *text, const struct change *change, struct writer *to)
{
	if (!is_row(change) && change->op != CHANGE_MESSAGE)
		return;
	wr_printf(to, "{\"op\":\"%s\"", ops[change->op].op);
	write_json_transaction(change, to);
	if (change->table) {
		wr_printf(to, ",\"schema\":");
		json_text(to, view_of(change->table->schema));
		wr_printf(to, ",\"table\":");
		json_text(to, view_of(change->table->name));
		wr_printf(to, ",\"before\":");
		write_json_row(text, change->table, &change->before, to);
		wr_printf(to, ",\"after\":");
		write_json_row(text, change->table, &change->after, to);
		write_unchanged(change->table, &change->after, to);
	} else {
		wr_printf(to, ",\"prefix\":");
		json_text(to, change->prefix);
		wr_printf(to, ",\"content\":");
		json_text(to, change->content);
	}
	wr_printf(to, "}\n");
}

void change_text_write(struct change_text *text, const struct change *change, struct writer *to)
{
	arena_reset(&text->arena);
	if (text->json)
		write_json(text, change, to);
	else
		write_line(text, change, to);
}
