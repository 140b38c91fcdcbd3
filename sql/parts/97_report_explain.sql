-- Explains in sentences the effects of a step: statements as sg_plan_sql() has them, times as sg_plan_check() estimates them
-- as_written: of a step that is a statement: sentences about what the server does by itself, not what our steps do, fit it
CREATE FUNCTION schemaguard.sg_explain_statement(statement text, as_written boolean, OUT what text, OUT locks text, OUT takes text)
RETURNS record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT regexp_replace(sg_explain_statement.statement, replace(e.pattern, '@', '((?:"(?:[^"]|"")*"|[^ "])+)'), e.what), e.locks, e.takes
    FROM (VALUES
        (1, E'^-- CALL .* finds and (?:fixes the orphans|mends the rows that break it) \\((quarantine)\\)$',
            'Rows that break it go into quarantine, in batches with a commit each. Only a call with fix => true does it.',
            'SHARE UPDATE EXCLUSIVE, and the rows of a batch', 'longer the more such rows there are'),
        (1, E'^-- CALL .* finds and (?:fixes the orphans|mends the rows that break it) \\((delete)\\)$',
            'Rows that break it are deleted, in batches with a commit each; a copy is kept only of what rows in quarantine refer to. '
            'Only a call with fix => true does it.',
            'SHARE UPDATE EXCLUSIVE, and the rows of a batch', 'longer the more such rows there are'),
        (1, E'^-- CALL .* finds and (?:fixes the orphans|mends the rows that break it) \\((set)\\)$',
            'Rows that break it are given a value, in batches with a commit each; old values are kept if the table has a primary key. '
            'Only a call with fix => true does it.',
            'SHARE UPDATE EXCLUSIVE, and the rows of a batch', 'longer the more such rows there are'),
        (2, E'^-- CALL .* finds and (?:fixes the orphans|mends the rows that break it) \\((.*)\\)$',
            E'Rows that break it are fixed by the policy "\\1", which keeps no copy, in batches with a commit each. Only a call with '
            'fix => true does it.',
            'SHARE UPDATE EXCLUSIVE, and the rows of a batch', 'longer the more such rows there are'),
        (3, '^-- column @ of @ gets another name.*$',
            E'Column \\1 of \\2 gets another name, and loses NOT NULL and its default. sg_prune() drops it later; a rollback '
                'brings it back.',
            'ACCESS EXCLUSIVE', 'a moment'),
        (4, '^-- (.*)$', E'\\1.', NULL, NULL),
        (5, '^CREATE (?:UNIQUE )?INDEX CONCURRENTLY @ ON (?:ONLY )?@ .*$',
            E'A background worker builds index \\1. Table \\2 can be read and written meanwhile; transactions that are older are '
                'waited for.',
            'SHARE UPDATE EXCLUSIVE', 'two reads of the table'),
        (6, '^ALTER TABLE @ ADD CONSTRAINT @ FOREIGN KEY .* REFERENCES @.* NOT VALID;?$',
            E'Key \\2 is added to \\1, NOT VALID: from then on no row can be written that has no parent in \\3.',
            'SHARE ROW EXCLUSIVE on both tables', 'a moment'),
        (6, '^CREATE (?:UNIQUE )?INDEX @ ON (?:ONLY )?@ .*$',
            E'Index \\1 is made on \\2, of the indexes that its partitions have.', 'SHARE on the table and its partitions', 'a moment'),
        (7, '^ALTER TABLE @ ADD CONSTRAINT @ FOREIGN KEY .* NOT ENFORCED;?$', E'Key \\2 is added to \\1, NOT ENFORCED: it refuses no row.',
            'SHARE ROW EXCLUSIVE on both tables', 'a moment'),
        (8, '^ALTER TABLE @ ADD CONSTRAINT @ FOREIGN KEY .*$',
            E'Key \\2 is added to \\1, of the keys that its partitions have: no row is read.',
            'SHARE ROW EXCLUSIVE on the table and its partitions, ACCESS EXCLUSIVE on the referenced table', 'a moment'),
        (9, '^ALTER TABLE @ ADD CONSTRAINT @ .*USING INDEX .*$', E'Constraint \\2 of \\1 takes over the index that was built for it.',
            'ACCESS EXCLUSIVE', 'a moment'),
        (10, '^ALTER TABLE @ ADD CONSTRAINT @ .*$',
            E'Constraint \\2 is added to \\1, NOT VALID: rows that are written from then on obey it.',
            'ACCESS EXCLUSIVE', 'a moment'),
        (11, '^ALTER TABLE @ VALIDATE CONSTRAINT @?;?$',
            E'All rows of \\1 are read, and the constraint becomes valid. The table can be read and written.',
            'SHARE UPDATE EXCLUSIVE; of a key, ROW SHARE on the parent', 'one read of the table'),
        (12, '^ALTER TABLE @ ALTER COLUMN @ SET NOT NULL;?$',
            E'Column \\2 of \\1 becomes NOT NULL. A valid CHECK says so already, so that no row is read.',
            'ACCESS EXCLUSIVE', 'a moment'),
        (13, '^ALTER TABLE @ DROP CONSTRAINT @?;?$',
            E'A constraint of \\1 that is not needed any more is dropped.', 'ACCESS EXCLUSIVE', 'a moment'),
        (14, '^ALTER TABLE @ ADD COLUMN @ .*$', E'Column \\2 is added to \\1.', 'ACCESS EXCLUSIVE', 'a moment'),
        (15, '^ALTER TABLE @ ALTER COLUMN @ (SET|DROP) DEFAULT.*$',
            E'The default of column \\2 of \\1 changes, for rows that are inserted later.',
            'ACCESS EXCLUSIVE', 'a moment'),
        (16, '^ALTER (?:TABLE|VIEW|INDEX|TRIGGER) @ RENAME.*$',
            E'\\1, or a part of it, gets another name: calls that use the old one fail from then on.',
            'ACCESS EXCLUSIVE', 'a moment'),
        (17, '^UPDATE @ SET .*$',
            E'Rows of \\1 get their value, in batches with a commit each; a trigger fills rows that are written meanwhile.',
            'ROW EXCLUSIVE, and the rows of a batch', 'longer the more rows there are'),
        (18, '^CREATE (?:UNLOGGED )?TABLE @ PARTITION OF @ .*$',
            E'Table \\1 is made, as a partition of \\2. A rollback drops it while it is empty.',
            'ACCESS EXCLUSIVE on the partitioned table and its default partition', 'a moment, or a read of the default partition'),
        (19, '^CREATE (?:UNLOGGED )?TABLE @ .*$', E'Table \\1 is made. A rollback drops it while it is empty.', NULL, 'a moment'),
        (20, '^.*$', 'This statement runs as it stands, in a transaction of its own.', 'what the statement takes', 'not known')
    ) AS e (place, pattern, what, locks, takes)
    WHERE sg_explain_statement.statement ~ replace(e.pattern, '@', '((?:"(?:[^"]|"")*"|[^ "])+)')
      AND (NOT as_written OR e.place IN (4, 5, 15, 16, 20))
    ORDER BY e.place LIMIT 1;
END;
COMMENT ON FUNCTION schemaguard.sg_explain_statement(text, boolean) IS 'explains one line of sg_plan_sql(), for sg_plan_explain()';

-- to_regclass() raises an error for who has no USAGE on the schema
CREATE FUNCTION schemaguard.sg_relation_oid(qualified text) RETURNS oid
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.oid FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
    WHERE n.nspname = (parse_ident(qualified))[1] AND c.relname = (parse_ident(qualified))[2];
END;
COMMENT ON FUNCTION schemaguard.sg_relation_oid(text)
    IS 'returns the relation of a qualified name, or null; USAGE on the schema is not needed';

-- Explains a step: `checked` has rows of sg_plan_check_details(), and the tables that refer to the step's; `written` lines of sg_plan_sql()
CREATE FUNCTION schemaguard.sg_plan_explain_step(plan text, step int, checked jsonb, written text[],
    OUT what text, OUT locks text, OUT takes text, OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH checked AS MATERIALIZED (
        SELECT c.step, c.check_name, c.result, c.detail
        FROM jsonb_to_recordset(checked) c (step int, check_name text, result text, detail text)),
    this AS (
        SELECT s.*, (SELECT count(*) FROM checked c WHERE c.result = 'block') AS blocks,
               EXISTS (SELECT FROM checked c WHERE c.result = 'warn' AND
                       (c.check_name = 'loss' OR s.kind = 'drop' AND s.discard AND c.check_name IN ('rows', 'rules'))) AS loses
        FROM schemaguard.plan_step s WHERE s.plan = sg_plan_explain_step.plan AND s.step = sg_plan_explain_step.step),
    said AS (
        SELECT -1 AS place, format('Step %s, %s%s, %s.', t.step, t.kind, ' on ' || t.child_table,
                   CASE WHEN t.skipped_by IS NOT NULL THEN 'is skipped: no call does anything about it'
                        WHEN t.phase IS NOT NULL THEN 'is held back until phase ' || t.phase || ' is released'
                        WHEN t.state = 'validated' THEN 'is done: a call only looks whether it still holds'
                        WHEN t.blocks > 0 THEN 'is blocked: a check of the plan says by what'
                        WHEN t.orphans = 'leave' THEN 'can run: a key that is not valid stays so as long as rows break it'
                        WHEN t.kind IN ('foreign key', 'check', 'not null', 'unique')
                            THEN 'can run unless rows break it, which a check of the plan looks for'
                        WHEN t.loses THEN 'can run, and loses what the next lines say'
                        ELSE 'can run: nothing stands in its way' END) AS what,
               NULL AS locks, NULL AS takes,
               CASE WHEN t.skipped_by IS NOT NULL OR t.state = 'validated' THEN NULL
                    WHEN t.phase IS NOT NULL THEN format('SELECT %s.sg_plan_release(%L, %L);', schemaguard.sg_schema(), t.plan, t.phase)
                    WHEN t.blocks > 0 THEN format('SELECT * FROM %s.sg_plan_check(%L);', schemaguard.sg_schema(), t.plan) END AS statement
        FROM this t
        UNION ALL
        SELECT 0, format('Warning: %s.', c.detail), NULL, NULL, NULL
        FROM checked c JOIN this t ON c.result = 'warn' AND
             (c.check_name IN ('loss', 'undo') OR t.kind = 'drop' AND c.check_name IN ('rows', 'rules'))
        UNION ALL
        SELECT 1, 'Its orphans are counted. If there are any, the step fails and nothing is changed.', 'ACCESS SHARE on both tables',
               'one read of both tables', NULL
        FROM this t WHERE t.kind = 'foreign key' AND t.orphans = 'stop' AND t.state IN ('pending', 'failed', 'rolled back', 'waiting')
        UNION ALL
        SELECT 1 + q.place,
               CASE WHEN t.orphans = 'leave' THEN replace(e.what, 'becomes valid.', 'becomes valid if no row breaks it.') ELSE e.what END,
               e.locks,
               -- of a column that has the table written anew
               CASE WHEN e.takes = 'a moment' AND t.kind = 'column' AND EXISTS (SELECT FROM checked c WHERE c.check_name = 'rewrite')
                    THEN 'longer the larger the table is' ELSE e.takes END,
               CASE WHEN q.statement NOT LIKE '--%' THEN q.statement END
        FROM unnest(written) WITH ORDINALITY AS q (statement, place),
             this t, schemaguard.sg_explain_statement(q.statement, t.kind = 'statement') e
        UNION ALL
        SELECT 800000, format('Rows of %s that refer to rows which go, or to such rows in turn, go along if their key is a step of the '
                   'plan, as its policy says, or into quarantine if this step has quarantine_cascades; else they hold it up.', c.detail),
               NULL, NULL, format('SELECT * FROM %s.sg_plan_referencing(%L, ''{%s}'');', schemaguard.sg_schema(), t.plan, t.step)
        FROM checked c JOIN this t ON c.check_name = 'referring' AND t.orphans IN ('quarantine', 'delete')
             AND t.state <> 'validated' AND t.skipped_by IS NULL
        UNION ALL
        SELECT 900000 + row_number() OVER (), format('%s.', upper(left(c.detail, 1)) || substr(c.detail, 2)), NULL,
               'longer the larger the table is', NULL
        FROM checked c JOIN this t ON c.step = t.step AND t.kind IN ('statement', 'table', 'column') AND c.check_name = 'locks'
             AND c.detail LIKE 'it holds %'
        UNION ALL
        SELECT 1000000 + row_number() OVER (), format('In all, by the sizes of today: %s.', c.detail), NULL, NULL, NULL
        FROM checked c WHERE c.step = sg_plan_explain_step.step AND c.check_name = 'estimate' AND c.detail IS NOT NULL
        UNION ALL
        SELECT 2000000, format('A lock is waited for at most %s at a time, so that nobody queues behind it for longer; up to %s attempts.',
                   current_setting('schemaguard.lock_timeout'), current_setting('schemaguard.lock_attempts')), NULL, NULL, NULL
        FROM this t WHERE t.skipped_by IS NULL AND t.phase IS NULL)
    SELECT s.what, s.locks, s.takes, s.statement FROM said s ORDER BY s.place;
END;
COMMENT ON FUNCTION schemaguard.sg_plan_explain_step(text, int, jsonb, text[]) IS 'does the work of sg_plan_explain() for one step';

CREATE FUNCTION schemaguard.sg_plan_explain_body(plan text, steps schemaguard.steps,
    OUT what text, OUT locks text, OUT takes text, OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    -- sg_plan_check_details() refuses an empty list
    WITH chosen AS MATERIALIZED (
        SELECT s.step, s.place
        FROM unnest(coalesce(nullif(steps::text, '{}')::int[], sg_plan_steps(plan))) WITH ORDINALITY s (step, place)),
    checked AS MATERIALIZED (
        SELECT c.step, jsonb_agg(to_jsonb(c)) AS rows
        FROM sg_plan_check_details(plan, steps, 'none') c
        WHERE c.step > 0 OR c.result = 'block' GROUP BY c.step),
    edge AS MATERIALIZED (                      -- keys that are there, and the plan's
        SELECT coalesce(pg_partition_root(k.conrelid), k.conrelid) AS child, coalesce(pg_partition_root(k.confrelid), k.confrelid) AS parent
        FROM pg_constraint k WHERE k.contype = 'f'
        UNION
        SELECT coalesce(pg_partition_root(c.oid), c.oid), coalesce(pg_partition_root(p.oid), p.oid)
        FROM schemaguard.plan_step s, schemaguard.sg_relation_oid(s.child_table) c (oid),
             schemaguard.sg_relation_oid(s.parent_table) p (oid)
        WHERE s.plan = sg_plan_explain_body.plan AND s.kind = 'foreign key' AND s.skipped_by IS NULL),
    referring AS MATERIALIZED (
        WITH RECURSIVE reach AS (
            SELECT s.step, coalesce(pg_partition_root(c.oid), c.oid) AS oid
            FROM schemaguard.plan_step s, schemaguard.sg_relation_oid(s.child_table) c (oid) WHERE s.plan = sg_plan_explain_body.plan
            UNION SELECT r.step, e.child FROM reach r JOIN edge e ON e.parent = r.oid)
        SELECT r.step, jsonb_build_object('step', r.step, 'check_name', 'referring', 'detail',
                   string_agg(DISTINCT format('%I.%I', n.nspname, c.relname) COLLATE "C", ', ')) AS row
        FROM reach r JOIN edge e ON e.parent = r.oid JOIN pg_class c ON c.oid = e.child JOIN pg_namespace n ON n.oid = c.relnamespace
        GROUP BY r.step),
    line AS MATERIALIZED (
        SELECT q.statement, q.place, (regexp_match(q.statement, E'^-- step (\\d+)\\y'))[1]::int AS step
        FROM sg_plan_sql(plan, steps) WITH ORDINALITY AS q (statement, place)),
    part AS MATERIALIZED (
        SELECT l.statement, l.place, max(l.step) OVER (PARTITION BY l.part) AS step
        FROM (SELECT l.*, count(l.step) OVER (ORDER BY l.place) AS part FROM line l) l),
    written AS MATERIALIZED (
        SELECT p.step, array_agg(p.statement ORDER BY p.place) AS lines
        FROM part p WHERE p.statement !~ E'^-- step \\d+(, [a-z ]+)*$' GROUP BY p.step)
    SELECT e.what, e.locks, e.takes, e.statement
    FROM chosen s LEFT JOIN checked c ON c.step = s.step LEFT JOIN checked whole ON whole.step = 0 LEFT JOIN written w ON w.step = s.step
         LEFT JOIN referring r ON r.step = s.step,
         LATERAL schemaguard.sg_plan_explain_step(plan, s.step, coalesce(whole.rows, '[]') || coalesce(c.rows, '[]')
                                                                || coalesce(r.row, '[]'), w.lines)
             WITH ORDINALITY e (what, locks, takes, statement, place)
    ORDER BY s.place, e.place;
END;
COMMENT ON FUNCTION schemaguard.sg_plan_explain_body(text, schemaguard.steps) IS 'does the work of sg_plan_explain()';

CREATE FUNCTION sg_plan_explain(plan text, steps schemaguard.steps DEFAULT NULL,
    OUT what text, OUT locks text, OUT takes text, OUT statement text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_plan_explain(text, schemaguard.steps)
    IS 'explains the effects of steps, sentence by sentence in order, with their locks and for how long; writes nothing';
