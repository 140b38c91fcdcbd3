-- Sync: the calls of a script. A script makes a function that says how an object is, and routines that run a statement where its object is
-- as it was before. Then each change is one call. A question is the guard of a statement without the names and values in it.

-- Returns the literals that guards have from templates; the others in a guard are names and values
CREATE FUNCTION schemaguard.sg_sync_constants()
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT m[1]
    FROM (SELECT r.statement FROM schemaguard.sg_sync_rules() r WHERE r.step IN ('at', 'is') UNION ALL
        SELECT r.state FROM schemaguard.sg_sync_rules() r UNION ALL
        SELECT quote_literal(r.property || ': ') FROM schemaguard.sg_sync_rules() r WHERE r.step = 'is' UNION ALL
        SELECT schemaguard.sg_sync_loosely('') UNION ALL
        SELECT schemaguard.sg_sync_index_is('', false) UNION ALL
        SELECT schemaguard.sg_sync_constraint_is(false, '', '', true) UNION ALL
        SELECT replace(p.prosrc, '''''', '''') FROM pg_proc p WHERE p.oid IN (
            'schemaguard.sg_sync_guards'::regproc, 'schemaguard.sg_sync_acl_guard'::regproc)) t (text)
    CROSS JOIN regexp_matches(t.text, $re$(E?'(?:[^']|'')*')$re$, 'g') m
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_constants()
    IS 'returns the literals of guards that are neither names nor values';

-- Returns a text broken into lines of some 80 characters, at spaces outside of literals
CREATE FUNCTION schemaguard.sg_sync_wrapped(code text, margin text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT string_agg(l.line, E'\n' || margin ORDER BY l.n)
    FROM (SELECT w.upto / 80 AS n, rtrim(string_agg(w.word, '' ORDER BY w.n)) AS line
        FROM (SELECT m.n, m.word[1] AS word, sum(length(m.word[1])) OVER (ORDER BY m.n) - length(m.word[1]) AS upto
            FROM regexp_matches(code, $re$((?:[^' ]|'(?:[^']|'')*')+ *)$re$, 'g') WITH ORDINALITY m (word, n)) w
        GROUP BY w.upto / 80) l
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_wrapped(text, text)
    IS 'returns code of a script broken into lines';

-- Returns statements with the question that each guard is, and the names and values that make the guard of it: sync_of[1] and so on in
-- "asks" stand for them, which the first statement with a question has. Routines of a script are temporary: a writer without TEMP in a live
-- target has no questions.
CREATE FUNCTION schemaguard.sg_sync_questions(statements jsonb, target text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH guard AS MATERIALIZED (
    SELECT (e ->> 'n')::int AS n, e ->> 'guard' AS guard, e ->> 'kind' AS kind,
        CASE WHEN e ->> 'what' !~ '^(created|dropped)' THEN split_part(e ->> 'what', ',', 1) END AS property
    FROM jsonb_array_elements(statements) e WHERE (e ->> 'section')::int > 0 AND e ->> 'guard' IS NOT NULL
        AND (target <> 'live' OR has_database_privilege(current_database(), 'TEMP'))
), piece AS (
    -- a name may be one of those, too
    SELECT g.n, s.i, s.code, m.literal[1] AS literal,
        m.literal IS NOT NULL AND (c.constant IS NULL OR s.code ~ '(name = |to_reg[a-z]+\()$') AS given
    FROM guard g CROSS JOIN LATERAL regexp_split_to_table(g.guard, $re$E?'(?:[^']|'')*'$re$) WITH ORDINALITY s (code, i)
    LEFT JOIN LATERAL regexp_matches(g.guard, $re$(E?'(?:[^']|'')*')$re$, 'g') WITH ORDINALITY m (literal, i) ON m.i = s.i
    LEFT JOIN schemaguard.sg_sync_constants() c (constant) ON c.constant = m.literal[1]
), placed AS (
    SELECT p.*, min(p.i) OVER (PARTITION BY p.n, p.literal, p.given) AS at FROM piece p
), numbered AS (
    SELECT p.*, dense_rank() OVER (PARTITION BY p.n, p.given ORDER BY p.at) AS number FROM placed p
), asked AS (
    SELECT p.n, string_agg(p.code || CASE WHEN p.given THEN format('sync_of[%s]', p.number)
            ELSE coalesce(CASE WHEN p.literal = quote_literal(schemaguard.sg_sync_pattern()) THEN 'sync_loose' ELSE p.literal END, '') END,
            '' ORDER BY p.i) AS asks,
        array_agg(CASE WHEN p.literal LIKE 'E%' THEN replace(substr(p.literal, 2), E'\\\\', E'\\') ELSE p.literal END ORDER BY p.i)
            FILTER (WHERE p.given AND p.at = p.i) AS literals
    FROM numbered p GROUP BY p.n
), same AS (
    SELECT a.asks, min(a.n) AS n, CASE count(DISTINCT g.kind) WHEN 1 THEN min(g.kind) END AS kind
    FROM asked a JOIN guard g ON g.n = a.n GROUP BY a.asks
), called AS (
    SELECT s.asks, s.n, x.called, row_number() OVER (PARTITION BY x.called ORDER BY s.n) AS number
    FROM same s JOIN guard g ON g.n = s.n
    CROSS JOIN LATERAL (SELECT coalesce(nullif(concat_ws(' ', s.kind, g.property), ''), 'object') AS called) x
)
SELECT coalesce(jsonb_agg(e.e || CASE WHEN a.n IS NULL THEN '{}' ELSE jsonb_build_object(
        'question', concat_ws(' ', c.called, nullif(c.number, 1)), 'names', ARRAY(
            SELECT replace(substr(l, 2, length(l) - 2), '''''', '''') FROM unnest(a.literals) WITH ORDINALITY x (l, i) ORDER BY x.i))
        || CASE WHEN a.n = c.n THEN jsonb_build_object('asks', a.asks) ELSE '{}' END END ORDER BY e.n), '[]')
FROM jsonb_array_elements(statements) WITH ORDINALITY e (e, n)
LEFT JOIN asked a ON a.n = (e.e ->> 'n')::int LEFT JOIN called c ON c.asks = a.asks
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_questions(jsonb, text)
    IS 'returns statements with the questions that their guards are';

-- Returns the function by which a script builds indexes
CREATE FUNCTION schemaguard.sg_sync_builder()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN $script$-- returns the statement that builds an index where it has to be built, and the check that comes after it
CREATE OR REPLACE FUNCTION pg_temp.sync_build(object text, asks text, names text[], was text, shall text,
    statement text, index text, built text) RETURNS SETOF text LANGUAGE plpgsql AS $sync$
DECLARE
    actual text;
BEGIN
    IF EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = to_regclass(index)) THEN
        RAISE 'index % is being built by somebody else', index USING HINT = 'Run the script again when it is.';
    END IF;
    -- what an earlier run has left
    IF pg_temp.sync_is('built', ARRAY[index]) = 'INVALID' || built THEN
        PERFORM pg_temp.sync_lock(ARRAY[index]);
        IF pg_temp.sync_is('built', ARRAY[index]) = 'INVALID' || built THEN
            EXECUTE 'DROP INDEX ' || index;
        END IF;
    END IF;
    actual := pg_temp.sync_is(asks, names);
    IF actual IS NOT DISTINCT FROM was OR md5(actual) = was THEN
        RETURN QUERY VALUES (statement),
            (format('CALL pg_temp.sync(%L, ''built'', %L, ''-'', %L, '''')', object, ARRAY[index], built));
    ELSIF actual IS DISTINCT FROM shall AND md5(actual) IS DISTINCT FROM shall THEN
        RAISE '% is neither as it was nor as it should be: %', object, coalesce(actual, 'not there');
    END IF;
END $sync$;$script$;
COMMENT ON FUNCTION schemaguard.sg_sync_builder()
    IS 'returns the function by which a script builds indexes concurrently';

-- Returns the routines that a script makes for its calls, of statements with their questions; null: it has none
CREATE FUNCTION schemaguard.sg_sync_routines(statements jsonb)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($script$-- how an object is: the same in each script, of what this one asks
CREATE OR REPLACE FUNCTION pg_temp.sync_is(sync_asks text, sync_of text[]) RETURNS text LANGUAGE plpgsql AS %1$s
DECLARE
    sync_loose CONSTANT text := %2$s;
BEGIN
    CASE sync_asks
%3$s
    END CASE;
END %1$s;
-- keeps others from altering the tables among these names, or under these indexes, while they read and write; tells if there are any
CREATE OR REPLACE FUNCTION pg_temp.sync_lock(names text[]) RETURNS boolean LANGUAGE plpgsql AS $sync$
DECLARE
    sync_lock text;
BEGIN
%5$s
    RETURN FOUND;
END $sync$;
-- runs a statement where its object is as it was, and none where that is as it shall be; of a long text, was is its md5
CREATE OR REPLACE PROCEDURE pg_temp.sync(object text, asks text, names text[], was text, shall text, statement text,
    may_lack boolean DEFAULT false) LANGUAGE plpgsql AS $sync$
DECLARE
    actual text := pg_temp.sync_is(asks, names);
BEGIN
    IF (actual IS NOT DISTINCT FROM was OR md5(actual) = was) AND pg_temp.sync_lock(names) THEN
        actual := pg_temp.sync_is(asks, names);
    END IF;
    IF actual IS NOT DISTINCT FROM was OR md5(actual) = was THEN
        EXECUTE CASE WHEN statement LIKE 'CREATE MATERIALIZED VIEW %%' AND current_setting('schemaguard_script.guard', true) = 'on'
            THEN format('SELECT schemaguard.sg_sync_run(%%L)', statement) ELSE statement END;
    ELSIF actual IS DISTINCT FROM shall AND md5(actual) IS DISTINCT FROM shall AND NOT (may_lack AND actual IS NULL) THEN
        RAISE '%% is neither as it was nor as it should be: %%', object, coalesce(actual, 'not there');
    END IF;
END $sync$;%4$s$script$, schemaguard.sg_sync_tag(q.branches), l.loose, q.branches,
        CASE WHEN q.builds THEN E'\n' || schemaguard.sg_sync_builder() ELSE '' END, schemaguard.sg_sync_locks('names'))
    FROM (SELECT bool_or(x.question = 'built') AS builds,
            string_agg(format(E'    WHEN %L THEN\n        RETURN %s;', x.question,
                schemaguard.sg_sync_wrapped(replace(x.asks, 'pg_catalog.', ''), '            ')), E'\n'
                ORDER BY x.question COLLATE "C") AS branches
        FROM (SELECT e ->> 'question' AS question, e ->> 'asks' AS asks FROM jsonb_array_elements(statements) e WHERE e ? 'asks'
            UNION ALL SELECT 'built', replace(replace(schemaguard.sg_sync_index_is('?', true), '''?''', 'sync_of[1]'),
                quote_literal(schemaguard.sg_sync_pattern()), 'sync_loose')
            WHERE EXISTS (SELECT FROM jsonb_array_elements(statements) e WHERE e ->> 'index' IS NOT NULL)) x
        HAVING bool_or(x.question <> 'built')) q
    CROSS JOIN LATERAL (SELECT regexp_replace(quote_literal(schemaguard.sg_sync_pattern()), '( varying)', $line$'
        '\1$line$) AS loose) l
    WHERE q.branches IS NOT NULL
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_routines(jsonb)
    IS 'returns the routines that a script makes for its calls';

-- Returns parts with commas between them, in lines of up to 116 characters where they fit
CREATE FUNCTION schemaguard.sg_sync_packed(parts text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    lines text[] := parts[1:1];
    part  text;
BEGIN
    FOREACH part IN ARRAY parts[2:] LOOP
        IF length(lines[cardinality(lines)]) + length(part) < 113 AND part NOT LIKE '$%' THEN
            lines[cardinality(lines)] := lines[cardinality(lines)] || ', ' || part;
        ELSE
            lines := lines || part;
        END IF;
    END LOOP;
    RETURN array_to_string(lines, E',\n    ');
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_packed(text[])
    IS 'returns parts with commas between them, in lines; quoted statements have their own';

-- Returns a statement of a script: as a call, or without a question, for a writer without TEMP, as a block. Step is as of its note; of an
-- index that is built concurrently, index and built say which, and how it is to be.
CREATE FUNCTION schemaguard.sg_sync_call(step text, object text, question text, names text[], statement text, guard text, before text,
    after text, index text, built text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE
        WHEN question IS NULL AND index IS NOT NULL
            THEN schemaguard.sg_sync_concurrently(object, statement, guard, before, after, index, built)
        WHEN question IS NULL THEN schemaguard.sg_sync_guarded(step, object, statement, guard, before, after)
        ELSE schemaguard.sg_sync_packed(ARRAY[CASE WHEN index IS NULL THEN 'CALL pg_temp.sync(' ELSE 'SELECT pg_temp.sync_build(' END
                || quote_literal(object), quote_literal(question), quote_literal(names::text)] || (
                SELECT array_agg(quote_nullable(CASE WHEN length(s) > 60 THEN md5(s) ELSE s END) ORDER BY n)
                FROM unnest(ARRAY[before, after]) WITH ORDINALITY x (s, n)) || (q.quote || statement || q.quote)
                || CASE WHEN index IS NOT NULL THEN ARRAY[quote_literal(index), quote_literal(built)]
                    WHEN step = 'drop' THEN '{true}'::text[] END)
            || CASE WHEN index IS NULL THEN ');' ELSE E') \\gexec' END END
    FROM (SELECT CASE WHEN position('$' IN statement) > 0 THEN schemaguard.sg_sync_tag(statement) ELSE '$$' END AS quote) q
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_call(text, text, text, text[], text, text, text, text, text, text)
    IS 'returns a statement of a script, as a call or a block';
