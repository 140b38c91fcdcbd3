# 040_pg_cron.pl: the calls of a schedule, by pg_cron itself: SELECT sg_orphan_audit(), CALL sg_add_fks('plan') and SELECT
# sg_drift_check('baseline'), by a role that is nobody special, in background workers.  Their effects are read: the log, the
# keys, the history of drift and what listeners hear of it, pg_cron's own account.  And the jobs of docs/recipes/pg_cron.md,
# all of which have a reason to fail.
#
# pg_cron 1.4 knows no seconds, so that there this file waits for the next full minute.
#
# rooms: run drift
# takes: 60 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

chomp(my $share = qx(pg_config --sharedir));
plan skip_all => 'pg_cron is not installed here' unless -e "$share/extension/pg_cron.control";

my $node = new_node('cron', without => 1, conf => q{
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
max_worker_processes = 20
});
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_cron;
	CREATE SCHEMA sg;
	CREATE EXTENSION schemaguard SCHEMA sg;
	GRANT USAGE ON SCHEMA sg TO PUBLIC;
	ALTER DATABASE postgres SET search_path = public, sg;
	CREATE ROLE ops LOGIN;
	SELECT sg.sg_grant('ops');
	GRANT USAGE ON SCHEMA cron TO ops;
	GRANT CREATE ON SCHEMA public TO ops;
});
my $seconds = $node->safe_psql('postgres', q{SELECT substring(extversion, '^[0-9]+[.][0-9]+')::numeric >= 1.5 FROM pg_extension WHERE extname = 'pg_cron'}) eq 't';
my $schedule = $seconds ? '1 second' : '* * * * *';
note 'pg_cron ' . $node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'}) . ", schedule $schedule";

$node->safe_psql('postgres', q{
	SET ROLE ops;
	CREATE TABLE p (id int PRIMARY KEY);
	CREATE TABLE c (p int, q int CONSTRAINT declared REFERENCES p, r int, s int);
	INSERT INTO p SELECT generate_series(1, 10);
	INSERT INTO c SELECT g, g, g, g + 1 FROM generate_series(1, 10) g;
	SELECT sg_plan_create('plan');
	SELECT sg_plan_add_fk('plan', 'c', '{p}', 'p', fk_name => 'one'),
	       sg_plan_add_fk('plan', 'c', '{r}', 'p', fk_name => 'two', orphans => 'leave'),
	       sg_plan_add_fk('plan', 'c', '{s}', 'p', fk_name => 'has_orphan');
	CREATE TABLE e (p int CONSTRAINT broken REFERENCES p, q int);
	SELECT sg_plan_create('shop');
	SELECT sg_plan_add_fk('shop', 'e', '{q}', 'p', fk_name => 'late');
	RESET ROLE;
	SET session_replication_role = replica;
	INSERT INTO e VALUES (99, 1), (1, 99);
});
is($node->safe_psql('postgres', 'SELECT count(*) FROM schemaguard.audit_log WHERE action NOT LIKE $$plan%$$ AND action <> $$grant$$'), '0', 'nothing has run');

# The statement of a watch's hint: here, in another database, and for a role that can make no job; it runs as it stands
sub watch_hint
{
	my ($database, $role) = @_;
	my ($rc, $out, $err) = $node->psql($database, qq{TRUNCATE schemaguard.stats; SET ROLE $role; SELECT sg.sg_watch_start('watched')});

	return $err =~ /^psql:.*NOTICE:.*no.* samples.*\n.*HINT:.*\n(.*)/ ? $1 : $err;
}
$node->safe_psql('postgres', 'CREATE DATABASE other; CREATE ROLE plain; GRANT plain TO ops');
$node->safe_psql('other', 'CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg; GRANT USAGE ON SCHEMA sg TO PUBLIC');
$node->safe_psql($_, q{SELECT sg.sg_grant('plain'); SET ROLE plain; SELECT sg.sg_plan_create('watched')}) foreach 'postgres', 'other';
foreach ([ qw(postgres ops) ], [ qw(other postgres) ])
{
	my ($database, $role) = @$_;
	my $statement = watch_hint($database, $role);

	like($statement, qr/^SELECT cron\.schedule.*;$/, "a watch of $role in $database gives a job");
	is($node->safe_psql('postgres', "BEGIN; SET ROLE $role; $statement SELECT database FROM cron.job ORDER BY jobid DESC LIMIT 1; ROLLBACK") =~ s/.*\n//sr,
		$database, '... which pg_cron takes');
}
is(watch_hint('postgres', 'plain'), 'SELECT schemaguard.sg_stats_take() \watch 300', 'without the right to make jobs, psql takes samples');
unlike(($node->psql('postgres', q{SELECT schemaguard.sg_stats_take(), sg.sg_watch_start('watched')}))[2], qr/NOTICE/, 'where samples are taken nothing is told');
$node->safe_psql('postgres', 'TRUNCATE schemaguard.stats, schemaguard.watch');
$node->safe_psql('postgres', q{
	CREATE SCHEMA app;
	CREATE TABLE app.t (id int PRIMARY KEY);
	GRANT USAGE ON SCHEMA app TO ops;
	SET ROLE ops;
	SELECT sg_snapshot_take('baseline', '{app}');
	RESET ROLE;
	ALTER TABLE app.t ADD by_hand int;
});
my $listener = SgTest::Session->new($node);
$listener->query('LISTEN schemaguard');
my ($recipe, $failed) = slurp_file("$FindBin::RealBin/../../docs/recipes/pg_cron.md") =~ /^```sql\n(.*?)^```$/gms;
is($recipe =~ s/'[\d*]+(?: [\d*]+){4}'/'$schedule'/g, 4, 'the jobs of the recipe');
$node->safe_psql('postgres', qq{
	SET ROLE ops;
	$recipe
	SELECT cron.schedule('audit', '$schedule', 'SELECT sg_orphan_audit()');
	SELECT cron.schedule('deploy', '$schedule', \$\$CALL sg_add_fks('plan')\$\$);
	SELECT cron.schedule('check', '$schedule', \$\$SELECT sg_drift_check('baseline')\$\$);
});

# The job has run to its end at least once
sub done
{
	my ($command) = @_;

	return $node->safe_psql('postgres', qq{SELECT count(*) > 0 FROM cron.job_run_details WHERE command LIKE '$command%'
		AND status IN ('succeeded', 'failed')}) eq 't';
}
my @jobs = ('SELECT sg_orphan_audit', 'CALL sg_add_fks', 'SELECT sg_drift_check', 'CALL sg.sg_audit_gate', 'CALL sg.sg_drift_gate', 'CALL sg.sg_add_fks', 'SELECT schemaguard.sg_stats_take');
ok(wait_for(sub { (grep { done($_) } @jobs) == @jobs }), 'the jobs have run');
$node->safe_psql('postgres', 'SET ROLE ops; SELECT cron.unschedule(jobid) FROM cron.job');
# whoever runs just then may wait for ever for pg_cron to take what he says
ok(wait_for(sub { $node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'ops'}) eq '0' }), 'and run no more');

# one that runs when its job is unscheduled is cut off, and stays what it was in pg_cron's account, or is said to be cancelled
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT split_part(command, '(', 1) || ' ' || status || ' ' || username, ', ') FROM cron.job_run_details
		WHERE status IN ('succeeded', 'failed') AND return_message IS DISTINCT FROM 'job canceled'
		AND coalesce(return_message, '') NOT LIKE '%due to administrator command%'}),
	'CALL sg.sg_add_fks failed ops, CALL sg.sg_audit_gate failed ops, CALL sg.sg_drift_gate failed ops, '
	  . 'CALL sg_add_fks succeeded ops, SELECT schemaguard.sg_stats_take succeeded ops, SELECT sg_drift_check succeeded ops, SELECT sg_orphan_audit succeeded ops', 'pg_cron says which succeeded')
  or diag($node->safe_psql('postgres', 'SELECT command, status, return_message FROM cron.job_run_details'));
like($node->safe_psql('postgres', $failed), qr/^\Q$_\E/m, 'and why: ' . s/.*ERROR: //r)
  foreach q{CALL sg.sg_audit_gate()|ERROR: orphans in 1 of }, q{CALL sg.sg_drift_gate('baseline')|ERROR: "live" has drifted from "baseline"},
  q{CALL sg.sg_add_fks('shop', fix => true, fail => true)|ERROR: sg_add_fks() could not do all of plan "shop"};
is($node->safe_psql('postgres', q{SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'f'}),
	'declared true, one true, two true', 'the keys are there and valid');
is($node->safe_psql('postgres', q{SELECT string_agg(fk_name || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'plan'}),
	'one validated, two validated, has_orphan failed', 'the plan says so');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT object) FROM schemaguard.audit_log WHERE plan IS NULL AND action = 'audit' AND phase = 'done' AND role = 'ops'
		AND object = 'declared ON public.c' AND message = 'pass' AND orphan_rows = 0}), '1', 'the audit is in the log');
is($node->safe_psql('postgres', q{SELECT string_agg(object || ' ' || action, ', ' ORDER BY object, action) FROM schemaguard.audit_log
		WHERE plan = 'plan' AND phase = 'done' AND action IN ('add', 'validate') AND role = 'ops'}),
	'one ON public.c add, one ON public.c validate, two ON public.c add, two ON public.c validate', 'each key was added and validated once');
is($node->safe_psql('postgres', q{SELECT min(orphan_rows) FROM schemaguard.audit_log WHERE plan = 'plan' AND phase = 'failed' AND object = 'has_orphan ON public.c'}),
	'1', 'and the one that has an orphan was not');
is($node->safe_psql('postgres', q{SELECT count(*) <= (SELECT count(*) FROM cron.job_run_details WHERE status <> 'succeeded' AND coalesce(return_message, '') !~ 'could not do all|orphans in|has drifted')
		FROM schemaguard.audit_log s WHERE phase = 'started' AND (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1}),
	't', 'every start has one outcome, but for a call that was cut off');
is($node->safe_psql('postgres', q{SELECT DISTINCT r.role, r.result, r.extra, i.kind, i.object, i.change FROM schemaguard.drift_run r
	JOIN schemaguard.finding i USING (reference, target) WHERE reference = 'baseline' AND i.kind = 'column'}),
	'ops|fail|1|column|app.t.by_hand|extra', 'the drift is in the history');
is($node->safe_psql('postgres', q{SELECT DISTINCT role, figures #>> '{keys,declared}' > '0' FROM schemaguard.stats}), 'ops|t', 'samples are taken');
my $out = $listener->query('SELECT 1');
is(scalar(() = $out =~ /"reference": "baseline"/g), 1, 'and listeners were told, once');
is(scalar(() = $out =~ /"source": "audit"/g), 1, 'as of the gate');
$listener->quit;

$node->stop('immediate');
done_testing();
