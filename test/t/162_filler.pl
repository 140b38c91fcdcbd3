# 162_filler.pl: one engine fills new columns, columns of keys, and what CHECK and NOT NULL are about.  From the moment when the call begins, rows
# come with their value; nobody waits long for a row; nothing is called done while a row could still be filled.
#
# rooms: deploy change
# majors: one (who waits for whom; the statements are the same)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_node('filler', conf => "schemaguard.fix_limit = -1\nautovacuum = off\n");
my $s = SgTest::Session->new($node);
my $app = SgTest::Session->new($node);

sub ask { return $app->query($_[0]); }

# Its state, and what keeps it from more; rows that it has fixed are counted elsewhere
sub step
{
	my ($plan, $step) = @_;

	return ask("SELECT concat_ws(': ', state, CASE WHEN reason !~ '^fixed: ' THEN reason END) FROM schemaguard.plan_step WHERE plan = '$plan' AND step = " . ($step // 1));
}

my $triggers = q{SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~%') || ' ' || (SELECT count(*) FROM pg_proc WHERE proname LIKE '~%')};

# Does the call wait for a row?
sub waits_for_row
{
	return wait_for(sub { ask("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $s->{pid} AND locktype = 'transactionid'") eq '1' });
}

# ---------------------------------------------------------------------------------------------------------------------
# A new column: rows that come later have their value, too, until that is ended
ask(<<'SQL');
CREATE TABLE f (id bigserial PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO f (a) SELECT CASE WHEN g % 10 > 0 THEN g END FROM generate_series(1, 3000) g;
SELECT sg_plan_create('f'), sg_plan_add_column('f', 'f', 'b', 'int', fill => 'twice + 1');
SQL
$s->query("CALL sg_apply('f')");
is(ask('SELECT count(*) FROM f WHERE b IS DISTINCT FROM a * 2 + 1'), '0', 'each row has its value');
is(step('f'), q{validated: a trigger fills rows that come without a value, until the column is NOT NULL, or: SELECT public.sg_plan_release('f', 'fill');},
	'the step says that its trigger stays');
is(ask("SELECT message FROM schemaguard.audit_log WHERE plan = 'f' AND action = 'fill' AND phase = 'done'"),
	'300 rows are left without a value: its fill gives none', 'rows for which the expression gives null are counted');
is(ask('INSERT INTO f (a) VALUES (7) RETURNING b'), '15', 'a new row has its value, computed from a generated column');
is(ask('UPDATE f SET a = 8 WHERE id = 10 RETURNING b'), '17', 'so has a row that can be filled only now');
is(ask($triggers), '1 1', 'by one trigger');
is(ask(q{SELECT state FROM sg_status() WHERE subject = 'leftovers'}), 'ok', 'and sg_status takes that for no leftover');
$s->query('ALTER TABLE f RENAME a TO other');
my $size = -s $node->logfile;
is($node->safe_psql('postgres', 'INSERT INTO f (other) VALUES (7) RETURNING coalesce(b::text, $$null$$)'), 'null', 'a column that it reads has another name: the application goes on');
like(slurp_file($node->logfile, $size), qr/LOG:  rows of (public\.)?f come without a value: column .*\ba\b.* does not exist/, 'and the log of the server tells');
$s->query('ALTER TABLE f RENAME other TO a');
is(ask(q{SELECT sg_plan_release('f', 'fill')}), '1', 'sg_plan_release() ends that');
is(ask("$triggers || ' ' || " . q{(SELECT coalesce(reason, 'none') FROM schemaguard.plan_step WHERE plan = 'f')}), '0 0 none', 'trigger and reason are gone');
is(ask('INSERT INTO f (a) VALUES (7) RETURNING coalesce(b::text, $$null$$)'), 'null', 'and rows come as they are');

# ---------------------------------------------------------------------------------------------------------------------
# What ends the filling by itself: NOT NULL, and a drop of what is read
ask(<<'SQL');
CREATE TABLE g (id int PRIMARY KEY, a int);
INSERT INTO g SELECT g, g FROM generate_series(1, 100) g;
SELECT sg_plan_create('g'), sg_plan_add_column('g', 'g', 'b', 'int', fill => 'a * 2'), sg_plan_add_not_null('g', 'g', 'b');
CREATE TABLE h (id int PRIMARY KEY, a int);
INSERT INTO h SELECT g, g FROM generate_series(1, 100) g;
SELECT sg_plan_create('h'), sg_plan_add_column('h', 'h', 'b', 'int', fill => 'a * 2'), sg_plan_add_drop('h', 'column', 'h', 'a', keep => false);
SQL
for my $plan ('g', 'h')
{
	$s->query("CALL sg_apply('$plan', fail => true)");
	is(ask("$triggers || ' ' || (SELECT string_agg(state || coalesce(reason, ''), ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$plan')"),
		'0 0 validated validated' . ($plan eq 'h' ? '100 values gone for good' : ''), "$plan: the step behind it has taken the trigger along");
}
is(ask('INSERT INTO h (id) VALUES (101) RETURNING coalesce(b::text, $$null$$)'), 'null', 'h: the application goes on');

# ---------------------------------------------------------------------------------------------------------------------
# A column that is to go is written until then: each UPDATE of it is carried over, so that the drop does not wait for who writes
ask(<<'SQL');
CREATE ROLE writer;
CREATE TABLE carry (id int PRIMARY KEY, old text, note text);
INSERT INTO carry SELECT g, 'v' || g FROM generate_series(1, 2000) g;
CREATE TABLE journal (n bigserial, id int, val text);
-- what is written to a column that is gone is not written
CREATE FUNCTION write_old(i int, val text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE carry SET old = val WHERE id = i;
	INSERT INTO journal (id, val) VALUES (i, val);
EXCEPTION WHEN undefined_column THEN NULL;
END$$;
SELECT sg_plan_create('carry'), sg_plan_add_column('carry', 'carry', 'new', 'varchar(9)', fill => 'upper(old)'), sg_plan_add_not_null('carry', 'carry', 'new'),
	sg_plan_add_drop('carry', 'column', 'carry', 'old', keep => false, phase => 'later');
GRANT SELECT, INSERT, UPDATE ON carry TO writer;
SQL
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/write.sql", "\\set id random(11, 2000)\n\\set n random(1, 9999999)\nSELECT write_old(:id, 'v' || :n);\n");
my $load = IPC::Run::start(
	[ 'pgbench', '--no-vacuum', '--client=4', '--rate=400', '--time=300', '--random-seed=' . seed(), '-f', "$dir/write.sql", '-d', $node->connstr('postgres') . ' application_name=load' ],
	'<', '/dev/null', '>', "$dir/load.out", '2>&1');
ok(wait_for(sub { ask('SELECT count(*) FROM journal') > 100 }), 'carry: the application writes');
$s->query("CALL sg_apply('carry')");
is(step('carry'), q{validated: a trigger fills rows that come without a value, and carries updates of column old over, until that goes by step 3, or: SELECT public.sg_plan_release('carry', 'fill');},
	'carry: the step says so, behind NOT NULL, too');
is(ask(q{SELECT state FROM sg_status() WHERE subject = 'leftovers'}), 'ok', 'carry: and sg_status takes that for no leftover');
ask('SET ROLE writer');
is(ask(q{UPDATE carry SET old = 'abc' WHERE id = 1 RETURNING new}), 'ABC', 'carry: an UPDATE by who may do no more than that');
is(ask(q{INSERT INTO carry VALUES (0, 'def') RETURNING new}), 'DEF', 'carry: an INSERT that does not name the column');
is(ask(q{UPDATE carry SET old = NULL WHERE id = 2 RETURNING new}), 'V2', 'carry: NULL, which the column refuses, stops no UPDATE');
is(ask(q{UPDATE carry SET old = 'much too long' WHERE id = 3 RETURNING new}), 'V3', 'carry: nor does a value that it refuses');
is(ask(q{UPDATE carry SET old = 'x', new = 'own' WHERE id = 4 RETURNING new}) . ask(q{UPDATE carry SET old = 'y' WHERE id = 4 RETURNING new}), 'ownown', 'carry: a value of the application stays');
is(ask(q{UPDATE carry SET note = 'z' WHERE id = 5 RETURNING new}), 'V5', 'carry: an UPDATE of another column');
# in one transaction: what the load would write meanwhile is not carried
ask('RESET ROLE; BEGIN; ALTER TABLE carry OWNER TO writer');
is(ask(q{UPDATE carry SET old = 'abd' WHERE id = 1 RETURNING new}), 'ABC', 'carry: another owner has nothing computed with the rights of the one before');
ask("ALTER TABLE carry OWNER TO CURRENT_USER; COMMIT; UPDATE carry SET old = 'w' || id, new = upper('w' || id) WHERE id < 5");
ask(q{SELECT sg_plan_release('carry', 'later')});
$s->query("CALL sg_apply('carry', fail => true)");
is(step('carry') . ', ' . step('carry', 3), 'validated, validated: 2001 values gone for good', 'carry: one call drops the column, while the application writes it');
$load->signal('INT');
$load->finish;
is(ask('SELECT count(*) FROM (SELECT DISTINCT ON (id) id, val FROM journal ORDER BY id, n DESC) j JOIN carry USING (id) WHERE new IS DISTINCT FROM upper(val)'), '0',
	'carry: each row has what was written last');
is(ask("$triggers"), '0 0', 'carry: and the triggers are gone');

# ---------------------------------------------------------------------------------------------------------------------
# Step 10 reads what step 9 fills: its trigger fires later
ask(<<'SQL');
CREATE TABLE chain (id int PRIMARY KEY, a int);
SELECT sg_plan_create('chain'), (SELECT max(sg_plan_add_column('chain', 'chain', 'x' || n, 'int')) FROM generate_series(1, 8) n),
	sg_plan_add_column('chain', 'chain', 'b', 'int', fill => 'a * 2'), sg_plan_add_column('chain', 'chain', 'c', 'int', fill => 'b * 2');
SQL
$s->query("CALL sg_apply('chain', fail => true)");
is(ask('INSERT INTO chain (id, a) VALUES (1, 21) RETURNING b || $$ $$ || c'), '42 84', 'triggers fire in the order of their steps');
ask("SELECT sg_plan_release('chain', 'fill')");

# ---------------------------------------------------------------------------------------------------------------------
# Rows that row-level security hides from the table's owner, as whom the expression runs: the step fails
ask(<<'SQL');
CREATE ROLE hidden_owner;
CREATE FUNCTION next_of(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 1; END';
ALTER FUNCTION next_of OWNER TO hidden_owner;
CREATE TABLE hidden (id int PRIMARY KEY);
INSERT INTO hidden SELECT generate_series(1, 100);
ALTER TABLE hidden OWNER TO hidden_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT sg_plan_create('hidden'), sg_plan_add_column('hidden', 'hidden', 'v', 'int', fill => 'public.next_of(id)');
SQL
$s->query("CALL sg_apply('hidden')");
is(step('hidden'), 'failed: query would be affected by row-level security policy for table "hidden"', 'rows that the owner is not shown are not passed over');
$s->query("CALL sg_rollback_fks('hidden')");
ask("SELECT sg_plan_drop('hidden'); DROP TABLE hidden");

# ---------------------------------------------------------------------------------------------------------------------
# Policy `set`, and a row that somebody holds
ask(<<'SQL');
CREATE TABLE held (id int PRIMARY KEY, v int);
INSERT INTO held SELECT generate_series(1, 5000);
SELECT sg_plan_create('held'), sg_plan_add_not_null('held', 'held', 'v', policy => 'set', fill => '0');
SQL
my $holder = SgTest::Session->new($node);
$holder->query('BEGIN; SELECT FROM held WHERE id = 2500 FOR UPDATE');
my $began = time;
$s->query("SET schemaguard.lock_timeout = '200ms'; CALL sg_apply('held', fix => true)");
like(step('held'), qr/^failed: a row of public.held without a value is held by process $holder->{pid}\b/, 'held: the last pass waits, and names who holds the row');
cmp_ok(time - $began, '<', bound(10, 60), 'held: it waits once');
is(ask('SELECT count(*) FROM held WHERE v IS NULL'), '1', 'held: all others are filled');
is(ask("$triggers || ' ' || (SELECT count(*) FROM pg_constraint WHERE conrelid = 'held'::regclass AND contype = 'c')"), '1 1 0', 'held: its trigger fills what comes until the next call; there is no rule yet');

ask('UPDATE held SET v = NULL WHERE id BETWEEN 3000 AND 4000');
$s->query("SET schemaguard.lock_timeout = '60s'");
$s->send("CALL sg_apply('held', fix => true)");
ok(waits_for_row(), 'held: the next call waits for it');
is(ask('INSERT INTO held VALUES (9999) RETURNING v'), '0', 'held: meanwhile a row without a value gets it');
is(ask('SELECT count(*) FROM (SELECT FROM held WHERE id <> 2500 FOR UPDATE SKIP LOCKED) free'), '5000', 'held: no other row is locked');
is(ask('SELECT count(*) FROM held WHERE v IS NULL'), '1', 'held: nor without a value');
$holder->query('COMMIT');
$s->collect;
is(step('held'), 'validated', 'held: then it is done');
is(ask("$triggers || ' ' || (SELECT attnotnull FROM pg_attribute WHERE attrelid = 'held'::regclass AND attname = 'v')"), '0 0 true', 'held: the rule is in the place of the trigger');
$s->query("SET schemaguard.lock_timeout = '100ms'");

# ---------------------------------------------------------------------------------------------------------------------
# A table that somebody has locked once the fill has begun
ask(<<'SQL');
CREATE TABLE shared (id int PRIMARY KEY, v int);
INSERT INTO shared SELECT generate_series(1, 100);
SELECT sg_plan_create('shared'), sg_plan_add_not_null('shared', 'shared', 'v', policy => 'set', fill => '0');
SQL
$holder->query('BEGIN; SELECT FROM shared WHERE id = 50 FOR UPDATE');
$s->query("CALL sg_apply('shared', fix => true)");
$holder->query('COMMIT; BEGIN; LOCK TABLE shared IN SHARE UPDATE EXCLUSIVE MODE');
$s->send("CALL sg_apply('shared', fix => true)");
ok(wait_for(sub { ask("SELECT phase || pg_blocking_pids(pid)::text FROM schemaguard.progress WHERE plan = 'shared'") eq "pausing{$holder->{pid}}" }),
	'shared: a fill says that it pauses, and the server for whom');
ask("SELECT sg_plan_pause('shared')");
ok(wait_for(sub { ask("SELECT phase FROM schemaguard.progress WHERE plan = 'shared'") eq 'throttled' }), 'shared: a pause of the plan is seen meanwhile');
ask("SELECT sg_plan_resume('shared')");
$holder->query('COMMIT');
$s->collect;
is(step('shared'), 'validated', 'shared: then it is done');
is(ask("SELECT blockers -> 0 ->> 'pid' FROM schemaguard.audit_log WHERE plan = 'shared' AND action = 'fill' AND phase = 'done' AND blockers IS NOT NULL"), $holder->{pid}, 'shared: the log says who was in the way');

# ---------------------------------------------------------------------------------------------------------------------
# A value computed from the old one is set once, and only where it mends the row
ask(<<'SQL');
CREATE TABLE once (id int PRIMARY KEY, price numeric(9, 2), gross numeric GENERATED ALWAYS AS (price * 2) STORED, n varchar);
INSERT INTO once (id, price, n) SELECT g, g * 100, g FROM generate_series(1, 10) g;
INSERT INTO once (id, price) VALUES (11, 550);
SELECT sg_plan_create('once'), sg_plan_add_check('once', 'once', 'price <= 500', 'cap', policy => 'set', child_column => 'price', fill => 'price * 0.9'),
	sg_plan_add_check('once', 'once', 'once.gross > 200', 'gross', policy => 'set', child_column => 'price', fill => 'price + 1.001'),
	sg_plan_add_check('once', 'once', $$n ~ '^x'$$, 'x', policy => 'set', child_column => 'n', fill => $$'x' || n$$);
SQL
$s->query("CALL sg_apply('once', fix => true)");
is(step('once'), 'failed: 5 rows are left: its fill gives them no value that mends them', 'once: a value that breaks the rule, too, mends nothing');
is(ask('SELECT count(*) FROM once WHERE price IS DISTINCT FROM CASE id WHEN 1 THEN 101 WHEN 11 THEN 495 ELSE id * 100 END'), '0',
	'once: and changes nothing; one that mends is set once, as the column rounds it');
is(step('once', 2) . ' ' . ask('SELECT gross FROM once WHERE id = 1'), 'validated 202.00', 'once: a rule about a generated column');
is(ask('SELECT string_agg(n, $$ $$ ORDER BY id) FROM once'), 'x1 x2 x3 x4 x5 x6 x7 x8 x9 x10', 'once: text');

# ---------------------------------------------------------------------------------------------------------------------
# Tables of all sorts
ask(<<'SQL');
CREATE TABLE noted (x int);
CREATE TABLE u (id int PRIMARY KEY, v1 int, "~t" int);
INSERT INTO u SELECT g, -g FROM generate_series(1, 1000) g;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO noted VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER note AFTER UPDATE ON u FOR EACH ROW EXECUTE FUNCTION note();
CREATE RULE also AS ON UPDATE TO u DO ALSO INSERT INTO noted VALUES (0);
SELECT sg_plan_create('u'), sg_plan_add_check('u', 'u', 'v1 > 0', 'positive', policy => 'set', child_column => 'v1', fill => '- v1');
CREATE TABLE slow (id int PRIMARY KEY);
INSERT INTO slow SELECT generate_series(1, 60);
CREATE FUNCTION slowly(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep(0.01); RETURN $1; END';
SELECT sg_plan_create('slow'), sg_plan_add_column('slow', 'slow', 'b', 'int', fill => 'public.slowly(id)');
CREATE TABLE query (id int PRIMARY KEY);
INSERT INTO query SELECT generate_series(1, 10);
CREATE TABLE pairs (k int PRIMARY KEY, v int);
INSERT INTO pairs SELECT g, g * 2 FROM generate_series(1, 20) g;
SELECT sg_plan_create('query'), sg_plan_add_column('query', 'query', 'b', 'int', fill => '(SELECT p.v FROM public.pairs p WHERE p.k = id)');
CREATE TABLE parts (id int, b int, k int) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 (k int, gone int, b int, id int);
ALTER TABLE parts_2 DROP gone;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2);
CREATE UNIQUE INDEX ON parts_2 (b);
INSERT INTO parts SELECT g, NULL, g % 2 + 1 FROM generate_series(1, 4000) g;
SELECT sg_plan_create('parts'), sg_plan_add_not_null('parts', 'parts', 'b', policy => 'set', fill => 'id');
SQL
is(ask("SELECT string_agg(check_name || ' ' || result || ': ' || detail, ', ') FROM sg_plan_check_details('query') WHERE check_name = 'fill'"),
	'fill ok: computed 10 rows: none is in the way', 'preflight computes a fill that has a subquery');
$s->query("CALL sg_apply('$_', fix => true)") foreach 'u', 'slow', 'parts', 'query';
is(ask("SELECT string_agg(plan || ' ' || state, ', ' ORDER BY plan) FROM schemaguard.plan_step WHERE plan IN ('u', 'slow', 'parts', 'query')"),
	'parts validated, query validated, slow validated, u validated', 'tables with triggers and rules, slow expressions, partitions, subqueries');
is(ask('SELECT count(DISTINCT x) FROM noted WHERE x > 0'), '1000', 'triggers of the table know the names that they know');
cmp_ok(ask('SELECT max(n) FROM (SELECT count(*) AS n FROM slow GROUP BY xmin::text) t'), '<=', 3, 'the clock ends a transaction in its middle');
is(ask('SELECT count(*) FROM parts WHERE b IS DISTINCT FROM id'), '0', 'partitions have other columns');
ask(<<'SQL');
CREATE TABLE late_work (id int PRIMARY KEY, b int);
INSERT INTO late_work SELECT generate_series(1, 60);
CREATE FUNCTION late_work() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.01); RETURN NULL; END';
CREATE TRIGGER late_work AFTER UPDATE ON late_work FOR EACH ROW EXECUTE FUNCTION late_work();
SELECT sg_plan_create('late_work'), sg_plan_add_not_null('late_work', 'late_work', 'b', policy => 'set', fill => 'id');
SQL
$s->query("CALL sg_apply('late_work', fix => true)");
cmp_ok(ask('SELECT max(n) FROM (SELECT count(*) AS n FROM late_work GROUP BY xmin::text) t'), '<=', 4, 'rows are few where a trigger takes its time behind the statement');
is(ask('INSERT INTO query VALUES (11) RETURNING b'), '22', 'a subquery gives new rows their value, too');

# a trigger that fires behind ours and takes each value away
ask(<<'SQL');
CREATE TABLE back (id int PRIMARY KEY, v int);
INSERT INTO back SELECT generate_series(1, 500);
CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := NULL; RETURN NEW; END';
CREATE TRIGGER "~~back" BEFORE UPDATE ON back FOR EACH ROW EXECUTE FUNCTION back();
SELECT sg_plan_create('back'), sg_plan_add_not_null('back', 'back', 'v', policy => 'set', fill => '0');
SQL
$s->query("SET schemaguard.fill_batch = 50; CALL sg_apply('back', fix => true)");
is(step('back'), 'failed: 500 rows are left after 3 passes: a trigger or rule of the table keeps them, or they come past the trigger that fills them',
	'what takes the values away again comes to an end');
is(ask("$triggers || ' ' || (SELECT count(*) FROM pg_constraint WHERE conrelid = 'back'::regclass AND contype = 'c')"), '3 2 0',
	'and leaves nothing but itself, and the triggers of two other steps');

# ---------------------------------------------------------------------------------------------------------------------
# Volatile expressions: a row keeps its value while what they read of it stays
ask(<<'SQL');
CREATE TABLE old_parent (id int PRIMARY KEY);
INSERT INTO old_parent SELECT generate_series(1, 10);
CREATE TABLE new_parent (id int PRIMARY KEY);
INSERT INTO new_parent SELECT generate_series(1, 1000);
CREATE TABLE vol (id int PRIMARY KEY, ref int CONSTRAINT old_key REFERENCES old_parent, n int, note text, twice int GENERATED ALWAYS AS (n * 2) STORED);
INSERT INTO vol (id, ref) SELECT g, g % 10 + 1 FROM generate_series(1, 20) g;
SELECT sg_plan_create('vol'), sg_plan_add_fk('vol', 'vol', '{new_id}', 'new_parent', fk_name => 'new_key', replaces => 'old_key', index => false,
	backfill => '101 + (random() * 898)::int + 0 * vol.ref + 0 * coalesce((SELECT p.id FROM public.old_parent p WHERE p.id = -1), 0)');
SQL
$s->query("CALL sg_add_fks('vol', validate => false)");
ask("CREATE TABLE kept AS SELECT id, new_id FROM vol; UPDATE vol SET note = 'x', n = 1");
is(ask('SELECT count(*) FROM vol JOIN kept USING (id, new_id)'), '20', 'vol: an update of other columns changes no value');
ask('UPDATE vol SET ref = ref % 10 + 1');
cmp_ok(ask('SELECT count(*) FROM vol JOIN kept USING (id, new_id)'), '<', 5, 'vol: one of what is read does');

# ---------------------------------------------------------------------------------------------------------------------
# The old column is written until it goes: so is the new one, by the trigger
ask(<<'SQL');
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 100);
CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int UNIQUE);
INSERT INTO profiles (user_id) SELECT g FROM generate_series(99, 1, -1) g;
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users ON DELETE CASCADE);
INSERT INTO posts SELECT g, g % 99 + 1 FROM generate_series(1, 500) g;
SELECT sg_plan_create('re'), sg_plan_retarget('re', 'users', 'profiles', 'user_id');
SQL
my $wrong = 'SELECT count(*) FROM posts LEFT JOIN profiles p USING (user_id) WHERE profile_id IS DISTINCT FROM p.id';
$s->query("CALL sg_apply('re')");
is(step('re'), q{validated: a trigger fills (profile_id) of rows that come without it, until column user_id goes by step 3, or: SELECT public.sg_plan_release('re', 'fill');},
	're: the trigger stays while the old column is there');
ask('INSERT INTO posts VALUES (1001, 7); UPDATE posts SET user_id = 8 WHERE id = 1');
is(ask($wrong), '0', 're: behind the new key, rows that name the old table alone refer to the new one, too');
ask('ALTER TABLE posts DISABLE TRIGGER USER; INSERT INTO posts VALUES (1002, 9)');
$s->query("CALL sg_apply('re')");
is(ask($wrong), '0', 're: a trigger that was disabled is noticed by the next call, and its rows are filled');
ask('INSERT INTO posts VALUES (1003, 100)');
ask(q{SELECT sg_plan_release('re', 'retargeted')});
$s->query("CALL sg_apply('re')");
like(step('re', 2) . ', ' . step('re', 3), qr/^failed: 1 row breaks it, waiting/, 're: a row without its counterpart keeps the new column from being NOT NULL, and the old one');
ask('INSERT INTO profiles (user_id) VALUES (100)');
$s->query("CALL sg_apply('re')");
is(join(', ', map { step('re', $_) } 1 .. 3), 'validated, validated, validated', 're: once that is there, the next call fills the row, and the old column goes');
is(ask(q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'posts'::regclass AND tgname LIKE '~%'}), '0', 're: with the trigger');
is(ask('SELECT count(*) FROM posts WHERE profile_id IS NULL'), '0', 're: no reference is lost');

ask(<<'SQL');
CREATE TABLE comments (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users);
SELECT sg_plan_create('rel'), sg_plan_retarget('rel', 'users', 'profiles', 'user_id');
SQL
$s->query("CALL sg_apply('rel')");
is(ask(q{SELECT sg_plan_release('rel', 'fill')}), '1', 'rel: sg_plan_release() ends that, too');
is(ask(q{SELECT (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'comments'::regclass AND tgname LIKE '~%') || ' ' || fills || coalesce(reason, '') FROM schemaguard.plan_step WHERE plan = 'rel' AND step = 1}),
	'0 false', 'rel: without a trace');

# ---------------------------------------------------------------------------------------------------------------------
# Between the new key and the end of the old one, no call waits for a row of the new parent, nor fails for one that goes or is not there
ask(<<'SQL');
CREATE TABLE map (old_id int, new_id int);
INSERT INTO map SELECT g, g * 2 FROM generate_series(1, 10) g;
CREATE TABLE free (id int PRIMARY KEY, ref int CONSTRAINT old_key REFERENCES old_parent, note text);
INSERT INTO free SELECT g, g FROM generate_series(1, 3) g;
SELECT sg_plan_create('free'), sg_plan_add_fk('free', 'free', '{new_id}', 'new_parent', fk_name => 'new_key', replaces => 'old_key', index => false,
	backfill => '(SELECT m.new_id FROM public.map m WHERE m.old_id = ref)');
SQL
$s->query("CALL sg_add_fks('free', validate => false)");
is(ask('INSERT INTO free VALUES (4, 4) RETURNING new_id'), '8', 'free: a parent that is there');
my $caller = SgTest::Session->new($node);
$holder->query('BEGIN; DELETE FROM new_parent WHERE id = 10; SELECT FROM new_parent WHERE id = 12 FOR UPDATE');
for my $call (
	[ 'an insert whose new parent is being deleted', 'INSERT INTO free VALUES (5, 5)' ],
	[ 'one whose new parent is locked', 'INSERT INTO free VALUES (6, 6)' ],
	[ 'an update to such a parent', 'UPDATE free SET ref = 6 WHERE id = 1' ])
{
	$caller->send($call->[1]);
	wait_for(sub { $caller->is_done || ask("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $caller->{pid}") eq '1' });
	ok($caller->is_done, "free: $call->[0] waits for nobody");
}
$holder->query('COMMIT');
$caller->collect;
is($caller->sqlstate, '', 'free: nor fails');
ask('INSERT INTO map VALUES (-1, 99999); INSERT INTO old_parent VALUES (-1)');
$caller->query('INSERT INTO free VALUES (7, -1)');
is($caller->sqlstate, '', 'free: nor does one whose value has no parent');
is(ask('SELECT string_agg(id || $$ $$ || coalesce(new_id::text, $$-$$), $$, $$ ORDER BY id) FROM free'), '1 -, 2 4, 3 6, 4 8, 5 -, 6 -, 7 -', 'free: such rows are left without a value');
$s->query("CALL sg_add_fks('free')");
is(step('free'), 'added: 2 rows that key old_key joins have no value in (new_id)', 'free: the next call fills them, and keeps the old key for those without a parent');
ask('INSERT INTO new_parent VALUES (10), (99999)');
$s->query("CALL sg_add_fks('free')");
is(step('free') . ask(' SELECT string_agg(id || $$ $$ || new_id, $$, $$ ORDER BY id) FROM free'), 'validated1 12, 2 4, 3 6, 4 8, 5 10, 6 12, 7 99999', 'free: until they have one');

# ---------------------------------------------------------------------------------------------------------------------
# A trigger that is dropped or disabled between two calls
sub change_filler
{
	my ($table, $how) = @_;
	my $trigger = ask("SELECT quote_ident(tgname) FROM pg_trigger WHERE tgrelid = '$table'::regclass AND tgname LIKE '~%'");

	return ask($how eq 'dropped' ? "DROP TRIGGER $trigger ON $table" : "ALTER TABLE $table DISABLE TRIGGER $trigger");
}

for my $t ('dropped', 'disabled')
{
	ask(<<SQL);
CREATE TABLE key_$t (id int PRIMARY KEY, ref int CONSTRAINT old_key REFERENCES old_parent);
INSERT INTO key_$t SELECT g, g % 10 + 1 FROM generate_series(1, 20) g;
CREATE TABLE col_$t (id int PRIMARY KEY, a int);
INSERT INTO col_$t SELECT g, g FROM generate_series(1, 20) g;
SELECT sg_plan_create('key_$t'), sg_plan_add_fk('key_$t', 'key_$t', '{new_id}', 'new_parent', fk_name => 'new_key', replaces => 'old_key', index => false,
	backfill => 'ref * 2');
SELECT sg_plan_create('col_$t'), sg_plan_add_column('col_$t', 'col_$t', 'b', 'int', fill => 'a * 2');
SQL
	$s->query("CALL sg_add_fks('key_$t', validate => false)");
	$s->query("CALL sg_apply('col_$t')");
	change_filler("${_}_$t", $t) foreach 'key', 'col';
	ask("INSERT INTO key_$t VALUES (100, 3); INSERT INTO col_$t VALUES (100, 3)");
	is(ask("SELECT result FROM sg_verify_fks_details('col_$t') WHERE test = 'filled'"), 'fail', "$t: sg_verify_fks() sees that nothing fills the column");
	$s->query("CALL sg_add_fks('key_$t')");
	$s->query("CALL sg_apply('col_$t')");
	is(step("key_$t") . ask("SELECT new_id FROM key_$t WHERE id = 100"), 'validated6', "$t: the old key goes when its rows have their value");
	is(ask("SELECT b FROM col_$t WHERE id = 100"), '6', "$t: the next call fills what came meanwhile");
	is(ask("INSERT INTO col_$t VALUES (101, 4) RETURNING b"), '8', "$t: and has the rest filled again");
	ask("SELECT sg_plan_release('col_$t', 'fill')");
}

# ---------------------------------------------------------------------------------------------------------------------
# A column that was there counts against the limit; one that the plan has added does not
ask(<<'SQL');
CREATE TABLE lim (id int, b int);
INSERT INTO lim SELECT generate_series(1, 30);
SELECT sg_plan_create('lim'), sg_plan_add_column('lim', 'lim', 'b', 'int', fill => '7');
SELECT sg_plan_create('lim_new'), sg_plan_add_column('lim_new', 'lim', 'c', 'int', fill => '7');
SQL
$s->query('SET schemaguard.fix_limit = 20');
$s->query("CALL sg_apply('lim')");
like($s->{err}, qr/53400: 30 rows would be deleted or changed without a copy: more than schemaguard.fix_limit allows.*CALL public.sg_apply\('lim', max_rows => 30\)/s, 'lim: refused');
is(ask('SELECT count(b) FROM lim'), '0', 'lim: and nothing is done');
$s->query("CALL sg_apply('lim', max_rows => 30)");
$s->query("CALL sg_apply('lim_new')");
is(ask('SELECT count(b) || $$ $$ || count(c) FROM lim'), '30 30', 'lim: filled as the call allows; a column that the plan adds has no values to lose');
$s->query('RESET schemaguard.fix_limit');
ask(qq{SELECT sg_plan_release('$_', 'fill')}) foreach 'lim', 'lim_new';

# ---------------------------------------------------------------------------------------------------------------------
# What inherits, other than partitions, has rows and triggers of its own
ask(<<'SQL');
CREATE TABLE par (id int, a int, b int);
CREATE TABLE kid (more int) INHERITS (par);
CREATE TABLE grandkid () INHERITS (kid);
INSERT INTO par SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO kid SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO grandkid SELECT g, g FROM generate_series(1, 10) g;
SELECT sg_plan_create('tree'), sg_plan_add_column('tree', 'par', 'c', 'int', fill => 'a * 2');
SELECT sg_plan_create('rule'), sg_plan_add_not_null('rule', 'par', 'b', policy => 'set', fill => 'a');
SQL

$s->query("CALL sg_apply('$_', fix => true)") foreach 'tree', 'rule';
is(ask('SELECT count(*) FROM par WHERE c IS DISTINCT FROM a * 2 OR b IS DISTINCT FROM a'), '0', 'tree: rows of all children are filled');
is(step('rule'), 'validated', 'tree: so a rule that they inherit holds');
is(ask('INSERT INTO kid (a, b) VALUES (5, 5) RETURNING c') . ask('INSERT INTO grandkid (a, b) VALUES (6, 6) RETURNING c'), '1012', 'tree: rows that come to them, too');
ask('ALTER TABLE grandkid NO INHERIT kid; CREATE TABLE late () INHERITS (par); INSERT INTO late (a, b) VALUES (1, 1)');
$s->query("CALL sg_apply('tree')");
is(ask('SELECT c FROM late'), '2', 'tree: one that comes later is filled by the next call');
ask(q{SELECT sg_plan_release('tree', 'fill')});
is(ask(q{SELECT count(*) FROM pg_trigger WHERE tgrelid = ANY ('{par,kid,grandkid,late}'::regclass[])}), '0', 'tree: in the end none keeps its trigger, nor one that has left');

# ---------------------------------------------------------------------------------------------------------------------
# What policy `set` has replaced comes back, where the row still has what was set
ask(<<'SQL');
CREATE TABLE was (id int, part text, v int, n text, price numeric(9, 2), at timestamptz DEFAULT '2026-01-02 03:04:05+00', PRIMARY KEY (id, part, at));
INSERT INTO was SELECT g, 'a "b" \ ,{' || g, NULL, CASE WHEN g % 2 = 0 THEN 'n' END, g * 100 FROM generate_series(1, 700) g;
CREATE TABLE was_before AS TABLE was;
CREATE TABLE was_no_key (v int);
INSERT INTO was_no_key VALUES (NULL), (NULL);
SELECT sg_plan_create('was'), sg_plan_add_not_null('was', 'was', 'v', policy => 'set', fill => 'id'),
	sg_plan_add_check('was', 'was', 'price <= 500', 'cap', policy => 'set', child_column => 'price', fill => '500'),
	sg_plan_add_check('was', 'was', 'n IS NOT NULL', 'nn', policy => 'set', child_column => 'n', fill => $$'x'$$),
	sg_plan_add_not_null('was', 'was_no_key', 'v', policy => 'set', fill => '1');
SQL
$s->query("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German, DMY'");
$s->query("CALL sg_apply('was', fix => true)");
like($s->{err}, qr/2 rows of public.was_no_key were changed, without a copy.*1745 rows of public.was were given a value, their old ones are kept/s, 'was: what is kept');
ask('UPDATE was SET price = 400 WHERE id = 7; DELETE FROM was WHERE id = 8');
$s->query('RESET timezone; RESET datestyle');
$s->query("CALL sg_rollback_fks('was')");
like($s->{err}, qr/$_/, "was: $_")
	foreach 'check cap ON public.was: 693 rows have the old value back', 'check cap ON public.was: left alone: 2 rows keep the value that was set: changed or gone since', 'was_no_key.*left alone: rows that were changed stay so: 2',
	'5 deletions or changes of rows without a copy stay; one row may have had several';
is(ask('SELECT count(*) FROM was w LEFT JOIN was_before b USING (id, part, at) WHERE (w.v, w.n, w.price) IS DISTINCT FROM (b.v, b.n, b.price) OR w.id = 7'), '1', 'was: all others are as before');
is(ask('SELECT v IS NULL AND n IS NULL AND price = 400 FROM was WHERE id = 7') . ask("SELECT count(*) FROM schemaguard.plan_value WHERE plan_id = (SELECT id FROM schemaguard.plan WHERE name = 'was')"), 't0', 'was: a value of somebody else stays; nothing is kept any longer');

# ---------------------------------------------------------------------------------------------------------------------
# Preflight says what keeps rows from being filled
ask(<<'SQL');
CREATE ROLE heir;
CREATE TABLE behind (id int, ref int CONSTRAINT old_key REFERENCES old_parent);
CREATE TRIGGER "~~back" BEFORE UPDATE ON behind FOR EACH ROW EXECUTE FUNCTION back();
SELECT sg_plan_create('behind'), sg_plan_add_fk('behind', 'behind', '{v}', 'new_parent', replaces => 'old_key', backfill => 'ref');
CREATE TABLE behind_part (id int, a int) PARTITION BY LIST (id);
CREATE TABLE behind_part_1 PARTITION OF behind_part FOR VALUES IN (1);
CREATE TRIGGER "~~back" BEFORE UPDATE ON behind_part_1 FOR EACH ROW EXECUTE FUNCTION back();
SELECT sg_plan_create('behind_part'), sg_plan_add_column('behind_part', 'behind_part', 'v', 'int', fill => 'a');
CREATE TABLE ruled (id int, v int);
CREATE RULE nothing AS ON UPDATE TO ruled DO INSTEAD NOTHING;
SELECT sg_plan_create('ruled'), sg_plan_add_not_null('ruled', 'ruled', 'v', policy => 'set', fill => '0');
CREATE TABLE owned (id int);
CREATE TABLE owned_kid () INHERITS (owned);
ALTER TABLE owned_kid OWNER TO heir;
SELECT sg_plan_create('owned'), sg_plan_add_column('owned', 'owned', 'v', 'int', fill => 'id');
SELECT sg_plan_create('typo'), sg_plan_add_fk('typo', 'behind', '{w}', 'new_parent', replaces => 'old_key', backfill => 'reff');
CREATE TABLE lost (id int);
SELECT sg_plan_create('lost'), sg_plan_add_column('lost', 'lost', 'v', 'int', fill => 'id');
SQL
$s->query("CALL sg_apply('lost')");
ask('ALTER TABLE lost DISABLE TRIGGER USER');
is(ask("SELECT string_agg(check_name || ' ' || result || ': ' || detail, ', ') FROM sg_plan_check_details('$_->[0]') WHERE step > 0 AND (check_name = 'filler' OR result = 'block')"),
	$_->[1], "check: $_->[0]")
	foreach [ 'behind', 'filler warn: trigger "~~back" of public.behind fires behind the one that fills rows, and may take their values away' ],
	[ 'behind_part', 'filler warn: trigger "~~back" of public.behind_part_1 fires behind the one that fills rows, and may take their values away' ],
	[ 'ruled', q{filler warn: a rule of public.ruled does something else in place of UPDATE, so the step can't change its rows} ],
	[ 'owned', 'filler warn: public.owned_kid has another owner than public.owned, so rows that come to it are not filled' ],
	[ 'typo', q{filler warn: trigger "~~back" of public.behind fires behind the one that fills rows, and may take their values away, backfill block: the expressions can't be used: column "reff" does not exist} ],
	[ 'lost', 'filler warn: the trigger that fills rows was dropped, disabled or changed: rows come without a value' ];

# ---------------------------------------------------------------------------------------------------------------------
# The owner of a table stops nobody's call: by a view of the function that is to be dropped, by a lock of it, by ALTER FUNCTION
ask(q{CREATE ROLE owner; CREATE TABLE theirs (id int PRIMARY KEY, a int); INSERT INTO theirs VALUES (1, 1); ALTER TABLE theirs OWNER TO owner;
	CREATE SCHEMA theirs AUTHORIZATION owner; SELECT sg_plan_create('theirs'), sg_plan_add_column('theirs', 'theirs', 'b', 'int', fill => 'a + 1')});
$s->query("CALL sg_apply('theirs')");
my $function = ask(q{SELECT tgfoid::regproc FROM pg_trigger WHERE tgrelid = 'theirs'::regclass AND NOT tgisinternal});
ask("SET ROLE owner; ALTER FUNCTION $function() SECURITY INVOKER; RESET ROLE");
is(ask(q{SELECT string_agg(detail, ', ') FROM sg_plan_check_details('theirs') WHERE check_name = 'filler'}), 'the trigger that fills rows was dropped, disabled or changed: rows come without a value',
	'theirs: a function that does not run as its owner any more is told');
$s->query("CALL sg_apply('theirs')");
is(ask("SELECT prosecdef FROM pg_proc WHERE oid = '$function'::regproc"), 't', 'theirs: and made anew');
ask(qq{SET ROLE owner; ALTER FUNCTION $function() SET search_path = theirs; RESET ROLE});
$s->query("CALL sg_apply('theirs')");
is(ask("SELECT proconfig FROM pg_proc WHERE oid = '$function'::regproc"), '{"search_path=pg_catalog, pg_temp"}', 'theirs: so it is with another search_path');
ask(qq{SET ROLE owner; CREATE VIEW theirs.pin AS SELECT 1 AS a WHERE $function() IS NULL; DO \$\$ BEGIN EXECUTE (SELECT format('DROP TRIGGER %I ON theirs', tgname) FROM pg_trigger WHERE tgrelid = 'theirs'::regclass AND NOT tgisinternal); END \$\$; RESET ROLE});
ask(q{CREATE TABLE other (a int); SELECT sg_plan_create('other'), sg_plan_add('other', 'CREATE INDEX other_a ON other (a)')});
$s->query("CALL sg_apply('other')");
is($s->sqlstate . step('other'), 'validated', "theirs: a view keeps the function, and nobody's plan from nothing");
is(ask(q{SELECT count(*) FROM sg_status() WHERE subject = 'leftovers' AND summary ~ '^function .* fills no table any more, and rule _RETURN on view theirs.pin depends on it$'}), '1', 'theirs: sg_status() names both');
like(ask(ask(q{SELECT next_call FROM sg_status() WHERE subject = 'leftovers' AND summary ~ 'theirs.pin'})), qr/theirs\.pin/, 'theirs: its next call runs');
ask('DROP VIEW theirs.pin');
$holder->query("BEGIN; SET LOCAL ROLE owner; COMMENT ON FUNCTION $function() IS 'held'");
$s->query("CALL sg_rollback_fks('other')");
is($s->sqlstate . step('other'), 'rolled back', 'theirs: nor does a lock of it');
$holder->query('ROLLBACK');
ok(ask("SELECT to_regproc('$function') IS NOT NULL") eq 't', 'theirs: meanwhile it is there');
$s->query("CALL sg_apply('other')");
is(ask("SELECT to_regproc('$function') IS NULL"), 't', 'theirs: the next call drops it');

# a column that is renamed while its step fills on: the function is not renamed with it
ask(q{CREATE SCHEMA moves; CREATE TABLE moves.named (id int PRIMARY KEY, a int); INSERT INTO moves.named VALUES (1, 1); SELECT sg_plan_create('named'), sg_plan_add_column('named', 'moves.named', 'b', 'int', fill => 'a + 1')});
$s->query("CALL sg_apply('named')");
my $renamed = q{SELECT string_agg(regexp_replace(summary, '"~\w+"', 'X') || ': ' || next_call, ', ') FROM sg_status() WHERE subject = 'leftovers' AND summary ~ 'by now'};
is(ask("ALTER SCHEMA moves RENAME TO moved; INSERT INTO moved.named VALUES (2, 2); $renamed; SELECT b FROM moved.named WHERE id = 2"), "\n3", 'named: a table whose schema has another name is filled');
is(ask("ALTER TABLE moved.named RENAME b TO c; $renamed"), 'trigger X ON moved.named fills column b, which is called c by now: rows come without a value: ALTER TABLE moved.named RENAME c TO b;', 'named: sg_status tells of a column that is called otherwise');
ask(ask(q{SELECT next_call FROM sg_status() WHERE subject = 'leftovers' AND summary ~ 'by now'}));
is(ask("INSERT INTO moved.named VALUES (3, 3); $renamed; SELECT b FROM moved.named WHERE id = 3"), "\n4", 'named: and it fills again after that call');

# what the fill of a step reads is renamed, in the table or elsewhere: its function names it as it was
ask(q{CREATE TABLE moved.pairs (k int PRIMARY KEY, x int); INSERT INTO moved.pairs VALUES (1, 5); CREATE TABLE moved.reads (id int PRIMARY KEY, v int, w int); INSERT INTO moved.reads VALUES (1, 1, 1);
	SELECT sg_plan_create('reads'), sg_plan_add_column('reads', 'moved.reads', 'a', 'int', fill => 'reads.v + 1'),
		sg_plan_add_column('reads', 'moved.reads', 'b', 'int', fill => '(SELECT p.x AS y FROM moved.pairs p WHERE k = w ORDER BY y)'),
		sg_plan_add_column('reads', 'moved.reads', 'c', 'int', fill => '(SELECT max(g) FROM generate_series(1, w) g)'), sg_plan_add_column('reads', 'moved.reads', 'd', 'text', fill => 'reads::text')});
$s->query("CALL sg_apply('reads')");
my $lacking = q{SELECT string_agg(regexp_replace(summary, '"~\w+_(\d)_\w+"', '\1'), ', ' ORDER BY summary) FROM sg_status() WHERE subject = 'leftovers' AND summary ~ 'moved.reads'};
is(ask("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'reads' AND state = 'validated'") . ask($lacking), '4', 'reads: nothing is missing');
foreach ([ 'moved.reads RENAME v', 'TO z', 'trigger 1 ON moved.reads reads column reads.v, ' ], [ 'moved.pairs RENAME x', 'TO z', 'trigger 2 ON moved.reads reads column p.x, ' ],
	[ 'moved.reads RENAME w', 'TO z', 'trigger 2 ON moved.reads reads column w, ' ], [ 'moved.pairs RENAME', 'TO z', 'trigger 2 ON moved.reads reads relation moved.pairs, ' ],
	[ 'moved.reads RENAME', 'TO z', '' ])
{
	my ($what, $to, $told) = @$_;
	is(ask("BEGIN; ALTER TABLE $what $to; $lacking; ROLLBACK"), $told && $told . 'which is not there: rows come without a value', "reads: ALTER TABLE $what");
}
ask('ALTER TABLE moved.reads RENAME v TO z');
is(ask('INSERT INTO moved.reads VALUES (2, 2, 1) RETURNING a, b'), '|5', 'reads: rows come without a value');
like(ask(ask(q{SELECT next_call FROM sg_status() WHERE summary ~ 'reads.v,'})), qr/column reads.v does not exist/, 'reads: the call that is given says what is wrong');
ask('ALTER TABLE moved.reads RENAME z TO v');
is(ask($lacking), '', 'reads: under its name again it is not told of');

# a cancel, wherever the fill is, is a cancel: no snapshot of a look is in the way of the row that tells of it
ask(q{CREATE TABLE cut (id int PRIMARY KEY, a int); INSERT INTO cut SELECT g, g FROM generate_series(1, 200000) g; SELECT sg_plan_create('cut'), sg_plan_add_column('cut', 'cut', 'b', 'int', fill => 'a * 2')});
$s->query(q{SET schemaguard.fill_batch = 20; SET schemaguard.fill_target = '1ms'});
my %ends;
for my $n (1 .. 12)
{
	$s->send("CALL sg_apply('cut')");
	usleep(150_000 + 30_000 * $n);
	ask("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	$ends{ $s->sqlstate }++;
}
# a fast machine is through before
delete $ends{''};
is(join(' ', keys %ends), '57014', 'cut: each cancel is one');
is(ask(q{SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'cut' AND phase = 'interrupted'}), $ends{57014}, 'cut: and in the log');
$s->query(q{RESET schemaguard.fill_batch; RESET schemaguard.fill_target});

$_->quit foreach $s, $app, $holder, $caller;
$node->stop;
done_testing();
