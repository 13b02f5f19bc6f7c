/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Loaded before a program (LD_PRELOAD), this makes its wall clock jump: the file named by TAILWATER_CLOCK_FILE holds the
 * number of seconds by which it is wrong, as a text of ten characters. The monotonic clock stays what it is.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const char *offset;

__attribute__((constructor)) static void open_file(void)
{
	const char *name = getenv("TAILWATER_CLOCK_FILE");
	int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, 10, PROT_READ, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED)
		offset = map;
}

static long seconds_wrong(void)
{
	long value = 0;

	for (int i = 1; offset && i < 10; i++)
		value = value * 10 + (offset[i] - '0');
	return offset && offset[0] == '-' ? -value : value;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int result = (int)syscall(SYS_clock_gettime, clock, ret);

	if (result == 0 && clock == CLOCK_REALTIME)
		ret->tv_sec += seconds_wrong();
	return result;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -1;
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}

int timespec_get(struct timespec *ret, int base)
{
	return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, ret) == 0 ? base : 0;
}

/* A wait until some time of this clock is as long as it was meant. */
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until)
{
	static int (*real)(cnd_t *, mtx_t *, const struct timespec *);
	struct timespec meant = *until;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "cnd_timedwait");
	meant.tv_sec -= seconds_wrong();
	return real(condition, mutex, &meant);
}

time_t time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
