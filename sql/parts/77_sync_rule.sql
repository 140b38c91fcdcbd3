-- Sync: what is one object under two names, and what looks so and is two. Without a word of somebody's it is left alone.
CREATE TABLE schemaguard.rename (
    kind     text NOT NULL,
    old      text NOT NULL,                 -- what the target calls it
    new      text NOT NULL,                 -- what the reference does
    same     boolean NOT NULL DEFAULT true, -- one object? false: two
    added_by text NOT NULL DEFAULT CURRENT_USER,
    added_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (kind, old, new)
);
COMMENT ON TABLE schemaguard.rename
    IS 'answers of people about different names in reference and target: one renamed object, or two objects';
COMMENT ON COLUMN schemaguard.rename.kind IS 'kind of object: table, column, type and so on';
COMMENT ON COLUMN schemaguard.rename.old IS 'identity in the target';
COMMENT ON COLUMN schemaguard.rename.new IS 'identity in the reference';
COMMENT ON COLUMN schemaguard.rename.same IS 'true if both names are of one object; false: they are two objects';
COMMENT ON COLUMN schemaguard.rename.added_by IS 'role that gave the answer';
COMMENT ON COLUMN schemaguard.rename.added_at IS 'time of the answer';
GRANT SELECT ON schemaguard.rename TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.rename TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.rename', '');

-- Sync: how what is written for each kind of object. sql/sync/ holds the rows: templates as src/sync/sync_template.c reads
-- them, filled with what sg_sync_object() makes of an object. "old" is the same of the target's object.
--
-- kind       kinds, or * for all
-- step       create; alter; drop; rebuild: with this change (if the template
--            applies) the object is dropped and made anew, and so is what depends on it; touch: only what depends on it is;
--            beyond: this change can't be made (the template says why); cost: what a statement about this property, or that
--            is "created" or "replaced", does to others; at: where the catalog has the object, "o", with its owner's column in
--            "state"; is: a property of it, from there
-- property   what an alter, rebuild, touch or beyond is about, several with blanks; of a drop: with these changes its state is asked
--            before the object is made anew
-- section    1 enum labels; 2 structure; 3 indexes, outside of transactions; 4 keys, not valid; 5 validation; 6 the end
-- anew       of an alter: also for an object that has just been made
-- state      what the guard asks. null: the property; =a b: these properties; ?x: the expression x, which is "before" or "after", or
--            else says what is wrong
-- loss       what goes away: the statement is a comment then, unless drops are allowed
CREATE FUNCTION schemaguard.sg_sync_rules(
    OUT kind text, OUT step text, OUT property text, OUT section int, OUT anew boolean, OUT statement text,
    OUT state text, OUT loss text, OUT number bigint)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT k, r.step, r.property, r.section, r.anew, r.statement, r.state, r.loss, r.number
FROM (SELECT *, row_number() OVER () AS number FROM (
\ir ../sync/*.sql
) x) r (kind, step, property, section, anew, statement, state, loss, number),
    unnest(string_to_array(r.kind, '|')) k
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_rules()
    IS 'returns the templates of the statements that sg_sync_sql() writes';

CREATE FUNCTION schemaguard.sg_sync_fill(template text, object jsonb)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_sync_fill';
COMMENT ON FUNCTION schemaguard.sg_sync_fill(text, jsonb)
    IS 'fills a template of sg_sync_rules() with the values of an object; null: the template does not apply';

-- Two objects that differ, or one that the other side lacks, with places in the order of making, forth and back
CREATE TYPE schemaguard.sync_pair AS (
    number int, back int, kind text,
    identity text, parent text, name text, properties jsonb,
    target_identity text, target_parent text, target_name text, target_properties jsonb,
    changes text[], unknown text,
    -- of what is taken for renamed without anybody's word; why it is left alone, or what has to be answered before it
    score float8, withheld text);
COMMENT ON TYPE schemaguard.sync_pair IS 'object with its properties on both sides of a comparison';

-- Renames that nobody has confirmed: ask (they are withheld, with what stands on them), follow, or drop (there are none)
CREATE FUNCTION schemaguard.sg_sync_pairs(reference text, target text, schemas text[], renames text)
RETURNS SETOF schemaguard.sync_pair
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_pairs';
COMMENT ON FUNCTION schemaguard.sg_sync_pairs(text, text, text[], text)
    IS 'returns the objects that differ between two snapshots, with both sides'' properties, in the order of creation';

-- Returns what is said of an object that is withheld
CREATE FUNCTION schemaguard.sg_sync_question(kind text, old text, score float8, withheld text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN score IS NULL THEN 'waits until it is said what has become of ' || withheld
    ELSE format('may be %s %s under another name (score %s%s): neither is touched', kind, old, round(score::numeric, 2),
        ': ' || withheld) END;
COMMENT ON FUNCTION schemaguard.sg_sync_question(text, text, float8, text)
    IS 'returns the remark on an object that may have been renamed, or that waits for such an object';

-- Returns a text as a literal on one line
CREATE FUNCTION schemaguard.sg_sync_literal(value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN value ~ E'[\n\r]' THEN 'E''' || replace(replace(replace(replace(value, E'\\', E'\\\\'), '''', ''''''),
        E'\n', E'\\n'), E'\r', E'\\r') || '''' ELSE quote_literal(value) END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_literal(text)
    IS 'returns a text as a literal on one line';

-- Returns the statement that answers: one object, or two
CREATE FUNCTION schemaguard.sg_sync_answer(kind text, old text, new text, same boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN format('INSERT INTO schemaguard.rename (kind, old, new, same) VALUES (%L, %s, %s, %s)'
    ' ON CONFLICT (kind, old, new) DO UPDATE SET same = excluded.same;', kind, schemaguard.sg_sync_literal(old),
    schemaguard.sg_sync_literal(new), CASE WHEN same THEN 'true' ELSE 'false' END);
COMMENT ON FUNCTION schemaguard.sg_sync_answer(text, text, text, boolean)
    IS 'returns the statement that records whether two names are of one object';

CREATE FUNCTION schemaguard.sg_sync_digest()
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_digest';
COMMENT ON FUNCTION schemaguard.sg_sync_digest()
    IS 'returns the SHA-256 of this database as of this session''s last sg_sync_pairs(); null: that read snapshots';

-- An object that statements could stand on, with what says whose code it is
CREATE TYPE schemaguard.sync_every AS (
    kind text, object text, parent text, owner text, depends jsonb, of_extension boolean, multirange text, type text, above jsonb,
    native boolean, generated boolean);
COMMENT ON TYPE schemaguard.sync_every IS 'object of either side, with the facts that tell the owner of its code';

-- Returns what statements could stand on, and what says whose code that is: objects of both sides, equal ones included. One side at
-- least is a snapshot; the pairs are those of these sides. Arguments: leave_code and leave_native as of sg_sync_statements().
CREATE FUNCTION schemaguard.sg_sync_every(
    pairs schemaguard.sync_pair[], reference text, target text, leave_code boolean, leave_native boolean)
RETURNS SETOF schemaguard.sync_every
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT e.kind, e.identity, e.parent, e.p ->> 'owner',
        CASE jsonb_typeof(e.p -> 'depends') WHEN 'array' THEN e.p -> 'depends' ELSE '[]' END,
        e.p ? 'extension',
        CASE WHEN e.p ->> 'type' = 'range' THEN coalesce(e.p ->> 'multirange', e.identity || '_multirange') END,
        e.p ->> 'type',
        CASE WHEN e.kind = 'table' THEN
            CASE jsonb_typeof(e.p -> 'inherits') WHEN 'array' THEN e.p -> 'inherits' ELSE '[]' END
                || coalesce(e.p -> 'partition_of', '[]') END,
        -- a dictionary calls code of its template when it is made
        (leave_native OR e.kind IN ('text search template', 'text search parser')) AND schemaguard.sg_sync_is_native(e.kind, e.p),
        e.kind = 'column' AND e.p ? 'generated'
    FROM (SELECT o.kind, o.identity, o.parent, o.properties FROM schemaguard.snapshot_object o
          WHERE (leave_code OR leave_native) AND o.snapshot IN (reference, target)
          UNION ALL
          SELECT p.kind, p.identity, p.parent, p.properties FROM unnest(pairs) p WHERE p.properties IS NOT NULL
          UNION ALL
          SELECT p.kind, p.target_identity, p.target_parent, p.target_properties FROM unnest(pairs) p WHERE p.target_properties IS NOT NULL
         ) e (kind, identity, parent, p)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_every(schemaguard.sync_pair[], text, text, boolean, boolean)
    IS 'returns the objects of both sides, with the facts that tell the owner of their code';
