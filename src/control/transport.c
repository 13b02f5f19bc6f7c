/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificate.h"

static const char *entry(const struct conf_map *map, const char *name, const char *otherwise)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->entries[i].name, name) == 0)
			return map->entries[i].value;
	return otherwise;
}

/* As libpq: the file of that name in ~/.postgresql, if there is one. */
static const char *usual_file(const char *given, const char *name, char path[300])
{
	if (given)
		return given;
	snprintf(path, 300, "%.200s/.postgresql/%s", getenv("HOME") ? getenv("HOME") : "", name);
	return access(path, R_OK) == 0 ? path : NULL;
}

/* libpq says that it ignores such a file only where nobody looks. */
static void examine_passfile(const struct settings *settings, struct findings *findings)
{
	char path[300];
	const char *file = entry(&settings->source_parameters, "passfile", getenv("PGPASSFILE"));
	struct stat found;

	if (settings->source_password)
		return;
	if (!file) {
		snprintf(path, sizeof(path), "%.200s/.pgpass", getenv("HOME") ? getenv("HOME") : "");
		file = path;
	}
	if (stat(file, &found) == 0 && found.st_mode & 077)
		findings_add(findings, FINDING_FAILURE, "P124", "chmod 600", "the password file %s is open to others, and so it is ignored", file);
}

static void examine_postgresql(const struct settings *settings, struct findings *findings)
{
	const struct conf_map *parameters = &settings->source_parameters;
	const char *mode = entry(parameters, "sslmode", getenv("PGSSLMODE") ? getenv("PGSSLMODE") : "prefer");
	bool verified = strncmp(mode, "verify-", 7) == 0;
	char port[16], root[300], own[300], key[300];
	struct certificate_of of = {
		.code = "P123", .host = entry(parameters, "hostaddr", settings->source_host), .port = port, .asked = ASKED_AS_POSTGRESQL,
		.issuer_checked = verified, .name_checked = strcmp(mode, "verify-full") == 0,
		.ca_file = usual_file(entry(parameters, "sslrootcert", getenv("PGSSLROOTCERT")), "root.crt", root),
		.own_file = usual_file(entry(parameters, "sslcert", NULL), "postgresql.crt", own),
		.own_key = usual_file(entry(parameters, "sslkey", NULL), "postgresql.key", key),
		.option = "source.parameters: {sslmode: verify-full, sslrootcert: FILE}, with the certificate of who issued it",
	};

	examine_passfile(settings, findings);
	if (!of.host || *of.host == '/' || strcmp(mode, "disable") == 0)
		return;
	/* A certificate that nobody wants verified is worth a word only where TLS was asked for. */
	if (!verified && strcmp(mode, "require") != 0)
		return;
	snprintf(port, sizeof(port), "%d", (int)settings->source_port);
	certificate_examine(&of, findings);
}

/* Who names issuers wants them asked, as the client does. */
static void examine_mysql(const struct settings *settings, struct findings *findings)
{
	const struct conf_map *parameters = &settings->source_parameters;
	const char *issuers = entry(parameters, "ssl_ca", NULL), *mode = entry(parameters, "ssl_mode", issuers ? "verify_ca" : "preferred");
	bool verified = strncasecmp(mode, "verify", 6) == 0;
	char port[16];
	struct certificate_of of = {
		.code = "M123", .host = settings->source_host, .port = port, .asked = ASKED_AS_MYSQL,
		.issuer_checked = verified, .name_checked = strcasestr(mode, "identity") != NULL, .ca_file = issuers,
		.own_file = entry(parameters, "ssl_cert", NULL), .own_key = entry(parameters, "ssl_key", NULL),
		.option = "source.parameters: {ssl_mode: verify_identity, ssl_ca: FILE}, with the certificate of who issued it",
	};

	if (!of.host || *of.host == '/' || (!verified && strcasecmp(mode, "required") != 0) || entry(parameters, "ssl_capath", NULL))
		return;
	snprintf(port, sizeof(port), "%d", (int)settings->source_port);
	certificate_examine(&of, findings);
}

void transport_examine_source(const struct settings *settings, struct findings *findings)
{
	if (settings->source_type == 0)
		examine_postgresql(settings, findings);
	else
		examine_mysql(settings, findings);
}

/* The first of "host:port,host:port", without a protocol in front. */
static bool first_broker(const char *servers, char host[200], char port[16])
{
	const char *scheme = strstr(servers, "://");
	char text[240], *colon, *from = text;

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(scheme ? scheme + 3 : servers, ","), scheme ? scheme + 3 : servers);
	colon = strrchr(text, ':');
	if (colon && !strchr(colon, ']'))
		*colon++ = '\0';
	else
		colon = NULL;
	if (*from == '[') {
		from++;
		from[strcspn(from, "]")] = '\0';
	}
	snprintf(host, 200, "%.199s", from);
	snprintf(port, 16, "%.15s", colon ? colon : "9092");
	return *host != '\0';
}

void transport_examine_kafka(const struct settings *settings, struct findings *findings)
{
	const struct conf_map *kafka = &settings->kafka;
	const char *protocol = entry(kafka, "security.protocol", "plaintext"), *own = entry(kafka, "ssl.certificate.location", NULL);
	bool verified = strcmp(entry(kafka, "enable.ssl.certificate.verification", "true"), "false") != 0;
	char host[200], port[16];
	struct certificate_of of = {
		.code = "K206", .host = host, .port = port, .issuer_checked = verified,
		.name_checked = verified && strcasecmp(entry(kafka, "ssl.endpoint.identification.algorithm", "https"), "none") != 0,
		.ca_file = entry(kafka, "ssl.ca.location", NULL), .own_file = own, .own_key = entry(kafka, "ssl.key.location", NULL),
		.option = "kafka: {ssl.ca.location: FILE}, with the certificate of who issued it",
	};

	if (!strcasestr(protocol, "ssl"))
		return;
	if (first_broker(entry(kafka, "bootstrap.servers", ""), host, port))
		certificate_examine(&of, findings);
}
