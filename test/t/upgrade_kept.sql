-- A line for each of our tables: whether upgrade_exchange.sql has put rows of it aside, and how many of these it does not hold
CREATE FUNCTION pg_temp.kept(t name, OUT rows bigint, OUT missing bigint) LANGUAGE plpgsql AS $$
DECLARE columns text := (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
	WHERE attrelid = format('aside.%I', t)::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'log_cnt');
BEGIN EXECUTE format('SELECT (SELECT count(*) FROM aside.%1$I), (SELECT count(*) FROM (SELECT %2$s FROM aside.%1$I EXCEPT SELECT %2$s FROM schemaguard.%1$I) x)', t, columns) INTO rows, missing; END $$;
SELECT relname, k.rows > 0, k.missing FROM aside.tables, pg_temp.kept(relname) k ORDER BY relname COLLATE "C";
