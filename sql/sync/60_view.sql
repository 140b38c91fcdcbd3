VALUES
('view', 'create', NULL, 2, false, 'CREATE VIEW {identity}[ ({column_names})][ WITH ({options|O})] AS
{query}', NULL, NULL::text),
('view', 'alter', 'query columns', 2, false, '{?!columns_rebuild}CREATE OR REPLACE VIEW {identity}[ ({column_names})][ WITH ({options|O})] AS
{query}', NULL, NULL),
('view', 'rebuild', 'columns', 2, NULL, '{?columns_rebuild}', NULL, NULL),
('view', 'alter', 'column_defaults', 2, true, '{default_changes|S}', NULL, NULL),
('view|materialized view', 'alter', 'column_comments', 2, true, '{comment_changes|S}', NULL, NULL),
('view|materialized view', 'alter', 'column_acl', 2, true, '{column_grants|S}', NULL, NULL),
('materialized view', 'create', NULL, 2, false, 'CREATE MATERIALIZED VIEW {identity}[ ({column_names})][ USING {access_method|I}][ WITH ({options|O})][ TABLESPACE {tablespace|I}] AS
{query_open}
WITH NO DATA', NULL, NULL),
-- as its owner, who has it by then, and may read what it shows
('materialized view', 'alter', 'populated', 6, true, '{?populated}REFRESH MATERIALIZED VIEW {identity}', NULL, NULL),
('materialized view', 'alter', 'populated', 6, false, '{?!populated}REFRESH MATERIALIZED VIEW {identity} WITH NO DATA', NULL, NULL),
('materialized view', 'alter', 'column_storage column_compression column_options column_statistics', 2, true, '{matview_changes|S}', NULL, NULL),
('materialized view', 'alter', 'tablespace', 2, false, 'ALTER MATERIALIZED VIEW {identity} SET TABLESPACE [{tablespace|I}][{?!tablespace}pg_default]', NULL, NULL),
('materialized view', 'alter', 'access_method', 2, false, 'ALTER MATERIALIZED VIEW {identity} SET ACCESS METHOD [{access_method|I}][{?!access_method}heap]', NULL, NULL),
('materialized view', 'rebuild', 'query columns', 2, NULL, '', NULL, NULL),

('rule', 'create', NULL, 2, false, '{rule_definition}', NULL, NULL),
('rule', 'alter', 'event instead definition', 2, false, '{rule_replace}', NULL, NULL),
('rule', 'alter', 'enabled', 2, true, '{?enabled_changes}ALTER TABLE {parent} [{?enabled=origin}ENABLE][{?enabled=disabled}DISABLE][{?enabled=replica}ENABLE REPLICA][{?enabled=always}ENABLE ALWAYS] RULE {name|I}', NULL, NULL),

('trigger', 'create', NULL, 2, false, 'CREATE [{?constraint}CONSTRAINT ]TRIGGER {name|I} {timing|U} {event_list} ON {parent}[ FROM {from_table}][{?constraint}{?deferrable} DEFERRABLE][{?constraint}{?deferred} INITIALLY DEFERRED][{?transition} REFERENCING[ OLD TABLE AS {old_table|I}][ NEW TABLE AS {new_table|I}]] FOR EACH {level|U}[ WHEN ({when})] EXECUTE FUNCTION {function_name}({argument_list})', NULL, NULL),
('trigger', 'alter', 'enabled', 2, true, '{?enabled_changes}ALTER TABLE {parent} [{?enabled=origin}ENABLE][{?enabled=disabled}DISABLE][{?enabled=replica}ENABLE REPLICA][{?enabled=always}ENABLE ALWAYS] TRIGGER {name|I}', NULL, NULL),
('trigger', 'rebuild', 'function timing level arguments old_table new_table from_table when events update_of constraint deferrable deferred partition_of', 2, NULL, '', NULL, NULL),

('policy', 'create', NULL, 2, false, 'CREATE POLICY {name|I} ON {parent} AS [{?permissive}PERMISSIVE][{?!permissive}RESTRICTIVE] FOR {command|U} TO {roles}[ USING ({using})][ WITH CHECK ({check})]', NULL, NULL),
('policy', 'alter', 'roles', 2, false, 'ALTER POLICY {name|I} ON {parent} TO {roles}', NULL, NULL),
('policy', 'alter', 'using', 2, false, 'ALTER POLICY {name|I} ON {parent} USING ({using})', NULL, NULL),
('policy', 'alter', 'check', 2, false, 'ALTER POLICY {name|I} ON {parent} WITH CHECK ({check})', NULL, NULL),
('policy', 'rebuild', 'command permissive', 2, NULL, '', NULL, NULL),
('policy', 'rebuild', 'using', 2, NULL, '{?!using}', NULL, NULL),
('policy', 'rebuild', 'check', 2, NULL, '{?!check}', NULL, NULL)
