# 068_progress.pl: a call has a row in schemaguard.progress from when it begins to when it returns.
#
# A second session samples the view every 10 ms while each long call runs: between the first sample with a row and the
# last one none is empty, and what is done, of steps or of the blocks of a table, never goes backwards, whatever the call does in between (subtransactions that
# fail, COMMITs, indexes, workers, snapshots).
#
# rooms: base
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

my $keys = long_run() ? 2000 : 60;
my $node = new_node('progress', conf => "schemaguard.fix_limit = -1\nshared_buffers = 4MB\nautovacuum = off\nfsync = off\nmax_locks_per_transaction = 256\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

# Every tenth key has an orphan, so that steps fail in subtransactions; one table is large enough for a scan to be seen
query(<<SQL);
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 1000);
DO \$\$ BEGIN FOR i IN 1 .. $keys LOOP
  EXECUTE format('CREATE TABLE child_%s (id int PRIMARY KEY, parent_id int)', i);
  EXECUTE format('INSERT INTO child_%s SELECT g, CASE WHEN g = 1 AND %s %% 10 = 0 THEN 0 ELSE g END FROM generate_series(1, %s) g', i, i,
                 CASE WHEN i = 1 THEN 1000 ELSE 20 END);
END LOOP; END \$\$;
ANALYZE;
SELECT sg_plan_create('all');
SELECT count(sg_plan_add_fk('all', 'child_' || i, '{parent_id}', 'parent', orphans => CASE WHEN i % 20 = 0 THEN 'quarantine' ELSE 'leave' END))
FROM generate_series(1, $keys) i;
SELECT sg_plan_create('few');
SELECT count(sg_plan_add_fk('few', 'child_' || i, '{parent_id}', 'parent', orphans => 'leave')) FROM generate_series(1, 10) i;
SELECT sg_snapshot_take('before');
CREATE TABLE stop (now bool);
CREATE TABLE sample (n int GENERATED ALWAYS AS IDENTITY, row_there boolean, what text, done bigint);

-- no snapshot is kept between two samples, or the builds of indexes would wait for it
CREATE PROCEDURE watch(target int) LANGUAGE plpgsql AS \$\$
BEGIN
  WHILE NOT EXISTS (SELECT FROM stop) LOOP
    PERFORM pg_stat_clear_snapshot();
    INSERT INTO sample (row_there, what, done)
    SELECT p.pid IS NOT NULL, concat_ws(' ', p.action, p.unit, CASE p.unit WHEN 'blocks' THEN p.phase || ' ' || p.object END), p.done FROM pg_stat_activity a LEFT JOIN schemaguard.progress p USING (pid) WHERE a.pid = target;
    COMMIT;
    PERFORM pg_sleep(0.01);
    COMMIT;
  END LOOP;
END \$\$;
SQL

my $session = SgTest::Session->new($node);
my $watcher = SgTest::Session->new($node);
my $most = 0;
$session->query('SET client_min_messages = error');

# One call, sampled
sub watched
{
	my ($name, $sql) = @_;

	query('TRUNCATE stop, sample');
	$watcher->send("CALL watch($session->{pid})");
	wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE pid = $watcher->{pid} AND state = 'active' AND query ~ 'watch'"); })
	  or die 'the sampler does not start';
	$session->query($sql);
	is($session->sqlstate, '', "$name: ran") or diag($session->{err});
	query('INSERT INTO stop VALUES (true)');
	$watcher->collect;

	my ($rows, $empty, $backwards) = split /\|/, query(<<'EOSQL');
WITH bounds AS (SELECT min(n) AS first, max(n) AS last FROM sample WHERE row_there),
  inside AS (SELECT s.*, lag(row_there) OVER w AS there_before, lag(done) OVER w AS done_before, lag(what) OVER w AS what_before FROM sample s, bounds WHERE n BETWEEN first AND last WINDOW w AS (ORDER BY n))
-- the end of a subtransaction that fails takes the row away until the callback behind it, which is for less than a sample
SELECT count(*), count(*) FILTER (WHERE NOT row_there AND NOT there_before), count(*) FILTER (WHERE done < done_before AND what = what_before) FROM inside
EOSQL
	$most = $rows if $rows > $most;
	is("$empty empty, $backwards backwards", '0 empty, 0 backwards', "$name: a row all the time ($rows samples)");
}

watched('sg_orphan_audit', q{SELECT count(*) FROM sg_orphan_audit_details(plan => 'all')});
watched('sg_plan_check', q{SELECT count(*) FROM sg_plan_check_details('all')});
watched('sg_discover_fks', q{SELECT count(*) FROM sg_discover_fks_details(verify => 'full')});
watched('sg_add_fks', q{CALL sg_add_fks('all')});
watched('sg_fix_orphans, dry', q{CALL sg_fix_orphans('all', dry_run => true)});
watched('sg_fix_orphans', q{CALL sg_fix_orphans('all')});
$session->query('SET schemaguard.workers = 2');
watched('sg_add_fks again', q{CALL sg_add_fks('all')});
watched('sg_verify_fks, live', q{SELECT count(*) FROM sg_verify_fks_details('few', live => true)});
watched('sg_measure_overhead', q{SELECT count(*) FROM schemaguard.sg_measure_overhead('few', rounds => 1)});
watched('sg_snapshot_take', q{SELECT sg_snapshot_take('after')});
watched('sg_drift', q{SELECT count(*) FROM sg_drift_details('before')});
watched('sg_drift_check', q{SELECT sg_drift_check('before')});
watched('sg_compare_fks', q{SELECT count(*) FROM sg_compare_fks_details('before')});
watched('sg_drift_matrix', q{SELECT count(*) FROM sg_drift_matrix('{before,after}')});
watched('sg_rollback_fks', q{CALL sg_rollback_fks('all')});
cmp_ok($most, '>', 10, 'the sampler is quick enough to see something');

# VALIDATE CONSTRAINT says nothing itself: the server keeps how far scans of large tables are
{
	query(<<'SQL');
CREATE TABLE large_parent (id int PRIMARY KEY, t text);
CREATE TABLE large (id int, parent_id int, t text);
INSERT INTO large_parent SELECT g, repeat('x', 50) FROM generate_series(1, 100000) g;
INSERT INTO large SELECT g, 1 + g % 100000, repeat('x', 50) FROM generate_series(1, 600000) g;
ANALYZE large, large_parent;
SELECT sg_plan_create('core');
SELECT sg_plan_add_fk('core', 'large', '{parent_id}', 'large_parent', index => false, orphans => 'leave');
SQL
	$session->query(q{SET schemaguard.validate_with = 'core'; SET max_parallel_workers_per_gather = 0});
	watched('sg_add_fks, VALIDATE', q{CALL sg_add_fks('core')});
	my $shown = query(q{SELECT count(DISTINCT done) FROM sample WHERE what = 'validate blocks executing public.large' AND done > 0});
	cmp_ok($shown, '>=', 2, "... and how far it is: $shown places");
	is(query(q{SELECT state FROM schemaguard.plan_step WHERE plan = 'core'}), 'validated', '... it is validated');
	$session->query('RESET schemaguard.validate_with');
}

# A call says how far it is, if it takes longer than the interval, which is no time here
foreach my $call ([ 'sg_apply' => q{CALL sg_apply('all')} ], [ 'sg_orphan_audit' => q{SELECT count(*) FROM sg_orphan_audit_details(plan => 'all')} ],
	[ 'sg_verify_fks' => q{SELECT count(*) FROM sg_verify_fks_details('few', live => true)} ], [ 'sg_rollback_fks' => q{CALL sg_rollback_fks('all')} ])
{
	my ($name, $sql) = @$call;
	my (undef, undef, $told) = $node->psql('postgres', "SET schemaguard.workers = 0; SET schemaguard.progress_interval = 1;\n$sql");
	like($told, qr/NOTICE:  after \d+ s: \w[\w ]*, \w+.*; \d+ of \d+ (?:steps|keys) are done/, "$name: says how far it is");
	(undef, undef, $told) = $node->psql('postgres', "SET schemaguard.workers = 0; SET schemaguard.progress_interval = 0;\n$sql");
	unlike($told, qr/NOTICE:  after/, "$name: or not");
}

# Two sides that are read say no more than there is
{
	my (undef, undef, $told) = $node->psql('postgres', q{SET schemaguard.progress_interval = 1; SELECT count(*) FROM sg_compare_fks_details('live')});
	like($told, qr/NOTICE:  after \d+ s: snapshot, /, 'sg_compare_fks: says what it does');
	is(join(', ', grep { /(\d+) of (\d+)/ && $1 > $2 } split /\n/, $told), '', '... and no more than the whole');
	like($told, qr/"live" is compared with itself, so nothing can differ/, '... and that the two are one');
}

# Rows that would go are counted first, and those that come back have a count of their own
{
	my $fixed = int($keys / 20);
	my (undef, undef, $told) = $node->psql('postgres', <<'EOSQL');
SET schemaguard.workers = 0;
SET schemaguard.progress_interval = 1;
SET schemaguard.fix_limit = 100000;
CALL sg_apply('all', fix => true);
CALL sg_rollback_fks('all');
EOSQL
	like($told, qr/NOTICE:  after \d+ s: count, \w+.*; 1 of $fixed steps are done/, 'sg_apply with fix: says how far it has counted');
	unlike($told, qr/: count, .*; 2 of .*\n.*: count, .*; 0 of /, '... and never less than before');
	like($told, qr/NOTICE:  after \d+ s: restore, \w+: \d+ of [1-9]\d* rows/, 'sg_rollback_fks: says how many rows come back');
}

# A fix counts its rows, and tells by how fast they went when it ends; a pause says so, and then what was shown before it comes back
{
	my $holder = SgTest::Session->new($node);
	my $is_shown = sub {
		my ($what) = @_;
		my $shown;

		return wait_for(sub { ($shown = query(q{SELECT action, phase, unit, done > 0 AND done < total, estimated_end > now() FROM schemaguard.progress})) eq $what }, 60) || diag($shown) && 0;
	};

	query(<<'SQL');
CREATE TABLE pause (now bool);
CREATE FUNCTION is_paused() RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.pause)';
CREATE FUNCTION at_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.id IN (300, 700) THEN PERFORM pg_advisory_xact_lock_shared(OLD.id); END IF;
	RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TABLE fixed (id int PRIMARY KEY, parent_id int);
CREATE TABLE filled (id int PRIMARY KEY, v int);
INSERT INTO fixed SELECT g, -g FROM generate_series(1, 1000) g;
INSERT INTO filled SELECT generate_series(1, 1000);
CREATE TRIGGER at_row BEFORE DELETE ON fixed FOR EACH ROW EXECUTE FUNCTION at_row();
CREATE TABLE head (id int PRIMARY KEY, parent_id int);
CREATE TABLE along (id int PRIMARY KEY, head_id int CONSTRAINT along_head REFERENCES head);
CREATE INDEX ON along (head_id);
INSERT INTO head SELECT g, -g FROM generate_series(1, 10) g;
INSERT INTO along SELECT g, g / 100 + 1 FROM generate_series(0, 999) g;
CREATE TRIGGER at_row BEFORE DELETE ON along FOR EACH ROW EXECUTE FUNCTION at_row();
CREATE TRIGGER at_row BEFORE UPDATE ON filled FOR EACH ROW EXECUTE FUNCTION at_row();
SELECT sg_plan_create('fixed'), sg_plan_add_fk('fixed', 'fixed', '{parent_id}', 'parent', orphans => 'quarantine', index => false);
SELECT sg_plan_create('along'), sg_plan_add_fk('along', 'head', '{parent_id}', 'parent', orphans => 'quarantine', index => false),
	sg_plan_add_fk('along', 'along', '{head_id}', 'head', fk_name => 'along_head', orphans => 'quarantine');
SELECT sg_plan_create('filled'), sg_plan_add_not_null('filled', 'filled', 'v', policy => 'set', fill => 'id');
SQL
	$session->query(q{RESET ALL; SET schemaguard.progress_interval = 1; SET schemaguard.fill_batch = 50; SET schemaguard.lock_timeout = '60s';
		SET schemaguard.throttle_function = 'public.is_paused'});
	for my $of ([ 'fixed', 'fix|executing|rows|t|t', qr/fix, \w+, step 1, table fixed: [1-9]\d* of 1000 rows.*; about \d+ s are left of this/ ],
		[ 'along', 'fix|executing|rows|t|t', qr/fix, \w+, step 1, table head: [1-9]\d* of 1010 rows.*; about \d+ s are left of this/ ],
		[ 'filled', 'backfill|executing|blocks|t|t', qr/backfill, \w+, step 1, table filled: [1-9]\d* of \d+ blocks.*; about \d+ s are left of this/ ])
	{
		my ($plan, $shown, $told) = @$of;

		$holder->query('SELECT pg_advisory_lock(300), pg_advisory_lock(700)');
		$session->send("CALL sg_apply('$plan', fix => true)");
		ok($is_shown->($shown), "$plan: how much is done, and when it ends");
		nap(1.5);
		query('INSERT INTO pause VALUES (true)');
		$holder->query('SELECT pg_advisory_unlock(300)');
		ok(wait_for(sub { query('SELECT phase FROM schemaguard.progress') eq 'throttled' }), "$plan: it pauses");
		query('TRUNCATE pause');
		ok($is_shown->($shown), "$plan: and shows its work anew");
		$holder->query('SELECT pg_advisory_unlock(700)');
		$session->collect;
		is(query("SELECT string_agg(DISTINCT state, ' ') FROM schemaguard.plan_step WHERE plan = '$plan'"), 'validated', "$plan: done");
		like($session->{err}, $told, "$plan: the client is told, too");
	}

	# the connection is lost: in a batch, then between two
	my $left = q{SELECT summary || ': ' || next_call FROM sg_status() WHERE subject = 'leftovers' ORDER BY 1};
	query(<<'SQL');
CREATE TABLE cut_head (LIKE head INCLUDING ALL);
CREATE TABLE cut_along (id int PRIMARY KEY, head_id int CONSTRAINT cut_along REFERENCES cut_head);
CREATE INDEX ON cut_along (head_id);
INSERT INTO cut_head SELECT g, -g FROM generate_series(1, 10) g;
INSERT INTO cut_along SELECT g, g / 100 + 1 FROM generate_series(0, 999) g;
CREATE TRIGGER at_row BEFORE DELETE ON cut_along FOR EACH ROW EXECUTE FUNCTION at_row();
SELECT sg_plan_create('cut'), sg_plan_add_fk('cut', 'cut_head', '{parent_id}', 'parent', fk_name => 'cut_head', orphans => 'quarantine', index => false),
	sg_plan_add_fk('cut', 'cut_along', '{head_id}', 'cut_head', fk_name => 'cut_along', orphans => 'quarantine');
SQL
	foreach my $paused (0, 1)
	{
		my $lost = SgTest::Session->new($node);

		$lost->query(q{SET schemaguard.fill_batch = 50; SET schemaguard.lock_timeout = '60s'; SET schemaguard.throttle_function = 'public.is_paused'});
		$holder->query("SELECT pg_advisory_lock($paused * 400 + 300)");
		$lost->send(q{CALL sg_apply('cut', fix => true)});
		ok($is_shown->('fix|executing|rows|t|t') && wait_for(sub { query(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) eq '1' }), 'a fix is under way, in a batch');
		is(query($left), 'no call that was cut off has left anything: SELECT * FROM schemaguard.progress;', '... and nothing is left while it is');
		query('INSERT INTO pause VALUES (true)') if $paused;
		$holder->query("SELECT pg_advisory_unlock($paused * 400 + 300)") if $paused;
		ok(wait_for(sub { query('SELECT phase FROM schemaguard.progress') eq 'throttled' }), '... and pauses') if $paused;
		query('SELECT pg_terminate_backend(pid, 60000) FROM schemaguard.progress');
		$holder->query("SELECT pg_advisory_unlock($paused * 400 + 300)") if !$paused;
		is(query($left), ($paused ? "a call on plan cut was cut off in action throttle, sg_apply: CALL public.sg_apply('cut');" :
			"a call on plan cut was cut off in action fix, cut_head ON public.cut_head: CALL public.sg_apply('cut', fix => true);") .
			"\nplan cut has left key cut_head ON public.cut_head not valid: CALL public.sg_apply('cut', fix => true);", 'what was cut off, and the call that goes on');
		query('TRUNCATE pause');
	}
	query(q{CALL sg_apply('cut', fix => true)});
	is(query($left), 'no call that was cut off has left anything: SELECT * FROM schemaguard.progress;', 'that call goes on');

	# a plan that has taken over the name has no part in that
	my $lost = SgTest::Session->new($node);
	query(q{SELECT sg_plan_create('taken'), sg_plan_add_check('taken', 'cut_along', 'id >= 0', 'ids')});
	$holder->query('BEGIN; LOCK TABLE cut_along IN SHARE MODE');
	$lost->send(q{CALL sg_apply('taken')});
	ok(wait_for(sub { query(q{SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'taken' AND action = 'add' AND phase = 'started'}) ne '0' }), 'a step waits for a lock');
	query('SELECT pg_terminate_backend(pid, 60000) FROM schemaguard.progress');
	$holder->query('COMMIT');
	like(query($left), qr/^a call on plan taken was cut off in action \w+, /, 'its call was cut off');
	query(q{SELECT sg_plan_create('taken', replace => true)});
	is(query($left), 'no call that was cut off has left anything: SELECT * FROM schemaguard.progress;', '... of the plan that another one has replaced since');
	query(q{SELECT sg_plan_drop('taken')});
	$holder->quit;
}

# A call that fails shows nothing afterwards, nor does one that fails in a block of somebody's
$session->query(q{SELECT * FROM sg_drift_details('nowhere')});
$session->query(q{DO $$ BEGIN PERFORM sg_plan_check_details('nowhere'); EXCEPTION WHEN OTHERS THEN PERFORM 1; END $$});
is($session->query(q{SELECT count(*) FROM schemaguard.progress}), '0', 'a call that has failed is over');

$session->quit;
$watcher->quit;
like($node->safe_psql('postgres', q{CREATE FUNCTION pg_temp.leak(text) RETURNS boolean STRICT COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
	EXPLAIN (COSTS off) SELECT * FROM schemaguard.progress WHERE pg_temp.leak(plan)}), qr/^Subquery Scan on progress\n  Filter: \S*leak\(progress\.plan\)/,
	'a function of a reader is not asked about plans whose names he may not see');
$node->stop('immediate');
done_testing();
