VALUES
('table', 'create', NULL, 2, false, '{?type=foreign table}CREATE FOREIGN TABLE {identity} ({columns})[ INHERITS ({inherits})] SERVER {server|I}[ OPTIONS ({server_options|F})]', NULL, NULL),
('table', 'create', NULL, 2, false, '{?type!=foreign table}CREATE [{persistence|U} ]TABLE {identity} [OF {of_type}][{?!of_type}({columns})][ INHERITS ({inherits})][ PARTITION BY {partition_key}][ USING {access_method|I}][ WITH ({options|O}[{?toast_options}, {toast_with}])][{?!options} WITH ({toast_with})][ TABLESPACE {tablespace|I}]', NULL, NULL),
('table', 'after', 'partition_of', 2, true, 'ALTER TABLE {partition_of} ATTACH PARTITION {identity} {partition_bound}', '?(SELECT CASE pg_catalog.max(i.inhparent::pg_catalog.regclass::text) WHEN {partition_of|L} THEN ''after'' ELSE coalesce(''attached to '' || pg_catalog.max(i.inhparent::pg_catalog.regclass::text), ''before'') END FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass({identity|L}))', NULL),
-- a partition that stays does not go with what it was a partition of, and keys that lead to that do not hold one that goes
('table', 'drop', NULL, 6, false, '[{?partitions}DO $partitions$
DECLARE p record;
BEGIN
    FOR p IN SELECT i.inhparent::pg_catalog.regclass AS whole, i.inhrelid::pg_catalog.regclass AS part FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
        WHERE c.relispartition AND pg_catalog.to_regclass({identity|L}) IN (i.inhparent, i.inhrelid) LOOP
        EXECUTE pg_catalog.format(''ALTER TABLE %s DETACH PARTITION %s'', p.whole, p.part);
    END LOOP;
END $partitions${;}]DROP {object}', NULL, 'the table'),
('table', 'alter', 'partition_detached partition_of partition_bound', 2, false, '{?old.partition_detached}ALTER TABLE {old.partition_of} DETACH PARTITION {identity} FINALIZE',
    '?CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass({identity|L}) AND i.inhdetachpending) THEN ''before'' ELSE ''after'' END', NULL),
('table', 'alter', 'partition_of partition_bound', 2, false, '{?old.partition_of}{?!old.partition_detached}ALTER TABLE {old.partition_of} DETACH PARTITION {identity}',
    '?(SELECT CASE pg_catalog.max(i.inhparent::pg_catalog.regclass || '' '' || pg_catalog.pg_get_expr(c.relpartbound, c.oid)) WHEN {old.bound|L} THEN ''before'' ELSE ''after'' END FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE c.oid = pg_catalog.to_regclass({identity|L}))', NULL),
('table', 'alter', 'partition_detached partition_of partition_bound', 2, false, '{?partition_of}{?!partition_detached}ALTER TABLE {partition_of} ATTACH PARTITION {identity} {partition_bound}',
    '?CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass({identity|L})) THEN ''after'' ELSE ''before'' END', NULL),
('table', 'beyond', 'partition_detached', 2, NULL, '{?partition_detached}the reference is in the middle of DETACH PARTITION CONCURRENTLY', NULL, NULL),
('table', 'alter', 'persistence', 2, false, '{?!persistence}ALTER TABLE {identity} SET LOGGED', NULL, NULL),
-- after foreign keys from tables that are logged
('table', 'alter', 'persistence', 6, false, '{?persistence}ALTER TABLE {identity} SET UNLOGGED', NULL, NULL),
('table', 'alter', 'row_security', 2, true, 'ALTER TABLE {identity} [{?row_security}ENABLE][{?!row_security}DISABLE] ROW LEVEL SECURITY',
    '(SELECT CASE WHEN c.relrowsecurity THEN ''true'' END FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({identity|L}))', NULL),
('table', 'alter', 'force_row_security', 2, true, 'ALTER TABLE {identity} [{?force_row_security}FORCE][{?!force_row_security}NO FORCE] ROW LEVEL SECURITY',
    '(SELECT CASE WHEN c.relforcerowsecurity THEN ''true'' END FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({identity|L}))', NULL),
('table', 'alter', 'replica_identity', 6, true, '{?type!=foreign table}{?replica_identity!=index}ALTER TABLE {identity} REPLICA IDENTITY [{replica_identity|U}][{?!replica_identity}DEFAULT]', NULL, NULL),
('table', 'alter', 'tablespace', 2, false, 'ALTER TABLE {identity} SET TABLESPACE [{tablespace|I}][{?!tablespace}pg_default]', NULL, NULL),
('table', 'alter', 'access_method', 2, false, 'ALTER TABLE {identity} SET ACCESS METHOD [{access_method|I}][{?!access_method}heap]', NULL, NULL),
-- the server alters none of an index of a partitioned table
('index', 'beyond', 'options', 2, NULL, '{?of_partitioned}nothing alters those of an index of a partitioned table', NULL, NULL),
('table|index|materialized view|view', 'alter', 'options', 2, false, '{?!of_partitioned}[ALTER {object} RESET ({option_resets|K})][{?option_resets}{?option_sets}{;}][ALTER {object} SET ({option_sets|O})]', NULL, NULL),
('table', 'alter', 'toast_options', 2, false, '[ALTER TABLE {identity} RESET ({toast_resets})][{?toast_resets}{?toast_with}{;}][ALTER TABLE {identity} SET ({toast_with})]', NULL, NULL),
('table', 'alter', 'server_options', 2, false, 'ALTER FOREIGN TABLE {identity} OPTIONS ({server_options_change})', NULL, NULL),
('table', 'alter', 'inherits', 2, false, '{inherits_less|S}', '?CASE coalesce((SELECT pg_catalog.jsonb_agg(i.inhparent::pg_catalog.regclass::text ORDER BY i.inhseqno)::text FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass({identity|L})), '''') WHEN {inherits_old_text|L} THEN ''before'' ELSE ''after'' END', NULL),
('table', 'alter', 'inherits', 6, false, '{inherits_more|S}', '?CASE (SELECT pg_catalog.jsonb_agg(i.inhparent::pg_catalog.regclass::text ORDER BY i.inhseqno)::text FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass({identity|L})) WHEN {inherits_text|L} THEN ''after'' ELSE ''before'' END', NULL),
-- columns come and go between
('table', 'alter', 'of_type', 2, false, '{?old.of_type}ALTER TABLE {identity} NOT OF', '?CASE (SELECT pg_catalog.format_type(nullif(c.reloftype, 0), NULL) FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({identity|L})) WHEN {old.of_type|L} THEN ''before'' ELSE ''after'' END', NULL),
('table', 'alter', 'of_type', 6, false, '{?of_type}ALTER TABLE {identity} OF {of_type}', '?CASE (SELECT pg_catalog.format_type(nullif(c.reloftype, 0), NULL) FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({identity|L})) WHEN {of_type|L} THEN ''after'' ELSE ''before'' END', NULL),

-- what waits while a statement runs
('table|materialized view', 'cost', 'persistence access_method tablespace', NULL, NULL, 'rewrites it under ACCESS EXCLUSIVE', NULL, NULL),
('column', 'cost', 'type', NULL, NULL, '{rewrites}', NULL, NULL),
('column', 'cost', 'not_null', NULL, NULL, '{?heirs_lose}reads what keeps it below {parent}, under ACCESS EXCLUSIVE', NULL, NULL),
('column', 'cost', 'created', NULL, NULL, '{computed}', NULL, NULL),
('materialized view', 'cost', 'populated', NULL, NULL, 'reads what it shows, under ACCESS EXCLUSIVE', NULL, NULL),
('index', 'cost', 'created replaced', NULL, NULL, '{?at_once}{?!in_new}reads the table under SHARE: writers wait', NULL, NULL),
('constraint', 'cost', 'created replaced', NULL, NULL, '{?!in_new}{?!can_wait}{?!using_index}{?!only}reads the table under [{?type=f}SHARE ROW][{?type!=f}ACCESS] EXCLUSIVE', NULL, NULL),
('column', 'create', NULL, 2, false, '{?!typed}{?inherited!=only}ALTER TABLE {parent} ADD COLUMN {column_at_first}', NULL, NULL),
('column', 'create', NULL, 2, false, '{?inherited=only}{?joins}ALTER TABLE {parent} ADD COLUMN {column_at_first}', NULL, NULL),
('column', 'drop', NULL, 6, false, '{?!given}{?!typed}ALTER TABLE [{?heirs_keep}ONLY ]{parent} DROP COLUMN {name|I}', NULL, 'the values of column {column_identity}'),
('column', 'touch', 'type collation generated generated_kind', 2, NULL, '{?!no_cast}{?!keyed}', NULL, NULL),
('column', 'alter', 'identity', 2, false, '{?old.identity}{?!identity}ALTER TABLE {parent} ALTER COLUMN {name|I} DROP IDENTITY', '=identity_word', NULL),
('column', 'alter', 'generated', 2, false, '{?old.generated}{?!generated}ALTER TABLE {parent} ALTER COLUMN {name|I} DROP EXPRESSION', NULL, NULL),
-- a type and its default in one: neither fits the other's old one
('column', 'beyond', 'type', 2, NULL, '{?inherited}{?!joins}{?keyed}the table is partitioned by it', NULL, NULL),
('column', 'beyond', 'type', 2, NULL, '{?inherited}{?!joins}{?!keyed}{?no_cast}nothing makes {old.type} {type}', NULL, NULL),
('column', 'alter', 'type collation', 2, false, '{?!inherited}{?!typed}ALTER TABLE {parent} [{?old.default}{?!old.generated}ALTER COLUMN {name|I} DROP DEFAULT, ]ALTER COLUMN {name|I} TYPE {type}[ COLLATE {collation}][{?!generated}{?!is_foreign} USING {name|I}[{?own_types}::text]::{type}][, ALTER COLUMN {name|I} SET DEFAULT {default}]',
    '=type collation default', '{type_loss}'),
('column', 'alter', 'type collation', 2, false, '{?inherited}{?joins}ALTER TABLE {parent} [{?old.default}{?!old.generated}ALTER COLUMN {name|I} DROP DEFAULT, ]ALTER COLUMN {name|I} TYPE {type}[ COLLATE {collation}][{?!generated}{?!is_foreign} USING {name|I}[{?own_types}::text]::{type}][, ALTER COLUMN {name|I} SET DEFAULT {default}]',
    '=type collation default', '{type_loss}'),
('column', 'alter', 'default', 2, false, '{?default_alone}ALTER TABLE ONLY {parent} ALTER COLUMN {name|I} [SET DEFAULT {default}][{?!default}DROP DEFAULT]', NULL, NULL),
-- of a table and all below it: heirs and partitions that are to keep theirs get it again
('column', 'alter', 'not_null', 6, false, '{?old.not_null}{?!not_null}{?heirs_lose}DO $not_null$
DECLARE
    kept pg_catalog._text;
    line text;
BEGIN
    WITH RECURSIVE heir AS (
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = pg_catalog.to_regclass({parent|L})
        UNION SELECT i.inhrelid FROM heir h JOIN pg_catalog.pg_inherits i ON i.inhparent = h.inhrelid)
    SELECT pg_catalog.array_agg(pg_catalog.format(''ALTER TABLE %s ALTER COLUMN %I SET NOT NULL'', a.attrelid::pg_catalog.regclass, a.attname)) INTO kept
    FROM heir h JOIN pg_catalog.pg_attribute a ON a.attrelid = h.inhrelid AND a.attname = {name|L} AND a.attnotnull
    WHERE a.attrelid::pg_catalog.regclass::text <> ALL ({heirs_lose|L}::pg_catalog._text);
    ALTER TABLE {parent} ALTER COLUMN {name|I} DROP NOT NULL;
    IF kept IS NOT NULL THEN
        FOREACH line IN ARRAY kept LOOP
            EXECUTE line;
        END LOOP;
    END IF;
END $not_null$', NULL, NULL),
('column', 'alter', 'not_null', 6, false, '{?old.not_null}{?!not_null}{?!heirs_lose}ALTER TABLE {parent} ALTER COLUMN {name|I} DROP NOT NULL', NULL, NULL),
-- nobody uses a partition that is about to be attached
('column', 'alter', 'not_null', 2, true, '{?not_null}{?!filled}{?joins}ALTER TABLE {parent} ALTER COLUMN {name|I} SET NOT NULL', NULL, NULL),
('column', 'alter', 'not_null', 2, true, '{?not_null}{?!filled}{?!joins}ALTER TABLE {parent} ADD CONSTRAINT {not_null_check|I} CHECK ({name|I} IS NOT NULL)[{?!of_partition} NO INHERIT] NOT VALID',
    '?CASE WHEN {not_null_state} THEN ''after'' ELSE CASE {not_null_check_state} WHEN ''none'' THEN ''before'' WHEN ''true'' THEN ''after'' WHEN ''false'' THEN ''after'' ELSE {not_null_check_state} END END', NULL),
('column', 'alter', 'not_null', 3, true, '{?not_null}{?!filled}{?!joins}ALTER TABLE {parent} VALIDATE CONSTRAINT {not_null_check|I}',
    '?CASE WHEN {not_null_state} THEN ''after'' ELSE CASE {not_null_check_state} WHEN ''false'' THEN ''before'' WHEN ''true'' THEN ''after'' ELSE {not_null_check_state} END END', NULL),
('column', 'alter', 'not_null', 4, true, '{?not_null}{?!filled}{?!joins}ALTER TABLE {parent} ALTER COLUMN {name|I} SET NOT NULL',
    '?CASE WHEN {not_null_state} THEN ''after'' ELSE CASE {not_null_check_state} WHEN ''true'' THEN ''before'' ELSE {not_null_check_state} END END', NULL),
('column', 'alter', 'not_null', 4, true, '{?not_null}{?!filled}{?!joins}ALTER TABLE {parent} DROP CONSTRAINT {not_null_check|I}',
    '?CASE {not_null_check_state} WHEN ''none'' THEN ''after'' WHEN ''true'' THEN ''before'' ELSE CASE WHEN {not_null_state} THEN ''before'' ELSE {not_null_check_state} END END', NULL),
('column', 'alter', 'identity', 6, false, '{?identity}{?!old.identity}ALTER TABLE {parent} ALTER COLUMN {name|I} ADD GENERATED {identity|U} AS IDENTITY ({identity_options})[{;}ALTER TABLE {parent} ALTER COLUMN {name|I} RESTART WITH {goes_on}]', '=identity_word', NULL),
('column', 'alter', 'identity', 2, false, '{?old.identity}{?identity}ALTER TABLE {parent} ALTER COLUMN {name|I} SET GENERATED {identity|U}', '=identity_word', NULL),
-- a type changes bounds that are those of the old one by itself. One that has given no value yet may stand outside of what it is to give
('column', 'alter', 'identity_sequence', 2, false, '{?old.identity}{?identity}{?identity_sets}[{?!narrowed}ALTER TABLE {parent} ALTER COLUMN {name|I} {identity_sets}][{?narrowed}DO $restart$
BEGIN
    EXECUTE pg_catalog.format(''ALTER TABLE %s ALTER COLUMN %I {identity_sets}'', {parent|L}, {name|L}) || (SELECT CASE WHEN coalesce(v.last, s.seqstart) NOT BETWEEN {identity_sequence.minimum} AND {identity_sequence.maximum} AND coalesce((v.last < {identity_sequence.minimum}) = ({identity_sequence.increment} > 0), true) THEN '' RESTART'' ELSE '''' END
        FROM pg_catalog.pg_sequence s CROSS JOIN LATERAL (SELECT pg_catalog.pg_sequence_last_value(s.seqrelid) AS last) v WHERE s.seqrelid = pg_catalog.pg_get_serial_sequence({parent|L}, {name|L})::pg_catalog.regclass);
END $restart$]', '?(SELECT CASE x.state WHEN {identity_state|L} THEN ''after'' WHEN {old.identity_state|L} THEN ''before'' WHEN {identity_meanwhile|L} THEN ''before'' ELSE x.state END FROM (SELECT pg_catalog.format(''start %s increment %s minimum %s maximum %s cache %s%s'', s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN '' cycle'' ELSE '''' END) AS state
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_depend d ON d.classid = ''pg_catalog.pg_class''::pg_catalog.regclass AND d.refclassid = d.classid AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = ''i'' JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid
    WHERE a.attrelid = pg_catalog.to_regclass({parent|L}) AND a.attname = {name|L}) x)', NULL),
('column', 'alter', 'identity_sequence', 2, true, '{identity_extras|S}', NULL, NULL),
('column', 'rebuild', 'generated generated_kind', 2, NULL, '{?generated}', NULL, NULL),
('column', 'alter', 'storage', 2, true, '[{?storage}ALTER TABLE {parent} ALTER COLUMN {name|I} SET STORAGE {storage|U}][{?!storage}DO $storage$
BEGIN
    EXECUTE (SELECT pg_catalog.format(''ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s'', a.attrelid::pg_catalog.regclass, a.attname,
        CASE t.typstorage WHEN ''p'' THEN ''plain'' WHEN ''e'' THEN ''external'' WHEN ''m'' THEN ''main'' ELSE ''extended'' END)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = pg_catalog.to_regclass({parent|L}) AND a.attname = {name|L});
END $storage$]', NULL, NULL),
('column', 'alter', 'compression', 2, true, 'ALTER TABLE {parent} ALTER COLUMN {name|I} SET COMPRESSION [{compression}][{?!compression}DEFAULT]', NULL, NULL),
('column', 'alter', 'statistics', 2, true, 'ALTER TABLE {parent} ALTER COLUMN {name|I} SET STATISTICS [{statistics}][{?!statistics}-1]', NULL, NULL),
('column', 'alter', 'options', 2, true, '[ALTER TABLE {parent} ALTER COLUMN {name|I} RESET ({option_resets|K})][{?option_resets}{?option_sets}{;}][ALTER TABLE {parent} ALTER COLUMN {name|I} SET ({option_sets|O})]', NULL, NULL),
('column', 'alter', 'server_options', 2, false, 'ALTER FOREIGN TABLE {parent} ALTER COLUMN {name|I} OPTIONS ({server_options_change})', NULL, NULL),

('sequence', 'create', NULL, 2, false, 'CREATE [{persistence|U} ]SEQUENCE {identity} AS {type} START WITH {start} INCREMENT BY {increment} MINVALUE {minimum} MAXVALUE {maximum} CACHE {cache}[{?cycle} CYCLE][{;}ALTER SEQUENCE {identity} RESTART WITH {goes_on}]', NULL, NULL),
('sequence', 'alter', 'type start increment minimum maximum cache cycle', 2, false, '{?narrowed}DO $restart$
BEGIN
    EXECUTE pg_catalog.format(''ALTER SEQUENCE %s AS %s START WITH {start} INCREMENT BY {increment} MINVALUE {minimum} MAXVALUE {maximum} CACHE {cache} [{?!cycle}NO ]CYCLE'', {identity|L}, {type|L}) || (SELECT CASE WHEN coalesce(v.last, s.seqstart) NOT BETWEEN {minimum} AND {maximum} AND coalesce((v.last < {minimum}) = ({increment} > 0), true) THEN '' RESTART'' ELSE '''' END
        FROM pg_catalog.pg_sequence s CROSS JOIN LATERAL (SELECT pg_catalog.pg_sequence_last_value(s.seqrelid) AS last) v WHERE s.seqrelid = pg_catalog.to_regclass({identity|L}));
END $restart$', '=sequence_state', NULL),
('sequence', 'alter', 'type start increment minimum maximum cache cycle', 2, false, '{?!narrowed}ALTER SEQUENCE {identity} AS {type} START WITH {start} INCREMENT BY {increment} MINVALUE {minimum} MAXVALUE {maximum} CACHE {cache} [{?!cycle}NO ]CYCLE',
    '=sequence_state', NULL),
('sequence', 'alter', 'persistence', 2, false, 'ALTER SEQUENCE {identity} SET [{persistence|U}][{?!persistence}LOGGED]', NULL, NULL),
('sequence', 'alter', 'owned_by', 6, true, 'ALTER SEQUENCE {identity} OWNED BY [{owned_by}][{?!owned_by}NONE]', NULL, NULL)
