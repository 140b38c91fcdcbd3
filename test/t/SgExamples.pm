# SgExamples.pm: the examples in README.md and docs/, run and compared with what the pages say.
#
# What counts in a page, each page in a database of its own, from its top to its end in one psql:
#
#   ```sql             is run.  A block that follows at once, ``` or ```text, is its output; without one it must raise no
#   ...                error.  A line of the output that is ... stands for any number of lines.
#   ```
#   <!-- setup         is run, shows nothing, and must raise no error; :docs is the folder docs/, the current one is empty.
#   ... -->
#   <!-- not run: WHY -->       before a ```sql block: left alone.
#   <!-- needs: pgtap -->       the page is skipped where the server does not have that extension.
#   <!-- output before 18 -->   before a ```sql block: newer majors say something else, which is not compared.
#
# Compared is what can be the same twice: see mask().  `perl test/tools/examples.pl` writes the outputs into the pages.
package SgExamples;
use strict;
use warnings;
use Cwd ();
use Exporter 'import';
use File::Temp ();
use IPC::Run ();

our @EXPORT = qw(read_page run_page differences shown write_page);

# The items of a page, in order: { kind => setup | sql | skipped, text, line, and for sql: output, from, to (lines of the
# output in the page, the first is 0) }; and what is wrong with the markup.
sub read_page
{
	my ($text) = @_;
	my @lines = split /\n/, $text, -1;
	my (@items, @wrong, $reason, $before, $open);

	for (my $i = 0; $i < @lines; $i++)
	{
		my $line = $lines[$i];

		if ($line =~ /^<!-- not run: *(.*?) *-->$/)
		{
			push @wrong, "line " . ($i + 1) . ": no reason is given" if $1 eq '';
			$reason = $1;
		}
		elsif ($line =~ /^<!-- output before (\d+) -->$/) { $before = $1 }
		elsif ($line =~ /^<!-- setup\b *(.*)/)
		{
			my ($first, @setup) = ($i, $1);
			push @setup, $lines[ ++$i ] while $setup[-1] !~ /-->\s*$/ && $i < $#lines;
			$setup[-1] =~ s/-->\s*$//;
			push @items, { kind => 'setup', text => join("\n", @setup), line => $first + 1 };
		}
		elsif ($line =~ /^```(\w*)$/)
		{
			my ($kind, $first, @block) = ($1, $i);
			push @block, $lines[$i] while ++$i < @lines && $lines[$i] ne '```';
			push @wrong, "line " . ($first + 1) . ": the block does not end" if $i >= @lines;
			if ($kind eq 'sql')
			{
				push @items, { kind => defined $reason ? 'skipped' : 'sql', text => join("\n", @block), before => $before, line => $first + 1 };
				$open = defined $reason ? undef : $items[-1];
				$reason = $before = undef;
			}
			elsif ($kind eq '' || $kind eq 'text')
			{
				@$open{qw(output from to)} = ([@block], $first + 1, $i - 1) if $open;
				$open = undef;
			}
			else { $open = undef }
		}
		elsif ($line ne '')
		{
			$open = undef;
			push @wrong, "line " . ($i + 1) . ": a comment about a block has none" if defined $reason;
			$reason = undef;
			push @wrong, "line " . ($i + 1) . ": an example that is in no ```sql block"
			  if $line =~ /^ {4}\s*(?:SELECT|CALL|CREATE|ALTER|INSERT|SET|BEGIN)\b.*;/;
		}
	}
	return (\@items, @wrong);
}

# Run the items through one psql; each gets {actual}, lines, or undef where psql did not come so far.
sub run_page
{
	my ($items, $docs, @psql) = @_;
	my ($script, $out, $n) = ("\\set VERBOSITY default\n\\pset pager off\n", '', 0);

	foreach my $item (grep { $_->{kind} ne 'skipped' } @$items)
	{
		$item->{n} = ++$n;
		$script .= "\\echo \@begin $n\n$item->{text}\n\\echo \@end $n\n";
	}
	my $scratch = File::Temp->newdir();
	$docs = Cwd::abs_path($docs);
	IPC::Run::run(
		[ @psql, '-X', '-q', '-v', "docs=$docs" ],
		'<' => \$script,
		'>&' => \$out,
		init => sub { chdir $scratch or die "$scratch: $!\n" },
		IPC::Run::timeout(600));
	foreach my $item (@$items)
	{
		next if !$item->{n} || $out !~ /^\@begin $item->{n}\n(.*?)^\@end $item->{n}$/ms;
		$item->{actual} = [ split /\n/, $1 ];
	}
	return;
}

# An output as pages show it: no blanks at the ends of lines, no results of functions that return nothing, no count of rows.
sub shown
{
	my $text = join '', map { s/\s+$//r . "\n" } @_;

	$text =~ s/^ +\w+\n-+\n\n\(1 row\)\n+//mg;
	$text =~ s/^\((?:1 row|[1-9]\d* rows)\)\n//mg;
	$text =~ s/\n{3,}/\n\n/g;
	$text =~ s/\A\n+|\n+\z//g;
	return split /\n/, $text;
}

# What an output says whenever and wherever it is made: times, amounts and numbers of processes are masked, the width of
# columns is nothing.
my $varies = qr/^(?:ms|elapsed_ms|without|with|ratio|rows|pid|\w+_us|run_id|checksum|hash|sg_plan_hash|objects|sg_snapshot_take|sg_snapshot_import)$/;

sub mask
{
	my (@lines, @columns);

	foreach my $line (shown(@_))
	{
		if ($line =~ /^-\[ RECORD (\d+)/) { push @lines, "record $1" }
		elsif ($line =~ /^-+(?:\+-+)*$/)
		{
			@columns = map { s/^\s+|\s+$//gr } split /\|/, $lines[-1] // '';
		}
		elsif ($line eq '') { @columns = () }
		else
		{
			my @cells = map { s/^\s+|\s+$//gr } split /\|/, $line, -1;
			if (@columns && @cells == @columns)
			{
				$cells[$_] = '#' foreach grep { $columns[$_] =~ $varies && $cells[$_] ne '' } 0 .. $#cells;
			}
			elsif (@cells == 2 && $cells[0] =~ $varies) { $cells[1] = '#' }
			push @lines, join ' | ', @cells;
		}
	}
	foreach (@lines)
	{
		s/\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::\d\d)?)?/<time>/g;
		s/\b20\d\d-\d\d-\d\d\b/<date>/g;
		s/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/<uuid>/g;
		s/(?:\\x)?\b[0-9a-f]{32,}\b/<hash>/g;
		s/ in [\d.]+ (?:us|ms|s|min|h)\b//g;
		s/ after \d+ attempts//g;
		s/\b[\d.,]*\d (?:us|ms|s|min|h|bytes|kB|MB|GB|TB)\b/<amount>/g;
		s/\b(process(?: ID)?|PID|pid|"pid":) \d+/$1 #/g;
		s/\b[0-9A-F]+\/[0-9A-F]{4,8}\b/<lsn>/g;
		s/ +$//;
	}
	return @lines;
}

# Does a list match one in which ... is any number of elements?
sub matches
{
	my ($actual, $expected) = @_;
	my $pattern = join '', map { $_ eq '...' ? '(?:[^\n]*\n)*?' : quotemeta("$_\n") } @$expected;

	return join('', map { "$_\n" } @$actual) =~ /\A$pattern\z/;
}

# What an item that was run on a server of this major says other than the page; empty where that is well
sub differences
{
	my ($item, $major) = @_;

	return ("line $item->{line}: psql did not come so far") if !$item->{actual};
	my @errors = grep { /^(?:ERROR|FATAL|psql: error|.*: No such file|invalid command|WARNING)/ } @{ $item->{actual} };
	return map { "line $item->{line}: $_" } @errors if !$item->{output} || $major >= ($item->{before} // 999);
	my @actual = mask(@{ $item->{actual} });
	my @expected = mask(@{ $item->{output} });
	return () if matches(\@actual, \@expected);
	return ("line $item->{line}: the output is another one", (map { "  page: $_" } @expected), map { "  now:  $_" } @actual);
}

# The page with the outputs that were seen, but for those with a line "..."
sub write_page
{
	my ($text, $items, $major) = @_;
	my @lines = split /\n/, $text, -1;

	foreach my $item (reverse grep { $_->{output} && $_->{actual} } @$items)
	{
		next if !differences($item, $major) || grep { /^\.\.\.$/ } @{ $item->{output} };
		splice @lines, $item->{from}, $item->{to} - $item->{from} + 1, shown(@{ $item->{actual} });
	}
	return join "\n", @lines;
}

1;
