/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The server's settings. */
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/findings.h"
#include "base/map.h"
#include "base/writer.h"
#include "binlog.h"
#include "doctor.h"
#include "source/source.h"

#define HEARTBEAT_NS "5000000000"

static const struct setting {
	const char *name, *wanted, *why;
	bool required_if_known; /* servers that do not have it are taken as they are */
	bool advised;           /* those that have it otherwise, too */
	const char *remedy;
	const char *finding;
} settings[] = {
	{"log_bin", "ON", "the server writes no log of changes", false, false, "set log_bin in its configuration, and restart it", "M101"},
	{"binlog_format", "ROW", "the log does not have the rows that were changed", false, false, "SET GLOBAL binlog_format = 'ROW'", "M102"},
	{"binlog_row_image", "FULL", "the log does not have all columns of changed rows", true, false, "SET GLOBAL binlog_row_image = 'FULL'",
	 "M103"},
	{"binlog_row_metadata", "FULL", "the log does not have the names of columns", false, true,
	 "SET GLOBAL binlog_row_metadata = 'FULL' (from MySQL 8.0.1 and MariaDB 10.5 on); without it shapes are followed through the statements of "
	 "the log", "M104"},
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static bool is_right(const struct setting *setting, const char *value)
{
	return (!*value && setting->required_if_known) || strcasecmp(value, setting->wanted) == 0;
}

int my_server_check(MYSQL *conn, const struct my_server *server, struct error *err)
{
	char value[64];

	(void)server;
	for (size_t i = 0; i < SETTINGS; i++) {
		if (my_variable(conn, settings[i].name, value, sizeof(value), err) < 0)
			return -1;
		if (settings[i].advised || is_right(&settings[i], value))
			continue;
		error_state(err, STATE_UNSUPPORTED, "%s: %s is %s", settings[i].why, settings[i].name, *value ? value : "not known there");
		return error_hint(err, "%s", settings[i].remedy);
	}
	return 0;
}

void my_server_examine(MYSQL *conn, const struct my_server *server, struct findings *findings)
{
	struct error err;
	char value[64];

	for (size_t i = 0; i < SETTINGS; i++) {
		bool right = my_variable(conn, settings[i].name, value, sizeof(value), &err) == 0 && is_right(&settings[i], value);

		findings_add(findings, right ? FINDING_OK : settings[i].advised ? FINDING_WARNING : FINDING_FAILURE, settings[i].finding, right ? NULL : settings[i].remedy,
			     "%s is %s", settings[i].name, *value ? value : "not known");
	}
	my_doctor_server(conn, server, findings);
}

void my_server_name(const struct my_server *server, char *ret, size_t size)
{
	if (*server->uuid)
		snprintf(ret, size, "%s", server->uuid);
	else
		snprintf(ret, size, "%u/%.40s", server->server_id, server->log_base);
}

/* MySQL is held still for the moment of a snapshot, MariaDB is not; LOCK TABLES is granted for databases. */
void my_server_grants(const struct my_server *server, const char *user, const struct source_table *tables, size_t count,
		      struct writer *sql)
{
	bool mariadb = server->family == FAMILY_MARIADB, split = mariadb && server->version >= 100500;

	wr_printf(sql, "GRANT REPLICATION SLAVE, %s ON *.* TO '%s'@'%%';\n", split ? "BINLOG MONITOR" : "REPLICATION CLIENT", user);
	if (!mariadb)
		wr_printf(sql, "-- To hold the server still for the moment of a snapshot; without it, the tables are (LOCK TABLES).\n"
			  "GRANT RELOAD ON *.* TO '%s'@'%%';\n", user);
	if (mariadb && count)
		wr_printf(sql, "-- For tables that are not InnoDB's, which are locked while a first snapshot reads them; and for a server that is so busy that\n"
			  "-- transactions which see the same can be begun only while the tables are locked.\n");
	for (size_t i = 0; i < count; i++)
		if (!i || strcmp(tables[i].schema, tables[i - 1].schema) != 0)
			wr_printf(sql, "GRANT LOCK TABLES ON `%s`.* TO '%s'@'%%';\n", tables[i].schema, user);
	for (size_t i = 0; i < count; i++)
		wr_printf(sql, "GRANT SELECT ON `%s`.`%s` TO '%s'@'%%';\n", tables[i].schema, tables[i].name, user);
	wr_printf(sql, "-- For the address, in place of %%, name that of the agent.\n");
}

int my_log_start(MYSQL *conn, const struct my_server *server, struct position *ret, struct error *err)
{
	char name[300];
	int found = my_value(conn, name, sizeof(name), err, "SHOW BINARY LOGS");
	int64_t number = found > 0 ? binlog_file_number(view_of(name)) : -1;

	if (found < 0)
		return -1;
	if (number < 0)
		return error_set(err, ERROR_TRANSIENT, "the server does not tell the files of its log");
	*ret = binlog_position((uint32_t)(number + server->shift), 4);
	return 0;
}

void my_server_file(const struct my_server *server, struct position at, char *ret, size_t size)
{
	snprintf(ret, size, "%s.%06" PRId64, server->log_base, position_file(at) - server->shift);
}

/* Of another number for each source: from 1,000,000,000 on. */
void my_reader_init(struct my_reader *reader, const struct source_options *options, bool guest)
{
	uint64_t seed = guest ? (uint64_t)clock_wall() ^ (uint64_t)getpid() << 40 : 0;
	uint64_t hash = hash_bytes(view_of(options->name), seed + 1);

	*reader = (struct my_reader){.number = options->server_id && !guest ? options->server_id : 1000000000u +
					       (uint32_t)(hash_bytes(view_of(options->name), seed) % 1000000000u)};
	snprintf(reader->uuid, sizeof(reader->uuid), "7461696c-7761-7465-8000-%012llx", (unsigned long long)(hash & 0xffffffffffffULL));
	snprintf(reader->host, sizeof(reader->host), "tailwater-%.40s%s", options->name, guest ? "-guest" : "");
}

static int clash(const struct my_reader *reader, const char *whose, struct error *err)
{
	error_state(err, STATE_CONFLICT, "the number %u, as which the log would be asked for, is that of %s", reader->number, whose);
	return error_hint(err, "set source.server_id to a number that no server and no replica of it has");
}

/* SHOW REPLICAS, as it is called from MySQL 8.0.22 on. Who may not ask, in MariaDB, is told by the log's end if there are two. */
int my_reader_check(MYSQL *conn, const struct my_server *server, const struct my_reader *reader, struct error *err)
{
	bool renamed = server->family == FAMILY_MYSQL && server->version >= 80022;
	char whose[100] = "";
	MYSQL_RES *result;
	MYSQL_ROW row;

	if (server->server_id == reader->number)
		return clash(reader, "the server itself", err);
	if (mysql_query(conn, renamed ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS") != 0 || !(result = mysql_store_result(conn)))
		return 0;
	while ((row = mysql_fetch_row(result)))
		if (strtoul(row[0], NULL, 10) == reader->number && strcmp(row[1] ? row[1] : "", reader->host) != 0)
			snprintf(whose, sizeof(whose), "a replica of the server: '%.60s'", row[1] ? row[1] : "");
	mysql_free_result(result);
	return *whose ? clash(reader, whose, err) : 0;
}

/* User variables that a server does not look at do no harm. */
int my_server_prepare(MYSQL *conn, const struct my_reader *reader, char *ret_checksum, size_t size, struct error *err)
{
	if (my_variable(conn, "binlog_checksum", ret_checksum, size, err) < 0)
		return -1;
	return my_do(conn, err, "SET @master_binlog_checksum = '%s', @source_binlog_checksum = '%s', @mariadb_slave_capability = 4, "
		     "@master_heartbeat_period = " HEARTBEAT_NS ", @source_heartbeat_period = " HEARTBEAT_NS ", "
		     "@slave_uuid = '%s', @replica_uuid = '%s'", *ret_checksum ? ret_checksum : "NONE",
		     *ret_checksum ? ret_checksum : "NONE", reader->uuid, reader->uuid);
}
