CREATE TABLE inv (id int PRIMARY KEY, a int INVISIBLE DEFAULT 3, b int GENERATED ALWAYS AS (id * 2) VIRTUAL, c int GENERATED ALWAYS AS (id * 3) STORED, t varchar(10));
INSERT INTO inv (id, t) VALUES (1, 'x');
INSERT INTO inv (id, a, t) VALUES (2, 5, 'y');
UPDATE inv SET id = 4 WHERE id = 1;
