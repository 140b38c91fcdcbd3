-- One key with few distinct values, and an index on its column
SELECT bench.drop_keys('child', keep => 'fk_uid');
CREATE INDEX child_uid ON child (uid);
VACUUM ANALYZE child;

SET session_replication_role = replica;
INSERT INTO child (id, uid) VALUES (0, md5('')::uuid);
RESET session_replication_role;
SET schemaguard.audit_use_index = on;
SELECT bench.expect('the audit finds an orphan through the index, too',
                    count(*) = 1 AND every(result = 'fail' AND orphan_keys = 1))
FROM sg_orphan_audit_details('child');
RESET schemaguard.audit_use_index;
DELETE FROM child WHERE id = 0;
VACUUM child;
