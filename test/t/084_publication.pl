# 084_publication.pl: logical replication of everything, and dumps by who owns the database.
#
#   - a subscriber of a publication FOR ALL TABLES lives on when the publisher wants schemaguard: CREATE EXTENSION stops there, its hint
#     runs as printed, and then it is installed; the application's tables go on being replicated, ours are not
#   - an update that brings tables stops in the same way
#   - on 19, one of all sequences sends ours: it is told in the same places, with the statement that ends it
#   - one that came later is told, with statements that run as they stand; on 19 they keep it FOR ALL TABLES
#   - names that statements change are told on both sides, whatever the statement calls them
#   - after the accident: CREATE EXTENSION on the subscriber lets it go on
#   - a column that a plan drops and keeps would be sent by another name: the plan leaves it, until that is no question
#   - the owner of a database who is no superuser can dump it
#
# rooms: base log
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $publisher = new_node('publisher', without => 1, streaming => 1, conf => "wal_level = logical\n");
my $subscriber = new_node('subscriber', without => 1);
my $address = 'host=' . $publisher->host . ' port=' . $publisher->port;

sub query { my ($node, $db, $sql) = @_; return $node->safe_psql($db, "SET client_min_messages = error; $sql"); }

# A pair of databases of this name; the second one subscribes to all tables of the first
sub subscribe
{
	my ($db) = @_;

	for ($publisher, $subscriber)
	{
		$_->safe_psql('postgres', "CREATE DATABASE $db");
		$_->safe_psql($db, 'CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE "T 2" (id int PRIMARY KEY)');
	}
	query($publisher, $db, q{CREATE PUBLICATION "all of it" FOR ALL TABLES; COMMENT ON PUBLICATION "all of it" IS 'it''s all'});
	query($subscriber, $db, qq{CREATE SUBSCRIPTION s_$db CONNECTION '$address dbname=$db' PUBLICATION "all of it"});
	$subscriber->wait_for_subscription_sync($publisher, "s_$db", $db);
}

# A row of the application arrives
sub arrives
{
	my ($db, $id, $name) = @_;

	query($publisher, $db, qq{INSERT INTO p VALUES ($id); INSERT INTO "T 2" VALUES ($id)});
	ok(wait_for(sub { $subscriber->safe_psql($db, qq{SELECT count(*) FROM p JOIN "T 2" USING (id) WHERE id = $id}) eq '1' }), $name);
}

sub hint_of { my ($sql) = $SgTest::message =~ /^(BEGIN;.*COMMIT;)$/m or return ''; return $sql; }

# ---- it stops before anything is sent

subscribe('app');
arrives('app', 1, 'replication runs');
is_error($publisher, 'CREATE EXTENSION schemaguard', '55000', qr/publications would replicate tables or sequences of schemaguard: "all of it"/, 'CREATE EXTENSION stops', dbname => 'app');
my $hint = hint_of();
like($hint, qr/FOR TABLE public\."T 2", public\.p WITH/, 'the hint has the tables');
query($publisher, 'app', $hint);
is($publisher->safe_psql('app', q{SELECT obj_description(oid, 'pg_publication') FROM pg_publication}), q{it's all}, 'what was said of it is kept');
query($publisher, 'app', 'CREATE EXTENSION schemaguard');
arrives('app', 2, 'the hint as printed, CREATE EXTENSION, and replication goes on');
query($publisher, 'app', q{ALTER TABLE "T 2" ADD FOREIGN KEY (id) REFERENCES p; SELECT sg_orphan_audit_details(); SELECT sg_orphan_audit_details()});
query($publisher, 'app', q{SELECT sg_plan_create('a')});
arrives('app', 3, 'and our tables stay where they are');
is($publisher->safe_psql('app', q{SELECT count(*) FROM pg_publication_tables WHERE schemaname = 'schemaguard'}), '0', 'none of them is published');

# ---- preflight tells of a publication that came later

query($publisher, 'app', 'CREATE PUBLICATION later FOR ALL TABLES');
is($publisher->safe_psql('app', q{SELECT result, detail FROM sg_plan_check_details('a') WHERE check_name = 'publications'}),
	'warn|publication later replicates tables or sequences of schema schemaguard', 'preflight tells of one that came later');

is($publisher->safe_psql('app', q{SELECT state, summary FROM sg_status() WHERE subject = 'publications'}),
	'attention|publication later replicates objects of schemaguard', 'so does sg_status');
query($publisher, 'app', $publisher->safe_psql('app', 'SELECT statement FROM schemaguard.sg_own_publications()'));
is($publisher->safe_psql('app', q{SELECT state FROM sg_status() WHERE subject = 'publications'}), 'ok', 'its statement as it stands mends that');
query($publisher, 'app', 'CREATE TABLE new_one (id int PRIMARY KEY)');
is($publisher->safe_psql('app', q{SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY tablename COLLATE "C") FROM pg_publication_tables WHERE pubname = 'later'}),
	'public.T 2' . (major($publisher) >= 19 ? ' public.new_one' : '') . ' public.p', 'and keeps the other tables, on 19 new ones, too');

# ---- sequences, which 19 publishes all of or none

SKIP:
{
	skip 'no publication sends sequences', 10 if major($publisher) < 19;
	my $kinds = q{SELECT pubname, puballtables, puballsequences FROM pg_publication ORDER BY 1};
	my $state = q{SELECT state, summary FROM sg_status() WHERE subject = 'publications'};

	$publisher->safe_psql('postgres', 'CREATE DATABASE seq');
	query($publisher, 'seq', q{CREATE SEQUENCE mine; CREATE TABLE p (id int); CREATE PUBLICATION numbers FOR ALL SEQUENCES; COMMENT ON PUBLICATION numbers IS 'all numbers'});
	is_error($publisher, 'CREATE EXTENSION schemaguard', '55000', qr/publications would replicate tables or sequences of schemaguard: numbers/, 'CREATE EXTENSION stops for sequences, too', dbname => 'seq');
	my ($statement) = $SgTest::message =~ m{^(/\* ALL SEQUENCES has no EXCEPT: it goes \*/ BEGIN;.*COMMIT;)$}m;
	query($publisher, 'seq', $statement // 'SELECT 1/0');
	is($publisher->safe_psql('seq', $kinds), 'numbers|f|f', 'the hint as printed keeps the publication, without them');
	is($publisher->safe_psql('seq', q{SELECT obj_description(oid, 'pg_publication') FROM pg_publication}), 'all numbers', 'and its comment');
	query($publisher, 'seq', 'CREATE EXTENSION schemaguard');
	is($publisher->safe_psql('seq', $state), 'ok|no publication replicates objects of schemaguard', 'then none is sent');
	query($publisher, 'seq', q{DROP PUBLICATION numbers; CREATE PUBLICATION numbers FOR ALL SEQUENCES; SELECT sg_plan_create('s')});
	is($publisher->safe_psql('seq', $state), 'attention|publication numbers replicates objects of schemaguard', 'sg_status tells of one that came later');
	is($publisher->safe_psql('seq', q{SELECT detail FROM sg_plan_check_details('s') WHERE check_name = 'publications'}), 'publication numbers replicates tables or sequences of schema schemaguard', 'so does sg_plan_check');
	query($publisher, 'seq', 'CREATE PUBLICATION everything FOR ALL TABLES, ALL SEQUENCES');
	query($publisher, 'seq', $_) for split /\n/, $publisher->safe_psql('seq', 'SELECT statement FROM schemaguard.sg_own_publications()');
	is($publisher->safe_psql('seq', $kinds), "everything|t|f\nnumbers|f|f", 'the statements take the sequences out');
	is($publisher->safe_psql('seq', q{SELECT tablename FROM pg_publication_tables}), 'p', 'and keep the other tables');
	is($publisher->safe_psql('seq', q{SELECT count(*) FROM pg_publication_sequences}), '0', 'none is sent');
	is($publisher->safe_psql('seq', $state), 'ok|no publication replicates objects of schemaguard', 'which is told');
}

# ---- a column that a plan drops and keeps

for ($publisher, $subscriber)
{
	$_->safe_psql('postgres', 'CREATE DATABASE cols');
	$_->safe_psql('cols', 'CREATE TABLE p (id int PRIMARY KEY, v int, w int); CREATE TABLE "T 2" (id int PRIMARY KEY)');
}
query($publisher, 'cols', q{CREATE EXTENSION schemaguard; CREATE PUBLICATION "some of it" FOR TABLE p, "T 2"; SELECT sg_plan_create('c'), sg_plan_add_drop('c', 'column', 'p', 'v')});
query($subscriber, 'cols', qq{CREATE SUBSCRIPTION s_cols CONNECTION '$address dbname=cols' PUBLICATION "some of it"});
$subscriber->wait_for_subscription_sync($publisher, 's_cols', 'cols');
my $sent = 'publication "some of it" would send the column as _sg_dropped_v, and a subscription stops where a table has no such column';
is($publisher->safe_psql('cols', q{SELECT result, detail FROM sg_plan_check_details('c') WHERE result = 'block'}), "block|$sent", 'preflight blocks a column that would be sent by another name');
query($publisher, 'cols', q{CALL sg_apply('c')});
my $step = q{SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'c'};
is($publisher->safe_psql('cols', $step), "skipped|$sent", 'a plan leaves it');
arrives('cols', 1, 'and replication goes on');
query($publisher, 'cols', q{ALTER PUBLICATION "some of it" SET TABLE p (id, w), "T 2"; CALL sg_apply('c', fail => true)});
is($publisher->safe_psql('cols', $step), 'validated|', 'a publication that sends a list of columns without it has it dropped');
arrives('cols', 2, 'and replication goes on');
query($publisher, 'cols', q{CALL sg_rollback_fks('c', fail => true); ALTER PUBLICATION "some of it" SET TABLE p, "T 2"});
arrives('cols', 3, 'also when it is back');
query($subscriber, 'cols', 'ALTER TABLE p ADD _sg_dropped_v int');
query($publisher, 'cols', q{SET schemaguard.accept_publication = on; CALL sg_apply('c', fail => true)});
arrives('cols', 4, 'so does who accepts that where the subscriber has the column');
$publisher->psql('cols', q{CALL sg_rollback_fks('c')}, stderr => \my $back);
is($publisher->safe_psql('cols', $step), 'validated|not taken back: publication "some of it" would send the column as v, and a subscription stops where there is no such column', 'nor is it sent by its name of before, unasked');
query($publisher, 'cols', "$1$2") if $back =~ /(SET schemaguard\.accept_publication = on;\n)(CALL .*;)/;
is($publisher->safe_psql('cols', $step), 'rolled back|', 'whoever has the column on the subscribers accepts it by the hint');
query($publisher, 'cols', q{CALL sg_apply('c')});
$publisher->psql('cols', q{CALL sg_apply('c')}, stderr => \my $told);
query($publisher, 'cols', $told =~ /(SELECT \S*sg_plan_set\(.*\);)/ ? $1 : 'SELECT 1/0');
query($publisher, 'cols', q{CALL sg_apply('c', fail => true)});
arrives('cols', 5, 'a column that is not kept goes by the hint as it is printed');
query($publisher, 'cols', q{SELECT sg_plan_create('r'), sg_plan_add_rename('r', 'column', 'p', 'x', 'w'), sg_plan_add_rename('r', 'table', '"T 2"', 'T 3')});
is($publisher->safe_psql('cols', q{SELECT step, detail, hint FROM sg_plan_check_details('r') WHERE check_name = 'publication' ORDER BY 1}),
	join("\n", map { "$_->[0]|publication \"some of it\" sends the $_->[1] by its name, and a subscription stops where there is no $_->[2]|On each subscriber, when it has applied what was written before:\n$_->[3];" }
		[ 1, 'column', 'x', 'ALTER TABLE public.p RENAME COLUMN w TO x' ], [ 2, 'table', '"T 3"', 'ALTER TABLE public."T 2" RENAME TO "T 3"' ]),
	'preflight tells of names that are sent');
# what publications that came since send, once a plan is taken back
for ($publisher, $subscriber)
{
	$_->safe_psql('postgres', 'CREATE DATABASE back');
	$_->safe_psql('back', 'CREATE SCHEMA app; CREATE TABLE app.k (id int NOT NULL, v int)');
}
query($publisher, 'back', q{CREATE EXTENSION schemaguard; CREATE TABLE app.r (id int PRIMARY KEY, was int); CREATE TABLE app.old (id int PRIMARY KEY); CREATE TABLE app.gone (id int PRIMARY KEY);
	SELECT sg_plan_create('b'), sg_plan_add_rename('b', 'column', 'app.r', 'became', 'was'), sg_plan_add_rename('b', 'table', 'app.old', 'new'), sg_plan_add_drop('b', 'column', 'app.k', 'v'),
		sg_plan_add_drop('b', 'table', 'app.gone'), sg_plan_add_unique('b', 'app.k', '{id}', primary_key => true); CALL sg_apply('b', fail => true); CREATE PUBLICATION late FOR TABLES IN SCHEMA app; INSERT INTO app.k VALUES (1)});
$publisher->psql('back', q{CALL sg_rollback_fks('b')}, stderr => \$back);
is($publisher->safe_psql('back', q{SELECT step, state, reason FROM schemaguard.plan_step ORDER BY step}), join("\n",
	(map { "$_->[0]|validated|not taken back: publication late would send the $_->[1] as $_->[2], and a subscription stops where there is no such $_->[1]" } [ 1, 'column', 'was' ], [ 2, 'table', 'old' ], [ 3, 'column', 'v' ]),
	'4|rolled back|', '5|validated|not taken back: index k_pkey is the replica identity of app.k, and without one the server refuses to update or delete rows that publication late sends'),
	'what subscribers do not know by the name of before is not taken back, nor a replica identity');
like($back, qr/drop table app\.gone: taken back; publication late sends it, and a subscription stops where there is no app\.gone/, 'a table that comes back is told of');
$publisher->safe_psql('back', 'UPDATE app.k SET id = 2');
$publisher->psql('back', q{SET schemaguard.accept_publication = on; ALTER TABLE app.k REPLICA IDENTITY FULL; CALL sg_rollback_fks('b', fail => true)});
is($publisher->safe_psql('back', q{SELECT count(*) FROM schemaguard.plan_step WHERE state = 'rolled back'}), '5', 'until that is accepted');
# the index of a step that somebody has made the replica identity since
query($publisher, 'back', q{CREATE TABLE app.i (id int NOT NULL); SELECT sg_plan_create('i'), sg_plan_add_index('i', 'app.i', 'UNIQUE (id)', 'i_id'); CALL sg_apply('i', fail => true); ALTER TABLE app.i REPLICA IDENTITY USING INDEX i_id});
$publisher->psql('back', q{CALL sg_rollback_fks('i')});
is($publisher->safe_psql('back', q{INSERT INTO app.i VALUES (1); UPDATE app.i SET id = 2; SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'i'}),
	'validated|not taken back: index i_id is the replica identity of app.i, and without one the server refuses to update or delete rows that publication late sends', 'an index that is the replica identity stays');
$publisher->psql('back', q{ALTER TABLE app.i REPLICA IDENTITY FULL; CALL sg_rollback_fks('i', fail => true)});
is($publisher->safe_psql('back', q{SELECT to_regclass('app.i_id') IS NULL}), 't', '... until the table has another one');
SKIP:
{
	skip 'no publication sends computed columns', 1 if major($publisher) < 18;
	query($publisher, 'back', q{CREATE PUBLICATION computed FOR TABLE app.r WITH (publish_generated_columns = stored);
		SELECT sg_plan_create('g'), sg_plan_add_column('g', 'app.r', 'g', 'int GENERATED ALWAYS AS (id + 1) STORED'), sg_plan_add_column('g', 'app.r', 'h', 'int GENERATED ALWAYS AS (id + 1) VIRTUAL')});
	is($publisher->safe_psql('back', q{SELECT step, detail, hint FROM sg_plan_check_details('g') WHERE check_name = 'publication'}),
		'1|publication computed sends the new column, and a subscription stops where there is no g|Before the call, on each subscriber, add column g, as one that is not generated.', 'a stored computed column is told of where it is sent');
}
query($publisher, 'back', q{CREATE TABLE m (id int) PARTITION BY LIST (id); CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1); CREATE PUBLICATION whole FOR TABLE m; SELECT sg_plan_create('m'), sg_plan_add_rename('m', 'table', 'm1', 'one')});
my $named = q{SELECT coalesce(string_agg(detail, ''), 'none') FROM sg_plan_check_details('m') WHERE check_name = 'publication'};
is($publisher->safe_psql('back', $named), 'publication whole sends the table by its name, and a subscription stops where there is no one', 'a partition of a published table is sent by its own name');
query($publisher, 'back', 'ALTER PUBLICATION whole SET (publish_via_partition_root)');
is($publisher->safe_psql('back', $named), 'none', '... unless by that of the whole');
# ... and one that comes back, too
query($publisher, 'back', q{CREATE SCHEMA parts; CREATE TABLE app.whole (id int) PARTITION BY LIST (id); CREATE TABLE parts.one PARTITION OF app.whole FOR VALUES IN (1); CREATE TABLE parts.two PARTITION OF app.whole FOR VALUES IN (2);
	SELECT sg_plan_create('p'), sg_plan_add_drop('p', 'table', 'parts.one'), sg_plan_create('v'), sg_plan_add_drop('v', 'table', 'parts.two'); CALL sg_apply('p', fail => true); CALL sg_apply('v', fail => true)});
$publisher->psql('back', q{CALL sg_rollback_fks('p', fail => true)}, stderr => \$back);
like($back, qr/publication late sends it, and a subscription stops where there is no parts\.one/, 'a partition that comes back is told of');
$publisher->psql('back', q{ALTER PUBLICATION late SET (publish_via_partition_root); CALL sg_rollback_fks('v', fail => true); ALTER PUBLICATION late SET (publish_via_partition_root = false)}, stderr => \$back);
unlike($back, qr/publication/, '... unless it is sent by the name of the whole');
is($publisher->safe_psql('back', q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'app.whole'::regclass}), '2', '... and both are partitions again');
query($publisher, 'back', 'CREATE PUBLICATION k FOR TABLE app.k');
query($subscriber, 'back', q{CREATE EXTENSION schemaguard; SELECT sg_plan_create('b'), sg_plan_add_rename('b', 'column', 'app.k', 'w', 'v'); CALL sg_apply('b', fail => true)});
query($subscriber, 'back', qq{CREATE SUBSCRIPTION s_back CONNECTION '$address dbname=back' PUBLICATION k WITH (copy_data = false)});
$subscriber->psql('back', q{CALL sg_rollback_fks('b')}, stderr => \$back);
like($back, qr/taken back; subscription s_back writes to it, and stops if rows come for another name than v/, 'what a subscription writes is told of');
query($subscriber, 'back', 'DROP SUBSCRIPTION s_back');
query($publisher, 'cols', q{SELECT sg_plan_create('n'), sg_plan_add_column('n', 'p', 'neu', 'int', fill => 'id'), sg_plan_add_column('n', 'p', 'sum', 'int GENERATED ALWAYS AS (id + 1) STORED')});
is($publisher->safe_psql('cols', q{SELECT step, detail FROM sg_plan_check_details('n') WHERE check_name = 'publication'}),
	'1|publication "some of it" sends the new column, and a subscription stops where there is no neu', 'and of a new column, unless it is computed');
query($subscriber, 'cols', $publisher->safe_psql('cols', q{SELECT substr(hint, strpos(hint, E'\n')) FROM sg_plan_check_details('n') WHERE check_name = 'publication'}));
query($publisher, 'cols', q{CALL sg_apply('n', fail => true)});
arrives('cols', 6, 'with its hint, replication goes on');
query($subscriber, 'cols', q{CREATE EXTENSION schemaguard; SELECT sg_plan_create('n'), sg_plan_add_drop('n', 'column', 'p', 'w'), sg_plan_add_rename('n', 'column', 'p', 'x', 'v'), sg_plan_add_drop('n', 'table', '"T 2"')});
is($subscriber->safe_psql('cols', q{SELECT step, detail, hint FROM sg_plan_check_details('n') WHERE check_name = 'subscription' ORDER BY 1}),
	join("\n", map { "$_->[0]|subscription s_cols writes to public.$_->[1], and stops if rows come for a $_->[2] that it does not find|$_->[3]" }
		[ 1, 'p', 'column', 'Have the column dropped where the rows come from first.' ],
		[ 2, 'p', 'column', "Before the call, stop the subscription, and start it again when the same is done where the rows come from:\nALTER SUBSCRIPTION s_cols DISABLE;" ],
		[ 3, '"T 2"', 'table', "Have the table taken out of the publication where the rows come from, and then:\nALTER SUBSCRIPTION s_cols REFRESH PUBLICATION;" ]),
	'preflight on the subscriber tells of what the subscription would not find');

# ---- names that statements change, by whatever word and from whatever they are changed; and tables that are sent no more

for ($publisher, $subscriber)
{
	$_->safe_psql('postgres', 'CREATE DATABASE named');
	query($_, 'named', q{CREATE EXTENSION schemaguard; CREATE SCHEMA app; CREATE TYPE app.ty AS (id int, v int); CREATE TABLE app.typed OF app.ty (PRIMARY KEY (id)); CREATE TABLE app.t (id int PRIMARY KEY, v int);
		CREATE SCHEMA other; CREATE VIEW app.w AS SELECT 1 AS x; CREATE TABLE heir (own int, PRIMARY KEY (id)) INHERITS (app.typed); CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY LIST (id)});
}
query($publisher, 'named', q{CREATE PUBLICATION named FOR TABLES IN SCHEMA app; CREATE PUBLICATION one FOR TABLE app.t, heir, whole});
query($subscriber, 'named', qq{CREATE SUBSCRIPTION s_named CONNECTION '$address dbname=named' PUBLICATION named, one});
$subscriber->wait_for_subscription_sync($publisher, 's_named', 'named');

# What preflight says of a statement on each side
sub said
{
	my ($node, $sql) = @_;

	query($node, 'named', qq{SELECT sg_plan_create('n', replace => true); SELECT sg_plan_add('n', \$q\$$sql\$q\$)});
	return $node->safe_psql('named', q{SELECT check_name, result, detail FROM sg_plan_check_details('n') WHERE check_name IN ('publication', 'subscription') OR result = 'block' ORDER BY 1, 3});
}

for ([ 'ALTER SCHEMA app RENAME TO app2', 'one, tables by the name of the schema, app2', 'app.t|app.typed', 'table' ],
	[ 'ALTER TYPE app.ty RENAME ATTRIBUTE v TO v2 CASCADE', 'one, the column by its name, v2', 'app.typed', 'column' ],
	[ 'ALTER VIEW app.t RENAME COLUMN v TO v2', 'one, the column by its name, v2', 'app.t', 'column' ],
	[ 'ALTER TABLE ONLY heir RENAME COLUMN own TO n', 'one, the column by its name, n', 'public\.heir', 'column' ],
	[ 'ALTER INDEX app.t RENAME TO t2', 'one, the table by its name, t2', 'app.t', 'table' ],
	[ 'ALTER TABLE app.t SET SCHEMA other', 'one, the table by its name, other.t', 'app.t', 'table' ])
{
	my ($sql, $sent, $table, $what) = @$_;
	my ($publications, $words, $name) = split /, /, $sent;

	like(said($publisher, $sql), qr/^publication\|warn\|publication (named|one|named, one) sends \Q$words\E, and a subscription stops where there is no \Q$name\E$/m, "preflight of $sql");
	like(said($subscriber, $sql), qr/^subscription\|warn\|subscription s_named writes to ($table), and stops if rows come for a $what that it does not find$/, '... and on the subscriber');
}
is(said($publisher, $_) . said($subscriber, $_), '', "nothing is said of $_") for 'ALTER INDEX app.t_pkey RENAME TO key', 'ALTER VIEW app.w RENAME COLUMN x TO y', 'ALTER TABLE whole RENAME TO all_of_it', 'ALTER SCHEMA other RENAME TO another';
is(said($publisher, 'ALTER TYPE app.ty ADD ATTRIBUTE n int CASCADE'), 'publication|warn|publication named, one sends the new column, and a subscription stops where there is no n', 'preflight tells of a column that comes by a type');
like(said($publisher, 'ALTER TYPE app.ty ADD ATTRIBUTE n int'), qr/^names\|block\|cannot alter type "ty" because it is the type of a typed table$/m, 'which the server refuses without CASCADE');
my $named = qr/cannot change table "t" to unlogged because it is (?:part of|referenced by) a publication/;
like(said($publisher, 'ALTER TABLE app.t SET UNLOGGED'), qr/^names\|block\|$named$/, 'the server keeps a table logged that a publication names');
is_error($publisher, 'ALTER TABLE app.t SET UNLOGGED', '55000', $named, '... it does', dbname => 'named');
is(said($publisher, 'ALTER TABLE app.typed SET UNLOGGED'), 'publication|warn|publication named does not send an unlogged table: subscribers keep the rows that they have, and get no more', 'others are told of');
query($publisher, 'named', 'ALTER TABLE app.typed SET UNLOGGED');
is($publisher->safe_psql('named', q{SELECT count(*) FROM pg_publication_tables WHERE tablename = 'typed'}), '0', '... and are not sent any more');
is(said($publisher, 'ALTER TABLE app.typed SET LOGGED'), 'publication|warn|publication named sends the table by its name, and a subscription stops where there is no app.typed', '... until they are logged');
query($publisher, 'named', 'CREATE PUBLICATION chooses FOR TABLE heir (id, v), app.t WHERE (id > 0)');
my $goes = qr/publication\|warn\|publication chooses, named, one sends app\.t, which goes: subscribers keep the rows that they have, and get no more$/;
like(said($publisher, $_), $goes, "preflight of $_") for 'DROP SCHEMA app CASCADE', 'DROP TABLE app.t CASCADE', 'DROP TABLE app.t';
like(said($subscriber, $_), qr/^subscription\|warn\|subscription s_named writes to app\.t(?:yped)?, and stops if rows come for a table that it does not find$/m, '... and on the subscriber')
	for 'DROP SCHEMA app CASCADE', 'DROP TABLE app.t CASCADE', 'DROP TABLE app.t';
is(said($publisher, 'ALTER TYPE app.ty DROP ATTRIBUTE v CASCADE'), 'publication|warn|publication chooses chooses what it sends of app.typed by v, which goes: it sends no row of it then', 'a publication goes without the table whose columns it chooses');
like(said($publisher, 'ALTER TABLE app.t DROP COLUMN id CASCADE'), qr/^publication\|warn\|publication chooses chooses what it sends of app\.t by id, which goes/m, '... or rows');
is(said($subscriber, 'ALTER TYPE app.ty DROP ATTRIBUTE v CASCADE'), 'subscription|warn|subscription s_named writes to app.typed, and stops if rows come for a column that it does not find', '... which a subscription misses');
query($publisher, 'named', q{SELECT sg_plan_create('n', replace => true); SELECT sg_plan_add_statement('n', 'CREATE VIEW app.w2 AS SELECT 1 AS x', undo => 'ALTER TABLE app.t RENAME TO t2')});
is($publisher->safe_psql('named', q{SELECT detail FROM sg_plan_check_details('n') WHERE check_name = 'publication'}),
	'a rollback renames: publication chooses, named, one sends the table by its name, and a subscription stops where there is no t2', 'what takes a step back is read, too');
query($publisher, 'named', 'BEGIN; ALTER TYPE app.ty DROP ATTRIBUTE v CASCADE; CREATE TABLE left_over AS SELECT count(*) AS n FROM pg_publication_tables WHERE pubname = $$chooses$$ AND tablename = $$heir$$; COMMIT');
is($publisher->safe_psql('named', 'TABLE left_over'), '0', '... so it does');
query($publisher, 'named', 'DROP PUBLICATION chooses');
query($publisher, 'named', q{SELECT sg_plan_create('n', replace => true); SELECT sg_plan_add('n', 'ALTER SCHEMA app RENAME TO app2')});
query($subscriber, 'named', $publisher->safe_psql('named', q{SELECT substr(hint, strpos(hint, E'\n')) FROM sg_plan_check_details('n') WHERE check_name = 'publication'}));
query($publisher, 'named', q{CALL sg_apply('n', fail => true); INSERT INTO app2.t VALUES (1, 1)});
ok(wait_for(sub { $subscriber->safe_psql('named', 'SELECT count(*) FROM app2.t') eq '1' }), 'with the hint for a schema, replication goes on');
query($subscriber, 'named', 'DROP SUBSCRIPTION s_named');

# ---- after the accident

subscribe('late');
query($publisher, 'late', 'SET schemaguard.accept_publication = on; CREATE EXTENSION schemaguard');
query($publisher, 'late', 'INSERT INTO p VALUES (1); INSERT INTO "T 2" VALUES (1)');
ok(wait_for(sub { slurp_file($subscriber->logfile) =~ /target relation "schemaguard\.\w+" does not exist/ }), 'accepted: the subscriber stops');
query($subscriber, 'late', 'CREATE EXTENSION schemaguard; TRUNCATE schemaguard.discovery_word, schemaguard.discovery_weight');
arrives('late', 2, 'CREATE EXTENSION on the subscriber: it goes on');
is($subscriber->safe_psql('late', 'SELECT count(*) FROM p'), '2', 'with what it had missed');

# ---- rows that come past triggers

$subscriber->safe_psql('late', q{SET client_min_messages = error; SELECT sg_plan_create('filled');
	SELECT sg_plan_add_column('filled', 'public.p', 'code', 'text', fill => 'md5(random()::text)');
	SELECT sg_plan_add_check('filled', 'public.p', 'id > 0', policy => 'set', child_column => 'id', fill => '1');
	SELECT sg_plan_add_audit_columns('filled', 'public.p', created_by => NULL, modified_by => NULL, modified_at => NULL);
	SELECT sg_plan_add_check('filled', 'public.p', 'id < 1000');
	CREATE TABLE own (id int); SELECT sg_plan_add_column('filled', 'public.own', 'code', 'text', fill => 'md5(random()::text)');
	SELECT sg_plan_add_not_null('filled', 'public.p', 'code')});
is($subscriber->safe_psql('late', q{SELECT DISTINCT step, kind, detail FROM sg_plan_check_details('filled') JOIN schemaguard.plan_step s USING (step) WHERE plan = 'filled' AND check_name = 'subscription' ORDER BY 1, 3}),
	join("\n", map { "$_->[0]|subscription s_late writes to public.p" . ($_->[1] ? ': a row from there that breaks the rule stops it' : ", and the step's trigger does not fire for what it writes") } [ '1|column' ], [ '2|check' ], [ '2|check', 1 ], [ '4|statement' ], [ '5|check', 1 ], [ '7|not null', 1 ]),
	'a step whose trigger does not fire for what a subscription writes, or whose rule can stop it');

$subscriber->safe_psql('late', q{SET client_min_messages = error; SELECT sg_plan_create('behind'), sg_plan_add_column('behind', 'public.p', 'twice', 'int', fill => 'id * 2'); CALL sg_apply('behind', fail => true)});
is($subscriber->safe_psql('late', q{SELECT count(*) FROM sg_plan_check('behind') WHERE check_name = 'filler'}), '0', 'right behind its call a fill is not said to have lost its trigger');
query($publisher, 'late', 'INSERT INTO p VALUES (77)');
ok(wait_for(sub { $subscriber->safe_psql('late', 'SELECT count(*) FROM p WHERE id = 77') == 1 }), 'a row comes past the trigger of a finished step');
my $told = q{SELECT summary FROM sg_status() WHERE summary ~ 'past the trigger of plan behind'};
my $filled = q{SELECT result, observed FROM sg_verify_fks_details('behind') WHERE test = 'filled'};
is($subscriber->safe_psql('late', $filled), 'fail|1 have no value', 'sg_verify_fks counts it');
is($subscriber->safe_psql('late', "ANALYZE p; $told"), 'rows that subscription s_late has written past the trigger of plan behind may have no value in column twice of public.p', 'sg_status tells of it');
$subscriber->safe_psql('late', q{SET client_min_messages = error; CALL sg_apply('behind', fail => true)});
is($subscriber->safe_psql('late', "ANALYZE p; $told; $filled"), 'pass|filled', 'until the next call');
is($subscriber->safe_psql('late', 'SELECT twice FROM p WHERE id = 77'), '154', 'and has its value after the next call');
# a drop that waits for such a fill says why, and how it goes on
$subscriber->safe_psql('late', q{SET client_min_messages = error; CREATE TABLE s2 (id int PRIMARY KEY, v int); INSERT INTO s2 VALUES (1, 1)});
query($publisher, 'late', 'CREATE TABLE s2 (id int PRIMARY KEY, v int)');
query($subscriber, 'late', 'ALTER SUBSCRIPTION s_late REFRESH PUBLICATION WITH (copy_data = false); ' . q{SELECT sg_plan_create('moved'), sg_plan_add_column('moved', 's2', 'w', 'int', fill => 'v + 1'), sg_plan_add_drop('moved', 'column', 's2', 'v'); CALL sg_apply('moved'); CALL sg_apply('moved')});
is($subscriber->safe_psql('late', q{SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'moved' AND step = 2}),
	'waiting|subscription s_late writes rows past the trigger of step 1, column w ON public.s2, so that it never ends to fill them', 'a drop that waits for what a subscription writes past says so');
$subscriber->psql('late', q{CALL sg_apply('moved')}, stderr => \my $ends);
query($subscriber, 'late', $ends =~ /(SELECT \S*sg_plan_release\(.*\);)/ ? "$1 CALL sg_apply('moved', fail => true)" : 'SELECT 1/0');
is($subscriber->safe_psql('late', q{SELECT w FROM s2}), '2', '... and goes on by its hint');
query($publisher, 'late', 'DROP TABLE s2');
my $warned = q{SELECT count(*) FROM sg_plan_check('behind') WHERE check_name = 'subscription'};
$subscriber->safe_psql('late', q{DELETE FROM pg_statistic WHERE starelid = 'p'::regclass});
is($subscriber->safe_psql('late', $warned), '1', 'sg_plan_check warns of that');
isnt($subscriber->safe_psql('late', $told), '', 'and so does sg_status, as long as there are no statistics');
$subscriber->safe_psql('late', $subscriber->safe_psql('late', q{SELECT format('ALTER TABLE p ENABLE ALWAYS TRIGGER %I', tgname) FROM pg_trigger WHERE tgrelid = 'p'::regclass AND tgname ~ '^~schemaguard_fill'}));
is($subscriber->safe_psql('late', "$warned; $told"), '0', 'neither of a trigger that is ENABLE ALWAYS');
query($publisher, 'late', 'INSERT INTO p VALUES (78)');
ok(wait_for(sub { $subscriber->safe_psql('late', 'SELECT twice FROM p WHERE id = 78') eq '156' }), 'which fires');

# ---- an update

SKIP:
{
	my ($old) = map { m,schemaguard--([^-]+)--, } glob("$FindBin::RealBin/../../sql/upgrade/schemaguard--*--*.sql");
	skip 'no version before this one', 1 unless defined $old;
	$publisher->safe_psql('postgres', 'CREATE DATABASE old');
	query($publisher, 'old', "CREATE EXTENSION schemaguard VERSION '$old'; CREATE TABLE p (id int PRIMARY KEY); CREATE PUBLICATION everything FOR ALL TABLES");
	is_error($publisher, 'ALTER EXTENSION schemaguard UPDATE', '55000', qr/would replicate tables or sequences of schemaguard: everything/, 'an update stops', dbname => 'old');
	query($publisher, 'old', hint_of());
	query($publisher, 'old', 'ALTER EXTENSION schemaguard UPDATE');
	is($publisher->safe_psql('old', 'SELECT tablename FROM pg_publication_tables'), 'p', 'the hint as printed, and it goes on');
}

# ---- who owns the database, and is no superuser, dumps it

$subscriber->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE owned OWNER owner');
query($subscriber, 'owned', q{CREATE EXTENSION schemaguard; SELECT sg_grant('owner'); SET ROLE owner; SET search_path = public; CREATE SCHEMA app; CREATE TABLE app.p (id int PRIMARY KEY);
	CREATE TABLE app.c (id int REFERENCES app.p); SELECT sg_orphan_audit_details(); SELECT sg_plan_create('mine'); SELECT sg_snapshot_take('mine')});
my $dump = $subscriber->basedir . '/owned.sql';
my @dump = ('pg_dump', '-h', $subscriber->host, '-p', $subscriber->port, '-U', 'owner', '-f', $dump);
my ($out, $err) = run_command([ @dump, 'owned' ]);
like($err, qr/query would be affected by row-level security policy/, 'pg_dump by the owner says that policies stand in the way');
$subscriber->command_ok([ @dump, '--enable-row-security', 'owned' ], 'with --enable-row-security it dumps what the owner may see');
$subscriber->safe_psql('postgres', 'CREATE DATABASE again');
$subscriber->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', 'again', '-f', $dump ], 'which can be restored');
is($subscriber->safe_psql('again', q{SELECT (SELECT string_agg(name, ' ') FROM schemaguard.plan), (SELECT count(*) FROM schemaguard.proof), (SELECT count(*) FROM schemaguard.snapshot)}), 'mine|1|1', 'and has its rows');
my @without = major($subscriber) >= 17 ? ('--exclude-extension=schemaguard') : ('--exclude-table-data=schemaguard.*');
$subscriber->command_ok([ @dump, @without, 'owned' ], "with $without[0] it dumps all else");
unlike(slurp_file($dump), qr/^COPY schemaguard\./m, 'without our rows');

$_->stop('immediate') for $publisher, $subscriber;
done_testing();
