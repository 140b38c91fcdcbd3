-- What catching DDL costs: CREATE TABLE with a primary key, a transaction each, with event triggers and without them.
--
-- They take turns in batches, so that a machine that slows down slows down both; which of a pair comes first takes
-- turns, too. The first table of a batch is not counted: switching empties caches. What a batch made is dropped and not
-- counted.
CREATE TABLE bench_ddl (round int, pair int, waits boolean, captured boolean, us float8, cpu_us float8);
CREATE TABLE bench_first (variant text, us float8);

CREATE FUNCTION bench_cpu_us() RETURNS float8 LANGUAGE sql
RETURN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 / 1000;

-- waits: for fsync, at each commit
CREATE PROCEDURE bench_ddl(round int, pairs int, tables int, waits boolean)
LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz;
  cpu float8;
  captured boolean;
BEGIN
  PERFORM set_config('synchronous_commit', CASE WHEN waits THEN 'on' ELSE 'off' END, false);
  FOR batch IN 0 .. 2 * pairs + 1 LOOP
    captured := batch % 4 IN (0, 3);
    PERFORM sg_capture_ddl(captured);
    COMMIT;
    FOR n IN 0 .. tables LOOP
      IF n = 1 THEN
        started := clock_timestamp();
        cpu := bench_cpu_us();
      END IF;
      EXECUTE format('CREATE TABLE bench_%s (id bigint PRIMARY KEY, name text NOT NULL,'
                     ' at timestamptz DEFAULT now())', n);
      COMMIT;
    END LOOP;
    -- the first two warm up
    IF batch > 1 THEN
      INSERT INTO bench_ddl
      VALUES (round, batch / 2, waits, captured,
              extract(epoch FROM clock_timestamp() - started) * 1e6 / tables, (bench_cpu_us() - cpu) / tables);
    END IF;
    IF (SELECT count(*) FROM schemaguard.ddl_log
        WHERE event = 'command' AND object ~ '^public\.bench_[0-9]+$') % (tables + 1) <> 0 THEN
      RAISE 'a batch was not caught as a whole';
    END IF;
    PERFORM sg_capture_ddl(false);
    FOR n IN 0 .. tables LOOP
      EXECUTE format('DROP TABLE bench_%s', n);
    END LOOP;
    COMMIT;
  END LOOP;
END
$$;

-- The first command of a session
CREATE PROCEDURE bench_first(variant text)
LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
  us float8;
BEGIN
  CREATE TABLE bench_first_one (id bigint PRIMARY KEY);
  COMMIT;
  us := extract(epoch FROM clock_timestamp() - started) * 1e6;
  INSERT INTO bench_first VALUES (variant, us);
END
$$;
