-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- What at-least-once may do, on top of verify.sql: a record may come again, but equal to its first, and as part of a replay
-- that leaves nothing out. Each wrong_ view must be empty. In the end `record` shows the first of each record only, so that
-- what verify.sql asks of a run with exactly-once can be asked of these.

-- What was observed, not read from the source, may differ. Snapshot rows are read at one position; their key tells them apart.
CREATE TABLE marked AS
	WITH named AS (
		SELECT *, coalesce(value #>> '{header,eventId}',
		                   concat_ws(' ', key, value->>'op', value #>> '{source,txId}', value #>> '{source,lsn}',
		                                                       value->>'status')) AS own_name,
		       lag(value) OVER w AS before_value, lag(key) OVER w AS before_key
		  FROM record
		 WHERE topic LIKE 'tw.change.%' OR topic LIKE 'tw.entity.%' OR topic LIKE 'tw.event.%' OR topic IN ('tw.exception', 'tw.transaction')
		WINDOW w AS (PARTITION BY topic, partition ORDER BY "offset"))
	SELECT n, topic, partition, "offset", key, value,
	       CASE jsonb_typeof(value) WHEN 'object' THEN value - '{ts_ms,ts_us,ts_ns}'::text[] #- '{header,capturedAt}' END AS said,
	       -- a tombstone belongs to the deletion before it
	       CASE WHEN value = 'null' THEN
	              'tombstone of ' || coalesce(before_value #>> '{header,eventId}',
	                concat_ws(' ', before_key, before_value->>'op', before_value #>> '{source,txId}', before_value #>> '{source,lsn}'))
	            ELSE own_name END AS name
	  FROM named;

CREATE TABLE seen AS
	SELECT *, row_number() OVER (PARTITION BY topic, partition, name ORDER BY "offset") AS time
	  FROM marked;

CREATE TABLE first_seen AS
	SELECT topic, partition, name, said, key, row_number() OVER (PARTITION BY topic, partition ORDER BY "offset") AS place
	  FROM seen WHERE time = 1;

CREATE TABLE placed AS
	SELECT s.n, s.topic, s.partition, s."offset", s.name, s.time, s.said, s.key, f.said AS first_said, f.key AS first_key, f.place,
	       lag(f.place) OVER (PARTITION BY s.topic, s.partition ORDER BY s."offset") AS before
	  FROM seen s JOIN first_seen f USING (topic, partition, name);

CREATE VIEW wrong_repeat AS
	SELECT * FROM placed WHERE said IS DISTINCT FROM first_said OR key IS DISTINCT FROM first_key;

-- A record has one partition.
CREATE VIEW wrong_partition AS
	SELECT topic, name FROM first_seen GROUP BY 1, 2 HAVING count(*) > 1;

-- After a record comes its successor, or a replay begins further back: nothing is left out on the way.
CREATE VIEW wrong_order AS
	SELECT * FROM placed WHERE place > coalesce(before, 0) + 1;

CREATE VIEW replay AS
	SELECT topic, partition, count(*) AS times FROM placed WHERE place <= before GROUP BY 1, 2;

-- With topics.transactions: all.
CREATE VIEW unmarked AS
	SELECT id, marks FROM (SELECT DISTINCT id FROM counted) c LEFT JOIN (SELECT id, count(*) AS marks FROM marker GROUP BY 1) m USING (id)
	 WHERE marks IS DISTINCT FROM 2;

CREATE OR REPLACE VIEW record AS
	SELECT p.n, line->>'topic' AS topic, (line->>'partition')::int AS partition, (line->>'offset')::bigint AS "offset",
	       line->'key' AS key, line->'value' AS value
	  FROM published p JOIN seen s USING (n) WHERE s.time = 1;
