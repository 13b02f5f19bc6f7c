/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The types that columns have once a source has been understood. From the decoder on, nobody asks which server spoke:
 * a server's own types are mapped to these by its types.c, and what has no place here travels as TYPE_OTHER, as text.
 */
#ifndef MODEL_TYPE_H
#define MODEL_TYPE_H

#include <stdbool.h>
#include <stdint.h>

enum type_kind {
	TYPE_BOOL,
	TYPE_INT16,
	TYPE_INT32,
	TYPE_INT64,
	TYPE_FLOAT32,
	TYPE_FLOAT64,
	TYPE_DECIMAL,          /* precision and scale known */
	TYPE_DECIMAL_VARIABLE, /* each value has its own scale; may be NaN or infinite */
	TYPE_TEXT,
	TYPE_BYTES,
	TYPE_UUID,
	TYPE_JSON,
	TYPE_ENUM,
	TYPE_DATE,
	TYPE_TIME,
	TYPE_TIMESTAMP,        /* without zone */
	TYPE_TIMESTAMP_ZONED,
	TYPE_INTERVAL,
	TYPE_OTHER,            /* the server's text of a type not known here */
	TYPE_XML,              /* what follows is the server's text, too, but has a form in records */
	TYPE_LTREE,
	TYPE_TSVECTOR,
	TYPE_BITS,
	TYPE_TIME_ZONED,
	TYPE_POINT,
	TYPE_ARRAY,            /* the column says of what */
	TYPE_KINDS,
};

/* The state file has the numbers of kinds: new ones stand at the end. */

/* Which member of struct value holds a value of the kind. */
enum value_form { FORM_INTEGER, FORM_REAL, FORM_TEXT, FORM_INTERVAL /* integer and text */ };

struct type_info {
	const char *name;  /* as shown to users */
	enum value_form form;
};

extern const struct type_info type_infos[TYPE_KINDS];

struct type {
	enum type_kind kind;
	int32_t precision; /* of TYPE_DECIMAL: digits; of TYPE_BITS: how many, at most; 0: not known */
	int16_t scale; /* of TYPE_DECIMAL: digits behind the point, also negative; of times: fraction digits, 0 to 6 */
};

static inline enum value_form type_form(struct type type)
{
	return type_infos[type.kind].form;
}

#endif
