/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The audit table of the state file, for people. */
#include "audits.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

struct wanted {
	const char *action;
	unsigned count;
};

static int print_entry(void *arg, const struct audit_entry *entry)
{
	char when[DATETIME_TEXT_BYTES];
	struct wanted *wanted = arg;
	size_t len = strlen(wanted->action);

	if (entry->action.len < len || memcmp(entry->action.ptr, wanted->action, len) != 0)
		return 0;
	timestamp_print(entry->at, true, when);
	printf("%s  %.*s by %.*s: %.*s\n", when, VIEW_ARG(entry->action), VIEW_ARG(entry->who), VIEW_ARG(entry->facts));
	if (entry->assertion.len)
		printf("  %.*s\n", VIEW_ARG(entry->assertion));
	wanted->count++;
	return 0;
}

int audits_print(const struct conf *conf, const char *action, unsigned *ret_count, struct error *err)
{
	struct site site = {.options = &conf->pipeline};
	struct wanted wanted = {.action = action};
	int result = site_open_state(&site, false, err);

	if (result == 0)
		result = audit_each(site.db, print_entry, &wanted, err);
	*ret_count = wanted.count;
	site_done(&site);
	return result;
}
