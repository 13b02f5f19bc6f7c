/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Texts into UTF-8. */
#include "charset.h"

#include <iconv.h>
#include <string.h>

#include "base/utf8.h"

/* What iconv calls the sets of the servers. Those that are missing here have no converter. */
static const char *const names[][2] = {
	{"ucs2", "UCS-2BE"}, {"utf16", "UTF-16BE"}, {"utf16le", "UTF-16LE"}, {"utf32", "UTF-32BE"},
	{"cp1250", "CP1250"}, {"cp1251", "CP1251"}, {"cp1256", "CP1256"}, {"cp1257", "CP1257"},
	{"latin2", "ISO-8859-2"}, {"latin5", "ISO-8859-9"}, {"latin7", "ISO-8859-13"}, {"greek", "ISO-8859-7"},
	{"hebrew", "ISO-8859-8"}, {"koi8r", "KOI8-R"}, {"koi8u", "KOI8-U"}, {"cp850", "CP850"},
	{"cp852", "CP852"}, {"cp866", "CP866"}, {"macroman", "MACINTOSH"}, {"tis620", "TIS-620"},
	{"armscii8", "ARMSCII-8"}, {"euckr", "UHC"}, {"gb2312", "EUC-CN"}, {"gbk", "GBK"},
	{"gb18030", "GB18030"}, {"big5", "BIG5"}, {"sjis", "SJIS"}, {"cp932", "CP932"},
	{"ujis", "EUC-JP"}, {"eucjpms", "EUC-JP-MS"},
};

/* What latin1 of the servers has from 0x80 to 0x9f: cp1252, and itself where that has nothing. */
static const uint16_t latin1_high[32] = {
	0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
	0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

void my_charsets_done(struct my_charsets *set)
{
	for (struct map_entry *entry = NULL; (entry = map_next(&set->by_name, entry));) {
		struct my_charset *charset = entry->value;

		if (charset->converter)
			iconv_close(charset->converter);
	}
	map_done(&set->by_name);
	map_done(&set->by_collation);
	arena_done(&set->arena);
}

static enum my_charset_form form_of(const char *name)
{
	if (strcmp(name, "binary") == 0)
		return CHARSET_BYTES;
	if (strcmp(name, "utf8mb4") == 0 || strcmp(name, "utf8mb3") == 0 || strcmp(name, "utf8") == 0 || strcmp(name, "ascii") == 0)
		return CHARSET_UTF8;
	return strcmp(name, "latin1") == 0 ? CHARSET_LATIN1 : CHARSET_OTHER;
}

static void *open_converter(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		iconv_t opened;

		if (strcmp(names[i][0], name) != 0)
			continue;
		opened = iconv_open("UTF-8", names[i][1]);
		return opened == (iconv_t)-1 ? NULL : opened;
	}
	return NULL;
}

const struct my_charset *my_charsets_add(struct my_charsets *set, const char *name, unsigned most_bytes)
{
	struct my_charset *charset = map_get(&set->by_name, view_of(name));

	if (charset)
		return charset;
	charset = ARENA_NEW(&set->arena, struct my_charset);
	*charset = (struct my_charset){arena_copy(&set->arena, view_of(name)).ptr, most_bytes, form_of(name), NULL};
	if (charset->form == CHARSET_OTHER)
		charset->converter = open_converter(name);
	map_put(&set->by_name, view_of(charset->name), charset);
	return charset;
}

static struct view number_key(const uint32_t *number)
{
	return (struct view){(const char *)number, sizeof(*number)};
}

void my_charsets_collation(struct my_charsets *set, uint32_t number, const struct my_charset *charset)
{
	map_put(&set->by_collation, arena_copy(&set->arena, number_key(&number)), (void *)charset);
}

const struct my_charset *my_charset_named(const struct my_charsets *set, const char *name)
{
	return map_get(&set->by_name, view_of(name));
}

const struct my_charset *my_charset_of(const struct my_charsets *set, uint32_t collation)
{
	return map_get(&set->by_collation, number_key(&collation));
}

static bool is_ascii(struct view bytes)
{
	size_t at = 0;

	for (uint64_t word; at + sizeof(word) <= bytes.len; at += sizeof(word)) {
		memcpy(&word, bytes.ptr + at, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			return false;
	}
	while (at < bytes.len && !(bytes.ptr[at] & 0x80))
		at++;
	return at == bytes.len;
}

static char *put_character(char *to, unsigned code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

static void convert_latin1(struct view bytes, struct arena *arena, struct view *ret)
{
	char *text = arena_alloc(arena, bytes.len * 3 + 1), *to = text;

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned code = (unsigned char)bytes.ptr[i];

		to = put_character(to, code >= 0x80 && code < 0xa0 ? latin1_high[code - 0x80] : code);
	}
	*ret = (struct view){text, (size_t)(to - text)};
}

/* How long a character is that has none in Unicode: what servers let in are characters by their form. */
static size_t length_of(const struct my_charset *charset, const char *from, size_t left)
{
	size_t bytes = !(from[0] & 0x80) || charset->most_bytes < 2 ? 1 : 2;

	if (charset->most_bytes == 3 && (unsigned char)from[0] == 0x8f) /* ujis */
		bytes = 3;
	if (charset->most_bytes == 4 && left > 1 && from[1] >= '0' && from[1] <= '9') /* gb18030 */
		bytes = 4;
	return bytes < left ? bytes : left;
}

/* No set needs more than four bytes of UTF-8 for one byte of its own. What there is no character for is '?', as servers print it. */
static int convert_other(const struct my_charset *charset, struct view bytes, struct arena *arena, struct view *ret)
{
	size_t left = bytes.len, room = bytes.len * 4 + 4;
	char *from = (char *)bytes.ptr, *text = arena_alloc(arena, room), *to = text;

	if (!charset->converter)
		return -1;
	iconv(charset->converter, NULL, NULL, NULL, NULL);
	while (iconv(charset->converter, &from, &left, &to, &room) == (size_t)-1 && left) {
		size_t skipped = length_of(charset, from, left);

		*to++ = '?';
		room--;
		from += skipped;
		left -= skipped;
	}
	*ret = (struct view){text, (size_t)(to - text)};
	return 0;
}

int my_charset_text(const struct my_charset *charset, struct view bytes, struct arena *arena, struct view *ret)
{
	*ret = bytes;
	if (charset->form == CHARSET_BYTES || (charset->form != CHARSET_OTHER && is_ascii(bytes)))
		return 0;
	if (charset->form == CHARSET_UTF8)
		return utf8_valid(bytes) ? 0 : -1;
	if (charset->form == CHARSET_OTHER)
		return convert_other(charset, bytes, arena, ret);
	convert_latin1(bytes, arena, ret);
	return 0;
}
