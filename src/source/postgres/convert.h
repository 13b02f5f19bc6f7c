/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values as PostgreSQL prints them, one function for each way of printing. */
#ifndef POSTGRES_CONVERT_H
#define POSTGRES_CONVERT_H

#include "base/arena.h"
#include "model/value.h"

/* Views point into the text or the arena. */
typedef value_from_text pg_convert;

pg_convert convert_text, convert_bool, convert_integer, convert_int4, convert_int2, convert_real, convert_bytes;
pg_convert convert_bit, convert_bits, convert_money, convert_money0, convert_money3, convert_hstore, convert_point;
pg_convert convert_array;
pg_convert convert_time_zoned;
pg_convert convert_date, convert_time, convert_timestamp, convert_timestamp_zoned, convert_interval;

#endif
