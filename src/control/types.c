/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What help and manual say of each type of the source: from the source's table of types and the encoder's of forms. */
#include <string.h>

#include "control/help.h"
#include "encode/values.h"
#include "source/source.h"

const char help_types_text[] =
	"What a column of each type is in the records of a change topic: Avro's type and, behind it, what Debezium's converter "
	"calls it (connect.name, connect.type) and a logical type, if there are any. Snapshot and stream give the same. A value "
	"whose type cannot hold it is treated as on_bad_record says.";

bool help_type(size_t number, struct help_type *ret)
{
	static const struct value_forms usual;
	struct source_type type;
	struct column column;

	wr_clear(&ret->avro);
	if (!source_find("postgresql")->type(number, &type))
		return false;
	column = (struct column){.name = type.name, .type = type.type, .source_type = type.source_type};
	ret->name = type.name;
	ret->remark = type.remark;
	values_describe(&column, &usual, &ret->avro);
	wr_u8(&ret->avro, 0);
	return true;
}

void help_type_done(struct help_type *type)
{
	wr_done(&type->avro);
}
