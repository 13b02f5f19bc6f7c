CREATE TABLE x (id int PRIMARY KEY, v int);
XA START 'one'; INSERT INTO x VALUES (1, 1); XA END 'one'; XA COMMIT 'one' ONE PHASE;
INSERT INTO x VALUES (2, 2);
XA START 'two', 'b', 7; INSERT INTO x VALUES (3, 3); XA END 'two', 'b', 7; XA PREPARE 'two', 'b', 7; XA COMMIT 'two', 'b', 7;
XA START 'three'; INSERT INTO x VALUES (4, 4); UPDATE x SET v = v + 1; XA END 'three'; XA PREPARE 'three'; XA ROLLBACK 'three';
INSERT INTO x VALUES (5, 5);
