#!/usr/bin/perl
#
# check-meta.pl [META.json [FILE...]]   is this what the PGXN Meta Spec 1.0.0 asks for?
#
# Prints what is wrong, a line each, and exits non-zero if anything is. With FILEs, the files that it names must be among
# them. .ci/check-repo asks meta_problems().

use strict;
use warnings;
use JSON::PP;

my %license = map { $_ => 1 } qw(agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2 gpl_3
	lgpl_2_1 lgpl_3_0 mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib open_source restricted unrestricted unknown);
my $version = qr/(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[A-Za-z0-9.-]+)?/;
my $range = qr/(?:(?:[<>]=?|==|!=)\s*)?(?:$version|0)/;
my $url = qr,[a-z][a-z+.-]*://[^/?\#\s]+\S*,i;

# Each takes a value, and says what is wrong with it
sub is_text { return !defined $_[0] || ref $_[0] || $_[0] eq '' ? 'is no text' : () }
sub is_like { my ($pattern, $what) = @_; return sub { return is_text($_[0]) || ($_[0] =~ /\A$pattern\z/ ? () : "\"$_[0]\" is no $what") } }

sub is_list_of
{
	my ($check) = @_;
	return sub {
		my @values = ref $_[0] eq 'ARRAY' ? @{ $_[0] } : $_[0];
		return @values ? map { $check->($_) } @values : 'is empty';
	};
}

# A map: keys with what checks them, '!' where one must be there; keys that begin with x_ are anybody's own. '*' checks all others,
# their names by '*name'.
sub is_map
{
	my (%checks) = @_;
	return sub {
		my ($map) = @_;
		return 'is no map' if ref $map ne 'HASH';
		my @wrong = map { s/!$//r . ': is missing' } grep { /(.*)!$/ && !defined $map->{$1} } sort keys %checks;
		foreach my $key (grep { !/^x_/i } sort keys %$map)
		{
			my $check = $checks{$key} // $checks{"$key!"};
			push @wrong, map { "$key: $_" } $check ? $check->($map->{$key})
			  : $checks{'*'} ? ($checks{'*name'}->($key), $checks{'*'}->($map->{$key})) : 'is no key of the specification';
		}
		return @wrong;
	};
}

my $term = is_like(qr{[^\s/\\[:cntrl:]]{2,}}, 'term');
my $is_version = is_like($version, 'semantic version');
my $is_url = is_like($url, 'URL');
my $one_of = sub { my $words = join '|', @_; return is_like(qr/(?:$words)/, "one of $words") };

my $specification = is_map(
	'abstract!' => \&is_text,
	'maintainer!' => is_list_of(\&is_text),
	'license!' => sub {
		return ref $_[0] eq 'HASH'
		  ? is_map('*name' => \&is_text, '*' => $is_url)->($_[0])
		  : is_list_of(sub { is_text($_[0]) || ($license{ $_[0] } ? () : "\"$_[0]\" is no licence that it knows") })->($_[0]);
	},
	'provides!' => sub {
		return (is_map('*name' => $term, '*' => is_map('file!' => \&is_text, 'version!' => $is_version, abstract => \&is_text, docfile => \&is_text))->($_[0]),
			ref $_[0] eq 'HASH' && !%{ $_[0] } ? 'is empty' : ());
	},
	'name!' => $term,
	'version!' => $is_version,
	'meta-spec!' => is_map('version!' => is_like(qr/1\.0\.\d+/, 'version of it'), url => $is_url),
	description => \&is_text,
	generated_by => \&is_text,
	tags => is_list_of(is_like(qr{[^/\\[:cntrl:]]{1,256}}, 'tag')),
	no_index => is_map(file => is_list_of(\&is_text), directory => is_list_of(\&is_text)),
	prereqs => is_map('*name' => $one_of->(qw(configure build test runtime develop)), '*' =>
		  is_map('*name' => $one_of->(qw(requires recommends suggests conflicts)), '*' =>
			  is_map('*name' => $term, '*' => is_like(qr/$range(?:,\s*$range)*/, 'range of versions')))),
	release_status => $one_of->(qw(stable testing unstable)),
	resources => is_map(homepage => $is_url, license => is_list_of($is_url),
		bugtracker => is_map(web => $is_url, mailto => is_like(qr/[^\s@]+@[^\s@]+/, 'address')),
		repository => is_map(url => $is_url, web => $is_url, type => is_like(qr/[a-z]+/, 'name in small letters'))));

# What is wrong with the text of a META.json, whose files are to be among these (a reference to a hash), where given
sub meta_problems
{
	my ($text, $files) = @_;
	my $meta = eval { JSON::PP->new->utf8->decode($text) };
	return 'is no JSON: ' . $@ =~ s/ at \S+ line \d+\.?\n//r if !defined $meta;
	my @wrong = $specification->($meta);
	return (@wrong) if @wrong || !$files;
	foreach my $name (sort keys %{ $meta->{provides} })
	{
		push @wrong, map { "provides: $name: there is no $_" } grep { defined && !$files->{$_} } @{ $meta->{provides}{$name} }{qw(file docfile)};
	}
	return @wrong;
}

sub main
{
	my ($path, @files) = @ARGV;
	open my $handle, '<:raw', $path // 'META.json' or die "check-meta.pl: $!\n";
	my @wrong = meta_problems(do { local $/; <$handle> }, @files ? { map { $_ => 1 } @files } : undef);
	print map { "META.json: $_\n" } @wrong;
	exit(@wrong ? 1 : 0);
}

main() if !caller;
1;
