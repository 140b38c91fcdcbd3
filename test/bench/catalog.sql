-- A database of ten times as many tables, with keys to the two tables before each, and no row: what reads the catalogs alone
\echo data: ten times as many tables with 2 keys each
CREATE PROCEDURE pg_temp.make_tables(n int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0 .. n - 1 LOOP
        EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, a int, b int, c int)', i);
        IF i % 500 = 0 THEN COMMIT; END IF;
    END LOOP;
    FOR i IN 0 .. n - 1 LOOP
        EXECUTE format('ALTER TABLE t_%s ADD FOREIGN KEY (a) REFERENCES t_%s, ADD FOREIGN KEY (b) REFERENCES t_%s',
                       i, (i + n - 1) % n, (i + n - 2) % n);
        IF i % 500 = 0 THEN COMMIT; END IF;
    END LOOP;
END $$;
CALL pg_temp.make_tables(10 * :tables);
VACUUM ANALYZE;
