# 099_places_replication.pl: a standby that is promoted, one that is gone, and one that is gone.
#
#   - promotion in the middle of an audit on the standby: verdicts as ever, no proof of what it read as a standby
#   - a synchronous standby that is gone: a CALL waits at a COMMIT; progress shows it; a cancel ends the CALL, whoever of
#     session and workers waits, and the next CALL takes up
#
# rooms: audit run
# takes: 30 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use SgTest;
use SgLoad;
use Test::More;
use Time::HiRes 'time';

my $primary = new_node('primary', streaming => 1, conf => "max_connections = 30\nshared_buffers = 16MB\n");

sub query { return $primary->safe_psql('postgres', $_[0]); }

query(q{
	CREATE TABLE p (id int PRIMARY KEY);
	INSERT INTO p SELECT generate_series(1, 100);
	CREATE TABLE good (id int REFERENCES p);
	INSERT INTO good SELECT 1 + g % 100 FROM generate_series(1, 1000) g;
	CREATE TABLE bad (id int);
	INSERT INTO bad SELECT g FROM generate_series(51, 150) g;
	ALTER TABLE bad ADD FOREIGN KEY (id) REFERENCES p NOT VALID;
	CREATE TABLE one (id int); CREATE TABLE two (id int);
	INSERT INTO one SELECT id FROM p; INSERT INTO two SELECT id FROM p;
	SELECT sg_plan_create('plan'), sg_plan_add_fk('plan', 'one', '{id}', 'p'), sg_plan_add_fk('plan', 'two', '{id}', 'p');
	CREATE FUNCTION slow(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.01); RETURN true; END';
});
$primary->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'b', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

# ---- promotion while audits run, one statement of many

my $reader = SgTest::Session->new($standby);
my $trust = q{SELECT string_agg(concat_ws(' ', fk_name, stands), ', ' ORDER BY fk_name) FROM schemaguard.fk_trust};
$reader->send(q{SELECT string_agg(DISTINCT concat_ws(' ', fk_name, result, rows_checked, orphan_rows), ', ')
	FROM generate_series(1, 150) g, LATERAL sg_orphan_audit_details(samples => g % 5) a WHERE slow(g)});
ok(wait_for(sub { $standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $reader->{pid} AND query LIKE '%slow%' AND state = 'active'") eq '1' }),
	'promotion: audits run');
$standby->promote;
is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 'f', 'promotion: the standby is a primary');
$standby->safe_psql('postgres', q{INSERT INTO p VALUES (1000); DELETE FROM p WHERE id = 1000});
my $result = $reader->collect;
is($result, 'bad_id_fkey fail 100 50, good_id_fkey pass 1000 0, one_id_fkey pass 100 0, two_id_fkey pass 100 0', 'promotion: the verdicts of all audits') or diag($reader->{err});
is($standby->safe_psql('postgres', $trust), 'bad_id_fkey f, good_id_fkey f', 'promotion: what a standby read is no proof');
is($reader->query(q{SELECT string_agg(concat_ws(' ', fk_name, result, orphan_rows), ', ' ORDER BY fk_name) FROM sg_orphan_audit_details()}),
	'bad_id_fkey fail 50, good_id_fkey pass 0, one_id_fkey pass 0, two_id_fkey pass 0', 'promotion: the same session audits again');
is($standby->safe_psql('postgres', $trust), 'bad_id_fkey f, good_id_fkey t', 'promotion: with a proof');
is($reader->query(q{CALL sg_add_fks('plan')}), '', 'promotion: and adds keys');
is($standby->safe_psql('postgres', q{SELECT string_agg(state, ' ') FROM schemaguard.plan_step}), 'validated validated', 'promotion: which are valid');
$reader->quit;
$standby->stop('immediate');

# ---- a synchronous standby that is gone

$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'gone'");
$primary->reload;
my $observer = SgTest::Session->new($primary);
$observer->query('SET synchronous_commit = local');
my $waits = q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'};

# One CALL that waits, and where
sub waiting_call
{
	my ($name, $who) = @_;
	my $caller = SgTest::Session->new($primary);

	$caller->query('SET schemaguard.workers = 0') unless $who =~ /worker/;
	$caller->send(q{CALL sg_add_fks('plan')});
	# a worker, or the session before it, which has written figures for reports
	ok(wait_for(sub { $observer->query("$waits AND backend_type IN ('$who', 'client backend')") ne '0' }), "$name: it waits at a COMMIT");
	is($observer->query(q{SELECT count(*) > 0 FROM schemaguard.progress}), 't', "$name: progress shows it");
	note($observer->query(q{SELECT string_agg(concat_ws(' ', step, state), ', ' ORDER BY step) FROM schemaguard.plan_step}));
	return $caller;
}

ok(wait_for(sub { query('SHOW synchronous_standby_names') eq 'gone' }), 'standby gone: a commit would wait');

# A cancel ends the CALL, whoever waits: the workers that build its indexes, or the session itself
for my $who ('schemaguard worker', 'client backend')
{
	my $name = "standby gone, $who";
	my $index = $who =~ /worker/ ? 'true' : 'false';

	$observer->query(qq{SELECT sg_plan_set('plan', NULL, '{"index": $index}')});
	my $caller = waiting_call($name, $who);
	my $start = time;
	$observer->query("SELECT pg_cancel_backend($caller->{pid})");
	wait_for(sub { $observer->query("SELECT state FROM pg_stat_activity WHERE pid = $caller->{pid}") ne 'active' })
		or $observer->query("SELECT pg_terminate_backend($caller->{pid})");
	my $took = time - $start;
	$caller->collect;
	is($caller->sqlstate, '57014', "$name: a cancel ends the CALL");
	cmp_ok($took, '<', bound(2, 4), "$name: ... soon");
	diag(sprintf "$name: %.2f s", $took);
	$caller->quit;
	is($observer->query($waits), '0', "$name: ... and nobody waits any more");
	is(log_gaps($primary, 'plan'), '', "$name: ... nor lacks the log an outcome");
}

$observer->query(q{ALTER SYSTEM SET synchronous_standby_names = ''});
$primary->reload;
ok(wait_for(sub { query('SHOW synchronous_standby_names') eq '' }), 'no standby is waited for any more');
query(q{CALL sg_add_fks('plan')});
is(query(q{SELECT string_agg(state, ' ') FROM schemaguard.plan_step}), 'validated validated', 'standby gone: the next CALL finishes');
is(query(q{SELECT count(*) FROM pg_index WHERE NOT indisvalid}), '0', 'standby gone: no invalid index') or diag(query('SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid'));
$observer->quit;
$primary->stop('immediate');
done_testing();
