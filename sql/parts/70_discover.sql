-- Discovery: the foreign keys that are missing

CREATE TABLE schemaguard.discovery_weight (
    signal text NOT NULL,
    weight float8 NOT NULL,
    -- fitted on real schemas; a row of the user's own counts instead
    source text NOT NULL DEFAULT 'user' CHECK (source IN ('fitted', 'user')),
    PRIMARY KEY (signal, source)
);
COMMENT ON TABLE schemaguard.discovery_weight
    IS 'what each signal of discovery weighs; add a row of source user to change one';
COMMENT ON COLUMN schemaguard.discovery_weight.signal IS 'name of the signal, as in evidence of sg_discover_fks';
COMMENT ON COLUMN schemaguard.discovery_weight.weight IS 'what it adds to the sum; of calibration rows, the chance that a proposal is right';
COMMENT ON COLUMN schemaguard.discovery_weight.source IS 'fitted: as shipped; user: counts instead';
GRANT SELECT ON schemaguard.discovery_weight TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_weight', 'WHERE source = ''user''');

CREATE TABLE schemaguard.discovery_word (
    word text NOT NULL,
    class text NOT NULL CHECK (class IN ('id', 'number', 'name', 'kind', 'created', 'self', 'actor', 'person', 'personal', 'login',
                                         'external', 'general', 'measure', 'log', 'plural', 'none')),
    means text,
    source text NOT NULL DEFAULT 'user' CHECK (source IN ('shipped', 'user')),
    PRIMARY KEY (word, class, source)
);
COMMENT ON TABLE schemaguard.discovery_word
    IS 'words of names that say something to discovery; a row of source user counts instead of all that are shipped for its word';
COMMENT ON COLUMN schemaguard.discovery_word.word IS 'in lower case; of class plural, a whole word, or after a hyphen the end of one';
COMMENT ON COLUMN schemaguard.discovery_word.class IS 'what it says; none: nothing';
COMMENT ON COLUMN schemaguard.discovery_word.means IS 'of class plural: what the word or its end becomes';
COMMENT ON COLUMN schemaguard.discovery_word.source IS 'shipped, or of a user';
GRANT SELECT ON schemaguard.discovery_word TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_word', 'WHERE source = ''user''');

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
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_discovery_candidates';
COMMENT ON FUNCTION schemaguard.sg_discovery_candidates(text)
    IS 'every candidate of discovery with its signals, as the weights are fitted from them';

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
    CHECK (NOT pattern OR child_table IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', child_table, '')) OPERATOR(pg_catalog.>=) 0),
    CHECK (NOT pattern OR child_columns IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', child_columns, '')) OPERATOR(pg_catalog.>=) 0),
    CHECK (NOT pattern OR parent_table IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', parent_table, '')) OPERATOR(pg_catalog.>=) 0)
);
CREATE SEQUENCE schemaguard.discovery_feedback_id_seq OWNED BY schemaguard.discovery_feedback.id;
ALTER TABLE schemaguard.discovery_feedback
    ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.discovery_feedback_id_seq');
COMMENT ON TABLE schemaguard.discovery_feedback
    IS 'proposals of discovery that were accepted or rejected; its owner writes it, and may grant that';
COMMENT ON COLUMN schemaguard.discovery_feedback.id IS 'number of the row';
COMMENT ON COLUMN schemaguard.discovery_feedback.verdict IS 'accepted or rejected';
COMMENT ON COLUMN schemaguard.discovery_feedback.child_table IS 'the child, as sg_discover_fks shows it; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.child_columns IS 'its columns, joined by commas; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.parent_table IS 'the parent; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.pattern IS 'are these three regular expressions?';
COMMENT ON COLUMN schemaguard.discovery_feedback.note IS 'why, for people';
COMMENT ON COLUMN schemaguard.discovery_feedback.role IS 'who said so';
COMMENT ON COLUMN schemaguard.discovery_feedback.at IS 'when';
GRANT SELECT ON schemaguard.discovery_feedback TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_feedback', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_feedback_id_seq', '');

CREATE FUNCTION sg_discover_fks(
    child     regclass DEFAULT NULL,
    min_score float8 DEFAULT 0.4,
    verify    text DEFAULT 'sample',
    schemas   text[] DEFAULT NULL,
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
AS 'MODULE_PATHNAME', 'sg_discover_fks';
COMMENT ON FUNCTION sg_discover_fks(regclass, float8, text, text[])
    IS 'the foreign keys that are missing, with the chance that each is right, and why';

CREATE FUNCTION sg_discover_unmatched(
    schemas text[] DEFAULT NULL,
    OUT table_name text,
    OUT columns    text[],
    OUT reason     text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_discover_unmatched';
COMMENT ON FUNCTION sg_discover_unmatched(text[])
    IS 'columns that look like a reference and match nothing';

CREATE FUNCTION sg_plan_from_discovery(plan text, min_score float8 DEFAULT 0.8)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_from_discovery';
COMMENT ON FUNCTION sg_plan_from_discovery(text, float8)
    IS 'add the keys that discovery proposes to a plan; returns the number of steps added';
