# 069_changes.pl: a plan with steps of several kinds is killed with SIGKILL at places of each step and taken up again; then the same
# kinds are made while an application writes their table.
#
# After each kill nothing is half done: a constraint of a step is there, or it is not, and at most one start in the log has no
# outcome. In the end the table is as one call alone makes it, and a rollback gives back what pg_dump shows before, with its
# rows. SG_LONG=1 kills at every place of every step.
#
# rooms: change
# majors: one (kills and load; what kinds do is in regression tests)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgTest;
use SgLive;
use SgLoad;
use Test::More;

my $node = new_node('changes', conf => "schemaguard.fix_limit = -1\nautovacuum = off\nschemaguard.workers = 1\n");
install_traps($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

sub make_schema
{
	my ($s, $rows) = @_;

	query(<<"SQL");
CREATE SCHEMA $s;
CREATE TABLE $s.p (id int PRIMARY KEY);
CREATE TABLE $s.t (id int PRIMARY KEY, p int, price int NOT NULL DEFAULT 1, city text, old text NOT NULL DEFAULT 'o', worth int);
CREATE TABLE $s.gone (id int PRIMARY KEY REFERENCES $s.p, x text);
CREATE TABLE $s.logs (id int, kind int, p int REFERENCES $s.p, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE $s.logs_1 PARTITION OF $s.logs FOR VALUES IN (1);
CREATE TABLE $s.logs_2 PARTITION OF $s.logs FOR VALUES IN (2);
INSERT INTO $s.p SELECT g FROM generate_series(1, 100) g;
INSERT INTO $s.logs SELECT g, 1 + g % 2, g FROM generate_series(1, 100) g;
INSERT INTO $s.t SELECT g, 1 + g % 100, g % 50, CASE WHEN g % 7 > 0 THEN 'c' END FROM generate_series(1, $rows) g;
INSERT INTO $s.gone SELECT g, 'x' FROM generate_series(1, 100) g;
SELECT sg_plan_create('$s');
SELECT sg_plan_add_check('$s', '$s.t', 'price > 0', 'positive', policy => 'delete'),
       sg_plan_add_not_null('$s', '$s.t', 'city', policy => 'set', fill => '''none'''),
       sg_plan_add_column('$s', '$s.t', 'color', 'text DEFAULT ''red'''),
       sg_plan_add_default('$s', '$s.t', 'worth', '7'),
       sg_plan_add_fk('$s', '$s.t', '{p}', '$s.p', index => false),
       sg_plan_add_statement('$s', 'CREATE VIEW $s.cheap AS SELECT id FROM $s.t WHERE price < 10', 'DROP VIEW $s.cheap'),
       sg_plan_add_drop('$s', 'column', '$s.t', 'old'),
       sg_plan_add_drop('$s', 'table', '$s.gone', keep => '$s' <> 'alone'),
       sg_plan_add_rename('$s', 'column', '$s.p', 'key', name => 'id', after => '{t_p_fkey}'),
       sg_plan_add_drop('$s', 'table', '$s.logs_1', keep => '$s' <> 'alone'),
       sg_plan_add_unique('$s', '$s.t', '{id,p}'),
       sg_plan_add_index('$s', '$s.t', '(city, price) WHERE price > 5');
SQL
}

# What a step has made, or not
sub half_made
{
	my ($s) = @_;

	return query(<<"SQL");
SELECT string_agg(format('step %s, %s: %s', step, fk_name, state), ', ')
FROM schemaguard.plan_step s
WHERE plan = '$s' AND state = 'validated' AND NOT CASE kind
	WHEN 'check' THEN EXISTS (SELECT FROM pg_constraint WHERE conname = fk_name AND convalidated AND connamespace = '$s'::regnamespace)
	WHEN 'not null' THEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = '$s.t'::regclass AND attname = 'city' AND attnotnull)
	WHEN 'column' THEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = '$s.t'::regclass AND attname = 'color')
	WHEN 'default' THEN EXISTS (SELECT FROM pg_attrdef WHERE adrelid = '$s.t'::regclass AND pg_get_expr(adbin, adrelid) = '7')
	WHEN 'statement' THEN to_regclass('$s.cheap') IS NOT NULL
	WHEN 'drop' THEN CASE definition WHEN 'table' THEN to_regclass(child_table) IS NULL
		ELSE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = '$s.t'::regclass AND attname = 'old') END
	WHEN 'index' THEN EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('$s.' || fk_name) AND indisvalid)
	WHEN 'rename' THEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = '$s.p'::regclass AND attname = 'key')
	ELSE EXISTS (SELECT FROM pg_constraint WHERE conname = fk_name AND connamespace = '$s'::regnamespace) END
SQL
}

# ---- kills

{
	# in the order in which they run
	my @actions = ([ 1, 'add' ], [ 1, 'validate' ], [ 2, 'add' ], [ 2, 'validate' ], [ 3, 'add' ], [ 4, 'set default' ],
		[ 6, 'statement' ], [ 8, 'drop' ], [ 10, 'detach' ], [ 10, 'drop' ], [ 7, 'drop' ], [ 9, 'rename' ]);
	my @kills = map { my ($step, $action) = @$_; map { [ $step, "$_ $action" ] } ('started', 'before', 'after', 'done') } @actions;

	# traps are in ALTER TABLE, not in CREATE VIEW
	@kills = grep { $_->[0] != 6 || $_->[1] =~ /^(?:started|done)/ } @kills;
	@kills = map { $kills[ $_ * 4 + $_ % 4 ] // () } 0 .. @kills / 4 unless long_run();

	make_schema('alone', 1000);
	make_schema('a', 1000);
	my $before = dump_of_schema($node, 'a');
	my $rows = query('SELECT md5(string_agg(t::text, E\'\n\' ORDER BY id)) FROM a.gone t');
	query("CALL sg_apply('alone', fix => true, fail => true)");

	foreach my $kill (@kills)
	{
		my ($step, $place) = @$kill;
		my $s = SgTest::Session->new($node);

		set_trap($node, $place, $step);
		$s->send("CALL sg_apply('a', fix => true)");
		ok(wait_trapped($node), "step $step reaches '$place'") or last;
		crash($node);
		$s->collect;
		$node->start;
		my @open = split /\n/, log_gaps($node, 'a');
		ok(half_made('a') eq '' && @open <= 1, "killed in step $step at '$place': steps, catalog and log agree") or diag(half_made('a'), "@open");
	}
	spring_traps($node);
	query("CALL sg_apply('a', fix => true, fail => true)");
	is(log_gaps($node, 'a'), '', 'every start in the log has one outcome');
	is(query("SELECT string_agg(DISTINCT state, ' ') FROM schemaguard.plan_step WHERE plan = 'a'"), 'validated', 'all steps are done');
	is_text(dump_of_schema($node, 'a') =~ s/\ba\b/alone/gr, dump_of_schema($node, 'alone'), 'the schema is as one call alone makes it');
	is(query('SELECT count(*) FROM a.t'), query('SELECT count(*) FROM alone.t'), 'rows, too');
	query("CALL sg_rollback_fks('a', fail => true)");
	is_text(dump_of_schema($node, 'a'), $before, 'a rollback gives back the schema that there was');
	is(query('SELECT md5(string_agg(t::text, E\'\n\' ORDER BY id)) FROM a.gone t'), $rows, 'and the rows of the table that was dropped');
	is(query('SELECT count(*) FROM a.logs_1 NATURAL JOIN a.logs'), '50', 'and those of the partition');
}

# ---- of equal rows, the one that stays: it is held by somebody, and then gone

{
	query(<<'SQL');
CREATE TABLE twins (id int PRIMARY KEY, mail text);
INSERT INTO twins VALUES (1, 'a'), (2, 'a'), (3, 'a'), (4, 'b'), (5, 'b');
SELECT sg_plan_create('twins'), sg_plan_add_unique('twins', 'twins', '{mail}', policy => 'quarantine', keep_by => 'id');
SQL
	my $holder = SgTest::Session->new($node);
	my $s = SgTest::Session->new($node);

	$holder->query('BEGIN; DELETE FROM twins WHERE id = 1');
	$s->send("CALL sg_apply('twins', fix => true, fail => true)");
	wait_for(sub { query('SELECT count(*) FROM twins WHERE id = 5') == 0 }) or diag('the other group waits');
	is(query("SELECT string_agg(id::text, ' ' ORDER BY id) FROM twins"), '1 2 3 4', 'nothing goes before what it is equal to is held');
	$holder->query('COMMIT');
	$s->collect;
	is(query("SELECT string_agg(id::text, ' ' ORDER BY id) FROM twins"), '2 4', 'the next one stays in its place');
	$_->quit foreach ($holder, $s);
}

# ---- a table that is renamed in the middle of a step

{
	query(<<'SQL');
CREATE TABLE moved (v int);
SELECT sg_plan_create('moved'), sg_plan_add_default('moved', 'moved', 'v', '1');
SQL
	my $s = SgTest::Session->new($node);

	set_trap($node, 'started set default', 1);
	$s->send("CALL sg_apply('moved')");
	ok(wait_trapped($node), 'the step has begun');
	query('ALTER TABLE moved RENAME TO elsewhere');
	spring_traps($node);
	$s->collect;
	is(query("SELECT state || ': ' || reason FROM schemaguard.plan_step WHERE plan = 'moved'"), 'failed: table public.moved does not exist', 'the step looks again under its lock');
	is(query("SELECT count(*) FROM pg_attrdef WHERE adrelid = 'elsewhere'::regclass"), '0', 'and leaves the table alone');
	query('ALTER TABLE elsewhere RENAME TO moved');
	query("CALL sg_apply('moved', fail => true)");
	is(query("SELECT count(*) FROM pg_attrdef WHERE adrelid = 'moved'::regclass"), '1', 'with its name back, it is done');
	$s->quit;
}

# ---- beside an application

{
	my $clients = 8;
	my ($out, $err) = ('', '');
	my $script = $node->basedir . '/app.sql';

	make_schema('live', 10000);
	append_to_file($script, <<'SQL');
\set id random(1, 10000)
\set p random(1, 100)
UPDATE live.t SET price = 1 + abs(price), city = coalesce(city, 'x') WHERE id = :id;
INSERT INTO live.t (id, p, price, city) VALUES (nextval('live.ids'), :p, 5, 'n');
INSERT INTO live.logs VALUES (nextval('live.ids'), 2, :p);
SELECT count(*) FROM live.p WHERE ctid = '(0,1)';
SQL
	query('CREATE SEQUENCE live.ids START 1000000');
	query(observer_sql());
	local $ENV{PGAPPNAME} = 'short';
	my $load = IPC::Run::start([ 'pgbench', '--no-vacuum', '-h', $node->host, '-p', $node->port, '-c', $clients, '-j', 2, '-T', 600, '-f', $script, 'postgres' ],
		'>', \$out, '2>', \$err);
	wait_for(sub { query('SELECT count(*) FROM live.t WHERE id >= 1000000') > 100 }) or die "no load: $err";
	my $s = SgTest::Session->new($node);
	my $observer = SgTest::Session->new($node);
	my $pid = $s->query('SELECT pg_backend_pid()');
	$observer->query('SET synchronous_commit = off');
	$observer->send("CALL observe($pid, true)");
	wait_for(sub { query('SELECT count(*) FROM seen') > 10 }) or die 'nobody observes';
	$s->query("CALL sg_apply('live', fix => true, fail => true)");
	is($s->{err} =~ s/.*\K^NOTICE.*|^HINT.*\n?//msgr =~ /ERROR/ ? $s->{err} : '', '', 'the call does all of it beside the load');
	$s->quit;
	query(stop_observer_sql());
	$observer->collect;
	$observer->quit;
	my ($longest, $waits, $samples) = split /\|/, query(stalls_sql());
	cmp_ok($longest, '<', bound(150, 1500), 'nobody has waited longer for it than for keys');
	diag("longest wait for the call $longest ms, $waits waits in $samples samples");
	my $sent = query('SELECT last_value FROM live.ids');
	wait_for(sub { query('SELECT last_value FROM live.ids') > $sent + 50 }) or diag('the application stands still');
	$load->signal('INT');
	eval { $load->finish };
	unlike($err, qr/ERROR|aborted/, 'no transaction of the application has failed');
	is(query("SELECT string_agg(DISTINCT state, ' ') FROM schemaguard.plan_step WHERE plan = 'live'"), 'validated', 'all steps are done');
	is(query('SELECT count(*) FROM live.t WHERE price <= 0 OR city IS NULL'), '0', 'no row breaks a rule');
	cmp_ok(query('SELECT (SELECT count(*) FROM live.t WHERE id >= 1000000) + (SELECT count(*) FROM live.logs WHERE id >= 1000000)'), '>=', $sent - 1000000 - 2 * $clients, 'what the application has written is there');
}

$node->stop;
done_testing();
