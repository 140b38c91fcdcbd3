# 072_guard.pl: no function of somebody else runs in the caller's name, also where no look finds that it could.
#
# Literals of an array of eve's domain are judged by her function while the server analyses a statement: in expressions that
# the walk over a raw tree does not know, after a type that was altered while the server waited, in documents, behind a
# name that is a cast. fmgr_hook stops what is left (src/base/guard.c).
#
# rooms: base change audit sync
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('guard', conf => "schemaguard.lock_timeout = 20s\n");

sub query { my ($sql) = @_; return $node->safe_psql('postgres', "SET client_min_messages = error;\n$sql"); }

query(q{
	CREATE ROLE eve LOGIN;
	CREATE ROLE bob LOGIN;
	SELECT sg_grant('eve'), sg_grant('bob');
	CREATE SCHEMA eve AUTHORIZATION eve;
	GRANT USAGE ON SCHEMA eve TO PUBLIC;
	CREATE SCHEMA app;
	GRANT ALL ON SCHEMA app TO bob;
	SET SESSION AUTHORIZATION eve;
	CREATE FUNCTION eve.seen() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
		IF current_user <> 'eve' THEN RAISE LOG 'WITNESS as %', current_user; END IF; RETURN true;
		EXCEPTION WHEN undefined_object THEN RETURN true; END $$;
	CREATE FUNCTION eve.judge(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN eve.seen(); END';
	CREATE FUNCTION eve.same(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); RETURN $1; END';
	CREATE FUNCTION eve.valid(text[], oid) RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); END';
	CREATE DOMAIN eve.d AS int CHECK (eve.judge(value));
	CREATE FUNCTION eve.eq(eve.d[], int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
	CREATE OPERATOR eve.=== (LEFTARG = eve.d[], RIGHTARG = int, FUNCTION = eve.eq);
	CREATE TABLE eve.t (id int PRIMARY KEY, d eve.d, c eve.d[]);
	CREATE TABLE eve.plain (id int PRIMARY KEY, tags int[]);
	CREATE TYPE eve.pair AS (c eve.d[]);
	CREATE TABLE eve.m (id int PRIMARY KEY);
	RESET SESSION AUTHORIZATION;
	CREATE TABLE app.parted (id int, c int) PARTITION BY RANGE (id);
	CREATE INDEX parted_idx ON ONLY app.parted ((c + 1));
	SET ROLE eve; CREATE TABLE eve.part (id int, c int); RESET ROLE;
	ALTER TABLE app.parted ATTACH PARTITION eve.part FOR VALUES FROM (1) TO (9);
	SET ROLE eve; CREATE INDEX part_idx ON eve.part ((c + eve.same(1))); RESET ROLE;
	CREATE FUNCTION app.mine(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); RETURN $1; END';
	CREATE TABLE app.own (id int PRIMARY KEY, n int);
	INSERT INTO app.own VALUES (1, 1);
});

my $log = sub { return scalar(() = slurp_file($node->logfile) =~ /WITNESS as (?!eve)/g); };

# ---- the control

query(q{CREATE VIEW app.control AS SELECT 1 AS one FROM eve.t WHERE ARRAY[d] = '{1}'; DROP VIEW app.control});
my $heard = $log->();
cmp_ok($heard, '>', 0, 'plain SQL runs her function as the superuser');

# ---- statements of a superuser's own plan

my @statements = (
	'ALTER INDEX app.parted_idx ATTACH PARTITION eve.part_idx',
	q{CREATE VIEW app.v1 AS SELECT 1 AS x FROM eve.t WHERE ARRAY[d] = '{1}'},
	q{CREATE POLICY p ON eve.t USING (ARRAY[d] <> '{1}')},
	q{CREATE RULE r AS ON INSERT TO eve.t WHERE ARRAY[NEW.d] = '{1}' DO NOTHING},
	q{CREATE STATISTICS eve.s ON (ARRAY[d] = '{1}'), (id + 1) FROM eve.t},
	q{CREATE FUNCTION app.f1() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM eve.t WHERE ARRAY[d] = '{1}'; END},
	q{CREATE TABLE app.t1 (LIKE eve.t, CHECK (c <> '{1}'))},
	q{CREATE TABLE app.t2 (LIKE eve.pair INCLUDING ALL, CHECK (c <> '{1}'))},
	q{CREATE TABLE app.t3 OF eve.pair (c WITH OPTIONS DEFAULT '{1}')},
	q{CREATE SCHEMA see CREATE TABLE t (c eve.d[]) CREATE VIEW v AS SELECT 1 AS x FROM t WHERE c = '{1}'},
	q{CREATE FUNCTION app.f2() RETURNS bigint LANGUAGE sql SET search_path = eve AS $$SELECT count(*) FROM t WHERE c = '{1}'$$},
	q{CREATE FOREIGN DATA WRAPPER w VALIDATOR eve.valid OPTIONS (a 'b')},
	q{CREATE VIEW app.v2 AS SELECT eve._d('{1}') AS x},
	q{CREATE VIEW app.v3 AS WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 2) CYCLE i SET c TO eve._d '{1}' DEFAULT eve._d '{2}' USING p SELECT i FROM r},
	q{CREATE VIEW app.v4 AS SELECT '{1}' OPERATOR(eve.===) ANY (SELECT 1) AS x},
	q{CREATE VIEW app.v5 AS SELECT x.a FROM XMLTABLE('/r' PASSING (XMLPARSE(DOCUMENT '<r/>')) COLUMNS a eve.d[] PATH 'q' DEFAULT '{1}') x},
	q{UPDATE app.own SET n = (eve._d('{3}'))[1]},
	q{UPDATE eve.t SET c = '{1}'});
foreach my $statement (@statements)
{
	query('SELECT sg_plan_create($$s$$, replace => true); SELECT sg_plan_add_statement($$s$$, ' . lit($statement) . '); SELECT count(*) FROM sg_plan_check($$s$$)');
	query(q{CALL sg_apply('s')});
	is($log->(), $heard, "$statement: nothing of hers runs");
	$heard = $log->();
}
query(q{SELECT sg_plan_drop('s', force => true)});

# ---- looks at what she has planned

$node->safe_psql('postgres', q{SET client_min_messages = error; SELECT sg_plan_create('hers');
	SELECT sg_plan_add_check('hers', 'eve.m', $$id > 0 AND eve._d('{1}') IS NOT NULL$$), sg_plan_add_index('hers', 'eve.m', $$(id) WHERE eve._d('{1}') IS NOT NULL$$),
		sg_plan_add_column('hers', 'eve.m', 'x', $$eve.d[] DEFAULT eve._d('{1}')$$), sg_plan_add_statement('hers', $$UPDATE eve.m SET id = id WHERE eve._d('{1}') IS NULL$$)}, extra_params => [ '-U', 'eve' ]);
foreach my $call (q{SELECT count(*) FROM sg_plan_check('hers')}, q{SELECT count(*) FROM sg_plan_sql('hers')}, q{SELECT count(*) FROM sg_verify_fks('hers')}, q{SELECT count(*) FROM sg_orphan_audit(plan => 'hers')},
	q{SELECT count(*) FROM sg_violations('hers', 1)}, q{CALL sg_audit_gate(plan => 'hers')}, q{SELECT count(*) FROM sg_rule_audit('app.own', 'check', $$eve._d('{1}') IS NOT NULL$$)})
{
	foreach my $role ('postgres', 'bob')
	{
		$node->psql('postgres', "SET ROLE $role; $call");
		is($log->(), $heard, "$role: $call: nothing of hers runs");
		$heard = $log->();
	}
}

# ---- a column that gets another type while the server waits

my $eve = SgTest::Session->new($node, user => 'eve');
my $victim = SgTest::Session->new($node);
foreach my $call (q{SELECT result, reason FROM sg_rule_audit('eve.plain', 'check', $$tags <> '{1}'$$)}, q{SELECT count(*) FROM sg_rule_violations('eve.plain', 'check', $$tags <> '{1}'$$)},
	q{SELECT sg_plan_create('w', replace => true); SELECT sg_plan_add_statement('w', $$CREATE VIEW app.w AS SELECT 1 AS x FROM eve.plain WHERE tags = '{1}'$$); CALL sg_apply('w')},
	q{SELECT sg_plan_create('w', replace => true); SELECT sg_plan_add_statement('w', $$UPDATE eve.plain SET tags = NULL WHERE tags = '{1}'$$); SELECT count(*) FROM sg_plan_check('w')},
	q{SELECT sg_plan_create('w', replace => true); SELECT sg_plan_add_check('w', 'eve.plain', $$tags <> '{1}'$$); CALL sg_apply('w')})
{
	$eve->query('BEGIN; LOCK TABLE eve.plain IN ACCESS EXCLUSIVE MODE');
	$victim->send($call);
	ok(wait_for(sub { query(q{SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'eve.plain'::regclass}) eq 't' }), 'the call waits');
	$eve->query('ALTER TABLE eve.plain ALTER tags TYPE eve.d[]; COMMIT');
	$victim->collect;
	is($log->(), $heard, "$call: nothing of hers runs");
	$heard = $log->();
	$eve->query('ALTER TABLE eve.plain ALTER tags TYPE int[]');
}

# ---- a parallel worker of the server, by a function that is given to her while another one judges the same row

query(q{GRANT CREATE ON SCHEMA app TO eve;
	CREATE TABLE app.big AS SELECT g AS id FROM generate_series(1, 20000) g;
	ALTER TABLE app.big SET (parallel_workers = 2);
	CREATE FUNCTION app.pause(int) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
		WHILE $1 = 1 AND EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory') LOOP PERFORM pg_catalog.pg_sleep(0.01); END LOOP;
		-- a lock that is new lets the worker hear of the new owner
		IF $1 = 1 THEN PERFORM FROM app.own; END IF;
		RETURN true; END $$;
	CREATE FUNCTION app.judge(int) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN
		IF $1 = 1 AND current_user <> 'eve' THEN RAISE LOG 'WITNESS as %', current_user; END IF; RETURN true; END $$});
$heard = $log->();
$victim->query('SET schemaguard.audit_method = sql; SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0');
my $audit = q{SELECT result, reason FROM sg_rule_audit('app.big', 'check', 'app.pause(id) AND app.judge(id)')};
is($victim->query($audit), 'pass|', 'a function of the superuser judges rows in a parallel worker');
cmp_ok($log->(), '>', $heard, '... in its name');
$heard = $log->();
my $locker = SgTest::Session->new($node);
$locker->query('SELECT pg_advisory_lock(72)');
$victim->send($audit);
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND wait_event = 'PgSleep'}) eq '1' }), 'a worker judges the row');
query('ALTER FUNCTION app.judge(int) OWNER TO eve');
$locker->query('SELECT pg_advisory_unlock(72)');
is($victim->collect, 'unknown|error 42501, whose message could hold values', 'a function of hers is refused there');
is($log->(), $heard, '... and does not run');

# ---- what is trusted goes on: a function of the superuser's that calls hers, and her own table's code as herself

$heard = $log->();
query(q{SELECT sg_plan_create('trusted', replace => true); SELECT sg_plan_add_statement('trusted', 'UPDATE app.own SET n = app.mine(n) + 1')});
query(q{CALL sg_apply('trusted')});
is(query('SELECT n FROM app.own'), '2', 'a function of the superuser may call what it wants');
cmp_ok($log->(), '>', $heard, '... which is the choice of who wrote it');
$heard = $log->();
query(q{SET ROLE eve; INSERT INTO eve.t VALUES (1, 1, '{1}'); ALTER TABLE eve.t ADD CONSTRAINT hers CHECK (eve.judge(id)); RESET ROLE;
	SELECT sg_plan_create('owner'); SELECT sg_plan_add_statement('owner', 'UPDATE eve.t SET id = 2', child_table => 'eve.t')});
query(q{CALL sg_apply('owner')});
is(query('SELECT id FROM eve.t'), '2', 'code of a table runs as its owner');
is($log->(), $heard, '... and as nobody else');

# ---- built-in functions that lead to her code by an OID or a text: the domain's check tells who asks

query(q{
	CREATE TABLE app.late (id int PRIMARY KEY, n int);
	INSERT INTO app.late VALUES (1, 1);
	CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'too late'; END $$;
	CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON app.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.refuse();
	SET SESSION AUTHORIZATION eve;
	CREATE DOMAIN eve.who AS text CHECK (current_user = 'eve')});
my $oid = query(q{SELECT 'eve.who'::regtype::oid});
my %checks = (
	'domain_in' => "domain_in('1', $oid, -1) IS NOT NULL",
	'array_in' => "array_in('{1}', $oid, -1) IS NOT NULL",
	major($node) >= 16 ? ('pg_input_is_valid' => q{pg_input_is_valid('1', 'eve.who')}) : (),
	major($node) >= 17 ? ('JSON_VALUE' => q{JSON_VALUE('{"a":"1"}'::jsonb, '$.a' RETURNING eve.who ERROR ON ERROR) IS NOT NULL}) : ());
foreach my $name (sort keys %checks)
{
	query("SET SESSION AUTHORIZATION eve; DROP TABLE IF EXISTS eve.asked; CREATE TABLE eve.asked (id int PRIMARY KEY, n text, CHECK ($checks{$name})); INSERT INTO eve.asked VALUES (1, 'a')");
	my ($status, $out, $error) = $node->psql('postgres', q{UPDATE eve.asked SET n = 'b'});
	like($error, qr/violates check constraint/, "$name: plain SQL asks as the superuser");
	is(query(q{SELECT string_agg(DISTINCT result, ',') FROM sg_rule_audit('eve.asked')}), 'pass', "$name: an audit asks as eve");
	($status, $out, $error) = $node->psql('postgres', q{SELECT sg_plan_create('asked', replace => true); SELECT sg_plan_add_statement('asked', $$UPDATE eve.asked SET n = 'b'$$)});
	is($status, 0, "$name: planned");
	($status, $out, $error) = $node->psql('postgres', q{CALL sg_apply('asked')});
	like($error, qr/1 validated/, "$name: a statement of the superuser's runs as eve, whose table alone it changes");
	unlike("$out$error", qr/violates check constraint/, '... and asks as her');
}

# ---- literals that become values of a type which the expression does not name

query(q{SET SESSION AUTHORIZATION eve; CREATE TABLE eve.typed (id int PRIMARY KEY, a text); INSERT INTO eve.typed VALUES (1, '1');
	CREATE TYPE eve.whose AS (w eve.who);
	SELECT sg_plan_create('typed');
	SELECT sg_plan_add_statement('typed', $$ALTER TABLE eve.typed ALTER a TYPE eve.who[] USING '{1}'$$);
	SELECT sg_plan_add_column('typed', 'eve.typed', 'b', 'eve.who[]', fill => $$'{1}'$$);
	SELECT sg_plan_add_column('typed', 'eve.typed', 'c', 'eve.whose', fill => $$'(1)'$$);
	SELECT sg_plan_add_statement('typed', $$ALTER TABLE eve.typed ALTER a TYPE text USING (ARRAY['1', '2'])[1 / id]$$)});
like(($node->psql('postgres', q{ALTER TABLE eve.typed ALTER a TYPE eve.who[] USING '{1}'}))[2], qr/violates check constraint/, 'plain SQL asks as the superuser');
foreach my $verify (qw(none sample full))
{
	my $said = query(qq{SELECT string_agg(concat_ws(' ', step, check_name, result, detail), E'\n') FROM sg_plan_check_details('typed', verify => '$verify')});
	unlike($said, qr/violates check constraint/, "sg_plan_check, $verify: a literal becomes a value as eve");
	unlike($said, qr/num_nulls/, "sg_plan_check, $verify: what a condition of our own counts with is harmless") if $verify eq 'full';
}
my (undef, $applied, $refusal) = $node->psql('postgres', q{CALL sg_apply('typed', author => 'eve', confirm => schemaguard.sg_plan_hash('typed'))});
unlike($refusal, qr/violates check constraint/, 'sg_apply: the same');

# ---- literals in statements of the superuser's own, as types that stand elsewhere

query(q{SET SESSION AUTHORIZATION eve; CREATE TYPE eve.cty AS (id int, k eve.who[]); CREATE TABLE eve.inh (id int, k eve.who[]);
	RESET SESSION AUTHORIZATION; CREATE TABLE app.gen (id int PRIMARY KEY, h int GENERATED ALWAYS AS (id + 1) STORED)});
my @made = (
	q{CREATE TABLE app.o1 OF eve.cty (k DEFAULT '{1}')}, q{CREATE TABLE app.o2 OF eve.cty (CHECK (k <> '{1}'))},
	q{CREATE TABLE app.o3 (LIKE eve.inh, CHECK (k <> '{1}'))}, q{CREATE SCHEMA zz CREATE TABLE q (LIKE eve.inh, CHECK (k <> '{1}'))},
	q{CREATE TABLE app.o4 (LIKE eve.inh, n int GENERATED ALWAYS AS (CASE WHEN k = '{1}' THEN 1 END) STORED)},
	q{CREATE TABLE app.o5 (LIKE eve.inh) PARTITION BY LIST ((k <> '{1}'))}, q{CREATE TABLE app.o6 (n eve.who[]) PARTITION BY LIST ((n <> '{1}'))},
	q{CREATE TABLE app.o7 (LIKE eve.inh, EXCLUDE USING hash (id WITH =) WHERE (k <> '{1}'))},
	q{CREATE TABLE app.o8 (n eve.who[], id int, EXCLUDE USING hash (id WITH =) WHERE (n <> '{1}'))},
	q{CREATE TABLE app.o9 (CHECK (k <> '{1}')) INHERITS (eve.inh)},
	# a type's name as that of a function
	q{CREATE TABLE app.o10 (id int, CHECK (eve._who('{1}') IS NOT NULL))}, q{CREATE TABLE app.o11 (id int DEFAULT cardinality(eve._who('{1}')))},
	q{CREATE TABLE app.o12 (id int, b boolean GENERATED ALWAYS AS (eve._who('{1}') IS NOT NULL) STORED)}, q{ALTER TABLE app.own ADD CHECK (eve._who('{1}') IS NOT NULL)},
	q{ALTER TABLE app.own ALTER n TYPE text USING (eve._who('{1}'))[1]}, q{CREATE INDEX ON app.own (n) WHERE eve._who('{1}') IS NOT NULL},
	major($node) >= 17 ? q{ALTER TABLE app.gen ALTER COLUMN h SET EXPRESSION AS (CASE WHEN '{1}'::eve.who[] IS NOT NULL THEN id END)} : ());
foreach my $statement (@made)
{
	like(($node->psql('postgres', $statement))[2], qr/violates check constraint/, "plain SQL asks as the superuser: $statement");
	$node->psql('postgres', q{SELECT sg_plan_create('made', replace => true); SELECT sg_plan_add_statement('made', $q$} . $statement . '$q$)');
	my (undef, $out, $error) = $node->psql('postgres', q{CALL sg_apply('made')});
	like($error, qr/statement is left alone/, '... which sg_apply refuses');
}

# ---- a body that is no query is not analysed when the function is made

query(q{SELECT sg_plan_create('body'); SELECT sg_plan_add_statement('body', $$CREATE FUNCTION app.empty() RETURNS void LANGUAGE sql AS 'TRUNCATE app.late'$$)});
query(q{CALL sg_apply('body')});
is(query(q{SELECT to_regprocedure('app.empty()') IS NOT NULL}), 't', 'a function that empties a table is made');

# ---- nor is one by the search_path that the function will have, by which no look goes

query(q{SET SESSION AUTHORIZATION eve; CREATE FUNCTION eve.took(eve.who[]) RETURNS boolean LANGUAGE sql AS 'SELECT true'});
my $with_path = q{CREATE FUNCTION app.with_path() RETURNS boolean LANGUAGE sql SET search_path = eve AS $b$ SELECT took('{1}') $b$};
like(($node->psql('postgres', $with_path))[2], qr/violates check constraint/, "plain SQL asks as the superuser: $with_path");
query(q{SELECT sg_plan_create('path'); SELECT sg_plan_add_statement('path', $q$} . $with_path . '$q$)');
unlike(($node->psql('postgres', q{CALL sg_apply('path')}))[2], qr/violates check constraint/, '... which sg_apply does not');
is(query(q{SELECT to_regprocedure('app.with_path()') IS NOT NULL}), 't', 'and makes the function');

# ---- literals in steps of each kind, which the server analyses once more when the constraint is made

query(q{SET SESSION AUTHORIZATION eve; CREATE TABLE eve.kinds (id int PRIMARY KEY, ws eve.who[], n int); INSERT INTO eve.kinds VALUES (1);
	SELECT sg_plan_create('kinds');
	SELECT sg_plan_add_check('kinds', 'eve.kinds', $$'{1}'::eve.who[] IS NOT NULL$$, 'a');
	SELECT sg_plan_add_check('kinds', 'eve.kinds', $$ws <> '{1}'$$, 'b');
	SELECT sg_plan_add_default('kinds', 'eve.kinds', 'ws', $$'{2}'$$);
	SELECT sg_plan_add_default('kinds', 'eve.kinds', 'n', $$cardinality('{2}'::eve.who[])$$);
	SELECT sg_plan_add_column('kinds', 'eve.kinds', 'x', $$eve.who[] DEFAULT '{3}'$$);
	SELECT sg_plan_add_column('kinds', 'eve.kinds', 'y', 'eve.who[]', fill => $$'{4}'$$);
	SELECT sg_plan_add_index('kinds', 'eve.kinds', $$(id) WHERE '{5}'::eve.who[] IS NOT NULL$$, 'c');
	SELECT sg_plan_add_index('kinds', 'eve.kinds', $$(n) WHERE ws <> '{6}'$$, 'd');
	SELECT sg_plan_add_index('kinds', 'eve.kinds', $$((ws <> '{7}'))$$, 'e');
	SELECT sg_plan_add_check('kinds', 'eve.kinds', $$eve._who('{8}') IS NOT NULL$$, 'f');
	SELECT sg_plan_add_default('kinds', 'eve.kinds', 'id', $$cardinality(eve._who('{8}'))$$);
	SELECT sg_plan_add_index('kinds', 'eve.kinds', $$(id) WHERE eve._who('{9}') IS NOT NULL$$, 'g')});
my (undef, undef, $applied) = $node->psql('postgres', q{CALL sg_apply('kinds', fail => false, author => 'eve', confirm => schemaguard.sg_plan_hash('kinds'))});
unlike($applied, qr/violates check constraint/, 'no step of hers is analysed as the superuser');
is(query(q{SELECT string_agg(state || CASE WHEN state <> 'validated' THEN ': ' || reason ELSE '' END, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'kinds'}),
	join(', ', ('validated') x 6, ('skipped: no index is built: a literal in it is read by code of another role, which would run as the caller') x 3,
		'validated', 'validated', 'skipped: no index is built: a literal in it is read by code of another role, which would run as the caller'), '... but as her, and done, or left alone')
  or diag($applied);
(undef, undef, $applied) = $node->psql('postgres', q{CALL sg_rollback_fks('kinds', author => 'eve', confirm => schemaguard.sg_plan_hash('kinds'))});
unlike($applied, qr/violates check constraint/, 'nor when it is taken back');

# ---- what is honest is built: literals of an enum, and beside no column with such a domain

query(q{SET SESSION AUTHORIZATION bob; CREATE TYPE app.mood AS ENUM ('sad', 'ok'); CREATE DOMAIN app.pos AS int CHECK (value > 0);
	CREATE FUNCTION app.low(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
	CREATE TABLE app.honest (id int PRIMARY KEY, m app.mood, ps app.pos[], tx text)});
foreach my $role ('bob', 'postgres')
{
	query(qq{SET SESSION AUTHORIZATION $role; SELECT sg_plan_create('honest_$role')} . join '', map { qq{; SELECT sg_plan_add_index('honest_$role', 'app.honest', \$\$$_\$\$)} } 'USING btree (app.low(tx)) WHERE id > 1',
		q{(id) WHERE m = 'sad'}, q{(id) WHERE m = ANY ('{sad,ok}'::app.mood[])}, q{(id) WHERE ps <> '{1}'});
	$node->psql('postgres', "SET SESSION AUTHORIZATION $role; CALL sg_apply('honest_$role', fail => false)");
	is(query(qq{SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'honest_$role'}), 'validated validated validated ' . ($role eq 'bob' ? 'validated' : 'skipped'),
		"$role: indexes of bob's table are built, but for one whose literal his domain would read as a superuser");
	query(qq{SET SESSION AUTHORIZATION $role; CALL sg_rollback_fks('honest_$role')});
}

# ---- a statement changes one table as its owner, where that owner's types keep the superuser away

query(q{SET SESSION AUTHORIZATION bob; INSERT INTO app.honest VALUES (1, 'sad', '{1}', 'a'), (2, 'ok', '{2}', 'b');
	RESET SESSION AUTHORIZATION; SELECT sg_plan_create('owned');
	SELECT sg_plan_add_statement('owned', $$UPDATE app.honest SET m = 'ok' WHERE id = 1$$), sg_plan_add_statement('owned', $$DELETE FROM app.honest WHERE ps = '{2}'$$),
		sg_plan_add_statement('owned', $$INSERT INTO app.honest VALUES (3, 'sad', '{3}', current_user)$$), sg_plan_add_statement('owned', $$INSERT INTO app.own SELECT id + 50 FROM app.honest$$),
		sg_plan_add_statement('owned', $$UPDATE app.honest SET tx = (SELECT n::text FROM app.own LIMIT 1)$$)});
my (undef, undef, $owned) = $node->psql('postgres', q{CALL sg_apply('owned', fail => false)});
is(query(q{SELECT string_agg(concat_ws(' ', id, m, tx), ', ' ORDER BY id) FROM app.honest}), '1 ok a, 3 sad bob', 'rows are changed as bob');
# the last one waits for the one before it, which is about the same rows, until that is left out
query(q{SELECT sg_plan_skip('owned', '{4}', 'it can not run', done => true)});
$owned .= ($node->psql('postgres', q{CALL sg_apply('owned', fail => false)}))[2];
is(query(q{SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'owned'}), 'validated validated validated skipped failed',
	'... not those of a table of the superuser, nor by what bob may not read') or diag($owned);
like($owned, qr/HINT:  The rows of one table are changed as its owner/, '... with a way out');

# ---- a default that reads what its owner may not

query(q{SET SESSION AUTHORIZATION eve; CREATE TABLE eve.leak (id int PRIMARY KEY, a text DEFAULT current_setting('data_directory', true));
	RESET SESSION AUTHORIZATION; SELECT sg_plan_create('leak'); SELECT sg_plan_add_statement('leak', 'INSERT INTO eve.leak (id) VALUES (1)')});
$node->psql('postgres', q{CALL sg_apply('leak')});
is(query('SELECT count(*) FROM eve.leak WHERE a IS NOT NULL'), '0', 'a default reads nothing in the name of the superuser');

# ---- built-in functions that are harmless

my %known = map { $_ => 1 } split /\n/, query('SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 11');
my $listed = sub {
	my ($file, $list) = @_;
	my ($body) = slurp_file("src/base/$file") =~ /\Q$list\E\[\] = \{(.*?)\};/s;
	return $body =~ /"(\w+)"/g;
};
is(join(' ', grep { !$known{$_} } $listed->('code_builtin.c', 'stable_names')), '', 'each function of the list of harmless ones is there');
is(query(q{SELECT string_agg(DISTINCT proname, ' ') FROM pg_proc WHERE pronamespace = 11 AND provolatile <> 'i' AND proname ~ '(file|lo_|notify|slot|export|import|reload|terminate|cancel|reset|promote|_to_xml|set_config)'
	AND proname IN ('} . join("', '", $listed->('code_builtin.c', 'stable_names')) . q{')}), '', 'no function whose name tells that it acts is in that list');

# ---- a function that runs itself again, by a support function of an index that inserts into another one

query(q{SET SESSION AUTHORIZATION eve;
	CREATE FUNCTION eve.deep() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('eve.deep', 'off', false);
		INSERT INTO eve.r2 SELECT eve.rng(g, g + 1) FROM generate_series(1, 3) g; END $$;
	CREATE FUNCTION eve.diff(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
		IF current_setting('eve.deep', true) = 'on' AND $1 <> $2 THEN PERFORM eve.deep(); END IF; RETURN $1 - $2; END $$;
	CREATE TYPE eve.rng AS RANGE (subtype = int, subtype_diff = eve.diff);
	CREATE TABLE eve.r2 (x eve.rng);
	INSERT INTO eve.r2 SELECT eve.rng(g, g + 3) FROM generate_series(1, 900) g;
	CREATE INDEX ON eve.r2 USING gist (x);
	CREATE TABLE eve.r (id int PRIMARY KEY, x eve.rng);
	INSERT INTO eve.r SELECT g, eve.rng(g, g + 3) FROM generate_series(1, 900) g;
	CREATE INDEX ON eve.r USING gist (x);
	CREATE FUNCTION eve.arm() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('eve.deep', 'on', false); RETURN new; END $$;
	CREATE TRIGGER arm BEFORE UPDATE ON eve.r FOR EACH ROW EXECUTE FUNCTION eve.arm();
	RESET SESSION AUTHORIZATION;
	SELECT sg_plan_create('again'); SELECT sg_plan_add_statement('again', 'UPDATE eve.r SET x = eve.rng(id, id + 5) WHERE id < 50', child_table => 'eve.r');
	SELECT sg_plan_add_statement('again', $$UPDATE app.own SET n = (eve._d('{3}'))[1]$$)});
$heard = $log->();
$node->psql('postgres', q{CALL sg_apply('again', fail => false)});
is(query('SELECT count(*) > 900 FROM eve.r2'), 't', 'a function of hers has run itself again');
is($log->(), $heard, '... and the gate is as it was');

# ---- a foreign table leads where its owner and that of its server want, with the user mapping of whoever reads it

SKIP:
{
	skip 'postgres_fdw is not available', 1 if !has_extension($node, 'postgres_fdw');
	query(q{CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO eve;
		SET SESSION AUTHORIZATION eve;
		CREATE FUNCTION eve.row_there() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); RETURN 1; END';
		CREATE VIEW eve.there AS SELECT eve.row_there() AS id;
		CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (} . sprintf("host '%s', port '%s', dbname 'postgres'", $node->host, $node->port) . q{);
		CREATE USER MAPPING FOR PUBLIC SERVER here OPTIONS (user 'postgres');
		CREATE FOREIGN TABLE eve.far (id int) SERVER here OPTIONS (table_name 'there');
		CREATE TABLE eve.parts (id int) PARTITION BY LIST (id);
		CREATE FOREIGN TABLE eve.part_far PARTITION OF eve.parts DEFAULT SERVER here OPTIONS (table_name 'there');
		CREATE VIEW eve.view_far AS SELECT * FROM eve.far;
		GRANT SELECT ON eve.far, eve.parts TO postgres;
		RESET SESSION AUTHORIZATION;
		CREATE FOREIGN TABLE app.mine_there (id int) SERVER here OPTIONS (schema_name 'eve', table_name 'there');
		CREATE MATERIALIZED VIEW app.seen_far AS SELECT id FROM eve.far WITH NO DATA});
	foreach my $from ('eve.far', 'eve.parts', 'app.mine_there')
	{
		query("SELECT id FROM $from");
		cmp_ok($log->(), '>', $heard, "plain SQL reads $from by the superuser's mapping: her code runs there");
		$heard = $log->();
	}
	foreach my $statement ('INSERT INTO app.own SELECT id + 100 FROM eve.far', 'INSERT INTO app.own SELECT id + 200 FROM eve.parts',
		'INSERT INTO app.own SELECT id + 300 FROM app.mine_there', 'INSERT INTO app.own SELECT id + 400 FROM eve.view_far', 'UPDATE eve.far SET id = 1',
		'DELETE FROM app.own WHERE EXISTS (SELECT FROM eve.parts)', 'TRUNCATE eve.far', 'REFRESH MATERIALIZED VIEW app.seen_far')
	{
		query('SELECT sg_plan_create($$far$$, replace => true); SELECT sg_plan_add_statement($$far$$, ' . lit($statement) . '); SELECT count(*) FROM sg_plan_check($$far$$)');
		# TRUNCATE runs as the table's owner, by her own mapping
		like(($node->psql('postgres', q{CALL sg_apply('far')}))[2], qr/foreign table|password .*required/, "$statement: not as the superuser");
		is($log->(), $heard, '... and nothing of hers runs');
		$heard = $log->();
	}
	query(q{SELECT sg_plan_create('fill_far'); SELECT sg_plan_add_column('fill_far', 'app.own', 'far', 'int', fill => '(SELECT max(id) FROM eve.far) + id')});
	unlike(($node->psql('postgres', q{SELECT count(*) FROM sg_plan_check('fill_far', verify => 'full'); CALL sg_apply('fill_far')}))[2], qr/^.*1 validated/m, 'a fill does not read it either');
	is($log->(), $heard, '... and nothing of hers runs');
	query(q{SET ROLE eve; ALTER SERVER here OPTIONS (SET host 'nowhere.invalid'); SELECT sg_plan_create('hers_far'); SELECT sg_plan_add_statement('hers_far', 'INSERT INTO eve.m SELECT id FROM eve.far')});
	like(($node->psql('postgres', q{SET SESSION AUTHORIZATION eve; CALL sg_apply('hers_far')}))[2], qr/password|could not/, 'she reads her own one by her own mapping');
}

# ---- what the server runs by itself for keys: as the owner of the other table, who leaves nothing behind that runs as the superuser

my $pwned = $node->data_dir . '/pwned';
query(q{SET SESSION AUTHORIZATION eve;
	CREATE FUNCTION eve.open() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION eve.opens(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN eve.open(); END';
	SELECT lo_from_bytea(777777, 'x');
	CREATE TABLE eve.par (id int PRIMARY KEY); INSERT INTO eve.par VALUES (1), (2); GRANT SELECT, REFERENCES ON eve.par TO PUBLIC;
	CREATE INDEX ON eve.par (id) WHERE eve.opens(1) = 1;
	RESET SESSION AUTHORIZATION;
	CREATE TABLE app.child (id int PRIMARY KEY, par int REFERENCES eve.par, late int REFERENCES eve.par DEFERRABLE INITIALLY DEFERRED);
	CREATE TABLE app.par (id int PRIMARY KEY); INSERT INTO app.par VALUES (1), (2), (3); GRANT REFERENCES, SELECT ON app.par TO eve; GRANT USAGE ON SCHEMA app TO eve;
	SET SESSION AUTHORIZATION eve;
	CREATE TABLE eve.kid (id int REFERENCES app.par); CREATE INDEX ON eve.kid (id) WHERE eve.opens(1) = 1;
	CREATE OR REPLACE FUNCTION eve.open() RETURNS int LANGUAGE plpgsql AS $b$ BEGIN
		EXECUTE $q$DECLARE hold CURSOR WITH HOLD FOR SELECT CASE WHEN current_user = 'eve' THEN '<x/>' ELSE
			query_to_xml($x$SELECT lo_export(777777, '} . $pwned . q{')$x$, true, true, '') END FROM generate_series(1, 2)$q$; RETURN 1; END $b$});
foreach my $statement ('INSERT INTO app.child VALUES (1, 1)', 'INSERT INTO app.child VALUES (2, NULL, 1)', 'DELETE FROM app.par WHERE id = 2')
{
	query('SELECT sg_plan_create($$ri$$, replace => true); SELECT sg_plan_add_statement($$ri$$, ' . lit($statement) . ')');
	my (undef, undef, $error) = $node->psql('postgres', q{CALL sg_apply('ri')});
	# from 19 on the server looks into the parent's index without planning a query
	like($error, qr/cannot create a cursor WITH HOLD within security-restricted operation/, "$statement: a check of a key is a restricted operation")
	  if major($node) < 19 || $statement !~ /^INSERT/;
	ok(!-e $pwned, '... and writes no file');
}
query('BEGIN; DELETE FROM app.par WHERE id = 2; COMMIT');
ok(-e $pwned, 'plain SQL writes one');

# ON CONFLICT updates, and so leads to what ON UPDATE of a key changes
query(q{SET SESSION AUTHORIZATION bob; CREATE TABLE app.told (id int PRIMARY KEY, m app.mood); INSERT INTO app.told VALUES (1, 'ok'); GRANT REFERENCES, SELECT ON app.told TO eve;
	SET SESSION AUTHORIZATION eve; CREATE TABLE eve.follows (id int REFERENCES app.told ON UPDATE CASCADE); INSERT INTO eve.follows VALUES (1);
	CREATE FUNCTION eve.tells() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); RETURN NEW; END';
	CREATE TRIGGER told AFTER UPDATE ON eve.follows FOR EACH ROW EXECUTE FUNCTION eve.tells();
	RESET SESSION AUTHORIZATION; SELECT sg_plan_create('conflict');
	SELECT sg_plan_add_statement('conflict', $$INSERT INTO app.told VALUES (1, 'sad') ON CONFLICT (id) DO UPDATE SET id = excluded.id + 10$$)});
$heard = $log->();
like(($node->psql('postgres', q{CALL sg_apply('conflict')}))[2], qr/it could run trigger told of role eve/, 'ON CONFLICT DO UPDATE: what it cascades to is looked at');
is($log->(), $heard, '... and does not run');

# ---- what a key of a partitioned table, or ON UPDATE of a filled column, leads to

query(q{CREATE FUNCTION app.told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'WITNESS as %, %', current_user, TG_ARGV[0]; RETURN NULL; END $$;
	CREATE TABLE app.root (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE app.root_1 PARTITION OF app.root FOR VALUES FROM (0) TO (100); INSERT INTO app.root SELECT generate_series(1, 9);
	CREATE TABLE app.keyed (id int PRIMARY KEY, x int UNIQUE); INSERT INTO app.keyed SELECT g, g FROM generate_series(1, 9) g; GRANT REFERENCES, SELECT ON app.root, app.keyed TO eve;
	SET SESSION AUTHORIZATION eve;
	CREATE TABLE eve.of_root (id int REFERENCES app.root ON DELETE CASCADE); INSERT INTO eve.of_root VALUES (1), (2);
	CREATE TABLE eve.of_keyed (x int REFERENCES app.keyed (x) ON UPDATE CASCADE); INSERT INTO eve.of_keyed VALUES (1), (2);
	CREATE TRIGGER told AFTER DELETE OR UPDATE OR TRUNCATE ON eve.of_root EXECUTE FUNCTION app.told('hers');
	CREATE TRIGGER told AFTER DELETE OR UPDATE OR TRUNCATE ON eve.of_keyed EXECUTE FUNCTION app.told('hers');
	CREATE TRIGGER see AFTER DELETE OR UPDATE OR TRUNCATE ON eve.of_root EXECUTE FUNCTION eve.tells();
	CREATE TRIGGER see AFTER DELETE OR UPDATE OR TRUNCATE ON eve.of_keyed EXECUTE FUNCTION eve.tells()});
$heard = $log->();
foreach my $step (q{sg_plan_add_statement('led', 'DELETE FROM app.root_1 WHERE id = 1')}, q{sg_plan_add_statement('led', 'TRUNCATE app.root_1 CASCADE')},
	q{sg_plan_add_check('led', 'app.keyed', 'x > 3', policy => 'set', child_column => 'x', fill => 'x + 100')})
{
	query("SELECT sg_plan_create('led', replace => true); SELECT $step");
	like(($node->psql('postgres', q{CALL sg_apply('led', fix => true)}))[2], qr/of role eve|by 2 rows of eve\.of_keyed/, "$step: refused");
	is($log->(), $heard, '... and nothing of hers runs');
	$heard = $log->();
}

# ---- what we, or the server, run as the superuser who owns the other table, while a role of no rights works

query(q{SELECT sg_grant('eve'); GRANT REFERENCES, SELECT, UPDATE ON app.par TO eve; ALTER TABLE app.par ADD archived boolean NOT NULL DEFAULT false;
	CREATE TABLE app.kids (id int PRIMARY KEY, par int REFERENCES app.par, archived boolean NOT NULL DEFAULT false, UNIQUE (id, archived)); INSERT INTO app.kids VALUES (1, 1);
	CREATE TRIGGER ar AFTER UPDATE ON app.par FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_archive_live_children('app.kids', 'kids_par_fkey', 'archived', 'archived');
	GRANT REFERENCES ON app.kids TO eve; GRANT bob TO eve; REVOKE bob FROM eve;
	SET SESSION AUTHORIZATION eve;
	CREATE TABLE eve.of_kids (id int, archived boolean, FOREIGN KEY (id, archived) REFERENCES app.kids (id, archived) ON UPDATE CASCADE); INSERT INTO eve.of_kids VALUES (1, false);
	CREATE TRIGGER told AFTER UPDATE ON eve.of_kids FOR EACH ROW EXECUTE FUNCTION eve.tells();
	CREATE TYPE eve.en AS ENUM ('x', 'y');
	CREATE FUNCTION eve.en_int(eve.en) RETURNS int LANGUAGE plpgsql AS $$ DECLARE ctx text; BEGIN GET DIAGNOSTICS ctx = PG_CONTEXT; PERFORM eve.seen();
		IF ctx ~ 'LEFT OUTER JOIN' AND ctx !~ '~' THEN RAISE EXCEPTION 'no'; END IF; RETURN 3; END $$;
	CREATE CAST (eve.en AS int) WITH FUNCTION eve.en_int(eve.en) AS IMPLICIT;
	CREATE TABLE eve.by_cast (x eve.en); INSERT INTO eve.by_cast VALUES ('x');
	SELECT sg_plan_create('cast'), sg_plan_add_fk('cast', 'eve.by_cast', '{x}', 'app.par', '{id}')});
$heard = $log->();
like(($node->psql('postgres', 'UPDATE app.par SET archived = true WHERE id = 1', extra_params => [ '-U', 'eve' ]))[2], qr/could run trigger told of role eve as a superuser/, 'a trigger that archives children looks at what these lead to');
$node->psql('postgres', q{CALL sg_apply('cast', fail => false)}, extra_params => [ '-U', 'eve' ]);
is($log->(), $heard, '... and her code runs as nobody else, nor where VALIDATE asks row by row');
query(q{ALTER TABLE eve.by_cast DROP CONSTRAINT IF EXISTS by_cast_x_fkey; TRUNCATE eve.by_cast; ALTER TABLE eve.by_cast ADD FOREIGN KEY (x) REFERENCES app.par; CREATE ROLE her LOGIN; SELECT sg_grant('her'); GRANT eve TO her});
$heard = $log->();
query(q{SET SESSION AUTHORIZATION her; SELECT sg_plan_create('by_cast'), sg_plan_add_statement('by_cast', $$INSERT INTO eve.by_cast VALUES ('y')$$)});
like(($node->psql('postgres', q{CALL sg_apply('by_cast')}, extra_params => [ '-U', 'her' ]))[2], qr/could run function eve\.en_int\(eve\.en\) of role eve as a superuser/, 'a check of a key by the server as a superuser is refused');
is($log->(), $heard, '... and runs nothing of hers');
query(q{CREATE SCHEMA of_bob AUTHORIZATION bob; GRANT USAGE ON SCHEMA of_bob TO eve; CREATE TABLE of_bob.par (id int PRIMARY KEY); INSERT INTO of_bob.par VALUES (3);
	GRANT REFERENCES, SELECT ON of_bob.par TO eve; ALTER TABLE of_bob.par OWNER TO bob;
	SET SESSION AUTHORIZATION eve; CREATE TABLE eve.by_bob (x eve.en REFERENCES of_bob.par);
	SELECT sg_plan_create('by_bob'), sg_plan_add_statement('by_bob', $$INSERT INTO eve.by_bob VALUES ('y')$$)});
$heard = $log->();
like(($node->psql('postgres', q{CALL sg_apply('by_bob')}, extra_params => [ '-U', 'eve' ]))[2],
	qr/key by_bob_x_fkey would do it: it could run function eve\.en_int\(eve\.en\) of role eve/, 'nor one as another role');
is($log->(), $heard, '... and runs nothing of hers as him');

# ---- triggers that archive: what they have looked at is looked at again, and nobody sees or changes by them what row security hides

query(q{CREATE TABLE app.racks (id int PRIMARY KEY, arch timestamptz); INSERT INTO app.racks VALUES (1), (2), (3); ALTER TABLE app.racks OWNER TO eve;
	CREATE TABLE app.tree (id int, rack int CONSTRAINT tree_rack REFERENCES app.racks, arch timestamptz) PARTITION BY RANGE (id);
	CREATE TABLE app.tree_1 PARTITION OF app.tree FOR VALUES FROM (0) TO (100); INSERT INTO app.tree VALUES (1, 1), (2, 2), (3, 3);
	GRANT USAGE ON SCHEMA app TO eve; GRANT CREATE ON SCHEMA app TO eve; GRANT SELECT, UPDATE ON app.tree TO eve; ALTER TABLE app.tree_1 OWNER TO eve;
	CREATE TRIGGER ar AFTER UPDATE ON app.racks FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_archive_live_children('app.tree', 'tree_rack', 'arch', 'arch')});
like(($node->psql('postgres', 'UPDATE app.racks SET arch = now() WHERE id = 1', extra_params => [ '-U', 'eve' ]))[2], qr/whose partition app.tree_1 belongs to role eve/, 'a partition of another role: refused');
query('ALTER TABLE app.tree_1 OWNER TO CURRENT_USER');
my $archives = ($node->psql('postgres', q{SET SESSION AUTHORIZATION eve; UPDATE app.racks SET arch = now() WHERE id = 2; RESET SESSION AUTHORIZATION; ALTER TABLE app.tree_1 OWNER TO eve;
	SET SESSION AUTHORIZATION eve; SELECT lo_from_bytea(777780, 'x');
	CREATE DOMAIN eve.leaks AS timestamptz CHECK (CASE WHEN current_user <> 'eve' THEN lo_put(777780, 0, 'leaked') IS NOT NULL ELSE true END);
	CREATE INDEX ON app.tree_1 ((arch::eve.leaks)); UPDATE app.racks SET arch = now() WHERE id = 3; SELECT lo_get(777780)}, on_error_stop => 0))[2];
like($archives, qr/whose partition app.tree_1 belongs to role eve/, '... and when the session has looked before');
is(query('SELECT convert_from(lo_get(777780), $$UTF8$$)'), 'x', '... and her index runs as nobody else');
is(query('SELECT count(*) FROM app.tree WHERE arch IS NOT NULL'), '1', '... with what was allowed done');

query(q{CREATE TABLE app.people (id int PRIMARY KEY, boss text, vip boolean, racks int, arch timestamptz); INSERT INTO app.people VALUES (1, 'eve', false), (2, 'x', true), (3, 'x', false);
	GRANT REFERENCES, SELECT, UPDATE ON app.people TO eve; ALTER TABLE app.people ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON app.people USING (boss = current_user);
	ALTER TABLE app.people ADD CONSTRAINT people_racks FOREIGN KEY (racks) REFERENCES app.racks; UPDATE app.people SET racks = id;
	SET SESSION AUTHORIZATION eve; CREATE TABLE eve.badges (person int CONSTRAINT of_person REFERENCES app.people);
	CREATE TRIGGER vip AFTER INSERT ON eve.badges FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_archived_parent('of_person', 'vip');
	ALTER TABLE app.racks DISABLE TRIGGER ar; UPDATE app.racks SET arch = NULL; CREATE TRIGGER boss AFTER UPDATE ON app.racks FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_archive_live_children('app.people', 'people_racks', 'arch', 'arch')});
foreach my $statement ('INSERT INTO eve.badges VALUES (2)', 'INSERT INTO eve.badges VALUES (3)', 'UPDATE app.racks SET arch = now() WHERE id = 2')
{
	like(($node->psql('postgres', $statement, extra_params => [ '-U', 'eve' ]))[2], qr/row security of app.people holds for role eve/, "$statement: refused where row security hides rows");
}

# ---- DETACH reads the tables that refer to the partition, by their policies; an aggregate reads its initial value

query(q{SET SESSION AUTHORIZATION bob; CREATE TABLE app.apart (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE app.apart_1 PARTITION OF app.apart FOR VALUES FROM (0) TO (100);
	GRANT REFERENCES, SELECT ON app.apart TO eve; SET SESSION AUTHORIZATION eve;
	CREATE TABLE eve.of_apart (id int REFERENCES app.apart); INSERT INTO eve.of_apart SELECT 150 WHERE false; GRANT SELECT ON eve.of_apart TO PUBLIC; ALTER TABLE eve.of_apart ENABLE ROW LEVEL SECURITY;
	CREATE POLICY seen ON eve.of_apart USING (query_to_xml('SELECT lo_from_bytea(0, ''x'')', true, false, '') IS NOT NULL);
	SET SESSION AUTHORIZATION bob; SELECT sg_plan_create('apart'), sg_plan_add_statement('apart', 'ALTER TABLE app.apart DETACH PARTITION app.apart_1')});
like(($node->psql('postgres', q{CALL sg_apply('apart')}, extra_params => [ '-U', 'bob' ]))[2], qr/of role eve/, 'DETACH: refused to who would run her policy');
query(q{CREATE DOMAIN app.word AS text CHECK (query_to_xml('SELECT lo_from_bytea(0, ''x'')', true, false, '') IS NOT NULL);
	CREATE FUNCTION app.words(app.word, text) RETURNS app.word LANGUAGE sql AS 'SELECT $1';
	SELECT sg_plan_create('initial'), sg_plan_add_statement('initial', $$CREATE AGGREGATE app.said(text) (sfunc = app.words, stype = app.word, initcond = 'x')$$)});
like(($node->psql('postgres', q{CALL sg_apply('initial')}))[2], qr/query_to_xml/, 'CREATE AGGREGATE: what the check of a type would run is refused');

query(q{CREATE FUNCTION app.any_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); END'; ALTER FUNCTION app.any_ddl() OWNER TO eve;
	SELECT sg_plan_create('event'), sg_plan_add_statement('event', 'CREATE EVENT TRIGGER hers ON ddl_command_end EXECUTE FUNCTION app.any_ddl()')});
like(($node->psql('postgres', q{CALL sg_apply('event')}))[2], qr/could run function app.any_ddl\(\) of role eve/, 'CREATE EVENT TRIGGER: a function of hers would run in the name of all');

# ---- names in what is kept, or analysed once more: who may create in a schema can make a better match, who owns a table that is read can put a view there

query(q{GRANT CREATE ON SCHEMA app TO eve; CREATE TABLE app.filled (id bigint PRIMARY KEY, a int); INSERT INTO app.filled VALUES (1, 1);
	CREATE FUNCTION app.poly(anyelement) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 7'; CREATE SCHEMA tidy; CREATE FUNCTION tidy.poly(anyelement) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 7';
	CREATE TABLE eve.map (k bigint, v int); GRANT SELECT ON eve.map TO PUBLIC; CREATE TABLE tidy.map (k bigint, v int)});
my %fills = ('app.poly(id)' => qr/can be made in schema app .*of role (?:bob|eve)/, '(SELECT v FROM eve.map WHERE k = id)' => qr/in the place of table eve.map of role eve/, 'tidy.poly(id)' => undef, '(SELECT v FROM tidy.map WHERE k = id)' => undef);
foreach my $fill (sort keys %fills)
{
	query(qq{SELECT sg_plan_create('kept', replace => true); SELECT sg_plan_add_column('kept', 'app.filled', 'n' || length('$fill'), 'int', fill => '$fill')});
	my $said = ($node->psql('postgres', q{CALL sg_apply('kept')}))[2];
	if ($fills{$fill}) { like($said, $fills{$fill}, "fill => $fill: no trigger keeps that text"); }
	else { is(query(q{SELECT state FROM schemaguard.plan_step WHERE plan = 'kept'}), 'validated', "fill => $fill: filled"); }
}

query(q{CREATE TABLE app.squat (id int PRIMARY KEY); SELECT sg_plan_create('squat'), sg_plan_add_audit_columns('squat', '{app.squat}', language => 'plpgsql')});
my $squatted = query(q{SELECT fk_name FROM schemaguard.plan_step WHERE plan = 'squat' AND definition ~ 'FUNCTION app' AND definition !~ 'TRIGGER' LIMIT 1});
query(qq{SET SESSION AUTHORIZATION eve; CREATE FUNCTION app.$squatted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); RETURN NEW; END'});
like(($node->psql('postgres', q{CALL sg_apply('squat', fail => false)}))[2], qr/is neither as it was nor as it should be/, 'a function that another role has made under the name of the plan\'s is not taken for it');
$heard = $log->();
query('INSERT INTO app.squat VALUES (1)');
is($log->(), $heard, '... and no trigger calls it');

{
	query(q{CREATE TABLE app.raced (a int, b int); CREATE FUNCTION app.ranges(bigint, int4range) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
		SET SESSION AUTHORIZATION eve; SELECT lo_from_bytea(777781, 'x'); CREATE DOMAIN eve.race_domain AS int; CREATE TYPE eve.race_range AS RANGE (subtype = eve.race_domain);
		ALTER DOMAIN eve.race_domain ADD CHECK (CASE WHEN current_setting('is_superuser') = 'on' THEN lo_put(777781, 0, 'leaked') IS NOT NULL ELSE true END) NOT VALID});
	query(q{SELECT sg_plan_create('raced'), sg_plan_add_statement('raced', $$ALTER TABLE app.raced ADD CONSTRAINT raced_u UNIQUE (a), ALTER COLUMN b SET DEFAULT app.ranges(1, '[1,5)')$$)});
	my ($hers, $victim) = map { SgTest::Session->new($node) } 1 .. 2;
	$hers->query($_) foreach 'SET SESSION AUTHORIZATION eve', 'BEGIN', 'CREATE TABLE app.raced_u (i int)';
	$victim->send(q{SET deadlock_timeout = '60s'; SET lock_timeout = 0; SET schemaguard.lock_timeout = '60s'; CALL sg_apply('raced')});
	wait_for(sub { query(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'}) > 0 });
	query(q{SET SESSION AUTHORIZATION eve; CREATE FUNCTION app.ranges(int, eve.race_range) RETURNS int LANGUAGE sql AS 'SELECT 1'});
	$hers->query('ROLLBACK');
	$victim->collect;
	is(query('SELECT convert_from(lo_get(777781), $$UTF8$$)'), 'x', 'ALTER TABLE that waits: a literal that a better match reads is judged by nobody');
	query('DROP FUNCTION app.ranges(int, eve.race_range)');
}

# ---- code that a superuser's table has taken over from hers, or that she may have put there by a GRANT

query(q{CREATE FUNCTION app.does() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE TG_ARGV[0]; RETURN NEW; END $$;
	CREATE TABLE app.given (id int); GRANT TRIGGER ON app.given TO eve; GRANT EXECUTE ON FUNCTION app.does() TO PUBLIC;
	SET SESSION AUTHORIZATION eve; SELECT lo_from_bytea(777778, 'x');
	CREATE TABLE eve.above (id int, z text DEFAULT query_to_xml('SELECT lo_export(777778, ''} . "$pwned.1" . q{'')', true, false, '')::text, CHECK (query_to_xml('SELECT lo_export(777778, ''} . "$pwned.2" . q{'')', true, false, '') IS NOT NULL)) PARTITION BY LIST (id);
	CREATE TABLE eve.inherited (id int, CHECK (query_to_xml('SELECT lo_export(777778, ''} . "$pwned.3" . q{'')', true, false, '') IS NOT NULL));
	CREATE TABLE eve.triggers (id int) PARTITION BY LIST (id);
	CREATE TRIGGER does AFTER INSERT ON eve.triggers FOR EACH ROW EXECUTE FUNCTION app.does('SELECT lo_export(777778, ''} . "$pwned.4" . q{'')');
	CREATE TRIGGER does AFTER INSERT ON app.given FOR EACH ROW WHEN (query_to_xml('SELECT lo_export(777778, ''} . "$pwned.5" . q{'')', true, false, '') IS NOT NULL) EXECUTE FUNCTION app.does('SELECT 1');
	CREATE TABLE eve.triggers_own PARTITION OF eve.triggers FOR VALUES IN (2);
	RESET SESSION AUTHORIZATION;
	CREATE TABLE app.granted (id int) PARTITION BY LIST (id); GRANT TRIGGER ON app.granted TO eve;
	SET SESSION AUTHORIZATION eve;
	CREATE TRIGGER does AFTER INSERT ON app.granted FOR EACH ROW WHEN (query_to_xml('SELECT lo_export(777778, ''} . "$pwned.6" . q{'')', true, false, '') IS NOT NULL) EXECUTE FUNCTION app.does('SELECT 1');
	RESET SESSION AUTHORIZATION;
	CREATE TABLE app.granted_1 PARTITION OF app.granted FOR VALUES IN (1);
	CREATE TABLE app.taken_1 PARTITION OF eve.above FOR VALUES IN (1); CREATE TABLE app.taken_2 () INHERITS (eve.inherited); CREATE TABLE app.taken_3 PARTITION OF eve.triggers FOR VALUES IN (1)});
foreach my $table ('app.taken_1', 'app.taken_2', 'app.taken_3', 'app.given', 'app.granted_1')
{
	query("SELECT sg_plan_create('taken', replace => true); SELECT sg_plan_add_statement('taken', 'INSERT INTO $table (id) VALUES (1)')");
	like(($node->psql('postgres', q{CALL sg_apply('taken')}))[2], qr/of role eve/, "INSERT INTO $table: refused");
}
query(q{SELECT sg_plan_create('taken', replace => true); SELECT sg_plan_add_statement('taken', 'INSERT INTO eve.triggers_own VALUES (2)')});
unlike(($node->psql('postgres', q{CALL sg_apply('taken')}))[2], qr/1 validated/, 'INSERT INTO eve.triggers_own: as eve, who may write no file');
is(join(' ', glob("$pwned.*")), '', '... and no file is written');
query('INSERT INTO app.taken_1 (id) VALUES (1); INSERT INTO app.taken_2 VALUES (1); INSERT INTO app.taken_3 VALUES (1); INSERT INTO app.given VALUES (1); INSERT INTO app.granted_1 VALUES (1)');
is(scalar(my @files = glob("$pwned.*")), 6, 'plain SQL writes them');

# ---- what the server computes as the owner of a table: ANALYZE, REINDEX, VACUUM

query(q{SET SESSION AUTHORIZATION eve; CREATE DOMAIN eve.later AS int; RESET SESSION AUTHORIZATION;
	CREATE TABLE app.kept_up (id int PRIMARY KEY, x int); INSERT INTO app.kept_up VALUES (1, 1);
	CREATE INDEX kept_up_x ON app.kept_up (((x::eve.later)::int)); CREATE STATISTICS app.kept_up_s ON ((x::eve.later)::int), id FROM app.kept_up;
	SET SESSION AUTHORIZATION eve; ALTER DOMAIN eve.later ADD CHECK (current_user = 'eve') NOT VALID});
foreach my $statement ('REINDEX TABLE app.kept_up', 'REINDEX INDEX app.kept_up_x', 'REINDEX TABLE CONCURRENTLY app.kept_up', 'REINDEX SCHEMA app', 'ANALYZE app.kept_up', 'ANALYZE', 'VACUUM (ANALYZE) app.kept_up')
{
	query('SELECT sg_plan_create($$up$$, replace => true); SELECT sg_plan_add_statement($$up$$, ' . lit($statement) . ')');
	my (undef, undef, $error) = $node->psql('postgres', q{CALL sg_apply('up')});
	like($error, qr/statement is left alone: it could run .* of role eve/, "$statement: refused");
	unlike($error, qr/violates check constraint/, '... before it asks');
}
like(($node->psql('postgres', 'ANALYZE app.kept_up'))[2], qr/violates check constraint/, 'plain SQL asks as the superuser');
query(q{SELECT sg_plan_create('up', replace => true); SELECT sg_plan_add_statement('up', 'ANALYZE app.own'), sg_plan_add_statement('up', 'REINDEX TABLE app.honest'),
	sg_plan_add_statement('up', 'REINDEX TABLE CONCURRENTLY app.honest'), sg_plan_add_statement('up', 'VACUUM app.honest')});
query(q{CALL sg_apply('up')});
is(query(q{SELECT string_agg(state, ' ') FROM schemaguard.plan_step WHERE plan = 'up'}), 'validated validated validated validated', 'tables whose owners have chosen their code are kept up');

# ---- whose rows a statement changes that runs as the owner: those that the caller sees, at once

query(q{SET SESSION AUTHORIZATION bob; CREATE TABLE app.forced (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, m app.mood); INSERT INTO app.forced VALUES (1, 'sad'), (2, 'sad');
	ALTER TABLE app.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY one ON app.forced USING (id = 1); RESET SESSION AUTHORIZATION;
	SELECT sg_plan_create('forced'), sg_plan_add_statement('forced', $$UPDATE app.forced SET m = 'ok', id = id + 10$$)});
query(q{CALL sg_apply('forced')});
is(query(q{SELECT string_agg(concat(id, m), ' ' ORDER BY id) FROM app.forced}), '11ok 12ok', 'a superuser changes all rows, also as an owner who must not');
if (major($node) >= 16)
{
	query(q{CREATE ROLE halfway LOGIN; GRANT bob TO halfway WITH INHERIT TRUE, SET FALSE; SELECT sg_grant('halfway');
		CREATE TABLE app.hidden (id int, who text); INSERT INTO app.hidden VALUES (7, 'x'); ALTER TABLE app.hidden ENABLE ROW LEVEL SECURITY;
		CREATE POLICY bobs ON app.hidden USING (current_user = 'bob'); GRANT SELECT ON app.hidden TO bob, halfway;
		SET SESSION AUTHORIZATION halfway; SELECT sg_plan_create('halfway'), sg_plan_add_statement('halfway', $$INSERT INTO app.told SELECT id, 'ok' FROM app.hidden$$)});
	like(($node->psql('postgres', q{CALL sg_apply('halfway')}, extra_params => [ '-U', 'halfway' ]))[2], qr/may not become by SET ROLE/, 'who may not SET ROLE takes no role');
	is(query('SELECT count(*) FROM app.told WHERE id = 7'), '0', '... nor the rows that its policies show');
}

# ---- what her view or policy reads with the rights of whoever runs a statement, and where the rows then go

query(q{CREATE SCHEMA lent; GRANT USAGE ON SCHEMA lent TO eve; CREATE SCHEMA hers AUTHORIZATION eve; GRANT USAGE ON SCHEMA hers TO PUBLIC; CREATE TABLE lent.secret (v text); INSERT INTO lent.secret VALUES ('secret');
	CREATE TABLE lent.log (v text); INSERT INTO lent.log VALUES ('x'); CREATE TABLE lent.root (k int, v text) PARTITION BY LIST (k); CREATE TABLE lent.above (k int, v text);
	CREATE TABLE lent.parent (code text UNIQUE); INSERT INTO lent.parent VALUES ('one'); GRANT REFERENCES ON lent.parent TO eve;
	SET SESSION AUTHORIZATION eve; CREATE VIEW hers.src AS SELECT 'plain'::text AS v; CREATE TABLE hers.into (v text); CREATE TABLE hers.leaf (k int, v text); CREATE TABLE hers.heir (k int, v text);
	CREATE TABLE hers.follows (code text REFERENCES lent.parent (code) ON UPDATE CASCADE); INSERT INTO hers.into VALUES ('a'); INSERT INTO hers.leaf VALUES (1, 'a');
	INSERT INTO hers.heir VALUES (1, 'a'); INSERT INTO hers.follows VALUES ('one'); RESET SESSION AUTHORIZATION;
	ALTER TABLE lent.root ATTACH PARTITION hers.leaf FOR VALUES IN (1); ALTER TABLE hers.heir INHERIT lent.above; CREATE VIEW lent.over AS SELECT v FROM hers.into; CREATE VIEW lent.through AS SELECT v FROM hers.src});
my @lent = (
	'INSERT INTO hers.into SELECT v FROM hers.src',
	'INSERT INTO lent.root SELECT 1, v FROM hers.src',
	'INSERT INTO lent.root VALUES (1, (SELECT v FROM hers.src))',
	'MERGE INTO lent.root r USING hers.src s ON r.v IS DISTINCT FROM s.v WHEN MATCHED THEN UPDATE SET v = s.v',
	'UPDATE lent.above SET v = (SELECT v FROM hers.src)',
	'UPDATE lent.parent SET code = (SELECT v FROM hers.src)',
	'INSERT INTO lent.over SELECT v FROM hers.src',
	'WITH s AS (SELECT v FROM hers.src), w AS (INSERT INTO hers.into SELECT v FROM s RETURNING 1) DELETE FROM lent.log USING w',
	'WITH s AS (SELECT v FROM hers.src), w AS (UPDATE hers.into SET v = s.v FROM s RETURNING 1) INSERT INTO lent.log SELECT 1 FROM w',
	q{WITH s AS MATERIALIZED (SELECT v FROM hers.src), w AS (DELETE FROM hers.into WHERE 'secret' = (SELECT v FROM s) RETURNING 1) INSERT INTO lent.log SELECT 1 FROM w},
	'INSERT INTO lent.root SELECT 1, v FROM lent.through',
	q{UPDATE hers.src SET v = 'hers'});
my $hers_now = q{SELECT concat_ws(' ', (SELECT string_agg(v, ',') FROM hers.into), (SELECT string_agg(v, ',') FROM hers.leaf), (SELECT string_agg(v, ',') FROM hers.heir), (SELECT string_agg(code, ',') FROM hers.follows), (SELECT v FROM lent.secret))};

# a plan for each, for statements about the same rows wait for each other
query(q{SELECT sg_plan_create('undo lent'), sg_plan_add_statement('undo lent', 'COMMENT ON TABLE lent.log IS $$x$$', undo => 'INSERT INTO lent.root SELECT 1, v FROM hers.src'), }
	. join(', ', map { "sg_plan_create('lent $_'), sg_plan_add_statement('lent $_', " . lit($lent[$_]) . ')' } 0 .. $#lent) . q{; CALL sg_apply('undo lent');
	SET SESSION AUTHORIZATION eve; CREATE OR REPLACE VIEW hers.src WITH (security_invoker = true) AS SELECT v FROM lent.secret});
my (undef, undef, $lent) = $node->psql('postgres', join('; ', map { "CALL sg_apply('lent $_')" } 0 .. $#lent) . q{; CALL sg_rollback_fks('undo lent')});
is(query($hers_now), 'a a a one secret', 'her view reads nothing with the rights of a superuser, wherever the rows would go') or diag($lent);
is(query(q{SELECT string_agg(plan, ' ') FROM schemaguard.plan_step WHERE plan LIKE 'lent %' AND state <> 'failed'}), '', '... each statement fails');
is(scalar(() = $lent =~ /WARNING: .*(?:left alone: it could run what security_invoker view hers\.src reads of role eve as a superuser|permission denied for table secret)/g), @lent + 1, '... and says so') or diag($lent);
query(q{SET SESSION AUTHORIZATION eve; CREATE OR REPLACE VIEW hers.src WITH (security_invoker = false) AS SELECT 'plain'::text AS v});
query(q{SELECT sg_plan_create('lent', replace => true), } . join(', ', map { "sg_plan_add_statement('lent', " . lit($_) . ')' } @lent[ 0 .. $#lent - 1 ]) . q{; CALL sg_apply('lent'); CALL sg_rollback_fks('undo lent')});
is(query(q{SELECT string_agg(DISTINCT state, ' ') FROM schemaguard.plan_step WHERE plan LIKE '%lent'}), 'rolled back validated', 'what it reads with her rights goes anywhere');

query(q{CREATE TABLE lent.of_bob (v text); INSERT INTO lent.of_bob VALUES ('secret'); CREATE TABLE lent.bobs (k int, v text) PARTITION BY LIST (k); ALTER TABLE lent.of_bob OWNER TO bob; ALTER TABLE lent.bobs OWNER TO bob; GRANT USAGE ON SCHEMA lent TO bob;
	SET SESSION AUTHORIZATION eve; CREATE TABLE hers.guess (v text); INSERT INTO hers.guess VALUES ('secret'), ('other'); GRANT SELECT ON hers.guess TO bob; CREATE TABLE hers.told (k int, v text); RESET SESSION AUTHORIZATION;
	ALTER TABLE lent.bobs ATTACH PARTITION hers.told FOR VALUES IN (1); SET SESSION AUTHORIZATION bob; SELECT sg_plan_create('guess'), sg_plan_add_statement('guess', 'INSERT INTO lent.bobs SELECT 1, v FROM hers.guess');
	SET SESSION AUTHORIZATION eve; ALTER TABLE hers.guess ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON hers.guess TO bob USING (v IN (SELECT s.v FROM lent.of_bob s))});
like(($node->psql('postgres', q{CALL sg_apply('guess')}, extra_params => [ '-U', 'bob' ]))[2], qr/left alone: it could run what a policy of hers\.guess reads of role eve/, 'nor does her policy');
is(query('SELECT count(*) FROM hers.told'), '0', '... by which she would see which of her rows are there');
query('DROP SCHEMA lent, hers CASCADE');

# ---- what goes for good is counted as the owner where the owner's code could run, and ends no call

query(q{GRANT USAGE ON SCHEMA app TO eve; CREATE FUNCTION app.mixed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); RETURN $1; END';
	ALTER FUNCTION app.mixed(int) OWNER TO bob; CREATE ROLE operator LOGIN; SELECT sg_grant('operator'); GRANT eve TO operator});
foreach my $code ('eve.same(0)', 'app.mixed(0)')
{
	my $counted = $code eq 'eve.same(0)';
	my $many = $counted ? qr/\d (?:values?|rows?|rows? or values?) gone/ : qr/(?:rows or values|values|rows) that could not be counted gone/;
	foreach my $user ($node->safe_psql('postgres', 'SELECT current_user'), 'operator')
	{
		my @as = (extra_params => [ '-U', $user ]);

		query(join '', 'SET SESSION AUTHORIZATION eve;', map { "CREATE TABLE eve.gone$_ (id int, a int, b int); INSERT INTO eve.gone$_ SELECT g, g, nullif(g, 2) FROM generate_series(1, 3) g;
			CREATE INDEX ON eve.gone$_ ((id + $code));" } 1 .. 6);
		$node->safe_psql('postgres', q{SET client_min_messages = error; SELECT sg_plan_create('gone'), sg_plan_add_drop('gone', 'column', 'eve.gone1', 'b', keep => false),
			sg_plan_add_drop('gone', 'table', 'eve.gone2', keep => false), sg_plan_add_statement('gone', 'ALTER TABLE eve.gone3 DROP COLUMN b'),
			sg_plan_add_statement('gone', 'TRUNCATE eve.gone4'), sg_plan_add_statement('gone', 'DROP TABLE eve.gone5'),
			sg_plan_create('came'), sg_plan_add_column('came', 'eve.gone6', 'c', 'int')}, @as);
		my (undef, undef, $told) = $node->psql('postgres', q{CALL sg_apply('gone', fail => false)}, @as);
		is(scalar(() = $told =~ /step \d.* $many for good/g) + ($told =~ /step 3, .* left alone: it could run function app/), 5, "$user, $code: what is done tells what has gone") or diag($told);
		(undef, undef, $told) = $node->psql('postgres', q{CALL sg_apply('came'); CALL sg_rollback_fks('came', fail => false)}, @as);
		like($told, $counted ? qr/taken back/ : qr/whether it holds values .* can't be told: it could run function/, '... as does a rollback of a column');
		query(q{SELECT sg_plan_drop('gone', force => true), sg_plan_drop('came', force => true); DROP TABLE eve.gone1, eve.gone3, eve.gone4, eve.gone6});
	}
}

# ---- fills of another role's table, and their way back, where what the owner has deferred would fire at the end

query(q{SET SESSION AUTHORIZATION eve; CREATE TABLE eve.root (id int PRIMARY KEY); INSERT INTO eve.root VALUES (0), (1);
	CREATE FUNCTION eve.later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM eve.seen(); RETURN NULL; END';
	CREATE TABLE eve.keyed (id int PRIMARY KEY, a int REFERENCES eve.root DEFERRABLE INITIALLY DEFERRED, n int); INSERT INTO eve.keyed SELECT g, nullif(g % 3, 2), g - 2 FROM generate_series(1, 9) g;
	CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON eve.keyed DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eve.later(); RESET SESSION AUTHORIZATION;
	SELECT sg_plan_create('keyed'), sg_plan_add_not_null('keyed', 'eve.keyed', 'a', policy => 'set', fill => '1'), sg_plan_add_column('keyed', 'eve.keyed', 'more', 'int', fill => 'n + 1'),
		sg_plan_add_check('keyed', 'eve.keyed', 'n > 0', policy => 'set', child_column => 'n', fill => '7')});
query(q{CALL sg_apply('keyed', fix => true)});
is(query('SELECT concat_ws($$ $$, count(*) FILTER (WHERE a = 1), count(more), count(*) FILTER (WHERE n = 7)) FROM eve.keyed'), '6 9 3', 'rows of a table with deferred triggers and keys are filled');
query(q{CALL sg_rollback_fks('keyed')});
is(query('SELECT concat_ws($$ $$, count(a), count(*) FILTER (WHERE n < 1)) FROM eve.keyed'), '6 2', '... and have their old values again');

# ---- who owns a database, or a role, chooses no function that others run: before and after the library is loaded

query(q{CREATE ROLE maker LOGIN CREATEROLE; CREATE ROLE throttled LOGIN; SELECT sg_grant('throttled');
	CREATE TABLE app.ledger (); CREATE FUNCTION app.wipe() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN DROP TABLE app.ledger; RETURN false; END';
	GRANT USAGE ON SCHEMA app TO throttled; GRANT CREATE ON DATABASE postgres TO throttled;
	GRANT throttled TO maker WITH ADMIN OPTION; ALTER DATABASE postgres OWNER TO eve});
my $loads = 'SELECT FROM schemaguard.progress; ';
foreach my $at ([ eve => 'ALTER DATABASE postgres' ], [ maker => 'ALTER ROLE throttled' ], [ throttled => 'ALTER ROLE throttled' ], [ eve => 'ALTER ROLE eve' ])
{
	my ($user, $alter) = @$at;
	foreach my $before ('', $loads, "SET schemaguard.throttle_function = 'app.wipe'; ", "SET schemaguard.throttle_function = 'app.wipe'; $loads")
	{
		is_error($node, "$before$alter SET schemaguard.throttle_function = 'app.wipe'", '42501', qr/permission denied to set parameter/, "$user: $before$alter", user => $user);
	}
}
is_error($node, "${loads}SET schemaguard.throttle_function = 'app.wipe'", '42501', qr/permission denied to set parameter/, 'nor for a session', user => 'eve');
is(query('SELECT count(*) FROM pg_db_role_setting'), '0', 'nothing is kept');

# what a function of another role, or the connection, gives before the library is loaded counts for nothing
query(q{SET ROLE eve; CREATE FUNCTION eve.plant() RETURNS text SECURITY DEFINER LANGUAGE sql AS $$SELECT set_config('schemaguard.throttle_function', 'app.wipe', false)$$; RESET ROLE;
	SELECT sg_plan_create('throttled'), sg_plan_add_statement('throttled', 'ALTER TABLE app.own ADD COLUMN more int')});
query(q{SELECT eve.plant(); CALL sg_apply('throttled')});
is(query(q{SELECT concat(to_regclass('app.ledger'), ' ', state) FROM schemaguard.plan_step WHERE plan = 'throttled'}), 'app.ledger validated', "a superuser's call runs no function that her function has named");
{
	local $ENV{PGOPTIONS} = '-c schemaguard.throttle_function=app.wipe';
	is(($node->psql('postgres', "${loads}SHOW schemaguard.throttle_function", extra_params => [ '-U', 'eve' ]))[1], '', 'nor does what her connection says count');
}

# superusers do, also for others, and who may by their leave
query(q{CREATE TABLE app.asked (who text); GRANT INSERT ON app.asked TO PUBLIC;
	CREATE FUNCTION app.ask() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO app.asked VALUES (current_user); RETURN false; END';
	GRANT SET ON PARAMETER schemaguard.throttle_function TO throttled; ALTER DATABASE postgres SET schemaguard.throttle_function = 'app.ask'});
my $make = q{SELECT sg_plan_create('makes', replace => true), sg_plan_add_statement('makes', 'CREATE SCHEMA made'); CALL sg_apply('makes'); CALL sg_rollback_fks('makes'); SELECT sg_plan_drop('makes');};
$node->psql('postgres', "SET client_min_messages = error; $make", extra_params => [ '-U', 'throttled' ]);
is(query('SELECT DISTINCT who FROM app.asked'), 'throttled', "a superuser's function for a database runs as the caller");
is(($node->psql('postgres', "${loads}SET schemaguard.throttle_function = ''; SHOW schemaguard.throttle_function", extra_params => [ '-U', 'throttled' ]))[1], '', 'who may set it by GRANT does');
query('ALTER DATABASE postgres RESET schemaguard.throttle_function; ALTER DATABASE postgres OWNER TO CURRENT_USER; REVOKE SET ON PARAMETER schemaguard.throttle_function FROM throttled');

# ---- deferred triggers fail with the step that has left them

query(q{SELECT sg_plan_create('late'); SELECT sg_plan_add_statement('late', 'UPDATE app.late SET n = 2'), sg_plan_add_statement('late', 'UPDATE app.own SET n = 7')});
my ($ended, undef, $told) = $node->psql('postgres', q{CALL sg_apply('late', fail => false)});
is($ended, 0, 'a deferred trigger that fails does not end the call');
is(query('SELECT n FROM app.late'), '1', '... its step is taken back');
is(query('SELECT n FROM app.own'), '7', '... and the next one runs');

# ---- no code of others ends the caller's session by a setting

query(q{SET SESSION AUTHORIZATION eve;
	CREATE TABLE eve.quick (id int PRIMARY KEY); CREATE TABLE eve.ends (id int PRIMARY KEY, p int); INSERT INTO eve.ends VALUES (1, 5);
	CREATE FUNCTION eve.ends() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF current_setting('transaction_timeout', true) IS NOT NULL THEN PERFORM set_config('transaction_timeout', '1', true), pg_sleep(0.3); END IF;
		IF current_setting('transaction_timeout', true) IS NOT NULL THEN EXECUTE 'RESET transaction_timeout'; PERFORM pg_sleep(0.3); END IF;
		PERFORM set_config('exit_on_error', 'on', false); RESET exit_on_error; RAISE EXCEPTION 'ended'; END $$;
	CREATE TRIGGER ends BEFORE DELETE ON eve.ends FOR EACH ROW EXECUTE FUNCTION eve.ends(); RESET SESSION AUTHORIZATION;
	SELECT sg_plan_create('ends'), sg_plan_add_fk('ends', 'eve.ends', '{p}', 'eve.quick', orphans => 'delete')});
for my $session ('', $node->pg_version >= 17 ? "SET transaction_timeout = '20s'; " : (), 'reset')
{
	my $timeout = $session;

	# RESET in her code leads to what the session has, whatever is set for the database
	if ($timeout eq 'reset')
	{
		query('ALTER DATABASE postgres SET exit_on_error = on' . ($node->pg_version >= 17 ? q{; ALTER DATABASE postgres SET transaction_timeout = '200ms'} : ''));
		$timeout = 'SET exit_on_error = off; ' . ($node->pg_version >= 17 ? 'SET transaction_timeout = 0; ' : '');
		is((split /\n/, ($node->psql('postgres', "${timeout}CALL sg_add_fks('ends', fix => true, fail => false); RESET exit_on_error; SHOW exit_on_error"))[1] // '')[-1], 'on', 'the caller can set it back');
	}
	is(($node->psql('postgres', "${timeout}CALL sg_add_fks('ends', fix => true, fail => false); SHOW exit_on_error"))[1], 'off', 'the session goes on');
	like(query(q{SELECT state || ': ' || reason FROM schemaguard.plan_step WHERE plan = 'ends'}), qr/^(?:failed|added): .*P0001/, "... and the step says what has failed");
}
query(q{ALTER DATABASE postgres RESET ALL; SELECT sg_plan_drop('ends', force => true)});

# a function of hers in schema schemaguard, as those of fills are, is hers
query(q{CREATE FUNCTION schemaguard.of_eve() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'; ALTER FUNCTION schemaguard.of_eve() OWNER TO eve});
like(($node->psql('postgres', 'SELECT schemaguard.sg_sync_guard(true); SELECT schemaguard.of_eve()'))[2], qr/it could run function of_eve of role eve/, 'a function in our schema that is not ours does not run as the caller');
query('DROP FUNCTION schemaguard.of_eve()');

# ---- statements that are printed for others to run: what validates her constraints is left to a plan, which looks at them

query(q{CREATE SCHEMA printed AUTHORIZATION eve; SET SESSION AUTHORIZATION eve;
	CREATE TABLE printed.root (id int PRIMARY KEY); INSERT INTO printed.root VALUES (1);
	CREATE TABLE printed.leaf (id int PRIMARY KEY, a int); INSERT INTO printed.leaf VALUES (1, 1);
	CREATE INDEX ON printed.leaf ((a + eve.same(0)));
	ALTER TABLE printed.leaf ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES printed.root; RESET SESSION AUTHORIZATION;
	SELECT sg_snapshot_take('printed', schemas => '{printed}');
	SET SESSION AUTHORIZATION eve; ALTER TABLE printed.leaf DROP CONSTRAINT k, ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES printed.root NOT VALID,
		ADD CONSTRAINT c CHECK (eve.judge(a)) NOT VALID; RESET SESSION AUTHORIZATION});
$heard = $log->();
my $run_fixes = q{SELECT fix FROM sg_lint('{printed}') WHERE rule ~ 'not-valid' \gexec};
$node->psql('postgres', "$run_fixes\nCALL sg_apply('lint')");
is(query(q{SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'printed.leaf'::regclass AND contype IN ('c', 'f')}), 'c true, k true', 'fixes of sg_lint() are steps, which validate as her');
query(q{SELECT sg_plan_drop('lint', force => true); SET SESSION AUTHORIZATION eve; ALTER TABLE printed.leaf DROP CONSTRAINT c, DROP CONSTRAINT k, ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES printed.root NOT VALID; RESET SESSION AUTHORIZATION});
like(query(q{SELECT migration IS NULL, reason FROM sg_compare_fks_details('printed') WHERE recommendation = 'validate here'}), qr/^t\|.*code of its tables' owners/, 'sg_compare_fks() prints no VALIDATE that runs her code');
query(q{SET SESSION AUTHORIZATION eve; DO $$ BEGIN EXECUTE 'DROP INDEX ' || (SELECT string_agg(indexrelid::regclass::text, ', ') FROM pg_index WHERE indrelid = 'printed.leaf'::regclass AND indexprs IS NOT NULL); END $$; RESET SESSION AUTHORIZATION});
is(query(q{SELECT migration FROM sg_compare_fks_details('printed') WHERE recommendation = 'validate here'}), 'ALTER TABLE printed.leaf VALIDATE CONSTRAINT k;', '... but one that does not');
is($log->(), $heard, 'none of these has run her code as anybody else');

# a sequence that is being altered, by whoever owns it, holds no rule of sg_lint() up
query(q{CREATE TABLE app.counted (id serial)});
{
	my $holder = SgTest::Session->new($node);

	$holder->query('BEGIN; ALTER SEQUENCE app.counted_id_seq INCREMENT BY 2');
	like(query(q{SET schemaguard.lock_timeout = '100ms'; SELECT severity, message FROM sg_lint_details('{app}') WHERE rule = 'sequence-exhausted'}), qr/^unknown\|.*lock timeout/, 'a sequence under a lock: the rule is unknown');
	$holder->query('ROLLBACK');
	is(query(q{SELECT severity, message FROM sg_lint_details('{app}') WHERE rule = 'sequence-exhausted'}), '', '... and else not');
	$holder->quit;
}

done_testing();
