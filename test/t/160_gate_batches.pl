# 160_gate_batches.pl: a gate is many transactions.
#
# While it waits for a table it holds no snapshot and no transaction ID, while it reads no transaction ID; what it has judged by then
# is committed, and stays when it is cancelled: its findings, its proofs, its rows of the log.  A finding that it has not looked
# at stays open.  Listeners hear of all that by the next gate that ends.  Two gates of one scope take turns, which end with
# the gate.  A gate of a plan reads the plan in its turn.
#
# rooms: finding report
# majors: one (nothing that differs)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use SgTest;
use Test::More;

my $node = new_node('gates', conf => "schemaguard.audit_workers = 0\n");
my ($ask, $locker, $gate, $other) = map { SgTest::Session->new($node) } 1 .. 4;
my $call = q{CALL sg_audit_gate('{public}')};

sub query
{
	my $out = $ask->query($_[0]);
	die $ask->{err} if $ask->{err} =~ /ERROR|FATAL/;
	return $out;
}

# Waits until a session waits for a lock of this type; what it holds then
sub waits
{
	my ($session, $type) = @_;
	my $row = "FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE pid = $session->{pid} AND NOT granted AND locktype = '$type'";

	wait_for(sub { query("SELECT count(*) $row") eq '1' }) or die "no wait for $type: $session->{stderr}";
	return query("SELECT (a.backend_xid IS NULL)::text || ' ' || (a.backend_xmin IS NULL)::text $row");
}

my $findings = q{SELECT string_agg(property || ' ' || result || CASE WHEN gone_at IS NULL THEN '' ELSE ' gone' END, ', ' ORDER BY id) FROM schemaguard.finding};

# The rows of c_2 are compared only while nobody has the advisory lock
query(q{
	SET client_min_messages = error;
	CREATE FUNCTION slow_cmp(int, int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
		'BEGIN PERFORM pg_advisory_xact_lock_shared(43); RETURN btint4cmp($1, $2); END';
	CREATE FUNCTION slow_eq(int, int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
		'BEGIN PERFORM pg_advisory_xact_lock_shared(43); RETURN $1 = $2; END';
	CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = slow_eq);
	CREATE OPERATOR CLASS slow_ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 ===, OPERATOR 4 >=, OPERATOR 5 >,
		FUNCTION 1 slow_cmp(int, int);
	CREATE TABLE p (n int PRIMARY KEY, s int); CREATE UNIQUE INDEX ON p (s slow_ops);
	INSERT INTO p VALUES (1, 1), (2, 2);
	CREATE TABLE c_1 (n int CONSTRAINT one REFERENCES p); CREATE TABLE c_2 (n int CONSTRAINT two REFERENCES p (s));
	CREATE TABLE c_3 (n int CONSTRAINT three REFERENCES p);
	SET session_replication_role = replica;
	INSERT INTO c_1 VALUES (1); INSERT INTO c_2 VALUES (7); INSERT INTO c_3 VALUES (1)});
$gate->query($call);
is(query($findings), 'two fail', 'a first gate finds one');
query(q{UPDATE c_1 SET n = 7; UPDATE c_2 SET n = 1});

my $listener = SgTest::Session->new($node);
$listener->query('LISTEN schemaguard');

$locker->query('SELECT pg_advisory_lock(43); BEGIN; LOCK TABLE c_2');
$gate->send($call);
is(waits($gate, 'relation'), 'true true', 'a gate that waits for a table holds no snapshot and no transaction ID');
is(query($findings), 'two fail, one fail', 'and what it has found is committed');
$other->send($call);
is(waits($other, 'object'), 'true true', 'another gate of the scope waits for its turn, holding nothing');
$locker->query('COMMIT');
is(waits($gate, 'advisory'), 'true false', 'while it reads, it has a snapshot and no transaction ID');
$ask->query("SELECT pg_cancel_backend($gate->{pid})");
$gate->collect;
is($gate->sqlstate, '57014', 'it is cancelled');

is(waits($other, 'advisory'), 'true false', 'the other one has its turn');
query("SELECT pg_cancel_backend($other->{pid})");
$other->collect;
is(query($findings), 'two fail, one fail', 'a finding that a cancelled gate has not come to is still open');
is(query(q{SELECT string_agg(DISTINCT object || ': ' || message, ', ') FROM schemaguard.audit_log WHERE action = 'audit'
	AND run_id = (SELECT run FROM schemaguard.finding WHERE property = 'one')}), 'one ON public.c_1: fail, three ON public.c_3: pass', 'the log has what was judged');
unlike($listener->query('SELECT 1'), qr/notification/, 'nobody has been told');

$locker->query('SELECT pg_advisory_unlock(43)');
$gate->query('CALL sg_audit_gate(\'{public}\', fail => false)');
is($gate->sqlstate, '', 'without fail, a gate raises nothing');
like($gate->{err}, qr/WARNING:  SG001: orphans in 1 of 3 foreign keys, 0 could not be judged\nDETAIL:  one ON public.c_1: 1 orphan row/, 'it warns');
like($listener->query('SELECT 1'), qr/"new": 1, "gone": 1, "items": \[\{"state": "new", "kind": "foreign key", "object": "public.c_1", .*\{"state": "gone"/,
	'a gate that ends tells what one that was cancelled has found, and what is gone');
is(query($findings), 'two fail gone, one fail', 'which is closed');
$gate->query($call);
unlike($listener->query('SELECT 1'), qr/notification/, 'nobody is told twice');

# A finding is accepted as one of any gate; that is judged at the end, over all batches
is($ask->query(q{SELECT sg_audit_accept('one', 'known')}), '1', 'its finding is accepted');
$gate->query($call);
is($gate->sqlstate, '', 'a gate of several batches leaves it out');
like($gate->{err}, qr/NOTICE:  .*1 finding is accepted, and is left out/, 'and says so once');

# A pass closes its finding at once
query(q{UPDATE c_1 SET n = 1});
$locker->query('BEGIN; LOCK TABLE c_2');
$gate->send($call);
waits($gate, 'relation');
is(query($findings), 'two fail gone, one fail gone', 'what passes is closed while the gate goes on');
$locker->query('COMMIT');
$gate->collect;
is($gate->{err}, '', 'all passes');

# The turn of a gate that passes ends with it, while its session stays connected
$other->send($call);
wait_for(sub { $other->is_done || query("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $other->{pid}") ne '0' });
query("SELECT pg_cancel_backend($other->{pid})") unless $other->is_done;
$other->collect;
is($other->{err}, '', 'it keeps no gate of another session waiting');

# A gate of a plan reads the plan when its turn comes, and the plan's options end with it
query(q{
	CREATE TABLE c_4 (n int); INSERT INTO c_4 VALUES (7);
	SELECT sg_plan_create('mine'), sg_plan_option('mine', 'audit_method', 'sql'), sg_plan_add_fk('mine', 'c_4', '{n}', 'p', '{n}', index => false)});
$locker->query('BEGIN; LOCK TABLE c_4');
$gate->send(q{CALL sg_audit_gate(plan => 'mine')});
waits($gate, 'relation');
$other->send(q{CALL sg_audit_gate(plan => 'mine')});
waits($other, 'object');
query(q{SELECT sg_plan_drop('mine', force => true)});
$locker->query('COMMIT');
$_->collect foreach $gate, $other;
like($gate->{err}, qr/SG001: orphans in 1 of 1 foreign keys/, 'a gate of a plan judges its keys');
is($other->sqlstate, '42704', 'one that waits for its turn meanwhile judges no plan that is dropped');
query(q{DROP TABLE c_4});

# A session that begins its transactions as REPEATABLE READ sees each table as it is when its batch is read
$locker->query('BEGIN; LOCK TABLE c_2');
$gate->send("SET default_transaction_isolation = 'repeatable read'; $call");
waits($gate, 'relation');
$locker->query('SET LOCAL session_replication_role = replica; UPDATE c_2 SET n = 7; COMMIT');
$gate->collect;
like($gate->{err}, qr/two ON public.c_2: 1 orphan row/, 'in any isolation level');
is(query(q{SELECT method FROM schemaguard.fk_trust WHERE fk_name = 'one'}), 'scan', 'the options of a plan have ended with its gate');

$gate->query("BEGIN; $call");
is($gate->sqlstate, '25001', 'in a block it refuses');
$gate->query("ROLLBACK; DO \$\$ BEGIN CALL sg_audit_gate(); EXCEPTION WHEN division_by_zero THEN NULL; END \$\$");
is($gate->sqlstate, '25001', 'and in a function');

$_->quit foreach $ask, $locker, $gate, $other, $listener;
$node->stop('immediate');
done_testing();
