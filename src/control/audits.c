/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The audit table of the state file, for people. */
#include "audits.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/datetime.h"
#include "site.h"
#include "state/audit.h"

const char *audits_who(char text[200])
{
	const struct passwd *user = getpwuid(getuid());
	const char *behind = getenv("SUDO_USER");

	if (user)
		snprintf(text, 200, "%.80s%s%.80s%s", user->pw_name, behind ? " (" : "", behind ? behind : "", behind ? ")" : "");
	else
		snprintf(text, 200, "uid %d", (int)getuid());
	return text;
}

static int print_entry(void *arg, const struct audit_entry *entry)
{
	char when[DATETIME_TEXT_BYTES];
	unsigned *count = arg;

	timestamp_print(entry->at, true, when);
	printf("%s  %.*s by %.*s: %.*s\n", when, VIEW_ARG(entry->action), VIEW_ARG(entry->who), VIEW_ARG(entry->facts));
	if (entry->assertion.len)
		printf("  %.*s\n", VIEW_ARG(entry->assertion));
	++*count;
	return 0;
}

int audits_print(const struct conf *conf, const char *none, struct error *err)
{
	struct site site = {.options = &conf->pipeline};
	unsigned count = 0;
	int result = site_open_state(&site, false, err);

	if (result == 0)
		result = audit_each(site.db, print_entry, &count, err);
	if (result == 0 && !count)
		printf("%s\n", none);
	site_done(&site);
	return result;
}
