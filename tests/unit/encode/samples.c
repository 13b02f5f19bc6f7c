/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Random values of every type. What a value means in Avro is worked out here a second time, by plainer means than in the
 * product (gmtime, printf).
 */
#include "unit/encode/samples.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/writer.h"
#include "unit/random.h"
#include "unit/unit.h"

static int64_t random_integer(uint64_t *seed)
{
	uint64_t bits = random_next(seed);

	return (int64_t)bits >> random_next(seed) % 64;
}

void samples_check(int rc)
{
	if (rc)
		fail_msg("avro-c: %s", avro_strerror());
}

static void set_text(struct sample *s, struct view text)
{
	s->value->text = arena_copy(s->arena, text);
}

static void set_bytes(avro_value_t *slot, struct view bytes)
{
	samples_check(avro_value_set_bytes(slot, (void *)bytes.ptr, bytes.len));
}

static void set_string(avro_value_t *slot, struct view text)
{
	samples_check(avro_value_set_string_len(slot, text.ptr, text.len + 1));
}

static void make_bool(struct sample *s)
{
	s->value->integer = random_next(s->seed) & 1;
	samples_check(avro_value_set_boolean(s->slot, (int)s->value->integer));
}

static void make_int16(struct sample *s)
{
	s->value->integer = (int16_t)random_integer(s->seed);
	samples_check(avro_value_set_int(s->slot, (int32_t)s->value->integer));
}

static void make_int32(struct sample *s)
{
	s->value->integer = (int32_t)random_integer(s->seed);
	samples_check(avro_value_set_int(s->slot, (int32_t)s->value->integer));
}

static void make_int64(struct sample *s)
{
	s->value->integer = random_integer(s->seed);
	samples_check(avro_value_set_long(s->slot, s->value->integer));
}

static void make_float32(struct sample *s)
{
	float value = (float)random_integer(s->seed) / 1024;

	s->value->real = value;
	samples_check(avro_value_set_float(s->slot, value));
}

static void make_float64(struct sample *s)
{
	uint64_t bits = random_next(s->seed);

	memcpy(&s->value->real, &bits, sizeof(bits));
	if (s->value->real != s->value->real)
		s->value->real = 0.5;
	samples_check(avro_value_set_double(s->slot, s->value->real));
}

/*
 * The two's complement of a number as java.math.BigInteger has it: bytes are taken off while they only repeat the sign.
 */
static struct view big_integer(__int128 number, unsigned char bytes[16])
{
	int first = 0;

	for (int i = 0; i < 16; i++)
		bytes[i] = (unsigned char)(number >> (8 * (15 - i)));
	while (first < 15 && ((bytes[first] == 0 && bytes[first + 1] < 0x80) ||
			      (bytes[first] == 0xff && bytes[first + 1] >= 0x80)))
		first++;
	return (struct view){(char *)bytes + first, (size_t)(16 - first)};
}

/* A plain decimal's text: the digits with a point before the last `scale` of them. */
static void print_number(__int128 number, int scale, char text[64])
{
	char digits[64];
	int count = 0;
	bool negative = number < 0;
	unsigned __int128 rest = negative ? -(unsigned __int128)number : (unsigned __int128)number;

	for (; rest || count <= scale; rest /= 10) {
		if (count == scale && scale) {
			digits[count++] = '.';
			scale = 0;
		}
		digits[count++] = (char)('0' + (int)(rest % 10));
	}
	if (negative)
		*text++ = '-';
	while (count)
		*text++ = digits[--count];
	*text = 0;
}

static __int128 random_number(uint64_t *seed, int digits)
{
	__int128 number = 0;

	for (int i = (int)(random_next(seed) % (unsigned)digits) + 1; i > 0; i--)
		number = number * 10 + (int)(random_next(seed) % 10);
	return random_next(seed) & 1 ? -number : number;
}

/* Decimals as text or double; false: neither is wanted. */
static bool set_inexact(struct sample *s, const char *text)
{
	if (s->forms->decimal == DECIMALS_STRING)
		set_string(s->slot, view_of(text));
	else if (s->forms->decimal == DECIMALS_DOUBLE)
		samples_check(avro_value_set_double(s->slot, strtod(text, NULL)));
	return s->forms->decimal != DECIMALS_PRECISE;
}

static void make_decimal(struct sample *s, int precision, int scale)
{
	__int128 number = random_number(s->seed, precision);
	unsigned char bytes[16];
	char text[64];

	print_number(number, scale, text);
	set_text(s, view_of(text));
	if (!set_inexact(s, text))
		set_bytes(s->slot, big_integer(number, bytes));
}

static void make_price(struct sample *s)
{
	make_decimal(s, 12, 2);
}

static void make_whole_decimal(struct sample *s)
{
	make_decimal(s, 5, 0);
}

static void make_wide_decimal(struct sample *s)
{
	make_decimal(s, 38, 9);
}

static void make_variable_decimal(struct sample *s)
{
	int scale = (int)(random_next(s->seed) % 20);
	__int128 number = random_number(s->seed, 38);
	avro_value_t scale_slot, bytes_slot;
	unsigned char bytes[16];
	char text[64];

	print_number(number, scale, text);
	set_text(s, view_of(text));
	if (set_inexact(s, text))
		return;
	for (; scale > 0 && number % 10 == 0; scale--)
		number /= 10;
	samples_check(avro_value_get_by_index(s->slot, 0, &scale_slot, NULL));
	samples_check(avro_value_get_by_index(s->slot, 1, &bytes_slot, NULL));
	samples_check(avro_value_set_int(&scale_slot, scale));
	set_bytes(&bytes_slot, big_integer(number, bytes));
}

static struct view random_text(struct sample *s, char text[300])
{
	size_t len = random_next(s->seed) % 8 ? random_next(s->seed) % 30 : random_next(s->seed) % 299;

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + random_next(s->seed) % 26);
	text[len] = 0;
	return (struct view){text, len};
}

static void make_text(struct sample *s)
{
	char text[300];

	set_text(s, random_text(s, text));
	set_string(s->slot, s->value->text);
}

/* Six bits after the other, with '=' up to a multiple of four. */
static void print_base64(struct view bytes, char *to)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t count = 0;

	for (size_t bit = 0; bit < bytes.len * 8; bit += 6, count++) {
		int number = 0;

		for (size_t i = bit; i < bit + 6; i++)
			number = number * 2 + (i < bytes.len * 8 ? bytes.ptr[i / 8] >> (7 - i % 8) & 1 : 0);
		to[count] = letters[number];
	}
	while (count % 4)
		to[count++] = '=';
	to[count] = '\0';
}

static void set_binary(struct sample *s)
{
	char text[700] = "";

	if (s->forms->binary == BINARY_BYTES) {
		set_bytes(s->slot, s->value->text);
		return;
	}
	if (s->forms->binary == BINARY_BASE64)
		print_base64(s->value->text, text);
	for (size_t i = 0; s->forms->binary == BINARY_HEX && i < s->value->text.len; i++)
		sprintf(text + 2 * i, "%02x", (unsigned char)s->value->text.ptr[i]);
	set_string(s->slot, view_of(text));
}

static void make_bytes(struct sample *s)
{
	char text[300];
	struct view bytes = random_text(s, text);

	for (size_t i = 0; i < bytes.len; i++)
		text[i] = (char)random_next(s->seed);
	set_text(s, bytes);
	set_binary(s);
}

static void make_date(struct sample *s)
{
	s->value->integer = (int32_t)random_integer(s->seed);
	samples_check(avro_value_set_int(s->slot, (int32_t)s->value->integer));
}

/* Towards the past. */
static int64_t to_milliseconds(int64_t us)
{
	int64_t ms = us / 1000;

	return ms * 1000 > us ? ms - 1 : ms;
}

static void set_time(struct sample *s, bool milliseconds)
{
	if (s->forms->time == TIMES_CONNECT || (milliseconds && s->forms->time == TIMES_ADAPTIVE))
		samples_check(avro_value_set_int(s->slot, (int32_t)to_milliseconds(s->value->integer)));
	else
		samples_check(avro_value_set_long(s->slot, s->value->integer));
}

static void make_time(struct sample *s)
{
	s->value->integer = (int64_t)(random_next(s->seed) % 86400000001);
	set_time(s, false);
}

static void make_time_in_milliseconds(struct sample *s)
{
	s->value->integer = (int64_t)(random_next(s->seed) % 86400001) * 1000;
	set_time(s, true);
}

static void make_timestamp(struct sample *s)
{
	s->value->integer = random_integer(s->seed);
	samples_check(avro_value_set_long(s->slot, s->forms->time == TIMES_CONNECT ? to_milliseconds(s->value->integer)
									   : s->value->integer));
}

static void make_timestamp_in_milliseconds(struct sample *s)
{
	int64_t ms = random_integer(s->seed) / 1000;

	s->value->integer = ms * 1000;
	samples_check(avro_value_set_long(s->slot, ms));
}

static void make_zoned(struct sample *s)
{
	/* from the year 1 to 9999 */
	int64_t seconds = (int64_t)(random_next(s->seed) % 315537897599) - 62135596800;
	unsigned us = (unsigned)(random_next(s->seed) % 1000000);
	char text[64];
	struct tm tm;
	time_t time = seconds;

	s->value->integer = seconds * 1000000 + us;
	gmtime_r(&time, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", tm.tm_year + 1900, tm.tm_mon + 1,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, us);
	set_string(s->slot, view_of(text));
}

static void make_money(struct sample *s)
{
	make_decimal(s, 19, 2);
}

static void make_bits(struct sample *s)
{
	unsigned count = (unsigned)(random_next(s->seed) % 300);
	char bytes[300 / 8 + 1] = "", text[301];
	size_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		bool set = random_next(s->seed) % 3 == 0;

		text[count - 1 - i] = set ? '1' : '0';
		bytes[i / 8] = (char)(bytes[i / 8] + set * (1 << i % 8));
		used = set ? i / 8 + 1 : used;
	}
	set_text(s, (struct view){text, count});
	set_bytes(s->slot, (struct view){bytes, used});
}

static void make_time_zoned(struct sample *s)
{
	int64_t seconds = (int64_t)(random_next(s->seed) % 86401);
	char text[32];

	s->value->integer = seconds * 1000000;
	snprintf(text, sizeof(text), "%02d:%02d:%02dZ", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
	set_string(s->slot, view_of(text));
}

static void make_point(struct sample *s)
{
	double xy[2] = {(double)random_integer(s->seed) / 1024, (double)random_integer(s->seed) * 1e100};
	avro_value_t slots[4], branch;
	char text[128], wkb[21] = {1, 1};

	snprintf(text, sizeof(text), "(%.17g,%.17g)", xy[0], xy[1]);
	set_text(s, view_of(text));
	for (size_t i = 0; i < 4; i++)
		samples_check(avro_value_get_by_index(s->slot, i, &slots[i], NULL));
	samples_check(avro_value_set_double(&slots[0], xy[0]));
	samples_check(avro_value_set_double(&slots[1], xy[1]));
	memcpy(wkb + 5, xy, sizeof(xy));
	samples_check(avro_value_set_branch(&slots[2], 1, &branch));
	set_bytes(&branch, (struct view){wkb, sizeof(wkb)});
	samples_check(avro_value_set_branch(&slots[3], 0, &branch));
}

static int read_text(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->text = text;
	return 0;
}

static int read_integer(struct view text, struct arena *arena, struct value *ret)
{
	(void)arena;
	ret->integer = strtoll(text.ptr, NULL, 10);
	return 0;
}

/* Elements of one type after the other; `print` writes what the server prints of each. */
static void make_array(struct sample *s, void (*make)(struct sample *s), void (*print)(const struct value *value, struct writer *to))
{
	size_t count = random_next(s->seed) % 6;
	struct writer text = {0};

	samples_check(avro_value_reset(s->slot)); /* of the row before */
	wr_u8(&text, '{');
	for (size_t i = 0; i < count; i++) {
		struct value value = {.state = VALUE_PRESENT};
		avro_value_t item, slot;
		struct sample element = {s->forms, s->seed, s->arena, &value, &slot};
		bool null = random_next(s->seed) % 4 == 0;

		wr_printf(&text, "%s", i ? "," : "");
		samples_check(avro_value_append(s->slot, &item, NULL));
		samples_check(avro_value_set_branch(&item, !null, &slot));
		if (!null)
			make(&element);
		if (null)
			wr_printf(&text, "NULL");
		else
			print(&value, &text);
	}
	wr_u8(&text, '}');
	set_text(s, wr_view(&text));
	wr_done(&text);
}

static void print_quoted(const struct value *value, struct writer *to)
{
	wr_u8(to, '"');
	for (size_t i = 0; i < value->text.len; i++)
		wr_printf(to, "%s%c", value->text.ptr[i] % 5 ? "" : "\\", value->text.ptr[i]);
	wr_u8(to, '"');
}

static void print_plain(const struct value *value, struct writer *to)
{
	wr_printf(to, "%.*s", VIEW_ARG(value->text));
}

static void print_integer(const struct value *value, struct writer *to)
{
	wr_printf(to, "%lld", (long long)value->integer);
}

static void make_texts(struct sample *s)
{
	make_array(s, make_text, print_quoted);
}

static void make_prices(struct sample *s)
{
	make_array(s, make_price, print_plain);
}

static void make_variable_decimals(struct sample *s)
{
	make_array(s, make_variable_decimal, print_plain);
}

static void make_integers(struct sample *s)
{
	make_array(s, make_int64, print_integer);
}

static void make_timestamps(struct sample *s)
{
	make_array(s, make_timestamp, print_integer);
}

/* Every type that has a form of its own in Avro. */
const struct sample_column sample_columns[] = {
	{{.name = "id", .type = {TYPE_INT64, 0, 0}}, make_int64},
	{{.name = "bool", .type = {TYPE_BOOL, 0, 0}}, make_bool},
	{{.name = "int16", .type = {TYPE_INT16, 0, 0}}, make_int16},
	{{.name = "int32", .type = {TYPE_INT32, 0, 0}}, make_int32},
	{{.name = "float32", .type = {TYPE_FLOAT32, 0, 0}}, make_float32},
	{{.name = "float64", .type = {TYPE_FLOAT64, 0, 0}}, make_float64},
	{{.name = "price", .type = {TYPE_DECIMAL, 12, 2}}, make_price},
	{{.name = "whole", .type = {TYPE_DECIMAL, 5, 0}}, make_whole_decimal},
	{{.name = "wide", .type = {TYPE_DECIMAL, 38, 9}}, make_wide_decimal},
	{{.name = "variable", .type = {TYPE_DECIMAL_VARIABLE, 0, 0}}, make_variable_decimal},
	{{.name = "variable2", .type = {TYPE_DECIMAL_VARIABLE, 0, 0}}, make_variable_decimal},
	{{.name = "text", .type = {TYPE_TEXT, 0, 0}}, make_text},
	{{.name = "bytes", .type = {TYPE_BYTES, 0, 0}}, make_bytes},
	{{.name = "uuid", .type = {TYPE_UUID, 0, 0}}, make_text},
	{{.name = "json", .type = {TYPE_JSON, 0, 0}}, make_text},
	{{.name = "enum", .type = {TYPE_ENUM, 0, 0}}, make_text},
	{{.name = "date", .type = {TYPE_DATE, 0, 0}}, make_date},
	{{.name = "time", .type = {TYPE_TIME, 0, 6}}, make_time},
	{{.name = "time3", .type = {TYPE_TIME, 0, 3}}, make_time_in_milliseconds},
	{{.name = "timestamp", .type = {TYPE_TIMESTAMP, 0, 6}}, make_timestamp},
	{{.name = "timestamp0", .type = {TYPE_TIMESTAMP, 0, 0}}, make_timestamp_in_milliseconds},
	{{.name = "zoned", .type = {TYPE_TIMESTAMP_ZONED, 0, 6}}, make_zoned},
	{{.name = "interval", .type = {TYPE_INTERVAL, 0, 0}}, make_int64},
	{{.name = "other", .type = {TYPE_OTHER, 0, 0}}, make_text},
	{{.name = "xml", .type = {TYPE_XML, 0, 0}}, make_text},
	{{.name = "ltree", .type = {TYPE_LTREE, 0, 0}}, make_text},
	{{.name = "tsvector", .type = {TYPE_TSVECTOR, 0, 0}}, make_text},
	{{.name = "money", .type = {TYPE_DECIMAL, 0, 2}}, make_money},
	{{.name = "bits", .type = {TYPE_BITS, 300, 0}}, make_bits},
	{{.name = "timetz", .type = {TYPE_TIME_ZONED, 0, 6}}, make_time_zoned},
	{{.name = "point", .type = {TYPE_POINT, 0, 0}}, make_point},
	{{.name = "point2", .type = {TYPE_POINT, 0, 0}}, make_point},
	{{.name = "texts", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_TEXT, 0, 0}, .element_from_text = read_text}, make_texts},
	{{.name = "prices", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_DECIMAL, 12, 2}, .element_from_text = read_text}, make_prices},
	{{.name = "decimals", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_DECIMAL_VARIABLE, 0, 0}, .element_from_text = read_text},
	 make_variable_decimals},
	{{.name = "integers", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_INT64, 0, 0}, .element_from_text = read_integer},
	 make_integers},
	{{.name = "timestamps", .type = {TYPE_ARRAY, 0, 0}, .element = {TYPE_TIMESTAMP, 0, 6}, .element_from_text = read_integer},
	 make_timestamps},
};

_Static_assert(COUNT_OF(sample_columns) == SAMPLE_COLUMNS, "as many as the header says");
