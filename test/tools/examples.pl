#!/usr/bin/env perl
# examples.pl: run the examples of pages, and say what differs; with --write, put the new outputs into the pages.
#
#   perl test/tools/examples.pl [--write] [README.md docs/...]
#
# Needs a server with schemaguard installed, where the user that PGHOST, PGPORT and PGUSER name is superuser: each page gets
# a database that is dropped at the end, and so are roles that it has made.  test/t/SgExamples.pm says what counts in a page.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../t";
use SgExamples;

my $root = "$FindBin::Bin/../..";
my $write = @ARGV && $ARGV[0] eq '--write' && shift @ARGV;
my @pages = @ARGV ? @ARGV : ("$root/README.md", glob("$root/docs/*.md $root/docs/recipes/*.md $root/docs/internals/*.md"));
my @psql = ('psql', '-w');
my $wrong = 0;

sub slurp { my ($path) = @_; local (@ARGV, $/) = ($path); return scalar <> }

sub ask
{
	my ($sql) = @_;
	my ($out, $err);

	IPC::Run::run([ @psql, '-XAtq', '-d', 'postgres', '-c', $sql ], '>' => \$out, '2>' => \$err) or die "$err\n";
	return split /\n/, $out;
}

my $roles = q{SELECT quote_ident(rolname) FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1};
my ($major) = map { int($_ / 10000) } ask('SHOW server_version_num');
foreach my $page (@pages)
{
	my $text = slurp($page);
	my ($items, @found) = read_page($text);
	next if !grep { $_->{kind} eq 'sql' } @$items and !@found;

	my %before = map { $_ => 1 } ask($roles);
	ask('DROP DATABASE IF EXISTS sg_examples');
	ask('CREATE DATABASE sg_examples');
	run_page($items, "$root/docs", @psql, '-d', 'sg_examples');
	push @found, map { differences($_, $major) } grep { $_->{kind} ne 'skipped' } @$items;
	print "$page: ", @found ? "\n" : "ok\n", map { "  $_\n" } @found;
	$wrong++ if @found;
	if ($write)
	{
		open my $handle, '>', $page or die "$page: $!\n";
		print $handle write_page($text, $items, $major);
	}
	ask('DROP DATABASE sg_examples (FORCE)');
	ask("DROP ROLE $_") foreach grep { !$before{$_} } ask($roles);
}
exit($wrong ? 1 : 0);
