/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the decoder of pgoutput has to know about the database that pgoutput.txt was captured from: its own types, and
 * the tables that are captured. For the unit test, and for the fuzz target, whose corpus begins with the same bytes.
 */
#ifndef UNIT_SOURCE_CAPTURED_H
#define UNIT_SOURCE_CAPTURED_H

#include "postgres/relation.h"

/* A set of relations, none of which is known yet; ends with pg_relations_done. */
void captured_relations(struct pg_relations *set, struct catalog *catalog);

#endif
