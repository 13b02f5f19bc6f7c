CREATE TABLE vec (id int PRIMARY KEY, v vector(3), t varchar(20) CHARACTER SET latin1, w vector(2));
INSERT INTO vec VALUES (1, x'0000803f0000004000004040', 'é', NULL), (2, NULL, 'x', x'0000000000000080');
