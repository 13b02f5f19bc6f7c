/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A small firm: time entries, and customers, in two tables of the site's name, with a pack for them. */
#ifndef SMALL_H
#define SMALL_H

#include "system/site.h"

/* Tables, publication, pack and configuration. */
void small_prepare(struct site *site, struct scene *scene, const char *name, int rows);

/* Another version of the pack: what it has more of columns, and of tables. */
void small_write_pack(const struct site *site, const char *version, const char *columns, const char *join);

/* What TimeEntry has to be, by the rows that are there; after site_read_last. */
void small_expect_documents(const struct site *site, const char *hours);

#endif
