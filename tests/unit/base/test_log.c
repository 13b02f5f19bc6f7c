/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Lines of the log as they stand on standard error. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "unit/unit.h"

#define LINE_BYTES 20000

/* What a message becomes behind the time, which is another each time. */
static void logged(enum log_format format, const char *who, const char *message, char line[LINE_BYTES])
{
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	log_setup(format, LOG_INFO);
	log_write(LOG_INFO, who, "%s", message);
	log_debug(who, "not asked for");
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(file);
	line[fread(line, 1, LINE_BYTES - 1, file)] = '\0';
	fclose(file);
}

#define TEXT_TIME_LEN (sizeof("2026-01-31T10:00:00.000Z ") - 1)
#define JSON_TIME_LEN (sizeof("{\"time\":\"2026-01-31T10:00:00.000Z\",") - 1)

static const struct {
	enum log_format format;
	const char *who, *message, *line;
} lines[] = {
	{LOG_TEXT, NULL, "a message", "info a message\n"},
	{LOG_TEXT, "erp", "a message", "info erp: a message\n"},
	{LOG_TEXT, "erp", "two\nlines, \033[1mbold\177 and \xff", "info erp: two lines, ?[1mbold? and ?\n"},
	{LOG_JSON, NULL, "a message", "\"level\":\"info\",\"message\":\"a message\"}\n"},
	{LOG_JSON, "erp", "\"quoted\" \\ two\nlines",
	 "\"level\":\"info\",\"source\":\"erp\",\"message\":\"\\\"quoted\\\" \\\\ two\\nlines\"}\n"},
	{LOG_JSON, "erp", "no UTF-8: \xe9", "\"level\":\"info\",\"source\":\"erp\",\"message\":\"no UTF-8: \xef\xbf\xbd\"}\n"},
};

static void test_lines(void **state)
{
	char line[LINE_BYTES];

	(void)state;
	FOR_EACH(row, lines) {
		logged(row->format, row->who, row->message, line);
		assert_string_equal(line + (row->format == LOG_JSON ? JSON_TIME_LEN : TEXT_TIME_LEN), row->line);
	}
}

/* Escapes make it several times as long, and where it is cut there may be half a character. */
static void test_long(void **state)
{
	char message[6001], line[LINE_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(message) - 1; i += 3)
		memcpy(message + i, i % 2 ? "\"\xc3\xa9" : "\xc3\xa9\"", 3);
	message[sizeof(message) - 1] = '\0';
	logged(LOG_JSON, "erp", message, line);
	assert_true(strlen(line) > 3000);
	assert_string_equal(line + strlen(line) - 3, "\"}\n");
	assert_true(line[strlen(line) - 4] != '\\');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a line is one line, and JSON whatever it says", test_lines),
		TEST("a long line is whole", test_long),
	};

	return RUN_TESTS(tests);
}
