/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A plain agent with a mapping pack of its own, which the test writes. */
#ifndef SITE_H
#define SITE_H

#include "system/plain.h"

struct site {
	struct plain plain;
	char folder[300];     /* of the pack */
	char extra[900];
};

/* Its name, and a pack that has its name and version alone. */
void site_init(struct site *site, struct scene *scene, const char *name);
void site_version(const struct site *site, const char *version);

/* A file of the pack. */
void site_write(const struct site *site, const char *file, const char *text);

/* Configures the agent, with further lines behind those of the mapping. */
void site_configure(struct site *site, const char *more);

/* What a query has to give; its columns with | between. */
void site_expect(const struct site *site, const char *query, const char *value);

/* All that it has published, as plain_read_back has it; and of each key the last change and document, into the table `last`. */
void site_read_last(struct site *site);

#endif
