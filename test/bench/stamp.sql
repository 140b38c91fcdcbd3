-- 100,000 orders with columns for who and when, three indexes, and what an UPDATE of them runs: no trigger, one of the
-- server's own that leaves the row as it is, sg_stamp_row, PL/pgSQL
CREATE FUNCTION bench.processor() RETURNS numeric LANGUAGE sql
RETURN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1e9;
CREATE TABLE stamp_none (id bigint PRIMARY KEY, customer_id bigint, total numeric, note text, status text,
    created_at timestamptz NOT NULL, created_by text NOT NULL, modified_at timestamptz NOT NULL, modified_by text NOT NULL);
CREATE INDEX ON stamp_none (customer_id);
CREATE INDEX ON stamp_none (created_at);
CREATE TABLE stamp_c (LIKE stamp_none INCLUDING ALL);
CREATE TABLE stamp_core (LIKE stamp_none INCLUDING ALL);
CREATE TABLE stamp_plpgsql (LIKE stamp_none INCLUDING ALL);
INSERT INTO stamp_none
SELECT g, g % 1000, g * 1.5, 'the note of order ' || g, 'open', now(), current_user, now(), current_user FROM generate_series(1, 100000) g;
INSERT INTO stamp_c TABLE stamp_none;
INSERT INTO stamp_core TABLE stamp_none;
INSERT INTO stamp_plpgsql TABLE stamp_none;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON stamp_c FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_stamp_row();
CREATE TRIGGER stamp BEFORE UPDATE ON stamp_core FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.created_at := OLD.created_at;
    NEW.created_by := OLD.created_by;
    NEW.modified_at := now();
    NEW.modified_by := current_user;
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON stamp_plpgsql FOR EACH ROW EXECUTE FUNCTION stamp();
VACUUM ANALYZE;
