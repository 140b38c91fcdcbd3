-- What catching DDL costs: CREATE TABLE with a primary key, a transaction each, with event triggers and without them.
--
-- They take turns in batches, so that a machine that slows down slows down both. The first table of a batch is not
-- counted: switching empties caches. What a batch made is dropped uncounted, or the catalogs would grow.
CREATE TABLE bench_ddl (batch int, captured boolean, us float8, cpu_us float8);

CREATE FUNCTION bench_cpu_us() RETURNS float8 LANGUAGE sql
RETURN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 / 1000;

CREATE PROCEDURE bench_ddl(batches int, tables int)
LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz;
  cpu float8;
  captured boolean;
BEGIN
  FOR batch IN 0 .. 2 * batches + 1 LOOP
    captured := batch % 2 = 0;
    PERFORM sg_capture_ddl(captured);
    COMMIT;
    FOR n IN 0 .. tables LOOP
      IF n = 1 THEN
        started := clock_timestamp();
        cpu := bench_cpu_us();
      END IF;
      EXECUTE format('CREATE TABLE bench_%s (id bigint PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now())', n);
      COMMIT;
    END LOOP;
    -- the first two warm up
    IF batch > 1 THEN
      INSERT INTO bench_ddl
      VALUES (batch / 2, captured, extract(epoch FROM clock_timestamp() - started) * 1e6 / tables, (bench_cpu_us() - cpu) / tables);
    END IF;
    FOR n IN 0 .. tables LOOP
      EXECUTE format('DROP TABLE bench_%s', n);
    END LOOP;
    COMMIT;
  END LOOP;
  PERFORM sg_capture_ddl(false);
END
$$;

CALL bench_ddl(:batches, 50);
