CREATE TABLE x (id int PRIMARY KEY, v int);
SET gtid_next = 'automatic:erp';
INSERT INTO x VALUES (1, 1);
SET gtid_next = 'automatic', SESSION binlog_rows_query_log_events = ON;
INSERT INTO x VALUES (2, 2);
SET SESSION binlog_transaction_compression = ON, gtid_next = 'automatic:longer_tag_with_letters_1';
INSERT INTO x VALUES (3, 3);
SET gtid_next = 'automatic';
