CREATE TABLE g (id int PRIMARY KEY, v varchar(20) CHARACTER SET utf8mb4, g geometry, p point, l varchar(20) CHARACTER SET latin1);
INSERT INTO g VALUES (1, 'Ж', ST_GeomFromText('POINT(1.5 -2)'), ST_GeomFromText('POINT(3 4)'), 'é'), (2, 'x', NULL, ST_GeomFromText('POINT(3 4)', 4326), 'y'),
 (3, NULL, ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 1 1))', 4326), NULL, NULL);
UPDATE g SET g = ST_GeomFromText('POLYGON((0 0, 0 1, 1 1, 0 0))') WHERE id = 1;
