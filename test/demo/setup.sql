-- What the demo keeps about itself, apart from the application's tables
CREATE SCHEMA demo;
CREATE TABLE demo.planted (child regclass, columns text[], parent regclass, rows bigint, cure text);
CREATE TABLE demo.verdict (what text, ok boolean);

-- A claim, printed with its verdict. One that is not true makes the demo fail.
CREATE FUNCTION demo.expect(what text, ok boolean) RETURNS text LANGUAGE sql AS $$
    INSERT INTO demo.verdict VALUES (what, coalesce(ok, false));
    SELECT CASE WHEN ok THEN '[yes] ' ELSE '[NO]  ' END || what;
$$;

-- For readable tables: numbers with commas, names without schema and quotes
CREATE FUNCTION demo.n(numeric) RETURNS text RETURN to_char($1, 'FM999,999,999,990');
CREATE FUNCTION demo.bare(text) RETURNS text RETURN (SELECT relname FROM pg_class WHERE oid = $1::regclass);

-- Moments of the day, and what the application felt between them
CREATE TABLE demo.moment (name text, at timestamptz);
CREATE TABLE demo.tick (n int, at timestamptz);
CREATE TABLE demo.blocked (n int, pid int);
CREATE TABLE demo.latency (client int, transaction int, elapsed_us bigint, script int, epoch bigint, us int,
    lag_us bigint);
