/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The table of types. */
#include "model/type.h"

const struct type_info type_infos[TYPE_KINDS] = {
	[TYPE_BOOL] = {"boolean", FORM_INTEGER},
	[TYPE_INT16] = {"int16", FORM_INTEGER},
	[TYPE_INT32] = {"int32", FORM_INTEGER},
	[TYPE_INT64] = {"int64", FORM_INTEGER},
	[TYPE_FLOAT32] = {"float32", FORM_REAL},
	[TYPE_FLOAT64] = {"float64", FORM_REAL},
	[TYPE_DECIMAL] = {"decimal", FORM_TEXT},
	[TYPE_DECIMAL_VARIABLE] = {"decimal of varying scale", FORM_TEXT},
	[TYPE_TEXT] = {"text", FORM_TEXT},
	[TYPE_BYTES] = {"bytes", FORM_TEXT},
	[TYPE_UUID] = {"uuid", FORM_TEXT},
	[TYPE_JSON] = {"json", FORM_TEXT},
	[TYPE_ENUM] = {"enum", FORM_TEXT},
	[TYPE_DATE] = {"date", FORM_INTEGER},
	[TYPE_TIME] = {"time", FORM_INTEGER},
	[TYPE_TIMESTAMP] = {"timestamp", FORM_INTEGER},
	[TYPE_TIMESTAMP_ZONED] = {"zoned timestamp", FORM_INTEGER},
	[TYPE_INTERVAL] = {"interval", FORM_INTERVAL},
	[TYPE_OTHER] = {"other", FORM_TEXT},
	[TYPE_XML] = {"xml", FORM_TEXT},
	[TYPE_LTREE] = {"ltree", FORM_TEXT},
	[TYPE_TSVECTOR] = {"tsvector", FORM_TEXT},
	[TYPE_BITS] = {"bits", FORM_TEXT},
	[TYPE_TIME_ZONED] = {"zoned time", FORM_INTERVAL},
	[TYPE_POINT] = {"point", FORM_TEXT},
	[TYPE_ARRAY] = {"array", FORM_TEXT},
};
