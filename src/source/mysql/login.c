/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Connector/C 3.3 takes MYSQL_OPT_SSL_ENFORCE as a wish: it goes on without TLS if the server (or who stands in between) says that it
 * has none. Therefore the first thing that is sent to a server goes through a step of ours, which looks at what it has said, and the
 * connection is looked at again when it stands.
 */
#include "login.h"

#include <errmsg.h>
#include <mysql/plugin_auth.h>
#include <mysqld_error.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diagnostics.h"
#include "conn.h"
#include "source/source.h"

#define CONNECT_TIMEOUT_S 10
#define READ_TIMEOUT_S 60
#define NAMES_CHECKED 30400 /* Connector/C from 3.4 on verifies the name with the issuer */

enum parameter_kind { PARAMETER_TEXT, PARAMETER_NUMBER, PARAMETER_FILE, PARAMETER_TLS };

static const struct parameter {
	const char *name;
	enum parameter_kind kind;
	enum mysql_option option;
} parameters[] = {
	{"connect_timeout", PARAMETER_NUMBER, MYSQL_OPT_CONNECT_TIMEOUT},
	{"ssl_mode", PARAMETER_TLS, MYSQL_OPT_SSL_ENFORCE},
	{"ssl_ca", PARAMETER_FILE, MYSQL_OPT_SSL_CA},
	{"ssl_capath", PARAMETER_FILE, MYSQL_OPT_SSL_CAPATH},
	{"ssl_cert", PARAMETER_FILE, MYSQL_OPT_SSL_CERT},
	{"ssl_key", PARAMETER_FILE, MYSQL_OPT_SSL_KEY},
	{"ssl_crl", PARAMETER_FILE, MYSQL_OPT_SSL_CRL},
	{"ssl_cipher", PARAMETER_TEXT, MYSQL_OPT_SSL_CIPHER},
	{"tls_version", PARAMETER_TEXT, MARIADB_OPT_TLS_VERSION},
	{"server_public_key_path", PARAMETER_FILE, MYSQL_SERVER_PUBLIC_KEY},
	{"plugin_dir", PARAMETER_FILE, MYSQL_PLUGIN_DIR},
};

#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* As MySQL's clients name them. */
enum tls { TLS_DISABLED, TLS_PREFERRED, TLS_REQUIRED, TLS_VERIFY_CA, TLS_VERIFY_IDENTITY, TLS_MODES };

static const char *const tls_modes[TLS_MODES] = {"disabled", "preferred", "required", "verify_ca", "verify_identity"};

/* Ways to log in that give no password away: those that do are left to connections that are encrypted. */
static const char without_tls[] = "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec,auth_gssapi_client";

static const struct {
	unsigned code;
	const char *remedy;
} remedies[] = {
	{ER_ACCESS_DENIED_ERROR, "correct source.user and source.password; the server looks at the address that one comes from, too, and at "
				 "whether the connection is encrypted (REQUIRE SSL, X509): source.parameters, ssl_mode"},
	{ER_ACCESS_DENIED_NO_PASSWORD_ERROR, "the account is for a user of the server's machine alone: make one with a password"},
	{3159 /* require_secure_transport */, "the server wants TLS: source.parameters: {ssl_mode: required}, or better verify_identity"},
	{ER_DBACCESS_DENIED_ERROR, "see `tailwater grants`"},
	{CR_SSL_CONNECTION_ERROR, "correct ssl_mode and ssl_ca in source.parameters, or the server's certificate: `tailwater doctor` says what is "
				  "wrong with it"},
	{CR_AUTH_PLUGIN_CANNOT_LOAD, "the client library logs in by files that come with it (Debian: libmariadb3); where they are elsewhere, "
				     "source.parameters: {plugin_dir: FOLDER}"},
	{CR_UNKNOWN_ERROR, "what the library does not say: is server_public_key_path the public key (PEM) of this server?"},
	{CR_AUTH_PLUGIN_ERR, "encrypt the connection (source.parameters: {ssl_mode: required}), or give the server's public key "
			     "(server_public_key_path)"},
};

static const char *remedy_of(unsigned code)
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (remedies[i].code == code)
			return remedies[i].remedy;
	return NULL;
}

static int fail(MYSQL *conn, struct error *err)
{
	unsigned code = strstr(mysql_error(conn), "could not be loaded") ? CR_AUTH_PLUGIN_CANNOT_LOAD : mysql_errno(conn);
	const char *remedy = remedy_of(code);

	if (code == CR_PLUGIN_NOT_ALLOWED) {
		error_set(err, ERROR_TRANSIENT, "connecting: the server asks for the password in clear, and the connection is not encrypted");
		return error_hint(err, "source.parameters: {ssl_mode: verify_identity, ssl_ca: FILE}");
	}
	my_fail(conn, err, "connecting");
	return remedy ? error_hint(err, "%s", remedy) : -1;
}

/* Parameters ----------------------------------------------------------------------------------- */

static const char *given(const struct source_login *login, const char *name)
{
	for (size_t i = 0; i < login->parameter_count; i++)
		if (strcmp(login->parameters[i].name, name) == 0)
			return login->parameters[i].value;
	return NULL;
}

static bool same_mode(const char *a, const char *name)
{
	for (; *a && *name; a++, name++)
		if ((*a == '-' ? '_' : *a | ('A' <= *a && *a <= 'Z' ? 0x20 : 0)) != *name)
			return false;
	return *a == *name;
}

static int mode_named(const char *name, struct error *err)
{
	for (int i = 0; i < TLS_MODES; i++)
		if (same_mode(name, tls_modes[i]))
			return i;
	return error_set(err, ERROR_INPUT, "ssl_mode '%s': it is disabled, preferred, required, verify_ca or verify_identity", name);
}

int my_check_parameter(const char *name, const char *value, struct error *err)
{
	const char *names[PARAMETERS], *meant;

	for (size_t i = 0; i < PARAMETERS; i++) {
		names[i] = parameters[i].name;
		if (strcmp(name, names[i]) == 0)
			return strcmp(name, "ssl_mode") == 0 && mode_named(value, err) < 0 ? -1 : 0;
	}
	meant = diag_did_you_mean(view_of(name), names, PARAMETERS);
	return error_set(err, ERROR_INPUT, "there is no connection parameter '%s'%s%s%s", name, meant ? "; did you mean '" : "",
			 meant ? meant : "", meant ? "'?" : "");
}

/* As MySQL's clients do, who names issuers wants them asked. What would not be looked at is not taken. */
static int choose_mode(const struct source_login *login, struct error *err)
{
	const char *name = given(login, "ssl_mode");
	bool issuers = given(login, "ssl_ca") || given(login, "ssl_capath");
	int mode = name ? mode_named(name, err) : issuers ? TLS_VERIFY_CA : TLS_PREFERRED;

	if (issuers && mode >= 0 && mode < TLS_VERIFY_CA) {
		error_set(err, ERROR_INPUT, "with ssl_mode %s nobody verifies the server's certificate, and ssl_ca would not be looked at",
			  tls_modes[mode]);
		return error_hint(err, "source.parameters: {ssl_mode: verify_identity}, or verify_ca; or leave out ssl_ca");
	}
	if (mode == TLS_VERIFY_CA && !issuers) {
		error_set(err, ERROR_INPUT, "ssl_mode verify_ca needs to know the issuer of the server's certificate");
		return error_hint(err, "source.parameters: {ssl_ca: FILE}, or ssl_capath; verify_identity takes the system's without");
	}
	return mode;
}

/* The library leaves out a file that it cannot read, now and then. */
static int set_parameter(MYSQL *conn, const struct parameter *parameter, const char *value, struct error *err)
{
	unsigned number = (unsigned)strtoul(value, NULL, 10);

	if (parameter->kind == PARAMETER_FILE && access(value, R_OK) < 0)
		return error_set(err, ERROR_INPUT, "%s: %s cannot be read", parameter->name, value);
	if (parameter->kind != PARAMETER_TLS)
		mysql_optionsv(conn, parameter->option, parameter->kind == PARAMETER_NUMBER ? (const void *)&number : value);
	return 0;
}

static int set_parameters(MYSQL *conn, const struct source_login *login, bool encrypted, struct error *err)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		const char *value = given(login, parameters[i].name);
		bool tls = strncmp(parameters[i].name, "ssl_", 4) == 0 || strncmp(parameters[i].name, "tls_", 4) == 0;

		/* Any of these makes the library ask for TLS. */
		if (value && (encrypted || !tls) && set_parameter(conn, &parameters[i], value, err) < 0)
			return -1;
	}
	return 0;
}

/* TLS ------------------------------------------------------------------------------------------ */

#define GUARD "tailwater_tls"

/* As <mysql/client_plugin.h> has it, which includes a file that packages of the library leave out (Debian 12). */
struct login_plugin {
	int type;
	unsigned interface_version;
	const char *name, *author, *desc;
	unsigned version[3];
	const char *license;
	void *mysql_api;
	int (*init)(char *, size_t, int, va_list);
	int (*deinit)(void);
	int (*options)(const char *option, const void *value);
	int (*authenticate_user)(MYSQL_PLUGIN_VIO *vio, struct st_mysql *conn);
};

struct st_mysql_client_plugin *mysql_client_register_plugin(struct st_mysql *conn, struct st_mysql_client_plugin *plugin);

#define LOGIN_PLUGIN 2
#define LOGIN_PLUGIN_VERSION 0x0100

/* Sends nothing of a password: the server then says which way the user logs in. */
static int guard(MYSQL_PLUGIN_VIO *vio, struct st_mysql *conn)
{
	if (!(conn->server_capabilities & CLIENT_SSL)) {
		conn->methods->set_error(conn, CR_SSL_CONNECTION_ERROR, "HY000", "TLS is asked for, and the server has none");
		return CR_ERROR;
	}
	return vio->write_packet(vio, NULL, 0) ? CR_ERROR : CR_OK;
}

static void register_guard(void)
{
	static struct login_plugin plugin = {
		.type = LOGIN_PLUGIN, .interface_version = LOGIN_PLUGIN_VERSION,
		.name = GUARD, .author = "the Tailwater authors", .desc = "no login without TLS", .version = {1, 0, 0}, .license = "Apache-2.0",
		.authenticate_user = guard,
	};
	MYSQL *conn = mysql_init(NULL);

	if (conn)
		mysql_client_register_plugin(conn, (struct st_mysql_client_plugin *)&plugin);
	mysql_close(conn);
}

/* Whether the issuer can be verified without the name. */
static bool leaves_out_names(MYSQL *conn)
{
	const char *library = NULL;

	return mariadb_get_infov(conn, MARIADB_TLS_LIBRARY, &library) == 0 && library && strncmp(library, "OpenSSL", 7) == 0 &&
	       mysql_get_client_version() < NAMES_CHECKED;
}

static void set_tls(MYSQL *conn, enum tls mode)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	my_bool wanted = mode != TLS_DISABLED;
	my_bool verified = mode == TLS_VERIFY_IDENTITY || (mode == TLS_VERIFY_CA && !leaves_out_names(conn));

	mysql_optionsv(conn, MYSQL_OPT_SSL_ENFORCE, &wanted);
	mysql_optionsv(conn, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verified);
	if (mode >= TLS_REQUIRED) {
		pthread_once(&once, register_guard);
		mysql_optionsv(conn, MYSQL_DEFAULT_AUTH, GUARD);
	}
}

/* ... ------------------------------------------------------------------------------------------ */

static bool is_local(const struct source_login *login)
{
	return login->host && login->host[0] == '/';
}

static int set_options(MYSQL *conn, const struct source_login *login, enum tls mode, struct error *err)
{
	unsigned connect_s = CONNECT_TIMEOUT_S, read_s = READ_TIMEOUT_S, tcp = MYSQL_PROTOCOL_TCP;

	mysql_optionsv(conn, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_optionsv(conn, MYSQL_OPT_READ_TIMEOUT, &read_s);
	mysql_optionsv(conn, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_optionsv(conn, MYSQL_READ_DEFAULT_FILE, "/dev/null");
	if (login->host && !is_local(login)) /* "localhost" would be a socket */
		mysql_optionsv(conn, MYSQL_OPT_PROTOCOL, &tcp);
	if (mode < TLS_REQUIRED && !is_local(login))
		mysql_optionsv(conn, MARIADB_OPT_RESTRICTED_AUTH, without_tls);
	set_tls(conn, mode);
	return set_parameters(conn, login, mode != TLS_DISABLED, err);
}

/* A path is a socket of this machine. */
static int connect_to(MYSQL *conn, const struct source_login *login, enum tls mode, struct error *err)
{
	bool local = is_local(login);

	if (!mysql_real_connect(conn, local ? NULL : login->host, login->user, login->password, login->database, (unsigned)login->port,
				local ? login->host : NULL, CLIENT_MULTI_RESULTS))
		return fail(conn, err);
	if (mode < TLS_REQUIRED || mysql_get_ssl_cipher(conn))
		return 0;
	error_set(err, ERROR_TRANSIENT, "connecting: the connection is not encrypted, and ssl_mode is %s", tls_modes[mode]);
	return error_hint(err, "%s", remedy_of(CR_SSL_CONNECTION_ERROR));
}

/* 1: connected; 0: not by TLS; -1. */
static int try(const struct source_login *login, enum tls mode, MYSQL **ret, struct error *err)
{
	MYSQL *conn = mysql_init(NULL);
	bool by_tls;

	if (!conn)
		return error_set(err, ERROR_INTERNAL, "the MySQL client cannot be set up");
	if (set_options(conn, login, mode, err) == 0 && connect_to(conn, login, mode, err) == 0) {
		*ret = conn;
		return 1;
	}
	by_tls = mysql_errno(conn) == CR_SSL_CONNECTION_ERROR;
	mysql_close(conn);
	return by_tls ? 0 : -1;
}

/* Preferred: also a server whose TLS is too old to be spoken is gone to, without; and on one machine there is no need of it. */
int my_login(const struct source_login *login, MYSQL **ret, struct error *err)
{
	int mode = choose_mode(login, err), connected;

	if (mode < 0)
		return -1;
	if (mode == TLS_PREFERRED && is_local(login))
		mode = TLS_DISABLED;
	connected = try(login, (enum tls)mode, ret, err);
	if (connected == 0 && mode == TLS_PREFERRED)
		connected = try(login, TLS_DISABLED, ret, err);
	return connected > 0 ? 0 : -1;
}
