CREATE TABLE x (id int PRIMARY KEY, v int);
SET SESSION binlog_alter_two_phase = ON;
INSERT INTO x VALUES (1, 1);
ALTER TABLE x ADD w varchar(10);
INSERT INTO x VALUES (2, 2, 'x');
CREATE TABLE k AS SELECT id AS a, v AS b FROM x;
