/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 *   event      u8 0x80 | n, n bytes (big-endian) length inflated, zlib stream                       MariaDB, log_event.cc
 *   column     u8 0, bytes; or u8 0x80 | 8 (no zlib header) | n, n bytes length inflated, deflate   MariaDB, field_comp.cc
 *   payload    (lenenc what, lenenc length, value) until a what of 0, bytes                         MySQL, codecs/binary.cpp
 */
#include "inflate.h"

#include <zlib.h>
#include <zstd.h>

#include "rows.h"

#define INFLATED_MOST ((uint64_t)1 << 30) /* of one event or value: more than the servers let into a packet */
#define RATIO_MOST 1032 /* deflate can do no better */
#define CHUNK_BYTES (64 * 1024)
#define EVENT_HEADER_BYTES 19
#define EVENT_SIZE_AT 9

/* MariaDB -------------------------------------------------------------------------------------- */

static int run_inflate(struct view in, int window, struct writer *to, size_t bytes)
{
	z_stream stream = {.next_in = (unsigned char *)in.ptr, .avail_in = (unsigned)in.len, .avail_out = (unsigned)bytes};
	int result;

	if (inflateInit2(&stream, window) != Z_OK)
		return -1;
	stream.next_out = (unsigned char *)wr_reserve(to, bytes);
	result = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	if (result != Z_STREAM_END || stream.avail_out || stream.avail_in)
		return -1;
	to->len += bytes;
	return 0;
}

static int inflate_rest(struct reader *rd, uint8_t head, int window, struct writer *to)
{
	uint64_t bytes = (head & 7) <= 4 ? rd_uint_be(rd, head & 7) : UINT64_MAX;
	struct view in = rd_bytes(rd, rd_left(rd));

	if (rd->failed || bytes > INFLATED_MOST || in.len > INFLATED_MOST || bytes > (in.len + 1) * RATIO_MOST)
		return -1;
	return run_inflate(in, window, to, (size_t)bytes);
}

int inflate_event(struct reader *rd, struct writer *to)
{
	uint8_t head = rd_u8(rd);

	if (rd->failed || (head & 0xf0) != 0x80 || inflate_rest(rd, head, MAX_WBITS, to) < 0) {
		rd->failed = true;
		return -1;
	}
	return 0;
}

/* An empty value has nothing that says how it is stored. */
int inflate_column(struct view stored, struct writer *to)
{
	struct reader rd = reader_of(stored);
	uint8_t head;

	if (!stored.len)
		return 0;
	head = rd_u8(&rd);
	if (head >> 4 == 8)
		return inflate_rest(&rd, head, head & 8 ? -MAX_WBITS : MAX_WBITS, to);
	wr_view_bytes(to, rd_bytes(&rd, rd_left(&rd)));
	return head == 0 ? 0 : -1;
}

/* MySQL ---------------------------------------------------------------------------------------- */

enum field { FIELD_END, FIELD_SIZE, FIELD_METHOD, FIELD_INFLATED };
enum method { METHOD_ZSTD = 0, METHOD_NONE = 255 };

void payload_done(struct payload *payload)
{
	ZSTD_freeDCtx(payload->stream);
	wr_done(&payload->out);
	*payload = (struct payload){0};
}

static void close_payload(struct payload *payload)
{
	payload->open = false;
	payload->in = VIEW_NONE;
	payload->taken = 0;
	wr_clear(&payload->out);
}

static int garbled(struct error *err)
{
	return error_set(err, ERROR_TRANSIENT, "a compressed transaction that is cut short or garbled");
}

static void read_fields(struct reader *body, uint64_t fields[4])
{
	uint64_t what;

	while ((what = rd_lenenc(body)) != FIELD_END && !body->failed) {
		struct reader value = reader_of(rd_bytes(body, rd_lenenc(body)));
		uint64_t number = rd_lenenc(&value);

		if (what <= FIELD_INFLATED && !body->failed)
			fields[what] = number;
	}
}

int payload_open(struct payload *payload, struct reader *body, struct error *err)
{
	uint64_t fields[4] = {[FIELD_SIZE] = UINT64_MAX, [FIELD_METHOD] = UINT64_MAX, [FIELD_INFLATED] = UINT64_MAX};

	close_payload(payload);
	read_fields(body, fields);
	payload->in = rd_bytes(body, rd_left(body));
	if (body->failed || fields[FIELD_SIZE] != payload->in.len)
		return garbled(err);
	payload->stored = fields[FIELD_METHOD] == METHOD_NONE;
	payload->left = payload->stored ? payload->in.len : fields[FIELD_INFLATED];
	if (fields[FIELD_METHOD] != METHOD_NONE && fields[FIELD_METHOD] != METHOD_ZSTD)
		return error_state(err, STATE_UNSUPPORTED, "a transaction that is compressed by a method that is not known (%u)",
				   (unsigned)fields[FIELD_METHOD]);
	if (!payload->stream)
		payload->stream = ZSTD_createDCtx();
	ZSTD_DCtx_reset(payload->stream, ZSTD_reset_session_only);
	payload->open = true;
	return 0;
}

/* One step: how many bytes came out, or -1. */
static int64_t inflate_more(struct payload *payload)
{
	ZSTD_inBuffer in = {payload->in.ptr, payload->in.len, 0};
	ZSTD_outBuffer out = {wr_reserve(&payload->out, CHUNK_BYTES), CHUNK_BYTES, 0};

	if (payload->stored) {
		out.pos = in.size < CHUNK_BYTES ? in.size : CHUNK_BYTES;
		in.pos = out.pos;
		if (out.pos)
			memcpy(out.dst, in.src, out.pos);
	} else if (ZSTD_isError(ZSTD_decompressStream(payload->stream, &out, &in))) {
		return -1;
	}
	if (out.pos > payload->left || (!out.pos && !in.pos))
		return -1;
	payload->in.ptr += in.pos;
	payload->in.len -= in.pos;
	payload->left -= out.pos;
	payload->out.len += out.pos;
	return (int64_t)out.pos;
}

/* So many bytes that were not handed out yet, one behind the other. */
static int have(struct payload *payload, size_t bytes)
{
	size_t rest = payload->out.len - payload->taken;

	if (rest >= bytes)
		return 0;
	if (bytes - rest > payload->left)
		return -1;
	if (rest)
		memmove(payload->out.data, payload->out.data + payload->taken, rest);
	else
		wr_clear(&payload->out);
	payload->out.len = rest;
	payload->taken = 0;
	while (payload->out.len < bytes)
		if (inflate_more(payload) < 0)
			return -1;
	return 0;
}

int payload_next(struct payload *payload, struct view *ret, struct error *err)
{
	struct reader size;
	size_t bytes;

	if (payload->out.len == payload->taken && !payload->left) {
		close_payload(payload);
		return 0;
	}
	if (have(payload, EVENT_HEADER_BYTES) < 0)
		return garbled(err);
	size = reader_of((struct view){payload->out.data + payload->taken + EVENT_SIZE_AT, 4});
	bytes = rd_u32le(&size);
	if (bytes < EVENT_HEADER_BYTES || have(payload, bytes) < 0)
		return garbled(err);
	*ret = (struct view){payload->out.data + payload->taken, bytes};
	payload->taken += bytes;
	return 1;
}
