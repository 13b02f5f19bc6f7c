/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "base/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

#define TEXT_BYTES 2000

const char *const severity_names[SEVERITIES] = {"ok", "warning", "failure"};

void findings_add(struct findings *findings, enum severity severity, const char *code, const char *fix,
		  const char *format, ...)
{
	char text[TEXT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	findings->list = mem_resize(findings->list, findings->count + 1, sizeof(*findings->list));
	findings->list[findings->count++] = (struct finding){
		.severity = severity,
		.code = code,
		.part = findings->part,
		.text = mem_text(view_of(text)),
		.fix = mem_text(view_of(fix ? fix : "")),
	};
}

void findings_error(struct findings *findings, const char *code, const struct error *err)
{
	findings_add(findings, FINDING_FAILURE, code, err->hint, "%s", err->text);
}

size_t findings_count(const struct findings *findings, enum severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->list[i].severity == severity;
	return count;
}

void findings_done(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->list[i].text);
		free(findings->list[i].fix);
	}
	free(findings->list);
	*findings = (struct findings){0};
}
