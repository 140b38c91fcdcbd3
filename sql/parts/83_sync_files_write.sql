-- Files of migrations: what makes a target what a reference is, in files

-- Returns the statements of sg_sync_list() with those about the rows of look-up tables, behind what makes tables and before the keys. Back:
-- for the way back, where what inserts a row takes back what has deleted it.
CREATE FUNCTION schemaguard.sg_files_rows(list jsonb, reference text, target text, schemas text[], back boolean,
    allow_drop boolean)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $function$
WITH entry AS (
    SELECT CASE WHEN (e ->> 'section')::int > 3 THEN 2 ELSE 0 END AS part, (e ->> 'n')::bigint AS place, '' AS name, 0 AS n, e
    FROM jsonb_array_elements(list) e
    UNION ALL
    SELECT 1, l.place, l.table_name, s.n, jsonb_build_object('section', CASE WHEN l.definition IS NULL THEN 0 ELSE 7 END, 'kind',
        CASE WHEN CASE WHEN back THEN s.line LIKE 'INSERT %' ELSE l.what = 'deleted' END THEN 'deleted rows' ELSE 'rows' END,
        'object', l.table_name, 'what', l.told, 'statement', left(s.line, -1), 'note', CASE l.what WHEN 'deleted' THEN 'rows loses '
            || jsonb_array_length(l.was) || ' rows' WHEN 'released' THEN 'rows loses what rows refer to' ELSE l.what END)
    FROM schemaguard.sg_sync_lookup(reference, target, schemas, false, allow_drop) l
    LEFT JOIN LATERAL schemaguard.sg_sync_lookup_statements(l.table_name, l.key_columns, l.what, l.definition, l.was, false,
        schemaguard.sg_sync_lookup_referred(reference, target, l.table_name), true) WITH ORDINALITY s (line, n)
        ON l.definition IS NOT NULL WHERE s.line IS NULL OR s.line NOT LIKE '-- %'
)
SELECT coalesce(jsonb_agg(x.e || jsonb_build_object('n', x.n) ORDER BY x.n), '[]')
FROM (SELECT e.e, row_number() OVER (ORDER BY e.part, e.place, e.name, e.n) AS n FROM entry e) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_rows(jsonb, text, text, text[], boolean, boolean)
    IS 'returns the statements of files, with those about the rows of look-up tables';

-- Returns the statements of sg_sync_list() with the file of each, from 1 on. Class: what a file is about; alone: in no
-- transaction. What loses something is in files of its own, with all that has to be one transaction with it.
CREATE FUNCTION schemaguard.sg_files_acts(list jsonb, blocked jsonb, allow_drop boolean, tool text, empty boolean,
    OUT n int, OUT file bigint, OUT class text, OUT alone boolean, OUT kind text, OUT object text, OUT what text, OUT statement text,
    OUT told text, OUT guard text, OUT after text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH act AS (
    SELECT x.*, x.note LIKE '% loses %' AS loses, t.alone IS NOT NULL AND x.statement ~ '^CREATE (UNIQUE )?INDEX CONCURRENTLY '
            AND x.statement !~* ('(?w)' || t.taken) AS alone, t.single, t.alone IS NULL AS never,
        concat_ws('; ', format('%s %s: %s', x.kind, x.object, x.what), x.cost, 'loses ' || nullif(split_part(x.note, ' loses ', 2), ''))
            AS told
    FROM jsonb_array_elements(list) e
    CROSS JOIN jsonb_to_record(e) x (n int, section int, kind text, object text, what text, statement text, guard text,
        after text, note text, cost text, unit int)
    JOIN schemaguard.sg_files_tools() t ON t.tool = sg_files_acts.tool
    WHERE x.section > 0 AND x.statement IS NOT NULL AND NOT blocked ? x.n::text AND (allow_drop OR x.note NOT LIKE '% loses %')
), classed AS (
    SELECT a.*, CASE WHEN a.loses OR a.unit IS NOT NULL AND bool_or(a.loses) OVER (PARTITION BY a.unit) THEN 'risky'
        WHEN a.alone OR a.section = 3 AND a.statement ~ '^CREATE (UNIQUE )?INDEX ' THEN 'indexes'
        WHEN a.section = 2 AND empty THEN 'baseline'
        ELSE ('{labels,structure,checks,keys,validation,rest,data}'::text[])[a.section] END AS class
    FROM act a
), cut AS (
    SELECT c.*, lag(ROW(c.class, c.alone)) OVER w IS DISTINCT FROM ROW(c.class, c.alone) OR c.alone AND c.single AS first
    FROM classed c WINDOW w AS (ORDER BY c.n)
)
SELECT c.n, count(*) FILTER (WHERE c.first) OVER (ORDER BY c.n), c.class, c.alone, c.kind, c.object, c.what,
    CASE WHEN c.never THEN schemaguard.sg_files_at_once(c.statement)
        ELSE regexp_replace(c.statement, '^(CREATE (UNIQUE )?INDEX CONCURRENTLY) IF NOT EXISTS ', E'\\1 ') END,
    c.told || CASE WHEN c.never AND c.statement ~ '^CREATE (UNIQUE )?INDEX CONCURRENTLY '
        THEN '; holds writers up: build it CONCURRENTLY beforehand, and it is left alone' ELSE '' END, c.guard, c.after
FROM cut c
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_acts(jsonb, jsonb, boolean, text, boolean)
    IS 'returns statements, each with its file';

-- Returns the statements of the way back, each with the file that it takes back. List: of sg_sync_list() the other way round. What no file
-- has done is not taken back.
CREATE FUNCTION schemaguard.sg_files_backs(acts jsonb, list jsonb, pairs schemaguard.sync_pair[],
    OUT n int, OUT file bigint, OUT told text, OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH act AS MATERIALIZED (
    SELECT x.*, x.what LIKE 'dropped%' AS drops FROM jsonb_array_elements(acts) e
    CROSS JOIN jsonb_to_record(e) x (n int, file bigint, kind text, object text, what text)
), pair AS MATERIALIZED (
    SELECT p.kind, p.identity, p.target_identity, p.parent, p.target_parent FROM unnest(pairs) p
), made AS MATERIALIZED (
    SELECT a.kind, a.object, min(a.file) FILTER (WHERE NOT a.drops) AS file, max(a.file) FILTER (WHERE a.what = 'created') AS made,
        min(a.file) FILTER (WHERE a.drops) AS dropped
    FROM act a GROUP BY 1, 2
), back AS (
    SELECT x.*, x.what LIKE 'dropped%' AS drops FROM jsonb_array_elements(list) e
    CROSS JOIN jsonb_to_record(e) x (n int, section int, kind text, object text, what text, statement text)
    WHERE x.section > 0 AND x.statement IS NOT NULL
), placed AS (
    SELECT b.*, CASE WHEN b.drops THEN coalesce(m.made, m.file, pm.made)
        ELSE coalesce(o.dropped, (SELECT min(a.file) FROM act a WHERE a.kind = b.kind AND a.object = r.identity AND a.what = b.what),
            r2.file, po.dropped) END AS file
    FROM back b
    LEFT JOIN LATERAL (SELECT p.* FROM pair p WHERE p.kind = b.kind AND p.identity = b.object LIMIT 1) s ON b.drops
    LEFT JOIN LATERAL (SELECT p.* FROM pair p WHERE p.kind = b.kind AND p.target_identity = b.object LIMIT 1) r ON NOT b.drops
    LEFT JOIN made m ON m.kind = b.kind AND m.object = b.object
    LEFT JOIN made o ON o.kind = b.kind AND o.object = b.object
    LEFT JOIN made r2 ON r2.kind = b.kind AND r2.object = coalesce(r.identity, b.object)
    LEFT JOIN LATERAL (SELECT min(x.made) AS made FROM made x WHERE x.object = s.parent AND x.kind <> 'column') pm ON true
    LEFT JOIN LATERAL (SELECT min(x.dropped) AS dropped FROM made x WHERE x.object = r.target_parent AND x.kind <> 'column') po ON true
)
SELECT p.n, p.file, format('%s %s: %s', p.kind, p.object, p.what), schemaguard.sg_files_at_once(p.statement)
FROM placed p WHERE p.file IS NOT NULL
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_backs(jsonb, jsonb, schemaguard.sync_pair[])
    IS 'returns the statements of the way back, each with the file that it takes back';

-- Returns the statements that a file begins and ends with: settings that change what an expression means, and those of before. Local ones,
-- for what a tool writes into its own table afterwards is found by its search_path.
CREATE FUNCTION schemaguard.sg_files_settings(OUT begins text, OUT ends text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT format(E'DO $settings$ BEGIN\n'
    '    PERFORM pg_catalog.set_config(''schemaguard_files.search_path'', pg_catalog.current_setting(''search_path''), true),\n'
    '        pg_catalog.set_config(''search_path'', ''pg_catalog, pg_temp'', true);\n'
    '    PERFORM set_config(''schemaguard_files.'' || n, current_setting(n), true), set_config(n, v, true)\n'
    '        FROM (VALUES %s) s (n, v);\nEND $settings$',
    string_agg(format('(%L, %L)', s.name, s.value), CASE WHEN s.n % 3 = 1 THEN E',\n            ' ELSE ', ' END ORDER BY s.n)),
    format(E'DO $settings$ BEGIN\n'
    '    PERFORM set_config(n, current_setting(''schemaguard_files.'' || n), true)\n'
    '        FROM regexp_split_to_table(''%s search_path'', ''\\s+'') n;\nEND $settings$',
    string_agg(s.name || CASE WHEN s.n % 5 = 0 THEN E'\n           ' ELSE '' END, ' ' ORDER BY s.n))
FROM (SELECT lower(x.name) AS name, btrim(x.value, '''') AS value, row_number() OVER (ORDER BY x.name) AS n
    FROM (SELECT x.* FROM schemaguard.sg_sync_settings() x UNION ALL SELECT 'lock_timeout', '5s') x
    WHERE x.name NOT IN ('search_path', 'standard_conforming_strings', 'client_encoding', 'client_min_messages', 'row_security',
        'backslash_quote', 'quote_all_identifiers')) s
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_settings()
    IS 'returns the statements with which a file of a migration begins and ends';

-- Returns the number of the first new file, how many digits it has, and the last file that is there. Raises 22P02 for what is no number,
-- and 42710 for one that is not behind all others.
CREATE FUNCTION schemaguard.sg_files_number(tool text, first text, existing text[],
    OUT number numeric, OUT width int, OUT previous text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    last   numeric;
    digits int;
BEGIN
    SELECT t.width INTO STRICT width FROM schemaguard.sg_files_tools() t WHERE t.tool = sg_files_number.tool;
    SELECT m[1]::numeric, length(m[1]), regexp_replace(regexp_replace(e, E'/migration\\.sql$', ''), E'^.*/|\\.[a-z]+$', '', 'g')
        INTO last, digits, previous
    FROM unnest(existing) e, regexp_match(e, E'(?:^|/)(?:V|U|sync_)?([0-9]{1,40})(?:[._-][^/]*)?(?:/migration\\.sql)?$') m
    WHERE m IS NOT NULL ORDER BY 1 DESC, 3 LIMIT 1;
    width := coalesce(digits, width);
    IF first !~ '^[0-9]{1,40}$' THEN
        RAISE invalid_text_representation USING MESSAGE = format('%L is no number of a migration', first),
            HINT = 'Digits alone, such as 0007 or 20260101120000.';
    ELSIF first::numeric <= last THEN
        RAISE duplicate_object USING MESSAGE = format('number %s is not behind those that there are', first),
            DETAIL = format('The last one is %s.', previous), HINT = 'Leave "first" out, and the next one is taken.';
    END IF;
    width := coalesce(length(first), width);
    number := coalesce(first::numeric, greatest(last + 1, CASE width
        WHEN 13 THEN floor(extract(epoch FROM now()) * 1000) WHEN 14 THEN to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS')::numeric
        WHEN 4 THEN CASE tool WHEN 'drizzle' THEN 0 ELSE 1 END ELSE 1 END));
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_number(text, text, text[])
    IS 'returns the number of the first new file';

-- Returns what files leave out, and what they need, as lines
CREATE FUNCTION schemaguard.sg_files_beside(list jsonb, blocked jsonb, allow_drop boolean)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH item AS (
    SELECT x.* FROM jsonb_array_elements(list) e
    CROSS JOIN jsonb_to_record(e) x (n int, section int, kind text, object text, what text, statement text, before text, note text)
)
SELECT l.line
FROM (
    SELECT x.note = 'need' AS need, x.n,
        CASE x.note WHEN 'need' THEN format('needs %s %s', x.kind, x.object) ELSE format('left out: %s %s: %s', x.kind, x.object,
            concat_ws(', ', x.what, CASE WHEN x.section = 0 THEN x.statement END, blocked ->> x.n::text,
                'loses ' || nullif(split_part(x.note, ' loses ', 2), ''))) END AS line
    FROM item x
    WHERE x.section = 0 AND x.note NOT IN ('along', 'sent', 'closed') AND (x.note <> 'unmanaged' OR x.before IS NULL)
        OR x.section > 0 AND (blocked ? x.n::text OR x.note LIKE '% loses %' AND NOT allow_drop)
    UNION ALL
    SELECT false, min(x.n), format('left out: what belongs to extension %s: %s objects', x.before, count(*))
    FROM item x WHERE x.note = 'unmanaged' AND x.before IS NOT NULL GROUP BY x.before
) l
ORDER BY l.need, l.n
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_beside(jsonb, jsonb, boolean)
    IS 'returns the remarks on objects that files leave out, and on those that they need';

-- Returns statements one after the other as they stand in a file, between those that set settings and give them back
CREATE FUNCTION schemaguard.sg_files_block(tool text, told text[], statements text[], settings boolean, back boolean)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(string_agg(schemaguard.sg_files_stated(t.tool, l.told, l.statement, back), CASE WHEN back THEN '' ELSE t.separator END
        ORDER BY l.n), '')
    FROM schemaguard.sg_files_tools() t CROSS JOIN schemaguard.sg_files_settings() s CROSS JOIN LATERAL (
        SELECT 0 AS n, 'settings, for this transaction' AS told, s.begins AS statement WHERE settings AND cardinality(statements) > 0
        UNION ALL SELECT x.n, x.told, x.statement FROM unnest(told, statements) WITH ORDINALITY x (told, statement, n)
        UNION ALL SELECT 1000000000, 'settings as they were', s.ends WHERE settings AND cardinality(statements) > 0) l
    WHERE t.tool = sg_files_block.tool
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_block(text, text[], text[], boolean, boolean)
    IS 'returns statements as the block of a file';

-- Returns which statements look whether what a file has made is there: those of each object's last state, of which no later file is
CREATE FUNCTION schemaguard.sg_files_looks(acts jsonb, OUT file bigint, OUT told text, OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT ON (x.kind, x.object) x.file, format('%s %s', x.kind, x.object),
        format('SELECT 1 / CASE WHEN (%s)::text IS NOT DISTINCT FROM %L THEN 1 ELSE 0 END', x.guard, x.after)
    FROM jsonb_array_elements(acts) e CROSS JOIN jsonb_to_record(e) x (n int, file bigint, kind text, object text, what text, guard text,
        after text)
    WHERE x.guard IS NOT NULL
    ORDER BY x.kind, x.object, x.what = 'owner', x.n DESC
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_looks(jsonb)
    IS 'returns the statements that check whether the objects of a file exist';

-- Returns the files of statements, with what each template asks for. Acts and backs: of sg_files_acts() and sg_files_backs()
CREATE FUNCTION schemaguard.sg_files_filled(tool text, acts jsonb, backs jsonb, beside text[], number numeric, width int, previous text,
    project text, about text)
RETURNS SETOF jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH act AS MATERIALIZED (
    SELECT x.* FROM jsonb_array_elements(acts) e CROSS JOIN jsonb_to_record(e) x (n int, file int, class text, alone boolean, told text,
        statement text)
), file AS MATERIALIZED (
    SELECT a.file, a.class, a.alone, array_agg(a.told ORDER BY a.n) AS told, array_agg(a.statement ORDER BY a.n) AS statements,
        lpad((number + a.file - 1)::text, greatest(width, length((number + a.file - 1)::text)), '0') AS number
    FROM act a GROUP BY 1, 2, 3
), back AS (
    SELECT x.file, array_agg(x.told ORDER BY x.n) AS told, array_agg(x.statement ORDER BY x.n) AS statements
    FROM jsonb_array_elements(backs) e CROSS JOIN jsonb_to_record(e) x (n int, file int, told text, statement text) GROUP BY 1
), look AS (
    SELECT l.file, array_agg(l.told ORDER BY l.told) AS told, array_agg(l.statement ORDER BY l.told) AS statements
    FROM schemaguard.sg_files_looks(acts) l GROUP BY 1
), named AS (
    SELECT f.*, t.comment, t.alone AS marker, t.one_line,
        schemaguard.sg_files_fill(t.name, jsonb_build_object('number', f.number, 'class', f.class)) AS name
    FROM file f JOIN schemaguard.sg_files_tools() t ON t.tool = sg_files_filled.tool
), chained AS (
    SELECT n.*, coalesce(lag(n.number || '_' || n.name) OVER (ORDER BY n.file), previous) AS before FROM named n
)
SELECT jsonb_build_object('file', c.file, 'number', c.number, 'name', c.name, 'class', c.class, 'Class', initcap(c.class),
    'alone', CASE WHEN c.alone THEN c.marker ELSE '' END, 'is_alone', c.alone, 'transaction', NOT c.alone, 'project', project,
    -- as Python reads it
    'previous', CASE WHEN c.before IS NULL THEN '' ELSE format('(%s, %s)', to_jsonb(project), to_jsonb(c.before)) END,
    'head', concat_ws(E'\n', c.comment || schemaguard.sg_files_told(format('%s: %s, %s of %s. Written by schemaguard.', about, c.class,
        c.file, (SELECT count(*) FROM file))), (SELECT string_agg(c.comment || schemaguard.sg_files_told(b.line), E'\n' ORDER BY b.n)
        FROM unnest(beside) WITH ORDINALITY b (line, n) WHERE c.file = 1)),
    'up', schemaguard.sg_files_block(tool, c.told, c.statements, NOT c.alone, false),
    'down', coalesce(schemaguard.sg_files_block(tool, b.told, b.statements, NOT c.alone, true),
        CASE WHEN c.one_line THEN E'--rollback empty\n' ELSE '' END),
    'verify', coalesce(schemaguard.sg_files_block(tool, l.told, l.statements, true, false), ''))
FROM chained c LEFT JOIN back b ON b.file = c.file LEFT JOIN look l ON l.file = c.file
ORDER BY c.file
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_filled(text, jsonb, jsonb, text[], numeric, int, text, text, text)
    IS 'returns files with the values for their templates';

-- Returns the file in which a tool lists its migrations, with new ones; null: it has none. Raises 22023 for what is no such file.
CREATE FUNCTION schemaguard.sg_files_register(tool text, register text, project text, files jsonb[], OUT path text, OUT content text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    journal jsonb;
    last    numeric;
BEGIN
    IF tool = 'sqitch' THEN
        IF register !~ '(?w)^%project=' THEN
            RAISE invalid_parameter_value USING MESSAGE = '"register" is no sqitch.plan', HINT = 'Its text, with the line %project=.';
        END IF;
        path := 'sqitch.plan';
        content := coalesce(rtrim(register, E'\n') || E'\n', format(E'%%syntax-version=1.0.0\n%%project=%s\n\n', project)) || (
            SELECT string_agg(format(E'%s %s %s <%s@%s> # %s\n', f ->> 'name',
                to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), r.name, r.name, r.name, f ->> 'class'), '' ORDER BY n)
            FROM unnest(files) WITH ORDINALITY f (f, n),
                (SELECT regexp_replace(session_user, '[^[:alnum:]_.-]', '_', 'g') AS name) r);
    ELSIF tool = 'drizzle' THEN
        BEGIN
            journal := coalesce(register, '{"version": "7", "dialect": "postgresql", "entries": []}')::jsonb;
            last := (SELECT coalesce(max((e ->> 'when')::numeric), 0) FROM jsonb_array_elements(journal -> 'entries') e);
        EXCEPTION WHEN data_exception THEN
            journal := NULL;
        END;
        IF jsonb_typeof(journal -> 'entries') IS DISTINCT FROM 'array' THEN
            RAISE invalid_parameter_value USING MESSAGE = '"register" is no journal of Drizzle', HINT = 'The text of meta/_journal.json.';
        END IF;
        path := 'drizzle/meta/_journal.json';
        content := jsonb_pretty(jsonb_set(journal, '{entries}', journal -> 'entries' || (
            SELECT jsonb_agg(jsonb_build_object('idx', (f ->> 'number')::numeric, 'version', journal ->> 'version',
                'when', greatest(floor(extract(epoch FROM now()) * 1000), last + 1) + n - 1,
                'tag', concat_ws('_', f ->> 'number', f ->> 'name'),
                'breakpoints', true) ORDER BY n) FROM unnest(files) WITH ORDINALITY f (f, n)))) || E'\n';
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_register(text, text, text, jsonb[])
    IS 'returns the file in which a tool lists its migrations; null: it has none';
