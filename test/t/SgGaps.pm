# SgGaps.pm: a library with functions of the server replaced (ld --wrap) by the wrappers of a file of test/gaps/.
#
#   library_with('gaps.c', '-DGAPS_HOLE')     returns the directory of a library of the built checkout with this file, compiled with these flags
package SgGaps;
use strict;
use warnings;
use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(library_with);

sub library_with
{
	my ($file, $flags) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
	my $make = "env -u MAKEFLAGS -u MAKELEVEL make -s -C $dir PG_CONFIG=$pg_config with_llvm=no";
	(my $object = "src/$file") =~ s/c$/o/;

	system_or_bail('cp', '-a', 'Makefile', 'schemaguard.control', '.built-for', 'src', $dir);
	system_or_bail('cp', "$FindBin::RealBin/../gaps/$file", "$FindBin::RealBin/../gaps/callers.h", "$dir/src");
	chomp(my $objects = `$make print-OBJS`);
	chomp(my $includedir = `$pg_config --includedir`);
	chomp(my $libdir = `$pg_config --libdir`);
	system_log("$make $object PG_CFLAGS='-I$includedir -Wno-missing-prototypes @{[ $flags // '' ]}'") == 0 or die "no $object in $dir";
	my $wraps = join ' ', map { /\bT __wrap_(\w+)/ ? "-Wl,--wrap=$1" : () } `nm $dir/$object`;
	system_log(qq{$make schemaguard.so "OBJS=$objects $object" SHLIB_LINK="$wraps -L$libdir -lpq"}) == 0 or die "no library in $dir";
	return $dir;
}

1;
