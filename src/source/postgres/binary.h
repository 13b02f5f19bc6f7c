/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values as the send functions of PostgreSQL write them (the server's src/backend/utils/adt, *send): what comes out is
 * what convert.h makes of the printed value, to the byte. Integers are big-endian.
 */
#ifndef POSTGRES_BINARY_H
#define POSTGRES_BINARY_H

#include "convert.h"
#include "types.h"

/* How values of the type are read in binary; NULL: only as text. */
pg_convert *binary_of(const struct pg_type *type);

#endif
