-- A database of many small tables, each with keys to the three tables before it
\echo data: :tables tables with 3 keys each
CREATE FUNCTION pg_temp.make_tables(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0 .. n - 1 LOOP
        EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, a int, b int, c int)', i);
        EXECUTE format('INSERT INTO t_%s SELECT g, g, 101 - g, 1 + g * 7 %% 100 FROM generate_series(1, 100) g', i);
    END LOOP;
    FOR i IN 0 .. n - 1 LOOP
        EXECUTE format('ALTER TABLE t_%s ADD FOREIGN KEY (a) REFERENCES t_%s, ADD FOREIGN KEY (b) REFERENCES t_%s,
                        ADD FOREIGN KEY (c) REFERENCES t_%s', i, (i + n - 1) % n, (i + n - 2) % n, (i + n - 3) % n);
    END LOOP;
END $$;
SELECT pg_temp.make_tables(:tables);
VACUUM ANALYZE;

-- The anti-joins of all keys; keys and orphans are what was judged and found
CREATE FUNCTION bench.all_antijoins(OUT keys bigint, OUT orphans bigint) LANGUAGE plpgsql AS $$
DECLARE
    fk record;
    found bigint;
BEGIN
    keys := 0; orphans := 0;
    FOR fk IN
        SELECT conrelid::regclass AS child, confrelid::regclass AS parent, c.attname AS child_column,
               p.attname AS parent_column
        FROM pg_constraint JOIN pg_attribute c ON c.attrelid = conrelid AND c.attnum = conkey[1]
             JOIN pg_attribute p ON p.attrelid = confrelid AND p.attnum = confkey[1]
        WHERE contype = 'f'
    LOOP
        EXECUTE format('SELECT count(*) FROM %1$s c WHERE c.%2$I IS NOT NULL
                        AND NOT EXISTS (SELECT FROM %3$s p WHERE p.%4$I = c.%2$I)',
                       fk.child, fk.child_column, fk.parent, fk.parent_column) INTO found;
        keys := keys + 1;
        orphans := orphans + found;
    END LOOP;
END $$;

SET session_replication_role = replica;
INSERT INTO t_0 VALUES (101, -1, 1, 1);
RESET session_replication_role;
SELECT bench.expect('the audit finds an orphan in one of many tables',
                    count(*) = 3 * :tables AND count(*) FILTER (WHERE result = 'pass') = 3 * :tables - 1
                    AND sum(orphan_rows) = 1)
FROM sg_orphan_audit_details();
DELETE FROM t_0 WHERE id = 101;
VACUUM t_0;
