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

static const struct value_forms usual;

/* What options can choose. */
static const struct {
	const char *option;
	struct value_forms forms;
} choices[] = {
	{"format.decimal: string", {.decimal = DECIMALS_STRING}}, {"format.decimal: double", {.decimal = DECIMALS_DOUBLE}},
	{"format.time: micros", {.time = TIMES_MICROS}},          {"format.time: connect", {.time = TIMES_CONNECT}},
	{"format.binary: base64", {.binary = BINARY_BASE64}},     {"format.binary: hex", {.binary = BINARY_HEX}},
};

/* Those that change this type: "With format.decimal: string it is string." */
static void describe_choices(const struct column *column, const struct writer *avro, struct writer *to)
{
	struct writer other = {0};

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		wr_clear(&other);
		values_describe(column, &choices[i].forms, &other);
		if (!view_equal(wr_view(&other), wr_view(avro)))
			wr_printf(to, "%sWith %s: %.*s.", to->len ? " " : "", choices[i].option, VIEW_ARG(wr_view(&other)));
	}
	wr_done(&other);
}

/* "Of bool, int2 ...": rows of one type stand behind each other. */
static void describe_elements(struct writer *to)
{
	struct source_type type;
	const char *before = "";

	for (size_t i = 0; source_find("postgresql")->type(i, &type); i++) {
		if (!type.element || (strcmp(type.source_type, before) == 0 && *before))
			continue;
		before = type.source_type;
		wr_printf(to, "%s%s", to->len ? ", " : "Of ", *before ? before : type.name);
	}
	wr_printf(to, ".");
}

const struct help_family help_families[] = {{"PostgreSQL", "postgresql"}, {"MySQL and MariaDB", "mysql"}};
const size_t help_family_count = sizeof(help_families) / sizeof(help_families[0]);

bool help_type(const struct help_family *family, size_t number, struct help_type *ret)
{
	struct source_type type;
	struct column column;

	wr_clear(&ret->avro);
	wr_clear(&ret->choices);
	if (!source_find(family->source)->type(number, &type))
		return false;
	column = (struct column){.name = type.name, .type = type.type, .source_type = type.source_type};
	ret->name = type.name;
	ret->remark = type.remark;
	values_describe(&column, &usual, &ret->avro);
	if (type.type.kind == TYPE_ARRAY)
		describe_elements(&ret->choices);
	else
		describe_choices(&column, &ret->avro, &ret->choices);
	wr_u8(&ret->avro, 0);
	wr_u8(&ret->choices, 0);
	return true;
}

void help_type_done(struct help_type *type)
{
	wr_done(&type->avro);
	wr_done(&type->choices);
}
