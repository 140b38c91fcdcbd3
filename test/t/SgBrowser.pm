# SgBrowser.pm: a page in a real browser, Debian's chromium without a window, by its debugging protocol over two pipes.
#
#   my $browser = SgBrowser->new($folder) or plan skip_all => 'no chromium';     # profile and pages go there
#   $browser->open($html);                        # loaded; what it said and asked for is noted anew
#   $browser->js('document.title');               # the value of an expression, awaited
#   $browser->key('Escape'); $browser->type('orders');
#   @{ $browser->{said} }, @{ $browser->{asked} } # lines of the console and errors; addresses but the page's own
package SgBrowser;
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use POSIX ();

my $json = JSON::PP->new->utf8->allow_nonref;

# Where chromium is, or undef
sub program
{
	foreach my $name ($ENV{SG_CHROMIUM} || (), qw(chromium chromium-browser google-chrome))
	{
		my ($found) = grep { -x } $name =~ m{/} ? $name : map { "$_/$name" } split /:/, $ENV{PATH};

		return $found if $found;
	}
	return undef;
}

# Undef where there is none, or it does not start
sub new
{
	my ($class, $folder) = @_;
	my $program = program() or return undef;
	local $^F = 20;             # the program is to have the pipes
	pipe(my $in, my $out) or die $!;
	pipe(my $back, my $said) or die $!;
	my $pid = fork() // die $!;

	if ($pid == 0)
	{
		# as the descriptors that the protocol has, which ours may be
		my ($read, $write) = map { POSIX::dup2(fileno($_->[0]), $_->[1]) && $_->[1] } [ $in, 15 ], [ $said, 16 ];

		POSIX::dup2($read, 3);
		POSIX::dup2($write, 4);
		POSIX::close($_) foreach 5 .. 20;
		open STDOUT, '>', "$folder/browser.log";
		open STDERR, '>&', \*STDOUT;
		$ENV{HOME} = $folder;
		exec($program, qw(--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking
			--disable-component-update --disable-sync --disable-extensions --remote-debugging-pipe), "--user-data-dir=$folder/profile", 'about:blank') or POSIX::_exit(127);
	}
	close $in;
	close $said;
	binmode $_ foreach $out, $back;
	$out->autoflush(1);
	my $self = bless { pid => $pid, out => $out, back => $back, buffer => '', id => 0, folder => $folder, said => [], asked => [], events => {} }, $class;

	local $SIG{PIPE} = 'IGNORE';
	my $target = eval { $self->call('Target.createTarget', { url => 'about:blank' }) } or return undef;
	$self->{session} = $self->call('Target.attachToTarget', { targetId => $target->{targetId}, flatten => JSON::PP::true })->{sessionId};
	$self->call("$_.enable", {}) foreach qw(Page Runtime Log Network);
	return $self;
}

sub DESTROY
{
	my ($self) = @_;

	local $?;
	return unless $self->{pid};
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
}

# The next message, within a minute
sub message
{
	my ($self) = @_;
	my $select = IO::Select->new($self->{back});

	my $end;

	while (($end = index($self->{buffer}, "\0")) < 0)
	{
		$select->can_read(60) && sysread($self->{back}, $self->{buffer}, 1 << 20, length $self->{buffer}) or die "the browser does not answer\n";
	}
	return $json->decode(substr(substr($self->{buffer}, 0, $end + 1, ''), 0, $end));
}

sub note_event
{
	my ($self, $event) = @_;
	my ($method, $p) = @$event{qw(method params)};

	$self->{events}->{$method}++;
	push @{ $self->{asked} }, $p->{request}->{url} if $method eq 'Network.requestWillBeSent' && $p->{request}->{url} ne ($self->{url} // '');
	push @{ $self->{said} }, join ' ', map { $_->{value} // $_->{description} // '?' } @{ $p->{args} } if $method eq 'Runtime.consoleAPICalled';
	push @{ $self->{said} }, $p->{exceptionDetails}->{exception}->{description} // $p->{exceptionDetails}->{text} if $method eq 'Runtime.exceptionThrown';
	push @{ $self->{said} }, $p->{entry}->{text} if $method eq 'Log.entryAdded';
}

# A call of the protocol; dies where that is an error
sub call
{
	my ($self, $method, $params) = @_;
	my $id = ++$self->{id};
	my $out = $self->{out};

	print $out $json->encode({ id => $id, method => $method, params => $params, ($self->{session} ? (sessionId => $self->{session}) : ()) }), "\0";
	while (1)
	{
		my $answer = $self->message;

		if (defined $answer->{method}) { $self->note_event($answer) }
		elsif ($answer->{id} == $id)
		{
			die "$method: $answer->{error}->{message}\n" if $answer->{error};
			return $answer->{result};
		}
	}
}

sub open
{
	my ($self, $html) = @_;
	my $file = "$self->{folder}/page" . ++$self->{pages} . '.html';

	CORE::open(my $handle, '>', $file) or die $!;
	print $handle $html;
	close $handle;
	$self->{url} = "file://$file";
	@$self{qw(said asked)} = ([], []);
	$self->{events} = {};
	$self->call('Page.navigate', { url => $self->{url} });
	$self->note_event($self->message) until $self->{events}->{'Page.loadEventFired'};
}

sub js
{
	my ($self, $expression) = @_;
	my $result = $self->call('Runtime.evaluate', { expression => $expression, returnByValue => JSON::PP::true, awaitPromise => JSON::PP::true });

	die "$expression: " . ($result->{exceptionDetails}->{exception}->{description} // 'error') . "\n" if $result->{exceptionDetails};
	return $result->{result}->{value};
}

my %codes = (Enter => 13, Escape => 27, Tab => 9, '/' => 191);
my %texts = (Enter => "\r", '/' => '/');

sub key
{
	my ($self, $key) = @_;
	my %event = (key => $key, windowsVirtualKeyCode => $codes{$key});

	$self->call('Input.dispatchKeyEvent', { type => defined $texts{$key} ? 'keyDown' : 'rawKeyDown', %event, (defined $texts{$key} ? (text => $texts{$key}) : ()) });
	$self->call('Input.dispatchKeyEvent', { type => 'keyUp', %event });
}

sub type { my ($self, $text) = @_; $self->call('Input.insertText', { text => $text }); }

# Its width in pixels, and media such as { 'prefers-color-scheme' => 'dark' } or the medium "print"
sub look
{
	my ($self, $width, $medium, %features) = @_;

	$self->call('Emulation.setDeviceMetricsOverride', { width => $width, height => 900, deviceScaleFactor => 1, mobile => JSON::PP::false });
	$self->call('Emulation.setEmulatedMedia', { media => $medium // '', features => [ map { { name => $_, value => $features{$_} } } sort keys %features ] });
}

1;
