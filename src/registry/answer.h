/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What a registry's answer means. Private to registry/. */
#ifndef REGISTRY_ANSWER_H
#define REGISTRY_ANSWER_H

#include "base/arena.h"
#include "base/writer.h"
#include "registry/client.h"

/* An answer as it came. */
struct response {
	enum registry_question question;
	const char *url;       /* of the registry */
	const char *subject;   /* may be NULL */
	long status;
	struct view body;
	unsigned attempts;     /* made for this question, this one included */
	unsigned conflicts;    /* those of them that were answered 409, this one included */
};

enum verdict {
	VERDICT_ANSWERED,
	VERDICT_AGAIN,         /* err says why; another attempt may do better */
	VERDICT_FAILED,
};

/* Texts of the answer go to the arena. */
enum verdict response_read(const struct response *response, struct arena *arena, struct registry_answer *ret,
			   struct error *err);

/* The request's body, and "AVRO", "JSON", "PROTOBUF" in it. */
void schema_body(const struct schema_text *schema, struct writer *to);

#endif
