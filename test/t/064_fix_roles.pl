# 064_fix_roles.pl: code of a table's owner never runs as the superuser, or anybody else, who mends orphans.
#
# Every slot in which code can stand at the tables of a fix has a witness that writes its slot and its role to the
# server's log, which survives rollback, and tries to make its owner a superuser.
#
# rooms: fix
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use PostgreSQL::Test::Utils;
use SgTest;

my $node = new_node('fix_roles', conf => "schemaguard.fix_pause = 0\nschemaguard.workers = 0\nlog_min_messages = log\n");
my $super = $node->safe_psql('postgres', 'SELECT current_user');

sub query { return $node->safe_psql('postgres', $_[0]); }
sub as { my ($user, $sql) = @_; return query("SET SESSION AUTHORIZATION $user; $sql"); }

# Notices and errors of a CALL
sub call
{
	my ($sql, $user) = @_;
	my $err;
	$node->psql('postgres', $sql, stderr => \$err, extra_params => [ '-U', $user // $super ]);
	return $err;
}

# 'slot as role' of all witnesses since the last look
my $offset = 0;
sub witnesses
{
	my $log = slurp_file($node->logfile, $offset);
	$offset += length($log);
	my %seen = map { $_ => 1 } $log =~ /WITNESS (.*? as \S+)/g;
	return join(', ', sort keys %seen);
}

sub nobody_rose
{
	my ($name) = @_;
	is(query("SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper AND rolname IN ('alice', 'bob', 'carol')"), '', "$name: nobody is superuser");
}

query(q{
	CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE carol LOGIN;
	GRANT pg_read_all_data TO carol;
	CREATE SCHEMA a AUTHORIZATION alice; CREATE SCHEMA b AUTHORIZATION bob;
	GRANT USAGE ON SCHEMA a, b TO PUBLIC;
	CREATE FUNCTION public.witness(slot text, who text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		RAISE LOG 'WITNESS % as %', slot, current_user;
		EXECUTE format('ALTER ROLE %I SUPERUSER', who);
	EXCEPTION WHEN insufficient_privilege THEN NULL;
	END $$;
	ALTER FUNCTION public.witness(text, text) OWNER TO alice;
	SELECT sg_grant('alice'), sg_grant('bob'), sg_grant('carol');
});

# ---------------------------------------------------------------------------------------------------------------------
# The cast that a key compares by, those that copies are made with, statistics objects, triggers
as('alice', q{
	CREATE TYPE a.e AS ENUM ('one', 'two', 'nine');
	CREATE FUNCTION a.e_int(a.e) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
		BEGIN PERFORM public.witness('implicit cast', 'alice'); RETURN CASE WHEN enum_eq($1, 'one') THEN 1 WHEN enum_eq($1, 'two') THEN 2 ELSE 9 END; END $$;
	CREATE CAST (a.e AS int) WITH FUNCTION a.e_int(a.e) AS IMPLICIT;
	CREATE FUNCTION a.e_text(a.e) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.witness('cast to text', 'alice'); RETURN 'e'; END $$;
	CREATE CAST (a.e AS text) WITH FUNCTION a.e_text(a.e);
	CREATE FUNCTION a.one(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.witness('statistics', 'alice'); RETURN 1; END $$;
	CREATE FUNCTION a.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.witness(TG_ARGV[0], 'alice'); RETURN coalesce(NEW, OLD); END $$;
	CREATE TABLE a.p (id int PRIMARY KEY);
	CREATE TABLE a.c (id int PRIMARY KEY, e a.e, n int);
	CREATE TABLE a.d (c int REFERENCES a.c ON DELETE CASCADE, e a.e);
	INSERT INTO a.p VALUES (1), (2);
	INSERT INTO a.c SELECT g, CASE WHEN g = 100 THEN 'nine' ELSE 'one' END::a.e, g FROM generate_series(1, 100) g;
	INSERT INTO a.d VALUES (100, 'one');
	CREATE STATISTICS a.stat ON (n + a.one(4)), id FROM a.c;
	ANALYZE a.c;
	CREATE TRIGGER before BEFORE DELETE ON a.c FOR EACH ROW EXECUTE FUNCTION a.fired('before trigger');
	CREATE CONSTRAINT TRIGGER late AFTER DELETE ON a.c DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION a.fired('deferred trigger');
	ALTER TABLE a.c ADD CONSTRAINT fk FOREIGN KEY (e) REFERENCES a.p NOT VALID;
});
query(q{SELECT sg_plan_create('enum');
	SELECT sg_plan_add_fk('enum', 'a.c', '{e}', 'a.p', fk_name => 'fk', orphans => 'quarantine', quarantine_cascades => true, index => false)});
witnesses();
query('SET constraint_exclusion = on; SELECT count(*) FROM a.c JOIN a.p ON a.c.e = a.p.id');
is(witnesses(), "implicit cast as $super, statistics as $super", 'plain SQL of a superuser falls into the trap');
query("ALTER ROLE alice NOSUPERUSER");

like(call(q{CALL sg_fix_orphans('enum', dry_run => true)}), qr/would be: 1 orphan row quarantined, 1 row that refers to them quarantined/, 'a dry run counts');
is(witnesses(), 'implicit cast as alice, statistics as alice', 'a dry run runs the cast as its owner');
nobody_rose('dry run');
like(call(q{CALL sg_fix_orphans('enum')}), qr/: 1 orphan row quarantined, 1 row that refers to them quarantined/, 'the call mends');
is(witnesses(), 'before trigger as alice, cast to text as alice, deferred trigger as alice, implicit cast as alice, statistics as alice',
	'it runs casts, statistics, triggers as their owner');
nobody_rose('mending');
is(query('SELECT string_agg(DISTINCT role, $$,$$) FROM schemaguard.quarantine'), $super, 'the copies are those of the role that called');

# and back, into a table with a check of a domain, a default and triggers
as('alice', q{
	CREATE FUNCTION a.checked(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM public.witness('domain', 'alice'); RETURN true; END $$;
	CREATE DOMAIN a.num AS int CHECK (a.checked(VALUE));
	ALTER TABLE a.c DROP CONSTRAINT fk, ALTER n TYPE a.num;
	CREATE FUNCTION a.made() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM public.witness('default', 'alice'); RETURN 1; END $$;
	ALTER TABLE a.c ADD late int DEFAULT a.made(), ADD CHECK (a.checked(id));
	CREATE TRIGGER before_in BEFORE INSERT ON a.c FOR EACH ROW EXECUTE FUNCTION a.fired('insert trigger');
	CREATE CONSTRAINT TRIGGER late_in AFTER INSERT ON a.c DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION a.fired('deferred insert');
});
witnesses();
# who may read everything may not have others' code write for him
my $id = query(q{SELECT id FROM schemaguard.plan WHERE name = 'enum'});
query(q{SELECT sg_plan_drop('enum', force => true); SELECT sg_plan_create('back')});
as('carol', q{SELECT sg_plan_create('mine')});
like(call("CALL sg_restore_quarantine('mine', plan_id => $id)", 'carol'), qr/role carol lacks privileges.*no SELECT and INSERT/s,
	'a role without INSERT puts nothing back, nor does the owner for it');
is(witnesses(), '', 'no code ran for it');
like(call("CALL sg_restore_quarantine('back', plan_id => $id, retyped => true)"), qr/2 rows put back, 0 left/, 'rows go back')
  or diag(query(q{SELECT row_text, reason FROM schemaguard.quarantine}));
# 19 looks for the parent without planning a query, so that statistics have no part in it
is(witnesses() =~ s/, statistics as alice$//r, 'default as alice, deferred insert as alice, domain as alice, insert trigger as alice', 'as the owner of all that runs');
nobody_rose('putting back');

# ---------------------------------------------------------------------------------------------------------------------
# Tables of two owners: one does not run the other's code
as('alice', q{
	CREATE TABLE a.c2 (id int PRIMARY KEY, p int);
	INSERT INTO a.c2 VALUES (1, 77);
	CREATE TRIGGER fired BEFORE DELETE ON a.c2 FOR EACH ROW EXECUTE FUNCTION a.fired('trigger of alice');
	GRANT SELECT, REFERENCES ON a.c2 TO bob;
});
as('bob', q{
	CREATE FUNCTION b.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.witness('trigger of bob', 'bob'); RETURN OLD; END $$;
	CREATE TABLE b.d2 (c int REFERENCES a.c2 ON DELETE CASCADE);
	CREATE TRIGGER fired BEFORE DELETE ON b.d2 FOR EACH ROW EXECUTE FUNCTION b.fired();
	INSERT INTO b.d2 VALUES (1);
	GRANT ALL ON b.d2 TO alice;
});
query(q{SELECT sg_plan_create('two');
	SELECT sg_plan_add_fk('two', 'a.c2', '{p}', 'a.p', fk_name => 'fk2', orphans => 'quarantine', quarantine_cascades => true, index => false)});
call(q{CALL sg_add_fks('two', validate => false)});
like(call(q{CALL sg_fix_orphans('two')}),
	qr/fix failed: rows of a\.c2 are left alone: it could run trigger fired of role bob, whose privileges the owner, role alice, does not have/,
	'rows of two owners whose triggers would fire together: left alone, with the reason');
is(witnesses(), '', 'no trigger ran');
is(query('SELECT count(*) FROM a.c2, b.d2'), '1', 'the rows are there');
query('GRANT bob TO alice');
like(call(q{CALL sg_fix_orphans('two')}), qr/: 1 orphan row quarantined, 1 row that refers to them quarantined/, 'one owner has the privileges of the other: his code is his own');
is(witnesses(), 'trigger of alice as alice, trigger of bob as alice', 'and runs as his');
nobody_rose('two owners');
query('REVOKE bob FROM alice');

# ---------------------------------------------------------------------------------------------------------------------
# What user code raises: its message may hold values, so the log has what holds none
query(q{
	CREATE TABLE public.secrets (id int PRIMARY KEY, p int, secret text DEFAULT 'hunter2');
	ALTER TABLE public.secrets OWNER TO alice; GRANT ALL ON SCHEMA public TO alice;
	INSERT INTO public.secrets VALUES (1, 77);
});
as('alice', q{
	CREATE FUNCTION a.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no: %', OLD.secret; END $$;
	CREATE FUNCTION a.slip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM OLD.secret::int; RETURN OLD; END $$;
	CREATE FUNCTION a.lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO found VALUES (OLD.id); RETURN OLD; END $$;
	CREATE TABLE a.found (id int);
});
query(q{SELECT sg_plan_create('tell'); SELECT sg_plan_add_fk('tell', 'public.secrets', '{p}', 'a.p', fk_name => 'tell', orphans => 'delete', index => false)});
call(q{CALL sg_add_fks('tell', validate => false)});
for my $case ([ 'tell', 'P0001', qr/no: hunter2/, 'error P0001, whose message could hold values' ], [ 'slip', '22P02', qr/invalid input syntax for type integer: "hunter2"/, 'invalid input syntax for type ...: "..."' ], [ 'lost', '42P01', qr/relation "found" does not exist/, 'relation "..." does not exist' ])
{
	my ($function, $code, $message, $kept) = @$case;
	as('alice', "CREATE OR REPLACE TRIGGER tell BEFORE DELETE ON public.secrets FOR EACH ROW EXECUTE FUNCTION a.$function()");
	like(call(q{CALL sg_fix_orphans('tell')}), qr/fix failed: .*$message/, "$function: who calls is shown the message");
	is(query(q{SELECT reason FROM schemaguard.plan_step WHERE plan = 'tell'}), $kept, "$function: the step has no value");
	is(query(q{SELECT sqlstate || ' ' || message FROM schemaguard.audit_log WHERE plan = 'tell' AND phase = 'failed' ORDER BY id DESC LIMIT 1}),
		"$code $kept", "$function: nor has the log");
}
is(query(q{SELECT count(*) FROM schemaguard.audit_log WHERE audit_log::text ~ 'hunter2'}), '0', 'no value in the log');
is(query(q{SELECT count(*) FROM schemaguard.plan_step WHERE plan_step::text ~ 'hunter2'}), '0', 'nor in a step');

# in the owner's own search_path, whatever the caller's is
query(q{ALTER ROLE alice SET search_path = a});
like(call(q{CALL sg_fix_orphans('tell')}), qr/1 orphan row deleted/, "a trigger finds what the owner's search_path has");
is(query('SELECT count(*) FROM a.found'), '1', 'and has written there');

# what the server says of constraints is no secret
as('alice', q{
	DROP TRIGGER tell ON public.secrets;
	ALTER TABLE public.secrets DROP CONSTRAINT tell;
	INSERT INTO public.secrets VALUES (2, 77), (3, 1);
	CREATE FUNCTION a.strict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO a.p VALUES (1); RETURN OLD; END $$;
	CREATE TRIGGER strict BEFORE DELETE ON public.secrets FOR EACH ROW EXECUTE FUNCTION a.strict();
});
call(q{CALL sg_add_fks('tell', validate => false)});
like(call(q{CALL sg_fix_orphans('tell')}), qr/fix failed: duplicate key value violates unique constraint "p_pkey"/, 'a constraint is named');
is(query(q{SELECT reason FROM schemaguard.plan_step WHERE plan = 'tell'}), 'duplicate key value violates unique constraint "p_pkey"', 'in the step, too');

$node->stop('immediate');
done_testing();
