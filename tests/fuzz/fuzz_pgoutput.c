/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The decoder of pgoutput under any bytes. An input is a session: messages one after the other, each behind its length
 * in two bytes, so that rows can follow their relations; a message that begins with '#' is a row of COPY text for the
 * last one. What is decoded is also encoded, and must read back by the schema that is published.
 */
#include "fuzz.h"

#include "base/reader.h"
#include "postgres/pgoutput.h"
#include "read_back.h"
#include "schema/catalog.h"
#include "unit/source/captured.h"

struct session {
	struct catalog *catalog;
	struct pg_relations relations;
	struct pgoutput pg;
	struct read_back back;
	uint32_t last; /* oid of the last relation */
};

static void begin(struct session *session)
{
	*session = (struct session){.catalog = catalog_new()};
	read_back_init(&session->back, "postgresql");
	captured_relations(&session->relations, session->catalog);
	pgoutput_init(&session->pg, &session->relations);
}

static void end(struct session *session)
{
	read_back_done(&session->back);
	pgoutput_done(&session->pg);
	pg_relations_done(&session->relations);
	catalog_free(session->catalog);
}

static void take(struct session *session, const struct change *change)
{
	if (change->op == CHANGE_TABLE)
		session->last = (uint32_t)change->table->source_id;
	read_back_change(&session->back, change);
}

static void take_copied(struct session *session, struct view line)
{
	const struct pg_table *table = pg_relations_find(&session->relations, session->last);
	struct change change;
	struct error err;

	if (table && table->captured && pgoutput_copy_row(&session->pg, table, line, &change, &err) == 0)
		read_back_change(&session->back, &change);
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
