/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Help, manual pages, sample file and code say the same. */
#include "unit/unit.h"

#include <stdlib.h>

#include "control/conf.h"
#include "control/help.h"
#include "control/metrics.h"
#include "control/options.h"
#include "control/values.h"

typedef void print_function(struct writer *to);

/* NUL-terminated, of the one writer given. */
static const char *printed(struct writer *to, print_function *print)
{
	wr_clear(to);
	print(to);
	wr_u8(to, 0);
	return to->data;
}

static struct conf *parse_right(const char *text)
{
	struct diagnostics diag = {0};
	struct conf *conf = conf_parse("sample", view_of(text), &diag);

	wr_u8(&diag.text, 0);
	if (!conf || diag.warnings)
		fail_msg("%s\n%s", diag.text.data, text);
	diag_done(&diag);
	return conf;
}

static void test_sample(void **state)
{
	struct writer text = {0};

	(void)state;
	conf_free(parse_right(printed(&text, help_sample)));
	wr_done(&text);
}

/* "  #port: 5432" becomes "  port: 5432"; a comment for people has a space behind its sign. */
static void uncomment(char *text)
{
	bool line_start = true;

	for (char *from = text, *to = text;; from++) {
		if (!(line_start && *from == '#' && from[1] != ' ' && from[1] != '\n') &&
		    !(line_start && *from == '#' && from[1] == ' ' && from[2] == ' '))
			*to++ = *from;
		if (!*from)
			return;
		line_start = *from == '\n' || (line_start && *from == ' ');
	}
}

static void test_whole_sample(void **state)
{
	struct writer text = {0}, shown = {0};
	struct conf *conf;

	(void)state;
	printed(&text, help_sample);
	uncomment(text.data);
	/* Files that are not there. */
	for (char *at; (at = strstr(text.data, "${file:/etc/tailwater/"));)
		memset(at, 'x', strcspn(at, "}") + 1);
	conf = parse_right(text.data);
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		wr_clear(&shown);
		value_print(option, &conf->settings, &shown);
		if (option->type != OPTION_CHOICE && shown.len == 4 && memcmp(shown.data, "null", 4) == 0)
			fail_msg("'%s' has no value in the sample", option->name);
	}
	conf_free(conf);
	wr_done(&text);
	wr_done(&shown);
}

static void test_options_are_told(void **state)
{
	struct writer help = {0}, manual = {0};

	(void)state;
	printed(&help, help_options);
	printed(&manual, manual_options);
	for (size_t i = 0; i < option_count; i++) {
		if (!strstr(help.data, option_table[i].name))
			fail_msg("help lacks %s", option_table[i].name);
		if (!strstr(manual.data, option_table[i].name))
			fail_msg("the manual lacks %s", option_table[i].name);
		assert_null(strstr(help.data, "(null)"));
		assert_null(strstr(manual.data, "(null)"));
	}
	wr_done(&help);
	wr_done(&manual);
}

/* A row without a default of any kind, or a section without a row, is a hole in the table. */
static void test_table_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];
		bool in_section = false;

		for (size_t j = 0; j < option_section_count; j++)
			in_section |= view_is(option_section_of(option), option_sections[j].name);
		assert_true(in_section);
		if (!option->required && !option->fallback && !option->derived)
			fail_msg("'%s' has no default", option->name);
		if ((option->required || option->sampled) && !option->example)
			fail_msg("'%s' has no example for the sample file", option->name);
		if (!option->fallback && !option->example)
			fail_msg("'%s' has nothing for the sample file", option->name);
		assert_true(strlen(option->help) > 10 && option->help[strlen(option->help) - 1] == '.');
		for (size_t j = 0; j < i; j++)
			assert_true(option_table[j].offset != option->offset);
	}
}

/* Every byte of struct settings belongs to a row, so no member is without an option. */
static void test_settings_are_covered(void **state)
{
	static const size_t sizes[] = {
		[OPTION_TEXT] = sizeof(char *), [OPTION_PATH] = sizeof(char *), [OPTION_INTEGER] = 8,
		[OPTION_BOOLEAN] = 8, [OPTION_CHOICE] = 8, [OPTION_DURATION] = 8, [OPTION_SIZE] = 8,
		[OPTION_LIST] = sizeof(struct conf_list),
		[OPTION_MAP] = sizeof(struct conf_map),
	};
	size_t covered = 0;

	(void)state;
	for (size_t i = 0; i < option_count; i++)
		covered += sizes[option_table[i].type];
	assert_int_equal(covered, sizeof(struct settings));
}

static void test_verbs_are_told(void **state)
{
	struct writer overview = {0}, manual = {0};

	(void)state;
	printed(&overview, help_overview);
	printed(&manual, manual_program);
	for (size_t i = 0; i < verb_count; i++) {
		if (!strstr(overview.data, verbs[i]->name) || !strstr(manual.data, verbs[i]->name))
			fail_msg("nothing is said about %s", verbs[i]->name);
		assert_ptr_equal(verb_find(verbs[i]->name), verbs[i]);
	}
	wr_done(&overview);
	wr_done(&manual);
}

static void test_states_are_told(void **state)
{
	struct writer help = {0}, manual = {0};

	(void)state;
	printed(&help, help_states);
	printed(&manual, manual_program);
	for (size_t i = STATE_NONE + 1; i < NAMED_STATES; i++) {
		assert_non_null(strstr(help.data, named_states[i].name));
		assert_non_null(strstr(manual.data, named_states[i].name));
		for (size_t j = STATE_NONE + 1; j < i; j++)
			assert_int_not_equal(named_states[i].exit_code, named_states[j].exit_code);
	}
	wr_done(&help);
	wr_done(&manual);
}

static void test_types_are_told(void **state)
{
	static const char *const lines[] = {
		"  bool                          boolean\n", "  int2                          int, int16\n",
		"  numeric(p,s)                  bytes, org.apache.kafka.connect.data.Decimal, logical type decimal\n",
		"  numeric                       record, io.debezium.data.VariableScaleDecimal\n",
		"  time(0) to time(3)            int, io.debezium.time.Time\n", "  time                          long, io.debezium.time.MicroTime\n",
		"  uuid                          string, io.debezium.data.Uuid\n", "  any enum                      string, io.debezium.data.Enum\n",
		"\n      With format.binary: base64: string. With format.binary: hex: string.\n",
		"\n      With format.time: connect: int, org.apache.kafka.connect.data.Date, logical type date.\n",
		"  bit(1)                        boolean\n", "  bit(n)                        bytes, io.debezium.data.Bits\n",
		"  array[]                       array\n", "\n      Of bool, int2, int4, int8, oid, float4, float8, numeric, text, varchar, bpchar, char,\n",
		"  pg_lsn                        string\n", "  any other type                string\n",
		"\nTypes of MySQL and MariaDB\n", "  bigint unsigned               bytes, org.apache.kafka.connect.data.Decimal, logical type decimal\n",
		"  enum                          string, io.debezium.data.Enum\n", "\n      Microseconds; also below zero and beyond a day, as the server allows.\n",
		"  json                          string, io.debezium.data.Json\n", "  date as text                  string\n",
	};
	struct writer help = {0}, manual = {0};
	struct help_type type = {0};

	(void)state;
	printed(&help, help_types);
	printed(&manual, manual_types);
	FOR_EACH(line, lines)
		if (!strstr(help.data, *line))
			fail_msg("help lacks: %s", *line);
	for (size_t k = 0; k < help_family_count; k++)
		for (size_t i = 0; help_type(&help_families[k], i, &type); i++)
			if (!strstr(manual.data, type.name) || !strstr(manual.data, type.avro.data))
				fail_msg("the manual lacks %s", type.name);
	help_type_done(&type);
	wr_done(&help);
	wr_done(&manual);
}

/* troff takes a line that begins with a dot or quote, and a lone backslash, for itself. */
static void test_troff(void **state)
{
	static print_function *const pages[] = {manual_program, manual_options, manual_types};
	static const char *const requests[] = {".TH ", ".SH ", ".TP\n", ".B ", ".RS\n", ".RE\n", ".PP\n", ".br\n", ".sp\n"};

	(void)state;
	FOR_EACH(page, pages) {
		struct writer text = {0};

		printed(&text, *page);
		for (char *line = text.data; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
			bool known = *line != '.' && *line != '\'';

			FOR_EACH(request, requests)
				known |= strncmp(line, *request, strlen(*request)) == 0;
			if (!known)
				fail_msg("not troff: %.60s", line);
		}
		wr_done(&text);
	}
}

static void test_metrics(void **state)
{
	struct pipeline_metrics metrics = {0};
	struct writer text = {0};

	(void)state;
	atomic_store(&metrics.changes, 12);
	atomic_store(&metrics.reads, 3);
	metrics_words(&metrics, &text);
	assert_view(wr_view(&text), "changes 12, reads 3");
	wr_clear(&text);
	metrics_json(&metrics, &text);
	wr_u8(&text, 0);
	assert_non_null(strstr(text.data, "{\"changes\":12,\"transactions\":0,"));
	assert_non_null(strstr(text.data, ",\"reads\":3}\n"));
	wr_done(&text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("the sample file is right as it is", test_sample),
		TEST("the sample file is right with every option in it", test_whole_sample),
		TEST("help and manual name every option", test_options_are_told),
		TEST("every option has a section, a default and a sentence", test_table_is_whole),
		TEST("every setting has its option", test_settings_are_covered),
		TEST("help and manual name every verb", test_verbs_are_told),
		TEST("help and manual name every state, each with its own exit code", test_states_are_told),
		TEST("help and manual tell every type", test_types_are_told),
		TEST("manual pages are troff", test_troff),
		TEST("counters are printed by name", test_metrics),
	};

	setenv("TW_TEST_SECRET", "hunter2", 1);
	return RUN_TESTS(tests);
}
