/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Arrays: their value is the server's text, which is taken apart when it is written. Each element is read as the source
 * reads such a value, and written as the form of its type writes it; no list of them is ever made.
 */
#include "avro_bytes.h"
#include "base/arena.h"
#include "base/array_text.h"
#include "field_put.h"

static bool read_element(const struct encode_field *field, struct view text, struct value *ret)
{
	value_from_text *from_text = field->column->element_from_text;

	*ret = (struct value){.state = VALUE_PRESENT};
	return text.ptr && from_text && from_text(text, field->scratch, ret) == 0;
}

static char *put_element(char *to, struct encode_field *field, struct view text, const char **why)
{
	struct value value;

	*to++ = text.ptr ? BRANCH_1 : BRANCH_0;
	if (!text.ptr)
		return to;
	if (read_element(field, text, &value))
		return field->element->put(to, field->element, &value, why);
	*why = "has an element that is none of its type";
	return NULL;
}

/* One block of all elements, and the end. */
PUT_FUNCTION(put_array)
{
	struct array_text array = array_text_begin(value->text);
	size_t count;
	int dimensions = array_text_measure(value->text, &count);

	if (dimensions < 0 || dimensions > 1) {
		*why = dimensions < 0 ? "is no array" : "has several dimensions, for which its Avro array has no form; a column that "
							"is declared with them (ALTER COLUMN ... TYPE with [][]) is text";
		return NULL;
	}
	arena_reset(field->scratch);
	if (count)
		to = put_long(to, (int64_t)count);
	for (size_t i = 0; to && i < count; i++)
		to = put_element(to, field, array_text_next(&array, field->scratch), why);
	return to ? put_long(to, 0) : NULL;
}

/* Elements are read for it: their texts may be longer than what the array's text has of them. */
size_t field_array_bytes(const struct encode_field *field, struct view text)
{
	struct array_text array = array_text_begin(text);
	size_t count, bytes = 0;
	struct value value;

	if (array_text_measure(text, &count) < 0)
		return 0; /* nothing will be written */
	arena_reset(field->scratch);
	for (size_t i = 0; field->element->times && i < count; i++)
		if (read_element(field, array_text_next(&array, field->scratch), &value))
			bytes += value.text.len * field->element->times;
	return bytes + count * (field->element->bytes + 1);
}
