# 179_lookup.pl: rows as steps of a plan, with the server killed, the database moved, and others at the same rows.
#
#   - the server is killed with SIGKILL in each step, forwards and back: rows, kept values, states and log agree; the next call goes on
#   - a dump in the middle of a plan: the copy goes on, and takes back what the original has done
#   - two plans that write the same rows at once, and a session that writes them by hand: nothing is inserted twice, nothing is lost
#   - a bundle that was stopped in the middle goes on, and tells what it leaves alone
#   - a rollback names the rows that somebody has changed, taken or come to need since, and deletes no rows but those of the plan
#
# rooms: change plan undo
# majors: one (kills and concurrency; what steps do is in regression tests)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;
use SgLoad;

my $node = new_node('lookup', conf => "autovacuum = off\nschemaguard.workers = 1\n");
install_traps($node);

sub query { my ($sql, $db) = @_; return $node->safe_psql($db // 'postgres', $sql); }
sub said { my ($sql, $db) = @_; my $err; $node->psql($db // 'postgres', $sql, stderr => \$err); return $err; }

query(<<'SQL');
CREATE TABLE state (code text PRIMARY KEY, label text NOT NULL, changed timestamptz DEFAULT '2026-01-01');
CREATE TABLE permission (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state text NOT NULL REFERENCES state, role text, UNIQUE (state, role));
CREATE TABLE loose (k text, v text);
INSERT INTO state VALUES ('new', 'New'), ('paid', 'payed'), ('sent', 'Sent');
INSERT INTO permission (state, role) VALUES ('new', 'clerk');
INSERT INTO loose VALUES ('a', '1'), ('b', '2'), ('b', '3'), ('c', NULL);
SQL

sub plan
{
	my ($name) = @_;

	query(<<"SQL");
SELECT sg_plan_create('$name');
SELECT sg_plan_add_rows('$name', 'state', '[{"code": "new", "label": "New"}, {"code": "paid", "label": "Paid"}, {"code": "back", "label": "Sent back"}]'),
	sg_plan_add_rows('$name', 'permission', '[{"state": "back", "role": "clerk"}, {"state": "new", "role": "clerk"}]', '{state,role}', after => '{state_code_rows}'),
	schemaguard.sg_plan_add_step('$name', 'rows', 'child_table', 'public.loose', 'child_columns', '{k}', 'definition', '{"delete": [{"k": "b"}, {"k": "x"}]}',
		'after', '{2}', 'fk_name', 'gone');
SQL
}

# All rows, without numbers that a sequence gives
my $all = q{SELECT string_agg(r, E'\n' ORDER BY r) FROM (SELECT s::text FROM state s UNION ALL SELECT state || '/' || role FROM permission UNION ALL SELECT l::text FROM loose l) x (r)};
# Steps whose state, kept values and rows do not say the same
my $half = q{
	SELECT string_agg(format('step %s is %s, %s values are kept, rows %s', s.step, s.state, v.n, CASE WHEN w.done THEN 'done' ELSE 'not done' END), ', ')
	FROM schemaguard.plan_step s JOIN schemaguard.plan p ON p.name = s.plan
		CROSS JOIN LATERAL (SELECT count(*) AS n FROM schemaguard.plan_value v WHERE v.plan_id = p.id AND v.step = s.step) v
		CROSS JOIN LATERAL (SELECT CASE s.step WHEN 1 THEN EXISTS (SELECT FROM state WHERE code = 'back') WHEN 2 THEN EXISTS (SELECT FROM permission WHERE state = 'back')
			ELSE NOT EXISTS (SELECT FROM loose WHERE k = 'b') END AS done) w
	WHERE s.plan = '%s' AND ((s.state = 'validated') <> w.done OR (v.n > 0) <> w.done)};

# ---- kills
plan('p');
my $before = query($all);
my $after;
foreach my $way ([ "CALL sg_apply('p', fail => true)", '%s rows', 1, 2, 3 ], [ "CALL sg_rollback_fks('p')", '%s rollback change', 3, 2, 1 ])
{
	my ($call, $action, @steps) = @$way;

	foreach my $step (@steps)
	{
		foreach my $phase (long_run() || $step == 1 ? 'started' : (), 'done')
		{
			my $s = SgTest::Session->new($node);

			set_trap($node, sprintf($action, $phase), $step);
			$s->send($call);
			ok(wait_trapped($node), "'$call' reaches '$phase' of step $step") or BAIL_OUT($s->collect . $s->{err});
			crash($node);
			$s->collect;
			$node->start;
			is(query(sprintf $half, 'p'), '', 'killed there: state, kept values and rows agree');
			my @open = split /\n/, log_gaps($node, 'p');
			ok(@open <= 1, 'and at most one start in the log has no outcome') or diag("@open");
		}
	}
	query($call);
	$after //= query($all);
	is(log_gaps($node, 'p'), '', 'the next call goes on: every start has one outcome');
}
isnt($after, $before, 'the plan has changed rows');
is(query(q{SELECT string_agg(DISTINCT state, ' ') FROM schemaguard.plan_step WHERE plan = 'p'}), 'rolled back', 'all is rolled back');
is(query($all), $before, 'and the rows are what they were');
is(query('SELECT count(*) FROM schemaguard.plan_value'), 0, 'no value is kept any longer');

# ---- moved in the middle
plan('m');
query(q{CALL sg_apply('m', steps => '{1}')});
my $file = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $file, 'postgres' ], 'a dump in the middle');
query('CREATE DATABASE copy');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'copy', $file ], 'restored');
is(query(q{SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'm'}, 'copy'), '1 validated, 2 pending, 3 pending', 'the copy is in the middle, too');
unlike(said(q{CALL sg_apply('m', fail => true)}, 'copy'), qr/ERROR|step 1/, 'it goes on');
is(query($all, 'copy'), $after, 'to the end');
unlike(said(q{CALL sg_rollback_fks('m')}, 'copy'), qr/ERROR|left alone/, 'and back');
is(query($all, 'copy'), $before, 'by the values that came with the dump');
is(query($all) eq $before, '', 'the original is where it was');
query(q{CALL sg_rollback_fks('m')});
is(query($all), $before, 'and goes back by itself');
query(q{SELECT sg_plan_drop('m'), sg_plan_drop('p')});
query('DROP DATABASE copy');

# ---- two plans, and somebody by hand, at the same rows
query(q{SELECT sg_plan_create('one'), sg_plan_create('two')});
query(qq{SELECT sg_plan_add_rows('$_', 'loose', '[{"k": "a", "v": "$_"}, {"k": "n", "v": "$_"}]', '{k}')}) foreach qw(one two);
my $hand = SgTest::Session->new($node);
my @call = map { SgTest::Session->new($node) } 1 .. 2;
my $waits = q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CALL sg_apply%'};
$hand->query(q{BEGIN; INSERT INTO loose VALUES ('n', 'by hand')});
$_->query(q{SET schemaguard.lock_timeout = '60s'}) foreach @call;
$call[0]->send(q{CALL sg_apply('one', fail => true)});
$call[1]->send(q{CALL sg_apply('two', fail => true)});
ok(wait_for(sub { query($waits) == 2 }), 'both wait for who writes the table');
$hand->query('COMMIT');
$_->collect foreach @call;
is(join('', map { $_->{err} =~ /ERROR.*/ ? $& : '' } @call), '', 'both end well');
like(query(q{SELECT string_agg(k || v, ' ' ORDER BY k) FROM loose WHERE k IN ('a', 'n')}), qr/^(aone none|atwo ntwo)$/, 'the row of somebody else was seen, and is there once');
my ($last, $first) = query(q{SELECT v FROM loose WHERE k = 'n'}) eq 'one' ? qw(one two) : qw(two one);
like(said("CALL sg_rollback_fks('$first')"), qr/2 left alone, changed, in use or gone since: \{"k": "a"\}, \{"k": "n"\}/, 'whose values are overwritten takes none back, and names the rows');
said("CALL sg_rollback_fks('$last')");
is(query(q{SELECT string_agg(k || v, ' ' ORDER BY k) FROM loose WHERE k IN ('a', 'n')}), "a$first n$first", 'whose values are there does');
query(q{UPDATE loose SET v = '1' WHERE k = 'a'; DELETE FROM loose WHERE k = 'n'});
is(query($all), $before, 'as before');

# two plans that take back at once, and one that is applied and taken back at once
query(qq{CALL sg_apply('$_', fail => true)}) foreach qw(one two);
$call[0]->send(q{CALL sg_rollback_fks('one')});
$call[1]->send(q{CALL sg_rollback_fks('one')});
$_->collect foreach @call;
query(q{CALL sg_rollback_fks('one')});
is(query(q{SELECT state FROM schemaguard.plan_step WHERE plan = 'one'}), 'rolled back', 'two calls take a plan back once');
query(q{CALL sg_rollback_fks('two')});
is(query(q{SELECT v FROM loose WHERE k = 'a'}), 'one', 'its values were not there');
query(q{UPDATE loose SET v = '1' WHERE k = 'a'; DELETE FROM loose WHERE k = 'n'; SELECT sg_plan_drop('one'), sg_plan_drop('two')});

# ---- somebody has been at the rows since
query(q{CREATE TABLE note (id int PRIMARY KEY, state text REFERENCES state ON DELETE CASCADE, said text)});
plan('s');
query(q{CALL sg_apply('s', fail => true)});
query(q{INSERT INTO note VALUES (1, 'back', 'of a user'); UPDATE permission SET role = 'boss' WHERE state = 'back'; INSERT INTO loose VALUES ('b', 'again'); UPDATE state SET label = 'PAID' WHERE code = 'paid'});
my $told = said(q{CALL sg_rollback_fks('s')});
like($told, qr/step 3, .*2 left alone.*: \{"k": "b"\}/, 'a key that is taken') or diag($told);
like($told, qr/step 2, .*1 left alone.*: \{"role": "clerk", "state": "back"\}/, 'a row whose key was changed');
like($told, qr/step 1, .*2 left alone.*: (?=.*"paid").*"back"/, 'a value that is another one by now, and a row that others need');
is(query(q{SELECT said FROM note}), 'of a user', 'no row of somebody else is gone');
is(query(q{SELECT string_agg(code || label, ' ' ORDER BY code) FROM state}), 'backSent back newNew paidPAID sentSent', 'what was changed is there');
is(query(q{SELECT string_agg(v, ' ' ORDER BY v) FROM loose WHERE k = 'b'}), 'again', 'and is not doubled');

# a key that would carry on what a step changes
query(q{CREATE TABLE unit (code text PRIMARY KEY, sign text UNIQUE); CREATE TABLE measure (sign text REFERENCES unit (sign) ON UPDATE SET NULL);
	INSERT INTO unit VALUES ('metre', 'M'); INSERT INTO measure VALUES ('M'); SELECT sg_plan_create('u'), sg_plan_add_rows('u', 'unit', '[{"code": "metre", "sign": "m"}]')});
like(said(q{CALL sg_apply('u')}), qr/changing 1 row of table public.unit would reach rows of table public.measure that refer to it/, 'a step does not empty rows of another table');
is(query('SELECT sign FROM measure'), 'M', 'nor does it');

# nor rows that come behind a table in between while the change waits: of a step, of its rollback, of a script
query(q{SELECT sg_plan_drop('u', force => true); DROP TABLE measure; CREATE TABLE entry (sign text PRIMARY KEY REFERENCES unit (sign) ON UPDATE CASCADE);
	CREATE TABLE remark (sign text REFERENCES entry ON UPDATE SET NULL); INSERT INTO entry VALUES ('M');
	SELECT sg_plan_create('u'), sg_plan_add_rows('u', 'unit', '[{"code": "metre", "sign": "m"}]')});
$waits = q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '^(CALL|DO)'};
my $script = query(q{SELECT schemaguard.sg_sync_lookup_guarded('public.unit', 'true', '{sign}', 'sign = upper(sign)')});
foreach my $change ([ q{CALL sg_apply('u')}, 'M', 'a step' ], [ q{CALL sg_rollback_fks('u')}, 'm', 'its rollback' ], [ $script, 'm', 'a script' ])
{
	my ($call, $sign, $what) = @$change;

	$call[0]->query($sign eq 'm' ? q{CALL sg_apply('u', fail => true)} : q{SELECT});
	$hand->query(qq{BEGIN; INSERT INTO remark VALUES ('$sign')});
	$call[0]->send($call);
	ok(wait_for(sub { query($waits) == 1 }), "$what waits for who refers to a table in between");
	$hand->query('COMMIT');
	$call[0]->collect;
	is(query('SELECT sign FROM remark'), $sign, "... and leaves the row its value");
	query('DELETE FROM remark');
}

# ---- bundles: what a call has written of them is not strange to the next one, and what they leave alone is told
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(circle left_out);
query(<<'SQL', $_) foreach qw(circle left_out);
CREATE EXTENSION schemaguard;
CREATE SCHEMA app;
CREATE TABLE app.country (id int PRIMARY KEY, name text NOT NULL UNIQUE, capital int);
CREATE TABLE app.city (id int PRIMARY KEY, name text, country int REFERENCES app.country);
ALTER TABLE app.country ADD FOREIGN KEY (capital) REFERENCES app.city;
CREATE FUNCTION app.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF current_setting('app.stop', true) = TG_TABLE_NAME || ' ' || TG_OP THEN RAISE 'stopped'; END IF;
	RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER stop BEFORE INSERT OR UPDATE OR DELETE ON app.country FOR EACH ROW EXECUTE FUNCTION app.stop();
CREATE TRIGGER stop BEFORE INSERT OR UPDATE OR DELETE ON app.city FOR EACH ROW EXECUTE FUNCTION app.stop();
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('app.country'), ('app.city');
INSERT INTO schemaguard.environment (name, server, stage, next) VALUES ('prod', NULL, 'production', NULL), ('dev', 'nowhere', 'development', 'prod');
SQL
my $places = q{SELECT concat_ws(' ', (SELECT string_agg(c::text, ' ' ORDER BY c::text) FROM app.country c), (SELECT string_agg(c::text, ' ' ORDER BY c::text) FROM app.city c))};

query(q{INSERT INTO app.country VALUES (1, 'DE', NULL); INSERT INTO app.city VALUES (1, 'Berlin', 1); UPDATE app.country SET capital = 1; SELECT sg_snapshot_take('dev', 'app');
	UPDATE app.country SET capital = NULL; DELETE FROM app.city; DELETE FROM app.country;
	INSERT INTO app.country VALUES (2, 'DE', NULL); INSERT INTO app.city VALUES (2, 'Bonn', 2); UPDATE app.country SET capital = 2}, 'circle');
my $first = query($places, 'circle');
foreach my $stop ('country UPDATE', 'country DELETE', 'country INSERT', 'city UPDATE', 'city DELETE')
{
	my $bundle = query(q{SELECT bundle FROM sg_promote('dev', 'prod', 'dev', 'app', allow_drop => true)}, 'circle');
	my $call = "CALL sg_promote_apply('$bundle')";

	like(said("SET app.stop = '$stop'; $call", 'circle'), qr/ERROR.*app.stop\(\)/s, "stopped at $stop");
	my $half = query($places, 'circle');
	like(said("UPDATE app.city SET name = 'ours' WHERE id = 1; $call", 'circle'), qr/have changed since/, 'what others have changed is not in the bundle') if $stop eq 'country DELETE';
	query(q{UPDATE app.city SET name = 'Berlin' WHERE id = 1}, 'circle') if $stop eq 'country DELETE';
	unlike(said($call, 'circle'), qr/ERROR|WARNING/, "and goes on from ($half)");
	is(query($places, 'circle'), '(1,DE,1) (1,Berlin,1)', 'to the end');
	is(query("SELECT state, gate FROM schemaguard.promotion WHERE bundle = '$bundle'", 'circle'), 'applied|pass', 'which its gate sees');
	unlike(said("CALL sg_promote_rollback('$bundle')", 'circle'), qr/ERROR/, 'taken back');
	is(query($places, 'circle'), $first, 'and is as it was');
}

# values that rows swap are left alone, and so is what needs such a row; the gate does not know, and a person who makes place lets the call go on
query(q{INSERT INTO app.country VALUES (1, 'DE', NULL), (2, 'AT', NULL), (3, 'CH', NULL); INSERT INTO app.city VALUES (3, 'Bern', 3); SELECT sg_snapshot_take('dev', 'app');
	DELETE FROM app.city; DELETE FROM app.country; INSERT INTO app.country VALUES (1, 'AT', NULL), (2, 'DE', NULL), (4, 'CH', NULL)}, 'left_out');
my $left = query(q{SELECT bundle FROM sg_promote('dev', 'prod', 'dev', 'app')}, 'left_out');
is(query("SELECT string_agg(object || ' ' || left(detail, 12), ', ' ORDER BY item) FROM schemaguard.promotion_item WHERE part = 'left out'", 'left_out'),
	'rows app.city 1 left alone, rows app.country 3 left alone, rows app.country 1 deleted', 'told beforehand');
like(said("CALL sg_promote_apply('$left')", 'left_out'), qr/unknown: rows app.city: 1 left alone, which need rows that are left alone/, 'and afterwards');
is(query('SELECT state, gate FROM schemaguard.promotion', 'left_out'), 'applied|unknown', 'the gate does not know');
is(query($places, 'left_out'), '(1,AT,) (2,DE,) (4,CH,)', 'nothing is lost');

# no row goes while one that is to come first is not there: a constraint that is not looked at keeps it out
query(q{DELETE FROM app.country; ALTER TABLE app.country DROP CONSTRAINT country_name_key, ADD CONSTRAINT one EXCLUDE USING btree (name WITH =);
	INSERT INTO app.country VALUES (1, 'DE', NULL); SELECT sg_snapshot_drop('dev'), sg_snapshot_take('dev', 'app');
	DELETE FROM app.country; INSERT INTO app.country VALUES (4, 'DE', NULL)}, 'left_out');
$left = query(q{SELECT bundle FROM sg_promote('dev', 'prod', 'dev', 'app', allow_drop => true)}, 'left_out');
like(said("CALL sg_promote_apply('$left')", 'left_out'), qr/ERROR.*conflicting key value/s, 'refused');
is(query($places, 'left_out'), '(4,DE,)', 'and stays');
query('DELETE FROM app.country', 'left_out');
unlike(said("CALL sg_promote_apply('$left')", 'left_out'), qr/ERROR|WARNING/, 'and goes on when a person has made place');
is(query($places, 'left_out'), '(1,DE,)', 'to the end');

done_testing();
