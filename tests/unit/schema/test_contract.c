/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Contracts: folders of schemas, what is refused in them and where, and schema texts printed again. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "schema/contract.h"
#include "schema/fingerprint.h"
#include "unit/unit.h"

static char folder[] = "/tmp/tailwater-contract-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char *command = mem_printf("rm -r '%s'", folder);
	int rc = system(command);

	(void)state;
	free(command);
	return rc;
}

static void write_file(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static struct contract *load(struct diagnostics *diag)
{
	struct contract *contract = contract_load(folder, diag);

	if (!contract)
		fail_msg("%.*s", VIEW_ARG(wr_view(&diag->text)));
	return contract;
}

static void names_are_resolved_across_files_in_any_order(void **state)
{
	struct diagnostics diag = {0};
	struct contract *contract;
	const struct avro_type *invoice, *money;
	char *sub = mem_printf("%s/common", folder);

	(void)state;
	mkdir(sub, 0700);
	free(sub);
	write_file("Invoice.avsc",
		   "{\"type\":\"record\",\"name\":\"Invoice\",\"namespace\":\"tailwater.canonical\",\"fields\":[\n"
		   " {\"name\":\"total\",\"type\":[\"null\",\"Money\"],\"default\":null},\n"
		   " {\"name\":\"kind\",\"type\":\"tailwater.canonical.Kind\",\"default\":\"UNKNOWN\"},\n"
		   " {\"name\":\"taxes\",\"type\":{\"type\":\"array\",\"items\":\"Money\"},\"default\":[]}]}");
	write_file("common/Money.avsc",
		   "{\"type\":\"record\",\"name\":\"Money\",\"namespace\":\"tailwater.canonical\",\"fields\":[\n"
		   " {\"name\":\"amount\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":9}},\n"
		   " {\"name\":\"currency\",\"type\":\"string\",\"doc\":\"ISO 4217\"}]}");
	write_file("common/Kind.avsc", "{\"type\":\"enum\",\"name\":\"Kind\",\"namespace\":\"tailwater.canonical\","
				       "\"symbols\":[\"UNKNOWN\",\"INVOICE\"],\"default\":\"UNKNOWN\"}");
	contract = load(&diag);
	invoice = contract_find_in(contract, CONTRACT_DOCUMENT, "Invoice");
	money = contract_find(contract, "tailwater.canonical.Money");
	assert_ptr_equal(invoice->fields[0].type, money);
	assert_true(invoice->fields[0].nullable && !invoice->fields[0].null_second);
	assert_ptr_equal(invoice->fields[2].type->items, money);
	assert_int_equal(invoice->fields[1].type->default_symbol, 0);
	assert_int_equal(money->fields[0].type->scale, 9);
	assert_string_equal(money->fields[1].doc, "ISO 4217");
	contract_free(contract);
	diag_done(&diag);
}

#define HEAD "{\"type\":\"record\",\"name\":\"a.R\",\"fields\":["

static void mistakes_are_refused_at_their_place(void **state)
{
	static const struct {
		const char *schema, *complaint;
	} table[] = {
		{"{", "2:1: error: did not find expected node content"},
		{"", "1:1: error: there is no schema in this file"},
		{"{\"name\":\"a.R\"}", "1:1: error: a schema object needs a \"type\""},
		{HEAD "\n{\"name\":\"f\",\"type\":\"int\"},\n {\"name\":\"f\",\"type\":\"int\"}]}", "3:2: error: duplicate field 'f'"},
		{HEAD "{\"name\":\"1f\",\"type\":\"int\"}]}",
		 "1:41: error: '1f' is no Avro name (letters, digits, _; no digit first)"},
		{"{\"type\":\"record\",\"name\":\"a-b\",\"fields\":[]}",
		 "1:25: error: 'a-b' is no Avro name (letters, digits, _; no digit first)"},
		{"{\"type\":\"record\",\"fields\":[]}", "1:1: error: this type needs a \"name\""},
		{"{\"type\":\"record\",\"name\":\"a.R\"}", "1:1: error: a record needs a list of \"fields\""},
		{HEAD "{\"name\":\"f\",\"type\":\"Missing\"}]}", "1:60: error: there is no type 'Missing'"},
		{HEAD "{\"name\":\"f\",\"type\":[\"int\",\"string\"]}]}",
		 "1:60: error: a union must be [\"null\", T] or [T, \"null\"]"},
		{HEAD "{\"name\":\"f\",\"type\":[\"null\",{\"type\":\"null\"}]}]}",
		 "1:60: error: a union must be [\"null\", T] or [T, \"null\"]"},
		{HEAD "{\"name\":\"f\",\"type\":{\"type\":null}}]}", "1:68: error: 'type' must be a JSON string"},
		{HEAD "{\"name\":\"f\",\"type\":[\"null\",\"int\",\"long\"]}]}",
		 "1:60: error: a union must be [\"null\", T] or [T, \"null\"]"},
		{HEAD "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"x\",\"size\":4}}]}",
		 "1:68: error: there is no type 'fixed'"},
		{HEAD "{\"name\":\"f\",\"type\":\"int\",\"default\":\"1\"}]}", "1:76: error: the default of 'f' is no int"},
		{HEAD "{\"name\":\"f\",\"type\":\"int\",\"default\":2147483648}]}", "1:76: error: the default of 'f' is no int"},
		{HEAD "{\"name\":\"f\",\"type\":[\"null\",\"int\"],\"default\":0}]}",
		 "1:85: error: the default of 'f' is no null, as the first branch of its union is"},
		{HEAD "{\"name\":\"f\",\"type\":[\"int\",\"null\"],\"default\":null}]}", "1:85: error: the default of 'f' is no int"},
		{HEAD "{\"name\":\"f\",\"type\":{\"type\":\"array\",\"items\":\"int\"},\"default\":{}}]}",
		 "1:101: error: the default of 'f' is no array"},
		{HEAD "{\"name\":\"f\",\"type\":\"int\",\"defualt\":1}]}", "1:66: error: unknown attribute 'defualt'; did you mean 'default'?"},
		{HEAD "{\"name\":\"f\",\"type\":\"int\",\"aliases\":[\"g\"]}]}", "1:66: error: unknown attribute 'aliases'"},
		{HEAD "{\"name\":\"f\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":5}}]}",
		 "1:60: error: a decimal needs a precision, and a scale not above it"},
		{HEAD "{\"name\":\"f\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}",
		 "1:89: error: 'timestamp-millis' is no logical type of long here (decimal on bytes, date on int, timestamp-micros on long)"},
		{"{\"type\":\"enum\",\"name\":\"a.E\",\"symbols\":[\"A\",\"A\"]}", "1:44: error: duplicate symbol 'A'"},
		{"{\"type\":\"enum\",\"name\":\"a.E\",\"symbols\":[\"A\"],\"default\":\"B\"}", "1:55: error: the default is none of the symbols"},
		{"{\"type\":\"enum\",\"name\":\"a.E\",\"symbols\":[]}", "1:39: error: an enum needs a list of \"symbols\""},
		{HEAD "{\"name\":\"f\",\"type\":{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}}]}",
		 "1:60: error: 'a.R' is declared a second time; the first is in PATH:1"},
		{HEAD "{\"name\":\"f\",\"type\":{\"type\":\"array\",\"items\":[\"int\",\"null\"]}}]}",
		 "1:84: error: items that may be null must be [\"null\", T]"},
		{HEAD "{\"name\":\"f\",\"type\":int}]}", "1:60: error: there is no type 'int'"},
	};

	(void)state;
	FOR_EACH(row, table) {
		struct diagnostics diag = {0};
		char *path = mem_printf("%s/x.avsc", folder), *line, *found;

		write_file("x.avsc", row->schema);
		assert_null(contract_load(folder, &diag));
		wr_u8(&diag.text, 0);
		line = strstr(diag.text.data, path);
		assert_ptr_equal(line, diag.text.data);
		line += strlen(path) + 1;
		line[strcspn(line, "\n")] = 0;
		found = strstr(line, path);
		if (found) {
			memcpy(found, "PATH", 4);
			memmove(found + 4, found + strlen(path), strlen(found + strlen(path)) + 1);
		}
		if (strcmp(line, row->complaint))
			fail_msg("%s\n  got      %s\n  expected %s", row->schema, line, row->complaint);
		free(path);
		diag_done(&diag);
	}
}

static void all_mistakes_are_told_in_one_run(void **state)
{
	struct diagnostics diag = {0};

	(void)state;
	write_file("x.avsc", HEAD "{\"name\":\"f\",\"type\":\"No\"},{\"name\":\"g\",\"type\":\"int\",\"default\":null}]}");
	write_file("y.avsc", "{\"type\":\"enum\",\"name\":\"a.E\",\"symbols\":[\"A\",\"A\"]}");
	assert_null(contract_load(folder, &diag));
	assert_int_equal(diag.errors, 3);
	diag_done(&diag);
}

static void a_message_joins_header_and_document(void **state)
{
	struct diagnostics diag = {0};
	struct contract *contract;
	struct writer text = {0};

	(void)state;
	write_file("a.avsc", "{\"type\":\"record\",\"name\":\"tailwater.canonical.Header\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]}");
	write_file("b.avsc", "{\"type\":\"record\",\"name\":\"tailwater.canonical.Thing\",\"fields\":[]}");
	contract = load(&diag);
	assert_null(contract_entity_message(contract, "Nothing"));
	contract_print(contract_entity_message(contract, "Thing"), &text);
	assert_ptr_equal(contract_entity_message(contract, "Thing"),
			 contract_find_in(contract, CONTRACT_ENTITY, "Thing"));
	wr_u8(&text, 0);
	assert_string_equal(text.data,
		"{\"type\":\"record\",\"name\":\"Thing\",\"namespace\":\"tailwater.entity\",\"doc\":\"The state of one Thing after a commit of the "
		"source.\",\"fields\":[{\"name\":\"header\",\"type\":{\"type\":\"record\",\"name\":\"Header\",\"namespace\":"
		"\"tailwater.canonical\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]}},{\"name\":\"document\",\"type\":"
		"{\"type\":\"record\",\"name\":\"Thing\",\"namespace\":\"tailwater.canonical\",\"fields\":[]}}]}");
	wr_done(&text);
	contract_free(contract);
	diag_done(&diag);
}

static void a_printed_schema_reads_back_as_the_same(void **state)
{
	static const char schema[] =
		"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a.b\",\"version\":\"1.2\",\"doc\":\"A \\\"quoted\\\" doc\\n\",\"fields\":["
		"{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":9}},"
		"{\"name\":\"day\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}],\"doc\":\"x\",\"default\":null},"
		"{\"name\":\"at\",\"type\":[{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"},\"null\"],\"default\":5},"
		"{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"namespace\":\"a\",\"symbols\":[\"A\",\"B\"],\"default\":\"A\"},"
		"\"default\":\"B\"},"
		"{\"name\":\"e2\",\"type\":\"a.E\"},"
		"{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"string\"]},\"default\":{}},"
		"{\"name\":\"more\",\"type\":{\"type\":\"array\",\"items\":\"a.b.R\"},\"default\":[]}]}";
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("text", VIEW(schema), &diag);
	struct writer text = {0};

	(void)state;
	assert_non_null(contract);
	contract_print(contract_root(contract), &text);
	wr_u8(&text, 0);
	assert_string_equal(text.data, schema);
	wr_done(&text);
	contract_free(contract);
	diag_done(&diag);
}

static void foreign_attributes_are_passed_over_in_a_text(void **state)
{
	static const char schema[] =
		"{\"type\":\"record\",\"name\":\"R\",\"aliases\":[\"Q\"],\"connect.name\":\"x\",\"fields\":["
		"{\"name\":\"a\",\"type\":[{\"type\":\"string\",\"connect.parameters\":{\"allowed\":\"x,y\"}},\"null\"],\"default\":\"x\"},"
		"{\"name\":\"b\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}";
	struct diagnostics diag = {0};
	struct contract *contract = contract_parse_text("text", VIEW(schema), &diag);
	const struct avro_type *type;

	(void)state;
	assert_non_null(contract);
	type = contract_root(contract);
	assert_true(type->fields[0].nullable && type->fields[0].null_second);
	assert_int_equal(type->fields[1].type->logical, AVRO_PLAIN);
	contract_free(contract);
	diag_done(&diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH("names are resolved across files in any order", names_are_resolved_across_files_in_any_order,
			  make_folder, remove_folder),
		TEST_WITH("mistakes are refused at their place", mistakes_are_refused_at_their_place, make_folder,
			  remove_folder),
		TEST_WITH("all mistakes are told in one run", all_mistakes_are_told_in_one_run, make_folder,
			  remove_folder),
		TEST_WITH("a message joins header and document", a_message_joins_header_and_document, make_folder,
			  remove_folder),
		TEST("a printed schema reads back as the same", a_printed_schema_reads_back_as_the_same),
		TEST("foreign attributes are passed over in a text", foreign_attributes_are_passed_over_in_a_text),
	};

	return RUN_TESTS(tests);
}
