# 049_nobody.pl: in whose name the planner evaluates code that stands in indexes, and what may be done in that name.
#
#   - no right beyond PUBLIC's: privileges on objects of every kind, roles, settings to read and to change, all compared
#     with a role that has none; also in parallel workers
#   - it creates nothing, though PUBLIC may create everything, and pg_dump works afterwards
#   - a setting that it changes goes with the query
#   - what asks for current_user is unknown, never an error of an audit, and never a pass
#
# rooms: base audit
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IO::Socket::UNIX;
use Test::More;
use SgTest;

my $node = new_node('nobody', conf => "primary_conninfo = 'host=x password=S3CRET'\n");
my $parallel = major($node) < 16 ? 'force_parallel_mode' : 'debug_parallel_query';

$node->safe_psql('postgres', q{
	CREATE ROLE mallory LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE rich;
	CREATE SCHEMA mal AUTHORIZATION mallory; CREATE SCHEMA open; GRANT ALL ON SCHEMA open TO PUBLIC; GRANT USAGE ON SCHEMA mal TO PUBLIC;
	GRANT ALL ON DATABASE postgres TO PUBLIC;
	CREATE TABLE secret (a int); CREATE SEQUENCE secrets; GRANT SELECT ON secret TO pg_read_all_settings, pg_checkpoint;
	CREATE FUNCTION hidden() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION hidden() FROM PUBLIC;
	CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; GRANT ALL ON FOREIGN SERVER s TO PUBLIC; CREATE TYPE open.et AS ENUM ('a');
	CREATE TABLE mal.setting AS SELECT name FROM pg_settings; GRANT SELECT ON mal.setting TO PUBLIC;
	CREATE TABLE open.theirs (a int); GRANT ALL ON open.theirs TO PUBLIC;
	CREATE SEQUENCE open.numbers; GRANT ALL ON SEQUENCE open.numbers TO PUBLIC;
});

# All that a role may, in words that two roles can be compared by
my %probe = (
	tables => q{SELECT o.oid::regclass || ' ' || p FROM pg_class o, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p WHERE relkind <> 'S' AND has_table_privilege(o.oid, p)},
	sequences => q{SELECT o.oid::regclass || ' ' || p FROM pg_class o, unnest('{USAGE,SELECT,UPDATE}'::text[]) p WHERE relkind = 'S' AND has_sequence_privilege(o.oid, p)},
	functions => q{SELECT oid::regprocedure::text FROM pg_proc WHERE has_function_privilege(oid, 'EXECUTE')},
	schemas => q{SELECT nspname || p FROM pg_namespace o, unnest('{CREATE,USAGE}'::text[]) p WHERE has_schema_privilege(o.oid, p)},
	databases => q{SELECT datname || p FROM pg_database o, unnest('{CREATE,CONNECT,TEMP}'::text[]) p WHERE has_database_privilege(o.oid, p)},
	languages => q{SELECT lanname::text FROM pg_language o WHERE has_language_privilege(o.oid, 'USAGE')},
	types => q{SELECT format_type(oid, NULL) FROM pg_type o WHERE has_type_privilege(o.oid, 'USAGE')},
	tablespaces => q{SELECT spcname::text FROM pg_tablespace o WHERE has_tablespace_privilege(o.oid, 'CREATE')},
	wrappers => q{SELECT fdwname::text FROM pg_foreign_data_wrapper o WHERE has_foreign_data_wrapper_privilege(o.oid, 'USAGE')},
	servers => q{SELECT srvname::text FROM pg_foreign_server o WHERE has_server_privilege(o.oid, 'USAGE')},
	roles => q{SELECT rolname || p FROM pg_roles o, unnest('{USAGE,MEMBER}'::text[]) p WHERE o.rolname <> 'plain' AND pg_has_role(o.oid, p)},
	parameters => q{SELECT name || p FROM mal.setting, unnest('{SET,ALTER SYSTEM}'::text[]) p WHERE has_parameter_privilege(name, p)},
	readable => q{SELECT name FROM mal.setting WHERE mal.can(format('SELECT current_setting(%L)', name))},
	writable => q{SELECT name FROM mal.setting WHERE name NOT LIKE 'transaction%' AND mal.can(format('SELECT set_config(%L, current_setting(%1$L), true)', name))},
	activity => q{SELECT count(*)::text FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND query <> '<insufficient privilege>'},
	files => q{SELECT f FROM unnest('{pg_read_file(''PG_VERSION''),pg_ls_dir(''.''),pg_stat_file(''PG_VERSION'')}'::text[]) f WHERE mal.can('SELECT ' || f)},
	deeds => q{SELECT f FROM unnest('{CHECKPOINT,"ALTER SYSTEM SET work_mem = 100","SELECT pg_reload_conf()","COPY (SELECT 1) TO PROGRAM ''true''","SET ROLE rich","ALTER ROLE mallory SUPERUSER","GRANT pg_monitor TO mallory","DO LANGUAGE plpgsql $q$ BEGIN PERFORM * FROM public.secret; END $q$"}'::text[]) f WHERE mal.can(f)});

# One statement for each kind of object that PUBLIC could make here
my @create = ('CREATE TABLE open.t (a int)', 'CREATE TEMP TABLE t (a int)', 'CREATE UNLOGGED TABLE open.u (a int)', 'CREATE TABLE open.ta AS SELECT 1 AS a', 'CREATE VIEW open.v AS SELECT 1 AS a',
	'CREATE MATERIALIZED VIEW open.mv AS SELECT 1 AS a', 'CREATE SEQUENCE open.s', "CREATE TYPE open.e AS ENUM ('a')", 'CREATE TYPE open.c AS (a int)', 'CREATE TYPE open.sh',
	'CREATE TYPE open.r AS RANGE (subtype = int4)', 'CREATE DOMAIN open.d AS int', "CREATE FUNCTION open.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
	"CREATE PROCEDURE open.p() LANGUAGE sql AS 'SELECT 1'", 'CREATE AGGREGATE open.a (int) (sfunc = int4pl, stype = int)', 'CREATE OPERATOR open.=== (leftarg = int, rightarg = int, function = int4eq)',
	'CREATE OPERATOR FAMILY open.of USING btree', q{CREATE COLLATION open.co (locale = 'C')}, "CREATE CONVERSION open.cv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
	'CREATE TEXT SEARCH CONFIGURATION open.tc (parser = default)', 'CREATE TEXT SEARCH DICTIONARY open.td (template = simple)', 'CREATE SCHEMA made', 'CREATE SCHEMA AUTHORIZATION CURRENT_ROLE',
	'CREATE FOREIGN TABLE open.ft (a int) SERVER s', 'CREATE SERVER made FOREIGN DATA WRAPPER w', 'CREATE USER MAPPING FOR CURRENT_USER SERVER s', 'CREATE USER MAPPING FOR PUBLIC SERVER s', 'CREATE PUBLICATION made',
	'CREATE EXTENSION hstore', 'SELECT lo_create(0)', 'SELECT lo_from_bytea(0, $q$x$q$)', 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC', 'CREATE ROLE made', 'CREATE EVENT TRIGGER made ON sql_drop EXECUTE FUNCTION hidden()',
	'CREATE LANGUAGE plperlu', 'CREATE STATISTICS open.st ON (a + 1) FROM open.theirs', 'CREATE INDEX ON open.theirs (a)',
	'CREATE TRIGGER t BEFORE INSERT ON open.theirs FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'CREATE RULE r AS ON INSERT TO open.theirs DO NOTHING', 'CREATE POLICY p ON open.theirs',
	"COMMENT ON TABLE open.theirs IS 'x'", 'CREATE TABLE open.heir () INHERITS (open.theirs)', "PREPARE made AS SELECT 1", "DECLARE made CURSOR WITH HOLD FOR SELECT 1", "SELECT setseed(0.5)", "SELECT nextval('open.numbers')", "SELECT setval('open.numbers', 7)", 'LISTEN made', 'SELECT pg_advisory_lock(49)', 'SELECT pg_try_advisory_lock_shared(49, 49)', 'SELECT pg_advisory_unlock_all()',
	'CREATE ACCESS METHOD made TYPE index HANDLER bthandler', 'CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal))');

# What mallory plants: an index expression that does all this where it is evaluated in another name than mallory's
my @jobs = ((map { [ $_, qq{SELECT coalesce(string_agg(x, E'\\n' ORDER BY x COLLATE "C"), '') FROM ($probe{$_}) p (x)} ] } sort keys %probe),
	[ 'worker', q{SELECT string_agg(DISTINCT has_table_privilege('open.theirs', 'SELECT') || '', ',') FROM mal.many} ]);

sub as { my ($user, $sql) = @_; return $node->psql('postgres', "SET SESSION AUTHORIZATION $user; $sql"); }

$node->safe_psql('postgres', "SET SESSION AUTHORIZATION mallory;\n" . q{
	CREATE TABLE mal.job (name text, sql text); CREATE TABLE mal.seen (login text, name text, got text);
	GRANT SELECT ON mal.job TO PUBLIC; GRANT INSERT, SELECT ON mal.seen TO PUBLIC;
	CREATE TABLE mal.many (i int); INSERT INTO mal.many SELECT generate_series(1, 1000); GRANT SELECT ON mal.many TO PUBLIC;
	CREATE FUNCTION mal.can(sql text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE sql; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
	CREATE FUNCTION mal.say(login text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE j record; got text;
	BEGIN
		PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
		FOR j IN SELECT * FROM mal.job LOOP
			BEGIN
				PERFORM set_config('PARALLEL', CASE j.name WHEN 'worker' THEN 'on' ELSE 'off' END, true);
				IF j.name = 'create' THEN EXECUTE j.sql; got := j.sql; ELSE EXECUTE j.sql INTO got; END IF;
				INSERT INTO mal.seen VALUES (login, j.name, E'may:\\n' || got);
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO mal.seen VALUES (login, j.name, CASE WHEN j.name = 'create' THEN 'refused: ' || j.sql || ': ' ELSE '' END || sqlerrm);
			END;
		END LOOP;
		PERFORM set_config('search_path', 'mal', false), set_config('application_name', 'mallory', false);
	END $$;
	CREATE FUNCTION mal.imm(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		IF current_user <> 'mallory' THEN PERFORM mal.say(current_user); END IF;
		RETURN i;
	EXCEPTION WHEN undefined_object THEN
		PERFORM mal.say('nobody'); RETURN i;
	END $$;
	CREATE FUNCTION mal.who(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN i + length(current_user); END $$;
	CREATE TABLE mal.p (id int PRIMARY KEY); CREATE TABLE mal.c (pid int);
	INSERT INTO mal.p VALUES (1); INSERT INTO mal.c VALUES (1), (2);
} =~ s/PARALLEL/$parallel/r . join('', map { 'INSERT INTO mal.job VALUES (' . lit($_->[0]) . ', ' . lit($_->[1]) . ');' } @jobs)
	. join('', map { "INSERT INTO mal.job VALUES ('create', " . lit($_) . ');' } @create)
	. 'CREATE INDEX ON mal.c ((pid + mal.imm(0)));');

my ($rc, $out, $err) = as('plain', "SELECT mal.say('plain')");
unlike($err, qr/ERROR/, 'a role without any right tries all of it');
my $done = $node->safe_psql('postgres', q{SELECT count(*) FROM mal.seen WHERE login = 'plain' AND name = 'create' AND got LIKE 'may%'});
cmp_ok($done, '>=', 20, 'and makes objects of most kinds')
	or diag $node->safe_psql('postgres', q{SELECT got FROM mal.seen WHERE name = 'create'});
$node->safe_psql('postgres', 'DROP OWNED BY plain; GRANT ALL ON DATABASE postgres TO PUBLIC');

($rc, $out, $err) = as('mallory', "SELECT count(*) FROM sg_orphans('mal.c', '{pid}', 'mal.p'); SELECT current_setting('search_path'), current_setting('application_name')");
like($out, qr/^1\n"\$user", public\|(?!mallory)/, 'a call that evaluates it works, and no setting is left behind') or diag $err;
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT login, ',') FROM mal.seen WHERE login <> 'plain'}), 'nobody', 'it is evaluated in the name of nobody');
is($node->safe_psql('postgres', q{SELECT name, unnest(string_to_array(got, E'\n')) FROM mal.seen WHERE login <> 'plain' AND name <> 'create'
	EXCEPT SELECT name, unnest(string_to_array(got, E'\n')) FROM mal.seen WHERE login = 'plain' LIMIT 20}), '', 'with the rights of PUBLIC alone');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT name) FROM mal.seen WHERE login = 'nobody' AND name <> 'create'}), scalar(@jobs), 'and all of them were looked at');
is($node->safe_psql('postgres', q{SELECT got FROM mal.seen WHERE login = 'nobody' AND name = 'worker'}), qq{may:\ntrue}, 'in workers, too');
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE got NOT LIKE 'refused%') || ' of ' || count(*) FROM mal.seen WHERE login <> 'plain' AND name = 'create'}),
	'0 of ' . @create, 'nothing is created, of any kind');
is($node->safe_psql('postgres', q{SELECT string_agg(c.oid::regclass || '.' || a.attname, ',') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	CROSS JOIN LATERAL query_to_xml(format('SELECT 1 FROM %s WHERE %I = 16383', c.oid::regclass, a.attname), false, false, '') x
	WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'oid'::regtype AND a.attnum > 0 AND a.attname ~ '(owner|role|user)' AND x::text LIKE '%<row%'}), '',
	'no catalog names it');
$node->command_ok([ 'pg_dump', '-f', '/dev/null', $node->connstr('postgres') ], 'pg_dump works afterwards');
$node->command_ok([ 'pg_dumpall', '--globals-only', '-d', $node->connstr('postgres') ], 'and pg_dumpall');

# ---- current_user

as('mallory', 'DROP INDEX mal.c_expr_idx; ALTER TABLE mal.c ADD CONSTRAINT k FOREIGN KEY (pid) REFERENCES mal.p NOT VALID;
	CREATE TABLE mal.d (pid int CONSTRAINT kd REFERENCES mal.p); CREATE INDEX ON mal.d ((pid + mal.who(0)))');
($rc, $out, $err) = as('mallory', q{SET schemaguard.audit_method = sql; SELECT fk_name, result, reason FROM sg_orphan_audit_details() ORDER BY 1});
is($out, "k|fail|\nkd|unknown|an expression asks for current_user while the query is planned, which is done in nobody's name", 'what asks for current_user is unknown, and nothing else');
($rc, $out, $err) = as('mallory', q{SELECT * FROM sg_rule_audit_details('mal.c', 'check', 'pid > 0 AND current_user = ''mallory''')});
unlike($out, qr/\|pass\|.*unknown|ERROR/, 'nor a rule') or diag $out;
($rc, $out, $err) = as('mallory', q{SELECT count(*) FROM sg_orphans('mal.d', '{pid}', 'mal.p')});
like($err, qr/asks for current_user/, 'and a list says so');

# ---- deferred triggers of the caller's

$node->safe_psql('postgres', q{CREATE TABLE pending (a int); CREATE TABLE fired (by text);
	CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.fired SELECT current_user; RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER late AFTER INSERT ON pending DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fire()});
as('mallory', q{CREATE FUNCTION mal.at_once() RETURNS int LANGUAGE plpgsql AS 'BEGIN SET CONSTRAINTS ALL IMMEDIATE; RETURN 1; END';
	CREATE FUNCTION mal.one(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'; CREATE INDEX ON mal.c (pid) WHERE mal.one(2) = 2;
	CREATE OR REPLACE FUNCTION mal.one(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN mal.at_once(); END'});
($rc, $out, $err) = $node->psql('postgres', q{BEGIN; INSERT INTO pending VALUES (1); SAVEPOINT s; SELECT count(*) FROM sg_orphans('mal.c', '{pid}', 'mal.p'); ROLLBACK TO s; COMMIT; SELECT * FROM fired}, on_error_stop => 0);
like($err, qr/cannot set constraints within a security-restricted operation/, 'code of another role does not fire them');
like($out, qr/^postgres$/m, '... they fire as the caller, at the end');
unlike($out, qr/mallory|16383/, '... alone');

# ---- the session and the transaction of who calls

my @session = ('FETCH mine', 'MOVE mine', q{SELECT cursor_to_xml('mine', 1, false, false, '')}, 'SELECT mal.fetch_all()', 'CLOSE mine', 'CLOSE ALL',
	'DECLARE held CURSOR WITH HOLD FOR SELECT 1', 'SELECT loread(0, 10)', 'SELECT lo_close(0)', q{SELECT lo_lseek(0, 0, 0)}, 'SELECT lo_open(4900, 262144)', 'SELECT pg_advisory_lock(48)', 'SELECT pg_try_advisory_lock_shared(48)',
	'SELECT pg_advisory_unlock(49)', 'SELECT pg_advisory_unlock_all()', 'SELECT setseed(0.5)', 'SELECT pg_export_snapshot()', 'SET CONSTRAINTS ALL IMMEDIATE', 'LISTEN x', 'UNLISTEN *',
	'PREPARE p AS SELECT 1', 'DEALLOCATE ALL', 'DISCARD ALL', 'DISCARD PLANS', 'SET ROLE mallory', 'RESET SESSION AUTHORIZATION', q{LOAD '$libdir/plugins/x'}, 'CREATE TEMP TABLE x (a int)', 'CREATE DOMAIN pg_temp.x AS int',
	q{CREATE FUNCTION pg_temp.x() RETURNS int LANGUAGE sql AS 'SELECT 1'}, 'CREATE AGGREGATE pg_temp.x (int) (sfunc = int4pl, stype = int)', 'SELECT pg_cancel_backend(pg_backend_pid())', 'SAVEPOINT x', 'COMMIT',
	'SELECT public.dblink_get_connections()', q{SELECT public.dblink_connect('made', 'dbname=postgres')}, 'SET seed = 0.25', q{SELECT set_config('seed', '0.25', false)}, 'SELECT mal.seeds()',
	# estimators call an operator's function for values of statistics
	'SELECT 1 FROM mal.common WHERE a OPERATOR(mal.##) 5', 'SELECT 1 FROM mal.common WHERE a OPERATOR(mal.#~) ANY (ARRAY[9])', 'SELECT 1 FROM mal.common WHERE mal.unlocks(a)',
	# ... and those of its negator and commutator
	'SELECT 1 FROM mal.common WHERE a OPERATOR(mal.<=>) 5', 'SELECT 1 FROM mal.common WHERE 9 OPERATOR(mal.<|) a');
$node->safe_psql('postgres', q{DO $$ BEGIN IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'dblink') THEN CREATE EXTENSION dblink SCHEMA public; END IF; END $$});
# These pass: they end with the query
my @passes = ('SET work_mem = 100', 'RESET ALL', 'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY', 'DECLARE theirs CURSOR FOR SELECT 1', q{SELECT set_config('mal.x', 'y', false)});
# refused from 16 on
as('mallory', q{CREATE FUNCTION mal.seeds() RETURNS int LANGUAGE sql SET seed = 0.25 AS 'SELECT 1'});
($rc, $out, $err) = as('mallory', q{CREATE TABLE mal.try (sql text); GRANT SELECT ON mal.try TO PUBLIC;
	CREATE FUNCTION mal.fetch_all() RETURNS int LANGUAGE plpgsql AS $$ DECLARE c refcursor := 'mine'; r record; BEGIN FETCH c INTO r; RAISE WARNING 'did: %', r; RETURN 1; END $$;
	CREATE FUNCTION mal.try_all() RETURNS int LANGUAGE plpgsql AS $$ DECLARE t record;
	BEGIN FOR t IN SELECT sql FROM mal.try LOOP BEGIN EXECUTE t.sql; RAISE WARNING 'did: %', t.sql; EXCEPTION WHEN OTHERS THEN RAISE WARNING 'not: %: %', t.sql, sqlerrm; END; END LOOP; RETURN 1; END $$;
	CREATE OR REPLACE FUNCTION mal.at_once() RETURNS int LANGUAGE sql AS 'SELECT mal.try_all()';
	CREATE OPERATOR mal.## (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_advisory_unlock, RESTRICT = eqsel);
	CREATE OPERATOR mal.#~ (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_try_advisory_lock, RESTRICT = eqsel);
	CREATE OPERATOR mal.<=> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4ne, RESTRICT = neqsel, NEGATOR = OPERATOR(mal.<!>));
	CREATE OPERATOR mal.<!> (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_advisory_unlock, NEGATOR = OPERATOR(mal.<=>));
	CREATE OPERATOR mal.<| (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt, RESTRICT = scalarltsel, COMMUTATOR = OPERATOR(mal.|>));
	CREATE OPERATOR mal.|> (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_try_advisory_lock, RESTRICT = scalargtsel, COMMUTATOR = OPERATOR(mal.<|));
	CREATE FUNCTION mal.unlocks(int) RETURNS boolean LANGUAGE sql AS 'SELECT $1 OPERATOR(mal.##) 5';
	CREATE TABLE mal.common AS SELECT 41 + i % 2 AS a FROM generate_series(1, 100) i; ANALYZE mal.common; GRANT SELECT ON mal.common TO PUBLIC;
	CREATE TABLE mal.r (a int); INSERT INTO mal.r VALUES (1); CREATE TABLE mal.w (a int CHECK (a > 0 AND mal.one(1) = 1), b int REFERENCES mal.p);
	INSERT INTO mal.try VALUES } . join(', ', map { '(' . lit($_) . ')' } @session, @passes));
is($rc, 0, 'what is tried is there') or diag $err;
$node->safe_psql('postgres', q{SELECT lo_from_bytea(4900, 'secret'); GRANT SELECT ON LARGE OBJECT 4900 TO mallory; GRANT SELECT ON secret, fired TO mallory; GRANT INSERT ON pending TO mallory; INSERT INTO secret VALUES (1), (2);
	CREATE VIEW state AS SELECT concat_ws(' ', (SELECT string_agg(objid::text, ',') FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'), (SELECT string_agg(name, ',') FROM pg_cursors),
		(SELECT string_agg(name, ',') FROM pg_prepared_statements), (SELECT string_agg(c, ',') FROM pg_listening_channels() c), current_setting('work_mem'), current_setting('transaction_read_only'),
		current_setting('default_transaction_read_only'), coalesce(current_setting('mal.x', true), ''), pg_my_temp_schema(), current_user, session_user, (SELECT count(*) FROM fired)) AS s;
	GRANT SELECT ON state TO mallory; SELECT sg_plan_create('session'), sg_plan_add('session', 'ALTER TABLE mal.r ADD CHECK (a < mal.one(5))')});
for my $call ([ owner => q{sg_orphans('mal.c', '{pid}', 'mal.p')}, 1 ], [ nobody => q{sg_orphans('mal.c', '{pid}', 'mal.p')}, 1 ], [ audit => 'sg_orphan_audit_details()' ], [ list => q{sg_fk_orphans('mal.c', 'k')}, 1 ],
	[ rule => q{sg_rule_audit_details('mal.r', 'check', 'a > mal.one(0)')}, 1 ], [ preflight => q{sg_plan_check('session')}, 1 ], [ live => q{sg_verify_fks(live => true)}, 1 ])
{
	my $as = $call->[0] eq 'nobody' ? 'SET SESSION AUTHORIZATION mallory;' : '';
	my $at = "SELECT 'state ' || s FROM state";
	($rc, $out, $err) = $node->psql('postgres', qq{$as SELECT pg_advisory_lock(49), pg_advisory_lock(42, 5); PREPARE kept AS SELECT 1; LISTEN kept; SELECT setseed(0.1); SELECT 'random ' || random(); SELECT setseed(0.1);
		BEGIN; INSERT INTO pending VALUES (1); DECLARE mine CURSOR FOR SELECT 'row ' || a FROM secret ORDER BY a; FETCH mine; SELECT lo_open(4900, 262144); $at; SAVEPOINT s; SELECT count(*) FROM $call->[1]; $at;
		SELECT 'random ' || random(); FETCH mine; CLOSE mine; SELECT 'large ' || encode(loread(0, 10), 'escape'); SELECT 'end'; ROLLBACK}, on_error_stop => 0);
	my @did = $err =~ /did: (.*)/g;
	is(join(', ', grep { my $did = $_; !grep { $did eq $_ } @passes } @did), '', "$call->[0]: nothing that outlives the call");
	cmp_ok(scalar(() = $err =~ /(?:did|not): /g), '>=', @session + @passes, "$call->[0]: all were tried") if $call->[2];
	my @states = $out =~ /^state (.*)/mg;
	is($states[1], $states[0], "$call->[0]: the session is as it was");
	my @random = $out =~ /^random (.*)/mg;
	is($random[1], $random[0], "$call->[0]: ... its seed, too");
	like($out, qr/^row 1\n.*^row 2\n.*^large secret\n/ms, "$call->[0]: ... and its cursor and large object are where they were") or diag $err;
}

# ---- connections to other servers, which the caller has opened

SKIP:
{
	skip 'postgres_fdw is not available', 1 if !has_extension($node, 'postgres_fdw');
	$node->safe_psql('postgres', q{CREATE EXTENSION postgres_fdw; CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (} . sprintf("host '%s', port '%s', dbname 'postgres'", $node->host, $node->port) . q{);
		CREATE USER MAPPING FOR PUBLIC SERVER here OPTIONS (user 'postgres'); GRANT USAGE ON FOREIGN SERVER here TO mallory; CREATE FOREIGN TABLE opens (a int) SERVER here OPTIONS (table_name 'secret')});
	my @there = ('SELECT * FROM mal.far', 'SELECT * FROM mal.shown', 'SELECT * FROM mal.parts', 'SELECT mal.far_sql()', 'INSERT INTO mal.far VALUES (3)', 'INSERT INTO mal.parts VALUES (1)', 'UPDATE mal.far SET a = 3',
		'DELETE FROM mal.far', 'TRUNCATE mal.far', 'TRUNCATE mal.parts', 'ANALYZE mal.far', 'ANALYZE mal.parts', 'ANALYZE', 'EXPLAIN SELECT * FROM mal.far', 'CREATE TABLE mal.got AS SELECT * FROM mal.far',
		'DECLARE far CURSOR FOR SELECT * FROM mal.far', 'IMPORT FOREIGN SCHEMA public LIMIT TO (secret) FROM SERVER here INTO mal', q{SELECT query_to_xml('SELECT * FROM mal.far', true, false, '')}, 'DO $x$BEGIN PERFORM * FROM mal.far; END$x$',
		q{SELECT schemaguard.sg_sync_run('DELETE FROM mal.far')}, 'SELECT mal.cached()', q{SELECT count(*) FROM public.sg_orphans('mal.far', '{a}', 'mal.p')});
	as('mallory', q{CREATE FOREIGN TABLE mal.far (a int) SERVER here OPTIONS (schema_name 'public', table_name 'secret'); CREATE TABLE mal.parts (a int) PARTITION BY LIST (a);
		CREATE FOREIGN TABLE mal.part PARTITION OF mal.parts FOR VALUES IN (1) SERVER here OPTIONS (schema_name 'public', table_name 'secret'); CREATE VIEW mal.shown AS SELECT * FROM mal.far;
		CREATE FUNCTION mal.far_sql() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM mal.far'; CREATE FUNCTION mal.cached() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM * FROM mal.far; RETURN 1; END';
		GRANT ALL ON mal.far, mal.parts, mal.shown TO PUBLIC;
		CREATE DOMAIN mal.asks AS int CHECK (VALUE < 2 OR query_to_xml('SELECT * FROM mal.far', true, false, '') IS NOT NULL); CREATE TABLE mal.asked (a int, b mal.asks, c text); INSERT INTO mal.asked VALUES (1, 1, '');
		ALTER TABLE mal.asked ALTER c SET DEFAULT query_to_xml('SELECT * FROM mal.far', true, false, '')::text; CREATE MATERIALIZED VIEW mal.kept AS SELECT * FROM mal.far WITH NO DATA;
		CREATE TABLE mal.ruled (a int); INSERT INTO mal.ruled VALUES (1); CREATE RULE r AS ON UPDATE TO mal.ruled DO ALSO DELETE FROM mal.far WHERE mal.far.a = 9;
		TRUNCATE mal.try; INSERT INTO mal.try VALUES } . join(', ', map { '(' . lit($_) . ')' } @there));
	for my $as ('', 'SET SESSION AUTHORIZATION mallory; SELECT mal.cached(); RESET SESSION AUTHORIZATION;')
	{
		($rc, $out, $err) = $node->psql('postgres', qq{$as SELECT count(*) FROM opens; SELECT count(*) FROM sg_orphans('mal.c', '{pid}', 'mal.p'); SELECT 'still ' || count(*) FROM opens}, on_error_stop => 0);
		is(join(', ', $err =~ /did: (.*)/g), '', 'an open connection of the caller: code of another role does not come to it');
		cmp_ok(scalar(() = $err =~ /not: /g), '>=', @there, '... by any way');
		like($out, qr/^still 2$/m, '... and the caller does');
	}
	for my $statement ('UPDATE mal.asked SET b = 2', 'INSERT INTO mal.asked (a) VALUES (2)', 'UPDATE mal.ruled SET a = 2', 'INSERT INTO mal.ruled SELECT a FROM mal.shown', 'UPDATE mal.shown SET a = 5 WHERE a = 9', 'REFRESH MATERIALIZED VIEW mal.kept')
	{
		$node->safe_psql('postgres', q{SELECT sg_plan_create('far', replace => true), sg_plan_add_statement('far', } . lit($statement) . ')');
		($rc, $out, $err) = $node->psql('postgres', q{SELECT count(*) FROM opens; CALL sg_apply('far')}, on_error_stop => 0);
		like($err, qr/must not use (?:foreign table|server here)/, "$statement: nor what the server computes for it");
	}
	# what the server computes while it analyses, by views, in rules of a table, by partitions that nobody names, and after the executor
	as('mallory', q{CREATE TABLE mal.asking (a int, b text); CREATE VIEW mal.over AS SELECT * FROM mal.asking WHERE (SELECT count(*) FROM mal.far) > 0; INSERT INTO mal.asking VALUES (1, ''), (2, '');
		ALTER TABLE mal.asking ADD CONSTRAINT asks CHECK (a > 9 OR table_to_xml('mal.far', true, false, '')::text <> '') NOT VALID; CREATE TABLE mal.got (a int); CREATE FUNCTION mal.tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE DOMAIN mal.asks_too AS int CHECK (query_to_xml('SELECT * FROM mal.far', true, false, '') IS NOT NULL); CREATE TABLE mal.lists (a int, b mal.asks_too[]); INSERT INTO mal.lists VALUES (1);
		CREATE DOMAIN mal.seeds AS int CHECK (set_config('seed', '0.25', false) IS NOT NULL); ALTER TABLE mal.lists ADD c mal.seeds[]; CREATE TABLE mal.part2 PARTITION OF mal.parts FOR VALUES IN (2);
		CREATE VIEW mal.unlocking AS SELECT * FROM mal.common WHERE a OPERATOR(mal.##) 5; CREATE TRIGGER t BEFORE UPDATE ON mal.common FOR EACH ROW EXECUTE FUNCTION mal.tg()});
	for my $statement ('UPDATE mal.over SET a = 3 WHERE a = 2', "UPDATE mal.lists SET b = '{1}'", 'INSERT INTO mal.got SELECT a + 10 FROM mal.parts', 'DELETE FROM mal.far WHERE a = 9', 'INSERT INTO mal.parts VALUES (1)', 'ANALYZE mal.far', 'ANALYZE mal.parts')
	{
		$node->safe_psql('postgres', q{SELECT sg_plan_create('far', replace => true), sg_plan_add_statement('far', } . lit($statement) . ')');
		($rc, $out, $err) = $node->psql('postgres', q{SELECT count(*) FROM opens; SELECT count(*) FROM sg_plan_check('far'); SELECT 'still ' || count(*) FROM secret; CALL sg_apply('far')}, on_error_stop => 0);
		like($err, qr/must not use (?:foreign table mal\.(?:far|part)|server here), whose connection may be a superuser's/, "$statement: nor what a view, a type or a partition brings along, or the step itself") or diag $err;
		like($out, qr/still 2/, '... at any time');
	}
	# none is open while code of others may run, but in the caller's own transaction
	$node->safe_psql('postgres', q{CREATE TABLE copied (a int); SELECT sg_plan_create('opening', replace => true), sg_plan_add_statement('opening', 'INSERT INTO public.copied SELECT a FROM public.opens'), sg_plan_add_statement('opening', 'INSERT INTO public.copied SELECT count(*) FROM public.postgres_fdw_get_connections()')});
	my $open = q{SELECT 'open ' || count(*) FROM postgres_fdw_get_connections()};
	($rc, $out, $err) = $node->psql('postgres', "SELECT count(*) FROM opens; $open; SELECT count(*) FROM sg_orphans('mal.c', '{pid}', 'mal.p'); $open; SELECT count(*) FROM opens; CALL sg_apply('opening'); $open; SELECT a FROM copied ORDER BY a", on_error_stop => 0);
	is(join(' ', $out =~ /^open (\d)/mg), '1 0 0', 'a connection that is open by a mapping of superusers is closed') or diag "$out\n$err";
	like($out, qr/^0\n1\n2\z/m, '... and so is one that a step of the caller has opened') or diag "$out\n$err";
	# nor a partition that her trigger attaches while a statement runs, which rows are routed to
	as('mallory', q{CREATE FOREIGN TABLE mal.routed (a int) SERVER here OPTIONS (schema_name 'public', table_name 'secret'); CREATE TABLE mal.tree (a int) PARTITION BY RANGE (a); CREATE TABLE mal.tree1 PARTITION OF mal.tree FOR VALUES FROM (0) TO (10);
		CREATE TABLE mal.tree2 PARTITION OF mal.tree FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (a); CREATE TABLE mal.starts (a int); INSERT INTO mal.starts VALUES (1);
		CREATE FUNCTION mal.attaches() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN EXECUTE 'ALTER TABLE mal.tree2 ATTACH PARTITION mal.routed FOR VALUES FROM (20) TO (30)'; RETURN NEW; END$$;
		CREATE TRIGGER t BEFORE INSERT ON mal.tree1 FOR EACH ROW EXECUTE FUNCTION mal.attaches(); CREATE FUNCTION mal.routes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO mal.tree VALUES (1), (25); RETURN NEW; END';
		CREATE TRIGGER t BEFORE UPDATE ON mal.starts FOR EACH ROW EXECUTE FUNCTION mal.routes()});
	$node->safe_psql('postgres', q{SELECT sg_plan_create('far', replace => true), sg_plan_add_statement('far', 'UPDATE mal.starts SET a = 2')});
	# her foreign table has been used in that session before, too
	for my $before ('SELECT count(*) FROM opens', q{SELECT count(*) FROM opens; SET client_min_messages = error; SELECT count(*) FROM sg_rule_audit('mal.routed', 'check', 'a > 0')})
	{
		($rc, $out, $err) = $node->psql('postgres', "$before; SET client_min_messages = notice; CALL sg_apply('far'); SELECT 'still ' || count(*) FROM secret", on_error_stop => 0);
		like($err, qr/must not use server here, whose connection may be a superuser's/, 'a partition that is attached meanwhile') or diag $err;
		like($out, qr/still 2/, '... gets no row');
	}
	for my $audit (q{sg_rule_audit_details('mal.asking')}, q{sg_rule_audit_details('mal.parts', 'check', 'a > 0')}, q{sg_orphan_audit_details(plan => 'far')})
	{
		$node->safe_psql('postgres', q{SELECT sg_plan_create('far', replace => true), sg_plan_add_fk('far', 'mal.parts', '{a}', 'mal.p')});
		($rc, $out, $err) = $node->psql('postgres', qq{SELECT count(*) FROM opens; SELECT string_agg(result || ': ' || reason, '; ') FROM $audit});
		like($out, qr/unknown: .*must not use foreign table/s, "$audit: unknown") or diag "$out\n$err";
	}
	$node->safe_psql('postgres', q{SELECT sg_plan_create('far', replace => true), sg_plan_add_statement('far', 'UPDATE mal.unlocking SET a = 41'), sg_plan_create('far2', replace => true), sg_plan_add_statement('far2', $$UPDATE mal.lists SET c = '{2}'$$)});
	($rc, $out, $err) = $node->psql('postgres', q{SELECT pg_advisory_lock(42, 5); SELECT setseed(0.1); SELECT 'random ' || random(); SELECT setseed(0.1); CALL sg_apply('far'); CALL sg_apply('far2'); SELECT count(*) FROM sg_plan_check('far2');
		SELECT 'random ' || random(); SELECT 'held ' || count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()}, on_error_stop => 0);
	like($out, qr/^random (\S+)\n.*^random \1\nheld 1$/ms, 'an operator of a view, and a check while a text is analysed: the advisory lock and the seed stay') or diag "$out\n$err";
	# a connection that the caller's transaction uses stays as it was opened, whatever becomes of its mapping
	my @changing = (q{ALTER USER MAPPING FOR PUBLIC SERVER here OPTIONS (ADD password 'x')}, 'SELECT * FROM mal.far', 'INSERT INTO mal.far VALUES (3)');
	$node->safe_psql('postgres', q{GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO mallory; ALTER SERVER here OWNER TO mallory; TRUNCATE mal.try; INSERT INTO mal.try VALUES } . join(', ', map { '(' . lit($_) . ')' } @changing));
	($rc, $out, $err) = $node->psql('postgres', q{BEGIN; SELECT count(*) FROM opens; SELECT count(*) FROM sg_rule_audit('mal.r', 'check', 'a > mal.one(0)'); SELECT 'still ' || count(*) FROM secret; ROLLBACK}, on_error_stop => 0);
	is(join(', ', $err =~ /did: (.*)/g), $changing[0], 'a mapping that changes in the middle: code of another role does not come to the connection') or diag $err;
	like($out, qr/still 2/, '... nor write by it');
	$node->safe_psql('postgres', q{ALTER USER MAPPING FOR PUBLIC SERVER here OPTIONS (ADD password_required 'false'); SELECT sg_plan_create('far', replace => true), sg_plan_add_statement('far', 'DELETE FROM mal.far WHERE a = 9')});
	($rc, $out, $err) = $node->psql('postgres', q{SELECT count(*) FROM opens; CALL sg_apply('far')}, on_error_stop => 0);
	like($err, qr/1 validated/, 'a mapping that a superuser has given to all: a statement passes') or diag $err;
	$node->safe_psql('postgres', 'DROP SERVER here CASCADE');
}

# A call that fails in a subtransaction in which the caller's cursor was run: it goes on afterwards
for my $fails (q{sg_rule_violations('mal.r', 'check', '1/0 > a')}, q{sg_rule_violations('mal.r', 'check', 'a > mal.fails(a)')})
{
	$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION mal.fails(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$fails$$; END'});
	($rc, $out, $err) = $node->psql('postgres', qq{BEGIN; DECLARE mine CURSOR FOR SELECT 'row ' || a FROM secret ORDER BY a; SAVEPOINT x; FETCH mine; SELECT count(*) FROM $fails; ROLLBACK TO x; FETCH mine; COMMIT}, on_error_stop => 0);
	is($out, "row 1\nrow 2", "$fails: a cursor outlives it") or diag $err;
	like($err, qr/division by zero|fails/, '... and it fails');
}

# A function that the type cache keeps, as subtype_diff, whose call ends while the caller's cursors can't be shown: the next call is another one
{
	$node->safe_psql('postgres', q{SELECT sg_grant('mallory'); SET ROLE mallory;
		CREATE FUNCTION mal.diff(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE c refcursor;
		BEGIN
			IF current_setting('my.open', true) = 'yes' THEN
				PERFORM set_config('my.open', 'no', true), set_config('work_mem', '64kB', true);
				FOR i IN 1 .. 6 LOOP c := NULL; OPEN c FOR EXECUTE 'SELECT 1 --' || repeat('x', 200000); END LOOP;
			END IF;
			RETURN $1 - $2;
		END $$;
		CREATE TYPE mal.range AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = mal.diff);
		CREATE TABLE mal.ranges (id int, r mal.range); CREATE INDEX ranges_r ON mal.ranges USING gist (r); INSERT INTO mal.ranges SELECT g, mal.range(g, g + 5) FROM generate_series(1, 2000) g;
		SELECT sg_plan_create('theirs'), sg_plan_add_statement('theirs', 'REINDEX INDEX mal.ranges_r'); RESET ROLE;
		SELECT sg_plan_create('ours'), sg_plan_add_statement('ours', 'REINDEX INDEX mal.ranges_r')});
	($rc, $out, $err) = $node->psql('postgres', q{SET temp_file_limit = 0; SET my.open = 'yes'; CALL sg_apply('ours'); RESET temp_file_limit; SET my.open = 'no'; SET ROLE mallory; CALL sg_apply('theirs'); SELECT 'there'}, on_error_stop => 0);
	like($err, qr/temporary file size exceeds/, 'cursors that cannot be shown');
	is($out, 'there', '... are not shown by a later call') or diag $err;
}

# The unnamed portal of a driver, which the server drops for the client's ROLLBACK
{
	my $message = sub { $_[0] . pack('N', length($_[1]) + 4) . $_[1] };
	my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "no socket: $!";
	my $get = sub { my $got = ''; while (length($got) < $_[0]) { $socket->sysread($got, $_[0] - length($got), length($got)) or die 'the server has gone' } $got };
	my $told = sub {
		$socket->syswrite($_[0]);
		for (my @errors;;)
		{
			my ($type, $length) = unpack('aN', $get->(5));
			my $body = $get->($length - 4);
			push @errors, map { /^C(\w{5})$/ ? $1 : () } split /\0/, $body if $type eq 'E';
			return join(' ', @errors) || 'ok' if $type eq 'Z';
		}
	};
	my $by_portal = sub { $message->('P', "\0$_[0]\0" . pack('n', 0)) . $message->('B', "$_[1]\0\0" . pack('nnn', 0, 0, 0)) . $message->('E', "$_[1]\0" . pack('N', 0)) . $message->('S', '') };

	my $start = pack('N', 196608) . "user\0" . $node->safe_psql('postgres', 'SELECT current_user') . "\0database\0postgres\0\0";
	is($told->(pack('N', length($start) + 4) . $start), 'ok', 'a client of the protocol');
	is(join(', ', map { $told->($_) } $message->('Q', "BEGIN\0"), $by_portal->('SELECT 1', ''), $message->('Q', "SAVEPOINT s\0"), $by_portal->('SELECT 1', ''),
			$by_portal->(q{SELECT * FROM sg_rule_violations('mal.r', 'check', '1/0 > a')}, 'named'), $by_portal->('ROLLBACK TO s', ''),
			$by_portal->(q{SELECT * FROM sg_rule_violations('mal.r', 'check', '1/0 > a')}, 'named'), $message->('Q', "ROLLBACK\0")),
		'ok, ok, ok, ok, 22012, ok, 22012, ok', '... rolls back after a call that fails');

	# a CALL with a parameter, whose plan the portal alone has, and which a ROLLBACK in it ends: nothing reads the plan afterwards
	$node->safe_psql('postgres', q{CREATE PROCEDURE mal.rolls(text) LANGUAGE plpgsql AS $$BEGIN EXECUTE 'CREATE TEMP TABLE rolled (a int PRIMARY KEY)'; ROLLBACK; EXECUTE 'SELECT 7'; PERFORM schemaguard.sg_sync_guard(true); END$$});
	is($told->($message->('Q', "SELECT schemaguard.sg_sync_guard(false)\0")), 'ok', 'a library that looks at statements');
	my $call = $message->('P', "\0CALL mal.rolls(\$1)\0" . pack('n', 0)) . $message->('B', "\0\0" . pack('nnNa*n', 0, 1, 1, '5', 0)) . $message->('E', "\0" . pack('N', 0)) . $message->('S', '');
	is(join(', ', map { $told->($_) } $call, $message->('Q', "SELECT schemaguard.sg_sync_guard(false)\0")), 'ok, ok', '... reads none that a CALL has ended');
}

# ---- the OID

$node->safe_psql('postgres', q{SET allow_system_table_mods = on; UPDATE pg_authid SET oid = 16383 WHERE rolname = 'rich'});
($rc, $out, $err) = as('mallory', q{SELECT count(*) FROM sg_orphans('mal.c', '{pid}', 'mal.p')});
like($err, qr/OID 16383 must not be a role's/, 'a role that has its OID is noticed');

done_testing();
