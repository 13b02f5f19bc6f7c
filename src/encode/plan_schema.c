/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Schemas of change records, with the names, attributes and order that Debezium's converter gives them: Kafka Connect's
 * types become connect.* attributes, semantic types are io.debezium.*. Deviations: every column of a value may be null
 * (a before-image of the key alone could not be written otherwise), so defaults of columns are not shown, and so may every
 * element of an array, also of enums; types that we carry as text for want of a better form tell the source's name of the
 * type in the parameter that Debezium has for it.
 */
#include "plan_schema.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "form.h"

/* Records that a schema has written out: from then on they are told by name. */
struct named {
	bool decimal;
	bool point;
};

static void put(struct writer *to, const char *text)
{
	wr_view_bytes(to, view_of(text));
}

static void write_meaning(struct writer *to, const char *avro, const char *meaning)
{
	wr_printf(to, "{\"type\":\"%s\",\"connect.version\":1,\"connect.name\":\"%s\"", avro, meaning);
}

/* A type that is no more than its names. */
static void write_names(struct writer *to, const struct form *form)
{
	if (form->connect) {
		wr_printf(to, "{\"type\":\"%s\",\"connect.type\":\"%s\"}", form->avro, form->connect);
		return;
	}
	if (!form->meaning) {
		wr_printf(to, "\"%s\"", form->avro);
		return;
	}
	write_meaning(to, form->avro, form->meaning);
	if (form->logical)
		wr_printf(to, ",\"logicalType\":\"%s\"", form->logical);
	put(to, "}");
}

static void write_decimal(struct writer *to, struct type type)
{
	int scale = decimal_scale(type), precision = decimal_precision(type);

	wr_printf(to, "{\"type\":\"bytes\",\"connect.version\":1,\"connect.parameters\":{\"scale\":\"%d\"", scale);
	if (type.precision)
		wr_printf(to, ",\"connect.decimal.precision\":\"%d\"", precision);
	wr_printf(to,
		  "},\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\",\"precision\":%d,"
		  "\"scale\":%d}",
		  precision, scale);
}

static void write_variable_decimal(struct writer *to, struct named *named)
{
	if (named->decimal) {
		put(to, "\"io.debezium.data.VariableScaleDecimal\"");
		return;
	}
	named->decimal = true;
	put(to, "{\"type\":\"record\",\"name\":\"VariableScaleDecimal\",\"namespace\":\"io.debezium.data\",\"fields\":["
		"{\"name\":\"scale\",\"type\":\"int\"},{\"name\":\"value\",\"type\":\"bytes\"}],"
		"\"connect.doc\":\"Variable scaled decimal\",\"connect.version\":1,"
		"\"connect.name\":\"io.debezium.data.VariableScaleDecimal\"}");
}

static void write_enum(struct writer *to, const struct column *column)
{
	put(to, "{\"type\":\"string\",\"connect.version\":1,");
	if (column->labels) {
		put(to, "\"connect.parameters\":{\"allowed\":");
		json_text(to, view_of(column->labels));
		put(to, "},");
	}
	put(to, "\"connect.name\":\"io.debezium.data.Enum\"}");
}

/* Names of types are written in capitals, without their length. */
static void write_source_type(struct writer *to, const char *source_type)
{
	struct writer name = {0};

	for (; *source_type && *source_type != '('; source_type++)
		wr_u8(&name, (uint8_t)toupper((unsigned char)*source_type));
	put(to, "{\"type\":\"string\",\"connect.parameters\":{\"__debezium.source.column.type\":");
	json_text(to, wr_view(&name));
	put(to, "}}");
	wr_done(&name);
}

static void write_bits(struct writer *to, const struct column *column)
{
	put(to, "{\"type\":\"bytes\",\"connect.version\":1,");
	if (column->type.precision)
		wr_printf(to, "\"connect.parameters\":{\"length\":\"%d\"},", (int)column->type.precision);
	put(to, "\"connect.name\":\"io.debezium.data.Bits\"}");
}

static void write_point(struct writer *to, struct named *named)
{
	if (named->point) {
		put(to, "\"io.debezium.data.geometry.Point\"");
		return;
	}
	named->point = true;
	put(to, "{\"type\":\"record\",\"name\":\"Point\",\"namespace\":\"io.debezium.data.geometry\",\"fields\":["
		"{\"name\":\"x\",\"type\":\"double\"},{\"name\":\"y\",\"type\":\"double\"},"
		"{\"name\":\"wkb\",\"type\":[\"null\",\"bytes\"],\"default\":null},"
		"{\"name\":\"srid\",\"type\":[\"null\",\"int\"],\"default\":null}],"
		"\"connect.doc\":\"Geometry (POINT)\",\"connect.version\":1,"
		"\"connect.name\":\"io.debezium.data.geometry.Point\"}");
}

static void write_type(struct writer *to, const struct encode_field *field, struct named *named);

static void write_array(struct writer *to, const struct encode_field *field, struct named *named)
{
	put(to, "{\"type\":\"array\",\"items\":[\"null\",");
	write_type(to, field->element, named);
	put(to, "]}");
}

static void write_type(struct writer *to, const struct encode_field *field, struct named *named)
{
	switch (field->form->schema) {
	case SCHEMA_NAMES:
		write_names(to, field->form);
		break;
	case SCHEMA_DECIMAL:
		write_decimal(to, field->column->type);
		break;
	case SCHEMA_VARIABLE_DECIMAL:
		write_variable_decimal(to, named);
		break;
	case SCHEMA_ENUM:
		write_enum(to, field->column);
		break;
	case SCHEMA_SOURCE_TYPE:
		write_source_type(to, field->column->source_type);
		break;
	case SCHEMA_BITS:
		write_bits(to, field->column);
		break;
	case SCHEMA_POINT:
		write_point(to, named);
		break;
	case SCHEMA_ARRAY:
		write_array(to, field, named);
		break;
	}
}

void write_key_schema(const struct encode_plan *plan, const char *space, struct writer *to)
{
	struct named named = {0};

	wr_printf(to, "{\"type\":\"record\",\"name\":\"Key\",\"namespace\":\"%s\",\"fields\":[", space);
	for (unsigned i = 0; i < plan->key_field_count; i++) {
		wr_printf(to, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", plan->key_fields[i]->name);
		write_type(to, plan->key_fields[i], &named);
		put(to, "}");
	}
	wr_printf(to, "],\"connect.name\":\"%s.Key\"}", space);
}

static void write_columns(const struct encode_plan *plan, struct writer *to)
{
	struct named named = {0};

	for (unsigned i = 0; i < plan->field_count; i++) {
		wr_printf(to, "%s{\"name\":\"%s\",\"type\":[\"null\",", i ? "," : "", plan->fields[i].name);
		write_type(to, &plan->fields[i], &named);
		put(to, "],\"default\":null}");
	}
}

static void write_row_schema(const struct encode_plan *plan, const char *space, struct writer *to)
{
	put(to, "{\"type\":\"record\",\"name\":\"Value\",\"fields\":[");
	write_columns(plan, to);
	wr_printf(to, "],\"connect.name\":\"%s.Value\"}", space);
}

#define OPTIONAL(name, type) "{\"name\":\"" name "\",\"type\":[\"null\",\"" type "\"],\"default\":null}"
#define REQUIRED(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\"}"

/* In the order in which envelope.c writes them. */
#define LSN_FIELDS \
	OPTIONAL("sequence", "string") "," OPTIONAL("ts_us", "long") "," \
	OPTIONAL("ts_ns", "long") "," REQUIRED("schema", "string") "," REQUIRED("table", "string") "," \
	OPTIONAL("txId", "long") "," OPTIONAL("lsn", "long") "," OPTIONAL("xmin", "long") "," \
	OPTIONAL("origin", "string") "," OPTIONAL("origin_lsn", "long")

#define BINLOG_FIELDS \
	OPTIONAL("sequence", "string") "," OPTIONAL("ts_us", "long") "," OPTIONAL("ts_ns", "long") "," \
	OPTIONAL("table", "string") "," REQUIRED("server_id", "long") "," OPTIONAL("gtid", "string") "," \
	REQUIRED("file", "string") "," REQUIRED("pos", "long") "," REQUIRED("row", "int") "," \
	OPTIONAL("thread", "long") "," OPTIONAL("query", "string")

bool connector_has_binlog(const char *connector)
{
	return strcmp(connector, "mysql") == 0 || strcmp(connector, "mariadb") == 0;
}

/* The namespace stands only where the enclosing record has another. */
static void write_source_schema(const char *connector, bool space, struct writer *to)
{
	put(to, "{\"name\":\"source\",\"type\":{\"type\":\"record\",\"name\":\"Source\",");
	if (space)
		wr_printf(to, "\"namespace\":\"io.debezium.connector.%s\",", connector);
	put(to, "\"fields\":["
		REQUIRED("version", "string") "," REQUIRED("connector", "string") "," REQUIRED("name", "string") ","
		REQUIRED("ts_ms", "long") ","
		"{\"name\":\"snapshot\",\"type\":[{\"type\":\"string\",\"connect.version\":1,"
		"\"connect.parameters\":{\"allowed\":"
		"\"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental\"},"
		"\"connect.default\":\"false\",\"connect.name\":\"io.debezium.data.Enum\"},\"null\"],"
		"\"default\":\"false\"},"
		REQUIRED("db", "string") ",");
	if (connector_has_binlog(connector))
		put(to, BINLOG_FIELDS);
	else
		put(to, LSN_FIELDS);
	put(to, "],\"connect.version\":1,");
	wr_printf(to, "\"connect.name\":\"io.debezium.connector.%s.Source\"}}", connector);
}

static const char transaction_schema[] =
	"{\"name\":\"transaction\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"block\","
	"\"namespace\":\"event\",\"fields\":["
	REQUIRED("id", "string") "," REQUIRED("total_order", "long") "," REQUIRED("data_collection_order", "long")
	"],\"connect.version\":1,\"connect.name\":\"event.block\"}],\"default\":null}";

void write_value_schema(const struct encode_plan *plan, const char *space, const char *connector, struct writer *to)
{
	wr_printf(to, "{\"type\":\"record\",\"name\":\"Envelope\",\"namespace\":\"%s\",\"fields\":[", space);
	put(to, "{\"name\":\"before\",\"type\":[\"null\",");
	write_row_schema(plan, space, to);
	put(to, "],\"default\":null}," OPTIONAL("after", "Value") ",");
	write_source_schema(connector, true, to);
	put(to, ",");
	put(to, transaction_schema);
	put(to, "," REQUIRED("op", "string") "," OPTIONAL("ts_ms", "long") "," OPTIONAL("ts_us", "long") ","
		OPTIONAL("ts_ns", "long") "],");
	wr_printf(to, "\"connect.version\":2,\"connect.name\":\"%s.Envelope\"}", space);
}

/* In the order in which envelope.c writes them. */
static const struct {
	const char *name;
	const char *schema;
} flat_fields[] = {
	{"__deleted", OPTIONAL("__deleted", "string")},
	{"__op", OPTIONAL("__op", "string")},
	{"__table", OPTIONAL("__table", "string")},
	{"__lsn", OPTIONAL("__lsn", "long")},
	{"__txId", OPTIONAL("__txId", "long")},
	{"__source_ts_ms", OPTIONAL("__source_ts_ms", "long")},
	{"__ts_ms", OPTIONAL("__ts_ms", "long")},
};

bool flat_has_field(const char *name)
{
	for (size_t i = 0; i < sizeof(flat_fields) / sizeof(flat_fields[0]); i++)
		if (strcmp(flat_fields[i].name, name) == 0)
			return true;
	return false;
}

void write_flat_schema(const struct encode_plan *plan, const char *space, const char *connector, struct writer *to)
{
	(void)connector;
	wr_printf(to, "{\"type\":\"record\",\"name\":\"Value\",\"namespace\":\"%s\",\"fields\":[", space);
	write_columns(plan, to);
	for (size_t i = 0; i < sizeof(flat_fields) / sizeof(flat_fields[0]); i++) {
		if (plan->field_count || i)
			put(to, ",");
		put(to, flat_fields[i].schema);
	}
	wr_printf(to, "],\"connect.name\":\"%s.Value\"}", space);
}

void write_message_key_schema(const char *connector, struct writer *to)
{
	wr_printf(to,
		  "{\"type\":\"record\",\"name\":\"MessageKey\",\"namespace\":\"io.debezium.connector.%s\",\"fields\":["
		  OPTIONAL("prefix", "string")
		  "],\"connect.version\":1,\"connect.name\":\"io.debezium.connector.%s.MessageKey\"}",
		  connector, connector);
}

void write_message_value_schema(const char *connector, struct writer *to)
{
	wr_printf(to,
		  "{\"type\":\"record\",\"name\":\"MessageValue\","
		  "\"namespace\":\"io.debezium.connector.%s\",\"fields\":["
		  REQUIRED("op", "string") "," OPTIONAL("ts_ms", "long") ",", connector);
	write_source_schema(connector, false, to);
	put(to, ",");
	put(to, transaction_schema);
	wr_printf(to,
		  ",{\"name\":\"message\",\"type\":{\"type\":\"record\",\"name\":\"Message\",\"fields\":["
		  OPTIONAL("prefix", "string") "," OPTIONAL("content", "bytes")
		  "],\"connect.version\":1,\"connect.name\":\"io.debezium.connector.%s.Message\"}}],"
		  "\"connect.version\":1,"
		  "\"connect.name\":\"io.debezium.connector.%s.MessageValue\"}",
		  connector, connector);
}

#define METADATA "io.debezium.connector.common"

void write_marker_key_schema(struct writer *to)
{
	put(to, "{\"type\":\"record\",\"name\":\"TransactionMetadataKey\",\"namespace\":\"" METADATA "\",\"fields\":["
		REQUIRED("id", "string")
		"],\"connect.version\":1,\"connect.name\":\"" METADATA ".TransactionMetadataKey\"}");
}

void write_marker_value_schema(bool documents, struct writer *to)
{
	put(to, "{\"type\":\"record\",\"name\":\"TransactionMetadataValue\",\"namespace\":\"" METADATA "\",\"fields\":["
		REQUIRED("status", "string") "," REQUIRED("id", "string") "," OPTIONAL("event_count", "long") ","
		"{\"name\":\"data_collections\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\","
		"{\"type\":\"record\",\"name\":\"collection\",\"namespace\":\"event\",\"fields\":["
		REQUIRED("data_collection", "string") "," REQUIRED("event_count", "long")
		"],\"connect.version\":1,\"connect.name\":\"event.collection\"}]}],\"default\":null},"
		REQUIRED("ts_ms", "long"));
	if (documents)
		put(to, ",{\"name\":\"documents\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\","
			"\"event.collection\"]}],\"default\":null}");
	put(to, "],\"connect.version\":1,\"connect.name\":\"" METADATA ".TransactionMetadataValue\"}");
}
