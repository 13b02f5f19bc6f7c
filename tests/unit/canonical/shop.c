/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The shop, and the printing of its documents. */
#include "shop.h"

#include <stdlib.h>

#include "base/datetime.h"
#include "base/decimal.h"
#include "unit/rows.h"
#include "unit/unit.h"

static const char *const tables[SHOP_TABLES] = {
	"orders(*id int64, number text, partner_id int64, state int16, day date, made timestamp, total decimal,"
	" weight float64, gone bool, rate float64, note text, company int32, currency_id int64, big text, kind text,"
	" seen zoned, open numeric, picture bytes)",
	"order_line(*id int64, order_id int64, place int32, text text, net decimal, kind text)",
	"order_tax(*line_id int64, *code text, amount numeric)",
	"partner(*id int64, name text, credit decimal)",
	"currency(*id int64, code text)",
	"loose(a int64, b text)",
	"line_tax(*id int64, line_id int64, tax_id int32, amount decimal)",
	"tax(*id int32, code text)",
};

const char *shop_path(struct shop *shop, const char *name)
{
	const char *top = getenv("srcdir");

	return arena_printf(&shop->arena, "%s/tests/unit/canonical/data/%s", top ? top : ".", name).ptr;
}

static void must(struct shop *shop, bool good)
{
	if (!good)
		fail_msg("%.*s%s", (int)shop->diag.text.len, shop->diag.text.data ? shop->diag.text.data : "",
			 shop->err.text);
}

void shop_begin(struct shop *shop)
{
	memset(shop, 0, sizeof(*shop));
	arena_init(&shop->arena);
	shop->contract = contract_load(shop_path(shop, "schemas"), &shop->diag);
	must(shop, shop->contract != NULL);
	for (int i = 0; i < SHOP_TABLES; i++)
		shop->tables[i] = rows_table(&shop->arena, tables[i]);
}

struct pack *shop_pack(struct shop *shop, struct view entity)
{
	static const char head[] = "name: p\nversion: \"1\"\nsystem: s\n";
	struct writer text = {0};
	struct pack *pack;

	wr_printf(&text, "pack.yaml %zu\n%s\nEntity.yaml %zu\n", strlen(head), head, entity.len);
	wr_view_bytes(&text, entity);
	wr_u8(&text, '\n');
	pack = pack_read(wr_view(&text), &shop->diag);
	wr_done(&text);
	return pack;
}

struct mapping *shop_compile(struct shop *shop, struct pack *pack)
{
	struct mapping_options options = {
		.pack = pack, .instance = "shop 1", .contract = shop->contract, .tables_known = true,
		.tables = shop->tables, .table_count = SHOP_TABLES,
	};

	return mapping_compile(&options, &shop->diag);
}

static void open_with_pack(struct shop *shop, struct pack *pack, unsigned memory_roots)
{
	const struct mirror_need *needs;
	unsigned count;

	shop->pack = pack;
	must(shop, shop->pack != NULL);
	shop->mapping = shop_compile(shop, shop->pack);
	must(shop, shop->mapping != NULL);
	must(shop, db_open(":memory:", NULL, &shop->db, &shop->err) == 0);
	needs = mapping_needs(shop->mapping, &count);
	must(shop, mirror_open(shop->db, needs, count, &shop->mirror, &shop->err) == 0);
	for (int i = 0; i < SHOP_TABLES; i++)
		must(shop, mirror_declare(shop->mirror, shop->tables[i], NULL, &shop->err) == 0);
	must(shop, mapping_open(shop->mapping, shop->db, &shop->err) == 0);
	must(shop, touch_open(shop->mapping, shop->mirror, memory_roots, &shop->touch, &shop->err) == 0);
}

void shop_open(struct shop *shop, unsigned memory_roots)
{
	shop_begin(shop);
	open_with_pack(shop, pack_load(shop_path(shop, "pack"), NULL, &shop->diag), memory_roots);
}

void shop_open_entity(struct shop *shop, const char *entity)
{
	shop_begin(shop);
	open_with_pack(shop, shop_pack(shop, view_of(entity)), 0);
}

void shop_done(struct shop *shop)
{
	touch_close(shop->touch);
	mapping_free(shop->mapping);
	mirror_close(shop->mirror);
	db_close(shop->db);
	pack_free(shop->pack);
	contract_free(shop->contract);
	diag_done(&shop->diag);
	arena_done(&shop->arena);
}

static const struct table *find_table(struct shop *shop, struct view name)
{
	for (int i = 0; i < SHOP_TABLES; i++)
		if (view_is(name, shop->tables[i]->name))
			return shop->tables[i];
	fail_msg("no table '%.*s'", VIEW_ARG(name));
	return NULL;
}

void shop_apply(struct shop *shop, const char *changes)
{
	char *save, *text = (char *)arena_copy(&shop->arena, view_of(changes)).ptr;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct table *table = find_table(shop, (struct view){line, strcspn(line, ":")});
		struct change change = rows_change(&shop->arena, table, strchr(line, ':') + 2);

		must(shop, touch_before(shop->touch, &change, &shop->err) == 0);
		must(shop, mirror_apply(shop->mirror, &change, &shop->err) == 0);
		must(shop, touch_after(shop->touch, &change, &shop->err) == 0);
	}
}

const char *shop_touched(struct shop *shop, uint64_t done)
{
	struct touched touched;
	struct writer text = {0};
	const char *result;
	int found;

	must(shop, touch_start(shop->touch, done, &shop->err) == 0);
	while ((found = touch_next(shop->touch, &touched, &shop->err)) == 1) {
		char buffer[ROOT_KEY_BYTES];
		struct view key = root_key_text(touched.key, buffer);

		wr_printf(&text, "%s%s %.*s", text.len ? ", " : "", touched.entity->name, VIEW_ARG(key));
	}
	must(shop, found == 0);
	must(shop, touch_clear(shop->touch, &shop->err) == 0);
	result = arena_copy(&shop->arena, wr_view(&text)).ptr;
	wr_done(&text);
	return result;
}

struct document shop_evaluate(struct shop *shop, const char *entity, int64_t key)
{
	struct root_key root = {.is_number = true, .number = key};
	struct document document;

	must(shop, evaluate(shop->mapping, mapping_entity(shop->mapping, entity), root, &shop->arena, &document,
			    &shop->err) == 0);
	return document;
}

static void print(struct writer *wr, const struct avro_type *type, const struct datum *datum);

static void print_record(struct writer *wr, const struct avro_type *type, const struct datum *datum)
{
	const char *between = "{";

	for (unsigned i = 0; i < type->field_count; i++) {
		if (!datum->items[i].set)
			continue;
		wr_printf(wr, "%s%s: ", between, type->fields[i].name);
		print(wr, type->fields[i].type, &datum->items[i]);
		between = ", ";
	}
	wr_printf(wr, "}");
}

static void print_items(struct writer *wr, const struct avro_type *type, const struct datum *datum)
{
	bool is_map = type->kind == AVRO_MAP;

	wr_printf(wr, is_map ? "{" : "[");
	for (uint32_t i = 0; i < datum->count; i++) {
		if (i)
			wr_printf(wr, ", ");
		if (is_map) {
			wr_printf(wr, "%.*s: ", VIEW_ARG(datum->items[i].text));
			i++;
		}
		print(wr, type->items, &datum->items[i]);
	}
	wr_printf(wr, is_map ? "}" : "]");
}

static void print_logical(struct writer *wr, const struct avro_type *type, const struct datum *datum)
{
	char text[DECIMAL_TEXT_BYTES];

	if (type->logical == AVRO_DECIMAL)
		decimal_print((struct decimal){.coefficient = datum->decimal, .scale = type->scale}, text);
	else if (type->logical == AVRO_DATE)
		date_print(datum->integer, text);
	else
		timestamp_print(datum->integer, true, text);
	wr_printf(wr, "%s", text);
}

static void print(struct writer *wr, const struct avro_type *type, const struct datum *datum)
{
	if (!datum->set)
		wr_printf(wr, "null");
	else if (type->logical)
		print_logical(wr, type, datum);
	else if (type->kind == AVRO_RECORD)
		print_record(wr, type, datum);
	else if (type->kind == AVRO_ARRAY || type->kind == AVRO_MAP)
		print_items(wr, type, datum);
	else if (type->kind == AVRO_ENUM)
		wr_printf(wr, "%s", type->symbols[datum->integer]);
	else if (type->kind == AVRO_STRING || type->kind == AVRO_BYTES)
		wr_printf(wr, "'%.*s'", VIEW_ARG(datum->text));
	else if (type->kind == AVRO_DOUBLE || type->kind == AVRO_FLOAT)
		wr_printf(wr, "%g", datum->real);
	else
		wr_printf(wr, "%lld", (long long)datum->integer);
}

const char *shop_print(struct shop *shop, const struct avro_type *type, const struct datum *datum)
{
	struct writer text = {0};
	const char *result;

	print(&text, type, datum);
	result = arena_copy(&shop->arena, wr_view(&text)).ptr;
	wr_done(&text);
	return result;
}
