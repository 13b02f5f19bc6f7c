/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Values as JSON text, for people and tests: decimals as plain text in quotes, dates and times as ISO 8601 in UTC,
 * bytes in Base64, enums as their symbol, floats that are not finite as "NaN", "Infinity", "-Infinity". The record
 * io.debezium.data.VariableScaleDecimal is shown as the decimal that it is.
 */
#ifndef ENCODE_JSON_H
#define ENCODE_JSON_H

#include "base/writer.h"
#include "model/avro.h"

/* Appends a value on one line. */
void datum_json(const struct avro_type *type, const struct datum *datum, struct writer *to);

#endif
