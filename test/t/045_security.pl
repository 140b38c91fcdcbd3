# 045_security.pl: who may see, change and run what, and in whose name.
#
#   - rows that a role may not read are unknown, never pass: no SELECT, no USAGE, row security; the rest is judged
#   - the log: everybody sees his own runs, pg_monitor all; nobody changes it, not even a superuser; sg_prune is the
#     database owner's
#   - a plan is its author's: who may not use it sees nothing of it and holds up nobody; a name that a stranger took runs
#     for nobody who has not named him
#   - code of a user's (operators, functions and casts ahead in search_path, of a type, of an operator class, in an index)
#     never runs with the privileges of the superuser who audits: not at all, or as the child's owner, restricted
#   - a rule of lint that a role has added sleeps no longer than a minute
#   - the reason names as owner of a function no role that merely calls it
#   - a test of the database's owner is of a plan that is there
#   - hostile names go through every function
#   - types, functions and expressions that somebody has nested deeply end no session
#
# rooms: log plan
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('security');
my $super = $node->safe_psql('postgres', 'SELECT current_user');

sub as { my ($user, $sql) = @_; return $node->safe_psql('postgres', "SET SESSION AUTHORIZATION $user; $sql"); }

$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE carol LOGIN; CREATE ROLE dave LOGIN; CREATE ROLE seer LOGIN BYPASSRLS;
	CREATE ROLE dbo LOGIN;
	SELECT sg_grant(r) FROM unnest('{alice,bob,carol,seer}'::text[]) r;
	GRANT pg_monitor TO carol; GRANT alice TO dave;
	CREATE SCHEMA a AUTHORIZATION alice; CREATE SCHEMA b AUTHORIZATION bob; CREATE SCHEMA hidden AUTHORIZATION alice;
	ALTER DATABASE postgres OWNER TO dbo;
});

# ---- a rule of lint that sleeps has a minute, which passes while the rest is tested

$node->safe_psql('postgres', 'CREATE DATABASE asleep OWNER dbo');
$node->safe_psql('asleep', q{
	CREATE EXTENSION schemaguard;
	SET ROLE dbo;
	INSERT INTO schemaguard.lint_rule (name, query) VALUES ('sleeps', 'SELECT ''public'', ''x'' FROM pg_catalog.pg_sleep(1000)');
});
my $asleep = SgTest::Session->new($node, dbname => 'asleep');
$asleep->send(q{SELECT severity, message FROM sg_lint_details() WHERE rule = 'sleeps'});

# ---- what may not be read is unknown

as('alice', q{
	CREATE TABLE a.p (id int PRIMARY KEY, secret text);
	CREATE TABLE a.c (p int CONSTRAINT alices REFERENCES a.p, secret text);
	CREATE TABLE a.cols (p int CONSTRAINT columns REFERENCES a.p, secret text);
	CREATE TABLE hidden.c (p int CONSTRAINT hidden REFERENCES a.p);
	CREATE TABLE a.rls (p int CONSTRAINT rls REFERENCES a.p);
	CREATE TABLE a.force (p int CONSTRAINT force REFERENCES a.p);
	CREATE TABLE a.rlsp (id int PRIMARY KEY);
	CREATE TABLE a.to_rls (p int CONSTRAINT to_rls REFERENCES a.rlsp);
	INSERT INTO a.p VALUES (1), (2);
	INSERT INTO a.rlsp VALUES (1), (2);
	INSERT INTO a.rls VALUES (1), (2); INSERT INTO a.force VALUES (1), (2); INSERT INTO a.to_rls VALUES (1), (2);
	ALTER TABLE a.rls ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON a.rls USING (false);
	ALTER TABLE a.force ENABLE ROW LEVEL SECURITY; ALTER TABLE a.force FORCE ROW LEVEL SECURITY; CREATE POLICY none ON a.force USING (false);
	ALTER TABLE a.rlsp ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON a.rlsp USING (false);
	GRANT USAGE ON SCHEMA a TO PUBLIC;
	GRANT SELECT (id), REFERENCES ON a.p TO bob;
	GRANT SELECT (p) ON a.cols TO bob;
	GRANT SELECT ON a.rls, a.force, a.rlsp, a.to_rls, hidden.c TO bob, seer;
	GRANT SELECT ON a.p TO seer;
	CREATE TABLE a.unseen (id int PRIMARY KEY);
	GRANT REFERENCES ON a.unseen TO bob;
});
as('bob', q{
	CREATE TABLE b.p (id int PRIMARY KEY);
	CREATE TABLE b.c (p int CONSTRAINT bobs REFERENCES b.p, q int CONSTRAINT to_alice REFERENCES a.p, r int CONSTRAINT to_unseen REFERENCES a.unseen);
	GRANT USAGE ON SCHEMA b TO PUBLIC; GRANT SELECT ON b.c TO alice;
});

my $verdicts = q{SELECT string_agg(fk_name || ' ' || result, ', ' ORDER BY fk_name) FROM sg_orphan_audit_details()};
is(as('bob', $verdicts), 'alices unknown, bobs pass, columns pass, force unknown, hidden unknown, rls unknown, to_alice pass, to_rls unknown, to_unseen unknown',
	'bob: what he may not read or not see in full is unknown');
is(as('alice', $verdicts), 'alices pass, bobs unknown, columns pass, force unknown, hidden pass, rls pass, to_alice pass, to_rls pass, to_unseen pass',
	'alice: row security that is forced hides rows from the owner too');
is(as('seer', $verdicts), 'alices unknown, bobs unknown, columns unknown, force pass, hidden unknown, rls pass, to_alice unknown, to_rls pass, to_unseen unknown',
	'a role that bypasses row security');
is($node->safe_psql('postgres', $verdicts), 'alices pass, bobs pass, columns pass, force pass, hidden pass, rls pass, to_alice pass, to_rls pass, to_unseen pass',
	'superuser: everything');
is(as('bob', "SET row_security = off; $verdicts"), as('bob', $verdicts), 'row_security = off makes no error of it');
my %reason = map { $_->[0] => $_->[1] } rows($node, q{SELECT fk_name, reason FROM sg_orphan_audit_details()}, user => 'bob');
is($reason{alices}, 'role bob has no SELECT on column p of a.c', 'reason: a column');
is($reason{hidden}, 'role bob has no USAGE on the schema of hidden.c', 'reason: a schema');
is($reason{rls}, 'row security of a.rls would hide rows from role bob', 'reason: row security');
is($reason{to_unseen}, 'role bob has no SELECT on column id of a.unseen', 'reason: the parent');
is_error($node, q{SELECT * FROM sg_fk_orphans('a.c', 'alices')}, '42501', qr/no SELECT on a\.c/, 'sg_orphans needs SELECT on the rows', user => 'bob');
is_error($node, q{SELECT * FROM sg_fk_orphans('a.cols', 'columns')}, '42501', qr/no SELECT on a\.cols/, 'all of their columns', user => 'bob');
is_error($node, q{SELECT * FROM sg_fk_orphans('a.rls', 'rls')}, '42501', qr/row security/, 'and that none is hidden', user => 'bob');
# unknown is so also where the tables could be judged only half
is(as('bob', q{SELECT rows_checked IS NULL AND orphan_rows IS NULL AND orphan_keys IS NULL AND sample IS NULL FROM sg_orphan_audit_details('a.rls')}), 't', 'unknown comes without counts');

# ---- the log

as($_, 'SELECT sg_orphan_audit_details()') for 'alice', 'bob';
is(as('alice', 'SELECT string_agg(DISTINCT role, $$,$$) FROM schemaguard.audit_log'), 'alice', 'alice sees her own runs');
is(as('carol', 'SELECT string_agg(DISTINCT role, $$,$$) FROM schemaguard.audit_log'), "alice,bob,$super,seer", 'pg_monitor sees all');
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM schemaguard.audit_log WHERE message ~ $$secret$$'), 'f', 'no values of rows in it');
my $entries = $node->safe_psql('postgres', 'SELECT count(*), sum(hashtext(l::text)) FROM schemaguard.audit_log l');
for my $role ('alice', 'carol', 'dbo', $super)
{
	for my $sql (
		q{UPDATE schemaguard.audit_log SET message = 'nothing happened'}, 'DELETE FROM schemaguard.audit_log', 'TRUNCATE schemaguard.audit_log',
		($role eq $super
			? (q{SET session_replication_role = replica; DELETE FROM schemaguard.audit_log},
				q{SET session_replication_role = replica; UPDATE schemaguard.audit_log SET message = 'x'},
				q{SET session_replication_role = replica; TRUNCATE schemaguard.audit_log})
			: (q{INSERT INTO schemaguard.audit_log SELECT * FROM schemaguard.audit_log},
				q{UPDATE schemaguard.plan SET author = CURRENT_USER},
				q{INSERT INTO schemaguard.plan (name, author) VALUES ('x', 'alice')},
				q{SELECT nextval('schemaguard.audit_log_id_seq')},
				q{DELETE FROM schemaguard.plan_step})))
	{
		is_error($node, $sql, '42501', undef, "$role may not: $sql", user => $role);
	}
}
is($node->safe_psql('postgres', 'SELECT count(*), sum(hashtext(l::text)) FROM schemaguard.audit_log l'), $entries, 'the log is as it was');

is_error($node, 'CALL sg_prune(now())', '42501', qr/prune/, "sg_prune is not for $_", user => $_) for 'alice', 'carol', 'dave';
is_error($node, "CALL sg_prune($_)", '42501', qr/the last 7 days.*interval '7 days'/s, "the owner of the database deletes nothing young: $_", user => 'dbo')
	for q{now() - interval '1 hour'}, q{now() - interval '6 days 23 hours'}, q{'infinity'};
as('dbo', q{CALL sg_prune(now() - interval '7 days')});
is($node->safe_psql('postgres', q{SELECT role, rows_affected FROM schemaguard.audit_log WHERE action = 'prune'}), 'dbo|0', 'the owner of the database may, and is logged');
is($node->safe_psql('postgres', 'SELECT count(*) - 1 FROM schemaguard.audit_log'), (split /\|/, $entries)[0], 'nothing was as old as that');
$node->safe_psql('postgres', q{CALL sg_prune('infinity')});
$node->safe_psql('postgres', q{CALL sg_prune('infinity')});
is($node->safe_psql('postgres', q{SELECT string_agg(role || ' ' || action, ',' ORDER BY id) FROM schemaguard.audit_log}), "dbo prune,$super prune,$super prune",
	'a superuser deletes all but who has deleted');
is_error($node, 'DELETE FROM schemaguard.audit_log', '42501', qr/append-only/, 'the door is shut again');

# ---- plans

as('alice', q{
	SELECT sg_plan_create('alices');
	SELECT sg_plan_add_fk('alices', 'a.p', '{id}', 'a.rlsp', fk_name => 'planned');
});
for my $sql (
	q{SELECT sg_plan_add_fk('alices', 'a.c', '{p}', 'a.rlsp')}, q{SELECT sg_plan_set('alices', '{1}', '{"orphans": "leave"}')},
	q{SELECT sg_plan_skip('alices', '{1}', 'no')}, q{SELECT sg_plan_drop('alices')}, q{SELECT sg_plan_create('alices', replace => true)},
	q{SELECT sg_plan_from_sql('alices', 'ALTER TABLE a.c ADD FOREIGN KEY (p) REFERENCES a.rlsp')})
{
	is_error($node, $sql, '42501', undef, "bob may not: $sql", user => 'bob');
}
# the owner of the database writes rules in no other role's name
is_error($node, q{INSERT INTO schemaguard.go_rule (metric, target, weight, why, added_by) VALUES ('tests failed', 999, 'note', 'agreed with alice', 'alice')},
	'42501', undef, 'a rule in the name of alice', user => 'dbo');
is(error_of($node, q{INSERT INTO schemaguard.go_rule (metric, target, weight) VALUES ('tests failed', 0, 'no-go'); DELETE FROM schemaguard.go_rule WHERE added_by = 'dbo'}, user => 'dbo'),
	'', 'one of its own');
# nor hold it: a function that says "wait" for 24 days, or a transaction that stays open, is of no use to him
my $step = q{SELECT state, reason, attempts, updated_at FROM schemaguard.plan_step WHERE plan = 'alices'};
my $before = $node->safe_psql('postgres', $step);
for my $call ('sg_add_fks', 'sg_fix_orphans', 'sg_rollback_fks', 'sg_restore_quarantine')
{
	is_error($node, qq{SET schemaguard.throttle_function = 'b.wait'; SET schemaguard.throttle_budget = '24d'; CALL $call('alices', author => 'alice')},
		'42501', qr/permission denied for plan "alices"/, "bob may not: $call", user => 'bob');
}
my $bob = SgTest::Session->new($node, user => 'bob');
$bob->query(q{BEGIN; SELECT sg_plan_approve('alices')});
is($bob->sqlstate, '42501', 'nor approve it');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'schemaguard.plan'::regclass}), '0', 'and holds no lock');
is($node->safe_psql('postgres', $step), $before, 'nor leave a trace in it');
$bob->query('ROLLBACK');
for my $relation ('plan WHERE name', 'plan_step WHERE plan', 'plan_note WHERE plan')
{
	is(as('bob', "SELECT count(*) FROM schemaguard.$relation = 'alices'"), '0', "nor see it: $relation");
}
my $impact = q{SELECT count(*) FROM sg_impact_details('a.p') WHERE kind = 'plan step'};
is(as('bob', $impact) . as('bob', "SET row_security = off; $impact") . as('alice', $impact), '001', 'nor by what depends on a table, and that is no error');
is(as('carol', q{SELECT count(*), (SELECT count(*) FROM schemaguard.plan_step) FROM schemaguard.plan}), '1|1', 'pg_monitor does');
is_error($node, q{CALL sg_add_fks('alices', author => 'alice')}, '42501', qr/permission denied/, 'and runs nothing', user => 'carol');
is_error($node, q{SELECT sg_plan_sql('no such')}, '42704', qr/There is no plan that you may read/, 'a hint names no plan of others', user => 'bob');

# nor hold up who makes a plan of a name that he is about to take, or to give back
$bob->query(q{BEGIN; SELECT sg_plan_create('new')});
is_error($node, q{SET statement_timeout = '20s'; SELECT sg_plan_create('new')}, '55006', qr/just being made/, 'a name about to be taken: an error at once', user => 'alice');
$bob->query(q{COMMIT; BEGIN; SELECT sg_plan_drop('new')});
is_error($node, q{SET statement_timeout = '20s'; SELECT sg_plan_create('new')}, '42710', undef, 'about to be given back: at once, too', user => 'alice');
$bob->query('ROLLBACK');

# a job of a superuser's does not run the plan of whoever came first
as('bob', q{SELECT sg_plan_add_fk('new', 'b.p', '{id}', 'a.p', fk_name => 'squat', index => false)});
is_error($node, q{CALL sg_add_fks('new')}, '42501', qr/plan "new" is by role "bob"/, 'a squatted name');
is_error($node, q{CALL sg_add_fks('new', author => 'alice')}, '42501', qr/is by role "bob", not by "alice"/, 'and for who expects another author');
is_error($node, q{CALL sg_add_fks('new')}, '42501', qr/permission denied/, 'alice does not run it, either', user => 'alice');
as('bob', q{SELECT sg_plan_allow('new', 'dave')});
is_error($node, q{CALL sg_add_fks('new')}, '42501', qr/is by role "bob"/, 'nor a member of her role whom bob lets', user => 'dave');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_constraint WHERE conname = 'squat'}), '0', 'nothing was added');
as('bob', q{SELECT sg_plan_drop('new', force => true)});
$bob->quit;

# who is allowed to is told whose it is, and what he lacks, and leaves no trace, either
as('alice', q{SELECT sg_plan_allow('alices', 'bob')});
for my $call ('sg_add_fks', 'sg_rollback_fks')
{
	is_error($node, "CALL $call('alices')", '42501', qr/plan "alices" is by role "alice"/, "$call: the author has to be named", user => 'bob');
}
is_error($node, q{CALL sg_add_fks('alices', author => 'alice')}, '42501', qr/role bob does not own child a\.p/, 'with his privileges nothing is added', user => 'bob');
is($node->safe_psql('postgres', $step), $before, 'and the plan is as it was');
# partitions get keys of their own before 18: then they have to be his
$node->safe_psql('postgres', q{
	CREATE TABLE b.w (p int) PARTITION BY LIST (p); CREATE TABLE b.w1 PARTITION OF b.w FOR VALUES IN (1);
	ALTER TABLE b.w OWNER TO bob;
	SELECT sg_plan_create('parts'); SELECT sg_plan_add_fk('parts', 'b.w', '{p}', 'b.p', fk_name => 'part', orphans => 'leave', index => false);
});
if (major($node) < 18) { is_error($node, q{CALL sg_add_fks('parts')}, '42501', qr/role bob does not own partition b\.w1/, 'a partition', user => 'bob'); }
else { as('bob', q{CALL sg_add_fks('parts')}); }
is($node->safe_psql('postgres', q{SELECT state, attempts FROM schemaguard.plan_step WHERE plan = 'parts'}), major($node) < 18 ? 'pending|0' : 'validated|2', '... the owner of the table alone');
$node->safe_psql('postgres', q{SELECT sg_plan_drop('parts', force => true); DROP TABLE b.w});
as('dave', q{SELECT sg_plan_set('alices', '{1}', '{"priority": "high"}')});
is($node->safe_psql('postgres', q{SELECT priority FROM schemaguard.plan_step WHERE plan = 'alices'}), 'high', 'a member of the role may change it');
$node->safe_psql('postgres', q{SELECT sg_plan_set('alices', '{1}', '{"priority": "low"}')});
as('alice', q{CALL sg_add_fks('alices')});
is($node->safe_psql('postgres', q{SELECT state FROM schemaguard.plan_step WHERE plan = 'alices'}), 'validated', 'its author can run it');
as('alice', q{SELECT sg_plan_drop('alices', force => true)});

# ---- code of a user's.  It reports the role it runs as; what it writes would be undone with the audit

$node->safe_psql('postgres', 'CREATE SCHEMA evil AUTHORIZATION alice; GRANT USAGE ON SCHEMA evil TO PUBLIC');
as('alice', q{
	CREATE FUNCTION evil.witness(what text) RETURNS void LANGUAGE plpgsql AS $$
		BEGIN RAISE NOTICE 'WITNESS % as %', what, current_user; END $$;
});

# Who was witnessed in a call: 'what as role', sorted; and the output of the call
sub witnesses
{
	my ($sql, $user) = @_;
	my ($out, $err);

	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $user // $super ]);
	my %seen = map { $_ => 1 } $err =~ /WITNESS (.*? as \S+)/g;
	return (join(', ', sort keys %seen), $out, $err);
}

# operators, functions and aggregates that would be taken before those of pg_catalog
my $shadow = '';
for my $type ('text', 'int4', 'name', 'bool', 'int8', 'regclass', 'oid', '"char"')
{
	$shadow .= "CREATE FUNCTION evil.eq($type, $type) RETURNS bool LANGUAGE plpgsql AS 'BEGIN PERFORM evil.witness(''operator''); RETURN false; END';\n"
	  . join('', map { "CREATE OPERATOR evil.$_ (LEFTARG = $type, RIGHTARG = $type, FUNCTION = evil.eq);\n" } '=', '<>', '<', '>');
}
for my $function ('format text', 'now', 'clock_timestamp', 'pg_has_role name, text, text', 'to_jsonb anyelement',
	'jsonb_build_object text, anyelement', 'nextval text')
{
	my ($name, $args) = split / /, "$function ", 2;
	$shadow .= "CREATE FUNCTION evil.\"$name\"($args) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM evil.witness(''$name''); RETURN ''''; END';\n";
}
$shadow .= q{
	CREATE FUNCTION evil.count_step(bigint) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN PERFORM evil.witness(''count''); RETURN 0; END';
	CREATE AGGREGATE evil.count(*) (SFUNC = count_step, STYPE = bigint, INITCOND = 0);
	CREATE TABLE evil.audit_log (LIKE schemaguard.audit_log); CREATE TABLE evil.plan (LIKE schemaguard.plan);
	CREATE TABLE evil.p (id int PRIMARY KEY, t text UNIQUE); CREATE TABLE evil.c (p int, t text);
	INSERT INTO evil.p VALUES (1, 'x'); INSERT INTO evil.c VALUES (1, 'x'), (2, 'y');
	ALTER TABLE evil.c ADD CONSTRAINT ints FOREIGN KEY (p) REFERENCES evil.p NOT VALID, ADD CONSTRAINT texts FOREIGN KEY (t) REFERENCES evil.p (t) NOT VALID;
};
as('alice', "SET search_path = evil, public, pg_catalog; $shadow");
my $path = 'SET search_path = evil, pg_catalog, public;';
my ($who, $out, $err) = witnesses("$path SELECT 1 WHERE 'a'::text = 'a'::text");
is($who, "operator as $super", 'plain SQL falls into the trap');
($who, $out, $err) = witnesses("$path SELECT fk_name, result, rows_checked, orphan_rows FROM sg_orphan_audit_details('evil.c')");
is($who, '', 'the audit does not');
is($out, "ints|fail|2|1\ntexts|fail|2|1", 'and counts');
for my $sql (
	q{SELECT * FROM sg_fk_orphans('evil.c', 'texts')}, q{SELECT sg_plan_create('trap')}, q{SELECT sg_plan_add_fk('trap', 'evil.c', '{t}', 'evil.p', '{t}', 'another', orphans => 'leave')},
	q{SELECT sg_plan_from_sql('trap', 'ALTER TABLE a.c ADD FOREIGN KEY (p) REFERENCES a.rlsp')}, q{SELECT sg_plan_set('trap', '{1}', '{"priority": "high"}')},
	q{SELECT sg_plan_skip('trap', '{2}', 'no')}, q{SELECT sg_plan_sql('trap')}, q{SELECT sg_plan_export('trap')}, q{SELECT sg_plan_import('trap2', sg_plan_export('trap'))},
	q{SELECT * FROM schemaguard.progress}, q{SELECT * FROM schemaguard.audit_log}, q{CALL sg_add_fks('trap')}, q{SELECT * FROM sg_orphan_audit_details(plan => 'trap')},
	q{CALL sg_prune('2000-01-01')}, q{SELECT sg_plan_drop('trap', force => true)})
{
	($who, $out, $err) = witnesses("$path $sql");
	ok($who eq '' && $err !~ /ERROR/, "with a hostile search_path: $sql") or diag("$who\n$err");
}
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM evil.audit_log) + (SELECT count(*) FROM evil.plan)'), '0', 'no table of the same name was written');

# a type with a cast of its own: to_jsonb uses it for the sample
as('alice', q{
	CREATE TYPE evil.e AS ENUM ('one', 'two');
	CREATE FUNCTION evil.e_json(evil.e) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.witness('cast'); RETURN '"cast"'; END $$;
	CREATE CAST (evil.e AS json) WITH FUNCTION evil.e_json(evil.e);
	CREATE TABLE evil.ep (e evil.e PRIMARY KEY); CREATE TABLE evil.ec (e evil.e, id int, side evil.e);
	INSERT INTO evil.ep VALUES ('one'); INSERT INTO evil.ec VALUES ('one', 1, 'two'), ('two', 1, 'two');
	ALTER TABLE evil.ec ADD CONSTRAINT fk FOREIGN KEY (e) REFERENCES evil.ep NOT VALID;
	ALTER TABLE evil.ec ADD CONSTRAINT fk2 FOREIGN KEY (id) REFERENCES evil.p NOT VALID;
});
$node->safe_psql('postgres', q{SET session_replication_role = replica; INSERT INTO evil.ec VALUES (NULL, 3, 'two')});
($who, $out, $err) = witnesses(q{SELECT result, orphan_rows, sample FROM sg_orphan_audit_details('evil.ec') WHERE fk_name = 'fk'});
is($who, 'cast as alice', 'a cast runs as the owner of the child');
is($out, 'fail|1|[{"e": "cast"}]', 'and the superuser has the verdict');
($who, $out, $err) = witnesses(q{SELECT key, data FROM sg_fk_orphans('evil.ec', 'fk2')});
is("$who: $out", 'cast as alice: {"id": 3}|{"e": null, "id": 3, "side": "cast"}', 'sg_orphans: also for columns that are not in the key');

# what it may not do there
as('alice', q{CREATE FUNCTION evil.volatile_break(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; END $$});
for my $break ('RESET ROLE', "SET ROLE $super", 'SET SESSION AUTHORIZATION DEFAULT', 'RESET SESSION AUTHORIZATION', 'ALTER ROLE alice SUPERUSER',
	'CREATE TEMP TABLE x (a int)', q{SELECT set_config('role', 'none', false)})
{
	as('alice', qq{CREATE OR REPLACE FUNCTION evil.e_json(evil.e) RETURNS json LANGUAGE plpgsql AS
		\$\$ BEGIN PERFORM evil.volatile_break(\$q\$$break\$q\$); PERFORM evil.witness('survived'); RETURN '1'; END \$\$});
	($who, $out, $err) = witnesses(q{SELECT result, reason FROM sg_orphan_audit_details('evil.ec') WHERE fk_name = 'fk'; SELECT current_user, rolsuper FROM pg_roles WHERE rolname = 'alice'});
	ok($who eq '' && $out =~ /^unknown\|.+\n$super\|f$/, "the cast tries $break: unknown") or diag("$who\n$out\n$err");
}

# an operator class, made by a superuser as an extension would, whose functions a user owns
$node->safe_psql('postgres', q{
	CREATE TYPE evil.v AS (v int);
	ALTER TYPE evil.v OWNER TO alice;
	CREATE FUNCTION evil.v_cmp(evil.v, evil.v) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM evil.witness(''operator class''); RETURN $1.v - $2.v; END';
	CREATE FUNCTION evil.v_eq(evil.v, evil.v) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM evil.witness(''operator class''); RETURN $1.v = $2.v; END';
	CREATE FUNCTION evil.v_lt(evil.v, evil.v) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1.v < $2.v; END';
	CREATE OPERATOR evil.=== (LEFTARG = evil.v, RIGHTARG = evil.v, FUNCTION = evil.v_eq, COMMUTATOR = OPERATOR(evil.===), MERGES);
	CREATE OPERATOR evil.<<< (LEFTARG = evil.v, RIGHTARG = evil.v, FUNCTION = evil.v_lt);
	CREATE OPERATOR evil.<<== (LEFTARG = evil.v, RIGHTARG = evil.v, FUNCTION = evil.v_lt);
	CREATE OPERATOR evil.>>== (LEFTARG = evil.v, RIGHTARG = evil.v, FUNCTION = evil.v_lt);
	CREATE OPERATOR evil.>>> (LEFTARG = evil.v, RIGHTARG = evil.v, FUNCTION = evil.v_lt);
	CREATE OPERATOR CLASS evil.v_ops DEFAULT FOR TYPE evil.v USING btree AS OPERATOR 1 evil.<<<, OPERATOR 2 evil.<<==, OPERATOR 3 evil.===,
		OPERATOR 4 evil.>>==, OPERATOR 5 evil.>>>, FUNCTION 1 evil.v_cmp(evil.v, evil.v);
	ALTER FUNCTION evil.v_cmp OWNER TO alice; ALTER FUNCTION evil.v_eq OWNER TO alice;
	CREATE TABLE evil.vp (v evil.v PRIMARY KEY); CREATE TABLE evil.vc (v evil.v); CREATE TABLE b.vc (v evil.v);
	INSERT INTO evil.vp VALUES (ROW(1)), (ROW(2)); INSERT INTO evil.vc VALUES (ROW(1)), (ROW(3)); INSERT INTO b.vc VALUES (ROW(1)), (ROW(2));
	ALTER TABLE evil.vp OWNER TO alice; ALTER TABLE evil.vc OWNER TO alice; ALTER TABLE b.vc OWNER TO bob;
	ALTER TABLE evil.vc ADD CONSTRAINT fk FOREIGN KEY (v) REFERENCES evil.vp NOT VALID;
	ALTER TABLE b.vc ADD CONSTRAINT fk FOREIGN KEY (v) REFERENCES evil.vp NOT VALID;
});
($who, $out, $err) = witnesses(q{SELECT result, orphan_rows FROM sg_orphan_audit_details('evil.vc')});
is("$who: $out", 'operator class as alice: fail|1', 'functions of an operator class run as the owner of the child');
($who, $out, $err) = witnesses(q{SELECT result, reason FROM sg_orphan_audit_details('b.vc')});
is($who, '', 'not at all where they are of a role whose privileges that owner does not have');
like($out, qr/^unknown\|.*it could run function evil\.v_\w+\(evil\.v,evil\.v\) of role alice, whose privileges the owner, role bob, does not have$/, 'and the reason says so');
as('alice', 'GRANT SELECT ON evil.vp TO bob');
($who, $out, $err) = witnesses(q{SELECT result FROM sg_orphan_audit_details('b.vc')});
is("$who: $out", ': unknown', 'SELECT on the parent does not change that');
$node->safe_psql('postgres', 'GRANT alice TO bob');
($who, $out, $err) = witnesses(q{SELECT result, orphan_rows FROM sg_orphan_audit_details('b.vc')});
is("$who: $out", 'operator class as bob: pass|0', 'as that owner where it inherits those privileges');
$node->safe_psql('postgres', 'REVOKE alice FROM bob; ALTER TABLE b.vc OWNER TO CURRENT_USER');
($who, $out, $err) = witnesses(q{SELECT result, reason FROM sg_orphan_audit_details('b.vc')});
is($who, '', 'a superuser who owns the child does not run it');
like($out, qr/^unknown\|.*of role alice as a superuser, who owns the table$/, 'and the reason says so');
$node->safe_psql('postgres', 'ALTER TABLE b.vc OWNER TO bob');

# a plan's step of a plain role leads to the cast of a superuser's child
as('alice', q{
	CREATE FUNCTION evil.e_int(evil.e) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.witness('key cast'); RETURN 1; END $$;
	CREATE CAST (evil.e AS int) WITH FUNCTION evil.e_int(evil.e) AS IMPLICIT;
	CREATE TABLE evil.ip (id int PRIMARY KEY); INSERT INTO evil.ip VALUES (2);
	GRANT SELECT, REFERENCES ON evil.ip TO PUBLIC;
});
$node->safe_psql('postgres', 'CREATE TABLE b.super (e evil.e)');
$node->safe_psql('postgres', "INSERT INTO b.super VALUES ('one')");
as('alice', q{SELECT sg_plan_create('casts'), sg_plan_add_fk('casts', 'b.super', '{e}', 'evil.ip', fk_name => 'super_fk')});
($who, $out, $err) = witnesses(q{SELECT result, reason FROM sg_orphan_audit_details(plan => 'casts')});
is($who, '', 'the cast that a planned key of somebody else needs does not run as the superuser who owns the child');
like($out, qr/^unknown\|.*function evil\.e_\w+\(evil\.e\) of role alice as a superuser/, 'and the reason says so');
$node->safe_psql('postgres', 'DROP TABLE b.super');
as('alice', q{SELECT sg_plan_drop('casts', force => true)});

# an error that looks like a cancel, raised by a cast, costs that key its verdict and no other
as('alice', q{
	CREATE TABLE evil.ic (e evil.e, id int CONSTRAINT fk_int REFERENCES evil.ip);
	INSERT INTO evil.ic VALUES ('one', 2);
	ALTER TABLE evil.ic ADD CONSTRAINT fk_cast FOREIGN KEY (e) REFERENCES evil.ip NOT VALID;
});
for my $code ('57014', '57P01', '57P02')
{
	as('alice', qq{CREATE OR REPLACE FUNCTION evil.e_int(evil.e) RETURNS int LANGUAGE plpgsql AS
		\$\$ BEGIN RAISE EXCEPTION 'canceling statement due to user request' USING ERRCODE = '$code'; END \$\$});
	($who, $out, $err) = witnesses(q{SELECT fk_name, result FROM sg_orphan_audit_details('evil.ic') ORDER BY 1});
	is($out, "fk_cast|unknown\nfk_int|pass", "a cast that raises $code does not end the audit") or diag($err);
}

# VALIDATE compares the rows, too: as the owner, though a superuser runs the plan
as('alice', q{
	CREATE OR REPLACE FUNCTION evil.e_int(evil.e) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.witness('key cast'); RETURN 2; END $$;
	ALTER TABLE evil.ic DROP CONSTRAINT fk_cast; TRUNCATE evil.ic; INSERT INTO evil.ic VALUES ('one', 2);
});
$node->safe_psql('postgres', q{SELECT sg_plan_create('cast'), sg_plan_add_fk('cast', 'evil.ic', '{e}', 'evil.ip', fk_name => 'fk_cast')});
($who, $out, $err) = witnesses(q{CALL sg_add_fks('cast'); SELECT state FROM schemaguard.plan_step WHERE plan = 'cast'});
is("$who: $out", 'key cast as alice: validated', 'VALIDATE in a plan of a superuser runs the cast as the owner of the child') or diag($err);

# and not as the owner of the parent, whom the server's row by row check would run it as: the child's owner may not read that one
$node->safe_psql('postgres', q{
	CREATE TABLE b.ip (id int PRIMARY KEY); INSERT INTO b.ip VALUES (2); ALTER TABLE b.ip OWNER TO bob;
	SELECT sg_plan_create('apart'), sg_plan_add_fk('apart', 'evil.ic', '{e}', 'b.ip', fk_name => 'fk_apart', orphans => 'leave');
});
($who, $out, $err) = witnesses(q{CALL sg_add_fks('apart'); SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'apart'});
is($who, '', 'no cast of the child runs as the owner of the parent');
like($out, qr/^added\|VALIDATE CONSTRAINT: .*role alice has no (SELECT|USAGE)/, 'the key stays NOT VALID, and the reason says why') or diag($err);
$node->safe_psql('postgres', 'CALL sg_rollback_fks($$apart$$)');

# functions of expressions on the tables: the planner computes those without columns when it looks at the table
as('alice', q{
	CREATE FUNCTION evil.one(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.witness('expression'); RETURN 1; END $$;
	CREATE TABLE evil.xp (id int PRIMARY KEY, n int); CREATE TABLE evil.xc (p int CONSTRAINT fk REFERENCES evil.xp, n int);
	INSERT INTO evil.xp VALUES (1); INSERT INTO evil.xc VALUES (1);
	CREATE TABLE evil.yp (id int PRIMARY KEY, n int); CREATE TABLE evil.yc (p int CONSTRAINT fk REFERENCES evil.yp, n int);
	CREATE TABLE evil.zp (id int PRIMARY KEY, n int); CREATE TABLE evil.zc (p int CONSTRAINT fk REFERENCES evil.zp, n int) PARTITION BY LIST ((n + evil.one(3)));
	CREATE TABLE evil.zc1 PARTITION OF evil.zc DEFAULT;
	CREATE INDEX ON evil.xc ((n + evil.one(1)));
	CREATE INDEX ON evil.yp (n) WHERE n > evil.one(2);
	CREATE TABLE evil.sp (id int PRIMARY KEY, n int); CREATE TABLE evil.sc (p int CONSTRAINT fk REFERENCES evil.sp, n int);
	CREATE STATISTICS evil.stat ON (n + evil.one(4)), p FROM evil.sc;
	INSERT INTO evil.sc SELECT NULL, g FROM generate_series(1, 100) g;
	ANALYZE evil.sc;
	CREATE TABLE evil.kp (id int PRIMARY KEY); CREATE TABLE evil.kc (p int CONSTRAINT fk REFERENCES evil.kp, n int, CHECK (n > evil.one(5)));
});
for my $table ('xc', 'yc', 'zc', 'sc', 'kc')
{
	($who, $out, $err) = witnesses(qq{SET constraint_exclusion = on; SELECT result FROM sg_orphan_audit_details('evil.$table')});
	ok($who =~ /^(expression as alice)?$/ && $out eq 'pass', "an expression on evil.$table or its parent does not run as the superuser") or diag("witnesses: $who; $out\n$err");
	($who, $out, $err) = witnesses(qq{SET constraint_exclusion = on; SELECT count(*) FROM sg_fk_orphans('evil.$table', 'fk')});
	ok($who =~ /^(expression as alice)?$/ && $out eq '0', "nor for sg_orphans('evil.$table')") or diag("witnesses: $who; $out\n$err");
}

# a policy that runs code: not for a superuser, nor for one from whom it hides rows
as('alice', q{
	CREATE FUNCTION evil.see() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.witness('policy'); RETURN true; END $$;
	CREATE TABLE evil.rc (p int CONSTRAINT fk REFERENCES evil.p);
	ALTER TABLE evil.rc ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON evil.rc USING (evil.see()); INSERT INTO evil.rc VALUES (1);
	GRANT SELECT ON evil.rc, evil.p TO bob;
});
($who, $out) = witnesses(q{SELECT result FROM sg_orphan_audit_details('evil.rc')});
is("$who: $out", ': pass', 'a policy does not run for a superuser');
($who, $out) = witnesses(q{SELECT result FROM sg_orphan_audit_details('evil.rc')}, 'bob');
is("$who: $out", ': unknown', 'nor for anybody else');

# ---- hostile names through every function

for my $hostile ('We"ird.T a', 'a"."id;drop', 'select', "\xc3\xbcn\xe2\x98\x83", q(it's), '%s%1$I', '$1', 'a\\n', "tab\tnl\nx", ' lead ', 'x' x 63, '"', q('), '--', '/*', '$$', '{a,b}', 'NULL')
{
	my ($name, $plan) = (ident($hostile), lit($hostile));
	my $sql = qq{
		CREATE SCHEMA $name;
		CREATE TABLE $name.$name (id int PRIMARY KEY, $name int UNIQUE);
		CREATE TABLE $name.child ($name int);
		INSERT INTO $name.$name VALUES (1, 1), (2, 2); INSERT INTO $name.child VALUES (1), (2), (3);
		SELECT sg_plan_create($plan, $plan);
		SELECT sg_plan_add_fk($plan, @{[ lit("$name.child") ]}, ARRAY[$plan], @{[ lit("$name.$name") ]}, ARRAY[$plan], $plan, orphans => 'leave');
		SELECT sg_plan_set($plan, '{1}', jsonb_build_object('child_columns', ARRAY[$plan]));
		SELECT sg_plan_skip($plan, '{1}', $plan);
		SELECT sg_plan_set($plan, '{1}', '{"state": "pending"}');
		CREATE TEMP TABLE audit AS SELECT * FROM sg_orphan_audit_details(plan => $plan);
		CREATE TEMP TABLE listed AS SELECT * FROM sg_orphans(@{[ lit("$name.child") ]}::regclass, ARRAY[$plan], @{[ lit("$name.$name") ]}::regclass, ARRAY[$plan]);
		CREATE TEMP TABLE statements AS SELECT row_number() OVER () AS n, s FROM sg_plan_sql($plan) s;
		BEGIN; SELECT s FROM statements WHERE s ~ 'ADD CONSTRAINT' \\gexec
		CREATE TEMP TABLE pasted AS SELECT conname FROM pg_constraint WHERE conname = $plan AND contype = 'f'; COMMIT;
		ALTER TABLE $name.child DROP CONSTRAINT $name;
		CALL sg_add_fks($plan);
		DELETE FROM $name.child WHERE $name = 3;
		CALL sg_add_fks($plan);
		SELECT sg_plan_import('copy', sg_plan_export($plan));
		SELECT 'result', (SELECT result || orphan_rows || (sample = jsonb_build_array(jsonb_build_object(${plan}::text, 3))) FROM audit),
			(SELECT count(*) FROM listed), (SELECT count(*) FROM pasted),
			(SELECT state FROM schemaguard.plan_step WHERE plan = $plan),
			(SELECT convalidated FROM pg_constraint WHERE conname = $plan AND contype = 'f' AND conrelid = @{[ lit("$name.child") ]}::regclass),
			(SELECT result FROM sg_orphan_audit_details(@{[ lit("$name.child") ]})),
			(SELECT count(*) FROM sg_fk_orphans(@{[ lit("$name.child") ]}, fk_name => $plan)),
			(SELECT count(*) FROM schemaguard.plan_step a JOIN schemaguard.plan_step b USING (child_table, child_columns, parent_table, parent_columns, fk_name) WHERE a.plan = $plan AND b.plan = 'copy');
		SELECT sg_plan_create('copy', replace => true);
		SELECT 'script', sg_plan_from_sql('copy', s, strict => true) FROM statements WHERE s ~ 'ADD CONSTRAINT';
		SELECT 'script', fk_name = $plan FROM schemaguard.plan_step WHERE plan = 'copy';
		SELECT sg_plan_drop('copy', force => true); SELECT sg_plan_drop($plan, force => true);
		DROP SCHEMA $name CASCADE;
	};
	my ($out, $err);
	$node->psql('postgres', "SET client_min_messages = warning; $sql", stdout => \$out, stderr => \$err, on_error_stop => 1);
	ok($out =~ /^result\|fail1true\|1\|1\|validated\|t\|pass\|0\|1\n+script\|1\nscript\|t$/m, "hostile name: $hostile") or diag("$out\n$err");
}
my $long = 'x' x 64;
for my $sql (
	qq{SELECT sg_plan_create('$long')}, qq{SELECT sg_plan_add_fk('short', '$long', '{a}', 'b')}, qq{SELECT sg_plan_add_fk('short', 'a', '{$long}', 'b')},
	qq{SELECT sg_plan_add_fk('short', 'a', '{a}', 'b.$long')}, qq{SELECT sg_plan_add_fk('short', 'a', '{a}', 'b', '{$long}')},
	qq{SELECT sg_plan_add_fk('short', 'a', '{a}', 'b', fk_name => '$long')}, qq{SELECT sg_fk_orphans('a.c', '$long')})
{
	is_error($node, "SELECT sg_plan_create('short', replace => true); $sql", '42622', undef, "64 bytes: " . substr($sql, 0, 60));
}

# ---- what anybody can nest deeply does not end a server that has little room

$node->safe_psql('postgres', 'CREATE SCHEMA deep AUTHORIZATION alice');
as('alice', q{
	CREATE TABLE deep.p (id int PRIMARY KEY); INSERT INTO deep.p VALUES (1);
	CREATE FUNCTION deep.f0() RETURNS int IMMUTABLE BEGIN ATOMIC SELECT 1; END;
	CREATE DOMAIN deep.d0 AS int CHECK (VALUE > deep.f0());
	DO $$
	BEGIN
		FOR i IN 1 .. 6000 LOOP
			EXECUTE format('CREATE FUNCTION deep.f%s() RETURNS int IMMUTABLE BEGIN ATOMIC SELECT deep.f%s(); END', i, i - 1);
			EXECUTE format('CREATE DOMAIN deep.d%s AS deep.d%s', i, i - 1);
			IF i % 500 = 0 THEN COMMIT; END IF;
		END LOOP;
	END
	$$;
	CREATE DOMAIN deep.d AS deep.d6000 CHECK (VALUE > 0 OR VALUE > deep.f6000());
	CREATE TABLE deep.nested (p deep.d CONSTRAINT nested REFERENCES deep.p);
	DO $$
	BEGIN
		EXECUTE format('CREATE DOMAIN deep.e AS int CHECK (%s VALUE > 0%s)', repeat('(VALUE > 1) IS NOT DISTINCT FROM (', 800), repeat(')', 800));
	END
	$$;
	CREATE TABLE deep.expression (p deep.e CONSTRAINT expression REFERENCES deep.p);
});
is($asleep->collect, 'unknown|rule of role dbo: it took longer than 60000 ms', 'a rule that sleeps');
$asleep->quit;

SKIP:
{
	skip 'no prlimit', 1 if system("prlimit --pid $$ --stack=1048576: 2> /dev/null");
	$node->restart;
	is($node->safe_psql('postgres', q{SELECT result FROM sg_orphan_audit_details('deep.nested')}), 'pass', 'types and functions');
}
is($node->safe_psql('postgres', q{SET max_stack_depth = '100kB'; SELECT fk_name, result, reason FROM sg_orphan_audit_details() WHERE fk_name IN ('nested', 'expression') ORDER BY 1}),
	'expression|unknown|reading these tables is left alone: an expression that it could run is nested too deeply to be looked at' . "\n" . 'nested|pass|', 'an expression');

# ---- tests of users' own

is_error($node, q{INSERT INTO schemaguard.smoke_test (name, plan, kind, statement) VALUES ('x', 'nowhere', 'query', 'SELECT 1')}, '42501', qr/plan_is_there/, 'a test of a plan that is not there', user => 'dbo');
as('alice', q{
	CREATE FUNCTION a.calls(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
	CREATE FUNCTION a.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TABLE a.tested (x int);
	CREATE TRIGGER fires BEFORE INSERT ON a.tested FOR EACH ROW EXECUTE FUNCTION a.fires();
	ALTER TABLE a.tested ENABLE ROW LEVEL SECURITY;
	CREATE POLICY calls ON a.tested USING (a.calls('policy') IS NOT NULL);
	GRANT ALL ON a.tested TO PUBLIC;
});
as('dbo', q{INSERT INTO schemaguard.smoke_test (name, kind, statement, expectation) VALUES ('tries', 'attempt', 'INSERT INTO a.tested VALUES (2)', 'accepted')});
like($node->safe_psql('postgres', q{SELECT reason FROM sg_verify_fks_details(live => true) WHERE fk_name = 'tries'}),
	qr/function a\.calls\(pg_catalog\.text\), called by a query or expression of role dbo, whose/, 'a role that calls a function is not said to own it');

$node->stop('immediate');
done_testing();
