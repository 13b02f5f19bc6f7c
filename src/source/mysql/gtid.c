/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * An origin is what has numbers of its own: a server with a tag, or a domain. Nearly always the next transaction is of the
 * same one, and has the next number.
 */
#include "gtid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"

struct gtid_origin {
	struct gtid of;                 /* the number means nothing, but for the last one of a domain */
	struct gtid_range *ranges;      /* MySQL: owned, in order, with holes between them */
	size_t count, capacity;
};

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool same_origin(const struct gtid *a, const struct gtid *b)
{
	if (a->mariadb != b->mariadb)
		return false;
	return a->mariadb ? a->domain == b->domain : memcmp(a->uuid, b->uuid, GTID_UUID_BYTES) == 0 && strcmp(a->tag, b->tag) == 0;
}

static struct gtid_origin *find(const struct gtid_set *set, const struct gtid *gtid)
{
	if (set->latest < set->count && same_origin(&set->origins[set->latest].of, gtid))
		return &set->origins[set->latest];
	for (size_t i = 0; i < set->count; i++)
		if (same_origin(&set->origins[i].of, gtid))
			return &set->origins[i];
	return NULL;
}

static struct gtid_origin *find_or_add(struct gtid_set *set, const struct gtid *gtid)
{
	struct gtid_origin *found = find(set, gtid);

	if (!found) {
		if (set->count == set->capacity) {
			set->capacity = set->capacity ? 2 * set->capacity : 4;
			set->origins = mem_resize(set->origins, set->capacity, sizeof(*set->origins));
		}
		found = &set->origins[set->count++];
		*found = (struct gtid_origin){.of = *gtid};
		found->of.number = 0;
	}
	set->latest = (size_t)(found - set->origins);
	return found;
}

void gtid_set_done(struct gtid_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->origins[i].ranges);
	free(set->origins);
	*set = (struct gtid_set){.origins = NULL};
}

/* Ranges --------------------------------------------------------------------------------------- */

/* The first range that ends at the number or behind it. */
static size_t range_at(const struct gtid_origin *origin, uint64_t number)
{
	size_t low = 0, high = origin->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (origin->ranges[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert_range(struct gtid_origin *origin, size_t at, struct gtid_range range)
{
	if (origin->count == origin->capacity) {
		origin->capacity = origin->capacity ? 2 * origin->capacity : 4;
		origin->ranges = mem_resize(origin->ranges, origin->capacity, sizeof(*origin->ranges));
	}
	memmove(origin->ranges + at + 1, origin->ranges + at, (origin->count - at) * sizeof(*origin->ranges));
	origin->ranges[at] = range;
	origin->count++;
}

/* Joined with all that it touches. */
static void add_range(struct gtid_origin *origin, struct gtid_range range)
{
	size_t at = range_at(origin, range.first - 1), end = at;

	while (end < origin->count && origin->ranges[end].first <= range.last + 1)
		end++;
	if (at == end) {
		insert_range(origin, at, range);
		return;
	}
	if (origin->ranges[at].first < range.first)
		range.first = origin->ranges[at].first;
	if (origin->ranges[end - 1].last > range.last)
		range.last = origin->ranges[end - 1].last;
	origin->ranges[at] = range;
	memmove(origin->ranges + at + 1, origin->ranges + end, (origin->count - end) * sizeof(*origin->ranges));
	origin->count -= end - at - 1;
}

static void add_to_origin(struct gtid_origin *origin, const struct gtid *gtid)
{
	struct gtid_range *last = origin->count ? &origin->ranges[origin->count - 1] : NULL;

	if (gtid->mariadb)
		origin->of = origin->of.number < gtid->number ? *gtid : origin->of;
	else if (last && last->last + 1 == gtid->number)
		last->last++;
	else
		add_range(origin, (struct gtid_range){gtid->number, gtid->number});
}

void gtid_set_add(struct gtid_set *set, const struct gtid *gtid)
{
	if (gtid->number)
		add_to_origin(find_or_add(set, gtid), gtid);
}

bool gtid_set_has(const struct gtid_set *set, const struct gtid *gtid)
{
	const struct gtid_origin *origin = gtid->number ? find(set, gtid) : NULL;
	size_t at;

	if (!origin || gtid->mariadb)
		return origin && gtid->number <= origin->of.number;
	at = range_at(origin, gtid->number);
	return at < origin->count && origin->ranges[at].first <= gtid->number;
}

/* Texts ---------------------------------------------------------------------------------------- */

static int print_origin(const struct gtid *gtid, char *to)
{
	char *begin = to;

	for (unsigned i = 0; i < GTID_UUID_BYTES; i++)
		to += sprintf(to, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", gtid->uuid[i]);
	if (*gtid->tag)
		to += sprintf(to, ":%s", gtid->tag);
	return (int)(to - begin);
}

int gtid_print(const struct gtid *gtid, char text[GTID_TEXT_BYTES])
{
	int len;

	if (gtid->mariadb)
		return snprintf(text, GTID_TEXT_BYTES, "%u-%u-%" PRIu64, gtid->domain, gtid->server, gtid->number);
	len = print_origin(gtid, text);
	return len + snprintf(text + len, GTID_TEXT_BYTES - (size_t)len, ":%" PRIu64, gtid->number);
}

static void print_range(struct writer *to, struct gtid_range range)
{
	wr_printf(to, ":%" PRIu64, range.first);
	if (range.last > range.first)
		wr_printf(to, "-%" PRIu64, range.last);
}

static void begin_origin(struct writer *to, const struct gtid *of)
{
	char text[GTID_TEXT_BYTES];
	int len = of->mariadb ? gtid_print(of, text) : print_origin(of, text);

	wr_printf(to, "%s%.*s", to->len ? "," : "", len, text);
}

void gtid_set_print(const struct gtid_set *set, struct writer *to)
{
	for (size_t i = 0; i < set->count; i++) {
		begin_origin(to, &set->origins[i].of);
		for (size_t j = 0; j < set->origins[i].count; j++)
			print_range(to, set->origins[i].ranges[j]);
	}
}

static bool parse_number(struct view text, uint64_t limit, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < text.len; i++) {
		int d = digit(text.ptr[i]);

		if (d < 0 || d > 9 || *ret > (limit - (uint64_t)d) / 10)
			return false;
		*ret = *ret * 10 + (uint64_t)d;
	}
	return text.len > 0;
}

/* "3", "3-5"; the largest number of a server is 2^63 - 2. */
static bool parse_range(struct view text, struct gtid_range *ret)
{
	struct view first = view_take(&text, '-');

	if (!parse_number(first, INT64_MAX - 1, &ret->first) || !ret->first)
		return false;
	ret->last = ret->first;
	return !text.ptr || text.ptr == first.ptr + first.len || (parse_number(text, INT64_MAX - 1, &ret->last) && ret->last >= ret->first);
}

static bool parse_uuid(struct view text, uint8_t ret[GTID_UUID_BYTES])
{
	unsigned digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		int d = digit(text.ptr[i]);

		if (text.ptr[i] == '-')
			continue;
		if (d < 0 || digits == 2 * GTID_UUID_BYTES)
			return false;
		ret[digits / 2] = (uint8_t)(digits % 2 ? ret[digits / 2] | d : d << 4);
		digits++;
	}
	return digits == 2 * GTID_UUID_BYTES;
}

/* A letter or an underscore, then also digits. */
static bool parse_tag(struct view text, char ret[GTID_TAG_BYTES + 1])
{
	if (!text.len || text.len > GTID_TAG_BYTES || (text.ptr[0] >= '0' && text.ptr[0] <= '9'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] | 32) : text.ptr[i];

		if (c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
		ret[i] = c;
	}
	ret[text.len] = '\0';
	return true;
}

/* "uuid:1-5:7:tag:1-3" */
static bool parse_mysql(struct gtid_set *set, struct view text)
{
	struct gtid of = {.mariadb = false};
	struct gtid_range range;

	if (!parse_uuid(view_take(&text, ':'), of.uuid) || !text.len)
		return false;
	while (text.len) {
		struct view word = view_take(&text, ':');

		if (parse_range(word, &range))
			add_range(find_or_add(set, &of), range);
		else if (!parse_tag(word, of.tag))
			return false;
	}
	return true;
}

static bool parse_mariadb(struct gtid_set *set, struct view text)
{
	struct view domain = view_take(&text, '-'), server = view_take(&text, '-');
	struct gtid gtid = {.mariadb = true};
	uint64_t numbers[2];

	if (!parse_number(domain, UINT32_MAX, &numbers[0]) || !parse_number(server, UINT32_MAX, &numbers[1]) ||
	    !parse_number(text, UINT64_MAX, &gtid.number))
		return false;
	gtid.domain = (uint32_t)numbers[0];
	gtid.server = (uint32_t)numbers[1];
	gtid_set_add(set, &gtid);
	return true;
}

static struct view trim(struct view text)
{
	while (text.len && strchr(" \t\r\n", text.ptr[0]))
		text = (struct view){text.ptr + 1, text.len - 1};
	while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
		text.len--;
	return text;
}

int gtid_set_parse(struct gtid_set *set, struct view text, struct error *err)
{
	struct view rest = text;

	gtid_set_done(set);
	while (rest.len) {
		struct view one = trim(view_take(&rest, ','));
		bool mysql = one.len && memchr(one.ptr, ':', one.len);

		if (!one.len || (mysql ? parse_mysql(set, one) : parse_mariadb(set, one)))
			continue;
		gtid_set_done(set);
		return error_set(err, ERROR_INPUT, "'%.*s' is no set of transactions (GTIDs)", VIEW_ARG(view_cut(text, 200)));
	}
	return 0;
}

/* What one has and the other has not ----------------------------------------------------------- */

static void tell_missing(struct writer *missing, const struct gtid_origin *part, struct gtid_range range, bool *told)
{
	if (!*told)
		begin_origin(missing, &part->of);
	*told = true;
	print_range(missing, range);
}

/* What is left of a range between those of the other one. */
static void tell_holes(struct writer *missing, const struct gtid_origin *whole, const struct gtid_origin *part, struct gtid_range range,
		       bool *told)
{
	uint64_t from = range.first;

	for (size_t i = whole ? range_at(whole, from) : 0; whole && i < whole->count && whole->ranges[i].first <= range.last; i++) {
		if (whole->ranges[i].first > from)
			tell_missing(missing, part, (struct gtid_range){from, whole->ranges[i].first - 1}, told);
		from = whole->ranges[i].last + 1;
	}
	if (from <= range.last)
		tell_missing(missing, part, (struct gtid_range){from, range.last}, told);
}

bool gtid_set_covers(const struct gtid_set *whole, const struct gtid_set *part, struct writer *missing)
{
	bool covered = true;

	for (size_t i = 0; i < part->count; i++) {
		const struct gtid_origin *origin = &part->origins[i], *other = find(whole, &origin->of);
		bool told = false;

		if (origin->of.mariadb && (!other || other->of.number < origin->of.number)) {
			begin_origin(missing, &origin->of);
			told = true;
		}
		for (size_t j = 0; j < origin->count; j++)
			tell_holes(missing, other, origin, origin->ranges[j], &told);
		covered = covered && !told;
	}
	return covered;
}
