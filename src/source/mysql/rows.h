/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Values as rows events have them, and as results have them: one function for each form. */
#ifndef MYSQL_ROWS_H
#define MYSQL_ROWS_H

#include "types.h"

my_read read_tiny, read_short, read_int24, read_long, read_longlong, read_float, read_double, read_decimal, read_year;
my_read read_date, read_time, read_datetime, read_timestamp, read_old_time, read_old_datetime, read_old_timestamp;
my_read read_date_text, read_datetime_text, read_timestamp_text, read_old_datetime_text, read_old_timestamp_text;
my_read read_varchar, read_char, read_blob, read_bit, read_enum, read_set, read_native, read_json, read_geometry, read_vector;
my_read read_packed_varchar, read_packed_blob;

my_parse parse_integer, parse_unsigned, parse_decimal, parse_real, parse_single, parse_text, parse_bit, parse_date, parse_time;
my_parse parse_datetime, parse_geometry;

/* An unsigned number of one, three, four or nine bytes that says how many elements follow; 0 after an error. */
uint64_t rd_lenenc(struct reader *rd);

#endif
