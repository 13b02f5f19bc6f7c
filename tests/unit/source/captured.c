/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "captured.h"

static const struct {
	uint32_t oid;
	struct pg_type_fact fact;
} type_facts[] = {
	{16416, {.name = "mood", .kind = 'e'}},
	{16422, {.name = "amount", .kind = 'd', .base = 1700, .modifier = 786438}},
	{16430, {.name = "hstore", .kind = 'b'}},
};

static const char *const tables[] = {"types", "k", "f"};

static int find_type(void *context, uint32_t oid, const struct pg_type_fact **ret, struct error *err)
{
	(void)context;
	(void)err;
	for (size_t i = 0; i < sizeof(type_facts) / sizeof(type_facts[0]); i++) {
		if (type_facts[i].oid == oid) {
			*ret = &type_facts[i].fact;
			return 1;
		}
	}
	return 0;
}

static int find_money_digits(void *context, int *ret, struct error *err)
{
	(void)context;
	(void)err;
	*ret = 2;
	return 0;
}

static int find_attributes(void *context, uint32_t relation, struct arena *arena, struct pg_attribute_facts *ret,
			   struct error *err)
{
	(void)context;
	(void)relation;
	(void)arena;
	(void)ret;
	(void)err;
	return 0;
}

/* The replica identity that the log tells is all there is. */
static int find_key(void *context, uint32_t relation, char identity, struct arena *arena, const char ***ret_names,
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

void captured_relations(struct pg_relations *set, struct catalog *catalog)
{
	pg_relations_init(set, catalog, (struct pg_facts){.type = find_type, .money_digits = find_money_digits, .attributes = find_attributes,
					   .key = find_key});
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		pg_relations_capture(set, "public", tables[i]);
}
