/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* How the parts of a record are decoded is said by its topic: one row for each topic that is not Avro. */
#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "encode/datum.h"
#include "encode/framing.h"
#include "encode/json.h"
#include "encode/protobuf_read.h"
#include "encode/recode.h"
#include "registry/client.h"
#include "registry/references.h"
#include "registry/topic.h"
#include "report.h"
#include "schema/contract.h"
#include "schema/fingerprint.h"

#define POLL_US (100 * USEC_PER_MSEC)
#define REGISTRY_PATIENCE_US (30 * USEC_PER_SEC)

struct records {
	const struct kafka_options *kafka;
	char *schemas_topic;
	size_t prefix_len;             /* with its dot */
	struct schema_topic *schemas;
	struct registry_options registry_options;
	struct registry *registry;     /* made when it is first asked */
	struct map contracts;          /* id in the registry -> struct registered */
	struct arena contract_arena;
	struct arena arena;            /* of one record */
	struct writer line;
	struct writer key;
};

struct registered {
	uint64_t id;
	struct contract *contract; /* owned; NULL: its records are JSON, or ... */
	const struct protobuf_file *protobuf;
};

struct records *records_new(const struct kafka_options *kafka, const char *prefix,
			    const struct registry_options *registry)
{
	struct records *records = MEM_NEW(struct records);

	records->kafka = kafka;
	records->schemas_topic = mem_printf("%s.schemas", prefix);
	records->prefix_len = strlen(prefix) + 1;
	records->schemas = schema_topic_new(NULL);
	records->registry_options = *registry;
	records->registry_options.patience_us = REGISTRY_PATIENCE_US;
	arena_init(&records->contract_arena);
	arena_init(&records->arena);
	return records;
}

void records_free(struct records *records)
{
	if (!records)
		return;
	free(records->schemas_topic);
	schema_topic_free(records->schemas);
	registry_free(records->registry);
	for (struct map_entry *entry = NULL; (entry = map_next(&records->contracts, entry));)
		contract_free(((struct registered *)entry->value)->contract);
	map_done(&records->contracts);
	arena_done(&records->contract_arena);
	arena_done(&records->arena);
	wr_done(&records->line);
	wr_done(&records->key);
	free(records);
}

/* Schemas ------------------------------------------------------------------------------------- */

static int read_schemas(struct records *records, struct topic_reader *reader, struct error *err)
{
	const char *topics[] = {records->schemas_topic};
	struct reader_record record;
	bool at_end = false;

	if (topic_reader_assign(reader, topics, 1, READ_BEGINNING, 0, err) < 0)
		return -1;
	for (;;) {
		int got = topic_reader_next(reader, POLL_US, &record, &at_end, err);

		if (got < 0)
			return -1;
		/* One that is none hurts only the records that need it. */
		if (got > 0 && schema_topic_read(records->schemas, record.key, record.value, err) < 0 &&
		    err->class != ERROR_RECORD)
			return -1;
		if (at_end)
			return 0;
	}
}

static int load_schemas(struct records *records, struct error *err)
{
	struct topic_reader *reader;
	int result;

	if (topic_reader_new(&reader, records->kafka, err) < 0)
		return -1;
	result = read_schemas(records, reader, err);
	topic_reader_free(reader);
	return result;
}

static int find_schema(struct records *records, uint64_t fingerprint, const struct avro_type **ret, struct error *err)
{
	*ret = schema_topic_find(records->schemas, fingerprint);
	if (*ret)
		return 0;
	if (fingerprint == avro_fingerprint(avro_primitive(AVRO_STRING))) {
		*ret = avro_primitive(AVRO_STRING);
		return 0;
	}
	if (load_schemas(records, err) < 0)
		return -1;
	*ret = schema_topic_find(records->schemas, fingerprint);
	if (*ret)
		return 0;
	return error_set(err, ERROR_RECORD, "schema %016" PRIx64 " is not in %s", fingerprint, records->schemas_topic);
}

static int ask(void *arg, const struct registry_request *request, struct registry_answer *ret, struct error *err)
{
	struct records *records = arg;

	return registry_get(records->registry, request, ret, err);
}

/* With all that it refers to. */
static int ask_registry(struct records *records, int32_t id, struct schema_text *ret, struct error *err)
{
	struct registry_request request = {.question = REGISTRY_BY_ID, .id = id};
	struct registry_answer answer;

	if (!records->registry_options.url)
		return error_set(err, ERROR_RECORD, "its schema is number %d of a registry, but there is no registry.url", id);
	if (!records->registry && registry_new(&records->registry, &records->registry_options, err) < 0)
		return -1;
	if (registry_get(records->registry, &request, &answer, err) < 0)
		return -1;
	if (!answer.found)
		return error_set(err, ERROR_RECORD, "the schema registry has no schema with the id %d", id);
	*ret = schema_copy(&answer.schema, &records->contract_arena);
	return schema_whole(ret, ask, records, &records->contract_arena, &ret->text, err);
}

static struct contract *parse_registered(struct view text)
{
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("schema", text, &diag);

	diag_done(&diag);
	return contract;
}

/* Of a schema of JSON nothing is needed but that it is one. */
static int take_registered(struct records *records, uint64_t id, const struct schema_text *text,
			   const struct registered **ret, struct error *err)
{
	struct registered *schema = ARENA_NEW(&records->contract_arena, struct registered);

	schema->id = id;
	if (text->format == SCHEMA_AVRO)
		schema->contract = parse_registered(text->text);
	if (text->format == SCHEMA_PROTOBUF)
		schema->protobuf = protobuf_parse(text->text, &records->contract_arena);
	if (text->format != SCHEMA_JSON && !schema->contract && !schema->protobuf)
		return error_set(err, ERROR_RECORD, "the schema with the id %" PRIu64 " is none that we can read", id);
	map_put(&records->contracts, (struct view){(const char *)&schema->id, sizeof(schema->id)}, schema);
	*ret = schema;
	return 0;
}

static int find_known(struct records *records, uint64_t id, const struct registered **ret, struct error *err)
{
	struct schema_text text;

	*ret = map_get(&records->contracts, (struct view){(const char *)&id, sizeof(id)});
	if (*ret)
		return 0;
	if (ask_registry(records, (int32_t)id, &text, err) < 0)
		return -1;
	return take_registered(records, id, &text, ret, err);
}

/* *ret is NULL if the record is not in Avro. */
static int find_registered(struct records *records, uint64_t id, const struct avro_type **ret, struct error *err)
{
	const struct registered *known;

	if (find_known(records, id, &known, err) < 0)
		return -1;
	*ret = known->contract ? contract_root(known->contract) : NULL;
	return 0;
}

typedef int find_function(struct records *records, uint64_t number, const struct avro_type **ret, struct error *err);

static find_function *const finders[] = {
	[FRAMING_SINGLE_OBJECT] = find_schema,
	[FRAMING_CONFLUENT] = find_registered,
};

/* Parts of a record: as JSON into `to`; what a user would call it into `text`, if that is asked for ---- */

typedef int decode_part(struct records *records, struct view bytes, struct writer *to, struct writer *text,
			struct error *err);

/* As values of ours are in JSON; what is in Avro never begins so. */
static bool is_json(struct view bytes)
{
	return bytes.len && (*bytes.ptr == '{' || *bytes.ptr == '"');
}

/* Of a record that has its schema in itself, its payload; as no member of a schema is called so, it is the first. */
static struct view payload_of(struct view bytes)
{
	static const struct view begin = {RECODE_CONNECT_BEGIN "{\"type\":", sizeof(RECODE_CONNECT_BEGIN "{\"type\":") - 1};
	const char *found = NULL;

	if (bytes.len > begin.len && memcmp(bytes.ptr, begin.ptr, begin.len) == 0)
		found = memmem(bytes.ptr, bytes.len, "}" RECODE_CONNECT_PAYLOAD, sizeof(RECODE_CONNECT_PAYLOAD));
	if (!found)
		return bytes;
	found += sizeof(RECODE_CONNECT_PAYLOAD);
	return (struct view){found, (size_t)(bytes.ptr + bytes.len - found) - 1};
}

/* A key that is a string is called by its content: ours have nothing that is escaped. */
static int copy_json(struct view bytes, struct writer *to, struct writer *text)
{
	size_t quote;

	bytes = payload_of(bytes);
	quote = bytes.len > 1 && *bytes.ptr == '"';

	wr_view_bytes(to, bytes);
	if (text)
		wr_bytes(text, bytes.ptr + quote, bytes.len - 2 * quote);
	return 0;
}

/* Behind the frame stands which message of the file it is: ours are the first. */
static int decode_protobuf(const struct protobuf_file *file, struct view body, struct writer *to, struct writer *text, struct error *err)
{
	struct writer json = {0};
	int result = -1;

	if (!body.len || *body.ptr)
		error_set(err, ERROR_RECORD, "this is not the first message of its file");
	else
		result = protobuf_json(file, (struct view){body.ptr + 1, body.len - 1}, &json, err);
	if (result == 0)
		copy_json(wr_view(&json), to, text);
	wr_done(&json);
	return result;
}

static int decode_other(struct records *records, uint64_t id, struct view body, struct writer *to, struct writer *text,
			struct error *err)
{
	const struct registered *known;

	if (find_known(records, id, &known, err) < 0)
		return -1;
	if (known->protobuf)
		return decode_protobuf(known->protobuf, body, to, text, err);
	return is_json(body) ? copy_json(body, to, text) : error_set(err, ERROR_RECORD, "this is not JSON");
}

static int decode_avro(struct records *records, struct view bytes, struct writer *to, struct writer *text,
		       struct error *err)
{
	const struct avro_type *type;
	uint64_t number;
	struct datum datum;
	struct view body;
	size_t start = to->len;
	enum framing framing = frame_split(bytes, &number, &body);

	if (framing == FRAMING_NONE && is_json(bytes))
		return copy_json(bytes, to, text);
	if (framing == FRAMING_NONE)
		return error_set(err, ERROR_RECORD, "this has no frame of Avro, neither that of a single object nor Confluent's");
	if (finders[framing](records, number, &type, err) < 0)
		return -1;
	if (!type)
		return decode_other(records, number, body, to, text, err);
	if (avro_read(type, body, &records->arena, &datum, err) < 0)
		return -1;
	datum_json(type, &datum, to);
	if (!text)
		return 0;
	if (type->kind == AVRO_STRING)
		wr_view_bytes(text, datum.text);
	else
		wr_bytes(text, to->data + start, to->len - start);
	return 0;
}

static int decode_text(struct records *records, struct view bytes, struct writer *to, struct writer *text,
		       struct error *err)
{
	(void)records;
	(void)err;
	json_text(to, bytes);
	if (text)
		wr_view_bytes(text, bytes);
	return 0;
}

static int decode_json(struct records *records, struct view bytes, struct writer *to, struct writer *text,
		       struct error *err)
{
	(void)records;
	(void)text;
	(void)err;
	wr_view_bytes(to, bytes);
	return 0;
}

static int decode_checkpoint(struct records *records, struct view bytes, struct writer *to, struct writer *text,
			     struct error *err)
{
	struct checkpoint checkpoint = {0};

	(void)records;
	(void)text;
	if (checkpoint_decode(bytes, &checkpoint, err) < 0)
		return -1;
	report_checkpoint(&checkpoint, to);
	return 0;
}

static const struct coding {
	const char *topic; /* without the prefix */
	decode_part *key;
	decode_part *value;
} codings[] = {
	{"checkpoint", decode_text, decode_checkpoint},
	{"schemas", decode_text, decode_json},
	{NULL, decode_avro, decode_avro},
};

static const struct coding *coding_of(const struct records *records, const char *topic)
{
	const struct coding *coding = codings;

	while (coding->topic && strcmp(coding->topic, topic + records->prefix_len) != 0)
		coding++;
	return coding;
}

static int decode(struct records *records, decode_part *part, struct view bytes, struct writer *text, struct error *err)
{
	if (bytes.ptr)
		return part(records, bytes, &records->line, text, err);
	wr_printf(&records->line, "null");
	return 0;
}

static int complain(const struct reader_record *record, const char *part, struct error *err)
{
	struct error told = *err;

	return error_set(err, told.class, "%s, partition %d, offset %" PRId64 ": %s%s", record->topic,
			 record->partition, record->offset, part, told.text);
}

int records_decode(struct records *records, const struct reader_record *record, struct view *ret_line,
		   struct view *ret_key, struct error *err)
{
	const struct coding *coding = coding_of(records, record->topic);
	struct writer *line = &records->line;

	arena_reset(&records->arena);
	wr_clear(line);
	wr_clear(&records->key);
	wr_printf(line, "{\"topic\":\"%s\",\"partition\":%d,\"offset\":%" PRId64 ",\"timestamp\":", record->topic,
		  record->partition, record->offset);
	report_time(record->timestamp, line);
	wr_printf(line, ",\"key\":");
	if (decode(records, coding->key, record->key, &records->key, err) < 0)
		return complain(record, "key: ", err);
	wr_printf(line, ",\"value\":");
	if (decode(records, coding->value, record->value, NULL, err) < 0)
		return complain(record, "", err);
	wr_u8(line, '}');
	*ret_line = wr_view(line);
	*ret_key = wr_view(&records->key);
	return 0;
}
