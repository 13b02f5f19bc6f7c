/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What is examined is a table of queries. Each gives rows of severity, evidence and remedy; no row: nothing to say. Those about
 * tables end with a list of them, which is written behind.
 */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/findings.h"
#include "base/writer.h"
#include "source/source.h"

#define EVER 999999

/* Versions as the servers number them: 101119, 80033. */
struct examination {
	const char *code;
	enum my_family family;
	unsigned long from, before;
	const char *sql;
};

#define DURABILITY \
	"SELECT IF(@@innodb_flush_log_at_trx_commit = 0, 'warning', 'ok'), CONCAT('innodb_flush_log_at_trx_commit is '," \
	" @@innodb_flush_log_at_trx_commit), 'SET GLOBAL innodb_flush_log_at_trx_commit = 1: a crash of the server loses transactions that" \
	" its log has, and that are published by then'"
#define REPLICATES(variable) \
	"SELECT IF(@@" variable ", 'ok', 'warning'), CONCAT('" variable " is ', IF(@@" variable ", 'ON', 'OFF'))," \
	" 'set " variable " in its configuration: if this is a replica, or becomes one, what it replicates is not in its log'"
#define KEPT(seconds, setting) \
	"SELECT IF(" seconds " BETWEEN 1 AND 86399, 'warning', 'ok'), IF(" seconds " = 0, 'the server keeps its log for ever', CONCAT('the server" \
	" keeps its log for ', ROUND(" seconds " / 3600, 1), ' hours, whether it was read or not')), '" setting ": an agent that is away for" \
	" longer than that needs a new snapshot'"
#define ENCRYPTED(status) \
	"SELECT IF(variable_value <> '' OR USER() RLIKE '@(localhost|127[.].*|::1)$', 'ok', 'warning'), IF(variable_value = '', 'the connection" \
	" is not encrypted', CONCAT('the connection is encrypted: ', variable_value)), 'source.parameters: {ssl_mode: verify_identity}' FROM " status \
	" WHERE variable_name = 'Ssl_version'"
#define SECONDS "SET GLOBAL binlog_expire_logs_seconds = 259200, or more"
#define DAYS "SET GLOBAL expire_logs_days = 3, or more"

static const struct examination of_server[] = {
	{"M105", FAMILY_MYSQL, 0, EVER, DURABILITY},
	{"M105", FAMILY_MARIADB, 0, EVER, DURABILITY},
	{"M106", FAMILY_MYSQL, 50605, EVER,
	 "SELECT IF(@@gtid_mode = 'ON', 'ok', 'warning'), CONCAT('gtid_mode is ', @@gtid_mode), 'let transactions have GTIDs (gtid_mode ="
	 " ON, enforce_gtid_consistency = ON): without them no other server can be gone on with when this one is lost'"},
	{"M107", FAMILY_MYSQL, 0, 80026, REPLICATES("log_slave_updates")},
	{"M107", FAMILY_MYSQL, 80026, EVER, REPLICATES("log_replica_updates")},
	{"M107", FAMILY_MARIADB, 0, EVER, REPLICATES("log_slave_updates")},
	{"M108", FAMILY_MYSQL, 0, 80001, KEPT("(@@expire_logs_days * 86400)", DAYS)},
	{"M108", FAMILY_MYSQL, 80001, 80400, KEPT("IF(@@binlog_expire_logs_seconds, @@binlog_expire_logs_seconds, @@expire_logs_days * 86400)", SECONDS)},
	{"M108", FAMILY_MYSQL, 80400, EVER, KEPT("@@binlog_expire_logs_seconds", SECONDS)},
	{"M108", FAMILY_MARIADB, 0, 100601, KEPT("(@@expire_logs_days * 86400)", DAYS)},
	{"M108", FAMILY_MARIADB, 100601, EVER, KEPT("@@binlog_expire_logs_seconds", SECONDS)},
	{"M109", FAMILY_MARIADB, 0, EVER,
	 "SELECT IF(@@gtid_strict_mode, 'ok', 'warning'), CONCAT('gtid_strict_mode is ', IF(@@gtid_strict_mode, 'ON', 'OFF')), 'SET GLOBAL"
	 " gtid_strict_mode = ON: without it the numbers of transactions may not grow in the log, and a replica cannot be told to have all'"},
	{"M110", FAMILY_MYSQL, 0, 50700, ENCRYPTED("INFORMATION_SCHEMA.SESSION_STATUS")},
	{"M110", FAMILY_MYSQL, 50700, EVER, ENCRYPTED("performance_schema.session_status")},
	{"M110", FAMILY_MARIADB, 0, EVER, ENCRYPTED("INFORMATION_SCHEMA.SESSION_STATUS")},
};

#define ENGINES \
	"SELECT 'warning', CONCAT(table_schema, '.', table_name, ' is of the engine ', engine), CONCAT('ALTER TABLE ', table_schema, '.'," \
	" table_name, ' ENGINE = InnoDB: nobody writes to it while a first snapshot reads it, and what is rolled back stays') FROM" \
	" information_schema.tables WHERE engine <> 'InnoDB' AND (table_schema, table_name) IN "
#define CASCADES \
	"SELECT 'warning', CONCAT('what the foreign key ', constraint_name, ' changes or removes of ', constraint_schema, '.', table_name," \
	" ' with rows of ', referenced_table_name, ' is not in the log'), 'let the application change these rows itself; or read the table again" \
	" after it: tailwater snapshot --table' FROM information_schema.referential_constraints WHERE (delete_rule IN ('CASCADE', 'SET NULL')" \
	" OR update_rule IN ('CASCADE', 'SET NULL')) AND (constraint_schema, table_name) IN "

static const struct examination of_tables[] = {
	{"M120", FAMILY_MYSQL, 0, EVER, ENGINES},
	{"M120", FAMILY_MARIADB, 0, EVER, ENGINES},
	{"M121", FAMILY_MYSQL, 0, 90600, CASCADES}, /* from then on they are in the log */
	{"M121", FAMILY_MARIADB, 0, EVER, CASCADES},
};

static enum severity severity_of(const char *name)
{
	return strcmp(name, "ok") == 0 ? FINDING_OK : strcmp(name, "warning") == 0 ? FINDING_WARNING : FINDING_FAILURE;
}

static void examine(MYSQL *conn, const struct my_server *server, const struct examination *what, const char *list, struct findings *findings)
{
	struct error err;
	MYSQL_RES *result;
	MYSQL_ROW row;

	if (what->family != server->family || server->version < what->from || server->version >= what->before)
		return;
	result = my_query(conn, &err, "%s%s", what->sql, list);
	if (!result) {
		findings_error(findings, what->code, &err);
		return;
	}
	while ((row = mysql_fetch_row(result))) {
		enum severity severity = severity_of(row[0]);

		findings_add(findings, severity, what->code, severity == FINDING_OK ? NULL : row[2], "%s", row[1]);
	}
	mysql_free_result(result);
}

void my_doctor_server(MYSQL *conn, const struct my_server *server, struct findings *findings)
{
	for (size_t i = 0; i < sizeof(of_server) / sizeof(of_server[0]); i++)
		examine(conn, server, &of_server[i], "", findings);
}

static void write_text(MYSQL *conn, const char *text, struct writer *to)
{
	size_t len = strlen(text);

	wr_u8(to, '\'');
	to->len += mysql_real_escape_string(conn, wr_reserve(to, 2 * len + 1), text, len);
	wr_u8(to, '\'');
}

void my_doctor_tables(MYSQL *conn, const struct my_server *server, const struct source_table *tables, size_t count,
		      struct findings *findings)
{
	struct writer list = {0};

	for (size_t i = 0; i < count; i++) {
		wr_printf(&list, i ? ", (" : "((");
		write_text(conn, tables[i].schema, &list);
		wr_printf(&list, ", ");
		write_text(conn, tables[i].name, &list);
		wr_u8(&list, ')');
	}
	wr_printf(&list, ")");
	wr_u8(&list, '\0');
	for (size_t i = 0; count && i < sizeof(of_tables) / sizeof(of_tables[0]); i++)
		examine(conn, server, &of_tables[i], list.data, findings);
	wr_done(&list);
}
