/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Connecting with fixed session settings; queries that turn a server's complaint into one sentence. */
#include "conn.h"

#include <errmsg.h>
#include <ma_pvio.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"
#include "login.h"
#include "source/source.h"

/*
 * Times are printed in UTC; a reader that waits for Kafka must not be thrown out while the server's buffers are full.
 * No statement of ours writes: read_only is of the session.
 */
static const char *const session_settings[] = {
	"SET NAMES utf8mb4",
	"SET SESSION time_zone = '+00:00', net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 86400, sql_mode = ''",
	"SET SESSION TRANSACTION READ ONLY",
};

/* utf8mb4 came with 5.5.3, read-only transactions with 5.6 and 10.0 (5.5 takes the words for a variable): what a server does not know is left out. */
#define ER_PARSE_ERROR 1064
#define ER_UNKNOWN_SYSTEM_VARIABLE 1193

int my_fail(MYSQL *conn, struct error *err, const char *doing)
{
	const char *message = mysql_error(conn);

	return error_set(err, ERROR_TRANSIENT, "%s: %.400s", doing, *message ? message : "connection lost");
}

static int set_session(MYSQL *conn, struct error *err)
{
	for (size_t i = 0; i < sizeof(session_settings) / sizeof(session_settings[0]); i++)
		if (mysql_query(conn, session_settings[i]) != 0 && mysql_errno(conn) != ER_PARSE_ERROR &&
		    mysql_errno(conn) != ER_UNKNOWN_SYSTEM_VARIABLE)
			return my_fail(conn, err, session_settings[i]);
	return 0;
}

int my_connect(const struct source_login *login, MYSQL **ret, struct error *err)
{
	MYSQL *conn;

	if (my_login(login, &conn, err) < 0)
		return -1;
	if (set_session(conn, err) < 0) {
		mysql_close(conn);
		return -1;
	}
	*ret = conn;
	return 0;
}

/* As <ma_tls.h> has it, which is not C as strict as ours. */
struct tls_session {
	void *data;
	MARIADB_PVIO *pvio;
	void *ssl;
};

/* The session of OpenSSL is the library's; where it is another one, nobody can tell, and who asks has to wait for what comes. */
static bool waits_in_tls(const struct st_ma_pvio *io)
{
	static int by_openssl = -1;
	const char *library = NULL;

	if (by_openssl < 0)
		by_openssl = mariadb_get_infov(NULL, MARIADB_TLS_LIBRARY, &library) == 0 && library && strncmp(library, "OpenSSL", 7) == 0;
	return !by_openssl || SSL_pending(((const struct tls_session *)io->ctls)->ssl) > 0;
}

bool my_has_input(MYSQL *conn)
{
	const struct st_ma_pvio *io = conn->net.pvio;

	if (!io)
		return true; /* it was lost, which reading tells */
	return (io->cache && io->cache_pos < io->cache + io->cache_size) || (io->ctls && waits_in_tls(io));
}

static __attribute__((format(printf, 1, 0))) char *format_statement(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		abort();
	return text;
}

static MYSQL_RES *run(MYSQL *conn, const char *sql, struct error *err)
{
	MYSQL_RES *result = mysql_query(conn, sql) == 0 ? mysql_store_result(conn) : NULL;

	if (!result && mysql_errno(conn))
		my_fail(conn, err, sql);
	return result;
}

MYSQL_RES *my_query(MYSQL *conn, struct error *err, const char *format, ...)
{
	va_list args;
	MYSQL_RES *result;
	char *sql;

	va_start(args, format);
	sql = format_statement(format, args);
	va_end(args);
	result = run(conn, sql, err);
	if (!result && !mysql_errno(conn))
		error_set(err, ERROR_INTERNAL, "%s: there is no result", sql);
	free(sql);
	return result;
}

int my_do(MYSQL *conn, struct error *err, const char *format, ...)
{
	va_list args;
	char *sql;
	int result;

	va_start(args, format);
	sql = format_statement(format, args);
	va_end(args);
	mysql_free_result(run(conn, sql, err));
	result = mysql_errno(conn) ? -1 : 0;
	free(sql);
	return result;
}

int my_value(MYSQL *conn, char *ret, size_t size, struct error *err, const char *format, ...)
{
	va_list args;
	MYSQL_RES *result;
	MYSQL_ROW row;
	char *sql;

	va_start(args, format);
	sql = format_statement(format, args);
	va_end(args);
	result = run(conn, sql, err);
	free(sql);
	if (!result)
		return -1;
	row = mysql_fetch_row(result);
	snprintf(ret, size, "%s", row && row[0] ? row[0] : "");
	mysql_free_result(result);
	return row != NULL;
}

int my_variable(MYSQL *conn, const char *name, char *ret, size_t size, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SHOW GLOBAL VARIABLES LIKE '%s'", name);
	MYSQL_ROW row;

	*ret = '\0';
	if (!result)
		return -1;
	row = mysql_fetch_row(result);
	if (row && row[1])
		snprintf(ret, size, "%s", row[1]);
	mysql_free_result(result);
	return 0;
}

static void take_base_name(const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(ret, size, "%s", slash ? slash + 1 : path);
}

/* MySQL 5.5 tells it only by what its files are called; a server without a log by nothing. */
static void ask_base_name(MYSQL *conn, char *ret, size_t size)
{
	struct error ignored;
	char file[256], *dot;

	if (my_value(conn, file, sizeof(file), &ignored, "SHOW BINARY LOGS") <= 0 || !(dot = strrchr(file, '.')))
		return;
	*dot = '\0';
	snprintf(ret, size, "%s", file);
}

int my_server_ask(MYSQL *conn, struct my_server *ret, struct error *err)
{
	char text[256];

	*ret = (struct my_server){.family = strstr(mysql_get_server_info(conn), "MariaDB") ? FAMILY_MARIADB : FAMILY_MYSQL,
				  .version = mysql_get_server_version(conn)};
	if (my_variable(conn, "server_id", text, sizeof(text), err) < 0)
		return -1;
	ret->server_id = (uint32_t)strtoul(text, NULL, 10);
	if (my_variable(conn, "server_uuid", ret->uuid, sizeof(ret->uuid), err) < 0 ||
	    my_variable(conn, "log_bin_basename", text, sizeof(text), err) < 0)
		return -1;
	take_base_name(text, ret->log_base, sizeof(ret->log_base));
	if (!*ret->log_base)
		ask_base_name(conn, ret->log_base, sizeof(ret->log_base));
	if (my_variable(conn, "gtid_mode", text, sizeof(text), err) < 0)
		return -1;
	ret->gtids = ret->family == FAMILY_MARIADB || strcmp(text, "ON") == 0;
	if (my_variable(conn, "binlog_row_metadata", text, sizeof(text), err) < 0)
		return -1;
	ret->full_metadata = strcmp(text, "FULL") == 0;
	return 0;
}
