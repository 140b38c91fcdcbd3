# 112_documents.pl: documents of snapshots and plans that nobody sane would write, and rows of snapshots that no dump should hold.
#
#   - whatever the snapshot statement may put into an object is known to an import
#   - each kind and property: absent, null, number, string, [null], object, nested, sealed as the product seals; an import says
#     which object and property it is, or takes it; what is taken goes through every reader, against every other value
#   - the same put into schemaguard.snapshot_object past the import, and rows with kinds, identities and parents at random:
#     every reader refuses with 42P17, or reads
#   - plan documents: each member of the frame and of a step
#
# The server must not crash, and no error is XX000.  Everything at random starts from SG_SEED.
#
# rooms: snapshot plan
# takes: 25 s
# majors: one (reads documents)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $rounds = long_run() ? 3000 : 10;
my $node = new_node('documents', conf => "max_connections = 10\n");

# ---- what the statement puts into objects

# The arguments of a call in SQL text, from behind its parenthesis
sub arguments
{
	my ($sql, $at) = @_;
	my @arguments = ('');
	my ($depth, $quoted) = (1, 0);

	while (1)
	{
		my $c = substr($sql, $at++, 1);

		$quoted = !$quoted if $c eq "'";
		$depth += ($c =~ /[(\[]/) - ($c =~ /[)\]]/) unless $quoted;
		return @arguments if $depth == 0;
		if ($c eq ',' && $depth == 1 && !$quoted) { push @arguments, '' }
		else { $arguments[-1] .= $c }
	}
}

my $statement = $node->safe_psql('postgres', 'SELECT statement FROM schemaguard.sg_snapshot_statement()');
my %properties;
$statement =~ s/--.*//g;
foreach my $branch (split /UNION ALL/, (split /SELECT o\.kind,/, $statement)[1])
{
	my ($first) = $branch =~ /SELECT\s+(CASE.*?END|'[a-z ]+')/s;
	my @kinds = $first =~ /'([a-z ]{2,})'/g;

	$properties{$_} //= {} foreach @kinds;
	while ($branch =~ /jsonb_build_object\(/g)
	{
		my @arguments = arguments($branch, pos $branch);

		for (my $i = 0; $i < @arguments; $i += 2)
		{
			my ($name) = $arguments[$i] =~ /^\s*'(\w+)'\s*$/ or die "no property: $arguments[$i]";
			$properties{$_}{$name} = 1 foreach @kinds;
		}
	}
}
cmp_ok(scalar(keys %properties), '>=', 37, 'kinds are found in the statement');
$properties{$_}{$_ eq 'table' ? 'partition_of' : 'automatic_name'} = 1 foreach keys %properties;
$properties{$_}{identity_sequence} = 1 foreach 'column';
$properties{$_}{depends} = 1 foreach keys %properties;

# ---- the tools, in SQL: one call per case would cost a session each

$node->safe_psql('postgres', q{
CREATE TABLE public.parent (id int PRIMARY KEY);
CREATE TABLE public.child (id int, parent_id int REFERENCES public.parent DEFERRABLE, kept int DEFAULT 1);
CREATE TABLE property (kind text, name text, good jsonb[] DEFAULT '{}');
CREATE TABLE value (n int GENERATED ALWAYS AS IDENTITY, v jsonb);       -- null: absent
INSERT INTO value (v) VALUES (NULL), ('null'), ('1'), ('"x"'), ('[null]'), ('{"x": null}'), ('{"x": {"y": ["z", null]}}'),
	('""'), ('-1.5'), ('1e300'), ('true'), ('false'), ('[]'), ('{}'), ('["x", null]'), ('["x", "y"]'), ('[[["x"]]]'), ('[1]'), ('[["x", "y"]]'), ('[["table", "public.t"], ["table"]]'), ('[["table", "public.t"]]'),
	('{"x": "y"}'), ('{"x": ["y"]}'), ('{"x": {"y": ["z"]}}'), ('{"x": 1}'), ('{"start": 1, "name": "x"}'),
	('"integer[]"'), ('"public.\"t"'), ('"a.b.c.[]"'), ('"numeric(10,99999999999999)"'), ('"(1 + "'), ('"f"'), ('"c"'), ('"p"'),
	('"sql"'), ('"SELECT 1 UNION"'), ('"CASE WHEN a THEN b END"'), (to_jsonb(repeat('(', 20000))), (to_jsonb(repeat('x', 70000)));
CREATE TABLE outcome (what text, state text, detail text);
CREATE SEQUENCE cases;
CREATE SEQUENCE calls;

-- The JSON that a required property may be, where the kind has one
CREATE FUNCTION required(kind text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce((SELECT jsonb_build_object(p, v) FROM (VALUES ('table', 'type', 'table'), ('column', 'type', 'integer'),
		('constraint', 'type', 'c'), ('index', 'access_method', 'btree'), ('sequence', 'type', 'bigint'), ('function', 'language', 'sql'),
		('procedure', 'language', 'sql'), ('aggregate', 'language', 'internal'), ('trigger', 'function', 'f()'), ('rule', 'event', 'insert'),
		('policy', 'command', 'all'), ('type', 'type', 'enum'), ('domain', 'type', 'text'), ('cast', 'method', 'inout'),
		('extension', 'version', '1'), ('access method', 'type', 'table')) r (k, p, v) WHERE r.k = kind), '{}')
$$;

CREATE FUNCTION object(kind text, name text, properties jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('kind', kind, 'properties', properties) || CASE
		WHEN kind IN ('access method', 'cast', 'event trigger', 'extension', 'foreign data wrapper', 'foreign server', 'language',
			'publication', 'schema', 'subscription', 'transform') THEN jsonb_build_object('identity', name, 'parent', NULL)
		WHEN kind IN ('column', 'constraint', 'trigger', 'rule', 'policy')
			THEN jsonb_build_object('identity', 'public.child.' || name, 'parent', 'public.child')
		WHEN kind IN ('index', 'statistics') THEN jsonb_build_object('identity', 'public.' || name, 'parent', 'public.child')
		ELSE jsonb_build_object('identity', 'public.' || name, 'parent', 'public') END
$$;

-- Objects as a document, sealed as sg_snapshot_export() seals
CREATE FUNCTION document(objects jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (WITH o AS (
		SELECT o || jsonb_build_object('oid', 16384, 'checksum', encode(sha256(convert_to(concat(o ->> 'kind', E'\n', o ->> 'identity', E'\n',
			o ->> 'parent', E'\n', (o -> 'properties')::text), 'UTF8')), 'hex')) AS o
		FROM jsonb_array_elements(objects) o),
	h AS (
		SELECT jsonb_build_object('schemaguard_snapshot', 2, 'taken_at', '2026-01-01T00:00:00Z', 'role', 'r', 'server', NULL,
				'database', 'd', 'server_version_num', 150000, 'schemas', NULL, 'count', count(*), 'checksum',
				encode(sha256(string_agg(decode(o ->> 'checksum', 'hex'), '' ORDER BY (o ->> 'kind') COLLATE "C", (o ->> 'identity') COLLATE "C")), 'hex')) AS h,
			jsonb_agg(o ORDER BY (o ->> 'kind') COLLATE "C", (o ->> 'identity') COLLATE "C") AS sorted
		FROM o)
	SELECT h || jsonb_build_object('seal', encode(sha256(convert_to(h::text, 'UTF8')), 'hex'), 'objects', sorted) FROM h);
END $$;

-- The same as a snapshot, without asking anybody
CREATE FUNCTION put(name text, objects jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM schemaguard.snapshot s WHERE s.name = put.name;
	DELETE FROM schemaguard.snapshot_object o WHERE o.snapshot = put.name;
	INSERT INTO schemaguard.snapshot (name, taken_at, role, database, server_version_num, format, objects, unknown, checksum)
		SELECT name, now(), current_user, 'd', 150000, 2, jsonb_array_length(objects),
			(SELECT count(*) FROM jsonb_array_elements(objects) o WHERE jsonb_typeof(o -> 'properties') = 'object' AND o -> 'properties' ? 'unknown'),
			sha256(convert_to(objects::text, 'UTF8'));
	INSERT INTO schemaguard.snapshot_object (snapshot, kind, identity, parent, properties, checksum)
		SELECT name, o ->> 'kind', o ->> 'identity', o ->> 'parent', o -> 'properties', sha256(convert_to(o::text, 'UTF8'))
		FROM jsonb_array_elements(objects) o ON CONFLICT DO NOTHING;
END $$;

-- One call; what it raises is kept
CREATE PROCEDURE try(what text, call text) LANGUAGE plpgsql AS $$
DECLARE
	d text;
BEGIN
	PERFORM nextval('calls');
	EXECUTE call;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	INSERT INTO outcome VALUES (what, SQLSTATE, left(SQLERRM || ': ' || d, 300));
END $$;

CREATE PROCEDURE read(what text, live boolean) LANGUAGE plpgsql AS $$
DECLARE
	call text;
BEGIN
	PERFORM nextval('cases');
	FOREACH call IN ARRAY ARRAY[
		$q$SELECT sg_drift_details('a', 'b', cosmetic => true)$q$, $q$SELECT sg_drift_details('b', 'a')$q$,
		$q$SELECT sg_drift_details('a', 'b', schemas => '{public}')$q$,
		$q$SELECT sg_compare_fks_details('a', 'b')$q$, $q$SELECT sg_compare_fks_details('b', 'a')$q$,
		$q$SELECT sg_drift_matrix('{a,b}')$q$, $q$SELECT sg_snapshot_export('a')$q$, $q$SELECT sg_snapshot_objects_details('a')$q$] ||
		CASE WHEN live THEN ARRAY[
		$q$SELECT sg_drift_details('a')$q$, $q$SELECT sg_drift_details('live', 'a')$q$, $q$SELECT sg_compare_fks_details('a')$q$,
		$q$SELECT sg_compare_fks_details('live', 'a')$q$, $q$SELECT sg_drift_check('a')$q$, $q$SELECT sg_drift_matrix('{live,a}')$q$,
		$q$SELECT sg_plan_create('p', replace => true), sg_plan_from_snapshot('p', 'a')$q$] ELSE '{}' END ||
		CASE WHEN what ~ '^(unread|unsaid|random)' THEN ARRAY[
		$q$SELECT sg_sync_sql('a', 'b', allow_drop => true)$q$, $q$SELECT sg_sync_sql('b', 'a')$q$] ELSE '{}' END
	LOOP
		CALL try(what, call);
	END LOOP;
END $$;

-- The properties of an object of a kind, one of which is set, or left out
CREATE FUNCTION mutated(kind text, name text, value jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT ((required(kind) || CASE WHEN kind = 'constraint' AND name IN ('references', 'referenced_columns', 'on_delete', 'on_update', 'match',
			'on_delete_columns', 'columns', 'deferrable', 'enforced', 'validated', 'period', 'triggers')
		THEN '{"type": "f", "columns": ["parent_id"], "references": "public.parent", "referenced_columns": ["id"]}'::jsonb ELSE '{}' END)
		- name) || CASE WHEN value IS NULL THEN '{}' ELSE jsonb_build_object(name, value) END
$$;
});

# those have the rules of function and view; type and domain are one branch
delete @properties{ 'aggregate', 'procedure', 'materialized view' } unless long_run();
$node->safe_psql('postgres', 'INSERT INTO property VALUES ' . join(', ', map {
			my $kind = $_;
			map { '(' . lit($kind) . ', ' . lit($_) . ')' } sort keys %{ $properties{$kind} }
		} sort keys %properties));

sub unexpected
{
	my ($what, $like) = @_;
	my $found = $node->safe_psql('postgres', q{SELECT string_agg(format('%s: %s %s', what, state, detail), E'\n') FROM (SELECT * FROM outcome WHERE what ~ }
		. lit($what) . ' AND state !~ ' . lit($like) . ' LIMIT 10) o');
	is($found, '', "$what: no SQLSTATE but $like");
}

# ---- each kind, property and value, through the import

$node->safe_psql('postgres', q{DO $$
DECLARE
	p record;
	x record;
BEGIN
	FOR p IN SELECT * FROM property LOOP
		FOR x IN SELECT * FROM value} . (long_run() ? '' : ' WHERE n < 27') . q{ ORDER BY n LOOP
			PERFORM nextval('cases');
			CALL try(format('import %s.%s', p.kind, p.name), format(
				$q$SELECT sg_snapshot_import('i', document(%L)); UPDATE property SET good = good || %L::jsonb WHERE kind = %L AND name = %L; SELECT sg_snapshot_drop('i')$q$,
				jsonb_build_array(object(p.kind, 'o', mutated(p.kind, p.name, x.v))), coalesce(x.v, '"(absent)"'), p.kind, p.name));
		END LOOP;
	END LOOP;
END $$});
unexpected('^import', '^22023$');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT what, ', ') FROM outcome WHERE detail !~ 'property "\w+" of [a-z ]+ (public\.)?(child\.)?o (must be|is not known)|property "\w+" of [a-z ]+ .* is missing'}),
	'', 'each refusal names kind, object and property');
is($node->safe_psql('postgres', q{SELECT string_agg(kind || '.' || name, ', ') FROM property WHERE good = '{}'
		AND NOT (kind IN ('type', 'domain') AND EXISTS (SELECT FROM property q WHERE q.kind IN ('type', 'domain') AND q.name = property.name AND q.good <> '{}'))}),
	'', 'what the statement puts into objects is known to an import');
is($node->safe_psql('postgres', q{SELECT string_agg(kind || '.' || name, ', ') FROM property WHERE kind = 'column' AND name = 'type' AND '"(absent)"' = ANY (good)
		OR kind = 'function' AND name = 'body' AND 'null' = ANY (good) OR kind = 'type' AND name = 'labels' AND '[null]' = ANY (good)}),
	'', 'a column without a type, a null body, [null] as labels are refused');

# ---- what is taken, against each other value that is taken: all properties in one snapshot, each in an object of its own

$node->safe_psql('postgres', q{
DELETE FROM outcome;
CREATE FUNCTION good(n int, prefix text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(object(kind, prefix || row_number, mutated(kind, name, NULLIF(good[least(n, cardinality(good))], '"(absent)"'))))
	FROM (SELECT *, row_number() OVER (ORDER BY kind, name) FROM property WHERE good <> '{}') p
$$});
my $most = $node->safe_psql('postgres', 'SELECT max(cardinality(good)) FROM property');
my @pairs = map { my $i = $_; map { [ $i, $_ ] } grep { $_ != $i } 1 .. $most } 1 .. $most;
@pairs = grep { $_->[0] == 1 && $_->[1] < 7 } @pairs unless long_run();
my @calls;
foreach my $pair (@pairs)
{
	my ($i, $j) = @$pair;
	my $live = $j % 4 == 0 || long_run() ? 'true' : 'false';

	# of the same name, and of one that might be the other's new one
	push @calls, map { "SELECT put('a', good($i, 'thing')), put('b', good($j, '$_')); CALL read('taken $i $j $_', $live)" } 'thing', 'things';
}
$node->safe_psql('postgres', join ";\n", @calls);
unexpected('^taken', '^(3F000|42602|42P17)$');

# ---- what is not taken, past the import

$node->safe_psql('postgres', 'DELETE FROM outcome');
$node->safe_psql('postgres', q{DO $$
DECLARE
	p record;
BEGIN
	PERFORM setseed(} . seed() / 1000 . q{);
	FOR p IN SELECT kind, name, v FROM property, value WHERE random() < } . (long_run() ? 1 : 0.01) . q{ ORDER BY kind, name, n LOOP
		PERFORM put('a', jsonb_build_array(object(p.kind, 'thing', mutated(p.kind, p.name, p.v))));
		PERFORM put('b', jsonb_build_array(object(p.kind, 'things', mutated(p.kind, p.name, '"y"'))));
		CALL read(format('raw %s.%s %s', p.kind, p.name, left(p.v::text, 40)), false);
	END LOOP;
END $$});
unexpected('^raw', '^(3F000|42602|42P17)$');

# ---- objects at random, out of those that are really there

$node->safe_psql('postgres', q{
DELETE FROM outcome;
CREATE TABLE word (w text);
INSERT INTO word VALUES (''), ('.'), ('"'), ('public'), ('public.'), ('public.child'), ('public.child.'), ('public.child.id'), ('"public"."child"'),
	('x'), ('[]'), ('a.b.c.d.e'), ('f(integer, text)'), ('live'), (repeat('a.', 3000)), (repeat('"', 3000)), (repeat('x', 70000)), ('public.' || repeat('y', 80)), (NULL);
CREATE FUNCTION any_word() RETURNS text LANGUAGE sql AS 'SELECT w FROM word ORDER BY random() LIMIT 1';
CREATE FUNCTION any_value() RETURNS jsonb LANGUAGE sql AS $$SELECT coalesce(v, 'null') FROM value ORDER BY random() LIMIT 1$$;
CREATE FUNCTION spoilt(o jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	CASE (random() * 6)::int
		WHEN 0 THEN RETURN jsonb_set(o, '{identity}', to_jsonb(coalesce(any_word(), 'nothing')));
		WHEN 1 THEN RETURN jsonb_set(o, '{parent}', coalesce(to_jsonb(any_word()), 'null'));
		WHEN 2 THEN RETURN jsonb_set(o, '{kind}', to_jsonb((SELECT kind FROM property ORDER BY random() LIMIT 1)));
		WHEN 3 THEN RETURN jsonb_set(o, '{properties}', any_value());
		WHEN 4 THEN RETURN o #- ARRAY['properties', (SELECT k FROM jsonb_object_keys(o -> 'properties') k ORDER BY random() LIMIT 1)];
		WHEN 5 THEN RETURN jsonb_set(o, ARRAY['properties', (SELECT name FROM property p WHERE p.kind = o ->> 'kind' ORDER BY random() LIMIT 1)], any_value());
		ELSE RETURN o;
	END CASE;
EXCEPTION WHEN OTHERS THEN
	RETURN o;
END $$;
ALTER TABLE public.child ADD CONSTRAINT later FOREIGN KEY (kept) REFERENCES public.parent NOT VALID;
CREATE TABLE real AS SELECT to_jsonb(o) - 'checksum' AS o FROM sg_snapshot_objects_details('live', '{public}') o WHERE kind <> 'function';
});

# an object of each kind that could not be read
$node->safe_psql('postgres', q{DO $$
DECLARE
	x record;
BEGIN
	PERFORM put('a', (SELECT jsonb_agg(o) FROM real));
	FOR x IN SELECT DISTINCT ON (o ->> 'kind') o ->> 'kind' AS kind, o ->> 'identity' AS identity FROM real LOOP
		PERFORM put('b', (SELECT jsonb_agg(CASE WHEN o ->> 'kind' = x.kind AND o ->> 'identity' = x.identity THEN jsonb_set(o, '{properties,unknown}', '"gone"') ELSE o END) FROM real));
		CALL read('unread ' || x.kind, true);
	END LOOP;
END $$});
unexpected('^unread', '^$');

# a constraint of which one property is not said, against the real one
$node->safe_psql('postgres', q{DO $$
DECLARE
	x record;
BEGIN
	PERFORM put('b', (SELECT jsonb_agg(o) FROM real));
	FOR x IN SELECT o ->> 'identity' AS identity, k FROM real, jsonb_object_keys(o -> 'properties') k WHERE o ->> 'kind' = 'constraint' LOOP
		PERFORM put('a', (SELECT jsonb_agg(CASE WHEN o ->> 'kind' = 'constraint' AND o ->> 'identity' = x.identity THEN o #- ARRAY['properties', x.k] ELSE o END) FROM real));
		CALL read(format('unsaid %s %s', x.identity, x.k), true);
	END LOOP;
END $$});
unexpected('^unsaid', '^(3F000|42602|42P17)$');
$node->safe_psql('postgres', q{DO $$
BEGIN
	PERFORM setseed(} . seed() / 1000 . q{);
	FOR i IN 1..} . $rounds . q{ LOOP
		PERFORM put('a', (SELECT jsonb_agg(CASE WHEN random() < 0.15 THEN spoilt(o) ELSE o END) FROM real WHERE random() < 0.9));
		PERFORM put('b', (SELECT jsonb_agg(CASE WHEN random() < 0.02 THEN spoilt(o) ELSE o END) FROM real WHERE random() < 0.9));
		CALL read('random ' || i, i % 10 = 0);
	END LOOP;
END $$});
unexpected('^random', '^(42602|42622|42P17)$');

# ---- plans

$node->safe_psql('postgres', q{
DELETE FROM outcome;
SELECT sg_plan_create('p', replace => true), sg_plan_add_fk('p', 'public.child', '{kept}', 'public.parent');
DO $$
DECLARE
	good jsonb := sg_plan_export('p');
	path text[];
	x record;
BEGIN
	PERFORM sg_plan_drop('p');
	FOR path IN SELECT ARRAY[k] FROM jsonb_object_keys(good) k UNION ALL SELECT ARRAY['steps', '0'] UNION ALL
		SELECT ARRAY['steps', '0', k] FROM (SELECT jsonb_object_keys(good #> '{steps,0}') UNION ALL SELECT unnest('{skip,sentinel,quarantine_cascades,other}'::text[])) k (k)
	LOOP
		FOR x IN SELECT CASE WHEN v IS NULL THEN good #- path ELSE jsonb_set(good, path, v) END AS d, v FROM value LOOP
			PERFORM nextval('cases');
			CALL try(format('plan %s %s', path, left(x.v::text, 40)), format($q$SELECT sg_plan_import('p', %L); SELECT sg_plan_sql('p'); SELECT sg_plan_drop('p')$q$, x.d));
			BEGIN PERFORM sg_plan_drop('p'); EXCEPTION WHEN OTHERS THEN END;
		END LOOP;
	END LOOP;
END $$});
unexpected('^plan', '^(22023|42602|42622|42703|42830|42P01|0A000)$');
is_error($node, q{SELECT sg_plan_import('p', '{"schemaguard_plan": 1, "plan": "p", "steps": [{"child_table": "public.child", "child_columns": [null], "parent_table": "public.parent"}]}')},
	'22023', qr/steps\[0\]\.child_columns\[0\] must be a string/, 'a refusal says where');

# ---- a document that was cut off is no JSON

my $document = $node->safe_psql('postgres', q{SELECT sg_snapshot_take('whole') > 0 \g /dev/null
SELECT sg_snapshot_export('whole')});
is_error($node, 'SELECT sg_snapshot_import(' . lit('i') . ', ' . lit(substr($document, 0, length($document) / 2)) . ')', '22P02', undef, 'half a document');

# ---- how much memory a document takes, beside its length

$node->safe_psql('postgres', q{
	SELECT put('large', '[]');
	INSERT INTO schemaguard.snapshot_object (snapshot, kind, identity, parent, properties, checksum, oid)
		SELECT 'large', 'column', 'public.t.c' || n, 'public.t', jsonb_build_object('type', 'integer', 'position', n, 'not_null', false, 'default', NULL),
			sha256(n::text::bytea), 16384 FROM generate_series(1, 40000) n;
});
my $length = $node->safe_psql('postgres', q{SELECT sum(length(l) + 1) FROM sg_snapshot_export('large') l});
cmp_ok($length, '>', 8e6, 'a large document');

# the most that a session has held, before and after; only Linux tells
sub growth
{
	my ($sql) = @_;
	my $most = q{SELECT 1024 * substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+) kB')::bigint};
	my @held = split /\n/, $node->safe_psql('postgres', "SELECT count(*) FROM sg_snapshot_export('whole'); $most; $sql; $most");

	return $held[-1] - $held[1];
}
SKIP:
{
	skip 'no /proc', 3 unless -r '/proc/self/status';
	cmp_ok(growth(q{SELECT count(*) FROM sg_snapshot_export('large')}), '<', 4 * $length, 'on the way out');
	$node->safe_psql('postgres', q{CREATE TABLE lines AS SELECT l FROM sg_snapshot_export('whole') l});
	cmp_ok(growth(q{SELECT sg_snapshot_import('again', ARRAY(SELECT l FROM lines))}), '<', 4 * $length, 'on the way in');
	cmp_ok(growth(q{SELECT sg_snapshot_drop('again'), sg_snapshot_import('again', string_agg(l, E'\n')) FROM lines}), '<', 6 * $length, 'and as one text');
}

my ($cases, $calls) = split /\|/, $node->safe_psql('postgres', 'SELECT nextval(\'cases\') - 1, nextval(\'calls\') - 1');
note("$cases cases, $calls calls");
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP:|AddressSanitizer/, 'the server never crashed');

done_testing();
