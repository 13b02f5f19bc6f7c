/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * MariaDB, or MySQL, as a source: what a version lacks is left out (family.h). Types: a row that the snapshot reads and a copy of it that the stream brings become the same record,
 * which is the expected one. Images: rows of which the log has a part are completed. Exactly once, from a log that is compressed: a workload with audited changes, under which the agent is killed at every point of
 * a batch's life and in the snapshot, and the servers are killed, the log rotated and purged; every audited change is in the
 * topic once, in order. PostgreSQL serves as the one who compares.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/writer.h"
#include "system/audited.h"
#include "system/family.h"

/* What the log tells of columns, where it can. */
static void set_metadata(struct scene *scene, const char *what)
{
	if (family_has(scene, FACT_METADATA))
		scene_mariadb(scene, "out", "SET GLOBAL binlog_row_metadata = '%s'", what);
}

static void set_packed(struct scene *scene, bool packed)
{
	const char *name = family_says(scene, FACT_MARIADB, "log_bin_compress", "binlog_transaction_compression");

	if (family_has(scene, FACT_PACKED_LOG))
		scene_mariadb(scene, "out", "SET GLOBAL %s = %d%s", name, packed, family_says(scene, FACT_MARIADB, ", log_bin_compress_min_len = 30", ""));
}

/* Types ---------------------------------------------------------------------------------------- */

static const struct {
	const char *type, *value;
	const char *expected; /* of the record, as JSON */
	enum fact needed;
} types[] = {
	{"tinyint", "-128", "-128", FACT_ANY},
	{"tinyint unsigned", "255", "255", FACT_ANY},
	{"smallint", "-32768", "-32768", FACT_ANY},
	{"smallint unsigned", "65535", "65535", FACT_ANY},
	{"mediumint", "-8388608", "-8388608", FACT_ANY},
	{"mediumint unsigned", "16777215", "16777215", FACT_ANY},
	{"int", "-2147483648", "-2147483648", FACT_ANY},
	{"int unsigned zerofill", "4294967295", "4294967295", FACT_ANY},
	{"year", "2155", "2155", FACT_ANY},
	{"year", "0", "0", FACT_ANY},
	{"bigint", "-9223372036854775808", "-9223372036854775808", FACT_ANY},
	{"bigint unsigned", "18446744073709551615", "\"18446744073709551615\"", FACT_ANY},
	{"decimal(10,2)", "-1234567.89", "\"-1234567.89\"", FACT_ANY},
	{"decimal(65,30)", "12345678901234567890123456789012345.123456789012345678901234567891",
	 "\"12345678901234567890123456789012345.123456789012345678901234567891\"", FACT_ANY},
	{"decimal(9,9)", "-0.000000001", "\"-0.000000001\"", FACT_ANY},
	{"decimal(5,0) unsigned", "0", "\"0\"", FACT_ANY},
	{"float", "0.1", "0.1", FACT_ANY},
	{"double", "1.7976931348623157e308", "1.7976931348623157e+308", FACT_ANY},
	{"bit(1)", "b'1'", "true", FACT_ANY},
	{"char(20)", "'  grün  '", "\"  grün\"", FACT_ANY},
	{"varchar(300)", "repeat('ü', 300)", NULL, FACT_ANY},
	{"varchar(20) character set latin1", "'Zoë €'", "\"Zoë €\"", FACT_ANY},
	{"varchar(20) character set utf16", "'Ж😀'", "\"Ж😀\"", FACT_ANY},
	{"text character set cp932", "'日本'", "\"日本\"", FACT_ANY},
	{"longtext", "'{\"a\": 1}'", "\"{\\\"a\\\": 1}\"", FACT_ANY},
	{"json", "'{\"a\": [1, null]}'", "\"{\\\"a\\\": [1, null]}\"", FACT_JSON},
	{"enum('a','it''s','ü') character set latin1", "'ü'", "\"ü\"", FACT_ANY},
	{"set('x','y','z')", "'z,x'", "\"x,z\"", FACT_ANY},
	{"date", "'2024-02-29'", "19782", FACT_ANY},
	{"date", "'0000-00-00'", "null", FACT_ANY},
	{"time", "'-838:59:59'", "-3020399000000", FACT_ANY},
	{"time(6)", "'-00:00:00.000001'", "-1", FACT_FRACTIONS},
	{"time(2)", "'100:00:00.25'", "360000250000", FACT_FRACTIONS},
	{"datetime", "'9999-12-31 23:59:59'", "253402300799000", FACT_ANY},
	{"datetime(3)", "'2024-02-29 12:34:56.789'", "1709210096789", FACT_FRACTIONS},
	{"datetime(6)", "'1000-01-01 00:00:00.000001'", "-30610223999999999", FACT_FRACTIONS},
	{"datetime", "'2024-02-00 00:00:00'", "null", FACT_ANY},
	{"timestamp(6) null", "'2038-01-19 03:14:07.999999'", "\"2038-01-19T03:14:07.999999Z\"", FACT_FRACTIONS},
	{"timestamp null", "'2024-01-01 00:00:00'", "\"2024-01-01T00:00:00Z\"", FACT_ANY},
	{"uuid", "'123e4567-e89b-12d3-a456-426655440000'", "\"123e4567-e89b-12d3-a456-426655440000\"", FACT_UUID},
	{"inet6", "'2001:db8::ff00:42:8329'", "\"2001:db8::ff00:42:8329\"", FACT_INET6},
	{"int", "NULL", "null", FACT_ANY},
};

static void write_types(struct scene *scene)
{
	char columns[8000] = "", values[8000] = "";

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!family_has(scene, types[i].needed))
			continue;
		snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), ", c%02zu %s", i, types[i].type);
		snprintf(values + strlen(values), sizeof(values) - strlen(values), ", %s", types[i].value);
	}
	scene_mariadb(scene, "out", "SET sql_mode = ''; SET time_zone = '+00:00';"
		      "CREATE TABLE type (id int PRIMARY KEY AUTO_INCREMENT%s, b binary(6), v varbinary(10), bl blob) CHARACTER SET utf8mb4;"
		      "INSERT INTO type VALUES (NULL%s, x'0100', x'ff00', x'00ff10')", columns, values);
}

/* The same row once more, as another one. */
static void copy_row(struct scene *scene, int id)
{
	scene_mariadb(scene, "out", "SET sql_mode = ''; CREATE TEMPORARY TABLE copy AS SELECT * FROM type WHERE id = 1; UPDATE copy SET id = %d; "
		      "INSERT INTO type SELECT * FROM copy", id);
}

#define COPIES "4" /* of the row, with the one that the snapshot reads */

/* From a log that has no names of columns, and from one that is packed. */
static void copy_in_other_forms(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	set_metadata(scene, family_says(scene, FACT_MARIADB, "NO_LOG", "MINIMAL"));
	copy_row(scene, 3);
	set_packed(scene, true);
	copy_row(scene, 4);
	audited_finish(plain);
	set_packed(scene, false);
	set_metadata(scene, "FULL");
}

static void check_types(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	plain_read_back(plain, "types.change.*");
	if (strcmp(scene_value(scene, "SELECT count(*) FROM seen WHERE value->>'op' IN ('r', 'c')"), COPIES) != 0)
		harness_fail(&plain->agent, "not one row by the snapshot and the others by the stream");
	if (*scene_value(scene, "SELECT col || ': ' || count(DISTINCT v) FROM seen, jsonb_each(value->'after') AS c(col, v) WHERE col <> 'id' "
			 "GROUP BY col HAVING count(DISTINCT v) <> 1 OR count(v) <> " COPIES))
		harness_fail(&plain->agent, scene_value(scene, "SELECT col || ': ' || string_agg(v::text, ' / ') FROM seen, "
			     "jsonb_each(value->'after') AS c(col, v) WHERE col <> 'id' GROUP BY col HAVING count(DISTINCT v) <> 1 OR count(v) <> " COPIES));
	if (strcmp(scene_value(scene, "SELECT string_agg(DISTINCT concat_ws(' ', source->>'snapshot', source->>'db', source->>'table', source->>'file' ~ '^bin.00000[123]$', "
			       "source->>'row', source->>'server_id', source->>'gtid' ~ '%s', source->>'pos' ~ '^[0-9]+$'), ', ') "
			       "FROM (SELECT value, value->'source' AS source FROM seen) s",
			       family_says(scene, FACT_MARIADB, "^0-1-[0-9]+$", "^[0-9a-f-]{36}:[0-9]+$")),
		   family_says(scene, FACT_GTIDS, "false erp type t 0 1 t t, true erp type t 0 0 t", "false erp type t 0 1 t, true erp type t 0 0 t")) != 0)
		harness_fail(&plain->agent, scene_value(scene, "SELECT string_agg(value->>'source', ', ') FROM seen"));
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!types[i].expected || !family_has(scene, types[i].needed) || strcmp(scene_value(scene, "SELECT count(*) FROM seen WHERE value #> '{after,c%02zu}' = to_jsonb($j$%s$j$::jsonb)", i,
				types[i].expected), COPIES) == 0)
			continue;
		fprintf(stderr, "%s %s: %s\n", types[i].type, types[i].value,
			scene_value(scene, "SELECT value #> '{after,c%02zu}' FROM seen LIMIT 1", i));
		harness_fail(&plain->agent, "a value is not what is expected");
	}
}

/* What the server says of a condition ends the order, and nothing else. */
static void expect_given_up(struct plain *plain)
{
	static const char said[] = "of table erp.type is given up: the server refuses its condition: Subquery returns more than 1 row (error 1242)";

	if (agent_verb(&plain->agent, "snapshot --table type --where '(SELECT 1 UNION SELECT id + 1) > 0'", "asked.out") != 0)
		harness_fail(&plain->agent, "a snapshot was not taken");
	WAIT_UNTIL(agent_logged(&plain->agent, said) > 0, 30, &plain->agent);
	if (getenv("TAILWATER_ROUNDS") && family_has(plain->agent.scene, FACT_LIMITED_TIME)) {
		if (agent_verb(&plain->agent, "snapshot --table erp.type --where 'sleep(15) = 0'", "asked.out") != 0)
			harness_fail(&plain->agent, "a snapshot was not taken");
		WAIT_UNTIL(agent_logged(&plain->agent, "max_statement_time exceeded") > 0, 30, &plain->agent);
	}
	if (agent_logged(&plain->agent, "connecting again"))
		harness_fail(&plain->agent, "the stream did not go on");
}

static void types_by_snapshot_and_by_stream(struct scene *scene)
{
	struct plain plain;
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(types); i++)
		count += family_has(scene, types[i].needed);
	write_types(scene);
	audited_configure(&plain, scene, "types", "[erp.type]");
	audited_stream(&plain);
	copy_row(scene, 2);
	WAIT_UNTIL(agent_metric(&plain.agent, "changes") > 0, 30, &plain.agent);
	expect_given_up(&plain);
	agent_stop(&plain.agent);
	copy_in_other_forms(&plain);
	check_types(&plain);
	printf("%zu values of types, by snapshot and by stream\n", count);
}

/* Images ---------------------------------------------------------------------------------------- */

/* What a log leaves out the state file has, if it has the table whole; without it nothing is published that is not so. */
static void rows_without_all_columns(struct scene *scene)
{
	static const char expected[] =
		"u {\"b\": \"one\", \"n\": 1, \"t\": \"first\", \"id\": 1} {\"b\": \"one\", \"n\": 2, \"t\": \"first\", \"id\": 1}; "
		"d {\"b\": null, \"n\": 2, \"t\": \"second\", \"id\": 2} ; "
		"u {\"b\": \"one\", \"n\": 2, \"t\": \"first\", \"id\": 1} {\"b\": \"1\", \"n\": 2, \"t\": \"first\", \"id\": 1}";
	struct plain plain;

	if (!family_has(scene, FACT_IMAGES))
		return;
	scene_mariadb(scene, "out", "CREATE TABLE cut (id int PRIMARY KEY, n int, b varchar(20), t text); CREATE TABLE loose LIKE cut; "
		      "INSERT INTO cut VALUES (1, 1, 'one', 'first'), (2, 2, NULL, 'second'); INSERT INTO loose SELECT * FROM cut");
	audited_configure(&plain, scene, "cut", "[erp.cut, erp.loose]\n  mirror: [erp.cut]");
	audited_stream(&plain);
	scene_mariadb(scene, "out", "SET SESSION binlog_row_image = MINIMAL; UPDATE cut SET n = 2 WHERE id = 1; DELETE FROM cut WHERE id = 2; "
		      "SET SESSION binlog_row_image = NOBLOB; UPDATE cut SET b = '1' WHERE id = 1");
	WAIT_UNTIL(agent_metric(&plain.agent, "changes") >= 3, 30, &plain.agent);
	scene_mariadb(scene, "out", "SET SESSION binlog_row_image = MINIMAL; DELETE FROM loose WHERE id = 2; UPDATE loose SET n = 2");
	plain_expect(&plain, STATE_UNSUPPORTED, "the log has a row of erp.loose without its column b, which did not change", 1, 30);
	plain_read_back(&plain, "cut.change.erp.cut");
	if (strcmp(scene_value(scene, "SELECT string_agg(concat_ws(' ', value->>'op', value->'before', coalesce(nullif(value->'after', 'null')::text, '')), "
			       "'; ' ORDER BY partition_order) FROM (SELECT *, value->'source'->>'pos' AS partition_order FROM seen) s "
			       "WHERE value->>'op' IN ('u', 'd')"), expected) != 0)
		harness_fail(&plain.agent, scene_value(scene, "SELECT string_agg(value::text, E'\\n') FROM seen"));
	printf("rows without all columns, completed and refused\n");
}

/* Readers --------------------------------------------------------------------------------------- */

static void start_as(struct plain *plain, struct scene *scene, const char *name, const char *number)
{
	char command[600];

	audited_configure(plain, scene, name, "[erp.read]");
	snprintf(command, sizeof(command), "sed -i 's/^  type: m.*/&\\n  server_id: %s/' %s", number, plain->agent.config);
	if (system(command) != 0)
		abort();
	agent_start(&plain->agent, NULL);
}

static bool is_shown(struct scene *scene, const char *host)
{
	scene_mariadb(scene, "hosts", "%s", family_says(scene, FACT_SHOW_REPLICAS, "SHOW REPLICAS", "SHOW SLAVE HOSTS"));
	return strstr(scene_value(scene, "\\! cat %s/hosts", scene->dir), host) != NULL;
}

/* One that only looks is another one; two with one number would throw each other out for ever. */
static void one_among_the_replicas(struct scene *scene)
{
	struct plain first, second;

	scene_mariadb(scene, "out", "CREATE TABLE `read` (id int PRIMARY KEY); INSERT INTO `read` VALUES (1)");
	start_as(&first, scene, "first", "1");
	plain_expect(&first, STATE_CONFLICT, "is that of the server itself", 1, 30);
	start_as(&first, scene, "first", "4711");
	WAIT_UNTIL(is_shown(scene, "tailwater-first"), 30, &first.agent);
	if (agent_verb(&first.agent, "tail --from slot --no-follow", "tail.out") != 0)
		harness_fail(&first.agent, scene_value(scene, "\\! cat %s/tail.out", scene->dir));
	start_as(&second, scene, "second", "4711");
	plain_expect(&second, STATE_CONFLICT, "is that of a replica of the server: 'tailwater-first'", 1, 30);
	agent_stop(&first.agent);
	printf("readers have numbers of their own\n");
}

/* Findings -------------------------------------------------------------------------------------- */

static const struct {
	const char *said;
	enum fact needed;
} findings[] = {
	{"M101 log_bin is ON", FACT_ANY},
	{"M106 gtid_mode is ON", FACT_MYSQL_GTIDS},
	{"M107 log_slave_updates is ON", FACT_MARIADB},
	{"M108 the server keeps its log for 24.0 hours, whether it was read or not", FACT_ANY},
	{"M109 gtid_strict_mode is OFF", FACT_MARIADB},
	{"M120 erp.aside is of the engine MyISAM", FACT_ANY},
};

static void what_the_doctor_says(struct scene *scene)
{
	struct plain plain;
	const char *said;

	scene_mariadb(scene, "out", "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int, "
		      "CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE); "
		      "CREATE TABLE aside (id int PRIMARY KEY) ENGINE = MyISAM");
	audited_configure(&plain, scene, "asked", "[erp.parent, erp.child, erp.aside]");
	if (agent_verb(&plain.agent, "doctor", "doctor.out") != 0)
		harness_fail(&plain.agent, scene_value(scene, "\\! cat %s/doctor.out", scene->dir));
	said = scene_value(scene, "\\! tr -s ' ' <%s/doctor.out", scene->dir);
	for (size_t i = 0; i < COUNT_OF(findings); i++) {
		if (!family_has(scene, findings[i].needed) || strstr(said, findings[i].said))
			continue;
		fprintf(stderr, "%s\n", said);
		harness_fail(&plain.agent, findings[i].said);
	}
	if ((strstr(said, "M121 what the foreign key of_parent changes or removes of erp.child with rows of parent is not in the log") == NULL) !=
	    family_has(scene, FACT_CASCADES))
		harness_fail(&plain.agent, "cascades");
	printf("the doctor tells what the log does not have\n");
}

/* Rows without events --------------------------------------------------------------------------- */

/* Two tables change their names, as tools do that alter large ones: the rows that are there then have come without row events. */
static void rows_that_no_row_event_brought(struct scene *scene)
{
	static const char expected[] = "u {\"b\": \"one!\", \"n\": 1, \"id\": 1} {\"b\": \"one!\", \"n\": 7, \"id\": 1}";
	struct plain plain;

	scene_mariadb(scene, "out", "CREATE TABLE swap (id int PRIMARY KEY, n int, b varchar(20)); INSERT INTO swap VALUES (1, 1, 'one'), (2, 2, 'two');"
		      "CREATE TABLE _swap_gho LIKE swap; INSERT INTO _swap_gho SELECT id, n, concat(b, '!') FROM swap");
	audited_configure(&plain, scene, "swap", "[erp.swap]\n  mirror: [erp.swap]");
	audited_stream(&plain);
	scene_mariadb(scene, "out", "ALTER TABLE swap ADD INDEX (n), COMMENT 'nothing changes'; UPDATE swap SET n = 3 WHERE id = 2");
	WAIT_UNTIL(agent_metric(&plain.agent, "changes") >= 1, 30, &plain.agent);
	if (agent_logged(&plain.agent, "STALE"))
		harness_fail(&plain.agent, "a table is STALE, and nothing has happened to its rows");
	scene_mariadb(scene, "out", "RENAME TABLE swap TO _swap_del, _swap_gho TO swap");
	WAIT_UNTIL(agent_logged(&plain.agent, "table erp.swap is loaded: 2 rows") > 0, 30, &plain.agent);
	if (!agent_logged(&plain.agent, "table erp.swap is STALE: RENAME TABLE swap TO _swap_del, _swap_gho TO swap"))
		harness_fail(&plain.agent, "the reason is not told");
	scene_mariadb(scene, "out", "%s UPDATE swap SET n = 7 WHERE id = 1",
		      family_says(scene, FACT_IMAGES, "SET SESSION binlog_row_image = MINIMAL;", ""));
	audited_catch_up(&plain);
	agent_stop(&plain.agent);
	plain_read_back(&plain, "swap.change.erp.swap");
	if (strcmp(scene_value(scene, "SELECT concat_ws(' ', value->>'op', value->'before', value->'after') FROM seen WHERE value->'after'->>'n' = '7'"),
		   expected) != 0)
		harness_fail(&plain.agent, scene_value(scene, "SELECT string_agg(value::text, E'\\n') FROM seen"));
	printf("rows that came without row events\n");
}

/* Shapes ---------------------------------------------------------------------------------------- */

/* A row of whatever columns there are, and what the server selects of it. */
static const char shape_procedures[] =
	"CREATE TABLE shaped (id int PRIMARY KEY, a int, b varchar(20)) CHARACTER SET utf8mb4; CREATE TABLE selected (id int PRIMARY KEY, row_text text) CHARACTER SET utf8mb4;\n"
	"DELIMITER //\n"
	"CREATE PROCEDURE fill(k int)\n"
	"BEGIN\n"
	"  SET SESSION group_concat_max_len = 100000;\n"
	"  SELECT concat('INSERT INTO shaped SET ', group_concat(if(extra REGEXP '(STORED|VIRTUAL) GENERATED|PERSISTENT', NULL, concat('`', column_name, '` = ', "
	"CASE WHEN column_name = 'id' THEN k "
	"WHEN data_type = 'enum' THEN 1 + k % 2 WHEN data_type LIKE '%int' OR data_type = 'decimal' THEN k ELSE quote(concat('ü', k)) END)))), "
	"concat('INSERT INTO selected SELECT id, concat(''{'', concat_ws('', '', ', group_concat(concat('concat(''\"', column_name, '\": '', "
	"ifnull(concat(''\"'', cast(`', column_name, '` AS char), ''\"''), ''null''))')), "
	"'), ''}'') FROM shaped WHERE id = ', k) INTO @fill, @note FROM information_schema.columns WHERE table_schema = 'erp' AND table_name = 'shaped';\n"
	"  PREPARE filling FROM @fill; EXECUTE filling; PREPARE noting FROM @note; EXECUTE noting;\n"
	"END//\n";

/* What a version cannot say is said in another way, or not at all. */
static const struct {
	const char *sql;
	enum fact needed;
	const char *otherwise;
} shape_statements[] = {
	{"ALTER TABLE shaped ADD c int", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD COLUMN d smallint unsigned FIRST", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD e varchar(10) AFTER a", FACT_ANY, NULL},
	{"ALTER TABLE shaped DROP c", FACT_ANY, NULL},
	{"ALTER TABLE shaped CHANGE a aa int", FACT_ANY, NULL},
	{"ALTER TABLE shaped RENAME COLUMN aa TO a", FACT_RENAME_COLUMN,
	 "ALTER TABLE shaped CHANGE aa a int"},
	{"ALTER TABLE shaped RENAME COLUMN b TO x, RENAME COLUMN e TO b", FACT_RENAME_COLUMN,
	 "ALTER TABLE shaped CHANGE b x varchar(20), CHANGE e b varchar(10)"},
	{"ALTER TABLE shaped RENAME COLUMN x TO e", FACT_RENAME_COLUMN,
	 "ALTER TABLE shaped CHANGE x e varchar(20)"},
	{"ALTER TABLE shaped MODIFY a int unsigned", FACT_ANY, NULL},
	{"ALTER TABLE shaped MODIFY a int FIRST", FACT_ANY, NULL},
	{"ALTER TABLE shaped MODIFY a bigint AFTER id", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD (f enum('one','two'), g text)", FACT_ANY, NULL},
	{"ALTER TABLE shaped MODIFY f enum('uno','dos','tres')", FACT_ANY, NULL},
	{"ALTER TABLE shaped MODIFY f enum('tres','uno') NOT NULL", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD h char(10) CHARACTER SET latin1", FACT_ANY, NULL},
	{"ALTER TABLE shaped MODIFY h varchar(10) CHARACTER SET utf8mb4", FACT_ANY, NULL},
	{"ALTER TABLE shaped CONVERT TO CHARACTER SET latin1", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD i varchar(12)", FACT_ANY, NULL},
	{"ALTER TABLE shaped CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", FACT_ANY, NULL},
	{"RENAME TABLE shaped TO moved; RENAME TABLE moved TO shaped", FACT_ANY, NULL},
	{"ALTER TABLE shaped RENAME TO moved; ALTER TABLE moved RENAME shaped", FACT_ANY, NULL},
	{"CREATE TABLE _shaped_gho LIKE shaped; ALTER TABLE _shaped_gho ADD j int, DROP g; RENAME TABLE shaped TO _shaped_del, _shaped_gho TO shaped", FACT_ANY, NULL},
	{"/* c */ ALTER /*!40000 TABLE */ `erp`.`shaped` -- x\n ADD k int # y", FACT_ANY, NULL},
	{"SET sql_mode = 'ANSI_QUOTES'; ALTER TABLE \"shaped\" ADD \"order\" int", FACT_ANY, NULL},
	{"ALTER TABLE shaped DROP PRIMARY KEY, ADD PRIMARY KEY (id, d)", FACT_ANY, NULL},
	{"ALTER TABLE shaped DROP PRIMARY KEY", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD PRIMARY KEY (id)", FACT_ANY, NULL},
	{"ALTER TABLE shaped DROP COLUMN IF EXISTS nobody, ADD COLUMN IF NOT EXISTS a int", FACT_IF_EXISTS,
	 "ALTER TABLE shaped ADD COLUMN nobody int; ALTER TABLE shaped DROP COLUMN nobody"},
	{"ALTER TABLE shaped MODIFY COLUMN e text", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD n int GENERATED ALWAYS AS (d + 1) STORED", FACT_STORED,
	 "ALTER TABLE shaped ADD n int"},
	{"ALTER TABLE shaped DROP n, ADD n int DEFAULT (1 + 2)", FACT_DEFAULTS,
	 "ALTER TABLE shaped DROP n, ADD n int DEFAULT 3"},
	{"CREATE TABLE swap_a LIKE shaped; RENAME TABLE shaped TO swap_t, swap_a TO shaped, swap_t TO swap_a", FACT_ANY, NULL},
	{"ALTER TABLE swap_a ADD o int; RENAME TABLE shaped TO swap_t, swap_a TO shaped, swap_t TO swap_a", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD INDEX (a), ADD UNIQUE (id, a), COMMENT 'it''s', ENGINE=InnoDB", FACT_ANY, NULL},
	{"ALTER TABLE shaped FORCE", FACT_ANY, NULL},
	{"DROP TABLE shaped; CREATE TABLE shaped (id int PRIMARY KEY, p int unsigned, q varchar(9)) DEFAULT CHARSET=latin1", FACT_ANY, NULL},
	{"CREATE OR REPLACE TABLE shaped (id int, q varchar(9), p int, PRIMARY KEY (id)) CHARACTER SET utf8mb4", FACT_SEVERAL_TABLES,
	 "DROP TABLE IF EXISTS shaped; CREATE TABLE shaped (id int, q varchar(9), p int, PRIMARY KEY (id)) CHARACTER SET utf8mb4"},
	{"ALTER TABLE shaped ADD r int, ADD s int, ADD t int", FACT_ANY, NULL},
	{"ALTER TABLE shaped RENAME COLUMN r TO s, RENAME COLUMN s TO r", FACT_RENAME_COLUMN,
	 "ALTER TABLE shaped CHANGE r s int, CHANGE s r int"},
	{"ALTER TABLE shaped CHANGE r s int, CHANGE s r int", FACT_ANY, NULL},
	{"ALTER TABLE shaped MODIFY t int AFTER p", FACT_ANY, NULL},
	{"ALTER TABLE shaped MODIFY t int FIRST, DROP r", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD u varchar(10) COLLATE latin1_bin", FACT_ANY, NULL},
	{"ALTER TABLE shaped CHARACTER SET latin1", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD v varchar(11)", FACT_ANY, NULL},
	{"ALTER TABLE shaped MODIFY q varchar(9) CHARACTER SET latin1", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD w tinytext, ADD x mediumtext", FACT_ANY, NULL},
	{"TRUNCATE TABLE shaped", FACT_ANY, NULL},
	{"ALTER TABLE shaped PARTITION BY HASH (id) PARTITIONS 3", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD PARTITION PARTITIONS 1", FACT_ANY, NULL},
	{"ALTER TABLE shaped COALESCE PARTITION 1", FACT_ANY, NULL},
	{"ALTER TABLE shaped REMOVE PARTITIONING", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD y decimal(10,2)", FACT_ANY, NULL},
	{"ALTER TABLE shaped DROP y", FACT_ANY, NULL},
	{"ALTER TABLE shaped ADD y int FIRST, DROP x", FACT_ANY, NULL},
	{"SET STATEMENT lock_wait_timeout = 5 FOR ALTER TABLE shaped DROP w", FACT_IF_EXISTS,
	 "ALTER TABLE shaped DROP w"},
	{"ALTER ONLINE TABLE shaped ADD z int", FACT_IF_EXISTS,
	 "ALTER TABLE shaped ADD z int"},
	{"ALTER TABLE shaped ALTER z SET DEFAULT 4, ALGORITHM=COPY", FACT_ALGORITHM,
	 "ALTER TABLE shaped ALTER z SET DEFAULT 4"},
};

static void write_shapes(struct scene *scene, struct writer *sql)
{
	for (size_t i = 0; i < COUNT_OF(shape_statements); i++)
		wr_printf(sql, "%s\n;\nSET sql_mode = ''; CALL fill(%zu);\n",
			  family_says(scene, shape_statements[i].needed, shape_statements[i].sql, shape_statements[i].otherwise), 10 + i);
	wr_u8(sql, '\0');
	scene_mariadb(scene, "out", "%s", sql->data);
}

/* Every row is what the server selected of it when it was written. */
static void check_shapes(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;
	char rows[20];

	snprintf(rows, sizeof(rows), "%zu", COUNT_OF(shape_statements) + 1);
	plain_read_back(plain, "shaped.change.erp.shaped");
	scene_mariadb(scene, "selected.jsonl", "SELECT row_text FROM selected ORDER BY id");
	scene_value(scene, "CREATE TABLE selected (row jsonb); \\copy selected FROM %s/selected.jsonl CSV QUOTE E'\\x01' DELIMITER E'\\x02'", scene->dir);
	if (strcmp(scene_value(scene, "SELECT count(*) FROM seen, selected WHERE value->>'op' = 'c' AND value->'after'->>'id' = row->>'id' AND "
			       "(SELECT jsonb_object_agg(key, v) FROM jsonb_each_text(value->'after') AS e(key, v)) = row"), rows) != 0)
		harness_fail(&plain->agent, scene_value(scene, "SELECT string_agg(row::text || ' <> ' || coalesce((value->'after')::text, 'nothing'), E'\\n') FROM selected LEFT JOIN seen "
			     "ON value->>'op' = 'c' AND value->'after'->>'id' = row->>'id' WHERE (SELECT jsonb_object_agg(key, v) "
			     "FROM jsonb_each_text(value->'after') AS e(key, v)) IS DISTINCT FROM row"));
}

/* The log tells nothing of columns, and the agent is far behind: what it does not know is told by its end. */
static void rows_have_the_shape_they_were_written_with(struct scene *scene)
{
	struct writer sql = {0};
	struct plain plain;

	set_metadata(scene, family_says(scene, FACT_MARIADB, "NO_LOG", "MINIMAL"));
	scene_mariadb(scene, "out", "%s", shape_procedures);
	audited_configure(&plain, scene, "shaped", "[erp.shaped]");
	audited_stream(&plain);
	scene_mariadb(scene, "out", "CALL fill(1)");
	WAIT_UNTIL(agent_metric(&plain.agent, "changes") > 0, 30, &plain.agent);
	agent_kill(&plain.agent);
	scene_mariadb(scene, "out", "DELETE FROM selected");
	write_shapes(scene, &sql);
	audited_stream(&plain);
	audited_catch_up(&plain);
	scene_mariadb(scene, "out", "ALTER TABLE shaped ADD read_anew national character varying(9); CALL fill(800)");
	audited_catch_up(&plain);
	agent_stop(&plain.agent);
	check_shapes(&plain);
	scene_mariadb(scene, "out", "ALTER TABLE shaped ADD not_followed national character varying(9); CALL fill(900); ALTER TABLE shaped ADD last int");
	agent_start(&plain.agent, NULL);
	plain_expect(&plain, STATE_SHAPE_UNKNOWN, "is not known since: ALTER TABLE shaped ADD not_followed", 1, 30);
	set_metadata(scene, "FULL");
	wr_done(&sql);
	printf("%zu statements, each row as it was selected\n", COUNT_OF(shape_statements));
}

/* Exactly once --------------------------------------------------------------------------------- */

static const char *const points[] = {
	"in-snapshot:300", "snapshot-done", "snapshot-published", "after-produce:2", "before-commit:2", "after-commit:2",
	"before-state-commit:2", "after-state-commit:2", "before-confirm:2", "split-changes:1",
};

static void kill_at_random(struct plain *plain, int kills)
{
	for (int i = 0; i < kills; i++) {
		agent_start(&plain->agent, NULL);
		WAIT_UNTIL(audited_has_worked(&plain->agent), 60, &plain->agent);
		usleep((useconds_t)rand() % 400000);
		agent_kill(&plain->agent);
	}
}

/* What the agent has saved the server may forget. */
static void purge_what_is_saved(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;

	if (agent_verb(&plain->agent, "position --field state", "position.out") != 0)
		harness_fail(&plain->agent, "the agent does not tell its place");
	scene_mariadb(scene, "out", "PURGE BINARY LOGS TO 'bin.%06d'", atoi(scene_value(scene, "\\! cat %s/position.out", scene->dir)));
}

/* Both servers go away and come back, and the log becomes another file and loses old ones, while the agent runs. */
static void disturb(struct plain *plain)
{
	struct scene *scene = plain->agent.scene;
	uint64_t before;

	scene_server(scene, "restart", "mariadb", "kill");
	scene_mariadb(scene, "out", "FLUSH BINARY LOGS; FLUSH BINARY LOGS");
	WAIT_UNTIL(agent_logged(&plain->agent, "streaming from") > 0 && audited_has_worked(&plain->agent), 60, &plain->agent);
	purge_what_is_saved(plain);
	scene_server(scene, "restart", "kafka", "kill");
	before = agent_metric(&plain->agent, "kafka_commits");
	WAIT_UNTIL(agent_metric(&plain->agent, "kafka_commits") > before + 3, 60, &plain->agent);
}

static void every_change_once(struct scene *scene, int kills)
{
	struct plain plain;
	pid_t work;

	audited_prepare(scene);
	set_packed(scene, true);
	audited_configure(&plain, scene, "once", "[erp.account, erp.other]");
	work = audited_begin(scene);
	for (size_t i = 0; i < COUNT_OF(points); i++)
		plain_die_at(&plain, points[i]);
	kill_at_random(&plain, kills);
	agent_start(&plain.agent, NULL);
	WAIT_UNTIL(audited_has_worked(&plain.agent), 60, &plain.agent);
	disturb(&plain);
	agent_kill(&plain.agent);
	audited_end(scene, work);
	audited_finish(&plain);
	audited_verify(&plain);
}

int main(void)
{
	const char *kills = getenv("TAILWATER_KILLS"), *seed = getenv("TAILWATER_SEED");
	struct scene scene;

	setvbuf(stdout, NULL, _IOLBF, 0);
	srand(seed ? (unsigned)atoi(seed) : 1);
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	printf("%s\n", family_name(&scene));
	one_among_the_replicas(&scene);
	types_by_snapshot_and_by_stream(&scene);
	what_the_doctor_says(&scene);
	/* before tables swap their names: InnoDB of MySQL 5.7 and MariaDB 10.2 does not come up again when it is killed soon after it */
	every_change_once(&scene, kills ? atoi(kills) : 4);
	rows_without_all_columns(&scene);
	rows_that_no_row_event_brought(&scene);
	rows_have_the_shape_they_were_written_with(&scene);
	scene_end(&scene);
	return 0;
}
