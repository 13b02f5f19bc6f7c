/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How old what is published is, as other threads are told: through new connections, and while the source says nothing.
 */
#include "pipeline/run.h"
#include "unit/unit.h"

#define SECOND USEC_PER_SEC
#define AT(lsn_) ((struct position){POSITION_PG_LSN, (lsn_)})

static struct source_metrics heard;
static struct pipeline_status status;
static const struct pipeline_options options = {.name = "erp", .source = {.slot = "erp"}};

static const struct source_metrics *metrics(struct source *source)
{
	(void)source;
	return &heard;
}

static const struct source_ops ops = {.metrics = metrics};
static struct transaction txn;
static struct pipeline p;

static int begin(void **state)
{
	(void)state;
	pipeline_status_init(&status);
	p = (struct pipeline){.status = &status, .source_ops = &ops, .options = &options, .wall = clock_wall()};
	return 0;
}

static int end(void **state)
{
	(void)state;
	pipeline_status_done(&status);
	return 0;
}

static const struct pipeline_view *told(void)
{
	static struct pipeline_view view;

	pipeline_status_read(&status, &view);
	return &view;
}

static void ago(_Atomic usec_t *time, usec_t age)
{
	atomic_store(time, clock_mono() - age);
}

static void expect_lag(usec_t lag)
{
	usec_t now = told()->lag_us;

	if (now < lag || now > lag + 60 * SECOND)
		fail_msg("the lag is %lld s, not %lld s", (long long)(now / SECOND), (long long)(lag / SECOND));
}

static void connected(uint64_t log_end)
{
	p.identity.log_end = AT(log_end);
	status_source_end(&p, AT(log_end));
	status_pending(&p); /* the claim */
}

static void test_reconnections(void **state)
{
	(void)state;
	connected(100);
	p.applied.position = AT(100);
	status_turn(&p, true);
	assert_int_equal(told()->lag_us, 0);

	/* a transaction of an hour ago has come, and cannot be published */
	txn.committed_at = clock_wall() - 3600 * SECOND;
	p.txn = &txn;
	status_pending(&p);
	expect_lag(3600 * SECOND);

	/* whatever begins anew, and although nothing has come again yet */
	p.txn = NULL;
	connected(200);
	expect_lag(3600 * SECOND);
	status_turn(&p, true);
	expect_lag(3600 * SECOND);

	/* a part of it, and all */
	p.applied.position = AT(150);
	status_turn(&p, true);
	expect_lag(3600 * SECOND);
	p.applied.position = AT(200);
	status_turn(&p, true);
	assert_int_equal(told()->lag_us, 0);
}

static void test_silence(void **state)
{
	(void)state;
	assert_int_equal(told()->end_age_us, -1);
	connected(100);
	p.applied.position = AT(100);
	ago(&status.end_told_at, 20 * SECOND);
	status_turn(&p, true);
	assert_int_equal(told()->lag_us, 0);
	assert_true(told()->end_age_us >= 20 * SECOND);

	/* nothing waits, but nobody knows what the source has written */
	ago(&status.end_told_at, 600 * SECOND);
	status_turn(&p, true);
	expect_lag(600 * SECOND);

	/* it says that there is more, which does not come */
	status_source_end(&p, AT(300));
	status_turn(&p, true);
	expect_lag(600 * SECOND);
	assert_int_equal(told()->lag_bytes, 200);
	p.applied.position = AT(300);
	status_turn(&p, true);
	assert_int_equal(told()->lag_us, 0);
}

static void test_order(void **state)
{
	(void)state;
	p.published.position = AT(100);
	p.applied.position = AT(150); /* nothing of it was to be published */
	status_turn(&p, true);
	assert_int_equal(told()->published.lsn, 150);
	p.batch.open = true;
	p.saved.position = AT(150);
	p.applied.position = AT(170);
	status_turn(&p, false);
	assert_int_equal(told()->published.lsn, 150);
	assert_true(position_compare(told()->published, told()->saved) >= 0);

	/* another server, by its own log */
	p.published.position = p.saved.position = AT(20);
	status_begin(&p);
	assert_int_equal(told()->published.lsn, 20);
}

static void test_time_to_loss(void **state)
{
	(void)state;
	assert_false(told()->log_looked_at);
	atomic_store(&status.safe_bytes, 3600000);
	atomic_store(&status.log_rate, 1000);
	ago(&status.end_told_at, 0);
	assert_int_equal(told()->seconds_to_loss, 3600);
	ago(&status.end_told_at, 1800 * SECOND);
	assert_int_equal(told()->seconds_to_loss, 1800);
	ago(&status.end_told_at, 7200 * SECOND);
	assert_int_equal(told()->seconds_to_loss, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST_WITH("a new connection makes what waits no younger", test_reconnections, begin, end),
		TEST_WITH("while the source says nothing the lag grows", test_silence, begin, end),
		TEST_WITH("what is published stays so while a batch is open", test_order, begin, end),
		TEST_WITH("while the source says nothing the time to log loss goes by", test_time_to_loss, begin, end),
	};

	return RUN_TESTS(tests);
}
