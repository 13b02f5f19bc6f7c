/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater publish`: documents once more, from the mirror. The running agent is asked for it. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "verbs.h"

static void tell(const struct arguments *args, const struct answer *answer)
{
	uint64_t job, documents = 0;

	answer_number(answer, "documents", &documents);
	if (answer_number(answer, "job", &job))
		printf("job %" PRIu64 ": %" PRIu64 " document%s of %s %s published again; the log says when that is done, `tailwater status` how "
		       "far it is\n", job, documents, documents == 1 ? "" : "s", argument(args, "--entity"), documents == 1 ? "is" : "are");
	else
		printf("there is no document of %s: nothing is published\n", argument(args, "--entity"));
}

static int run(const struct arguments *args)
{
	const struct asked asked = {
		.request = "publish",
		.members = {{"entity", view_of(argument(args, "--entity")), false}, {"key", view_of(argument(args, "--key")), false}},
		.tell = tell,
	};

	if (!argument(args, "--entity"))
		return ask_refuse("of which entity? `tailwater publish` takes --entity NAME",
				  "for instance --entity Invoice, for all of its documents, or --entity Invoice --key 42, for one");
	return ask_agent(args, &asked);
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--entity", "NAME", false, "Needed. Documents of this entity: all of them, unless there is a key."},
	{"--key", "KEY", false, "Only the one with this root key, as the last part of its canonical id has it."},
	FLAG_ANSWER_JSON,
	FLAGS_END,
};

const struct verb verb_publish = {
	.name = "publish",
	.summary = "publish documents of an entity again",
	.help = "Asks the running agent, on its control socket, to evaluate documents from its mirror and publish them again, for a "
		"consumer that has lost them. They leave as updates with the header's `replay` set, in the same place of the order as "
		"everything else, and without business events. The answer has the number of a job, and how many documents it is for; a "
		"crash in between repeats nothing. A document that is held back (`exceptions list`) stays so.",
	.flags = flags,
	.run = run,
};
