# 047_canaries.pl: no value leaks from where it belongs.
#
# A secret is planted in every place that could give it away: rows and keys, messages of triggers, casts and functions,
# names that EXECUTE makes out of values, DDL, its options and its comments, names of plans and snapshots.  Then audits,
# deployments, fixes, quarantine, rollback, live tests, checks for drift and captured DDL run into them, and every
# relation of the extension is searched as each role.  %expected has where a secret may be found; it is nowhere else.
#
# rooms: log
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('canaries', conf => "wal_level = logical\nmax_worker_processes = 16\n");
my $super = $node->safe_psql('postgres', 'SELECT current_user');

# What a role's psql says; errors are what half of these calls are for.  $told has all that the roles were told.
my %told;

sub as
{
	my ($user, @sql) = @_;

	my ($status, $out, $err) = $node->psql('postgres', join(";\n", @sql), on_error_stop => 0, extra_params => [ '-U', $user ]);

	$told{$user} .= "$out\n$err\n";
}

$node->safe_psql('postgres', q{
	CREATE ROLE author LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE monitor LOGIN IN ROLE pg_monitor; CREATE ROLE reader LOGIN; CREATE ROLE lender LOGIN;
	SELECT sg_grant(r) FROM unnest('{author,stranger,lender}'::text[]) r;
	CREATE SCHEMA a AUTHORIZATION author;
	CREATE SCHEMA l AUTHORIZATION lender;
	SELECT sg_capture_ddl(true);
});

# ---- DDL

as('author', q{CREATE TABLE a.ddl (a text DEFAULT 'canary_default', b text CHECK (b <> E'canary_check')) -- canary_comment
	}, q{COMMENT ON TABLE a.ddl IS $$postgresql://u:canary_url@h/d$$}, q{/* canary_comment */ ALTER TABLE a.ddl ADD c text /* canary_comment */ DEFAULT U&'canary_unicode'},
	q{ALTER TABLE a.ddl ADD d text DEFAULT E'a\'canary_backslash'}, q{CREATE VIEW a.v AS SELECT 'pass' || 'word=' || 'canary_joined' AS x},
	q{CREATE FUNCTION a.connects() RETURNS text LANGUAGE sql AS $f$SELECT 'host=h password=canary_body'$f$},
	q{CREATE FUNCTION a.json() RETURNS json LANGUAGE sql BEGIN ATOMIC SELECT '{"token": "canary_json"}'::json; END},
	q{CREATE FUNCTION a.sets() RETURNS int LANGUAGE sql SET application_name = canary_setting AS 'SELECT 1'}, q{ALTER FUNCTION a.sets() SET application_name TO canary_setting},
	q{DO $$BEGIN EXECUTE 'COMMENT ON SCHEMA a IS ''canary_execute'''; END$$}, q{DO $$BEGIN COMMENT ON SCHEMA a IS 'canary_do'; END$$});
as('lender', q{CREATE FUNCTION l.lent() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE ''CREATE VIEW l.made AS SELECT 1 AS canary_inner''; END';
	GRANT USAGE ON SCHEMA l TO PUBLIC});
as('stranger', 'SELECT l.lent()');
as($super, q{CREATE FOREIGN DATA WRAPPER w OPTIONS (o 'canary_fdw')}, q{CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (o 'canary_server')},
	q{CREATE USER MAPPING FOR author SERVER s OPTIONS (password 'canary_mapping')}, q{ALTER USER MAPPING FOR author SERVER s OPTIONS (SET password 'canary_mapping')},
	q{CREATE FOREIGN TABLE a.ft (a int OPTIONS (o 'canary_column')) SERVER s OPTIONS (o 'canary_table')}, q{ALTER FOREIGN TABLE a.ft OPTIONS (SET o 'canary_table')},
	q{ALTER ROLE author PASSWORD 'canary_role'}, q{CREATE SUBSCRIPTION sub CONNECTION 'host=h password=canary_conninfo' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false)},
	q{ALTER SUBSCRIPTION sub CONNECTION 'host=h password=canary_conninfo'});
is($node->safe_psql('postgres', q{SELECT count(*) > 15, count(*) FILTER (WHERE statement ~ 'ADD c text +DEFAULT ''\.\.\.''') FROM schemaguard.ddl_log}), 't|1',
	'DDL was caught, and what is no constant and no comment is in its text');

# ---- rows, keys and messages

# One child per way in which an error comes to hold a value of the row, and one plan for it
my %raises = (
	raised => q{RAISE EXCEPTION 'canary_raised %', OLD.note},
	forged => q{RAISE EXCEPTION USING ERRCODE = '23503', MESSAGE = 'canary_forged ' || OLD.note, TABLE = 'c'},
	cancel => q{RAISE EXCEPTION USING ERRCODE = '57014', MESSAGE = 'canary_cancel ' || OLD.note},
	internal => q{RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'canary_internal ' || OLD.note},
	input => q{PERFORM OLD.note::int},
	class => q{PERFORM OLD.note::regclass},
	role => q{PERFORM OLD.note::regrole},
	column => q{EXECUTE format('SELECT %I', OLD.note)},
	function => q{EXECUTE format('SELECT %I()', OLD.note)},
	syntax => q{EXECUTE OLD.note},
	setting => q{PERFORM current_setting('a.' || OLD.note)},
	tsquery => q{PERFORM to_tsquery(OLD.note || ' ' || OLD.note)},
	unit => q{PERFORM date_trunc(OLD.note, now())});
as('author', q{CREATE TABLE a.p (id text PRIMARY KEY, note text);
	INSERT INTO a.p VALUES ('canary_parent', 'canary_parent_note');
	SELECT sg_plan_create('canary_plan_name');
	SELECT sg_plan_create('stops'); SELECT sg_plan_create('casts')});
my @fixes;
for my $how (sort keys %raises)
{
	for my $policy ('delete', 'set null', 'quarantine')
	{
		(my $table = "${how}_$policy") =~ s/ /_/;
		push @fixes, qq{
			CREATE TABLE a.$table (id int PRIMARY KEY, p text, note text);
			INSERT INTO a.$table VALUES (1, 'canary_orphan', 'canary_note'), (2, 'canary_parent', 'canary_note');
			CREATE FUNCTION a.$table() RETURNS trigger LANGUAGE plpgsql AS \$\$BEGIN $raises{$how}; RETURN NULL; END\$\$;
			CREATE TRIGGER t BEFORE UPDATE OR DELETE ON a.$table FOR EACH ROW EXECUTE FUNCTION a.$table();
			SELECT sg_plan_create('$table');
			SELECT sg_plan_add_fk('$table', 'a.$table', '{p}', 'a.p', orphans => '$policy', fk_name => '$table', index => false)},
			"CALL sg_fix_orphans('$table')", "CALL sg_add_fks('$table', fix => true)";
	}
}
as('author', @fixes);
my $failed = q{SELECT count(*) FROM schemaguard.audit_log WHERE phase = 'failed' AND role = 'author'};
cmp_ok($node->safe_psql('postgres', $failed), '>=', 3 * keys(%raises), 'each fix has failed in its trigger');

# Orphans that stop a step, that are left, that VALIDATE meets, that are quarantined and come back or can't
as('author', q{
	CREATE TABLE a.stop (id int PRIMARY KEY, p text, note text); INSERT INTO a.stop VALUES (1, 'canary_orphan', 'canary_note');
	CREATE TABLE a.late (id int PRIMARY KEY, p text, note text); INSERT INTO a.late VALUES (1, 'canary_orphan', 'canary_note');
	CREATE TABLE a.kept (id int PRIMARY KEY, p text, note text); INSERT INTO a.kept VALUES (1, 'canary_kept_key', 'canary_kept'), (2, 'canary_parent', 'canary_note');
	CREATE TABLE a.full (id int PRIMARY KEY, p text REFERENCES a.p, note text); INSERT INTO a.full SELECT i, 'canary_parent' FROM generate_series(1, 11311) i;
	SELECT sg_plan_add_fk('stops', 'a.stop', '{p}', 'a.p'), sg_plan_add_fk('stops', 'a.late', '{p}', 'a.p', orphans => 'leave'),
		sg_plan_add_fk('stops', 'a.kept', '{p}', 'a.p', orphans => 'quarantine', fk_name => 'kept')},
	q{GRANT USAGE ON SCHEMA a TO reader}, q{GRANT SELECT ON a.full, a.p TO reader}, q{CALL sg_add_fks('stops', fix => true)}, q{SELECT * FROM sg_orphan_audit_details(samples => 5)}, q{SELECT * FROM sg_orphans('a.stop', '{p}', 'a.p')},
	q{SELECT * FROM sg_fk_orphans('a.late', 'late_p_fkey')}, q{SELECT * FROM sg_plan_check_details('stops')}, q{SELECT * FROM sg_verify_fks_details(live => true)},
	q{SELECT * FROM schemaguard.sg_measure_overhead('stops')}, q{SELECT * FROM sg_discover_fks_details(min_score => 0, verify => 'full')},
	q{CREATE FUNCTION a.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'canary_refused %', NEW.note; END$$;
	CREATE TRIGGER t BEFORE INSERT ON a.kept FOR EACH ROW EXECUTE FUNCTION a.refuse()},
	q{CALL sg_restore_quarantine('stops')}, q{CALL sg_rollback_fks('stops')});
like($node->safe_psql('postgres', 'SELECT reason FROM schemaguard.quarantine'), qr/P0001/, 'a row that its trigger refuses stays in quarantine, with a reason');

# Casts that audits, checks and batches run
as('author', q{
	CREATE TYPE a.e AS ENUM ('canary_enum');
	CREATE FUNCTION a.cast(a.e) RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'canary_cast %', $1; END$$;
	CREATE CAST (a.e AS int) WITH FUNCTION a.cast(a.e) AS IMPLICIT;
	CREATE TABLE a.i (id int PRIMARY KEY); INSERT INTO a.i VALUES (1);
	CREATE TABLE a.enum (id int PRIMARY KEY, e a.e); INSERT INTO a.enum VALUES (1, 'canary_enum');
	SELECT sg_plan_add_fk('casts', 'a.enum', '{e}', 'a.i', orphans => 'delete')},
	q{SELECT * FROM sg_orphan_audit_details(plan => 'casts')}, q{SELECT * FROM sg_plan_check_details('casts')}, q{CALL sg_fix_orphans('casts')}, q{CALL sg_add_fks('casts', fix => true)},
	q{CREATE TABLE a.filled (id int PRIMARY KEY, p text, note text); INSERT INTO a.filled VALUES (1, NULL, 'canary_note');
	SELECT sg_plan_create('fills'); SELECT sg_plan_add_fk('fills', 'a.filled', '{p}', 'a.p', backfill => $$(note::int)::text$$)}, q{CALL sg_add_fks('fills', fix => true)},
	q{CREATE FUNCTION a.load() RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'canary_load'; END$$},
	q{SET schemaguard.throttle_function = 'a.load'; SET schemaguard.throttle_budget = 1; CALL sg_add_fks('casts')});

# What the planner evaluates raises an error with a row's secret
my $before = length $told{author};
as('author', q{CREATE TABLE a.planned (id int PRIMARY KEY, p text, note text); INSERT INTO a.planned VALUES (1, 'canary_orphan', 'canary_note');
	CREATE FUNCTION a.planned(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
		IF current_setting('a.armed', true) = 'on' THEN RAISE EXCEPTION 'canary_raised %', (SELECT min(note) FROM a.late); END IF; RETURN $1; END$$;
	CREATE INDEX ON a.planned ((note || a.planned('x')));
	SELECT sg_plan_create('plans'); SELECT sg_plan_add_check('plans', 'a.planned', 'p IS NULL', 'planned', policy => 'delete'),
		sg_plan_add_fk('plans', 'a.planned', '{p}', 'a.p', orphans => 'delete', index => false)},
	q{SET a.armed = on; SELECT * FROM sg_orphan_audit_details(plan => 'plans'); SELECT * FROM sg_rule_audit_details('a.planned', 'check', 'p IS NULL');
	SELECT * FROM sg_rule_violations('a.planned', 'check', 'p IS NULL'); SELECT * FROM sg_violations('plans', 1); SELECT * FROM sg_plan_check_details('plans')},
	q{SELECT * FROM sg_plan_explain('plans', 1)}, q{SELECT * FROM sg_plan_referencing('plans')}, q{SELECT sg_plan_add_referencing('plans')}, q{CALL sg_fix_orphans('plans')}, q{CALL sg_apply('plans', fix => true)}, q{SELECT * FROM sg_verify_fks_details('plans', live => true)}, q{EXPLAIN SELECT * FROM a.planned}, q{RESET a.armed});
as('stranger', q{SELECT * FROM sg_rule_audit_details('a.planned', 'check', 'p IS NULL')}, q{SELECT * FROM sg_rule_violations('a.planned', 'check', 'p IS NULL')}, q{SELECT * FROM sg_tenant_audit_details('p')});
like(substr($told{author}, $before), qr/canary_raised canary_note/, 'the planner has run into an error with a secret');

# ---- drift, names

as('author', q{SELECT sg_snapshot_take('canary_snapshot_name', '{a}')}, q{CREATE OR REPLACE FUNCTION a.connects() RETURNS text LANGUAGE sql AS $f$SELECT 'host=h password=canary_body2'$f$},
	q{SELECT * FROM sg_drift_details('canary_snapshot_name')}, q{SELECT sg_drift_check('canary_snapshot_name')});
as('stranger', q{SELECT * FROM sg_drift_details('none')}, q{SELECT sg_plan_export('none')}, q{CALL sg_add_fks('none')}, q{SELECT sg_snapshot_drop('none')}, q{SELECT * FROM sg_drift_matrix('{live,none}')},
	q{SELECT * FROM sg_orphan_audit_details(samples => 5)}, q{SELECT * FROM sg_verify_fks_details(live => true)}, q{SELECT * FROM sg_discover_fks_details(min_score => 0, verify => 'full')});
unlike($told{stranger}, qr/canary/, 'a stranger is told no secret, nor the names of plans and snapshots of others');

# ---- the search

# The secrets that a role finds, as "relation.column canary_x", and the row counts of a.full as "relation.column 11311" (five digits, which no part of
# a uuid has, but the fraction of a second may)
sub found
{
	my ($user) = @_;
	my %found;

	for my $relation (rows($node, q{
		SELECT c.oid::regclass FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'v', 'm', 'p')
			AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemaguard')}))
	{
		my ($status, $out) = $node->psql('postgres', qq{
			SELECT DISTINCT '$relation->[0].' || c.key || ' ' || m[1]
			FROM $relation->[0] r, jsonb_each_text(to_jsonb(r)) c, regexp_matches(c.value, '(canary_[a-z_0-9]+|(?<![.])\\m11311\\M)', 'g') m},
			extra_params => [ '-U', $user ]);
		$found{$_} = 1 for split /\n/, $out;
	}
	return \%found;
}

# Definitions belong to who took the snapshot, copies of rows to the owner of their table, counts to who may read the rows
my @definitions = (
	(map { "schemaguard.snapshot_object.properties canary_$_" } qw(backslash body cancel cast check column default do enum forged
		internal joined json load raised refused setting table unicode url)));
my @names = map { "schemaguard.$_" } 'audit_log.object canary_plan_name', 'audit_log.object canary_snapshot_name', 'audit_log.plan canary_plan_name',
	'drift_run.reference canary_snapshot_name', 'finding.reference canary_snapshot_name', 'plan.name canary_plan_name', 'plan_summary.plan canary_plan_name', 'snapshot.name canary_snapshot_name',
	'snapshot_object.snapshot canary_snapshot_name';
my @rows = map { "schemaguard.quarantine.$_" } map { ("data $_", "row_text $_") } qw(canary_kept canary_kept_key);
my $metric = 'schemaguard.metrics.labels canary_snapshot_name';
my @counts = map { "schemaguard.$_.rows_checked 11311" } qw(fk_trust proof);
my %expected = (
	$super => [ @definitions, @names, @rows, @counts, $metric ],
	author => [ @definitions, @names, @rows, @counts ],
	monitor => [ @definitions, @names, @counts, $metric ],
	reader => [ $counts[0] ],
	stranger => []);
for my $user (sort keys %expected)
{
	my $found = found($user);
	my %expected = map { $_ => 1 } @{ $expected{$user} };

	is(join("\n", grep { !$expected{$_} } sort keys %$found), '', "$user finds nothing that is not expected");
	is(join("\n", grep { !$found->{$_} } sort keys %expected), '', "$user finds all that is expected, so the search does find");
}

done_testing();
