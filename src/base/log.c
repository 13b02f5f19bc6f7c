/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Log lines to standard error, one write each. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stdbool.h>

#include "base/clock.h"

/* Set while other threads log. */
static _Atomic enum log_format log_format = LOG_TEXT;
static _Atomic enum log_level log_most = LOG_INFO;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_format format, enum log_level most)
{
	log_format = format;
	log_most = most;
}

static void append(char *line, size_t size, size_t *len, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void append(char *line, size_t size, size_t *len, const char *format, ...)
{
	va_list args;
	int more;

	va_start(args, format);
	more = vsnprintf(line + *len, size - *len, format, args);
	va_end(args);
	*len += more > 0 ? (size_t)more : 0;
	if (*len >= size)
		*len = size - 1;
}

static void append_json_text(char *line, size_t size, size_t *len, const char *text)
{
	append(line, size, len, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			append(line, size, len, "\\%c", c);
		else if (c < 0x20)
			append(line, size, len, "\\u%04x", c);
		else
			append(line, size, len, "%c", c);
	}
	append(line, size, len, "\"");
}

static void format_time(char text[40])
{
	usec_t now = clock_wall();
	time_t seconds = (time_t)(now / USEC_PER_SEC);
	struct tm utc;
	char date[24];

	gmtime_r(&seconds, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, 40, "%s.%03dZ", date, (int)(now % USEC_PER_SEC / 1000));
}

static void write_line(enum log_level level, const char *who, const char *message)
{
	char line[4096], when[40];
	size_t len = 0, size = sizeof(line) - 2;

	format_time(when);
	if (log_format == LOG_JSON) {
		append(line, size, &len, "{\"time\":\"%s\",\"level\":\"%s\"", when, level_names[level]);
		if (who) {
			append(line, size, &len, ",\"source\":");
			append_json_text(line, size, &len, who);
		}
		append(line, size, &len, ",\"message\":");
		append_json_text(line, size, &len, message);
		append(line, size, &len, "}");
	} else {
		append(line, size, &len, "%s %s %s%s%s", when, level_names[level], who ? who : "", who ? ": " : "",
		       message);
		/*
		 * Servers put what they like into their messages: no second line, no terminal sequences, no bytes of no
		 * text.
		 */
		for (size_t i = 0; i < len; i++)
			if (line[i] == '\n')
				line[i] = ' ';
			else if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f || (unsigned char)line[i] >= 0xf8)
				line[i] = '?';
	}
	line[len++] = '\n';
	pthread_mutex_lock(&log_lock);
	/* A log that cannot be written is no reason to stop. */
	if (write(STDERR_FILENO, line, len) < 0)
		len = 0;
	pthread_mutex_unlock(&log_lock);
}

void log_write(enum log_level level, const char *who, const char *format, ...)
{
	char message[3000];
	va_list args;

	if (level > log_most)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	write_line(level, who, message);
}

void log_error(const char *who, const struct error *err)
{
	bool named = err->class == ERROR_STATE;

	log_write(LOG_ERROR, who, "%s%s%s%s%s", named ? named_states[err->state].name : "", named ? ": " : "",
		  err->text, err->hint[0] ? " HINT: " : "", err->hint);
}
