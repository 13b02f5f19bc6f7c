/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Runs an entity's rules over two documents. Values are bound in one form, whether they come from a document or an
 * image: numbers and booleans as such, decimals, dates and times as text, enums by their symbol.
 *
 * An image is a list of   path length(8) path kind(1) value    with kind i or r: 8 bytes, s or b: length(8) and bytes;
 * numbers in little endian.
 */
#include "canonical/rules.h"

#include <stdio.h>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/reader.h"
#include "compile.h"
#include "faults.h"

#define PRINTED_BYTES (DECIMAL_TEXT_BYTES > DATETIME_TEXT_BYTES ? DECIMAL_TEXT_BYTES : DATETIME_TEXT_BYTES)

/* A scalar as rules see it. */
struct scalar {
	char kind; /* 0: null; i, r, s, b */
	int64_t integer;
	double real;
	struct view text;
	char printed[PRINTED_BYTES];
};

static void scalar_of(const struct avro_type *type, const struct datum *datum, struct scalar *ret)
{
	struct decimal decimal = {.scale = type->scale};

	ret->kind = 's';
	switch (type->logical) {
	case AVRO_DECIMAL:
		decimal.coefficient = datum->decimal;
		ret->text = (struct view){ret->printed, (size_t)decimal_print(decimal, ret->printed)};
		return;
	case AVRO_DATE:
		ret->text = (struct view){ret->printed, (size_t)date_print(datum->integer, ret->printed)};
		return;
	case AVRO_TIMESTAMP_MICROS:
		ret->text = (struct view){ret->printed, (size_t)timestamp_print(datum->integer, true, ret->printed)};
		return;
	default:
		break;
	}
	switch (type->kind) {
	case AVRO_STRING:
	case AVRO_BYTES:
		ret->kind = type->kind == AVRO_STRING ? 's' : 'b';
		ret->text = datum->text;
		return;
	case AVRO_ENUM:
		ret->text = view_of(type->symbols[datum->integer]);
		return;
	case AVRO_FLOAT:
	case AVRO_DOUBLE:
		ret->kind = 'r';
		ret->real = datum->real;
		return;
	default:
		ret->kind = 'i';
		ret->integer = datum->integer;
	}
}

static void bind_scalar(sqlite3_stmt *stmt, int parameter, const struct scalar *scalar)
{
	switch (scalar->kind) {
	case 'i':
		sqlite3_bind_int64(stmt, parameter, scalar->integer);
		return;
	case 'r':
		sqlite3_bind_double(stmt, parameter, scalar->real);
		return;
	case 's':
		/* What was printed is gone before the statement runs; what the document holds is not. */
		sqlite3_bind_text(stmt, parameter, scalar->text.ptr, (int)scalar->text.len,
				  scalar->text.ptr == scalar->printed ? SQLITE_TRANSIENT : SQLITE_STATIC);
		return;
	case 'b':
		sqlite3_bind_blob(stmt, parameter, scalar->text.ptr, (int)scalar->text.len, SQLITE_STATIC);
		return;
	default:
		sqlite3_bind_null(stmt, parameter);
	}
}

static const struct datum *find_entry(const struct datum *map, struct view key)
{
	for (uint32_t i = 0; map->set && i + 1 < map->count; i += 2)
		if (view_equal(map->items[i].text, key))
			return &map->items[i + 1];
	return NULL;
}

static const struct datum *find_datum(const struct rule_field *field, const struct datum *document)
{
	const struct datum *datum = document;

	for (unsigned i = 0; i < field->step_count; i++) {
		if (!datum->set || field->steps[i] >= datum->count)
			return NULL;
		datum = &datum->items[field->steps[i]];
	}
	if (field->map_key.ptr)
		datum = find_entry(datum, field->map_key);
	return datum && datum->set ? datum : NULL;
}

static uint64_t read_u64(struct reader *rd)
{
	uint64_t value = 0;
	const char *ptr = rd_take(rd, sizeof(value));

	if (ptr)
		memcpy(&value, ptr, sizeof(value));
	return le64toh(value);
}

static struct view read_text(struct reader *rd)
{
	return rd_bytes(rd, read_u64(rd));
}

static void find_in_image(const struct rule_field *field, struct view image, struct scalar *ret)
{
	struct reader rd = reader_of(image);

	while (rd_left(&rd)) {
		struct scalar scalar = {0};
		struct view path = read_text(&rd);

		scalar.kind = (char)rd_u8(&rd);
		if (scalar.kind == 'i')
			scalar.integer = (int64_t)read_u64(&rd);
		else if (scalar.kind == 'r')
			scalar.integer = (int64_t)read_u64(&rd);
		else
			scalar.text = read_text(&rd);
		if (scalar.kind == 'r')
			memcpy(&scalar.real, &scalar.integer, sizeof(scalar.real));
		if (!rd.failed && view_is(path, field->path)) {
			*ret = scalar;
			return;
		}
	}
}

static void look_at(const struct rule_field *field, struct rules_side side, struct scalar *ret)
{
	const struct datum *datum = side.document ? find_datum(field, side.document) : NULL;

	ret->kind = 0;
	if (datum)
		scalar_of(field->type, datum, ret);
	else if (!side.document && side.image.ptr)
		find_in_image(field, side.image, ret);
}

static void bind_field(sqlite3_stmt *stmt, const struct rule_field *field, int parameter, struct rules_side side)
{
	struct scalar scalar;

	if (!parameter)
		return;
	look_at(field, side, &scalar);
	bind_scalar(stmt, parameter, &scalar);
}

static void bind_sides(sqlite3_stmt *stmt, const struct rules_plan *rules, struct rules_side old, struct rules_side new)
{
	for (unsigned i = 0; i < rules->field_count; i++) {
		bind_field(stmt, &rules->fields[i], rules->fields[i].parameters[0], old);
		bind_field(stmt, &rules->fields[i], rules->fields[i].parameters[1], new);
	}
}

/* Memory -------------------------------------------------------------------------------------- */

#define TRIED_LEAST 1000 /* before it is judged */
#define MISSED_MOST 4    /* for one that is found */

struct inputs {
	size_t len;
	char bytes[REMEMBERED_BYTES];
	bool too_many;
};

static void put(struct inputs *to, const void *bytes, size_t len)
{
	to->too_many |= len > sizeof(to->bytes) - to->len;
	if (to->too_many)
		return;
	memcpy(to->bytes + to->len, bytes, len);
	to->len += len;
}

/* No two lists of values are written alike. */
static void put_scalar(struct inputs *to, const struct scalar *scalar)
{
	put(to, &scalar->kind, 1);
	if (scalar->kind == 'i') {
		put(to, &scalar->integer, sizeof(scalar->integer));
	} else if (scalar->kind == 'r') {
		put(to, &scalar->real, sizeof(scalar->real));
	} else if (scalar->kind) {
		put(to, &scalar->text.len, sizeof(scalar->text.len));
		put(to, scalar->text.ptr, scalar->text.len);
	}
}

static void take_inputs(const struct rules_plan *rules, struct rules_side old, struct rules_side new, struct inputs *ret)
{
	ret->len = 0;
	ret->too_many = false;
	for (unsigned i = 0; i < rules->field_count && !ret->too_many; i++) {
		struct scalar scalar;

		for (int side = 0; side < 2; side++) {
			if (!rules->fields[i].parameters[side])
				continue;
			look_at(&rules->fields[i], side ? new : old, &scalar);
			put_scalar(ret, &scalar);
		}
	}
}

/* The place of these values, whatever stands there now; NULL: they are not remembered. */
static struct remembered *place_of(const struct rules_plan *rules, struct rules_side old, struct rules_side new,
				   struct inputs *inputs)
{
	struct rules_memory *memory = rules->memory;

	if (memory->missed > TRIED_LEAST && memory->missed > MISSED_MOST * memory->found)
		return NULL;
	take_inputs(rules, old, new, inputs);
	if (inputs->too_many || !inputs->len)
		return NULL;
	return &memory->slots[hash_bytes((struct view){inputs->bytes, inputs->len}, 0) % REMEMBERED];
}

static bool stands_there(const struct remembered *place, const struct inputs *inputs)
{
	return place->len == inputs->len && memcmp(place->values, inputs->bytes, inputs->len) == 0;
}

static void remember(struct remembered *place, const struct inputs *inputs, uint64_t fired)
{
	place->fired = fired;
	place->len = (uint8_t)inputs->len;
	memcpy(place->values, inputs->bytes, inputs->len);
}

/* Rules --------------------------------------------------------------------------------------- */

/* After a statement that gave no row; resets it. */
static int rules_failed(struct mapping *mapping, const struct entity *entity, sqlite3_stmt *stmt, struct error *err)
{
	sqlite3 *handle = db_handle(mapping->db);

	if (failed_on_data(sqlite3_errcode(handle)))
		error_set(err, ERROR_RECORD, "%s", sqlite3_errmsg(handle));
	else
		db_error(mapping->db, "evaluating rules", err);
	sqlite3_reset(stmt);
	return error_context(err, "rules of %s", entity->name);
}

static int fire(struct mapping *mapping, const struct entity *entity, struct rules_side old, struct rules_side new,
		uint64_t *ret_fired, struct error *err)
{
	const struct rules_plan *rules = &entity->plan->rules;
	sqlite3_stmt *stmt = rules->statement.stmt;
	uint64_t fired = 0;

	bind_sides(stmt, rules, old, new);
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return rules_failed(mapping, entity, stmt, err);
	for (unsigned i = 0; i < entity->event_count; i++)
		if (sqlite3_column_int(stmt, (int)i))
			fired |= UINT64_C(1) << i;
	sqlite3_reset(stmt);
	*ret_fired = fired;
	return 0;
}

int rules_fire(struct mapping *mapping, const struct entity *entity, struct rules_side old, struct rules_side new,
	       uint64_t *ret_fired, struct error *err)
{
	struct rules_memory *memory = entity->plan->rules.memory;
	struct remembered *place;
	struct inputs inputs;

	*ret_fired = 0;
	if (!entity->event_count)
		return 0;
	place = place_of(&entity->plan->rules, old, new, &inputs);
	if (place && stands_there(place, &inputs)) {
		memory->found++;
		*ret_fired = place->fired;
		return 0;
	}
	memory->missed++;
	if (fire(mapping, entity, old, new, ret_fired, err) < 0)
		return -1;
	if (place)
		remember(place, &inputs, *ret_fired);
	return 0;
}

static struct fault blame(struct mapping *mapping, const struct entity *entity, unsigned event, struct arena *arena)
{
	return (struct fault){
		.reason = FAULT_QUERY,
		.message = arena_copy(arena, view_of(sqlite3_errmsg(db_handle(mapping->db)))),
		.rule = view_of(entity->events[event].name),
		.place = fault_place(&entity->plan->rules.each[event], "", arena),
	};
}

/* 1: it fires, 0: it does not. Its parameters have the numbers that they have in the statement of all rules. */
static int fire_one(struct mapping *mapping, const struct entity *entity, unsigned event, struct rules_side old,
		    struct rules_side new, sqlite3_stmt **ret, struct error *err)
{
	if (db_prepare(mapping->db, entity->plan->rules.each[event].sql, ret, err) < 0)
		return -1;
	bind_sides(*ret, &entity->plan->rules, old, new);
	return sqlite3_step(*ret) == SQLITE_ROW && sqlite3_column_int(*ret, 0);
}

int rules_fire_singly(struct mapping *mapping, const struct entity *entity, struct rules_side old,
		      struct rules_side new, struct arena *arena, uint64_t *ret_fired, struct fault *ret_fault,
		      struct error *err)
{
	uint64_t fired = 0;
	bool failed = false;

	for (unsigned i = 0; i < entity->event_count; i++) {
		sqlite3_stmt *stmt;
		int fires = fire_one(mapping, entity, i, old, new, &stmt, err);

		if (fires < 0)
			return -1;
		if (!fires && !failed && failed_on_data(sqlite3_errcode(db_handle(mapping->db)))) {
			*ret_fault = blame(mapping, entity, i, arena);
			failed = true;
		}
		sqlite3_finalize(stmt);
		fired |= (uint64_t)fires << i;
	}
	*ret_fired = fired;
	return failed;
}

static void write_text(struct writer *wr, struct view text)
{
	wr_u64le(wr, text.len);
	wr_view_bytes(wr, text);
}

static void write_scalar(struct writer *wr, struct view path, const struct avro_type *type, const struct datum *datum)
{
	struct scalar scalar;
	uint64_t bits;

	scalar_of(type, datum, &scalar);
	write_text(wr, path);
	wr_u8(wr, (uint8_t)scalar.kind);
	if (scalar.kind == 'i') {
		wr_u64le(wr, (uint64_t)scalar.integer);
	} else if (scalar.kind == 'r') {
		memcpy(&bits, &scalar.real, sizeof(bits));
		wr_u64le(wr, bits);
	} else {
		write_text(wr, scalar.text);
	}
}

static void write_record(struct writer *wr, const char *prefix, const struct avro_type *type,
			 const struct datum *record);

static void write_field(struct writer *wr, const char *prefix, const struct avro_field *field,
			const struct datum *datum)
{
	char path[256];
	int len = snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", field->name);
	const struct avro_type *type = field->type;

	if (!datum->set || len >= (int)sizeof(path))
		return;
	if (type->kind == AVRO_RECORD) {
		write_record(wr, path, type, datum);
	} else if (type->kind == AVRO_MAP && type->items->kind < AVRO_RECORD) {
		for (uint32_t i = 0; i + 1 < datum->count; i += 2) {
			len = snprintf(path, sizeof(path), "%s%s%s.%.*s", prefix, *prefix ? "." : "", field->name,
				       VIEW_ARG(datum->items[i].text));
			if (datum->items[i + 1].set && len < (int)sizeof(path))
				write_scalar(wr, view_of(path), type->items, &datum->items[i + 1]);
		}
	} else if (type->kind < AVRO_RECORD) {
		write_scalar(wr, view_of(path), type, datum);
	}
}

static void write_record(struct writer *wr, const char *prefix, const struct avro_type *type,
			 const struct datum *record)
{
	for (unsigned i = 0; i < type->field_count && i < record->count; i++)
		write_field(wr, prefix, &type->fields[i], &record->items[i]);
}

void rules_image(const struct entity *entity, const struct datum *document, struct writer *wr)
{
	write_record(wr, "", entity->type, document);
}

int rules_history(struct mapping *mapping, const struct entity *entity, const struct datum *document, bool *ret_wanted,
		  struct error *err)
{
	const struct rules_plan *history = &entity->plan->history;
	sqlite3_stmt *stmt = history->statement.stmt;

	*ret_wanted = true;
	if (!stmt)
		return 0;
	bind_sides(stmt, history, (struct rules_side){0}, (struct rules_side){.document = document});
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return rules_failed(mapping, entity, stmt, err) < 0 && err->class != ERROR_RECORD ? -1 : 0;
	*ret_wanted = sqlite3_column_int(stmt, 0);
	sqlite3_reset(stmt);
	return 0;
}
