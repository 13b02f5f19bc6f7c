/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * From a schema's JSON tree to types: named types are declared first, of all files, and then filled in, so that the
 * order of files does not matter.
 */
#ifndef SCHEMA_CONTRACT_BUILD_H
#define SCHEMA_CONTRACT_BUILD_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/yaml.h"
#include "model/avro.h"

/* The default of a field, still to be checked against its type. */
struct pending_default {
	const struct yaml_node *node;
	struct avro_field *field;
	struct pending_default *next;
};

struct builder {
	struct arena *arena;      /* of the types */
	struct map *names;        /* full name -> struct avro_type */
	struct map declared;      /* full name -> the node that declares it */
	struct diagnostics *diag;
	bool strict;              /* a contract of ours: unknown attributes are mistakes */
	struct pending_default *pending, **pending_end;
};

/* Declares the named types in a schema; `space` is the enclosing namespace, "" at the top. */
void build_declare(struct builder *b, const struct yaml_node *node, const char *space);

/* The type that a schema stands for, its named types filled in; NULL after a complaint. */
const struct avro_type *build_type(struct builder *b, const struct yaml_node *node, const char *space);

/* Checks and fills in the defaults of fields, when all types are there. */
void build_defaults(struct builder *b);

#endif
