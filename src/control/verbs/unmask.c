/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* `tailwater unmask`: for the owner of the masking key, what stands behind an encrypted value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "control/conf.h"
#include "pipeline/masking.h"
#include "verbs.h"

static int unmask(struct masks *masks, struct view mask)
{
	struct arena arena;
	struct view text;
	int result;

	arena_init(&arena);
	result = masks_unseal(masks, mask, &arena, &text);
	if (result == 0)
		printf("%.*s\n", VIEW_ARG(text));
	else
		fprintf(stderr, "tailwater: '%.20s%s' is no value that was encrypted with this masking.key\n", mask.ptr,
			mask.len > 20 ? "..." : "");
	arena_done(&arena);
	return result == 0 ? EXIT_DONE : EXIT_USAGE;
}

/* One on each line. */
static int unmask_input(struct masks *masks)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int code = EXIT_DONE;

	while ((len = getline(&line, &room, stdin)) > 0) {
		len -= line[len - 1] == '\n';
		line[len] = '\0';
		if (unmask(masks, (struct view){line, (size_t)len}) != EXIT_DONE)
			code = EXIT_USAGE;
	}
	free(line);
	return code;
}

static int run(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	struct masks *masks = NULL;
	struct error err = {0};
	int code = EXIT_USAGE;

	if (!conf)
		return EXIT_USAGE;
	if (!args->operand)
		fprintf(stderr, "tailwater: which value? It begins with enc_\n");
	else if (masking_with_key(&conf->pipeline, &masks, &err) < 0)
		code = verb_fail(&err);
	else
		code = strcmp(args->operand, "-") == 0 ? unmask_input(masks) : unmask(masks, view_of(args->operand));
	masks_free(masks);
	conf_free(conf);
	return code;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	FLAGS_END,
};

const struct verb verb_unmask = {
	.name = "unmask",
	.operand = "VALUE",
	.summary = "print what stands behind a value that was encrypted",
	.help = "Prints the text of a value that masking.columns or masking.classes had encrypted (enc_...), with the masking.key of the "
		"configuration: for whoever may read both. With - it reads values from standard input, one on each line. Tokens, and what was dropped or shortened, cannot be brought back.",
	.flags = flags,
	.run = run,
};
