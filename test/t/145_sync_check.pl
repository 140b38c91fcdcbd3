# 145_sync_check.pl: sg_sync_check proves a script in a scratch database, of which nothing stays.
#
# A pair that differs in everything passes, both ways; what the generator gets wrong, and what can't be made anew, does not.
# What snapshots hold runs as its owner or not at all, though a superuser calls. Killed at any place, the next call drops
# what was left.
#
# rooms: sync worker drift snapshot
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgDrift;
use SgLoad qw(crash);
use SgTest;
use Test::More;

my $node = new_node('sync_check', conf => "autovacuum = off\nfsync = off\nwal_level = logical\n# one for us beside that of subscriptions\nmax_worker_processes = 2\n");

my $db = 'postgres';

sub query { my ($sql, $dbname) = @_; return $node->safe_psql($dbname // $db, "SET client_min_messages = error;\n$sql"); }

# Rows that are not left out on purpose
sub unexpected { my ($args) = @_; return query("SELECT kind, object, change, class, property, detail FROM sg_sync_check_details($args) WHERE NOT left_out"); }

sub scratch { return query("SELECT count(*) FROM pg_database WHERE datname LIKE E'\\\\_sg\\\\_scratch%'; SELECT count(*) FROM schemaguard.scratch"); }

query(roles() . everything() . join("\n", grep { !/SUBSCRIPTION/ } split /\n/, more($node)));
# one that waits for the rest of itself is nothing that can be made anew
like(unexpected("'live', 'live'") , qr/^index\|m\.parted_b_k\|changed\|unknown\|valid\|not as in the target when the script began$/m, 'what can not be made anew is told');
query('DROP INDEX m.parted_b_k');
query("SELECT sg_snapshot_take('before')");
query(<<'SQL');
ALTER TABLE m.t ALTER c TYPE numeric(12,2), ALTER note SET NOT NULL, ALTER b SET DEFAULT 'y', ADD z int DEFAULT 7 CHECK (z > 0), DROP region;
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.parent ON DELETE SET NULL;
DROP INDEX m.t_a; CREATE INDEX t_a ON m.t (a DESC) WHERE c > 1;
DROP FUNCTION m.g(int); CREATE FUNCTION m.g(a int) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT a::bigint';
DROP MATERIALIZED VIEW m.mv; CREATE MATERIALIZED VIEW m.mv AS SELECT x, y FROM m.plain;
ALTER TABLE m.plain OWNER TO other; GRANT SELECT ON m.t TO other WITH GRANT OPTION;
CREATE TABLE m2.added (id int PRIMARY KEY, t_id int REFERENCES m.t, UNIQUE (t_id)); CREATE VIEW m2.over AS SELECT * FROM m.v;
DROP TABLE m.parted1; DROP AGGREGATE m.agg(int);
SQL
query("SELECT sg_snapshot_take('after')");

is(unexpected("'after', 'before', allow_drop => true, partitions => true"), '', 'a pair that differs in everything passes');
is(unexpected("'before', allow_drop => true, partitions => true"), '', 'and back, live');
is(scratch(), "0\n0", 'nothing stays');
like(query("SELECT string_agg(DISTINCT kind || ' ' || object, ', ' ORDER BY kind || ' ' || object) FROM sg_sync_check_details('before', partitions => true) WHERE left_out"),
	qr/column m\.t\.z, event trigger ev, .*table m2\.added/, 'what is left out on purpose is told as that');

# ---- what the generator gets wrong

my $fault = <<'SQL';
BEGIN;
ALTER FUNCTION schemaguard.sg_sync_rules() RENAME TO rules_before;
CREATE FUNCTION schemaguard.sg_sync_rules(OUT kind text, OUT step text, OUT property text, OUT section int, OUT anew boolean, OUT statement text, OUT state text, OUT loss text, OUT number bigint)
RETURNS SETOF record LANGUAGE sql IMMUTABLE AS $$
    SELECT kind, step, property, section, anew, CASE WHEN kind = 'column' AND step = 'alter' AND property = 'default' THEN statement || FAULT ELSE statement END, state, loss, number FROM schemaguard.rules_before() $$;
SELECT kind, object, class, property, detail FROM sg_sync_check_details('after', 'before', allow_drop => true, partitions => true) WHERE NOT left_out;
SQL
is(query($fault =~ s/FAULT/'{?none}'/r), 'column|m.t.b|drift|default|', 'a statement that is missing');
like(query($fault =~ s/FAULT/' + nothing'/r), qr/^column\|[^|]*\|unknown\|\|the script ends here: cannot use column reference/m, 'one that fails ends the script');

# ---- whose code

# Each where the server computes without a row; the functions do what they do when all is there
sub trapped
{
	my ($owner) = @_;
	return query(<<"SQL");
BEGIN;
CREATE SCHEMA trap; GRANT ALL ON SCHEMA trap TO PUBLIC;
CREATE FUNCTION trap.f() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION trap.definer() RETURNS int IMMUTABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
CREATE TABLE trap.t (a int, b int GENERATED ALWAYS AS (1 + trap.f()) STORED);
CREATE TABLE trap.u (a int);
CREATE INDEX u_index ON trap.u (a) WHERE a > trap.f();
CREATE INDEX u_definer ON trap.u (a) WHERE a > trap.definer();
CREATE FUNCTION trap.builtin() RETURNS bool IMMUTABLE LANGUAGE internal AS 'pg_is_in_recovery';
CREATE INDEX u_builtin ON trap.u (a) WHERE trap.builtin();
CREATE MATERIALIZED VIEW trap.mv AS SELECT trap.f() AS f, pg_catalog.pg_backend_pid() AS p;
CREATE DOMAIN trap.d AS int CHECK (VALUE >= trap.f());
CREATE TABLE trap.dt (a trap.d[] DEFAULT '{1}');
CREATE OR REPLACE FUNCTION trap.f() RETURNS int IMMUTABLE LANGUAGE plpgsql AS \$\$
BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        EXECUTE 'CREATE ROLE trapped SUPERUSER';
    END IF;
    RAISE 'run by %', current_user;
END \$\$;
CREATE OR REPLACE FUNCTION trap.definer() RETURNS int IMMUTABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT trap.f()';
ALTER FUNCTION trap.f() OWNER TO $owner;
ALTER FUNCTION trap.builtin() OWNER TO $owner;
SELECT object, substring(detail FROM 'began: (.*?)(?:;.*)?\$') FROM sg_sync_check_details('live', 'live', '{trap}') WHERE NOT left_out AND class = 'unknown' ORDER BY 1;
ROLLBACK;
SQL
}

query('CREATE ROLE mallory; CREATE DATABASE small');
$db = 'small';
query('CREATE EXTENSION schemaguard');
is(unexpected("'live', 'live', '{public}'"), '', 'our own functions beside what is checked');
my $refused = 'function trap.f() of role postgres does not run in a scratch database';
is(trapped('postgres'), join("\n", map { "trap.$_" } "dt|$refused", "t|$refused", 'u_definer|' . ($refused =~ s/f\(/definer(/r), "u_index|$refused"),
	'a superuser\'s functions do not run');
is(trapped('mallory'), join("\n", map { "trap.$_" } 'dt|run by mallory', 't|run by mallory', 'u_definer|' . ($refused =~ s/f\(/definer(/r), 'u_index|run by mallory'),
	'another\'s run as their owner');

# What a document says is anything: texts that end a statement and begin another one
query(<<'SQL');
CREATE SCHEMA s; CREATE TABLE s.t (a int DEFAULT 1); CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW s.v AS SELECT 1 AS a;
SELECT sg_snapshot_take('said');
SQL
my $file = PostgreSQL::Test::Utils::tempdir() . '/trapped';
foreach my $what ([ 'column', 's.t.a', 'default', "1); COPY (SELECT 1) TO PROGRAM 'touch $file'; CREATE TABLE s.u (a int DEFAULT 1" ],
	[ 'function', 's.f()', 'body', "SELECT 1'; CREATE FUNCTION s.x() RETURNS int LANGUAGE c AS '$file', 'x'; --" ],
	[ 'view', 's.v', 'query', 'SELECT 1 AS a; ALTER ROLE mallory SUPERUSER' ])
{
	my ($kind, $object, $property, $text) = @$what;
	is(query("BEGIN; UPDATE schemaguard.snapshot_object SET properties = properties || jsonb_build_object('$property', " . lit($text) . ") WHERE snapshot = 'said' AND (kind, identity) = ('$kind', '$object');
		SELECT string_agg(detail, ' ') FROM sg_sync_check_details('live', 'said', '{s}') WHERE NOT left_out AND class = 'unknown'; ROLLBACK"), '', "left out: $text");
}

# and what gets there all the same is refused: here sg_sync_check() runs statements of ours in its scratch database
my %refused = ("COPY (SELECT 1) TO PROGRAM 'touch $file'" => 'COPY', 'CREATE ROLE trapped SUPERUSER' => 'CREATE ROLE', "SELECT lo_export(1, '$file')" => 'function pg_catalog.lo_export(pg_catalog.oid,pg_catalog.text)',
	'UPDATE pg_authid SET rolsuper = true' => 'a statement that writes rows', "DO LANGUAGE plperlu 'x'" => 'DO', 'SET allow_system_table_mods = on' => 'SET', 'ALTER ROLE mallory SUPERUSER' => 'ALTER ROLE',
	'CREATE TEXT SEARCH TEMPLATE public.t (LEXIZE = dsimple_lexize)' => 'CREATE TEXT SEARCH TEMPLATE', 'CREATE TEXT SEARCH PARSER public.p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)' => 'CREATE TEXT SEARCH PARSER',
	'CREATE LANGUAGE mine HANDLER plpgsql_call_handler' => 'CREATE LANGUAGE', 'CREATE ACCESS METHOD mine TYPE TABLE HANDLER heap_tableam_handler' => 'CREATE ACCESS METHOD', 'CREATE TYPE public.b (INPUT = int4in, OUTPUT = int4out)' => 'CREATE TYPE',
	'CREATE OPERATOR CLASS public.o FOR TYPE int USING btree AS OPERATOR 1 <' => 'CREATE OPERATOR CLASS', 'ALTER OPERATOR FAMILY integer_ops USING btree ADD OPERATOR 1 < (int, text)' => 'ALTER OPERATOR FAMILY', 'CREATE CAST (int AS text) WITHOUT FUNCTION' => 'CREATE CAST',
	'CREATE TRANSFORM FOR int LANGUAGE plpgsql (FROM SQL WITH FUNCTION f(internal))' => 'CREATE TRANSFORM', 'CREATE FOREIGN DATA WRAPPER w VALIDATOR postgresql_fdw_validator' => 'CREATE FOREIGN DATA WRAPPER', "CREATE FUNCTION public.f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'" => 'CREATE FUNCTION',
	"CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SUPPORT generate_series_int4_support AS 'SELECT 1'" => 'CREATE FUNCTION', 'CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS a' => 'CREATE MATERIALIZED VIEW ... WITH DATA');
my @tried = sort keys %refused;
is(query("BEGIN;
	CREATE OR REPLACE FUNCTION schemaguard.sg_sync_rows(reference text, target text, schemas text[], allow_drop boolean, partitions boolean, server text, renames text,
		OUT kind text, OUT object text, OUT change text, OUT class text, OUT risk text, OUT property text, OUT expected text, OUT actual text, OUT detail text, OUT left_out boolean)
	RETURNS SETOF record LANGUAGE plpgsql AS \$body\$
	BEGIN
		PERFORM schemaguard.sg_scratch_open(schemaguard.sg_scratch_options(target), server);
		FOR detail IN SELECT r.line FROM schemaguard.sg_scratch_run(
			(SELECT jsonb_agg(jsonb_build_object('section', 2, 'object', 'x', 'what', 'created', 'step', 'create', 'statement', s.s) ORDER BY s.n)
			 FROM unnest(ARRAY[" . join(', ', map { lit($_) } @tried) . "]) WITH ORDINALITY s (s, n)), false, 'SELECT 1') r WHERE r.step IS NOT NULL
		LOOP RETURN NEXT; END LOOP;
		PERFORM schemaguard.sg_scratch_close();
	END \$body\$;
	SELECT detail FROM sg_sync_check_details('live', 'live'); ROLLBACK"), join("\n", map { "$refused{$_} does not run in a scratch database" } @tried), 'statements that are refused');
is(query("SELECT count(*) FROM pg_roles WHERE rolname = 'trapped' OR rolname = 'mallory' AND rolsuper") . (-e $file ? 'made' : ''), '0', 'nothing ran as a superuser');

# ---- who may

is_error($node, 'SET ROLE mallory; SELECT sg_sync_check_details(\'live\', \'live\')', '42501', qr/sg_grant\('mallory'\)/, 'not everybody may', dbname => $db);
query("SELECT sg_grant('mallory')");
is_error($node, 'SET ROLE mallory; SELECT sg_sync_check_details(\'live\', \'live\')', '42501', qr/lacks CREATEDB.*ALTER ROLE mallory CREATEDB/s, 'who lacks CREATEDB is told', dbname => $db);
query('ALTER ROLE mallory CREATEDB; CREATE SCHEMA own AUTHORIZATION mallory');
is(query("SET ROLE mallory; CREATE TABLE own.t (a int PRIMARY KEY); DO \$\$ BEGIN PERFORM sg_snapshot_take('own', '{own}'); END \$\$; ALTER TABLE own.t ADD b int; SELECT kind, object, detail FROM sg_sync_check_details('live', 'own') WHERE NOT left_out"),
	'', 'who has it needs not be a superuser');

# ---- what the server lacks, and another encoding

query(q{SELECT sg_snapshot_take('wants');
	UPDATE schemaguard.snapshot_object SET properties = properties || '{"owner": "nobody_here", "tablespace": "nowhere"}' WHERE snapshot = 'wants' AND identity = 's.t';
	INSERT INTO schemaguard.snapshot_object SELECT snapshot, 'extension', 'nothing', NULL, '{"version": "9.9", "schema": "public", "owner": "postgres"}', checksum, NULL FROM schemaguard.snapshot_object WHERE snapshot = 'wants' AND identity = 's.t'});
is_error($node, "SELECT sg_sync_check_details('wants')", '55000', qr/the server of the scratch database lacks extension nothing 9\.9, role nobody_here, tablespace nowhere\n/, 'what the server lacks is told', dbname => $db);
is(scratch(), "0\n0", 'and nothing stays');
query(q{SELECT sg_snapshot_drop('wants'); CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'});
$db = 'latin';
query(qq{SET client_encoding = 'UTF8'; CREATE EXTENSION schemaguard; CREATE TABLE "caf\xc3\xa9" (a text DEFAULT '\xc3\xbc'); SELECT sg_snapshot_take('here'); ALTER TABLE "caf\xc3\xa9" ADD "\xc3\xa4" int});
is(unexpected("'live', 'here'"), '', 'a check in LATIN1');

# ---- on another server, which is this one

$db = 'small';
query("CREATE EXTENSION dblink; ALTER ROLE mallory LOGIN; CREATE SERVER loop FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '" . $node->host . "', port '" . $node->port . "', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER loop; SELECT sg_snapshot_drop('own'); SELECT sg_snapshot_take('own', '{own}'); ALTER TABLE own.t ADD c text DEFAULT 'x'; CREATE INDEX ON own.t (c)");
is_error($node, "SELECT sg_sync_check_details('live', 'own', server => 'none')", '42704', qr/foreign server "none" does not exist/, 'a server that is none', dbname => $db);
is_error($node, "SELECT sg_sync_check_details('live', 'own', server => 'loop')", '55000', qr/lets you in as a superuser/, 'a superuser there is refused', dbname => $db);
query("ALTER USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (ADD user 'mallory')");
is(query("SELECT kind, object, detail FROM sg_sync_check_details('live', 'own', server => 'loop') WHERE NOT left_out"), '', 'a check on another server');
is(query("SELECT kind, object, detail FROM sg_sync_check_details('own', 'live', '{own}', server => 'loop')") =~ s/\n.*//sr, 'column|own.t.c|with 1 index (t_c_idx)', 'and what is left out there');
is(scratch(), "0\n0", 'nothing stays there');
is(query("SELECT srvoptions FROM pg_foreign_server") =~ /dbname=postgres/ ? 1 : 0, 1, 'the server leads where it did');

# ---- cancelled, ended, killed

# A check that stands still: with its name on record, or while it makes objects
sub held
{
	my ($where) = @_;
	my $blocker = SgTest::Session->new($node, dbname => $db);
	my $s = SgTest::Session->new($node, dbname => $db);
	$blocker->query($where eq 'recorded' ? "BEGIN; COMMENT ON DATABASE template0 IS 'held'" : 'BEGIN; DROP ROLE holder');
	$s->send("SELECT count(*) FROM sg_sync_check_details('live', 'held')");
	wait_for(sub { query("SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted WHERE a.backend_type = 'schemaguard worker'") })
	  or fail("$where: nothing waits");
	return ($blocker, $s);
}

query('CREATE ROLE holder; CREATE TABLE s.held (a int); ALTER TABLE s.held OWNER TO holder; SELECT sg_snapshot_take(\'held\', \'{s}\'); ALTER TABLE s.held OWNER TO postgres;
	GRANT SELECT ON s.held TO holder; SELECT sg_snapshot_take(\'granted\', \'{s}\'); REVOKE ALL ON s.held FROM holder');
foreach my $where ('recorded', 'making')
{
	foreach my $how ('cancel', 'worker', 'terminate', 'crash')
	{
		next if $how eq 'worker' && $where eq 'recorded';
		my ($blocker, $s) = held($where);
		is(query("SELECT action FROM schemaguard.progress; SELECT count(*) FROM schemaguard.scratch; SELECT count(*) FROM pg_database WHERE datname ~ '_sg_scratch'"),
			"sync check\n1\n" . ($where eq 'recorded' ? 0 : 1), "$where, $how: it is on record") if $how eq 'cancel';
		is_error($node, "SELECT sg_sync_check_details('live', 'live', '{s}')", '53400', qr/no background worker could be started/, "$where: no worker is left for another one", dbname => $db) if $how eq 'cancel';
		if ($how eq 'crash')
		{
			crash($node);
			$s->collect;
			$node->start;
		}
		else
		{
			query($how eq 'worker' ? "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'schemaguard worker'" : "SELECT pg_${how}_backend(pid) FROM schemaguard.progress");
			$s->collect;
			is($s->query('SELECT 1'), '1', "$where, $how: the session lives") if $how ne 'terminate';
			$blocker->query('ROLLBACK');
			$s->quit if $how ne 'terminate';
			$blocker->quit;
		}
		is(scratch(), "0\n0", "$where, $how: it is dropped at once") if $how eq 'cancel' || $how eq 'worker';
		is(query("SELECT count(*) FROM sg_sync_check_details('live', 'live', '{s}') WHERE NOT left_out"), '0', "$where, $how: the next call works");
		is(scratch(), "0\n0", "$where, $how: and drops what was left");
	}
}
# a process of the server that is stopped: DROP DATABASE would wait for it without end
{
	my $deaf = SgTest::Session->new($node, dbname => 'postgres');
	kill 'STOP', $deaf->{pid};
	my (undef, undef, $told) = $node->psql($db, "SELECT count(*) FROM sg_sync_check('live', 'live', '{s}')");
	like($told, qr/WARNING:  scratch database "(_sg_scratch_\w+)" could not be dropped: another process of this server does not answer.*\nHINT: .*\nDROP DATABASE \1;/,
		'a process that does not answer: the call ends, and says what is left');
	kill 'CONT', $deaf->{pid};
	$deaf->quit;
	is(query("SELECT count(*) FROM sg_sync_check('live', 'live', '{s}') WHERE NOT left_out"), '0', '... the next call works');
	is(scratch(), "0\n0", '... and drops it');
}
# there, where nobody but the next call knows of it
{
	my $blocker = SgTest::Session->new($node, dbname => $db);
	my $s = SgTest::Session->new($node, dbname => $db);
	$blocker->query('BEGIN; DROP ROLE holder');
	$s->send("SELECT count(*) FROM sg_sync_check_details('live', 'granted', server => 'loop')");
	wait_for(sub { query("SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted WHERE a.datname ~ '_sg_scratch'") }) or fail('there: nothing waits');
	query("SELECT pg_terminate_backend($s->{pid})");
	$s->collect;
	$blocker->query('ROLLBACK');
	$blocker->quit;
	wait_for(sub { query("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname ~ '_sg_scratch'") eq 't' }) or fail('there: it does not end');
	is(scratch(), "1\n1", 'there, killed: the database is left, on record');
	is(query("SELECT count(*) FROM sg_sync_check_details('live', 'live', '{own}', server => 'loop') WHERE NOT left_out"), '0', 'there, killed: the next call works');
	is(scratch(), "0\n0", 'there, killed: and drops what was left');
}
# tables that publications of this database send once the script has made them
query(q{CREATE SCHEMA sent; CREATE TABLE sent.fresh (a int); CREATE TABLE sent.whole (id int) PARTITION BY LIST (id); CREATE TABLE s.part PARTITION OF sent.whole FOR VALUES IN (1);
	CREATE TABLE s.not_sent (a int); SELECT sg_snapshot_take('sent', '{s,sent}'); DROP TABLE sent.fresh, s.part, s.not_sent; CREATE PUBLICATION sent FOR TABLES IN SCHEMA sent; CREATE PUBLICATION whole FOR TABLE sent.whole});
{
	my (undef, undef, $told) = $node->psql($db, "SET quote_all_identifiers = on; SELECT sg_sync_check('sent', partitions => true)");
	is(join("\n", $told =~ /WARNING:  (publication .*)\nHINT:  Make it before the call, on each subscriber, and refresh its subscription after the call:\nCREATE TABLE/g),
		"publication sent, whole sends the new table, and a subscription stops where there is no s.part\npublication sent sends the new table, and a subscription stops where there is no sent.fresh", 'new tables that are published are warned of');
}
# tables that are published and would have no replica identity: by a key that goes, an index's turn that ends, and by word; not by a key that another one replaces
query(q{CREATE SCHEMA idt; CREATE TABLE idt.a (id int, v int); CREATE TABLE idt.b (id int NOT NULL); CREATE TABLE idt."c c" (id int PRIMARY KEY);
	CREATE TABLE idt.d (id int, k int PRIMARY KEY); CREATE TABLE idt.w (id int NOT NULL) PARTITION BY RANGE (id); CREATE TABLE idt.w_1 PARTITION OF idt.w FOR VALUES FROM (1) TO (9); ALTER TABLE idt."c c" REPLICA IDENTITY NOTHING; SELECT sg_snapshot_take('idt', '{idt}');
	ALTER TABLE idt.a ADD PRIMARY KEY (id); ALTER TABLE idt.w ADD PRIMARY KEY (id); CREATE UNIQUE INDEX b_i ON idt.b (id); ALTER TABLE idt.b REPLICA IDENTITY USING INDEX b_i; ALTER TABLE idt."c c" REPLICA IDENTITY DEFAULT;
	ALTER TABLE idt.d DROP CONSTRAINT d_pkey; ALTER TABLE idt.d ADD PRIMARY KEY (id); CREATE PUBLICATION idt FOR TABLES IN SCHEMA idt});
{
	my (undef, undef, $told) = $node->psql($db, "SELECT sg_sync_check('idt', allow_drop => true)");
	is(join(' ', $told =~ /WARNING:  publication idt will have (.*), which has no replica identity: .*\nHINT:  Give it one right after the call:\nALTER TABLE .* REPLICA IDENTITY FULL;/g),
		'idt."c c" idt.a idt.b idt.w_1', '... and published tables that would have no replica identity');
}
# publications that come or change, and what they take: told in the three places, and done by nobody unasked; a column that comes is told as in a plan
$node->safe_psql('postgres', 'CREATE DATABASE taken');
query(q{CREATE EXTENSION schemaguard; CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY, neu int); CREATE TABLE app.u (id int); CREATE TABLE app.f (id int PRIMARY KEY, "X 1" int);
	CREATE TABLE app.l (id int PRIMARY KEY, x int); CREATE TABLE app.ok (id int, x int, PRIMARY KEY (id, x)); CREATE TABLE app.w (id int, x int, PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE TABLE app.w_1 PARTITION OF app.w FOR VALUES FROM (1) TO (9);
	CREATE PUBLICATION p FOR TABLE app.a, app.u, app.f WHERE ("X 1" > 0), app.l (x), app.ok (id, x) WHERE (id > 0), app.w WHERE (x > 0) WITH (publish_via_partition_root);
	CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert'); SELECT sg_snapshot_take('ref');
	DROP PUBLICATION everything; ALTER PUBLICATION p SET TABLE app.a; ALTER TABLE app.a DROP neu; INSERT INTO app.u VALUES (1); INSERT INTO app.f VALUES (1); INSERT INTO app.l VALUES (1); INSERT INTO app.w VALUES (1)}, 'taken');
{
	my @taken = map { "publication $_" } 'everything replicates tables or sequences of schema schemaguard',
		map { "p will have app.$_: the server then refuses to update or delete its rows" } 'f, and its WHERE reads columns that are not part of the replica identity',
		'l, and its column list does not cover the replica identity', 'u, which has no replica identity', 'w_1, and its WHERE reads columns that are not part of the replica identity';
	my @sent = map { "publication p sends the $_->[0], and a subscription stops where there is no $_->[1]" } [ 'new column', 'neu' ], map { [ 'table by its name', "app.$_" ] } qw(f l ok u w);
	my @all = sort @taken, @sent;

	my (undef, undef, $told) = $node->psql('taken', "SELECT sg_sync_check('ref')");
	is_deeply([ sort $told =~ /WARNING:  (publication .*)/g ], \@all, 'what publications of the reference take is warned of');
	like($told, qr/HINT:  Add it before the call, on each subscriber:\nALTER TABLE app.a ADD COLUMN neu integer;/, '... a new column with the statement for subscribers');
	my $script = query(q{SELECT sg_sync_sql('ref')}, 'taken');
	is_deeply([ sort $script =~ /^-- warning: (publication .*)/mg ], \@all, '... in the script, too');
	my ($result, undef, $refused) = $node->psql('taken', q{CALL sg_sync_apply('ref')});
	isnt($result, 0, '... and sg_sync_apply() does nothing of it');
	is_deeply([ sort map { s/^.*DETAIL:  //r } grep { /(DETAIL:  |^)publication / } split /\n/, $refused ], [ sort @taken ], '... for these');
	my $changes = sub { join ' ', grep { $node->psql('taken', "UPDATE app.$_ SET id = id + 1") != 0 } qw(a f l ok u w) };
	is($changes->(), '', '... so that each table can be changed');
	my ($hint) = $refused =~ /(SET schemaguard\.accept_publication = on;\nCALL .*;)/;
	(undef, undef, $told) = $node->psql('taken', $hint // 'SELECT 1/0');
	is_deeply([ sort $told =~ /WARNING:  (publication .*)/g ], \@all, '... unless that is accepted, which tells the same');
	like($told, qr/this database is what "ref" is/, '... and it is done');
	is($changes->(), 'f l u w', '... and the server refuses what was told, no more');
}
# names that go on under another one: with the statements for subscribers; a column with its table's, or that of what the table inherits from
$node->safe_psql('postgres', 'CREATE DATABASE new_names');
query(q{CREATE EXTENSION schemaguard; CREATE SCHEMA app; CREATE SCHEMA below; CREATE TABLE app.r (id int PRIMARY KEY, neu int); CREATE TABLE app.w (id int PRIMARY KEY, neu int) PARTITION BY RANGE (id);
	CREATE TABLE app.w_1 PARTITION OF app.w FOR VALUES FROM (0) TO (9); CREATE TABLE below.top (id int PRIMARY KEY, neu int); CREATE TABLE below.mid () INHERITS (below.top); CREATE TABLE app.heir (PRIMARY KEY (id)) INHERITS (below.mid);
	CREATE TABLE app.neu (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLES IN SCHEMA app; CREATE PUBLICATION whole FOR TABLE app.w WITH (publish_via_partition_root);
	SELECT sg_snapshot_take('ref'); ALTER TABLE app.r RENAME neu TO old; ALTER TABLE app.w RENAME neu TO old; ALTER TABLE below.top RENAME neu TO old; ALTER TABLE app.neu RENAME TO old; ALTER TABLE app.old SET SCHEMA below;
	ALTER PUBLICATION p ADD TABLE below.old;
	INSERT INTO schemaguard.rename (kind, old, new, same) VALUES ('column', 'app.r.old', 'app.r.neu', true), ('column', 'app.w.old', 'app.w.neu', true), ('column', 'below.top.old', 'below.top.neu', true), ('table', 'below.old', 'app.neu', true)}, 'new_names');
{
	my $renamed = sub { sprintf "publication %s sends the %s by its name, and a subscription stops where there is no %s\nOn each subscriber, when it has applied what was written before:\n%s", @_ };
	my @all = sort $renamed->('p', 'table', 'app.neu', "ALTER TABLE below.old SET SCHEMA app;\nALTER TABLE app.old RENAME TO neu;"),
		map { $renamed->($_->[0], 'column', 'neu', "ALTER TABLE $_->[1] RENAME COLUMN old TO neu;") } [ 'p', 'app.r' ], [ 'p, whole', 'app.w' ], [ 'p', 'below.top' ];
	my $warnings = sub { return [ sort map { s/\nHINT:  /\n/r } $_[0] =~ /WARNING:  (publication .*\nHINT:  .*\n(?:ALTER .*;(?=\n|\z)\n?)+)/g ] };

	chomp @all;
	for my $call ("SELECT sg_sync_check('ref')", "CALL sg_sync_apply('ref')")
	{
		my (undef, undef, $told) = $node->psql('new_names', $call);
		my $found = $warnings->($told);
		chomp @$found;
		is_deeply($found, \@all, "what publications send by another name: $call");
		$call =~ /CALL/ or is(scalar(() = query(q{SELECT sg_sync_sql('ref')}, 'new_names') =~ /^-- warning: publication .* by its name/mg), 4, '... in the script, too');
	}
	is(query('SELECT count(neu) FROM app.r', 'new_names'), '0', '... and it is done');
}
# a table that is logged from then on was there before
$node->safe_psql('postgres', 'CREATE DATABASE logged');
query(q{CREATE EXTENSION schemaguard; CREATE SCHEMA app; CREATE TABLE app.n (id int); CREATE PUBLICATION p FOR TABLES IN SCHEMA app; SELECT sg_snapshot_take('ref');
	DROP PUBLICATION p; ALTER TABLE app.n SET UNLOGGED; CREATE PUBLICATION p FOR TABLES IN SCHEMA app}, 'logged');
{
	my (undef, undef, $refused) = $node->psql('logged', q{CALL sg_sync_apply('ref')});
	like($refused, qr/publication p will have app\.n, which has no replica identity/, 'a table that becomes a logged one is told');
	is(query(q{SELECT relpersistence FROM pg_class WHERE relname = 'n'}, 'logged'), 'u', '... and left as it is');
}
# the script of an extension finds a function that files of migrations have planted; a trusted one runs as a superuser for anybody
my %setting = map { split /\|/, $_, 2 } split /\n/, query(q{SELECT name, setting FROM pg_settings WHERE name IN ('extension_destdir', 'extension_control_path')});
SKIP:
{
	skip 'this server finds installed extensions only', 3 if !%setting;
	my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
	chomp(my ($sharedir, $pkglibdir) = map { scalar `$pg_config --$_` } qw(sharedir pkglibdir));
	my $dir = $node->basedir . '/careless';
	my $files = q{ARRAY['CREATE FUNCTION planted() RETURNS text LANGUAGE plpgsql AS ''BEGIN RETURN current_user; END''; CREATE EXTENSION %s']};

	system('mkdir', '-p', "$dir$sharedir/extension", "$dir$pkglibdir/..") == 0 or die;
	system("rmdir $dir$pkglibdir 2> /dev/null; ln -s " . ($setting{extension_destdir} // '') . "$pkglibdir $dir$pkglibdir") == 0 or die;
	for my $name (qw(careless trusting))
	{
		append_to_file("$dir$sharedir/extension/$name.control", "default_version = '1'\nrelocatable = true\n" . ($name eq 'trusting' ? "trusted = true\n" : ''));
		append_to_file("$dir$sharedir/extension/$name--1.sql", 'CREATE TABLE made AS SELECT planted() AS by');
	}
	$node->append_conf('postgresql.conf', $setting{extension_control_path} ? "extension_control_path = '$dir$sharedir:\$system'" : "extension_destdir = '$dir'");
	$node->reload;
	query(q{CREATE ROLE replayer LOGIN CREATEDB; SELECT sg_grant('replayer')});
	for ([ careless => 'NONE' ], [ trusting => 'NONE' ], [ trusting => 'replayer' ])
	{
		my ($name, $role) = @$_;
		my (undef, undef, $refused) = $node->psql($db, "SET ROLE $role; SELECT sg_snapshot_from_files('x', '{x.sql}', " . sprintf($files, $name) . ')');
		like($refused, qr/x\.sql:1: function public\.planted\(\) of the files, as another role, does not run in a scratch database/, "$name, for $role: planted code does not run");
	}
}
$node->stop;
done_testing();
