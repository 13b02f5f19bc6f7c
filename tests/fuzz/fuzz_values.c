/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values of PostgreSQL, type by type: an input is the name of a type ("int4", "int4[]"), a blank, and the text; or the name, an
 * exclamation mark, and the binary form. What is taken for a value must be encoded in every form, or refused by it, and read back by the schema that is published.
 */
#include "fuzz.h"

#include <string.h>

#include "encode/datum.h"
#include "encode/envelope.h"
#include "encode/framing.h"
#include "postgres/binary.h"
#include "postgres/types.h"

static const struct value_forms forms[] = {
	{DECIMALS_PRECISE, TIMES_ADAPTIVE, BINARY_BYTES},
	{DECIMALS_STRING, TIMES_MICROS, BINARY_BASE64},
	{DECIMALS_DOUBLE, TIMES_CONNECT, BINARY_HEX},
};

static void read_back(const struct encode_plan *plan, struct view message)
{
	struct arena arena;
	struct datum datum;
	uint64_t fingerprint;
	struct error err;
	struct view body;

	arena_init(&arena);
	MUST(frame_split(message, &fingerprint, &body) == FRAMING_SINGLE_OBJECT);
	MUST(avro_read(plan->value.type, body, &arena, &datum, &err) == 0);
	arena_done(&arena);
}

static void encode(struct encoder *enc, struct column *column, struct value *value)
{
	struct table table = {.schema = "s", .name = "t", .columns = column, .column_count = 1};
	struct transaction txn = {.final = {POSITION_PG_LSN, 1}};
	struct change change = {.op = CHANGE_INSERT, .table = &table, .txn = &txn, .after = {IMAGE_FULL, value}};
	struct writer key = {0}, bytes = {0};
	struct message message;
	struct error err;
	struct encode_plan *plan = encode_plan_new(enc, &table, &err);

	MUST(plan);
	encode_begin(enc, &txn);
	encode_parts(enc, plan, &change);
	if (encode_part(enc, plan, &change, 0, &key, &bytes, &message, &err) == 0)
		read_back(plan, message.value);
	wr_done(&key);
	wr_done(&bytes);
	encode_plan_free(plan);
}

/* How many bytes stand before the first one of those in `ends`; all, if there is none. */
static size_t fuzz_span(const uint8_t *data, size_t size, const char *ends)
{
	size_t len = 0;

	while (len < size && (!data[len] || !strchr(ends, data[len])))
		len++;
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t name_len = fuzz_span(data, size, " !");
	const uint8_t *blank = name_len < size ? data + name_len : NULL;
	char name[32] = "";
	size_t len = blank ? (size_t)(blank - data) : sizeof(name);
	struct value value = {.state = VALUE_PRESENT};
	const struct pg_type *type;
	pg_convert *convert;
	struct column column;
	struct arena arena;
	bool array;

	if (len >= sizeof(name))
		return 0;
	memcpy(name, data, len);
	array = len > 2 && strcmp(name + len - 2, "[]") == 0;
	name[array ? len - 2 : len] = '\0';
	type = pg_type_find_name(name, -1);
	if (!type)
		return 0;
	convert = *blank == '!' ? (array ? NULL : binary_of(type)) : array ? convert_array : type->convert;
	if (!convert)
		return 0;
	arena_init(&arena);
	column = (struct column){.name = "c", .type = pg_type_of(type, -1), .source_type = name};
	if (array) {
		column.element = column.type;
		column.type = (struct type){.kind = TYPE_ARRAY};
		column.element_from_text = type->convert;
	}
	if (convert(fuzz_view(blank + 1, size - len - 1), &arena, &value) == 0) {
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			struct encode_options options = {
				.prefix = "tw", .source_name = "fuzz", .connector = "postgresql", .database = "db", .version = "0",
				.forms = forms[i],
			};
			struct encoder *enc = encoder_new(&options);

			encode(enc, &column, &value);
			encoder_free(enc);
		}
	}
	arena_done(&arena);
	return 0;
}
