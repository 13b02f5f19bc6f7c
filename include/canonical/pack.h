/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A mapping pack as text: pack.yaml and one YAML file for each entity, from a folder and, over it, an overlay folder
 * whose files add or replace single entities. The pack is an input of the state file, which keeps its text: a replay
 * runs on the pack it was written with, whatever the folder holds by then.
 */
#ifndef CANONICAL_PACK_H
#define CANONICAL_PACK_H

#include <stdint.h>

#include "base/diagnostics.h"
#include "base/view.h"
#include "base/writer.h"

struct pack;

/* Reads the files; overlay may be NULL. Complaints go to diag; returns NULL then. */
struct pack *pack_load(const char *folder, const char *overlay, struct diagnostics *diag);

/* All the pack's files as one text, appended, and back: NULL and complaints if it is none. */
void pack_write(const struct pack *pack, struct writer *wr);
struct pack *pack_read(struct view text, struct diagnostics *diag);

/* Frees it with its files; takes NULL. */
void pack_free(struct pack *pack);

/* What pack.yaml says; valid as long as the pack. */
const char *pack_name(const struct pack *pack);
const char *pack_version(const struct pack *pack);
const char *pack_system(const struct pack *pack); /* the product, for header.sourceSystem */
const char *pack_owner(const struct pack *pack);  /* who mends exceptions, or NULL */

/* Columns that the pack wants masked, as `masks:` of pack.yaml says: a pattern (table.column), a class or a method. */
struct pack_mask {
	const char *columns;
	const char *what;
};

const struct pack_mask *pack_masks(const struct pack *pack, unsigned *ret_count);

/* Of the files' names and contents: packs with equal digests are the same pack. */
uint64_t pack_digest(const struct pack *pack);

#endif
