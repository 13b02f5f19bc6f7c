/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Look-ups in Avro schemas. */
#include "model/avro.h"

int avro_field_index(const struct avro_type *type, struct view name)
{
	for (unsigned i = 0; i < type->field_count; i++)
		if (view_is(name, type->fields[i].name))
			return (int)i;
	return -1;
}

int avro_symbol_index(const struct avro_type *type, struct view symbol)
{
	for (unsigned i = 0; i < type->symbol_count; i++)
		if (view_is(symbol, type->symbols[i]))
			return (int)i;
	return -1;
}
