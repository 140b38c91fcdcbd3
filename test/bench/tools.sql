-- What every database of the benchmarks has
\ir session.sql
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA bench;
-- round 0 warms up and is not kept.
CREATE TABLE bench.sample (variant text, round int, seconds float8, method text);

CREATE FUNCTION bench.take(variant text, round int, seconds numeric, method text DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO bench.sample SELECT $1, $2, $3, $4 WHERE $2 > 0;
$$;

-- A result that is not as it must be ends the benchmark: what is wrong must not look fast.
CREATE FUNCTION bench.expect(what text, ok boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF ok IS NOT TRUE THEN
        RAISE EXCEPTION 'check failed: %', what;
    END IF;
END $$;

-- Short statements are repeated within one statement: seconds is for one of them, without the way to the client.
CREATE FUNCTION bench.repeat_audit(child regclass, repeats int, OUT seconds numeric, OUT keys bigint, OUT passed bigint,
                                   OUT rows_checked bigint, OUT method text)
LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    verdict record;
BEGIN
    keys := 0; passed := 0; rows_checked := 0;
    FOR i IN 1 .. repeats LOOP
        SELECT * INTO verdict FROM sg_orphan_audit_details(child);
        keys := keys + 1;
        passed := passed + ((verdict.result = 'pass' AND verdict.orphan_rows = 0) IS TRUE)::int;
        rows_checked := rows_checked + coalesce(verdict.rows_checked, 0);
    END LOOP;
    seconds := extract(epoch FROM clock_timestamp() - began) / repeats;
    method := coalesce(verdict.method, '-');
END $$;

CREATE FUNCTION bench.repeat_sql(query text, repeats int, OUT seconds numeric, OUT rows_checked bigint)
LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    verdict record;
BEGIN
    rows_checked := 0;
    FOR i IN 1 .. repeats LOOP
        EXECUTE query INTO verdict;
        rows_checked := rows_checked + verdict.count;
    END LOOP;
    seconds := extract(epoch FROM clock_timestamp() - began) / repeats;
END $$;
