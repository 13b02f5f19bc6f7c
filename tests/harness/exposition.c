/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A line is "# HELP name words", "# TYPE name type" or "name{label="value",...} number"; in this order for each name. */
#include "harness/exposition.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MOST 500
#define LINE_BYTES 600

struct reader {
	char line[LINE_BYTES];
	char help[100], name[100], type[20]; /* of the family being read */
	char samples[SAMPLES_MOST][120];     /* names with labels, of all */
	unsigned count;
	unsigned in_family;
};

static char fault[LINE_BYTES + 100];

static const char *wrong(const struct reader *rd, const char *why)
{
	snprintf(fault, sizeof(fault), "%s: '%s'", why, rd->line);
	return fault;
}

static bool is_name(const char *text)
{
	if (strncmp(text, "tailwater_", 10) != 0)
		return false;
	for (const char *c = text; *c; c++)
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
			return false;
	return true;
}

static const char *take_help(struct reader *rd)
{
	if (rd->name[0] && !rd->in_family)
		return wrong(rd, "no sample stands before it");
	if (sscanf(rd->line, "# HELP %99s %*s", rd->help) != 1 || !is_name(rd->help) || !strchr(rd->line + 7, ' '))
		return wrong(rd, "not HELP");
	return NULL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static const char *take_type(struct reader *rd)
{
	if (sscanf(rd->line, "# TYPE %99s %19s", rd->name, rd->type) != 2 || strcmp(rd->name, rd->help) != 0)
		return wrong(rd, "TYPE does not follow its HELP");
	if (strcmp(rd->type, "counter") != 0 && strcmp(rd->type, "gauge") != 0)
		return wrong(rd, "neither counter nor gauge");
	if (ends_with(rd->name, "_total") != (rd->type[0] == 'c'))
		return wrong(rd, "what ends in _total is a counter, and nothing else is");
	rd->in_family = 0;
	return NULL;
}

/* {label="value",label="value"} */
static bool are_labels(const char *text)
{
	if (*text++ != '{')
		return false;
	for (;;) {
		size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
		const char *close = len && text[len] == '=' && text[len + 1] == '"' ? strchr(text + len + 2, '"') : NULL;

		if (!close || memchr(text, '\\', (size_t)(close - text)))
			return false;
		if (close[1] == '}')
			return close[2] == '\0';
		if (close[1] != ',')
			return false;
		text = close + 2;
	}
}

static const char *take_sample(struct reader *rd)
{
	char *space = strchr(rd->line, ' '), *end;
	size_t len = space ? (size_t)(space - rd->line) : 0, name = strcspn(rd->line, "{ ");
	char *sample = rd->samples[rd->count];

	if (!len || len >= sizeof(rd->samples[0]) || rd->count + 1 == SAMPLES_MOST)
		return wrong(rd, "no sample, or too much");
	memcpy(sample, rd->line, len);
	sample[len] = '\0';
	if (name != strlen(rd->name) || strncmp(rd->line, rd->name, name) != 0)
		return wrong(rd, "another name than in TYPE");
	if (sample[name] && !are_labels(sample + name))
		return wrong(rd, "wrong labels");
	if (strtod(space + 1, &end) < 0 || end == space + 1 || *end)
		return wrong(rd, "no number, or a negative one");
	for (unsigned i = 0; i < rd->count; i++)
		if (strcmp(rd->samples[i], sample) == 0)
			return wrong(rd, "stands twice");
	rd->count++;
	rd->in_family++;
	return NULL;
}

static const char *take_line(struct reader *rd)
{
	if (strncmp(rd->line, "# HELP ", 7) == 0)
		return take_help(rd);
	if (strncmp(rd->line, "# TYPE ", 7) == 0)
		return take_type(rd);
	return take_sample(rd);
}

const char *exposition_fault(const char *text)
{
	static struct reader rd;
	const char *problem = NULL, *newline;

	memset(&rd, 0, sizeof(rd));
	for (; !problem && *text; text = newline + 1) {
		newline = strchr(text, '\n');
		snprintf(rd.line, sizeof(rd.line), "%.*s", newline ? (int)(newline - text) : 80, text);
		if (!newline)
			return wrong(&rd, "the last line does not end");
		problem = take_line(&rd);
	}
	return problem ? problem : rd.in_family ? NULL : wrong(&rd, "no sample stands at the end");
}

bool exposition_value(const char *text, const char *sample, double *ret)
{
	size_t len = strlen(sample);

	for (const char *at = text; (at = strstr(at, sample)); at += len) {
		if ((at != text && at[-1] != '\n') || at[len] != ' ')
			continue;
		*ret = strtod(at + len, NULL);
		return true;
	}
	return false;
}
