# awk -f sql/join.awk FILE...: prints the files, with what they include
#
# A line "\ir PATTERN" stands for the files that match, from the folder of the file that says so, as far to the right as it
# stands itself. Several are queries, each in parentheses, joined by UNION ALL.

function fail(text)
{
	print "join.awk: " text > "/dev/stderr"
	exit 1
}

function put_all(pattern, indent,    list, path, paths, n, i)
{
	list = "LC_ALL=C ls " pattern
	while ((list | getline path) > 0)
		paths[++n] = path
	close(list)
	if (!n)
		fail("nothing is " pattern)
	if (n == 1)
		put(paths[1], indent)
	else
	{
		for (i = 1; i <= n; i++)
		{
			print indent (i == 1 ? "(" : ") UNION ALL (")
			put(paths[i], indent)
		}
		print indent ")"
	}
}

function put(path, indent,    line, place, status)
{
	while ((status = (getline line < path)) > 0)
	{
		if (match(line, /\\ir /) && substr(line, 1, RSTART - 1) !~ /[^ ]/)
		{
			place = RSTART
			put_all(substr(path, 1, match(path, /[^\/]*$/) - 1) substr(line, place + 4), indent substr(line, 1, place - 1))
		}
		else
			print (line == "" ? "" : indent) line
	}
	if (status < 0)
		fail("cannot read " path)
	close(path)
}

BEGIN {
	for (i = 1; i < ARGC; i++)
		put(ARGV[i], "")
}
