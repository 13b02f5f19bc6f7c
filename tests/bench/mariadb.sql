-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- The ten columns of schema.sql on MariaDB, and loads of them: a hundred rows a statement, a row a transaction, all at once.

CREATE DATABASE bench;
USE bench;
CREATE TABLE w1 (id bigint PRIMARY KEY, a int, b bigint, c varchar(60), d decimal(12,2), e datetime(6), f boolean, g text, h int, i date);
CREATE TABLE finish (id bigint PRIMARY KEY);

DELIMITER //
CREATE PROCEDURE insert_from(first bigint, count bigint)
BEGIN
	INSERT INTO w1
		SELECT n, n % 1000, n * 7, concat('name of ', n + 100000000), n % 100000 / 7, '2024-03-01 12:00:00' + INTERVAL n SECOND, n % 2 = 0,
		       concat('a description of the row, ', n + 10000000), n % 77, '2024-01-01' + INTERVAL n % 365 DAY
		  FROM (SELECT first + seq AS n FROM seq_0_to_9999999 WHERE seq < count) s;
END//
CREATE PROCEDURE load_hundreds(total bigint)
BEGIN
	FOR k IN 0 .. total / 100 - 1 DO
		CALL insert_from(k * 100 + 1, 100);
	END FOR;
END//
CREATE PROCEDURE load_singles(total bigint)
BEGIN
	FOR k IN 1 .. total DO
		INSERT INTO w1 VALUES (k, k % 1000, k * 7, concat('name of ', k + 100000000), k % 100000 / 7, '2024-03-01 12:00:00' + INTERVAL k SECOND,
				       k % 2 = 0, concat('a description of the row, ', k + 10000000), k % 77, '2024-01-01' + INTERVAL k % 365 DAY);
	END FOR;
END//
CREATE PROCEDURE load_at_once(total bigint)
BEGIN
	CALL insert_from(1, total);
END//
DELIMITER ;
