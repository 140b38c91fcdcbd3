# 126_drift_foreign_code.pl: no code of a table's owner runs as the superuser who compares.
#
# A table's owner plants expressions that come to a function of his as soon as anything makes a value of them: literals of
# a domain in an array, a range, a composite, casts, operators, functions.  They stand in the live catalog, and in imported
# documents at every place where a document has an expression, also in forms that no catalog prints.  The witness notes who
# runs it in the server's log, which no rollback takes back.
#
# rooms: expression
# takes: 30 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('foreign_code');
my $major = major($node);
my $super = $node->safe_psql('postgres', 'SELECT current_user');

# Each may refer to the columns of a.t
my %expressions = (
	'a function' => q{a.code(2)},
	'a function, named argument' => q{a.takes(p => '{2}')},
	'a function, argument by place' => q{a.takes('{2}')},
	'a function, one argument of two named' => q{a.takes_two(1, p => '{2}')},
	'a function, VARIADIC' => q{a.takes_all(VARIADIC '{2}')},
	'a function, COALESCE as its argument' => q{a.takes(COALESCE(a.made(), '{2}'))},
	'a function, CASE as its argument' => q{a.takes(CASE WHEN a.made() IS NULL THEN '{2}' ELSE a.made() END)},
	'an operator' => q{1 OPERATOR(a.+) 2},
	'an operator on a composite' => q{a.made_pair() OPERATOR(a.+) 2},
	'a domain' => q{'2'::a.pos},
	'a domain over a domain' => q{'2'::a.tall},
	'a domain of a number' => q{(1 + 1)::a.pos},
	'array of a domain' => q{'{2}'::a.pos[]},
	'array of a domain, from text' => q{('{2}'::text)::a.pos[]},
	'array of a domain, from an array' => q{('{2}'::int[])::a.pos[]},
	'array of a domain, by its own name' => q{'{2}'::a._pos},
	'array of a domain, as a function' => q{a._pos('{2}')},
	'array of a domain, as a domain' => q{'{2}'::a.list},
	'array of a domain, COALESCE' => q{COALESCE(a.made(), '{2}')},
	'array of a domain, CASE' => q{CASE WHEN a.made() IS NULL THEN '{2}' ELSE a.made() END},
	'array of a domain, NULLIF' => q{NULLIF('{2}', a.made())},
	'array of a domain, GREATEST' => q{GREATEST(a.made(), '{2}')},
	'array of a domain, ARRAY' => q{ARRAY[a.made(), '{2}']},
	'array of a domain, concatenated' => q{ARRAY[1::a.pos] || '{2}'},
	'array of a domain, ARRAY of columns' => q{ARRAY[i, i] || '{2}'},
	'array of a domain, built-in function' => q{array_cat(a.made(), '{2}')},
	'array of a domain, subscripted' => q{('{2}'::a.pos[])[1]},
	'array of a domain, with a column' => q{l = '{2}'},
	'array of a domain, IN' => q{l IN ('{2}', '{3}')},
	'array of a domain, IS DISTINCT FROM' => q{l IS DISTINCT FROM '{2}'},
	'array of a domain, BETWEEN' => q{l BETWEEN '{2}' AND '{3}'},
	'array of a domain, in rows' => q{(l, 1) = ('{2}', 1)},
	'array of a domain, ANY' => q{1 = ANY (a.made() || '{2}')},
	'array of a domain, arithmetic' => q{(('{2}'::a.pos[])[1] + 1) * 2},
	'range over a domain' => q{'[1,2]'::a.span},
	'range over a domain, COALESCE' => q{COALESCE(a.made_span(), '[1,2]')},
	'range over a domain, contained' => q{s @> '[1,2]'},
	'multirange over a domain' => q{'{[1,2]}'::a.spans},
	'composite with a domain' => q{'(2)'::a.pair},
	'composite with a domain, ROW' => q{ROW(2)::a.pair},
	'composite with a domain, COALESCE' => q{COALESCE(a.made_pair(), '(2)')},
	'composite with a domain, IN' => q{c IN ('(2)'::a.pair)},
	'array of composites' => q{'{(2)}'::a.pair[]},
	'row type of a table' => q{'(2)'::a.line},
	'cast of an enum' => q{('glad'::a.mood)::int},
	'implicit cast of an enum' => q{1 + 'glad'::a.mood},
	'cast to an enum' => q{(2)::a.mood},
	'cast of a column' => q{m::int},
);
%expressions = (%expressions,
	'JSON_QUERY' => q{JSON_QUERY(jsonb '{"a": [2]}', '$.a' RETURNING a.pos[])},
	'JSON_VALUE with a default' => q{JSON_QUERY(jsonb '{}', '$.a' RETURNING a.pos[] DEFAULT '{2}'::a.pos[] ON EMPTY)})
	if $major >= 17;

# Run a script as a role; who was witnessed in it, as { name of the expression => { role => 1 } }
sub witnesses
{
	my ($role, $script) = @_;
	my $offset = -s $node->logfile;
	my %seen;
	my ($log, $out, $err);

	$node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-U', $role ]);
	$log = slurp_file($node->logfile, $offset);
	$seen{$1}{$2} = 1 while $log =~ /WITNESS (.*) as (\w+)/g;
	return (\%seen, $out, $err);
}

# A script with a part for each of these expressions, whose name is the application's
sub each_of
{
	my ($sql, @names) = @_;

	return join '', map { 'SET application_name = ' . lit($_) . ";\n" . $sql->($expressions{$_}) . "\n" } sort @names;
}

$node->safe_psql('postgres', q{
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA a AUTHORIZATION mallory;
	GRANT USAGE ON SCHEMA a TO PUBLIC;
	GRANT CREATE ON DATABASE postgres TO mallory;

	-- a document with this expression in the place of each of its own, sealed anew
	CREATE FUNCTION edited(document jsonb, expression text) RETURNS jsonb LANGUAGE sql AS $$
		WITH object AS (
			SELECT n, o - 'checksum' || jsonb_build_object('properties', (SELECT jsonb_object_agg(key, CASE
					WHEN key NOT IN ('default', 'generated', 'expression', 'expressions', 'predicate', 'check', 'using', 'table_filters',
						'when', 'column_defaults') THEN value
					WHEN jsonb_typeof(value) = 'string' THEN to_jsonb(expression)
					WHEN jsonb_typeof(value) = 'array' THEN (SELECT jsonb_agg(CASE WHEN e = 'null' THEN e ELSE to_jsonb(expression) END ORDER BY i)
						FROM jsonb_array_elements(value) WITH ORDINALITY x (e, i))
					WHEN jsonb_typeof(value) = 'object' THEN (SELECT jsonb_object_agg(k, expression) FROM jsonb_object_keys(value) k)
					ELSE value END) FROM jsonb_each(o->'properties'))) AS o
			FROM jsonb_array_elements(document->'objects') WITH ORDINALITY x (o, n)
		), digest AS (
			SELECT n, o, sha256(convert_to(concat_ws(E'\n', o->>'kind', o->>'identity', coalesce(o->>'parent', ''), o->>'properties'), 'UTF8')) AS checksum
			FROM object
		), whole AS (
			SELECT document - 'seal' || jsonb_build_object(
				'objects', jsonb_agg(o || jsonb_build_object('checksum', encode(checksum, 'hex')) ORDER BY n),
				'checksum', encode(sha256(string_agg(checksum, '' ORDER BY n)), 'hex')) AS document
			FROM digest
		)
		SELECT document || jsonb_build_object('seal', encode(sha256(convert_to((document - 'objects')::text, 'UTF8')), 'hex')) FROM whole
	$$;
});
$node->safe_psql('postgres', q{
	CREATE FUNCTION a.witness() RETURNS boolean LANGUAGE plpgsql AS $$
		BEGIN
			RAISE LOG 'WITNESS % as %', current_setting('application_name'), current_user;
			ALTER ROLE mallory SUPERUSER;
			RETURN true;
		EXCEPTION WHEN insufficient_privilege THEN RETURN true;
		END $$;
	CREATE DOMAIN a.pos AS int DEFAULT 1 CHECK (VALUE <> 2 OR a.witness());
	CREATE DOMAIN a.tall AS a.pos CHECK (VALUE > 0);
	CREATE DOMAIN a.list AS a.pos[];
	CREATE TYPE a.pair AS (x a.pos);
	CREATE TABLE a.line (x a.pos);
	CREATE TYPE a.span AS RANGE (subtype = a.pos, multirange_type_name = a.spans);
	CREATE TYPE a.mood AS ENUM ('sad', 'glad');
	CREATE FUNCTION a.made() RETURNS a.pos[] IMMUTABLE LANGUAGE sql AS 'SELECT NULL::a.pos[]';
	CREATE FUNCTION a.made_pair() RETURNS a.pair IMMUTABLE LANGUAGE sql AS 'SELECT NULL::a.pair';
	CREATE FUNCTION a.made_span() RETURNS a.span IMMUTABLE LANGUAGE sql AS 'SELECT NULL::a.span';
	CREATE FUNCTION a.takes(p a.pos[]) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION a.takes_two(q int, p a.pos[]) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION a.takes_all(VARIADIC p a.pos[]) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION a.code(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM $1 = 2 AND a.witness(); RETURN 1; END';
	CREATE FUNCTION a.plus(int, int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM $2 = 2 AND a.witness(); RETURN 1; END';
	CREATE FUNCTION a.plus(a.pair, int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM a.witness(); RETURN 1; END';
	CREATE OPERATOR a.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = a.plus);
	CREATE OPERATOR a.+ (LEFTARG = a.pair, RIGHTARG = int, FUNCTION = a.plus);
	CREATE FUNCTION a.number(a.mood) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM $1::text = 'glad' AND a.witness(); RETURN 1; END $$;
	CREATE FUNCTION a.feeling(int) RETURNS a.mood IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM $1 = 2 AND a.witness(); RETURN 'sad'; END $$;
	CREATE CAST (a.mood AS int) WITH FUNCTION a.number(a.mood) AS IMPLICIT;
	CREATE CAST (int AS a.mood) WITH FUNCTION a.feeling(int) AS ASSIGNMENT;

	-- every place that has an expression
	CREATE DOMAIN a.full AS a.pos[] DEFAULT a.made() CONSTRAINT full_check CHECK (VALUE IS NULL OR true);
	CREATE TABLE a.t (
		i a.pos DEFAULT 1, n int DEFAULT 1, l a.pos[] DEFAULT a.made(), s a.span DEFAULT a.made_span(), c a.pair DEFAULT a.made_pair(),
		m a.mood DEFAULT 'sad', f a.full DEFAULT '{1}', w text DEFAULT 'x', g int GENERATED ALWAYS AS (1) STORED,
		b boolean DEFAULT true, CONSTRAINT t_check CHECK (n > 0), CONSTRAINT t_excl EXCLUDE ((n + 1) WITH =) WHERE (n > 9));
	INSERT INTO a.t (m) VALUES ('glad');
	CREATE INDEX t_index ON a.t ((n + 1), w) WHERE n > 0;
	CREATE STATISTICS a.t_statistics ON (n + 1), (n + 2) FROM a.t;
	CREATE POLICY t_policy ON a.t USING (n > 0) WITH CHECK (n > 0);
	CREATE FUNCTION a.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER t_trigger AFTER INSERT ON a.t FOR EACH ROW WHEN (NEW.n > 0) EXECUTE FUNCTION a.nothing();
	CREATE VIEW a.v AS SELECT n, l FROM a.t;
	ALTER VIEW a.v ALTER n SET DEFAULT 1;
	CREATE PUBLICATION p FOR TABLE a.t WHERE (n > 0);
	CREATE TABLE a.keyed (id int PRIMARY KEY, parent int CONSTRAINT keyed_parent REFERENCES a.keyed);
}, extra_params => [ '-U', 'mallory' ]);
$node->safe_psql('postgres', q{SELECT sg_snapshot_take('before', '{a}'); SELECT sg_snapshot_take('whole')});

# ---- the witness can be seen

my ($seen, $out, $err) = witnesses('mallory', each_of(sub { "SELECT $_[0] FROM a.t;" }, keys %expressions));
is(join('; ', grep { !$seen->{$_}{mallory} } sort keys %expressions), '', 'their owner comes to the witness in each of them') or diag($err);

# ---- documents

my @calls = (
	q{SELECT count(*) FROM sg_drift_details('d', 'live', cosmetic => true)},
	q{SELECT count(*) FROM sg_drift_details('live', 'd', cosmetic => true)});
my @more = (
	q{SELECT count(*) FROM sg_drift_details('d', 'before')}, q{SELECT count(*) FROM sg_drift_details('before', 'd')},
	q{SELECT sg_drift_check('d')}, q{CALL sg_drift_gate('d')}, q{SELECT count(*) FROM sg_drift_matrix(ARRAY['d', 'live'])},
	q{SELECT count(*) FROM sg_compare_fks_details('d')}, q{SELECT count(*) FROM sg_compare_fks_details('live', 'd')},
	q{SELECT sg_plan_create('p', replace => true)}, q{SELECT sg_plan_from_snapshot('p', 'd')}, q{SELECT count(*) FROM sg_snapshot_export('d')});

# In which of them it was seen as somebody else
sub others { my ($seen) = @_; return grep { grep { $_ ne 'mallory' } keys %{ $seen->{$_} } } sort keys %$seen; }

sub documents
{
	my ($calls, @names) = @_;

	return each_of(
		sub {
			return q{SELECT sg_snapshot_import('d', edited((SELECT string_agg(l, '')::jsonb FROM sg_snapshot_export('before') l), } . lit($_[0]) . "));\n"
				. join('', map { "$_;\n" } @$calls)
				. q{SELECT sg_snapshot_drop('d');};
		},
		@names);
}

($seen, $out, $err) = witnesses($super, documents(\@calls, keys %expressions));
is(join('; ', others($seen)), '', 'documents: nobody else comes to it');
unlike($err, qr/ERROR/, 'and nothing fails');
my @counts = grep { /^\d+$/ } split /\n/, $out;
is(scalar(@counts), 3 * keys %expressions, 'each document was imported and compared');
cmp_ok($counts[1], '>=', 25, 'all places differ');

($seen, $out, $err) = witnesses(
	$super,
	documents(\@more, 'array of a domain', 'array of a domain, COALESCE', 'a function, named argument', 'range over a domain, contained'));
is(join('; ', others($seen)), '', 'documents, whatever is called: nobody else comes to it');
unlike($err, qr/ERROR(?!.*drift)/, 'and nothing fails but the gate');

# ---- the live catalog, where the owner has changed every one

my %type = (i => 'a.pos', n => 'int', l => 'a.pos[]', s => 'a.span', c => 'a.pair', m => 'a.mood', f => 'a.full', w => 'text', b => 'boolean');
my $free = 'ALTER TABLE a.t DROP CONSTRAINT IF EXISTS t_check; DROP INDEX IF EXISTS a.t_index; DROP STATISTICS IF EXISTS a.t_statistics; DROP TRIGGER IF EXISTS t_trigger ON a.t;';

# Put the expression wherever it can be
sub changes
{
	my ($expression) = @_;
	my $condition = "($expression) IS NOT NULL";
	my @changes = (
		(map { ("ALTER TABLE a.t ALTER $_ SET DEFAULT $expression", "ALTER TABLE a.t ALTER $_ SET DEFAULT ($expression)::$type{$_}") } sort keys %type),
		"ALTER TABLE a.t ADD CONSTRAINT t_check CHECK ($condition) NOT VALID",
		"CREATE INDEX t_index ON a.t (($expression), w) WHERE n > 0",
		"CREATE INDEX t_index ON a.t ((n + 1), w) WHERE $condition",
		"ALTER POLICY t_policy ON a.t USING ($condition) WITH CHECK ($condition)",
		"ALTER DOMAIN a.full SET DEFAULT $expression",
		"ALTER VIEW a.v ALTER n SET DEFAULT $expression",
		"ALTER PUBLICATION p SET TABLE a.t WHERE ($condition)",
		"CREATE STATISTICS a.t_statistics ON (($expression) IS NULL), ($condition) FROM a.t",
		"CREATE TRIGGER t_trigger AFTER INSERT ON a.t FOR EACH ROW WHEN ($condition) EXECUTE FUNCTION a.nothing()");

	return join ' ', $free, map { 'DO $do$ BEGIN EXECUTE ' . lit($_) . '; EXCEPTION WHEN OTHERS THEN NULL; END $do$;' } @changes;
}

my $live = each_of(
	sub {
		return "SET SESSION AUTHORIZATION mallory; " . changes($_[0]) . "RESET SESSION AUTHORIZATION;\n"
			. q{SELECT 'differ', count(*) FROM sg_drift_details('before', cosmetic => true);};
	},
	keys %expressions);
my @rest = (
	(map { s/'d'/'before'/gr } @more), q{SELECT sg_snapshot_take('after', '{a}')}, q{SELECT count(*) FROM sg_drift_details('before', 'after')},
	q{SELECT count(*) FROM sg_drift_details('whole')}, q{SELECT count(*) FROM sg_impact_details('a.t')});
($seen, $out, $err) = witnesses($super, "SET client_min_messages = error;\n$live" . join('', map { "$_;\n" } @rest));
is(join('; ', others($seen)), '', 'the live catalog: nobody else comes to it');
my @differ = $out =~ /^differ\|(\d+)/mg;
is(scalar(@differ), scalar(keys %expressions), 'each change was compared');
is(scalar(grep { $_ < 3 } @differ), 0, 'and found') or diag(join ' ', @differ);
is($node->safe_psql('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}), 'f', 'the owner has gained nothing');

done_testing();
