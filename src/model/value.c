/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What a value is, by the form that its type has. */
#include "model/value.h"

#include "base/datetime.h"

static bool is_beyond(struct type type, const struct value *value)
{
	return (type.kind == TYPE_TIMESTAMP || type.kind == TYPE_TIMESTAMP_ZONED) && value->integer == TIMESTAMP_BEYOND;
}

bool value_has_text(struct type type, const struct value *value)
{
	return type_form(type) != FORM_INTEGER || is_beyond(type, value);
}

bool value_same(struct type type, const struct value *a, const struct value *b)
{
	if (type_form(type) == FORM_REAL)
		return memcmp(&a->real, &b->real, sizeof(a->real)) == 0;
	if (type_form(type) == FORM_INTEGER && a->integer != b->integer)
		return false;
	return !value_has_text(type, a) || view_equal(a->text, b->text);
}
