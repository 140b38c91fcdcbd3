# 051_backfill.pl: columns that are filled on the way to a key: killed at every place, and under load.
#
# One step adds a column of another type to a table, fills it from a table of pairs, gives it a key and drops the old
# one.  The server is killed with SIGKILL before and after each action is committed, and in the middle of the batches;
# rows that were filled stay filled, and the rest is done by the next call.  Then the same while an application, which
# knows nothing of the new column, writes the table: no transaction fails, and in the end each row has the value that
# belongs to it.  Whatever the statistics say, each row is read a few times and locked for a moment.
#
# rooms: deploy
# takes: 30 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

my $node = new_node('backfill', conf => "shared_buffers = 64MB\nautovacuum = off\nlog_min_messages = notice\ntrack_commit_timestamp = on\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

sub make_tables_of
{
	my ($suffix, $rows) = @_;

	query(<<SQL);
CREATE TABLE old_$suffix (id int PRIMARY KEY);
INSERT INTO old_$suffix SELECT generate_series(1, 1000);
CREATE TABLE new_$suffix (code text PRIMARY KEY, old_id int UNIQUE);
INSERT INTO new_$suffix SELECT 'code ' || g, g FROM generate_series(1, 1000) g;
CREATE TABLE rows_$suffix (id int PRIMARY KEY, ref int CONSTRAINT old_key REFERENCES old_$suffix, note text) WITH (fillfactor = 70);
INSERT INTO rows_$suffix SELECT g, CASE WHEN g > $rows * 0.9 THEN 1000 ELSE nullif(g % 1000, 0) END FROM generate_series(1, $rows) g;
ANALYZE old_$suffix, new_$suffix, rows_$suffix;
CREATE FUNCTION code_$suffix(wanted int) RETURNS text LANGUAGE plpgsql STABLE AS \$\$
BEGIN
	IF EXISTS (SELECT FROM public.slow) THEN PERFORM pg_catalog.pg_sleep(CASE wanted WHEN 1000 THEN 3600 ELSE 0.0002 END); END IF;
	RETURN (SELECT code FROM public.new_$suffix WHERE old_id = wanted);
END\$\$;
SELECT sg_plan_create('$suffix');
SELECT sg_plan_add_fk('$suffix', 'rows_$suffix', '{code}', 'new_$suffix', fk_name => 'new_key', replaces => 'old_key',
					  index => false, backfill => 'public.code_$suffix(ref)');
SQL
}

# Rows without the value that belongs to them, if the column is there
sub unfilled
{
	my ($suffix) = @_;

	return query("SELECT count(*) FROM rows_$suffix r LEFT JOIN new_$suffix n ON n.old_id = r.ref
				  WHERE to_jsonb(r) ->> 'code' IS DISTINCT FROM n.code");
}

sub check_finished
{
	my ($suffix) = @_;

	is(unfilled($suffix), '0', "$suffix: each row has the value that belongs to it");
	is(log_gaps($node, $suffix), '', "$suffix: every start in the log has exactly one outcome");
	is(query("SELECT state || coalesce(reason, '') FROM schemaguard.plan_step WHERE plan = '$suffix'"), 'validated',
		"$suffix: the step is validated");
	is(query("SELECT string_agg(fk_name || ' ' || state || ' ' || result, ', ') FROM sg_orphan_audit_details('rows_$suffix')"),
		'new_key valid pass', "$suffix: the new key is valid, armed, and holds; the old one is gone");
	is(query("SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~%') + (SELECT count(*) FROM pg_proc WHERE proname LIKE '~%')"),
		'0', "$suffix: so is the trigger with its function");
}

query('CREATE TABLE slow ()');
query(<<'SQL');
CREATE UNLOGGED TABLE trap (place text, message text);
CREATE FUNCTION trap_in_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM public.trap t WHERE t.place = NEW.phase || ' ' || NEW.action) LOOP
		PERFORM set_config('application_name', 'trapped', true), pg_sleep(0.005);
	END LOOP;
	RETURN NULL;
END$$;
CREATE TRIGGER trap AFTER INSERT ON schemaguard.audit_log FOR EACH ROW EXECUTE FUNCTION trap_in_log();
SQL

# ---------------------------------------------------------------------------------------------------------------------
# Killed
{
	make_tables_of('a', 20000);
	for my $place ('started trigger', 'done trigger', 'started backfill', 'middle', 'done backfill', 'done add', 'done validate',
		'started replace', 'done replace')
	{
		query($place eq 'middle' ? 'INSERT INTO slow DEFAULT VALUES' : "INSERT INTO trap VALUES ('$place')");
		my $s = SgTest::Session->new($node);
		$s->send("CALL sg_add_fks('a')");
		my $left = 0;
		if ($place eq 'middle')
		{
			# the last ones are never, while it is slow
			ok(wait_for(sub { ($left = unfilled('a')) < 19000 }), 'some rows are filled');
			flush_wal($node);
		}
		else
		{
			ok(wait_trapped($node), "$place is reached") or BAIL_OUT($s->{stderr});
		}
		crash($node);
		$s->collect;
		$node->start;
		query('DELETE FROM slow');
		my $now = unfilled('a');
		ok($now > 0 && $now <= $left, "$now of 20000 rows are left") if $place eq 'middle';
		is(query("SELECT count(*) FROM pg_constraint WHERE conname = 'old_key'"), '1', "killed at $place: the old key is there");
		cmp_ok(scalar(split /\n/, log_gaps($node, 'a')), '<=', 1, 'and at most one start has no outcome');
	}
	query("CALL sg_add_fks('a')");
	check_finished('a');
	my $before = everything($node, 'a');
	query("CALL sg_add_fks('a')");
	ok(everything($node, 'a') eq $before, 'running it again changes nothing');
}

# ---------------------------------------------------------------------------------------------------------------------
# Cancelled in the middle
{
	make_tables_of('b', 5000);
	query('INSERT INTO slow DEFAULT VALUES');
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('b')");
	ok(wait_for(sub { unfilled('b') < 4800 }), 'some rows are filled');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', 'a cancelled call raises 57014');
	is(query("SELECT action || ' ' || phase FROM schemaguard.audit_log WHERE plan = 'b' ORDER BY id DESC LIMIT 1"),
		'backfill interrupted', 'and is logged');
	query('DELETE FROM slow');
	query("CALL sg_add_fks('b')");
	check_finished('b');
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# The table is locked for longer than the budget
{
	make_tables_of('d', 1000);
	query("INSERT INTO trap VALUES ('started backfill')");
	my $s = SgTest::Session->new($node);
	$s->query("SET schemaguard.lock_budget = '300ms'; SET schemaguard.lock_attempts = 1000000");
	$s->send("CALL sg_add_fks('d')");
	ok(wait_trapped($node), 'the batches are to begin');
	my $holder = SgTest::Session->new($node);
	$holder->query('BEGIN; LOCK TABLE rows_d IN SHARE MODE');
	query('DELETE FROM trap');
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'd' AND action = 'backfill' AND phase = 'failed'
			AND sqlstate = '55P03'") eq '1' }), 'schemaguard.lock_budget ends it');
	$holder->query('COMMIT');
	$holder->quit;
	$s->collect;
	is($s->sqlstate, '', 'and the call goes on');
	$s->quit;
	query("CALL sg_add_fks('d')");
	check_finished('d');
}

# ---------------------------------------------------------------------------------------------------------------------
# Statistics that are wrong in every way: the first half is filled, and they say that nothing is empty
{
	my $rows = 60000;

	make_tables_of('e', $rows);
	query(<<SQL);
ALTER TABLE rows_e ADD code text, ADD written timestamptz;
UPDATE rows_e SET code = 'code ' || ref;
CREATE INDEX index_e ON rows_e (code);
CREATE INDEX empty_e ON rows_e (id) WHERE code IS NULL;
VACUUM ANALYZE rows_e;
UPDATE rows_e SET code = NULL WHERE id > $rows / 2;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.written := clock_timestamp(); RETURN NEW; END';
CREATE TRIGGER stamp BEFORE UPDATE ON rows_e FOR EACH ROW EXECUTE FUNCTION stamp();
SQL
	my $read = q{SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'rows_e'};
	my $before = query($read);
	my $s = SgTest::Session->new($node);
	$s->query("CALL sg_add_fks('e')");
	$s->quit;
	check_finished('e');
	query('SELECT pg_stat_force_next_flush()');
	my $times = (query($read) - $before) / $rows;
	cmp_ok($times, '<', 10, "e: each row was read a few times ($times): to fill, count, and prove");

	# from the first row that a batch has locked to its commit
	my ($batches, $longest, $usual) = split /\|/, query(q{
		SELECT count(*), round(max(ms)), round(percentile_cont(0.9) WITHIN GROUP (ORDER BY ms))
		FROM (SELECT extract(epoch FROM pg_xact_commit_timestamp(x::xid) - first) * 1000 AS ms
			  FROM (SELECT xmin::text AS x, min(written) AS first FROM rows_e WHERE written IS NOT NULL GROUP BY 1) b) m});
	diag("$batches batches, rows locked for $longest ms at the longest, for $usual ms or less in 9 of 10");
	cmp_ok($usual, '<=', bound(100, 500), 'e: rows were locked for less than schemaguard.lock_timeout');
	cmp_ok($longest, '<', bound(1000, 5000), 'e: never for long');
}

# ---------------------------------------------------------------------------------------------------------------------
# A row that the application keeps locked: others are not locked while a batch waits for it
{
	make_tables_of('f', 2000);
	query("ALTER TABLE rows_f ADD code text");
	my $holder = SgTest::Session->new($node);
	$holder->query("BEGIN; UPDATE rows_f SET note = 'held' WHERE id = 1500");
	my $s = SgTest::Session->new($node);
	query("INSERT INTO trap VALUES ('started backfill')");
	# a batch waits for a row for half of that
	$s->query("SET schemaguard.lock_timeout = '2s'");
	$s->send("CALL sg_add_fks('f', validate => false)");
	# the trigger needs the table for a moment
	$holder->query('COMMIT');
	ok(wait_trapped($node), 'the batches are to begin');
	$holder->query("BEGIN; UPDATE rows_f SET note = 'held' WHERE id = 1500; UPDATE rows_f SET code = NULL WHERE id = 1500");
	query('DELETE FROM trap');
	# The batch that comes upon it may hold others; it gives up, fills and commits those, and the next one begins with it.
	ok(wait_for(sub { query('SELECT count(*) FROM rows_f WHERE code IS NULL AND ref IS NOT NULL
			AND ctid < (SELECT ctid FROM rows_f WHERE id = 1500)') eq '0' }), 'what comes before the locked row is filled');
	my $app = SgTest::Session->new($node);
	my $waits = "SELECT waitstart FROM pg_locks WHERE NOT granted AND pid = $s->{pid}";
	my $free;
	ok( wait_for(
			sub {
				my $since = $app->query($waits);
				$free = $app->query('SELECT count(*) FROM (SELECT FROM rows_f WHERE id <> 1500 FOR UPDATE SKIP LOCKED) free');
				return $since ne '' && $app->query($waits) eq $since;
			}),
		'a batch waits for it');
	is($free, '1999', 'no other row is locked meanwhile');
	$holder->query('COMMIT');
	$s->collect;
	query("CALL sg_add_fks('f')");
	check_finished('f');
	$_->quit foreach $holder, $s, $app;
}

# ---------------------------------------------------------------------------------------------------------------------
# In the middle: taken elsewhere, without its owner, without the extension
{
	my $dump = $node->basedir . '/middle.sql';
	my $trigger = q{SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~%') || ' ' || (SELECT count(*) FROM pg_proc WHERE proname LIKE '~%')};
	my $insert = q{INSERT INTO shop.rows (id, ref) VALUES (1001, 7); SELECT coalesce(code, 'none') FROM shop.rows WHERE id = 1001};

	$node->safe_psql('postgres', 'CREATE ROLE keeper; CREATE DATABASE middle');
	$node->safe_psql('middle', <<'SQL');
CREATE EXTENSION schemaguard;
CREATE SCHEMA shop AUTHORIZATION keeper;
SET ROLE keeper;
CREATE TABLE shop.new (code text PRIMARY KEY, old_id int UNIQUE);
INSERT INTO shop.new SELECT 'code ' || g, g FROM generate_series(1, 1000) g;
CREATE TABLE shop.rows (id int PRIMARY KEY, ref int CONSTRAINT old_key REFERENCES shop.new (old_id));
INSERT INTO shop.rows SELECT g, g FROM generate_series(1, 1000) g;
RESET ROLE;
SELECT sg_plan_create('middle');
SELECT sg_plan_add_fk('middle', 'shop.rows', '{code}', 'shop.new', replaces => 'old_key', index => false,
					  backfill => '(SELECT n.code FROM shop.new n WHERE n.old_id = ref)');
CALL sg_add_fks('middle', validate => false);
SQL
	is($node->safe_psql('middle', $trigger), '1 1', 'a plan in the middle');
	is($node->safe_psql('middle', q{BEGIN; CREATE TEMP TABLE taken AS SELECT sg_snapshot_take('m'); SELECT count(*) FROM schemaguard.snapshot_object WHERE identity ~ '~schemaguard_fill_'}), '0', '... whose trigger is in no snapshot');
	is($node->safe_psql('middle', q{BEGIN; CREATE FUNCTION shop."~schemaguard_fill_f"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER "~schemaguard_fill_t" BEFORE INSERT ON shop.rows FOR EACH ROW EXECUTE FUNCTION shop."~schemaguard_fill_f"();
		CREATE TEMP TABLE taken AS SELECT sg_snapshot_take('m'); SELECT count(*) FROM schemaguard.snapshot_object WHERE identity ~ '~schemaguard_fill_'}), '2', '... as those that others give such names are');
	is($node->safe_psql('middle', q{SELECT regexp_replace(summary, '[0-9a-f]{16}', 'hash') FROM sg_status() WHERE subject = 'leftovers'}),
		qq{plan middle has left key rows_code_fkey ON shop.rows not valid\nplan middle has left trigger "~schemaguard_fill_1_hash" ON shop.rows}, 'sg_status says what is not done');
	command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('middle') ], 'pg_dump takes it');
	for my $db ('elsewhere', 'orphaned', 'without')
	{
		$node->safe_psql('postgres', "CREATE DATABASE $db");
		command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $dump, '-d', $node->connstr($db) ], "restored as $db");
		is($node->safe_psql($db, "SELECT p.proowner::regrole || ' ' || has_function_privilege('pg_monitor', p.oid, 'EXECUTE')
								  FROM pg_proc p WHERE proname LIKE '~%'"), 'keeper false', '... the function as it was');
		is($node->safe_psql($db, $insert), 'code 7', '... rows are filled');
	}
	$node->safe_psql('elsewhere', q{CALL sg_add_fks('middle')});
	is($node->safe_psql('elsewhere', "$trigger || ' ' || (SELECT state FROM schemaguard.plan_step)"), '0 0 validated', 'the plan ends there');

	my $status = $node->safe_psql('orphaned', q{BEGIN; DELETE FROM schemaguard.plan; SELECT summary || E'\n' || next_call FROM sg_status() WHERE subject = 'leftovers'});
	my ($says, $drops) = split /\n/, $status;
	like($says, qr/^trigger "~schemaguard_fill_1_\w+" ON shop\.rows belongs to no plan$/, 'a trigger without the rows of its plan is told');
	is($node->safe_psql('orphaned', "BEGIN; $drops; $trigger"), '0 0', '... with the statement that removes it');
	$node->safe_psql('orphaned', 'DROP OWNED BY keeper CASCADE');
	is($node->safe_psql('orphaned', $trigger), '0 0', 'DROP OWNED takes table, trigger and function');
	$node->safe_psql('orphaned', q{CALL sg_add_fks('middle'); });
	is($node->safe_psql('orphaned', 'SELECT state FROM schemaguard.plan_step'), 'skipped', '... and the step is skipped');

	my ($result, $out, $err) = $node->psql('without', 'DROP EXTENSION schemaguard');
	like($err, qr/cannot drop extension schemaguard because other objects depend on it.*~schemaguard_fill/s,
		'DROP EXTENSION names the trigger');
	is($node->safe_psql('without', 'DELETE FROM shop.rows WHERE id = 1001; ' . $insert), 'code 7', '... and changes nothing');
	$node->safe_psql('without', 'DROP EXTENSION schemaguard CASCADE');
	is($node->safe_psql('without', "$trigger || ' ' || (SELECT count(*) FROM pg_namespace WHERE nspname = 'schemaguard')"), '0 0 0',
		'with CASCADE it takes trigger and function along');
	is($node->safe_psql('without', 'DELETE FROM shop.rows WHERE id = 1001; ' . $insert), 'none', '... and the application goes on');
}

# ---------------------------------------------------------------------------------------------------------------------
# Under load, by an application that knows the old column only
{
	my $dir = PostgreSQL::Test::Utils::tempdir();

	query('DROP TRIGGER trap ON schemaguard.audit_log');
	make_tables_of('c', 100000);
	open my $file, '>', "$dir/mixed.sql" or die "$dir/mixed.sql: $!";
	print $file <<'SQL';
\set id random(1, 100000)
\set ref random(1, 1000)
UPDATE rows_c SET ref = :ref WHERE id = :id;
INSERT INTO rows_c (id, ref) VALUES (100000 + :id, :ref) ON CONFLICT (id) DO UPDATE SET ref = NULL;
UPDATE rows_c SET note = 'x' WHERE id = :id;
SQL
	close $file;
	my $out = "$dir/pgbench.out";
	my $load = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--time=300', '--client=4', '--rate=100', '--random-seed=' . seed(), '--max-tries=1',
			'-f', "$dir/mixed.sql", '-d', $node->connstr('postgres') . ' application_name=pgbench'
		],
		'<', '/dev/null', '>', $out, '2>&1');
	ok(wait_for(sub { query('SELECT count(*) > 0 FROM rows_c WHERE note IS NOT NULL') eq 't' }), 'the application runs');
	my $s = SgTest::Session->new($node);
	$s->query("CALL sg_add_fks('c', validate => false)");
	nap(1);
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = 'c'"), 'added', 'the column is filled, the key is there');
	$load->signal('ALRM');
	$load->finish;
	my $text = slurp_file($out);
	is($load->result(0), 0, 'the application ends') or diag($text);
	like($text, qr/^number of failed transactions: 0 /m, 'none of its transactions failed');
	my @errors = slurp_file($node->logfile) =~ /^.* pgbench (?:ERROR|FATAL|PANIC):.*$/mg;
	is(scalar(@errors), 0, 'no error in a backend of the application') or diag(join "\n", @errors);
	is(unfilled('c'), '0', 'each row has the value that belongs to it, those written meanwhile, too');
	$s->query("CALL sg_add_fks('c')");
	check_finished('c');
	diag('rows filled in batches, ms: ' . query("SELECT rows_affected || ', ' || round(elapsed_ms) FROM schemaguard.audit_log
		WHERE plan = 'c' AND action = 'backfill' AND phase = 'done' AND rows_affected IS NOT NULL"));
	diag(join ' ', $text =~ /^(latency average.*|tps = \S+)/mg);
	$s->quit;
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|was terminated by signal (?:6|7|8|11)\b/, 'no process of the server crashed by itself');
$node->stop;

done_testing();
