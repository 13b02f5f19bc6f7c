/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The checkpoint between its struct and its protobuf message. */
#include "publish/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/reader.h"
#include "checkpoint.pb-c.h"

#define FORMAT 1
#define READ_DEADLINE_US (60 * USEC_PER_SEC)
#define READ_SLICE_US (100 * USEC_PER_MSEC)

static void fill_open(const struct open_transaction *open, char *final, Tailwater__OpenTransaction *ret)
{
	tailwater__open_transaction__init(ret);
	position_print(open->final, final);
	ret->phase = open->phase;
	ret->final = final;
	ret->xid = open->xid;
	ret->done = open->done;
	ret->hash = open->hash;
}

static void fill_progress(const struct progress *progress, char *position, Tailwater__Checkpoint *ret)
{
	position_print(progress->position, position);
	ret->position = position;
	ret->border = progress->border;
	ret->published = progress->published;
	ret->digest_low = progress->digest[0];
	ret->digest_high = progress->digest[1];
	ret->snapshot = progress->snapshot;
	ret->snapshot_phase = progress->snapshot_phase;
}

void checkpoint_encode(const struct checkpoint *checkpoint, const char *source, struct writer *wr)
{
	char position[POSITION_TEXT_BYTES], final[POSITION_TEXT_BYTES];
	Tailwater__Checkpoint message = TAILWATER__CHECKPOINT__INIT;
	Tailwater__OpenTransaction open;

	message.format = FORMAT;
	message.source = (char *)source;
	message.writer = (char *)checkpoint->writer;
	message.claim = checkpoint->claim;
	message.written_at_us = checkpoint->written_at;
	message.system = (char *)checkpoint->system;
	message.timeline = checkpoint->timeline;
	message.database = (char *)checkpoint->database;
	fill_progress(&checkpoint->progress, position, &message);
	if (checkpoint->progress.open.phase != OPEN_NONE) {
		fill_open(&checkpoint->progress.open, final, &open);
		message.open = &open;
	}
	message.has_job = message.has_job_done = checkpoint->job != 0;
	message.job = checkpoint->job;
	message.job_done = checkpoint->job_done;
	message.has_job_refused = checkpoint->job_refused != 0;
	message.job_refused = checkpoint->job_refused;
	message.snapshot_rest = *checkpoint->rest ? (char *)checkpoint->rest : NULL;
	message.place = *checkpoint->place ? (char *)checkpoint->place : NULL;
	message.has_released = message.released = checkpoint->released;
	message.has_history_left_out = message.history_left_out = checkpoint->history_left_out;
	wr_reserve(wr, tailwater__checkpoint__get_packed_size(&message));
	wr->len += tailwater__checkpoint__pack(&message, (uint8_t *)wr->data + wr->len);
}

static int take_position(const char *text, struct position *ret)
{
	*ret = (struct position){0};
	return strcmp(text, "none") == 0 ? 0 : position_parse(view_of(text), ret);
}

static int take_open(const Tailwater__OpenTransaction *from, struct open_transaction *ret)
{
	if (!from)
		return 0;
	ret->phase = (enum open_phase)from->phase;
	ret->xid = from->xid;
	ret->done = from->done;
	ret->hash = from->hash;
	return from->phase > OPEN_DOCUMENTS ? -1 : take_position(from->final, &ret->final);
}

static int take(const Tailwater__Checkpoint *from, struct checkpoint *ret)
{
	struct progress *progress = &ret->progress;

	*ret = (struct checkpoint){.claim = from->claim, .written_at = from->written_at_us, .timeline = from->timeline,
				   .job = from->job, .job_done = from->job_done, .job_refused = from->job_refused, .released = from->released,
				   .history_left_out = from->history_left_out};
	snprintf(ret->writer, sizeof(ret->writer), "%s", from->writer);
	snprintf(ret->system, sizeof(ret->system), "%s", from->system);
	snprintf(ret->database, sizeof(ret->database), "%s", from->database ? from->database : "");
	if (from->place && strlen(from->place) >= sizeof(ret->place))
		return -1;
	snprintf(ret->place, sizeof(ret->place), "%s", from->place ? from->place : "");
	if (from->snapshot_rest && strlen(from->snapshot_rest) >= sizeof(ret->rest))
		return -1;
	snprintf(ret->rest, sizeof(ret->rest), "%s", from->snapshot_rest ? from->snapshot_rest : "");
	progress->border = from->border;
	progress->published = from->published;
	progress->digest[0] = from->digest_low;
	progress->digest[1] = from->digest_high;
	progress->snapshot = from->snapshot;
	progress->snapshot_phase = (enum snapshot_phase)from->snapshot_phase;
	if (from->format != FORMAT || from->snapshot_phase >= SNAPSHOT_PHASES)
		return -1;
	return take_position(from->position, &progress->position) < 0 ? -1 : take_open(from->open, &progress->open);
}

int checkpoint_decode(struct view bytes, struct checkpoint *ret, struct error *err)
{
	Tailwater__Checkpoint *message = tailwater__checkpoint__unpack(NULL, bytes.len, (const uint8_t *)bytes.ptr);
	int result = message ? take(message, ret) : -1;

	if (message)
		tailwater__checkpoint__free_unpacked(message, NULL);
	if (result == 0)
		return 0;
	error_state(err, STATE_CHECKPOINT_LOST, "the checkpoint record in Kafka is damaged or of a later version");
	return error_hint(err, "run the version of the agent that wrote it");
}

static int read_last(struct topic_reader *reader, const char *source, struct checkpoint *ret, struct error *err)
{
	usec_t deadline = clock_mono() + READ_DEADLINE_US;
	struct reader_record record;
	bool at_end = false;
	int found = 0, got;

	while (!at_end) {
		got = topic_reader_next(reader, READ_SLICE_US, &record, &at_end, err);
		if (got < 0)
			return -1;
		if (got && view_is(record.key, source)) {
			found = record.value.ptr != NULL;
			if (found && checkpoint_decode(record.value, ret, err) < 0)
				return -1;
		}
		if (clock_mono() > deadline)
			return error_set(err, ERROR_TRANSIENT, "reading the checkpoint took too long");
	}
	return found;
}

static int topic_exists(struct topic_reader *reader, const char *topic, struct error *err)
{
	char **names;
	size_t count;
	int found = 0;

	if (topic_reader_list(reader, topic, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		found |= strcmp(names[i], topic) == 0;
	free(names);
	return found;
}

int checkpoint_read(const struct kafka_options *options, const char *topic, const char *source, struct checkpoint *ret,
		    struct error *err)
{
	struct topic_reader *reader;
	int result;

	if (topic_reader_new(&reader, options, err) < 0)
		return -1;
	result = topic_exists(reader, topic, err);
	if (result > 0) {
		result = topic_reader_assign(reader, &topic, 1, READ_BEGINNING, 0, err);
		if (result == 0)
			result = read_last(reader, source, ret, err);
	}
	topic_reader_free(reader);
	return result;
}
