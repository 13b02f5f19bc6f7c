/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The option table itself, and what a text of an option may look like. */
#include "control/options.h"

#include <ctype.h>

#include "base/clock.h"
#include "control/http.h"
#include "control/values.h"

#define KB INT64_C(1024)
#define MB (KB * 1024)
#define GB (MB * 1024)
#define MSEC USEC_PER_MSEC
#define SEC USEC_PER_SEC
#define DAY (24 * 3600 * SEC)

static bool all_of(struct view text, size_t most, const char *others, bool upper)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (!isdigit(c) && !(upper ? isalpha(c) : islower(c)) && !(c && strchr(others, c)))
			return false;
	}
	return text.len > 0 && text.len <= most;
}

static bool fits_name(struct view text)
{
	return all_of(text, 63, "._-", true) && isalnum((unsigned char)text.ptr[0]);
}

static bool fits_slot(struct view text)
{
	return all_of(text, 63, "_", false);
}

static bool fits_prefix(struct view text)
{
	return all_of(text, 100, "._-", true) && !view_is(text, ".") && !view_is(text, "..");
}

static unsigned dots(struct view text)
{
	unsigned count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == '.';
	return count;
}

static bool fits_table(struct view text)
{
	return dots(text) == 1 && text.ptr[0] != '.' && text.ptr[text.len - 1] != '.';
}

static bool fits_column(struct view text)
{
	return dots(text) == 2 && text.ptr[0] != '.' && text.ptr[text.len - 1] != '.';
}

static bool fits_anything(struct view text)
{
	return text.len > 0;
}

/* Credentials do not belong there: addresses are printed. */
static bool fits_url(struct view text)
{
	size_t scheme = text.len > 7 && memcmp(text.ptr, "http://", 7) == 0 ? 7 : text.len > 8 && memcmp(text.ptr, "https://", 8) == 0 ? 8 : 0;

	return scheme && text.ptr[scheme] != '/' && !memchr(text.ptr, '@', text.len) && !memchr(text.ptr, '?', text.len) &&
	       !memchr(text.ptr, '#', text.len) && !memchr(text.ptr, ' ', text.len);
}

/* There is neither TLS nor a password: nobody but this machine may ask. */
static bool fits_listen(struct view text)
{
	struct http_address address;

	return http_address_parse(text, &address) == 0 && address.port != 0;
}

static const struct option_form form_name = {
	fits_name, "a name of 1 to 63 letters, digits, '.', '_' or '-' that begins with a letter or digit"};
static const struct option_form form_slot = {fits_slot, "a name of 1 to 63 small letters, digits or '_'"};
static const struct option_form form_prefix = {fits_prefix, "a name of 1 to 100 letters, digits, '.', '_' or '-'"};
static const struct option_form form_table = {fits_table, "a pattern schema.table, as in public.invoice or public.*"};
static const struct option_form form_column = {fits_column,
					       "a pattern schema.table.column, as in public.partner.iban or *.*.password"};
static const struct option_form form_url = {
	fits_url, "an address as in https://registry.example.net:8081/path, without user, query or fragment"};
static const struct option_form form_listen = {
	fits_listen, "an address of this machine's loopback with a port, as in 127.0.0.1:9187 or [::1]:9187"};
static const struct option_form form_anything = {fits_anything, "a text that is not empty"};

static const char *const histories[] = {"all", "none", NULL};

/* In the order of enum source_values. */
static const char *const value_wires[] = {"auto", "text", "binary", NULL};

static const char *const source_types[] = {"postgresql", "mysql", "mariadb", NULL};
/* In the order of enum source_dates. */
static const char *const zero_dates[] = {"null", "error", "text", NULL};

static const char *const origins[] = {"any", "none", NULL};
static const char *const exceed_ways[] = {"warn", "pause_snapshot", "stop", NULL};
static const char *const deliveries[] = {"exactly_once", "at_least_once", NULL};
static const char *const bad_record_ways[] = {"stop", "exception", NULL};
static const char *const marked_transactions[] = {"split", "all", NULL};
static const char *const subject_strategies[] = {"topic", "record", "topic_record", NULL};
static const char *const envelopes[] = {"debezium", "flat", NULL};
static const char *const decimals[] = {"precise", "string", "double", NULL};
static const char *const times[] = {"adaptive", "micros", "connect", NULL};
static const char *const binaries[] = {"bytes", "base64", "hex", NULL};
static const char *const formats[] = {"avro", "json", "json_schema", "json_connect", "protobuf", NULL};
static const char *const framings[] = {"auto", "single_object", "confluent", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

#define AT(member) .offset = offsetof(struct settings, member)
#define RANGE(from, to) .least = (from), .most = (to)

const struct option option_table[] = {
	{.name = "source.name", .type = OPTION_TEXT, AT(source_name), .required = true, .form = &form_name,
	 .example = "erp",
	 .help = "The name of the source. It is part of every event id, of the checkpoint's key and of the "
		 "transactional id: choose it once and never change it."},
	{.name = "source.type", .type = OPTION_CHOICE, AT(source_type), .choices = source_types,
	 .fallback = "postgresql",
	 .help = "The kind of server. mysql and mariadb are the same: the server tells which it is. See the README for what can be "
		 "read of them by now."},
	{.name = "source.instance", .type = OPTION_TEXT, AT(source_instance), .form = &form_name,
	 .derived = "the value of source.name", .example = "erp",
	 .help = "The installation: the first part of every canonical id. Sources that are one installation say the "
		 "same."},
	{.name = "source.host", .type = OPTION_TEXT, AT(source_host), .form = &form_anything,
	 .derived = "what libpq takes: $PGHOST, or the local socket", .example = "db.example.net", .sampled = true,
	 .help = "The server's host name, address, or folder of its socket."},
	{.name = "source.port", .type = OPTION_INTEGER, AT(source_port), RANGE(1, 65535),
	 .derived = "5432; 3306 for mysql and mariadb", .example = "5432",
	 .help = "The server's port."},
	{.name = "source.dbname", .type = OPTION_TEXT, AT(source_dbname), .required = true, .form = &form_anything,
	 .example = "erp", .help = "The database."},
	{.name = "source.user", .type = OPTION_TEXT, AT(source_user), .form = &form_anything,
	 .derived = "what libpq takes: $PGUSER, or the user of the process", .example = "tailwater", .sampled = true,
	 .help = "The role to log in as. It needs REPLICATION, and SELECT on the captured tables."},
	{.name = "source.password", .type = OPTION_TEXT, AT(source_password), .reloadable = true, .secret = true,
	 .derived = "none; libpq also looks into its password file", .example = "${file:/etc/tailwater/password}",
	 .help = "The role's password, best as ${cred:name} or ${file:/path}."},
	{.name = "source.parameters", .type = OPTION_MAP, AT(source_parameters), .reloadable = true, .fallback = "{}",
	 .example = "{sslmode: verify-full}",
	 .help = "Any other connection keyword of libpq, such as sslmode, sslrootcert or connect_timeout; for mysql and mariadb ssl_mode "
		 "(disabled, preferred, required, verify_ca, verify_identity), ssl_ca, ssl_capath, ssl_cert, ssl_key, ssl_crl, ssl_cipher, "
		 "tls_version, server_public_key_path (of caching_sha2_password without TLS), plugin_dir (of the client library) and "
		 "connect_timeout."},
	{.name = "source.slot", .type = OPTION_TEXT, AT(source_slot), .form = &form_slot,
	 .derived = "tailwater_ and the value of source.name, in small letters", .example = "tailwater_erp",
	 .help = "The replication slot. It belongs to this source alone."},
	{.name = "source.publication", .type = OPTION_TEXT, AT(source_publication), .form = &form_anything,
	 .fallback = "tailwater",
	 .help = "The publication, made by the DBA: `tailwater check --connect` prints the SQL for exactly the tables "
		 "that are captured."},
	{.name = "source.create_slot", .type = OPTION_BOOLEAN, AT(source_create_slot), .fallback = "false",
	 .example = "true",
	 .sampled = true,
	 .help = "Whether to make the slot at the first start. The server keeps its log for a slot until it is read, "
		 "so this is said explicitly. Once something was published no slot is ever made again."},
	{.name = "source.slot_timeout", .type = OPTION_DURATION, AT(source_slot_timeout), .reloadable = true, RANGE(SEC, DAY),
	 .fallback = "5min",
	 .help = "How long making the slot may wait for transactions that are open on the server. The sessions waited "
		 "for are named when it runs out; then it is tried again."},
	{.name = "source.failover", .type = OPTION_BOOLEAN, AT(source_failover), .fallback = "false", .example = "true",
	 .help = "Whether the slot is one that standbys with sync_replication_slots keep as well, so that reading can go on after "
		 "one of them was promoted. Needs PostgreSQL 17 or later; name the standbys in synchronized_standby_slots, or one "
		 "may have less than was published. A slot that was made without it is refused."},
	{.name = "source.origin", .type = OPTION_CHOICE, AT(source_origin), .choices = origins, .fallback = "any",
	 .help = "With `none` the server leaves out what it has got from elsewhere by logical replication, or was written under a "
		 "replication origin: a way back from the new system raises no echo. Needs PostgreSQL 16 or later. The first "
		 "snapshot has such rows all the same. Not with mapping.pack: a mirror needs all rows."},
	{.name = "source.server_id", .type = OPTION_INTEGER, AT(source_server_id), RANGE(1, UINT32_MAX),
	 .derived = "a number from 1,000,000,000 on, made of source.name", .example = "4711",
	 .help = "The number that the agent has among the replicas of a MySQL or MariaDB server, which no server and no other replica may "
		 "have: the one of two that came first is thrown out, and CONFLICT."},
	{.name = "source.zero_dates", .type = OPTION_CHOICE, AT(source_zero_dates), .choices = zero_dates, .fallback = "null",
	 .help = "What becomes of a date of MySQL or MariaDB that the calendar does not have, as 0000-00-00, 2024-00-10 or 2024-02-31. null: it is "
		 "null. error: its row is a bad record (on_bad_record). text: every date, datetime and timestamp is a text, as the server prints "
		 "it, and the schemas say string. Snapshot and stream do the same. It makes another version of tables: choose it once."},
	{.name = "source.max_retained_wal", .type = OPTION_SIZE, AT(source_max_retained_wal), RANGE(MB, 1024 * 1024 * GB),
	 .fallback = "unlimited", .word = "unlimited", .word_value = 0, .example = "20GB", .reloadable = true,
	 .help = "How much of its log the server may keep for the slot before source.on_exceed counts. It is looked at every ten "
		 "seconds; `tailwater status` shows it, and when the log would be lost at the present rate. Tailwater drops nothing "
		 "by itself: what the server drops is decided by its max_slot_wal_keep_size."},
	{.name = "source.on_exceed", .type = OPTION_CHOICE, AT(source_on_exceed), .choices = exceed_ways, .fallback = "warn",
	 .reloadable = true,
	 .help = "What is done then. warn: a line in the log, again every ten minutes while it lasts. pause_snapshot: besides, "
		 "tables that are read again while streaming wait until it is less, so that the stream catches up first. stop: "
		 "the agent ends in state WAL_LIMIT, and the slot, which still keeps the log, is for you to decide on."},

	{.name = "source.values", .type = OPTION_CHOICE, AT(source_values), .choices = value_wires, .fallback = "auto",
	 .help = "In which form the server sends values: nothing but its and the agent's work depends on it. binary is cheaper for both, "
		 "needs PostgreSQL 14 or later, and is refused where a captured column is read as text only (arrays, ranges, network "
		 "and geometric types, those of extensions). auto: binary where it can be."},

	{.name = "kafka", .type = OPTION_MAP, AT(kafka), .reloadable = true, .required = true, .sampled = true,
	 .example = "{bootstrap.servers: \"kafka.example.net:9092\"}",
	 .help = "Any property of librdkafka, passed through; bootstrap.servers is required. Those that delivery "
		 "depends on (transactional.id, enable.idempotence, isolation.level and the like) are set by "
		 "Tailwater."},

	{.name = "topics.prefix", .type = OPTION_TEXT, AT(topics_prefix), .form = &form_prefix,
	 .derived = "the value of source.name", .example = "erp",
	 .help = "What all topics begin with: PREFIX.change.SCHEMA.TABLE, PREFIX.entity.ENTITY, PREFIX.event.EVENT, "
		 "PREFIX.exception, PREFIX.transaction, PREFIX.schemas, PREFIX.checkpoint."},
	{.name = "topics.partitions", .type = OPTION_INTEGER, AT(topics_partitions), RANGE(1, 10000), .fallback = "6",
	 .help = "Partitions of a topic that Tailwater makes. A topic that exists keeps its own number."},
	{.name = "topics.replication", .type = OPTION_INTEGER, AT(topics_replication), RANGE(1, 100),
	 .fallback = "broker",
	 .word = "broker", .word_value = 0,
	 .help = "Replication factor of a topic that Tailwater makes; `broker` is the broker's default."},
	{.name = "topics.retention", .type = OPTION_DURATION, AT(topics_retention), RANGE(60 * SEC, 36500 * DAY),
	 .fallback = "7d", .word = "forever", .word_value = -1,
	 .help = "How long Kafka keeps the records of change, event and exception topics that Tailwater makes. Entity "
		 "topics are compacted and kept."},

	{.name = "topics.transactions", .type = OPTION_CHOICE, AT(topics_transactions), .choices = marked_transactions,
	 .fallback = "split",
	 .help = "Which transactions have records in PREFIX.transaction. split: those published in several Kafka "
		 "transactions have an END with counts, which says that they are whole. all: every one has a BEGIN and "
		 "an END, as with Debezium's provide.transaction.metadata. Snapshots have both in any case."},

	{.name = "tables.include", .type = OPTION_LIST, AT(tables_include), .form = &form_table, .fallback = "[]",
	 .example = "[public.*]", .sampled = true,
	 .help = "Patterns (* and ?) of the tables that have change topics. What the mapping reads is captured "
		 "besides."},
	{.name = "tables.exclude", .type = OPTION_LIST, AT(tables_exclude), .form = &form_table, .fallback = "[]",
	 .example = "[public.audit_*]", .help = "Patterns of tables that have none, although included."},
	{.name = "tables.exclude_columns", .type = OPTION_LIST, AT(tables_exclude_columns), .form = &form_column,
	 .fallback = "[]", .example = "[public.employee.iban]",
	 .help = "Patterns of columns that change topics leave out. A mapping can still read them."},
	{.name = "tables.mirror", .type = OPTION_LIST, AT(tables_mirror), .form = &form_table, .fallback = "[]",
	 .example = "[public.customer]",
	 .help = "Patterns of tables that are kept whole in the state file. Their records have the row as it was (before) and all large "
		 "values that stayed the same, without REPLICA IDENTITY FULL on the source. It takes the room of the table, and "
		 "a look-up for each change. Without a primary key or identity index a table needs FULL anyway."},

	{.name = "masking.columns", .type = OPTION_MAP, AT(masking_columns), .fallback = "{}",
	 .example = "{public.employee.iban: last4}",
	 .help = "Columns (schema.table.column or table.column, with * and ?) whose values nobody behind the source sees: neither "
		 "topics nor the state file, exceptions, logs or `tailwater tail`. Each has a method or a class; the first that "
		 "fits a column counts, and those of the mapping pack come last. drop: null. last4: **** and the last four "
		 "characters of a text of eight or more. token: an HMAC-SHA-256, so that equal values stay equal and keys stay "
		 "keys. encrypt: AES-256-GCM, with which the owner of the key can read it again. keep: as it is. Another mask makes "
		 "another version of a table: change it as you would change the column."},
	{.name = "masking.classes", .type = OPTION_MAP, AT(masking_classes), .fallback = "{}",
	 .example = "{rate: keep}",
	 .help = "Another method for all columns of a class. The classes and their methods: account (last4), address (drop), birth "
		 "(drop), email (token), identity (token), name (token), note (drop), phone (last4), rate (drop)."},
	{.name = "masking.key", .type = OPTION_TEXT, AT(masking_key), .secret = true, .derived = "none: token and encrypt are refused",
	 .example = "${file:/etc/tailwater/masking.key}",
	 .help = "The key of token and encrypt: a secret of 32 characters or more, as `openssl rand -base64 32` prints one. With "
		 "another key all tokens are others; keep it as long as what was published with it."},

	{.name = "registry.url", .type = OPTION_TEXT, AT(registry_url), .form = &form_url,
	 .derived = "none: schemas go to the topic PREFIX.schemas", .example = "https://registry.example.net:8081",
	 .help = "A schema registry with Confluent's API; its address below which /subjects is found (of Apicurio that ends in "
		 "/apis/ccompat/v7). A schema is registered before the first message that has it; what was registered once streams "
		 "on when the registry is away."},
	{.name = "registry.user", .type = OPTION_TEXT, AT(registry_user), .reloadable = true, .form = &form_anything, .derived = "none",
	 .example = "tailwater", .help = "The user of basic authentication."},
	{.name = "registry.password", .type = OPTION_TEXT, AT(registry_password), .reloadable = true, .secret = true, .derived = "none",
	 .example = "${file:/etc/tailwater/password}", .help = "The user's password."},
	{.name = "registry.token", .type = OPTION_TEXT, AT(registry_token), .reloadable = true, .secret = true, .derived = "none",
	 .example = "${file:/etc/tailwater/password}",
	 .help = "A bearer token, sent if there is no registry.user."},
	{.name = "registry.ca_file", .type = OPTION_PATH, AT(registry_ca_file), .reloadable = true, .derived = "those of the system",
	 .example = "/etc/tailwater/ca.pem",
	 .help = "Certificates in PEM: who issues that of the registry."},
	{.name = "registry.cert_file", .type = OPTION_PATH, AT(registry_cert_file), .reloadable = true, .derived = "none",
	 .example = "/etc/tailwater/cert.pem",
	 .help = "Our own certificate in PEM, for a registry that asks for one."},
	{.name = "registry.key_file", .type = OPTION_PATH, AT(registry_key_file), .reloadable = true, .derived = "the value of registry.cert_file",
	 .example = "/etc/tailwater/key.pem", .help = "The certificate's private key in PEM."},
	{.name = "registry.key_password", .type = OPTION_TEXT, AT(registry_key_password), .reloadable = true, .secret = true, .derived = "none",
	 .example = "${file:/etc/tailwater/password}", .help = "The password of that key, if it has one."},
	{.name = "registry.timeout", .type = OPTION_DURATION, AT(registry_timeout), .reloadable = true, RANGE(100 * MSEC, 300 * SEC), .fallback = "10s",
	 .help = "How long the registry may take for one answer. Then it is asked again, for as long as it takes, less and less "
		 "often; meanwhile the source is served and what came before the schema is published."},
	{.name = "registry.auto_register", .type = OPTION_BOOLEAN, AT(registry_auto_register), .fallback = "true",
	 .help = "Whether to register schemas. If not, they must be there: one that is not is the state SCHEMA_REFUSED."},
	{.name = "registry.references", .type = OPTION_BOOLEAN, AT(registry_references), .fallback = "false",
	 .help = "Whether Avro types that several schemas have (the source block of changes, the header and the amounts of documents) "
		 "are registered once, each under its full name as subject, and referred to by the others. Readers see no "
		 "difference. To be chosen before the first start: Apicurio (2.6) refuses the one form after the other in a "
		 "subject whose compatibility it checks."},
	{.name = "registry.subjects", .type = OPTION_CHOICE, AT(registry_subjects), .choices = subject_strategies,
	 .fallback = "topic",
	 .help = "How subjects are named. topic: TOPIC-key and TOPIC-value. record: the full name of the record. topic_record: "
		 "TOPIC-RECORD. Keys of documents are plain strings, which have no name: their subjects are those of the topic."},

	{.name = "format.key", .type = OPTION_CHOICE, AT(format_key), .choices = formats, .fallback = "avro",
	 .help = "The form of keys. json: an object of the key's columns, or the canonical id as a string; without a frame, and "
		 "without a schema in the registry or in PREFIX.schemas. json_schema: the same in Confluent's frame, with a JSON "
		 "Schema in the registry. json_connect: an object of schema and payload, as with format.value. protobuf: a message of Protocol Buffers in "
		 "Confluent's frame. Like framing it is "
		 "decided for good with the first start."},
	{.name = "format.value", .type = OPTION_CHOICE, AT(format_value), .choices = formats, .fallback = "avro",
	 .help = "The form of values. json: the same fields in the same order; decimals as exact text, bytes in Base64, what is "
		 "a number of days, milliseconds or microseconds in Avro is the same number. json_schema: as with format.key. "
		 "json_connect: each record is an object of its schema and its payload, as Kafka Connect's JsonConverter has it "
		 "with schemas.enable; decimals are the bytes of the unscaled number in Base64. protobuf: messages of Protocol Buffers in "
		 "Confluent's frame, with their .proto file in the registry; the number of a field is made of its name, decimals "
		 "and enums are strings, dates days (sint32), and timestamps of documents microseconds (sfixed64)."},

	{.name = "format.envelope", .type = OPTION_CHOICE, AT(format_envelope), .choices = envelopes, .fallback = "debezium",
	 .help = "What a record of a change topic is. debezium: its envelope, with both images and where they come from. flat: the "
		 "row alone (of a delete the old one, as far as it is known), and behind its columns __deleted, __op, __table, __lsn, "
		 "__txId, __source_ts_ms and __ts_ms, as Debezium's ExtractNewRecordState makes them."},

	{.name = "format.decimal", .type = OPTION_CHOICE, AT(format_decimal), .choices = decimals, .fallback = "precise",
	 .help = "What numeric and money are in change topics, as Debezium's decimal.handling.mode. precise: exact, in bytes. string: "
		 "their text, with NAN, POSITIVE_INFINITY and NEGATIVE_INFINITY for what is no number. double: the nearest double. "
		 "Another form of values is another schema, which a registry may refuse, and, where such a column belongs to the key, "
		 "another key; documents are the same with each."},
	{.name = "format.time", .type = OPTION_CHOICE, AT(format_time), .choices = times, .fallback = "adaptive",
	 .help = "What date, time and timestamp are in change topics, as Debezium's time.precision.mode. adaptive: times and timestamps "
		 "in milliseconds if the column has three fraction digits or less, otherwise in microseconds. micros: the same, but "
		 "times always in microseconds (adaptive_time_microseconds). connect: Kafka Connect's Date, Time and Timestamp, with "
		 "Avro's logical types, in milliseconds: further digits are cut off. For another form see format.decimal."},
	{.name = "format.binary", .type = OPTION_CHOICE, AT(format_binary), .choices = binaries, .fallback = "bytes",
	 .help = "What bytea is in change topics, as Debezium's binary.handling.mode. base64, hex: a string. For another form see "
		 "format.decimal."},

	{.name = "framing", .type = OPTION_CHOICE, AT(framing), .choices = framings, .fallback = "auto",
	 .help = "What stands before a value and says which schema it has. single_object: Avro's own encoding, two bytes and "
		 "the schema's fingerprint. confluent: a zero and the schema's id in the registry, four bytes. auto: confluent if "
		 "there is a registry.url, otherwise single_object. It is decided for good with the first start: keys in another "
		 "framing are other keys."},

	{.name = "mapping.pack", .type = OPTION_PATH, AT(mapping_pack), .derived = "none: there are change topics only",
	 .example = "/etc/tailwater/mappings/erp",
	 .help = "The folder of the mapping pack: pack.yaml and a file for each entity."},
	{.name = "mapping.overlay", .type = OPTION_PATH, AT(mapping_overlay), .derived = "none",
	 .example = "/etc/tailwater/mappings/site",
	 .help = "A folder whose files add or replace single entities of the pack."},
	{.name = "mapping.schemas", .type = OPTION_PATH, AT(mapping_schemas), .fallback = PKGDATADIR "/schemas",
	 .help = "The folder of the Avro contracts."},

	{.name = "state.file", .type = OPTION_PATH, AT(state_file), .required = true,
	 .example = "/var/lib/tailwater/erp.state",
	 .help = "The state file: mirror, last documents and position. It must survive restarts, on a local file "
		 "system."},
	{.name = "state.cache", .type = OPTION_SIZE, AT(state_cache), RANGE(MB, 64 * GB), .fallback = "8MB",
	 .help = "Page cache of the state file. More is faster where keys are touched in random order."},

	{.name = "delivery", .type = OPTION_CHOICE, AT(delivery), .choices = deliveries, .fallback = "exactly_once",
	 .help = "exactly_once: events and the checkpoint are one Kafka transaction, and a read_committed consumer "
		 "sees every event once. at_least_once: after a crash a suffix is repeated, recognisable by the event "
		 "id."},

	{.name = "batch.time", .type = OPTION_DURATION, AT(batch_time), .reloadable = true, RANGE(0, 60 * SEC), .fallback = "20ms",
	 .help = "How long events are gathered for one Kafka transaction; half a commit's duration at least, and "
		 "several times as long while more waits at the source than can be read at once. What comes during a commit has waited "
		 "already: that counts."},
	{.name = "batch.events", .type = OPTION_INTEGER, AT(batch_events), .reloadable = true, RANGE(1, 10000000), .fallback = "50000",
	 .help = "How many messages at most are in one Kafka transaction. A larger source transaction is split."},
	{.name = "batch.bytes", .type = OPTION_SIZE, AT(batch_bytes), .reloadable = true, RANGE(64 * KB, GB), .fallback = "16MB",
	 .help = "How many bytes of messages at most are in one Kafka transaction, or unacknowledged with "
		 "at_least_once."},

	{.name = "snapshot.history", .type = OPTION_CHOICE, AT(snapshot_history), .choices = histories, .fallback = "all",
	 .help = "What the first snapshot publishes. all: the rows of all tables, and all documents. none: nothing, as with `run "
		 "--from-now`: change topics begin with the first change, and a document leaves when it changes for the first time "
		 "(as UPDATE, since it was there before). The mirror is filled all the same. Documents that do not validate are told as "
		 "exceptions in either case. To have a part of the history later, see `tailwater snapshot` and `tailwater publish`."},
	{.name = "snapshot.readers", .type = OPTION_INTEGER, AT(snapshot_readers), RANGE(1, 16), .fallback = "4",
	 .help = "How many connections read the first snapshot, all at the same moment of the database. Large tables are read in pieces, "
		 "which PostgreSQL has from 14 on; before, a table is read by one connection. The server has so many sessions more until they "
		 "are done; if it lets in fewer, these read it."},
	{.name = "snapshot.documents", .type = OPTION_MAP, AT(snapshot_documents), .fallback = "{}",
	 .example = "{Invoice: \"new.issueDate >= '2024-01-01' OR new.status = 'DRAFT'\"}",
	 .help = "Which documents of an entity the first snapshot publishes: those for which the condition is true, written as the "
		 "conditions of events are, with the document as `new`. An entity that is not named has all. A document that is left "
		 "out is kept all the same, and leaves whole, as UPDATE, when it changes for the first time, with the events of that "
		 "change. A condition that fails on the data leaves nothing out. Change topics have the rows of all."},
	{.name = "snapshot.part_rows", .type = OPTION_INTEGER, AT(snapshot_part_rows), RANGE(1, 1000000), .fallback = "10000",
	 .help = "How many rows of a table are read at once while changes are streamed: when a table is loaded again, or its "
		 "snapshot is repeated. The stream waits meanwhile."},

	{.name = "confirm.interval", .type = OPTION_DURATION, AT(confirm_interval), .reloadable = true, RANGE(10 * MSEC, 600 * SEC),
	 .fallback = "1s",
	 .help = "How often the state file is committed and the position confirmed to the source."},
	{.name = "confirm.rows", .type = OPTION_INTEGER, AT(confirm_rows), .reloadable = true, RANGE(1, 100000000), .fallback = "100000",
	 .help = "... but at the latest after so many rows."},

	{.name = "commit_timeout", .type = OPTION_DURATION, AT(commit_timeout), .reloadable = true, RANGE(SEC, 3600 * SEC),
	 .fallback = "1min",
	 .help = "How long Kafka may leave a commit unanswered before its outcome is read back from the checkpoint."},

	{.name = "on_bad_record", .type = OPTION_CHOICE, AT(on_bad_record), .choices = bad_record_ways,
	 .fallback = "stop",
	 .help = "What becomes of a change record with a value that its schema has no form for, and of a message "
		 "larger than kafka.message.max.bytes. stop: after three attempts the agent stops in state BLOCKED, "
		 "and nothing is skipped. exception: a record in PREFIX.exception takes its place, with table, key and "
		 "reason, and the stream goes on."},

	{.name = "control.socket", .type = OPTION_PATH, AT(control_socket), .word = "off",
	 .derived = "the value of state.file and .control", .example = "/run/tailwater/erp.control",
	 .help = "Where the running agent is asked to do something, by `tailwater exceptions retry` and the like: a Unix socket "
		 "that only its own user may open. It answers all that http.listen does, too. With off nothing can be asked for "
		 "while the agent runs."},

	{.name = "http.listen", .type = OPTION_TEXT, AT(http_listen), .form = &form_listen, .derived = "off",
	 .example = "127.0.0.1:9187",
	 .help = "Where the agent answers over HTTP: /healthz, /readyz, /metrics (for Prometheus), /status, /api/status "
		 "and /api/config. Only on loopback, since there is neither TLS nor a password: a proxy that has them "
		 "may stand before it."},

	{.name = "log.format", .type = OPTION_CHOICE, AT(log_format), .choices = log_formats, .fallback = "text",
	 .reloadable = true, .help = "Log lines on standard error: one line for each event, as text or JSON."},
	{.name = "log.level", .type = OPTION_CHOICE, AT(log_level), .choices = log_levels, .fallback = "info",
	 .reloadable = true, .help = "The least important kind of line that is written."},
};

const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

_Static_assert(sizeof(option_table) / sizeof(option_table[0]) <= OPTIONS_MOST, "every option has its note");

const struct option_section option_sections[] = {
	{"source", "The database that is read."},
	{"kafka", "The cluster that is written to."},
	{"topics", "The topics."},
	{"tables", "Which tables have change topics."},
	{"masking", "What nobody is to see."},
	{"registry", "A schema registry."},
	{"format", "The form of records."},
	{"framing", NULL},
	{"mapping", "Canonical documents and business events."},
	{"state", "What is kept on this machine."},
	{"delivery", NULL},
	{"batch", "What goes into one Kafka transaction."},
	{"snapshot", "Reading tables."},
	{"confirm", "What is told to the source, and when."},
	{"commit_timeout", NULL},
	{"on_bad_record", NULL},
	{"control", "How the running agent is asked to do something."},
	{"http", "What the agent says about itself."},
	{"log", "The log."},
};

const size_t option_section_count = sizeof(option_sections) / sizeof(option_sections[0]);

const struct option *option_find(struct view name)
{
	for (size_t i = 0; i < option_count; i++)
		if (view_is(name, option_table[i].name))
			return &option_table[i];
	return NULL;
}

struct view option_section_of(const struct option *option)
{
	return (struct view){option->name, strcspn(option->name, ".")};
}

const char *option_key(const struct option *option)
{
	const char *dot = strchr(option->name, '.');

	return dot ? dot + 1 : option->name;
}
