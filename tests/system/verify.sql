-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- What was published, as `tailwater read` prints it, against the database. Each view lists what is wrong: all must be empty.

CREATE TABLE published (n bigserial, line jsonb);

CREATE VIEW record AS
	SELECT n, line->>'topic' AS topic, (line->>'partition')::int AS partition, (line->>'offset')::bigint AS "offset",
	       line->'key' AS key, line->'value' AS value
	  FROM published;

-- Change records of account in order, without tombstones. Rows of snapshots: of the last attempt.
CREATE VIEW account_record AS
	SELECT (value #>> '{source,txId}')::bigint AS txid, value->>'op' AS op, partition, "offset",
	       coalesce((value #>> '{after,id}')::int, (value #>> '{before,id}')::int) AS id,
	       (value #>> '{after,version}')::bigint AS version
	  FROM record WHERE topic = 'tw.change.public.account' AND value <> 'null';

CREATE VIEW account_expected AS
	SELECT id, array_agg(op || coalesce(version::text, '') ORDER BY seq) AS changes FROM account_audit GROUP BY id;

CREATE VIEW account_found AS
	SELECT id, array_agg(op || CASE op WHEN 'd' THEN '' ELSE version::text END ORDER BY "offset")
	       FILTER (WHERE op <> 'r') AS changes, count(DISTINCT partition) AS partitions,
	       (array_agg(version ORDER BY "offset" DESC) FILTER (WHERE op = 'r'))[1] AS read_version
	  FROM account_record GROUP BY id;

-- The audited changes after the snapshot, each once and in order: what was found is the end of what was audited, and the
-- snapshot's row is the version just before.
CREATE VIEW wrong_account AS
	SELECT id, e.changes AS expected, f.changes AS found, read_version
	  FROM account_expected e FULL JOIN account_found f USING (id)
	 WHERE f.partitions <> 1
	    OR coalesce(f.changes, '{}') IS DISTINCT FROM
	       e.changes[array_length(e.changes, 1) - coalesce(array_length(f.changes, 1), 0) + 1 :]
	    OR (f.read_version IS NOT NULL AND
	        substr(e.changes[array_length(e.changes, 1) - coalesce(array_length(f.changes, 1), 0)], 2)
		IS DISTINCT FROM f.read_version::text);

-- Business events against the facts that the generator noted.
CREATE VIEW event_found AS
	SELECT value #>> '{header,eventType}' AS fact, value #>> '{document,canonicalId}' AS id, count(*) AS times
	  FROM record WHERE topic LIKE 'tw.event.%' GROUP BY 1, 2;

CREATE VIEW wrong_event AS
	SELECT fact, id, f.times AS expected, e.times AS found
	  FROM (SELECT fact, 'demo/' || entity || '/' || root_key AS id, count(*) AS times FROM psa_fact
	         WHERE fact NOT LIKE 'Exception%' GROUP BY 1, 2) f
	  FULL JOIN event_found e USING (fact, id)
	 WHERE f.times IS DISTINCT FROM e.times;

CREATE VIEW wrong_event_id AS
	SELECT value #>> '{header,eventId}' AS id, count(*) FROM record
	 WHERE value <> 'null' AND value #>> '{header,eventId}' IS NOT NULL GROUP BY 1 HAVING count(*) > 1;

-- What an exception says of itself; one that is closed goes with the one that was opened last under its key.
CREATE VIEW exception AS
	SELECT key #>> '{}' AS id, value, "offset",
	       lag(value) OVER (PARTITION BY key ORDER BY "offset") AS before
	  FROM record WHERE topic = 'tw.exception';

CREATE VIEW wrong_exception AS
	SELECT id, value FROM exception
	 WHERE value->>'reason' NOT IN ('REQUIRED', 'TYPE', 'ENUM', 'RANGE', 'QUERY')
	    OR value->>'place' !~ '^[A-Za-z]+\.yaml:[1-9][0-9]*$'
	    OR value->>'owner' IS DISTINCT FROM 'master-data'
	    OR value#>>'{sourceKeys,id}' IS DISTINCT FROM split_part(id, '/', 3)
	    OR CASE value->>'status'
	       WHEN 'OPEN' THEN value->>'closedAt' IS NOT NULL
	                     OR value#>>'{rowImages,0,table}' IS DISTINCT FROM value->>'table'
	                     OR value#>>'{rowImages,0,after,id}' IS DISTINCT FROM split_part(id, '/', 3)
	       ELSE before->>'status' IS DISTINCT FROM 'OPEN' OR before->'openedAt' IS DISTINCT FROM value->'openedAt'
	                     OR value->>'closedAt' IS NULL END
	UNION ALL
	SELECT 'none', NULL WHERE NOT EXISTS (SELECT FROM exception WHERE value->>'status' = 'CLOSED')
	                      AND EXISTS (SELECT FROM psa_fact WHERE fact = 'ExceptionClosed');

-- The last message of each entity against plain SQL on the source.
CREATE VIEW document_found AS
	SELECT DISTINCT ON (key) key #>> '{}' AS id, value
	  FROM record WHERE topic LIKE 'tw.entity.%' ORDER BY key, "offset" DESC;

CREATE VIEW wrong_document AS
	SELECT coalesce(o.canonical_id, f.id) AS id, o.document AS expected, f.value->'document' AS found
	  FROM oracle.documents('demo') o FULL JOIN (SELECT * FROM document_found WHERE value <> 'null') f ON f.id = o.canonical_id
	 WHERE o.canonical_id IS NULL OR f.id IS NULL
	    OR NOT jsonb_strip_nulls(f.value->'document') @> jsonb_strip_nulls(o.document - 'header')
	    OR NOT jsonb_strip_nulls(f.value->'header') @> jsonb_strip_nulls(o.document->'header')
	    OR EXISTS (SELECT FROM jsonb_each(o.document - 'header') e
	                WHERE e.value = 'null' AND coalesce(f.value->'document'->e.key, 'null') <> 'null');

-- Audited changes after the snapshot that are missing, and those that came more than once; what is wrong beside these came in
-- another order. Deletes have no version to tell them apart, and count by their number.
CREATE VIEW account_change AS
	SELECT id, change, count(*) FILTER (WHERE expected) AS expected, count(*) FILTER (WHERE NOT expected) AS found
	  FROM (SELECT w.id, c.change, true AS expected FROM wrong_account w, unnest(w.expected) WITH ORDINALITY c (change, n)
	         WHERE c.n > coalesce(array_position(w.expected, 'u' || w.read_version),
	                              array_position(w.expected, 'c' || w.read_version), 0)
	        UNION ALL SELECT id, unnest(found), false FROM wrong_account) c
	 GROUP BY 1, 2;

-- What END records of transactions say against what was published: records with a value, by transaction and topic.
CREATE VIEW marker AS
	SELECT value->>'id' AS id, value->>'status' AS status, value FROM record WHERE topic = 'tw.transaction';

CREATE VIEW told AS
	SELECT id, c->>'data_collection' AS collection, (c->>'event_count')::bigint AS events
	  FROM marker, jsonb_array_elements(value->'data_collections' || (value->'documents')) c
	 WHERE status = 'END' AND id NOT LIKE 'snapshot-%';

CREATE VIEW counted AS
	SELECT coalesce(value #>> '{transaction,id}', (value #>> '{header,transactionId}') || ':' ||
	                (('x' || lpad(split_part(value #>> '{header,sourcePosition,value}', '/', 1), 8, '0'))::bit(32)::bigint * 4294967296 +
	                 ('x' || lpad(split_part(value #>> '{header,sourcePosition,value}', '/', 2), 8, '0'))::bit(32)::bigint)) AS id,
	       regexp_replace(topic, '^tw\.(change\.)?', '') AS collection, count(*) AS events
	  FROM record
	 WHERE value <> 'null' AND topic NOT IN ('tw.transaction', 'tw.checkpoint', 'tw.schemas')
	   AND coalesce(value #>> '{transaction,id}', value #>> '{header,transactionId}') IS NOT NULL
	 GROUP BY 1, 2;

-- Transactions that cannot have had place in one Kafka transaction must have an END; none has two.
CREATE VIEW wrong_end AS
	WITH t AS (SELECT * FROM told), c AS (SELECT * FROM counted), m AS (SELECT * FROM marker) -- each is made once, since it is read twice
	SELECT coalesce(t.id, c.id) AS id, coalesce(t.collection, c.collection) AS collection, t.events AS told, c.events AS counted
	  FROM t FULL JOIN c USING (id, collection)
	 WHERE coalesce(t.id, c.id) IN (SELECT id FROM t) AND t.events IS DISTINCT FROM c.events
	UNION ALL
	SELECT id, NULL, (value->>'event_count')::bigint, total
	  FROM m JOIN (SELECT id, sum(events) AS total FROM t WHERE collection !~ '^(entity|event)\.|^exception$' GROUP BY 1) s USING (id)
	 WHERE status = 'END' AND (value->>'event_count')::bigint <> total
	UNION ALL
	SELECT id, NULL, count(*), 1 FROM m GROUP BY id, status HAVING count(*) > 1
	UNION ALL
	SELECT id, NULL, NULL, sum(events) FROM c
	 WHERE EXISTS (SELECT FROM m) AND id NOT IN (SELECT id FROM t) GROUP BY 1 HAVING sum(events) > 1400;

-- The rows and documents of the snapshot: what its END says; earlier attempts have none. Its rows are those of the last
-- consistent point, and what was left of it and read while changes were streamed.
CREATE VIEW snapshot_counted AS
	SELECT regexp_replace(topic, '^tw\.(change\.)?', '') AS collection, count(*) AS events
	  FROM record
	 WHERE (value->>'op' = 'r' AND (value #>> '{source,lsn}')::bigint >=
	        (SELECT coalesce(max((value #>> '{source,lsn}')::bigint), 0) FROM record WHERE value->>'op' = 'r'
	          AND value #>> '{source,snapshot}' IS DISTINCT FROM 'incremental'))
	    OR value #>> '{header,eventId}' LIKE
	       (SELECT 'demo/' || id || '/%' FROM marker WHERE id LIKE 'snapshot-%' AND status = 'END')
	 GROUP BY 1;

CREATE VIEW wrong_snapshot AS
	SELECT collection, t.events AS told, c.events AS counted
	  FROM (SELECT c->>'data_collection' AS collection, (c->>'event_count')::bigint AS events
	          FROM marker, jsonb_array_elements(value->'data_collections' || (value->'documents')) c
	         WHERE status = 'END' AND id LIKE 'snapshot-%') t
	  FULL JOIN snapshot_counted c USING (collection)
	 WHERE EXISTS (SELECT FROM marker) AND coalesce(t.events, -1) <> coalesce(c.events, 0);

-- One line for each kind of mistake that was made.
CREATE VIEW verdict AS
	SELECT 'changes of accounts in a wrong order, or of unknown content' AS what, count(*) AS wrong, min(id::text) AS example
	  FROM wrong_account WHERE id NOT IN (SELECT id FROM account_change WHERE found <> expected)
	UNION ALL SELECT 'changes of accounts lost', sum(expected - found), min(id || ' ' || change)
	  FROM account_change WHERE found < expected
	UNION ALL SELECT 'changes of accounts published again', sum(found - expected), min(id || ' ' || change)
	  FROM account_change WHERE found > expected
	UNION ALL SELECT 'events lost', sum(coalesce(expected, 0) - coalesce(found, 0)), min(fact || ' ' || id)
	  FROM wrong_event WHERE coalesce(found, 0) < coalesce(expected, 0)
	UNION ALL SELECT 'events published again, or that are no facts', sum(coalesce(found, 0) - coalesce(expected, 0)), min(fact || ' ' || id)
	  FROM wrong_event WHERE coalesce(found, 0) > coalesce(expected, 0)
	UNION ALL SELECT 'event ids used again', count(*), min(id) FROM wrong_event_id
	UNION ALL SELECT 'documents wrong', count(*), min(id) FROM wrong_document
	UNION ALL SELECT 'exceptions wrong', count(*), min(id) FROM wrong_exception
	UNION ALL SELECT 'counts of transactions wrong', count(*), min(concat_ws(' ', id, collection, 'told', told, 'counted', counted)) FROM wrong_end
	UNION ALL SELECT 'counts of the snapshot wrong', count(*), min(collection) FROM wrong_snapshot;
