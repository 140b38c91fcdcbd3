-- Files of migrations, replayed in a scratch database: what they make is a snapshot. src/sync/sync_replay.c says what runs there.

CREATE FUNCTION schemaguard.sg_replay_statements(content text, OUT line int, OUT tag text, OUT statement text,
    OUT alone boolean)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_replay_statements';
COMMENT ON FUNCTION schemaguard.sg_replay_statements(text)
    IS 'returns the statements of a file, then its commands of psql, with their lines; a null tag comes with an error in place of a text';

-- Returns the commands of psql, as regular expressions, with what becomes of them. Followed: if a line begins with one; told: left out with
-- a NOTICE; ignored: it only prints, or sets how. Any other one is refused.
CREATE FUNCTION schemaguard.sg_replay_commands(OUT command text, OUT fate text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
VALUES
    ('i|ir|include|include_relative|set|unset|if|elif|else|endif|q|quit', 'followed'),
    ('copy', 'told'),
    ('g|gx|crosstabview|r|reset|p|print|w|write', 'ignored'),
    ('echo|qecho|warn|o|out|pset|a|C|f|H|html|t|T|x|timing|encoding|setenv|errverbose', 'ignored'),
    ('d[a-zA-Z]*|l|list|lo_list|z|sf|sv|h|help|[?]|s|conninfo|copyright|restrict|unrestrict', 'ignored')
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_commands()
    IS 'returns the commands of psql that a file can have, and what becomes of them';

-- Returns what a tool runs of its files. Files: by the whole path; part: of a file, that which makes, up to what takes it back; alone:
-- what says that each statement is a transaction; by_text: paths sort as texts, not by the numbers in them, as the tools' manuals say
CREATE FUNCTION schemaguard.sg_replay_tools(OUT tool text, OUT files text, OUT part text, OUT alone text, OUT placeholder text,
    OUT by_text boolean)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
VALUES
    ('psql', E'(?<![._](down|undo|rollback|revert))\\.sql$', NULL, NULL, ':', false),
    ('sqitch', E'(^|/)deploy/.*\\.sql$', NULL, NULL, ':', false),
    ('flyway', E'(^|/)(V[0-9][0-9._]*__|R__)[^/]*\\.sql$', NULL, 'executeInTransaction *= *false', '$', false),
    ('liquibase', E'\\.sql$', NULL, 'runInTransaction:false', '$', true),
    ('goose', E'\\.sql$', E'^\\s*--\\s*\\+goose\\s+(Up|Down)', E'^\\s*--\\s*\\+goose\\s+NO TRANSACTION', '$', false),
    ('dbmate', E'\\.sql$', E'^\\s*--\\s*migrate:(up|down)', E'^\\s*--\\s*migrate:up\\s.*transaction:false', '$', true),
    ('golang-migrate', E'\\.up\\.sql$', NULL, NULL, '$', false),
    ('atlas', E'\\.sql$', NULL, 'atlas:txmode none', '$', true),
    ('prisma', E'(^|/)migration\\.sql$', NULL, NULL, '$', true),
    ('drizzle', E'\\.sql$', NULL, NULL, '$', false),
    ('node-pg-migrate', E'\\.sql$', E'^\\s*--\\s*(Up|Down) Migration', NULL, '$', false)
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_tools()
    IS 'returns which files of each tool make something, and which part of them';

-- Returns a key that sorts paths, as bytes: folders before what is in them; and numbers as people count, unless by_text says otherwise
CREATE FUNCTION schemaguard.sg_replay_key(path text, by_text boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT string_agg(coalesce(lpad(ltrim(m.m[1], '0'), greatest(40, length(m.m[1])), '0'), replace(m.m[2], '/', E'\x01')), '' ORDER BY m.n)
    FROM regexp_matches(path, CASE WHEN by_text THEN '(^$)|(.+)' ELSE '([0-9]+)|([^0-9]+)' END, 'g') WITH ORDINALITY m (m, n));
COMMENT ON FUNCTION schemaguard.sg_replay_key(text, boolean)
    IS 'returns a key that sorts a path by its numbers, or as a text';

-- Returns that part of a file that makes something; lines keep their numbers
CREATE FUNCTION schemaguard.sg_replay_part(content text, mark text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN mark IS NULL OR content !~* ('(?w)' || mark) THEN content
    ELSE (SELECT string_agg(CASE WHEN lower(l.section) = 'up' THEN l.line ELSE '' END, chr(10) ORDER BY l.n)
          FROM (SELECT c.n, c.line, (array_agg(c.word) FILTER (WHERE c.word IS NOT NULL) OVER (ORDER BY c.n))[
                    count(c.word) OVER (ORDER BY c.n)] AS section
                FROM (SELECT x.n, x.line, (regexp_match(x.line, mark, 'i'))[1] AS word
                      FROM regexp_split_to_table(content, chr(10)) WITH ORDINALITY x (line, n)) c) l) END;
COMMENT ON FUNCTION schemaguard.sg_replay_part(text, text)
    IS 'returns the up section of a file';

-- Returns the lines of a file of Liquibase: what begins a changeset, and whether it runs here. Context, labels and preconditions are not
-- judged. An endDelimiter at the end of a line is a semicolon.
CREATE FUNCTION schemaguard.sg_replay_changesets(content text, OUT n bigint, OUT line text, OUT header text, OUT runs boolean)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH line AS (
    SELECT x.n, x.line, (regexp_match(x.line, E'^\\s*--\\s*changeset\\s.*', 'i'))[1] AS header
    FROM regexp_split_to_table(content, chr(10)) WITH ORDINALITY x (line, n)
), judged AS (
    SELECT l.*, count(l.header) OVER (ORDER BY l.n) AS changeset, l.header !~* E'\\yignore:"?true' AND (d.names IS NULL
        OR d.names && '{all,postgresql}' OR '!postgresql' <> ALL (d.names) AND '!' = ALL (SELECT left(n, 1) FROM unnest(d.names) n)) AS runs
    FROM line l CROSS JOIN LATERAL (SELECT regexp_split_to_array(
        lower(trim('"' FROM (regexp_match(l.header, E'\\ydbms:("[^"]*"|\\S+)', 'i'))[1])), E'\\s*,\\s*') AS names) d
)
SELECT j.n, CASE WHEN j.header IS NULL AND right(rtrim(j.line, E' \\t\\r'), length(e.ending)) = e.ending
        THEN left(rtrim(j.line, E' \\t\\r'), - length(e.ending)) || ';' ELSE j.line END, j.header,
    coalesce(bool_and(j.runs) OVER (PARTITION BY j.changeset), true)
FROM (SELECT d.*, min(d.header) OVER (PARTITION BY d.changeset) AS begin FROM judged d) j
CROSS JOIN LATERAL (SELECT trim('"' FROM (regexp_match(j.begin, E'\\yendDelimiter:("[^"]+"|\\S+)', 'i'))[1]) AS ending) e
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_changesets(text)
    IS 'returns the lines of a file of Liquibase, and which of them run here';

-- Returns the files of a plan of sqitch. The script of a change that was reworked since has one of the tags between as a suffix.
CREATE FUNCTION schemaguard.sg_replay_plan(plan text, paths text[])
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH line AS (
    SELECT m.n, m.m[1] AS tag, m.m[2] AS change, lead(m.n) OVER (PARTITION BY m.m[2] ORDER BY m.n) AS reworked
    FROM regexp_matches(plan, E'^(?:(@\\S+)|([^%@\\s#]\\S*))', 'gn') WITH ORDINALITY m (m, n))
SELECT coalesce(array_agg(f.file ORDER BY c.n), '{}')
FROM line c CROSS JOIN LATERAL (
    SELECT format('deploy/%s%s.sql', c.change, t.tag) AS file
    FROM (SELECT NULL AS tag, 0 AS n
          UNION ALL SELECT t.tag, t.n FROM line t WHERE t.tag IS NOT NULL AND t.n > c.n AND t.n < c.reworked) t
    ORDER BY t.tag IS NULL, EXISTS (SELECT FROM unnest(paths) p
            WHERE right('/' || p, length(c.change || t.tag) + 12) = format('/deploy/%s%s.sql', c.change, t.tag)) DESC, t.n LIMIT 1) f
WHERE c.change IS NOT NULL
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_plan(text, text[])
    IS 'returns the files of a plan of sqitch, in its order';

-- Returns the files that a tool runs, in its order
CREATE FUNCTION schemaguard.sg_replay_files(tool text, paths text[], contents text[], OUT n bigint, OUT path text, OUT content text,
    OUT alone boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
    rule  record;
    list  text[];
    mark  text;
BEGIN
    SELECT t.* INTO STRICT rule FROM schemaguard.sg_replay_tools() t WHERE t.tool = sg_replay_files.tool;
    -- the tool's own list, if it has one
    SELECT CASE rule.tool WHEN 'sqitch' THEN schemaguard.sg_replay_plan(x.content, paths)
        ELSE ARRAY(SELECT (e.e ->> 'tag') || '.sql' FROM jsonb_array_elements(x.content::jsonb -> 'entries') WITH ORDINALITY e (e, n)
            ORDER BY (e.e ->> 'idx')::numeric, e.n) END INTO list
    FROM unnest(paths, contents) x (path, content)
    WHERE x.path ~ CASE rule.tool WHEN 'sqitch' THEN E'(^|/)sqitch\\.plan$' WHEN 'drizzle' THEN E'(^|/)meta/_journal\\.json$' ELSE '^$' END
    LIMIT 1;
    IF list IS NULL AND rule.tool = 'sqitch' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'sqitch.plan is not among the files', HINT = 'It says in which order they run.';
    END IF;
    SELECT min(l.l) INTO mark FROM unnest(list) l
    WHERE NOT EXISTS (SELECT FROM unnest(paths) p WHERE p = l.l OR right(p, length(l.l) + 1) = '/' || l.l);
    IF mark IS NOT NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%s is not among the files', mark),
            HINT = 'The list of the tool names it.';
    END IF;
    -- a checkpoint of Atlas is all files before it in one
    SELECT max(schemaguard.sg_replay_key(x.path, rule.by_text) COLLATE "C") INTO mark FROM unnest(paths, contents) x (path, content)
    WHERE rule.tool = 'atlas' AND x.content ~ E'(?n)^--\\s*atlas:checkpoint';
    RETURN QUERY SELECT row_number() OVER (ORDER BY l.n, x.path ~ '(^|/)R__[^/]*$', CASE rule.tool WHEN 'flyway'
                THEN schemaguard.sg_replay_key(replace((regexp_match(x.path, '(?:^|/)V([0-9._]*?)__'))[1], '_', '.'), false) END,
            schemaguard.sg_replay_key(x.path, rule.by_text) COLLATE "C"), x.path,
        CASE rule.tool WHEN 'atlas' THEN replace(c.content, coalesce((
                regexp_match(c.content, E'atlas:delimiter ([^\\r\\n]+)'))[1], ';'), ';')
            WHEN 'liquibase' THEN (SELECT string_agg(CASE WHEN s.runs THEN s.line ELSE '' END, chr(10) ORDER BY s.n)
                FROM schemaguard.sg_replay_changesets(c.content) s)
            ELSE c.content END,
        CASE WHEN rule.tool IN ('psql', 'sqitch') THEN true
            ELSE coalesce(concat(x.content, (SELECT f.content FROM unnest(paths, contents) f (path, content)
                WHERE f.path = x.path || '.conf' LIMIT 1)) ~* ('(?w)' || rule.alone), false) END
    FROM unnest(paths, contents) WITH ORDINALITY x (path, content, n)
    CROSS JOIN LATERAL (SELECT schemaguard.sg_replay_part(x.content, rule.part) AS content) c
    LEFT JOIN LATERAL (SELECT min(o.n) AS n FROM unnest(list) WITH ORDINALITY o (l, n)
        WHERE x.path = o.l OR right(x.path, length(o.l) + 1) = '/' || o.l) l ON list IS NOT NULL
    WHERE x.path ~ rule.files AND (list IS NULL OR l.n IS NOT NULL)
        AND (mark IS NULL OR schemaguard.sg_replay_key(x.path, rule.by_text) COLLATE "C" >= mark);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_files(text, text[], text[])
    IS 'returns the files that a tool runs, in its order';

-- Fills placeholders: a word in the form of the tool, another key as it stands
CREATE FUNCTION schemaguard.sg_replay_filled(content text, form text, placeholders jsonb)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    filled text := content;
    hole   record;
BEGIN
    FOR hole IN SELECT e.key, e.value, replace(e.value, E'\\', E'\\\\') AS plain FROM jsonb_each_text(placeholders) e
            ORDER BY length(e.key) DESC, e.key LOOP
        IF hole.key !~ E'^\\w+$' THEN
            filled := replace(filled, hole.key, hole.value);
        ELSIF form = '$' THEN
            filled := replace(filled, '${' || hole.key || '}', hole.value);
        ELSE
            filled := regexp_replace(filled, '(?<!:):''' || hole.key || '''', replace(quote_literal(hole.value), E'\\', E'\\\\'), 'g');
            filled := regexp_replace(filled, '(?<!:):"' || hole.key || '"',
                replace('"' || replace(hole.value, '"', '""') || '"', E'\\', E'\\\\'), 'g');
            filled := regexp_replace(filled, E'(?<![:\\w]):' || hole.key || E'\\y', hole.plain, 'g');
        END IF;
        IF length(filled) > length(content) + 67108864 THEN
            RAISE program_limit_exceeded
                USING MESSAGE = format('values of placeholders add more than 64 MB: the last one is of %s', hole.key),
                HINT = 'Give the text that they make.';
        END IF;
    END LOOP;
    RETURN filled;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_filled(text, text, jsonb)
    IS 'fills the placeholders of a file';

-- Returns which of the files psql means in a file: as it stands, or beside that file
CREATE FUNCTION schemaguard.sg_replay_included(paths text[], path text, included text)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    WITH RECURSIVE plain (name) AS (
        SELECT regexp_replace(regexp_replace(path, '[^/]*$', '') || ltrim(included, '/'), E'(^|/)\\./', E'\\1', 'g')
        UNION ALL SELECT regexp_replace(p.name, E'(^|/)[^/]+/\\.\\./', E'\\1') FROM plain p WHERE p.name ~ E'(^|/)[^/]+/\\.\\./')
    SELECT f.n::int FROM unnest(paths) WITH ORDINALITY f (path, n)
    WHERE f.path IN (included, regexp_replace(included, E'^\\./', '')) OR f.path IN (SELECT p.name FROM plain p)
    ORDER BY f.path IN (SELECT p.name FROM plain p) DESC, f.n LIMIT 1);
COMMENT ON FUNCTION schemaguard.sg_replay_included(text[], text, text)
    IS 'returns the number of the file that another file includes';

-- Appends what is read of a file, from a line on
CREATE FUNCTION schemaguard.sg_replay_add(parts jsonb[], path text, line int, content text)
RETURNS jsonb[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    size bigint := coalesce((parts[cardinality(parts)] ->> 'end')::bigint, 0) + length(content);
BEGIN
    IF cardinality(parts) >= 10000 OR size > 268435456 THEN
        RAISE program_limit_exceeded USING MESSAGE = format('%s: with the files that it includes there are more than %s', path,
                CASE WHEN size > 268435456 THEN '256 MB' ELSE '10000 parts' END),
            HINT = 'Give the text that they make.';
    END IF;
    RETURN parts || jsonb_build_object('path', path, 'line', line, 'content', content, 'end', size);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_add(jsonb[], text, int, text)
    IS 'appends a part of a file to what is read';

-- Returns whether a condition of psql holds; null: can't be told. The beginnings of true, false, yes and no are words, too.
CREATE FUNCTION schemaguard.sg_replay_holds(condition text, form text, variables jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT CASE WHEN m.m IS NOT NULL THEN variables ? m.m[1] WHEN w.word IN ('on', '1') THEN true
        WHEN w.word IN ('of', 'off', '0') THEN false WHEN w.word = '' THEN NULL
        WHEN starts_with('true', w.word) OR starts_with('yes', w.word) THEN true
        WHEN starts_with('false', w.word) OR starts_with('no', w.word) THEN false END
    FROM regexp_match(condition, E'^:[{][?](\\w+)[}]$') m (m),
        lower(trim('''' FROM schemaguard.sg_replay_filled(condition, form, variables))) w (word));
COMMENT ON FUNCTION schemaguard.sg_replay_holds(text, text, jsonb)
    IS 'returns whether a condition of psql holds';

-- Returns the branches that are open behind a command of psql, the innermost at the end: it runs, waits for a condition, or is over
CREATE FUNCTION schemaguard.sg_replay_branch(branches text[], path text, line int, command text, condition text, form text,
    variables jsonb)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    depth int := cardinality(branches);
    holds boolean;
BEGIN
    IF command = 'if' THEN
        branches := branches || CASE WHEN 'runs' = ALL (branches) THEN 'waits' ELSE 'over' END;
        depth := depth + 1;
    ELSIF depth = 0 THEN
        PERFORM schemaguard.sg_replay_fail(path, line, '42601', format(E'\\%s without \\if', command), NULL);
    ELSIF command = 'endif' THEN
        RETURN branches[: depth - 1];
    END IF;
    IF branches[depth] <> 'waits' THEN
        branches[depth] := 'over';
        RETURN branches;
    END IF;
    holds := command = 'else' OR schemaguard.sg_replay_holds(condition, form, variables);
    IF holds IS NULL THEN
        PERFORM schemaguard.sg_replay_fail(path, line, '0A000',
            format(E'\\%s %s is not known to be true or false', command, condition), NULL);
    END IF;
    branches[depth] := CASE WHEN holds THEN 'runs' ELSE 'waits' END;
    RETURN branches;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_branch(text[], text, int, text, text, text, jsonb)
    IS 'returns the branches of psql that are open behind a command';

-- Returns the lines of a file with commands of psql that are followed: name, first word, and what comes behind. In a literal or comment
-- they are text.
CREATE FUNCTION schemaguard.sg_replay_followed(content text, form text, OUT n int, OUT m text[])
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT l.n::int, x.m
    FROM unnest(string_to_array(content, chr(10))) WITH ORDINALITY l (line, n) CROSS JOIN schemaguard.sg_replay_commands() c
    CROSS JOIN LATERAL regexp_match(l.line, format(E'^\\s*\\\\(%s)(?=\\s|;|$)\\s*([^\\s;]*)\\s*(.*?)\\s*;?\\s*$', c.command)) x (m)
    WHERE form = ':' AND content ~ E'(?n)^\\s*\\\\' AND c.fate = 'followed' AND x.m IS NOT NULL
        AND l.n IN (SELECT s.line FROM schemaguard.sg_replay_statements(content) s WHERE starts_with(s.tag, E'\\'))
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_followed(text, text)
    IS 'returns the lines of a file with commands of psql that are followed';

-- Cuts a file at the commands of psql that are followed. Parts has what is read in the end: path, line and content of each.
CREATE FUNCTION schemaguard.sg_replay_read(paths text[], contents text[], path text, content text, form text, inside text[],
    INOUT variables jsonb, INOUT parts jsonb[])
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    first    int := 1;
    lines    text[];
    found    record;
    other    int;
    runs     boolean := true;
    ended    boolean := false;
    branches text[] := '{}';
BEGIN
    lines := string_to_array(content, chr(10));
    FOR found IN SELECT f.n, f.m FROM schemaguard.sg_replay_followed(content, form) f ORDER BY f.n LOOP
        IF runs THEN
            parts := schemaguard.sg_replay_add(parts, path, first,
                schemaguard.sg_replay_filled(array_to_string(lines[first : found.n - 1], chr(10)), form, variables));
        END IF;
        first := found.n + 1;
        IF runs AND regexp_replace(found.m[3], '''[^'']*''', '', 'g') ~ E'\\\\' THEN
            PERFORM schemaguard.sg_replay_fail(path, found.n, '0A000', format(E'\\%s and a command behind it are not followed', found.m[1]),
                NULL);
        ELSIF NOT ended AND found.m[1] IN ('if', 'elif', 'else', 'endif') THEN
            branches := schemaguard.sg_replay_branch(branches, path, found.n, found.m[1], found.m[2], form, variables);
        ELSIF runs AND found.m[1] IN ('q', 'quit') THEN
            ended := true;
        ELSIF runs AND found.m[1] = 'set' THEN
            variables := variables || jsonb_build_object(found.m[2], replace(trim('''' FROM found.m[3]), '''''', ''''));
        ELSIF runs AND found.m[1] = 'unset' THEN
            variables := variables - found.m[2];
        END IF;
        runs := NOT ended AND 'runs' = ALL (branches);
        CONTINUE WHEN found.m[1] !~ '^i(r|nclude|nclude_relative)?$';
        other := schemaguard.sg_replay_included(paths, path,
            schemaguard.sg_replay_filled(trim('''"' FROM found.m[2]), form, variables));
        IF NOT runs THEN
            parts := schemaguard.sg_replay_add(parts, coalesce(paths[other], path), 1, '');
            CONTINUE;
        ELSIF other IS NULL OR paths[other] = ANY (inside) THEN
            RAISE invalid_parameter_value USING MESSAGE = format('%s:%s: %s %s', path, found.n, found.m[2],
                    CASE WHEN other IS NULL THEN 'is not among the files' ELSE 'includes itself' END),
                HINT = 'Give all files that are included, by their paths from one folder.';
        END IF;
        SELECT r.variables, r.parts INTO variables, parts FROM schemaguard.sg_replay_read(paths, contents, paths[other], contents[other],
            form, inside || paths[other], variables, parts) r;
    END LOOP;
    IF NOT ended AND branches <> '{}' THEN
        PERFORM schemaguard.sg_replay_fail(path, cardinality(lines), '42601', E'\\if without \\endif', NULL);
    END IF;
    parts := schemaguard.sg_replay_add(parts, path, first, CASE WHEN runs THEN
        schemaguard.sg_replay_filled(array_to_string(lines[first :], chr(10)), form, variables) ELSE '' END);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_read(text[], text[], text, text, text, text[], jsonb, jsonb[])
    IS 'returns the parts of a file and of those that it includes';

-- Raises an error of a file
CREATE FUNCTION schemaguard.sg_replay_fail(path text, line int, code text, message text, statement text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE USING ERRCODE = code, MESSAGE = format('%s:%s: %s', path, line, message),
        DETAIL = coalesce('Statement: ' || CASE WHEN length(statement) > 200 THEN left(statement, 197) || '...' ELSE statement END,
            'The file can''t be read from there on.'),
        HINT = CASE WHEN code = '42704' AND message ~ '^role ".+" does not exist$' THEN
                format(E'Create the role on this server, for a file does not:\nCREATE ROLE %I NOLOGIN;',
                    (regexp_match(message, '"(.+)"'))[1])
            WHEN message LIKE 'extension % is not available' THEN 'Install the files of the extension on this server.'
            WHEN code = '42501' AND message LIKE '% does not run in a scratch database' THEN
                'Leave the statement out of the text that you give.'
            WHEN code = '0A000' AND starts_with(message, E'\\') THEN
                'Leave the command out, give the text that it makes, or give the value of its variable as a placeholder.'
            WHEN code = '57014' THEN E'Raise the limit of one statement:\nSET schemaguard.remote_timeout = ''1h'';'
            WHEN statement IS NULL THEN 'Give each file as its tool reads it, and name that tool.'
            ELSE 'All before it has run. Give each file, and the tool that runs them.' END;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_fail(text, int, text, text, text)
    IS 'raises an error of a file, with its line and statement';

-- Returns what becomes of a command of psql; null: the tag is of a statement
CREATE FUNCTION schemaguard.sg_replay_fate(path text, line int, tag text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    fate text := (SELECT c.fate FROM schemaguard.sg_replay_commands() c WHERE tag ~ (E'^\\\\(' || c.command || ')$'));
BEGIN
    IF starts_with(tag, E'\\') AND coalesce(fate, 'followed') = 'followed' THEN
        PERFORM schemaguard.sg_replay_fail(path, line, '0A000', tag || ' of psql is not followed'
            || CASE fate WHEN 'followed' THEN ' unless a line begins with it' ELSE '' END, NULL);
    END IF;
    RETURN fate;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_fate(text, int, text)
    IS 'returns what becomes of a command of psql, or refuses it';

-- Tells by NOTICEs what the tool would judge or run, and a replay does not: conditions of Liquibase's changesets, callbacks of Flyway
CREATE FUNCTION schemaguard.sg_replay_tell(tool text, paths text[], contents text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    places text := CASE tool
        WHEN 'liquibase' THEN (SELECT string_agg(f.path || ':' || c.n, ', ' ORDER BY f.n, c.n)
            FROM schemaguard.sg_replay_files(tool, paths, contents) f, schemaguard.sg_replay_changesets(f.content) c
            WHERE c.header ~* E'\\y(context|contextFilter|labels):' OR c.line ~* E'^\\s*--\\s*preconditions\\y')
        WHEN 'flyway' THEN (SELECT string_agg(p.path, ', ' ORDER BY p.n) FROM unnest(paths) WITH ORDINALITY p (path, n)
            WHERE p.path ~ E'(^|/)((before|after)[A-Z][A-Za-z]*|createSchema)(__[^/]*)?\\.sql$') END;
BEGIN
    IF places IS NOT NULL THEN
        RAISE NOTICE '%: %', CASE tool WHEN 'flyway' THEN 'callbacks do not run'
                ELSE 'changesets run whatever their context, labels and preconditions are' END,
            CASE WHEN length(places) > 400 THEN left(places, 397) || '...' ELSE places END;
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_tell(text, text[], text[])
    IS 'tells what the tool of files would judge or run, and a replay does not';

-- Returns the statements of the files as schemaguard.sg_scratch_run() takes them, with what stands in their place: path and line
CREATE FUNCTION schemaguard.sg_replay_steps(paths text[], contents text[], tool text, placeholders jsonb, data text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    form      text := (SELECT t.placeholder FROM schemaguard.sg_replay_tools() t WHERE t.tool = sg_replay_steps.tool);
    steps     jsonb[] := '{}';
    included  int[] := ARRAY(SELECT i FROM unnest(paths, contents) x (path, content),
            schemaguard.sg_replay_followed(x.content, form) m,
            schemaguard.sg_replay_included(paths, x.path, trim('''"' FROM m.m[2])) i
            WHERE m.m[1] ~ '^i(r|nclude|nclude_relative)?$' AND paths[i] <> x.path);
    block     int := 100;
    kept      int;
    saved     jsonb := '{}';
    file      record;
    variables jsonb := coalesce(placeholders, '{}');
    parts     jsonb[];
    files     text[] := '{}';
    read      text[] := '{}';
    unread    text;
    fate      text;
    s         record;
BEGIN
    FOR file IN SELECT f.* FROM schemaguard.sg_replay_files(tool, paths, contents) f ORDER BY f.n LOOP
        files := files || file.path;
        CONTINUE WHEN array_position(paths, file.path) = ANY (included);
        SELECT r.parts INTO parts FROM schemaguard.sg_replay_read(paths, contents, file.path, file.content, form, ARRAY[file.path],
            variables, '{}') r;
        read := read || ARRAY(SELECT DISTINCT p.p ->> 'path' FROM unnest(parts) p (p));
        block := block + 1;
        kept := NULL;
        -- a row has the part's place, not the part
        FOR s IN SELECT f.path, f.line + x.line - 1 AS line, x.tag, x.statement, bool_or(x.alone) OVER () AS alone
                FROM unnest(parts) WITH ORDINALITY p (p, n),
                    LATERAL (SELECT p.p ->> 'path' AS path, (p.p ->> 'line')::int AS line OFFSET 0) f,
                    schemaguard.sg_replay_statements(p.p ->> 'content') WITH ORDINALITY x
                ORDER BY p.n, x.ordinality LOOP
            fate := schemaguard.sg_replay_fate(s.path, s.line, s.tag);
            IF s.tag IS NULL THEN
                PERFORM schemaguard.sg_replay_fail(s.path, s.line, '42601', s.statement, NULL);
            ELSIF s.tag IN ('BEGIN', 'START TRANSACTION', 'COMMIT', 'ROLLBACK') THEN
                IF s.tag = 'ROLLBACK' THEN
                    steps := steps[: coalesce(kept, cardinality(steps))];
                END IF;
                block := block + 1;
                kept := CASE WHEN s.tag IN ('BEGIN', 'START TRANSACTION') THEN cardinality(steps) END;
                saved := '{}';
            ELSIF s.tag = 'SAVEPOINT' THEN
                saved := saved || jsonb_build_object(s.statement, cardinality(steps));
            ELSIF s.tag = 'ROLLBACK TO' THEN
                steps := steps[: coalesce((saved ->> s.statement)::int, cardinality(steps))];
            ELSIF s.tag = 'RELEASE' OR fate = 'ignored' OR data = 'skip'
                AND s.tag IN ('INSERT', 'UPDATE', 'DELETE', 'MERGE', 'DO', 'CALL', 'TRUNCATE TABLE', 'COPY', E'\\copy') THEN
                NULL;
            ELSE
                steps := steps || jsonb_build_object('section', CASE WHEN (file.alone OR s.alone) AND kept IS NULL THEN 5 ELSE block END,
                    'object', s.path || ':' || s.line, 'what', file.path, 'step', '', 'path', s.path, 'line', s.line,
                    'tag', s.tag, 'statement', s.statement);
            END IF;
        END LOOP;
    END LOOP;
    PERFORM schemaguard.sg_replay_tell(tool, paths, contents);
    -- such as files that include each other
    SELECT f.path INTO unread FROM unnest(files) WITH ORDINALITY f (path, n) WHERE f.path <> ALL (read) ORDER BY f.n LIMIT 1;
    IF FOUND THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%s is included only by files that do not run', unread),
            HINT = 'Leave those files out.';
    END IF;
    RETURN to_jsonb(steps);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_steps(text[], text[], text, jsonb, text)
    IS 'returns the statements of files in the form that a scratch database runs';

CREATE FUNCTION schemaguard.sg_replay_check(paths text[], contents text[], tool text, placeholders jsonb, data text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF array_position(paths, NULL) IS NOT NULL OR array_position(contents, NULL) IS NOT NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a path or a content is null', HINT = 'Give the text of each file.';
    ELSIF cardinality(paths) <> cardinality(contents) OR cardinality(paths) = 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = format('there are %s paths, and %s contents', cardinality(paths),
            cardinality(contents)), HINT = 'Give the text of each file, and at least one.';
    ELSIF data NOT IN ('run', 'skip') THEN
        RAISE invalid_parameter_value USING MESSAGE = format('"data" can''t be %L', data), HINT = 'It is run or skip.';
    ELSIF jsonb_typeof(placeholders) <> 'object' THEN
        RAISE invalid_parameter_value USING MESSAGE = '"placeholders" is no object', HINT = 'Such as {"schema": "app"}.';
    ELSIF tool IN ('django', 'rails') THEN
        RAISE feature_not_supported USING MESSAGE = format('files of %s are programs', tool),
            HINT = CASE tool WHEN 'django' THEN 'Give what manage.py sqlmigrate prints, with the tool psql.'
                ELSE 'Give db/structure.sql, with the tool psql.' END;
    ELSIF NOT EXISTS (SELECT FROM schemaguard.sg_replay_tools() t WHERE t.tool = sg_replay_check.tool) THEN
        RAISE invalid_parameter_value USING MESSAGE = format('there is no tool %L', tool), HINT = format('One of %s.',
            (SELECT string_agg(t.tool, ', ' ORDER BY t.tool COLLATE "C") FROM schemaguard.sg_replay_tools() t));
    ELSIF NOT EXISTS (SELECT FROM schemaguard.sg_replay_files(tool, paths, contents)) THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%s runs none of these files', tool),
            HINT = (SELECT format('Its files match %s.', t.files) FROM schemaguard.sg_replay_tools() t WHERE t.tool = sg_replay_check.tool);
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_check(text[], text[], text, jsonb, text)
    IS 'refuses arguments of sg_snapshot_from_files()';

-- Returns the last part of an identity, without quotes and arguments
CREATE FUNCTION schemaguard.sg_replay_name(identity text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT coalesce(replace(m.m[1], '""', '"'), m.m[2])
    FROM regexp_match(schemaguard.sg_sync_name(identity), '(?:"((?:[^"]|"")+)"|([^."]+))$') m (m));
COMMENT ON FUNCTION schemaguard.sg_replay_name(text)
    IS 'returns the name of an object without its schema or table';

-- Returns the words of what files define, with the number and file of the statement; the query or body of an object names others
CREATE FUNCTION schemaguard.sg_replay_words(steps jsonb, OUT n bigint, OUT path text, OUT word text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT s.n, s.path, coalesce(replace(w.m[1], '""', '"'), lower(w.m[2]))
    FROM (SELECT e.n, e.e ->> 'path' AS path, CASE WHEN e.e ->> 'tag' ~ '(VIEW|FUNCTION|PROCEDURE)$'
            THEN regexp_replace(e.e ->> 'statement', E'\\yAS\\y.*', '', 'i') ELSE e.e ->> 'statement' END AS text
          FROM jsonb_array_elements(steps) WITH ORDINALITY e (e, n)
          WHERE e.e ->> 'tag' !~ '^(INSERT|UPDATE|DELETE|MERGE|SELECT|COPY|SET|TRUNCATE TABLE|GRANT|REVOKE|ANALYZE|VACUUM|LOCK TABLE)$') s
    CROSS JOIN LATERAL regexp_matches(s.text, E'"((?:[^"]|"")+)"|([[:alpha:]_][\\w$]*)', 'g') w (m)
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_words(jsonb)
    IS 'returns the words of statements of files that define something';

-- Returns the file that names each object of a snapshot last, if it is a part of a table together with that table
CREATE FUNCTION schemaguard.sg_replay_origins(snapshot text, steps jsonb, OUT kind text, OUT identity text, OUT file text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH word AS MATERIALIZED (SELECT w.* FROM schemaguard.sg_replay_words(steps) w), object AS MATERIALIZED (
        SELECT o.kind, o.identity, schemaguard.sg_replay_name(o.identity) AS name,
            CASE WHEN o.kind IN ('column', 'constraint', 'trigger', 'policy', 'rule') THEN schemaguard.sg_replay_name(o.parent) END AS whole
        FROM schemaguard.snapshot_object o WHERE o.snapshot = sg_replay_origins.snapshot AND NOT o.properties ? 'extension')
    SELECT DISTINCT ON (o.kind, o.identity) o.kind, o.identity, w.path
    FROM object o JOIN word w ON w.word = coalesce(o.whole, o.name)
    WHERE o.whole IS NULL OR (w.n, o.name) IN (SELECT x.n, x.word FROM word x)
    ORDER BY o.kind, o.identity, w.n DESC
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_origins(text, jsonb)
    IS 'returns the file that names each object of a snapshot last';

CREATE FUNCTION schemaguard.sg_replay_note_files(snapshot text, kinds text[], identities text[], files text[])
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_replay_note_files';
COMMENT ON FUNCTION schemaguard.sg_replay_note_files(text, text[], text[], text[])
    IS 'notes the files that name objects of a snapshot of the caller';

-- Returns the extensions that statements create and of which this server has no files; null: none. pg_available_extensions lists the
-- server's own directory, extension_destdir of Debian's servers may name another one: what reads a control file knows of both.
CREATE FUNCTION schemaguard.sg_replay_lacking(steps jsonb)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    extension text;
    lacking   text[];
BEGIN
    FOR extension IN
        SELECT DISTINCT coalesce(replace(m.m[1], '""', '"'), lower(m.m[2]))
        FROM jsonb_array_elements(steps) e (e)
        CROSS JOIN LATERAL regexp_match(e.e ->> 'statement',
            E'EXTENSION\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?(?:"((?:[^"]|"")+)"|([[:alpha:]_][\\w$]*))', 'i') m (m)
        WHERE e.e ->> 'tag' = 'CREATE EXTENSION' AND m.m IS NOT NULL
        ORDER BY 1
    LOOP
        BEGIN
            PERFORM pg_extension_update_paths(extension);
        EXCEPTION
            WHEN undefined_file OR feature_not_supported OR invalid_parameter_value THEN
                lacking := lacking || extension;
        END;
    END LOOP;
    RETURN lacking;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_lacking(jsonb)
    IS 'returns the extensions that statements create and of which this server has no files';

-- Runs statements in the scratch database: returns those that failed, with their errors; the lines of the query's result; and in words what
-- was left out
CREATE FUNCTION schemaguard.sg_replay_try(steps jsonb, strict boolean, query text, OUT failures jsonb, OUT result text[], OUT left_out text)
RETURNS record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT jsonb_agg(jsonb_build_object('step', steps -> r.step, 'line', r.line) ORDER BY r.n) FILTER (WHERE r.step >= 0),
        array_agg(r.line ORDER BY r.n) FILTER (WHERE r.step IS NULL),
        string_agg(format('%s: %s', r.line, steps -> (-1 - r.step) ->> 'object'), '; ' ORDER BY r.n) FILTER (WHERE r.step < 0)
    FROM schemaguard.sg_scratch_run(steps, strict, query) WITH ORDINALITY r (step, line, n)
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_try(jsonb, boolean, text)
    IS 'runs statements of files in the scratch database';

-- Raises the error of the first statement that failed. Where extensions are lacking, an error for something that is missing is none.
CREATE FUNCTION schemaguard.sg_replay_judge(failed jsonb, lacking text[])
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    f jsonb := (SELECT e.e FROM jsonb_array_elements(failed) WITH ORDINALITY e (e, n)
        WHERE lacking IS NULL OR left(e.e ->> 'line', 5) NOT IN ('42704', '42883', '42P01', '42703', '3F000') ORDER BY e.n LIMIT 1);
BEGIN
    IF f IS NOT NULL THEN
        PERFORM schemaguard.sg_replay_fail(f -> 'step' ->> 'path', (f -> 'step' ->> 'line')::int, left(f ->> 'line', 5),
            substr(f ->> 'line', 7), f -> 'step' ->> 'statement');
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_judge(jsonb, text[])
    IS 'raises the error of a statement of files that failed';

-- Returns the settings of the snapshot of a replay: the role to which all belongs, and the extensions without files, with the words of the
-- statements that failed for want of them: all words of DO, of others those before the first parenthesis
CREATE FUNCTION schemaguard.sg_replay_settings(lacking text[], failed jsonb)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH word AS MATERIALIZED (
        SELECT coalesce(jsonb_agg(DISTINCT w.word), '[]') AS words
        FROM schemaguard.sg_replay_words((SELECT jsonb_agg(CASE s.step ->> 'tag' WHEN 'DO' THEN s.step
                ELSE s.step || jsonb_build_object('statement', regexp_replace(s.step ->> 'statement', E'\\(.*', '')) END)
            FROM (SELECT f -> 'step' AS step FROM jsonb_array_elements(failed) f) s)) w
    )
    SELECT format('SET LOCAL sg_snapshot.schemas = ''''; SET LOCAL sg_snapshot.owner = %L; SET LOCAL sg_snapshot.unknown_extensions = %L;',
        (SELECT quote_ident(pg_get_userbyid(d.datdba)) FROM pg_database d WHERE d.datname = current_database()),
        coalesce((SELECT jsonb_agg(jsonb_build_object('identity', x.x, 'properties', jsonb_build_object('version', 'unknown',
                'unknown', format('extension %I has no files on the server on which the migrations ran', x.x), 'left_out', word.words)))
            FROM unnest(lacking) x (x)), '[]'))
    FROM word
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay_settings(text[], jsonb)
    IS 'returns the settings of the snapshot of a replay';

CREATE FUNCTION schemaguard.sg_replay(name text, paths text[], contents text[], tool text, placeholders jsonb, data text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $function$
DECLARE
    never   CONSTANT text[] := E'{COPY,\\\\copy,PREPARE TRANSACTION,COMMIT PREPARED,ROLLBACK PREPARED}';
    lacking text[];
    objects bigint;
    steps   jsonb;
    run     jsonb;
    failed  jsonb;
    lines   text[];
    told    text;
BEGIN
    PERFORM schemaguard.sg_replay_check(paths, contents, tool, placeholders, data);
    steps := schemaguard.sg_replay_steps(paths, contents, tool, placeholders, data);
    lacking := schemaguard.sg_replay_lacking(steps);
    SELECT coalesce(jsonb_agg(e.e ORDER BY e.n) FILTER (WHERE NOT never_run), '[]'),
        string_agg(format('%s: %s', e.e ->> 'tag', e.e ->> 'object'), '; ' ORDER BY e.n) FILTER (WHERE never_run) INTO run, told
    FROM jsonb_array_elements(steps) WITH ORDINALITY e (e, n)
    CROSS JOIN LATERAL (SELECT e.e ->> 'tag' = ANY (never)
        OR e.e ->> 'tag' = 'CREATE EXTENSION' AND schemaguard.sg_replay_lacking(jsonb_build_array(e.e)) IS NOT NULL AS never_run) r;
    BEGIN
        PERFORM schemaguard.sg_scratch_open(schemaguard.sg_scratch_options('live'), NULL);
        -- statements that need a lacking extension fail, each by itself
        IF lacking IS NOT NULL THEN
            SELECT t.failures, concat_ws('; ', told, t.left_out, (
                SELECT string_agg(format('%s: %s', f -> 'step' ->> 'tag', f -> 'step' ->> 'object'), '; ')
                FROM jsonb_array_elements(t.failures) f)) INTO failed, told
            FROM schemaguard.sg_replay_try(run, false, 'SELECT NULL::text WHERE false') t;
            PERFORM schemaguard.sg_replay_judge(failed, lacking);
        END IF;
        SELECT t.failures, t.result, concat_ws('; ', told, t.left_out) INTO failed, lines, told
        FROM schemaguard.sg_replay_try(CASE WHEN lacking IS NULL THEN run ELSE '[]' END, true,
            schemaguard.sg_replay_settings(lacking, failed) || schemaguard.sg_snapshot_script()) t;
        PERFORM schemaguard.sg_replay_judge(failed, NULL);
        objects := schemaguard.sg_scratch_keep(name, lines);
        PERFORM schemaguard.sg_replay_note_files(name, array_agg(o.kind), array_agg(o.identity), array_agg(o.file))
        FROM schemaguard.sg_replay_origins(name, run) o;
    EXCEPTION
        WHEN query_canceled OR assert_failure OR OTHERS THEN
            PERFORM schemaguard.sg_scratch_close();
            RAISE;
    END;
    PERFORM schemaguard.sg_scratch_close();
    IF lacking IS NOT NULL THEN
        RAISE NOTICE USING MESSAGE = format('this server has no files of %s: what needs it is unknown', array_to_string(lacking, ', ')),
            HINT = 'Install the files of the extension on this server, and take the snapshot anew.';
    END IF;
    IF told <> '' THEN
        RAISE NOTICE USING MESSAGE = 'left out: ' || CASE WHEN length(told) > 400 THEN left(told, 397) || '...' ELSE told END;
    END IF;
    RETURN objects;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_replay(text, text[], text[], text, jsonb, text)
    IS 'runs files of migrations in a scratch database, and stores its objects as a snapshot';

CREATE FUNCTION sg_snapshot_from_files(
    name         text,
    paths        text[],
    contents     text[],
    tool         text DEFAULT 'psql',
    placeholders jsonb DEFAULT NULL,
    data         text DEFAULT 'run')
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_from_files';
COMMENT ON FUNCTION sg_snapshot_from_files(text, text[], text[], text, jsonb, text)
    IS 'stores a snapshot of what files of migrations make, in a scratch database; returns the number of objects';
