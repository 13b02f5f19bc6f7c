/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The decoder of pgoutput under any bytes. An input is a session: messages one after the other, each behind its length in
 * two bytes, so that rows can follow their relations.
 */
#include <stdint.h>

#include "base/reader.h"
#include "postgres/pgoutput.h"
#include "schema/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int no_type(void *context, uint32_t oid, const struct pg_type_fact **ret, struct error *err)
{
	(void)context;
	(void)oid;
	(void)ret;
	(void)err;
	return 0;
}

static int no_key(void *context, uint32_t relation, char identity, struct arena *arena, const char ***ret_names,
		  unsigned *ret_count, struct error *err)
{
	(void)context;
	(void)relation;
	(void)identity;
	(void)arena;
	(void)ret_names;
	(void)ret_count;
	(void)err;
	return 0;
}

static void decode_session(struct pgoutput *pg, struct reader *session)
{
	while (!session->failed && rd_left(session)) {
		struct view message = rd_bytes(session, rd_u16be(session));
		struct change change;
		struct error err;
		int got = session->failed ? -1 : pgoutput_decode(pg, message, 0, &change, &err);

		while (got > 0)
			got = pgoutput_more(pg, &change);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader session = reader_of((struct view){(const char *)data, size});
	struct catalog *catalog = catalog_new();
	struct pg_relations relations;
	struct pgoutput pg;

	pg_relations_init(&relations, catalog, (struct pg_facts){.type = no_type, .key = no_key});
	pg_relations_capture(&relations, "public", "types");
	pg_relations_capture(&relations, "public", "k");
	pg_relations_capture(&relations, "public", "f");
	pgoutput_init(&pg, &relations);
	decode_session(&pg, &session);
	pgoutput_done(&pg);
	pg_relations_done(&relations);
	catalog_free(catalog);
	return 0;
}
