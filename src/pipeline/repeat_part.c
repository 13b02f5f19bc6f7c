/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The rows of a part, in memory, and which of them the stream has overtaken. */
#include "base/memory.h"
#include "repeat.h"

void part_reset(struct part *part)
{
	map_clear(&part->keys);
	arena_reset(&part->arena);
	part->count = part->bytes = 0;
	part->pending = false;
}

/* Without a key, the whole row is what it is known by. */
static struct view key_of(struct part *part, const struct table *table, const struct value *values)
{
	unsigned count = table->key_count ? table->key_count : table->column_count;

	wr_clear(&part->key);
	for (unsigned i = 0; i < count; i++) {
		const struct value *value = &values[table->key_count ? table->key[i] : i];
		enum value_form form = type_form(table->columns[table->key_count ? table->key[i] : i].type);

		wr_u8(&part->key, (uint8_t)value->state);
		if (value->state != VALUE_PRESENT)
			continue;
		if (form == FORM_INTEGER) {
			wr_u64le(&part->key, (uint64_t)value->integer);
			continue;
		}
		wr_u64le(&part->key, value->text.len);
		wr_view_bytes(&part->key, value->text);
	}
	return wr_view(&part->key);
}

/* Copies a value's text into the part. */
static void own(struct part *part, const struct table *table, unsigned column, struct value *value)
{
	if (value->state != VALUE_PRESENT || !value_has_text(table->columns[column].type, value))
		return;
	part->bytes += value->text.len;
	value->text = arena_copy(&part->arena, value->text);
}

void part_keep(struct part *part, const struct table *table, const struct change *change)
{
	struct value *values = ARENA_ARRAY(&part->arena, struct value, table->column_count);
	struct view key = key_of(part, table, change->after.values);
	struct kept_row *row;

	if (part->count == part->capacity) {
		part->capacity = part->capacity ? part->capacity * 2 : 1024;
		part->rows = mem_resize(part->rows, part->capacity, sizeof(*part->rows));
	}
	row = &part->rows[part->count++];
	memcpy(values, change->after.values, sizeof(*values) * table->column_count);
	part->bytes += sizeof(*values) * table->column_count + key.len + sizeof(*row);
	for (unsigned i = 0; i < table->column_count; i++)
		own(part, table, i, &values[i]);
	*row = (struct kept_row){.values = values};
}

/* When all are there, and stand still. */
void part_index(struct part *part)
{
	for (size_t i = 0; i < part->count; i++) {
		struct kept_row *row = &part->rows[i];
		struct view key = key_of(part, part->table, row->values);

		row->same = map_get(&part->keys, key);
		map_put(&part->keys, arena_copy(&part->arena, key), row);
	}
}

/* Newer than the part: all rows of a key; or of rows without one, one that is the same. True if there was any. */
bool part_strike(struct part *part, const struct value *values)
{
	bool any = false;

	for (struct kept_row *row = map_get(&part->keys, key_of(part, part->table, values)); row; row = row->same) {
		bool first = !row->struck;

		row->struck = any = true;
		if (first && !part->table->key_count)
			break;
	}
	return any;
}

static bool is_same(struct type type, const struct value *a, const struct value *b)
{
	return a->state == b->state && (a->state != VALUE_PRESENT || value_same(type, a, b));
}

bool part_overlay(struct part *part, const struct value *before, const struct value *after)
{
	struct kept_row *row = map_get(&part->keys, key_of(part, part->table, before ? before : after));

	if (!row || row->struck)
		return false;
	map_remove(&part->keys, wr_view(&part->key));
	part_strike(part, after); /* what had that key before */
	for (unsigned i = 0; i < part->table->column_count; i++) {
		if (after[i].state == VALUE_UNCHANGED || is_same(part->table->columns[i].type, &row->values[i], &after[i]))
			continue;
		row->values[i] = after[i];
		own(part, part->table, i, &row->values[i]);
	}
	row->same = NULL;
	map_put(&part->keys, arena_copy(&part->arena, key_of(part, part->table, row->values)), row);
	return true;
}

void part_strike_all(struct part *part)
{
	for (size_t i = 0; i < part->count; i++)
		part->rows[i].struck = true;
}

uint64_t part_count(const struct part *part)
{
	uint64_t count = 0;

	for (size_t i = 0; i < part->count; i++)
		count += !part->rows[i].struck;
	return count;
}
