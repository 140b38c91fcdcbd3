# 056_plan_check.pl: what sg_plan_check finds outside of one session's reach.
#
#   - long and prepared transactions, in the way of a step and anywhere; a plan that runs; replication slots; workers
#   - privileges, row security, owners whose triggers lack rights; what a role may not see is never ok
#   - collations that 18 refuses; virtual generated columns, NOT ENFORCED (18); transaction_timeout (17)
#   - subscriptions; tablespaces that the role may not look into
#   - a vacuum against wraparound, near and running
#   - a standby; a plan of many steps in a few seconds
#
# rooms: check
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time);
use Test::More;
use SgTest;

my $node = new_node('preflight', streaming => 1, conf => <<'CONF');
max_prepared_transactions = 5
wal_level = logical
max_worker_processes = 1
autovacuum = off
CONF
my $major = major($node);

sub query { my ($sql, %opt) = @_; my ($r) = rows($node, $sql, %opt); return $r ? join('|', @$r) : ''; }

# result, detail and hint of a check, each in one line; several rows are joined by newlines
sub found
{
	my ($plan, $step, $check, %opt) = @_;

	return join "\n", map { join('|', @$_) } rows($opt{node} // $node, ($opt{set} // '')
		. "SELECT result, detail, replace(hint, E'\\n', ' ') FROM sg_plan_check_details(@{[ lit($plan) ]}) WHERE step = $step AND check_name = '$check'", %opt);
}

sub finds
{
	my ($plan, $step, $check, $like, $name, %opt) = @_;
	my $got = found($plan, $step, $check, %opt);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like($got, $like, $name);
}

sub as { my ($user, $sql) = @_; return $node->safe_psql('postgres', "SET SESSION AUTHORIZATION $user; SET client_min_messages = error; $sql"); }

$node->safe_psql('postgres', q{
	SET client_min_messages = error;
	CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; SELECT sg_grant('alice'), sg_grant('bob');
	CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE);
	CREATE TABLE c (id int PRIMARY KEY, p_id int, code text);
	INSERT INTO p SELECT g, g FROM generate_series(1, 100) g;
	INSERT INTO c SELECT g, g FROM generate_series(1, 100) g;
	CREATE INDEX ON c (p_id);
	SELECT sg_plan_create('plan');
	SELECT sg_plan_add_fk('plan', 'c', '{p_id}', 'p');
});
is(query(q{SELECT string_agg(check_name || ': ' || detail, '; ') FROM sg_plan_check_details('plan') WHERE result <> 'ok' AND check_name <> 'workers'}), '', 'nothing to find');

# ---- sessions and prepared transactions
{
	my $s = SgTest::Session->new($node);
	my $quick = "SET schemaguard.lock_budget = '1s';";

	$s->query('BEGIN; DELETE FROM c WHERE id = 1');
	finds('plan', 1, 'locks', qr/^ok/, 'a transaction that has just begun is in nobody\'s way');
	wait_for(sub { query("SELECT now() - xact_start > '1.1 s' FROM pg_stat_activity WHERE pid = $s->{pid}") eq 't' }) or die 'it does not last';
	finds('plan', 1, 'locks', qr/^warn\|pid $s->{pid} has locked public\.c \(RowExclusiveLock\) in a transaction that has lasted .*pg_terminate_backend\($s->{pid}\);$/,
		'a long transaction in the way of the step', set => $quick);
	finds('plan', 0, 'long_transactions', qr/^warn\|pid $s->{pid}, role \w+: in a transaction for \d+ s \(idle in transaction\)/, 'and among all', set => $quick);
	finds('plan', 0, 'long_transactions', qr/^ok/, 'not so long after all');
	as('alice', q{SELECT sg_plan_create('alices'); SELECT sg_plan_add_fk('alices', 'c', '{p_id}', 'p')});
	finds('alices', 1, 'locks', qr/^warn\|pid $s->{pid} has locked public\.c \(RowExclusiveLock\); for how long could not be looked at\|To see it: GRANT pg_read_all_stats TO alice;$/,
		'who may not see other sessions is told so', user => 'alice');
	finds('alices', 0, 'long_transactions', qr/^warn\|\d+ sessions? of other roles could not be looked at\|To see them: GRANT pg_read_all_stats TO alice;$/,
		'there, too', user => 'alice');
	$s->query("PREPARE TRANSACTION 'it''s'");
	finds('plan', 1, 'locks', qr/^block\|prepared transaction 'it''s' has locked public\.c \(RowExclusiveLock\)\|.*SELECT \* FROM pg_prepared_xacts WHERE gid = 'it''s';$/,
		'a prepared transaction in the way');
	finds('plan', 0, 'prepared_transactions', qr/^ok/, 'which is new');
	wait_for(sub { query("SELECT now() - prepared > '1.1 s' FROM pg_prepared_xacts") eq 't' }) or die 'it does not last';
	finds('plan', 0, 'prepared_transactions', qr/^warn\|'it''s' of role \w+, prepared \d+ s ago\|.*SELECT \* FROM pg_prepared_xacts WHERE gid = 'it''s';$/, 'an old one', set => $quick);
	$node->safe_psql('postgres', "$quick CALL sg_add_fks('plan')");
	is(query(q{SELECT state FROM schemaguard.plan_step WHERE plan = 'plan'}), 'failed', 'the step fails, as was said');
	$node->safe_psql('postgres', "ROLLBACK PREPARED 'it''s'");
	finds('plan', 1, 'locks', qr/^ok/, 'nobody is left');

	# steps of other kinds as well, by the lock that each takes
	$node->safe_psql('postgres', q{SELECT sg_plan_create('kinds'), sg_plan_add('kinds', 'ALTER TABLE c ADD extra int'), sg_plan_add('kinds', 'CREATE INDEX c_code ON c (code)'),
		sg_plan_add_statement('kinds', 'ALTER TABLE public.c SET (fillfactor = 90)'), sg_plan_add('kinds', 'ALTER TABLE p ADD extra int'),
		sg_plan_add_statement('kinds', 'ALTER TABLE public.c ALTER code SET STORAGE EXTERNAL; ALTER TABLE public.c ALTER code SET STORAGE EXTENDED'),
		sg_plan_add_column('kinds', 'c', 'code', 'text', fill => $$'none'$$)});
	$s->query('BEGIN; SELECT count(*) FROM c');
	wait_for(sub { query("SELECT now() - xact_start > '1.1 s' FROM pg_stat_activity WHERE pid = $s->{pid}") eq 't' }) or die 'it does not last';
	finds('kinds', 1, 'locks', qr/^warn\|pid $s->{pid} has locked public\.c \(AccessShareLock\)/, 'a reader is in the way of a new column', set => $quick);
	finds('kinds', 5, 'locks', qr/^warn\|pid $s->{pid} has locked public\.c \(AccessShareLock\)[^\n]*$/, '... and, once, of statements', set => $quick);
	finds('kinds', $_, 'locks', qr/^$/, '... but not of an index, a brief statement, and another table') foreach 2, 3, 4;
	$s->query("COMMIT; BEGIN; DELETE FROM c WHERE id = 1; PREPARE TRANSACTION 'two'");
	finds('kinds', $_, 'locks', qr/^block\|prepared transaction 'two' has locked public\.c \(RowExclusiveLock\)/, "a prepared transaction is in the way of step $_") foreach 1, 2, 6;
	$node->safe_psql('postgres', q{ROLLBACK PREPARED 'two'; SELECT sg_plan_drop('kinds')});
	$s->quit;
}

# ---- a table that somebody has locked is not waited for
{
	my $s = SgTest::Session->new($node);
	$node->safe_psql('postgres', q{CREATE PUBLICATION pub FOR TABLE c, p; CREATE TRIGGER tr BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
		SELECT sg_plan_create('trigger'), sg_plan_add_statement('trigger', 'DROP TRIGGER tr ON public.c');
		SELECT sg_plan_create('type'), sg_plan_add_statement('type', 'ALTER TABLE public.c ALTER id TYPE bigint')});
	$s->query('BEGIN; LOCK TABLE c');
	my $start = time;
	finds('plan', 1, 'orphans', qr/^warn\|the orphans could not be counted: somebody has locked public\.c\|/, 'a table that is locked');
	finds('plan', 1, 'publication', $major >= 16 ? qr/^(ok|warn\|the publications could not be looked at)/ : qr/^ok/, 'as the view of publications may have to');
	finds('trigger', 1, 'names', qr/^warn\|the names could not be looked up: .*lock timeout/, 'a trigger of it');
	finds('type', 1, 'rows', qr/^warn\|the rows could not be looked at: .*lock timeout/, 'its rows');
	cmp_ok(time - $start, '<', bound(10, 120), 'is not waited for');
	$s->query('ROLLBACK');
	finds('plan', 1, 'orphans', qr/^ok/, 'it is free again');
	$node->safe_psql('postgres', 'DROP PUBLICATION pub; DROP TRIGGER tr ON c');
	$s->quit;
}

# ---- a plan that runs
{
	my $s = SgTest::Session->new($node);
	$s->query(q{BEGIN; SELECT sg_plan_set('plan', '{1}', '{"priority": "high"}')});
	finds('plan', 0, 'in_use', qr/^block\|the session with process ID $s->{pid} runs or changes the plan/, 'somebody changes the plan');
	$s->query('ROLLBACK');
	finds('plan', 0, 'in_use', qr/^ok/, 'nobody does');
	$s->quit;
}

# ---- approval
{
	my $on = 'SET schemaguard.require_approval = on;';
	finds('plan', 0, 'approval', qr/^block\|schemaguard\.require_approval is on: Nobody has approved it.*SELECT public\.sg_plan_approve\('plan', '[0-9a-f]{64}'\);$/, 'a plan that nobody has approved', set => $on);
	finds('plan', 0, 'approval', qr/^ok/, 'as nobody has to');
	$node->safe_psql('postgres', q{SELECT sg_plan_allow('plan', 'bob')});
	as('bob', q{SELECT sg_plan_approve('plan')});
	finds('plan', 0, 'approval', qr/^ok/, 'an approved one', set => $on);
}

# ---- slots, workers
$node->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('slot_one', true)});
finds('plan', 0, 'replication_slots', qr/^warn\|physical slot slot_one is not in use and keeps .* of WAL\|.*pg_drop_replication_slot\('slot_one'\);$/, 'a slot that nobody reads');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('slot_one')});
$node->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('slot_two', 'pgoutput')});
finds('plan', 0, 'replication_slots', qr/^warn\|logical slot slot_two is not in use/, 'a logical one');
$node->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('slot_one', true)});
finds('plan', 0, 'replication_slots', qr/: SELECT pg_drop_replication_slot\('slot_one'\); SELECT pg_drop_replication_slot\('slot_two'\);$/, 'the hint mends all of them');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('slot_one')});
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('slot_two')});
finds('plan', 0, 'replication_slots', qr/^ok/, 'no slot');
# the launcher of logical replication takes the only one
finds('plan', 0, 'workers', qr/^warn\|all 1 worker processes are in use.*max_worker_processes = 9;$/, 'no worker is free');

# ---- privileges
$node->safe_psql('postgres', q{
	CREATE SCHEMA shut AUTHORIZATION bob;
	CREATE SCHEMA alice AUTHORIZATION alice;
	CREATE TABLE shut.p (id int PRIMARY KEY); ALTER TABLE shut.p OWNER TO bob;
	CREATE TABLE alice.c (id int PRIMARY KEY, p_id int); ALTER TABLE alice.c OWNER TO alice;
});
as('alice', q{
	SELECT sg_plan_add_fk('alices', 'alice.c', '{p_id}', 'shut.p', orphans => 'leave');
	SELECT sg_plan_add_fk('alices', 'alice.c', '{id}', 'p');
});
finds('alices', 1, 'privileges', qr/^block\|role alice does not own child public\.c\|Have role \w+, who owns it, run the plan; the plan as SQL: SELECT \* FROM \S*sg_plan_sql\('alices'\);\nblock\|role alice has no REFERENCES on parent public\.p\|Grant it: GRANT REFERENCES \(id\) ON public\.p TO alice;/,
	'ownership and REFERENCES', user => 'alice');
finds('alices', 2, 'privileges', qr/^block\|.*GRANT REFERENCES \(id\) ON shut\.p TO alice;\nblock\|role alice has no USAGE on the schema of shut\.p\|Grant it: GRANT USAGE ON SCHEMA shut TO alice;/,
	'a schema', user => 'alice');
finds('alices', 2, 'validation', qr/^warn\|role alice has no SELECT on the key's columns of shut\.p: VALIDATE checks row by row/, 'a validation that is slow', user => 'alice');
finds('alices', 2, 'orphans', qr/^warn\|the orphans could not be counted: role alice has no USAGE/, 'policy leave: orphans that could not be counted', user => 'alice');
finds('alices', 3, 'orphans', qr/^block\|the orphans could not be counted, and the policy is stop/, 'policy stop: then the step fails', user => 'alice');
finds('alices', 1, 'privileges', qr/^ok/, 'a superuser may');
as('alice', q{SELECT sg_plan_allow('alices', 'bob')});
finds('alices', 2, 'privileges', qr/^block\|role bob does not own child alice\.c\|.*GRANT alice TO bob;/, 'the table of somebody who is none', user => 'bob');
$node->safe_psql('postgres', 'REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA shut TO alice; GRANT REFERENCES, SELECT ON shut.p TO alice');
finds('alices', 2, 'privileges', qr/^ok/, 'with what the hints say it is all right', user => 'alice');
finds('alices', 2, 'validation', qr/^ok/, 'and fast', user => 'alice');
$node->safe_psql('postgres', 'ALTER TABLE shut.p ENABLE ROW LEVEL SECURITY');
finds('alices', 2, 'validation', qr/^warn\|row security of shut\.p applies to role alice: .*ALTER ROLE alice BYPASSRLS;/, 'row security', user => 'alice');
finds('alices', 2, 'validation', qr/^ok/, 'not for a superuser');
$node->safe_psql('postgres', 'ALTER TABLE shut.p DISABLE ROW LEVEL SECURITY; REVOKE UPDATE ON shut.p FROM bob; ALTER SCHEMA alice OWNER TO bob; REVOKE ALL ON SCHEMA alice FROM alice');
finds('alices', 2, 'owner_rights', qr/^warn\|.*role bob has no UPDATE on shut\.p: .*GRANT UPDATE ON shut\.p TO bob;\nwarn\|.*role alice has no USAGE on the schema of alice\.c: .*GRANT USAGE ON SCHEMA alice TO alice;/,
	'owners who may not do what triggers do in their name');
# that is true
is_error($node, q{BEGIN; ALTER TABLE alice.c ADD FOREIGN KEY (p_id) REFERENCES shut.p; INSERT INTO shut.p VALUES (1); INSERT INTO alice.c VALUES (1, 1)}, '42501', undef, 'a write fails then');
$node->safe_psql('postgres', 'GRANT UPDATE ON shut.p TO bob; GRANT USAGE ON SCHEMA alice TO alice');
finds('alices', 2, 'owner_rights', qr/^ok/, 'with the grants it does not');

# the index is built in a schema, and in a tablespace
finds('alices', 2, 'privileges', qr/^block|^ok\|.*\nwarn\|role alice has no CREATE on the schema of alice\.c, which building the index takes\|Grant it: GRANT CREATE ON SCHEMA alice TO alice;$/,
	'no right to build the index', user => 'alice');
{
	my $dir = $node->basedir . '/space';
	mkdir $dir;
	$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$dir'");
	finds('alices', 2, 'disk', qr/^ok/, 'room in the default tablespace', user => 'alice');
	finds('alices', 2, 'disk', qr/^ok/, 'in another one', set => 'SET default_tablespace = space;');
	$node->safe_psql('postgres', 'GRANT CREATE ON TABLESPACE space TO alice; ALTER ROLE alice SET default_tablespace = space');
	finds('alices', 2, 'disk', qr/^ok/, 'for who may use it', user => 'alice');
	$node->safe_psql('postgres', 'ALTER ROLE alice RESET default_tablespace; REVOKE ALL ON TABLESPACE space FROM alice');
	$node->safe_psql('postgres', 'DROP TABLESPACE space');
}

# whoever may see nothing is told so, check by check; what is ok is what he has looked at
$node->safe_psql('postgres', q{CREATE ROLE nobody LOGIN; SELECT sg_plan_allow('plan', 'nobody')});
my $other = SgTest::Session->new($node);
is(join(',', map { $_->[0] } rows($node, q{SELECT check_name || ' ' || result FROM sg_plan_check_details('plan') WHERE result <> 'ok' ORDER BY 1}, user => 'nobody')),
	'disk warn,long_transactions warn,orphans block,privileges block,privileges block,validation warn,validation warn,workers warn', 'a role without any privilege');
$other->quit;

# ---- what depends on the version
SKIP:
{
	skip 'no ICU', 1 unless query(q{SELECT count(*) > 0 FROM pg_collation WHERE collname = 'und-x-icu'}) eq 't';
	$node->safe_psql('postgres', q{
		SET client_min_messages = error;
		CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
		CREATE TABLE pi (code text COLLATE ci PRIMARY KEY);
		CREATE TABLE ci (id int PRIMARY KEY, code text);
		SELECT sg_plan_create('ci'); SELECT sg_plan_add_fk('ci', 'ci', '{code}', 'pi');
	});
	my $block = $major >= 18;
	finds('ci', 1, 'collation', $block ? qr/^block\|columns code and code have incompatible collations/ : qr/^warn\|.*PostgreSQL 18 refuses the key/, 'collations that 18 refuses');
	my ($hint) = found('ci', 1, 'collation') =~ /(ALTER TABLE.*)/;
	$node->safe_psql('postgres', $hint);
	finds('ci', 1, 'collation', qr/^ok/, 'the statement of the hint mends it');
}
SKIP:
{
	skip 'before 17', 2 if $major < 17;
	finds('plan', 0, 'transaction_timeout', qr/^ok/, 'no transaction_timeout');
	finds('plan', 0, 'transaction_timeout', qr/^warn\|transaction_timeout is 60\.0 s, which ends the session/, 'one', set => "SET transaction_timeout = '1min';");
}
SKIP:
{
	skip 'before 18', 3 if $major < 18;
	$node->safe_psql('postgres', q{
		SET client_min_messages = error;
		CREATE TABLE g (id int PRIMARY KEY, v int GENERATED ALWAYS AS (id * 2) VIRTUAL, w int);
		SELECT sg_plan_create('g'); SELECT sg_plan_add_fk('g', 'g', '{v}', 'p'); SELECT sg_plan_add_fk('g', 'g', '{w}', 'p', enforced => false);
	});
	finds('g', 1, 'generated', qr/^block\|column v is a virtual generated column/, 'a virtual column');
	my ($hint) = found('g', 1, 'generated') =~ /(ALTER TABLE.*)/;
	$node->safe_psql('postgres', $hint);
	finds('g', 1, 'generated', qr/^ok/, 'the statement of the hint makes it a stored one');
	finds('g', 2, 'enforcement', qr/^warn\|the key is NOT ENFORCED/, 'a key that is not enforced');
}
$node->safe_psql('postgres', q{SET client_min_messages = error; SELECT sg_plan_create('period');
	SELECT sg_plan_from_sql('period', 'ALTER TABLE c ADD FOREIGN KEY (id, PERIOD p_id) REFERENCES p (id, PERIOD code)')}) if $major >= 18;
finds('period', 1, 'target', qr/^block\|/, 'a key with PERIOD whose parent has none') if $major >= 18;

# ---- a subscription
$node->safe_psql('postgres', q{SET client_min_messages = error;
	CREATE SUBSCRIPTION sub CONNECTION 'dbname=nowhere' PUBLICATION pub WITH (connect = false, slot_name = NONE, enabled = false);
	SET allow_system_table_mods = on;
	INSERT INTO pg_subscription_rel SELECT oid, 'c'::regclass, 'r' FROM pg_subscription WHERE subname = 'sub'});
finds('plan', 1, 'subscription', qr/^warn\|subscription sub writes to public\.c, and what it writes is not checked/, 'the target of a subscription');
$node->safe_psql('postgres', q{DROP SUBSCRIPTION sub});
finds('plan', 1, 'subscription', qr/^ok/, 'of none');

# ---- wraparound: every transaction of the loop uses up one
finds('plan', 1, 'wraparound', qr/^ok/, 'no vacuum is near');
$node->safe_psql('postgres', q{
	CREATE TABLE slow_p (id int PRIMARY KEY, note text);
	CREATE TABLE slow_c (id int PRIMARY KEY, p_id int, note text) WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
		autovacuum_freeze_table_age = 0, autovacuum_freeze_max_age = 100000);
	INSERT INTO slow_p SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
	INSERT INTO slow_c SELECT g, g, repeat('x', 100) FROM generate_series(1, 20000) g;
	SET client_min_messages = error;
	SELECT sg_plan_create('slow'); SELECT sg_plan_add_fk('slow', 'slow_c', '{p_id}', 'slow_p');
	SET synchronous_commit = off;
	DO $$ BEGIN FOR i IN 1..95000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$;
});
finds('slow', 1, 'wraparound', qr/^warn\|a vacuum of public\.slow_c to prevent wraparound is near, and it does not give way\|Get it done before: VACUUM \(FREEZE\) public\.slow_c;$/, 'one is near');
$node->safe_psql('postgres', q{SET synchronous_commit = off;
	DO $$ BEGIN FOR i IN 1..6000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$;});
finds('slow', 1, 'wraparound', qr/^warn\|.*is due/, 'it is due');
$node->append_conf('postgresql.conf', "autovacuum = on\nautovacuum_naptime = 1s\n");
$node->reload;
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_stat_progress_vacuum WHERE relid = 'slow_c'::regclass}) eq '1' }), 'it runs');
finds('slow', 1, 'wraparound', qr/^block\|a vacuum of public\.slow_c to prevent wraparound is running \(pid \d+\)/, 'it is running');
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->reload;
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_progress_vacuum});
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_stat_progress_vacuum}) eq '0' }), 'it is gone');
$node->safe_psql('postgres', 'VACUUM (FREEZE) public.slow_c');
finds('slow', 1, 'wraparound', qr/^ok/, 'the statement of the hint mends it');
$node->safe_psql('postgres', q{ALTER TABLE slow_c RESET (autovacuum_freeze_max_age);
	ALTER TABLE slow_c SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 2000000000);
	UPDATE slow_c SET note = 'y'});
$node->append_conf('postgresql.conf', "autovacuum = on\n");
$node->reload;
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE a.backend_type = 'autovacuum worker' AND l.relation = 'slow_c'::regclass
	AND clock_timestamp() - a.xact_start > '1.1 s'}) eq '1' }), 'an autovacuum that lasts');
finds('slow', 1, 'locks', qr/^warn\|pid (\d+), an autovacuum of public\.slow_c, has locked it \(ShareUpdateExclusiveLock\) for .*: it gives way to a lock that is waited for.*pg_cancel_backend\(\1\);$/,
	'... is told as one', set => "SET schemaguard.lock_budget = '1s';");
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->reload;
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_progress_vacuum});
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_stat_progress_vacuum}) eq '0' }), '... and ended');

# ---- many steps
my $steps = long_run() ? 226 : 60;
$node->safe_psql('postgres', qq{
	SET client_min_messages = error;
	SELECT sg_plan_create('many');
	DO \$\$ BEGIN
		FOR i IN 1..$steps LOOP
			EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, ref int)', i);
			EXECUTE format('INSERT INTO t%s SELECT g, g FROM generate_series(1, 1000) g', i);
		END LOOP;
		FOR i IN 1..$steps LOOP
			PERFORM sg_plan_add_fk('many', 't' || i, '{ref}', 't' || (i / 2 + 1), on_delete => CASE WHEN i > 2 THEN 'cascade' ELSE 'no action' END);
		END LOOP;
	END \$\$;
});
{
	my $start = time;
	is(query(q{SELECT count(DISTINCT step), count(*) FILTER (WHERE result = 'block') FROM sg_plan_check_details('many')}), ($steps + 1) . '|0', "a plan of $steps steps");
	my $seconds = time - $start;
	note sprintf('%d steps: %.2f s', $steps, $seconds);
	cmp_ok($seconds, '<', bound(20, 120), 'in a few seconds');
	$start = time;
	query(q{SELECT count(*) FROM sg_orphan_audit_details(plan => 'many')});
	note sprintf('their audit alone: %.2f s', time - $start);
}

# ---- a standby
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
finds('plan', 0, 'server', qr/^block\|this server is a standby.*CALL public\.sg_add_fks\('plan'\);$/, 'a standby', node => $standby);
finds('plan', 1, 'orphans', qr/^ok\|none in 100 rows/, 'rows are read there', node => $standby);
is(join(',', map { $_->[0] } rows($standby, q{SELECT DISTINCT check_name FROM sg_plan_check_details('plan') WHERE step > 0 ORDER BY 1})),
	join(',', map { $_->[0] } rows($node, q{SELECT DISTINCT check_name FROM sg_plan_check_details('plan') WHERE step > 0 ORDER BY 1})), 'every check is made there');
is(join(',', map { "$_->[0]" } rows($standby, q{SELECT count(DISTINCT step) FROM sg_plan_check_details('many')})), $steps + 1, 'also for many steps');
$standby->stop('immediate');

# ---- and last: what was said to be fine is
$node->safe_psql('postgres', q{SET client_min_messages = error; CALL sg_add_fks('plan'); CALL sg_add_fks('many')});
is(query(q{SELECT count(*) FROM schemaguard.plan_step WHERE plan IN ('plan', 'many') AND state <> 'validated'}), '0', 'all steps deploy');
$node->stop('immediate');
done_testing();
