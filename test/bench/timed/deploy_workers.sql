-- The plan of 226 keys, each audited and added, then validated by VALIDATE CONSTRAINT in two workers
SELECT bench.plan_keys();
SELECT bench.set_workers(2);
SET schemaguard.validate_with = core;
SELECT clock_timestamp() AS began \gset
CALL sg_add_fks('bench');
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('deployment', count(*) = 226 AND bench.valid_keys() = 226)
FROM schemaguard.plan_step WHERE plan = 'bench' AND state = 'validated';
SELECT bench.drop_keys();
CHECKPOINT;
