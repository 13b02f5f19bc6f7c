/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Runs a fuzz target over the files of its corpus, so that what a fuzzer once found stays found: `replay_x` without
 * arguments takes tests/fuzz/corpus/x of the source tree, otherwise the files and folders named.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size); /* exactly as large as the input, so that reading beyond it is seen */
	FILE *file = fopen(path, "rb");

	if (!file || (size && (!data || fread(data, 1, size, file) != size))) {
		perror(path);
		exit(1);
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

static int replay(const char *path)
{
	struct dirent **entries;
	struct stat info;
	int count, done = 0;

	if (stat(path, &info)) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(info.st_mode))
		return replay_file(path, (size_t)info.st_size);
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char inner[4096];

		snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			done += replay(inner);
		free(entries[i]);
	}
	free(entries);
	return done;
}

int main(int argc, char **argv)
{
	const char *top = getenv("srcdir"), *name = strrchr(argv[0], '/');
	char corpus[4096];
	int done = 0;

	name = name ? name + 1 : argv[0];
	name += strncmp(name, "replay_", 7) ? 0 : 7;
	snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/%s", top ? top : ".", name);
	if (argc == 1)
		done = replay(corpus);
	for (int i = 1; i < argc; i++)
		done += replay(argv[i]);
	printf("%d inputs\n", done);
	return done ? 0 : 1;
}
