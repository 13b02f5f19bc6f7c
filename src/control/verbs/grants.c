/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater grants`: what a DBA runs so that the agent may do its work, and nothing else. Printed, never run: the agent
 * changes nothing in the source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "control/conf.h"
#include "site.h"
#include "verbs.h"

/* What is said of a login is about the agent's own, whose password this is not. */
static void hint_as(const char *as, const char *type, struct error *err)
{
	if (!as || strcmp(type, "postgresql") != 0)
		return;
	if (strcasestr(err->text, "password"))
		error_hint(err, "the password of %s (--as) comes from PGPASSWORD or ~/.pgpass", as);
	else if (strstr(err->text, "role \"") && strstr(err->text, "does not exist"))
		error_hint(err, "correct --as: it is a role that the server has, such as postgres");
}

/* Tables are those of the configuration; with a pack that cannot be compiled they are not known. */
static int find_captured(struct site *site, const char *as, struct error *err)
{
	if (site_connect(site, err) < 0) {
		hint_as(as, site->options->source_type, err);
		return verb_fail(err);
	}
	if (site->options->pack && site_compile(site) < 0) {
		site_complain(site);
		return EXIT_USAGE;
	}
	return site_capture(site, err) < 0 ? verb_fail(err) : 0;
}

static int print_grants(struct site *site, const char *role, bool missing, struct error *err)
{
	struct writer sql = {0};
	int result = site->source_ops->grants(site->source, role, missing, &sql, err);

	if (result == 0 && sql.len)
		printf("%.*s", VIEW_ARG(wr_view(&sql)));
	else if (result == 0)
		printf("-- Nothing is missing.\n");
	wr_done(&sql);
	if (result < 0)
		return verb_fail(err);
	if (!site_lacks_identity(site))
		return EXIT_DONE;
	fprintf(stderr, "tailwater: tables without a replica identity are not in the publication's statement; see its last lines\n");
	return EXIT_FAILED;
}

/* Kafka --------------------------------------------------------------------------------------- */

static const char *property(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->kafka.count; i++)
		if (strcmp(settings->kafka.entries[i].name, name) == 0)
			return settings->kafka.entries[i].value;
	return NULL;
}

/* For a shell: nothing in it means anything. */
static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		putchar(*text);
	}
	putchar('\'');
}

static void print_acl(const struct conf *conf, const char *principal, const char *options)
{
	const char *servers = property(&conf->settings, "bootstrap.servers");

	printf("kafka-acls.sh --bootstrap-server ");
	print_quoted(servers);
	printf(" --add --allow-principal ");
	print_quoted(principal);
	printf(" %s", options);
}

/* Everything that the agent and the verbs that look at topics ask for, and no more. */
static void print_acls(const struct conf *conf, const char *principal)
{
	const struct pipeline_options *options = &conf->pipeline;

	printf("# Add --command-config FILE with the properties of who may change ACLs.\n"
	       "# The topics %s.*. Without Create they have to be made by hand before the first start; Read is for the checkpoint, for\n"
	       "# what an unfinished snapshot has left behind, and for `tailwater read`.\n", options->prefix);
	print_acl(conf, principal, "--resource-pattern-type prefixed --topic ");
	printf("'%s.' --operation Create --operation Describe --operation DescribeConfigs --operation Read --operation Write\n",
	       options->prefix);
	if (options->delivery != DELIVERY_EXACTLY_ONCE)
		return;
	printf("# The transactions of this source.\n");
	print_acl(conf, principal, "--transactional-id ");
	printf("'%s.%s' --operation Describe --operation Write\n", options->prefix, options->name);
}

static int print_kafka(const struct conf *conf, const char *given)
{
	const char *user = property(&conf->settings, "sasl.username");
	struct error err;
	char *principal;

	if (!given && !user) {
		error_set(&err, ERROR_INPUT, "there is no kafka.sasl.username: say with --principal who the agent is to Kafka");
		error_hint(&err, "with a certificate that is its subject, as in --principal 'User:CN=tailwater,O=Example'");
		return verb_fail(&err);
	}
	principal = given ? mem_text(view_of(given)) : mem_printf("User:%s", user);
	print_acls(conf, principal);
	free(principal);
	return EXIT_DONE;
}

static int run_kafka(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	int code;

	if (!conf)
		return EXIT_USAGE;
	code = print_kafka(conf, argument(args, "--principal"));
	conf_free(conf);
	return code;
}

/* PostgreSQL ---------------------------------------------------------------------------------- */

static int run_source(const struct arguments *args)
{
	const char *as = argument(args, "--as"), *role = argument(args, "--role");
	struct conf *conf = verb_conf(args);
	struct pipeline_options options;
	struct site site = {.options = &options};
	struct error err = {0};
	int code;

	if (!conf)
		return EXIT_USAGE;
	if (as && !role && conf->pipeline.source.login.user && strcmp(conf->pipeline.source.login.user, as) != 0)
		role = conf->pipeline.source.login.user;
	if (as && !role) {
		conf_free(conf);
		error_set(&err, ERROR_INPUT, "--as says who looks; say with --role who the statements are for");
		return verb_fail(&err);
	}
	options = conf->pipeline;
	if (as) { /* the agent's password is not tried for another user */
		options.source.login.user = as;
		options.source.login.password = NULL;
	}
	code = find_captured(&site, as, &err);
	if (code == 0)
		code = print_grants(&site, role, argument(args, "--missing") != NULL, &err);
	site_done(&site);
	conf_free(conf);
	return code;
}

static int run(const struct arguments *args)
{
	return argument(args, "--kafka") ? run_kafka(args) : run_source(args);
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--kafka", NULL, false, "The ACLs that the agent needs on Kafka, as commands of kafka-acls.sh, instead of SQL."},
	{"--principal", "NAME", false, "Who they are for, as in User:tailwater; kafka.sasl.username if not given."},
	{"--role", "NAME", false, "The role that the statements are for; source.user if not given."},
	{"--missing", NULL, false, "Only what the role does not have yet."},
	{"--as", "NAME", false,
	 "Look as this role, since the agent's own may not exist yet. Its password comes from PGPASSWORD or ~/.pgpass."},
	FLAGS_END,
};

const struct verb verb_grants = {
	.name = "grants",
	.summary = "print the SQL, or the ACLs, that give the agent what it needs",
	.help = "Prints the statements for this version of the server and for exactly the tables that are captured: the role, its "
		"privileges, the publication; or, with --kafka, the commands for Kafka's ACLs. A DBA reads and runs them; nothing is "
		"changed anywhere. A table that has no replica identity is left out of the publication, and named: then the exit code is 1.",
	.flags = flags,
	.run = run,
};
