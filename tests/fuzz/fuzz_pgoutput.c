/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The decoder of pgoutput under any bytes. An input is a session: messages one after the other, each behind its length
 * in two bytes, so that rows can follow their relations; a message that begins with '#' is a row of COPY text for the
 * last one. What is decoded is also encoded, and must read back by the schema that is published.
 */
#include "fuzz.h"

#include "base/reader.h"
#include "encode/datum.h"
#include "encode/envelope.h"
#include "encode/framing.h"
#include "postgres/pgoutput.h"
#include "schema/catalog.h"
#include "schema/contract.h"
#include "unit/source/captured.h"

#define VERSIONS_MAX 16 /* of tables, that are encoded */

struct version {
	struct encode_plan *plan; /* NULL: it cannot be published */
	struct contract *value;
	bool known;
};

struct session {
	struct catalog *catalog;
	struct pg_relations relations;
	struct pgoutput pg;
	struct encoder *encoder;
	struct version versions[VERSIONS_MAX];
	struct writer key, value;
	struct arena arena;
	uint32_t last; /* oid of the last relation */
};

static void begin(struct session *session)
{
	static const struct encode_options options = {
		.prefix = "tw", .source_name = "fuzz", .connector = "postgresql", .database = "db", .version = "0",
	};

	*session = (struct session){.catalog = catalog_new(), .encoder = encoder_new(&options)};
	captured_relations(&session->relations, session->catalog);
	pgoutput_init(&session->pg, &session->relations);
	arena_init(&session->arena);
}

static void end(struct session *session)
{
	for (unsigned i = 0; i < VERSIONS_MAX; i++) {
		encode_plan_free(session->versions[i].plan);
		contract_free(session->versions[i].value);
	}
	encoder_free(session->encoder);
	pgoutput_done(&session->pg);
	pg_relations_done(&session->relations);
	catalog_free(session->catalog);
	wr_done(&session->key);
	wr_done(&session->value);
	arena_done(&session->arena);
}

static struct version *version_of(struct session *session, const struct table *table)
{
	struct version *version = &session->versions[table->uid];
	struct diagnostics diag = {0};
	struct error err;

	if (version->known)
		return version;
	version->known = true;
	version->plan = encode_plan_new(session->encoder, table, &err);
	if (version->plan) {
		version->value = contract_parse_text("value", version->plan->value.text, &diag);
		MUST(version->value);
	}
	diag_done(&diag);
	return version;
}

static void read_back(struct session *session, const struct version *version, struct view message)
{
	uint64_t fingerprint = 0;
	struct view body;
	struct datum datum;
	struct error err;

	arena_reset(&session->arena);
	MUST(frame_split(message, &fingerprint, &body) == FRAMING_SINGLE_OBJECT);
	MUST(fingerprint == version->plan->value.fingerprint);
	if (avro_read(contract_root(version->value), body, &session->arena, &datum, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

static void encode(struct session *session, const struct change *change)
{
	struct version *version;
	struct message message;
	unsigned parts;
	struct error err;

	if (!change->table || change->table->uid >= VERSIONS_MAX || change->op == CHANGE_TABLE)
		return;
	version = version_of(session, change->table);
	parts = version->plan ? encode_parts(session->encoder, version->plan, change) : 0;
	for (unsigned part = 0; part < parts; part++) {
		if (encode_part(session->encoder, version->plan, change, part, &session->key, &session->value, &message,
				&err) < 0)
			return;
		if (message.value.ptr)
			read_back(session, version, message.value);
	}
}

static void take(struct session *session, const struct change *change)
{
	if (change->op == CHANGE_BEGIN)
		encode_begin(session->encoder, change->txn);
	if (change->op == CHANGE_TABLE)
		session->last = (uint32_t)change->table->source_id;
	encode(session, change);
}

static void take_copied(struct session *session, struct view line)
{
	const struct pg_table *table = pg_relations_find(&session->relations, session->last);
	struct change change;
	struct error err;

	if (table && table->captured && pgoutput_copy_row(&session->pg, table, line, &change, &err) == 0)
		encode(session, &change);
}

static void take_message(struct session *session, struct view message)
{
	struct change change;
	struct error err;
	int got;

	if (message.len && *message.ptr == '#') {
		take_copied(session, (struct view){message.ptr + 1, message.len - 1});
		return;
	}
	for (got = pgoutput_decode(&session->pg, message, 0, &change, &err); got > 0;
	     got = pgoutput_more(&session->pg, &change))
		take(session, &change);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader messages = reader_of(fuzz_view(data, size));
	struct session session;

	begin(&session);
	while (!messages.failed && rd_left(&messages)) {
		struct view message = rd_bytes(&messages, rd_u16be(&messages));

		if (!messages.failed)
			take_message(&session, message);
	}
	end(&session);
	return 0;
}
