/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Names for Avro and Kafka made of database names, as Debezium makes them (schema.name.adjustment.mode=avro): each
 * character that is not allowed becomes "_", and a digit in front gets one before it.
 */
#ifndef ENCODE_NAMES_H
#define ENCODE_NAMES_H

#include "base/arena.h"
#include "base/view.h"

/* A field's name. */
const char *name_of_field(struct arena *arena, const char *text);

/* A full name: dots separate its parts. */
const char *name_of_schema(struct arena *arena, const char *text);

/* A topic's name: letters, digits, dot, underscore, hyphen. */
const char *name_of_topic(struct arena *arena, const char *text);

#endif
