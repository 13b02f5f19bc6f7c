/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A record of our own topics under any bytes, as `tailwater read` prints it: an input is a schema's text, a zero byte,
 * and the value. What is read must be printed on one line, and written and read again as the same.
 */
#include "fuzz.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "encode/datum.h"
#include "encode/framing.h"
#include "encode/json.h"
#include "registry/topic.h"
#include "schema/contract.h"
#include "schema/fingerprint.h"

struct read {
	const struct avro_type *type;
	struct arena arena;
	struct writer line, shown, first, second;
};

static void print(struct read *rd, const struct datum *datum)
{
	datum_json(rd->type, datum, &rd->line);
	MUST(!memchr(rd->line.data, '\n', rd->line.len));
	json_indent(&rd->shown, wr_view(&rd->line));
}

/*
 * Blocks and numbers may have been written in more bytes than they need: the second writing is compared with the first.
 */
static void write_again(struct read *rd, const struct datum *datum)
{
	struct datum again;
	struct error err;

	if (datum_write(rd->type, datum, &rd->first, &err) < 0)
		return;
	MUST(avro_read(rd->type, wr_view(&rd->first), &rd->arena, &again, &err) == 0);
	MUST(datum_write(rd->type, &again, &rd->second, &err) == 0);
	MUST(view_equal(wr_view(&rd->first), wr_view(&rd->second)));
}

static void read_value(const struct avro_type *type, struct view value)
{
	struct read rd = {.type = type};
	struct datum datum;
	struct error err;

	if (avro_read(type, value, &rd.arena, &datum, &err) == 0) {
		print(&rd, &datum);
		write_again(&rd, &datum);
	}
	wr_done(&rd.line);
	wr_done(&rd.shown);
	wr_done(&rd.first);
	wr_done(&rd.second);
	arena_done(&rd.arena);
}

/* The schema as a record of the schema topic, under the fingerprint that it has. */
static const struct avro_type *take_schema(struct schema_topic *schemas, struct view text)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("fuzz", text, &diag);
	uint64_t fingerprint = contract ? avro_fingerprint(contract_root(contract)) : 0;
	char key[SCHEMA_KEY_BYTES + 1];
	struct error err;
	int result;

	snprintf(key, sizeof(key), "%016llx", (unsigned long long)fingerprint);
	result = schema_topic_read(schemas, view_of(key), text, &err);
	MUST((result == 0) == (contract != NULL));
	contract_free(contract);
	diag_done(&diag);
	return schema_topic_find(schemas, fingerprint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	struct schema_topic *schemas = schema_topic_new(NULL);
	const struct avro_type *type;
	size_t text = zero ? (size_t)(zero - data) : size;

	type = take_schema(schemas, fuzz_view(data, text));
	if (type && zero)
		read_value(type, fuzz_view(zero + 1, size - text - 1));
	schema_topic_free(schemas);
	return 0;
}
