/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The tables of one source, with all versions seen in this process. A relation message that says nothing new keeps the
 * version; versions are never freed before the catalogue, so that whoever holds one may keep it.
 */
#ifndef SCHEMA_CATALOG_H
#define SCHEMA_CATALOG_H

#include <stdbool.h>

#include "model/table.h"

struct catalog;

/* An empty one. */
struct catalog *catalog_new(void);

/* Frees it with all versions; takes NULL. */
void catalog_free(struct catalog *catalog);

/*
 * Who changes drafts before they become versions: what the columns of each are behind their masks. NULL: nobody. It
 * works on a copy of its own columns; `arg` must live as long as versions are put.
 */
void catalog_mask(struct catalog *catalog, void (*shape)(const void *arg, struct table *draft), const void *arg);

/*
 * The version that looks like the draft (of which everything is copied; uid and fingerprint are filled in), which is
 * then the current one of its source_id. *ret_new: the table was unknown, or looked different before.
 */
const struct table *catalog_put(struct catalog *catalog, const struct table *draft, bool *ret_new);

/* The version of that shape, which does not become the table's current one by this. */
const struct table *catalog_version(struct catalog *catalog, const struct table *draft);

/* The current version of a table, or NULL. */
const struct table *catalog_current(const struct catalog *catalog, uint64_t source_id);

/* Number of versions, of all tables: every uid is below it. */
unsigned catalog_versions(const struct catalog *catalog);

#endif
