/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* From changes to documents and events: the road that the pipeline takes, on a shop in memory. */
#include "canonical/root.h"
#include "shop.h"
#include "unit/unit.h"

static struct shop shop;

static int set_up(void **state)
{
	(void)state;
	shop_open(&shop, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	shop_done(&shop);
	return 0;
}

/* orders: id|number|partner|state|day|made|total|weight|gone|rate|note|company|currency|big|kind|seen|open|picture */
#define REST "|~|~|~|~|~"
#define PARTNER "partner: + 7|Alice|~\ncurrency: + 1|EUR\n"
#define ORDER "orders: + 1|A-1|7|1|2024-02-29|2024-07-01 12:00:00|12.50|0.5|0|1.1|hello|3|1" REST "\n"

#define ORDER_TEXT(lines) \
	"{canonicalId: 'shop%201/Order/1', sourceKeys: {id: '1'}, deleted: 0, legalEntity: 'shop%201/Company/3', " \
	"number: 'A-1', status: POSTED, customer: 'shop%201/Partner/7', orderDate: 2024-02-29, " \
	"createdAt: 2024-07-01 10:00:00+00, total: {amount: 12.500000000, currency: 'EUR'}, weight: 0.5, rate: 1.10, " \
	"extensions: {partner_name: 'Alice', note: 'hello'}, lines: " lines "}"

static void an_order_becomes_a_document(void **state)
{
	struct document document;

	(void)state;
	shop_apply(&shop, PARTNER ORDER);
	document = shop_evaluate(&shop, "Order", 1);
	assert_true(document.exists && document.valid && !document.deleted);
	assert_string_equal(shop_print(&shop, document.entity->type, &document.datum), ORDER_TEXT("[]"));
	assert_view(document.canonical_id, "shop%201/Order/1");
	assert_view(document.legal_entity, "shop%201/Company/3");
	assert_int_equal(document.correlation_count, 1);
	assert_string_equal(document.correlation[0].name, "customerId");
	assert_view(document.correlation[0].id, "shop%201/Partner/7");
	assert_int_equal(document.quality_count, 1);
	assert_view(document.quality[0], "binary-float");
}

static void an_order_carries_its_lines_and_their_taxes(void **state)
{
	struct document document;

	(void)state;
	shop_apply(&shop, PARTNER ORDER
		   "order_line: + 20|1|2|second|5|~\norder_line: + 10|1|1|~|7.5|~\norder_line: + 30|2|1|other|1|~\n"
		   "order_tax: + 10|B|0.125\norder_tax: + 10|A|1\norder_tax: + 20|A|2");
	document = shop_evaluate(&shop, "Order", 1);
	assert_true(document.valid);
	assert_string_equal(shop_print(&shop, document.entity->type, &document.datum), ORDER_TEXT(
		"[{lineNo: 1, net: {amount: 7.500000000, currency: 'EUR'}, taxes: "
		"[{code: 'A', tax: {amount: 1.000000000, currency: 'EUR'}}, "
		"{code: 'B', tax: {amount: 0.125000000, currency: 'EUR'}}], tags: ['A', 'B']}, "
		"{lineNo: 2, text: 'second', net: {amount: 5.000000000, currency: 'EUR'}, taxes: "
		"[{code: 'A', tax: {amount: 2.000000000, currency: 'EUR'}}], tags: ['A']}]"));
}

static void what_is_not_there_has_no_document(void **state)
{
	struct document document;

	(void)state;
	document = shop_evaluate(&shop, "Order", 99);
	assert_false(document.exists);
	assert_view(document.canonical_id, "shop%201/Order/99");
}

static void a_soft_delete_is_a_deleted_document(void **state)
{
	struct document document;

	(void)state;
	shop_apply(&shop, PARTNER "orders: + 1|A-1|7|1|~|~|~|~|1|~|~|3|1" REST);
	document = shop_evaluate(&shop, "Order", 1);
	assert_true(document.exists && document.deleted && document.valid);
}

static const struct {
	const char *sentence;
	const char *changes;
	const char *path;
	enum fault_reason reason;
	const char *message;
	const char *value;
	int line; /* of data/pack/Order.yaml */
} invalid[] = {
	{"a missing customer", "orders: + 1|A|~|1|~|~|~|~|0|~|~|3|1" REST, "customer", FAULT_REQUIRED,
	 "it is required, but missing", NULL, 11},
	{"a missing legal entity", "orders: + 1|A|7|1|~|~|~|~|0|~|~|~|1" REST, "legalEntity", FAULT_REQUIRED,
	 "it is required, but missing", NULL, 23},
	{"an amount without currency", "orders: + 1|A|7|1|~|~|1.00|~|0|~|~|3|~" REST, "total.currency", FAULT_REQUIRED,
	 "it is required, but missing", NULL, 17},
	{"more digits than the field holds", "orders: + 1|A|7|1|~|~|~|~|0|1234.5|~|3|1" REST, "rate", FAULT_RANGE,
	 "1234.5 has more digits than decimal(5,2) holds", "1234.5", 20},
	{"a fraction that would be rounded", "orders: + 1|A|7|1|~|~|0.0000000001|~|0|~|~|3|1" REST, "total.amount",
	 FAULT_RANGE, "0.0000000001 has more digits than decimal(38,9) holds", "0.0000000001", 16},
	{"a number that is none", "orders: + 1|A|7|1|~|~|NaN|~|0|~|~|3|1" REST, "total.amount", FAULT_RANGE,
	 "'NaN' is no decimal of up to 38 digits", "NaN", 16},
	{"a date without end", "orders: + 1|A|7|1|infinity|~|~|~|0|~|~|3|1" REST, "orderDate", FAULT_RANGE,
	 "'infinity' has no place in a date", "infinity", 14},
	{"an instant without end", "orders: + 1|A|7|1|~|infinity|~|~|0|~|~|3|1" REST, "createdAt", FAULT_RANGE,
	 "'infinity' has no place in a timestamp", "infinity", 15},
	{"a field of a line", ORDER "order_line: + 5|1|1|~|1|~\norder_line: + 6|1|2|~|~|~", "lines[1].net.amount",
	 FAULT_REQUIRED, "it is required, but missing", NULL, 37},
	{"a field of a tax of a line", ORDER "order_line: + 5|1|1|~|1|~\norder_line: + 6|1|2|~|1|~\norder_tax: + 6|A|~",
	 "lines[1].taxes[0].tax.amount", FAULT_REQUIRED, "it is required, but missing", NULL, 34},
};

static bool same_text(struct view text, const char *expected)
{
	return expected ? view_is(text, expected) : !text.ptr;
}

static void what_does_not_fit_has_a_reason_and_a_place(void **state)
{
	(void)state;
	FOR_EACH(row, invalid) {
		const struct fault *fault;
		struct document document;
		char place[40];

		shop_open(&shop, 0);
		shop_apply(&shop, "partner: + 7|Alice|~\ncurrency: + 1|EUR");
		shop_apply(&shop, row->changes);
		document = shop_evaluate(&shop, "Order", 1);
		fault = &document.fault;
		snprintf(place, sizeof(place), "Order.yaml:%d", row->line);
		if (document.valid || !view_is(fault->path, row->path) || !view_is(fault->message, row->message) ||
		    fault->reason != row->reason || !same_text(fault->value, row->value) ||
		    !view_is(fault->place, place))
			fail_msg("%s: %s %s '%.*s' '%.*s': '%.*s' at %.*s", row->sentence,
				 document.valid ? "valid" : "invalid", fault_reason_names[fault->reason],
				 VIEW_ARG(fault->path), VIEW_ARG(fault->value), VIEW_ARG(fault->message),
				 VIEW_ARG(fault->place));
		shop_done(&shop);
	}
}

/* One column of an entity of Partner, which has a name only, and of Order. */
static const struct {
	const char *column, *reason, *value;
} refused[] = {
	{"x'00ff' AS number", "TYPE", "\\x00ff"},
	{"'soon' AS orderDate", "TYPE", "soon"},
	{"o.note AS status", "ENUM", "hello"},
	{"o.note || 'h\303\251' AS rate", "TYPE", "helloh\303\251"},
	{"o.id || '0000000000000000000000000000000000000000' AS rate", "RANGE", "10000000000000000000000000000000000000000"},
	{"dec_div(1, o.partner_id - 7, 2) AS rate", "QUERY", NULL},
	{"CAST(x'636166e9' AS TEXT) AS number", "ENCODING", "\\x636166e9"},
};

static void a_reason_is_one_of_the_contracts(void **state)
{
	(void)state;
	FOR_EACH(row, refused) {
		struct document document;
		char entity[400];

		snprintf(entity, sizeof(entity), "entity: Order\nroot: orders\nowner: billing\ndocument: |\n"
			 "  SELECT %s,\n         ref('Partner', 1) AS customer FROM orders o WHERE id = :id\n", row->column);
		shop_open_entity(&shop, entity);
		shop_apply(&shop, ORDER);
		document = shop_evaluate(&shop, "Order", 1);
		if (document.valid || strcmp(fault_reason_names[document.fault.reason], row->reason) ||
		    !same_text(document.fault.value, row->value) || !view_is(document.fault.place, "Entity.yaml:5"))
			fail_msg("%s: %s '%.*s' at %.*s", row->column, fault_reason_names[document.fault.reason],
				 VIEW_ARG(document.fault.value), VIEW_ARG(document.fault.place));
		shop_done(&shop);
	}
}

static const struct {
	const char *sentence;
	const char *before;  /* not counted */
	const char *changes;
	const char *touched;
} touches[] = {
	{"a new root touches itself", "", ORDER, "Order 1"},
	{"a root that moves touches both keys", ORDER, "orders: = 2|A|7|1|~|~|~|~|0|~|~|3|1" REST " <- 1|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.",
	 "Order 1, Order 2"},
	{"a deleted root touches itself", ORDER, "orders: - 1|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.", "Order 1"},
	{"five updates of a row touch it once", ORDER, "orders: = 1|B|!|!|!|!|!|!|!|!|!|!|!|!|!|!|!|!\n"
	 "orders: = 1|C|!|!|!|!|!|!|!|!|!|!|!|!|!|!|!|!", "Order 1"},
	{"a line touches its order", "", "order_line: + 5|8|1|~|1|~", "Order 8"},
	{"a line that moves touches both orders", "order_line: + 5|8|1|~|1|~", "order_line: = 5|9|1|~|1|~",
	 "Order 8, Order 9"},
	{"a deleted line touches the order it had", "order_line: + 5|8|1|~|1|~", "order_line: - 5|.|.|.|.|.", "Order 8"},
	{"a line of no order touches nothing", "", "order_line: + 5|~|1|~|1|~", ""},
	{"a tax touches the order of its line", "order_line: + 5|8|1|~|1|~", "order_tax: + 5|A|1", "Order 8"},
	{"a tax that changes its code touches once", "order_line: + 5|8|1|~|1|~\norder_tax: + 5|A|1",
	 "order_tax: = 5|B|1 <- 5|A|.", "Order 8"},
	{"a partner touches all its orders", ORDER "orders: + 3|C|7|1|~|~|~|~|0|~|~|3|1" REST "\norders: + 2|B|8|1|~|~|~|~|0|~|~|3|1" REST,
	 "partner: + 7|Alice|~", "Order 1, Order 3"},
	{"a reference touches nothing", ORDER, "currency: = 1|USD", ""},
	{"truncated lines touch every order that had one", "order_line: + 5|8|1|~|1|~\norder_line: + 6|8|1|~|1|~\n"
	 "order_line: + 7|9|1|~|1|~", "order_line: 0", "Order 8, Order 9"},
	{"a truncated root touches all", ORDER "orders: + 3|C|7|1|~|~|~|~|0|~|~|3|1" REST, "orders: 0",
	 "Order 1, Order 3"},
	{"keys come in order of numbers", "", "order_line: + 1|10|1|~|1|~\norder_line: + 2|9|1|~|1|~\n"
	 "order_line: + 3|-1|1|~|1|~", "Order -1, Order 9, Order 10"},
};

static void check_touches(unsigned memory_roots)
{
	FOR_EACH(row, touches) {
		const char *touched;

		shop_open(&shop, memory_roots);
		shop_apply(&shop, row->before);
		shop_touched(&shop, 0);
		shop_apply(&shop, row->changes);
		touched = shop_touched(&shop, 0);
		if (strcmp(touched, row->touched) != 0)
			fail_msg("%s: '%s'", row->sentence, touched);
		assert_string_equal(shop_touched(&shop, 0), "");
		shop_done(&shop);
	}
}

static void a_change_touches_the_documents_that_read_its_row(void **state)
{
	(void)state;
	check_touches(0);
}

static void the_same_are_touched_when_memory_is_short(void **state)
{
	(void)state;
	check_touches(1);
}

static void touched_roots_outlive_a_state_commit_and_handing_out_goes_on_where_it_stopped(void **state)
{
	struct touched touched;

	(void)state;
	shop_apply(&shop, "order_line: + 1|1|1|~|1|~\norder_line: + 2|2|1|~|1|~\norder_line: + 3|3|1|~|1|~");
	assert_ok(touch_spill(shop.touch, &shop.err), &shop.err);
	assert_ok(db_commit(shop.db, &shop.err), &shop.err);
	shop_apply(&shop, "order_line: + 4|4|1|~|1|~");
	assert_ok(db_rollback(shop.db, &shop.err), &shop.err);
	shop_apply(&shop, "order_line: + 5|5|1|~|1|~");
	assert_string_equal(shop_touched(&shop, 1), "Order 2, Order 3, Order 5");

	/* In the middle of handing out from memory. */
	assert_ok(db_commit(shop.db, &shop.err), &shop.err);
	shop_apply(&shop, "order_line: + 6|1|1|~|1|~\norder_line: + 7|2|1|~|1|~\norder_line: + 8|3|1|~|1|~");
	assert_ok(touch_start(shop.touch, 0, &shop.err), &shop.err);
	assert_int_equal(touch_next(shop.touch, &touched, &shop.err), 1);
	assert_ok(touch_spill(shop.touch, &shop.err), &shop.err);
	assert_ok(db_commit(shop.db, &shop.err), &shop.err);
	assert_int_equal(touch_next(shop.touch, &touched, &shop.err), 1);
	assert_true(touched.key.number == 2);
	assert_ok(db_rollback(shop.db, &shop.err), &shop.err);
	assert_string_equal(shop_touched(&shop, 1), "Order 2, Order 3");
	assert_ok(db_commit(shop.db, &shop.err), &shop.err);
	assert_ok(db_rollback(shop.db, &shop.err), &shop.err);
	assert_string_equal(shop_touched(&shop, 0), "");
}

static struct document evaluate_text_key(const char *entity, const char *key)
{
	struct root_key root = {.text = view_of(key)};
	struct document document;

	assert_ok(evaluate(shop.mapping, mapping_entity(shop.mapping, entity), root, &shop.arena, &document, &shop.err),
		  &shop.err);
	return document;
}

static void a_root_with_a_key_of_several_columns_is_named_by_all_of_them(void **state)
{
	struct document document;

	(void)state;
	shop_open_entity(&shop, "entity: Partner\nroot: order_tax\n"
				"touched_by: {order_line: 'SELECT line_id, code FROM order_tax WHERE line_id = :id'}\n"
				"document: SELECT code || '/' || amount AS name FROM order_tax JOIN order_line l ON l.id = line_id"
				" WHERE line_id = :line_id AND code = :code\n");
	shop_apply(&shop, "order_line: + 5|8|1|~|1|~\norder_tax: + 5|a,b%|1.50\norder_tax: + 5|B|2");
	assert_string_equal(shop_touched(&shop, 0), "Partner 5,B, Partner 5,a%2Cb%25");
	shop_apply(&shop, "order_line: = 5|8|2|~|1|~");
	assert_string_equal(shop_touched(&shop, 0), "Partner 5,B, Partner 5,a%2Cb%25");
	document = evaluate_text_key("Partner", "5,a%2Cb%25");
	assert_true(document.exists && document.valid);
	assert_string_equal(shop_print(&shop, document.entity->type, &document.datum),
			    "{canonicalId: 'shop%201/Partner/5%2Ca%252Cb%2525', sourceKeys: {line_id: '5', code: 'a,b%'}, "
			    "name: 'a,b%/1.50'}");
	shop_done(&shop);
}

static void a_statement_that_fails_on_the_data_makes_the_document_invalid(void **state)
{
	struct document document;

	(void)state;
	shop_open_entity(&shop, "entity: Partner\nroot: partner\n"
				"document: SELECT dec_div(1, credit, 2) AS name FROM partner WHERE id = :id\n");
	shop_apply(&shop, "partner: + 1|a|0.00\npartner: + 2|a|4");
	document = shop_evaluate(&shop, "Partner", 1);
	assert_true(document.exists && !document.valid);
	assert_view(document.fault.message, "division by zero");
	assert_int_equal(document.fault.reason, FAULT_QUERY);
	document = shop_evaluate(&shop, "Partner", 2);
	assert_true(document.valid);
	shop_done(&shop);
}

static void two_rows_for_one_root_are_no_document(void **state)
{
	struct document document;

	(void)state;
	shop_open_entity(&shop, "entity: Partner\nroot: orders\ntouched_by: {order_line: order_id}\n"
				"document: SELECT l.text AS name FROM orders o JOIN order_line l ON l.order_id = o.id"
				" WHERE o.id = :id\n");
	shop_apply(&shop, ORDER "order_line: + 5|1|1|a|1|~\norder_line: + 6|1|1|b|1|~");
	document = shop_evaluate(&shop, "Partner", 1);
	assert_true(document.exists && !document.valid);
	assert_view(document.fault.message, "the document query gives more than one row");
	shop_done(&shop);
}

/* The names of the events that fire between two states of an order; -1: there is none. */
static const char *fired(int old_state, int new_state, const char *total, bool by_image)
{
	const struct entity *entity = mapping_entity(shop.mapping, "Order");
	struct document documents[2];
	struct rules_side sides[2] = {{0}, {0}};
	int states[2] = {old_state, new_state};
	struct writer image = {0};
	uint64_t events;
	char *names = arena_alloc(&shop.arena, 200);

	for (int i = 0; i < 2; i++) {
		if (states[i] < 0)
			continue;
		shop_apply(&shop, arena_printf(&shop.arena, "orders: + 1|A|7|%d|~|~|%s|~|0|~|~|3|1" REST, states[i],
					       total).ptr);
		documents[i] = shop_evaluate(&shop, "Order", 1);
		sides[i].document = &documents[i].datum;
	}
	if (by_image && sides[0].document) {
		rules_image(entity, sides[0].document, &image);
		sides[0] = (struct rules_side){.image = wr_view(&image)};
	}
	assert_ok(rules_fire(shop.mapping, entity, sides[0], sides[1], &events, &shop.err), &shop.err);
	wr_done(&image);
	*names = '\0';
	for (unsigned i = 0; i < entity->event_count; i++)
		if (events >> i & 1)
			sprintf(names + strlen(names), "%s%s", *names ? " " : "", entity->events[i].name);
	return names;
}

static const struct {
	const char *sentence;
	int old_state, new_state;
	const char *total, *events;
} transitions[] = {
	{"a draft raises nothing", -1, 0, "1", ""},
	{"a draft that is posted", 0, 1, "1", "OrderPosted"},
	{"created straight in its target state", -1, 2, "1", "OrderPosted"},
	{"posted, then paid, is posted already", 1, 2, "1", ""},
	{"posted and back", 1, 0, "1", "OrderUnposted"},
	{"posted, then cancelled", 1, 9, "1", "OrderCancelled"},
	{"posted, then gone", 1, -1, "10.00", "OrderCancelled"},
	{"decimals are compared by value", 1, -1, "0.00", ""},
	{"a draft that is gone", 0, -1, "1", ""},
};

/* All of them again, since what was seen before is remembered, by whatever it came. */
static void rules_fire_on_transitions(void **state)
{
	(void)state;
	shop_open(&shop, 0);
	shop_apply(&shop, PARTNER);
	for (int times = 0; times < 4; times++) {
		FOR_EACH(row, transitions) {
			const char *events = fired(row->old_state, row->new_state, row->total, times % 2);

			if (strcmp(events, row->events) != 0)
				fail_msg("%s: '%s' the time %d", row->sentence, events, times + 1);
		}
	}
	shop_done(&shop);
}

/* More values than can be remembered, each of them twice: what takes another's place does not speak for it. */
static void rules_do_not_take_one_value_for_another(void **state)
{
	(void)state;
	shop_open(&shop, 0);
	shop_apply(&shop, PARTNER);
	for (int times = 0; times < 2; times++) {
		for (int total = 0; total < 300; total++) {
			char text[16];

			sprintf(text, "%d.00", total);
			assert_string_equal(fired(1, -1, text, 0), total ? "OrderCancelled" : "");
		}
	}
	shop_done(&shop);
}

static void a_rule_that_fails_on_the_data_is_named_and_the_others_say_what_they_say(void **state)
{
	const struct entity *entity;
	struct document document;
	struct rules_side new = {.document = &document.datum};
	struct fault fault;
	uint64_t fired;

	(void)state;
	shop_open_entity(
		&shop,
		"entity: Order\nroot: orders\ndocument: SELECT o.number AS number, ref('Partner', 1) AS customer,"
		" o.rate AS rate FROM orders o WHERE id = :id\nevents:\n"
		"  OrderPosted: {class: FINANCIAL, when: new.number = 'A-1'}\n"
		"  OrderUnposted: {class: FINANCIAL, when: \"new.rate > 0 AND dec_cmp(dec_div(1, dec_sub(new.rate, 1.1), 2), 0) > 0\"}\n");
	entity = mapping_entity(shop.mapping, "Order");
	shop_apply(&shop, ORDER);
	document = shop_evaluate(&shop, "Order", 1);
	assert_true(document.valid);
	assert_int_equal(rules_fire(shop.mapping, entity, (struct rules_side){0}, new, &fired, &shop.err), -1);
	assert_int_equal(shop.err.class, ERROR_RECORD);
	assert_int_equal(rules_fire_singly(shop.mapping, entity, (struct rules_side){0}, new, &shop.arena, &fired, &fault,
					   &shop.err), 1);
	assert_int_equal(fired, 1);
	assert_view(fault.rule, "OrderUnposted");
	assert_view(fault.message, "division by zero");
	assert_view(fault.place, "Entity.yaml:6");
	shop_apply(&shop, "orders: = 1|A-1|7|1|~|~|~|~|0|2|~|3|1" REST);
	document = shop_evaluate(&shop, "Order", 1);
	assert_ok(rules_fire(shop.mapping, entity, (struct rules_side){0}, new, &fired, &shop.err), &shop.err);
	assert_int_equal(fired, 3);
	shop_done(&shop);
}

static const char *print_map(struct datum map)
{
	struct avro_type type = {.kind = AVRO_MAP, .items = avro_primitive(AVRO_STRING), .items_nullable = true};

	return map.set ? shop_print(&shop, &type, &map) : "";
}

static void a_root_shows_its_key_and_its_row(void **state)
{
	const struct entity *entity;
	struct root_key key = {.is_number = true, .number = 1};
	struct datum row;

	(void)state;
	shop_apply(&shop, PARTNER ORDER);
	entity = mapping_entity(shop.mapping, "Order");
	assert_string_equal(print_map(root_keys(entity, key, &shop.arena)), "{id: '1'}");
	assert_ok(root_image(shop.mapping, entity, key, &shop.arena, &row, &shop.err), &shop.err);
	assert_string_equal(print_map(row),
			    "{id: '1', number: 'A-1', partner_id: '7', state: '1', day: '2024-02-29', "
			    "made: '2024-07-01 12:00:00', total: '12.50', weight: '0.5', gone: '0', rate: '1.1', note: 'hello', "
			    "company: '3', currency_id: '1'}");
	key.number = 2;
	assert_ok(root_image(shop.mapping, entity, key, &shop.arena, &row, &shop.err), &shop.err);
	assert_false(row.set);
}

#define PARTNER_ENTITY "entity: Partner\nroot: partner\ndocument: SELECT name FROM partner WHERE id = :id\n"

static void the_owner_is_the_entitys_or_the_packs(void **state)
{
	(void)state;
	shop_open_entity(&shop, PARTNER_ENTITY);
	assert_null(mapping_entity(shop.mapping, "Partner")->owner);
	shop_done(&shop);
	shop_open_entity(&shop, PARTNER_ENTITY "owner: master-data@example.net\n");
	assert_string_equal(mapping_entity(shop.mapping, "Partner")->owner, "master-data@example.net");
	shop_done(&shop);
	shop_open(&shop, 0);
	assert_string_equal(mapping_entity(shop.mapping, "Order")->owner, "the shop's office");
	shop_done(&shop);
}

static void the_capture_list_is_what_statements_read(void **state)
{
	struct writer text = {0};
	const struct mirror_need *needs;
	unsigned count;

	(void)state;
	needs = mapping_needs(shop.mapping, &count);
	for (unsigned i = 0; i < count; i++) {
		wr_printf(&text, "%s(", needs[i].name);
		for (unsigned j = 0; j < needs[i].column_count; j++)
			wr_printf(&text, "%s%s", j ? " " : "", needs[i].columns[j]);
		wr_printf(&text, ")");
		for (unsigned j = 0; j < needs[i].index_count; j++)
			wr_printf(&text, "+%s", needs[i].indexes[j].columns[0]);
		wr_printf(&text, " ");
	}
	wr_u8(&text, '\0');
	assert_string_equal(text.data,
		"currency(id code) order_line(id order_id place text net)+order_id order_tax(line_id code amount) "
		"orders(id number partner_id state day made total weight gone rate note company currency_id)+partner_id "
		"partner(id name) ");
	wr_done(&text);
}

static void an_entity_knows_what_it_reads_and_what_it_depends_on(void **state)
{
	const struct entity *entity;

	(void)state;
	shop_open_entity(&shop, "entity: Partner\nroot: partner\n"
				"touched_by: {currency: 'SELECT partner_id FROM orders WHERE currency_id = :id'}\n"
				"document: SELECT p.name AS name FROM partner p JOIN currency c ON c.id = p.id WHERE p.id = :id\n");
	entity = mapping_entity(shop.mapping, "Partner");
	assert_int_equal(entity->table_count, 2);
	assert_string_equal(entity->tables[0], "currency");
	assert_string_equal(entity->tables[1], "partner");
	assert_int_equal(entity->depend_count, 3);
	assert_string_equal(entity->depends[1], "orders");
	shop_done(&shop);
}

#define SHOP_TEST(sentence, function) TEST_WITH(sentence, function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST("an order becomes a document", an_order_becomes_a_document),
		SHOP_TEST("an order carries its lines and their taxes", an_order_carries_its_lines_and_their_taxes),
		SHOP_TEST("what is not there has no document", what_is_not_there_has_no_document),
		SHOP_TEST("a soft delete is a deleted document", a_soft_delete_is_a_deleted_document),
		TEST("what does not fit has a reason and a place", what_does_not_fit_has_a_reason_and_a_place),
		TEST("a reason is one of the contract's", a_reason_is_one_of_the_contracts),
		TEST("a change touches the documents that read its row",
		     a_change_touches_the_documents_that_read_its_row),
		TEST("the same are touched when memory is short", the_same_are_touched_when_memory_is_short),
		SHOP_TEST("touched roots outlive a state commit, and handing out goes on where it stopped",
			  touched_roots_outlive_a_state_commit_and_handing_out_goes_on_where_it_stopped),
		TEST("a root with a key of several columns is named by all of them",
		     a_root_with_a_key_of_several_columns_is_named_by_all_of_them),
		TEST("a statement that fails on the data makes the document invalid",
		     a_statement_that_fails_on_the_data_makes_the_document_invalid),
		TEST("two rows for one root are no document", two_rows_for_one_root_are_no_document),
		TEST("rules fire on transitions", rules_fire_on_transitions),
		TEST("rules do not take one value for another", rules_do_not_take_one_value_for_another),
		TEST("an entity knows what it reads and what it depends on",
		     an_entity_knows_what_it_reads_and_what_it_depends_on),
		TEST("a rule that fails on the data is named, and the others say what they say",
		     a_rule_that_fails_on_the_data_is_named_and_the_others_say_what_they_say),
		SHOP_TEST("a root shows its key and its row", a_root_shows_its_key_and_its_row),
		TEST("the owner is the entity's, or the pack's", the_owner_is_the_entitys_or_the_packs),
		SHOP_TEST("the capture list is what statements read", the_capture_list_is_what_statements_read),
	};

	return RUN_TESTS(tests);
}
