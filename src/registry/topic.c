/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "registry/topic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"
#include "schema/contract.h"
#include "schema/fingerprint.h"

enum known { NOT_PUBLISHED, IN_TRANSACTION, PUBLISHED };

struct known_schema {
	uint64_t fingerprint;
	enum known known;
	struct contract *contract; /* owned; NULL: never read */
};

struct schema_topic {
	struct topic *topic;
	struct arena arena;
	struct map schemas;        /* fingerprint -> struct known_schema */
	size_t in_transaction;
	char key[SCHEMA_KEY_BYTES + 1];
};

struct schema_topic *schema_topic_new(struct topic *topic)
{
	struct schema_topic *schemas = MEM_NEW(struct schema_topic);

	schemas->topic = topic;
	arena_init(&schemas->arena);
	return schemas;
}

void schema_topic_free(struct schema_topic *schemas)
{
	if (!schemas)
		return;
	for (struct map_entry *entry = NULL; (entry = map_next(&schemas->schemas, entry));)
		contract_free(((struct known_schema *)entry->value)->contract);
	map_done(&schemas->schemas);
	arena_done(&schemas->arena);
	free(schemas);
}

static struct view key_of(const uint64_t *fingerprint)
{
	return (struct view){(const char *)fingerprint, sizeof(*fingerprint)};
}

static struct known_schema *schema_of(struct schema_topic *schemas, uint64_t fingerprint)
{
	struct known_schema *schema = map_get(&schemas->schemas, key_of(&fingerprint));

	if (schema)
		return schema;
	schema = ARENA_NEW(&schemas->arena, struct known_schema);
	schema->fingerprint = fingerprint;
	map_put(&schemas->schemas, key_of(&schema->fingerprint), schema);
	return schema;
}

bool schema_topic_need(struct schema_topic *schemas, uint64_t fingerprint, struct view text, struct message *out)
{
	struct known_schema *schema = schema_of(schemas, fingerprint);

	if (schema->known != NOT_PUBLISHED)
		return false;
	schema->known = IN_TRANSACTION;
	schemas->in_transaction++;
	snprintf(schemas->key, sizeof(schemas->key), "%016" PRIx64, fingerprint);
	*out = (struct message){.topic = schemas->topic, .key = {schemas->key, SCHEMA_KEY_BYTES}, .value = text};
	return true;
}

static void settle(struct schema_topic *schemas, enum known known)
{
	if (!schemas->in_transaction)
		return;
	for (struct map_entry *entry = NULL; (entry = map_next(&schemas->schemas, entry));) {
		struct known_schema *schema = entry->value;

		if (schema->known == IN_TRANSACTION)
			schema->known = known;
	}
	schemas->in_transaction = 0;
}

void schema_topic_committed(struct schema_topic *schemas)
{
	settle(schemas, PUBLISHED);
}

void schema_topic_aborted(struct schema_topic *schemas)
{
	settle(schemas, NOT_PUBLISHED);
}

static int read_key(struct view key, uint64_t *ret, struct error *err)
{
	char text[SCHEMA_KEY_BYTES + 1] = "";
	char *end = text;

	if (key.len == SCHEMA_KEY_BYTES)
		memcpy(text, key.ptr, SCHEMA_KEY_BYTES);
	*ret = strtoull(text, &end, 16);
	if (end == text + SCHEMA_KEY_BYTES && strspn(text, "0123456789abcdef") == SCHEMA_KEY_BYTES)
		return 0;
	return error_set(err, ERROR_RECORD, "a key of the schema topic is no fingerprint of %d hex digits",
			 SCHEMA_KEY_BYTES);
}

static int take_contract(struct known_schema *schema, struct contract *contract, struct error *err)
{
	uint64_t fingerprint = avro_fingerprint(contract_root(contract));

	if (fingerprint != schema->fingerprint)
		return error_set(err, ERROR_RECORD, "the schema under %016" PRIx64 " has the fingerprint %016" PRIx64,
				 schema->fingerprint, fingerprint);
	contract_free(schema->contract);
	schema->contract = contract;
	schema->known = PUBLISHED;
	return 0;
}

int schema_topic_read(struct schema_topic *schemas, struct view key, struct view value, struct error *err)
{
	struct diagnostics diag = {0};
	struct contract *contract;
	uint64_t fingerprint;
	int rc = 0;

	if (read_key(key, &fingerprint, err))
		return -1;
	contract = contract_parse_text("schema", value.ptr ? value : VIEW(""), &diag);
	if (!contract) {
		wr_u8(&diag.text, 0);
		rc = error_set(err, ERROR_RECORD, "the schema under %016" PRIx64 " is none: %.*s", fingerprint,
			       (int)strcspn(diag.text.data, "\n"), diag.text.data);
	} else if (take_contract(schema_of(schemas, fingerprint), contract, err)) {
		contract_free(contract);
		rc = -1;
	}
	diag_done(&diag);
	return rc;
}

const struct avro_type *schema_topic_find(const struct schema_topic *schemas, uint64_t fingerprint)
{
	const struct known_schema *schema = map_get(&schemas->schemas, key_of(&fingerprint));

	return schema && schema->contract ? contract_root(schema->contract) : NULL;
}
