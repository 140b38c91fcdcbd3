VALUES
-- of a table that is new
('constraint', 'create', NULL, 2, false, '{?in_new}{?type!=f}ALTER {above} ADD CONSTRAINT {name|I} {definition}[{?type=c}{?!validated} NOT VALID]', NULL, NULL),
('constraint', 'create', NULL, 4, false, '{?in_new}{?type=f}ALTER TABLE {parent} ADD CONSTRAINT {name|I} {definition}[{?!validated} NOT VALID]', NULL, NULL),
-- of one that has rows: none of these holds a lock while it reads them
('constraint', 'create', NULL, 3, false, '{?!in_new}{?using_index}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {index_new|I} ON {parent} ({keys})[ INCLUDE ({include|I})][{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|O})][ TABLESPACE {tablespace|I}]', NULL, NULL),
('constraint', 'create', NULL, 4, false, '{?!in_new}{?using_index}ALTER TABLE {parent} ADD CONSTRAINT {name|I} [{?type=p}PRIMARY KEY][{?type=u}UNIQUE] USING INDEX {index_new|I}[{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]', NULL, NULL),
('constraint', 'create', NULL, 4, false, '{?!in_new}{?!using_index}ALTER [{?only}TABLE ONLY {parent}][{?!only}{above}] ADD CONSTRAINT {name|I} {definition}[{?can_wait} NOT VALID]', NULL, NULL),
('constraint', 'create', NULL, 5, false, '{?!in_new}{?can_wait}{?validated}{?!held}ALTER {above} VALIDATE CONSTRAINT {name|I}', '=validated', NULL),
('constraint', 'drop', NULL, 6, false, 'ALTER {above} DROP CONSTRAINT {name|I}', NULL, 'the constraint'),
('constraint', 'alter', 'name', 2, false, 'ALTER {above} RENAME CONSTRAINT {old.name|I} TO {name|I}',
    '?CASE WHEN {is_now} IS NOT NULL THEN ''after'' WHEN {is_old} IS NOT NULL THEN ''before'' ELSE ''not there'' END', NULL),
('constraint', 'alter', 'deferrable deferred', 2, false, '{?type=f}ALTER TABLE {parent} ALTER CONSTRAINT {name|I} [{?!deferrable}NOT ]DEFERRABLE[{?deferrable} INITIALLY [{?deferred}DEFERRED][{?!deferred}IMMEDIATE]]', NULL, NULL),
-- one that is to be enforced has rows to read: it gets another one beside it
('constraint', 'alter', 'enforced', 2, false, '{?type=f}{?enforced=false}ALTER TABLE {parent} ALTER CONSTRAINT {name|I} NOT ENFORCED', NULL, NULL),
('constraint', 'alter', 'validated', 5, false, '{?validated}{?!held}ALTER {above} VALIDATE CONSTRAINT {name|I}', '=validated', NULL),
-- what checks it are triggers with names of PostgreSQL's choice
('constraint', 'alter', 'triggers', 6, true, 'DO $triggers$
DECLARE t record;
BEGIN
    FOR t IN SELECT g.tgrelid::pg_catalog.regclass AS name, g.tgname, CASE WHEN f.proname IN (''RI_FKey_check_ins'', ''RI_FKey_check_upd'', ''unique_key_recheck'') THEN ''check'' ELSE ''action'' END AS part
        FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_constraint c ON c.oid = g.tgconstraint JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid
        WHERE c.conrelid = pg_catalog.to_regclass({parent|L}) AND c.conname = {name|L} ORDER BY 1, 2
    LOOP
        EXECUTE pg_catalog.format(''ALTER TABLE %s %s TRIGGER %I'', t.name, CASE substring([{triggers|L}][{?!triggers}''''] FROM t.part || '' (\w+)'')
            WHEN ''disabled'' THEN ''DISABLE'' WHEN ''replica'' THEN ''ENABLE REPLICA'' WHEN ''always'' THEN ''ENABLE ALWAYS'' ELSE ''ENABLE'' END, t.tgname);
    END LOOP;
END $triggers$', NULL, NULL),
('constraint', 'alter', 'inherited', 6, false, '{?inherited=and local}{?type=c}ALTER TABLE {parent} ADD CONSTRAINT {name|I} {definition}', '?(SELECT CASE WHEN c.conislocal THEN ''after'' ELSE ''before'' END FROM pg_catalog.pg_constraint c WHERE c.conrelid = pg_catalog.to_regclass({parent|L}) AND c.conname = {name|L})', NULL),
('constraint', 'beyond', 'inherited', 2, NULL, '{?inherited=only}{?old.inherited=and local}it is of {parent} itself, too', NULL, NULL),
('column', 'beyond', 'inherited', 2, NULL, '{?inherited=only}{?joins!=partition}it is of {parent} itself, too', NULL, NULL),
('column', 'beyond', 'inherited', 2, NULL, '{?inherited=and local}{?old.inherited=only}it is not of {parent} itself', NULL, NULL),
('constraint', 'rebuild', 'valid', 2, NULL, '{?is_valid}{?at_once}', NULL, NULL),
('constraint', 'alter', 'valid', 2, false, '{?is_valid}{?!at_once}{?!only}REINDEX INDEX {index}', '?(SELECT CASE WHEN i.indisvalid THEN ''after'' ELSE ''before'' END FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass({index|L}))', NULL),
('constraint', 'alter', 'options', 2, false, '[ALTER INDEX {index} RESET ({option_resets|K})][{?option_resets}{?option_sets}{;}][ALTER INDEX {index} SET ({option_sets|O})]', NULL, NULL),
('constraint', 'alter', 'index_comment', 2, true, 'COMMENT ON INDEX {index} IS [{index_comment|L}][{?!index_comment}NULL]', NULL, NULL),
('constraint', 'alter', 'clustered', 6, true, 'ALTER TABLE {parent} [{?clustered}CLUSTER ON {index_name_or|I}][{?!clustered}SET WITHOUT CLUSTER]', NULL, NULL),
('constraint', 'alter', 'replica_identity', 6, true, '{?replica_identity}ALTER TABLE {parent} REPLICA IDENTITY USING INDEX {index_name_or|I}', NULL, NULL),
('constraint', 'alter', 'tablespace', 2, false, 'ALTER INDEX {index} SET TABLESPACE [{tablespace|I}][{?!tablespace}pg_default]', NULL, NULL),
-- another one beside it, which takes its place
('constraint', 'beside', NULL, 3, false, '{?!freed}{?using_index}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {new_name|I} ON {parent} ({keys})[ INCLUDE ({include|I})][{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|O})][ TABLESPACE {tablespace|I}]',
    '?CASE WHEN {is_now} = {definition_loose|L} THEN ''after'' WHEN {is_now} = {old.definition_loose|L} THEN ''before'' ELSE coalesce({is_now}, ''not there'') END', NULL),
('constraint', 'beside', NULL, 4, false, '{?swaps}ALTER {above} ADD CONSTRAINT {new_name|I} {definition}[{?can_wait} NOT VALID]',
    '?CASE WHEN {is_now} = {definition_loose|L} THEN ''after'' WHEN {is_new} = {new_loose|L} THEN ''after'' WHEN {is_new} IS NOT NULL THEN {is_new} WHEN {is_now} = {old.definition_loose|L} THEN ''before'' ELSE coalesce({is_now}, ''not there'') END', NULL),
('constraint', 'beside', NULL, 4, false, '{?!swaps}{?!using_index}ALTER {above} DROP CONSTRAINT {name|I}{;}ALTER {above} ADD CONSTRAINT {name|I} {definition}',
    '?CASE WHEN {is_now} = {definition_loose|L} THEN ''after'' WHEN {is_now} = {old.definition_loose|L} THEN ''before'' ELSE coalesce({is_now}, ''not there'') END', NULL),
('constraint', 'beside', NULL, 5, false, '{?can_wait}{?validated}{?!held}ALTER {above} VALIDATE CONSTRAINT {new_name|I}',
    '?CASE WHEN {is_new} IS NULL AND {is_now} = {definition_loose|L} THEN ''after'' WHEN {is_new} = {new_loose|L} THEN CASE WHEN {new_validated} THEN ''after'' ELSE ''before'' END ELSE coalesce({is_new}, {is_now}, ''not there'') END', NULL),
('constraint', 'beside', NULL, 6, false, '{?swaps}ALTER {above} DROP CONSTRAINT IF EXISTS {name|I}{;}ALTER {above} RENAME CONSTRAINT {new_name|I} TO {name|I}',
    '?CASE WHEN {is_new} IS NULL AND {is_now} = {definition_loose|L} THEN ''after'' WHEN {is_new} = {new_loose|L}[{?validated}{?!held} AND {new_validated}] THEN ''before'' ELSE coalesce({is_new}, {is_now}, ''not there'') END', NULL),
-- before the keys that lead to it are there again
('constraint', 'beside', NULL, 4, false, '{?using_index}ALTER {above} DROP CONSTRAINT IF EXISTS {name|I}{;}ALTER {above} ADD CONSTRAINT {name|I} [{?type=p}PRIMARY KEY][{?type=u}UNIQUE] USING INDEX {new_name|I}[{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]',
    '?CASE WHEN pg_catalog.to_regclass({new_index|L}) IS NOT NULL THEN ''before'' WHEN {is_now} = {definition_loose|L} THEN ''after'' ELSE coalesce({is_now}, ''not there'') END', NULL),
-- of a partition, that goes with one of the whole: another one is built before it does
('index|constraint', 'beside', NULL, 3, false, '{?freed}CREATE [{?unique}UNIQUE ][{?using_index}UNIQUE ]INDEX CONCURRENTLY IF NOT EXISTS {new_name|I} ON {parent} [{index_definition}][{?using_index}({keys})[ INCLUDE ({include|I})][{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|O})][ TABLESPACE {tablespace|I}]]',
    '?CASE WHEN {is_now} = {definition_loose|L} AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass({index|L})) THEN ''after'' ELSE ''before'' END', NULL),
('index', 'beside', NULL, 3, false, '{?!freed}{?!at_once}CREATE [{?unique}UNIQUE ]INDEX CONCURRENTLY IF NOT EXISTS {new_name|I} ON {on} {index_definition}',
    '?CASE WHEN {is_now} = {definition_loose|L} THEN ''after'' WHEN {is_now} = {old.definition_loose|L} THEN ''before'' ELSE coalesce({is_now}, ''not there'') END', NULL),
('index', 'beside', NULL, 6, false, '{?!at_once}DROP INDEX IF EXISTS {identity}{;}ALTER INDEX {new_index} RENAME TO {name|I}',
    '?CASE WHEN pg_catalog.to_regclass({new_index|L}) IS NOT NULL THEN ''before'' WHEN {is_now} = {definition_loose|L} THEN ''after'' ELSE coalesce({is_now}, ''not there'') END', NULL),
('index', 'beside', NULL, 2, false, '{?at_once}DROP INDEX {identity}{;}CREATE [{?unique}UNIQUE ]INDEX {name|I} ON {on} {index_definition}',
    '?CASE WHEN {is_now} = {definition_loose|L} THEN ''after'' WHEN {is_now} = {old.definition_loose|L} THEN ''before'' ELSE coalesce({is_now}, ''not there'') END', NULL),
('constraint', 'touch', 'type columns include nulls_not_distinct deferrable deferred period', 2, NULL, '{?!swaps}', NULL, NULL),
('constraint', 'rebuild', 'type columns references match on_update on_delete referenced_columns on_delete_columns include operators no_inherit period nulls_not_distinct expression expressions predicate index_columns operator_classes collations ordering operator_class_options access_method', 2, NULL, '', NULL, NULL),
('constraint', 'rebuild', 'enforced', 2, NULL, '{?type!=f}', NULL, NULL),
('constraint', 'rebuild', 'enforced', 2, NULL, '{?type=f}{?enforced!=false}', NULL, NULL),
('constraint', 'rebuild', 'deferrable deferred', 2, NULL, '{?type!=f}', NULL, NULL),
('constraint', 'rebuild', 'validated', 2, NULL, '{?!validated}{?enforced!=false}', NULL, NULL),

('index', 'create', NULL, 2, false, '{?at_once}CREATE [{?unique}UNIQUE ]INDEX {name|I} ON {on} {index_definition}', NULL, NULL),
-- of a partitioned table: there, then of each partition
('index', 'create', NULL, 4, false, '{?only}CREATE [{?unique}UNIQUE ]INDEX {name|I} ON ONLY {on} {index_definition}', NULL, NULL),
('index|constraint', 'alter', 'partition_of', 4, true, 'ALTER INDEX {whole} ATTACH PARTITION {index}',
    '?(SELECT CASE pg_catalog.max(i.inhparent::pg_catalog.regclass::text) WHEN {whole|L} THEN ''after'' ELSE coalesce(''attached to '' || pg_catalog.max(i.inhparent::pg_catalog.regclass::text), ''before'') END FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass({index|L}))', NULL),
('index', 'create', NULL, 3, false, '{?!at_once}{?!only}CREATE [{?unique}UNIQUE ]INDEX CONCURRENTLY IF NOT EXISTS {name|I} ON {on} {index_definition}', NULL, NULL),
('index', 'drop', NULL, 6, false, 'DROP INDEX {identity}', NULL, 'the index'),
('index', 'alter', 'name', 2, false, 'ALTER INDEX {halfway} RENAME TO {name|I}',
    '?CASE WHEN pg_catalog.to_regclass({identity|L}) IS NOT NULL THEN ''after'' WHEN pg_catalog.to_regclass({halfway|L}) IS NOT NULL THEN ''before'' ELSE ''not there'' END', NULL),
('index', 'alter', 'clustered', 6, true, 'ALTER TABLE {parent} [{?clustered}CLUSTER ON {name|I}][{?!clustered}SET WITHOUT CLUSTER]', NULL, NULL),
('index', 'alter', 'replica_identity', 6, true, '{?replica_identity}ALTER TABLE {parent} REPLICA IDENTITY USING INDEX {name|I}', NULL, NULL),
('index', 'alter', 'tablespace', 2, false, 'ALTER INDEX {identity} SET TABLESPACE [{tablespace|I}][{?!tablespace}pg_default]', NULL, NULL),
('index|constraint', 'alter', 'statistics', 6, true, '{index_statistics|S}', NULL, NULL),
('index', 'rebuild', 'access_method unique expressions predicate columns operator_classes collations ordering include nulls_not_distinct operator_class_options', 2, NULL, '', NULL, NULL),
('index', 'rebuild', 'valid', 2, NULL, '{?valid}{?!only}', NULL, NULL),
('index', 'beyond', 'valid', 2, NULL, '{?!valid}an index that is not valid in the reference', NULL, NULL),
('index|constraint', 'rebuild', 'partition_of', 2, NULL, '{?freed}', NULL, NULL),
('index', 'beyond', 'partition_of', 2, NULL, '{?!partition_of}{?!freed}{?!left}nothing detaches an index', NULL, NULL),

('statistics', 'create', NULL, 2, false, 'CREATE STATISTICS {identity}[{?!one_expression} ({kinds})] ON {statistics_list} FROM {parent}', NULL, NULL),
('statistics', 'alter', 'target', 2, true, 'ALTER STATISTICS {identity} SET STATISTICS [{target}][{?!target}-1]', NULL, NULL),
('statistics', 'rebuild', 'kinds columns expressions', 2, NULL, '', NULL, NULL)
