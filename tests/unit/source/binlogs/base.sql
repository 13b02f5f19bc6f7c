CREATE TABLE n (id int PRIMARY KEY, ti tinyint, tu tinyint unsigned, y year, si smallint, mu mediumint unsigned, mi mediumint, u int unsigned,
 bi bigint, bu bigint unsigned, d1 decimal(10,2), d2 decimal(65,30), f float, db double, b1 bit(1), b12 bit(12));
CREATE TABLE s (id int PRIMARY KEY, c char(20), ch char(255) CHARACTER SET utf8, v varchar(20), vl varchar(300), bi binary(6), vb varbinary(10), t text,
 bl blob, e enum('a','it''s','é') CHARACTER SET latin1, st set('x','y','z'), l varchar(20) CHARACTER SET latin1, cp text CHARACTER SET cp932)
 CHARACTER SET utf8mb4;
CREATE TABLE m (id int PRIMARY KEY, d date, t time, dt datetime, ts timestamp NULL);
CREATE TABLE mine (id int PRIMARY KEY, v int) ENGINE=MyISAM;
INSERT INTO n VALUES (1, -128, 255, 2155, -32768, 16777215, -8388608, 4294967295, -9223372036854775808, 18446744073709551615, -1234567.89,
 12345678901234567890123456789012345.123456789012345678901234567891, 0.1, 1.7976931348623157e308, b'1', b'101000000101'),
 (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 1, 2, 0, 3, 4, 5, 6, 7, 8, 9.1, 10.2, -1.5, -2.25, b'0', b'1');
UPDATE n SET ti = 7, d1 = d1 + 1, db = 0.1 WHERE id < 3;
DELETE FROM n WHERE id = 2;
BEGIN;
INSERT INTO s VALUES (1, '  grün  ', repeat('x', 255), 'Ж😀', repeat('ü', 300), x'0100', x'ff00', 'text', x'00ff10', 'é', 'z,x', 'Zoë €', '日本');
INSERT INTO s (id) VALUES (2);
SAVEPOINT one;
INSERT INTO s (id, v) VALUES (3, 'is taken back');
ROLLBACK TO one;
UPDATE s SET v = NULL, e = 'it''s', st = '' WHERE id = 1;
COMMIT;
INSERT INTO m VALUES (1, '2024-02-29', '-838:59:59', '9999-12-31 23:59:59', '2024-01-01 00:00:00'), (2, '0000-00-00', '00:00:00', '2024-02-00 00:00:00', NULL),
 (3, '1000-01-01', '100:00:01', '1000-01-01 00:00:00', '2038-01-19 03:14:07');
INSERT INTO mine VALUES (1, 1), (2, 2);
UPDATE mine SET v = 3 WHERE id = 2;
BEGIN;
DELETE n, m FROM n JOIN m ON n.id = m.id WHERE n.id = 3;
COMMIT;
BEGIN;
DELETE FROM s;
ROLLBACK;
TRUNCATE m;
ALTER TABLE mine ADD w int;
INSERT INTO mine VALUES (3, 3, 3);
