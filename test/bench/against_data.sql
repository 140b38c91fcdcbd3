-- What test/bench/against.sql measures: 300 tables with three keys each, a child of 300,000 rows with three keys, and a plan's material
CREATE EXTENSION schemaguard;
CREATE PROCEDURE pg_temp.make(n int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0 .. n - 1 LOOP
        EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, t_%s_id int, b int, c int)', i, (i + 1) % n);
        EXECUTE format('INSERT INTO t_%s SELECT g, g, 101 - g, 1 + g * 7 %% 100 FROM generate_series(1, 100) g', i);
    END LOOP;
    FOR i IN 0 .. n - 1 LOOP
        EXECUTE format('ALTER TABLE t_%s ADD FOREIGN KEY (b) REFERENCES t_%s, ADD FOREIGN KEY (c) REFERENCES t_%s',
            i, (i + n - 2) % n, (i + n - 3) % n);
    END LOOP;
END $$;
CALL pg_temp.make(300);
CREATE TABLE parent (id bigint PRIMARY KEY, code text UNIQUE);
CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint REFERENCES parent, code text REFERENCES parent (code), other_id bigint);
INSERT INTO parent SELECT g, md5(g::text) FROM generate_series(1, 50000) g;
INSERT INTO child SELECT g, 1 + g % 50000, md5((1 + g * 7 % 50000)::text), 1 + g % 50000 FROM generate_series(1, 300000) g;
VACUUM ANALYZE;
