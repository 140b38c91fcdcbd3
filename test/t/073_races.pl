# 073_races.pl: internal errors (XX000) of the server that mean that another session dropped or changed an object.
#
#   - each beginning of a message that counts as that of a race is witnessed: a statement that raises it as XX000, which
#     becomes 40001 within a call of ours; what a new major says otherwise fails here
#   - a function that SQL calls raises 40001 for such an error, outside of plans, too, and XX000 for any other one
#
# The catalogs are changed by hand, so that the server meets without chance what it meets in a race.
#
# rooms: base
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('races');

$node->safe_psql('postgres', <<'SQL');
CREATE TYPE e AS ENUM ('a');
CREATE TYPE r AS RANGE (subtype = int);
CREATE FUNCTION f() RETURNS e LANGUAGE sql AS $$ SELECT 'a'::e $$;
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION names_id() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 1; RETURN NEW; END $$;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int, p_id int CONSTRAINT c_p REFERENCES p);
CREATE TABLE unkeyed (id int) PARTITION BY LIST (id);
CREATE TABLE unkeyed_leaf PARTITION OF unkeyed DEFAULT;
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE leaf PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE t (id int);
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tf();
CREATE TABLE indexed (id int PRIMARY KEY);
CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'g' $$;
CREATE TABLE seen (what text DEFAULT g());
INSERT INTO seen VALUES ('nothing');
SQL
$node->safe_psql('postgres', 'SET allow_system_table_mods = on;' . $_) foreach
	q{DELETE FROM pg_type WHERE oid = 'e'::regtype}, q{DELETE FROM pg_range WHERE rngtypid = 'r'::regtype},
	q{DELETE FROM pg_attribute WHERE attrelid = 'c'::regclass AND attname = 'p_id'},
	q{DELETE FROM pg_partitioned_table WHERE partrelid = 'unkeyed'::regclass},
	q{DELETE FROM pg_inherits WHERE inhrelid = 'leaf'::regclass},
	q{DELETE FROM pg_proc WHERE oid = 'g'::regproc},
	q{DELETE FROM pg_class WHERE oid IN ('t'::regclass, 'indexed_pkey'::regclass)};

my %witness = (
	'cache lookup failed for ' => [
		q{pg_get_function_result('public.f'::regproc)}, q{(SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'c_p')},
		q{(SELECT pg_describe_object('pg_trigger'::regclass, oid, 0) FROM pg_trigger WHERE tgname = 'tr')},
		q{(SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'tr')}, q{(SELECT count(*) FROM public.unkeyed)::text},
		'(what::public.r)::text', 'DEFAULT' ],
	'could not find tuple for ' => [q{pg_get_partition_constraintdef('public.leaf'::regclass)}],
	'could not open relation with OID ' => ['(SELECT count(*) FROM public.indexed)::text']);

# Raised by a statement of a guarded session, below, or only by two sessions at once
my @others = ('enum value %u not found ', 'relation %u has no parent ', 'relation %u is not a partition', 'tuple concurrently ');

my ($list) = slurp_file('src/base/errors.c') =~ /racing_words\[\] = \{(.*?)\}/s;
is(join('|', sort keys %witness, @others), join('|', sort $list =~ /"(.*?)"/g), 'each beginning is witnessed');

foreach my $words (sort keys %witness)
{
	foreach my $value (@{ $witness{$words} })
	{
		my $statement = "UPDATE public.seen SET what = $value";

		is_error($node, $statement, 'XX000', qr/ERROR:  (?:XX000: )?\Q$words\E/, "$value: $words");
		$node->safe_psql('postgres', "SELECT sg_plan_create('race', replace => true); SELECT sg_plan_add_statement('race', " . lit($statement) . ')');
		$node->psql('postgres', "CALL sg_apply('race')");
		is($node->safe_psql('postgres', q{SELECT sqlstate FROM schemaguard.audit_log WHERE plan = 'race' AND phase = 'failed' ORDER BY id DESC LIMIT 1}), '40001', '... which is a race');
	}
}

foreach (
	[ sg_fk_orphans => q{SELECT * FROM sg_fk_orphans('c', 'c_p')} ],
	[ sg_rule_audit => q{SELECT * FROM sg_rule_audit('p', 'check', '''empty''::r IS NULL')} ],
	[ sg_rule_violations => q{SELECT * FROM sg_rule_violations('p', 'check', '''empty''::r IS NULL')} ])
{
	is_error($node, $_->[1], '40001', qr/another session dropped or changed an object meanwhile\n.*DETAIL:  cache lookup failed/s, "$_->[0]: an error of a race");
}
is_error($node, q{SELECT schemaguard.sg_sync_guard(true); ALTER TABLE public.leaf ADD CHECK (id > 0)}, '40001', qr/another session dropped or changed an object meanwhile\n.*DETAIL:  relation \d+ is not a partition/s,
	'a statement of a guarded session: the same');
is_error($node, q{SELECT * FROM sg_rule_audit('c')}, 'XX000', qr/catalog is missing 1 attribute/, 'damage is no race');

# A worker that is held up at its start finds what its leader did not: a column of the keys is gone
$node->safe_psql('postgres', 'CREATE DATABASE workers');
$node->safe_psql('workers', 'CREATE EXTENSION schemaguard; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE many (' . join(', ', map { "k$_ int REFERENCES p" } 1 .. 8) . ')');
{
	my ($holder, $caller, $observer) = map { SgTest::Session->new($node, dbname => 'workers') } 1 .. 3;
	my $from = -s $node->logfile;

	$holder->query(q{SET allow_system_table_mods = on; BEGIN; LOCK pg_db_role_setting; DELETE FROM pg_attribute WHERE attrelid = 'many'::regclass AND attname = 'k8'});
	$caller->send(q{SELECT DISTINCT reason FROM sg_verify_fks(live => true) WHERE test LIKE 'live%'});
	ok(wait_for(sub { $observer->query(q{SELECT count(*) > 0 FROM pg_locks WHERE relation = 'pg_db_role_setting'::regclass AND NOT granted}) eq 't' }), 'a worker is held up');
	$holder->query('COMMIT');
	is(($caller->collect // 'the connection is gone') . $caller->{err}, '40001: another session dropped or changed an object meanwhile', '... which is a race to it');
	unlike(slurp_file($node->logfile, $from), qr/ERROR|exited with exit code/, '... and does not end it');
	$_->quit foreach $holder, $caller, $observer;
}

$node->stop;
done_testing();
