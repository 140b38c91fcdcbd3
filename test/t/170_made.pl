# 170_made.pl: what a statement makes uses no function that has come since it was looked at.
#
# A name may find another function while a statement waits.  eve, who may create functions in app, holds a name that a
# superuser's statement needs, and gives what it calls a better match meanwhile: in a plan, in a sync, in a guarded session;
# and for an index, which a worker builds, and which a look has let pass.
#
# rooms: base run change sync deploy
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('made', conf => "schemaguard.lock_timeout = 60s\nschemaguard.lock_budget = 120s\ndeadlock_timeout = 60s\n");

sub query { my ($sql) = @_; return $node->safe_psql('postgres', "SET client_min_messages = error;\n$sql"); }

query(q{
	CREATE ROLE eve LOGIN;
	CREATE SCHEMA app; GRANT ALL ON SCHEMA app TO eve;
	CREATE FUNCTION app.any(anyelement) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION app.cfg(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION app.minus(anyelement, anyelement) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
	CREATE OPERATOR app.## (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = app.minus);
	CREATE TABLE app.old (a int, b int);
	CREATE TABLE app.empty (id int PRIMARY KEY);
});

# What is made depends on eve's functions
my $hers = q{SELECT count(*) FROM pg_depend d LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
	LEFT JOIN pg_type t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
	WHERE 'eve'::regrole IN (p.proowner, t.typowner) AND d.classid NOT IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)};
my $plant = q{SET SESSION AUTHORIZATION eve; CREATE FUNCTION app.any(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2';
	CREATE OPERATOR app.## (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl); CREATE DOMAIN app.cfg AS int};
my $weed = q{DROP DOMAIN app.cfg; DROP FUNCTION app.any(int); DROP OPERATOR app.## (int, int)};

my ($eve, $victim) = map { SgTest::Session->new($node) } 1 .. 2;
$eve->query('SET SESSION AUTHORIZATION eve');

# Has the victim make a call that waits for what eve holds, as locks of that kind show, and changes something meanwhile
sub meanwhile
{
	my ($what, $holds, $call, $locks, $change) = @_;

	$eve->query($_) foreach 'BEGIN', $holds;
	$victim->send($call);
	ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND $locks") > 0 }), $what);
	query($change);
	$eve->query('ROLLBACK');
	$victim->collect;
	return;
}

# Has the victim make something that waits for a name which eve has taken
sub races
{
	my ($what, $name, $call, $made) = @_;

	meanwhile("$what: waits for the name", "CREATE TABLE $name (i int)", $call, q{locktype = 'transactionid'}, $plant);
	like($victim->{err}, qr/would be used, which has come or changed since it was looked at/, '... a function that came meanwhile is told');
	is(query($hers), '0', '... and nothing uses it');
	query($weed);
	like($node->safe_psql('postgres', $call . "; SELECT to_regclass('$name') IS NOT NULL"), qr/^t$/m, '... the same call makes it without') if $made;
	return;
}

# ---- a statement of a plan

my %statement = (
	table => [ 'app.t1', q{CREATE TABLE app.t1 (a int DEFAULT app.any(1), CHECK (app.any(1) > 0))} ],
	generated => [ 'app.t2', q{CREATE TABLE app.t2 (a int, b int GENERATED ALWAYS AS (a OPERATOR(app.##) 1) STORED)} ],
	type => [ 'app.t8', q{CREATE TABLE app.t8 (a int DEFAULT app.cfg('1'))} ],
	partition => [ 'app.t3', q{CREATE TABLE app.t3 (a int) PARTITION BY RANGE ((app.any(a)))} ],
	index => [ 'app.t5', q{ALTER TABLE app.old ADD CONSTRAINT t5 UNIQUE (a), ALTER COLUMN b SET DEFAULT app.any(1)} ]);
foreach my $name (sort keys %statement)
{
	my ($taken, $sql) = @{ $statement{$name} };

	query("SELECT sg_plan_create('$name'), sg_plan_add_statement('$name', " . lit($sql) . ')');
	races("plan, $name", $taken, "CALL sg_apply('$name')", 1);
}

# ---- a look that an attempt has taken counts for the next one

query(q{SELECT sg_plan_create('again'), sg_plan_add_statement('again', 'CREATE TABLE app.t9 (a int DEFAULT app.any(1))')});
$eve->query($_) foreach 'BEGIN', 'CREATE TABLE app.t9 (i int)';
$victim->send(q{SET schemaguard.lock_timeout = '50ms'; CALL sg_apply('again'); RESET schemaguard.lock_timeout});
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'}) > 0 }), 'an attempt waits for the name');
query($plant);
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'}) == 0 }), '... and has failed');
$eve->query('ROLLBACK');
$victim->collect;
like($victim->{err}, qr/would be used, which has come or changed since it was looked at/, '... the next one does not use what came meanwhile');
is(query($hers), '0', '... nor does anything');
query($weed);

# ---- nor for the next step of the call

query(q{SELECT sg_plan_create('next'), sg_plan_add_statement('next', 'CREATE TABLE app.t10 (a int)'), sg_plan_add_statement('next', 'CREATE TABLE app.t11 (a int DEFAULT app.any(1))')});
$eve->query($_) foreach 'BEGIN', 'CREATE TABLE app.t10 (i int)';
$victim->send(q{CALL sg_apply('next')});
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'}) > 0 }), 'the first of two steps waits for the name');
query($plant);
$eve->query('ROLLBACK');
$victim->collect;
is(query(q{SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'next'}), 'validated failed', '... and the second does not use what came meanwhile');
is(query($hers), '0', '... nor does anything');
query($weed);

# ---- what the call has made itself is used, whoever owns it by then

query(q{CREATE ROLE app_owner; GRANT USAGE, CREATE ON SCHEMA app TO app_owner;
	SELECT sg_plan_create('honest'), sg_plan_add_statement('honest', 'CREATE FUNCTION app.honest() RETURNS int LANGUAGE sql RETURN 1'),
		sg_plan_add_statement('honest', 'ALTER FUNCTION app.honest() OWNER TO app_owner'), sg_plan_add_statement('honest', 'CREATE TABLE app.t12 (a int DEFAULT app.honest())')});
$victim->query(q{CALL sg_apply('honest')});
is(query(q{SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'honest'}), 'validated validated validated', 'a function of the call itself, given away before the table is made') or diag($victim->{err});

# ---- what a trigger of hers makes within the call is no more the call's own than what she makes beside it

query(q{CREATE FUNCTION app.g(text) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION app.old_g(varchar) RETURNS int LANGUAGE sql AS 'SELECT 3';
	ALTER FUNCTION app.old_g(varchar) OWNER TO eve; CREATE TABLE app.v (v varchar);
	SET SESSION AUTHORIZATION eve; CREATE TABLE app.trapped (a int); INSERT INTO app.trapped VALUES (1);
	CREATE FUNCTION app.trap() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF tg_argv[0] = 'make' THEN CREATE FUNCTION app.g(varchar) RETURNS int LANGUAGE sql AS 'SELECT 2';
		ELSE ALTER FUNCTION app.old_g(varchar) RENAME TO g; END IF; RETURN NEW; END$$});
foreach my $how ('make', 'rename')
{
	query("SET SESSION AUTHORIZATION eve; CREATE OR REPLACE TRIGGER trap BEFORE UPDATE ON app.trapped FOR EACH ROW EXECUTE FUNCTION app.trap('$how')");
	query("SELECT sg_plan_create('trap $how'), sg_plan_add_statement('trap $how', 'UPDATE app.trapped SET a = 2'), sg_plan_add_statement('trap $how', 'CREATE VIEW app.of_v AS SELECT app.g(v) FROM app.v')");
	$victim->query("CALL sg_apply('trap $how')");
	is(query("SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'trap $how'"), 'validated failed', "a trigger ($how): its function is there before the next step");
	like($victim->{err}, qr/function app\.g\(character varying\) would be used, which has come or changed since it was looked at/, '... which does not use it');
	query('DROP VIEW IF EXISTS app.of_v; DROP FUNCTION app.g(varchar)');
}
query('DROP TABLE app.trapped; DROP FUNCTION app.trap()');

# ---- the same of a view and a table that are handed over, of a cast, and of a column's type

query(q{CREATE TYPE app.word AS ENUM ('a'); CREATE TABLE app.secret (a int); CREATE FUNCTION app.h(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
	SET SESSION AUTHORIZATION eve; CREATE TYPE app.en AS ENUM ('a'); CREATE FUNCTION app.en_text(app.en) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$; CREATE FUNCTION app.h(int) RETURNS int LANGUAGE sql AS 'SELECT 2';
	CREATE DOMAIN app.dom AS int; CREATE VIEW app.shown AS SELECT 1 AS a; CREATE TABLE app.ruled (a int); CREATE TABLE app.cast_from (e app.en); CREATE TABLE app.retyped (v text); CREATE VIEW app.swap AS SELECT 1 AS a; CREATE VIEW app.other AS SELECT 2 AS a; CREATE TABLE app.counting (a int); CREATE TABLE app.defaulted (a int);
	CREATE FUNCTION app.nested() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION app.stat(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION app.stat8(int8) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; CREATE TABLE app.remade (a int); CREATE TABLE app.granting (a int CHECK (a > 1)); CREATE TABLE app.above (a int) PARTITION BY LIST (a); CREATE TABLE app.below (a int); CREATE TABLE app.above2 (a int); CREATE TABLE app.below2 (a int); CREATE FUNCTION app.notes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE FUNCTION app.h(float8) RETURNS int LANGUAGE sql AS 'SELECT 3';
	CREATE TABLE app.trapped (a int); INSERT INTO app.trapped VALUES (1); GRANT ALL ON app.cast_from, app.retyped TO PUBLIC;
	CREATE FUNCTION app.trap() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN EXECUTE tg_argv[0]; RETURN NEW; END$$});
my @handed = (
	[ 'CREATE OR REPLACE VIEW app.shown AS SELECT 2 AS a', 'ALTER VIEW app.shown OWNER TO postgres', 'a view that is handed over' ],
	[ 'CREATE RULE r AS ON INSERT TO app.ruled DO ALSO INSERT INTO app.secret VALUES (1)', 'ALTER TABLE app.ruled OWNER TO postgres', 'a table with a rule' ],
	[ 'ALTER DOMAIN app.dom ADD CHECK (VALUE > 0)', 'ALTER DOMAIN app.dom OWNER TO postgres', 'a domain' ],
	[ 'CREATE CAST (app.en AS text) WITH FUNCTION app.en_text(app.en)', 'CREATE VIEW app.casts AS SELECT e::text FROM app.cast_from', 'a cast' ],
	[ 'DROP CAST IF EXISTS (app.en AS text); CREATE CAST (app.en AS float8) WITH INOUT AS IMPLICIT', 'CREATE VIEW app.inout AS SELECT app.h(e) FROM app.cast_from', 'a cast without a function' ],
	[ 'ALTER VIEW app.swap RENAME TO was; ALTER VIEW app.other RENAME TO swap', 'ALTER VIEW app.swap OWNER TO postgres', 'a view in the place of another one' ],
	[ 'ALTER TABLE app.defaulted ALTER a SET DEFAULT 7', 'ALTER TABLE app.defaulted OWNER TO postgres', 'a default' ],
	[ 'CREATE STATISTICS app.st ON (app.stat(a)), a FROM app.counting', 'ALTER TABLE app.counting OWNER TO postgres', 'statistics of a table' ],
	# by a call of ours in her trigger, too
	[ q{SELECT schemaguard.sg_sync_run(''CREATE OR REPLACE FUNCTION app.nested() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $b$BEGIN RETURN 2; END$b$'')}, 'ALTER FUNCTION app.nested() OWNER TO postgres', 'a function, by a call of ours,' ],
	[ 'ALTER TABLE app.retyped ALTER v TYPE int USING 1', 'CREATE VIEW app.typed_view AS SELECT app.h(v) FROM app.retyped', 'a type' ],
	# of which no hook tells
	[ 'GRANT TRIGGER ON app.granting TO PUBLIC', 'ALTER TABLE app.granting OWNER TO postgres', 'grants on a table' ],
	[ 'GRANT UPDATE (a) ON app.granting TO PUBLIC', 'ALTER TABLE app.granting OWNER TO postgres', 'grants on a column' ],
	[ 'ALTER TABLE app.granting FORCE ROW LEVEL SECURITY', 'ALTER TABLE app.granting OWNER TO postgres', 'row level security' ],
	[ 'ALTER TABLE app.granting DROP CONSTRAINT IF EXISTS granting_a_check, ADD CONSTRAINT other CHECK (a > 0)', 'ALTER TABLE app.granting OWNER TO postgres', 'checks' ],
	[ 'DROP TRIGGER IF EXISTS noting ON app.granting', 'ALTER TABLE app.granting OWNER TO postgres', 'a trigger, which it drops,' ],
	[ 'ALTER TABLE app.above ATTACH PARTITION app.below FOR VALUES IN (1)', 'ALTER TABLE app.below OWNER TO postgres', 'what a table is a partition of' ],
	[ 'ALTER TABLE app.below2 INHERIT app.above2', 'ALTER TABLE app.below2 OWNER TO postgres', 'what a table inherits from' ],
	[ 'GRANT EXECUTE ON FUNCTION app.stat(int) TO PUBLIC', 'ALTER FUNCTION app.stat(int) OWNER TO postgres', 'grants on a function' ],
	# made anew by a step of the call, as another object
	[ 'CREATE STATISTICS app.st ON (app.stat8(a)), a FROM app.remade', 'ALTER TABLE app.remade OWNER TO postgres', 'statistics, which a change of type makes anew,', 'ALTER TABLE app.remade ALTER a TYPE int8' ],
	[ 'CREATE INDEX ON app.remade (app.stat8(a))', 'ALTER TABLE app.remade OWNER TO postgres', 'an index, which a change of type makes anew,', 'ALTER TABLE app.remade ALTER a TYPE int8' ]);
if ($node->pg_version >= 16)
{
	query(q{GRANT pg_create_subscription TO eve; GRANT CREATE ON DATABASE postgres TO eve; SET client_min_messages = error;
		CREATE SUBSCRIPTION hers CONNECTION 'dbname=nowhere password=x' PUBLICATION p WITH (connect = false, slot_name = NONE); ALTER SUBSCRIPTION hers OWNER TO eve});
	push @handed, [ 'ALTER SUBSCRIPTION hers SET (binary)', 'ALTER SUBSCRIPTION hers OWNER TO postgres', 'a subscription' ];
}
foreach my $i (keys @handed)
{
	my ($change, $statement, $what, $between) = @{ $handed[$i] };
	my $steps = $between ? 'validated validated' : 'validated';

	query('ALTER TABLE app.remade OWNER TO eve; ALTER TABLE app.remade ALTER a TYPE int; DROP STATISTICS app.st') if $between;
	query('ALTER TABLE app.granting OWNER TO eve; SET ROLE eve; CREATE OR REPLACE TRIGGER noting BEFORE INSERT ON app.granting FOR EACH ROW EXECUTE FUNCTION app.notes()') if $statement =~ /granting/;
	query("SET SESSION AUTHORIZATION eve; CREATE OR REPLACE TRIGGER trap BEFORE UPDATE ON app.trapped FOR EACH ROW EXECUTE FUNCTION app.trap('$change')");
	query("SELECT sg_plan_create('handed $i'), sg_plan_add_statement('handed $i', 'UPDATE app.trapped SET a = 2')" . join('', map { ", sg_plan_add_statement('handed $i', '$_')" } grep { defined } $between, $statement));
	$victim->query("CALL sg_apply('handed $i')");
	is(query("SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'handed $i'"), "$steps failed", "a trigger changes $what: the next step fails");
	like($victim->{err}, qr/would be used, which has come or changed since it was looked at/, '... and says so');
	$victim->query("CALL sg_apply('handed $i')");
	is(query("SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'handed $i'"), "$steps validated", '... and is done by the next call');
}
# A call of ours that others' code makes in a rule, or where a text is analysed
query(q{SET SESSION AUTHORIZATION eve; DROP TRIGGER trap ON app.trapped; CREATE FUNCTION app.by_call() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE app.told (a text);
	CREATE DOMAIN app.calls AS int CHECK (schemaguard.sg_sync_run('CREATE OR REPLACE FUNCTION app.by_call() RETURNS int LANGUAGE sql SECURITY DEFINER AS $f$SELECT 3$f$')::text IS NOT NULL); ALTER TABLE app.trapped ADD x app.calls[];
	CREATE RULE r AS ON UPDATE TO app.trapped DO ALSO INSERT INTO app.told SELECT schemaguard.sg_sync_run('CREATE OR REPLACE FUNCTION app.by_call() RETURNS int LANGUAGE sql SECURITY DEFINER AS $f$SELECT 2$f$')::text});
for my $set ('a = 3', "x = ''{1}''")
{
	query("SELECT sg_plan_create('by call', replace => true), sg_plan_add_statement('by call', 'UPDATE app.trapped SET $set'), sg_plan_add_statement('by call', 'ALTER FUNCTION app.by_call() OWNER TO postgres')");
	$victim->query("CALL sg_apply('by call')");
	isnt(query(q{SELECT state FROM schemaguard.plan_step WHERE plan = 'by call' AND step = 2}), 'validated', "a call in a rule or a check, $set: the function is not handed over");
	query('DROP RULE r ON app.trapped') if $set =~ /a =/;
}
query(q{ALTER FUNCTION app.by_call() OWNER TO eve; CREATE TABLE app.hers_of (id int PRIMARY KEY); INSERT INTO app.hers_of VALUES (1); GRANT REFERENCES ON app.hers_of TO eve; SET SESSION AUTHORIZATION eve; CREATE TABLE app.cascades (id int REFERENCES app.hers_of ON DELETE CASCADE); INSERT INTO app.cascades VALUES (1);
	CREATE RULE r AS ON DELETE TO app.cascades DO ALSO INSERT INTO app.told SELECT schemaguard.sg_sync_run('CREATE OR REPLACE FUNCTION app.by_call() RETURNS int LANGUAGE sql SECURITY DEFINER AS $f$SELECT 4$f$')::text});
$node->psql('postgres', q{SELECT schemaguard.sg_sync_guard(true); DELETE FROM app.hers_of; ALTER FUNCTION app.by_call() OWNER TO postgres}, on_error_stop => 0);
is(query(q{SELECT prosrc LIKE '%4%' FROM pg_proc WHERE proname = 'by_call'}), 'f', '... nor is it replaced behind the action of a key, in a guarded session');
query(q{ALTER FUNCTION app.by_call() OWNER TO eve});
# ... or leaves a table of hers in the session, which a name of the caller's then leads to
query(q{CREATE FUNCTION app.purges() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM app.hers_of; RETURN NEW; END'; CREATE TABLE app.job (id int); INSERT INTO app.job VALUES (1); CREATE TRIGGER t AFTER UPDATE ON app.job FOR EACH ROW EXECUTE FUNCTION app.purges();
	INSERT INTO app.hers_of VALUES (1) ON CONFLICT DO NOTHING; SET SESSION AUTHORIZATION eve; INSERT INTO app.cascades VALUES (1); CREATE OR REPLACE RULE r AS ON DELETE TO app.cascades DO ALSO INSERT INTO app.told SELECT schemaguard.sg_sync_run('CREATE TEMP TABLE job (id int)')::text});
query(q{SELECT sg_plan_create('behind', replace => true), sg_plan_add_statement('behind', 'UPDATE app.job SET id = 2')});
like(($node->psql('postgres', q{CALL sg_apply('behind'); SELECT to_regclass('pg_temp.job') IS NULL}))[1], qr/^t$/m, 'no temporary table behind the action of a key');
query('DROP TABLE app.cascades, app.hers_of, app.job; DROP FUNCTION app.purges()');
query(q{ALTER FUNCTION app.by_call() OWNER TO eve});
is(($node->psql('postgres', q{SELECT schemaguard.sg_sync_guard(true); ALTER TABLE app.trapped ADD y app.calls[] DEFAULT '{1}'; ALTER FUNCTION app.by_call() OWNER TO postgres}, on_error_stop => 0))[0] || query(q{SELECT proowner::regrole FROM pg_proc WHERE proname = 'by_call'}), 'eve', '... nor in a guarded session');
SKIP:
{
	skip 'refint is not available', 2 if !has_extension($node, 'refint');
	query(q{CREATE EXTENSION refint; SET SESSION AUTHORIZATION eve; CREATE FUNCTION app.by_c() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE app.x (a int PRIMARY KEY); CREATE OR REPLACE TRIGGER trap BEFORE DELETE ON app.trapped FOR EACH ROW EXECUTE FUNCTION public.check_foreign_key('1', 'cascade', 'a',
		'app.x WHERE false; CREATE OR REPLACE FUNCTION app.by_c() RETURNS int LANGUAGE sql SECURITY DEFINER AS $f$SELECT 2$f$; DELETE FROM app.x', 'a')});
	query("SELECT sg_plan_create('by c'), sg_plan_add_statement('by c', 'DELETE FROM app.trapped'), sg_plan_add_statement('by c', 'ALTER FUNCTION app.by_c() OWNER TO postgres')");
	$victim->query("CALL sg_apply('by c')");
	my $made = query("SELECT count(*) FROM pg_proc WHERE proname = 'by_c' AND prosecdef");
	skip 'refint quotes the names of tables', 2 if !$made;
	is(query("SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'by c'"), 'validated failed', 'a trigger in C changes a function: the next step fails');
	like($victim->{err}, qr/function app.by_c\(\) would be used, which has come or changed since it was looked at/, '... and says so');
}
query('DROP SUBSCRIPTION IF EXISTS hers; DROP FUNCTION IF EXISTS app.by_c(), app.by_call(); DROP TABLE app.told; DROP TABLE IF EXISTS app.x; DROP EXTENSION IF EXISTS refint CASCADE');
query('DROP TYPE app.en CASCADE; DROP VIEW app.swap, app.was; DROP TABLE app.counting, app.defaulted, app.remade, app.granting, app.above, app.below2, app.above2; DROP FUNCTION app.stat, app.stat8, app.notes, app.nested, app.h(float8); DROP TABLE app.trapped, app.retyped CASCADE; DROP FUNCTION app.trap(), app.h(int); DROP DOMAIN app.calls; DROP VIEW app.shown; DROP DOMAIN app.dom');

# ---- what a later step names, and what she changes while an earlier one waits for a name that she has taken

query(q{CREATE FUNCTION app.handed() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION app.handed() OWNER TO eve; CREATE TABLE app.fired (a int);
	CREATE FUNCTION app.granted() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION app.granted() OWNER TO eve;
	CREATE TYPE app.kind AS ENUM ('a'); ALTER TYPE app.kind OWNER TO eve; CREATE TABLE app.of_kind (k app.kind);
	GRANT CREATE ON DATABASE postgres TO eve;
	CREATE ROLE leaver; CREATE FUNCTION app.first() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION app.first() OWNER TO eve;
	SET SESSION AUTHORIZATION eve; GRANT EXECUTE ON FUNCTION app.granted() TO leaver; CREATE TABLE app.referred (id int PRIMARY KEY); CREATE TABLE app.unreferred (id int PRIMARY KEY);
	CREATE VIEW app.seen AS SELECT 1 AS a; CREATE VIEW app.unseen AS SELECT 2 AS a; CREATE TABLE app.quiet (a int); CREATE TABLE app.whole (a int); CREATE TABLE app.first () INHERITS (app.whole); CREATE TABLE app.second (a int);
	CREATE FUNCTION app.noise() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE FUNCTION app.kind_text(app.kind) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$});
foreach my $schema ('swapped', 'renamed')
{
	query("CREATE SCHEMA $schema; CREATE FUNCTION $schema.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ALTER SCHEMA $schema OWNER TO eve;
		CREATE SCHEMA not_$schema AUTHORIZATION eve; SET SESSION AUTHORIZATION eve; CREATE FUNCTION not_$schema.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'");
}
my @meanwhile = (
	[ 'ALTER FUNCTION app.handed() OWNER TO postgres', q{CREATE OR REPLACE FUNCTION app.handed() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 2'}, 'a function that is handed over' ],
	[ q{CREATE OR REPLACE FUNCTION app.made() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END''}, q{CREATE FUNCTION app.made() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'}, 'a function that is replaced' ],
	[ 'CREATE TRIGGER f BEFORE INSERT ON app.fired FOR EACH ROW EXECUTE FUNCTION swapped.f()', 'ALTER SCHEMA swapped RENAME TO was; ALTER SCHEMA not_swapped RENAME TO swapped', 'a schema in the place of another one' ],
	# a statement of the call that writes the same row does not make it the call's own
	[ 'ALTER FUNCTION app.granted() OWNER TO postgres', q{CREATE OR REPLACE FUNCTION app.granted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 2'}, 'a function, with a GRANT', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO PUBLIC' ],
	[ 'ALTER FUNCTION app.granted() OWNER TO postgres', q{CREATE OR REPLACE FUNCTION app.granted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 3'}, 'a function, with DROP OWNED', 'DROP OWNED BY leaver' ],
	[ 'CREATE VIEW app.of_operator AS SELECT 1 OPERATOR(app.##) 2 AS a', 'CREATE OPERATOR app.## (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)', 'an operator, with a commutator',
		'CREATE OPERATOR app.@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mi, COMMUTATOR = OPERATOR(app.##))' ],
	[ 'ALTER TABLE app.referred OWNER TO postgres', 'ALTER TABLE app.referred RENAME TO referred_was; ALTER TABLE app.unreferred RENAME TO referred', 'a table, with a key', 'CREATE TABLE app.refers (id int REFERENCES app.referred)' ],
	[ 'ALTER VIEW app.seen OWNER TO postgres', 'ALTER VIEW app.seen RENAME TO seen_was; ALTER VIEW app.unseen RENAME TO seen', 'a view, with SET', 'ALTER VIEW app.seen SET (security_barrier = false)' ],
	[ 'ALTER TABLE app.quiet OWNER TO postgres', 'CREATE TRIGGER noise BEFORE INSERT ON app.quiet FOR EACH ROW EXECUTE FUNCTION app.noise()', 'a trigger, with DISABLE', 'ALTER TABLE app.quiet DISABLE TRIGGER ALL' ],
	# nor is what is handed over, whatever comes behind that
	[ 'ALTER TYPE app.kind OWNER TO postgres', 'CREATE CAST (app.kind AS text) WITH FUNCTION app.kind_text(app.kind)', 'a cast of a type that is handed over' ],
	[ 'ALTER TABLE app.whole OWNER TO postgres', 'ALTER TABLE app.second INHERIT app.whole', 'a child of a table that is handed over' ],
	[ 'ALTER SCHEMA renamed OWNER TO postgres', 'ALTER SCHEMA renamed RENAME TO renamed_was; ALTER SCHEMA not_renamed RENAME TO renamed', 'a schema that is handed over' ]);
foreach my $i (keys @meanwhile)
{
	my ($statement, $change, $what, $between) = @{ $meanwhile[$i] };

	query("SELECT sg_plan_create('later $i')");
	query("SELECT sg_plan_add_statement('later $i', '$_')") foreach grep { defined } "CREATE TABLE app.later$i (i int)", $between, $statement;
	meanwhile("$what: the step before waits", "CREATE TABLE app.later$i (i int)", "CALL sg_apply('later $i')", q{locktype = 'transactionid'},
		"SET SESSION AUTHORIZATION eve; $change");
	like($victim->{err}, qr/would be used, which has come or changed since it was looked at/, '... it is told');
	is(query("SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'later $i'"), ($between ? 'validated ' : '') . 'validated failed', '... and the step fails');
}
query('DROP OPERATOR app.## (int, int); DROP OPERATOR app.@@ (int, int); DROP TABLE app.refers, app.referred, app.referred_was, app.first, app.second, app.whole');

# within a statement that writes the rows of several objects, and in a trigger of hers, which writes them in the same transaction

query(q{SELECT sg_plan_create('rows'), sg_plan_add_statement('rows', 'GRANT EXECUTE ON FUNCTION app.first(), app.granted() TO PUBLIC'), sg_plan_add_statement('rows', 'ALTER FUNCTION app.granted() OWNER TO postgres')});
meanwhile('GRANT waits for the first of two functions', 'ALTER FUNCTION app.first() COST 2', q{CALL sg_apply('rows')}, q{locktype = 'transactionid'},
	q{SET SESSION AUTHORIZATION eve; CREATE OR REPLACE FUNCTION app.granted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 4'});
is(query(q{SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'rows'}), 'validated failed', '... the second, which is replaced meanwhile, is not handed over');
query(q{GRANT leaver TO eve; SET SESSION AUTHORIZATION eve; GRANT EXECUTE ON FUNCTION app.granted() TO leaver; CREATE TABLE app.slow (a int); INSERT INTO app.slow VALUES (1);
	CREATE FUNCTION app.slowly() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_advisory_xact_lock(7); DROP OWNED BY leaver;
		CREATE OPERATOR app.@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mi, COMMUTATOR = OPERATOR(app.##)); DROP OPERATOR app.@@ (int, int); RETURN NEW; END$$;
	CREATE TRIGGER slowly BEFORE UPDATE ON app.slow FOR EACH ROW EXECUTE FUNCTION app.slowly()});
query(q{SELECT sg_plan_create('slow'), sg_plan_add_statement('slow', 'UPDATE app.slow SET a = 2'), sg_plan_add_statement('slow', 'ALTER FUNCTION app.granted() OWNER TO postgres'),
	sg_plan_add_statement('slow', 'CREATE VIEW app.of_operator AS SELECT 1 OPERATOR(app.##) 2 AS a')});
meanwhile('a trigger waits', 'SELECT pg_advisory_xact_lock(7)', q{CALL sg_apply('slow')}, q{locktype = 'advisory'},
	q{SET SESSION AUTHORIZATION eve; CREATE OR REPLACE FUNCTION app.granted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 5'; CREATE OPERATOR app.## (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)});
is(query(q{SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'slow'}), 'validated failed failed', '... and what it writes then is not used') or diag($victim->{err});
query('DROP OPERATOR app.## (int, int); DROP TABLE app.slow; DROP FUNCTION app.slowly(), app.first()');
query('DROP SCHEMA swapped, was, renamed, renamed_was CASCADE; DROP FUNCTION app.handed(), app.made(), app.granted(); DROP TYPE app.kind CASCADE; DROP TABLE app.quiet; DROP FUNCTION app.noise()');

# ---- a statement that writes rows runs what was looked at: an operator that comes while the look waits for a lock

query(q{CREATE TABLE app.written (a int, b int); INSERT INTO app.written VALUES (3, 4); CREATE TABLE app.read (i int) PARTITION BY LIST (i);
	CREATE TABLE app.read1 PARTITION OF app.read DEFAULT; INSERT INTO app.read VALUES (1); GRANT ALL ON app.read1 TO eve;
	SELECT sg_plan_create('written'), sg_plan_add_statement('written', 'UPDATE app.written SET a = a OPERATOR(app.##) b FROM app.read')});
meanwhile('a look waits for a partition', 'LOCK app.read1 IN SHARE UPDATE EXCLUSIVE MODE', q{CALL sg_apply('written')}, q{relation = 'app.read1'::regclass}, $plant);
is(query(q{SELECT a FROM app.written}), '3', '... the operator that came meanwhile is not run');
like($victim->{err}, qr/something that the statement names was renamed or replaced while it was looked at|left alone/, '... which is told');
query($weed);

# ---- what comes while a look before the first deed waits, has come in the call

query(q{SET SESSION AUTHORIZATION eve; CREATE TABLE app.hers (i int)});
query(q{CREATE TABLE app.of_any (a int); SELECT sg_plan_create('early'), sg_plan_add_statement('early', 'INSERT INTO app.of_any SELECT count(*) FROM app.hers'),
	sg_plan_add_statement('early', 'CREATE VIEW app.early AS SELECT app.any(a) FROM app.of_any')});
meanwhile('the first look waits', 'LOCK app.hers IN ACCESS EXCLUSIVE MODE', q{CALL sg_apply('early')}, q{relation = 'app.hers'::regclass}, $plant);
like($victim->{err}, qr/would be used, which has come or changed since it was looked at/, '... what came meanwhile is told');
is(query($hers), '0', '... and not used');
query("$weed; DROP TABLE app.hers");

# ---- a change of a type reads the text of checks and statistics again

query(q{CREATE FUNCTION app.of_int(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
	CREATE TABLE app.typed (a int, CHECK (app.of_int(a) > 0)); CREATE TABLE app.counted (a int); CREATE STATISTICS app.counts ON (app.of_int(a)), a FROM app.counted;
	SET SESSION AUTHORIZATION eve; CREATE FUNCTION app.of_int(bigint) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2'});
foreach my $table ('typed', 'counted')
{
	query("SELECT sg_plan_create('$table'), sg_plan_add_statement('$table', 'ALTER TABLE app.$table ALTER a TYPE bigint')");
	$victim->query("CALL sg_apply('$table')");
	like($victim->{err}, qr/it could run function app\.of_int\(bigint\) of role eve as role postgres/, "ALTER TYPE of app.$table: no better match that was there before");
	is(query($hers), '0', '... is used');
}
query('DROP FUNCTION app.of_int(bigint)');

# ---- kind table

query(q{SELECT sg_plan_create('kind'), sg_plan_add('kind', 'CREATE TABLE app.t6 (a int DEFAULT app.any(1))')});
races('kind table', 'app.t6', q{CALL sg_apply('kind')}, 1);

# ---- a sync, and its script in a guarded session

query(q{CREATE SCHEMA s; CREATE TABLE s.t7 (a int DEFAULT app.any(1)); SELECT sg_snapshot_take('with', '{s}'); DROP TABLE s.t7; GRANT ALL ON SCHEMA s TO eve});
races('sync', 's.t7', q{CALL sg_sync_apply('with', schemas => '{s}')}, 0);
query('DROP TABLE IF EXISTS s.t7; GRANT ALL ON SCHEMA s TO eve');
races('script', 's.t7', q{SELECT schemaguard.sg_sync_guard(true); CREATE TABLE s.t7 (a int DEFAULT app.any(1)); SELECT schemaguard.sg_sync_guard(false)}, 1);
$victim->query('SELECT schemaguard.sg_sync_guard(false)');

# ---- an index: between the look and the build, by a worker that the postmaster starts late, or under a lock

my $planter = SgTest::Session->new($node);
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
query(q{SELECT sg_plan_create('built'), sg_plan_add_index('built', 'app.empty', '((app.any(id)))', name => 'made')});
kill 'STOP', $postmaster;
$victim->send(q{CALL sg_apply('built')});
ok(wait_for(sub { $victim->is_done; $victim->{stderr} =~ /not started after/ }), 'an index waits for a worker') or diag($victim->{stderr});
$planter->query($_) foreach split(/;/, $plant);
kill 'CONT', $postmaster;
$victim->collect;
like($victim->{err}, qr/it could run function app\."any"\(integer\) of role eve as role postgres/, '... which builds none of what came meanwhile');
is(query($hers), '0', '... so that nothing uses it');
$planter->query('RESET SESSION AUTHORIZATION');
query($weed);

$victim->query('SELECT schemaguard.sg_sync_guard(true)');
$planter->query($_) foreach 'BEGIN', 'LOCK TABLE app.empty IN SHARE UPDATE EXCLUSIVE MODE';
$victim->send('CREATE INDEX CONCURRENTLY made ON app.empty ((app.any(id)))');
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'app.empty'::regclass}) > 0 }), 'a guarded session waits for the table');
query($plant);
$planter->query('ROLLBACK');
$victim->collect;
like($victim->{err}, qr/of role eve/, '... and builds no index of what came meanwhile');
is(query($hers), '0', '... so that nothing uses it');

# ---- what a rollback makes anew of a text: what it comes to by now is what it was, or of somebody who may be trusted with it

query($weed);
query(q{CREATE ROLE carol; CREATE SCHEMA eves AUTHORIZATION eve; GRANT USAGE ON SCHEMA eves TO PUBLIC;
	CREATE FUNCTION app.due(anyelement) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; CREATE FUNCTION app.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE FUNCTION eves.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE DOMAIN eves.dom AS int; CREATE FUNCTION app.gone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE FUNCTION app.carols() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ALTER FUNCTION app.carols() OWNER TO carol;
	CREATE SEQUENCE app.numbers; CREATE TABLE app.far (a int);
	CREATE TABLE app.back (a int, b int DEFAULT nextval('app.numbers')); CREATE CONSTRAINT TRIGGER far AFTER INSERT ON app.back FROM app.far FOR EACH ROW EXECUTE FUNCTION app.fires(); CREATE INDEX back_i ON app.back (app.any(a));
	CREATE TRIGGER due BEFORE INSERT ON app.back FOR EACH ROW WHEN (app.due(NEW.a)) EXECUTE FUNCTION app.fires();
	CREATE TRIGGER there BEFORE INSERT ON app.back FOR EACH ROW EXECUTE FUNCTION eves.fires();
	CREATE TRIGGER typed BEFORE INSERT ON app.back FOR EACH ROW WHEN (NEW.a::eves.dom > 0) EXECUTE FUNCTION app.fires();
	CREATE TRIGGER gone BEFORE INSERT ON app.back FOR EACH ROW EXECUTE FUNCTION app.gone();
	CREATE TRIGGER carols BEFORE INSERT ON app.back FOR EACH ROW EXECUTE FUNCTION app.carols(); COMMENT ON TRIGGER carols ON app.back IS 'of carol';
	SELECT sg_plan_create('back')} . join('', map { ", sg_plan_add_drop('back', 'trigger', 'app.back', '$_')" } qw(due there typed gone carols far)) . q{, sg_plan_add('back', 'ALTER TABLE app.back ALTER b DROP DEFAULT'), sg_plan_add_drop('back', 'index', 'app.back', 'back_i');
	CALL sg_apply('back', fail => true); DROP FUNCTION app.gone()});
$_->quit foreach $eve, $victim, $planter;
query('CREATE DATABASE copied TEMPLATE postgres');
query('DROP SEQUENCE app.numbers; ALTER TABLE app.far RENAME TO further');
query(q{SET SESSION AUTHORIZATION eve; CREATE SEQUENCE app.numbers; CREATE TABLE app.far (a int); CREATE FUNCTION app.due(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; CREATE FUNCTION app.any(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2';
	DROP FUNCTION eves.fires(); DROP DOMAIN eves.dom; CREATE DOMAIN eves.dom AS int; CREATE FUNCTION eves.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE FUNCTION app.gone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'});
my (undef, undef, $back) = $node->psql('postgres', "CALL sg_rollback_fks('back')");
my $triggers = q{SELECT string_agg(tgname, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'app.back'::regclass};
is(query($triggers), 'carols', 'a rollback makes the trigger that comes to what it was, whoever owns that');
is(query(q{SELECT obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE tgname = 'carols'}), 'of carol', '... with its comment');
like($back, qr/drop trigger $_->[0] ON app\.back: .*it could run \Q$_->[1]\E of role eve as role postgres/, "... not the one ($_->[0]) whose names lead to her code by now")
	foreach [ due => 'function app.due(integer)' ], [ there => 'function eves.fires()' ], [ typed => 'type eves.dom' ], [ gone => 'function app.gone()' ];
like($back, qr/it would use $_ of role eve for role postgres/, "... nor what is bound to her $_") foreach 'sequence app.numbers', 'table app.far';
unlike($back, qr/CREATE INDEX/, 'nor is a statement printed that would run it');
like($back, qr/Make it in a quiet hour.* No statement is given here: it could run function app\."any"\(integer\) of role eve as a superuser/, '... but why');
query(q{DROP SEQUENCE app.numbers; DROP TABLE app.far; CREATE SEQUENCE app.numbers; ALTER TABLE app.further RENAME TO far; DROP TRIGGER carols ON app.back; DROP FUNCTION app.due(int), app.any(int), eves.fires(), app.gone(); DROP DOMAIN eves.dom; CREATE DOMAIN eves.dom AS int; CREATE FUNCTION eves.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE FUNCTION app.gone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'});
(undef, undef, $back) = $node->psql('postgres', "CALL sg_rollback_fks('back')");
is(query($triggers), 'due far gone there typed', "with a superuser's code under these names they are back");
is(query(q{SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'app.back'::regclass}), q{nextval('app.numbers'::regclass)}, '... and the default');
like($back, qr/Make it in a quiet hour.*\n.*CREATE INDEX back_i ON app\.back USING btree \(app\."any"\(a\)\);/, '... and the statement for the index is printed');
my (undef, undef, $copied) = $node->psql('copied', q{CREATE FUNCTION app.gone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CALL sg_rollback_fks('back')});
like($copied, qr/drop trigger carols ON app\.back: .*it could run function app\.carols\(\) of role carol as role postgres/, "in a copy, where OIDs tell nothing, only a superuser's or the table's owner's code is trusted");
is($node->safe_psql('copied', $triggers), 'due far gone there typed', '... and comes back');
query('DROP DATABASE copied; DROP TABLE app.back; DROP TABLE app.far; DROP SEQUENCE app.numbers; DROP SCHEMA eves CASCADE; DROP FUNCTION app.carols(), app.gone()');

$node->stop;
done_testing();
