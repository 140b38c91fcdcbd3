-- The same nine steps of a plan, all of them added and none valid, validated by CALL sg_apply in one pass
SELECT bench.plan_rules();
CALL sg_apply('bench', validate => false);
SELECT bench.expect('added, not valid', count(*) = 9) FROM schemaguard.plan_step WHERE plan = 'bench' AND state = 'added';
SET schemaguard.validate_with = scan;
SELECT clock_timestamp() AS began \gset
CALL sg_apply('bench');
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
RESET schemaguard.validate_with;
SELECT bench.expect('validation in one pass', count(*) = 9) FROM schemaguard.plan_step WHERE plan = 'bench' AND state = 'validated';
SELECT bench.expect('in one', count(*) = 9) FROM schemaguard.audit_log
WHERE plan = 'bench' AND phase = 'done' AND message LIKE 'validated by one scan of 9 constraints%' AND run_id = (SELECT run_id FROM schemaguard.audit_log ORDER BY id DESC LIMIT 1);
SELECT sg_plan_drop('bench', force => true);
SELECT bench.drop_rules();
