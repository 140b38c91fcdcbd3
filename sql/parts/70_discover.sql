-- Discovery: the foreign keys that are missing

CREATE TABLE schemaguard.discovery_weight (
    signal text NOT NULL,
    weight float8 NOT NULL,
    -- fitted on real schemas; a row of the user's own counts instead
    source text NOT NULL DEFAULT 'user' CHECK (source IN ('fitted', 'user')),
    PRIMARY KEY (signal, source)
);
COMMENT ON TABLE schemaguard.discovery_weight
    IS 'weights of discovery''s signals; add a row of source user to change one';
COMMENT ON COLUMN schemaguard.discovery_weight.signal IS 'name of the signal, as in evidence of sg_discover_fks';
COMMENT ON COLUMN schemaguard.discovery_weight.weight
    IS 'amount that the signal adds to the sum; for calibration rows, the chance that a proposal is right';
COMMENT ON COLUMN schemaguard.discovery_weight.source
    IS 'origin of the weight: fitted, as shipped; user, which replaces the shipped weight';
GRANT SELECT ON schemaguard.discovery_weight TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_weight', 'WHERE source = ''user''');

CREATE TABLE schemaguard.discovery_word (
    word text NOT NULL,
    class text NOT NULL CHECK (class IN ('id', 'number', 'name', 'kind', 'self', 'actor', 'person', 'personal', 'login',
                                         'external', 'general', 'measure', 'plural', 'singular', 'none')),
    means text,
    source text NOT NULL DEFAULT 'user' CHECK (source IN ('shipped', 'user')),
    PRIMARY KEY (word, class, source)
);
COMMENT ON TABLE schemaguard.discovery_word
    IS 'words in names that guide discovery; a row of source user replaces all shipped rows of its word';
COMMENT ON COLUMN schemaguard.discovery_word.word
    IS 'word in lower case; of class plural, a whole word, or after a hyphen an ending; of class singular, an ending';
COMMENT ON COLUMN schemaguard.discovery_word.class
    IS 'meaning of the word; none: no meaning; singular: a plural only if the resulting word occurs in a name';
COMMENT ON COLUMN schemaguard.discovery_word.means IS 'replacement of the word or its ending, for classes plural and singular';
COMMENT ON COLUMN schemaguard.discovery_word.source IS 'origin of the word: shipped, or user';
GRANT SELECT ON schemaguard.discovery_word TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_word', 'WHERE source = ''user''');

CREATE TABLE schemaguard.discovery_feedback (
    id            bigint PRIMARY KEY,
    verdict       text NOT NULL CHECK (verdict IN ('accepted', 'rejected')),
    -- as sg_discover_fks shows them, columns joined by commas; null is any
    child_table   text,
    child_columns text,
    parent_table  text,
    -- these three are regular expressions; one that is malformed raises 2201B here
    pattern       boolean NOT NULL DEFAULT false,
    note          text,
    role          text NOT NULL DEFAULT CURRENT_USER,
    at            timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CHECK (child_table IS NOT NULL OR child_columns IS NOT NULL OR parent_table IS NOT NULL),
    -- a test that no planner takes for always true
    CHECK (NOT pattern OR child_table IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', child_table,
        '')) OPERATOR(pg_catalog.>=) 0),
    CHECK (NOT pattern OR child_columns IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', child_columns,
        '')) OPERATOR(pg_catalog.>=) 0),
    CHECK (NOT pattern OR parent_table IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', parent_table,
        '')) OPERATOR(pg_catalog.>=) 0)
);
CREATE SEQUENCE schemaguard.discovery_feedback_id_seq OWNED BY schemaguard.discovery_feedback.id;
ALTER TABLE schemaguard.discovery_feedback
    ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.discovery_feedback_id_seq');
COMMENT ON TABLE schemaguard.discovery_feedback
    IS 'proposals of discovery that were accepted or rejected; only the table''s owner may write, unless it grants that';
COMMENT ON COLUMN schemaguard.discovery_feedback.id IS 'number of the row';
COMMENT ON COLUMN schemaguard.discovery_feedback.verdict IS 'verdict: accepted or rejected';
COMMENT ON COLUMN schemaguard.discovery_feedback.child_table IS 'referencing table, as sg_discover_fks shows it; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.child_columns IS 'referencing columns, joined by commas; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.parent_table IS 'referenced table; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.pattern IS 'true if the tables and columns are regular expressions';
COMMENT ON COLUMN schemaguard.discovery_feedback.note IS 'reason for the verdict, for people';
COMMENT ON COLUMN schemaguard.discovery_feedback.role IS 'role that gave the verdict';
COMMENT ON COLUMN schemaguard.discovery_feedback.at IS 'time of the verdict';
GRANT SELECT ON schemaguard.discovery_feedback TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_feedback', '');
GRANT SELECT ON SEQUENCE schemaguard.discovery_feedback_id_seq TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_feedback_id_seq', '');

-- Reads the catalogs once for the whole database: discovery starts from these rows. Tables of extensions, temporary ones and the
-- system's own are left out; partitions are there, marked, since keys belong to the table that they are partitions of. Tables and keys
-- are in the order of their names and columns: where two do alike, what is proposed must not hang on how the catalogs lie on disk.
CREATE FUNCTION schemaguard.sg_discovery_tables(
    reader oid,                  -- the role that asks
    OUT relid     oid,
    OUT schema    oid,
    OUT name      name,
    OUT partition boolean,
    OUT unlogged  boolean,
    OUT tuples    float4,
    OUT columns   int2,
    OUT readable  boolean)       -- a column of it, if not all
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.oid, c.relnamespace, c.relname, c.relispartition, c.relpersistence = 'u', c.reltuples, c.relnatts,
           has_any_column_privilege(reader, c.oid, 'SELECT')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND c.relpersistence <> 't'
      -- null: it is gone
      AND has_any_column_privilege(reader, c.oid, 'SELECT') IS NOT NULL
      AND n.nspname <> 'pg_catalog' AND n.oid NOT IN (SELECT k.oid FROM schemaguard.attic k)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
          AND d.deptype = 'e')
    ORDER BY c.relname COLLATE "C", n.nspname COLLATE "C", c.oid;
END;
COMMENT ON FUNCTION schemaguard.sg_discovery_tables(oid)
    IS 'returns the tables that discovery examines';

CREATE FUNCTION schemaguard.sg_discovery_columns(
    OUT relid       oid,
    OUT number      int2,
    OUT name        name,
    OUT type        oid,
    OUT typmod      int4,
    OUT "collation" oid,
    OUT not_null    boolean,
    OUT has_default boolean,
    OUT own         boolean,     -- its values are made for it: a serial column has a default that calls nextval()
    OUT base        oid,         -- what a domain is made of; null: an array, a row and the like
    OUT category    "char",
    OUT refers      boolean)     -- there are references of such a type
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE made AS (
        SELECT d.oid, d.typbasetype AS base FROM pg_type d WHERE d.typtype = 'd'
        UNION ALL
        SELECT m.oid, d.typbasetype FROM made m JOIN pg_type d ON d.oid = m.base AND d.typtype = 'd'),
    type AS MATERIALIZED (
        SELECT t.oid, b.oid AS base, b.typcategory AS category,
               b.typcategory IN ('N', 'S', 'U', 'E', 'I', 'V') AND b.oid NOT IN (
                   'float4'::regtype, 'float8'::regtype, 'money'::regtype, 'json'::regtype, 'jsonb'::regtype, 'xml'::regtype,
                   'tsvector'::regtype, 'tsquery'::regtype) OR b.oid = 'date'::regtype AS refers
        FROM pg_type t
             LEFT JOIN made m ON m.oid = t.oid
             JOIN pg_type b ON b.oid = coalesce(m.base, t.oid)
        WHERE t.typtype IN ('b', 'd', 'e') AND b.typtype IN ('b', 'e') AND b.typcategory <> 'A')
    SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attnotnull, a.atthasdef,
           a.attidentity <> '' OR coalesce(d.adbin::text LIKE (SELECT format('%%:funcid %s %%', 'nextval(regclass)'::regprocedure::oid)),
               false), t.base, t.category, t.refers
    FROM pg_attribute a
         LEFT JOIN type t ON t.oid = a.atttypid
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef
    WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
      AND NOT EXISTS (SELECT FROM schemaguard.kept_column k WHERE k.relid = a.attrelid AND k.number = a.attnum);
END;
COMMENT ON FUNCTION schemaguard.sg_discovery_columns()
    IS 'returns the columns of the tables that discovery examines';

-- Columns that are a key in a table are taken for one in those that inherit from it, though no foreign key can refer to it there
CREATE FUNCTION schemaguard.sg_discovery_indexed(
    OUT relid         oid,
    OUT number        int2,
    OUT own           boolean,   -- it inherits its values from a key
    OUT leads_any     boolean,   -- an index begins with it ..
    OUT leads_index   boolean,   -- .. that is not unique
    OUT in_primary    boolean,
    OUT alone_unique  boolean,
    OUT alone_primary boolean)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE heir AS (
        SELECT i.inhrelid AS relid, i.inhparent AS ancestor
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE NOT c.relispartition
        UNION
        SELECT h.relid, i.inhparent FROM heir h JOIN pg_inherits i ON i.inhrelid = h.ancestor),
    indexed AS MATERIALIZED (
        SELECT i.indrelid AS relid, k.number,
               bool_or(k.place = 1 AND i.indpred IS NULL) AS leads_any, bool_or(k.place = 1 AND NOT i.indisunique) AS leads_index,
               bool_or(u.is_key AND i.indisprimary) AS in_primary, bool_or(u.is_key AND i.indnkeyatts = 1) AS alone_unique,
               bool_or(u.is_key AND i.indnkeyatts = 1 AND i.indisprimary) AS alone_primary
        FROM pg_index i
             CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place)
             CROSS JOIN LATERAL (SELECT i.indisunique AND i.indimmediate AND NOT i.indisexclusion AND i.indpred IS NULL
                 AND i.indexprs IS NULL AS is_key) u
        WHERE i.indislive AND i.indisvalid AND k.place <= i.indnkeyatts AND i.indrelid >= 16384
        GROUP BY i.indrelid, k.number)
    SELECT x.relid, x.number, false, x.leads_any, x.leads_index, x.in_primary, x.alone_unique, x.alone_primary
    FROM indexed x
    UNION ALL
    SELECT h.relid, a.attnum, p.own OR coalesce(x.alone_unique, false), false, false, coalesce(x.in_primary, false),
        coalesce(x.alone_unique, false),
           coalesce(x.alone_primary, false)
    FROM heir h
         JOIN schemaguard.sg_discovery_columns() p ON p.relid = h.ancestor
         JOIN pg_attribute a ON a.attrelid = h.relid AND a.attname = p.name
         LEFT JOIN indexed x ON x.relid = h.ancestor AND x.number = p.number;
END;
COMMENT ON FUNCTION schemaguard.sg_discovery_indexed()
    IS 'returns facts from indexes about columns, including the indexes of the tables from which they inherit';

-- The primary key comes first among several keys of the same columns
CREATE FUNCTION schemaguard.sg_discovery_keys(
    OUT relid     oid,
    OUT "primary" boolean,
    OUT length    int2,
    OUT columns   int2vector)    -- and what the index includes
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT i.indrelid, i.indisprimary, i.indnkeyatts, i.indkey
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indrelid >= 16384 AND i.indislive AND i.indisvalid AND i.indisunique AND i.indimmediate AND NOT i.indisexclusion
      AND i.indpred IS NULL AND i.indexprs IS NULL
    ORDER BY c.relname COLLATE "C", n.nspname COLLATE "C", c.oid, i.indisprimary DESC, i.indkey::int2[];
END;
COMMENT ON FUNCTION schemaguard.sg_discovery_keys()
    IS 'returns the unique indexes that a foreign key could refer to';

-- Which tables and columns a row of schemaguard.discovery_feedback means; what is no name at all is that of no table
CREATE FUNCTION schemaguard.sg_discovery_rules(
    OUT accepted boolean,
    OUT pattern  boolean,
    OUT columns  text,
    OUT children int[],          -- OIDs; null: any
    OUT parents  int[],
    OUT numbers  int[])          -- of the columns, if it accepts and names all
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH named AS MATERIALIZED (
        SELECT c.oid, format('%I.%I', n.nspname, c.relname) COLLATE "C" AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p'))
    SELECT f.verdict = 'accepted', f.pattern, f.child_columns,
           CASE WHEN f.child_table IS NOT NULL THEN
               ARRAY(SELECT t.oid::int FROM named t WHERE CASE WHEN f.pattern THEN t.name ~ f.child_table ELSE t.name = f.child_table END)
                   END,
           CASE WHEN f.parent_table IS NOT NULL THEN
               ARRAY(SELECT t.oid::int FROM named t WHERE CASE WHEN f.pattern THEN t.name ~ f.parent_table
                   ELSE t.name = f.parent_table END) END,
           (SELECT array_agg(coalesce(a.attnum::int, 0) ORDER BY u.place)
            FROM named t CROSS JOIN string_to_table(f.child_columns, ',') WITH ORDINALITY u (name, place)
                 LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = u.name AND NOT a.attisdropped
            WHERE t.name = f.child_table AND f.parent_table IS NOT NULL AND NOT f.pattern AND f.verdict = 'accepted')
    FROM schemaguard.discovery_feedback f
    ORDER BY f.id;
END;
COMMENT ON FUNCTION schemaguard.sg_discovery_rules()
    IS 'returns the feedback on proposals, with the tables and columns to which each row applies';

-- Proposals as they are found; sg_discovered() says what there is to say of them
CREATE FUNCTION schemaguard.sg_discovery(
    child     schemaguard.table_name,
    min_score float8,
    verify    text,
    schemas   text[],
    every     boolean,   -- candidate, with its signals; else what is proposed
    OUT score            float8,
    OUT child_table      text,
    OUT child_columns    text[],
    OUT parent_table     text,
    OUT parent_columns   text[],
    OUT orphan_rows      bigint,
    OUT rows_checked     bigint,
    OUT whole            boolean,   -- these were all rows
    OUT reason           text,
    OUT evidence         jsonb,
    OUT asked            boolean,   -- else it is there because it may be the opposite of one that is
    OUT column_number    int,       -- among those of the database
    OUT key_number       int,
    OUT key_column       int,
    OUT one_to_one       boolean,
    OUT tied             boolean,   -- another key does as well
    OUT accepted         boolean,   -- by a user
    OUT column_name      text,      -- the one that says most
    OUT parent_name      text,
    OUT name_match       text,      -- what of the table's name the column's has: whole, tail, head
    OUT words_before     boolean,
    OUT key_match        boolean,
    OUT key_words_before boolean,
    OUT self_word        boolean,
    OUT actor_word       boolean,
    OUT by_rows          boolean,   -- no name suggests it
    OUT others           int,       -- keys that have the values, too, and are less likely
    OUT leads            boolean,   -- of several columns, one bears the parent's name
    OUT taught           int,       -- columns that refer there
    OUT taught_by_name   boolean,
    OUT parent           oid,
    OUT parent_primary   boolean,
    OUT nullable         boolean,
    OUT indexed          boolean,
    OUT same_types       boolean,
    OUT link_table       boolean,   -- the child does nothing but link tables
    OUT child_rows       float8,    -- -1: nobody has counted them
    OUT competition      int)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_discovery';
COMMENT ON FUNCTION schemaguard.sg_discovery(schemaguard.table_name, float8, text, text[], boolean)
    IS 'returns missing foreign keys, or every candidate with its signals';

CREATE FUNCTION schemaguard.sg_discovery_candidates(
    verify text DEFAULT 'none',
    OUT competition    int,
    OUT child_table    text,
    OUT child_columns  text[],
    OUT parent_table   text,
    OUT parent_columns text[],
    OUT score          float8,
    OUT signals        text[],
    OUT "values"       float4[])
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.competition, d.child_table, d.child_columns, d.parent_table, d.parent_columns, d.score,
           ARRAY(SELECT s.signal ->> 'signal' FROM jsonb_array_elements(d.evidence -> 'signals') WITH ORDINALITY s (signal, place)
               ORDER BY s.place),
           ARRAY(SELECT (s.signal ->> 'value')::float4 FROM jsonb_array_elements(d.evidence -> 'signals') WITH ORDINALITY s (signal, place)
               ORDER BY s.place)
    FROM schemaguard.sg_discovery(NULL, 0, verify, NULL, true) d;
END;
REVOKE ALL ON FUNCTION schemaguard.sg_discovery_candidates(text) FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_discovery_candidates(text)
    IS 'returns every candidate of discovery with the signals from which the weights are fitted';

-- The surest first; of two tables that could refer to each other one to one, only the surer.  In words: why, in one sentence (what
-- the name says, the type, what is declared, the rows, and which other parent there would be), ON DELETE, an index.
CREATE FUNCTION schemaguard.sg_discovered(
    child     schemaguard.table_name,
    min_score float8,
    verify    text,
    schemas   text[],
    OUT score            float8,
    OUT result           text,
    OUT child_table      text,
    OUT child_columns    text[],
    OUT parent_table     text,
    OUT parent_columns   text[],
    OUT orphan_rows      bigint,
    OUT rows_checked     bigint,
    OUT why              text,
    OUT reason           text,
    OUT on_delete        text,
    OUT on_delete_reason text,
    OUT index            boolean,
    OUT index_reason     text,
    OUT evidence         jsonb,
    OUT column_number    int,
    OUT key_number       int,
    OUT tied             boolean)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH found AS MATERIALIZED (
        SELECT * FROM schemaguard.sg_discovery(child, min_score, verify, schemas, false)),
    -- what four of five declared keys to a parent do, if it has three or more; of all keys: no parent
    habit AS MATERIALIZED (
        SELECT h.parent, h.action
        FROM (SELECT k.confrelid AS parent, k.confdeltype AS action, count(*) AS keys,
            sum(count(*)) OVER (PARTITION BY k.confrelid) AS all_keys
              FROM pg_constraint k
              WHERE k.contype = 'f' AND k.conparentid = 0
              GROUP BY GROUPING SETS ((k.confrelid, k.confdeltype), (k.confdeltype))) h
        WHERE h.all_keys >= 3 AND h.keys >= 0.8 * h.all_keys)
    SELECT round(f.score::numeric, 2)::float8,
           CASE WHEN lower(verify) = 'none' THEN 'skipped'
                WHEN coalesce(f.rows_checked, 0) = 0 THEN 'unknown'
                WHEN f.orphan_rows > 0 THEN 'fail'
                WHEN f.whole THEN 'pass'
                ELSE 'unknown' END,
           f.child_table, f.child_columns, f.parent_table, f.parent_columns, f.orphan_rows, f.rows_checked,
           concat(named.words,
                  CASE WHEN f.leads AND NOT f.accepted THEN ', and the other columns of its key are beside it' END,
                  CASE WHEN f.same_types THEN
                      format(', with the type%s of its %s key', CASE WHEN cardinality(f.child_columns) > 1 THEN 's' END,
                             CASE WHEN f.parent_primary THEN 'primary' ELSE 'unique' END) END,
                  CASE WHEN f.taught > 0 THEN
                      format(CASE f.taught WHEN 1 THEN '; %s other column of that %s refers there'
                          ELSE '; %s other columns of that %s refer there' END,
                             f.taught, CASE WHEN f.taught_by_name THEN 'name' ELSE 'ending' END) END,
                  CASE WHEN f.rows_checked = 0 THEN '; no row' || sample.words || ' refers to anything'
                       WHEN f.orphan_rows = 0 THEN format('; no orphan in %s rows%s', f.rows_checked, sample.words)
                       WHEN f.orphan_rows > 0 THEN format('; %s of %s rows%s are orphans', f.orphan_rows, f.rows_checked, sample.words) END,
                  CASE WHEN next.score >= 0.1 THEN format('; else %s (%s)', f.evidence #>> '{next,parent}', round(next.score, 2)) END),
           CASE WHEN lower(verify) = 'none' THEN 'no row was read: verify is none'
                WHEN f.rows_checked = 0 THEN 'there are no rows that refer to anything'
                WHEN f.rows_checked IS NULL THEN
                    coalesce(f.reason, 'names and statistics speak so much against it that no row was read')
                WHEN f.whole THEN f.reason
                WHEN f.orphan_rows > 0 THEN 'orphans in a sample of the blocks'
                ELSE 'no orphan in a sample of the blocks' END,
           removal.action, removal.reason,
           NOT f.indexed,
           CASE WHEN f.indexed THEN 'an index begins with the column'
                WHEN f.child_rows >= 0 AND f.child_rows < 1000 THEN 'no index begins with the column; the table is small now'
                ELSE 'no index begins with the column: each delete in the parent would read the whole child' END,
           f.evidence, f.column_number, f.key_number, f.tied
    FROM found f
         LEFT JOIN habit own ON own.parent = f.parent
         LEFT JOIN habit usual ON usual.parent IS NULL
         CROSS JOIN LATERAL (SELECT CASE WHEN f.whole THEN '' ELSE ' of a sample' END AS words) sample
         CROSS JOIN LATERAL (SELECT (f.evidence #>> '{next,score}')::numeric AS score) next
         CROSS JOIN LATERAL (
             SELECT CASE WHEN f.accepted THEN 'a user has accepted it'
                         WHEN cardinality(f.child_columns) > 1 AND NOT f.leads THEN
                             format('(%s) is called like a key of %I',
                                 (SELECT string_agg(quote_ident(c), ', ' ORDER BY o) FROM unnest(f.child_columns) WITH ORDINALITY u (c, o)),
                                    f.parent_name)
                         WHEN f.name_match IS NOT NULL THEN
                             format('%I %s %I%s', f.column_name,
                                    CASE WHEN f.name_match = 'tail' THEN 'is called after the end of the name of'
                                         WHEN f.words_before THEN 'ends in the name of'
                                         ELSE 'is called after' END,
                                    f.parent_name,
                                    CASE WHEN NOT f.key_match THEN ''
                                         WHEN f.key_words_before AND NOT f.words_before THEN ' and ends in the name of its key'
                                         ELSE ' and its key' END)
                         WHEN f.key_match THEN
                             format('%I %s the name of the key of %I', f.column_name, CASE WHEN f.key_words_before THEN 'ends in'
                                 ELSE 'has' END, f.parent_name)
                         WHEN f.self_word THEN format('%I says that it is another row of the same table', f.column_name)
                         WHEN f.actor_word THEN format('%I says who acts, and people are in %I', f.column_name, f.parent_name)
                         WHEN f.by_rows THEN
                             format(CASE f.others WHEN 0 THEN 'the values of %I are keys of %I' WHEN 1
                                 THEN 'the values of %I are keys of %I rather than of another table that has them, too'
                                                  ELSE 'the values of %I are keys of %I rather than of %s other tables that have them, too'
                                                      END,
                                    f.column_name, f.parent_name, f.others)
                         ELSE format('%I may mean %I', f.column_name, f.parent_name) END AS words) named
         CROSS JOIN LATERAL (
             SELECT CASE h.action WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default'
                 ELSE 'no action' END AS action,
                    h.reason
             FROM (VALUES (1::int8, own.action, 'declared keys to this parent do so'),
                          (2, CASE WHEN own.action IS NULL THEN usual.action END, 'most declared keys of this database do so'),
                          (3, CASE WHEN f.link_table AND f.child_rows > 1000000
                              THEN 'a'::"char" END, 'a link table, but so large that a cascade would hold locks for long'),
                          (4, CASE WHEN f.link_table THEN 'c'::"char" END, 'a link table: its rows mean nothing without the parent''s'),
                          (5, CASE WHEN f.nullable THEN 'n'::"char" END, 'the column may be null: the row can stay without its parent'),
                          (6, 'a'::"char", 'the column is not null: nothing should go unasked')) h (place, action, reason)
             WHERE h.action IS NOT NULL AND (h.action <> 'n' OR f.nullable)
             ORDER BY h.place LIMIT 1) removal
    WHERE f.asked
      AND NOT EXISTS (SELECT FROM found o
                      WHERE o.one_to_one AND o.column_number = f.key_column AND o.key_column = f.column_number
                        AND cardinality(f.child_columns) = 1 AND o.score > f.score)
    -- printing a body looks for the operator class of what it sorts by; of int a broken catalog may have two, and a snapshot prints it
    ORDER BY f.score DESC, f.column_number::int8, f.key_number::int8;
END;
COMMENT ON FUNCTION schemaguard.sg_discovered(schemaguard.table_name, float8, text, text[])
    IS 'returns missing foreign keys, with reasons in words';

CREATE FUNCTION schemaguard.sg_discover_fks_body(
    child     schemaguard.table_name,
    min_score float8,
    verify    text,
    schemas   schemaguard.names,
    OUT score            float8,
    OUT result           text,
    OUT child_table      text,
    OUT child_columns    text[],
    OUT parent_table     text,
    OUT parent_columns   text[],
    OUT orphan_rows      bigint,
    OUT rows_checked     bigint,
    OUT why              text,
    OUT reason           text,
    OUT on_delete        text,
    OUT on_delete_reason text,
    OUT index            boolean,
    OUT index_reason     text,
    OUT evidence         jsonb)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.score, d.result, d.child_table, d.child_columns, d.parent_table, d.parent_columns, d.orphan_rows, d.rows_checked,
           d.why, d.reason, d.on_delete, d.on_delete_reason, d.index, d.index_reason, d.evidence
    FROM schemaguard.sg_discovered(child, min_score, verify, schemas) d;
END;
COMMENT ON FUNCTION schemaguard.sg_discover_fks_body(schemaguard.table_name, float8, text, schemaguard.names)
    IS 'does the work of sg_discover_fks_details()';

CREATE FUNCTION sg_discover_fks_details(
    child     schemaguard.table_name DEFAULT NULL,
    min_score float8 DEFAULT 0.4,
    verify    text DEFAULT 'sample',
    schemas   schemaguard.names DEFAULT NULL,
    OUT score            float8,
    OUT result           text,
    OUT child_table      text,
    OUT child_columns    text[],
    OUT parent_table     text,
    OUT parent_columns   text[],
    OUT orphan_rows      bigint,
    OUT rows_checked     bigint,
    OUT why              text,
    OUT reason           text,
    OUT on_delete        text,
    OUT on_delete_reason text,
    OUT index            boolean,
    OUT index_reason     text,
    OUT evidence         jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_discover_fks_details(schemaguard.table_name, float8, text, schemaguard.names)
    IS 'all columns of sg_discover_fks()';

CREATE FUNCTION schemaguard.sg_discover_unmatched(
    schemas schemaguard.names DEFAULT NULL,
    OUT table_name text,
    OUT columns    text[],
    OUT reason     text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_discover_unmatched';
COMMENT ON FUNCTION schemaguard.sg_discover_unmatched(schemaguard.names)
    IS 'returns columns that look like a reference but match no table';

-- Proposals that sg_plan_from_discovery() adds
CREATE FUNCTION schemaguard.sg_discovered_steps(
    plan      text,
    min_score float8,
    OUT child_table    text,
    OUT child_columns  text[],
    OUT parent_table   text,
    OUT parent_columns text[],
    OUT reason         text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.child_table, d.child_columns, d.parent_table, d.parent_columns,
           format('proposed with score %s (%s); on delete %s would suit: %s; %s', to_char(d.score, 'FM0.00'), d.why, d.on_delete,
               d.on_delete_reason, d.index_reason)
    FROM schemaguard.sg_discovered(NULL, min_score, 'sample', NULL) d
    WHERE NOT d.tied
      AND NOT EXISTS (SELECT FROM schemaguard.plan_step s
                      WHERE s.plan = sg_discovered_steps.plan AND s.kind = 'foreign key' AND s.child_table = d.child_table
                        AND s.child_columns = d.child_columns AND s.parent_table = d.parent_table)
    ORDER BY d.column_number::int8, d.key_number::int8;
END;
COMMENT ON FUNCTION schemaguard.sg_discovered_steps(text, float8)
    IS 'returns the steps for keys that discovery proposes and a plan lacks';

CREATE FUNCTION sg_plan_from_discovery(plan text, min_score float8 DEFAULT 0.8)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_from_discovery';
COMMENT ON FUNCTION sg_plan_from_discovery(text, float8)
    IS 'adds the keys that discovery proposes to a plan; returns the number of steps added';
