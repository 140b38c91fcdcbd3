# SgSync.pm: one database is made what another one is by the script of sg_sync_sql, and what stands after it is compared.
#
#   my $sync = SgSync->new($node);
#   $sync->clone('edited', 'base');                             # a database like another one; without one: empty
#   my ($good, @failed) = $sync->edit('edited', @statements);   # one by one: what went through
#   my $reference = $sync->keep('edited');                      # its snapshot and its dump
#   my $problem = $sync->round($reference, 'target');           # '' if the target has become it
#
# A round: the snapshot is imported into the target, the script written (drops allowed, with partitions) and run with
# ON_ERROR_STOP, another one written, which must have no statement, the first one run again, and drift asked. Then both
# dumps are compared, and what each column held.
#
# SG_CHECK=1: sg_sync_check judges each script before it runs; what it says against one that is right is a problem, too.
#
# SG_APPLY=1: CALL sg_sync_apply in place of the script; SG_APPLY=2: and sg_rollback_fks, which gives back the schema and the
# values that there were.
#
# SG_RENAMES=follow: what looks renamed is; else it is dropped and created.
#
# SG_WITH=command: another program writes the script, for comparison; it is given TARGET and REFERENCE, which are connection
# strings, and TARGET_DUMP and REFERENCE_DUMP. Then only what it wrote is run, and dumps are compared.
#
# What dumps print differently each time, and is made the same before: columns of a table and attributes of a type come
# in another order, as ADD only appends; IN lists get a cast more each time that they are read; \restrict has a random
# word; FROM within a view gets an alias of its own where a column was renamed; names of NOT NULL constraints (18) are
# cosmetic and left alone.
package SgSync;
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use SgTest;

my $renames = $ENV{SG_RENAMES} // 'drop';

sub new
{
	my ($class, $node, %options) = @_;
	return bless { node => $node, files => "${PostgreSQL::Test::Utils::tmp_check}/sync", number => 0, %options }, $class;
}

sub file { my ($self, $name, $text) = @_; my $file = "$self->{files}_$name"; open my $h, '>', $file or die "$file: $!"; print $h $text; close $h; return $file; }

sub slurp { my ($file) = @_; open my $h, '<', $file or return ''; local $/; return <$h> // ''; }

# psql with a file; what it printed, what it complained of, whether all went well
sub psql
{
	my ($self, $db, $sql) = @_;
	my $file = $self->file('in.sql', $sql);
	my $status = system("psql -XqAt -d '" . $self->{node}->connstr($db) . "' -f '$file' > '$file.out' 2> '$file.err'");
	return (slurp("$file.out"), slurp("$file.err"), $status == 0);
}

sub sql
{
	my ($self, $db, $sql) = @_;
	my ($out, $err, $ok) = $self->psql($db, "\\set ON_ERROR_STOP on\n$sql");
	die "$db: $err\n$sql" if !$ok;
	return $out;
}

sub clone
{
	my ($self, $db, $template) = @_;
	if (!$template && !$self->{empty})
	{
		$template = $self->{empty} = 'sync_empty';
		$self->clone($template, 'template0');
		$self->sql($template, 'CREATE EXTENSION schemaguard');
	}
	$self->sql('postgres', "SET client_min_messages = error;\nDROP DATABASE IF EXISTS $db;\nCREATE DATABASE $db TEMPLATE " . ($template // $self->{empty}) . ';');
}

# A few rows in each table that takes some: row i has i everywhere, so that keys hold
sub fill
{
	my ($self, $db) = @_;
	$self->sql($db, <<'SQL');
SET session_replication_role = replica;
SET client_min_messages = error;
DO $$
DECLARE t record;
BEGIN
    FOR t IN SELECT c.oid::regclass AS name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
            string_agg(CASE y.typcategory WHEN 'N' THEN 'i' WHEN 'S' THEN 'left(i::text, 1)' WHEN 'B' THEN 'i > 1' WHEN 'D' THEN $q$'2026-01-01 00:00:0'||i$q$
                WHEN 'T' THEN $q$i||' days'$q$ WHEN 'E' THEN format($q$(SELECT max(e)::text FROM unnest(enum_range(NULL::%s)) e)$q$, format_type(a.atttypid, NULL))
                WHEN 'A' THEN $q$'{}'$q$ WHEN 'R' THEN $q$'empty'$q$ WHEN 'I' THEN $q$'10.0.0.'||i$q$
                ELSE CASE WHEN format_type(a.atttypid, NULL) = 'uuid' THEN $q$'00000000-0000-0000-0000-00000000000'||i$q$
                    WHEN format_type(a.atttypid, NULL) IN ('json', 'jsonb', 'tsvector') THEN 'i' WHEN format_type(a.atttypid, NULL) = 'bytea' THEN $q$'\x0'||i$q$ ELSE 'NULL' END END, E'\x1f' ORDER BY a.attnum) AS exprs,
            string_agg(format_type(a.atttypid, a.atttypmod), E'\x1f' ORDER BY a.attnum) AS types
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type y ON y.oid = a.atttypid
        WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'schemaguard', 'schemaguard_attic')
          AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
        GROUP BY c.oid
    LOOP
        BEGIN
            EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM generate_series(1, 3) i', t.name, t.columns,
                (SELECT string_agg(format('(%s)::text::%s', e, y), ', ' ORDER BY n)
                 FROM unnest(string_to_array(t.exprs, E'\x1f'), string_to_array(t.types, E'\x1f')) WITH ORDINALITY u (e, y, n)));
        EXCEPTION WHEN OTHERS THEN
        END;
    END LOOP;
    -- an empty period refers to nothing
    IF current_setting('server_version_num')::int >= 180000 THEN
        FOR t IN EXECUTE 'SELECT DISTINCT k.conrelid::regclass AS name FROM pg_constraint k WHERE k.contype = ''f'' AND k.conperiod' LOOP
            EXECUTE format('TRUNCATE %s CASCADE', t.name);
        END LOOP;
    END IF;
END $$;
SQL
}

# What went through, of statements that anybody might run
sub edit
{
	my ($self, $db, @statements) = @_;
	my $sql = "SET client_min_messages = error;\nSET statement_timeout = '30s';\n";
	$sql .= "BEGIN;\n$statements[$_];\n\\if :ERROR\nROLLBACK;\n\\else\nCOMMIT;\n\\if :ERROR\n\\else\n\\echo done $_\n\\endif\n\\endif\n" for 0 .. $#statements;
	my ($out, $err) = $self->psql($db, $sql);
	my %done = map { $_ => 1 } $out =~ /^done (\d+)$/mg;
	return map { $statements[$_] } sort { $a <=> $b } keys %done;
}

sub dump
{
	my ($self, $db) = @_;
	my $out = "$self->{files}_dump";
	system("pg_dump --schema-only -N schemaguard -N schemaguard_attic --no-subscriptions '" . $self->{node}->connstr($db) . "' > '$out' 2> '$out.err'") == 0 or die slurp("$out.err");
	my @parts;
	foreach my $part (split /\n\n+/, slurp($out))
	{
		$part = join "\n", grep { !/^--|^\\(un)?restrict/ } split /\n/, $part;
		if ($part =~ /^CREATE (?:UNLOGGED |FOREIGN )?TABLE|^CREATE TYPE .* AS \(/)
		{
			my ($first, @lines) = split /\n/, $part;
			my $end = 0;
			$end++ while $end < @lines && $lines[$end] !~ /^\)/;
			my @columns = sort map { s/,$//r } @lines[ 0 .. $end - 1 ];
			$part = join "\n", $first, @columns, @lines[ $end .. $#lines ];
		}
		# names that are cosmetic: docs/drift.md
		$part =~ s/CONSTRAINT (?:"(?:[^"]|"")+"|\S+) NOT NULL/NOT NULL/g;
		# casts of IN lists
		$part = join "\n", map { / (?:= ANY|<> ALL) \(/ ? s/::(?:character varying|text|bpchar)(?:\(\d+\))?(?:\[\])?|[()]//gr : $_ } split /\n/, $part;
		# the order of grants, of options and of a function's settings, of which none means anything
		$part = join "\n", sort split /\n/, $part if $part =~ /\A(?:(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) [^\n]*\n?)+\z/;
		$part =~ s/^(WITH \()([^()\n]*)(\);?)$/$1 . join(', ', sort split \/, \/, $2) . $3/gme;
		$part =~ s/((?:^    SET [^\n]*\n){2,})/join '', map { "$_\n" } sort split m{\n}, $1/gme if $part =~ /\ACREATE (?:FUNCTION|PROCEDURE)/;
		push @parts, $part if $part =~ /\S/;
	}
	return [ sort @parts ];
}

# What rows have to have: a value for a column, a row of another table
my $wanted = <<'SQL';
SELECT format('%I.%I', n.nspname, c.relname), a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'schemaguard', 'schemaguard_attic') AND a.attnum > 0 AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
UNION ALL
SELECT format('%I.%I', n.nspname, c.relname), '=' || format('%I.%I', pn.nspname, p.relname) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE k.contype = 'f'
UNION ALL
SELECT format('%I.%I', n.nspname, c.relname), a.attname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) WHERE k.contype = 'f' AND k.confmatchtype = 'f';
SQL
my $offered = <<'SQL';
SELECT format('%I.%I', n.nspname, c.relname), a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT DISTINCT '=', format('=%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p');
SQL

# A snapshot of a database, in a file, and its dump
sub keep
{
	my ($self, $db) = @_;
	my $file = "$self->{files}_" . ++$self->{number} . '.json';
	$self->sql($db, "SELECT sg_snapshot_drop(name) FROM schemaguard.snapshot WHERE name = 'taken';\nSELECT sg_snapshot_take('taken') \\g /dev/null\n\\o $file\nSELECT sg_snapshot_export('taken');\n\\o\nSELECT sg_snapshot_drop('taken');");
	return { db => $db, document => $file, dump => $self->dump($db), wanted => $self->sql($db, $wanted) };
}

# What each column holds that has values of its own
my $values = <<'SQL';
SELECT format('SELECT %L, %L, count(*), md5(string_agg(%s, '','' ORDER BY %s COLLATE "C")) FROM ONLY %I.%I', format('%I.%I.%I', n.nspname, c.relname, a.attname),
    format_type(a.atttypid, a.atttypmod), x.text, x.text, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid, format('%I::text', a.attname) x (text)
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'schemaguard', 'schemaguard_attic') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY n.nspname, c.relname, a.attname \gexec
SQL

# Columns that are there before and after, with the same type, and do not hold the same
sub lost
{
	my ($before, $after) = map { my %h; foreach (split /\n/, $_) { my ($name, $type, @held) = split /\|/; $h{"$name $type"} = "@held"; } \%h } @_;
	return join ', ', grep { exists $after->{$_} && $after->{$_} ne $before->{$_} } sort keys %$before;
}

sub unified
{
	my ($have, $want) = @_;
	my (%have, %want);
	$have{$_}++ for @$have;
	$want{$_}++ for @$want;
	my @lines = ((map { my $x = $_; map { "-$_\n" } split /\n/, $x } grep { !$want{$_} } @$have), (map { my $x = $_; map { "+$_\n" } split /\n/, $x } grep { !$have{$_} } @$want));
	push @lines, "counts differ\n" if !@lines && @$have != @$want;
	return join '', @lines;
}

# Rows that can't be those of the reference, which has a column that may not be null or a table that nobody has filled, go
sub make_room
{
	my ($self, $reference, $db) = @_;
	my %there = map { $_ => 1 } split /\n/, $self->sql($db, $offered);
	my %tables = map { s/\|.*//r => 1 } grep { !$there{$_} && !$there{ s/^.*\|=/=|=/r } } split /\n/, $reference->{wanted};
	my @keys = map { /^(.*)\|=(.*)/ ? [ $1, $2 ] : () } split /\n/, $reference->{wanted};
	while (my @more = grep { $tables{ $_->[1] } && !$tables{ $_->[0] } } @keys) { $tables{ $_->[0] } = 1 for @more; }
	$self->psql($db, join '', "SET client_min_messages = error;\n", map { "TRUNCATE $_ CASCADE;\n" } sort keys %tables);
}

# The same with another program
sub round_with
{
	my ($self, $reference, $db) = @_;
	my $f = "$self->{files}_with";
	local %ENV = %ENV;
	foreach ([ TARGET => $db ], [ REFERENCE => $reference->{db} ])
	{
		my ($side, $name) = @$_;
		$ENV{$side} = "postgresql:///$name?host=" . $self->{node}->host . '&port=' . $self->{node}->port . '&user=' . ($ENV{PGUSER} || getpwuid($<));
		$ENV{"${side}_DUMP"} = "$f.$side";
		system("pg_dump --schema-only -N schemaguard -N schemaguard_attic --no-subscriptions '" . $self->{node}->connstr($name) . "' > '$f.$side'") == 0 or die 'pg_dump failed';
	}
	my $status = system("timeout 60 sh -c '$ENV{SG_WITH}' > '$f.script' 2> '$f.err'");
	$self->{script} = slurp("$f.script");
	# migra exits with 2 where it has found something
	return 'generate: ' . slurp("$f.err") if $status != 0 && $status >> 8 != 2;
	my ($out, $err, $ok) = $self->psql($db, "\\set ON_ERROR_STOP on\nSET client_min_messages = error;\n$self->{script}");
	return "apply: $err" if !$ok;
	my $dump = unified($self->dump($db), $reference->{dump});
	return $dump ? "dump: $dump" : '';
}

# What there is, and what it is written in: nothing is made anew by a script that has run
my $made = q{SELECT x.object, x.oid, x.file FROM (
	SELECT c.oid::regclass::text AS object, c.oid, c.relfilenode AS file FROM pg_class c UNION ALL SELECT p.oid::regprocedure::text, p.oid, 0 FROM pg_proc p UNION ALL
	SELECT format_type(t.oid, NULL), t.oid, 0 FROM pg_type t UNION ALL SELECT o.oid::regoperator::text, o.oid, 0 FROM pg_operator o WHERE o.oprcode::oid <> 0
} . join('', map { sprintf 'UNION ALL SELECT %s, x.oid, 0 FROM %s x ', $_->[1], $_->[0] } (
	[ pg_cast => "'cast'" ], [ pg_constraint => 'x.conname' ], [ pg_trigger => 'x.tgname' ], [ pg_policy => 'x.polname' ], [ pg_opclass => 'x.opcname' ], [ pg_opfamily => 'x.opfname' ],
	[ pg_collation => 'x.collname' ], [ pg_conversion => 'x.conname' ], [ pg_statistic_ext => 'x.stxname' ], [ pg_event_trigger => 'x.evtname' ], [ pg_publication => 'x.pubname' ],
	[ pg_ts_dict => 'x.dictname' ], [ pg_ts_config => 'x.cfgname' ], [ pg_ts_parser => 'x.prsname' ], [ pg_ts_template => 'x.tmplname' ], [ pg_transform => "'transform'" ], [ pg_am => 'x.amname' ],
	[ pg_foreign_data_wrapper => 'x.fdwname' ], [ pg_foreign_server => 'x.srvname' ], [ pg_language => 'x.lanname' ], [ pg_namespace => 'x.nspname' ], [ pg_extension => 'x.extname' ]))
	. q{UNION ALL SELECT r.rulename, r.oid, 0 FROM pg_rewrite r WHERE r.rulename <> '_RETURN') x
	WHERE x.oid >= 16384 AND x.object !~ '^(schemaguard|pg_toast|pg_temp)' ORDER BY x.oid;};

# What takes the reference over, in psql
sub importing
{
	my ($reference) = @_;
	return <<SQL;
\\warn import
SELECT sg_snapshot_drop(name) FROM schemaguard.snapshot WHERE name = 'reference';
\\set document `cat '$reference->{document}'`
SELECT sg_snapshot_import('reference', :'document') \\g /dev/null
\\unset document
SQL
}

# A dump without the columns that a plan keeps
sub dump_without_kept { my ($self, $db) = @_; return [ grep { /\S/ } map { s/^(?: +|COMMENT ON COLUMN \S+\.|ALTER TABLE ONLY \S+ ALTER COLUMN )"?_sg_dropped_.*\n?//mgr } @{ $self->dump($db) } ]; }

# What nothing alters is said by the script
sub told
{
	my ($self, $drift) = @_;
	my @untold = grep { my ($kind, $object) = split /\|/; $self->{script} !~ /^-- left out: \Q$kind $object\E: /m } split /\n/, $drift;
	return (@untold ? 'drift: ' : 'left out: ') . $drift;
}

# The same by a plan
sub round_applied
{
	my ($self, $reference, $db) = @_;
	my $f = "$self->{files}_applied";
	my $back = $ENV{SG_APPLY} > 1;
	my $was = $back ? $self->dump($db) : undef;
	unlink map { "$f.$_" } qw(before after script again drift back);
	my $call = "CALL sg_sync_apply('reference', NULL, true, true, renames => '$renames');";
	my ($out, $err, $ok) = $self->psql($db, <<SQL);
\\set ON_ERROR_STOP on
SET client_min_messages = error;
SET schemaguard.workers = 1;
SET schemaguard.accept_publication = on; -- nobody subscribes
@{[ importing($reference) ]}\\o $f.before
$values
\\o
\\warn apply
$call
\\o $f.after
$values
\\o $f.drift
SELECT kind, object, change, class, property, expected, actual, detail FROM sg_drift_details('reference') WHERE class IN ('drift', 'extra', 'unknown');
\\o $f.script
SELECT * FROM sg_sync_sql('reference', 'live', NULL, true, true, '$renames');
\\o $f.again
SELECT count(*), max(step) FROM schemaguard.plan_step \\g
\\warn apply again
SET client_min_messages = notice;
$call
SET client_min_messages = error;
SELECT count(*), max(step) FROM schemaguard.plan_step \\g
\\o
SQL
	return join ': ', $err =~ /.*^(import|apply|apply again)$/ms, join "\n", grep { !/^(?:import|apply(?: again)?)$/ } split /\n/, $err if !$ok || $err =~ /ERROR/;
	my $drift = slurp("$f.drift");
	my ($first, $second) = split /\n/, slurp("$f.again");
	$self->{script} = slurp("$f.script");
	return 'left out: for what is kept' if $err =~ /stay, for what the plan keeps/;
	return "not empty: $self->{script}" if $self->{script} =~ /^BEGIN;|^\\set /m;
	return $self->told($drift) if $drift =~ /\S/;
	return "not empty: $first steps, then $second" if $first ne $second;
	my $lost = lost(slurp("$f.before"), slurp("$f.after"));
	return "values changed: $lost" if $lost;
	my $dump = unified($self->dump_without_kept($db), $reference->{dump});
	return "dump: $dump" if $dump;
	return '' if !$back;
	($out, $err, $ok) = $self->psql($db, <<SQL);
\\set ON_ERROR_STOP on
SET client_min_messages = error;
SET schemaguard.workers = 1;
SELECT format('CALL sg_rollback_fks(%L, fail => true)', name) FROM schemaguard.plan ORDER BY created_at DESC \\gexec
\\o $f.back
$values
SQL
	return "rollback: $err" if !$ok;
	$lost = lost(slurp("$f.before"), slurp("$f.back")) || lost(slurp("$f.back"), slurp("$f.before"));
	return "values after rollback: $lost" if $lost;
	$dump = unified($self->dump_without_kept($db), $was);
	return $dump ? "dump after rollback: $dump" : '';
}

# What is wrong after the round, or an empty text
sub round
{
	my ($self, $reference, $db) = @_;
	$self->make_room($reference, $db);
	return $self->round_with($reference, $db) if $ENV{SG_WITH};
	my $problem = $ENV{SG_APPLY} ? $self->round_applied($reference, $db) : $self->round_scripted($reference, $db);
	# a person says that two schemas are one
	my %schemas = $problem =~ /schema (\S+) has the contents of schema (\S+), which is missing/g or return $problem;
	$self->sql($db, "INSERT INTO schemaguard.rename (kind, old, new) VALUES ('schema', '$_', '$schemas{$_}')") for keys %schemas;
	return $ENV{SG_APPLY} ? $self->round_applied($reference, $db) : $self->round_scripted($reference, $db);
}

sub round_scripted
{
	my ($self, $reference, $db) = @_;
	my $f = "$self->{files}_round";
	unlink map { "$f.$_" } qw(before script after again made remade drift check);
	my $check = $ENV{SG_CHECK} ? "\\warn check\n\\o $f.check\nSELECT kind, object, change, class, property, expected, actual, detail FROM sg_sync_check_details('reference', 'live', NULL, true, true, renames => '$renames') WHERE NOT left_out;\n\\o" : '';
	my ($out, $err, $ok) = $self->psql($db, <<SQL);
\\set ON_ERROR_STOP on
SET client_min_messages = error;
@{[ importing($reference) ]}\\o $f.before
$values
\\warn generate
\\o $f.script
SELECT * FROM sg_sync_sql('reference', 'live', NULL, true, true, '$renames');
\\o
$check
\\warn apply
\\i $f.script
RESET ALL;
SET client_min_messages = error;
\\o $f.after
$values
\\warn generate again
\\o $f.again
SELECT * FROM sg_sync_sql('reference', 'live', NULL, true, true, '$renames');
\\o
\\o $f.made
$made
\\o
\\warn apply again
\\i $f.script
RESET ALL;
\\o $f.remade
$made
\\o
\\warn drift
\\o $f.drift
SELECT kind, object, change, class, property, expected, actual, detail FROM sg_drift_details('reference') WHERE class IN ('drift', 'extra', 'unknown');
\\o
SQL
	$self->{script} = slurp("$f.script");
	if (!$ok || $err =~ /ERROR/)
	{
		my ($stage) = $err =~ /.*^(import|generate|check|apply|generate again|apply again|drift)$/ms;
		return ($stage // '?') . ': ' . join "\n", grep { !/^(?:import|generate|check|apply|drift|(?:generate|apply) again)$/ } split /\n/, $err;
	}
	my $again = slurp("$f.again");
	return "not empty: $again" if $again =~ /^BEGIN;|^\\set /m;
	my $drift = slurp("$f.drift");
	return $self->told($drift) if $drift =~ /\S/;
	my %made = map { $_ => 1 } split /\n/, slurp("$f.made");
	my @remade = grep { !$made{$_} } split /\n/, slurp("$f.remade");
	return 'made once more: ' . join ', ', @remade if @remade;
	my $lost = lost(slurp("$f.before"), slurp("$f.after"));
	return "values changed: $lost" if $lost;
	my $dump = unified($self->dump($db), $reference->{dump});
	my $judged = slurp("$f.check");
	return $dump ? "dump: $dump" : $judged =~ /\S/ ? "check: $judged" : '';
}

1;
