-- Sync: what guards ask of indexes and constraints, in the server's own words, and what of those does not count
-- Returns the text that the server prints of an expression, without what it prints differently each time: casts, parentheses, white space
CREATE FUNCTION schemaguard.sg_sync_pattern()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN E'::("[^"]+"|[a-z_][a-z_0-9]*)(\\.("[^"]+"|[a-z_][a-z_0-9]*))?( varying| precision)?(\\([0-9, ]+\\))?( with(out)? time '
    'zone)?(\\[\\])*|[()\\s]';
COMMENT ON FUNCTION schemaguard.sg_sync_pattern()
    IS 'returns the pattern for the text that sg_sync_loose() leaves out';

CREATE FUNCTION schemaguard.sg_sync_loose(printed text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(printed, schemaguard.sg_sync_pattern(), '', 'g');
COMMENT ON FUNCTION schemaguard.sg_sync_loose(text)
    IS 'returns an expression without casts, parentheses and white space';

-- Returns an expression for the script that computes sg_sync_loose() of the value of the given one
CREATE FUNCTION schemaguard.sg_sync_loosely(expression text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN 'pg_catalog.regexp_replace(' || expression || ', ' || quote_literal(schemaguard.sg_sync_pattern()) || ', '''', ''g'')';
COMMENT ON FUNCTION schemaguard.sg_sync_loosely(text)
    IS 'returns the expression by which a script computes sg_sync_loose() of another one';

-- Returns the expression by which the script reads the definition of an index; "placed": with the table
CREATE FUNCTION schemaguard.sg_sync_index_is(identity text, placed boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN '(SELECT CASE WHEN i.indisvalid OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = i.indexrelid AND c.relkind = ''I'') '
    'THEN '''' ELSE ''INVALID'' END || CASE WHEN i.indisunique THEN ''UNIQUE'' ELSE '''' END || '
    || schemaguard.sg_sync_loosely('pg_catalog.substr(d.d, pg_catalog.strpos(d.d, d.r)'
        || CASE WHEN placed THEN ')' ELSE ' + pg_catalog.length(d.r))' END)
    || ' FROM pg_catalog.pg_index i, LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS d, i.indrelid::pg_catalog.regclass::text '
        '|| '' USING '' AS r) d WHERE i.indexrelid = '
    || format('pg_catalog.to_regclass(%L))', identity);
COMMENT ON FUNCTION schemaguard.sg_sync_index_is(text, boolean)
    IS 'returns the expression by which a script reads the definition of an index';

-- Returns the expression by which the script reads the definition of a constraint; "stripped": valid or not
CREATE FUNCTION schemaguard.sg_sync_constraint_is(of_domain boolean, parent text, name text, stripped boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN '(SELECT ' || schemaguard.sg_sync_loosely(CASE WHEN stripped
    THEN 'pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), '' NOT VALID$'', '''')'
        ELSE 'pg_catalog.pg_get_constraintdef(c.oid)' END)
    || format(' FROM pg_catalog.pg_constraint c WHERE c.%s = pg_catalog.%s(%L) AND c.conname = %L)',
        CASE WHEN of_domain THEN 'contypid' ELSE 'conrelid' END, CASE WHEN of_domain THEN 'to_regtype'
            ELSE 'to_regclass' END, parent, name);
COMMENT ON FUNCTION schemaguard.sg_sync_constraint_is(boolean, text, text, boolean)
    IS 'returns the expression by which a script reads the definition of a constraint';
