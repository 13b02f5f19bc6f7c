CREATE TABLE nat (id int PRIMARY KEY, u uuid, i6 inet6, i4 inet4, j json);
INSERT INTO nat VALUES (1, '123e4567-e89b-12d3-a456-426655440000', '2001:db8::ff00:42:8329', '10.1.2.3', '{"a": [1, null]}'), (2, NULL, '::', NULL, NULL);
CREATE TABLE pc (id int PRIMARY KEY, v varchar(300) COMPRESSED CHARACTER SET utf8mb4, t text COMPRESSED CHARACTER SET latin1, b blob COMPRESSED, vb varbinary(300) COMPRESSED);
INSERT INTO pc VALUES (1, repeat('Жa', 100), repeat('é', 3000), x'0001', repeat(x'ff', 250)), (2, '', 'short', NULL, x''), (3, NULL, '', repeat(x'00', 70000), NULL);
UPDATE pc SET t = repeat('again ', 1000);
