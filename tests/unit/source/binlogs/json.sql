CREATE TABLE js (id int PRIMARY KEY, j json);
INSERT INTO js VALUES (1, '{"a": [1, null, true, false], "bb": {"c": "x\\n\\"\\u00fc"}, "d": 1.5}'), (2, '[]'), (3, '{}'), (4, 'null'), (5, NULL), (6, '"s"'),
 (7, '[-1, 65535, 65536, -2147483648, 4294967295, 4294967296, -9223372036854775808, 18446744073709551615, 1e100, -0.0, 1e-20, 123456789.125]'),
 (8, json_array(cast('2024-02-29' AS date), cast('-23:59:59' AS time), cast('2024-02-29 12:34:56.789' AS datetime(3)), cast(1234567.89 AS decimal(20,5)), cast(x'00ff' AS char CHARACTER SET binary)));
UPDATE js SET j = json_set(j, '$.bb', 3) WHERE id = 1;
DELETE FROM js WHERE id = 6;
