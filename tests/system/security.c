/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * TLS and passwords on real servers, with certificates made here: PostgreSQL in every sslmode, Kafka by certificate and by
 * SASL, what is said when something is wrong with them, and that no password is to be seen anywhere. And ACLs: what
 * `grants --kafka` prints is enough.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/output.h"
#include "system/certificates.h"
#include "system/plain.h"

#define PASSWORD "a-phrase-that-nobody-may-see"

static struct scene scene;
static struct plain plain = {.name = "vault", .user = "keeper"};
static char source_lines[1500], kafka_lines[1500];
static char plain_port[64], ssl_port[64], sasl_port[64], localhost_address[64], password_option[300];

/* With these settings, which are told if it fails. */
static void expect(const char *line, int code, const char *said)
{
	char what[4000];
	int got = agent_ask(&plain.agent, line);

	if (strstr(agent_output, PASSWORD))
		harness_fail(&plain.agent, "a password is shown");
	snprintf(what, sizeof(what), "%s with\n%s%s", line, source_lines, kafka_lines);
	agent_check_output(&plain.agent, what, got, code, said);
}

/* Certificates -------------------------------------------------------------------------------- */

static void make_all(void)
{
	certificates_begin();
	certificates_make("server", "127.0.0.1", "-days 30");
	certificates_make("expired", "127.0.0.1", "-days -1");
	certificates_make("certified", "certified", "-days 30");
	shell("cd %s && mv server.pem server.crt && { openssl pkcs8 -topk8 -nocrypt -in server.key; cat server.crt; } >broker.pem", certs);
	shell("cd %s && printf '*root:root-of-all\nlimited:" PASSWORD "\n' >users && printf '" PASSWORD "\n' >password", certs);
	shell("cd %s && printf '127.0.0.1:*:*:keeper:" PASSWORD "\n' >pgpass && mkdir home && cp pgpass home/.pgpass && "
	      "chmod 600 password pgpass home/.pgpass certified.key", certs);
}

/* Servers ------------------------------------------------------------------------------------- */

/* The keys belong to who runs the server. */
static void secure_postgresql(void)
{
	shell("for i in server.crt server.key expired.pem expired.key ca.pem; do install -o $(stat -c %%U %s/postgresql/data) -m 600 %s/$i "
	      "%s/postgresql/data/$i || exit 1; done", scene.dir, certs, scene.dir);
	scene_sql(&scene, "SET password_encryption = 'scram-sha-256'; CREATE ROLE keeper LOGIN REPLICATION PASSWORD '" PASSWORD "';"
		  "CREATE ROLE certified LOGIN REPLICATION; GRANT SELECT ON vault TO keeper, certified");
	shell("printf 'hostssl all keeper 127.0.0.1/32 scram-sha-256\nhostssl all certified 127.0.0.1/32 cert\n"
	      "host all postgres 127.0.0.1/32 trust\n' >%s/postgresql/data/pg_hba.conf", scene.dir);
	scene_sql(&scene, "ALTER SYSTEM SET ssl_cert_file = 'server.crt'; ALTER SYSTEM SET ssl_key_file = 'server.key';"
		  "ALTER SYSTEM SET ssl_ca_file = 'ca.pem'; ALTER SYSTEM SET ssl = on");
	scene_sql(&scene, "SELECT pg_reload_conf()");
	WAIT_UNTIL(strcmp(scene_value(&scene, "SHOW ssl"), "on") == 0, 10, NULL);
}

static void read_port(const char *file, char address[64])
{
	char text[32] = "";
	char path[300];
	FILE *in;

	snprintf(path, sizeof(path), "%s/kafka/%s", scene.dir, file);
	in = fopen(path, "r");
	if (!in || !fgets(text, sizeof(text), in))
		harness_fail(NULL, path);
	fclose(in);
	snprintf(address, 64, "127.0.0.1:%d", atoi(text));
}

static void begin(void)
{
	char settings[300];

	make_all();
	snprintf(settings, sizeof(settings), "secure=%s 'super.users=User:ANONYMOUS;User:root;User:CN=certified'", certs);
	scene_begin_with(&scene, settings);
	read_port("port", plain_port);
	read_port("ssl-port", ssl_port);
	read_port("sasl-port", sasl_port);
	snprintf(localhost_address, sizeof(localhost_address), "localhost%s", strchr(scene.pg_address, ':'));
	snprintf(password_option, sizeof(password_option), "  password: ${file:%s/password}\n", certs);
	plain_prepare(&plain, &scene);
	secure_postgresql();
}

/* Files stand in the folder of certificates: @ is that. */
static const char *with_folder(const char *text, char *to, size_t size)
{
	size_t len = 0;

	for (; *text && len + sizeof(certs) < size; text++) {
		if (*text == '@')
			len += (size_t)snprintf(to + len, size - len, "%s", certs);
		else
			to[len++] = *text;
	}
	to[len] = '\0';
	return to;
}

static void configure(const char *password, const char *parameters, const char *broker, const char *kafka)
{
	char text[1000];

	snprintf(source_lines, sizeof(source_lines), "%s  parameters: {%s}\n", password, with_folder(parameters, text, sizeof(text)));
	plain.source = source_lines;
	snprintf(scene.kafka_address, sizeof(scene.kafka_address), "%s", broker);
	plain.kafka = with_folder(kafka, kafka_lines, sizeof(kafka_lines));
	plain_configure(&plain);
}

/* The parts ----------------------------------------------------------------------------------- */

static void sslmodes(void)
{
	static const struct {
		const char *user, *parameters;
		bool localhost;
		int code;
		const char *said;
	} rows[] = {
		{"keeper", "sslmode: disable", false, EXIT_FAILED, "no pg_hba.conf entry for host \"127.0.0.1\", user \"keeper\""},
		{"keeper", "sslmode: allow", false, EXIT_DONE, "carries what is captured"},
		{"keeper", "sslmode: prefer", false, EXIT_DONE, "carries what is captured"},
		{"keeper", "sslmode: require", false, EXIT_DONE, "carries what is captured"},
		{"keeper", "sslmode: require", true, EXIT_DONE, "carries what is captured"},
		{"keeper", "sslmode: verify-ca, sslrootcert: @/ca.pem", true, EXIT_DONE, "carries what is captured"},
		{"keeper", "sslmode: verify-ca, sslrootcert: @/other.pem", false, EXIT_FAILED, "certificate verify failed"},
		{"keeper", "sslmode: verify-full, sslrootcert: @/ca.pem", false, EXIT_DONE, "carries what is captured"},
		{"keeper", "sslmode: verify-full, sslrootcert: @/ca.pem", true, EXIT_FAILED, "does not match host name \"localhost\""},
		{"keeper", "sslmode: verify-full, sslrootcert: @/none.pem", false, EXIT_FAILED, "/none.pem\" does not exist"},
		{"certified", "sslmode: verify-full, sslrootcert: @/ca.pem, sslcert: @/certified.pem, sslkey: @/certified.key", false, EXIT_DONE,
		 "carries what is captured"},
		{"certified", "sslmode: verify-full, sslrootcert: @/ca.pem", false, EXIT_FAILED, "requires a valid client certificate"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		plain.user = rows[i].user;
		plain.address = rows[i].localhost ? localhost_address : NULL;
		configure(strcmp(rows[i].user, "keeper") == 0 ? password_option : "", rows[i].parameters, plain_port, "");
		expect("check --connect", rows[i].code, rows[i].said);
	}
	plain.user = "keeper";
	plain.address = NULL;
	printf("PostgreSQL: %zu ways of TLS\n", COUNT_OF(rows));
}

static void brokers(void)
{
#define BY_CERTIFICATE "  security.protocol: ssl\n  ssl.ca.location: @/ca.pem\n"
#define BY_PASSWORD(mechanism, password) \
	"  security.protocol: sasl_ssl\n  ssl.ca.location: @/ca.pem\n  sasl.mechanisms: " mechanism "\n  sasl.username: root\n  sasl.password: " password "\n"
	static const struct {
		const char *port, *properties;
		int code;
		const char *said;
	} rows[] = {
		{ssl_port, BY_CERTIFICATE "  ssl.certificate.location: @/certified.pem\n  ssl.key.location: @/certified.key\n", EXIT_DONE,
		 "answers"},
		{ssl_port, BY_CERTIFICATE, EXIT_FAILED, "certificate required"},
		{ssl_port, "  security.protocol: ssl\n  ssl.ca.location: @/other.pem\n", EXIT_FAILED, "was issued by 'CN=ca', who is not in "},
		{sasl_port, BY_PASSWORD("PLAIN", "root-of-all"), EXIT_DONE, "answers"},
		{sasl_port, BY_PASSWORD("PLAIN", "something"), EXIT_FAILED, "SASL authentication error: Authentication failed"},
		{sasl_port, BY_PASSWORD("SCRAM-SHA-256", "something"), EXIT_FAILED, "SASL authentication error: Authentication failed"},
		{sasl_port, "", EXIT_FAILED, "correct kafka.security.protocol"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		configure(password_option, "sslmode: require", rows[i].port, rows[i].properties);
		expect("doctor", rows[i].code, rows[i].said);
	}
	printf("Kafka: %zu ways of TLS and SASL\n", COUNT_OF(rows));
}

/* The client has to be as strict as the broker: where it is not, that is said. */
static void scram(void)
{
	static const char *const properties[] = {BY_PASSWORD("SCRAM-SHA-256", "root-of-all"), BY_PASSWORD("SCRAM-SHA-512", "root-of-all")};

	for (size_t i = 0; i < COUNT_OF(properties); i++) {
		int code;

		configure(password_option, "sslmode: require", sasl_port, properties[i]);
		code = agent_verb(&plain.agent, "doctor", "verb.out");
		agent_take_output(&plain.agent, "verb.out");
		if (code == EXIT_DONE)
			printf("SCRAM: logged in\n");
		else if (strstr(agent_output, "cannot log in by SCRAM at Kafka 4.0 or later at all, which takes 2.6.1"))
			printf("SCRAM: this librdkafka cannot, and says so\n");
		else
			expect("doctor", EXIT_DONE, "answers");
	}
}

static void certificates_are_explained(void)
{
	plain.address = localhost_address;
	configure(password_option, "sslmode: verify-full, sslrootcert: @/ca.pem", plain_port, "");
	expect("doctor", EXIT_FAILED, "is for 127.0.0.1, not for localhost");
	plain.address = NULL;
	configure(password_option, "sslmode: verify-full, sslrootcert: @/other.pem", plain_port, "");
	expect("doctor", EXIT_FAILED, "was issued by 'CN=ca', who is not in");
	configure(password_option, "sslmode: require", plain_port, "");
	expect("doctor", EXIT_DONE, "warning P123  nobody verifies the certificate of 127.0.0.1:");
	configure(password_option, "sslmode: verify-full, sslrootcert: @/ca.pem, sslcert: @/certified.pem, sslkey: @/expired.key", plain_port, "");
	expect("doctor", EXIT_FAILED, "is not of the key in");
	configure(password_option, "sslmode: verify-full, sslrootcert: @/ca.pem", plain_port, "");
	expect("doctor", EXIT_DONE, "ok      P123  the certificate of 127.0.0.1:");
	scene_sql(&scene, "ALTER SYSTEM SET ssl_cert_file = 'expired.pem'; ALTER SYSTEM SET ssl_key_file = 'expired.key'");
	scene_sql(&scene, "SELECT pg_reload_conf()");
	WAIT_UNTIL(strcmp(scene_value(&scene, "SHOW ssl_cert_file"), "expired.pem") == 0, 10, NULL);
	expect("doctor", EXIT_FAILED, " expired on ");
	scene_sql(&scene, "ALTER SYSTEM SET ssl_cert_file = 'server.crt'; ALTER SYSTEM SET ssl_key_file = 'server.key'");
	scene_sql(&scene, "SELECT pg_reload_conf()");
	WAIT_UNTIL(strcmp(scene_value(&scene, "SHOW ssl_cert_file"), "server.crt") == 0, 10, NULL);
	printf("certificates: what is wrong is said in a sentence\n");
}

static void password_files(void)
{
	char home[300];

	configure("", "sslmode: require, passfile: @/pgpass", plain_port, "");
	expect("check --connect", EXIT_DONE, "carries what is captured");
	snprintf(home, sizeof(home), "%s/home", certs);
	setenv("HOME", home, 1);
	configure("", "sslmode: require", plain_port, "");
	expect("check --connect", EXIT_DONE, "carries what is captured");
	shell("chmod 644 %s/home/.pgpass", certs);
	expect("check --connect", EXIT_FAILED, "no password supplied");
	expect("doctor", EXIT_FAILED, "failure P124  the password file ");
	printf("passwords: by ${file:}, passfile and ~/.pgpass, which must be private\n");
}

static void search(const char *path)
{
	char command[400];

	snprintf(command, sizeof(command), "grep -aqF -e " PASSWORD " -e root-of-all %s", path);
	if (system(command) == 0)
		harness_fail(&plain.agent, path);
}

static void run_agent(void)
{
	char path[64];

	plain_stream(&plain);
	plain_work(&plain);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)plain.agent.pid);
	search(path);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)plain.agent.pid);
	search(path);
	expect("status --json", EXIT_DONE, "STREAMING");
	agent_stop(&plain.agent);
	search(plain.agent.log);
}

/* The whole road through TLS, by a certificate and then with exactly the permissions that are printed. */
static void whole_road(void)
{
	configure(password_option, "sslmode: verify-full, sslrootcert: @/ca.pem", ssl_port,
		  BY_CERTIFICATE "  ssl.certificate.location: @/certified.pem\n  ssl.key.location: @/certified.key\n");
	run_agent();
	printf("an agent over TLS: it streams, and no password is in its log, arguments or environment\n");
}

static void set_password(const char *password)
{
	shell("printf '%s\n' >%s/password.new && chmod 600 %s/password.new && mv %s/password.new %s/password", password, certs, certs, certs, certs);
}

/* The password is changed while the agent runs, and its connections end: it goes on with the new one, without a restart. */
static void rotated_password(void)
{
	unsigned before;

	configure(password_option, "sslmode: require", sasl_port, BY_PASSWORD("PLAIN", "root-of-all"));
	plain_stream(&plain);
	scene_sql(&scene, "SET password_encryption = 'scram-sha-256'; ALTER ROLE keeper PASSWORD 'another-one';"
		  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'");
	WAIT_UNTIL(agent_logged(&plain.agent, "password authentication failed for user") > 0, 20, &plain.agent);
	before = agent_logged(&plain.agent, "streaming from");
	set_password("another-one");
	kill(plain.agent.pid, SIGHUP);
	WAIT_UNTIL(agent_logged(&plain.agent, "option 'source.password' has a new value") == 1, 20, &plain.agent);
	WAIT_UNTIL(agent_logged(&plain.agent, "streaming from") > before, 30, &plain.agent);
	plain_work(&plain);
	before = agent_logged(&plain.agent, "streaming from");
	configure(password_option, "sslmode: require", sasl_port, BY_PASSWORD("PLAIN", "root-of-all") "  linger.ms: 3\n");
	kill(plain.agent.pid, SIGHUP);
	WAIT_UNTIL(agent_logged(&plain.agent, "the properties of Kafka were read again; connecting again") == 1, 20, &plain.agent);
	WAIT_UNTIL(agent_logged(&plain.agent, "streaming from") > before, 30, &plain.agent);
	plain_work(&plain);
	agent_stop(&plain.agent);
	set_password(PASSWORD);
	scene_sql(&scene, "SET password_encryption = 'scram-sha-256'; ALTER ROLE keeper PASSWORD '" PASSWORD "'");
	printf("SIGHUP: another password, and other properties of Kafka\n");
}

static void acls(void)
{
	plain.name = "acl";
	plain.user = NULL;
	scene_sql(&scene, "CREATE TABLE acl (id int PRIMARY KEY, text text); INSERT INTO acl VALUES (1, 'one'); CREATE PUBLICATION acl FOR TABLE acl");
	agent_init(&plain.agent, &scene, plain.name, "");
	configure("", "sslmode: prefer", sasl_port, "  security.protocol: sasl_ssl\n  ssl.ca.location: @/ca.pem\n  sasl.mechanisms: PLAIN\n"
		  "  sasl.username: limited\n  sasl.password: ${file:@/password}\n");
	agent_start(&plain.agent, NULL);
	WAIT_UNTIL(agent_logged(&plain.agent, "AUTHORIZATION_FAILED") > 0 || agent_logged(&plain.agent, "uthorization failed") > 0, 20, &plain.agent);
	agent_stop(&plain.agent);
	expect("grants --kafka", EXIT_DONE, "--allow-principal 'User:limited' --resource-pattern-type prefixed --topic 'acl.'");
	shell("printf '#!/bin/sh\nshift 2\nexec %s/contrib/servers kafka-acls --bootstrap-server %s \"$@\"\n' >%s/kafka-acls.sh && chmod 755 "
	      "%s/kafka-acls.sh", scene.source, plain_port, certs, certs);
	shell("cd %s && grep '^kafka-acls.sh' verb.out >acls.sh && PATH=%s:$PATH sh -e acls.sh >acls.out 2>&1 || { cat acls.out >&2; exit 1; }",
	      scene.dir, certs);
	run_agent();
	expect("read --from beginning", EXIT_DONE, "\"text\":\"one.\"");
	expect("doctor", EXIT_DONE, "topics begin with acl.");
	printf("ACLs: what `grants --kafka` prints is enough\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	begin();
	sslmodes();
	brokers();
	scram();
	certificates_are_explained();
	whole_road();
	rotated_password();
	acls();
	plain.name = "vault";
	plain.user = "keeper";
	agent_init(&plain.agent, &scene, plain.name, "");
	password_files();
	scene_end(&scene);
	return 0;
}
