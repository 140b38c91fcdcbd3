# 176_ensure.pl: CALL sg_ensure when an application starts: of many starters one works, and the others see its result.
#
# Twenty start at once, and the one that works is killed in the middle. What waits holds nothing that CREATE INDEX CONCURRENTLY would wait for.
# What would take something away, or ask something of rows, is left out and named.
#
# rooms: sync
# majors: one (sessions; what the statements are is in 142_sync)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use JSON::PP;
use SgLoad qw(install_traps spring_traps wait_trapped log_gaps);
use SgTest;
use Test::More;

my $node = new_node('ensure', conf => "fsync = off\nmax_connections = 60\n");

sub query { my ($sql, $db) = @_; return $node->safe_psql($db // 'postgres', $sql); }

# A call's result
sub ensure { my ($call, $db) = @_; return decode_json(query("CALL sg_ensure($call)", $db)); }

# "kind object: reason" of a list of a result
sub listed { return join '; ', map { "$_->{kind} $_->{object}" . ($_->{reason} ? ": $_->{reason}" : '') } @{ $_[0] }; }

query('CREATE DATABASE dev');
query('CREATE EXTENSION schemaguard', 'dev');
query(<<'SQL', 'dev');
CREATE SCHEMA app;
CREATE TABLE app.customers (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE app.orders (id bigint PRIMARY KEY, customer_id bigint CONSTRAINT orders_customer REFERENCES app.customers,
	note text DEFAULT 'none', total numeric NOT NULL DEFAULT 0, must int NOT NULL, doubled bigint GENERATED ALWAYS AS (id * 2) STORED,
	CONSTRAINT orders_total CHECK (total >= 0), CONSTRAINT orders_note UNIQUE (note));
CREATE INDEX orders_customer_idx ON app.orders (customer_id);
CREATE UNIQUE INDEX orders_pair ON app.orders (id, customer_id);
CREATE INDEX orders_must ON app.orders (must);
CREATE TABLE app.items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint REFERENCES app.orders, qty int CHECK (qty > 0));
CREATE VIEW app.lines AS SELECT id, qty FROM app.items;
CREATE FUNCTION app.noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER noop BEFORE INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION app.noop();
SELECT sg_snapshot_take('baseline', 'app');
SQL
my $document = query("SELECT sg_snapshot_export('baseline')", 'dev') =~ s/'/''/gr;
my $here = <<'SQL';
CREATE SCHEMA app;
CREATE TABLE app.customers (id bigint PRIMARY KEY, name text);
CREATE TABLE app.orders (id bigint PRIMARY KEY, customer_id bigint);
CREATE TABLE app.ours (i int);
INSERT INTO app.customers VALUES (1, 'a'), (2, NULL);
INSERT INTO app.orders SELECT i, 1 FROM generate_series(1, 100) i;
SQL
query($here);
my $critical = q{'{app.customers,app.orders.note,app.orders.orders_customer,app.items}'};
my $state = q{SELECT string_agg(n::text, ' ') FROM (SELECT count(*) FROM schemaguard.snapshot UNION ALL SELECT count(*) FROM schemaguard.plan
	UNION ALL SELECT count(*) FROM schemaguard.ensured UNION ALL SELECT count(*) FROM schemaguard.audit_log
	UNION ALL SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace) x (n)};

# ---- check tells, and writes nothing

my $before = query($state);
my $told = ensure("'$document'::jsonb, $critical, 'check'");
is(query($state), $before, 'check writes nothing');
my $todo = 'function app.noop(); table app.items; column app.orders.note; column app.orders.total';
like(listed($told->{todo}), qr/^\Q$todo\E/, 'it tells what would be made');
ok(!$told->{ready}, '... and that it is not ready');
is(join(' ', map { $_->{result} } @{ $told->{critical} }), 'pass fail fail fail', '... for what is critical is missing');
my $left = listed($told->{left_out});
foreach my $reason ('column app.orders.doubled: rows that are there would be rewritten',
	'column app.orders.must: rows that are there have no value for it: it has no default',
	'column app.customers.name: it is there, and not as in the reference',
	'index app.orders_must: stands on what is left out', 'index app.orders_pair: it is a rule for rows that are there',
	'constraint app.orders.orders_note: it is a rule for rows that are there',
	'constraint app.orders.orders_total: it is a rule for rows that are there',
	'trigger app.orders.noop: it changes what statements on objects that are there do')
{
	like($left, qr/(^|; )\Q$reason\E(;|$)/, "left out: $reason");
}
is(listed($told->{extra}), 'table app.ours', 'what this database alone has is named, and stays');

# ---- twenty start, and the one that works is killed in the middle

install_traps($node);
query("INSERT INTO trap SELECT 'started ' || action, 5, NULL, 0 FROM unnest('{add,validate,statement,index}'::text[]) action");
my @starters = map { SgTest::Session->new($node) } 1 .. 20;
$_->send("CALL sg_ensure('$document'::jsonb, $critical)") for @starters;
ok(wait_trapped($node), 'one of twenty works, and stands still');
my $working = q{SELECT pid FROM pg_locks WHERE locktype = 'object' AND classid = 'schemaguard.plan'::regclass AND objid = 0 AND mode = 'ExclusiveLock'};
my $holder = query($working);
like($holder, qr/^\d+$/, '... alone');

# what waits is no obstacle for the index that the next one builds concurrently
my %free;
ok(wait_for(sub {
	$free{$_} = 1 for split /\n/, query(qq{SELECT a.pid FROM pg_stat_activity a WHERE a.query LIKE 'CALL sg\\_ensure%' AND a.pid <> $holder
		AND a.backend_xmin IS NULL AND a.backend_xid IS NULL
		AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype <> 'virtualxid')});
	return keys %free == 19;
}, 60), 'those that wait hold no snapshot and no lock');
is(query(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL sg\_ensure%' AND wait_event_type = 'Lock'}), '0', 'none waits in a queue');

query("SELECT pg_terminate_backend($holder, 10000)");
ok(wait_for(sub { my $now = query($working); $now ne '' && $now ne $holder }, 30), 'another one follows');
spring_traps($node);
my @results = map { my ($json) = ($_->collect // '') =~ /(\{.*\})/s; $json ? decode_json($json) : undef } @starters;
is(scalar(grep { !defined } @results), 1, 'one is dead, all others have a result');
@results = grep { defined } @results;
is(scalar(grep { $_->{ready} } @results), 19, 'all are ready');
is(scalar(grep { $_->{worked} } @results), 1, 'one of them has worked');
delete $_->{worked} for @results;
my %same = map { JSON::PP->new->canonical->encode($_) => 1 } @results;
is(scalar keys %same, 1, 'they are told the same');
my $plan = $results[0]{plan};
is(log_gaps($node, $plan), '', 'every start in the log has one outcome');
is(query("SELECT string_agg(DISTINCT state, ' ') FROM schemaguard.plan_step"), 'validated', 'each step is done');
is(query('SELECT count(*) FROM schemaguard.plan'), '1', 'there is one plan');
is(query(q{SELECT count(*) || ' ' || min(plan) FROM schemaguard.ensured}), "1 $plan", 'and one row, by the digest');
is(query("SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT indisvalid"), '', 'no index is invalid');
is(query('SELECT count(*) FROM app.ours'), '0', 'what this database alone has is there');
is(query(q{SELECT count(*) FROM pg_trigger WHERE tgname = 'noop'}), '0', 'what is left out was not made');
$_->quit for @starters;

# ---- later starts

my $again = ensure("'$document', $critical");
is(listed($again->{done}) . ($again->{ready} ? ' ready' : ''), ' ready', 'a later start finds all there, by the text of the document, too');
is(query("SELECT count(*) FROM schemaguard.snapshot WHERE name LIKE 'document %'"), '1', 'the document is kept once');
ok(!ensure("'$document'")->{ready}, 'without critical names, all has to be there');
is_error($node, "CALL sg_ensure('$document', fail => true)", 'SG007', qr/column app\.orders\.must: rows that are there have no value/, 'with fail, it is an error');
is(ensure("'$document', $critical, fail => true")->{ready} ? 1 : 0, 1, '... unless what is critical is there');
query("CALL sg_rollback_fks('$plan', fail => true)");
is(query("SELECT to_regclass('app.items') IS NULL"), 't', 'a rollback takes it back');

# ---- orphans stop their key alone

query('INSERT INTO app.orders VALUES (1000, 1000)');
my $orphan = ensure("'$document', $critical");
is(join(' ', map { $_->{result} } @{ $orphan->{critical} }), 'pass pass fail pass', 'a key with an orphan is missing');
like(listed($orphan->{failed}), qr/^constraint app\.orders\.orders_customer: .*1 orphan/, '... and named with its reason');

# ---- who works does not move

{
	my $works = SgTest::Session->new($node);

	query('DELETE FROM app.orders WHERE id = 1000');
	query("INSERT INTO trap SELECT 'started add', step, NULL, 0 FROM generate_series(1, 50) step");
	$works->send("CALL sg_ensure('$document')");
	ok(wait_trapped($node), 'one works and stands still');
	is_error($node, "SET schemaguard.ensure_wait = '1s'; CALL sg_ensure('$document')", '55P03', qr/has not moved for schemaguard\.ensure_wait/,
		'who waits gives up when it does not move');
	spring_traps($node);
	$works->collect;
	$works->quit;
}

# ---- who works waits for a lock that is held for ever: attempts, and what others write in the log, are no way

{
	my ($holds, $works, $waits) = map { SgTest::Session->new($node) } 1 .. 3;

	query('ALTER TABLE app.orders DROP COLUMN note');
	$holds->query('BEGIN');
	$holds->query('LOCK TABLE app.orders IN ACCESS SHARE MODE');
	$works->send("CALL sg_ensure('$document')");
	my $attempts = q{SELECT count(*) FROM schemaguard.progress WHERE action = 'add' AND phase = 'pausing'};
	ok(wait_for(sub { query($attempts) }, 60), 'who works can not lock a table');

	# longer than its pauses, which are 12.5 s at most
	$waits->send("SET schemaguard.ensure_wait = '14s'; CALL sg_ensure('$document')");
	my $noise = 0;
	my $gave_up = wait_for(sub {
		query("SELECT sg_plan_create('noise'); SELECT sg_plan_drop('noise')"); $noise++; return $waits->is_done }, 40);
	ok($gave_up, 'who waits for it gives up');
	$waits->collect;
	like($waits->{err}, qr/has not moved for schemaguard\.ensure_wait/, '... and says why');
	cmp_ok($noise, '>', 10, '... though others have written in the log');
	is(query($working) ne '' ? 'works' : 'has ended', 'works', '... and who works goes on');
	$holds->query('ROLLBACK');
	like($works->collect, qr/"done": \[\{"kind": "column"/, '... till the table is free');
	$_->quit for $holds, $works, $waits;
}

# ---- bad input

is_error($node, q{CALL sg_ensure('nowhere')}, '42704', qr/snapshot "nowhere" does not exist/, 'no such snapshot');
is_error($node, q{CALL sg_ensure('{"a": 1}')}, '22023', qr/invalid snapshot document/, 'a JSON that is no document');
is_error($node, q[CALL sg_ensure('{"a": ')], '22P02', qr/invalid input syntax for type json/, 'a document that is cut off');
is_error($node, q{CALL sg_ensure(1)}, '42804', qr/a reference is text or jsonb, not integer/, 'a number');
is_error($node, q{CALL sg_ensure(NULL)}, '22004', qr/"reference" must not be null/, 'null');
is_error($node, "CALL sg_ensure('$document', '{app.orders,NULL}')", '22004', qr/null/, 'a null among the names');
is_error($node, "CALL sg_ensure('$document', mode => 'look')", '22023', qr/invalid mode "look"/, 'no such mode');
is_error($node, "CALL sg_ensure('$document', 'app.ordres')", '42704', qr/critical name "app\.ordres" is no table.*Perhaps you meant "app\.orders"/s,
	'a critical name that nobody knows');
is_error($node, "CALL sg_ensure('$document', 'a b')", '22023', qr/string is not a valid identifier/, 'a name that is none');
is_error($node, "BEGIN; CALL sg_ensure('$document')", '25001', qr/./, 'in a transaction block');

# ---- what a verdict must not pass over

query('CREATE SCHEMA strict');
query(q{CREATE DOMAIN strict.positive AS int CHECK (value > 0); CREATE FUNCTION strict.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE TABLE strict.a (id int PRIMARY KEY); CREATE TABLE strict.b (id int PRIMARY KEY, a int CONSTRAINT b_a REFERENCES strict.a, p strict.positive DEFAULT 3);
	CREATE TABLE strict.c (id int PRIMARY KEY DEFAULT strict.f()); SELECT sg_snapshot_take('strict', 'strict')});
query('ALTER TABLE strict.b DISABLE TRIGGER ALL');
is(join(' ', map { "$_->{result} $_->{reason}" } @{ ensure(q{'strict', '{strict.b.b_a}'})->{critical} }) =~ s/:.*//sr, 'fail is unarmed', 'a key whose triggers are off is no key');
query('ALTER TABLE strict.b DROP CONSTRAINT b_a, ADD CONSTRAINT b_a FOREIGN KEY (id) REFERENCES strict.a');
is(join(' ', map { "$_->{result} $_->{reason}" } @{ ensure(q{'strict', '{strict.b.b_a}'})->{critical} }) =~ s/:.*//sr, 'fail it is not as in the reference', '... nor is another one of its name');
query('ALTER TABLE strict.b DROP CONSTRAINT b_a, ADD CONSTRAINT b_a FOREIGN KEY (a) REFERENCES strict.a');
query('ALTER TABLE strict.b ENABLE TRIGGER ALL; ALTER TABLE strict.b DROP p, DROP CONSTRAINT b_pkey; DROP TABLE strict.c; CREATE ROLE carol');
query(q{ALTER FUNCTION strict.f() OWNER TO carol; CREATE OR REPLACE FUNCTION strict.f() RETURNS int LANGUAGE sql AS 'SELECT 666'});
my $strict = ensure(q{'strict', '{strict.b,strict.c}'});
is(join(' ', map { $_->{result} } @{ $strict->{critical} }), 'fail fail', 'a table without its primary key, or that would stand on code of somebody else, is not there');
like(listed($strict->{left_out}), qr/table strict\.c: stands on what is left out.*column strict\.b\.p: rows that are there may be rewritten/s, 'both are named');
is(query(q{SELECT to_regclass('strict.c') IS NULL}), 't', 'the table is not made');

# ---- views that show something else, and partitions that are missing

query(q{CREATE SCHEMA seen; CREATE TABLE seen.t (id int PRIMARY KEY, note text); CREATE VIEW seen.v AS SELECT id FROM seen.t; CREATE VIEW seen.w AS SELECT id FROM seen.t;
	CREATE TABLE seen.r (k int) PARTITION BY RANGE (k); CREATE TABLE seen.r_1 PARTITION OF seen.r FOR VALUES FROM (0) TO (10); CREATE TABLE seen.l (k int) PARTITION BY LIST (k);
	CREATE TABLE seen.l_1 PARTITION OF seen.l FOR VALUES IN (1); SELECT sg_snapshot_take('seen', 'seen')});
query(q{COMMENT ON VIEW seen.w IS 'ours'});
is(join(' ', map { $_->{result} } @{ ensure(q{'seen', '{seen.v,seen.w}'})->{critical} }), 'pass pass', 'views that show what they should, and one has a comment');
query(q{CREATE OR REPLACE VIEW seen.v AS SELECT id FROM seen.t WHERE false; COMMENT ON VIEW seen.w IS NULL; ALTER VIEW seen.w SET (security_invoker = true)});
is(join('; ', map { "$_->{result} $_->{reason}" } @{ ensure(q{'seen', '{seen.v,seen.v.id,seen.w}'})->{critical} }),
	'fail it is not as in the reference: it is there, and not as in the reference; fail its view seen.v is not as in the reference: it is there, and not as in the reference; '
	. 'fail it is not as in the reference: it is there, and not as in the reference', 'a view with another query, a column of it, and one with the rights of somebody else');
query(q{CREATE OR REPLACE VIEW seen.v AS SELECT id FROM seen.t; ALTER VIEW seen.w RESET (security_invoker); DROP TABLE seen.r_1, seen.l_1});
my $seen = ensure(q{'seen'});
is(listed($seen->{left_out}), 'table seen.l_1: a script or a person makes it; table seen.r_1: partitions of its kind come and go', 'missing partitions are told');
ok(!$seen->{ready}, '... and that of a list counts');
query(q{CREATE TABLE seen.l_1 PARTITION OF seen.l FOR VALUES IN (1)});
$seen = ensure(q{'seen'});
is(listed($seen->{left_out}) . ($seen->{ready} ? ' ready' : ''), 'table seen.r_1: partitions of its kind come and go ready', '... that of a range does not');
ok(!ensure(q{'seen', '{seen.r_1}'})->{ready}, '... unless it is critical');

# ---- the document of another role

query('CREATE ROLE mallory LOGIN; GRANT CREATE ON DATABASE postgres TO mallory');
query(q{SELECT sg_grant('mallory')});
{
	my $kept = query("SELECT name FROM schemaguard.snapshot WHERE name LIKE 'document %'");

	query("SELECT sg_snapshot_drop('$kept')");
	query(q{SET ROLE mallory; SELECT sg_snapshot_take('forged', 'app')});
	query("SET SESSION AUTHORIZATION mallory; SELECT sg_snapshot_import('$kept', (SELECT array_agg(l) FROM sg_snapshot_export('forged') l))");
	like(ensure("'$document', $critical")->{reference}, qr/^\Q$kept\E 2$/, 'a snapshot that another role has put there is not taken for the document');
}

# ---- the plan of another role

query(q{CREATE SCHEMA taken; CREATE TABLE taken.t (a int UNIQUE); SELECT sg_snapshot_take('taken', 'taken'); ALTER TABLE taken.t DROP CONSTRAINT t_a_key});
query($_) foreach map { "SET SESSION AUTHORIZATION mallory; $_" } 'CREATE SCHEMA mine; CREATE TABLE mine.x (i int)',
	q{SELECT sg_plan_create('ensure x'), sg_plan_add_statement('ensure x', 'COMMENT ON TABLE mine.x IS $$x$$', name => 'table taken.t')}, q{CALL sg_apply('ensure x', fail => true)};
is(listed(ensure(q{'taken', mode => 'check'})->{left_out}), 'constraint taken.t.t_a_key: it is a rule for rows that are there',
	'a table that is there is not taken for one of a call that was cut off because another role has called a step so');

# ---- rows of look-up tables: missing ones come, others are left to people, and no such table is as it should be

query(q{CREATE SCHEMA look; CREATE TABLE look.states (code text PRIMARY KEY, label text); INSERT INTO look.states VALUES ('a', 'A'), ('b', 'B');
	INSERT INTO schemaguard.lookup_table (table_name) VALUES ('look.states'); SELECT sg_snapshot_take('look', 'look')});
query(q{DELETE FROM look.states WHERE code = 'b'});
my $rows = ensure(q{'look', '{look.states}', 'check'});
is(listed($rows->{todo}) . ($rows->{ready} ? ' ready' : ''), 'rows look.states', 'a missing row is told');
$rows = ensure(q{'look', '{look.states}'});
is(listed($rows->{done}) . ($rows->{ready} ? ' ready' : ''), 'rows look.states ready', '... and inserted');
query(q{UPDATE look.states SET label = 'x' WHERE code = 'a'; INSERT INTO look.states VALUES ('c', 'ours')});
$rows = ensure(q{'look', '{look.states}'});
is(listed($rows->{left_out}) . ', ' . listed($rows->{extra}), 'changed rows look.states: rows that are there are left to people: sg_sync_apply, extra rows look.states', 'others are left alone');
is($rows->{critical}[0]{result}, 'fail', 'the table is not as it should be');
ok(!ensure(q{'look'})->{ready}, 'nor is the database');

# ---- a new domain, which other things stand on

query(q{CREATE SCHEMA dom; CREATE DOMAIN dom.d AS text CHECK (VALUE <> '') DEFAULT 'x'; CREATE DOMAIN dom.e AS dom.d NOT NULL;
	CREATE TABLE dom.t (id int PRIMARY KEY, d dom.d, e dom.e[]); CREATE TABLE dom.u (id int REFERENCES dom.t); CREATE VIEW dom.v AS SELECT d FROM dom.t;
	SELECT sg_snapshot_take('dom', 'dom'); DROP SCHEMA dom CASCADE});
is(query(q{SELECT count(*) FROM sg_sync_sql('dom', schemas => 'dom') l WHERE l ~ 'left out'}), '0', 'no script says that a new domain is left out');
is(query(q{SELECT count(*) FROM sg_sync_files('dom', 'live', 'psql') f WHERE f.content ~ 'left out: domain'}), '0', '... nor a file');
my $domain = ensure(q{'dom'});
is(listed($domain->{left_out}) . ($domain->{ready} ? ' ready' : ''), ' ready', 'a new domain is made, and what stands on it');
is(query(q{SELECT to_regclass('dom.v') IS NOT NULL}), 't', '... up to a view');

done_testing();
