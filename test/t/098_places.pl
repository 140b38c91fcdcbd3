# 098_places.pl: where and how a server may run: what a row is stored as, the language of its messages.
#
#   - TOAST: keys that are compressed either way, out of line, or neither, parent and child each in their own way
#   - lc_messages: verdicts, states and SQLSTATEs do not depend on it, and nothing written down has values of rows in it
#
# rooms: audit
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

# Messages in German: the translations come with the server, the locale is made here
my $locales = PostgreSQL::Test::Utils::tempdir();
my $german = system("localedef -i de_DE -f UTF-8 $locales/de_DE.utf8 > /dev/null 2>&1") == 0 && -d "$locales/de_DE.utf8";
$ENV{LOCPATH} = $locales if $german;

my $node = new_node('places');

sub query { return $node->safe_psql('postgres', $_[0]); }

# ---- TOAST

# p and c have the same columns, c's keys 41 to 110 of which p has those up to 100 and from 101 on other ones
query(<<'SQL');
CREATE FUNCTION long(n int, size int) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT n || ':' || left(string_agg(md5(n || ' ' || g), ''), size) FROM generate_series(1, size / 32 + 1) g $$;
CREATE TABLE p (t text UNIQUE, b bytea UNIQUE, x numeric UNIQUE, a text[] UNIQUE, i int, t2 text, UNIQUE (i, t2)) WITH (toast_tuple_target = 128);
CREATE TABLE c (t text, b bytea, x numeric, a text[], i int, t2 text) WITH (toast_tuple_target = 128);
CREATE FUNCTION fill(target regclass, first int, last int, size int, storage text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY '{t, b, x, a, t2}'::text[] LOOP
		EXECUTE format('ALTER TABLE %s ALTER %I SET STORAGE %s', target, name, storage);
	END LOOP;
	EXECUTE format($f$INSERT INTO %s SELECT t, t::bytea, ('1' || translate(t, 'abcdef:', '1947114713'))::numeric, ARRAY[t, 'x'], g, t
		FROM generate_series(%s, %s) g, LATERAL (SELECT repeat(public.long(g, %s), 3) AS t) k$f$, target, first, last, size);
END $$;
SQL
my @compressions = ('pglz', query(q{SELECT count(*) FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)}) ? 'lz4' : ());
note('NOT TESTED: lz4, which this server is built without') if @compressions == 1;
my $part = 0;
for my $compression (@compressions)
{
	for my $storage (qw(EXTENDED MAIN EXTERNAL PLAIN))
	{
		my $at = 100 * $part++;
		my $opposite = { EXTENDED => 'EXTERNAL', MAIN => 'EXTENDED', EXTERNAL => 'PLAIN', PLAIN => 'MAIN' }->{$storage};
		my $other = $compression eq 'pglz' ? $compressions[-1] : 'pglz';

		query("SET default_toast_compression = '$compression'; SELECT fill('p', $at + 1, $at + 100, 200, '$storage');
			SET default_toast_compression = '$other'; SELECT fill('c', $at + 1, $at + 50, 200, '$storage'), fill('c', $at + 51, $at + 100, 200, '$opposite');
			SET default_toast_compression = '$compression'; SELECT fill('c', 100000 + $at + 1, 100000 + $at + 10, 200, '$storage')");
	}
}
# longer than any key of p could be, and of one that starts as p's do
query(q{SELECT fill('c', 200001, 200003, 20000, 'EXTERNAL'), fill('c', 200004, 200006, 20000, 'EXTENDED'), fill('c', 1, 1, 500, 'EXTENDED')});
query(q{ALTER TABLE c ADD FOREIGN KEY (t) REFERENCES p (t) NOT VALID, ADD FOREIGN KEY (b) REFERENCES p (b) NOT VALID,
	ADD FOREIGN KEY (x) REFERENCES p (x) NOT VALID, ADD FOREIGN KEY (a) REFERENCES p (a) NOT VALID, ADD FOREIGN KEY (i, t2) REFERENCES p (i, t2) NOT VALID; ANALYZE});
is(query(q{SELECT string_agg(DISTINCT coalesce(pg_column_compression(t), 'none'), ' ' ORDER BY coalesce(pg_column_compression(t), 'none')) FROM c}),
	join(' ', sort 'none', @compressions), 'TOAST: values are stored in every way');
cmp_ok(query(q{SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'c'}), '>', 100000, 'TOAST: and out of line');

my $orphans = @compressions * 40 + 7;
for my $method (qw(scan auto sql))
{
	is(query("SET schemaguard.audit_method = $method; SELECT string_agg(DISTINCT concat_ws(' ', rows_checked, orphan_rows, orphan_keys, result, reason), '; ')
			FROM sg_orphan_audit_details('c', samples => 1000)"),
		@compressions * 440 + 7 . " $orphans $orphans fail", "TOAST: the counts by $method");
	is(query("SET schemaguard.audit_method = $method;
			SELECT fk_name FROM sg_orphan_audit_details('c', samples => 1000) a
			WHERE (SELECT array_agg(s ORDER BY s::text) FROM jsonb_array_elements(to_jsonb(a.sample)) s)
			IS DISTINCT FROM (SELECT array_agg(s ORDER BY s::text) FROM c, LATERAL (SELECT CASE a.fk_name
				WHEN 'c_t_fkey' THEN jsonb_build_object('t', t) WHEN 'c_b_fkey' THEN jsonb_build_object('b', b) WHEN 'c_x_fkey' THEN jsonb_build_object('x', x)
				WHEN 'c_a_fkey' THEN jsonb_build_object('a', a) ELSE jsonb_build_object('i', i, 't2', t2) END) j (s)
				WHERE NOT EXISTS (SELECT FROM p WHERE p.t = c.t))"),
		'', "TOAST: the sample by $method");
}
is(query(q{SELECT count(*) FROM sg_fk_orphans('c', 'c_a_fkey') o JOIN c ON c.ctid = o.row_id WHERE NOT EXISTS (SELECT FROM p WHERE p.t = c.t)}), $orphans,
	'TOAST: the rows of sg_fk_orphans');

# ---- lc_messages

SKIP:
{
	my $shown = $german ? $node->psql('postgres', q{SET lc_messages = 'de_DE.utf8'; SELECT 1/0}, stderr => \my $said) : 0;

	skip 'NOT TESTED: lc_messages other than C: no locale de_DE, or a server without translations', 1
		unless $german && ($said // '') =~ /FEHLER:/;

	my %seen;
	for my $language ('C', 'de_DE.utf8')
	{
		query(qq{ALTER SYSTEM SET lc_messages = '$language'});
		$node->reload;
		ok(wait_for(sub { query('SHOW lc_messages') eq $language }), "messages are in $language");
		my $logged = query('SELECT coalesce(max(id), 0) FROM schemaguard.audit_log');
		query(<<'SQL');
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS l CASCADE;
CREATE SCHEMA l;
CREATE TABLE l.p (id int PRIMARY KEY, t text UNIQUE);
INSERT INTO l.p SELECT g, g::text FROM generate_series(1, 10) g;
CREATE FUNCTION l.secret(int) RETURNS int LANGUAGE sql AS 'SELECT (''secret'' || $1)::int';
CREATE TABLE l.good (id int);
INSERT INTO l.good SELECT 1 + g % 10 FROM generate_series(1, 100) g;
CREATE TABLE l.bad (id int);
INSERT INTO l.bad VALUES (1947114711), (1);
CREATE TABLE l.held (id int);
CREATE TABLE l.fixed (id int, CHECK (id > 0));
INSERT INTO l.fixed VALUES (1947114712);
CREATE FUNCTION l.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN l.secret(OLD.id); END';
CREATE TRIGGER no BEFORE DELETE ON l.fixed FOR EACH ROW EXECUTE FUNCTION l.no();
SELECT sg_plan_create('l', replace => true);
SELECT sg_plan_add_fk('l', 'l.good', '{id}', 'l.p');
SELECT sg_plan_add_fk('l', 'l.bad', '{id}', 'l.p', orphans => 'stop');
SELECT sg_plan_add_fk('l', 'l.fixed', '{id}', 'l.p', orphans => 'delete');
SELECT sg_plan_add_fk('l', 'l.held', '{id}', 'l.p', fk_name => 'later', index => false);
SELECT sg_plan_create('s', replace => true);
SELECT sg_plan_from_sql('s', $$ALTER TABLE l.good ADD 'secret 1' x; INSERT INTO l.p VALUES (1 1947114713, 'x'); SELECT 'secret 2$$);
SQL
		my $holder = SgTest::Session->new($node);
		$holder->query('BEGIN; LOCK TABLE l.held IN ROW EXCLUSIVE MODE');
		my $call = error_of($node, q{SET schemaguard.lock_timeout = '20ms'; SET schemaguard.lock_attempts = 2; SET schemaguard.workers = 1; CALL sg_add_fks('l', fix => true)});
		$holder->quit;
		$seen{$language} = join "\n", "CALL: $call",
			query(q{SELECT string_agg(concat_ws(' ', step, state), ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'l'}),
			query(qq{SELECT string_agg(concat_ws(' ', step, action, phase, sqlstate), E'\\n' ORDER BY step, id) FROM schemaguard.audit_log WHERE plan = 'l' AND id > $logged}),
			query(q{SELECT string_agg(concat_ws(' ', result, state, rows_checked, orphan_rows, sqlstate), E'\n' ORDER BY fk_name) FROM
				(SELECT a.*, NULL AS sqlstate FROM sg_orphan_audit_details(plan => 'l') a) a}),
			query(q{SELECT string_agg(check_name || ' ' || result, ', ' ORDER BY step, check_name) FROM sg_plan_check_details('l')}),
			query(q{SELECT count(*) FROM schemaguard.plan_note WHERE plan = 's'});
		my $written = query(qq{SELECT string_agg(l::text, E'\\n') FROM schemaguard.audit_log l WHERE id > $logged})
			. query(q{SELECT string_agg(n::text, E'\n') FROM schemaguard.plan_note n})
			. query(q{SELECT string_agg(s::text, E'\n') FROM schemaguard.plan_step s});
		unlike($written, qr/secret|1947114711|1947114712|1947114713/, "$language: no value in log, notes or steps");
	}
	is($seen{'de_DE.utf8'}, $seen{C}, 'what happens is the same in each language');
	query('ALTER SYSTEM RESET lc_messages');
	$node->reload;
}

$node->stop('immediate');
done_testing();
