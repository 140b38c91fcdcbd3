# SgEdits.pm: random edits of whatever schema a database has: of each kind of object that is there, and new ones.
#
#   my $edits = SgEdits->new($sync, 'database');
#   my @statements = $edits->some(10);           # as rand() has it; some of them the server will refuse
package SgEdits;
use strict;
use warnings;
use SgTest;

# What there is, by kind: a name that can be written, and more about it
my $catalog = <<'SQL';
WITH s AS MATERIALIZED (
    SELECT n.oid, n.nspname FROM pg_namespace n
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'schemaguard', 'schemaguard_attic')
), mine AS MATERIALIZED (
    SELECT d.classid, d.objid FROM pg_depend d WHERE d.deptype = 'e'
), c AS MATERIALIZED (
    SELECT c.*, format('%I.%I', s.nspname, c.relname) AS id FROM pg_class c JOIN s ON s.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM mine m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
), f AS MATERIALIZED (
    SELECT p.*, format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS id FROM pg_proc p JOIN s ON s.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM mine m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
), t AS MATERIALIZED (
    SELECT t.*, format('%I.%I', s.nspname, t.typname) AS id FROM pg_type t JOIN s ON s.oid = t.typnamespace
    WHERE NOT EXISTS (SELECT FROM mine m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
)
SELECT * FROM (
    SELECT 'table', id, relkind::text, '' FROM c WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence = 'p'
    UNION ALL SELECT 'parted', id, pg_get_partkeydef(oid), '' FROM c WHERE relkind = 'p'
    UNION ALL SELECT 'partition', c.id, format('%I.%I', s.nspname, p.relname), pg_get_expr(c.relpartbound, c.oid) FROM c JOIN pg_inherits i ON i.inhrelid = c.oid
        JOIN pg_class p ON p.oid = i.inhparent JOIN s ON s.oid = p.relnamespace WHERE c.relispartition AND c.relkind IN ('r', 'p')
    UNION ALL SELECT 'column', c.id, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod) FROM c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT 'constraint', c.id, quote_ident(k.conname), k.contype::text FROM c JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.coninhcount = 0 AND k.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL SELECT 'index', c.id, quote_ident(c.relname), '' FROM c WHERE c.relkind = 'i' AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)
    UNION ALL SELECT 'view', id, CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, '' FROM c WHERE relkind IN ('v', 'm')
    UNION ALL SELECT 'sequence', id, '', '' FROM c WHERE relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')
    UNION ALL SELECT 'trigger', c.id, quote_ident(g.tgname), '' FROM c JOIN pg_trigger g ON g.tgrelid = c.oid WHERE NOT g.tgisinternal AND NOT c.relispartition
    UNION ALL SELECT 'rule', c.id, quote_ident(w.rulename), '' FROM c JOIN pg_rewrite w ON w.ev_class = c.oid WHERE w.rulename <> '_RETURN'
    UNION ALL SELECT 'policy', c.id, quote_ident(p.polname), '' FROM c JOIN pg_policy p ON p.polrelid = c.oid
    UNION ALL SELECT 'routine', id, CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, '' FROM f WHERE prokind IN ('f', 'p')
    UNION ALL SELECT 'trigger function', format('%I.%I', s.nspname, f.proname), '', '' FROM f JOIN s ON s.oid = f.pronamespace WHERE f.prorettype = 'trigger'::regtype
    UNION ALL SELECT 'enum', t.id, quote_literal((SELECT min(e.enumlabel) FROM pg_enum e WHERE e.enumtypid = t.oid)), '' FROM t WHERE typtype = 'e'
    UNION ALL SELECT 'composite', t.id, '', '' FROM t JOIN pg_class r ON r.oid = t.typrelid WHERE r.relkind = 'c'
    UNION ALL SELECT 'domain', t.id, '', '' FROM t WHERE typtype = 'd'
    UNION ALL SELECT 'statistics', format('%I.%I', s.nspname, x.stxname), '', '' FROM pg_statistic_ext x JOIN s ON s.oid = x.stxnamespace
    UNION ALL SELECT 'server', quote_ident(srvname), '', '' FROM pg_foreign_server
    UNION ALL SELECT 'publication', quote_ident(pubname), '', '' FROM pg_publication WHERE NOT puballtables
    UNION ALL SELECT 'schema', quote_ident(nspname), '', '' FROM s
) x (kind, a, b, c) ORDER BY kind COLLATE "C", a COLLATE "C", b COLLATE "C", c COLLATE "C";
SQL

# [ weight, what there has to be, what makes the statement ]: $_[0] is one of the first, $_[1] one of the next, and so on
my @makers = (
	[ 6, [qw(table)], sub { "ALTER TABLE $_[0][0] ADD COLUMN " . new_name() . ' ' . pick('int', 'text', 'numeric(10,2) DEFAULT 1.5', 'timestamptz DEFAULT now()', 'varchar(20)', 'boolean DEFAULT true NOT NULL', 'int[]', 'jsonb', q(text COLLATE "C"), 'bigint GENERATED ALWAYS AS IDENTITY', 'int GENERATED ALWAYS AS (1 + 1) STORED', 'serial') } ],
	[ 5, [qw(column)], sub { "ALTER TABLE $_[0][0] DROP COLUMN $_[0][1] CASCADE" } ],
	[ 3, [qw(column)], sub { "ALTER TABLE $_[0][0] ALTER COLUMN $_[0][1] TYPE " . ($_[0][2] eq 'integer' ? 'bigint' : 'text') } ],
	[ 3, [qw(column)], sub { "ALTER TABLE $_[0][0] ALTER COLUMN $_[0][1] " . pick('SET NOT NULL', 'DROP NOT NULL') } ],
	[ 3, [qw(column)], sub { "ALTER TABLE $_[0][0] ALTER COLUMN $_[0][1] " . pick('SET DEFAULT NULL', 'DROP DEFAULT', "SET DEFAULT '1'") } ],
	[ 2, [qw(column)], sub { "ALTER TABLE $_[0][0] ALTER COLUMN $_[0][1] " . pick('SET STATISTICS 77', 'SET (n_distinct = 5)', 'SET STORAGE EXTERNAL', 'SET STORAGE MAIN', 'SET COMPRESSION pglz', 'ADD GENERATED BY DEFAULT AS IDENTITY', 'DROP IDENTITY') } ],
	[ 2, [qw(column)], sub { "ALTER TABLE $_[0][0] RENAME COLUMN $_[0][1] TO " . new_name() } ],
	[ 1, [qw(column)], sub { "GRANT SELECT ($_[0][1]), UPDATE ($_[0][1]) ON $_[0][0] TO third" } ],
	[ 1, [qw(column)], sub { "COMMENT ON COLUMN $_[0][0].$_[0][1] IS 'what''s in it'" } ],
	[ 1, [qw(table)], sub { "ALTER TABLE $_[0][0] RENAME TO " . new_name() } ],
	[ 2, [qw(table)], sub { "DROP TABLE $_[0][0] CASCADE" } ],
	[ 3, [qw(schema)], sub { my $x = new_name(); "CREATE TABLE $_[0][0].$x (id int PRIMARY KEY, a text UNIQUE, b int CHECK (b > 0), c int REFERENCES public.edit_parent, d date DEFAULT CURRENT_DATE, EXCLUDE USING btree (d WITH =))" } ],
	[ 1, [qw(schema)], sub { my $x = new_name(); "CREATE TABLE $_[0][0].$x (id int, at date, PRIMARY KEY (id, at)) PARTITION BY " . pick("RANGE (at); CREATE TABLE $_[0][0].${x}_1 PARTITION OF $_[0][0].$x FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
		"LIST (id); CREATE TABLE $_[0][0].${x}_1 PARTITION OF $_[0][0].$x FOR VALUES IN (1, 2); CREATE TABLE $_[0][0].${x}_d PARTITION OF $_[0][0].$x DEFAULT",
		"HASH (id); CREATE TABLE $_[0][0].${x}_0 PARTITION OF $_[0][0].$x FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE $_[0][0].${x}_1 PARTITION OF $_[0][0].$x FOR VALUES WITH (MODULUS 2, REMAINDER 1)") . "; CREATE INDEX ON $_[0][0].$x (at)" } ],
	[ 2, [qw(partition)], sub { "ALTER TABLE $_[0][1] DETACH PARTITION $_[0][0]" } ],
	[ 1, [qw(partition)], sub { "DROP TABLE $_[0][0]" } ],
	[ 1, [qw(table)], sub { "CREATE TABLE public." . new_name() . " (more int) INHERITS ($_[0][0])" } ],
	[ 1, [qw(table)], sub { my $x = new_name(); "CREATE TABLE public.$x (LIKE $_[0][0] INCLUDING ALL); ALTER TABLE public.$x INHERIT $_[0][0]" } ],
	[ 4, [qw(constraint)], sub { "ALTER TABLE $_[0][0] DROP CONSTRAINT $_[0][1] CASCADE" } ],
	[ 1, [qw(constraint)], sub { "ALTER TABLE $_[0][0] RENAME CONSTRAINT $_[0][1] TO " . new_name() } ],
	[ 1, [qw(constraint)], sub { "COMMENT ON CONSTRAINT $_[0][1] ON $_[0][0] IS 'x'" } ],
	[ 1, [qw(constraint)], sub { "ALTER TABLE $_[0][0] ALTER CONSTRAINT $_[0][1] DEFERRABLE INITIALLY DEFERRED" } ],
	[ 3, [qw(column)], sub { "ALTER TABLE $_[0][0] ADD CONSTRAINT " . new_name() . " CHECK ($_[0][1] IS NOT NULL)" . pick('', ' NOT VALID', ' NO INHERIT') } ],
	[ 1, [qw(column)], sub { "ALTER TABLE $_[0][0] ADD CONSTRAINT " . new_name() . " CHECK ($_[0][1]::text IN ('1', '2', '3', '4') OR $_[0][1]::text NOT IN ('5', '6')) NOT VALID" } ],
	[ 2, [qw(column)], sub { "ALTER TABLE $_[0][0] ADD CONSTRAINT " . new_name() . ' ' . pick('UNIQUE', 'UNIQUE NULLS NOT DISTINCT') . " ($_[0][1])" . pick('', ' DEFERRABLE', ' WITH (fillfactor = 70)') } ],
	[ 3, [qw(column)], sub { "ALTER TABLE $_[0][0] ADD CONSTRAINT " . new_name() . " FOREIGN KEY ($_[0][1]) REFERENCES public.edit_parent ON DELETE " . pick('CASCADE', 'SET NULL', 'NO ACTION', 'RESTRICT') . pick('', ' NOT VALID', ' DEFERRABLE INITIALLY DEFERRED') } ],
	[ 3, [qw(column)], sub { 'CREATE ' . pick('', '', 'UNIQUE ') . 'INDEX ' . new_name() . " ON $_[0][0] ($_[0][1]" . pick('', ' DESC', ' NULLS FIRST') . ')' . pick('', " INCLUDE ($_[0][1])", " WHERE $_[0][1] IS NOT NULL", ' WITH (fillfactor = 60)') } ],
	[ 1, [qw(column)], sub { 'CREATE INDEX ' . new_name() . " ON $_[0][0] (lower($_[0][1]::text) COLLATE \"C\" text_pattern_ops, $_[0][1])" } ],
	[ 1, [qw(column)], sub { 'CREATE INDEX ' . new_name() . " ON $_[0][0] USING " . pick('hash', 'brin', 'gin') . " ($_[0][1])" } ],
	[ 3, [qw(index)], sub { "DROP INDEX $_[0][0]" } ],
	[ 1, [qw(index)], sub { "ALTER INDEX $_[0][0] " . pick('SET (fillfactor = 55)', 'RENAME TO ' . new_name()) } ],
	[ 3, [qw(view)], sub { "DROP $_[0][1] $_[0][0] CASCADE" } ],
	[ 2, [qw(view)], sub { "COMMENT ON $_[0][1] $_[0][0] IS 'it''s'" } ],
	[ 1, [qw(view)], sub { "ALTER $_[0][1] $_[0][0] OWNER TO other" } ],
	[ 2, [qw(view)], sub { 'CREATE VIEW public.' . new_name() . " AS SELECT *, 1 AS one FROM $_[0][0]" } ],
	[ 3, [qw(table)], sub { 'CREATE ' . pick('VIEW', 'MATERIALIZED VIEW') . ' public.' . new_name() . " AS SELECT * FROM $_[0][0]" } ],
	[ 1, [qw(column)], sub { my $x = new_name(); "CREATE VIEW public.$x WITH (security_barrier) AS SELECT $_[0][1] AS x, count(*) AS n FROM $_[0][0] GROUP BY 1; GRANT SELECT ON public.$x TO other" } ],
	[ 3, [qw(routine)], sub { "DROP ROUTINE $_[0][0] CASCADE" } ],
	[ 2, [qw(routine)], sub { "ALTER ROUTINE $_[0][0] " . pick("SET work_mem = '1MB'", 'SECURITY DEFINER', 'OWNER TO other', "SET search_path = 'public', pg_temp") } ],
	[ 2, [qw(routine)], sub { "REVOKE ALL ON ROUTINE $_[0][0] FROM PUBLIC" } ],
	[ 2, [qw(schema)], sub { "CREATE FUNCTION $_[0][0]." . new_name() . "(a int, b text DEFAULT 'q') RETURNS text LANGUAGE sql IMMUTABLE " . pick("AS 'select b'", 'RETURN b', "BEGIN ATOMIC SELECT b || a; END") } ],
	[ 1, [qw(table)], sub { 'CREATE FUNCTION public.' . new_name() . "(r $_[0][0]) RETURNS SETOF $_[0][0] LANGUAGE sql AS \$\$ SELECT r.* \$\$" } ],
	[ 1, [qw(schema)], sub { "CREATE PROCEDURE $_[0][0]." . new_name() . "(INOUT a int) LANGUAGE plpgsql AS 'BEGIN a := 1; END'" } ],
	[ 1, [qw(schema)], sub { "CREATE AGGREGATE $_[0][0]." . new_name() . "(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')" } ],
	[ 2, [qw(sequence)], sub { "ALTER SEQUENCE $_[0][0] " . pick('INCREMENT BY 7 CACHE 3', 'CYCLE', 'MAXVALUE 1000000', 'OWNED BY NONE') } ],
	[ 1, [qw(schema)], sub { "CREATE SEQUENCE $_[0][0]." . new_name() . ' AS smallint START 5' } ],
	[ 2, [qw(trigger)], sub { "DROP TRIGGER $_[0][1] ON $_[0][0]" } ],
	[ 1, [qw(trigger)], sub { "ALTER TABLE $_[0][0] " . pick('DISABLE', 'ENABLE REPLICA', 'ENABLE ALWAYS') . " TRIGGER $_[0][1]" } ],
	[ 2, [ 'table', 'trigger function' ], sub { 'CREATE TRIGGER ' . new_name() . ' ' . pick('BEFORE INSERT', 'AFTER UPDATE OR DELETE', 'BEFORE TRUNCATE') . " ON $_[0][0] EXECUTE FUNCTION $_[1][0]('a', 'b''c')" } ],
	[ 1, [qw(rule)], sub { "DROP RULE $_[0][1] ON $_[0][0] CASCADE" } ],
	[ 1, [qw(table)], sub { 'CREATE RULE ' . new_name() . " AS ON DELETE TO $_[0][0] DO ALSO NOTHING" } ],
	[ 1, [qw(policy)], sub { "DROP POLICY $_[0][1] ON $_[0][0]" } ],
	[ 2, [qw(column)], sub { 'CREATE POLICY ' . new_name() . " ON $_[0][0] FOR SELECT TO other USING ($_[0][1] IS NOT NULL)" } ],
	[ 2, [qw(enum)], sub { "ALTER TYPE $_[0][0] ADD VALUE '" . new_name() . "'" . pick('', " BEFORE $_[0][1]", " AFTER $_[0][1]") } ],
	[ 1, [qw(enum)], sub { 'CREATE TABLE public.' . new_name() . " (e $_[0][0] DEFAULT $_[0][1], f $_[0][0]\[])" } ],
	[ 1, [qw(schema)], sub { "CREATE TYPE $_[0][0]." . new_name() . pick(" AS ENUM ('a', 'b')", ' AS (a int, b text)', ' AS RANGE (subtype = int4)') } ],
	[ 2, [qw(composite)], sub { "ALTER TYPE $_[0][0] ADD ATTRIBUTE " . new_name() . ' int CASCADE' } ],
	[ 1, [qw(schema)], sub { "CREATE DOMAIN $_[0][0]." . new_name() . ' AS int DEFAULT 3 NOT NULL CHECK (VALUE > 0)' } ],
	[ 2, [qw(domain)], sub { "ALTER DOMAIN $_[0][0] " . pick("SET DEFAULT '3'", 'DROP DEFAULT', 'ADD CONSTRAINT ' . new_name() . ' CHECK (VALUE IS NOT NULL) NOT VALID', 'OWNER TO other') } ],
	[ 1, [qw(domain)], sub { "CREATE TABLE public." . new_name() . " (d $_[0][0])" } ],
	[ 1, [qw(column)], sub { 'CREATE STATISTICS public.' . new_name() . " ON $_[0][1], tableoid FROM $_[0][0]" } ],
	[ 1, [qw(statistics)], sub { "DROP STATISTICS $_[0][0]" } ],
	[ 1, [qw(server)], sub { 'CREATE FOREIGN TABLE public.' . new_name() . " (x int OPTIONS (column_name 'y'), y text) SERVER $_[0][0] OPTIONS (table_name 'z')" } ],
	[ 1, [qw(table publication)], sub { "ALTER PUBLICATION $_[1][0] ADD TABLE $_[0][0]" } ],
	[ 1, [qw(table)], sub { 'CREATE PUBLICATION ' . new_name() . " FOR TABLE $_[0][0] WITH (publish = 'insert, update')" } ],
	[ 3, [qw(table)], sub { 'GRANT ' . pick('SELECT, INSERT', 'ALL') . " ON $_[0][0] TO " . pick('other', 'other WITH GRANT OPTION', 'PUBLIC') } ],
	[ 2, [qw(table)], sub { "ALTER TABLE $_[0][0] OWNER TO other" } ],
	[ 2, [qw(table)], sub { "COMMENT ON TABLE $_[0][0] IS 'a \"comment\" of \$\$'" } ],
	[ 2, [qw(table)], sub { "ALTER TABLE $_[0][0] " . pick('ENABLE ROW LEVEL SECURITY', 'FORCE ROW LEVEL SECURITY', 'SET (fillfactor = 60)', 'SET (toast.autovacuum_enabled = off)', 'REPLICA IDENTITY FULL', 'SET UNLOGGED', 'SET SCHEMA edit_schema') } ],
	[ 1, [qw(schema)], sub { 'CREATE SCHEMA ' . new_name() } ],
	[ 1, [qw(schema)], sub { pick("GRANT USAGE ON SCHEMA $_[0][0] TO other", "ALTER SCHEMA $_[0][0] OWNER TO other", "COMMENT ON SCHEMA $_[0][0] IS 'x'") } ],
	[ 1, [qw(schema)], sub { "ALTER DEFAULT PRIVILEGES IN SCHEMA $_[0][0] GRANT " . pick('SELECT ON TABLES', 'USAGE ON SEQUENCES', 'EXECUTE ON FUNCTIONS', 'USAGE ON TYPES') . ' TO third' } ],
	[ 1, [qw(schema)], sub { "CREATE TEXT SEARCH CONFIGURATION $_[0][0]." . new_name() . ' (COPY = english)' } ],
	[ 1, [qw(schema)], sub { "CREATE COLLATION $_[0][0]." . new_name() . " (provider = libc, locale = 'C')" } ],
	[ 1, [], sub { 'CREATE EXTENSION ' . pick('tablefunc', 'pg_trgm', 'hstore') } ]);

my $names = 0;

sub new_name { return 'x' . ++$names; }

sub new
{
	my ($class, $sync, $db) = @_;
	my %there;
	foreach (split /\n/, $sync->sql($db, "\\pset fieldsep '\\x1f'\n$catalog"))
	{
		my ($kind, @values) = split /\x1f/, $_, -1;
		push @{ $there{$kind} }, \@values;
	}
	my @can = map { my $maker = $_; (grep { !$there{$_} } @{ $maker->[1] }) ? () : ($maker) x $maker->[0] } @makers;
	return bless { there => \%there, makers => \@can }, $class;
}

# New objects have the same names again
sub restart { $names = 0; return; }

sub some
{
	my ($self, $count) = @_;
	return map { my $maker = pick(@{ $self->{makers} }); $maker->[2]->(map { pick(@{ $self->{there}{$_} }) } @{ $maker->[1] }) } 1 .. $count;
}

1;
