/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Log lines to standard error, one write each. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/writer.h"

/* Set while other threads log. */
static _Atomic enum log_format log_format = LOG_TEXT;
static _Atomic enum log_level log_most = LOG_INFO;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

#define CLEAR_LINE "\r\033[K"
static char bar[300]; /* the last line of the terminal; "": there is none. Under the lock */

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_format format, enum log_level most)
{
	log_format = format;
	log_most = most;
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

/* Whatever the message holds, the line is JSON. */
static void format_json(struct writer *line, enum log_level level, const char *who, const char *message)
{
	char when[40];

	format_time(when);
	wr_printf(line, "{\"time\":\"%s\",\"level\":\"%s\"", when, level_names[level]);
	if (who) {
		wr_printf(line, ",\"source\":");
		json_text(line, view_of(who));
	}
	wr_printf(line, ",\"message\":");
	json_text(line, view_of(message));
	wr_u8(line, '}');
}

/* Servers put what they like into their messages: no second line, no terminal sequences, no bytes of no text. */
static void format_text(struct writer *line, enum log_level level, const char *who, const char *message)
{
	char when[40];

	format_time(when);
	wr_printf(line, "%s %s %s%s%s", when, level_names[level], who ? who : "", who ? ": " : "", message);
	for (size_t i = 0; i < line->len; i++) {
		unsigned char c = (unsigned char)line->data[i];

		if (c == '\n')
			line->data[i] = ' ';
		else if (c < 0x20 || c == 0x7f || c >= 0xf8)
			line->data[i] = '?';
	}
}

/* A log that cannot be written is no reason to stop. */
static void put(struct writer *line)
{
	if (write(STDERR_FILENO, line->data, line->len) < 0)
		line->len = 0;
}

/* It stands where the bar was, which follows. */
static void put_before_bar(struct writer *line)
{
	struct writer whole = {0};

	wr_printf(&whole, CLEAR_LINE "%.*s%s", VIEW_ARG(wr_view(line)), bar);
	wr_done(line);
	*line = whole;
}

static void write_line(enum log_level level, const char *who, const char *message)
{
	struct writer line = {0};

	(log_format == LOG_JSON ? format_json : format_text)(&line, level, who, message);
	wr_u8(&line, '\n');
	pthread_mutex_lock(&log_lock);
	if (*bar)
		put_before_bar(&line);
	put(&line);
	pthread_mutex_unlock(&log_lock);
	wr_done(&line);
}

unsigned log_bar_width(void)
{
	const char *terminal = getenv("TERM");
	struct winsize size;

	if (log_format == LOG_JSON || !terminal || strcmp(terminal, "dumb") == 0 || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col < sizeof(bar) ? size.ws_col : sizeof(bar) - 1;
}

void log_bar(const char *text)
{
	struct writer line = {0};

	pthread_mutex_lock(&log_lock);
	if (text ? strcmp(text, bar) != 0 : *bar != '\0') {
		snprintf(bar, sizeof(bar), "%s", text ? text : "");
		wr_printf(&line, CLEAR_LINE "%s", bar);
		put(&line);
	}
	pthread_mutex_unlock(&log_lock);
	wr_done(&line);
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
