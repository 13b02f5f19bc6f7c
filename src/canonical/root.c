/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Keys of roots, whole and column by column. A key of several columns is one text: its parts escaped, commas between.
 */
#include "canonical/root.h"

#include "compile.h"
#include "function_table.h"
#include "state/db.h"
#include "validate.h"

#define IMAGE_VALUE_BYTES 1000
#define IMAGE_BYTES (256 << 10)

struct view canonical_id(struct mapping *mapping, const struct entity *entity, struct root_key key, struct arena *arena)
{
	struct writer *wr = &mapping->text;
	char buffer[ROOT_KEY_BYTES];

	wr_clear(wr);
	wr_view_bytes(wr, entity->plan->id_prefix);
	if (key.is_number)
		wr_view_bytes(wr, root_key_text(key, buffer));
	else
		id_write_segment(wr, key.text);
	return arena_copy(arena, wr_view(wr));
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c & 7) + 9;
}

/* Part i of a composite key, unescaped. */
static struct view key_part(struct arena *arena, struct view key, unsigned i)
{
	const char *at = key.ptr, *end = key.ptr + key.len;
	char *part, *to;

	for (; i && at < end; at++)
		i -= *at == ',';
	part = to = arena_alloc(arena, (size_t)(end - at) + 1);
	for (; at < end && *at != ','; at++) {
		if (*at == '%' && end - at > 2) {
			*to++ = (char)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
			at += 2;
		} else {
			*to++ = *at;
		}
	}
	return (struct view){part, (size_t)(to - part)};
}

void root_bind(const struct table *root, struct root_key key, sqlite3_stmt *stmt, int parameter, unsigned part,
	       struct arena *arena)
{
	struct view text = key.text;

	if (key.is_number) {
		sqlite3_bind_int64(stmt, parameter, key.number);
		return;
	}
	if (root->key_count > 1)
		text = key_part(arena, key.text, part);
	sqlite3_bind_text(stmt, parameter, text.ptr, (int)text.len, SQLITE_STATIC);
}

struct datum root_keys(const struct entity *entity, struct root_key key, struct arena *arena)
{
	const struct table *root = entity->plan->root;
	struct datum map = {.set = true, .count = root->key_count * 2};
	char buffer[ROOT_KEY_BYTES];

	map.items = ARENA_ARRAY(arena, struct datum, map.count);
	for (unsigned i = 0; i < root->key_count; i++) {
		struct view part = root->key_count > 1 ? key_part(arena, key.text, i)
						       : arena_copy(arena, root_key_text(key, buffer));

		map.items[2 * i].text = view_of(root->columns[root->key[i]].name);
		map.items[2 * i + 1].text = part;
		map.items[2 * i].set = map.items[2 * i + 1].set = true;
	}
	return map;
}

/* All columns that the mirror has of the row. */
const char *root_image_sql(struct arena *arena, const char *name, const struct table *root)
{
	sqlite3_str *sql = sqlite3_str_new(NULL);
	const char *result;
	char *text;

	sqlite3_str_appendf(sql, "SELECT * FROM \"%w\" WHERE ", name);
	for (unsigned i = 0; i < root->key_count; i++)
		sqlite3_str_appendf(sql, "%s\"%w\" = ?%u", i ? " AND " : "", root->columns[root->key[i]].name, i + 1);
	text = sqlite3_str_finish(sql);
	result = arena_copy(arena, view_of(text)).ptr;
	sqlite3_free(text);
	return result;
}

/* The row at which the statement stands. */
static struct datum row_map(sqlite3_stmt *stmt, struct arena *arena)
{
	unsigned count = (unsigned)sqlite3_column_count(stmt);
	struct datum map = {.set = true, .items = ARENA_ARRAY(arena, struct datum, count * 2)};
	size_t bytes = 0;

	for (unsigned i = 0; i < count && bytes < IMAGE_BYTES; i++) {
		struct datum *entry = &map.items[map.count];

		entry[0].set = true;
		entry[0].text = arena_copy(arena, view_of(sqlite3_column_name(stmt, (int)i)));
		entry[1].set = sqlite3_column_type(stmt, (int)i) != SQLITE_NULL;
		if (entry[1].set)
			entry[1].text = value_shown(sqlite3_column_value(stmt, (int)i), IMAGE_VALUE_BYTES, arena);
		bytes += entry[0].text.len + (entry[1].set ? entry[1].text.len : 0);
		map.count += 2;
	}
	return map;
}

int root_image(struct mapping *mapping, const struct entity *entity, struct root_key key, struct arena *arena,
	       struct datum *ret, struct error *err)
{
	sqlite3_stmt *stmt = entity->plan->image.stmt;
	int found;

	*ret = (struct datum){0};
	for (unsigned i = 0; i < entity->plan->root->key_count; i++)
		root_bind(entity->plan->root, key, stmt, (int)i + 1, i, arena);
	found = db_step(mapping->db, stmt, err);
	if (found == 1)
		*ret = row_map(stmt, arena);
	sqlite3_reset(stmt);
	return found < 0 ? -1 : 0;
}
