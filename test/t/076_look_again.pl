# 076_look_again.pl: what a call has seen is looked at once more under the lock that makes it last.
#
# In each case a call waits for a lock, for whoever holds it changes just what the call has looked at, and commits.  Then come looks that no
# lock is about: options of a plan behind its first commit, rights and last words of a worker, verdicts that are unknown.
#
# rooms: run deploy change fix tenant worker plan
# majors: one (the looks are the same)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('again', conf => "schemaguard.lock_timeout = '5min'\nschemaguard.lock_budget = '10min'\ndeadlock_timeout = '10min'\nschemaguard.workers = 1\nschemaguard.fix_limit = -1\n");
my ($s, $holder, $ask) = map { SgTest::Session->new($node) } 1 .. 3;

sub ask { return $ask->query($_[0]); }
sub state { return ask("SELECT string_agg(concat_ws(': ', state, reason), '; ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$_[0]'"); }
sub logged { return ask("SELECT count(*) FROM schemaguard.audit_log WHERE plan = '$_[0]' AND message ~ " . lit($_[1])); }

# A session holds a lock, a call waits for it; the session does something, and commits
sub meanwhile
{
	my ($lock, $call, $deed, $waiter) = @_;
	my $waits = $waiter // $s;

	$holder->query("BEGIN; $lock");
	$waits->send($call);
	ok(wait_for(sub { $waits->is_done || ask("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $waits->{pid}") eq '1' }) && !$waits->is_done, "waits: $call");
	$holder->query("$deed; COMMIT");
	diag($holder->{err}) if $holder->sqlstate;
	return $waits->collect;
}

# ---------------------------------------------------------------------------------------------------------------------
# Names of a key's step (check_located)
ask(<<'SQL');
CREATE TABLE located_p (id int PRIMARY KEY);
CREATE TABLE located (id int PRIMARY KEY, p int);
SELECT sg_plan_create('located'), sg_plan_add_fk('located', 'located', '{p}', 'located_p', index => false);
SQL
meanwhile('LOCK TABLE located IN ROW EXCLUSIVE MODE', "CALL sg_add_fks('located')", 'ALTER TABLE located RENAME TO located_away; CREATE TABLE located (id int PRIMARY KEY, p int)');
like(state('located'), qr/^failed: table public.located or public.located_p was dropped, renamed or replaced meanwhile/, 'a table with the name of the child: the step fails');
is(ask(q{SELECT count(*) FROM pg_constraint WHERE contype = 'f'}), '0', 'and no table has a key');

# ---------------------------------------------------------------------------------------------------------------------
# A key that somebody else validates, or drops (execute_validate)
ask(<<'SQL');
CREATE TABLE valid_p (id int PRIMARY KEY);
CREATE TABLE valid (id int PRIMARY KEY, p int CONSTRAINT valid_fk REFERENCES valid_p);
ALTER TABLE valid DROP CONSTRAINT valid_fk, ADD CONSTRAINT valid_fk FOREIGN KEY (p) REFERENCES valid_p NOT VALID;
SELECT sg_plan_create('valid'), sg_plan_add_fk('valid', 'valid', '{p}', 'valid_p', fk_name => 'valid_fk', index => false);
SQL
meanwhile('LOCK TABLE valid IN SHARE UPDATE EXCLUSIVE MODE', "CALL sg_add_fks('valid')", 'ALTER TABLE valid VALIDATE CONSTRAINT valid_fk');
is(logged('valid', '^somebody else has validated the key meanwhile'), '1', 'somebody else has validated the key: the log says so');
is(ask(q{SELECT count(*) FROM schemaguard.proof WHERE method = 'validate' AND fk_name = 'valid_fk'}), '0', 'and no proof says that the call has read its rows');

# ---------------------------------------------------------------------------------------------------------------------
# What a step changes (execute_move): what somebody else does meanwhile is not the plan's to take back
ask(<<'SQL');
CREATE TABLE moved (id int PRIMARY KEY, a int);
SELECT sg_plan_create('moved'), sg_plan_add_default('moved', 'moved', 'a', '7');
SQL
meanwhile('LOCK TABLE moved IN ACCESS SHARE MODE', "CALL sg_apply('moved')", 'ALTER TABLE moved ALTER a SET DEFAULT 7');
is(logged('moved', '^somebody else has changed it meanwhile'), '1', 'somebody else has set the default: the log says so');
$s->query("CALL sg_rollback_fks('moved')");
is(ask(q{SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'moved'::regclass}), '7', 'and a rollback leaves it alone');

# ---------------------------------------------------------------------------------------------------------------------
# Whose table it is (check_owner)
ask(<<'SQL');
CREATE ROLE owner LOGIN;
CREATE ROLE operator LOGIN;
GRANT CREATE ON SCHEMA public TO owner, operator;
SELECT sg_grant('operator');
CREATE TABLE owned (id int PRIMARY KEY, a int);
ALTER TABLE owned OWNER TO operator;
SQL
my $operator = SgTest::Session->new($node, user => 'operator');
$operator->query("SELECT sg_plan_create('owned'), sg_plan_add_check('owned', 'owned', 'a > 0', 'positive')");
meanwhile('LOCK TABLE owned IN ACCESS SHARE MODE', "CALL sg_apply('owned')", 'ALTER TABLE owned OWNER TO owner; GRANT ALL ON owned TO operator', $operator);
like(state('owned'), qr/^failed: role operator does not own table public.owned/, 'the table has another owner meanwhile: the step fails');
is(ask(q{SELECT count(*) FROM pg_constraint WHERE conname = 'positive'}), '0', 'and makes nothing');

# ---------------------------------------------------------------------------------------------------------------------
# Columns of tenants (judge_rows)
ask(<<'SQL');
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE accounts (id int PRIMARY KEY, tenant int NOT NULL REFERENCES tenants);
CREATE TABLE orders (id int PRIMARY KEY, account int REFERENCES accounts, tenant int NOT NULL REFERENCES tenants);
INSERT INTO tenants VALUES (1), (2);
INSERT INTO accounts VALUES (1, 1);
INSERT INTO orders VALUES (1, 1, 2);
SQL
my $leaks = "SELECT string_agg(concat_ws(' ', result, reason), '; ') FROM sg_tenant_audit_details('tenant') WHERE fk_name = 'orders_account_fkey'";
like($s->query($leaks), qr/^fail/, 'a row of another tenant is found');
my $out = meanwhile('LOCK TABLE accounts', $leaks, 'ALTER TABLE accounts RENAME tenant TO company');
like($out, qr/unknown the column was dropped or renamed meanwhile/, 'the column of the tenant is gone meanwhile: unknown, and why') or diag($s->{err});

# ---------------------------------------------------------------------------------------------------------------------
# Rows that refer to orphans (check_not_blocked): those that come between count and batch are not deleted
ask(<<'SQL');
CREATE TABLE blocked_p (id int PRIMARY KEY);
CREATE TABLE blocked (id int PRIMARY KEY, p int);
CREATE TABLE refers (id int PRIMARY KEY, b int REFERENCES blocked ON DELETE CASCADE);
INSERT INTO blocked VALUES (1, 9);
ALTER TABLE blocked ADD CONSTRAINT blocked_fk FOREIGN KEY (p) REFERENCES blocked_p NOT VALID;
SELECT sg_plan_create('blocked'), sg_plan_add_fk('blocked', 'blocked', '{p}', 'blocked_p', fk_name => 'blocked_fk', orphans => 'delete', index => false);
SQL
meanwhile('LOCK TABLE blocked IN SHARE UPDATE EXCLUSIVE MODE', "CALL sg_fix_orphans('blocked')", 'INSERT INTO refers VALUES (1, 1)');
is(ask('SELECT (SELECT count(*) FROM blocked) || $$ $$ || (SELECT count(*) FROM refers)'), '1 1', 'a row that refers to an orphan came meanwhile: none goes');
like(state('blocked'), qr/referred to by 1 row of public.refers/, 'and the step says why');

# ---------------------------------------------------------------------------------------------------------------------
# Parents that are being written into a partition (wait_for_writers)
ask(<<'SQL');
CREATE TABLE parted_p (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_p1 PARTITION OF parted_p FOR VALUES FROM (0) TO (100);
CREATE TABLE parted (id int PRIMARY KEY, p int);
INSERT INTO parted VALUES (1, 9), (2, 10);
ALTER TABLE parted ADD CONSTRAINT parted_fk FOREIGN KEY (p) REFERENCES parted_p NOT VALID;
SELECT sg_plan_create('parted'), sg_plan_add_fk('parted', 'parted', '{p}', 'parted_p', fk_name => 'parted_fk', orphans => 'delete', index => false);
SQL
meanwhile('INSERT INTO parted_p1 VALUES (9)', "CALL sg_fix_orphans('parted')", 'SELECT 1');
is(ask('SELECT string_agg(id::text, $$ $$) FROM parted'), '1', 'a parent came into a partition meanwhile: its row stays, the orphan goes');

# ---------------------------------------------------------------------------------------------------------------------
# Options of a plan count behind its first commit (run_commit)
ask(<<'SQL');
CREATE TABLE options_p (id int PRIMARY KEY);
CREATE TABLE options (id int PRIMARY KEY, p int, q int);
SELECT sg_plan_create('options'), sg_plan_option('options', 'validate_with', 'scan'), sg_plan_add_fk('options', 'options', '{p}', 'options_p', index => false),
	sg_plan_add_fk('options', 'options', '{q}', 'options_p', index => false);
SQL
$s->query("CALL sg_add_fks('options')");
is(logged('options', '^validated by .*scan'), '2', 'the option validate_with counts for keys that are validated many commits later');

# ---------------------------------------------------------------------------------------------------------------------
# A worker has the rights of SET ROLE, no more and no less
my $ran = q{ANALYZE public.roles};
ask(q{CREATE TABLE roles (id int); SELECT sg_grant('owner'); CREATE TYPE mood AS ENUM ('sad'); CREATE ROLE boss LOGIN SUPERUSER; GRANT owner TO operator});
my $boss = SgTest::Session->new($node, user => 'boss');
$boss->query(q{SET ROLE owner; SELECT sg_plan_create('less'), sg_plan_add_statement('less', 'ALTER TYPE public.mood ADD VALUE ''glad''', in_transaction => false); CALL sg_apply('less')});
like(state('less'), qr/^failed: .*must be owner of type/, 'a superuser who is another role now: the worker has no more rights than that role');
ask('ALTER TYPE mood OWNER TO owner');
$operator->query(q{SET ROLE owner; SELECT sg_plan_create('more'), sg_plan_add_statement('more', 'ALTER TYPE public.mood ADD VALUE ''glad''', in_transaction => false); CALL sg_apply('more')});
is(state('more'), 'validated', 'the owner by SET ROLE: the worker has its rights') or diag($operator->{err});
is(ask(q{SELECT count(*) FROM pg_enum WHERE enumlabel = 'glad'}), '1', 'and did it once');

# ---------------------------------------------------------------------------------------------------------------------
# A worker that ends without a word has done nothing
my $dir = PostgreSQL::Test::Utils::tempdir();
PostgreSQL::Test::Utils::append_to_file("$dir/vanish.c", <<'C');
#include "postgres.h"
#include "fmgr.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(vanish);
Datum
vanish(PG_FUNCTION_ARGS)
{
	if (MyBgworkerEntry)
		proc_exit(0);
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
C
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $include = `$pg_config --includedir-server`);
system_or_bail('cc', '-shared', '-fPIC', "-I$include", '-o', "$dir/vanish.so", "$dir/vanish.c");
ask(qq{CREATE FUNCTION vanish(int) RETURNS int IMMUTABLE LANGUAGE C AS '$dir/vanish.so'; CREATE TABLE vanishing (id int); INSERT INTO vanishing VALUES (1), (2);
	CREATE INDEX ON vanishing (vanish(id)); SELECT sg_plan_create('silent'), sg_plan_add_statement('silent', 'ANALYZE public.vanishing', in_transaction => false)});
$s->query("CALL sg_apply('silent')");
like(state('silent'), qr/^failed: .*the worker ended without a word/, 'the step of a worker that ended without a word has failed');

# ---------------------------------------------------------------------------------------------------------------------
# An unknown verdict proves nothing: of a scan, and of later steps that are counted along
ask(<<'SQL');
CREATE TABLE unknown (id int PRIMARY KEY, a int, b int);
INSERT INTO unknown VALUES (1, 0, 1);
ALTER TABLE unknown ADD CONSTRAINT unknown_ck CHECK (10 / a > 0) NOT VALID, ADD CONSTRAINT known_ck CHECK (b > 0) NOT VALID;
SELECT sg_plan_create('unknown'), sg_plan_add_check('unknown', 'unknown', '10 / a > 0', 'unknown_ck', policy => 'leave'), sg_plan_add_check('unknown', 'unknown', 'b > 0', 'known_ck', policy => 'leave');
CREATE TABLE later_p1 (id int PRIMARY KEY);
CREATE TYPE pair AS (a int, b int);
CREATE TABLE later_p2 (id pair PRIMARY KEY);
CREATE TABLE later (id int PRIMARY KEY, p int, q pair);
INSERT INTO later VALUES (1, NULL, ROW(1, NULL));
SELECT sg_plan_create('later'), sg_plan_add_fk('later', 'later', '{p}', 'later_p1', index => false), sg_plan_add_fk('later', 'later', '{q}', 'later_p2', index => false);
SQL
$s->query("SET schemaguard.workers = 0; SET schemaguard.validate_with = scan; CALL sg_apply('unknown')");
is(ask(q{SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint WHERE conname IN ('unknown_ck', 'known_ck')}), 'known_ck true, unknown_ck false',
	'a scan validates what it could judge, and nothing else') or diag($s->{err});
$s->query("CALL sg_add_fks('later')");
like(state('later'), qr/^validated; failed: the orphans could not be counted: all of these/, 'step 2, which the count for step 1 could not judge, fails') or diag($s->{err});
is(ask(q{SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'later'::regclass AND confrelid = 'later_p2'::regclass}), '0', 'and has no key');

# ---------------------------------------------------------------------------------------------------------------------
# Order, scripts and preflight
ask(<<'SQL');
CREATE SCHEMA other;
CREATE TABLE dropped (id int PRIMARY KEY, a int);
SELECT sg_plan_create('late'), sg_plan_add_drop('late', 'table', 'dropped', priority => 'critical'), sg_plan_add_check('late', 'dropped', 'a > 0', 'late_ck', priority => 'low');
SELECT sg_plan_create('script'), sg_plan_from_sql('script', 'CREATE INDEX made_idx ON public.moved (a); DROP INDEX other.made_idx');
CREATE DOMAIN filled AS int NOT NULL;
CREATE TABLE of_domain (id int PRIMARY KEY, p filled);
SELECT sg_plan_create('domain'), sg_plan_add_fk('domain', 'of_domain', '{p}', 'later_p1', on_delete => 'set null');
SQL
is(ask(q{SELECT string_agg(substring(s FROM 'step [0-9]'), ' ') FROM sg_plan_sql('late') s WHERE s ~ '^-- step'}), 'step 2 step 1', 'a drop comes behind the step about its table, whatever their priorities are');
is(ask(q{SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'script' AND kind = 'index'}), '1', 'DROP INDEX of another schema leaves the index of a script in the plan');
like(ask(q{SELECT string_agg(check_name || ': ' || detail || coalesce(hint, ''), '; ') FROM sg_plan_check_details('domain') WHERE result <> 'ok'}), qr/NOT NULL/i, 'preflight knows NOT NULL of a domain');
ask(<<'SQL');
CREATE SCHEMA u;
CREATE TABLE u.p (id int PRIMARY KEY, x int);
CREATE TABLE u.c (id int PRIMARY KEY, p_id int REFERENCES u.p);
SELECT sg_snapshot_take('both', '{u}');
ALTER TABLE u.c DROP CONSTRAINT c_p_id_fkey;
ALTER TABLE u.p DROP CONSTRAINT p_pkey, ADD UNIQUE (id, x);
SQL
like(ask(q{SELECT string_agg(reason, '; ') FROM sg_compare_fks('both')}), qr/u\.p has no unique key on \(id\)/, 'UNIQUE (id, x) is not taken for UNIQUE (id)');

$_->quit foreach $s, $holder, $ask, $operator, $boss;
$node->stop;
done_testing();
