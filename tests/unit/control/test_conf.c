/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Configurations: what a right one means, and what is said about wrong ones. */
#include "unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/conf.h"
#include "control/options.h"
#include "control/values.h"

/* The least that is right. A test that breaks one part replaces it. */
#define SOURCE "source:\n  name: erp\n  dbname: psa\n"
#define KAFKA "kafka:\n  bootstrap.servers: localhost:9092\n"
#define TABLES "tables:\n  include: [public.*]\n"
#define STATE "state:\n  file: /tmp/erp.state\n"
#define REST KAFKA TABLES STATE

static struct conf *parse(const char *text, struct diagnostics *diag)
{
	return conf_parse("t.yaml", view_of(text), diag);
}

/* All complaints, one on a line, without the lines that show the source. */
static void only_messages(const struct diagnostics *diag, char *to, size_t size)
{
	const char *line = diag->text.len ? diag->text.data : "", *end = line + diag->text.len;
	size_t len = 0;

	to[0] = '\0';
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		if (*line != ' ')
			len += (size_t)snprintf(to + len, size - len, "%s%.*s", len ? "\n" : "", (int)(newline - line),
						line);
		line = newline + 1;
	}
}

static const struct {
	const char *text;
	const char *expected;
} broken[] = {
	/* the file */
	{"", "t.yaml: error: 'source.name' is required\n"
	     "t.yaml: error: 'source.dbname' is required\n"
	     "t.yaml: error: 'kafka' is required\n"
	     "t.yaml: error: 'state.file' is required\n"
	     "t.yaml: error: nothing to do: give 'tables.include' for change topics, 'mapping.pack' for documents and events, "
	     "or both"},
	{"- source\n", "t.yaml:1:1: error: a configuration is made of sections, such as 'source:' and 'kafka:'\n"
		       "t.yaml: error: 'source.name' is required\n"
		       "t.yaml: error: 'source.dbname' is required\n"
		       "t.yaml: error: 'kafka' is required\n"
		       "t.yaml: error: 'state.file' is required\n"
		       "t.yaml: error: nothing to do: give 'tables.include' for change topics, 'mapping.pack' for documents and "
		       "events, or both"},
	{"source: {name: erp\n", "t.yaml:2:1: error: did not find expected ',' or '}'"},
	{SOURCE "  slot: *shared\n" REST, "t.yaml:4:9: error: aliases are not supported here; write the value out"},

	/* keys */
	{"sourc:\n  name: erp\n" REST, "t.yaml:1:1: error: unknown option 'sourc'; did you mean 'source'?\n"
				       "t.yaml: error: 'source.name' is required\n"
				       "t.yaml: error: 'source.dbname' is required"},
	{SOURCE "  publicaton: x\n" REST,
	 "t.yaml:4:3: error: unknown option 'source.publicaton'; did you mean 'source.publication'?"},
	{SOURCE "  pack: x\n" REST, "t.yaml:4:3: error: unknown option 'source.pack'; 'pack' stands below 'mapping:'"},
	{SOURCE REST "retention: 7d\n", "t.yaml:10:1: error: unknown option 'retention'; 'retention' stands below 'topics:'"},
	{SOURCE REST "topics.retention: 7d\n",
	 "t.yaml:10:1: error: unknown option 'topics.retention'; 'retention' stands below 'topics:'"},
	{SOURCE REST "wholly: unknown\n", "t.yaml:10:1: error: unknown option 'wholly'"},
	{SOURCE "  name: crm\n" REST, "t.yaml:4:3: error: duplicate key 'name'"},
	{SOURCE REST SOURCE, "t.yaml:10:1: error: duplicate key 'source'"},
	{SOURCE KAFKA "  linger.ms: 5\n  linger.ms: 6\n" TABLES STATE, "t.yaml:7:3: error: duplicate key 'linger.ms'"},
	{SOURCE "  slot: A\n  slot: B\n" REST, /* what else is wrong is said in the same run */
	 "t.yaml:5:3: error: duplicate key 'slot'\n"
	 "t.yaml:4:9: error: 'source.slot' must be a name of 1 to 63 small letters, digits or '_', not 'A'\n"
	 "t.yaml:5:9: error: 'source.slot' must be a name of 1 to 63 small letters, digits or '_', not 'B'"},
	{SOURCE KAFKA STATE "tables: [public.*]\n",
	 "t.yaml:8:9: error: 'tables' is a section: its options stand below it, each on a line\n"
	 "t.yaml:8:1: error: nothing to do: give 'tables.include' for change topics, 'mapping.pack' for documents and events, "
	 "or both"},

	/* texts */
	{"source: {name: , dbname: psa}\n" REST, "t.yaml:1:16: error: 'source.name' has no value; it must be a name of 1 to 63 "
						 "letters, digits, '.', '_' or '-' that begins with a letter or digit"},
	{"source: {name: erp/oslo, dbname: psa}\n" REST,
	 "t.yaml:1:16: error: 'source.name' must be a name of 1 to 63 letters, digits, '.', '_' or '-' that begins with a "
	 "letter or digit, not 'erp/oslo'"},
	{"source: {name: [erp], dbname: psa}\n" REST,
	 "t.yaml:1:16: error: 'source.name' must be a name of 1 to 63 letters, digits, '.', '_' or '-' that begins with a "
	 "letter or digit, not a list"},
	{"source: {name: erp, dbname: ''}\n" REST,
	 "t.yaml:1:29: error: 'source.dbname' must be a text that is not empty, not ''"},
	{"source:\n  name: erp\n" REST, "t.yaml:1:1: error: 'source.dbname' is required"},
	{SOURCE REST "topics: {prefix: 'a b'}\n",
	 "t.yaml:10:18: error: 'topics.prefix' must be a name of 1 to 100 letters, digits, '.', '_' or '-', not 'a b'"},

	/* numbers, booleans, choices */
	{SOURCE "  port: abc\n" REST, "t.yaml:4:9: error: 'source.port' must be a whole number from 1 to 65535, not 'abc'"},
	{SOURCE "  port: 70000\n" REST, "t.yaml:4:9: error: 'source.port' must be a whole number from 1 to 65535, not '70000'"},
	{SOURCE "  port: -1\n" REST, "t.yaml:4:9: error: 'source.port' must be a whole number from 1 to 65535, not '-1'"},
	{SOURCE "  port: 99999999999999999999999\n" REST,
	 "t.yaml:4:9: error: 'source.port' must be a whole number from 1 to 65535, not '99999999999999999999999'"},
	{SOURCE "  port: {}\n" REST, "t.yaml:4:9: error: 'source.port' must be a whole number from 1 to 65535, not a mapping"},
	{SOURCE "  create_slot: yes\n" REST, "t.yaml:4:16: error: 'source.create_slot' must be true or false, not 'yes'"},
	{SOURCE "  failover: maybe\n" REST, "t.yaml:4:13: error: 'source.failover' must be true or false, not 'maybe'"},
	{SOURCE "  origin: local\n" REST, "t.yaml:4:11: error: 'source.origin' must be any or none, not 'local'"},
	{SOURCE "  origin: none\n" REST "mapping: {pack: demo}\n",
	 "t.yaml:4:3: error: 'source.origin: none' leaves out rows that 'mapping.pack' needs in the mirror"},
	{SOURCE "  type: oracle\n" REST, "t.yaml:4:9: error: 'source.type' must be postgresql, mysql or mariadb, not 'oracle'"},
	{SOURCE REST "delivery: once\n",
	 "t.yaml:10:11: error: 'delivery' must be exactly_once or at_least_once, not 'once'"},
	{SOURCE REST "log: {level: verbose}\n",
	 "t.yaml:10:14: error: 'log.level' must be error, warning, info or debug, not 'verbose'"},
	{SOURCE REST "topics: {replication: 0}\n",
	 "t.yaml:10:23: error: 'topics.replication' must be a whole number from 1 to 100, or 'broker', not '0'"},

	/* durations and sizes */
	{SOURCE REST "batch: {time: 20}\n",
	 "t.yaml:10:15: error: 'batch.time' must be a duration from 0us to 1min, not '20': the unit is missing (us, ms, s, min, "
	 "h, d)"},
	{SOURCE REST "batch: {time: 20 msec}\n",
	 "t.yaml:10:15: error: 'batch.time' must be a duration from 0us to 1min, not '20 msec': the unit must be one of us, ms, "
	 "s, min, h, d"},
	{SOURCE REST "batch: {time: 2min}\n",
	 "t.yaml:10:15: error: 'batch.time' must be a duration from 0us to 1min, not '2min'"},
	{SOURCE REST "batch: {time: 1.5s}\n",
	 "t.yaml:10:15: error: 'batch.time' must be a duration from 0us to 1min, not '1.5s': the unit must be one of us, ms, s, "
	 "min, h, d"},
	{SOURCE REST "batch: {bytes: 8388608}\n",
	 "t.yaml:10:16: error: 'batch.bytes' must be a size from 64kB to 1GB, not '8388608': the unit is missing (B, kB, MB, "
	 "GB)"},
	{SOURCE KAFKA TABLES "state:\n  file: /x\n  cache: 8 mb\n",
	 "t.yaml:10:10: error: 'state.cache' must be a size from 1MB to 64GB, not '8 mb': the unit must be one of B, kB, MB, GB"},
	{SOURCE REST "confirm: {interval: 0s}\n",
	 "t.yaml:10:21: error: 'confirm.interval' must be a duration from 10ms to 10min, not '0s'"},

	/* lists and maps */
	{SOURCE KAFKA "tables:\n  include: public.*\n" STATE,
	 "t.yaml:7:12: error: 'tables.include' must be a list, each item a pattern schema.table, as in public.invoice or "
	 "public.*, not 'public.*'\n"
	 "t.yaml:7:3: error: nothing to do: give 'tables.include' for change topics, 'mapping.pack' for documents and events, "
	 "or both"},
	{SOURCE KAFKA "tables:\n  include: [invoice, public.*]\n" STATE,
	 "t.yaml:7:13: error: 'tables.include' must be a pattern schema.table, as in public.invoice or public.*, not 'invoice'"},
	{SOURCE KAFKA TABLES "  exclude_columns: [partner.iban]\n" STATE,
	 "t.yaml:8:21: error: 'tables.exclude_columns' must be a pattern schema.table.column, as in public.partner.iban or "
	 "*.*.password, not 'partner.iban'"},
	{SOURCE "  parameters: sslmode=require\n" REST,
	 "t.yaml:4:15: error: 'source.parameters' must be a mapping of names to texts, not 'sslmode=require'"},
	{SOURCE "  parameters: {host: a}\n" REST,
	 "t.yaml:4:16: error: 'source.parameters.host': this is an option of its own, below 'source:'"},
	{SOURCE "  parameters: {replication: database}\n" REST,
	 "t.yaml:4:16: error: 'source.parameters.replication': this is set by Tailwater"},

	{SOURCE "  parameters: {sslmod: require}\n" REST,
	 "t.yaml:4:16: error: 'source.parameters': libpq has no keyword 'sslmod'; did you mean 'sslmode'?"},
	{SOURCE "  type: mariadb\n  parameters: {ssl_mod: required}\n" REST,
	 "t.yaml:5:16: error: 'source.parameters': there is no connection parameter 'ssl_mod'; did you mean 'ssl_mode'?"},
	{SOURCE "  type: mariadb\n  parameters: {ssl_mode: require}\n" REST,
	 "t.yaml:5:16: error: 'source.parameters': ssl_mode 'require': it is disabled, preferred, required, verify_ca or verify_identity"},

	/* kafka */
	{SOURCE "kafka:\n  linger.ms: 5\n" TABLES STATE, "t.yaml:4:1: error: 'kafka.bootstrap.servers' is required"},
	{SOURCE KAFKA "  security.protocl: SSL\n" TABLES STATE,
	 "t.yaml:6:3: error: librdkafka has no property 'security.protocl'; did you mean 'security.protocol'?"},
	{SOURCE KAFKA "  transactional.id: me\n" TABLES STATE,
	 "t.yaml:6:3: error: 'kafka.transactional.id' is set by Tailwater: delivery depends on it"},
	{SOURCE KAFKA "  linger.ms: {a: b}\n" TABLES STATE,
	 "t.yaml:6:14: error: 'kafka.linger.ms' must be a text, not a mapping"},
	{SOURCE KAFKA "  batch.size: -5\n" TABLES STATE,
	 "t.yaml:6:3: error: 'kafka.batch.size': Configuration property \"batch.size\" value -5 is outside allowed range "
	 "1..2147483647"},
	{SOURCE KAFKA "  compression.codec: ${env:TW_TEST_SECRET}\n" TABLES STATE,
	 "t.yaml:6:3: error: 'kafka.compression.codec': librdkafka does not take this value"},

	/* secrets */
	{SOURCE "  password: ${env:TW_TEST_UNSET}\n" REST,
	 "t.yaml:4:3: error: ${env:TW_TEST_UNSET}: this variable is not set"},
	{SOURCE "  password: ${file:/nonexistent/secret}\n" REST,
	 "t.yaml:4:3: error: cannot read the secret in '/nonexistent/secret': No such file or directory"},
	{SOURCE "  password: ${file:relative}\n" REST, "t.yaml:4:3: error: ${file:relative}: the path must begin with '/'"},
	{SOURCE "  password: ${cred:db}\n" REST,
	 "t.yaml:4:3: error: ${cred:db}: $CREDENTIALS_DIRECTORY is not set; systemd sets it for a unit with LoadCredential=db:..."},
	{SOURCE "  password: ${cred:../db}\n" REST, "t.yaml:4:3: error: ${cred:../db}: this is no name of a credential"},
	{SOURCE "  password: ${vault:db}\n" REST,
	 "t.yaml:4:3: error: ${vault:db}: a reference is ${file:/path}, ${cred:name} or ${env:NAME}; a plain ${ is written $${"},
	{SOURCE "  password: ${env:X\n" REST, "t.yaml:4:3: error: a reference ${... has no '}'"},
	{SOURCE "  slot: ${env:TW_TEST_SECRET}\n" REST,
	 "t.yaml:4:9: error: 'source.slot' must be a name of 1 to 63 small letters, digits or '_', not '${env:TW_TEST_SECRET}'"},

	/* the registry */
	{SOURCE REST "registry: {url: 'registry:8081'}\n",
	 "t.yaml:10:17: error: 'registry.url' must be an address as in https://registry.example.net:8081/path, without user, query "
	 "or fragment, not 'registry:8081'"},
	{SOURCE REST "registry: {url: 'http://me:hunter2@registry'}\n",
	 "t.yaml:10:17: error: 'registry.url' must be an address as in https://registry.example.net:8081/path, without user, query "
	 "or fragment, not 'http://me:hunter2@registry'"},
	{SOURCE REST "registry: {url: 'http:///x'}\n",
	 "t.yaml:10:17: error: 'registry.url' must be an address as in https://registry.example.net:8081/path, without user, query "
	 "or fragment, not 'http:///x'"},
	{SOURCE REST "registry: {url: 'http://a', subjects: table}\n",
	 "t.yaml:10:39: error: 'registry.subjects' must be topic, record or topic_record, not 'table'"},
	{SOURCE REST "registry: {url: 'http://a', auto_register: maybe}\n",
	 "t.yaml:10:44: error: 'registry.auto_register' must be true or false, not 'maybe'"},
	{SOURCE REST "registry: {url: 'http://a', timeout: 10}\n",
	 "t.yaml:10:38: error: 'registry.timeout' must be a duration from 100ms to 5min, not '10': the unit is missing (us, ms, s, "
	 "min, h, d)"},
	{SOURCE REST "registry: {user: me, token: x, ca_file: /a, cert_file: /b}\n",
	 "t.yaml:10:12: error: 'registry.user' is of no use without 'registry.url'\n"
	 "t.yaml:10:22: error: 'registry.token' is of no use without 'registry.url'\n"
	 "t.yaml:10:32: error: 'registry.ca_file' is of no use without 'registry.url'\n"
	 "t.yaml:10:45: error: 'registry.cert_file' is of no use without 'registry.url'"},
	{SOURCE REST "registry: {url: 'http://a', password: x, key_file: /k, key_password: y}\n",
	 "t.yaml:10:29: error: 'registry.password' is of no use without 'registry.user'\n"
	 "t.yaml:10:42: error: 'registry.key_file' is of no use without 'registry.cert_file'\n"
	 "t.yaml:10:56: error: 'registry.key_password' is of no use without 'registry.cert_file'"},
	{SOURCE REST "http: {listen: '0.0.0.0:9187'}\n",
	 "t.yaml:10:16: error: 'http.listen' must be an address of this machine's loopback with a port, as in 127.0.0.1:9187 or "
	 "[::1]:9187, not '0.0.0.0:9187'"},
	{SOURCE REST "framing: avro\n", "t.yaml:10:10: error: 'framing' must be auto, single_object or confluent, not 'avro'"},
	{SOURCE REST "format: {value: xml}\n", "t.yaml:10:17: error: 'format.value' must be avro, json, json_schema, json_connect or protobuf, not 'xml'"},
	{SOURCE REST "format: {envelope: none}\n",
	 "t.yaml:10:20: error: 'format.envelope' must be debezium or flat, not 'none'"},
	{SOURCE REST "format: {decimal: number}\n",
	 "t.yaml:10:19: error: 'format.decimal' must be precise, string or double, not 'number'"},
	{SOURCE REST "format: {time: micro}\n", "t.yaml:10:16: error: 'format.time' must be adaptive, micros or connect, not 'micro'"},
	{SOURCE REST "format: {binary: Hex}\n", "t.yaml:10:18: error: 'format.binary' must be bytes, base64 or hex, not 'Hex'"},
	{SOURCE REST "format: {key: json_schema}\n",
	 "t.yaml:10:10: error: 'format.key: json_schema' needs a 'registry.url', and its framing"},
	{SOURCE REST "framing: confluent\n", "t.yaml:10:1: error: 'framing: confluent' needs a 'registry.url'"},

	/* options together */
	{SOURCE KAFKA STATE, "t.yaml: error: nothing to do: give 'tables.include' for change topics, 'mapping.pack' for documents "
			     "and events, or both"},
	{SOURCE REST "mapping: {overlay: site}\n",
	 "t.yaml:10:11: error: 'mapping.overlay' is of no use without 'mapping.pack'"},
};

static void test_broken(void **state)
{
	(void)state;
	FOR_EACH(row, broken) {
		struct diagnostics diag = {0};
		char messages[4000];
		struct conf *conf = parse(row->text, &diag);

		only_messages(&diag, messages, sizeof(messages));
		if (conf || strcmp(messages, row->expected) != 0)
			fail_msg("configuration:\n%s\nexpected:\n%s\ngot:\n%s", row->text, row->expected, messages);
		diag_done(&diag);
	}
}

static void test_place(void **state)
{
	struct diagnostics diag = {0};

	(void)state;
	assert_null(parse(SOURCE "  port: abc\n" REST, &diag));
	assert_view(wr_view(&diag.text),
		    "t.yaml:4:9: error: 'source.port' must be a whole number from 1 to 65535, not 'abc'\n"
		    "    port: abc\n"
		    "          ^\n");
	diag_done(&diag);
}

static const char *const leaky[] = {
	SOURCE "  password: [hunter2]\n" REST,
	SOURCE "  password: hunter2\n  password: hunter2\n" REST,
	SOURCE "  password:\n    @hunter2\n" REST,
	SOURCE "  password: 'hunter2\n" REST,
	SOURCE "  password: hunter2: x\n" REST,
	SOURCE "  password: {a: hunter2}\n" REST,
	SOURCE "  password: hunter2${env:TW_TEST_UNSET}\n" REST,
	SOURCE "  user: ${env:TW_TEST_SECRET}\n  slot: ${env:TW_TEST_SECRET}\n" REST,
	SOURCE KAFKA "  sasl.password: {a: hunter2}\n" TABLES STATE,
	SOURCE KAFKA "  ssl.key.pem: hunter2\n  sasl.mechanism: ${env:TW_TEST_SECRET}\n  linger.ms: ${env:TW_TEST_SECRET}\n" TABLES
	STATE,
};

static void test_leaks(void **state)
{
	(void)state;
	FOR_EACH(text, leaky) {
		struct diagnostics diag = {0};

		assert_null(parse(*text, &diag));
		wr_u8(&diag.text, 0);
		if (strstr(diag.text.data, "unter2"))
			fail_msg("a secret is shown: %s", diag.text.data);
		diag_done(&diag);
	}
}

static struct conf *parse_right(const char *text)
{
	struct diagnostics diag = {0};
	struct conf *conf = parse(text, &diag);

	wr_u8(&diag.text, 0);
	if (!conf || diag.warnings)
		fail_msg("%s", diag.text.data);
	diag_done(&diag);
	return conf;
}

static void test_defaults(void **state)
{
	struct conf *conf = parse_right(SOURCE REST);
	const struct pipeline_options *pipeline = &conf->pipeline;

	(void)state;
	assert_string_equal(pipeline->instance, "erp");
	assert_string_equal(pipeline->prefix, "erp");
	assert_string_equal(pipeline->source_type, "postgresql");
	assert_string_equal(pipeline->source.slot, "tailwater_erp");
	assert_string_equal(pipeline->source.publication, "tailwater");
	assert_null(pipeline->source.login.host);
	assert_int_equal(pipeline->source.login.port, 5432);
	assert_string_equal(pipeline->source.login.database, "psa");
	assert_false(pipeline->source.create_slot);
	assert_int_equal(pipeline->source.slot_timeout_us, 300 * USEC_PER_SEC);
	assert_false(pipeline->source.failover);
	assert_false(pipeline->source.local_only);
	assert_int_equal(pipeline->delivery, DELIVERY_EXACTLY_ONCE);
	assert_int_equal(pipeline->partitions, 6);
	assert_int_equal(pipeline->replication, 0);
	assert_int_equal(pipeline->retention_ms, 7 * 24 * 3600 * 1000LL);
	assert_int_equal(pipeline->state_cache_bytes, 8 << 20);
	assert_int_equal(pipeline->batch_time_us, 20000);
	assert_int_equal(pipeline->batch_events, 50000);
	assert_int_equal(pipeline->batch_bytes, 16 << 20);
	assert_int_equal(pipeline->confirm_interval_us, 1000000);
	assert_int_equal(pipeline->confirm_rows, 100000);
	assert_null(pipeline->pack);
	assert_null(pipeline->registry.url);
	assert_int_equal(pipeline->framing, FRAMING_SINGLE_OBJECT);
	assert_int_equal(pipeline->registry.timeout_us, 10 * USEC_PER_SEC);
	assert_true(pipeline->auto_register);
	assert_int_equal(conf->log_level, LOG_INFO);
	conf_free(conf);
}

static void test_values(void **state)
{
	struct conf *conf = parse_right("source: {name: Oslo.ERP, instance: no, dbname: \"it's\", user: \"a\\\\b\", host: h,\n"
					"  parameters: {sslmode: require}, password: '$${x}'}\n" KAFKA "  linger.ms: 7\n"
					"mapping: {pack: packs/erp, schemas: /s}\nstate: {file: ./erp.state, cache: 1 GB}\n"
					"topics: {retention: forever, replication: 3}\ndelivery: at_least_once\n"
					"format: {key: json, envelope: flat, decimal: double, time: connect, binary: hex}\n"
					"registry: {url: 'https://r/x', user: u, password: '$${', subjects: record, auto_register: false}\n"
					"log: {format: json, level: debug}\nbatch:\nconfirm:\n  interval: 250 ms\n");
	const struct pipeline_options *pipeline = &conf->pipeline;

	(void)state;
	assert_string_equal(pipeline->instance, "no");
	assert_string_equal(pipeline->source.slot, "tailwater_oslo_erp");
	assert_string_equal(pipeline->source.login.host, "h");
	assert_string_equal(pipeline->source.login.database, "it's");
	assert_string_equal(pipeline->source.login.user, "a\\b");
	assert_string_equal(pipeline->source.login.password, "${x}");
	assert_string_equal(pipeline->source.login.parameters[0].name, "sslmode");
	assert_string_equal(pipeline->source.login.parameters[0].value, "require");
	assert_string_equal(pipeline->kafka.properties[1].name, "linger.ms");
	assert_string_equal(pipeline->kafka.properties[1].value, "7");
	assert_int_equal(pipeline->kafka.property_count, 2);
	assert_string_equal(pipeline->pack, "packs/erp");
	assert_int_equal(pipeline->state_cache_bytes, 1 << 30);
	assert_int_equal(pipeline->retention_ms, -1);
	assert_int_equal(pipeline->replication, 3);
	assert_int_equal(pipeline->delivery, DELIVERY_AT_LEAST_ONCE);
	assert_int_equal(pipeline->confirm_interval_us, 250000);
	assert_string_equal(pipeline->registry.url, "https://r/x");
	assert_string_equal(pipeline->registry.password, "${");
	assert_int_equal(pipeline->framing, FRAMING_CONFLUENT);
	assert_int_equal(pipeline->subjects, SUBJECT_RECORD);
	assert_int_equal(pipeline->key_format, FORMAT_JSON);
	assert_int_equal(pipeline->value_format, FORMAT_AVRO);
	assert_int_equal(pipeline->envelope, ENVELOPE_FLAT);
	assert_int_equal(pipeline->forms.decimal, DECIMALS_DOUBLE);
	assert_int_equal(pipeline->forms.time, TIMES_CONNECT);
	assert_int_equal(pipeline->forms.binary, BINARY_HEX);
	assert_false(pipeline->auto_register);
	assert_int_equal(conf->log_format, LOG_JSON);
	assert_int_equal(conf->log_level, LOG_DEBUG);
	conf_free(conf);
}

static void test_relative_paths(void **state)
{
	struct diagnostics diag = {0};
	struct conf *conf = conf_parse("/etc/tailwater/erp.yaml", VIEW(SOURCE KAFKA "state: {file: erp.state}\nmapping: {pack: p}\n"),
				       &diag);

	(void)state;
	assert_non_null(conf);
	assert_string_equal(conf->pipeline.state_path, "/etc/tailwater/erp.state");
	assert_string_equal(conf->pipeline.pack, "/etc/tailwater/p");
	conf_free(conf);
	diag_done(&diag);
}

static void write_secret(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hunter2\n", 8), 8);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_secrets(void **state)
{
	char folder[] = "/tmp/tailwater-conf.XXXXXX", path[100], text[1000];
	struct diagnostics diag = {0};
	struct writer shown = {0};
	struct conf *conf;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/db", folder);
	write_secret(path, 0600);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	snprintf(text, sizeof(text), SOURCE "  user: u${env:TW_TEST_SECRET}\n  password: ${file:%s}-${cred:db}\n" REST, path);
	conf = parse_right(text);
	assert_string_equal(conf->pipeline.source.login.user, "uHunter2");
	assert_string_equal(conf->pipeline.source.login.password, "hunter2-hunter2");
	value_print(option_find(VIEW("source.user")), &conf->shown, &shown);
	value_print(option_find(VIEW("source.password")), &conf->shown, &shown);
	assert_view(wr_view(&shown), "\"u${env:TW_TEST_SECRET}\"\"***\"");
	conf_free(conf);

	write_secret(path, 0644);
	conf = parse(text, &diag);
	assert_non_null(conf);
	assert_int_equal(diag.warnings, 1);
	conf_free(conf);
	diag_done(&diag);
	wr_done(&shown);
	unlink(path);
	rmdir(folder);
	unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("every mistake is told in one line with its place, all of a file in one run", test_broken),
		TEST("a complaint shows the line and a caret", test_place),
		TEST("no complaint shows a secret", test_leaks),
		TEST("what is not said has its default", test_defaults),
		TEST("what is said reaches the pipeline", test_values),
		TEST("relative paths count from the configuration's folder", test_relative_paths),
		TEST("secrets come from files, credentials and the environment", test_secrets),
	};

	setenv("TW_TEST_SECRET", "Hunter2", 1);
	unsetenv("CREDENTIALS_DIRECTORY");
	return RUN_TESTS(tests);
}
