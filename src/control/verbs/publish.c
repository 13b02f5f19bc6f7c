/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater publish`: documents once more, from the mirror. The running agent is asked for it. */
#include "ask.h"
#include "verbs.h"

static int run(const struct arguments *args)
{
	static const struct asked asked = {
		.request = "publish",
		.members = {{"entity", "--entity"}, {"key", "--key"}},
	};

	return ask_agent(args, &asked);
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--entity", "NAME", false, "Documents of this entity: all of them, unless there is a key."},
	{"--key", "KEY", false, "Only the one with this root key, as the last part of its canonical id has it."},
	FLAGS_END,
};

const struct verb verb_publish = {
	.name = "publish",
	.summary = "publish documents of an entity again",
	.help = "Asks the running agent, on its control socket, to evaluate documents from its mirror and publish them again, for a "
		"consumer that has lost them. They leave as updates with the header's `replay` set, in the same place of the order as "
		"everything else, and without business events. The answer is the number of a job and of its documents; a crash "
		"in between repeats nothing.",
	.flags = flags,
	.run = run,
};
