-- Calls that add several steps: for audit columns, archives, tenants, and for what replaces a table.  They are made of
-- the catalog as it is; what is there, or in the plan, is not added again.
CREATE TABLE schemaguard.deprecated_table (
    table_name  text PRIMARY KEY,
    replacement text,
    reason      text,
    added_by    text NOT NULL DEFAULT CURRENT_USER,
    added_at    timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE schemaguard.deprecated_table IS 'tables to which no new key should refer, with their replacements';
COMMENT ON COLUMN schemaguard.deprecated_table.table_name IS 'the table, qualified and quoted';
COMMENT ON COLUMN schemaguard.deprecated_table.replacement IS 'table that replaces the deprecated one; null: none';
COMMENT ON COLUMN schemaguard.deprecated_table.reason IS 'reason for the deprecation';
COMMENT ON COLUMN schemaguard.deprecated_table.added_by IS 'role that added the row';
COMMENT ON COLUMN schemaguard.deprecated_table.added_at IS 'time at which the row was added';
GRANT SELECT ON schemaguard.deprecated_table TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.deprecated_table TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.deprecated_table', '');

CREATE FUNCTION schemaguard.sg_deprecate_table(table_name text, replacement text, reason text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_deprecate_table';
COMMENT ON FUNCTION schemaguard.sg_deprecate_table(text, text, text)
    IS 'records a table as deprecated, with its replacement, in schemaguard.deprecated_table';

-- Tables by their names, as the caller's search_path finds them; 42P01 for one that is not here. What follows runs with a path of
-- its own, and is given qualified names.
CREATE FUNCTION schemaguard.sg_table(name schemaguard.table_name) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_table';
COMMENT ON FUNCTION schemaguard.sg_table(schemaguard.table_name) IS 'returns the qualified name of an existing table';

CREATE FUNCTION schemaguard.sg_qualified(tables text[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ARRAY(SELECT schemaguard.sg_table(t.name) FROM unnest(tables) WITH ORDINALITY AS t (name, o) ORDER BY t.o);
COMMENT ON FUNCTION schemaguard.sg_qualified(text[]) IS 'qualifies names of tables';

-- By a key its owner would learn which rows the other table has, and hold up their removal
CREATE FUNCTION schemaguard.sg_may_refer(child regclass, parent regclass) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner constant oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = child);
BEGIN
    IF has_table_privilege(owner, parent, 'REFERENCES') THEN
        RETURN true;
    END IF;
    RAISE WARNING 'table % is left out: its owner, role %, may not refer to table %', child, owner::regrole, parent
        USING HINT = format(E'If it is meant to:\nGRANT REFERENCES ON %s TO %s;', parent, owner::regrole);
    RETURN false;
END $$;
COMMENT ON FUNCTION schemaguard.sg_may_refer(regclass, regclass)
    IS 'tells whether the owner of a table may refer to another one; warns if not';

-- Declared keys, in the words of sg_plan_add_fk()
CREATE FUNCTION schemaguard.sg_keys_declared(OUT fk_name text, OUT child regclass, OUT parent regclass, OUT child_columns text[],
                                             OUT parent_columns text[], OUT on_delete text, OUT on_update text, OUT "match" text,
                                             OUT is_deferrable boolean, OUT initially_deferred boolean, OUT delete_set text[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT k.conname, k.conrelid, k.confrelid, columns.child, columns.parent,
           CASE k.confdeltype WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'
               ELSE 'no action' END,
           CASE k.confupdtype WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'
               ELSE 'no action' END,
           CASE k.confmatchtype WHEN 'f' THEN 'full' ELSE 'simple' END, k.condeferrable, k.condeferred,
           CASE WHEN k.confdelsetcols IS NOT NULL THEN
               ARRAY(SELECT a.attname::text FROM unnest(k.confdelsetcols) u (n) JOIN pg_attribute a ON a.attrelid = k.conrelid
                   AND a.attnum = u.n) END
    FROM pg_constraint k
         CROSS JOIN LATERAL (SELECT array_agg(c.attname::text ORDER BY u.o) AS child, array_agg(p.attname::text ORDER BY u.o) AS parent
                             FROM ROWS FROM (unnest(k.conkey), unnest(k.confkey)) WITH ORDINALITY u (c, p, o)
                                  JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.c
                                  JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = u.p) columns
    WHERE k.contype = 'f' AND k.conparentid = 0
    ORDER BY k.conrelid::regclass::text COLLATE "C", k.conname;
END;
COMMENT ON FUNCTION schemaguard.sg_keys_declared() IS 'returns declared foreign keys in the words of sg_plan_add_fk()';

CREATE FUNCTION schemaguard.sg_has_column(child regclass, name text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = child AND a.attname::text = name AND NOT a.attisdropped AND a.attnum > 0);
COMMENT ON FUNCTION schemaguard.sg_has_column(regclass, text) IS 'tells whether a table has a column of that name';

-- A step, unless the plan has one of that kind and name on that table
CREATE FUNCTION schemaguard.sg_plan_add_once(plan text, kind text, child_table text, name text, VARIADIC fields text[]) RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN CASE WHEN EXISTS (SELECT FROM schemaguard.plan_step s
                         WHERE s.plan = sg_plan_add_once.plan AND s.kind = sg_plan_add_once.kind
                           AND s.child_table = sg_plan_add_once.child_table AND s.fk_name = sg_plan_add_once.name) THEN 0
            ELSE (schemaguard.sg_plan_add_step(plan, kind, VARIADIC ARRAY['child_table', child_table, 'fk_name', name] || fields) > 0)::int
                END;
COMMENT ON FUNCTION schemaguard.sg_plan_add_once(text, text, text, text, text[])
    IS 'adds a step unless the plan has it; returns the number of steps added';

-- sg_plan_add_fk() for bodies kept as text
CREATE FUNCTION schemaguard.sg_plan_add_key(plan text, child_table text, child_columns text[], parent_table text,
    parent_columns text[] DEFAULT NULL, on_delete text DEFAULT 'no action', on_update text DEFAULT 'no action',
    priority text DEFAULT 'medium', orphans text DEFAULT NULL, replaces text DEFAULT NULL, match text DEFAULT 'simple',
    "deferrable" boolean DEFAULT false, initially_deferred boolean DEFAULT false, on_delete_columns text[] DEFAULT NULL,
    backfill text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN @extschema@.sg_plan_add_fk(plan, child_table, child_columns, parent_table, parent_columns, on_delete => on_delete,
    on_update => on_update, priority => priority, orphans => orphans, replaces => replaces, match => match,
    "deferrable" => "deferrable", initially_deferred => initially_deferred, on_delete_columns => on_delete_columns,
    backfill => backfill);
COMMENT ON FUNCTION schemaguard.sg_plan_add_key(text, text, text[], text, text[], text, text, text, text, text, text, boolean, boolean,
    text[], text) IS 'adds a foreign key to a plan; returns the number of its step';

-- A column, unless the table has one of that name, whatever its type
CREATE FUNCTION schemaguard.sg_plan_add_missing(plan text, child_table text, name text, type text, priority text, phase text) RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN CASE WHEN name IS NULL OR schemaguard.sg_has_column(child_table::regclass, name) THEN 0
            ELSE schemaguard.sg_plan_add_once(plan, 'column', child_table, name, 'child_columns', ARRAY[name]::text, 'definition', type,
                                              'priority', priority, 'phase', phase) END;
COMMENT ON FUNCTION schemaguard.sg_plan_add_missing(text, text, text, text, text, text)
    IS 'adds a column to a plan unless the table has it';

-- Names that plans make up, of first_second_label
CREATE FUNCTION schemaguard.sg_make_name(first text, second text, label text) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_make_name_sql';
COMMENT ON FUNCTION schemaguard.sg_make_name(text, text, text)
    IS 'returns a name of at most 63 bytes, shortened by whole characters as the server shortens the names that it makes';

CREATE FUNCTION schemaguard.sg_free_name(plan text, kind text, child_table text, first text, second text, label text) RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_free_name_sql';
COMMENT ON FUNCTION schemaguard.sg_free_name(text, text, text, text, text, text)
    IS 'returns a name like sg_make_name(), with a number if the catalog or another step of the plan has that name';

-- A step's object exists if the catalog has all of its definition. An object that has the name alone is left alone, and the step is not
-- done: its query fails.

-- Is the function the one that sg_plan_add_trigger() makes of a body, made by nobody but who has the table?
CREATE FUNCTION schemaguard.sg_plan_function_is(function oid, child regclass, body text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
               WHERE p.oid = function AND p.prosrc = body AND l.lanname = 'plpgsql' AND p.prorettype = 'trigger'::regtype
                 AND NOT p.prosecdef AND replace(array_to_string(p.proconfig, ';'), '"', '') = 'search_path=pg_catalog, pg_temp'
                 AND pg_has_role(p.proowner, (SELECT c.relowner FROM pg_class c WHERE c.oid = child), 'USAGE'));
COMMENT ON FUNCTION schemaguard.sg_plan_function_is(oid, regclass, text)
    IS 'tells whether a function is the one that a plan makes of a body';

-- Does the trigger fire for each row at these events, and call the function with these arguments, or one that is made of the body?
CREATE FUNCTION schemaguard.sg_plan_trigger_is(trigger oid, events text, function text, arguments text[], body text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN EXISTS (
    SELECT FROM pg_trigger t
    WHERE t.oid = trigger AND t.tgenabled IN ('O', 'A') AND t.tgconstraint = 0 AND t.tgqual IS NULL AND cardinality(t.tgattr) = 0
      AND t.tgoldtable IS NULL AND t.tgnewtable IS NULL
      AND t.tgtype = CASE events WHEN 'BEFORE INSERT OR UPDATE' THEN 23 WHEN 'AFTER INSERT OR UPDATE' THEN 21
          WHEN 'AFTER UPDATE' THEN 17 END
      AND CASE WHEN body IS NULL
          THEN t.tgfoid = to_regprocedure(function || '()') AND t.tgargs = coalesce((
              SELECT string_agg(convert_to(u.a, getdatabaseencoding()) || decode('00', 'hex'), '' ORDER BY u.o)
              FROM unnest(arguments) WITH ORDINALITY u (a, o)), '')
          ELSE t.tgnargs = 0 AND schemaguard.sg_plan_function_is(t.tgfoid, t.tgrelid, body) END);
COMMENT ON FUNCTION schemaguard.sg_plan_trigger_is(oid, text, text, text[], text)
    IS 'tells whether a trigger is the one that a plan makes, and fires';

-- Does the view show the live rows of the table, with the rights of who reads it?
CREATE FUNCTION schemaguard.sg_plan_view_is(live oid, child regclass, archived_at text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
RETURN EXISTS (
    SELECT FROM pg_class v CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT quote_ident(c.relname) || '.' AS prefix, format(E'FROM %I.%I\n  WHERE (%I IS NULL);', n.nspname,
        c.relname, archived_at) AS tail) x
    WHERE v.oid = live AND c.oid = child AND v.relkind = 'v' AND 'security_invoker=true' = ANY (v.reloptions)
      AND pg_has_role(v.relowner, c.relowner, 'USAGE')
      AND right(replace(pg_get_viewdef(v.oid), x.prefix, ''), length(replace(x.tail, x.prefix, ''))) = replace(x.tail, x.prefix, ''));
COMMENT ON FUNCTION schemaguard.sg_plan_view_is(oid, regclass, text) IS 'tells whether a view is the view of a table''s live rows';

CREATE FUNCTION schemaguard.sg_plan_trigger_sql(child_table text, name text, events text, function text, arguments text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN format('CREATE TRIGGER %I %s ON %s FOR EACH ROW EXECUTE FUNCTION %s(%s)', name, events, child_table, function,
              (SELECT string_agg(quote_literal(u.a), ', ' ORDER BY u.o) FROM unnest(arguments) WITH ORDINALITY u (a, o)));
COMMENT ON FUNCTION schemaguard.sg_plan_trigger_sql(text, text, text, text, text[]) IS 'returns the definition of a plan''s trigger';

-- The plan's trigger of the table that does the same, else that of the table itself, else a free name. Of a function that is made for it,
-- the body says what it does.
CREATE FUNCTION schemaguard.sg_plan_trigger_name(plan text, child_table text, first text, second text, events text, function text,
    arguments text[], body text)
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce(
    (SELECT s.fk_name FROM schemaguard.plan_step s
     WHERE s.plan = sg_plan_trigger_name.plan AND s.kind = 'statement' AND s.child_table = sg_plan_trigger_name.child_table
       AND CASE WHEN body IS NULL
           THEN s.definition = schemaguard.sg_plan_trigger_sql(child_table, s.fk_name, events, function, arguments)
           ELSE s.after && ARRAY(SELECT f.step::text FROM schemaguard.plan_step f
                                 WHERE f.plan = s.plan AND f.kind = 'statement' AND f.child_table = s.child_table
                                   AND position(quote_literal(body) IN f.definition) > 0) END
     LIMIT 1),
    (SELECT t.tgname::text FROM pg_trigger t
     WHERE t.tgrelid = child_table::regclass AND schemaguard.sg_plan_trigger_is(t.oid, events, function, arguments, body)
     LIMIT 1),
    schemaguard.sg_free_name(plan, 'trigger', child_table, first, second, NULL));
COMMENT ON FUNCTION schemaguard.sg_plan_trigger_name(text, text, text, text, text, text, text[], text)
    IS 'returns the name of a plan''s trigger: as planned, as in the catalog, or a free one';

-- Numbers of the steps of a table that have these names, as `after`; null where the plan has none, such as for a column that is there
CREATE FUNCTION schemaguard.sg_plan_after(plan text, child_table text, names text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT array_agg(s.step::text ORDER BY s.step)::text FROM schemaguard.plan_step s
        WHERE s.plan = sg_plan_after.plan AND s.child_table = sg_plan_after.child_table AND s.fk_name = ANY (names)
          AND s.kind IN ('column', 'statement'));
COMMENT ON FUNCTION schemaguard.sg_plan_after(text, text, text[])
    IS 'returns "after" for a step that has to wait for the steps of these names on a table; null: the plan has none';

-- A trigger that calls a function of ours, or one that is made for it, in PL/pgSQL. first, second: of its name; columns: what has to be
-- there before.
CREATE FUNCTION schemaguard.sg_plan_add_trigger(plan text, child_table text, first text, second text, events text, function text,
    arguments text[], body text, columns text[], priority text, phase text)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name constant text := schemaguard.sg_plan_trigger_name(plan, child_table, first, second, events, function, arguments, body);
    steps int := 0;
    schema text;
    function_name text;
    own text;
BEGIN
    IF EXISTS (SELECT FROM schemaguard.plan_step s
               WHERE s.plan = sg_plan_add_trigger.plan AND s.kind = 'statement' AND s.child_table = sg_plan_add_trigger.child_table
                 AND s.fk_name = name) THEN
        RETURN 0;
    END IF;
    IF body IS NOT NULL THEN
        SELECT n.nspname, coalesce((SELECT p.proname::text FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
                                    WHERE g.tgrelid = c.oid AND g.tgname = name AND p.pronamespace = c.relnamespace),
                                   schemaguard.sg_free_name(plan, 'function', child_table, c.relname::text, name, NULL)) INTO schema,
                                       function_name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = child_table::regclass;
        own := format('%I.%I', schema, function_name);
        steps := schemaguard.sg_plan_add_once(plan, 'statement', child_table, function_name, 'definition',
            format('CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L', own, body),
            'undo', format('DROP FUNCTION IF EXISTS %s()', own),
            'done_when', format('SELECT schemaguard.sg_sync_done((SELECT schemaguard.sg_plan_function_is(oid, %L::regclass, %L)::text '
                'FROM pg_proc WHERE oid = to_regprocedure(%L)), NULL, ''true'', false, %L)', child_table, body, own || '()',
                'function ' || own),
            'after', schemaguard.sg_plan_after(plan, child_table, columns), 'priority', priority, 'phase', phase);
        columns := columns || function_name;
    END IF;
    RETURN steps + schemaguard.sg_plan_add_once(plan, 'statement', child_table, name, 'definition',
        schemaguard.sg_plan_trigger_sql(child_table, name, events, coalesce(own, function), CASE WHEN own IS NULL THEN arguments END),
        'undo', format('DROP TRIGGER IF EXISTS %I ON %s', name, child_table),
        'done_when', format('SELECT schemaguard.sg_sync_done((SELECT schemaguard.sg_plan_trigger_is(oid, %L, %L, %L, %L)::text '
            'FROM pg_trigger WHERE tgrelid = %L::regclass AND tgname = %L), NULL, ''true'', false, %L)', events, function, arguments, body,
            child_table, name, format('trigger %I of %s', name, child_table)),
        'after', schemaguard.sg_plan_after(plan, child_table, columns), 'priority', priority, 'phase', phase);
END $$;
COMMENT ON FUNCTION schemaguard.sg_plan_add_trigger(text, text, text, text, text, text, text[], text, text[], text, text)
    IS 'adds a trigger, with its function if it has one of its own, to a plan, unless the plan has it';

-- Returns the expression for the acting role or user in PL/pgSQL, equal to that of schemaguard.sg_stamp_row()
CREATE FUNCTION schemaguard.sg_who_expression(user_setting text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format(CASE WHEN user_setting IS NULL THEN '%s' ELSE 'coalesce(nullif(current_setting(%2$L, true), ''''), %1$s)' END,
              'CASE current_setting(''role'') WHEN ''none'' THEN session_user::text ELSE current_setting(''role'') END', user_setting);
COMMENT ON FUNCTION schemaguard.sg_who_expression(text) IS 'returns the expression for the role or user that stamps a row';

CREATE FUNCTION schemaguard.sg_check_word(what text, word text, words text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF word IS NULL OR word <> ALL (words) THEN
        RAISE EXCEPTION '% can''t be %', what, coalesce('"' || word || '"', 'null')
            USING ERRCODE = '22023', HINT = 'It is one of: ' || array_to_string(words, ', ') || '.';
    END IF;
    RETURN word;
END $$;
COMMENT ON FUNCTION schemaguard.sg_check_word(text, text, text[]) IS 'returns a word if it is in a list of words; else raises 22023';

-- Raises an error if the column exists with a type that holds no time: each INSERT would fail
CREATE FUNCTION schemaguard.sg_check_time(child regclass, name text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type constant regtype := (SELECT a.atttypid FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = child AND a.attname::text = name AND NOT a.attisdropped
          AND (t.typcategory <> 'D' OR coalesce(nullif(t.typbasetype, 0), t.oid) IN ('time'::regtype, 'timetz'::regtype)));
BEGIN
    IF type IS NOT NULL THEN
        RAISE EXCEPTION 'column % of table % is of type %, which can''t hold a time', quote_ident(name), child, type
            USING ERRCODE = '42804', HINT = 'Name another column, or leave it out by null.';
    END IF;
END $$;
COMMENT ON FUNCTION schemaguard.sg_check_time(regclass, text)
    IS 'raises an error if a table has a column of that name whose type cannot hold a time';

CREATE FUNCTION schemaguard.sg_plan_stamp(plan text, tables text[], columns text[], user_setting text, language text, priority text,
    phase text)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys constant text[] := '{created_at,created_by,modified_at,modified_by}';
    kept constant text := E'    IF TG_OP = ''UPDATE'' THEN\n        NEW.%1$I := OLD.%1$I;\n    ELSE\n        NEW.%1$I := %2$s;\n    END '
        'IF;\n';
    who constant text := schemaguard.sg_who_expression(user_setting);
    steps int := 0;
    qualified text;
    arguments text[] := '{}';
    body text := E'BEGIN\n';
BEGIN
    PERFORM schemaguard.sg_check_word('language', language, '{c,plpgsql}');
    FOR i IN 1 .. 4 LOOP
        IF columns[i] IS NOT NULL THEN
            arguments := arguments || (keys[i] || '=' || columns[i]);
            body := body || format(CASE WHEN i < 3 THEN kept ELSE E'    NEW.%1$I := %2$s;\n' END, columns[i], CASE WHEN i % 2 = 1
                THEN 'now()' ELSE who END);
        END IF;
    END LOOP;
    IF arguments = '{}' THEN
        RAISE EXCEPTION 'no column is named' USING ERRCODE = '22023', HINT = 'Leave out one or the other, but not all.';
    END IF;
    IF user_setting IS NOT NULL THEN
        arguments := arguments || ('user=' || user_setting);
    END IF;
    FOREACH qualified IN ARRAY tables LOOP
        FOR i IN 1 .. 4 LOOP
            PERFORM schemaguard.sg_check_time(qualified::regclass, columns[i]) WHERE i % 2 = 1;
            steps := steps + schemaguard.sg_plan_add_missing(plan, qualified, columns[i], CASE WHEN i % 2 = 1 THEN 'timestamptz'
                ELSE 'text' END, priority, phase);
        END LOOP;
        steps := steps + schemaguard.sg_plan_add_trigger(plan, qualified, 'sg_stamp', NULL, 'BEFORE INSERT OR UPDATE',
            'schemaguard.sg_stamp_row', arguments,
            CASE language WHEN 'plpgsql' THEN body || E'    RETURN NEW;\nEND' END, array_remove(columns, NULL), priority, phase);
    END LOOP;
    RETURN steps;
END $$;
COMMENT ON FUNCTION schemaguard.sg_plan_stamp(text, text[], text[], text, text, text, text)
    IS 'does the work of sg_plan_add_audit_columns() for qualified names';

CREATE FUNCTION schemaguard.sg_plan_add_audit_columns_body(plan text, tables schemaguard.names, created_at text, created_by text,
    modified_at text, modified_by text, user_setting text, language text, priority text, phase text)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_stamp(plan, schemaguard.sg_qualified(tables), ARRAY[created_at, created_by, modified_at, modified_by],
                                 user_setting, language, priority, phase);
COMMENT ON FUNCTION schemaguard.sg_plan_add_audit_columns_body(text, schemaguard.names, text, text, text, text, text, text, text, text)
    IS 'does the work of sg_plan_add_audit_columns()';

CREATE FUNCTION sg_plan_add_audit_columns(plan text, tables schemaguard.names, created_at text DEFAULT 'created_at',
    created_by text DEFAULT 'created_by', modified_at text DEFAULT 'modified_at', modified_by text DEFAULT 'modified_by',
    user_setting text DEFAULT NULL, language text DEFAULT 'c', priority text DEFAULT 'medium', phase text DEFAULT NULL)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_plan_add_audit_columns(text, schemaguard.names, text, text, text, text, text, text, text, text)
    IS 'plans columns that record by whom a row was made and last changed, and their trigger; returns the number of steps';

-- The triggers of one key between a parent that is archived and a child: child_column null: its rows are always live
CREATE FUNCTION schemaguard.sg_plan_archive_key(plan text, key text, child text, child_columns text[], parent text, parent_columns text[],
                                                parent_column text, child_column text, children text, language text, priority text,
                                                    phase text)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    steps int;
    child_name constant text := (SELECT c.relname FROM pg_class c WHERE c.oid = child::regclass);
    columns constant text[] := array_remove(ARRAY[parent_column, child_column], NULL);
    arguments constant text[] := array_remove(ARRAY[key, parent_column, child_column], NULL);
    -- as keys see it: rows of tables that inherit are others
    parent_only constant text := (SELECT CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END FROM pg_class c WHERE c.oid = parent::regclass)
        || parent;
    child_only constant text := (SELECT CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END FROM pg_class c WHERE c.oid = child::regclass)
        || child;
    live constant text := quote_ident(child_column) || ' IS NULL';
    -- with all that inherits: a partition may be another role's
    both_tables constant oid[] := ARRAY(
        WITH RECURSIVE t (oid) AS (SELECT unnest(ARRAY[child::regclass::oid, parent::regclass])
                                   UNION SELECT i.inhrelid FROM pg_inherits i JOIN t ON t.oid = i.inhparent)
        SELECT t.oid FROM t);
    same text;
    parent_row text;
    child_rows text;
    body text;
BEGIN
    SELECT string_agg(format('NEW.%1$I IS NOT DISTINCT FROM OLD.%1$I', c), ' AND ' ORDER BY o),
           string_agg(format('p.%I = NEW.%I', p, c), ' AND ' ORDER BY o), string_agg(format('c.%I = NEW.%I', c, p), ' AND ' ORDER BY o)
    INTO same, parent_row, child_rows
    FROM ROWS FROM (unnest(child_columns), unnest(parent_columns)) WITH ORDINALITY u (c, p, o);

    -- whoever writes one of them runs what has the other's name by then
    IF language = 'plpgsql' AND EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL unnest(ARRAY[c.relowner, CASE n.nspowner WHEN 'pg_database_owner'::regrole
            THEN (SELECT d.datdba FROM pg_database d WHERE d.datname = current_database()) ELSE n.nspowner END]) o (owner)
        WHERE c.oid = ANY (both_tables)
          AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = o.owner)
          AND EXISTS (SELECT FROM pg_class t WHERE t.oid = ANY (both_tables) AND t.relowner <> o.owner)) THEN
        RAISE EXCEPTION 'triggers in plpgsql between tables % and % would run what another role puts in the place of one of them', child,
            parent
            USING ERRCODE = '42501', HINT = 'Leave out language => ''plpgsql'': triggers in C look at what they read.';
    END IF;
    IF language = 'plpgsql' THEN
        body := format(E'DECLARE\n    archived boolean;\nBEGIN\n'
            '    IF %1$s(TG_OP = ''INSERT'' OR NOT (%2$s%3$s)) THEN\n'
            '        SELECT p.%4$I IS NOT NULL INTO archived FROM %8$s p WHERE %6$s FOR SHARE;\n'
            '        IF archived THEN\n'
            '            RAISE EXCEPTION USING ERRCODE = ''23514'', MESSAGE = %5$L;\n'
            '        END IF;\n    END IF;\n    RETURN NULL;\nEND',
            coalesce('NEW.' || live || ' AND ', ''), coalesce('OLD.' || live || ' AND ', ''), same, parent_column,
            format('a live row of table %s can''t refer to an archived one of table %s', child, parent), parent_row, NULL, parent_only);
    END IF;
    steps := schemaguard.sg_plan_add_trigger(plan, child, 'sg_live', key, 'AFTER INSERT OR UPDATE', 'schemaguard.sg_refuse_archived_parent',
        arguments, body, columns, priority, phase);
    -- what has no archive of its own does not keep its parent out of it
    IF child_column IS NULL OR children = 'leave' THEN
        RETURN steps;
    END IF;

    IF language = 'plpgsql' THEN
        body := format(E'BEGIN\n    IF NEW.%1$I IS NOT NULL AND OLD.%1$I IS NULL THEN\n', parent_column) ||
            format(CASE children WHEN 'cascade' THEN E'        UPDATE %6$s c SET %2$I = NEW.%3$I WHERE %4$s AND c.%2$I IS NULL;\n'
                ELSE E'        IF EXISTS (SELECT FROM %6$s c WHERE %4$s AND c.%2$I IS NULL) THEN\n'
                     '            RAISE EXCEPTION USING ERRCODE = ''23001'', MESSAGE = %5$L;\n'
                     '        END IF;\n' END, NULL, child_column, parent_column, child_rows,
                format('a row of table %s can''t be archived: live rows of table %s refer to it', parent, child), child_only) ||
            E'    END IF;\n    RETURN NULL;\nEND';
    END IF;
    RETURN steps + schemaguard.sg_plan_add_trigger(plan, parent, 'sg_children_' || child_name, key, 'AFTER UPDATE',
        'schemaguard.' || CASE children WHEN 'cascade' THEN 'sg_archive_live_children' ELSE 'sg_refuse_live_children' END,
        child || arguments, body, columns, priority, phase);
END $$;
COMMENT ON FUNCTION schemaguard.sg_plan_archive_key(text, text, text, text[], text, text[], text, text, text, text, text, text)
    IS 'adds the triggers of one key of an archived table to a plan';

-- The view of the live rows that the plan has, or the table, or a free name
CREATE FUNCTION schemaguard.sg_plan_live_view(plan text, child_table text, archived_at text) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce(
    (SELECT s.fk_name FROM schemaguard.plan_step s
     WHERE s.plan = sg_plan_live_view.plan AND s.kind = 'statement' AND s.child_table = sg_plan_live_view.child_table
       AND starts_with(s.definition, 'CREATE VIEW ')
       AND right(s.definition, length(quote_ident(archived_at)) + 15) = format(' WHERE %I IS NULL', archived_at) LIMIT 1),
    (SELECT v.relname::text FROM pg_class c JOIN pg_class v ON v.relnamespace = c.relnamespace
     WHERE c.oid = child_table::regclass AND v.relkind = 'v' AND v.relname ~ '_live[0-9]*$'
       AND schemaguard.sg_plan_view_is(v.oid, c.oid, archived_at) LIMIT 1),
    (SELECT schemaguard.sg_free_name(plan, 'relation', child_table, c.relname::text, NULL, 'live') FROM pg_class c
        WHERE c.oid = child_table::regclass));
COMMENT ON FUNCTION schemaguard.sg_plan_live_view(text, text, text)
    IS 'returns the name of the view of a table''s live rows: as planned, as in the catalog, or a free one';

CREATE FUNCTION schemaguard.sg_plan_live_index(plan text, child_table text, definition text) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
RETURN coalesce(
    (SELECT s.fk_name FROM schemaguard.plan_step s
     WHERE s.plan = sg_plan_live_index.plan AND s.kind = 'index' AND s.child_table = sg_plan_live_index.child_table
       AND s.definition = sg_plan_live_index.definition LIMIT 1),
    (SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = child_table::regclass AND c.relname ~ '_live_idx[0-9]*$'
         AND right(pg_get_indexdef(c.oid), length(definition)) = definition LIMIT 1),
    (SELECT schemaguard.sg_free_name(plan, 'relation', child_table, c.relname::text, NULL, 'live_idx') FROM pg_class c
        WHERE c.oid = child_table::regclass));
COMMENT ON FUNCTION schemaguard.sg_plan_live_index(text, text, text)
    IS 'returns the name of the index of a table''s live rows: as planned, as in the catalog, or a free one';

CREATE FUNCTION schemaguard.sg_plan_archive(plan text, tables text[], archived_at text, archived_by text, children text, user_setting text,
                                            language text, priority text, phase text)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    steps int := 0;
    qualified text;
    view_name text;
    definition text;
    t record;
    k record;
BEGIN
    PERFORM schemaguard.sg_check_word('language', language, '{c,plpgsql}'),
        schemaguard.sg_check_word('children', children, '{refuse,cascade,leave}'),
            schemaguard.sg_check_word('archived_at', archived_at, ARRAY[coalesce(archived_at, 'archived_at, or another name of a column')]);
    FOREACH qualified IN ARRAY tables LOOP
        SELECT n.nspname, c.relname, array_agg(a.attname ORDER BY u.o) FILTER (WHERE a.attname IS NOT NULL) AS key INTO t
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
             LEFT JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY u (n, o) ON true
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.n
        WHERE c.oid = qualified::regclass
        GROUP BY 1, 2;
        IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = qualified::regclass AND a.attname::text = archived_at
            AND a.atttypid = 'bool'::regtype) THEN
            RAISE EXCEPTION 'column % of table % is a boolean', quote_ident(archived_at), qualified
                USING ERRCODE = '42804', HINT = 'Rows are live where archived_at is null; for a boolean, make the triggers by hand.';
        END IF;
        steps := steps + schemaguard.sg_plan_add_missing(plan, qualified, archived_at, 'timestamptz', priority, phase)
                       + schemaguard.sg_plan_add_missing(plan, qualified, archived_by, 'text', priority, phase);
        IF t.key IS NOT NULL THEN
            definition := format('USING btree (%s) WHERE (%I IS NULL)', (SELECT string_agg(quote_ident(c), ', ') FROM unnest(t.key) c),
                archived_at);
            steps := steps + schemaguard.sg_plan_add_once(plan, 'index', qualified,
                schemaguard.sg_plan_live_index(plan, qualified, definition), 'definition', definition, 'after',
                    schemaguard.sg_plan_after(plan, qualified, ARRAY[archived_at]),
                'priority', priority, 'phase', phase);
        END IF;
        view_name := schemaguard.sg_plan_live_view(plan, qualified, archived_at);
        steps := steps + schemaguard.sg_plan_add_once(plan, 'statement', qualified, view_name, 'definition',
            format('CREATE VIEW %I.%I WITH (security_invoker = true) AS SELECT * FROM %s WHERE %I IS NULL', t.nspname, view_name,
                qualified, archived_at),
            'undo', format('DROP VIEW IF EXISTS %I.%I', t.nspname, view_name),
            'done_when', format('SELECT schemaguard.sg_sync_done((SELECT schemaguard.sg_plan_view_is(oid, %L::regclass, %L)::text '
                'FROM pg_class WHERE oid = to_regclass(%L)), NULL, ''true'', false, %L)', qualified, archived_at,
                format('%I.%I', t.nspname, view_name), format('view %I.%I', t.nspname, view_name)),
            'after', schemaguard.sg_plan_after(plan, qualified, ARRAY[archived_at, archived_by]), 'priority', priority, 'phase', phase);
        IF archived_by IS NOT NULL THEN
            steps := steps + schemaguard.sg_plan_add_trigger(plan, qualified, 'sg_stamp_archived', NULL, 'BEFORE INSERT OR UPDATE',
                'schemaguard.sg_stamp_row',
                array_remove(ARRAY['archived_at=' || archived_at, 'archived_by=' || archived_by, 'user=' || user_setting], NULL),
                CASE language WHEN 'plpgsql' THEN format(
                    E'BEGIN\n    IF NEW.%1$I IS NULL THEN\n        NEW.%2$I := NULL;\n    ELSIF TG_OP = ''UPDATE'' AND OLD.%1$I IS NOT '
                        'NULL THEN\n'
                    '        NEW.%2$I := OLD.%2$I;\n    ELSE\n        NEW.%2$I := %3$s;\n    END IF;\n    RETURN NEW;\nEND',
                    archived_at, archived_by, schemaguard.sg_who_expression(user_setting)) END,
                ARRAY[archived_at, archived_by], priority, phase);
        END IF;
        FOR k IN SELECT d.*, format('%I.%I', n.nspname, c.relname) AS child_table
                 FROM schemaguard.sg_keys_declared() d JOIN pg_class c ON c.oid = d.child JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE d.parent = qualified::regclass LOOP
            steps := steps + schemaguard.sg_plan_archive_key(plan, k.fk_name, k.child_table, k.child_columns, qualified, k.parent_columns,
                archived_at,
                CASE WHEN k.child_table = ANY (tables) OR schemaguard.sg_has_column(k.child, archived_at) THEN archived_at END,
                children, language, priority, phase);
        END LOOP;
    END LOOP;
    RETURN steps;
END $$;
COMMENT ON FUNCTION schemaguard.sg_plan_archive(text, text[], text, text, text, text, text, text, text)
    IS 'does the work of sg_plan_add_archive_columns() for qualified names';

CREATE FUNCTION schemaguard.sg_plan_add_archive_columns_body(plan text, tables schemaguard.names, archived_at text, archived_by text,
    children text, user_setting text, language text, priority text, phase text)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_archive(plan, schemaguard.sg_qualified(tables), archived_at, archived_by, children, user_setting, language,
    priority, phase);
COMMENT ON FUNCTION schemaguard.sg_plan_add_archive_columns_body(text, schemaguard.names, text, text, text, text, text, text, text)
    IS 'does the work of sg_plan_add_archive_columns()';

CREATE FUNCTION sg_plan_add_archive_columns(plan text, tables schemaguard.names, archived_at text DEFAULT 'archived_at',
    archived_by text DEFAULT 'archived_by', children text DEFAULT 'refuse', user_setting text DEFAULT NULL, language text DEFAULT 'c',
    priority text DEFAULT 'medium', phase text DEFAULT NULL)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_plan_add_archive_columns(text, schemaguard.names, text, text, text, text, text, text, text)
    IS 'plans archiving of rows: columns, a view and an index of the live rows, triggers; returns the number of steps';

-- Steps of foreign keys go through sg_plan_add_fk(), unless the plan has one that replaces the same key of that table. Names of catalogs
-- have the collation "C", with which the index of plan_step finds no table.
CREATE FUNCTION schemaguard.sg_plan_isolation(plan text, tenant_column text, tenant_table text, orphans text, priority text)
RETURNS int
-- that a key can't be yet, without the UNIQUE that comes before it, is no news
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    steps int := 0;
    unique_columns text[];
    k record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                   WHERE a.attname = tenant_column AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')) THEN
        RAISE EXCEPTION 'no table has a column %', quote_ident(tenant_column)
            USING ERRCODE = '42703', HINT = 'tenant_column is the column by which the tables tell tenants apart.';
    END IF;
    SELECT string_agg(format('%I ON %s', d.fk_name, d.child::regclass), ', '
        ORDER BY d.child::regclass::text COLLATE "C", d.fk_name) AS keys, count(*) AS n INTO k
    FROM schemaguard.sg_keys_declared() d
    WHERE d.parent IS DISTINCT FROM tenant_table::regclass AND d.child IS DISTINCT FROM tenant_table::regclass
      AND schemaguard.sg_has_column(d.parent, tenant_column) AND NOT schemaguard.sg_has_column(d.child, tenant_column);
    IF k.n > 0 THEN
        RAISE WARNING 'keys whose child has no column % leave tenants out: %', quote_ident(tenant_column), k.keys
            USING HINT = 'Add the column to these tables by steps before, then plan again.';
    END IF;
    FOR k IN
        WITH declared AS MATERIALIZED (SELECT * FROM schemaguard.sg_keys_declared())
        SELECT d.*, format('%I.%I', cn.nspname, c.relname) COLLATE "default" AS child_table,
            format('%I.%I', pn.nspname, p.relname) COLLATE "default" AS parent_table, p.relname AS parent_name,
            schemaguard.sg_may_refer(d.child, d.parent) AS may_refer,
            (d.child, d.parent, tenant_column || d.child_columns) IN (SELECT e.child, e.parent, e.child_columns FROM declared e) AS has_key
        FROM declared d JOIN pg_class c ON c.oid = d.child JOIN pg_namespace cn ON cn.oid = c.relnamespace
             JOIN pg_class p ON p.oid = d.parent JOIN pg_namespace pn ON pn.oid = p.relnamespace
        WHERE (tenant_table IS NULL OR d.parent <> tenant_table::regclass AND d.child <> tenant_table::regclass)
          AND tenant_column <> ALL (d.child_columns) AND tenant_column <> ALL (d.parent_columns)
          AND schemaguard.sg_has_column(d.child, tenant_column) AND schemaguard.sg_has_column(d.parent, tenant_column)
    LOOP
        CONTINUE WHEN NOT k.may_refer;
        unique_columns := tenant_column || k.parent_columns;
        -- a unique index of just these columns serves as well, in any order
        IF NOT EXISTS (SELECT FROM pg_index i
                       WHERE i.indrelid = k.parent AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
                         AND i.indexprs IS NULL AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE "C")
                              FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])) =
                             (SELECT array_agg(u ORDER BY u COLLATE "C") FROM unnest(unique_columns) u)) THEN
            steps := steps + schemaguard.sg_plan_add_once(plan, 'unique', k.parent_table,
                coalesce((SELECT s.fk_name FROM schemaguard.plan_step s
                          WHERE s.plan = sg_plan_isolation.plan AND s.kind = 'unique' AND s.child_table = k.parent_table
                              AND s.child_columns = unique_columns LIMIT 1),
                         schemaguard.sg_free_name(plan, 'relation', k.parent_table, k.parent_name::text,
                             array_to_string(unique_columns, '_'), 'key')),
                'child_columns', unique_columns::text, 'priority', priority);
        END IF;
        IF NOT EXISTS (SELECT FROM schemaguard.plan_step s WHERE s.plan = sg_plan_isolation.plan AND s.child_table = k.child_table
                         AND s.child_columns = tenant_column || k.child_columns AND s.parent_table = k.parent_table)
           AND NOT k.has_key THEN
            PERFORM schemaguard.sg_plan_add_key(plan, k.child_table, tenant_column || k.child_columns, k.parent_table, unique_columns,
                on_delete => k.on_delete, on_update => k.on_update, priority => priority, orphans => orphans,
                -- of a MATCH FULL key of several columns the new one, MATCH SIMPLE, checks less, so both stay
                replaces => CASE WHEN k.match = 'simple' OR cardinality(k.child_columns) = 1 THEN k.fk_name END,
                "deferrable" => k.is_deferrable, initially_deferred => k.initially_deferred,
                -- the row stays its tenant's
                on_delete_columns => CASE WHEN k.on_delete IN ('set null', 'set default') THEN coalesce(k.delete_set, k.child_columns) END);
            steps := steps + 1;
        END IF;
    END LOOP;

    FOR k IN
        SELECT format('%I.%I', n.nspname, c.relname) COLLATE "default" AS child_table, a.attnotnull,
               c.oid IN (SELECT d.child FROM schemaguard.sg_keys_declared() d
                         WHERE d.parent = tenant_table::regclass AND d.child_columns = ARRAY[tenant_column]) AS has_key,
               tenant_table IS NULL OR schemaguard.sg_may_refer(c.oid, tenant_table::regclass) AS may_refer
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE a.attname::text = tenant_column AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relpersistence <> 't' AND n.nspname <> ALL ('{pg_catalog,information_schema,schemaguard}')
          AND (tenant_table IS NULL OR c.oid <> tenant_table::regclass)
        ORDER BY n.nspname, c.relname
    LOOP
        CONTINUE WHEN NOT k.may_refer;
        IF NOT k.attnotnull THEN
            steps := steps + schemaguard.sg_plan_add_once(plan, 'not null', k.child_table,
                coalesce((SELECT s.fk_name FROM schemaguard.plan_step s
                          WHERE s.plan = sg_plan_isolation.plan AND s.kind = 'not null' AND s.child_table = k.child_table
                              AND s.child_columns = ARRAY[tenant_column] LIMIT 1),
                         schemaguard.sg_free_name(plan, 'constraint', k.child_table, tenant_column, NULL, 'not_null')),
                'child_columns', ARRAY[tenant_column]::text, 'priority', priority);
        END IF;
        IF tenant_table IS NOT NULL AND NOT k.has_key
           AND NOT EXISTS (SELECT FROM schemaguard.plan_step s WHERE s.plan = sg_plan_isolation.plan AND s.child_table = k.child_table
                             AND s.child_columns = ARRAY[tenant_column] AND s.parent_table = tenant_table) THEN
            PERFORM schemaguard.sg_plan_add_key(plan, k.child_table, ARRAY[tenant_column], tenant_table, priority => priority,
                orphans => orphans);
            steps := steps + 1;
        END IF;
    END LOOP;
    RETURN steps;
END $$;
COMMENT ON FUNCTION schemaguard.sg_plan_isolation(text, text, text, text, text) IS 'does the work of sg_plan_isolate() for qualified names';

CREATE FUNCTION schemaguard.sg_plan_isolate_body(plan text, tenant_column text, tenant_table schemaguard.table_name, orphans text,
    priority text)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_isolation(plan, tenant_column, (schemaguard.sg_qualified(ARRAY[tenant_table]))[1], orphans, priority);
COMMENT ON FUNCTION schemaguard.sg_plan_isolate_body(text, text, schemaguard.table_name, text, text)
    IS 'does the work of sg_plan_isolate()';

CREATE FUNCTION sg_plan_isolate(plan text, tenant_column text, tenant_table schemaguard.table_name DEFAULT NULL,
    orphans text DEFAULT NULL, priority text DEFAULT 'medium')
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_plan_isolate(text, text, schemaguard.table_name, text, text)
    IS 'plans keys that include the tenant in place of those that leave it out; returns the number of steps';

-- Plans UNIQUE and NOT NULL of the old column for the new one, before the old one goes: UNIQUE after the key that fills the new column,
-- NOT NULL in the last phase
CREATE FUNCTION schemaguard.sg_plan_add_alike(plan text, child_table text, old_column text, new_column text, key text, priority text,
    phase text)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN (
    SELECT count(schemaguard.sg_plan_add_step(plan, r.kind, VARIADIC ARRAY['child_table', child_table, 'priority', priority,
               'after', ARRAY[key]::text] || r.fields))::int
    FROM (SELECT 'unique' AS kind, c.conname::text AS name,
                 ARRAY['child_columns', array_replace(n.columns, old_column, new_column)::text, 'deferrable', c.condeferrable::text,
                       'initially_deferred', c.condeferred::text, 'nulls_not_distinct', i.indnullsnotdistinct::text] AS fields
          FROM pg_constraint c JOIN pg_index i ON i.indexrelid = c.conindid
               CROSS JOIN LATERAL (SELECT array_agg(a.attname::text ORDER BY x.o)
                                   FROM unnest(c.conkey) WITH ORDINALITY x (n, o)
                                        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = x.n) n (columns)
          WHERE c.conrelid = child_table::regclass AND c.contype = 'u' AND c.conparentid = 0 AND old_column = ANY (n.columns)
          UNION ALL
          SELECT 'not null', NULL, ARRAY['child_columns', ARRAY[new_column]::text, 'phase', phase]
          FROM pg_attribute a WHERE a.attrelid = child_table::regclass AND a.attname::text = old_column AND a.attnotnull
          ORDER BY 1 DESC, 2) r);
COMMENT ON FUNCTION schemaguard.sg_plan_add_alike(text, text, text, text, text, text, text)
    IS 'adds UNIQUE and NOT NULL of a column to a plan, for the column that replaces it; returns the number of steps';

CREATE FUNCTION schemaguard.sg_plan_retargeting(plan text, old_parent text, new_parent text, mapping text, reason text, orphans text,
    priority text, phase text)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    steps int := 0;
    new_key text[];
    new_column text;
    key text;
    k record;
    old_name constant text := (SELECT regexp_replace(c.relname, 's$', '') FROM pg_class c WHERE c.oid = old_parent::regclass);
    new_name constant text := (SELECT regexp_replace(c.relname, 's$', '') FROM pg_class c WHERE c.oid = new_parent::regclass);
BEGIN
    SELECT array_agg(a.attname::text) INTO new_key
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
    WHERE i.indrelid = new_parent::regclass AND i.indisprimary;
    IF mapping IS NOT NULL AND (cardinality(new_key) = 1 AND schemaguard.sg_has_column(new_parent::regclass, mapping)) IS NOT TRUE THEN
        RAISE EXCEPTION 'table % has no column %, or no primary key of one column', new_parent, quote_ident(mapping)
            USING ERRCODE = '22023', HINT = 'mapping is the column of the new table that has the key of the old one.';
    END IF;
    PERFORM schemaguard.sg_deprecate_table(old_parent, new_parent, reason);

    FOR k IN
        SELECT d.*, format('%I.%I', n.nspname, c.relname) AS child_table, c.relname AS child_name,
               EXISTS (SELECT FROM schemaguard.plan_step s WHERE s.plan = sg_plan_retargeting.plan
                   AND s.child_table = format('%I.%I', n.nspname, c.relname) COLLATE "default"
                         AND s.replaces = d.fk_name) AS planned
        FROM schemaguard.sg_keys_declared() d JOIN pg_class c ON c.oid = d.child JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE d.parent = old_parent::regclass AND d.child <> new_parent::regclass
    LOOP
        CONTINUE WHEN k.planned OR NOT schemaguard.sg_may_refer(k.child, new_parent::regclass);
        IF mapping IS NULL THEN
            PERFORM schemaguard.sg_plan_add_key(plan, k.child_table, k.child_columns, new_parent,
                on_delete => k.on_delete, on_update => k.on_update, priority => priority, orphans => orphans, replaces => k.fk_name,
                match => k.match, "deferrable" => k.is_deferrable, initially_deferred => k.initially_deferred,
                    on_delete_columns => k.delete_set);
            steps := steps + 1;
        ELSIF cardinality(k.child_columns) > 1 THEN
            RAISE EXCEPTION 'key % of table % has several columns', quote_ident(k.fk_name), k.child_table
                USING ERRCODE = '0A000', HINT = 'Add its step as a key of its own, with an expression of backfill for each column.';
        ELSE
            -- user_id becomes profile_id, and what is named otherwise gets the new table's name behind its own
            new_column := replace(k.child_columns[1], old_name, new_name);
            new_column := schemaguard.sg_free_name(plan, 'column', k.child_table, new_column,
                                                   CASE WHEN new_column = k.child_columns[1] THEN new_name END, NULL);
            key := schemaguard.sg_plan_add_key(plan, k.child_table, ARRAY[new_column], new_parent,
                on_delete => k.on_delete, on_update => k.on_update, priority => priority, orphans => orphans, replaces => k.fk_name,
                "deferrable" => k.is_deferrable, initially_deferred => k.initially_deferred,
                backfill => format('(SELECT sg_new.%I FROM %s sg_new WHERE sg_new.%I = %I.%I)', new_key[1], new_parent, mapping,
                                   k.child_name, k.child_columns[1]));
            steps := steps + schemaguard.sg_plan_add_alike(plan, k.child_table, k.child_columns[1], new_column, key, priority, phase);
            PERFORM schemaguard.sg_plan_add_step(plan, 'drop', 'definition', 'column', 'child_table', k.child_table,
                'fk_name', k.child_columns[1], 'discard', 'false', 'priority', priority, 'phase', phase);
            steps := steps + 2;
        END IF;
    END LOOP;
    RETURN steps;
END $$;
COMMENT ON FUNCTION schemaguard.sg_plan_retargeting(text, text, text, text, text, text, text, text)
    IS 'does the work of sg_plan_retarget() for qualified names';

CREATE FUNCTION schemaguard.sg_plan_retarget_body(plan text, old_parent schemaguard.table_name, new_parent schemaguard.table_name,
    mapping text, reason text, orphans text, priority text, phase text)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_retargeting(plan, (schemaguard.sg_qualified(ARRAY[old_parent]))[1],
    (schemaguard.sg_qualified(ARRAY[new_parent]))[1],
                                       mapping, reason, orphans, priority, phase);
COMMENT ON FUNCTION schemaguard.sg_plan_retarget_body(text, schemaguard.table_name, schemaguard.table_name, text, text, text, text, text)
    IS 'does the work of sg_plan_retarget()';

CREATE FUNCTION sg_plan_retarget(plan text, old_parent schemaguard.table_name, new_parent schemaguard.table_name,
    mapping text DEFAULT NULL, reason text DEFAULT NULL, orphans text DEFAULT NULL, priority text DEFAULT 'medium',
    phase text DEFAULT 'retargeted')
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_plan_retarget(text, schemaguard.table_name, schemaguard.table_name, text, text, text, text, text)
    IS 'plans to point every key that refers to a table to the table that replaces it; returns the number of steps';
