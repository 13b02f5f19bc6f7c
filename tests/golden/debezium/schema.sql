-- run once per mode in a fresh database, before the connector starts (rows here become the snapshot)
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad','ok','happy');
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE TABLE types (
  id bigint PRIMARY KEY,
  c_bool boolean, c_int2 smallint, c_int4 integer, c_int8 bigint,
  c_float4 real, c_float8 double precision,
  c_numeric numeric, c_numeric_12_2 numeric(12,2), c_numeric_5_0 numeric(5,0),
  c_text text, c_varchar varchar(20), c_char char(5), c_bytea bytea, c_uuid uuid, c_json json, c_jsonb jsonb,
  c_date date, c_time time, c_time3 time(3), c_timetz timetz,
  c_ts timestamp, c_ts3 timestamp(3), c_ts0 timestamp(0), c_tstz timestamptz, c_tstz3 timestamptz(3), c_interval interval,
  c_money money, c_bit1 bit(1), c_bit8 bit(8), c_varbit8 varbit(8), c_bit64 bit(64),
  c_inet inet, c_cidr cidr, c_macaddr macaddr, c_macaddr8 macaddr8,
  c_int4range int4range, c_int8range int8range, c_numrange numrange, c_tsrange tsrange, c_tstzrange tstzrange, c_daterange daterange,
  c_int4_arr int4[], c_text_arr text[], c_numeric_arr numeric(8,2)[], c_uuid_arr uuid[], c_ts_arr timestamp[], c_bool_arr bool[], c_date_arr date[], c_mood_arr mood[],
  c_enum mood, c_domain posint, c_xml xml, c_point point, c_oid oid, c_hstore hstore, c_citext citext, c_tsvector tsvector,
  n_int integer NOT NULL DEFAULT 42, n_text text NOT NULL DEFAULT 'dflt', n_bool boolean NOT NULL DEFAULT true,
  n_num numeric(12,2) NOT NULL DEFAULT 3.14, n_ts timestamp NOT NULL DEFAULT '2020-01-01 00:00:00', n_date date NOT NULL DEFAULT '2020-02-03',
  n_tstz timestamptz NOT NULL DEFAULT '2020-01-01 00:00:00+00', n_now timestamptz NOT NULL DEFAULT now(), n_uuid uuid NOT NULL DEFAULT gen_random_uuid(),
  n_float8 double precision NOT NULL DEFAULT 1.5, n_json jsonb NOT NULL DEFAULT '{"a": 1}', n_enum mood NOT NULL DEFAULT 'ok',
  d_text text DEFAULT 'opt', d_int int DEFAULT 7
);
CREATE TABLE nopk (a int, b text);
ALTER TABLE nopk REPLICA IDENTITY FULL;
CREATE TABLE compk (k2 text NOT NULL, v numeric, k1 int NOT NULL, PRIMARY KEY (k1, k2));
CREATE TABLE "Weird-Name" ("id" int PRIMARY KEY, "col with space" text, "CamelCol" int, "dash-col" int, "1digit" int, "ünï" text);
CREATE TABLE toast (id int PRIMARY KEY, big text, n_big text NOT NULL, big_bytea bytea, big_arr text[], n int);
ALTER TABLE toast ALTER big SET STORAGE EXTERNAL, ALTER n_big SET STORAGE EXTERNAL, ALTER big_bytea SET STORAGE EXTERNAL, ALTER big_arr SET STORAGE EXTERNAL;
CREATE TABLE toast_full (LIKE toast INCLUDING ALL);
ALTER TABLE toast_full REPLICA IDENTITY FULL;
