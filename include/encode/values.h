/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How values of columns stand in change records: Debezium's forms, by the type of the column and, where Debezium has a
 * choice, by what the user chose (decimal.handling.mode, time.precision.mode, binary.handling.mode).
 */
#ifndef ENCODE_VALUES_H
#define ENCODE_VALUES_H

#include "base/writer.h"
#include "model/table.h"

enum decimal_form { DECIMALS_PRECISE, DECIMALS_STRING, DECIMALS_DOUBLE };

/* adaptive: those of up to three fraction digits in milliseconds; micros: of timestamps only; connect: all of them. */
enum time_form { TIMES_ADAPTIVE, TIMES_MICROS, TIMES_CONNECT };
enum binary_form { BINARY_BYTES, BINARY_BASE64, BINARY_HEX };

struct value_forms {
	enum decimal_form decimal;
	enum time_form time;
	enum binary_form binary;
};

/* For people: "long, io.debezium.time.MicroTime". */
void values_describe(const struct column *column, const struct value_forms *forms, struct writer *to);

#endif
