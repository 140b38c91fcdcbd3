# 030_standby.pl: the audit where nothing can be written.
#
#   - a hot standby gives the same verdicts as its primary, and logs nothing; a key of an unlogged table is unknown there
#   - what writes refuses with 25006, on the standby and in a session that is read only by default; there what reads goes on
#   - a recovery conflict ends the audit with an ERROR, not FATAL: the session goes on
#   - in a read-only transaction of the primary the audit works and logs nothing; in a REPEATABLE READ one it does not
#     trust a table that was truncated since
#
# rooms: audit
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $conf = "autovacuum = off\nmax_connections = 20\nshared_buffers = 16MB\nmax_standby_streaming_delay = 30s\nhot_standby_feedback = off\n";
my $primary = new_node('primary', streaming => 1, conf => $conf);
$primary->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'b', has_streaming => 1);
$standby->start;

$primary->safe_psql('postgres', q{
	CREATE TABLE p (id int PRIMARY KEY);
	CREATE TABLE c (p int CONSTRAINT good REFERENCES p, q int);
	CREATE TABLE pp (id int, a text) PARTITION BY LIST (a);
	CREATE TABLE pp1 PARTITION OF pp FOR VALUES IN ('x');
	INSERT INTO p SELECT generate_series(1, 100);
	INSERT INTO c SELECT g % 100 + 1, g FROM generate_series(1, 1000) g;
	ALTER TABLE c ADD CONSTRAINT bad FOREIGN KEY (q) REFERENCES p NOT VALID;
	INSERT INTO pp VALUES (1, 'x'), (101, 'x');
	CREATE UNLOGGED TABLE u (p int CONSTRAINT unlogged REFERENCES p);
	INSERT INTO u VALUES (1);
	SELECT sg_plan_create('plan');
	SELECT sg_plan_add_fk('plan', 'pp', '{id}', 'p', fk_name => 'planned');
	SELECT sg_plan_create('rules');
	SELECT sg_plan_add_not_null('rules', 'c', 'q');
	SELECT sg_plan_create('names');
	SELECT sg_plan_add('names', 'CREATE VIEW public.v AS SELECT nosuch FROM public.c');
	SELECT sg_plan_add('names', 'ALTER TABLE public.c ALTER q TYPE varchar(0)');
	SELECT sg_plan_add('names', 'GRANT SELECT ON public.c TO nosuch');
	SELECT sg_snapshot_take('snap');
	SELECT sg_watch_start('plan');
	CREATE ROLE approver SUPERUSER LOGIN;
});

sub catch_up { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')); }

my $audit = q{SELECT fk_name, source, state, rows_checked, orphan_rows, orphan_keys, sample, result, method FROM sg_orphan_audit_details() WHERE fk_name <> 'unlogged'};
my $want = $primary->safe_psql('postgres', $audit);
like($want, qr/bad\|catalog\|not valid\|1000\|900\|900/, 'on the primary');
like($want, qr/planned\|plan\|missing\|2\|1\|1/, 'a planned key too');
catch_up();

# ---- the standby

my $log = 'SELECT count(*), max(id) FROM schemaguard.audit_log';
my $logged = $standby->safe_psql('postgres', $log);
is($standby->safe_psql('postgres', $audit), $want, 'the same verdicts on the standby');
is($standby->safe_psql('postgres', $log), $logged, 'nothing is logged there');
is($standby->safe_psql('postgres', q{SELECT result, reason, rows_checked FROM sg_orphan_audit_details('u')}),
	'unknown|public.u is not logged and has no rows on a standby|', 'an unlogged table: unknown');
is($primary->safe_psql('postgres', q{SELECT result, rows_checked FROM sg_orphan_audit_details('u')}), 'pass|1', 'on the primary it is read');
is($standby->safe_psql('postgres', q{SELECT count(*), count(DISTINCT row_id) FROM sg_fk_orphans('c', 'bad')}), '900|900', 'sg_orphans works on the standby');

is($standby->safe_psql('postgres', q{SELECT string_agg(DISTINCT result || coalesce(': ' || reason, ''), '; ') FROM sg_verify_fks_details(live => true) WHERE fk_name = 'good'}),
	"pass; unknown: a standby can't write", 'there keys are verified from the catalogs, and nothing is tried');

is($standby->safe_psql('postgres', q{SELECT step, check_name, detail FROM sg_plan_check_details('names') WHERE check_name IN ('names', 'definition')}),
	join("\n", '1|names|column "nosuch" does not exist', q{2|definition|the statement can't be run: length for type varchar must be at least 1},
	'3|names|role "nosuch" does not exist, unless an earlier statement changes that'), 'what a statement names in vain is its own row there, too');

# ---- what writes refuses; a session that is read only by default is a fence for all of it, and what reads goes on

my @writing = (
	q{CALL sg_add_fks('plan')}, q{CALL sg_fix_orphans('plan')}, q{CALL sg_fix_orphans('plan', dry_run => true)},
	q{CALL sg_rollback_fks('plan')}, q{CALL sg_restore_quarantine('plan')}, q{SELECT sg_findings_take()}, q{CALL sg_drift_gate('snap')}, q{CALL sg_audit_gate()}, q{CALL sg_lint_gate()}, q{SELECT sg_audit_accept('c.bad', 'known')}, q{SELECT sg_audit_baseline()}, q{SELECT sg_backup_record('pg_dump', 'x')}, q{SELECT sg_promote('a', 'b')}, q{SELECT sg_promotion_approve('a', 'b')}, q{SELECT sg_promotion_check('a')}, q{CALL sg_promote_apply('a')}, q{CALL sg_promote_rollback('a')}, q{CALL sg_prune(now())},
	q{SELECT sg_plan_create('other')}, q{SELECT sg_plan_drop('plan')}, q{SELECT sg_plan_add_fk('plan', 'c', '{q}', 'p')},
	q{SELECT sg_plan_set('plan', '{1}', '{"orphans": "leave"}')}, q{SELECT sg_plan_skip('plan', '{1}', 'no')}, q{SELECT sg_plan_option('plan', 'workers', '1')},
	q{CALL sg_apply('plan')}, q{CALL sg_sync_apply('snap')}, q{CALL sg_ensure('snap')}, q{SELECT sg_sync_check('snap')}, q{SELECT sg_plan_release('plan', 'later')}, q{SELECT sg_plan_add_check('plan', 'c', 'true')}, q{SELECT sg_plan_add_not_null('plan', 'c', 'q')},
	q{SELECT sg_plan_add_unique('plan', 'c', '{q}')}, q{SELECT sg_plan_add_column('plan', 'c', 'x', 'int')}, q{SELECT sg_plan_add_default('plan', 'c', 'q', '1')},
	q{SELECT sg_plan_add_index('plan', 'c', '(q)')}, q{SELECT sg_plan_add_statement('plan', 'CREATE TABLE x ()')}, q{SELECT sg_plan_add_drop('plan', 'table', 'c')}, q{SELECT sg_plan_add_rows('plan', 'c', '[{"q": 1}]', '{q}')},
	q{SELECT sg_plan_add_rename('plan', 'table', 'c', 'd')}, q{SELECT sg_plan_add_audit_columns('plan', '{c}')}, q{SELECT sg_plan_add_archive_columns('plan', '{c}')},
	q{SELECT sg_plan_isolate('plan', 'q')}, q{SELECT sg_plan_add_referencing('plan')}, q{SELECT sg_plan_retarget('plan', 'p', 'pp')},
	q{SELECT sg_plan_add('plan', 'ALTER TABLE c ADD CHECK (q > 0)')}, q{SELECT sg_plan_from_sql('plan', 'ALTER TABLE c ADD FOREIGN KEY (q) REFERENCES p')},
	q{SELECT sg_plan_from_discovery('plan')}, q{SELECT sg_plan_from_snapshot('plan', 'snap')},
	q{SELECT sg_plan_import('other', sg_plan_export('plan'))}, q{SELECT sg_plan_approve('plan')}, q{SELECT sg_plan_allow('plan', 'pg_monitor')}, q{SELECT sg_plan_pause('plan')}, q{SELECT sg_plan_resume('plan')},
	q{SELECT sg_snapshot_take('other')}, q{SELECT sg_snapshot_import('other', ARRAY(SELECT sg_snapshot_export('snap')))}, q{SELECT sg_snapshot_drop('snap')}, q{SELECT sg_snapshot_from_files('other', '{a.sql}', '{SELECT 1}')},
	q{SELECT * FROM schemaguard.sg_measure_overhead('plan')}, q{SELECT schemaguard.sg_stats_take()}, q{SELECT sg_watch_start('plan')}, q{SELECT sg_capture_ddl(true)}, q{SELECT sg_guard_ddl('warn')}, q{SELECT sg_watch_subscriptions(true)}, q{SELECT sg_grant('public')}, q{SELECT sg_revoke('public')});
my @reading = (
	'sg_orphan_audit()', q{sg_orphans('c', '{q}', 'p')}, q{sg_fk_orphans('c', 'bad')}, q{sg_plan_check('plan')}, q{sg_plan_export('plan')},
	q{sg_plan_sql('plan')}, q{sg_plan_referencing('plan')}, q{sg_plan_explain('plan', 1)}, q{sg_plan_steps('plan')}, q{schemaguard.sg_plan_hash('plan')}, q{sg_verify_fks('plan')}, 'sg_verify_fks(live => true)', 'sg_discover_fks()',
	'schemaguard.sg_discover_unmatched()', q{sg_snapshot_export('snap')}, q{sg_snapshot_objects('live')}, q{sg_drift('snap')}, q{sg_lookup_drift('snap')}, q{sg_sync_sql('snap')}, q{sg_sync_files('snap', 'live', 'goose')}, q{sg_migration_history('goose', '{1_a}')}, q{sg_files_history('goose', '{1_a}')}, q{sg_compare_fks('snap')},
	q{sg_drift_check('snap')}, q{sg_drift_matrix('{snap,live}')}, q{sg_impact('public.c')}, 'sg_status()', 'sg_promotion_status()', q{sg_report('plan')}, q{sg_report('plan', 'html', 'checklist')}, 'sg_report()', 'sg_health()', 'sg_graph()', 'sg_schema_doc(findings => true)', 'sg_dashboard()', q{sg_watch('plan')}, 'schemaguard.metrics', 'sg_lint()', 'sg_lint_sarif()', q{sg_lint_sql('DROP TABLE public.c; SELECT FROM FROM')}, q{sg_lint_sql_sarif('TRUNCATE public.c', 'x')}, q{schemaguard.sg_go_rules('plan')}, 'schemaguard.sg_go_rules()',
	q{sg_tenant_audit('id')}, q{sg_rule_audit('c')}, q{sg_rule_violations('c', 'not null', 'q')}, q{sg_violations('rules', 1)}, 'schemaguard.fk_trust', 'schemaguard.progress', 'sg_manual_changes()', 'schemaguard.ddl_guard_state');

$logged = $primary->safe_psql('postgres', $log);
for my $sql (@writing)
{
	my @as = $sql =~ /approve/ ? (user => 'approver') : ();    # not the plan's author

	is_error($standby, $sql, '25006', undef, "standby: $sql", @as);
	is_error($primary, "SET default_transaction_read_only = on; $sql", '25006',
		qr/HINT:  This session is read only by default(?s:.*)SET default_transaction_read_only = off/, "read only: $sql", @as);
}
is_error($standby, q{SELECT * FROM sg_watch('rules')}, '42704', qr/HINT:  Begin before it runs, on the primary:\n/, 'a hint says where it works');
for my $from (@reading)
{
	is(error_of($primary, "SET default_transaction_read_only = on; SET schemaguard.workers = 2; SET schemaguard.audit_workers = 2; SELECT * FROM $from"),
		'', "read only: $from");
}
is($primary->safe_psql('postgres', $log), $logged, 'read only: nothing was logged');
is_error($standby, 'CALL sg_audit_gate()', '25006', qr/HINT:  .*\nSELECT \* FROM public\.sg_orphan_audit\(\);/, 'a gate names what judges without writing');
is_error($standby, q{CALL sg_drift_gate('snap')}, '25006', qr/HINT:  .*\nSELECT \* FROM public\.sg_drift\('snap'\);/, 'so does the other');
my %named = map { $_ => 1 } "@writing @reading" =~ /\b(sg_\w+)/g;
is(join(' ', grep { !$named{$_} } split /\n/, $primary->safe_psql('postgres', q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^sg_(?!ok_)' AND proname !~ '_details$' ORDER BY 1})),
	'', 'every function of ours was called, but those that want pgTAP');
is_error($primary, q{DO $$ BEGIN PERFORM set_config('default_transaction_read_only', 'on', false); CALL sg_add_fks('plan'); END $$}, '25006', undef,
	'a transaction that writes, in a session that is read only by default: none of the next ones would');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM sg_plan_sql('plan')}) > 0 ? 1 : 0, 1, 'sg_plan_sql works there');

# ---- a recovery conflict while the audit reads: an error, and the session lives

$primary->safe_psql('postgres', q{
	CREATE TABLE victim (p int, junk text);
	INSERT INTO victim SELECT g % 100 + 1, repeat('x', 100) FROM generate_series(1, 5000) g;
	ALTER TABLE victim ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES p NOT VALID;
});
catch_up();

# Locks first: on a standby those of an audit stay until the end of the transaction, here one that audits again and again.
# The server itself may end a session that a second signal meets while it aborts: hence six attempts.
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = 100ms');
$standby->reload;
my ($reader, $alive);
for (1 .. 6)
{
	$reader = SgTest::Session->new($standby);
	$reader->query('BEGIN');
	is($reader->query(q{SELECT result FROM sg_orphan_audit_details('victim')}), 'pass', 'lock conflict: the audit works');
	is($standby->safe_psql('postgres', qq{SELECT count(*) > 0 FROM pg_locks WHERE pid = $reader->{pid} AND relation = 'victim'::regclass}),
		't', 'lock conflict: and holds its lock');
	$reader->send(q{SELECT count(a.result) FROM generate_series(1, 1000000) g, LATERAL sg_orphan_audit_details('victim', samples => g % 5) a});
	$primary->safe_psql('postgres', 'TRUNCATE victim');
	$reader->collect;
	is($reader->sqlstate, '40001', 'lock conflict: the audit ends with an error') or diag($reader->{err});
	like($reader->{err}, qr/conflict with recovery/, 'lock conflict: which says why');
	$alive = $reader->query('ROLLBACK; SELECT 42') // '';
	last if $alive eq '42';
	catch_up();
}
is($alive, '42', 'lock conflict: the session goes on');
catch_up();
is($reader->query(q{SELECT result, rows_checked FROM sg_orphan_audit_details('victim')}), 'pass|0', 'lock conflict: and audits again');

# Then rows that a vacuum removes, in the middle of a scan: the operator of the key is a function that takes its time.
$primary->safe_psql('postgres', q{
	CREATE TYPE lazy AS (v int);
	CREATE FUNCTION lazy_cmp(lazy, lazy) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(0.02); RETURN $1.v - $2.v; END';
	CREATE FUNCTION lazy_eq(lazy, lazy) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(0.02); RETURN $1.v = $2.v; END';
	CREATE FUNCTION lazy_lt(lazy, lazy) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1.v < $2.v; END';
	CREATE FUNCTION lazy_gt(lazy, lazy) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1.v > $2.v; END';
	CREATE OPERATOR === (LEFTARG = lazy, RIGHTARG = lazy, FUNCTION = lazy_eq, COMMUTATOR = ===, MERGES);
	CREATE OPERATOR <<< (LEFTARG = lazy, RIGHTARG = lazy, FUNCTION = lazy_lt, COMMUTATOR = >>>);
	CREATE OPERATOR >>> (LEFTARG = lazy, RIGHTARG = lazy, FUNCTION = lazy_gt, COMMUTATOR = <<<);
	CREATE OPERATOR <<== (LEFTARG = lazy, RIGHTARG = lazy, FUNCTION = lazy_lt);
	CREATE OPERATOR >>== (LEFTARG = lazy, RIGHTARG = lazy, FUNCTION = lazy_gt);
	CREATE OPERATOR CLASS lazy_ops DEFAULT FOR TYPE lazy USING btree AS
		OPERATOR 1 <<<, OPERATOR 2 <<==, OPERATOR 3 ===, OPERATOR 4 >>==, OPERATOR 5 >>>, FUNCTION 1 lazy_cmp(lazy, lazy);
	CREATE TABLE lp (k lazy PRIMARY KEY);
	INSERT INTO lp VALUES (ROW(1)), (ROW(2)), (ROW(3));
	CREATE TABLE lc (k lazy);
	INSERT INTO lc SELECT ROW(g % 3 + 1)::lazy FROM generate_series(1, 3000) g;
	CREATE TABLE dead (id int);
	INSERT INTO dead SELECT generate_series(1, 1000);
	ALTER TABLE lc ADD CONSTRAINT fk FOREIGN KEY (k) REFERENCES lp NOT VALID;
});
catch_up();
$reader->send(q{SELECT count(*) FROM sg_orphan_audit()});
ok(wait_for(sub { $standby->safe_psql('postgres', qq{SELECT count(*) FROM pg_stat_activity WHERE pid = $reader->{pid} AND wait_event = 'PgSleep'}) eq '1' }),
	'snapshot conflict: the audit reads slowly');
$primary->safe_psql('postgres', 'DELETE FROM lc; DELETE FROM dead');
$primary->safe_psql('postgres', 'VACUUM lc; VACUUM dead');
$reader->collect;
is($reader->sqlstate, '40001', 'snapshot conflict: an error') or diag($reader->{err});
my ($each) = $reader->{err} =~ /^HINT:.*\n(SELECT DISTINCT .*\\gexec)$/m;
ok($each, 'snapshot conflict: a hint audits each table alone') or diag($reader->{err});
is($reader->query('SELECT 43'), '43', 'snapshot conflict: the session goes on');
catch_up();
like($reader->query($each), qr/^public\.lc\b|\|lc\||\blc\b/m, 'snapshot conflict: and does so');
is($reader->query(q{SELECT result, rows_checked FROM sg_orphan_audit_details('lc')}), 'pass|0', 'snapshot conflict: and audits again');
$reader->quit;

# ---- transactions of the primary that see less, or may not write

$logged = $primary->safe_psql('postgres', $log);
is($primary->safe_psql('postgres', "BEGIN READ ONLY; $audit; COMMIT"), $primary->safe_psql('postgres', $audit) , 'the same in a read-only transaction');
my ($before) = split /\|/, $logged;
my $keys = $primary->safe_psql('postgres', 'BEGIN READ ONLY; SELECT count(*) FROM sg_orphan_audit_details()');
is($primary->safe_psql('postgres', 'SELECT count(*) FROM schemaguard.audit_log'), $before + $keys, 'it logs nothing: only the call outside of it did');

my $old = SgTest::Session->new($primary);
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM c');
$primary->safe_psql('postgres', q{ALTER TABLE victim DISABLE TRIGGER ALL; TRUNCATE victim; INSERT INTO victim VALUES (5), (100000)});
is($old->query(q{SELECT result, reason FROM sg_orphan_audit_details('victim')}),
	'unknown|public.victim was truncated or rewritten after the snapshot of this transaction was taken',
	'REPEATABLE READ: a table truncated since is unknown');
is($old->query(q{SELECT string_agg(result, ' ' ORDER BY fk_name) FROM sg_orphan_audit_details('c')}), 'fail pass', 'others are judged');
$old->query('COMMIT');
is($old->query(q{SELECT result, orphan_rows FROM sg_orphan_audit_details('victim')}), 'fail|1', 'a new transaction sees the orphan');
$old->quit;

$standby->stop('immediate');
$primary->stop('immediate');
done_testing();
