-- Few keys, and many, against one large parent
\echo data: :probe_rows parents
CREATE TABLE big_parent (id uuid, name text);
INSERT INTO big_parent SELECT md5(g::text)::uuid, 'name ' || g FROM generate_series(1, :probe_rows) g;
ALTER TABLE big_parent ADD PRIMARY KEY (id);
CREATE TABLE few_child (id int, parent_id uuid CONSTRAINT few_fk REFERENCES big_parent);
INSERT INTO few_child SELECT g, md5((g * 7)::text)::uuid FROM generate_series(1, 100) g;
CREATE TABLE orphan_child (id int, parent_id uuid);
INSERT INTO orphan_child SELECT g, md5((g * 7)::text)::uuid FROM generate_series(1, 99) g;
INSERT INTO orphan_child VALUES (100, md5('none')::uuid);
ALTER TABLE orphan_child ADD CONSTRAINT orphan_fk FOREIGN KEY (parent_id) REFERENCES big_parent NOT VALID;
CREATE TABLE many_child (id int, parent_id uuid);
INSERT INTO many_child SELECT g, md5((g * 3)::text)::uuid FROM generate_series(1, :probe_keys) g;
ALTER TABLE many_child ADD CONSTRAINT many_fk FOREIGN KEY (parent_id) REFERENCES big_parent NOT VALID;
VACUUM ANALYZE;

SELECT bench.expect('the audit finds the orphan by the index', count(*) = 1 AND every(result = 'fail' AND orphan_keys = 1 AND method = 'probe'))
FROM sg_orphan_audit_details('orphan_child');
