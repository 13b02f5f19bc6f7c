/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a column's values become behind its mask. The tokens and the encrypted text were made apart, by Python's hmac and
 * its cryptography package, by what mask/mask.h says of their form.
 */
#include "mask/mask.h"

#include "base/arena.h"
#include "schema/catalog.h"
#include "unit/unit.h"

#define KEY "0123456789abcdef0123456789abcdef"

static const struct mask_rule site[] = {
	{"public.person.kept", "keep", NULL},
	{"public.person.gone", "drop", NULL},
	{"person.tail", "last4", NULL},
	{"*.tail_bytes", "last4", NULL},
	{"person.sealed", "encrypt", NULL},
	{"person.pay", "rate", NULL},
	{"person.call", "phone", NULL},
};

static const struct mask_rule pack[] = {
	{"person.gone", "keep", NULL},
	{"person.kept", "email", NULL},
	{"person.*mail", "email", NULL},
	{"person.code", "token", NULL},
	{"person.amount", "token", NULL},
	{"person.id", "token", NULL},
};

static const struct mask_rule classes[] = {{"phone", "drop", NULL}};

#define TEXT {.kind = TYPE_TEXT}
#define DECIMAL {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}

/* One column each, with its value before and after. */
static const struct {
	const char *column;
	struct type type;
	int64_t integer;
	const char *text;     /* NULL: null */
	enum type_kind masked;
	const char *expected; /* NULL: null */
} values[] = {
	{"kept", TEXT, 0, "as it was", TYPE_TEXT, "as it was"},
	{"gone", TEXT, 0, "secret", TYPE_TEXT, NULL},
	{"pay", DECIMAL, 0, "99.50", TYPE_DECIMAL, NULL},
	{"call", TEXT, 0, "+47 22 33 44 55", TYPE_TEXT, NULL},
	{"tail", TEXT, 0, "NO9386011117947", TYPE_TEXT, "****7947"},
	{"tail", TEXT, 0, "12345678", TYPE_TEXT, "****5678"},
	{"tail", TEXT, 0, "1234567", TYPE_TEXT, "****"},
	{"tail", TEXT, 0, "\xc3\x86\xc3\x98\xc3\x85\xc3\xa6\xc3\xb8\xc3\xa5\xc3\x86\xc3\x98", TYPE_TEXT,
	 "****\xc3\xb8\xc3\xa5\xc3\x86\xc3\x98"},
	{"tail", TEXT, 0, "", TYPE_TEXT, "****"},
	{"tail_bytes", {.kind = TYPE_BYTES}, 0, "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", TYPE_TEXT, "****"},
	{"email", TEXT, 0, "ann@example.net", TYPE_TEXT, "tok_2fd79693_baphc0LGl9dKP-V_We8yUg"},
	{"other_mail", TEXT, 0, "ann@example.net", TYPE_TEXT, "tok_2fd79693_baphc0LGl9dKP-V_We8yUg"},
	{"email", TEXT, 0, "", TYPE_TEXT, "tok_2fd79693_K8mYLtDuZ5LzjtGV93tsow"},
	{"email", TEXT, 0, NULL, TYPE_TEXT, NULL},
	{"code", {.kind = TYPE_ENUM}, 0, "\xc3\x86r\xc3\xb8", TYPE_TEXT, "tok_2fd79693_2n7AyeTrrD25jMctEC_2ZA"},
	{"amount", DECIMAL, 0, "-12.50", TYPE_TEXT, "tok_2fd79693_PDDSl7WSVTM1C35N_2EDbw"},
	{"sealed", TEXT, 0, "ann@example.net", TYPE_TEXT,
	 "enc_2fd79693_XuVqhllpD-OhtmJuD8RQ1snE_BQGYI-cZM6hGRoLl3CkVPF2N9dNZo9SeA"},
};

static struct masks *make(const char *key)
{
	struct mask_options options = {site, COUNT_OF(site), pack, COUNT_OF(pack), classes, COUNT_OF(classes), key};
	struct masks *masks;
	struct error err;

	assert_ok(masks_new(&masks, &options, &err), &err);
	return masks;
}

static const struct table *put(struct catalog *catalog, const char *column, struct type type, unsigned key_count)
{
	struct column columns[] = {{.name = column, .type = type, .source_type = "what it was", .labels = "A,B"}};
	unsigned key[] = {0};
	struct table draft = {.source_id = 7, .schema = "public", .name = "person", .columns = columns,
			      .column_count = 1, .key = key, .key_count = key_count};
	bool is_new;

	return catalog_put(catalog, &draft, &is_new);
}

static void test_values(void **state)
{
	struct catalog *catalog = catalog_new();
	struct masks *masks = make(KEY);
	struct error err;

	(void)state;
	catalog_mask(catalog, masks_shape, masks);
	FOR_EACH(row, values) {
		const struct table *table = put(catalog, row->column, row->type, 0);
		struct value before = {.state = row->text ? VALUE_PRESENT : VALUE_NULL, .text = view_of(row->text)};
		struct value after = before;
		struct change change = {.op = CHANGE_UPDATE, .table = table, .before = {IMAGE_FULL, &before},
					.after = {IMAGE_FULL, &after}};

		assert_int_equal(table->columns[0].type.kind, row->masked);
		assert_ok(masks_apply(masks, &change, &err), &err);
		assert_int_equal(after.state, row->expected ? VALUE_PRESENT : VALUE_NULL);
		assert_int_equal(before.state, after.state);
		if (row->expected) {
			assert_view(after.text, row->expected);
			assert_view(before.text, row->expected);
		}
	}
	masks_free(masks);
	catalog_free(catalog);
}

static void test_absent(void **state)
{
	struct catalog *catalog = catalog_new();
	struct masks *masks = make(KEY);
	struct value key = {.state = VALUE_ABSENT}, row = {.state = VALUE_UNCHANGED};
	struct change change = {.op = CHANGE_UPDATE, .before = {IMAGE_KEY, &key}, .after = {IMAGE_FULL, &row}};
	struct error err;

	(void)state;
	catalog_mask(catalog, masks_shape, masks);
	change.table = put(catalog, "email", (struct type)TEXT, 0);
	assert_ok(masks_apply(masks, &change, &err), &err);
	assert_int_equal(key.state, VALUE_ABSENT);
	assert_int_equal(row.state, VALUE_UNCHANGED);
	masks_free(masks);
	catalog_free(catalog);
}

static void test_versions(void **state)
{
	struct catalog *catalog = catalog_new();
	struct masks *one = make(KEY), *other = make("another key of thirty-two or more");
	const struct table *plain = put(catalog, "email", (struct type)TEXT, 0), *masked, *again;

	(void)state;
	catalog_mask(catalog, masks_shape, one);
	masked = put(catalog, "email", (struct type)TEXT, 0);
	again = put(catalog, "email", (struct type)TEXT, 0);
	assert_false(plain->masked);
	assert_true(masked->masked);
	assert_ptr_equal(masked, again);
	assert_string_equal(masked->columns[0].source_type, "masked by token (key 2fd79693)");
	assert_null(masked->columns[0].labels);
	assert_ptr_not_equal(plain, masked);
	assert_int_not_equal(masked->columns[0].source_modifier,
			     put(catalog, "email", (struct type)DECIMAL, 0)->columns[0].source_modifier);
	catalog_mask(catalog, masks_shape, other);
	again = put(catalog, "email", (struct type)TEXT, 0);
	assert_ptr_not_equal(masked, again);
	assert_int_not_equal(masked->columns[0].source_modifier, again->columns[0].source_modifier);
	catalog_free(catalog);
	masks_free(one);
	masks_free(other);
}

static void test_keys(void **state)
{
	static const struct {
		const char *column, *complaint;
	} table[] = {
		{"id", NULL},
		{"sealed", NULL},
		{"gone", "column public.person.gone belongs to the key: masked by drop, different rows would be the same"},
		{"tail", "column public.person.tail belongs to the key: masked by last4, different rows would be the same"},
	};
	struct catalog *catalog = catalog_new();
	struct masks *masks = make(KEY);
	struct error err;

	(void)state;
	catalog_mask(catalog, masks_shape, masks);
	FOR_EACH(row, table) {
		assert_int_equal(masks_check(put(catalog, row->column, (struct type)TEXT, 1), &err), row->complaint ? -1 : 0);
		if (row->complaint)
			assert_string_equal(err.text, row->complaint);
	}
	masks_free(masks);
	catalog_free(catalog);
}

static void test_refused(void **state)
{
	static const struct {
		struct mask_rule rule;
		const char *key, *complaint;
	} table[] = {
		{{"a.b", "email", NULL}, NULL, "masking of a.b (email) needs a key, and there is no masking.key"},
		{{"a.b", "encrypt", NULL}, "short", "masking.key is too short: it must have 32 characters or more"},
		{{"a.b", "shred", NULL}, KEY, "masking of a.b: there is no method or class 'shred'"},
	};
	struct masks *masks;
	struct error err;

	(void)state;
	FOR_EACH(row, table) {
		struct mask_options options = {.pack = &row->rule, .pack_count = 1, .key = row->key};

		assert_int_equal(masks_new(&masks, &options, &err), -1);
		assert_int_equal(err.class, ERROR_INPUT);
		assert_string_equal(err.text, row->complaint);
	}
}

static void test_sealed(void **state)
{
	struct masks *one = make(KEY), *other = make("another key of thirty-two or more");
	struct view sealed, text;
	struct arena arena;
	struct error err;

	(void)state;
	arena_init(&arena);
	assert_ok(masks_seal(one, VIEW("where it was\n7"), &arena, &sealed, &err), &err);
	assert_int_equal(masks_unseal(one, sealed, &arena, &text), 0);
	assert_view(text, "where it was\n7");
	assert_int_equal(masks_unseal(other, sealed, &arena, &text), -1);
	((char *)sealed.ptr)[20] ^= 1;
	assert_int_equal(masks_unseal(one, sealed, &arena, &text), -1);
	assert_int_equal(masks_unseal(one, VIEW("enc_2fd79693_AAAA"), &arena, &text), -1);
	arena_done(&arena);
	masks_free(one);
	masks_free(other);
}

static void count(void *arg, const struct mask_rule *rule)
{
	assert_string_equal(rule->columns, "public.person.gone");
	++*(unsigned *)arg;
}

static void test_unused(void **state)
{
	struct catalog *catalog = catalog_new();
	const struct table *tables[] = {put(catalog, "tail_bytes", (struct type)TEXT, 0)};
	static const struct mask_rule rules[] = {{"public.person.gone", "drop", NULL}, {"*.*.tail*", "drop", NULL}, {"*.tail*", "drop", NULL}};
	unsigned told = 0;

	(void)state;
	masks_unused(rules, COUNT_OF(rules), tables, 1, count, &told);
	assert_int_equal(told, 1);
	catalog_free(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a value becomes what its column's mask makes of it, in both images", test_values),
		TEST("what an image does not carry stays absent, what was not sent stays unchanged", test_absent),
		TEST("another mask, key or true type makes another version of a table", test_versions),
		TEST("a key is masked only by what keeps different rows apart", test_keys),
		TEST("a rule without a key or with an unknown class is refused by name", test_refused),
		TEST("what is sealed is opened again by who has the key, if nobody has touched it", test_sealed),
		TEST("a rule that fits no column is told of", test_unused),
	};

	return RUN_TESTS(tests);
}
