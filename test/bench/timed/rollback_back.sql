-- ... and taken back; the method says how soon the first one is gone
SELECT clock_timestamp() AS began \gset
CALL sg_rollback_fks('bench');
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz),
                  format('the first after %s ms', round(extract(epoch FROM min(at) - :'began'::timestamptz) * 1000)))
FROM schemaguard.audit_log WHERE plan = 'bench' AND action = 'rollback add' AND phase = 'done' AND at > :'began';
SELECT bench.expect('no key is left', count(*) = 0) FROM pg_constraint WHERE contype = 'f';
