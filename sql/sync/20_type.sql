VALUES
('type|domain', 'exists', NULL, NULL::int, NULL::boolean, 'EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typnamespace = pg_catalog.to_regnamespace({parent|L}) AND t.typname = {name|L} AND t.typisdefined)', NULL, NULL::text),
('type', 'create', NULL, 2, false, '{?type=enum}CREATE TYPE {identity} AS ENUM ([{labels|L}])', NULL, NULL),
('type', 'create', NULL, 2, false, '{?type=composite}CREATE TYPE {identity} AS ([{attributes}])', NULL, NULL),
('type', 'create', NULL, 2, false, '{?type=range}CREATE TYPE {identity} AS RANGE (SUBTYPE = {subtype}[, SUBTYPE_OPCLASS = {operator_class}][, COLLATION = {collation}][, CANONICAL = {canonical}][, SUBTYPE_DIFF = {difference}][, MULTIRANGE_TYPE_NAME = {multirange}])', NULL, NULL),
('type', 'create', NULL, 2, false, '{?type=shell}CREATE TYPE {identity}', NULL, NULL),
('type', 'create', NULL, 2, false, '{?type=base}CREATE TYPE {identity} (INPUT = {input}, OUTPUT = {output}[, RECEIVE = {receive}][, SEND = {send}][, TYPMOD_IN = {modifier_input}][, TYPMOD_OUT = {modifier_output}][, ANALYZE = {analyze}][, SUBSCRIPT = {subscript}], INTERNALLENGTH = [{?length=-1}VARIABLE][{?length!=-1}{?length!=-2}{length}][{?length=-2}-2][{?by_value}, PASSEDBYVALUE], ALIGNMENT = {alignment_word}, STORAGE = {storage_word}, CATEGORY = {category|L}[{?preferred}, PREFERRED = true][, DEFAULT = {default|L}][, ELEMENT = {element}][, DELIMITER = {delimiter|L}][{?collatable}, COLLATABLE = true])', NULL, NULL),
('type', 'shell', NULL, 2, false, '{?type=base}CREATE TYPE {identity}', 'EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typnamespace = pg_catalog.to_regnamespace({parent|L}) AND t.typname = {name|L})', NULL),
('type', 'alter', 'labels', 1, false, '{?type=enum}{label_changes|S}', NULL, NULL),
('type', 'beyond', 'labels', 2, NULL, '{?type=enum}{?label_loss}an enum''s labels can''t be taken away or moved: {label_loss}', NULL, NULL),
('type', 'alter', 'attributes', 2, false, '{?type=composite}ALTER TYPE {identity} {attribute_changes}',
    '?(SELECT pg_catalog.jsonb_agg(pg_catalog.quote_ident(a.attname) || '' '' || pg_catalog.format_type(a.atttypid, a.atttypmod) || coalesce('' COLLATE '' || a.attcollation::pg_catalog.regcollation::text, '''') ORDER BY a.attnum)::text
        FROM (SELECT a.attnum, a.attname, a.atttypid, a.atttypmod, nullif(a.attcollation, y.typcollation) AS attcollation FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_type y ON y.oid = a.atttypid JOIN pg_catalog.pg_type t ON t.typrelid = a.attrelid
            WHERE t.oid = pg_catalog.to_regtype({identity|L}) AND a.attnum > 0 AND NOT a.attisdropped) a) = {old.attributes_text|L}', NULL),
('type', 'alter', 'attributes', 6, false, '{?type=composite}ALTER TYPE {identity} {attribute_drops}', NULL, 'attributes of composite values'),
('type', 'alter', 'attribute_comments', 2, true, '{attribute_comment_changes|S}', NULL, NULL),
('type', 'rebuild', 'subtype operator_class collation canonical difference multirange type', 2, NULL, '', NULL, NULL),
('type', 'beyond', 'input output length alignment storage by_value category preferred default element delimiter collatable receive send modifier_input modifier_output analyze subscript', 2, NULL, 'a base type can''t be altered', NULL, NULL),
('domain', 'create', NULL, 2, false, 'CREATE DOMAIN {identity} AS {type}[ COLLATE {collation}][ DEFAULT {default}][{?not_null} NOT NULL][{constraints}]', NULL, NULL),
('domain', 'alter', 'default', 2, false, 'ALTER DOMAIN {identity} [SET DEFAULT {default}][{?!default}DROP DEFAULT]',
    '(SELECT pg_catalog.pg_get_expr(t.typdefaultbin, 0) FROM pg_catalog.pg_type t WHERE t.oid = pg_catalog.to_regtype({identity|L}))', NULL),
('domain', 'alter', 'not_null', 4, false, 'ALTER DOMAIN {identity} [{?not_null}SET][{?!not_null}DROP] NOT NULL',
    '(SELECT t.typnotnull::text FROM pg_catalog.pg_type t WHERE t.oid = pg_catalog.to_regtype({identity|L}))', NULL),
('domain', 'rebuild', 'type collation', 2, NULL, '', NULL, NULL)
