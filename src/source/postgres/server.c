/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What is asked of a server stands in one table, with what it needs; the versions are those of version.c. */
#include "server.h"

#include <string.h>

#include "conn.h"
#include "version.h"

/* What the server says of itself. */
struct server {
	int version;
	bool logical; /* wal_level */
	bool standby;
};

static bool wants_local_only(const struct source_options *options, const struct server *server)
{
	(void)server;
	return options->local_only;
}

static bool wants_failover(const struct source_options *options, const struct server *server)
{
	(void)server;
	return options->failover;
}

static bool wants_standby(const struct source_options *options, const struct server *server)
{
	(void)options;
	return server->standby;
}

static bool wants_binary(const struct source_options *options, const struct server *server)
{
	(void)server;
	return options->values == VALUES_BINARY;
}

static const struct demand {
	bool (*wanted)(const struct source_options *options, const struct server *server);
	enum pg_feature feature;
	const char *name;
	const char *hint;
} demands[] = {
	{wants_local_only, PG_ORIGIN_FILTER, "'source.origin: none'", "take it out of the configuration"},
	{wants_failover, PG_FAILOVER_SLOTS, "'source.failover: true'", "take it out of the configuration"},
	{wants_binary, PG_BINARY_VALUES, "'source.values: binary'", "set it to auto or text"},
	{wants_standby, PG_STANDBY_DECODING, "reading the log of a standby", "let source.host name the primary"},
};

static int check_version(const struct server *server, const struct source_options *options, struct error *err)
{
	for (size_t i = 0; i < sizeof(demands) / sizeof(demands[0]); i++) {
		const struct demand *demand = &demands[i];

		if (!demand->wanted(options, server) || pg_has(server->version, demand->feature))
			continue;
		error_state(err, STATE_UNSUPPORTED, "%s needs PostgreSQL %d or later, and the server has %d", demand->name,
			    pg_since(demand->feature), server->version / 10000);
		return error_hint(err, "%s", demand->hint);
	}
	return 0;
}

static int check_settings(const struct server *server, const struct source_options *options, struct error *err)
{
	if (!server->logical) {
		error_state(err, STATE_UNSUPPORTED, "the server's wal_level is not 'logical'");
		return error_hint(err, "run: ALTER SYSTEM SET wal_level = 'logical'; and restart the server");
	}
	if (options->failover && server->standby) {
		error_state(err, STATE_UNSUPPORTED, "'source.failover: true' on a standby: slots for a failover are the primary's");
		return error_hint(err, "let source.host name the primary, or take the option out of the configuration");
	}
	return 0;
}

int pg_server_check(PGconn *queries, const struct source_options *options, struct error *err)
{
	struct server server = {.version = PQserverVersion(queries)};
	PGresult *result = pg_query(queries, err, "SELECT current_setting('wal_level') = 'logical', pg_is_in_recovery()");

	if (!result)
		return -1;
	server.logical = *pg_value(result, 0, 0) == 't';
	server.standby = *pg_value(result, 0, 1) == 't';
	PQclear(result);
	return check_version(&server, options, err) < 0 ? -1 : check_settings(&server, options, err);
}
