# 013_recipes.pl: the recipes of docs/recipes/ do what they say.  Files, statements and commands are taken from the pages:
#
#   - a block that begins with a comment with a path is that file
#   - migrations, and scripts in Python and JavaScript: their SQL is sent by psql in the way of the tool (one statement alone, a
#     file as one message, a transaction); then by the tool itself, where it is installed (Debian: python3-django,
#     python3-psycopg2, python3-psycopg, ruby-activerecord with ruby-pg; npm: pg, found by NODE_PATH), else that is skipped.
#     Prisma and Flyway would need what these registries do not have.
#   - pipelines: the commands are run by bash, in a database that is clean, has an orphan, has drifted, is to be deployed to
#
# docs/recipes/pg_cron.md is run by 040_pg_cron.pl, docs/recipes/pgtap.md by 011_examples.pl.
#
# rooms: run report
# takes: 45 s
# majors: one (clients, and statements that other tests have)
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use HTTP::Tiny;
use IO::Socket::INET ();
use IPC::Run ();
use JSON::PP qw(decode_json);
use POSIX ();
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $docs = "$FindBin::Bin/../../docs";
my $node = new_node('recipes', without => 1, conf => "max_worker_processes = 20\n");
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $node->safe_psql('postgres', 'SELECT current_user');
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
my $folder = PostgreSQL::Test::Utils::tempdir();

# Exit status, standard output and error together; in the scratch folder
sub run_it
{
	my (@command) = @_;
	my $out = '';

	IPC::Run::run(\@command, '<', \undef, '>&', \$out, init => sub { chdir $folder or die "$folder: $!\n" }, IPC::Run::timeout(300));
	note(join(' ', @command) =~ s/\n.*//sr . ": $?\n$out");
	return ($? >> 8, $out);
}

# The files of a page, written into the scratch folder: path => text
sub files
{
	my ($page) = @_;
	my $text = slurp_file("$docs/recipes/$page.md");
	my %files;

	while ($text =~ /^```\w+\n((?:#|--|\/\/) (\S+\.\S+)\n.*?)^```$/gms)
	{
		my ($content, $path) = ($1, $2);

		$files{$path} = $content;
		make_path(dirname("$folder/$path"));
		open my $handle, '>', "$folder/$path" or die "$path: $!";
		print $handle $content;
		close $handle;
	}
	return %files;
}

# The statement with which a page says what is to become of orphans
sub policy
{
	my ($page) = @_;
	my ($sql) = slurp_file("$docs/recipes/$page.md") =~ /`(SELECT sg\.sg_plan_set\([^`]*)`/;

	return $sql;
}

# SQL in strings of Python, Ruby and JavaScript
sub strings
{
	my ($text) = @_;
	my @found;

	push @found, $1 // $2 // $3 while $text =~ /"""(.*?)"""|<<~SQL\n(.*?)^\s*SQL$|"((?:SELECT|CALL)\b[^"]*)"/gms;
	return @found;
}

# A shop of one's own, in which clients are from now on
sub new_shop
{
	my ($name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE shop");
	$ENV{PGDATABASE} = $name;
	$ENV{DATABASE_URL} = "postgresql://$ENV{PGUSER}\@/$name?host=$ENV{PGHOST}&port=$ENV{PGPORT}";
	return;
}

sub ask { my ($sql) = @_; return $node->safe_psql($ENV{PGDATABASE}, $sql); }

# The foreign keys of the shop that were not there in the beginning
sub keys_now
{
	return ask(q{SELECT coalesce(string_agg(conname || CASE WHEN convalidated THEN ' valid' ELSE '' END, ', ' ORDER BY conname), 'none')
		FROM pg_constraint WHERE contype = 'f' AND conrelid <> 'reviews'::regclass});
}

my $both = 'order_items_order_id_fkey valid, orders_customer_id_fkey valid';

# A tool migrates; orphans stop a key, and the tool fails; they are told what becomes of them, and it does what is left; then
# it goes back.  up and down: exit status and output of the tool
sub migrate
{
	my ($what, $page, $up, $down) = @_;
	my ($status, $out) = $up->();

	isnt($status, 0, "$what: an orphan fails the migration");
	like($out, qr/orders_customer_id_fkey ON public\.orders: 3 orphan rows/, "$what: and is told");
	is(keys_now(), 'order_items_order_id_fkey valid', "$what: the other key is there");
	my ($columns) = ask(q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'channel' AND attnotnull});
	is($columns, $page eq 'flyway' ? 0 : 1, "$what: so is what else the migration adds");
	ask(policy($page));
	($status, $out) = $up->('again');
	is($status, 0, "$what: once more") or diag($out);
	is(keys_now(), $both, "$what: both keys are there");
	is(ask(q{SELECT count(*) FROM schemaguard.quarantine}), '3', "$what: the orphans are in quarantine");
	($status, $out) = $down->();
	is($status, 0, "$what: back") or diag($out);
	is(keys_now() . ask('SELECT count(*) FROM schemaguard.plan'), 'none0', "$what: neither keys nor the plan are left");
	is(ask(q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname IN ('channel', 'tags')}), 0, "$what: nor columns");
	return;
}

# psql in a transaction, and each statement by itself
sub in_transaction { return run_it('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-1', map { ('-c', $_) } @_); }
sub alone { return run_it('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', map { ('-c', $_) } @_); }

# A program whose tool is there if the first command succeeds, else skipped
sub skip_unless
{
	my ($what, @probe) = @_;
	my $there = eval { IPC::Run::run(\@probe, '<', \undef, '>', \my $out, '2>', \my $err) };

	SKIP: { skip "$what is not installed here", 1 unless $there; }
	return $there;
}

# a shell's python may be another one than the system's
sub python_with
{
	my ($module) = @_;
	my ($python) = grep { eval { IPC::Run::run([ $_, '-c', "import $module" ], '<', \undef, '>&', \my $out) } } qw(python3 /usr/bin/python3);

	return $python // 'python3';
}

$node->safe_psql('postgres', 'CREATE DATABASE shop');
$ENV{PGDATABASE} = 'shop';
is((run_it('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$docs/shop.sql"))[0], 0, 'the shop');

# ---- Django ----

{
	my %file = files('django');
	my ($plan, $run) = map { $file{"shop/migrations/$_.py"} } qw(0002_plan_foreign_keys 0003_foreign_keys);
	my ($make, $drop) = map { [ strings($_) ] } split /^\s+\],\n/m, $plan;
	my ($call, $back) = strings($run);

	# atomic is the default of a migration: a transaction, in which each string is one message
	new_shop('django');
	like($run, qr/^    atomic = False$/m, 'django: atomic = False');
	migrate('django, by psql', 'django', sub { in_transaction(@$make) unless @_; alone($call) }, sub { alone($back); in_transaction(@$drop) });
	isnt((in_transaction(@$make, $call))[0], 0, 'django: not in a transaction');

	my $python = python_with('django, psycopg2');
	if (skip_unless('Django', $python, '-c', 'import django, psycopg2'))
	{
		new_shop('django_itself');
		append_to_file("$folder/$_", '') foreach qw(shop/__init__.py shop/migrations/__init__.py);
		append_to_file("$folder/shop/migrations/0001_initial.py",
			"from django.db import migrations\nclass Migration(migrations.Migration):\n    operations = []\n");
		append_to_file("$folder/settings.py", q{
import os
INSTALLED_APPS = ["shop"]
SECRET_KEY = "x"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "HOST": os.environ["PGHOST"],
                         "PORT": os.environ["PGPORT"], "USER": os.environ["PGUSER"]}}
});
		local $ENV{PYTHONPATH} = $folder;
		my @manage = ($python, '-W', 'ignore', '-m', 'django', 'migrate', '--settings=settings', 'shop');
		my $first;
		migrate('django', 'django', sub { my ($status, $out) = run_it(@manage); $first //= $out; ($status, $out) }, sub { run_it(@manage, '0001') });
		my ($shown) = slurp_file("$docs/recipes/django.md") =~ /^```text\n(.*?)^```$/ms;
		ok(index($first, $shown) >= 0, 'django: the error is as the page shows it');
	}
}

# ---- Rails ----

{
	my %file = files('rails');
	my ($plan, $run) = map { $file{"db/migrate/$_.rb"} } qw(20260101000002_plan_foreign_keys 20260101000003_add_foreign_keys);
	my ($make, $drop) = map { [ strings($_) ] } split /^  def down$/m, $plan;
	my ($call, $back) = strings($run);

	new_shop('rails');
	like($run, qr/^  disable_ddl_transaction!$/m, 'rails: disable_ddl_transaction!');
	migrate('rails, by psql', 'rails', sub { in_transaction(@$make) unless @_; alone($call) }, sub { alone($back); in_transaction(@$drop) });

	if (skip_unless('ActiveRecord', 'ruby', '-e', 'require "active_record"; require "pg"'))
	{
		new_shop('rails_itself');
		# it would read that before it connects to what it is told
		delete local $ENV{DATABASE_URL};
		append_to_file("$folder/migrate.rb", q{
require "active_record"
ActiveRecord::Base.establish_connection(adapter: "postgresql", host: ENV["PGHOST"], port: ENV["PGPORT"], username: ENV["PGUSER"],
                                        database: ENV["PGDATABASE"])
ActiveRecord::Migrator.migrations_paths = ["db/migrate"]
pool = ActiveRecord::Base.connection_pool
(pool.respond_to?(:migration_context) ? pool : ActiveRecord::Base.connection).migration_context.migrate(ARGV[0] && ARGV[0].to_i)
});
		migrate('rails', 'rails', sub { run_it('ruby', '-W0', 'migrate.rb') }, sub { run_it('ruby', '-W0', 'migrate.rb', '0') });
	}
}

# ---- Prisma: a file is one message (seen with prisma 6.19 of npm and its adapter for pg, which splits it) ----

{
	my %file = files('prisma');
	my ($plan, $call) = map { $file{"prisma/migrations/$_/migration.sql"} } qw(20260101000002_plan_foreign_keys 20260101000003_add_foreign_keys);

	new_shop('prisma');
	migrate('prisma, by psql', 'prisma', sub { alone($plan) unless @_; alone($call) },
		sub { alone(q{CALL sg.sg_rollback_fks('shop', fail => true)}, q{SELECT sg.sg_plan_drop('shop')}) });
	my ($status, $out) = alone("$plan$call");
	isnt($status, 0, 'prisma: the two in one file');
	like($out, qr/sg_apply\(\) cannot run inside a transaction block/, 'prisma: are a transaction');
	new_shop('prisma_adapter');
	alone(split /;\n?/, $plan);
	is(ask('SELECT count(*) FROM schemaguard.plan_step'), '5', 'prisma: a driver adapter splits the file at every semicolon');
}

# ---- Flyway: a file is a transaction, unless its .conf says otherwise ----

{
	my %file = files('flyway');
	my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1');

	new_shop('flyway');
	like($file{'sql/V3__add_foreign_keys.sql.conf'}, qr/^executeInTransaction=false$/m, 'flyway: no transaction');
	migrate('flyway, by psql', 'flyway',
		sub { run_it(@psql, '-1', '-f', 'sql/V2__plan_foreign_keys.sql') unless @_; run_it(@psql, '-f', 'sql/V3__add_foreign_keys.sql') },
		sub { alone(q{CALL sg.sg_rollback_fks('shop', fail => true)}, q{SELECT sg.sg_plan_drop('shop')}) });
}

# ---- drivers ----

# The script ends with 1 for an orphan, with 0 after that
sub script
{
	my ($what, $page, @command) = @_;
	my ($status, $out) = run_it(@command);

	is($status, 1, "$what: 1 where a step is left undone");
	like($out, qr/orders_customer_id_fkey ON public\.orders: 3 orphan rows/, "$what: which is told");
	like($out, qr/SG001/, "$what: with its SQLSTATE");
	ask(q{SELECT sg.sg_plan_set('shop', '{1}', '{"orphans": "quarantine"}')});
	($status, $out) = run_it(@command);
	is($status, 0, "$what: then 0") or diag($out);
	like($out, qr/NOTICE:.*2 validated/, "$what: and the server's messages");
	is(keys_now(), $both, "$what: both keys are there");
	return;
}

sub planned_shop
{
	my ($name) = @_;
	my %file = files('flyway');

	new_shop($name);
	ask($file{'sql/V2__plan_foreign_keys.sql'});
	return;
}

{
	my %file = files('psycopg');
	my %module = ('add_keys.py' => 'psycopg', 'add_keys_2.py' => 'psycopg2');

	is(join("\n", map { strings($file{$_}) } sort keys %module), join("\n", (strings((files('node'))[1])) x 2), 'the drivers call the same');
	foreach my $path (sort keys %module)
	{
		my $python = python_with($module{$path});

		next unless skip_unless($module{$path}, $python, '-c', "import $module{$path}");
		planned_shop($module{$path});
		script($module{$path}, 'psycopg', $python, $path);
	}
}

{
	my %file = files('node');
	my ($call) = strings($file{'add_keys.js'});

	planned_shop('driver');
	is((alone($call))[0], 1, 'a driver, by psql: a step is left undone');
	ask(q{SELECT sg.sg_plan_set('shop', '{1}', '{"orphans": "quarantine"}')});
	is((alone($call))[0], 0, 'a driver, by psql: then not');
	if (skip_unless('pg of npm', 'node', '-e', 'require("pg")'))
	{
		planned_shop('node');
		script('node', 'node', 'node', 'add_keys.js');
	}
}

# ---- a health endpoint ----

# It says on which port it listens; GET, as status and body
sub endpoint
{
	my ($what, @command) = @_;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start(\@command, '<', \undef, '>', \$out, '2>', \$err, init => sub { chdir $folder or die "$folder: $!\n"; $ENV{PORT} = 0 }, my $limit = IPC::Run::timeout(300));
	my $get = sub {
		my $answer = HTTP::Tiny->new(timeout => 300)->get("http://127.0.0.1:$_[0]/");
		return ($answer->{status}, $answer->{content});
	};

	$run->pump until $out =~ /listening on (\d+)/;
	my $port = $1;
	my ($status, $body) = $get->($port);
	is($status, 200, "$what: nothing fails") or diag($body, $err);
	like($body, qr/"state": ?"(?:ok|attention)"/, "$what: and the document");
	ask(q{INSERT INTO schemaguard.critical_table (table_name) VALUES ('public.gone')});
	($status, $body) = $get->($port);
	is($status, 503, "$what: 503 where a table is not there") or diag($body, $err);
	like($body, qr/the table is not there/, "$what: which the document tells");
	ask('ALTER EXTENSION schemaguard DROP FUNCTION sg.sg_health(); ALTER FUNCTION sg.sg_health() RENAME TO sg_gone');
	is(($get->($port))[0], 503, "$what: and where there is no answer");
	$limit->reset;
	$run->kill_kill;
	return;
}

{
	my $python = python_with('psycopg');

	files('health');
	if (skip_unless('psycopg', $python, '-c', 'import psycopg'))
	{
		new_shop('health_python');
		endpoint('Python', $python, 'health.py');
	}
	if (skip_unless('pg of npm', 'node', '-e', 'require("pg")'))
	{
		new_shop('health_node');
		endpoint('Node', 'node', 'health.js');
	}
}

# ---- metrics ----

# The series of the view, as a scrape prints them, and those of a scrape
{
	my %file = files('prometheus');
	my %queried = map { $_ => 1 } $file{'queries.yaml'} =~ /name = '(\w+)'/g;
	my ($named) = slurp_file("$FindBin::Bin/../../sql/parts/98_report_vital.sql") =~ /(CREATE VIEW schemaguard\.metrics .*)/s;
	my %there = map { $_ => 1 } $named =~ /SELECT '(schemaguard_\w+)'/g;
	my $dashboard = slurp_file("$docs/recipes/grafana.json");

	is_deeply(\%queried, \%there, 'metrics: the queries ask for all of the view');
	is_deeply([ grep { !$there{$_} } "$dashboard$file{'alerts.yaml'}" =~ /\b(schemaguard_\w+)/g ], [], 'metrics: dashboard and alerts show none that is not there');
	is(ask(q{SELECT jsonb_array_length(} . $node->safe_psql('postgres', "SELECT quote_literal(\$json\$$dashboard\$json\$)") . q{::jsonb -> 'panels') > 0}), 't', 'metrics: the dashboard is JSON');
	is((run_it('promtool', 'check', 'rules', 'alerts.yaml'))[0], 0, 'metrics: promtool takes the alerts')
		if skip_unless('promtool (prometheus)', 'promtool', '--version');
	if (skip_unless('prometheus-postgres-exporter', 'prometheus-postgres-exporter', '--version'))
	{
		new_shop('metrics');
		ask(q{INSERT INTO schemaguard.critical_table (table_name) VALUES ('public."go""n\\e"'), ('public.orders')});
		ask(q{SELECT count(*) FROM sg.sg_orphan_audit()});
		my $port = PostgreSQL::Test::Cluster::get_free_port();
		my $err = '';
		local $ENV{DATA_SOURCE_NAME} = "host=$ENV{PGHOST} port=$ENV{PGPORT} user=$ENV{PGUSER} dbname=metrics sslmode=disable";
		my $run = IPC::Run::start([ 'prometheus-postgres-exporter', "--extend.query-path=$folder/queries.yaml", "--web.listen-address=127.0.0.1:$port" ],
			'<', \undef, '>', \my $out, '2>', \$err, my $limit = IPC::Run::timeout(300));
		my $scraped = {};
		until ($scraped->{success} && $scraped->{content} =~ /^schemaguard_server_standby/m)
		{
			$run->pump_nb;
			last unless $run->pumpable;
			$scraped = HTTP::Tiny->new(timeout => 300)->get("http://127.0.0.1:$port/metrics");
		}
		# the exporter adds the server to the labels
		my @series = map { s/server="[^"]*",?//r =~ s/,\}/}/r =~ s/\{\}//r } grep { /^schemaguard_/ && !/_age_/ } split /\n/, $scraped->{content} // '';
		my @wanted = split /\n/, ask(q{SELECT name || CASE WHEN labels <> '{}' THEN (SELECT '{' || string_agg(format('%s="%s"', key, replace(replace(value, '\\', '\\\\'), '"', '\\"')), ',' ORDER BY key COLLATE "C") || '}'
			FROM jsonb_each_text(labels)) ELSE '' END || ' ' || value FROM schemaguard.metrics WHERE name !~ '_age_'});
		is_deeply([ sort @series ], [ sort @wanted ], 'metrics: the exporter has the series of the view') or diag($err);
		$limit->reset;
		$run->kill_kill;
	}
}

# ---- pipelines ----

# The commands of a job, as one script: GitHub's steps, GitLab's lines
sub github_steps
{
	my ($yaml, $job) = @_;
	my ($part) = $yaml =~ /^  $job:\n(.*?)(?=^  \w|\z)/ms;
	my @steps;

	while ($part =~ /^( +)(?:- )?run: (?:\|\n((?:\1  +.*\n)+)|(.*)\n)/mg)
	{
		push @steps, $3 // $2 =~ s/^ +//mgr;
	}
	return @steps;
}

sub gitlab_script
{
	my ($yaml, $job) = @_;
	my ($lines) = $yaml =~ /^$job:\n(?:  .*\n)*?  script:\n((?:    - .*\n)+)/m;

	return $lines =~ s/^    - //mgr;
}

sub bash { return (run_it('bash', '-e', '-o', 'pipefail', '-c', $_[0]))[0]; }

# Gates and a deployment: keys, drift, deploy are scripts
sub pipeline
{
	my ($what, $name, $keys, $drift, $deploy) = @_;

	new_shop($name);
	ask(q{DELETE FROM reviews WHERE product_id > 500; SELECT sg.sg_snapshot_take('baseline')});
	is(bash($keys) . bash($drift), '00', "$what: all is well");
	ask(q{SET session_replication_role = replica; INSERT INTO reviews VALUES (3000, 777, 1)});
	is(bash($keys) . bash($drift), '10', "$what: an orphan fails its gate, and no other");
	ask(q{DELETE FROM reviews WHERE id = 3000; ALTER TABLE customers ALTER name DROP NOT NULL});
	is(bash($keys) . bash($drift), '01', "$what: drift fails its gate, and no other");
	ask(q{ALTER TABLE customers ALTER name SET NOT NULL});
	is(bash($deploy), 1, "$what: a step that is left undone fails the deployment");
	is(keys_now(), 'order_items_order_id_fkey valid', "$what: what could be done is done");
	is(bash($drift), 1, "$what: and the snapshot is still the old one");
	ask(q{SELECT sg.sg_plan_set('shop', '{1}', '{"orphans": "quarantine"}')});
	is(bash($deploy), 0, "$what: then all of it is done");
	is(keys_now(), $both, "$what: both keys are there");
	is(bash($keys) . bash($drift) . bash($deploy), '000', "$what: and pass, as does the next deployment");
	return;
}

{
	my %file = files('github-actions');
	my $yaml = $file{'.github/workflows/foreign-keys.yml'};
	my ($keys, $drift, @more) = github_steps($yaml, 'gates');

	is(scalar(@more), 0, 'github: two gates');
	# each step is a shell of its own, and the first that fails is the last
	my $deploy = join '', map { "bash -e -c " . quoted($_) . "\n" } github_steps($yaml, 'deploy');
	pipeline('github', 'github', $keys, $drift, $deploy);

	%file = files('gitlab-ci');
	$yaml = $file{'.gitlab-ci.yml'};
	pipeline('gitlab', 'gitlab', map { gitlab_script($yaml, $_) } qw(keys drift deploy));
}

# ---- notifications ----

# A web hook: a process that answers 200 and keeps each body as a line of a file, but sends the first away
sub hook
{
	my ($port, $got) = @_;
	my $pid = fork() // die "fork: $!\n";

	return $pid if $pid;
	# a test that has died ends it, too
	alarm 300;
	$SIG{ALRM} = $SIG{TERM} = sub { POSIX::_exit(0) };
	my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5, ReuseAddr => 1) or POSIX::_exit(1);
	for (my $first = 1; my $client = $server->accept; $first = 0)
	{
		my ($length, $body, $line) = (0, '');

		while (defined($line = <$client>) && $line =~ /\S/) { $length = $1 if $line =~ /^Content-Length: (\d+)/i; }
		read($client, $body, $length);
		append_to_file($got, "$body\n") unless $first;
		print $client 'HTTP/1.0 ' . ($first ? "302 Found\r\nLocation: /" : '200 OK') . "\r\nContent-Length: 0\r\n\r\n";
	}
	POSIX::_exit(0);
}

if (skip_unless('curl', 'curl', '--version'))
{
	my %file = files('notifications');
	my $got = "$folder/got";
	my $port = PostgreSQL::Test::Cluster::get_free_port();

	new_shop('relayed');
	ask(q{CREATE TABLE notes (order_id int); INSERT INTO notes VALUES (-1);
		ALTER TABLE notes ADD CONSTRAINT notes_order_fk FOREIGN KEY (order_id) REFERENCES orders (id) NOT VALID;
		SELECT sg.sg_plan_create('late'); SELECT sg.sg_plan_add_statement('late', 'ALTER TABLE public.notes ADD CHECK (order_id > 0)', undo => 'ALTER TABLE public.notes DROP CONSTRAINT notes_order_id_check')});
	run_it('psql', '-X', '-c', q{CALL sg.sg_audit_gate('{public}')});
	append_to_file($got, '');
	my $errors = "$folder/relay.err";
	local $ENV{RELAY_URL} = "http://127.0.0.1:$port/";
	local $ENV{RELAY_RETRY} = 2;
	my $relay = IPC::Run::start([ 'timeout', 300, 'bash', "$folder/relay.sh", $ENV{PGDATABASE} ], '<', \undef, '>', '/dev/null', '2>', $errors);

	ok(wait_for(sub { slurp_file($errors) =~ /curl/ }), 'notifications: the hook is down');
	is(slurp_file($got), '', 'notifications: nothing has come');
	is(ask('SELECT count(*) FROM schemaguard.finding WHERE relayed_at IS NOT NULL'), 0, 'and nothing counts as sent');
	my $hook = hook($port, $got);
	my $found = q{SELECT count(*) FROM schemaguard.finding WHERE relayed_at IS NULL};

	ok(wait_for(sub { ask($found) == 0 }), 'notifications: all are sent when it is back');
	# anybody may send one, of any text
	ask(qq{NOTIFY schemaguard, E'x\n$_'}) foreach '[{"object": "forged"}]', '[]', '1', 'ERROR:  forged';
	run_it('psql', '-X', '-c', q{CALL sg.sg_apply('late')});
	ok(wait_for(sub { ask($found) == 0 && slurp_file($got) =~ /"source": "plan"/ }), 'notifications: a failed step');
	ask(q{DELETE FROM notes; ALTER TABLE notes VALIDATE CONSTRAINT notes_order_fk});
	run_it('psql', '-X', '-c', q{CALL sg.sg_audit_gate('{public}')});
	ask(q{SELECT sg.sg_plan_drop('late', force => true)});
	ok(wait_for(sub { ask($found) == 0 && slurp_file($got) =~ /"state": "gone".*"source": "plan"/ }), 'notifications: what is gone');
	my %times;
	foreach my $one (map { @{ decode_json($_) } } split /\n+/, slurp_file($got))
	{
		$times{"$one->{source} " . ($one->{source} eq 'plan' ? $one->{target} : $one->{property}) . " $one->{state}"}++;
	}
	is($times{'audit notes_order_fk found'}, 1, 'a key that fails was told once, though the hook was down');
	is($times{'audit notes_order_fk gone'}, 1, 'and once when it is gone');
	is($times{'plan late found'}, 1, 'as was a failed step');
	is($times{'plan late gone'}, 1, 'which went with its plan');
	is(scalar(grep { $_ > 1 } values %times), 0, 'nothing came twice');
	unlike(slurp_file($got), qr/forged/, 'and nothing that a notification says');
	kill 'TERM', $hook;
	waitpid $hook, 0;
	$relay->kill_kill;
}

# ---- lint ----

{
	my %file = files('lint');

	new_shop('lint');
	make_path("$folder/db/migrations");
	my %script = ('1.sql' => "SET lock_timeout = 1000;\nCREATE TABLE refunds (id bigint PRIMARY KEY);\n",
		"2, it's.sql" => "CREATE INDEX ON refunds (id);\nSET lock_timeout = 1000;\nCREATE INDEX ON \"a|<b>%\" (i);\n");
	append_to_file("$folder/db/migrations/$_", $script{$_}) foreach keys %script;
	ask(q{CREATE TABLE "a|<b>%" (i int)});
	my @lint = ('bash', 'ci/lint.sh');
	my @both = map { "db/migrations/$_" } sort keys %script;

	is_deeply([ run_it(@lint, 'text', $both[0]) ], [ 0, '' ], 'lint: nothing to be said');
	my ($status, $out) = run_it(@lint, 'text', @both);
	is($status, 1, 'lint: an error fails');
	like($out, qr/^\Q$both[1]\E:3: error: public\."a\|<b>%" .*\[require-concurrent-index-creation\]$/m, 'lint: file and line, and no finding of a table that an earlier file makes');
	($status, $out) = run_it(@lint, 'github', @both);
	like($out, qr/^::error file=db\/migrations\/2%2C it's\.sql,line=3,title=require-concurrent-index-creation::public\."a\|<b>%25" /m, 'lint: an annotation');
	($status, $out) = run_it(@lint, 'gitlab', @both);
	my $quality = decode_json($out);
	is_deeply([ map { [ $_->{location}{path}, $_->{location}{lines}{begin}, $_->{severity} ] } grep { $_->{check_name} =~ /index/ } @$quality ],
		[ [ $both[1], 3, 'critical' ] ], 'lint: code quality');
	like((run_it(@lint, 'markdown', @both))[1], qr/^\| \Q$both[1]\E:3 \| error \| require-concurrent-index-creation \| public\."a\\\|&lt;b&gt;%" /m, 'lint: a row of a comment');
	is_deeply([ run_it(@lint, 'gitlab') ], [ 0, "[]\n" ], 'lint: no file');
	is((run_it(@lint, 'text', 'nosuch.sql'))[0], 2, 'lint: a file that is not there is no pass');
	SKIP:
	{
		my ($listed) = $file{'.github/workflows/lint.yml'} =~ /(mapfile .*)/;
		my $commit = 'git -c user.name=me -c user.email=me commit -q --allow-empty -m';

		skip 'no git', 1 unless (run_it('bash', '-c', 'type git'))[0] == 0;
		append_to_file("$folder/db/migrations/\xc3\xbc.sql", 'SELECT 1;');
		is_deeply([ run_it('bash', '-e', '-c', "git init -q; $commit base; git add db; $commit new; BASE=HEAD~1; $listed; ls \"\${files[@]}\"") ],
			[ 0, join('', map { "$_\n" } @both, "db/migrations/\xc3\xbc.sql") ], 'lint: files by their names, whatever the letters');
	}
	local $ENV{DATABASE_URL} = 'host=/nowhere';
	is((run_it(@lint, 'text', @both))[0], 2, 'lint: nor is a server that does not answer');
}

# ---- backups ----

{
	my %file = files('backups');
	my $dump = "$folder/shop of monday.dump";

	new_shop('backups');
	local $ENV{PATH} = $node->config_data('--bindir') . ":$ENV{PATH}";
	local $ENV{RESTORE_CONF} = $ENV{TEMP_CONFIG};
	ask(q{SELECT sg.sg_plan_create('shop'), sg.sg_plan_add_fk('shop', 'orders', '{customer_id}', 'customers', orphans => 'quarantine')});
	my $apply = q{SET schemaguard.require_backup = '1h'; CALL sg.sg_apply('shop', fix => true)};
	is_error($node, $apply, '55000', qr/no backup of this database is recorded/i, 'backups: nothing runs without one', dbname => $ENV{PGDATABASE});
	my ($status, $out) = run_it('bash', 'backup-dump.sh', $dump);
	is($status, 0, 'backups: a dump is recorded') or diag($out);
	is_error($node, $apply, '55000', qr/was not verified/, 'backups: but not restored', dbname => $ENV{PGDATABASE});
	# the shop has an orphan behind a key that is valid: no server takes such a dump
	($status, $out) = run_it('bash', 'restore-check.sh', $dump);
	isnt($status, 0, 'backups: rows that a key refuses can not be restored');
	like($out, qr/reviews_product_id_fkey/, 'backups: and the key is told');
	is(ask('SELECT count(verified_at) FROM schemaguard.backup'), 0, 'backups: that is no verified one');
	ask('DELETE FROM reviews r WHERE NOT EXISTS (SELECT FROM products p WHERE p.id = r.product_id)');
	is((run_it('bash', 'backup-dump.sh', $dump))[0], 0, 'backups: without it, once more');
	($status, $out) = run_it('bash', 'restore-check.sh', $dump);
	is($status, 0, 'backups: it is restored') or diag($out);
	like($out, qr/^keys\|/m, 'backups: and sg_status() asked there');
	is(ask(q{SELECT kind || ' ' || (verified_at > taken_at) || ' ' || (length(checksum) = 64) FROM schemaguard.backup WHERE verified_at IS NOT NULL}), 'pg_dump true true', 'backups: that is recorded');
	ask($apply);
	is(ask('SELECT state FROM schemaguard.plan_step'), 'validated', 'backups: now the plan runs');

	# another dump under the name, and one that is no dump
	($status, $out) = run_it('pg_dump', '-Fc', '-f', $dump, $ENV{PGDATABASE});
	($status, $out) = run_it('bash', 'restore-check.sh', $dump);
	isnt($status, 0, 'backups: a file that is another one fails');
	like($out, qr/recorded with another kind or checksum/, 'backups: and says so');
	append_to_file("$folder/no.dump", "no dump\n");
	isnt((run_it('bash', 'restore-check.sh', 'no.dump'))[0], 0, 'backups: what is no dump fails');
}

sub quoted { my ($text) = @_; return "'" . $text =~ s/'/'\\''/gr . "'"; }

# what the page says of psql's exit status
append_to_file("$folder/wrong.sql", "SELECT 1/0;\nSELECT 1;\n");
is(join(' ', map { bash($_) } 'psql -X "$DATABASE_URL" -c "SELECT 1/0"', 'PGPORT=1 psql -X -h /nowhere -c "SELECT 1"',
		'psql -X "$DATABASE_URL" -v ON_ERROR_STOP=1 -f wrong.sql', 'psql -X "$DATABASE_URL" -f wrong.sql'), '1 2 3 0', 'exit status of psql');

$node->stop('immediate');
done_testing();
