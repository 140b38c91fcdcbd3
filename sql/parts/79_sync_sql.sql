-- Sync: the statements, in order. One row is one statement, with what its guard asks.
-- A text that is not what its rule says is left out, with all that needs its object: src/sync/sync_text.c. "leave_code": so is
-- what would compute something by code of others as whoever runs the statement; "leave_native": what a scratch database does not try.
CREATE FUNCTION schemaguard.sg_sync_statements(
    pairs schemaguard.sync_pair[], reference text, target text, allow_drop boolean, partitions boolean, leave_code boolean DEFAULT false, leave_native boolean DEFAULT false,
    OUT section int, OUT place bigint, OUT kind text, OUT object text, OUT what text, OUT statement text,
    OUT guard text, OUT before text, OUT after text, OUT note text, OUT index text, OUT index_after text, OUT cost text, OUT finder text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
-- nobody knows how many pairs there are, and each with each is too many
SET enable_nestloop = off
SET standard_conforming_strings = on
-- a script compares names and types as it prints them itself
SET quote_all_identifiers = off
AS $function$
WITH RECURSIVE side AS MATERIALIZED (
    SELECT count(DISTINCT coalesce((SELECT n.server_version_num FROM schemaguard.snapshot n WHERE n.name = x.name),
        current_setting('server_version_num')::int) / 10000) > 1 AS other_major,
        -- where a key of a partitioned table can't be NOT VALID
        coalesce((SELECT n.server_version_num FROM schemaguard.snapshot n WHERE n.name = target), current_setting('server_version_num')::int) < 180000 AS keys_at_once
    FROM unnest(ARRAY[reference, target]) x (name)
), pair AS MATERIALIZED (
    SELECT p.number, p.kind, p.identity, p.parent, p.name, p.properties, p.target_identity, p.target_parent, p.target_name, p.target_properties, p.unknown, p.score, p.withheld, c.changes,
        p.properties IS NOT NULL AS wanted, p.target_properties IS NOT NULL AS present,
        coalesce(p.properties, p.target_properties) AS any_properties,
        CASE WHEN p.properties IS NULL THEN 'extra' WHEN p.target_properties IS NULL THEN 'missing'
            WHEN c.changes IS NULL THEN 'same' ELSE 'changed' END AS state
    FROM unnest(pairs) p
    -- names of PostgreSQL's choice are asked for with partitions
    CROSS JOIN LATERAL (SELECT CASE WHEN partitions THEN array_replace(p.changes, 'automatic_name', 'name') ELSE nullif(array_remove(p.changes, 'automatic_name'), '{}') END AS changes) c
), whole AS MATERIALIZED (
    -- tables that are made or dropped, with all that they have
    SELECT p.kind, coalesce(p.identity, p.target_identity) AS identity, p.state FROM pair p
    WHERE p.state IN ('missing', 'extra') AND p.kind IN ('table', 'view', 'materialized view', 'domain')
), partitioned AS MATERIALIZED (
    -- these are read again for each pair: few rows and narrow ones, or 10,000 tables would be read 10,000 times
    SELECT coalesce(p.identity, p.target_identity) AS identity, p.state, coalesce(p.identity = p.target_identity AND p.properties ? 'partition_key', false) AS stays,
        CASE WHEN p.properties -> 'partition_key' = p.target_properties -> 'partition_key' THEN p.properties ->> 'partition_key' END AS key, d.identity AS default_partition FROM pair p LEFT JOIN pair d ON d.kind = 'table' AND d.properties ->> 'partition_of' = p.target_identity AND d.target_properties ->> 'partition_of' = p.target_identity AND d.properties ->> 'partition_bound' = 'DEFAULT' AND d.target_properties ->> 'partition_bound' = 'DEFAULT' WHERE p.kind = 'table' AND p.any_properties ? 'partition_key'
), joining AS MATERIALIZED (
    SELECT p.identity, p.properties ? 'partition_of' AS of_partition, coalesce(p.changes && '{inherits,partition_of,partition_bound}', false) AS moves
    FROM pair p WHERE p.kind = 'table' AND (p.changes && '{inherits,partition_of,partition_bound}' OR p.state = 'missing' AND p.properties ? 'partition_of')
), primary_key AS MATERIALIZED (
    SELECT p.number, p.target_parent FROM pair p WHERE p.kind = 'constraint' AND p.target_properties ->> 'type' = 'p'
), crowded AS (
    -- partitioned tables with partitions that the reference lacks, or that take no index: what is made for them is left to the server
    SELECT p.target_properties ->> 'partition_of' AS identity FROM pair p
    WHERE p.kind = 'table' AND (p.state = 'extra' OR p.target_properties ->> 'type' = 'foreign table') AND p.target_properties ? 'partition_of'
    UNION -- or one that joins last, for a column has to go before
    SELECT p.properties ->> 'partition_of' FROM pair p JOIN pair c ON c.kind = 'column' AND c.state = 'extra' AND c.target_parent = p.properties ->> 'partition_of'
    WHERE p.kind = 'table' AND (p.state = 'missing' OR 'partition_of' = ANY (p.changes))
    UNION
    SELECT p.target_properties ->> 'partition_of' FROM crowded c JOIN pair p ON p.kind = 'table' AND p.target_identity = c.identity AND p.target_properties ? 'partition_of'
), by_leaf AS (
    -- indexes and keys of partitioned tables that are missing, or wait for those of partitions: partition by partition
    SELECT p.number, p.kind, p.identity, p.parent AS root, NULL::text AS whole, schemaguard.sg_sync_schema(p.parent) || '.' || quote_ident(coalesce(p.properties ->> 'index_name', p.name)) AS index, true AS partitioned
    FROM pair p JOIN pair t ON t.kind = 'table' AND t.identity = p.parent AND t.state IN ('same', 'changed') AND t.properties ? 'partition_key' AND t.target_identity = t.identity
    WHERE (p.kind = 'index' OR p.kind = 'constraint' AND p.properties ->> 'type' IN ('p', 'u') AND NOT p.properties ? 'period')
      AND (p.state = 'missing' OR p.changes <@ '{valid,comment}' AND p.target_properties ->> 'valid' = 'false')
      AND NOT p.properties ? 'partition_of' AND t.target_identity NOT IN (SELECT c.identity FROM crowded c)
    UNION
    SELECT p.number, p.kind, p.identity, b.root, b.index, schemaguard.sg_sync_schema(p.parent) || '.' || quote_ident(coalesce(p.properties ->> 'index_name', p.name)), t.properties ? 'partition_key' AND t.state <> 'missing'
    FROM by_leaf b JOIN pair p ON p.kind = b.kind AND (p.state = 'missing' OR p.changes && '{partition_of,valid}') AND p.properties ->> 'partition_of' = b.identity
    JOIN pair t ON t.kind = 'table' AND t.identity = p.parent AND (t.state IN ('same', 'changed') OR t.state = 'missing' AND partitions) WHERE b.partitioned
), leaf AS MATERIALIZED (
    SELECT * FROM by_leaf
), given_above AS MATERIALIZED (
    -- columns of partitions, whose NOT NULL comes with that of the whole
    SELECT c.number
    FROM pair c JOIN pair t ON t.kind = 'table' AND t.identity = c.parent AND t.properties ? 'partition_of' AND NOT coalesce(t.changes && '{partition_of,partition_bound,partition_detached}', false)
    JOIN pair w ON w.kind = 'column' AND w.parent = t.properties ->> 'partition_of' AND w.name = c.name AND 'not_null' = ANY (w.changes) AND (w.properties ->> 'not_null')::boolean
    WHERE c.kind = 'column' AND 'not_null' = ANY (c.changes) AND (c.properties ->> 'not_null')::boolean
), leaving AS MATERIALIZED (
    -- partitions that will be none: what they have of the whole becomes theirs
    SELECT p.number, p.target_identity FROM pair p WHERE p.kind = 'table' AND p.state = 'changed' AND p.target_properties ? 'partition_of' AND NOT p.properties ? 'partition_of'
), managed AS MATERIALIZED (
    SELECT p.number, p.kind, p.identity, p.parent, p.name, p.properties, p.target_identity, p.target_parent, p.target_name, p.target_properties, p.wanted, p.present, p.any_properties, p.state,
        CASE WHEN g.number IS NULL THEN p.changes ELSE array_remove(p.changes, 'not_null') END AS changes, l.number IS NOT NULL AS leafwise, coalesce(l.partitioned, false) AS only, l.root, l.whole, w.state AS parent_state, p.kind = 'constraint' AND coalesce(p.parent, p.target_parent) IN (SELECT coalesce(d.identity, d.target_identity) FROM pair d WHERE d.kind = 'domain') AS of_domain, part.identity IS NOT NULL AS of_partitioned,
        CASE WHEN heir.identity IS NOT NULL THEN CASE WHEN heir.of_partition THEN 'partition' ELSE 'heir' END END AS joins
    FROM pair p
    LEFT JOIN whole w ON w.identity = coalesce(p.parent, p.target_parent) AND w.state = p.state AND p.kind IN ('column', 'constraint', 'index', 'trigger', 'rule', 'policy', 'statistics')
    LEFT JOIN partitioned part ON part.identity = coalesce(p.parent, p.target_parent) AND (part.state NOT IN ('missing', 'extra') OR part.state = p.state)
    LEFT JOIN whole above ON p.kind = 'table' AND above.identity = p.any_properties ->> 'partition_of' AND above.state = p.state
    LEFT JOIN leaf l ON l.number = p.number
    LEFT JOIN given_above g ON g.number = p.number
    LEFT JOIN joining heir ON p.kind IN ('column', 'constraint') AND heir.identity = p.parent AND (heir.moves OR p.kind = 'constraint')
    -- what is made by something else
    WHERE p.unknown IS NULL AND p.withheld IS NULL AND NOT p.any_properties ? 'extension'
      AND (p.kind = 'table' OR NOT p.any_properties ? 'partition_of' OR 'partition_of' = ANY (p.changes) OR l.number IS NOT NULL OR p.kind = 'index' AND p.changes = '{options}'
          OR p.state = 'extra' AND p.kind IN ('index', 'constraint') AND p.target_parent IN (SELECT v.target_identity FROM leaving v))
      AND NOT (p.kind = 'table' AND p.any_properties ? 'partition_of' AND p.state IN ('missing', 'extra') AND NOT partitions AND above.identity IS NULL)
      AND (p.kind <> 'constraint' OR p.any_properties ->> 'inherited' IS DISTINCT FROM 'only' OR 'inherited' = ANY (p.changes)
          -- a partition gets them before it is attached
          OR heir.of_partition AND p.any_properties ->> 'type' = 'c' AND p.state IN ('missing', 'changed') OR p.state = 'extra' AND p.target_parent IN (SELECT v.target_identity FROM leaving v))
      -- built for a key that is not made yet
      AND NOT (p.kind = 'index' AND p.state = 'extra' AND (p.target_properties ->> 'unique')::boolean AND NOT p.target_properties ?| '{predicate,expressions,ordering,operator_classes,collations}'
          AND jsonb_build_array(p.target_parent, p.target_name, p.target_properties -> 'columns', p.target_properties -> 'include', p.target_properties -> 'nulls_not_distinct') IN (
              SELECT jsonb_build_array(k.parent, coalesce(k.properties ->> 'index_name', k.name), k.properties -> 'columns', k.properties -> 'include', k.properties -> 'nulls_not_distinct')
              FROM pair k WHERE k.kind = 'constraint' AND k.state = 'missing' AND k.properties ->> 'type' IN ('p', 'u') AND k.parent NOT IN (SELECT t.identity FROM partitioned t)))
      -- goes with its column, unless another one gets its name
      AND NOT (p.kind = 'sequence' AND p.state = 'extra' AND EXISTS (SELECT FROM pair t WHERE t.state = 'extra'
          AND (t.kind = 'column' AND t.target_identity = p.target_properties ->> 'owned_by'))
          AND NOT EXISTS (SELECT FROM pair n WHERE n.kind = 'sequence' AND n.state = 'missing' AND n.identity = p.target_identity))
), holder AS MATERIALIZED (
    SELECT h.domain, h.column_identity AS target_identity FROM schemaguard.sg_sync_holders(pairs) h
), stored_type AS MATERIALIZED (
    SELECT s.identity FROM schemaguard.sg_sync_stored_types(pairs) s (identity)
), above_heirs AS MATERIALIZED (
    SELECT DISTINCT w.value AS identity FROM pair t, jsonb_array_elements_text(CASE jsonb_typeof(t.target_properties -> 'inherits') WHEN 'array' THEN t.target_properties -> 'inherits' END) w WHERE t.kind = 'table'
), heirs_own AS MATERIALIZED (
    SELECT w.value || '.' || quote_ident(c.name) AS identity
    FROM pair c JOIN pair t ON t.kind = 'table' AND t.target_identity = c.target_parent, jsonb_array_elements_text(CASE jsonb_typeof(t.target_properties -> 'inherits') WHEN 'array' THEN t.target_properties -> 'inherits' END) w
    WHERE c.kind = 'column' AND c.target_properties ? 'inherited' AND 'inherited' = ANY (c.changes) AND NOT c.properties ? 'inherited'
), keyed AS MATERIALIZED (
    SELECT k.identity, k.name FROM schemaguard.sg_sync_keyed(pairs) k
), renamed AS MATERIALIZED (
    SELECT p.identity, p.target_identity FROM pair p WHERE p.kind = 'table' AND p.identity <> p.target_identity
), described AS NOT MATERIALIZED (
    -- made for those alone that are asked for
    SELECT m.number, m.kind, m.state, m.changes, m.parent_state, m.any_properties, m.identity, m.target_identity, m.parent, m.target_parent, m.target_properties,
        m.name, m.properties || f.flags AS properties, o.old, CASE WHEN m.wanted THEN schemaguard.sg_sync_object(m.kind, m.identity, m.parent, m.name, m.properties || f.flags, o.old) END AS new
    FROM managed m
    CROSS JOIN LATERAL (SELECT jsonb_strip_nulls(jsonb_build_object('of_domain', nullif(m.of_domain, false),
        'old_name_again', CASE WHEN m.identity <> m.target_identity AND EXISTS (SELECT FROM pair x WHERE x.kind = m.kind AND x.identity = m.target_identity) THEN true END,
        'filled', CASE WHEN m.kind = 'column' AND m.state = 'missing' AND (m.parent_state = 'missing' OR m.properties ->> 'default' IS NOT NULL OR m.properties ?| '{identity,generated,inherited}') THEN true END,
        'of_classes', CASE WHEN m.kind = 'operator family' THEN (
            SELECT jsonb_agg(x.e) FROM pair c, LATERAL (SELECT jsonb_array_elements(c.any_properties -> 'operators') UNION ALL SELECT jsonb_array_elements(c.any_properties -> 'functions')) x (e)
            WHERE c.kind = 'operator class' AND c.state <> 'same' AND c.any_properties ->> 'family' = regexp_replace(coalesce(m.identity, m.target_identity), ' USING .*$', '')) END,
        'of_partition', CASE WHEN m.kind = 'column' AND m.parent IN (SELECT t.identity FROM pair t WHERE t.kind = 'table' AND t.any_properties ?| '{partition_key,partition_of}') THEN true END,
        'is_foreign', CASE WHEN m.kind = 'column' AND m.parent IN (SELECT t.identity FROM pair t WHERE t.kind = 'table' AND t.properties ->> 'type' = 'foreign table') THEN true END,
        -- NOT NULL that goes, of a table with others below it: which of them lose it, too
        'heirs_lose', CASE WHEN m.kind = 'column' AND 'not_null' = ANY (m.changes) AND NOT (m.properties ->> 'not_null')::boolean AND (m.of_partitioned OR m.target_parent IN (SELECT u.identity FROM above_heirs u))
            THEN (SELECT array_agg(CASE c.kind WHEN 'table' THEN c.target_identity ELSE c.parent END)::text FROM pair c WHERE c.kind = 'column' AND c.name = m.name AND 'not_null' = ANY (c.changes) AND NOT (c.properties ->> 'not_null')::boolean
                OR c.kind = 'table' AND c.state = 'extra' AND allow_drop) END,
        -- an heir's, which it has from there, is to be its own
        'goes_on', CASE WHEN target = 'live' THEN CASE WHEN m.kind = 'column' AND m.state = 'changed' AND m.properties ? 'identity' AND NOT m.target_properties ? 'identity' THEN schemaguard.sg_sync_goes_on(m.target_parent, m.target_name, m.properties -> 'identity_sequence') WHEN m.kind = 'sequence' AND m.state = 'missing' THEN (SELECT min(schemaguard.sg_sync_goes_on(c.target_parent, c.target_name, m.properties)) FROM pair c WHERE c.kind = 'column' AND c.state = 'changed' AND c.properties -> 'depends' @> jsonb_build_array(jsonb_build_array('sequence', m.identity))) END END,
        'whole_is', CASE WHEN m.kind = 'table' AND m.properties ? 'partition_of' THEN (SELECT jsonb_build_object('key', w.key, 'default', w.default_partition, 'others', CASE WHEN m.properties ->> 'partition_bound' = 'DEFAULT' THEN (SELECT jsonb_agg(x.properties -> 'partition_bound') FROM pair x WHERE x.kind = 'table' AND x.properties ->> 'partition_of' = w.identity AND x.identity <> m.identity) END) FROM partitioned w WHERE w.stays AND w.identity = m.properties ->> 'partition_of') END,
        'heirs_keep', CASE WHEN m.kind = 'column' AND m.state = 'extra' AND m.target_identity IN (SELECT k.identity FROM heirs_own k) THEN true END,
        -- of a partition that will be none
        'left', (SELECT v.number FROM leaving v WHERE v.target_identity = m.target_parent),
        -- goes with one of the whole
        'freed', CASE WHEN m.kind IN ('index', 'constraint') AND 'partition_of' = ANY (m.changes) AND NOT m.properties ? 'partition_of' AND NOT m.of_partitioned AND m.target_parent NOT IN (SELECT v.target_identity FROM leaving v)
            AND (m.kind, m.target_properties ->> 'partition_of') IN (SELECT w.kind, w.target_identity FROM pair w WHERE w.kind IN ('index', 'constraint') AND w.state = 'extra') THEN true END,
        'new_labels', CASE WHEN m.kind = 'column' AND 'type' = ANY (m.changes) THEN coalesce((SELECT t.properties -> 'labels' FROM pair t WHERE t.kind = 'type' AND t.identity = m.properties ->> 'type'), CASE WHEN schemaguard.sg_sync_parses('type', m.properties ->> 'type') THEN (SELECT jsonb_agg(e.enumlabel) FROM pg_enum e WHERE e.enumtypid = to_regtype(m.properties ->> 'type')) END) END,
        -- nothing makes values of the one type those of the other; those of types of users go by way of their text
        'no_cast', CASE WHEN m.kind = 'column' AND 'type' = ANY (m.changes) AND schemaguard.sg_sync_parses('type', m.properties ->> 'type') AND schemaguard.sg_sync_parses('type', m.target_properties ->> 'type') THEN CASE WHEN (SELECT count(*) FROM pg_type t WHERE t.oid IN (to_regtype(m.properties ->> 'type'), to_regtype(m.target_properties ->> 'type')) AND t.typtype IN ('b', 'r', 'm') AND t.typcategory NOT IN ('S', 'A')) = 2
            AND NOT (position('.' IN m.properties ->> 'type') > 0 AND position('.' IN m.target_properties ->> 'type') > 0)
            AND NOT EXISTS (SELECT FROM pg_cast x WHERE x.castsource = to_regtype(m.target_properties ->> 'type') AND x.casttarget = to_regtype(m.properties ->> 'type')) THEN true END END,
        -- rows come to the whole with a table
        'gains', CASE WHEN m.kind = 'constraint' AND m.properties ->> 'references' IN (SELECT x.properties ->> 'partition_of' FROM pair x WHERE x.kind = 'table' AND 'partition_of' = ANY (x.changes)) THEN true END,
        'keyed', CASE WHEN m.kind = 'column' AND m.changes && '{type,collation}' AND (m.target_parent, m.target_name) IN (SELECT k.identity, k.name FROM keyed k) THEN true END,
        'used', CASE WHEN m.kind = 'foreign server' AND m.present THEN (SELECT string_agg(coalesce(t.identity, t.target_identity), ', ' ORDER BY t.target_identity) FROM pair t WHERE t.kind = 'table' AND t.target_properties ->> 'server' = m.target_name) END,
        'no_update', CASE WHEN m.kind = 'extension' AND 'version' = ANY (m.changes) AND target = 'live' AND EXISTS (SELECT FROM pg_available_extension_versions v WHERE v.name = m.name AND v.version = m.properties ->> 'version')
            AND NOT EXISTS (SELECT FROM pg_extension_update_paths(m.name) u WHERE u.source = m.target_properties ->> 'version' AND u.target = m.properties ->> 'version' AND u.path IS NOT NULL) THEN true END,
        -- goes with that of a table above, unless its own comes from there no more
        'given', CASE WHEN m.kind = 'column' AND m.state = 'extra' AND m.target_properties ->> 'inherited' = 'only' AND m.target_parent NOT IN (SELECT t.target_identity FROM pair t
            WHERE t.kind = 'table' AND t.changes && '{partition_of,inherits}' AND NOT t.properties ?| '{partition_of,inherits}') THEN true END,
        'held', CASE WHEN m.kind = 'domain' OR m.of_domain THEN (SELECT string_agg(h.target_identity, ', ' ORDER BY h.target_identity) FROM holder h WHERE h.domain = CASE m.kind WHEN 'domain' THEN m.target_identity ELSE coalesce(m.target_parent, m.parent) END) END,
        'stored', CASE WHEN m.kind = 'type' AND m.target_identity IN (SELECT s.identity FROM stored_type s) THEN true END,
        -- an enum may be made anew
        'drops', CASE WHEN m.kind = 'type' AND allow_drop THEN true END,
        'joins', m.joins, 'in_new', CASE WHEN m.parent_state = 'missing' OR m.kind = 'constraint' AND m.joins = 'partition' AND NOT m.leafwise THEN true END,
        'of_partitioned', nullif(m.of_partitioned, false), 'only', nullif(m.only, false), 'leafwise', nullif(m.leafwise, false), 'root', m.root, 'whole', m.whole,
        'at_once', CASE WHEN m.parent_state = 'missing' OR NOT m.leafwise AND (m.kind = 'index' AND m.any_properties ? 'partition_of'
            OR m.of_partitioned AND CASE m.any_properties ->> 'type' WHEN 'c' THEN false WHEN 'f' THEN (SELECT s.keys_at_once FROM side s) ELSE true END) THEN true END)) AS flags) f
    CROSS JOIN LATERAL (SELECT CASE WHEN m.present THEN
        schemaguard.sg_sync_object(m.kind, m.target_identity, coalesce((SELECT t.identity FROM renamed t WHERE t.target_identity = m.target_parent AND m.state = 'extra'), m.target_parent), m.target_name, m.target_properties || f.flags, NULL) END AS old) o
), object AS MATERIALIZED (
    SELECT d.* FROM described d WHERE d.state <> 'same'
), every_rule AS MATERIALIZED (
    SELECT r.*, string_to_array(r.property, ' ') AS properties FROM schemaguard.sg_sync_rules() r
), rule AS MATERIALIZED (
    SELECT r.* FROM every_rule r WHERE r.step NOT IN ('at', 'is')
), fact AS MATERIALIZED (
    -- what guards ask for, by kind
    SELECT a.kind, i.property, i.section = 1 AS main, i.anew AS printed, i.state AS fresh, i.number,
        CASE WHEN i.anew THEN schemaguard.sg_sync_loosely(x.expression) ELSE x.expression END AS expression
    FROM every_rule a JOIN every_rule i ON i.kind IN (a.kind, '*') AND i.step = 'is',
        LATERAL (SELECT replace(CASE WHEN i.property = 'owner' THEN replace(i.statement, '{owner_column}', a.state) ELSE i.statement END, '(secret)',
            -- as sql/snapshot/ has it
            replace('^[^=]*(pass|pwd|secret|token|credential|key)|://[^/@]*:.*@|(pass|pwd|secret|token|api_?key)[a-z_]*["'']?[[:space:]]*[=:]', '''', '''''')) AS expression) x
    WHERE a.step = 'at' AND x.expression IS NOT NULL AND (a.kind IN (SELECT o.kind FROM object o) OR EXISTS (SELECT FROM anew))
      AND NOT (i.kind = '*' AND EXISTS (SELECT FROM every_rule o WHERE o.kind = a.kind AND o.step = 'is' AND o.property = i.property))
      AND NOT ((SELECT s.other_major FROM side s) AND i.property IN ('query', 'definition', 'sql_body') AND i.anew)
), fired AS MATERIALIZED (
    -- rules for what has changed
    SELECT o.number, r.step, r.section, r.anew, r.statement, r.state, r.loss, r.number AS rule, r.property
    FROM object o JOIN rule r ON r.kind IN (o.kind, '*') AND r.step IN ('alter', 'rebuild', 'touch', 'beyond', 'rename')
        AND (r.properties && o.changes)
    WHERE o.state = 'changed' AND schemaguard.sg_sync_fill(r.statement, o.new) IS NOT NULL
      AND NOT (o.kind = 'domain' AND r.step = 'rebuild' AND NOT allow_drop AND o.new ? 'type_loss')
), edge AS MATERIALIZED (
    SELECT o.number, d.value ->> 0 AS kind, d.value ->> 1 AS identity
    FROM managed o, jsonb_array_elements(o.target_properties -> 'depends') d
    UNION
    -- what goes with a table
    SELECT t.number, d.value ->> 0, d.value ->> 1
    FROM managed o JOIN object t ON t.kind = 'table' AND t.state = 'extra' AND t.target_identity = o.target_parent, jsonb_array_elements(o.target_properties -> 'depends') d
    WHERE o.parent_state = 'extra'
    UNION
    -- columns are of tables
    SELECT o.number, 'table', schemaguard.sg_sync_owner(d.value ->> 1)
    FROM managed o, jsonb_array_elements(o.target_properties -> 'depends') d WHERE d.value ->> 0 = 'column'
    UNION
    SELECT o.number, k.kind, o.target_parent FROM managed o, unnest('{view,materialized view}'::text[]) k (kind)
    WHERE o.kind IN ('rule', 'trigger', 'index', 'policy')
    UNION
    SELECT o.number, 'table', o.target_properties ->> 'references' FROM managed o WHERE o.target_properties ? 'references'
    UNION
    SELECT o.number, k.kind, k.target_identity FROM managed o JOIN managed k ON k.target_parent = o.target_properties ->> 'references' AND k.kind IN ('index', 'constraint') AND k.state = 'extra'
        AND k.target_properties -> 'columns' @> (o.target_properties -> 'referenced_columns') AND k.target_properties -> 'columns' <@ (o.target_properties -> 'referenced_columns')
    WHERE o.target_properties ? 'references'
    UNION
    SELECT o.number, 'domain', o.target_parent FROM managed o WHERE o.kind = 'constraint' AND o.of_domain
    UNION
    -- an index or constraint goes with a column that is made anew
    SELECT o.number, 'column', o.target_parent || '.' || quote_ident(c.c) FROM managed o, jsonb_array_elements_text(CASE jsonb_typeof(o.target_properties -> 'columns') WHEN 'array' THEN o.target_properties -> 'columns' END) c (c)
    WHERE o.kind IN ('index', 'constraint') AND c.c IS NOT NULL AND NOT o.of_domain AND EXISTS (SELECT FROM managed x WHERE x.kind = 'column' AND (x.properties ? 'generated' OR x.target_properties ? 'generated'))
    UNION
    -- a foreign key would have to hold between columns of two types meanwhile
    SELECT o.number, 'column', k.t || '.' || quote_ident(c.name)
    FROM managed o, LATERAL (VALUES (o.target_parent, 'columns'), (o.target_properties ->> 'references', 'referenced_columns')) k (t, columns),
        LATERAL jsonb_array_elements_text(o.target_properties -> k.columns) c (name)
    WHERE o.target_properties ? 'references'
    UNION
    -- so it would while an enum is made anew
    SELECT o.number, 'type', d.value ->> 1
    FROM managed o CROSS JOIN LATERAL jsonb_array_elements_text(o.target_properties -> 'columns') n (name)
    JOIN pair c ON c.kind = 'column' AND c.target_parent = o.target_parent AND c.target_name = n.name
    CROSS JOIN LATERAL jsonb_array_elements(c.target_properties -> 'depends') d
    WHERE o.target_properties ? 'references' AND d.value ->> 0 = 'type'
), occupied AS MATERIALIZED (
    -- the names of relations and types, which share one room in a schema
    SELECT o.number, o.state, o.parent_state, coalesce(o.target_parent, o.parent) AS parent, n.name
    FROM object o CROSS JOIN LATERAL (SELECT CASE
        WHEN o.kind IN ('table', 'view', 'materialized view', 'sequence', 'index', 'type', 'domain') THEN coalesce(o.identity, o.target_identity)
        WHEN o.kind IN ('function', 'procedure', 'aggregate') THEN 'routine ' || coalesce(o.identity, o.target_identity)
        WHEN o.kind = 'collation' THEN 'collation ' || (coalesce(o.new, o.old) ->> 'address')
        WHEN o.kind = 'statistics' THEN 'statistics ' || coalesce(o.identity, o.target_identity)
        WHEN o.kind = 'constraint' THEN CASE WHEN o.any_properties ->> 'type' IN ('p', 'u', 'x') THEN coalesce(o.new, o.old) ->> 'index' END
        WHEN o.any_properties ? 'identity_sequence' THEN schemaguard.sg_sync_schema(coalesce(o.parent, o.target_parent)) || '.'
            || quote_ident(coalesce(o.any_properties #>> '{identity_sequence,name}', split_part(coalesce(o.parent, o.target_parent), '.', 2) || '_' || (coalesce(o.new, o.old) ->> 'name') || '_seq')) END AS name
        UNION ALL SELECT coalesce(o.any_properties ->> 'multirange', CASE WHEN x.identity ~ 'range' THEN regexp_replace(x.identity, 'range', 'multirange') ELSE x.identity || '_multirange' END)
        FROM (SELECT coalesce(o.identity, o.target_identity) AS identity) x WHERE o.kind = 'type' AND o.any_properties ->> 'type' = 'range') n
    WHERE o.state IN ('missing', 'extra') AND n.name IS NOT NULL
), way AS MATERIALIZED (
    -- what is to be dropped, but has a name that is needed
    SELECT DISTINCT coalesce(t.number, e.number) AS number
    FROM occupied e JOIN occupied m ON m.name = e.name AND m.state = 'missing'
    LEFT JOIN object t ON t.kind IN ('table', 'view', 'materialized view') AND t.target_identity = e.parent AND t.state = 'extra'
    WHERE e.state = 'extra'
), outdated AS MATERIALIZED (
    -- routines that go while something would go on calling them, or what is new would: of that name there is another one
    SELECT o.number FROM object o
    WHERE allow_drop AND o.state = 'extra' AND o.kind IN ('function', 'procedure', 'aggregate', 'operator')
      AND (EXISTS (SELECT FROM object n WHERE n.state = 'missing' AND n.kind IN ('function', 'procedure', 'aggregate', 'operator')
               AND schemaguard.sg_sync_name(n.identity) = schemaguard.sg_sync_name(o.target_identity))
           OR EXISTS (SELECT FROM edge e JOIN managed m ON m.number = e.number WHERE e.kind = o.kind AND e.identity = o.target_identity AND m.state = 'same'))
       -- triggers of a whole, for one of its partitions gets its own
       OR allow_drop AND o.state = 'extra' AND o.kind = 'trigger' AND o.target_identity IN (SELECT n.target_properties ->> 'partition_of' FROM object n WHERE n.kind = 'trigger' AND n.state = 'changed' AND NOT n.properties ? 'partition_of')
       -- and partitions that may have the bounds of others that come
       OR allow_drop AND o.state = 'extra' AND o.kind = 'table' AND o.target_properties ->> 'partition_of' IN (SELECT n.properties ->> 'partition_of' FROM object n WHERE n.kind = 'table' AND (n.state = 'missing' OR n.changes && '{partition_of,partition_bound}'))
), retyped AS MATERIALIZED (
    SELECT o.target_parent AS parent, o.old ->> 'name' AS name FROM object o
    WHERE o.kind = 'column' AND 'type' = ANY (o.changes) AND split_part(o.properties ->> 'type', '(', 1) <> split_part(o.target_properties ->> 'type', '(', 1)
), anew AS (
    -- each with what it is made anew for
    SELECT o.number, o.kind, o.target_identity, true AS again, true AS differs, o.number AS cause
    FROM object o JOIN way w ON w.number = o.number
    UNION
    SELECT o.number, o.kind, o.target_identity, true, true, o.number
    FROM object o JOIN outdated w ON w.number = o.number
    UNION
    -- a sequence goes with a table that goes first
    SELECT o.number, o.kind, o.target_identity, true, true, o.number
    FROM object o JOIN object t ON t.kind = 'table' AND t.number IN (SELECT w.number FROM way w) AND starts_with(o.target_properties ->> 'owned_by', t.target_identity || '.') WHERE o.kind = 'sequence' AND o.state = 'changed'
    UNION
    -- what is dropped and made again, and what stands on that
    SELECT o.number, o.kind, o.target_identity, true, true, o.number
    FROM object o JOIN fired f ON f.number = o.number
    WHERE f.step = 'rebuild' AND NOT o.kind IN ('constraint', 'index')
    UNION
    -- what is asked of a column may mean nothing of its new type
    SELECT o.number, o.kind, o.target_identity, true, true, o.number
    FROM object o JOIN retyped t ON t.parent = o.target_parent AND (o.kind = 'index' OR o.target_properties -> 'columns' @> to_jsonb(t.name))
    WHERE o.kind = 'constraint' AND o.target_properties ->> 'type' = 'c' AND (o.state = 'extra' OR 'expression' = ANY (o.changes)) OR o.kind = 'index' AND (o.state = 'extra' OR o.changes && '{predicate,expressions}') AND o.target_properties ?| '{predicate,expressions}'
    UNION
    SELECT o.number, o.kind, o.target_identity, false, true, o.number
    FROM object o JOIN fired f ON f.number = o.number WHERE f.step = 'touch'
    UNION
    SELECT o.number, o.kind, o.target_identity, o.kind <> 'column' OR o.target_properties ? 'generated' OR o.state = 'extra', o.state <> 'same', c.cause
    FROM anew a JOIN edge e ON e.kind = a.kind AND e.identity = a.target_identity
    JOIN managed o ON o.number = e.number
    CROSS JOIN LATERAL unnest(CASE WHEN a.differs THEN ARRAY[a.cause, a.number] ELSE ARRAY[a.cause] END) c (cause)
    WHERE (o.kind IN ('view', 'materialized view', 'rule', 'policy', 'trigger', 'function', 'procedure', 'aggregate', 'operator', 'cast', 'statistics',
            'event trigger', 'transform', 'conversion', 'operator class', 'text search configuration')
       -- those of a column that gets another type come along by themselves
       OR (a.kind <> 'column' OR a.again OR o.target_properties ? 'references') AND o.kind IN ('index', 'constraint')
       OR o.kind = 'column' AND o.target_properties ? 'generated'
       OR o.kind = 'table' AND o.state = 'extra' AND a.kind NOT IN ('table', 'column')
       -- columns have another type meanwhile
       OR o.kind IN ('column', 'domain', 'type') AND a.kind IN ('type', 'domain', 'collation') AND a.again)
      AND o.number <> c.cause
), rebuilt AS MATERIALIZED (
    SELECT DISTINCT a.number FROM anew a WHERE a.again
), on_rebuilt AS MATERIALIZED (
    SELECT e.number, e.kind, b.target_properties, r.number AS cause
    FROM rebuilt r JOIN managed b ON b.number = r.number JOIN edge e ON e.kind = b.kind AND e.identity = b.target_identity
    WHERE e.kind IN ('function', 'operator', 'sequence', 'type', 'domain', 'collation')
), without_default AS MATERIALIZED (
    -- defaults that stand on what is made anew, or are labels of an enum that gets others
    SELECT DISTINCT m.number
    FROM on_rebuilt b JOIN managed m ON m.number = b.number
    WHERE m.kind IN ('column', 'domain') AND m.target_properties ->> 'default' IS NOT NULL AND b.kind IN ('function', 'operator', 'sequence')
    UNION SELECT o.number FROM object o JOIN edge e ON e.number = o.number AND e.kind = 'type' JOIN object y ON y.kind = 'type' AND y.target_identity = e.identity JOIN fired t ON t.number = y.number AND t.step = 'touch' WHERE o.kind = 'column' AND 'default' = ANY (o.changes) AND o.target_properties ->> 'default' IS NOT NULL
), without_type AS MATERIALIZED (
    -- columns of types, domains and collations that are made anew, and what they are meanwhile
    SELECT m.number, jsonb_build_object('type', coalesce(min(CASE b.kind WHEN 'domain' THEN b.target_properties ->> 'type' WHEN 'type' THEN 'text' END)
        || substring(min(m.target_properties ->> 'type') FROM '\[\]$'), min(CASE b.kind WHEN 'domain' THEN b.target_properties ->> 'type' WHEN 'type' THEN 'text' ELSE m.target_properties ->> 'type' END))) AS meanwhile
    FROM on_rebuilt b JOIN managed m ON m.number = b.number
    WHERE m.kind = 'column' AND b.kind IN ('type', 'domain', 'collation') AND m.number NOT IN (SELECT r.number FROM rebuilt r)
    GROUP BY m.number
), schema_contents AS MATERIALIZED (
    SELECT s.number, s.identity, s.target_identity, CASE WHEN s.identity IS NULL THEN 'extra' ELSE 'missing' END AS state, s.contents
    FROM schemaguard.sg_sync_contents(pairs) s
), again AS MATERIALIZED (
    SELECT d.* FROM described d WHERE d.state = 'same' AND d.number IN (SELECT r.number FROM rebuilt r)
), beside AS MATERIALIZED (
    -- constraints and indexes that get another one beside them first
    SELECT DISTINCT f.number FROM fired f JOIN object o ON o.number = f.number
    WHERE f.step = 'rebuild' AND o.kind IN ('constraint', 'index')
), made AS (
    SELECT o.number, o.kind, o.state, o.changes, o.parent_state, o.any_properties, o.identity, o.target_identity, o.parent, o.target_parent, o.target_properties, o.old,
        CASE WHEN r.number IS NOT NULL THEN coalesce(f.fresh, o.new) ELSE o.new END AS new, f.fresh,
        o.kind IN ('constraint', 'index') AND b.number IS NOT NULL AND r.number IS NULL AS beside, r.number IS NOT NULL AS again
    FROM (SELECT * FROM object UNION ALL SELECT * FROM again) o LEFT JOIN rebuilt r ON r.number = o.number LEFT JOIN beside b ON b.number = o.number
    -- what is made anew has nothing of what it was
    CROSS JOIN LATERAL (SELECT CASE WHEN o.new IS NOT NULL AND o.state <> 'missing' AND coalesce(r.number, b.number) IS NOT NULL
        THEN schemaguard.sg_sync_object(o.kind, o.identity, o.parent, o.name, o.properties, NULL) END AS fresh) f
), inline AS (
    SELECT o.parent, string_agg(E'\n    ' || (o.new ->> 'column'), ',' ORDER BY (o.new ->> 'position')::int)
        -- a partition has what a plan keeps of the whole, too
        || CASE WHEN target = 'live' THEN coalesce((SELECT string_agg(E',\n    ' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), '' ORDER BY a.attnum) FROM pg_attribute a
            WHERE a.attrelid = to_regclass(min(t.new ->> 'partition_of')) AND starts_with(a.attname, '_sg_dropped_')), '') ELSE '' END || E'\n' AS columns
    FROM object o JOIN object t ON t.kind = 'table' AND t.identity = o.parent
    WHERE o.kind = 'column' AND o.parent_state = 'missing' AND (coalesce(o.new ->> 'inherited', '') <> 'only' OR t.new ? 'partition_of')
    GROUP BY o.parent
    UNION ALL
    SELECT o.parent, string_agg(schemaguard.sg_sync_fill(' CONSTRAINT {name|I} {definition}', o.new), '' ORDER BY o.number)
    FROM object o WHERE o.kind = 'constraint' AND o.new ? 'of_domain' AND o.new ? 'in_new' AND (o.new ->> 'validated')::boolean
    GROUP BY o.parent
), shape AS (
    -- the columns of tables that are made or dropped
    SELECT coalesce(o.parent, o.target_parent) AS parent, o.parent_state, jsonb_agg(quote_ident(x.c ->> 'name') || ' ' || (x.c ->> 'type')) AS columns_state
    FROM object o, LATERAL (SELECT coalesce(o.new, o.old)) x (c)
    WHERE o.kind = 'column' AND o.parent_state IN ('missing', 'extra')
      -- an heir's own: the others come and go with those of its parent
      AND (x.c ->> 'inherited' IS DISTINCT FROM 'only' OR EXISTS (SELECT FROM object t WHERE t.kind = 'table' AND t.any_properties ? 'partition_of'
          AND coalesce(t.identity, t.target_identity) = coalesce(o.parent, o.target_parent)))
    GROUP BY 1, 2
), filled AS (
    SELECT o.*, CASE WHEN o.again AND o.kind = 'column' AND NOT o.old ? 'generated' THEN 'the values of column ' || o.target_identity END AS lost, CASE WHEN s.parent IS NOT NULL THEN o.old || jsonb_build_object('columns_state', s.columns_state) ELSE o.old END AS full_old, CASE WHEN o.kind IN ('table', 'domain') THEN o.new || jsonb_build_object(CASE o.kind WHEN 'table' THEN 'columns' ELSE 'constraints' END, coalesce(i.columns, ''), 'columns_state', s.columns_state)
        ELSE o.new END AS full_new, l.at AS late_at, l.place AS late
    FROM made o LEFT JOIN inline i ON i.parent = o.identity AND o.kind IN ('table', 'domain')
    LEFT JOIN shape s ON s.parent = coalesce(o.identity, o.target_identity) AND s.parent_state = o.state AND o.kind = 'table'
    -- what comes last in a section: event triggers see what is between; indexes of the whole go before that of a partition gets its name; keys may lead to what is attached there;
    -- a partition's own index would be taken for that of the whole before it is attached
    LEFT JOIN LATERAL (SELECT CASE WHEN o.kind = 'event trigger' OR o.new ? 'freed' THEN 6 WHEN o.new ? 'references' THEN 4 ELSE 2 END AS at,
        CASE WHEN o.kind = 'event trigger' THEN 3000000000 WHEN o.new ? 'freed' THEN 2000000000 WHEN o.new ? 'references' THEN 1000000000 ELSE 950000000 END AS place) l
        ON o.kind = 'event trigger' OR o.new ?| '{freed,references}'
            OR o.kind = 'index' AND o.parent IN (SELECT j.identity FROM joining j WHERE j.of_partition AND NOT j.moves)
), birth AS MATERIALIZED (
    SELECT f.number, r.section, r.number AS rule, r.state, schemaguard.sg_sync_fill(r.statement, f.full_new) AS statement
    FROM filled f JOIN rule r ON r.kind = f.kind AND r.step = 'create'
    WHERE (f.state = 'missing' OR f.again) AND (f.kind <> 'column' OR f.parent_state IS DISTINCT FROM 'missing')
      AND NOT (f.kind = 'constraint' AND f.new ? 'of_domain' AND f.new ? 'in_new' AND (f.new ->> 'validated')::boolean)
      -- and comes when it is attached
      AND NOT (f.kind = 'trigger' AND f.new ? 'partition_of')
), born AS MATERIALIZED (
    SELECT b.number, max(b.section) AS section FROM birth b WHERE b.statement IS NOT NULL AND b.state IS NULL GROUP BY b.number
), surplus AS MATERIALIZED (
    SELECT o.number, o.target_parent, o.old ->> 'inherited' = 'only' AS inherited FROM object o WHERE o.kind = 'column' AND o.state = 'extra' AND o.parent_state IS NULL
), late AS MATERIALIZED (
    -- partitions that join another table, or one that is made anew, after columns that only one of the two has are gone
    SELECT o.number, o.target_identity FROM object o
    WHERE o.kind = 'table' AND o.new ? 'partition_of'
      AND (o.new ->> 'partition_of' IS DISTINCT FROM o.old ->> 'partition_of' OR o.new ->> 'partition_of' IN (SELECT t.identity FROM object t WHERE t.kind = 'table' AND (t.state = 'missing' OR t.number IN (SELECT r.number FROM rebuilt r))))
      AND (o.new ->> 'partition_of' IN (SELECT c.target_parent FROM surplus c) OR o.target_identity IN (SELECT c.target_parent FROM surplus c))
), waits AS MATERIALIZED (
    -- of these, what nothing drops a column for
    SELECT l.number, o.identity FROM late l JOIN object o ON o.number = l.number WHERE NOT allow_drop
), given AS MATERIALIZED (
    SELECT m.identity, m.target_identity, m.parent, m.target_parent, m.properties, m.target_properties FROM managed m WHERE m.kind = 'default privilege'
), regranted AS MATERIALIZED (
    SELECT o.identity FROM object o WHERE o.kind = 'table' AND 'acl' = ANY (o.changes)
), need AS MATERIALIZED (
    -- what the script can't make
    SELECT DISTINCT x.kind, x.name
    FROM (SELECT f.kind, f.identity, f.new FROM filled f WHERE f.new IS NOT NULL) f
    CROSS JOIN LATERAL (
        SELECT 'role' AS kind, f.new ->> 'owner' AS name
        UNION ALL SELECT 'role', k FROM jsonb_object_keys(CASE jsonb_typeof(f.new -> 'acl') WHEN 'object' THEN f.new -> 'acl' ELSE '{}' END) k
        UNION ALL SELECT 'role', r FROM jsonb_array_elements_text(CASE f.kind WHEN 'policy' THEN f.new -> 'roles' ELSE '[]' END) r
        UNION ALL SELECT 'role', quote_ident(f.new ->> 'name') WHERE f.kind = 'user mapping' AND f.new ->> 'name' <> 'PUBLIC'
        UNION ALL SELECT 'tablespace', f.new ->> 'tablespace'
        UNION ALL SELECT 'extension', (f.new ->> 'name') || ' ' || (f.new ->> 'version') WHERE f.kind = 'extension'
        UNION ALL SELECT 'collation', c FROM (SELECT f.new ->> 'collation' UNION ALL
            SELECT jsonb_array_elements_text(CASE jsonb_typeof(f.new -> 'collations') WHEN 'array' THEN f.new -> 'collations' ELSE '[]' END)) c (c)
        UNION ALL SELECT 'PostgreSQL', '18' WHERE f.new ->> 'generated_kind' = 'virtual' OR f.new ->> 'enforced' = 'false' OR f.new ? 'period'
        UNION ALL SELECT 'PostgreSQL', '17' WHERE f.new ->> 'provider' = 'builtin'
        UNION ALL SELECT 'PostgreSQL', '16' WHERE f.kind = 'collation' AND f.new ? 'rules') x
    WHERE x.name IS NOT NULL AND NOT (x.kind = 'role' AND x.name = 'PUBLIC')
      AND NOT (x.kind = 'collation' AND EXISTS (SELECT FROM object o WHERE o.kind = 'collation' AND o.new ->> 'address' = x.name))
), step AS (
    -- dropped first, in reverse
    SELECT 2 AS section,
        -- what a partition has of the whole is its own when it has left
        CASE WHEN f.kind IN ('index', 'constraint') AND f.old ? 'partition_of' AND f.old ? 'left' THEN (f.old ->> 'left')::bigint * 1000 + 999
            -- a key before what it leads to
            WHEN f.old ? 'references' THEN -500000000 - f.number::bigint * 1000 WHEN f.kind = 'event trigger' THEN -3000000000 + f.number ELSE -f.number::bigint * 1000 END AS place, f.kind, f.target_identity AS object, 'dropped, to be made anew'::text AS what,
        schemaguard.sg_sync_fill(coalesce(own.statement, 'DROP {object}'), coalesce(f.new, f.old)) AS statement, 'drop' AS step, coalesce(f.full_new, f.full_old) AS context,
        -- it may be another one that is made
        f.full_old AS olds, coalesce(f.full_new, (SELECT n.full_new FROM filled n WHERE n.kind = f.kind AND n.new ->> 'address' = f.old ->> 'address' AND n.state = 'missing')) AS news, CASE WHEN own.properties && f.changes THEN own.state END AS state, NULL AS property,
        -- what a generated column holds comes back with it
        CASE WHEN f.state = 'extra' OR f.kind = 'column' AND NOT f.old ? 'generated' THEN coalesce(own.loss, 'the ' || f.kind) END AS loss
    FROM filled f LEFT JOIN rule own ON own.kind = f.kind AND own.step = 'drop'
    WHERE f.again AND (f.parent_state IS DISTINCT FROM 'extra' OR f.kind IN ('policy', 'rule') OR f.old ? 'references')
      -- a partition's goes when it is detached, a sequence with its column
      AND NOT (f.kind IN ('trigger', 'constraint') AND f.old ? 'partition_of') AND NOT (f.kind = 'sequence' AND f.old ? 'owned_by')
    UNION ALL
    SELECT 2, CASE x.n WHEN 1 THEN -d.number::bigint * 1000 ELSE d.number::bigint * 1000 + 450 END, d.kind, coalesce(d.identity, d.target_identity), CASE x.n WHEN 1 THEN 'default dropped' ELSE 'default again' END,
        'ALTER ' || schemaguard.sg_sync_fill(CASE d.kind WHEN 'domain' THEN 'DOMAIN {identity} ' ELSE 'TABLE ONLY {parent} ALTER COLUMN {name|I} ' END, x.at)
            || CASE x.n WHEN 1 THEN 'DROP DEFAULT' ELSE 'SET DEFAULT ' || (d.new ->> 'default') END,
        CASE x.n WHEN 1 THEN 'drop' ELSE 'alter' END, x.at, CASE x.n WHEN 1 THEN d.old END, d.new, '=default', NULL, NULL
    FROM described d CROSS JOIN LATERAL (VALUES (1, d.old), (2, d.new)) x (n, at)
    WHERE d.number IN (SELECT w.number FROM without_default w) AND d.parent_state IS DISTINCT FROM 'extra' AND d.number NOT IN (SELECT r.number FROM rebuilt r)
      AND (x.n = 1 OR d.new ->> 'default' IS NOT NULL AND NOT coalesce(d.changes && '{default,type,collation,generated,generated_kind}', false))
    UNION ALL
    SELECT 2, CASE x.n WHEN 1 THEN -d.number::bigint * 1000 ELSE d.number::bigint * 1000 + 440 END, d.kind, coalesce(d.identity, d.target_identity), CASE x.n WHEN 1 THEN 'type, meanwhile' ELSE 'type again' END,
        schemaguard.sg_sync_fill('ALTER TABLE {parent} [{?default}ALTER COLUMN {name|I} DROP DEFAULT, ]ALTER COLUMN {name|I} TYPE ', x.at) || CASE x.n WHEN 1 THEN w.meanwhile ->> 'type'
            ELSE schemaguard.sg_sync_fill('{type}[ COLLATE {collation}][{?!is_foreign} USING {name|I}::text::{type}][, ALTER COLUMN {name|I} SET DEFAULT {default}]', d.new) END,
        CASE x.n WHEN 1 THEN 'drop' ELSE 'alter' END, x.at, CASE x.n WHEN 1 THEN d.old ELSE (d.old || w.meanwhile) - 'collation' END, d.new, '=type collation', NULL, NULL
    FROM described d JOIN without_type w ON w.number = d.number CROSS JOIN LATERAL (VALUES (1, d.old), (2, d.new)) x (n, at)
    WHERE d.parent_state IS DISTINCT FROM 'extra' AND (x.n = 1 OR d.new IS NOT NULL AND NOT coalesce(d.changes && '{type,collation}', false))
    UNION ALL
    SELECT b.section, f.number::bigint * 1000 + b.rule + CASE b.section WHEN f.late_at THEN f.late ELSE 0 END, f.kind, f.identity, CASE WHEN b.state IS NULL THEN 'created' ELSE 'validated' END, b.statement,
        CASE WHEN b.state IS NULL THEN 'create' ELSE 'validate' END, f.full_new, '{"validated": false}', f.full_new, b.state, NULL, f.lost
    FROM birth b JOIN filled f ON f.number = b.number
    UNION ALL
    -- the old key goes before what it leads to
    SELECT r.section, CASE WHEN r.section = f.late_at THEN f.late WHEN r.section > 4 AND f.new ? 'references' THEN -1000000000
            -- one that is primary no more before the one that is
            WHEN f.old ->> 'type' = 'p' AND f.new ->> 'type' = 'u' THEN -500000000 ELSE 0 END + f.number::bigint * 1000 + r.number, f.kind, f.identity, 'replaced', schemaguard.sg_sync_fill(r.statement, f.full_new),
        'alter', f.full_new, NULL, NULL, r.state, NULL, NULL
    FROM filled f JOIN rule r ON r.kind = f.kind AND r.step = 'beside'
    WHERE f.beside
    UNION ALL
    -- columns that a new table has from elsewhere
    SELECT 2, f.number::bigint * 1000 + x.n, f.kind, f.identity, 'as a column of its own', schemaguard.sg_sync_fill(x.statement, f.new), 'fresh', f.new, NULL, f.new, NULL, x.property, NULL
    FROM filled f JOIN object t ON t.kind = 'table' AND t.identity = f.parent,
        (VALUES (1, 'default', 'ALTER TABLE {parent} ALTER COLUMN {name|I} SET DEFAULT {default}'), (2, 'not_null', '{?not_null}ALTER TABLE {parent} ALTER COLUMN {name|I} SET NOT NULL')) x (n, property, statement)
    WHERE f.kind = 'column' AND f.parent_state = 'missing' AND NOT t.new ? 'partition_of' AND (t.new ? 'of_type' OR f.new ->> 'inherited' = 'only')
    UNION ALL
    -- partitions join when both have all columns and checks
    SELECT CASE WHEN l.number IS NULL THEN r.section ELSE 6 END, CASE WHEN l.number IS NOT NULL THEN 2000000000 WHEN f.kind = 'table' THEN 900000000 ELSE 0 END + f.number::bigint * 1000 + 500 + r.number, f.kind, f.identity, r.property, schemaguard.sg_sync_fill(r.statement, f.full_new), 'alter', f.full_new, NULL, NULL, r.state, NULL, NULL
    FROM filled f JOIN rule r ON r.kind = f.kind AND r.step = 'after' LEFT JOIN late l ON l.number = f.number WHERE f.state = 'missing' AND f.number NOT IN (SELECT w.number FROM waits w)
    UNION ALL
    -- names first: all else has the new ones
    SELECT 2, -1000000000 + f.number::bigint * 1000 + r.rule, f.kind, f.identity, 'renamed', schemaguard.sg_sync_fill(r.statement, f.full_new), 'alter', f.full_new, NULL, NULL, r.state, NULL, NULL
    FROM filled f JOIN fired r ON r.number = f.number AND r.step = 'rename'
    UNION ALL
    -- base types, for the functions that they are made of
    SELECT 2, coalesce((SELECT max(s.number) FROM object s WHERE s.kind IN ('schema', 'extension')), 0)::bigint * 1000 + 999, f.kind, f.identity, 'announced',
        schemaguard.sg_sync_fill(r.statement, f.full_new), 'alter', f.full_new, NULL, NULL, r.state, NULL, NULL
    FROM filled f JOIN rule r ON r.kind = f.kind AND r.step = 'shell'
    WHERE f.state = 'missing'
    UNION ALL
    -- what a new object has beyond that; readers of a materialized view that is made anew wait for its rows, too
    SELECT p.section, CASE WHEN p.at_once THEN 950 WHEN r.property = 'not_null' AND r.section = 2 AND NOT f.new ? 'joins' THEN 1900000500 + r.number WHEN p.section = f.late_at THEN f.late + 500 + r.number ELSE 500 + r.number END + f.number::bigint * 1000,
        f.kind, f.identity, r.property, schemaguard.sg_sync_fill(r.statement, coalesce(f.fresh, f.full_new) || jsonb_build_object('old', '{}'::jsonb)), 'fresh', f.full_new, NULL, f.full_new, r.state, r.property, f.lost
    FROM filled f JOIN rule r ON r.kind IN (f.kind, '*') AND r.step = 'alter' AND r.anew AND f.new ?| r.properties LEFT JOIN born b ON b.number = f.number
    CROSS JOIN LATERAL (SELECT CASE WHEN x.at_once THEN 2 ELSE greatest(r.section, b.section, CASE WHEN f.beside THEN 6 END) END AS section, x.at_once
        FROM (SELECT f.again AND r.property = 'populated' AND NOT EXISTS (SELECT FROM joining) AS at_once) x) p
    WHERE (f.state = 'missing' OR f.again OR f.beside) AND f.kind <> 'subscription'
    UNION ALL
    -- a sequence of a column's own gives its name away at once
    SELECT CASE WHEN r.property = 'not_null' AND r.statement LIKE '%DROP NOT NULL%' AND k.number IS NULL THEN 2 WHEN r.statement LIKE '% ATTACH PARTITION %' AND f.number IN (SELECT l.number FROM late l) THEN 6 ELSE r.section END, CASE WHEN f.kind = 'column' AND r.property = 'identity' AND NOT f.new ? 'identity' THEN -f.number::bigint * 1000
            WHEN f.kind = 'table' AND r.section = 2 AND r.statement LIKE '% ATTACH PARTITION %' THEN CASE WHEN f.number IN (SELECT l.number FROM late l) THEN 2000000000 ELSE 900000000 END + f.number::bigint * 1000
            -- a check that is on its way to partitions keeps none from being attached
            WHEN r.property = 'not_null' AND r.section = 2 AND (f.new ->> 'not_null')::boolean AND NOT f.new ? 'joins' THEN 1900000000 + f.number::bigint
            -- after the keys that it is in
            WHEN r.property = 'not_null' AND k.number IS NOT NULL AND NOT coalesce((f.new ->> 'not_null')::boolean, false) THEN 2000000000 + f.number::bigint
            -- what else is altered has the new name
            WHEN r.property = 'name' OR r.property = 'identity_sequence' AND f.new ? 'bounds_first' THEN f.number::bigint * 1000
            -- after the columns that only the parent has, and a sequence that has the name
            WHEN r.property = 'persistence' AND r.section = 6 THEN 2000000000 - f.number::bigint
            WHEN r.property IN ('inherits', 'identity') AND r.section = 6 THEN 2000000000 + f.number::bigint * 1000 ELSE f.number::bigint * 1000 + r.rule END + CASE WHEN f.kind = 'event trigger' AND r.section = f.late_at THEN f.late ELSE 0 END,
        f.kind, f.identity, r.property, schemaguard.sg_sync_fill(r.statement, f.full_new),
        'alter', f.full_new, CASE WHEN t.number IS NOT NULL THEN (f.old || t.meanwhile) - '{collation,default}'::text[]
            WHEN f.number IN (SELECT w.number FROM without_default w) THEN f.old - 'default' ELSE f.old END, f.full_new, r.state, r.property, r.loss
    FROM filled f JOIN fired r ON r.number = f.number AND r.step = 'alter' LEFT JOIN without_type t ON t.number = f.number
    LEFT JOIN primary_key k ON r.property = 'not_null' AND f.kind = 'column' AND k.target_parent = f.target_parent
    WHERE NOT f.again AND (NOT f.beside OR r.property = 'name' AND NOT f.new ? 'freed')
      AND NOT (r.statement LIKE '%TACH PARTITION%' AND (f.number IN (SELECT w.number FROM waits w) OR f.kind <> 'table' AND f.parent IN (SELECT w.identity FROM waits w)))
    UNION ALL
    SELECT greatest(2, b.section), f.number::bigint * 1000 + 900, f.kind, coalesce(f.identity, f.target_identity), 'privileges', g.statements, 'alter', f.full_new, f.old, f.full_new,
        -- a new object has what default privileges give it, and another owner the grants of the old one
        CASE WHEN NOT (f.state = 'changed' AND NOT f.again AND NOT 'owner' = ANY (f.changes) AND (f.kind <> 'column' OR f.parent NOT IN (SELECT r.identity FROM regranted r)))
            THEN '!' || schemaguard.sg_sync_acl_guard(f.kind, f.new ->> 'owner', f.new -> 'acl', CASE WHEN f.state = 'changed' AND NOT f.again THEN coalesce(f.old, '{}') END) END,
        'acl', NULL
    FROM filled f LEFT JOIN born b ON b.number = f.number CROSS JOIN LATERAL (SELECT string_agg(g.statement, E';\f\n' ORDER BY g.n) AS statements
        FROM jsonb_array_elements_text(schemaguard.sg_sync_grants(f.kind,
        CASE WHEN f.kind = 'column' THEN f.parent WHEN f.kind = 'procedure' THEN f.new ->> 'object' ELSE coalesce(f.identity, f.target_identity) END,
        CASE WHEN f.kind = 'column' THEN quote_ident(f.new ->> 'name') END, f.new ->> 'owner', f.new -> 'acl',
        CASE WHEN f.state = 'missing' OR f.again THEN NULL ELSE f.old -> 'acl' END)) WITH ORDINALITY g (statement, n)) g
    WHERE (f.state = 'changed' AND 'acl' = ANY (f.changes) OR (f.state = 'missing' OR f.again) AND f.new ? 'acl')
       OR f.kind = 'default privilege' AND f.state <> 'same'
    UNION ALL
    -- what is revoked on a table is revoked on its columns, too
    SELECT 2, m.number::bigint * 1000 + 900, m.kind, m.identity, 'privileges again', (SELECT string_agg(g, E';\f\n') FROM jsonb_array_elements_text(
        schemaguard.sg_sync_grants('column', m.parent, quote_ident(m.name), NULL, m.properties -> 'acl', '{}')) g), 'alter',
        m.properties || jsonb_build_object('parent', m.parent, 'name', m.name), NULL, NULL, '!' || schemaguard.sg_sync_acl_guard(m.kind, NULL, m.properties -> 'acl', '{}'), 'acl', NULL
    FROM managed m WHERE m.kind = 'column' AND m.state = 'same' AND m.properties ? 'acl' AND m.parent IN (SELECT r.identity FROM regranted r)
    UNION ALL
    -- what the target would grant by default
    SELECT 2, f.number::bigint * 1000 + 850, f.kind, f.identity, 'no default privileges', format('REVOKE ALL ON %s FROM %s', d.name, string_agg(d.grantee, ', ' ORDER BY d.grantee)),
        'alter', f.full_new, NULL, NULL, format('!CASE WHEN EXISTS (SELECT FROM pg_catalog.jsonb_each((SELECT {acl}::pg_catalog.jsonb FROM {place})) g WHERE g.key = ANY (%L::text[]) AND g.value IS DISTINCT FROM %L::pg_catalog.jsonb -> g.key) THEN ''before'' ELSE ''after'' END',
            array_agg(d.grantee ORDER BY d.grantee), coalesce(f.full_new -> 'acl', '{}')), 'acl', NULL
    FROM filled f CROSS JOIN LATERAL (
        SELECT DISTINCT g.key AS grantee, CASE WHEN f.kind IN ('table', 'view', 'materialized view') THEN 'TABLE ' || f.identity
            WHEN f.kind = 'aggregate' THEN 'FUNCTION ' || f.identity WHEN f.kind = 'procedure' THEN f.new ->> 'object' ELSE upper(f.kind) || ' ' || f.identity END AS name
        -- those that the script makes, too: it may run again
        FROM given o, LATERAL (SELECT jsonb_object_keys(o.target_properties -> 'acl') UNION SELECT jsonb_object_keys(o.properties -> 'acl')) g (key)
        WHERE substring(coalesce(o.target_identity, o.identity) FROM ' ON ([A-Z ]+)$') = CASE WHEN f.kind IN ('table', 'view', 'materialized view') THEN 'TABLES'
              WHEN f.kind = 'sequence' THEN 'SEQUENCES' WHEN f.kind IN ('function', 'procedure', 'aggregate') THEN 'FUNCTIONS'
              WHEN f.kind IN ('type', 'domain') THEN 'TYPES' WHEN f.kind = 'schema' THEN 'SCHEMAS' END
          AND (coalesce(o.target_parent, o.parent) IS NULL OR coalesce(o.target_parent, o.parent) = f.parent)
          AND g.key <> quote_ident(f.new ->> 'owner')
          AND NOT (g.key = 'PUBLIC' AND f.kind IN ('function', 'procedure', 'aggregate', 'type', 'domain'))) d
    WHERE f.state = 'missing' OR f.again
    GROUP BY f.number, f.kind, f.identity, f.full_new, d.name
    UNION ALL
    -- last, but for a sequence whose name that of an identity column needs
    SELECT CASE f.kind WHEN 'event trigger' THEN 2 ELSE 6 END, CASE WHEN f.kind = 'event trigger' THEN -3000000000 + f.number WHEN f.kind = 'sequence' AND EXISTS (SELECT FROM object c WHERE c.kind = 'column' AND 'identity' = ANY (c.changes) AND c.target_identity = f.old ->> 'owned_by') THEN -f.number::bigint
        ELSE 1000000000 - f.number::bigint * 1000 END, f.kind, f.target_identity, 'dropped', schemaguard.sg_sync_fill(coalesce(own.statement, 'DROP {object}'), f.old),
        'drop', f.full_old, f.full_old, NULL, NULL, NULL, coalesce(own.loss, 'the ' || f.kind)
    FROM filled f LEFT JOIN rule own ON own.kind = f.kind AND own.step = 'drop'
    WHERE f.state = 'extra' AND f.kind NOT IN ('default privilege', 'subscription') AND NOT f.again
      -- what a script that has not ended has made beside another one
      AND NOT (f.kind IN ('constraint', 'index') AND (f.target_parent, f.old ->> 'name') IN (SELECT b.target_parent, b.new ->> 'new_name' FROM filled b WHERE b.beside))
      -- what may hold another table
      AND (f.parent_state IS DISTINCT FROM 'extra' OR (f.kind IN ('policy', 'rule') OR f.old ? 'references')
          AND f.target_parent NOT IN (SELECT t.target_identity FROM filled t WHERE t.kind = 'table' AND t.again))
    UNION ALL
    -- a column of a partition that has left what it had it from
    SELECT 6, 1500000000 + f.number::bigint, f.kind, f.target_identity, 'dropped', schemaguard.sg_sync_fill('ALTER TABLE {parent} DROP COLUMN {name|I}', f.old),
        'drop', f.full_old, f.full_old, NULL, NULL, NULL, own.loss
    FROM surplus c JOIN filled f ON f.number = c.number JOIN late l ON l.target_identity = f.target_parent JOIN rule own ON own.kind = 'column' AND own.step = 'drop'
    WHERE c.inherited
), asked AS (
    SELECT s.*, q.properties AS asked, q.printed, q.expressions, q.alone, schemaguard.sg_sync_fill(a.statement, s.context)
            -- what has its name may be of another kind
            || CASE WHEN s.step = 'drop' THEN CASE s.kind WHEN 'table' THEN ' AND o.relkind IN (''r'', ''p'', ''f'')' WHEN 'view' THEN ' AND o.relkind = ''v''' WHEN 'materialized view' THEN ' AND o.relkind = ''m'''
                WHEN 'sequence' THEN ' AND o.relkind = ''S''' WHEN 'index' THEN ' AND o.relkind IN (''i'', ''I'')' WHEN 'domain' THEN ' AND o.typtype = ''d''' WHEN 'type' THEN ' AND o.typtype <> ''d'' AND (o.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = o.typrelid AND c.relkind = ''c''))' ELSE '' END ELSE '' END AS place_of
    FROM step s
    LEFT JOIN every_rule a ON a.kind = s.kind AND a.step = 'at'
    CROSS JOIN LATERAL (SELECT s.step IN ('create', 'drop') AND s.state IS NULL AS whole) w
    CROSS JOIN LATERAL (
        SELECT array_agg(f.property ORDER BY f.number) AS properties, array_agg(f.printed ORDER BY f.number) AS printed,
            NOT w.whole AND count(*) = 1 AS alone,
            string_agg(CASE WHEN NOT w.whole AND x.n = 1 THEN '' ELSE quote_literal(f.property || ': ') || ' || ' END
                -- what a new object has is as good as nothing, unless it is to have that
                || CASE WHEN s.step = 'fresh' AND f.fresh IS NOT NULL THEN format('nullif(%s, nullif(%s, %L))', f.expression, f.fresh, s.news ->> f.property) ELSE f.expression END, ', ' ORDER BY f.number) AS expressions
        FROM (SELECT f.*, count(*) OVER () AS n FROM fact f WHERE f.kind = s.kind AND CASE WHEN w.whole THEN f.main AND NOT (s.step = 'drop' AND f.property = 'columns_state' AND s.context ? 'partition_of')
            ELSE f.property = ANY (string_to_array(coalesce(substring(s.state FROM '^=(.*)'), s.property), ' ')) END) f, LATERAL (SELECT f.n) x (n)) q
    WHERE s.statement IS NOT NULL
), guarded AS MATERIALIZED (
    SELECT s.*, row_number() OVER () AS number,
        CASE WHEN s.state LIKE '?%' THEN schemaguard.sg_sync_fill(substr(s.state, 2), s.context)
            WHEN s.state LIKE '!%' THEN replace(replace(substr(s.state, 2), '{acl}', s.expressions), '{place}', s.place_of)
            WHEN s.place_of IS NULL OR s.expressions IS NULL AND s.step NOT IN ('create', 'drop') THEN NULL
            WHEN s.alone THEN format('(SELECT %s FROM %s)', s.expressions, s.place_of)
            ELSE format('(SELECT %s FROM %s)', coalesce('pg_catalog.concat_ws(''; '', ' || s.expressions || ')', '''there'''), s.place_of) END AS guard,
        CASE WHEN s.state ~ '^[?!]' THEN 'before' WHEN s.step IN ('create', 'fresh') THEN NULL
            ELSE schemaguard.sg_sync_expected(s.olds, s.asked, s.printed, s.alone) END AS before,
        CASE WHEN s.state ~ '^[?!]' THEN 'after' WHEN s.news IS NULL THEN NULL
            ELSE schemaguard.sg_sync_expected(s.news, s.asked, s.printed, s.alone) END AS after
    FROM asked s
), every AS MATERIALIZED (
    SELECT e.* FROM schemaguard.sg_sync_every(pairs, reference, target, leave_code, leave_native) e
), seen AS MATERIALIZED (
    SELECT g.number, g.kind, g.object, s.names, s.types, s.untyped, s.reader, s.runner, s.builder FROM guarded g CROSS JOIN LATERAL schemaguard.sg_sync_seen(g.statement, target = 'live') s WHERE leave_code
), mention AS MATERIALIZED (
    -- what statements name, whatever the document says that they stand on
    SELECT DISTINCT s.number, s.kind, s.object, e.kind AS on_kind, e.object AS on_object
    FROM seen s CROSS JOIN LATERAL unnest(s.names) n (name) JOIN every e ON replace(schemaguard.sg_sync_name(e.object), '"', '') = n.name
    WHERE e.kind IN ('function', 'procedure', 'aggregate', 'operator', 'type', 'domain', 'table', 'view', 'materialized view')
), needs AS MATERIALIZED (
    -- what an object of either side stands on
    SELECT e.kind, e.object, d.value ->> 0 AS on_kind, d.value ->> 1 AS on_object, 'depends' AS way FROM every e, jsonb_array_elements(e.depends) d
    UNION SELECT e.kind, e.object, k.kind, e.parent, 'part' FROM every e, unnest('{table,view,materialized view,domain}'::text[]) k (kind)
    WHERE e.kind IN ('column', 'constraint', 'index', 'statistics', 'rule', 'trigger', 'policy')
    UNION
    -- columns are of tables
    SELECT e.kind, e.object, 'table', schemaguard.sg_sync_owner(d.value ->> 1), 'part' FROM every e, jsonb_array_elements(e.depends) d WHERE d.value ->> 0 = 'column'
    UNION
    -- a table that comes or goes, with its columns
    SELECT w.kind, w.identity, e.kind, e.object, 'part' FROM whole w JOIN every e ON e.kind = 'column' AND e.parent = w.identity WHERE w.kind = 'table'
    UNION SELECT m.kind, m.object, m.on_kind, m.on_object, 'text' FROM mention m WHERE m.on_kind IN ('function', 'procedure', 'aggregate', 'operator', 'type', 'domain')
    UNION
    -- values of a domain go through its checks
    SELECT w.kind, w.object, e.kind, e.object, 'check' FROM every w JOIN every e ON e.kind = 'constraint' AND e.parent = w.object WHERE w.kind = 'domain'
), strange AS (
    -- functions, operators and domains of roles that are no superusers, and what stands on them: a domain may get a check at any time
    SELECT e.kind, e.object, e.owner FROM every e
    WHERE leave_code AND e.kind IN ('function', 'procedure', 'aggregate', 'operator', 'domain') AND NOT e.of_extension AND e.owner IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE quote_ident(r.rolname) = e.owner AND r.rolsuper)
    UNION SELECT n.kind, n.object, s.owner FROM strange s JOIN needs n ON n.on_kind = s.kind AND n.on_object = s.object AND n.way <> 'part'
), strange_row AS (
    -- columns of such types, and rows of tables and views with them, which are types, too
    SELECT s.kind, s.object, s.owner FROM strange s WHERE s.kind IN ('type', 'domain')
    UNION SELECT x.kind, x.object, r.owner FROM strange_row r JOIN needs n ON n.on_kind = r.kind AND n.on_object = r.object AND n.way IN ('depends', 'text') AND (n.kind IN ('type', 'domain', 'column', 'view', 'materialized view') OR n.kind = 'table' AND n.way = 'text')
    CROSS JOIN LATERAL (VALUES (n.kind, n.object), (CASE n.kind WHEN 'column' THEN 'table' END, schemaguard.sg_sync_owner(n.object))) x (kind, object)
    WHERE x.kind IS NOT NULL
), strange_type AS MATERIALIZED (
    SELECT s.object, s.owner, 'cast' AS kind FROM strange s WHERE s.kind = 'cast'
    UNION SELECT r.object, r.owner, CASE r.kind WHEN 'domain' THEN 'domain' ELSE 'type' END FROM strange_row r WHERE r.kind <> 'column'
    UNION
    -- attributes can be added
    SELECT e.object, e.owner, 'type' FROM every e
    WHERE leave_code AND e.kind = 'type' AND e.type = 'composite' AND NOT e.of_extension AND NOT EXISTS (SELECT FROM pg_roles r WHERE quote_ident(r.rolname) = e.owner AND r.rolsuper)
    UNION
    -- of a range with another name than its own, either one that PostgreSQL may choose
    SELECT m.name, r.owner, 'type' FROM strange_row r JOIN every e ON e.kind = r.kind AND e.object = r.object CROSS JOIN LATERAL (VALUES (e.multirange), (replace(e.object, 'range', 'multirange'))) m (name)
    WHERE e.multirange IS NOT NULL
), beside_literal AS MATERIALIZED (
    -- what has such types, for literals beside it
    SELECT r.kind, r.object, r.owner FROM strange_row r
    UNION SELECT n.kind, n.object, r.owner FROM strange_row r JOIN needs n ON n.on_kind = r.kind AND n.on_object = r.object WHERE n.kind IN ('function', 'procedure', 'aggregate', 'operator')
), kin AS MATERIALIZED (
    SELECT e.object, a.name AS other FROM every e CROSS JOIN LATERAL jsonb_array_elements_text(e.above) a (name)
    UNION SELECT a.name, e.object FROM every e CROSS JOIN LATERAL jsonb_array_elements_text(e.above) a (name)
), planned AS (
    -- tables with such code in what the server plans or proves by, and their kin
    SELECT e.parent AS object, s.owner FROM strange s JOIN every e ON e.kind = s.kind AND e.object = s.object WHERE e.kind IN ('column', 'constraint', 'index', 'statistics')
    UNION SELECT s.object, s.owner FROM strange s WHERE s.kind = 'table'
    UNION SELECT k.other, p.owner FROM planned p JOIN kin k ON k.object = p.object
), computing AS MATERIALIZED (
    SELECT s.kind, s.object, s.owner FROM strange s WHERE s.kind IN ('column', 'constraint', 'table', 'domain')
    UNION SELECT x.kind, x.object, r.owner FROM strange_row r CROSS JOIN LATERAL (VALUES ('column', r.object), ('rows', schemaguard.sg_sync_owner(r.object))) x (kind, object) WHERE r.kind = 'column'
    -- what a column that gets another type, a partition, a key, or a proof computes: all that its table has
    UNION SELECT 'rows', p.object, p.owner FROM planned p
    -- a table that is made, with its generated columns
    UNION SELECT 'made', e.parent, s.owner FROM strange s JOIN every e ON e.kind = s.kind AND e.object = s.object WHERE e.generated
), owned AS MATERIALIZED (
    -- whose expressions a table or domain has
    SELECT e.object, min(e.owner) AS owner FROM every e
    WHERE leave_code AND e.kind IN ('table', 'domain') AND NOT EXISTS (SELECT FROM pg_roles r WHERE quote_ident(r.rolname) = e.owner AND r.rolsuper)
    GROUP BY 1
), fit AS MATERIALIZED (
    SELECT g.kind, g.object, g.number, code.owner, coalesce(
        schemaguard.sg_sync_problem(g.kind, coalesce(n.names, '{}'), g.statement, g.guard),
        'it runs code of role ' || nullif(code.owner, quote_ident(current_user)) || ': CALL sg_sync_apply() runs it as that role') AS problem
    FROM (SELECT g.*, y.types, y.untyped, y.reader, y.runner, y.builder, (g.step <> 'drop' OR g.what = 'type, meanwhile') AND (g.kind = 'column' AND g.what ~ '^(created|type|generated|not_null)'
                OR g.kind = 'constraint' AND (g.context ->> 'type' = 'c' OR g.context ?| '{of_domain,references}') OR g.kind = 'table' AND g.statement LIKE '% ATTACH PARTITION %') AS computes
          FROM guarded g LEFT JOIN seen y ON y.number = g.number OFFSET 0) g
    CROSS JOIN LATERAL (SELECT array_agg(DISTINCT schemaguard.sg_sync_name(x.name))
        -- of overloads one
        || CASE WHEN g.kind IN ('function', 'procedure', 'aggregate') THEN array_remove(ARRAY[g.context ->> 'identity', g.context #>> '{old,identity}'], NULL) END AS names FROM (VALUES (g.context ->> 'identity'), (g.context ->> 'column_identity'), (g.context ->> 'parent'), (g.context #>> '{old,identity}'), (g.context #>> '{old,parent}'),
        ((g.context ->> 'parent') || '.' || quote_ident(g.context #>> '{old,name}')), (g.context ->> 'partition_of'), (g.context #>> '{old,partition_of}'), (g.context ->> 'whole'), (g.context ->> 'index'),
        (g.context ->> 'new_index'), (g.context ->> 'halfway'), (g.context ->> 'address'), (g.context ->> 'root'), (CASE WHEN g.what = 'renamed' THEN g.context #>> '{old,multirange}' END)) x (name) WHERE x.name IS NOT NULL) n
    LEFT JOIN owned o ON o.object = g.context ->> 'parent'
    -- not the caller's, if there is another one
    CROSS JOIN LATERAL (SELECT coalesce(min(c.owner) FILTER (WHERE c.owner <> quote_ident(current_user)), min(c.owner)) AS owner FROM (
        SELECT c.owner FROM computing c WHERE g.computes AND (c.kind = g.kind AND c.object = g.object OR c.kind = 'rows' AND (g.what ~ '^(type|not_null)' OR g.context ?| '{references,default,generated}') AND c.object IN (g.context ->> 'parent', g.context ->> 'references')
            OR g.kind = 'table' AND c.kind IN ('rows', 'table') AND c.object IN (g.object, g.context ->> 'partition_of'))
        UNION ALL SELECT c.owner FROM computing c WHERE g.kind = 'table' AND g.what = 'created' AND c.kind = 'made' AND c.object = g.object
        UNION ALL
        -- a literal of a type is a value when the statement is read
        SELECT t.owner FROM strange_type t CROSS JOIN LATERAL (SELECT replace(t.object, '"', '') AS name) m
        WHERE CASE t.kind WHEN 'cast' THEN g.computes AND (g.what LIKE 'type%' OR g.context ? 'references')
            ELSE m.name || '[]' = ANY (g.types) OR t.kind = 'type' AND m.name = ANY (g.types)
                -- and one that aggregates begin with; attributes come to all rows of a type
                OR g.kind = 'aggregate' AND g.context ?| '{initial_value,moving_initial_value}' AND t.object IN (rtrim(g.context ->> 'state_type', '[]'), rtrim(g.context ->> 'moving_state_type', '[]'))
                OR g.kind = 'type' AND g.what = 'attributes' AND g.step <> 'drop' AND t.object = g.object END
        UNION ALL SELECT b.owner FROM mention m JOIN beside_literal b ON b.kind = m.on_kind AND b.object = m.on_object WHERE g.untyped AND m.number = g.number
        -- what its names lead to here, whatever the documents show
        UNION ALL SELECT unnest(ARRAY[g.reader, g.runner, CASE WHEN g.builder IS NOT NULL AND NOT schemaguard.sg_sync_is_owner(ARRAY(SELECT e.owner FROM every e WHERE e.kind IN ('table', 'materialized view') AND e.object = coalesce(g.context ->> 'parent', g.object)), g.builder) THEN g.builder END]) UNION ALL
        -- an enum that is made anew has the checks of its columns made again
        SELECT c.owner FROM needs n JOIN computing c ON c.kind = 'rows' AND c.object = schemaguard.sg_sync_owner(n.object)
        WHERE g.kind = 'type' AND g.what = 'labels' AND g.section = 2 AND n.kind = 'column' AND n.on_kind = 'type' AND n.on_object = g.object
        UNION ALL
        SELECT o.owner WHERE g.computes AND o.owner IS NOT NULL AND schemaguard.sg_sync_calls(g.statement)) c) code
), malformed AS MATERIALIZED (
    SELECT p.kind, coalesce(p.identity, p.target_identity) AS object, min(x.property) AS property
    FROM pair p CROSS JOIN LATERAL (VALUES (schemaguard.sg_sync_malformed(p.kind, p.identity, p.parent, p.properties)),
        (schemaguard.sg_sync_malformed(p.kind, p.target_identity, p.target_parent, p.target_properties))) x (property)
    WHERE x.property IS NOT NULL AND (p.state <> 'same' OR (p.kind, coalesce(p.identity, p.target_identity)) IN (SELECT g.kind, g.object FROM guarded g))
    GROUP BY 1, 2
), withheld AS (
    -- each with the first cause
    SELECT f.kind, f.object, f.kind AS of_kind, f.object AS of_object, f.problem FROM fit f WHERE f.problem IS NOT NULL
    UNION SELECT m.kind, m.object, m.kind, m.object, 'its ' || m.property || ' is not what such a property is' FROM malformed m
    UNION SELECT e.kind, e.object, e.kind, e.object, 'not tried: the server would call code of it by itself' FROM every e WHERE e.native
    UNION SELECT n.kind, n.object, w.of_kind, w.of_object, w.problem FROM withheld w JOIN needs n ON n.on_kind = w.kind AND n.on_object = w.object AND n.way NOT IN ('check', 'text')
), left_over AS MATERIALIZED (
    SELECT w.kind, w.object, min(w.problem) FILTER (WHERE w.kind = w.of_kind AND w.object = w.of_object) AS problem,
        min(w.of_kind || ' ' || w.of_object) AS below, bool_or(w.problem LIKE 'not tried: %') AS native
    FROM withheld w GROUP BY w.kind, w.object
), cause AS (
    -- what goes with a table goes for what that goes for
    SELECT a.number, a.kind, a.target_identity, coalesce(t.number, a.cause) AS cause FROM anew a LEFT JOIN object o ON o.number = a.cause
    LEFT JOIN object t ON t.kind = 'table' AND t.state = 'extra' AND (t.target_identity = o.target_parent AND o.parent_state = 'extra' OR o.kind = 'sequence' AND starts_with(o.old ->> 'owned_by', t.target_identity || '.'))
    UNION
    -- what loses its default or type meanwhile
    SELECT m.number, m.kind, m.target_identity, unnest(CASE WHEN a.differs THEN ARRAY[a.cause, a.number] ELSE ARRAY[a.cause] END)
    FROM on_rebuilt b JOIN managed m ON m.number = b.number JOIN anew a ON a.number = b.cause WHERE m.kind IN ('column', 'domain')
), ahead AS MATERIALIZED (
    -- whether something is still as it was that others are made anew for
    SELECT o.number, string_agg(format('%s IS NOT DISTINCT FROM %L', g.guard, g.before), ' OR ' ORDER BY g.section, g.place) AS condition
    FROM (SELECT DISTINCT c.cause AS number FROM cause c) c JOIN object o ON o.number = c.number
    JOIN guarded g ON g.kind = o.kind AND g.object IN (o.target_identity, o.identity) AND (g.section <= 2 OR g.what = 'replaced') AND g.step IN ('drop', 'alter')
        AND g.guard IS NOT NULL AND g.before IS DISTINCT FROM g.after
    GROUP BY o.number
), reason AS MATERIALIZED (
    SELECT c.kind, c.target_identity, string_agg(a.condition, ' OR ' ORDER BY c.cause) AS condition
    FROM cause c LEFT JOIN ahead a ON a.number = c.cause
    WHERE c.cause <> c.number
    GROUP BY c.kind, c.target_identity HAVING bool_and(a.condition IS NOT NULL)
)
SELECT s.section, s.place, s.kind, s.object, s.what, schemaguard.sg_sync_portable(s.statement),
    -- what is the same before and after goes as long as there is a reason
    CASE WHEN r.condition IS NULL THEN s.guard ELSE format('CASE WHEN %s THEN CASE %s WHEN %L THEN ''before'' ELSE %2$s END ELSE ''after'' END', r.condition, s.guard, s.before) END,
    CASE WHEN r.condition IS NULL THEN s.before ELSE 'before' END,
    CASE WHEN r.condition IS NULL THEN s.after ELSE 'after' END,
    s.step || coalesce(' loses ' || coalesce(schemaguard.sg_sync_fill(s.loss, s.context), CASE WHEN s.step <> 'alter' THEN s.loss END), ''),
    CASE WHEN s.section = 3 AND s.kind <> 'column' THEN s.context ->> CASE WHEN s.what = 'replaced' THEN 'new_index' ELSE 'index' END END,
    CASE WHEN s.section = 3 AND s.kind <> 'column' THEN s.context ->> 'index_loose' END,
    nullif(concat_ws('; ', 'runs code of role ' || f.owner, (SELECT string_agg(schemaguard.sg_sync_fill(c.statement, s.context), '; ') FROM rule c
     WHERE c.kind = s.kind AND c.step = 'cost' AND c.properties && string_to_array(coalesce(s.property, s.what), ' '))), ''),
    CASE WHEN (target = 'live' OR s.context ?| '{no_cast,keyed}') AND NOT s.context ? 'in_new' AND (s.section IN (2, 3, 4) OR s.kind = 'table') THEN schemaguard.sg_sync_finder(s.kind, s.step, s.what, s.property, s.context) END
FROM guarded s JOIN fit f ON f.number = s.number LEFT JOIN reason r ON s.step = 'drop' AND s.before = s.after AND r.kind = s.kind AND r.target_identity = s.object
-- nor what a type is meanwhile, where it is to be that
WHERE NOT (s.what = 'type collation' AND s.before = s.after) AND NOT EXISTS (SELECT FROM left_over l WHERE l.kind = s.kind AND l.object = s.object)
UNION ALL
-- what is not written, or not tried
SELECT 0, coalesce(min(p.number), 0), l.kind, l.object, CASE WHEN l.native AND leave_native THEN 'not tried' ELSE 'left out' END,
    coalesce(regexp_replace(l.problem, '^not tried: ', ''), 'it needs ' || l.below), NULL, NULL, NULL, 'beyond', NULL, NULL, NULL, NULL
FROM left_over l LEFT JOIN pair p ON p.kind = l.kind AND l.object IN (p.identity, p.target_identity)
WHERE l.native OR EXISTS (SELECT FROM guarded g WHERE g.kind = l.kind AND g.object = l.object)
GROUP BY l.kind, l.object, l.native, l.problem, l.below
UNION ALL
SELECT 0, 0, n.kind, n.name, 'is needed', NULL, NULL, NULL, NULL, 'need', NULL, NULL, NULL, NULL FROM need n
UNION ALL
-- what has the name of something that is missing: nobody but a person can say whether it is the same
SELECT 0, o.number, o.kind, o.target_identity, 'has the name that the reference has for something else', NULL, NULL, NULL, NULL, 'refused', NULL, NULL, NULL, NULL
FROM object o JOIN way w ON w.number = o.number WHERE NOT allow_drop
UNION ALL
SELECT 0, a.number, 'schema', b.target_identity, 'has the contents of schema ' || a.identity || ', which is missing', NULL, NULL, NULL, NULL, 'refused', NULL, NULL, NULL, NULL
FROM schema_contents a JOIN schema_contents b ON b.contents = a.contents WHERE a.state = 'missing' AND b.state = 'extra' AND NOT EXISTS (SELECT FROM schemaguard.rename r WHERE r.kind = 'schema' AND NOT r.same AND a.identity IN (r.old, r.new) AND b.target_identity IN (r.old, r.new))
UNION ALL
-- what is left out
SELECT 0, f.number, f.kind, f.identity, r.property, schemaguard.sg_sync_fill(r.statement, f.full_new), NULL, NULL, NULL, 'beyond', NULL, NULL, NULL, NULL
FROM filled f JOIN fired r ON r.number = f.number AND r.step = 'beyond'
UNION ALL
SELECT 0, o.number, o.kind, o.identity, 'type', 'what ' || (o.new ->> 'type') || ' can''t hold of ' || (o.old ->> 'type') || ' would be lost (allow_drop)', NULL, NULL, NULL, 'beyond', NULL, NULL, NULL, NULL
FROM object o WHERE o.kind = 'domain' AND NOT allow_drop AND o.new ? 'type_loss'
UNION ALL
SELECT 0, w.number, 'table', w.identity, 'is attached', 'the two tables do not have the same columns until the surplus ones are dropped (allow_drop)', NULL, NULL, NULL, 'beyond', NULL, NULL, NULL, NULL
FROM waits w
UNION ALL
-- what comes and goes with that: nobody is told
SELECT 0, p.number, p.kind, p.identity, 'created', NULL, NULL, NULL, NULL, 'along', NULL, NULL, NULL, NULL
FROM pair p JOIN waits w ON w.identity = p.parent WHERE p.kind = 'index' AND p.state = 'missing' AND p.properties ? 'partition_of'
UNION ALL SELECT 0, f.number, f.kind, f.target_identity, 'dropped', NULL, NULL, NULL, NULL, 'along', NULL, NULL, NULL, NULL
FROM filled f WHERE f.kind = 'column' AND f.old ? 'given' AND NOT allow_drop
UNION ALL SELECT 0, f.number, f.kind, f.identity, 'options', schemaguard.sg_sync_fill('a snapshot hides the values of {hidden}', f.new), NULL, NULL, NULL, 'hidden', NULL, NULL, NULL, NULL
FROM filled f WHERE f.new ? 'hidden' AND (f.state = 'missing' OR f.again OR f.changes && '{options,server_options}')
UNION ALL
SELECT 0, o.number, o.kind, coalesce(o.identity, o.target_identity), o.state, 'a snapshot knows no connection of a subscription', NULL, NULL, NULL, 'beyond', NULL, NULL, NULL, NULL
FROM object o WHERE o.kind = 'subscription'
UNION ALL
SELECT 0, o.number, o.kind, o.identity, 'validated', schemaguard.sg_sync_fill('the server refuses ALTER {above} VALIDATE CONSTRAINT {name|I} while {held} holds values of it: give that another type, run the statement, and the type again', o.new),
    NULL, NULL, NULL, 'beyond', NULL, NULL, NULL, NULL
FROM object o WHERE o.kind = 'constraint' AND o.new ? 'held' AND (o.new ->> 'validated')::boolean AND (o.state = 'missing' OR o.changes && '{validated,expression}')
UNION ALL
SELECT 0, p.number, p.kind, coalesce(p.identity, p.target_identity), CASE WHEN p.unknown IS NOT NULL THEN 'could not be read' WHEN p.score IS NULL THEN 'waits' ELSE 'asked' END,
    coalesce(p.unknown, schemaguard.sg_sync_question(p.kind, p.target_identity, p.score, p.withheld)), NULL, p.target_identity, p.identity, CASE WHEN p.unknown IS NULL THEN 'asked' ELSE 'unknown' END, NULL, NULL, NULL, NULL
FROM pair p WHERE p.unknown IS NOT NULL OR p.withheld IS NOT NULL
UNION ALL
SELECT 0, p.number, p.kind, coalesce(p.identity, p.target_identity), CASE WHEN p.any_properties ? 'extension' THEN 'belongs to an extension' ELSE 'is a partition' END, NULL, NULL, NULL, NULL, 'unmanaged', NULL, NULL, NULL, NULL
FROM pair p LEFT JOIN managed m ON m.number = p.number
WHERE m.number IS NULL AND p.unknown IS NULL AND p.withheld IS NULL AND p.state <> 'same' AND (p.any_properties ? 'extension' OR p.kind = 'table' AND p.any_properties ? 'partition_of')
ORDER BY 1, 2
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_statements(schemaguard.sync_pair[], text, text, boolean, boolean, boolean, boolean)
    IS 'the statements of sg_sync_sql(), in order, each with its guard';
