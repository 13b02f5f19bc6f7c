/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "read_back.h"

#include "fuzz.h"

#include "encode/datum.h"
#include "encode/framing.h"
#include "schema/contract.h"

void read_back_init(struct read_back *rb, const char *connector)
{
	const struct encode_options options = {
		.prefix = "tw", .source_name = "fuzz", .connector = connector, .database = "db", .version = "0",
	};

	*rb = (struct read_back){.encoder = encoder_new(&options)};
	arena_init(&rb->arena);
}

void read_back_done(struct read_back *rb)
{
	for (unsigned i = 0; i < VERSIONS_MAX; i++) {
		encode_plan_free(rb->versions[i].plan);
		contract_free(rb->versions[i].value);
	}
	encoder_free(rb->encoder);
	wr_done(&rb->key);
	wr_done(&rb->value);
	arena_done(&rb->arena);
}

static struct read_back_version *version_of(struct read_back *rb, const struct table *table)
{
	struct read_back_version *version = &rb->versions[table->uid];
	struct diagnostics diag = {0};
	struct error err;

	if (version->known)
		return version;
	version->known = true;
	version->plan = encode_plan_new(rb->encoder, table, &err);
	if (version->plan) {
		version->value = contract_parse_text("value", version->plan->value.text, &diag);
		MUST(version->value);
	}
	diag_done(&diag);
	return version;
}

static void check(struct read_back *rb, const struct read_back_version *version, struct view message)
{
	uint64_t fingerprint = 0;
	struct view body;
	struct datum datum;
	struct error err;

	arena_reset(&rb->arena);
	MUST(frame_split(message, &fingerprint, &body) == FRAMING_SINGLE_OBJECT);
	MUST(fingerprint == version->plan->value.fingerprint);
	if (avro_read(contract_root(version->value), body, &rb->arena, &datum, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

void read_back_change(struct read_back *rb, const struct change *change)
{
	struct read_back_version *version;
	struct message message;
	unsigned parts;
	struct error err;

	if (change->op == CHANGE_BEGIN)
		encode_begin(rb->encoder, change->txn);
	if (!change->table || change->table->uid >= VERSIONS_MAX || change->op == CHANGE_TABLE)
		return;
	version = version_of(rb, change->table);
	parts = version->plan ? encode_parts(rb->encoder, version->plan, change) : 0;
	for (unsigned part = 0; part < parts; part++) {
		if (encode_part(rb->encoder, version->plan, change, part, &rb->key, &rb->value, &message, &err) < 0)
			return;
		if (message.value.ptr)
			check(rb, version, message.value);
	}
}
