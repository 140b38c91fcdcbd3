# 148_names.pl: names that are made of other names, where these are long.
#
# Tables, keys and columns of 63 bytes, of characters of two and three bytes and of combining ones, that agree in their first 60 bytes; in a
# database of encoding UTF8, and in one of SQL_ASCII that holds the same bytes.  Every function that makes a name up is called on two
# tables at once: nothing is skipped, each name is whole characters, a second call finds what the first one has made, and a rollback
# leaves the catalog as it was.  And the extension's schema under another name: no body calls or prints the one that the script ran with.
#
# rooms: plan change sync report
# takes: 60 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Encode qw(decode FB_CROAK);
use Test::More;
use SgTest;

my $node = new_node('names', without => 1);

# A character of 20 or 30 that make 60 bytes
my %style = (accent => "\xc3\xa9", kanji => "\xe6\x97\xa5", combining => "e\xcc\x81");
my $names = q{SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'n'::regnamespace
	UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE connamespace = 'n'::regnamespace
	UNION ALL SELECT 'trigger', tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'n'::regnamespace AND NOT tgisinternal
	UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'n'::regnamespace
	UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'n'::regnamespace AND typelem = 0
	UNION ALL SELECT 'column', attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'n'::regnamespace AND NOT attisdropped ORDER BY 1, 2};

# From 18 on NOT NULL has a name in the catalog, which the server itself cuts within a character of SQL_ASCII
foreach my $encoding ('UTF8', major($node) < 18 ? 'SQL_ASCII' : ())
{
	my $db = lc $encoding;

	$node->safe_psql('postgres', "CREATE DATABASE $db ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($db, 'CREATE EXTENSION schemaguard');
	my $session = SgTest::Session->new($node, dbname => $db);
	my $sql = sub
	{
		my $out = $session->query($_[0]);
		die $session->{err} if $session->{err} =~ /ERROR|FATAL/;
		return $out;
	};
	$sql->('SET client_min_messages = error; SET search_path = n, public');
	foreach my $style ($encoding eq 'UTF8' ? sort keys %style : 'accent')
	{
		my $char = $style{$style};
		my $long = $char x (60 / length $char);
		my ($a, $b, $c, $old) = map { "${long}$_" } qw(tbA tbB tbC tbD);
		my ($ia, $ib, $ic, $iold) = map { ident($_) } $a, $b, $c, $old;
		my ($la, $lb, $lc, $lold) = map { lit(ident($_)) } $a, $b, $c, $old;
		my @key = map { "${long}k_$_" } 1, 2;
		my @column = map { "${long}c_$_" } 1, 2;
		my $what = "$encoding, $style";
		my $plans = 0;

		# A plan of what `add` adds: applied, added and applied once more, and taken back
		my $lives = sub
		{
			my ($name, $again, @adds) = @_;
			my $before = $sql->($names);
			my @plan = map { "p_${style}_" . $plans++ } 1, 2;

			foreach my $plan (@plan)
			{
				last if $plan eq $plan[1] && !$again;
				$sql->("SELECT sg_plan_create('$plan')");
				$sql->("SELECT " . s/PLAN/'$plan'/r) for @adds;
				is($sql->('SELECT coalesce(sum(n), 0) FROM (VALUES ' . join(', ', map { '((SELECT ' . s/PLAN/'$plan'/r . '))' } @adds) . ') v (n)'), '0', "$what: $name: added again, nothing is new") if $again;
				my $there = $sql->($names);
				$sql->("CALL sg_apply('$plan', fail => false)");
				is($sql->("SELECT step, kind, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = '$plan' AND state NOT IN ('validated')"), '', "$what: $name: every step is done");
				is($sql->($names), $there, "$what: $name: another plan of the same makes nothing") if $plan eq $plan[1];
				if ($plan eq $plan[0])
				{
					my @broken = grep { my $text = $_; index("$before\n", "$text\n") < 0 && !eval { decode('UTF-8', $text, FB_CROAK); 1 } } split /\n/, $sql->($names);
					is("@broken", '', "$what: $name: names are whole characters");
					isnt($sql->($names), $before, "$what: $name: something was made");
				}
			}
			$sql->("CALL sg_rollback_fks('$plan[0]', fail => false)");
			is($sql->($names), $before, "$what: $name: taken back, the catalog is as before");
		};

		$sql->("DROP SCHEMA IF EXISTS n CASCADE; CREATE SCHEMA n; CREATE TABLE tenants (tenant int PRIMARY KEY);"
			# the server itself cuts the names that it makes up for constraints within a character, where the encoding is SQL_ASCII
			. join '', map { "CREATE TABLE $_ (id int CONSTRAINT pk_" . ++$plans . " PRIMARY KEY, tenant int, v int, " . join(', ', map { ident($_) . ' text' } @column) . ");" } $ia, $ib, $iold);
		$sql->("CREATE TABLE $ic (id int CONSTRAINT pk_c PRIMARY KEY, tenant int, a int, b int,"
			. ' CONSTRAINT ' . ident($key[0]) . " FOREIGN KEY (a) REFERENCES $ia, CONSTRAINT " . ident($key[1]) . " FOREIGN KEY (b) REFERENCES $ib)");

		my $all = "ARRAY[$la, $lb, $lc]";
		foreach my $language (qw(c plpgsql))
		{
			$lives->("archive and audit columns in $language", 1, map { "sg_plan_add_${_}_columns(PLAN, $all, language => '$language')" } qw(archive audit));
		}
		$lives->('indexes, constraints and keys with indexes', 0, map { ("sg_plan_add_index(PLAN, $_, 'USING btree (v)')", "sg_plan_add_unique(PLAN, $_, '{v,tenant}')",
			"sg_plan_add_check(PLAN, $_, 'v > 0')", "sg_plan_add_check(PLAN, $_, 'v > 1')", "sg_plan_add_not_null(PLAN, $_, 'v')",
			"sg_plan_add_fk(PLAN, $_, '{id}', $lold)", "sg_plan_add_fk(PLAN, $_, '{tenant}', $lold)") } $la, $lb);
		$lives->('columns that are kept', 0, map { my $table = $_; map { "sg_plan_add_drop(PLAN, 'column', $table, " . lit($_) . ')' } @column } $la, $lb);

		# a NOT NULL comes back with the column
		$sql->("ALTER TABLE $ia ALTER " . ident($column[0]) . ' SET NOT NULL');
		$lives->('a column that is not null', 0, "sg_plan_add_drop(PLAN, 'column', $la, " . lit($column[0]) . ')');
		is($sql->("SELECT attnotnull FROM pg_attribute WHERE attrelid = ${la}::regclass AND attname = " . lit($column[0])), 't', "$what: NOT NULL came back, too");

		$sql->("SELECT sg_plan_create('t_$style'); SELECT sg_plan_isolate('t_$style', 'tenant', 'tenants'); CALL sg_apply('t_$style', fail => false)");
		is($sql->("SELECT step, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 't_$style' AND state <> 'validated'"), '', "$what: tenants: every step is done");
		$sql->("CREATE TABLE heir (id int PRIMARY KEY, old int); SELECT sg_plan_create('r_$style'); SELECT sg_plan_retarget('r_$style', $la, 'heir')");
		is($sql->("SELECT count(*) > 0 FROM schemaguard.plan_step WHERE plan = 'r_$style'"), 't', "$what: keys move to another table");

		# partitions of names that agree
		my ($whole, @part) = map { ident("${long}p_$_") } 0 .. 2;
		my $wide = ident("${long}q");
		$sql->("CREATE TABLE $whole (id int, v int, $wide int) PARTITION BY LIST (id); CREATE TABLE $part[0] PARTITION OF $whole FOR VALUES IN (1); CREATE TABLE $part[1] PARTITION OF $whole FOR VALUES IN (2)");
		$lives->('indexes of partitions', 0, map { my ($table, $column) = (lit($whole), lit("${long}q")); s/WHOLE/$table/r =~ s/WIDE/$column/r } "sg_plan_add_fk(PLAN, WHOLE, ARRAY[WIDE], $lold)",
			'sg_plan_add_index(PLAN, WHOLE, format(\'(%I, v)\', ' . lit("${long}q") . '))', 'sg_plan_add_unique(PLAN, WHOLE, ARRAY[WIDE, \'id\'])');

		# an enum that loses labels, and a function that goes, in a script and by a plan
		my ($enum, $function) = map { ident("${long}e_$_") } 1, 2;
		my $more = "CREATE TYPE $enum AS ENUM ('x', 'y', 'z'); CREATE TABLE has (e $enum); CREATE FUNCTION $function() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION ${\ident(qq{${long}e_3})}() RETURNS int LANGUAGE sql AS 'SELECT 1'";
		$sql->("CREATE TYPE $enum AS ENUM ('x', 'y'); CREATE TABLE has (e $enum); SELECT sg_snapshot_take('s_$style', '{n}')");
		$sql->("DROP TABLE has; DROP TYPE $enum; $more");
		unlike($sql->("SELECT * FROM sg_sync_sql('s_$style', allow_drop => true)"), qr/22P02|42622/, "$what: a script is written");
		$sql->("CALL sg_sync_apply('s_$style', '{n}', allow_drop => true, fail => false)");
		is($sql->("SELECT count(*) FROM pg_enum e JOIN pg_type t ON t.oid = enumtypid WHERE typname = " . lit("${long}e_1") . " AND typnamespace = 'n'::regnamespace"), '2', "$what: an enum has lost its label");
		is($sql->("SELECT count(*) FROM pg_proc WHERE pronamespace = 'n'::regnamespace AND proname LIKE " . lit("${long}e_%")), '0', "$what: functions are gone, or kept");
	}
	$session->quit;
}

# The schema of what people call has another name, and its old one is somebody else's, who makes functions of the same names
$node->safe_psql('postgres', 'CREATE DATABASE renamed');
$node->safe_psql('renamed', $_) for 'CREATE SCHEMA sg', 'CREATE EXTENSION schemaguard SCHEMA sg', 'ALTER SCHEMA sg RENAME TO "our guard"', 'CREATE SCHEMA sg', q{DO $$
DECLARE f regprocedure;
BEGIN
	FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = '"our guard"'::regnamespace AND prokind = 'f' LOOP
		EXECUTE format('CREATE FUNCTION sg.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', (SELECT proname FROM pg_proc WHERE oid = f), pg_get_function_arguments(f),
			pg_get_function_result(f), 'BEGIN RAISE ''planted''; END');
	END LOOP;
END $$};
is($node->safe_psql('renamed', q{SELECT DISTINCT p.oid::regproc FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'schemaguard' AND coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) ~ '\msg\.'}), '', 'no body names the schema, or prints its old name');
is($node->safe_psql('renamed', q{SELECT source, name FROM schemaguard.lint_rule WHERE concat(query, fix) ~ '\msg\.'}), '', 'no rule of lint does');
$node->safe_psql('renamed', q{CREATE TABLE tenants (id int PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY, tenant int); CREATE TABLE c (id int PRIMARY KEY, tenant int, p_id int REFERENCES p, v text);
	CREATE TABLE heir (id int PRIMARY KEY, p_id int); INSERT INTO p VALUES (1, 1); INSERT INTO c VALUES (1, NULL, 1, 'x'); ALTER TABLE c ADD CONSTRAINT v CHECK (v IS NOT NULL);
	SELECT "our guard".sg_snapshot_take('then'); ALTER TABLE c DROP CONSTRAINT v; INSERT INTO c VALUES (2, 1, 1, NULL);
	SELECT "our guard".sg_plan_create('a'); SELECT "our guard".sg_plan_create('b'); SELECT "our guard".sg_plan_create('d')});
my %renamed = (
	sg_status => [ 'SELECT next_call FROM "our guard".sg_status()', qr/"our guard"\.sg_plan_check\('.*"our guard"\.sg_/s ],
	sg_report => [ q{SELECT "our guard".sg_report('a')}, qr/"our guard"\.sg_orphan_audit/ ],
	sg_plan_check => [ q{SELECT hint FROM "our guard".sg_plan_check('a', everything => true)}, qr/"our guard"\.sg_plan_check_details/ ],
	sg_health => [ 'SELECT "our guard".sg_health() ->> \'state\'', qr/^(ok|attention|failing)$/ ],
	sg_watch => [ q{SELECT * FROM "our guard".sg_watch('a')}, qr/SELECT "our guard"\.sg_watch_start\('a'\);/ ],
	sg_lint => [ 'SELECT severity, rule, fix FROM "our guard".sg_lint()', qr/^(?!.*unknown).*SELECT "our guard"\.sg_plan_add\(/s ],
	sg_lint_plan => [ 'SELECT schemaguard.sg_lint_plan()', qr/^lint$/ ],
	sg_plan_isolate => [ q{SELECT "our guard".sg_plan_isolate('a', 'tenant', 'tenants')}, qr/^[1-9]/ ],
	sg_plan_retarget => [ q{SELECT "our guard".sg_plan_retarget('b', 'p', 'heir')}, qr/^1$/ ],
	'sg_plan_retarget by a mapping' => [ q{SELECT "our guard".sg_plan_retarget('d', 'p', 'heir', 'id')}, qr/^2$/ ],
	sg_sync_sql => [ q{SELECT * FROM "our guard".sg_sync_sql('then', 'live', '{public}')}, qr/in the way: SELECT \* FROM "our guard"\.sg_rule_violations/ ],
	sg_sync_check => [ q{SELECT * FROM "our guard".sg_sync_check('then', 'live', '{public}')}, qr/constraint/ ],
	sg_graph => [ q{DO $$ BEGIN FOR i IN 1..61 LOOP EXECUTE format('CREATE TABLE t%s (id int)', i); END LOOP; END $$; SELECT "our guard".sg_graph('svg')}, qr/SELECT "our guard"\.sg_graph\('dot'\);/ ]);
foreach my $name (sort keys %renamed)
{
	my ($status, $out, $err) = $node->psql('renamed', $renamed{$name}->[0]);
	like("$out$err", $renamed{$name}->[1], "$name in a schema of another name");
	unlike("$out$err", qr/planted|\bsg\.|schema "sg"/, "$name: it is by that name");
}

# ---- names that the server makes of names that are too long are its own for a snapshot, too

$node->safe_psql('postgres', "CREATE DATABASE made ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('made', q{CREATE EXTENSION schemaguard; DO $$ DECLARE e text := repeat(U&'\00E9', 28); c text := repeat('column_', 6); x text := repeat('x', 63); BEGIN
	EXECUTE format('CREATE TABLE %I (id serial, %I int NOT NULL, %I text)', e, c, repeat(U&'\00FC', 20)); EXECUTE format('CREATE INDEX ON %I (%I)', e, c); EXECUTE format('CREATE INDEX ON %I (%I)', e, c);
	EXECUTE format('CREATE INDEX ON %I (%I, id)', e, repeat(U&'\00FC', 20)); EXECUTE format('CREATE TABLE %I (%I serial, y int)', x, repeat('y', 60));
	EXECUTE format('CREATE INDEX ON %I (y)', x); EXECUTE format('CREATE INDEX %I ON %I (y)', repeat('x', 50) || 'mine_idx', x); END $$;});
is($node->safe_psql('made', q{SELECT kind, count(*) FILTER (WHERE properties ? 'automatic_name'), string_agg(identity, ' ') FILTER (WHERE NOT properties ? 'automatic_name')
	FROM sg_snapshot_objects_details('live') WHERE kind IN ('index', 'sequence') AND identity !~ 'schemaguard' GROUP BY 1 ORDER BY 1}),
	'index|4|public.' . 'x' x 50 . "mine_idx\nsequence|2|", 'names of indexes and sequences that the server has made of long ones');
is($node->safe_psql('made', q{SELECT count(*) FROM sg_snapshot_objects_details('live') WHERE kind = 'column' AND properties ? 'not_null_name' AND identity !~ 'schemaguard'}), '0', '... and of NOT NULL, where that has one');
$node->safe_psql('made', q{DO $$ DECLARE l text := repeat(U&'\65E5', 20); n text; BEGIN FOREACH n IN ARRAY ARRAY['tA', 'tB', 'ta'] LOOP EXECUTE format('CREATE TABLE %I (id int)', l || n); END LOOP; END $$});
is($node->safe_psql('made', q{SELECT count(*), count(DISTINCT lower(path)), max(octet_length(path)) < 100 FROM sg_schema_doc(NULL, 'files')}), '6|6|t', 'files of sg_schema_doc() have names of their own');

$node->stop;
done_testing();
