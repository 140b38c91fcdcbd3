# awk -f sql/upgrade.awk OLD NEW BY_HAND ASK: prints the script that makes OLD's objects NEW's
#
# OLD and NEW are install scripts, BY_HAND is a file of sql/upgrade/: what is to be done to tables that OLD has, and whatever
# stands in the way of the rest. It comes first, but for what fills columns by functions that are new, moves rows to tables that are new and drops
# the old ones (UPDATE, INSERT, SET DEFAULT by a function, ALTER EXTENSION, DROP TABLE, DROP SEQUENCE), which comes last. The rest follows from the two scripts:
#
#   - a routine whose arguments or result are not what they were, or that is gone, is dropped; so is a view that is gone
#   - a statement that OLD has word for word is left out, unless it is about something that is dropped, here or by hand
#   - of the others, routines and views that are there are replaced, tables that are there are left to BY_HAND
#
# What is dropped is asked about before anything is done, by ASK, which is sql/upgrade/ask.sql. A routine is known by its COMMENT, which spells
# its types. That both ways lead to the same is for test/t/082_upgrade.pl to find out.

function fail(text)
{
	print "upgrade.awk: " text > "/dev/stderr"
	failed = 1
	exit 1
}

# The statements of a file, without comments between them: text[file, 1] to text[file, count[file]]
function read_statements(file, path,    line, rest, token, close_by, statement, status)
{
	while ((status = (getline line < path)) > 0)
	{
		if (statement == "" && line ~ /^[ \t]*(--.*|\\.*)?$/)
			continue
		statement = statement (statement == "" ? "" : "\n") line
		rest = line
		while (rest != "")
		{
			if (close_by != "")
			{
				if (!index(rest, close_by))
					break
				rest = substr(rest, index(rest, close_by) + length(close_by))
				token = close_by == "END;" ? ";" : ""
				close_by = ""
			}
			else if (match(rest, /'|"|;|--|\$[a-z_]*\$|BEGIN ATOMIC/))
			{
				token = substr(rest, RSTART, RLENGTH)
				rest = token == "--" ? "" : substr(rest, RSTART + RLENGTH)
				if (token == "BEGIN ATOMIC")
					close_by = "END;"
				else if (token != ";" && token != "--")
					close_by = token
			}
			else
				break
			if (token == ";")
			{
				if (rest !~ /^[ \t]*(--.*)?$/)
					fail(path ": more than one statement in a line: " line)
				text[file, ++count[file]] = statement
				statement = ""
				break
			}
		}
	}
	if (status < 0 || statement != "")
		fail("cannot read " path " to its end" (statement == "" ? "" : ": " statement))
	close(path)
}

function squeezed(s)
{
	gsub(/--[^\n]*/, "", s)
	gsub(/[ \t\n]+/, " ", s)
	return s
}

# Sets kind and name of what a statement makes, comments on or drops: kind is '' for all that is not told apart here
function classify(statement,    words)
{
	kind = name = verb = ""
	statement = squeezed(statement)
	if (match(statement, /^(CREATE (OR REPLACE )?|COMMENT ON |DROP )(FUNCTION|PROCEDURE|VIEW|TABLE|POLICY|TRIGGER|EVENT TRIGGER) /))
	{
		name = substr(statement, RLENGTH + 1)
		split(substr(statement, 1, RLENGTH), words, " ")
		kind = words[words[1] == "COMMENT" ? 3 : words[2] == "OR" ? 4 : 2]
		if (words[1] == "CREATE")
			sub(/[ (;].*/, "", name)
		else if (kind == "FUNCTION" || kind == "PROCEDURE")
			sub(/\).*/, ")", name)
		else
			sub(/[ ;].*/, "", name)
		verb = words[1]
	}
}

# What CREATE OR REPLACE can't change
function header(statement)
{
	statement = squeezed(statement)
	sub(/^CREATE (OR REPLACE )?/, "", statement)
	sub(/ (LANGUAGE|AS) .*/, "", statement)
	return statement
}

# What a file makes: routines by signature, views and tables by name
function read_objects(file,    i, bare, last)
{
	for (i = 1; i <= count[file]; i++)
	{
		classify(text[file, i])
		if (kind == "")
			continue
		bare = name
		sub(/\(.*/, "", bare)
		if (verb == "CREATE")
		{
			last[bare] = i
			if (kind == "VIEW" || kind == "TABLE")
				made[file, kind, name] = i
		}
		else if (verb == "COMMENT" && (kind == "FUNCTION" || kind == "PROCEDURE"))
		{
			if (!(bare in last))
				fail("a comment on what is not made: " name)
			signature[file, last[bare]] = name
			made[file, kind, name] = last[bare]
		}
	}
}

function note_drop(kind, name,    bare)
{
	dropped[kind, name] = 1
	drops[++ndrops] = kind " " name
	bare = name
	sub(/\(.*/, "", bare)
	sub(/.*\./, "", bare)
	dropped_names[bare] = 1
}

function is_about_dropped(statement,    bare)
{
	for (bare in dropped_names)
		if (statement ~ ("(^|[^a-z0-9_])" bare "($|[^a-z0-9_])"))
			return 1
	return 0
}

# In the extension's schema, unless it says another
function qualified(name,    bare)
{
	bare = name
	sub(/\(.*/, "", bare)
	return index(bare, ".") ? name : "@extschema@." name
}

function find_drops(    i)
{
	for (i = 1; i <= count["hand"]; i++)
	{
		classify(text["hand", i])
		if (verb == "DROP" && (kind == "FUNCTION" || kind == "PROCEDURE" || kind == "VIEW" || kind == "TABLE"))
		{
			sub(/^@extschema@\./, "", name)
			note_drop(kind, name)
		}
		else if (verb == "DROP" && kind == "EVENT")
			dropped_names[name] = 1
	}
	by_hand = ndrops
	for (i = 1; i <= count["old"]; i++)
	{
		classify(text["old", i])
		if (verb == "COMMENT" && (kind == "FUNCTION" || kind == "PROCEDURE" || kind == "VIEW") && !((kind, name) in dropped))
		{
			if (!(("new", kind, name) in made))
				note_drop(kind, name)
			else if (kind != "VIEW" && header(text["old", made["old", kind, name]]) != header(text["new", made["new", kind, name]]))
				note_drop(kind, name)
		}
	}
}

# Prints what comes first; told: what comes last
function print_questions(ask,    line, i, words, behind)
{
	while ((getline line < ask) > 0)
	{
		if (line ~ /\\dropped/)
			for (i = 1; i <= ndrops; i++)
			{
				match(drops[i], / /)
				print "    ('" (drops[i] ~ /^(VIEW|TABLE)/ ? "pg_class" : "pg_proc") "', '" qualified(substr(drops[i], RSTART + 1)) "')" (i < ndrops ? "," : "")
			}
		else if (line ~ /^\\last/)
			behind = 1
		else if (line !~ /^--/ && behind)
			told = told line "\n"
		else if (line !~ /^--/)
			print line
	}
	close(ask)
}

function comes_last(statement)
{
	return statement ~ /^(UPDATE|INSERT|ALTER EXTENSION|DROP TABLE|DROP SEQUENCE) / || statement ~ / SET DEFAULT schemaguard\./
}

function print_new(i, statement)
{
	classify(statement)
	if (verb == "CREATE" && kind == "TABLE" && ("old", kind, name) in made)
		return
	if (verb == "CREATE" && ("new", i) in signature)
		name = signature["new", i]
	if (verb == "CREATE" && ("old", kind, name) in made && !((kind, name) in dropped))
		sub(/^CREATE /, "CREATE OR REPLACE ", statement)
	print statement
}

BEGIN {
	if (ARGC != 5)
		fail("give OLD, NEW, BY_HAND and ASK")
	read_statements("old", ARGV[1])
	read_statements("new", ARGV[2])
	read_statements("hand", ARGV[3])
	read_objects("old")
	read_objects("new")
	find_drops()
	for (i = 1; i <= count["old"]; i++)
		is_old[text["old", i]] = 1

	print "-- complain if the script is sourced in psql, rather than run by ALTER EXTENSION"
	print "\\echo Use \"ALTER EXTENSION schemaguard UPDATE\" to load this file. \\quit"
	if (ndrops)
		print_questions(ARGV[4])
	for (i = 1; i <= count["hand"]; i++)
		if (!comes_last(text["hand", i]))
			print text["hand", i]
	for (i = by_hand + 1; i <= ndrops; i++)
	{
		match(drops[i], / /)
		print "DROP " substr(drops[i], 1, RSTART) qualified(substr(drops[i], RSTART + 1)) ";"
	}
	for (i = 1; i <= count["new"]; i++)
		if (!(text["new", i] in is_old) || is_about_dropped(text["new", i]))
			print_new(i, text["new", i])
	for (i = 1; i <= count["hand"]; i++)
		if (comes_last(text["hand", i]))
			print text["hand", i]
	printf "%s", told
}
