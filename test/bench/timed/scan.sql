-- Validation of six keys that deployment has added
SELECT bench.plan_keys();
CALL sg_add_fks('bench', validate => false);
SELECT bench.expect('added, not valid', count(*) = 6 AND bench.valid_keys() = 0)
FROM schemaguard.plan_step WHERE plan = 'bench' AND state = 'added';
SET schemaguard.validate_with = scan;
SELECT clock_timestamp() AS began \gset
CALL sg_add_fks('bench');
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
RESET schemaguard.validate_with;
SELECT bench.expect('validation in one pass', count(*) = 6 AND bench.valid_keys() = 6)
FROM schemaguard.plan_step WHERE plan = 'bench' AND state = 'validated';
SELECT sg_plan_drop('bench');
SELECT bench.drop_keys('child');
SELECT bench.add_keys('child');
