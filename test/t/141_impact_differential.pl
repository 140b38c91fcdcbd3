# 141_impact_differential.pl: what sg_impact() says of a drop is what DROP does, on random schemas.
#
# Every table, column, view, type and function of a schema is dropped, with RESTRICT and with CASCADE, and the drop undone;
# an event trigger tells what went. The functions that compare are those of the regression test impact.sql.
#
# rooms: impact
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

srand(seed());
my $node = new_node('impact');
my $major = major($node);
my ($compare) = slurp_file("$FindBin::RealBin/../sql/impact.sql") =~ /^(CREATE TABLE public\.impact_dropped.*?^CREATE EVENT TRIGGER[^\n]*\n)/ms
  or die "impact.sql has no functions that compare\n";

# One random schema as statements; those that cannot be are let go
sub schema
{
	my ($objects) = @_;
	my (@tables, @relations, @types, @functions, @sql);
	my $id = 0;
	my $name = sub { $id++; return chance(0.2) ? qq("X ""$id.y") : "$_[0]$id"; };
	my %make = (
		type => sub {
			my $n = $name->('t');
			push @sql, pick("CREATE TYPE $n AS ENUM ('a', 'b')", "CREATE DOMAIN $n AS int CHECK (VALUE > 0)", "CREATE TYPE $n AS (x int, y " . pick('int', @types) . ')',
				"CREATE TYPE $n AS RANGE (subtype = int4)");
			push @types, $n;
		},
		function => sub {
			my $n = $name->('f');
			my $arg = pick('int', 'int', @types);
			push @sql, "CREATE FUNCTION $n($arg) RETURNS int IMMUTABLE LANGUAGE " . pick("sql AS 'SELECT 1'", 'sql RETURN 1',
				@relations ? 'sql BEGIN ATOMIC SELECT count(*)::int FROM ' . pick(@relations) . '; END' : "plpgsql AS 'BEGIN RETURN 1; END'");
			push @functions, $n if $arg eq 'int';
		},
		table => sub {
			my $n = $name->('r');
			my $kind = rand();
			push @sql, "CREATE TABLE $n (id int PRIMARY KEY, a int" . (@functions && chance(0.4) ? ' DEFAULT ' . pick(@functions) . '(1)' : '')
			  . ', b ' . pick('int', 'text', @types, @tables) . (chance(0.4) ? ', g int GENERATED ALWAYS AS (a + 1) STORED' : '')
			  . (chance(0.3) ? ', s serial' : '') . (chance(0.3) ? ', i int GENERATED ALWAYS AS IDENTITY' : '')
			  . (@functions && chance(0.4) ? ', CHECK (' . pick(@functions) . '(a) > 0)' : '')
			  . (@tables && chance(0.6) ? ', FOREIGN KEY (a) REFERENCES ' . pick(@tables) : '') . ')'
			  . ($kind < 0.25 && @tables ? ' INHERITS (' . pick(@tables) . ')' : $kind < 0.4 ? ' PARTITION BY RANGE (id)' : '');
			push @tables, $n;
			push @relations, $n;
			push @sql, map { "CREATE TABLE " . $name->('p') . " PARTITION OF $n FOR VALUES FROM ($_) TO (" . ($_ + 10) . ')' } 0, 10 if $kind >= 0.25 && $kind < 0.4;
		},
		view => sub {
			return unless @relations;
			my $n = $name->('v');
			push @sql, pick('CREATE VIEW', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW') . " $n AS SELECT id, " . (@functions && chance(0.3) ? pick(@functions) . '(a) AS a' : 'a')
			  . ' FROM ' . pick(@relations);
			push @relations, $n;
		},
		index => sub {
			return unless @relations;
			push @sql, 'CREATE INDEX ' . $name->('i') . ' ON ' . pick(@relations) . ' (' . (@functions && chance(0.5) ? pick(@functions) . '(a)' : 'a') . ')' . (chance(0.3) ? ' WHERE id > 1' : '');
		},
		trigger => sub {
			return unless @tables;
			my $n = $name->('tf');
			push @sql, "CREATE FUNCTION $n() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
			  'CREATE TRIGGER ' . $name->('g') . ' BEFORE UPDATE' . (chance(0.5) ? ' OF a' : '') . ' ON ' . pick(@tables) . ' FOR EACH ROW ' . (chance(0.4) ? 'WHEN (new.id > 1) ' : '') . "EXECUTE FUNCTION $n()";
		},
		policy => sub {
			return unless @tables;
			push @sql, 'CREATE POLICY ' . $name->('y') . ' ON ' . pick(@tables) . ' USING (' . pick('a > 1', 'EXISTS (SELECT FROM ' . pick(@relations) . ' z WHERE z.a = 1)') . ')';
		},
		rule => sub {
			return unless @tables;
			push @sql, 'CREATE RULE ' . $name->('u') . ' AS ON UPDATE TO ' . pick(@tables) . ' WHERE new.id IN (SELECT id FROM ' . pick(@relations) . ') DO INSTEAD NOTHING';
		},
		statistics => sub {
			push @sql, 'CREATE STATISTICS ' . $name->('st') . ' ON a, id FROM ' . pick(@tables) if @tables;
		},
		publication => sub {
			push @sql, 'CREATE PUBLICATION ' . $name->('pb') . ' FOR TABLE ' . pick(@tables) . pick('', ' (id, a)', ' WHERE (id > 1)') if @tables;
		},
		key => sub {
			push @sql, 'ALTER TABLE ' . pick(@tables) . ' ADD FOREIGN KEY (a) REFERENCES ' . pick(@tables) if @tables;
		});
	my @kinds = (qw(type type function function table table table table view view view index), sort keys %make);
	$make{ pick(@kinds) }->() for 1 .. $objects;
	return @sql;
}

my $targets = <<'EOS';
  SELECT 'table ' || i.identity AS object, i.identity,
         format('DROP %s %s', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, i.identity) AS statement
  FROM pg_class c, pg_identify_object('pg_class'::regclass, c.oid, 0) i
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') AND relname !~ 'impact_|said'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('i', 'P', 'S'))
  UNION ALL
  SELECT 'column ' || i.identity, i.identity, format('ALTER TABLE %s DROP COLUMN %I', t.identity, attname)
  FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0, pg_identify_object('pg_class'::regclass, c.oid, attnum) i,
       pg_identify_object('pg_class'::regclass, c.oid, 0) t
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT attisdropped AND attinhcount = 0 AND relname !~ 'impact_|said'
    AND (c.oid, attnum) NOT IN (SELECT partrelid, unnest(partattrs::int[]) FROM pg_partitioned_table)
  UNION ALL
  SELECT 'function ' || i.identity, i.identity, format('DROP FUNCTION %s', i.identity)
  FROM pg_proc p, pg_identify_object('pg_proc'::regclass, p.oid, 0) i
  WHERE pronamespace = 'public'::regnamespace AND proname !~ 'impact_|^sg_' AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'i')
  UNION ALL
  SELECT 'type ' || i.identity, i.identity, format('DROP TYPE %s', i.identity)
  FROM pg_type t LEFT JOIN pg_class c ON c.oid = typrelid, pg_identify_object('pg_type'::regclass, t.oid, 0) i
  WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r', 'c') AND coalesce(relkind, 'c') = 'c'
EOS

my ($objects, $runs) = (0, 0);
for my $round (1 .. (long_run() ? 40 : 3))
{
	my $db = "random_$round";
	my @sql = schema(60);

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION schemaguard');
	$node->psql($db, join(";\n", 'SET client_min_messages = panic', @sql), on_error_stop => 0);
	my $out = $node->safe_psql($db, "SET client_min_messages = error;\n$compare\nSELECT count(*) FROM ($targets) t;\n"
		. "SELECT d.* FROM ($targets) o, public.impact_differences(o.object, o.identity, o.statement) d;");
	my ($count, @differences) = split /\n/, $out;

	$objects += $count;
	$runs++;
	is(join("\n", @differences), '', "round $round: $count objects, no difference") or diag(join(";\n", @sql));
}
cmp_ok($objects, '>', 30 * $runs, "$objects objects in $runs schemas were dropped");

$node->stop('immediate');
done_testing();
