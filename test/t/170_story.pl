# 170_story.pl: a DBA's evening: MusicBrainz, made messy, and a plan of 60 steps of all kinds, beside an application.
#
# A step that fails, a cancel, and kill -9 in the middle; the plan goes on each time.  Half of it is taken back, then all.  No row is lost or
# doubled, no call of the application fails, and catalog and rows are those of before.
#
# The tables are those that the plan is about, with SG_LONG all of the schema, and 20 times the rows.
#
# rooms: change undo fix
# takes: 40 s
# majors: one (load; what kinds do is in regression tests)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use SgLoad;
use SgTest;

my $corpus = ($ENV{CORPUS} || "$FindBin::RealBin/../../../shared/corpus") . '/musicbrainz';
plan skip_all => "no schema in $corpus" if !-e "$corpus/tables.tsv";

my $node = new_node('story', conf => "max_connections = 40\nrestart_after_crash = on\nschemaguard.fix_limit = -1\nschemaguard.fix_pause = 0\n");
my $times = long_run() ? 20 : 1;
my $begin = time;

# ---------------------------------------------------------------------------------------------------------------------
# The schema from its facts, without foreign keys

sub facts { my ($file) = @_; return map { chomp; [ map { $_ eq '\N' ? undef : $_ } split /\t/, $_, -1 ] } split /^/, slurp_file("$corpus/$file.tsv"); }

my %wanted = map { $_ => 1 } qw(annotation area area_type artist artist_alias artist_annotation artist_credit artist_credit_name artist_tag artist_type editor gender isrc label
  label_type language medium medium_format recording release release_group release_label release_status tag track work work_type);
sub wanted { my ($schema, $table) = @_; return $schema eq 'musicbrainz' && (long_run() || $wanted{$table}); }

my (%columns, $ddl);
push @{ $columns{ $_->[1] } }, $_ foreach grep { wanted(@$_) } facts('columns');
for my $table (sort keys %columns)
{
	$ddl .= "CREATE TABLE mb.$table (" . join(', ', map {
		my ($schema, undef, undef, $name, $type, $not_null, $default) = @$_;
		# types of the schema's own are not in the facts
		$type = 'text' if $type =~ /\./;
		$default = $default eq 't' ? { integer => $name eq 'id' ? '' : 'DEFAULT 0', smallint => 'DEFAULT 0', boolean => 'DEFAULT false', 'timestamp with time zone' => "DEFAULT '2020-01-01'", text => "DEFAULT ''" }->{$type} // ($type =~ /char/ ? "DEFAULT ''" : '') : '';
		ident($name) . " $type $default" . ($not_null eq 't' ? ' NOT NULL' : '');
	} @{ $columns{$table} }) . ");\n";
}
# the plan makes some unique itself
my $own = qr/^(isrc_idx|work_idx_gid|tag_idx_name|medium_uniq)/;
$ddl .= "ALTER TABLE mb.$_->[1] ADD CONSTRAINT $_->[2] " . ($_->[3] eq 'primary' ? 'PRIMARY KEY' : 'UNIQUE') . ' (' . ($_->[4] =~ tr/{}//dr) . ");\n"
  foreach grep { wanted(@$_) && $_->[2] !~ $own } facts('keys');

# ---------------------------------------------------------------------------------------------------------------------
# Rows: those with numbers up to $n are good, those behind are messy

my $n = 2000 * $times;
$ddl .= <<"SQL";
INSERT INTO mb.area_type (id, name, gid) SELECT g, 'type ' || g, gen_random_uuid() FROM generate_series(1, 5) g;
INSERT INTO mb.artist_type SELECT g, 'type ' || g, nullif(g - 1, 0), 0, NULL, gen_random_uuid() FROM generate_series(1, 5) g;
INSERT INTO mb.label_type SELECT * FROM mb.artist_type;
INSERT INTO mb.work_type SELECT * FROM mb.artist_type;
INSERT INTO mb.gender SELECT * FROM mb.artist_type;
INSERT INTO mb.release_status SELECT * FROM mb.artist_type;
INSERT INTO mb.medium_format (id, name, gid) SELECT g, 'format ' || g, gen_random_uuid() FROM generate_series(1, 5) g;
INSERT INTO mb.language (id, name) SELECT g, 'language ' || g FROM generate_series(1, 5) g;
INSERT INTO mb.area (id, gid, name, type) SELECT g, gen_random_uuid(), 'area ' || g, 1 + g % CASE WHEN g > 90 THEN 9 ELSE 5 END FROM generate_series(1, 100) g;
INSERT INTO mb.editor (id, name, password, ha1, area, gender) SELECT g, 'editor ' || least(g, 195), 'x', 'y', 1 + g % 90, 1 + g % 5 FROM generate_series(1, 200) g;
INSERT INTO mb.annotation (id, editor, text) SELECT g, CASE WHEN g > $n THEN 900 ELSE 1 + g % 200 END, 'text ' || g FROM generate_series(1, $n + 20) g;
INSERT INTO mb.artist (id, gid, name, sort_name, area, begin_area, type, gender, begin_date_month)
	SELECT g, gen_random_uuid(), 'Artist ' || g, 'artist ' || g, CASE WHEN g > $n THEN 700 + g % 9 ELSE 1 + g % 90 END, CASE WHEN g <= 50 THEN -1 END, CASE WHEN g % 7 > 0 THEN 1 + g % 5 END, 1 + g % 5, CASE WHEN g > $n + 20 THEN 13 ELSE g % 13 END
	FROM generate_series(1, $n + 100) g;
UPDATE mb.artist SET begin_date_month = NULL WHERE begin_date_month = 0;
INSERT INTO mb.artist_alias (id, artist, name, sort_name) SELECT g, CASE WHEN g > $n THEN 99999999 ELSE g END, 'alias ' || g, 'x' FROM generate_series(1, $n + 30) g;
INSERT INTO mb.artist_annotation SELECT g, g FROM generate_series(1, $n + 20) g;
INSERT INTO mb.artist_credit (id, name, artist_count, gid) SELECT g, 'credit ' || g, 1, gen_random_uuid() FROM generate_series(1, $n) g;
INSERT INTO mb.artist_credit_name SELECT g, 0, g, 'name ' || g, '' FROM generate_series(1, $n + 10) g;
INSERT INTO mb.tag SELECT g, CASE WHEN g > 290 THEN 'tag 1' ELSE 'tag ' || g END, 0 FROM generate_series(1, 300) g;
INSERT INTO mb.artist_tag (artist, tag, count) SELECT g, 1 + g % 300, 1 FROM generate_series(1, $n) g;
INSERT INTO mb.label (id, gid, name, type, area, label_code, comment) SELECT g, gen_random_uuid(), 'Label ' || g, 1 + g % 5, nullif(1 + g % 90, 50), g, 'c' || g FROM generate_series(1, 500) g;
INSERT INTO mb.release_group (id, gid, name, artist_credit) SELECT g, gen_random_uuid(), 'group ' || g, 1 + g % ($n / 2) FROM generate_series(1, $n) g;
INSERT INTO mb.release (id, gid, name, artist_credit, release_group, status, language, barcode)
	SELECT g, gen_random_uuid(), 'Release ' || g, 1 + g % $n, CASE WHEN g > $n THEN -g ELSE g END, 1 + g % 5, 1 + g % 5, CASE WHEN g % 11 > 0 THEN 'b' || g END FROM generate_series(1, $n + 40) g;
INSERT INTO mb.release_label (id, release, label, catalog_number) SELECT g, 1 + g % ($n + 40), 1 + g % 500, 'cat' || g FROM generate_series(1, $n) g;
INSERT INTO mb.medium (id, release, position, format, gid) SELECT g, g, 1, CASE WHEN g > $n THEN 77 ELSE 1 + g % 5 END, gen_random_uuid() FROM generate_series(1, $n + 40) g;
INSERT INTO mb.recording (id, gid, name, artist_credit, length) SELECT g, gen_random_uuid(), 'Recording ' || g, 1 + g % $n, CASE WHEN g > $n * 2 THEN -1 WHEN g % 5 > 0 THEN g END FROM generate_series(1, $n * 2 + 60) g;
INSERT INTO mb.track (id, gid, recording, medium, position, number, name, artist_credit, length)
	SELECT g, gen_random_uuid(), 1 + g % ($n * 2 + 70), 1 + g % ($n + 40), g, g, 'Track ' || g, 1 + g % $n, CASE WHEN g % 9 > 0 THEN g END FROM generate_series(1, $n * 4) g;
INSERT INTO mb.isrc (id, recording, isrc) SELECT g, g, CASE WHEN g > $n THEN 'ISRC1' ELSE 'ISRC' || g END FROM generate_series(1, $n + 10) g;
UPDATE mb.isrc SET recording = 1 WHERE id > $n;
INSERT INTO mb.work (id, gid, name, type, comment) SELECT g, gen_random_uuid(), 'Work ' || g, 1 + g % 5, 'c' || g FROM generate_series(1, $n) g;

CREATE FUNCTION mb.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.last_updated := ''2021-01-01''; RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON mb.release FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION mb.touch();
CREATE TRIGGER touch BEFORE UPDATE ON mb.work FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION mb.touch();
CREATE TABLE mb.old_charts (id int PRIMARY KEY, release int REFERENCES mb.release, place int);
INSERT INTO mb.old_charts SELECT g, g, g FROM generate_series(1, 300) g;
CREATE VIEW mb.long_tracks AS SELECT id, name FROM mb.track WHERE length > 600000;
ALTER TABLE mb.label ADD CONSTRAINT label_code CHECK (label_code > 0), ADD CONSTRAINT label_fk_type FOREIGN KEY (type) REFERENCES mb.label_type;
ALTER TABLE mb.medium ADD CONSTRAINT medium_position CHECK (position > 0);
CREATE INDEX release_idx_barcode ON mb.release (barcode);
CREATE INDEX label_idx_name ON mb.label (name);

-- what the application has done, in the transactions that did it
CREATE SCHEMA app;
CREATE TABLE app.came (tab text, id int, PRIMARY KEY (tab, id));
CREATE TABLE app.changed (tab text, id int);
CREATE SEQUENCE app.ids START 100000000;
-- the rows of before
CREATE TABLE app.before (tab text, v jsonb);
SQL
$node->safe_psql('postgres', "CREATE SCHEMA mb; $ddl ANALYZE;");

# Each row that the application has not made, with all of its values but how often it has changed it, and what policy "set null" may lose
my $rows = join ' UNION ALL ', map { "SELECT '$_', to_jsonb(x) - '{edits_pending,begin_area}'::text[] FROM mb.$_ x" . ((grep { $_->[3] eq 'id' } @{ $columns{$_} }) ? ' WHERE id < 100000000' : '') } sort(keys %columns), 'old_charts';
$node->safe_psql('postgres', "INSERT INTO app.before $rows");

sub dump_of
{
	my ($out, $err);
	IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, '--schema-only', '-n', 'mb', 'postgres' ], '>', \$out, '2>', \$err) or die "pg_dump: $err";
	return $out =~ s/^\\(un)?restrict .*\n//mgr;
}
my $dump = dump_of();

# ---------------------------------------------------------------------------------------------------------------------
# The plan

my %fk = map { $_->[11] => $_ } grep { wanted(@$_) && wanted(@{$_}[ 3, 4 ]) } facts('fks');
sub fk
{
	my ($name, $options) = @_;
	my $k = $fk{$name} // die "no key $name";
	return [ "ALTER TABLE mb.$k->[1] ADD CONSTRAINT $name FOREIGN KEY (" . ($k->[2] =~ tr/{}//dr) . ") REFERENCES mb.$k->[4] (" . ($k->[5] =~ tr/{}//dr) . ')' . ($k->[6] eq 'NO ACTION' ? '' : " ON DELETE $k->[6]"), $options ];
}

my $slug = q{lower(replace(name, ' ', '-'))};
my @story = (
	# keys, some with orphans
	fk('area_fk_type', '"policy": "quarantine"'), fk('artist_fk_area', '"policy": "quarantine"'), fk('artist_fk_begin_area', '"policy": "set null"'), fk('artist_fk_type'), fk('artist_fk_gender'), fk('artist_alias_fk_artist', '"policy": "quarantine"'),
	fk('annotation_fk_editor', '"policy": "quarantine"'), fk('artist_annotation_fk_annotation', '"policy": "quarantine"'), fk('artist_annotation_fk_artist', '"policy": "quarantine"'), fk('artist_credit_name_fk_artist', '"policy": "quarantine"'),
	fk('artist_credit_name_fk_artist_credit', '"policy": "quarantine"'), fk('artist_tag_fk_artist'), fk('artist_tag_fk_tag', '"policy": "quarantine"'), fk('label_fk_area'), fk('recording_fk_artist_credit'), fk('release_fk_artist_credit'),
	fk('release_fk_release_group', '"policy": "quarantine"'), fk('release_fk_status'), fk('release_label_fk_release', '"policy": "quarantine"'), fk('release_label_fk_label'), fk('medium_fk_release', '"policy": "quarantine"'),
	fk('medium_fk_format', '"policy": "quarantine"'), fk('track_fk_medium', '"policy": "quarantine"'), fk('track_fk_recording', '"policy": "quarantine"'), fk('isrc_fk_recording', '"policy": "quarantine"'),
	# rules
	[ q{ALTER TABLE mb.artist ADD CONSTRAINT artist_month CHECK (begin_date_month BETWEEN 1 AND 12)}, '"policy": "set", "child_columns": "{begin_date_month}", "fill": "NULL"' ],
	[ q{ALTER TABLE mb.recording ADD CONSTRAINT recording_length CHECK (length > 0)}, '"policy": "quarantine"' ],
	[ q{ALTER TABLE mb.track ADD CONSTRAINT track_position CHECK (position > 0)} ],
	[ q{ALTER TABLE mb.artist ADD CONSTRAINT artist_name CHECK (name <> '')} ],
	[ q{ALTER TABLE mb.track ALTER length SET NOT NULL}, '"policy": "set", "fill": "0"' ],
	[ q{ALTER TABLE mb.artist ALTER type SET NOT NULL}, '"policy": "set", "fill": "1"' ],
	# the one that fails: some labels have no area
	[ q{ALTER TABLE mb.label ALTER area SET NOT NULL}, '"name": "label_area"' ],
	[ q{ALTER TABLE mb.isrc ADD CONSTRAINT isrc_once UNIQUE (isrc, recording)}, '"policy": "quarantine", "keep_by": "id"' ],
	[ q{ALTER TABLE mb.tag ADD CONSTRAINT tag_once UNIQUE (name)}, '"policy": "quarantine", "keep_by": "id"' ],
	[ q{ALTER TABLE mb.medium ADD CONSTRAINT medium_once UNIQUE (release, position)} ],
	# columns and defaults
	[ q{ALTER TABLE mb.artist ADD slug text}, qq{"fill": "$slug"} ],
	[ q{ALTER TABLE mb.track ADD seconds int}, '"fill": "length / 1000"' ],
	[ q{ALTER TABLE mb.recording ADD token uuid DEFAULT gen_random_uuid()} ],
	[ q{ALTER TABLE mb.release ADD search text}, q{"fill": "lower(name)"} ],
	[ q{ALTER TABLE mb.work ADD note text DEFAULT 'none'} ],
	[ q{ALTER TABLE mb.artist ALTER comment SET DEFAULT 'new'} ],
	[ q{ALTER TABLE mb.label ALTER comment SET DEFAULT 'new'} ],
	[ q{ALTER TABLE mb.artist ALTER slug SET NOT NULL}, '"phase": "new version"' ],
	# indexes
	[ q{CREATE INDEX recording_idx_name ON mb.recording (lower(name))} ],
	[ q{CREATE INDEX track_idx_name ON mb.track (name) WHERE length > 0} ],
	[ q{CREATE UNIQUE INDEX work_gid ON mb.work (gid)} ],
	[ q{CREATE INDEX artist_idx_slug ON mb.artist (slug)} ],
	# tables
	[ q{CREATE TABLE mb.artist_rating (artist int PRIMARY KEY, rating smallint NOT NULL CHECK (rating BETWEEN 0 AND 100))} ],
	[ q{CREATE TABLE mb.release_note (id int PRIMARY KEY, release int, text text)} ],
	# drops and renames
	[ q{ALTER TABLE mb.label DROP COLUMN label_code}, '"after": "label_area"' ],
	[ q{DROP TABLE mb.old_charts} ],
	[ q{DROP VIEW mb.long_tracks} ],
	[ q{ALTER TABLE mb.medium DROP CONSTRAINT medium_position} ],
	[ q{DROP TRIGGER touch ON mb.work} ],
	[ q{ALTER TABLE mb.work RENAME comment TO disambiguation} ],
	[ q{ALTER TABLE mb.isrc RENAME TO isrc_code} ],
	[ q{ALTER INDEX mb.label_idx_name RENAME TO label_name} ],
	# statements
	[ q{COMMENT ON TABLE mb.artist IS 'who sings'}, '"undo": "COMMENT ON TABLE mb.artist IS NULL"' ],
	[ q{UPDATE mb.label SET name = name || '!' WHERE id <= 100}, q{"undo": "UPDATE mb.label SET name = rtrim(name, '!') WHERE id <= 100"} ],
	[ q{CREATE STATISTICS mb.track_stats ON recording, medium FROM mb.track}, '"undo": "DROP STATISTICS mb.track_stats"' ]);

my $s = SgTest::Session->new($node);
my ($calls, $look_ups) = (0, 0);

# A call of the DBA, which has to end with this SQLSTATE
sub call
{
	my ($sql, $state) = @_;

	$calls++;
	$s->query($sql);
	is($s->sqlstate, $state // '', "$sql: " . ($state // 'done')) or diag($s->{err});
	return $s->{err};
}

sub text_of { return '{' . join(',', @_) . '}'; }

sub ask { my ($sql) = @_; $look_ups++; return $s->query($sql); }

call(q{SELECT sg_plan_create('story')});
for (@story)
{
	$s->query("SELECT sg_plan_add('story', " . lit($_->[0]) . ', ' . lit('{' . ($_->[1] // '') . '}') . ')');
	diag("$_->[0]: $s->{err}") if $s->sqlstate;
}
is($s->query(q{SELECT count(*) || ' of ' || count(DISTINCT kind) || ' kinds' FROM schemaguard.plan_step WHERE plan = 'story'}), '60 of 11 kinds', 'the plan has its steps');
my %step = map { @$_ } rows($node, q{SELECT coalesce(fk_name, new_name, definition, kind), step FROM schemaguard.plan_step WHERE plan = 'story'});
# ---------------------------------------------------------------------------------------------------------------------
# The application: six clients, two of which write child before parent, and one holds its transaction for a while

my %app = (
	change => qq{
		\\set id random(1, $n + 100)
		WITH u AS (UPDATE mb.artist SET edits_pending = edits_pending + 1 WHERE id = :id RETURNING id) INSERT INTO app.changed SELECT 'artist', id FROM u;
		\\set id random(1, $n * 2 + 60)
		WITH u AS (UPDATE mb.recording SET edits_pending = edits_pending + 1 WHERE id = :id RETURNING id) INSERT INTO app.changed SELECT 'recording', id FROM u;
		\\set id random(1, 500)
		WITH u AS (UPDATE mb.label SET edits_pending = edits_pending + 1 WHERE id = :id RETURNING id) INSERT INTO app.changed SELECT 'label', id FROM u;
	},
	add => qq{
		\\set id random(1, $n / 2)
		BEGIN;
		WITH i AS (INSERT INTO mb.track (id, gid, recording, medium, position, number, name, artist_credit, length) SELECT g, gen_random_uuid(), :id, :id, g, 'n', 'New', :id, 5000 FROM nextval('app.ids') g RETURNING id) INSERT INTO app.came SELECT 'track', id FROM i;
		WITH i AS (INSERT INTO mb.artist (id, gid, name, sort_name, area, type) SELECT g, gen_random_uuid(), 'New', 'new', 1, 1 FROM nextval('app.ids') g RETURNING id) INSERT INTO app.came SELECT 'artist', id FROM i;
		COMMIT;
	},
	child_first => qq{
		\\set id random(1, $n / 2)
		BEGIN;
		WITH i AS (INSERT INTO mb.artist_alias (id, artist, name, sort_name) SELECT g, :id, 'New', 'new' FROM nextval('app.ids') g RETURNING id) INSERT INTO app.came SELECT 'artist_alias', id FROM i;
		WITH u AS (UPDATE mb.artist SET edits_pending = edits_pending + 1 WHERE id = :id RETURNING id) INSERT INTO app.changed SELECT 'artist', id FROM u;
		COMMIT;
	},
	parent_first => qq{
		\\set id random(1, $n / 2)
		BEGIN;
		WITH u AS (UPDATE mb.medium SET edits_pending = edits_pending + 1 WHERE id = :id RETURNING id) INSERT INTO app.changed SELECT 'medium', id FROM u;
		WITH u AS (UPDATE mb.track SET edits_pending = edits_pending + 1 WHERE id = :id RETURNING id) INSERT INTO app.changed SELECT 'track', id FROM u;
		\\sleep 20 ms
		COMMIT;
	});
my $load;

sub begin_load
{
	my %scripts = (%app, @_);
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM app.changed');
	my @scripts;

	for my $name (sort keys %scripts)
	{
		my $file = $node->basedir . "/$name.sql";
		unlink $file;
		append_to_file($file, $scripts{$name} =~ s/^\s+//mgr);
		push @scripts, '-f', $file;
	}
	$load = { out => '', err => '' };
	$load->{run} = IPC::Run::start([ 'pgbench', '--no-vacuum', '-h', $node->host, '-p', $node->port, '-c', 6, '-j', 1, '-T', 3600, @scripts, 'postgres' ], '>', \$load->{out}, '2>', \$load->{err});
	wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM app.changed') > $before + 50 }) or die "no load: $load->{err}";
	return;
}

# What failed, but for sessions that ended with the server
sub end_load
{
	$load->{run}->signal('INT');
	eval { $load->{run}->finish };
	return join "\n", grep { /ERROR/ } split /\n/, $load->{err};
}

# ---------------------------------------------------------------------------------------------------------------------
# The evening

# A call that stands still at a place of a step until it is cancelled or killed
install_traps($node);
sub held
{
	my ($place, $name) = @_;

	$calls++;
	set_trap($node, $place, $step{$name} // die "no step $name");
	$s->send(q{CALL sg_apply('story', fix => true)});
	return wait_trapped($node);
}

begin_load();
ok(held('after add', 'track_fk_medium'), 'the first call stands in the middle of a key');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($s->{pid})");
$s->collect;
is($s->sqlstate, '57014', 'it is cancelled');
spring_traps($node);

ok(held('after validate', 'recording_length'), 'the second one stands in the middle of a check');
is(end_load(), '', 'no call of the application has failed');
kill 'KILL', $s->{pid};
$s->collect;
$s->quit;
# a psql that is refused before it has read its input breaks the pipe, which is an exception
wait_for(sub { (eval { $node->psql('postgres', 'DELETE FROM trap') } // 1) == 0 }) or die 'the server does not come back';
$s = SgTest::Session->new($node);
begin_load();

call(q{CALL sg_apply('story', fix => true)});
my $left = q{SELECT string_agg(concat_ws(' ', fk_name, state, reason), E'\n' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'story' AND state <> 'validated' AND phase IS NULL};
like(ask($left), qr/^label_area failed \d+ rows break it\nlabel_code waiting waits for step $step{label_area}, not null label_area ON mb.label \(failed\)$/, 'the third call does all but a step whose rows break it, and the drop behind it');
call(qq{SELECT sg_plan_set('story', '{$step{label_area}}', '{"policy": "set", "fill": "1"}')});
call(q{CALL sg_apply('story', fix => true, fail => true)});
is(ask($left), '', 'all steps are done but the one of the next phase');
is(ask('SELECT count(*) FROM mb.artist WHERE slug IS DISTINCT FROM ' . $slug), '0', 'rows that came meanwhile have their values');
is(end_load(), '', 'no call of the application has failed');

# its next version gives the new column a value itself
begin_load(add => $app{add} =~ s/type\) SELECT (.*?), 1, 1 FROM/type, slug) SELECT $1, 1, 1, 'new' FROM/r);
call(q{SELECT sg_plan_release('story', 'new version')});
call(q{CALL sg_apply('story', fix => true, fail => true)});
is(ask(q{SELECT string_agg(concat_ws(' ', fk_name, test, observed, reason), E'\n') FROM sg_verify_fks_details('story') WHERE result <> 'pass' AND reason !~ '^nothing but the plan says so'}), '', 'all is there, and holds');
my $kept = $s->query(q{SELECT count(*) FROM schemaguard.quarantine WHERE plan = 'story'});
cmp_ok($kept, '>', 300, "rows are in quarantine: $kept");
call(qq{CALL sg_rollback_fks('story', steps => '{$step{artist_slug_not_null}}')});
is(end_load(), '', 'no call of that version has failed');

begin_load();
call(q{CALL sg_rollback_fks('story', steps => '} . text_of(31 .. 60) . q{')});
call(q{CALL sg_rollback_fks('story')});
my $not_back = q{SELECT string_agg(concat_ws(' ', fk_name, state, reason), E'\n' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'story' AND (state <> 'rolled back' OR reason IS NOT NULL)};
my $lost = 'artist_fk_begin_area rolled back left alone: rows that were changed stay so: 50';
like(ask($not_back), qr/^$lost\ntoken validated not taken back: it holds \d+ values that the step may not have given it: its default is not immutable\nupdate rolled back 100 rows changed, without a copy$/, 'all is taken back, but what the policy has lost, what the undo of a statement has changed, and a column of values that cannot be made again');
call('ALTER TABLE mb.recording DROP COLUMN token');
call(q{CALL sg_rollback_fks('story', steps => } . "'{$step{token}}')");
is(ask($not_back), "$lost\ntoken rolled back left alone: it is gone\nupdate rolled back 100 rows changed, without a copy", '... which is dropped by hand');
is(end_load(), '', 'no call of the application has failed');

# ---------------------------------------------------------------------------------------------------------------------
# As before

is_text(dump_of(), $dump, 'the catalog is that of before');
is($s->query(q{SELECT count(*) FROM schemaguard.quarantine}), '0', 'no row is left in quarantine');
is($s->query("SELECT string_agg(concat_ws(' ', what, tab, v), E'\n') FROM (SELECT * FROM (SELECT 'gone' AS what, * FROM (SELECT * FROM app.before EXCEPT ALL ($rows)) g UNION ALL SELECT 'new', * FROM (SELECT * FROM ($rows) r EXCEPT ALL SELECT * FROM app.before) n) x LIMIT 20) y"),
	'', 'no row is lost, doubled or changed');
is($s->query(join ' UNION ALL ', map { "SELECT '$_: ' || id FROM (SELECT id FROM mb.$_ WHERE id >= 100000000 EXCEPT ALL SELECT id FROM app.came WHERE tab = '$_') x UNION ALL SELECT '$_: ' || id FROM (SELECT id FROM app.came WHERE tab = '$_' EXCEPT ALL SELECT id FROM mb.$_) x" } qw(track artist artist_alias)),
	'', 'nor one of the application');
is($s->query(join ' UNION ALL ', map { "SELECT '$_: ' || id FROM mb.$_ LEFT JOIN (SELECT id, count(*) AS n FROM app.changed WHERE tab = '$_' GROUP BY id) c USING (id) WHERE edits_pending <> coalesce(n, 0)" } qw(artist recording label medium track)), '', 'nor a change of its');
is($s->query("SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('schemaguard_attic')"), '0', 'nothing is left in the attic');
note(sprintf '60 steps, %d rows in quarantine, %d calls, %d look-ups, %d s, beside %d rows that came and %d changes', $kept, $calls, $look_ups, time - $begin, map { $s->query("SELECT count(*) FROM app.$_") } qw(came changed));

$s->quit;
$node->stop('immediate');
done_testing();
