/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What options mean together: defaults made from others, checks across them, and the pipeline's options. */
#ifndef CONTROL_BIND_H
#define CONTROL_BIND_H

#include "control/conf.h"

struct loader;

/* Where an option is in the file, or where it would be. */
struct place loader_place(const struct loader *ld, const char *name);

/* The same for an entry of a map option. */
struct place loader_entry_place(const struct loader *ld, const char *name, const char *entry);

/* Gives options that were not said what is derived from others. */
void bind_derive(struct conf *conf);

/* Complains of what only several options together can get wrong. */
void bind_check(const struct conf *conf, const struct loader *ld, struct diagnostics *diag);

/* Fills conf->pipeline; its texts are the settings' or in the arena. */
void bind_pipeline(struct conf *conf);

/* After it: where the rules of it stand in the file, for who finds later that they fit nothing. */
void bind_places(struct conf *conf, const struct loader *ld);

/* Takes over from the running configuration what does not change without a restart, and binds anew. */
void bind_merge(struct conf *conf, const struct conf *running);

#endif
