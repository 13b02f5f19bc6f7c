/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Table versions: look-up of columns, and the fingerprint that tells versions apart. */
#include "model/table.h"

#include <string.h>

#include "base/map.h"
#include "base/view.h"

const char *const identity_names[] = {"primary key", "index", "full", "nothing"};

const char *const mask_method_names[] = {"keep", "drop", "last4", "token", "encrypt"};

int table_column(const struct table *table, const char *name)
{
	for (unsigned i = 0; i < table->column_count; i++)
		if (strcmp(table->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

bool table_has_no_identity(const struct table *table)
{
	return table->identity == IDENTITY_NOTHING || (table->identity == IDENTITY_KEY && !table->key_count);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	return hash_bytes((struct view){bytes, len}, hash);
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
	return mix(hash, text, strlen(text) + 1);
}

static uint64_t mix_number(uint64_t hash, int64_t number)
{
	return mix(hash, &number, sizeof(number));
}

static uint64_t mix_column(uint64_t hash, const struct column *column)
{
	hash = mix_text(hash, column->name);
	hash = mix_text(hash, column->source_type);
	hash = mix_text(hash, column->labels ? column->labels : "");
	hash = mix_number(hash, column->type.kind);
	hash = mix_number(hash, column->type.precision);
	hash = mix_number(hash, column->type.scale);
	hash = mix_number(hash, column->element.kind);
	hash = mix_number(hash, column->element.precision);
	hash = mix_number(hash, column->element.scale);
	hash = mix_number(hash, column->source_modifier);
	hash = mix_number(hash, column->source_number);
	return mix_number(hash, column->identity);
}

void table_seal(struct table *table)
{
	uint64_t hash = mix_number(0, (int64_t)table->source_id);

	hash = mix_text(hash, table->schema);
	hash = mix_text(hash, table->name);
	hash = mix_number(hash, table->identity);
	for (unsigned i = 0; i < table->column_count; i++)
		hash = mix_column(hash, &table->columns[i]);
	for (unsigned i = 0; i < table->key_count; i++)
		hash = mix_number(hash, table->key[i]);
	table->fingerprint = hash;
}
