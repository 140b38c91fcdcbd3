# 177_sync_files.pl: files of sg_sync_files() make a database what the reference is, and their way back what it was.  What lies in wait
# in the texts: each tool's own markers, quotes, line ends, names.  Each tool runs its files where it is installed (Debian: python3-django
# with python3-psycopg2, ruby-activerecord with ruby-pg, sqitch with libdbd-pg-perl; npm: node-pg-migrate with pg, found by NODE_PATH), else
# that is skipped.  psql runs those of tools that are not to be had, by the rules of their documentation.
#
# rooms: sync
# takes: 80 s
# majors: one (clients, and statements that other tests have)
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IPC::Run ();
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('files', without => 1);
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $node->safe_psql('postgres', 'SELECT current_user');
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
delete $ENV{DATABASE_URL};
my $folder;

sub run_it
{
	my (@command) = @_;
	my $out = '';

	IPC::Run::run(\@command, '<', \undef, '>&', \$out, init => sub { chdir $folder or die "$folder: $!\n" }, IPC::Run::timeout(300));
	note(join(' ', @command) =~ s/\n.*//sr . ": $?\n$out") if $?;
	return ($? >> 8, $out);
}

sub ask { my ($sql) = @_; return $node->safe_psql($ENV{PGDATABASE}, "SET search_path = public, sg;\n$sql"); }

# ---- the pair ----

$node->safe_psql('postgres', 'CREATE DATABASE was; CREATE DATABASE shall');
foreach my $database (qw(was shall))
{
	$node->safe_psql($database, q{
		CREATE SCHEMA sg;
		CREATE EXTENSION schemaguard SCHEMA sg;
		CREATE TYPE mood AS ENUM ('a', 'b');
		CREATE TABLE t (id int PRIMARY KEY, x text, m mood, gone int);
		CREATE TABLE "We""ird.T a""; DROP" (id int PRIMARY KEY, "${x} ` """ text DEFAULT E'\\ #{1 + 1}');
		CREATE TABLE old (id int PRIMARY KEY, t_id int REFERENCES t);
		CREATE INDEX ON old (t_id);
		CREATE VIEW v AS SELECT id, x FROM t;
		INSERT INTO t SELECT i, 'x', 'a' FROM generate_series(1, 10) i});
}
$node->safe_psql('was', q{SELECT sg.sg_snapshot_take('was')});
$node->safe_psql('shall', q{
	ALTER TYPE mood ADD VALUE 'c'});
$node->safe_psql('shall', q{
	DROP VIEW v;
	ALTER TABLE t ALTER x TYPE varchar(100), DROP COLUMN gone;
	CREATE VIEW v AS SELECT id, x FROM t;
	CREATE TABLE u (id int PRIMARY KEY, t_id int REFERENCES t, n int CHECK (n > 0), at timestamptz DEFAULT '2026-01-31 10:00+02');
	ALTER TABLE t ADD u_id int REFERENCES u, ADD UNIQUE (u_id), ALTER m SET NOT NULL;
	CREATE INDEX ON t (x);
	CREATE INDEX "i ${x} --> statement-breakpoint" ON t (x) WHERE x <> E'\n-- +goose Down\n';
	DROP TABLE old;
	CREATE TABLE E (id int PRIMARY KEY);
} . qq{
	CREATE TABLE "two\n-- +goose Down\nlines" (id int, "--rollback x" text DEFAULT '\@up\@ \@head\@ END_OF_SQL %s %(x)s :x :''y''');
	COMMENT ON TABLE "two\n-- +goose Down\nlines" IS E'one\\r\\n--rollback DROP TABLE t;\n*/ \$body\$ \$text\$';
	COMMENT ON COLUMN "We""ird.T a""; DROP".id IS '\$\{x\} \\ \\n #{raise} \\\\"';
	CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS \$f\$
-- +goose Down
--\xc2\xa0+goose StatementEnd
-- end of statement
--> statement-breakpoint
--changeset x:y
--rollback DROP TABLE t;
	-- atlas:txmode none
/*
    END_OF_SQL
END_OF_SQL
*/
begin
	-- \\ \\\\ \\n \\x41 """ ''' `\${x}` #{1} %s %% {} \@up\@
    return '\$\$ \$text\$ \$sync\$ \$body\$'; end \$f\$;
	CREATE FUNCTION g() RETURNS text LANGUAGE sql AS E'SELECT ''a\\r\\nb'' \\r\\n';
	CREATE FUNCTION h(int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT \$1; END;
	SELECT sg.sg_snapshot_take('shall')});
my $document = $node->safe_psql('shall', q{SELECT quote_literal(string_agg(l, '')) FROM sg.sg_snapshot_export('shall') l});
$node->safe_psql('was', "SELECT sg.sg_snapshot_import('shall', $document)");
# an empty database, for a baseline
$node->safe_psql('postgres', 'CREATE DATABASE nothing');
$node->safe_psql('nothing', "CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg; SELECT sg.sg_snapshot_take('nothing'), sg.sg_snapshot_import('shall', $document)");

# ---- files ----

# Writes them: paths in the order of the answer, and path => text
sub files
{
	my ($tool, $target, @more) = @_;
	my $files = decode_json(ask("SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM sg_sync_files(" .
		join(', ', "'shall'", "'$target'", "'$tool'", q{allow_drop => true}, q{renames => 'drop'}, q{project => 'shop'}, @more) . ') f'));
	my %text;

	$folder = PostgreSQL::Test::Utils::tempdir();
	foreach my $file (@$files)
	{
		die "$file->{path} is there already" if exists $text{ $file->{path} };
		$text{ $file->{path} } = $file->{content};
		make_path(dirname("$folder/$file->{path}"));
		open my $handle, '>:raw:utf8', "$folder/$file->{path}" or die "$file->{path}: $!";
		print $handle $file->{content};
		close $handle;
	}
	return ([ map { $_->{path} } @$files ], \%text);
}

my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1');

# Messages of one transaction, or none
sub messages
{
	my ($alone, @messages) = @_;

	return 0 unless @messages;
	return (run_it(@psql, $alone ? () : '-1', map { ('-c', $_) } @messages))[0];
}

sub in_order
{
	my ($paths, $pattern, $run) = @_;
	my $status = 0;

	$status ||= $run->($_) foreach grep { $_ =~ $pattern } @$paths;
	return $status;
}

# goose reads lines: internal/sqlparser/parser.go
sub goose
{
	my ($text, $wanted) = @_;
	my ($direction, $inside, @found) = ('', 0);

	foreach my $line (split /\r?\n/, $text)
	{
		# by Go's TrimSpace, which knows more spaces
		if ($line =~ /^--[\s\x{a0}]*\+goose (\w+)\s*$/)
		{
			my $word = $1;
			if ($word =~ /^(?:Up|Down)$/) { die "twice $word" if lc $word eq $direction; $direction = lc $word }
			elsif ($word eq 'StatementBegin') { $inside = 1; push @found, '' if $direction eq $wanted }
			elsif ($word eq 'StatementEnd') { $inside = 0 }
			next;
		}
		die "not in a statement: $line" if !$inside && $line !~ /^(?:--.*)?$/;
		$found[-1] .= "$line\n" if $inside && $direction eq $wanted;
	}
	return @found;
}

sub liquibase
{
	my ($text) = @_;
	my ($head, @rest) = split /^(?=--changeset )/m, $text;
	my ($attributes, @lines) = split /\n/, $rest[0];

	die 'not one changeset' unless @rest == 1;
	return (scalar($attributes =~ /runInTransaction:false/), join("\n", grep { !/^--rollback/ } @lines), map { /^--rollback (?!empty$)(.*)/ ? $1 : () } @lines);
}

# By name: what runs the files, and what takes them back; false: that can't be had here
my %tool = (
	psql => [
		sub { in_order($_[0], qr/(?<!down)\.sql$/, sub { (run_it(@psql, '-f', $_[0]))[0] }) },
		sub { in_order([ reverse @{ $_[0] } ], qr/\.down\.sql$/, sub { (run_it(@psql, '-f', $_[0]))[0] }) } ],
	flyway => [
		sub {
			my ($paths, $text) = @_;
			in_order($paths, qr/\/V.*\.sql$/, sub { die "a placeholder in $_[0]" if $text->{ $_[0] } =~ /\$\{/;
				(run_it(@psql, $text->{"$_[0].conf"} ? () : '-1', '-f', $_[0]))[0] });
		},
		sub { in_order([ reverse @{ $_[0] } ], qr/\/U.*\.sql$/, sub { (run_it(@psql, '-1', '-f', $_[0]))[0] }) } ],
	liquibase => [
		sub { my ($paths, $text) = @_; in_order($paths, qr/\.sql$/, sub { my ($alone, $up) = liquibase($text->{ $_[0] }); messages($alone, $up) }) },
		sub { my ($paths, $text) = @_; in_order([ reverse @$paths ], qr/\.sql$/, sub { my ($alone, $up, @down) = liquibase($text->{ $_[0] }); messages($alone, @down) }) } ],
	goose => [
		map { my $way = $_; sub { my ($paths, $text) = @_; in_order($way eq 'up' ? $paths : [ reverse @$paths ], qr/\.sql$/,
			sub { messages(scalar($text->{ $_[0] } =~ /^-- \+goose NO TRANSACTION$/m), goose($text->{ $_[0] }, $way)) }) } } qw(up down) ],
	atlas => [ sub { my ($paths, $text) = @_; in_order($paths, qr/\.sql$/, sub {
		my ($head, $body) = $text->{ $_[0] } =~ /\A((?:-- atlas:[^\n]*\n)+)\n(.*)\z/s;
		messages(scalar($head =~ /txmode none/), split /^-- end of statement\n/m, $body) }) } ],
	prisma => [ sub { my ($paths, $text) = @_; in_order($paths, qr/\.sql$/, sub { messages(1, $text->{ $_[0] }) }) } ],
	drizzle => [ sub { my ($paths, $text) = @_; messages(0, map { split /--> statement-breakpoint/, $text->{$_} } grep { /\.sql$/ } @$paths) } ],
	django => [ map { my $to = $_; sub { (run_it(python_with('django, psycopg2'), '-W', 'ignore', '-m', 'django', 'migrate', '--settings=settings', 'shop', @$to))[0] } } [], ['zero'] ],
	rails => [ map { my $to = $_; sub { (run_it('ruby', '-W0', 'migrate.rb', @$to))[0] } } [], ['0'] ],
	sqitch => [ [ 'deploy', '--verify' ], [ 'verify' ], [ 'revert', '-y' ] ],
	'node-pg-migrate' => [ [ 'up' ], [ 'down', '999' ] ]);
$tool{sqitch} = [ map { my $do = $_; sub { (run_it(sqitch_with(), '--no-pager', @$do, 'db:pg:'))[0] } } @{ $tool{sqitch} }[0, 2, 1] ];
$tool{'node-pg-migrate'} = [ map { my $do = $_; sub { local $ENV{DATABASE_URL} = "postgresql://$ENV{PGUSER}\@/$ENV{PGDATABASE}?host=$ENV{PGHOST}&port=$ENV{PGPORT}";
	(run_it('node', $ENV{SG_NODE_PG_MIGRATE}, @$do, '--check-order=false'))[0] } } @{ $tool{'node-pg-migrate'} } ];

sub sqitch_with { return $ENV{SG_SQITCH} // 'sqitch'; }

# a shell's python may be another one than the system's
sub python_with
{
	my ($module) = @_;
	my ($python) = grep { eval { IPC::Run::run([ $_, '-c', "import $module" ], '<', \undef, '>&', \my $out) } } qw(python3 /usr/bin/python3);

	return $python // 'python3';
}

my %needs = (
	django => [ 'Django', python_with('django, psycopg2'), '-c', 'import django, psycopg2' ],
	rails => [ 'ActiveRecord', 'ruby', '-e', 'require "active_record"; require "pg"' ],
	sqitch => [ 'sqitch', 'perl', '-MApp::Sqitch', '-MDBD::Pg', '-e', '1' ],
	'node-pg-migrate' => [ 'node-pg-migrate of npm', 'node', '-e', 'require("pg"); require.resolve("node-pg-migrate")' ]);

# What a tool wants beside its migrations
sub beside
{
	my ($tool) = @_;
	my %file = (
		django => { 'shop/__init__.py' => '', 'shop/migrations/__init__.py' => '', 'settings.py' => q{
import os
INSTALLED_APPS = ["shop"]
SECRET_KEY = "x"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "HOST": os.environ["PGHOST"],
                         "PORT": os.environ["PGPORT"], "USER": os.environ["PGUSER"]}}
} },
		rails => { 'migrate.rb' => q{
require "active_record"
ActiveRecord::Base.establish_connection(adapter: "postgresql", host: ENV["PGHOST"], port: ENV["PGPORT"], username: ENV["PGUSER"],
                                        database: ENV["PGDATABASE"])
ActiveRecord::Migrator.migrations_paths = ["db/migrate"]
pool = ActiveRecord::Base.connection_pool
(pool.respond_to?(:migration_context) ? pool : ActiveRecord::Base.connection).migration_context.migrate(ARGV[0] && ARGV[0].to_i)
} },
		sqitch => { 'sqitch.conf' => "[core]\n\tengine = pg\n[user]\n\tname = x\n\temail = x\@localhost\n" });

	append_to_file("$folder/$_", $file{$tool}{$_}) foreach sort keys %{ $file{$tool} // {} };
	return;
}

# What differs, but for what tools keep for themselves
sub drift
{
	my ($reference) = @_;
	return ask(qq{SELECT * FROM sg_drift('$reference') WHERE concat_ws(' ', object, expected, actual) !~ 'django_|schema_migrations|ar_internal|pgmigrations|sqitch|changes|_meta'});
}

foreach my $name (sort keys %tool)
{
	foreach my $from (qw(was nothing))
	{
		my ($run, $back, $more) = @{ $tool{$name} };
		my $there = !$needs{$name} || eval { IPC::Run::run([ @{ $needs{$name} }[1 .. $#{ $needs{$name} }] ], '<', \undef, '>', \my $out, '2>', \my $err) };

		$node->safe_psql('postgres', 'CREATE DATABASE now TEMPLATE ' . $from);
		$ENV{PGDATABASE} = 'now';
		my ($paths, $text) = files($name, 'live');
		SKIP:
		{
			skip "$needs{$name}[0] is not installed here", 1 unless $there;
			local $ENV{PYTHONPATH} = join(':', $folder, $ENV{PYTHONPATH} // ());
			local $ENV{SG_NODE_PG_MIGRATE} = $name eq 'node-pg-migrate' ? (run_it('node', '-p',
				'const p = require("path"), m = require.resolve("node-pg-migrate"); p.join(m.slice(0, m.indexOf("node-pg-migrate") + 15), "bin/node-pg-migrate.js")'))[1] =~ s/\n//r : '';
			beside($name);
			is($run->($paths, $text), 0, "$name from $from: its files run");
			is(drift('shall'), '', "$name from $from: the database is what the reference is");
			is($more->(), 0, "$name from $from: verified") if $more;
			next unless $back;
			is($back->($paths, $text), 0, "$name from $from: their way back runs");
			is(drift($from), '', "$name from $from: the database is what it was");
		}
	}
	continue
	{
		$node->safe_psql('postgres', 'DROP DATABASE now WITH (FORCE)');
	}
}

# A comment is one line, also for JavaScript, and tells Python nothing of the file's encoding, in which the next line could be code
is($node->safe_psql('was', q{SELECT schemaguard.sg_files_told(E'a\u2028b\u2029c Coding: utf-7, coding =latin1 encoding')}), 'a b c Coding -: utf-7, coding - =latin1 encoding',
	'what ends a line or names an encoding is taken out of comments');

done_testing();
