/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Canonical forms and fingerprints as two other implementations (Apache Avro and fastavro for Python) print them. The
 * fingerprints are written as there: eight bytes, least significant first.
 */
#include <inttypes.h>

#include "schema/contract.h"
#include "schema/fingerprint.h"
#include "unit/unit.h"

static const struct {
	const char *schema, *canonical, *fingerprint;
} table[] = {
	{"\"null\"", "\"null\"", "8a8f25cce724dd63"},
	{"\"boolean\"", "\"boolean\"", "64f7d4a478fc429f"},
	{"\"int\"", "\"int\"", "8f5c393f1ad57572"},
	{"\"long\"", "\"long\"", "b71df49344e154d0"},
	{"\"float\"", "\"float\"", "90d7a83ecb027c4d"},
	{"\"double\"", "\"double\"", "7e95ab32c035758e"},
	{"\"bytes\"", "\"bytes\"", "651920c3da16c04f"},
	{"\"string\"", "\"string\"", "c70345637248018f"},
	{"{\"type\":\"int\",\"logicalType\":\"date\"}", "\"int\"", "8f5c393f1ad57572"},
	{"{ \"items\" : \"long\", \"type\" : \"array\" }", "{\"type\":\"array\",\"items\":\"long\"}", "715e2ea28bc91654"},
	{"{\"type\":\"array\",\"items\":[\"null\",\"string\"]}", "{\"type\":\"array\",\"items\":[\"null\",\"string\"]}",
	 "caf66aafb4117c6a"},
	{"{\"type\":\"map\",\"values\":\"string\"}", "{\"type\":\"map\",\"values\":\"string\"}", "724586925d96ce86"},
	{"{\"type\":\"enum\",\"name\":\"foo\",\"symbols\":[\"A1\"],\"default\":\"A1\",\"doc\":\"x\"}",
	 "{\"name\":\"foo\",\"type\":\"enum\",\"symbols\":[\"A1\"]}", "6931aa159e03fca7"},
	{"{\"name\":\"z\",\"namespace\":\"x.y\",\"doc\":\"foo bar\",\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"]}",
	 "{\"name\":\"x.y.z\",\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"]}", "9179e5997c00e6bd"},
	{"{\"type\":\"record\",\"name\":\"foo\",\"fields\":[]}", "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}",
	 "7ebe1943c8500cbd"},
	{"{\"type\":\"record\",\"name\":\"PigValue\",\"fields\":[{\"name\":\"value\",\"type\":[\"null\",\"int\"],\"default\":null,"
	 "\"doc\":\"d\"},{\"name\":\"left\",\"type\":[\"null\",\"PigValue\"],\"default\":null},{\"name\":\"other\",\"type\":"
	 "[\"string\",\"null\"],\"default\":\"x\"}]}",
	 "{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\",\"type\":[\"null\",\"int\"]},{\"name\":\"left\","
	 "\"type\":[\"null\",\"PigValue\"]},{\"name\":\"other\",\"type\":[\"string\",\"null\"]}]}",
	 "5a78db9fc8dae78c"},
	{"{\"type\":\"record\",\"name\":\"Envelope\",\"namespace\":\"a.b\",\"fields\":[{\"name\":\"before\",\"type\":[\"null\","
	 "{\"type\":\"record\",\"name\":\"Value\",\"fields\":[{\"name\":\"n\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
	 "\"precision\":12,\"scale\":2},\"connect.name\":\"q\"}]}]},{\"name\":\"after\",\"type\":[\"null\",\"Value\"]},{\"name\":\"k\","
	 "\"type\":{\"type\":\"enum\",\"name\":\"K\",\"namespace\":\"c\",\"symbols\":[\"X\"]}},{\"name\":\"k2\",\"type\":\"c.K\"}]}",
	 "{\"name\":\"a.b.Envelope\",\"type\":\"record\",\"fields\":[{\"name\":\"before\",\"type\":[\"null\",{\"name\":\"a.b.Value\","
	 "\"type\":\"record\",\"fields\":[{\"name\":\"n\",\"type\":\"bytes\"}]}]},{\"name\":\"after\",\"type\":[\"null\",\"a.b.Value\"]},"
	 "{\"name\":\"k\",\"type\":{\"name\":\"c.K\",\"type\":\"enum\",\"symbols\":[\"X\"]}},{\"name\":\"k2\",\"type\":\"c.K\"}]}",
	 "e62ab2c6285378f2"},
};

static void canonical_forms_and_fingerprints_are_those_of_other_implementations(void **state)
{
	(void)state;
	FOR_EACH(row, table) {
		struct diagnostics diag = {0};
		struct contract *contract = contract_parse_text("test", view_of(row->schema), &diag);
		struct writer form = {0};
		char bytes[17];

		if (!contract)
			fail_msg("%.*s", VIEW_ARG(wr_view(&diag.text)));
		avro_canonical_form(contract_root(contract), &form);
		wr_u8(&form, 0);
		assert_string_equal(form.data, row->canonical);
		snprintf(bytes, sizeof(bytes), "%016" PRIx64,
			 __builtin_bswap64(avro_fingerprint(contract_root(contract))));
		assert_string_equal(bytes, row->fingerprint);
		wr_done(&form);
		contract_free(contract);
		diag_done(&diag);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("canonical forms and fingerprints are those of other implementations",
		     canonical_forms_and_fingerprints_are_those_of_other_implementations),
	};

	return RUN_TESTS(tests);
}
