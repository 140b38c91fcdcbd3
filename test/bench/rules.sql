-- One table with four foreign keys, three CHECKs and two columns without nulls; all hold, none is valid
\echo data: :child_rows rows
SELECT setseed(0.5);
CREATE TABLE p_big (id bigint PRIMARY KEY);
INSERT INTO p_big SELECT generate_series(1, :big_rows);
CREATE TABLE p_uid (id uuid PRIMARY KEY);
INSERT INTO p_uid SELECT md5(g::text)::uuid FROM generate_series(1, 500) g;
CREATE TABLE p_code (code text PRIMARY KEY);
INSERT INTO p_code SELECT 'item-' || g FROM generate_series(1, :code_rows) g;
CREATE TABLE p_num (id int PRIMARY KEY);
INSERT INTO p_num SELECT generate_series(1, 3000);

CREATE TABLE child (id bigint, big bigint, num int, amount int, starts date, ends date, uid uuid, state text, code text);
ALTER TABLE child SET (parallel_workers = :workers);
INSERT INTO child
SELECT g, 1 + floor(random() * :big_rows), 1 + floor(random() * 3000), g % 1000, date '2026-01-01' + (g % 300)::int, date '2026-01-01' + (g % 300 + g % 7)::int,
       md5((1 + g % 500)::text)::uuid, (ARRAY['new', 'paid', 'sent'])[1 + g % 3], 'item-' || 1 + floor(random() * :code_rows)
FROM generate_series(1, :child_rows) g;
VACUUM ANALYZE;

CREATE FUNCTION bench.drop_rules() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    old name;
BEGIN
    FOR old IN SELECT conname FROM pg_constraint WHERE conrelid = 'child'::regclass AND contype IN ('c', 'f') LOOP
        EXECUTE format('ALTER TABLE child DROP CONSTRAINT %I', old);
    END LOOP;
    ALTER TABLE child ALTER id DROP NOT NULL, ALTER state DROP NOT NULL;
END $$;

CREATE FUNCTION bench.add_rules() RETURNS void LANGUAGE sql AS $$
    ALTER TABLE child
        ADD CONSTRAINT fk_big FOREIGN KEY (big) REFERENCES p_big NOT VALID,
        ADD CONSTRAINT fk_uid FOREIGN KEY (uid) REFERENCES p_uid NOT VALID,
        ADD CONSTRAINT fk_code FOREIGN KEY (code) REFERENCES p_code NOT VALID,
        ADD CONSTRAINT fk_num FOREIGN KEY (num) REFERENCES p_num NOT VALID,
        ADD CONSTRAINT amount_fits CHECK (amount BETWEEN 0 AND 1000) NOT VALID,
        ADD CONSTRAINT ends_later CHECK (ends >= starts) NOT VALID,
        ADD CONSTRAINT state_known CHECK (state IN ('new', 'paid', 'sent')) NOT VALID,
        ADD CONSTRAINT id_there CHECK (id IS NOT NULL) NOT VALID,
        ADD CONSTRAINT state_there CHECK (state IS NOT NULL) NOT VALID;
$$;

CREATE FUNCTION bench.plan_rules() RETURNS void LANGUAGE sql AS $$
    SELECT sg_plan_create('bench', replace => true);
    SELECT sg_plan_add_fk('bench', 'child', columns, parent, orphans => 'leave', index => false)
    FROM (VALUES (ARRAY['big'], 'p_big'), (ARRAY['uid'], 'p_uid'), (ARRAY['code'], 'p_code'), (ARRAY['num'], 'p_num')) k (columns, parent);
    SELECT sg_plan_add_check('bench', 'child', c) FROM unnest(ARRAY['amount BETWEEN 0 AND 1000', 'ends >= starts', $c$state IN ('new', 'paid', 'sent')$c$]) c;
    SELECT sg_plan_add_not_null('bench', 'child', c) FROM unnest(ARRAY['id', 'state']) c;
$$;
