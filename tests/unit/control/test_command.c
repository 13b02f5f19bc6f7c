/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Command lines that are wrong: one line on standard error, exit code 2. */
#include "unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/verb.h"

#define WORDS_MOST 8

#define WAYS "--table TABLE, with or without --where CONDITION, for its rows once more; --list; --cancel NUMBER; or --rebuild, if the state " \
	     "file is lost\n"
#define RETRY "ENTITY/KEY (or --entity NAME --key KEY) for one, --entity NAME for those of an entity, --all for all; `tailwater exceptions " \
	      "list` has those that are open\n"

static const struct {
	const char *line;
	int code;
	const char *expected; /* the whole of standard error */
} lines[] = {
	{"chek", 2, "tailwater: unknown verb 'chek'; did you mean 'check'?\n"},
	{"map", 2, "tailwater: unknown verb 'map'; did you mean 'map check'?\n"},
	{"map tset", 2, "tailwater: unknown verb 'map tset'; did you mean 'map test'?\n"},
	{"teleport", 2, "tailwater: unknown verb 'teleport'; see 'tailwater help'\n"},
	{"run --confg x", 2, "tailwater: unknown option '--confg'; did you mean '--config'?\n"},
	{"run --config", 2, "tailwater: a value is missing behind '--config'; see 'tailwater help'\n"},
	{"run --take-over=yes", 2, "tailwater: takes no value: '--take-over'; see 'tailwater help'\n"},
	{"check --config a --config b", 2, "tailwater: given twice: '--config'; see 'tailwater help'\n"},
	{"check now", 2, "tailwater: unexpected word 'now'; see 'tailwater help'\n"},
	{"help run check", 2, "tailwater: unexpected word 'check'; see 'tailwater help'\n"},
	{"help nothing", 2, "tailwater: no help on this; see 'tailwater help' and 'tailwater help options'\n"},
	{"help --man tailwater.9", 2, "tailwater: no help on this; see 'tailwater help' and 'tailwater help options'\n"},
	{"run --config /nonexistent/x.yaml", 2, "/nonexistent/x.yaml: error: cannot read this file: No such file or directory\n"},
	{"read --from soon", 2,
	 "tailwater: --from is 'beginning', 'end' or a time such as 2026-01-31T10:00:00Z, not 'soon'\n"},
	{"read --count many", 2, "tailwater: --count is a number, not 'many'\n"},
	{"read --count -1", 2, "tailwater: --count is a number, not '-1'\n"},
	{"publish", 2, "tailwater: of which entity? `tailwater publish` takes --entity NAME\n"
	 "  for instance --entity Invoice, for all of its documents, or --entity Invoice --key 42, for one\n"},
	{"snapshot", 2, "tailwater: a snapshot of what? `tailwater snapshot` takes --table TABLE, --list, --cancel NUMBER or --rebuild\n  " WAYS},
	{"snapshot --where x", 2, "tailwater: a snapshot of what? `tailwater snapshot` takes --table TABLE, --list, --cancel NUMBER or --rebuild\n  " WAYS},
	{"snapshot --rebuild --table note", 2, "tailwater: --rebuild does not go with --table\n  " WAYS},
	{"snapshot --table note --assert x", 2, "tailwater: --assert does not go with --table\n  " WAYS},
	{"snapshot --list --json", 2, "tailwater: --json does not go with --list\n  " WAYS},
	{"snapshot --cancel all", 2, "tailwater: --cancel takes the number of a snapshot\n  `tailwater snapshot --list` has those that are open\n"},
	{"exceptions show", 2, "tailwater: which one? `tailwater exceptions show` takes ENTITY/KEY, as in Invoice/42\n"
	 "  `tailwater exceptions list` has those that are open, each with its ENTITY/KEY\n"},
	{"exceptions retry", 2, "tailwater: which ones are to be evaluated again?\n  " RETRY},
	{"exceptions retry Invoice", 2, "tailwater: `tailwater exceptions retry` takes ENTITY/KEY, as in Invoice/42\n  " RETRY},
	{"exceptions retry Invoice/1 --all", 2, "tailwater: say only one of ENTITY/KEY, --entity and --all\n  " RETRY},
	{"exceptions retry --key 1", 2, "tailwater: --key stands with --entity\n  " RETRY},
	{"version", 0, ""},
	{"--version", 0, ""},
	{"help", 0, ""},
	{"check --help", 0, ""},
	{"help map check", 0, ""},
	{"help options", 0, ""},
	{"help batch.time", 0, ""},
};

static int run(const char *line, char *errors, size_t size)
{
	char copy[200], *words[WORDS_MOST] = {"tailwater"}, *rest = copy;
	int count = 1, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
	char path[] = "/tmp/tailwater-command.XXXXXX";
	int file = mkstemp(path), code;
	ssize_t got;

	snprintf(copy, sizeof(copy), "%s", line);
	while (count < WORDS_MOST && (words[count] = strsep(&rest, " ")))
		count++;
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	dup2(file, STDERR_FILENO);
	code = command_line(count, words);
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	lseek(file, 0, SEEK_SET);
	got = read(file, errors, size - 1);
	errors[got > 0 ? got : 0] = '\0';
	unlink(path);
	close(file);
	close(null);
	close(out);
	close(err);
	return code;
}

static void test_lines(void **state)
{
	(void)state;
	FOR_EACH(row, lines) {
		char errors[2000];
		int code = run(row->line, errors, sizeof(errors));

		if (code != row->code || strcmp(errors, row->expected) != 0)
			fail_msg("tailwater %s: exit code %d, expected %d; said: %s expected: %s", row->line, code,
				 row->code, errors, row->expected);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("every mistake on the command line is told in one line", test_lines),
	};

	return RUN_TESTS(tests);
}
