/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What the state file has of loads, and which there are to be: loads_choose.c. */
#ifndef LOADS_H
#define LOADS_H

#include "run.h"

/* 1 and what is known of the load of a table, 0: nothing, -1. */
int load_find(struct pipeline *p, const char *schema, const char *name, struct load *load, struct error *err);
int load_save(struct pipeline *p, const struct load *load, struct error *err);

/* The record as text; VIEW_NONE takes it away. */
int load_put(struct pipeline *p, const char *schema, const char *name, struct view text, struct error *err);

#endif
