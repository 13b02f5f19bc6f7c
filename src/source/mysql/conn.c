/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Connecting with fixed session settings; queries that turn a server's complaint into one sentence. */
#include "conn.h"

#include <errmsg.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diagnostics.h"
#include "base/memory.h"
#include "base/writer.h"
#include "source/source.h"

#define CONNECT_TIMEOUT_S 10
#define READ_TIMEOUT_S 60

/*
 * Times are printed in UTC; a reader that waits for Kafka must not be thrown out while the server's buffers are full.
 * No statement of ours writes: read_only is of the session.
 */
static const char *const session_settings[] = {
	"SET NAMES utf8mb4",
	"SET SESSION time_zone = '+00:00', net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 86400, sql_mode = ''",
	"SET SESSION TRANSACTION READ ONLY",
};

/* utf8mb4 came with 5.5.3, read-only transactions with 5.6 and 10.0: what a server does not know is left out. */
#define ER_PARSE_ERROR 1064

enum parameter_kind { PARAMETER_TEXT, PARAMETER_NUMBER, PARAMETER_TLS };

static const struct {
	const char *name;
	enum parameter_kind kind;
	enum mysql_option option;
} parameters[] = {
	{"connect_timeout", PARAMETER_NUMBER, MYSQL_OPT_CONNECT_TIMEOUT},
	{"ssl_mode", PARAMETER_TLS, MYSQL_OPT_SSL_ENFORCE},
	{"ssl_ca", PARAMETER_TEXT, MYSQL_OPT_SSL_CA},
	{"ssl_capath", PARAMETER_TEXT, MYSQL_OPT_SSL_CAPATH},
	{"ssl_cert", PARAMETER_TEXT, MYSQL_OPT_SSL_CERT},
	{"ssl_key", PARAMETER_TEXT, MYSQL_OPT_SSL_KEY},
	{"ssl_cipher", PARAMETER_TEXT, MYSQL_OPT_SSL_CIPHER},
};

#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* As MySQL's clients name them. PREFERRED is what the library does when nothing is said. */
static const struct {
	const char *name;
	bool enforce, verify;
} tls_modes[] = {
	{"disabled", false, false}, {"preferred", false, false}, {"required", true, false},
	{"verify_ca", true, true},  {"verify_identity", true, true},
};

#define TLS_MODES (sizeof(tls_modes) / sizeof(tls_modes[0]))

int my_fail(MYSQL *conn, struct error *err, const char *doing)
{
	const char *message = mysql_error(conn);

	return error_set(err, ERROR_TRANSIENT, "%s: %.400s", doing, *message ? message : "connection lost");
}

int my_check_parameter(const char *name, struct error *err)
{
	const char *names[PARAMETERS], *meant;

	for (size_t i = 0; i < PARAMETERS; i++) {
		names[i] = parameters[i].name;
		if (strcmp(name, names[i]) == 0)
			return 0;
	}
	meant = diag_did_you_mean(view_of(name), names, PARAMETERS);
	return error_set(err, ERROR_INPUT, "there is no connection parameter '%s'%s%s%s", name, meant ? "; did you mean '" : "",
			 meant ? meant : "", meant ? "'?" : "");
}

static int set_tls(MYSQL *conn, const char *mode, struct error *err)
{
	for (size_t i = 0; i < TLS_MODES; i++) {
		my_bool enforce = tls_modes[i].enforce, verify = tls_modes[i].verify;

		if (strcmp(mode, tls_modes[i].name) != 0)
			continue;
		mysql_optionsv(conn, MYSQL_OPT_SSL_ENFORCE, &enforce);
		mysql_optionsv(conn, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
		return 0;
	}
	return error_set(err, ERROR_INPUT, "ssl_mode '%s': it is disabled, preferred, required, verify_ca or verify_identity", mode);
}

static int set_parameter(MYSQL *conn, const char *name, const char *value, struct error *err)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		unsigned number = (unsigned)strtoul(value, NULL, 10);

		if (strcmp(name, parameters[i].name) != 0)
			continue;
		if (parameters[i].kind == PARAMETER_TLS)
			return set_tls(conn, value, err);
		mysql_optionsv(conn, parameters[i].option, parameters[i].kind == PARAMETER_NUMBER ? (const void *)&number : value);
	}
	return 0;
}

static int set_options(MYSQL *conn, const struct source_login *login, struct error *err)
{
	unsigned connect_s = CONNECT_TIMEOUT_S, read_s = READ_TIMEOUT_S;

	mysql_optionsv(conn, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_optionsv(conn, MYSQL_OPT_READ_TIMEOUT, &read_s);
	mysql_optionsv(conn, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_optionsv(conn, MYSQL_READ_DEFAULT_FILE, "/dev/null");
	for (size_t i = 0; i < login->parameter_count; i++)
		if (set_parameter(conn, login->parameters[i].name, login->parameters[i].value, err) < 0)
			return -1;
	return 0;
}

static int set_session(MYSQL *conn, struct error *err)
{
	for (size_t i = 0; i < sizeof(session_settings) / sizeof(session_settings[0]); i++)
		if (mysql_query(conn, session_settings[i]) != 0 && mysql_errno(conn) != ER_PARSE_ERROR)
			return my_fail(conn, err, session_settings[i]);
	return 0;
}

/* A path is a socket of this machine. */
static int connect_to(MYSQL *conn, const struct source_login *login, struct error *err)
{
	bool local = login->host && login->host[0] == '/';

	if (!mysql_real_connect(conn, local ? NULL : login->host, login->user, login->password, login->database, (unsigned)login->port,
				local ? login->host : NULL, CLIENT_MULTI_RESULTS))
		return my_fail(conn, err, "connecting");
	return set_session(conn, err);
}

int my_connect(const struct source_login *login, MYSQL **ret, struct error *err)
{
	MYSQL *conn = mysql_init(NULL);

	if (!conn)
		return error_set(err, ERROR_INTERNAL, "the MySQL client cannot be set up");
	if (set_options(conn, login, err) < 0 || connect_to(conn, login, err) < 0) {
		mysql_close(conn);
		return -1;
	}
	*ret = conn;
	return 0;
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
	if (my_variable(conn, "gtid_mode", text, sizeof(text), err) < 0)
		return -1;
	ret->gtids = ret->family == FAMILY_MARIADB || strcmp(text, "ON") == 0;
	if (my_variable(conn, "binlog_row_metadata", text, sizeof(text), err) < 0)
		return -1;
	ret->full_metadata = strcmp(text, "FULL") == 0;
	return 0;
}
