/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater version`. */
#include <stdio.h>

#include "base/error.h"
#include "config.h"
#include "verbs.h"

static int run(const struct arguments *args)
{
	(void)args;
	printf("tailwater %s\n", PACKAGE_VERSION);
	return EXIT_DONE;
}

static const struct flag flags[] = {FLAGS_END};

const struct verb verb_version = {
	.name = "version",
	.summary = "print the version",
	.help = "Prints the version.",
	.flags = flags,
	.run = run,
};
