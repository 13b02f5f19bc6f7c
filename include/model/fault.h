/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What is wrong with a document or a record, filled where it is found: what an exception message says, and the list of
 * open exceptions.
 */
#ifndef MODEL_FAULT_H
#define MODEL_FAULT_H

#include "base/view.h"

/* In one word: the symbols of the contract's ExceptionReason. */
enum fault_reason {
	FAULT_UNKNOWN,
	FAULT_REQUIRED,  /* a field that must have a value has none */
	FAULT_TYPE,      /* a value is none of the field's type */
	FAULT_ENUM,      /* a value is none of the enum's symbols */
	FAULT_RANGE,     /* a value of the right type has no place in the field */
	FAULT_QUERY,     /* a statement failed on the data, or gave more rows than it may */
	FAULT_ENCODING,  /* a value cannot be written as the record's schema has it */
	FAULT_TOO_LARGE, /* the message is larger than Kafka takes */
	FAULT_REASONS,
};

extern const char *const fault_reason_names[FAULT_REASONS];

/* Views that are VIEW_NONE: there is no such thing. */
struct fault {
	enum fault_reason reason;
	struct view message; /* one sentence */
	struct view path;    /* of the field that does not fit: lines[1].net.amount */
	struct view value;   /* that does not fit, as text, cut if it is long */
	struct view place;   /* in the mapping: Invoice.yaml:23 */
	struct view rule;    /* whose condition failed */
};

#endif
