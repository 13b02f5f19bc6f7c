/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Real servers and real agents for the system tests: started in a folder of the test, on free loopback ports, and
 * stopped by pid. A server that is not installed skips the test with its reason.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct relay;

/* The folder of the whole test; made by scene_begin. */
struct scene {
	char dir[200];
	char pg_address[64];    /* host:port */
	char kafka_address[64];
	char relayed_address[64]; /* of Kafka, for a relay */
	char mariadb_address[64]; /* "": none was started */
	bool is_mariadb;          /* otherwise it is MySQL (TAILWATER_MYSQL) ... */
	unsigned mariadb_version; /* ... of this version: 101119 is 10.11.19 */
	char registry_url[100];   /* "": none was started */
	char pack[32];            /* of contrib/mappings, for agents to come; demo unless changed */
	char source[300];       /* of the project: contrib/ */
	char agent[300];        /* path of the program */
};

/*
 * Starts PostgreSQL and Kafka; exits with 77 and a reason if they cannot be had. Settings of Kafka stand with blanks
 * between them. With a listening relay, Kafka has a port for clients that come through it.
 */
void scene_begin(struct scene *scene);
void scene_begin_with(struct scene *scene, const char *kafka_settings);
void scene_begin_relayed(struct scene *scene, const struct relay *relay);

/* Starts a schema registry, too. */
void scene_add_registry(struct scene *scene);

/* Starts MariaDB, too; and SQL there, in the database `erp`: the rows as lines of fields with tabs between them go to a file. */
void scene_add_mariadb(struct scene *scene);
void scene_mariadb(struct scene *scene, const char *output, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Starts another MariaDB, number 2, which replicates nothing yet; in the folder `replica`. */
void scene_add_replica(struct scene *scene, char address[64]);

/* Stops and removes all of it. Fails the test if a sanitizer found a fault in a program of the scene. */
void scene_end(struct scene *scene);

/* contrib/servers VERB KIND: "stop kafka kill", "pause kafka" ... */
void scene_server(struct scene *scene, const char *verb, const char *kind, const char *how);

/* Runs SQL with psql in the database; fails the test if the SQL fails. */
void scene_sql(struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
void scene_sql_file(struct scene *scene, const char *path);

/* The first column of the first row as text, in a static buffer: the next call overwrites it. */
const char *scene_value(struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of PostgreSQL: 100023 is 10.23. */
/*
 * A file of JSON lines into a table of its own, made anew: n (1, 2 ...) and line (jsonb). A relative path is one in the
 * scene's folder.
 */
void scene_load_lines(struct scene *scene, const char *table, const char *path);

int scene_version(struct scene *scene);

/* SQL that runs again and again in a process of its own until it is stopped; a server that is away is waited for. */
pid_t scene_work(struct scene *scene, const char *sql);
void scene_work_stop(struct scene *scene, pid_t pid);

/* An agent with a configuration of its own. */
struct agent {
	struct scene *scene;
	pid_t pid;                 /* 0: not running */
	char config[300];
	char log[300];             /* of all runs, appended */
	char metrics[300];         /* JSON, written by the agent once a second */
};

/* Writes the configuration: the lines are added to what every agent of the scene needs, behind the section `topics`. */
void agent_init(struct agent *agent, struct scene *scene, const char *name, const char *extra);

/* Starts it, with a failpoint or NULL. */
void agent_start(struct agent *agent, const char *failpoint);
void agent_start_with(struct agent *agent, const char *failpoint, const char *option);

/* Waits until it has ended; its wait status. Fails after the deadline, showing the log's end. */
int agent_wait(struct agent *agent, usec_t timeout_us);

/* Waits until a failpoint "stop@..." has stopped it, and lets it go on. */
void agent_await_stop(struct agent *agent);
void agent_continue(struct agent *agent);
void agent_kill(struct agent *agent);
void agent_stop(struct agent *agent); /* SIGTERM; must exit with 0 */

/* A number of the metrics file, 0 if there is none yet. */
uint64_t agent_metric(const struct agent *agent, const char *name);

/* How often a text stands in the log. */
unsigned agent_logged(const struct agent *agent, const char *text);

/* Runs a verb of the program with --config; its output goes to a file of the scene. Returns the exit code. */
int agent_verb(const struct agent *agent, const char *verb_and_options, const char *output);

/* True if it runs no more, although nobody has ended it; a harvest is left to agent_wait. */
bool agent_ended(const struct agent *agent);

/* Waits for a condition with a deadline; in vain, if the agent ends meanwhile. */
#define WAIT_UNTIL(condition, seconds, agent) \
	do { \
		usec_t deadline_ = clock_mono() + (seconds) * USEC_PER_SEC; \
		bool ended_ = false; \
		while (!(condition)) { \
			if (ended_) \
				harness_fail((agent), "the agent ended, and never: " #condition); \
			if (clock_mono() > deadline_) \
				harness_fail((agent), "not within " #seconds " s: " #condition); \
			ended_ = agent_ended(agent); \
			harness_nap(); \
		} \
	} while (0)

/* A wait status in words: exit code with its named state, or signal; in a static buffer. */
const char *harness_ending(int status);

/* A port of the loopback that was free a moment ago. */
unsigned harness_free_port(void);

void harness_nap(void);
void harness_fail(const struct agent *agent, const char *what) __attribute__((noreturn));

#endif
