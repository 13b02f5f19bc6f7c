/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * TLS and logins on a real MariaDB, with certificates made here: every ssl_mode with a server that has TLS, with one that has none,
 * and with somebody in between who says that it has none, to whom nothing is told; what is said when something is wrong.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "harness/output.h"
#include "harness/relay.h"
#include "system/certificates.h"

#define PASSWORD "a-phrase-that-nobody-may-see"

static struct scene scene;
static struct agent agent;

/* Certificates -------------------------------------------------------------------------------- */

static void make_all(void)
{
	certificates_begin();
	certificates_make("server", "server", "-days 30");
	certificates_make("certified", "certified", "-days 30");
	shell("chmod 644 %s/server.key %s/certified.key", certs, certs);
	shell("printf '" PASSWORD "\n' >%s/password && printf 'wrong\n' >%s/wrong && chmod 600 %s/password", certs, certs, certs);
}

static void restart(bool with_tls)
{
	shell("sed -i '/^ssl-/d' %s/mariadb/my.cnf", scene.dir);
	if (with_tls)
		shell("printf 'ssl-ca=%s/ca.pem\nssl-cert=%s/server.pem\nssl-key=%s/server.key\n' >>%s/mariadb/my.cnf", certs, certs, certs, scene.dir);
	scene_server(&scene, "restart", "mariadb", "fast");
}

/* ... ----------------------------------------------------------------------------------------- */

/* Files stand in the folder of certificates: @ is that. */
static void configure(const char *host, const char *port, const char *user, const char *password, const char *parameters)
{
	FILE *file = fopen(agent.config, "w");

	fprintf(file, "source:\n  name: vault\n  type: mariadb\n  host: %s\n  port: %s\n  dbname: erp\n  user: %s\n", host, port, user);
	fprintf(file, "  password: ${file:%s/%s}\n  parameters: {", certs, password);
	for (; *parameters; parameters++) {
		if (*parameters == '@')
			fprintf(file, "%s", certs);
		else
			fputc(*parameters, file);
	}
	fprintf(file, "}\nkafka:\n  bootstrap.servers: %s\nstate:\n  file: %s/vault.state\ntables:\n  include: [erp.vault]\n", scene.kafka_address, scene.dir);
	fclose(file);
}

static void expect(const char *line, const char *what, int code, const char *said)
{
	int got = agent_ask(&agent, line);

	if (strstr(agent_output, PASSWORD))
		harness_fail(&agent, "a password is shown");
	agent_check_output(&agent, what, got, code, said);
}

static const char *server_port(void)
{
	return strchr(scene.mariadb_address, ':') + 1;
}

struct row {
	const char *user, *parameters;
	const char *host; /* NULL: 127.0.0.1 */
	int code;
	const char *said;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char what[400];

		configure(rows[i].host ? rows[i].host : "127.0.0.1", server_port(), rows[i].user, "password", rows[i].parameters);
		snprintf(what, sizeof(what), "check --connect as %s with {%s}", rows[i].user, rows[i].parameters);
		expect("check --connect", what, rows[i].code, rows[i].said);
	}
}

/* The user `keeper` has to be encrypted, `certified` needs a certificate, and `loose` may come as it likes. */
static void modes_with_tls(void)
{
	static const struct row rows[] = {
		{"keeper", "", NULL, EXIT_DONE, ""},
		{"keeper", "ssl_mode: preferred", NULL, EXIT_DONE, ""},
		{"keeper", "ssl_mode: disabled", NULL, EXIT_FAILED, "whether the connection is encrypted (REQUIRE SSL, X509)"},
		{"keeper", "ssl_mode: required", NULL, EXIT_DONE, ""},
		{"keeper", "ssl_mode: REQUIRED", "localhost", EXIT_DONE, ""},
		{"keeper", "ssl_mode: verify-ca, ssl_ca: @/ca.pem", "localhost", EXIT_DONE, ""},
		{"keeper", "ssl_ca: @/ca.pem", "localhost", EXIT_DONE, ""},
		{"keeper", "ssl_ca: @/other.pem", NULL, EXIT_FAILED, "  correct ssl_mode and ssl_ca"},
		{"keeper", "ssl_mode: VERIFY_CA, ssl_ca: @/other.pem", NULL, EXIT_FAILED, "self"},
		{"keeper", "ssl_mode: verify_identity, ssl_ca: @/ca.pem", NULL, EXIT_DONE, ""},
		{"keeper", "ssl_mode: verify-identity, ssl_ca: @/ca.pem", "localhost", EXIT_FAILED, "Validation of SSL server certificate failed"},
		{"keeper", "ssl_mode: verify_identity, ssl_ca: @/other.pem", NULL, EXIT_FAILED, "self"},
		{"keeper", "ssl_mode: verify_identity", NULL, EXIT_FAILED, "certificate"},
		{"keeper", "ssl_mode: verify_identity, ssl_ca: @/none.pem", NULL, EXIT_USAGE, "ssl_ca: "},
		{"keeper", "ssl_mode: verify_ca", NULL, EXIT_USAGE, "verify_ca needs to know the issuer"},
		{"keeper", "ssl_mode: required, ssl_ca: @/ca.pem", NULL, EXIT_USAGE, "with ssl_mode required nobody verifies"},
		{"keeper", "ssl_mode: verify", NULL, EXIT_USAGE, "it is disabled, preferred, required, verify_ca or verify_identity"},
		{"keeper", "sslmode: require", NULL, EXIT_USAGE, "did you mean 'ssl_mode'"},
		{"certified", "ssl_mode: verify_ca, ssl_ca: @/ca.pem, ssl_cert: @/certified.pem, ssl_key: @/certified.key", NULL, EXIT_DONE, ""},
		{"certified", "ssl_mode: verify_ca, ssl_ca: @/ca.pem", NULL, EXIT_FAILED, "Access denied for user 'certified'"},
	};

	check_rows(rows, COUNT_OF(rows));
	configure("127.0.0.1", server_port(), "keeper", "wrong", "ssl_mode: required");
	expect("check --connect", "check --connect with another password", EXIT_FAILED, "  correct source.user and source.password");
	printf("%zu ways of TLS\n", COUNT_OF(rows));
}

static void certificates_are_explained(void)
{
	configure("localhost", server_port(), "keeper", "password", "ssl_mode: verify_identity, ssl_ca: @/ca.pem");
	expect("doctor", "doctor", EXIT_FAILED, "is for 127.0.0.1, not for localhost");
	configure("127.0.0.1", server_port(), "keeper", "password", "ssl_mode: verify_identity, ssl_ca: @/other.pem");
	expect("doctor", "doctor", EXIT_FAILED, "was issued by 'CN=ca', who is not in");
	configure("127.0.0.1", server_port(), "keeper", "password", "ssl_mode: required");
	expect("doctor", "doctor", EXIT_DONE, "M123  nobody verifies the certificate of 127.0.0.1:");
	configure("127.0.0.1", server_port(), "keeper", "password", "ssl_mode: verify_identity, ssl_ca: @/ca.pem");
	expect("doctor", "doctor", EXIT_DONE, "M110  the connection is encrypted: TLSv1.");
	if (!agent_said("ok      M123  the certificate of 127.0.0.1:"))
		harness_fail(&agent, "nothing is said of the certificate");
	printf("certificates: what is wrong is said in a sentence\n");
}

static void modes_without_tls(void)
{
	static const struct row rows[] = {
		{"loose", "", NULL, EXIT_DONE, ""},
		{"loose", "ssl_mode: disabled", NULL, EXIT_DONE, ""},
		{"loose", "ssl_mode: required", NULL, EXIT_FAILED, "TLS is asked for, and the server has none"},
		{"loose", "ssl_mode: verify_ca, ssl_ca: @/ca.pem", NULL, EXIT_FAILED, "TLS is asked for, and the server has none"},
		{"loose", "ssl_mode: verify_identity, ssl_ca: @/ca.pem", NULL, EXIT_FAILED, "TLS is asked for, and the server has none"},
		{"keeper", "ssl_mode: preferred", NULL, EXIT_FAILED, "Access denied for user 'keeper'"},
	};

	check_rows(rows, COUNT_OF(rows));
	printf("%zu ways without TLS\n", COUNT_OF(rows));
}

/* In between ----------------------------------------------------------------------------------- */

#define HEAD_BYTES 4
#define HAS_TLS 0x08 /* in the second byte of what the server can */

/* Passes the server's first words on without its TLS: whoever says anything after that would tell it in clear. */
static void strip_tls(struct relay_control *control, int client, int server)
{
	struct pollfd waiting = {.fd = client, .events = POLLIN};
	char hello[400];
	ssize_t len = read(server, hello, sizeof(hello));

	if (len < HEAD_BYTES + 20)
		return;
	hello[HEAD_BYTES + 1 + strlen(hello + HEAD_BYTES + 1) + 1 + 4 + 8 + 1 + 1] &= (char)~HAS_TLS;
	if (relay_send(client, hello, (size_t)len) && poll(&waiting, 1, 5000) > 0 && read(client, hello, sizeof(hello)) > 0)
		control->wanted = 1;
}

static void nothing_is_told_in_clear(void)
{
	static const char *const modes[] = {"ssl_mode: required", "ssl_mode: verify_ca, ssl_ca: @/ca.pem", "ssl_mode: verify_identity, ssl_ca: @/ca.pem"};
	struct relay relay;

	relay_listen(&relay);
	relay_serve(&relay, scene.mariadb_address, strip_tls);
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		configure("127.0.0.1", strchr(relay.address, ':') + 1, "loose", "password", modes[i]);
		expect("check --connect", modes[i], EXIT_FAILED, "TLS is asked for, and the server has none");
		if (relay.control->wanted)
			harness_fail(&agent, "something was told to who is in between");
	}
	relay_end(&relay);
	printf("who is in between and says that there is no TLS is told nothing\n");
}

/* ... ------------------------------------------------------------------------------------------ */

static void search(const char *path)
{
	char command[400];

	snprintf(command, sizeof(command), "grep -aqF -e " PASSWORD " %s", path);
	if (system(command) == 0)
		harness_fail(&agent, path);
}

static void whole_road(void)
{
	char path[64];

	configure("127.0.0.1", server_port(), "keeper", "password", "ssl_mode: verify_identity, ssl_ca: @/ca.pem");
	agent_start(&agent, NULL);
	WAIT_UNTIL(agent_logged(&agent, "streaming from") > 0, 60, &agent);
	scene_mariadb(&scene, "out", "INSERT INTO vault VALUES (2, 'two')");
	WAIT_UNTIL(agent_metric(&agent, "changes") > 0, 30, &agent);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)agent.pid);
	search(path);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)agent.pid);
	search(path);
	agent_stop(&agent);
	search(agent.log);
	printf("an agent over TLS: it streams, and no password is in its log, arguments or environment\n");
}

/* Where the server has it (Debian: mariadb-server). */
static void ed25519(void)
{
	char command[300];

	snprintf(command, sizeof(command), "mariadb --no-defaults -h 127.0.0.1 -P %s -u root -e \"INSTALL SONAME 'auth_ed25519'\" 2>/dev/null", server_port());
	if (system(command) != 0) {
		printf("ed25519: this server has it not\n");
		return;
	}
	scene_mariadb(&scene, "out", "CREATE USER curve@'%%' IDENTIFIED VIA ed25519 USING PASSWORD('" PASSWORD "'); GRANT ALL ON *.* TO curve@'%%'");
	configure("127.0.0.1", server_port(), "curve", "password", "");
	expect("check --connect", "ed25519", EXIT_DONE, "");
	printf("ed25519: logged in\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	make_all();
	scene_begin(&scene);
	scene_add_mariadb(&scene);
	agent_init(&agent, &scene, "vault", "");
	scene_mariadb(&scene, "out", "CREATE TABLE vault (id int PRIMARY KEY, text text); INSERT INTO vault VALUES (1, 'one');"
		      "CREATE USER keeper@'%%' IDENTIFIED BY '" PASSWORD "' REQUIRE SSL; CREATE USER certified@'%%' IDENTIFIED BY '" PASSWORD "' REQUIRE X509;"
		      "CREATE USER loose@'%%' IDENTIFIED BY '" PASSWORD "'; GRANT ALL ON *.* TO keeper@'%%', certified@'%%', loose@'%%'");
	modes_without_tls();
	restart(true);
	modes_with_tls();
	certificates_are_explained();
	nothing_is_told_in_clear();
	ed25519();
	whole_road();
	scene_end(&scene);
	return 0;
}
