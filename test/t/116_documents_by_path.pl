# 116_documents_by_path.pl: documents of a snapshot and of a plan with everything, in which one value after the other is replaced.
#
# A case: a path of the document (each scalar, array and object has one), and what stands there instead: another type, null,
# nothing, a text that ends the statement it gets into, one that is long or deep. The document is sealed anew, as anybody can,
# and imported. What an import takes goes through every call that reads snapshots or plans, many of them together; a group that
# ends with an error goes through that call in halves with SG_LONG=1, until one value is alone.
#
# The server must not crash, no error is XX000, and nothing that a document says may run: public.fired() leaves its mark in a
# sequence, whatever becomes of the transaction.
#
# 500 cases, 10,000 with SG_LONG=1; SG_SEED=n starts elsewhere.
#
# rooms: snapshot plan sync drift
# takes: 15 s
# majors: one (reads documents)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgDrift;
use SgTest;

my $cases = $ENV{SG_CASES} || (long_run() ? 10_000 : 500);
my $node = new_node('by_path', without => 1, conf => "max_connections = 10\nfsync = off\nwal_level = logical\n");

$node->safe_psql('postgres', "SET client_min_messages = error; CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg;
	SET allow_in_place_tablespaces = on; CREATE TABLESPACE sp LOCATION '';" . roles() . everything() . join("\n", grep { !/SUBSCRIPTION/ } split /\n/, more($node)));
$node->safe_psql('postgres', q{
CREATE ROLE mallory;
CREATE SCHEMA tool;
CREATE SEQUENCE public.marks;
GRANT ALL ON SEQUENCE public.marks TO PUBLIC;
CREATE FUNCTION public.fired() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN nextval('public.marks'); END $$;
CREATE FUNCTION public.fired(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN nextval('public.marks'); END $$;
ALTER FUNCTION public.fired() OWNER TO mallory;
ALTER FUNCTION public.fired(int) OWNER TO mallory;
SET search_path = tool, sg, pg_catalog;

-- what comes in place of a value; null: nothing
CREATE TABLE value (n int GENERATED ALWAYS AS IDENTITY, v jsonb, hostile boolean DEFAULT false);
INSERT INTO value (v) VALUES (NULL), ('null'), ('true'), ('false'), ('0'), ('-1'), ('1.5'), ('1e300'), ('99999999999999999999'), ('2147483648'), ('""'), ('"x"'),
	('[]'), ('{}'), ('[null]'), ('[1]'), ('["x"]'), ('["x", "x"]'), ('[["table", "m.t"]]'), ('[[]]'), ('{"x": "y"}'), ('{"x": null}'), ('{"": {"": [""]}}'),
	((repeat('[', 1000) || repeat(']', 1000))::jsonb), ((repeat('{"x":', 1000) || '1' || repeat('}', 1000))::jsonb), (to_jsonb(repeat('x', } . (long_run() ? 1_000_000 : 50_000) . q{))), (to_jsonb(repeat('(', 20000)));
INSERT INTO value (v, hostile) SELECT to_jsonb(t), true FROM unnest(ARRAY[
	$q$'); SELECT public.fired(); --$q$, $q$"); SELECT public.fired(); --$q$, $q$; SELECT public.fired();$q$, $q$'; SELECT public.fired(); --$q$, $q$\'; SELECT public.fired(); --$q$,
	E'\n\\\\! touch fired\n', E'x\n\\\\copy public.t from program ''touch fired''\n', E'a\\\\gexec', $q$$$; SELECT public.fired(); $$$q$, $q$$_$ $sg$ $body$ $1$q$,
	'%s %I %L %1$s %% %', '{name} [x] {?y} {a|I} {', '] } [ {!x=y}', 'public.fired()', '(public.fired())', ' + public.fired(1)', '1 DEFAULT public.fired()', '/* ', '-- ', E'a\r\nb\tc', repeat('y', 63), repeat('z', 64),
	'"', '""', '.', 'a.b.c.d', 'm.t', '"m"."t', U&'\00e4\4e2d\+01F600', $q$U&'\0041'$q$, 'live', 'pg_catalog.int4', 'm.t.a', 'f(integer, text']) t;

-- the paths of a document
CREATE FUNCTION paths(j jsonb) RETURNS SETOF text[] LANGUAGE sql IMMUTABLE AS $$
	WITH RECURSIVE p (path, v) AS (
		SELECT '{}'::text[], j
		UNION ALL SELECT p.path || e.k, e.v FROM p, LATERAL (
			SELECT k, o.v FROM jsonb_each(CASE jsonb_typeof(p.v) WHEN 'object' THEN p.v END) o (k, v)
			UNION ALL SELECT (n - 1)::text, a.v FROM jsonb_array_elements(CASE jsonb_typeof(p.v) WHEN 'array' THEN p.v END) WITH ORDINALITY a (v, n)) e)
	SELECT path FROM p
$$;
CREATE FUNCTION replaced(d jsonb, path text[], v jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN path = '{}' THEN coalesce(v, 'null') WHEN v IS NULL THEN d #- path ELSE jsonb_set(d, path, v) END
$$;

-- what anybody can compute; a document that is no such one is left alone
CREATE FUNCTION seal(d jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN jsonb_typeof(d) = 'object' AND d ? 'seal' THEN d || jsonb_build_object('seal', encode(sha256(convert_to((d - 'seal' - 'objects')::text, 'UTF8')), 'hex')) ELSE d END
$$;
CREATE FUNCTION sealed_object(o jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN jsonb_typeof(o) = 'object' AND o ? 'checksum' THEN o || jsonb_build_object('checksum', encode(sha256(convert_to(concat(o ->> 'kind', E'\n', o ->> 'identity', E'\n',
		o ->> 'parent', E'\n', (o -> 'properties')::text), 'UTF8')), 'hex')) ELSE o END
$$;
CREATE FUNCTION sealed(d jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT seal(d || jsonb_build_object('count', count(*), 'checksum', encode(sha256(coalesce(string_agg(decode(o ->> 'checksum', 'hex'), '' ORDER BY (o ->> 'kind') COLLATE "C", (o ->> 'identity') COLLATE "C"), '')), 'hex'),
			'objects', coalesce(jsonb_agg(o ORDER BY (o ->> 'kind') COLLATE "C", (o ->> 'identity') COLLATE "C"), '[]')))
		FROM (SELECT sealed_object(e) FROM jsonb_array_elements(d -> 'objects') e) s (o));
EXCEPTION WHEN OTHERS THEN
	RETURN seal(d);
END $$;

-- A document with the value replaced. What is sealed is changed before, the seals behind
CREATE FUNCTION forged(d jsonb, path text[], v jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN NOT d ? 'schemaguard_snapshot' THEN replaced(d, path, v)
		WHEN path = '{seal}' THEN replaced(sealed(d), path, v) WHEN path[cardinality(path)] IN ('count', 'checksum') THEN seal(replaced(sealed(d), path, v))
		ELSE sealed(replaced(d, path, v)) END
$$;

CREATE TABLE outcome (what text, call text, state text, message text);
CREATE TABLE taken (id int GENERATED ALWAYS AS IDENTITY, what text, path text[], v jsonb);
CREATE SEQUENCE calls;

-- Calls it; whether it raised nothing
CREATE FUNCTION try(what text, call text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	d text;
BEGIN
	PERFORM nextval('calls');
	EXECUTE call;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	INSERT INTO outcome VALUES (what, left(call, 100), SQLSTATE, left(concat_ws(': ', SQLERRM, d), 300));
	RETURN false;
END $$;
});

# A case: a path of the document, and a value; texts get a hostile one behind them as often as in their place
sub draw
{
	my ($what, $n, $import) = @_;

	return $node->safe_psql('postgres', q{SET search_path = tool, sg, pg_catalog; SET client_min_messages = error;} . "
DO \$do\$
DECLARE
	whole CONSTANT jsonb := (SELECT d FROM document WHERE what = '$what');
	header CONSTANT jsonb := whole - 'objects' || CASE WHEN whole ? 'objects' THEN jsonb_build_object('objects', jsonb_path_query_array(whole, '\$.objects[0 to 2]')) ELSE '{}' END;
	objects CONSTANT jsonb[] := ARRAY(SELECT jsonb_array_elements(whole -> 'objects'));
	path text[];
	small jsonb;
	at text[];
	given jsonb;
	x record;
BEGIN
	PERFORM setseed(" . seed() / 1000 . ");
	FOR path IN SELECT p FROM (SELECT p FROM paths(whole) p ORDER BY p) o ORDER BY random() LIMIT $n LOOP
		-- an import looks at objects one by one: that object alone
		small := header;
		at := path;
		IF path[1] = 'objects' AND path[2] IS NOT NULL THEN
			small := jsonb_set(header, '{objects}', jsonb_build_array(objects[path[2]::int + 1]));
			at := '{objects,0}' || path[3:];
		END IF;
		-- one of the same type half of the time: others are refused at once
		SELECT v, hostile INTO x FROM value, (SELECT random() < 0.5 AS same) r
			ORDER BY r.same AND jsonb_typeof(v) IS DISTINCT FROM jsonb_typeof(small #> at), random() * CASE WHEN hostile THEN 1 ELSE 1.5 END LIMIT 1;
		given := CASE WHEN x.hostile AND random() < 0.5 AND jsonb_typeof(small #> at) = 'string' THEN to_jsonb((small #>> at) || (x.v #>> '{}')) ELSE x.v END;
		IF try('$what ' || path::text || ' ' || coalesce(left(given::text, 60), '(nothing)'), format(\$q\$$import\$q\$, forged(small, at, given))) THEN
			INSERT INTO taken (what, path, v) VALUES ('$what', path, given);
		END IF;
	END LOOP;
END \$do\$;
SELECT count(*) FROM taken WHERE what = '$what'");
}

# ---- snapshots

$node->safe_psql('postgres', q{SET search_path = tool, sg, pg_catalog; SET client_min_messages = error;
	SELECT sg_snapshot_take('base');
	CREATE TABLE document AS SELECT 'snapshot' AS what, string_agg(l, E'\n')::jsonb AS d FROM sg_snapshot_export('base') l;
	-- of ours, and of this test, nothing but the extension
	UPDATE document SET d = sealed(jsonb_set(d, '{objects}', (SELECT jsonb_agg(o) FROM jsonb_array_elements(d -> 'objects') o
		WHERE (o -> 'properties' ->> 'extension' IS DISTINCT FROM 'schemaguard') AND o ->> 'identity' !~ '^(tool|sg|schemaguard)\M' AND coalesce(o ->> 'parent', '') !~ '^(tool|sg|schemaguard)\M')));
	SELECT sg_snapshot_drop('base');
	SELECT sg_snapshot_import('base', d) FROM document;});
cmp_ok($node->safe_psql('postgres', q{SELECT count(DISTINCT o ->> 'kind') FROM tool.document, jsonb_array_elements(d -> 'objects') o}), '>=', 35, 'a document with everything');

my $taken = draw('snapshot', int($cases * 0.7), q{SELECT sg_snapshot_import('f', %L); SELECT sg_snapshot_drop('f')});
cmp_ok($taken, '>', $cases / 20, 'some are taken');

# What reads it: stored ones, and those that read this database, too
my @readers = (q{SELECT sg_drift_details('f', 'base', cosmetic => true)}, q{SELECT sg_drift_details('base', 'f')}, q{SELECT sg_compare_fks_details('f', 'base')}, q{SELECT sg_compare_fks_details('base', 'f')},
	q{SELECT sg_drift_matrix('{f,base}')}, q{SELECT sg_snapshot_export('f')}, q{SELECT sg_snapshot_objects_details('f')},
	q{SELECT sg_sync_sql('f', 'base', allow_drop => true, partitions => true)}, q{SELECT sg_sync_sql('base', 'f', allow_drop => true, partitions => true)});
my @live = (q{SELECT sg_drift_details('f')}, q{SELECT sg_drift_check('f')}, q{SELECT sg_sync_sql('f')}, q{SELECT schemaguard.sg_sync_steps('f', NULL, true, true, true)},
	q{SELECT sg_plan_create('s', replace => true), sg_plan_from_snapshot('s', 'f'), sg_plan_check_details('s')});

sub calls { return 'ARRAY[' . join(', ', map { "\$c\$$_\$c\$" } @_) . ']'; }

# Many values at once in one document, each in an object of its own
$node->safe_psql('postgres', q{SET search_path = tool, sg, pg_catalog;
CREATE FUNCTION replace_all(ids int[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	d jsonb := (SELECT document.d FROM document WHERE what = 'snapshot');
	t record;
BEGIN
	FOR t IN SELECT * FROM taken WHERE id = ANY (ids) ORDER BY cardinality(path) > 2, path DESC LOOP
		BEGIN
			d := replaced(d, t.path, t.v);
		EXCEPTION WHEN OTHERS THEN
		END;
	END LOOP;
	RETURN sealed(d);
END $$;
CREATE PROCEDURE read(ids int[], calls text[]) LANGUAGE plpgsql AS $$
DECLARE
	call text;
	what text := (SELECT string_agg(format('%s=%s', path, left(v::text, 60)), ' ') FROM taken WHERE id = ANY (ids));
	imported boolean := try('together ' || what, format('SELECT sg_snapshot_import(%L, %L)', 'f', replace_all(ids)));
BEGIN
	IF imported THEN
		FOREACH call IN ARRAY calls LOOP
			IF NOT try(what, call) AND cardinality(ids) > 1 THEN
				INSERT INTO again VALUES (call);
			END IF;
		END LOOP;
		PERFORM sg_snapshot_drop('f');
	ELSIF cardinality(ids) > 1 THEN
		INSERT INTO again SELECT unnest(calls);
	END IF;
END $$;
CREATE TABLE again (call text);});

# The calls that read this database, too, take most of the time: with each fourth group, and a scratch database beside them
push @live, q{SELECT sg_sync_check_details('f', 'base', NULL, true, true)} if long_run();
my $prefix = 'SET search_path = tool, sg, pg_catalog; SET client_min_messages = error;';
my $round = 0;
sub read_together
{
	my ($calls, @ids) = @_;

	$node->safe_psql('postgres', "$prefix CALL read('{" . join(',', @ids) . "}', " . calls(@$calls) . "); VACUUM schemaguard.snapshot_object");
	my @failed = map { $_->[0] } rows($node, 'DELETE FROM tool.again RETURNING call');
	return if !@failed || @ids == 1 || !long_run();
	# half of them, until one is alone that ends with an error
	my @half = splice @ids, 0, @ids / 2;
	read_together(\@failed, @$_) for \@half, \@ids;
}
my @ids = map { $_->[0] } rows($node, q{SELECT id FROM tool.taken WHERE what = 'snapshot' AND path <> '{}' ORDER BY id});
while (my @some = splice @ids, 0, 40)
{
	read_together([ @readers, $round++ % 4 == 0 ? @live : () ], @some);
}

# ---- plans

$node->safe_psql('postgres', q{SET search_path = tool, sg, pg_catalog; SET client_min_messages = error;
	SELECT sg_plan_create('all', 'with everything'), sg_plan_option('all', 'lock_timeout', '1s');
	SELECT sg_plan_add_fk('all', 'm.plain', '{x}', 'm.parent', '{id}', fk_name => 'plain_x', on_delete => 'set null', on_update => 'cascade', priority => 'high', orphans => 'quarantine', "deferrable" => true, initially_deferred => true, on_delete_columns => '{x}'),
		sg_plan_add_check('all', 'm.plain', 'x > 0', 'plain_positive', policy => 'leave'), sg_plan_add_not_null('all', 'm.plain', 'x', policy => 'set', fill => '1'), sg_plan_add_unique('all', 'm.plain', '{x,y}', 'plain_both'),
		sg_plan_add_column('all', 'm.plain', 'added', 'int', fill => 'x + 1'), sg_plan_add_default('all', 'm.plain', 'y', '1'), sg_plan_add_index('all', 'm.plain', '(x, y DESC)', 'plain_index'),
		sg_plan_add_statement('all', 'COMMENT ON TABLE m.plain IS $$x$$', undo => 'COMMENT ON TABLE m.plain IS NULL', done_when => 'SELECT false'), sg_plan_add_rename('all', 'column', 'm.plain', 'renamed', 'y'), sg_plan_add_drop('all', 'table', 'm.heir', phase => 'later');
	SELECT sg_plan_skip('all', '{3}', 'not now');
	INSERT INTO document SELECT 'plan', sg_plan_export('all');});
is($node->safe_psql('postgres', $prefix . q{SELECT count(DISTINCT coalesce(s ->> 'kind', 'foreign key')), sg_plan_import('again', d), sg_plan_export('again') - 'plan' = d - 'plan' FROM document, jsonb_array_elements(d -> 'steps') s WHERE what = 'plan' GROUP BY d}),
	'10|10|t', 'a plan of all kinds of steps, which comes back as it was');
my $plans = $cases - int($cases * 0.7);
$taken = draw('plan', $plans, q{SELECT sg_plan_import('f', %L); SELECT sg_plan_sql('f'), sg_plan_export('f'), schemaguard.sg_plan_hash('f'); SELECT sg_plan_drop('f')});
cmp_ok($taken, '>', $plans / 20, 'some plans are taken');
$node->safe_psql('postgres', $prefix . qq{
DO \$do\$
DECLARE
	t record;
	call text;
BEGIN
	FOR t IN SELECT * FROM taken WHERE what = 'plan' ORDER BY id LOOP
		CONTINUE WHEN NOT try('plan ' || t.path::text || left(t.v::text, 60), format('SELECT sg_plan_import(%L, %L)', 'f', forged((SELECT d FROM document WHERE what = 'plan'), t.path, t.v)));
		FOREACH call IN ARRAY } . calls(q{SELECT sg_plan_check_details('f')}, q{SELECT sg_verify_fks_details('f')}, q{SELECT sg_orphan_audit_details(plan => 'f')}, q{SELECT * FROM schemaguard.plan_step, schemaguard.plan WHERE plan.name = plan_step.plan}) . qq{ LOOP
			PERFORM try('plan ' || t.path::text || coalesce(left(t.v::text, 60), ''), call);
		END LOOP;
		PERFORM sg_plan_drop('f');
	END LOOP;
END \$do\$});

# ---- what came of it

is($node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' | ', state, left(what, 300), call, message), E'\n') FROM (SELECT DISTINCT ON (message) * FROM tool.outcome
	WHERE state !~ '^(08|0A|22|23|25|26|28|2B|2D|3D|3F|42|53|54|55)' OR message ~ 'cache lookup' LIMIT 20) o}), '', 'each error has a SQLSTATE that says something');
is($node->safe_psql('postgres', 'SELECT is_called FROM public.marks'), 'f', 'nothing that a document says has run');
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.snapshot WHERE name = 'f'}), '0', 'all of it was read');
note(join "\n", map { join ' ', @$_ } rows($node, q{SELECT state, count(*), mode() WITHIN GROUP (ORDER BY left(message, 100)) FROM tool.outcome GROUP BY 1 ORDER BY 1}));
note(join ' ', map { @$_ } rows($node, q{SELECT what, count(*) FROM tool.taken GROUP BY 1}));
note($node->safe_psql('postgres', q{SELECT last_value FROM tool.calls}) . ' calls');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP:|AddressSanitizer/, 'the server never crashed');

done_testing();
