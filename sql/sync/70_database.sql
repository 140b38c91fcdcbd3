VALUES
('event trigger', 'create', NULL, 6, false, 'CREATE EVENT TRIGGER {identity} ON {event}[ WHEN TAG IN ({tags|L})] EXECUTE FUNCTION {function_name}()', NULL, NULL),
('event trigger', 'alter', 'enabled', 6, true, '{?enabled_changes}ALTER EVENT TRIGGER {identity} [{?enabled=origin}ENABLE][{?enabled=disabled}DISABLE][{?enabled=replica}ENABLE REPLICA][{?enabled=always}ENABLE ALWAYS]', NULL, NULL),
('event trigger', 'rebuild', 'event function tags', 2, NULL, '', NULL, NULL),
('publication', 'create', NULL, 6, false, 'CREATE PUBLICATION {identity}[ FOR {published}] WITH (publish = ''[{publish}]''[{?via_root}, publish_via_partition_root = true][, publish_generated_columns = {generated_columns}])', NULL, NULL),
('publication', 'alter', 'publish via_root generated_columns', 6, false, 'ALTER PUBLICATION {identity} SET (publish = ''[{publish}]'', publish_via_partition_root = [{?via_root}true][{?!via_root}false])', NULL, NULL),
('publication', 'alter', 'tables schemas table_columns table_filters', 6, false, '{?!all_tables}{?!old.all_tables}ALTER PUBLICATION {identity} SET {published}', '?(SELECT CASE WHEN p.listed @> p.wanted AND p.listed <@ p.wanted THEN ''after'' WHEN p.listed <@ (p.wanted || {old.published_state|L}::pg_catalog.jsonb) THEN ''before'' ELSE p.listed::text END FROM (SELECT {published_is} AS listed, {published_state|L}::pg_catalog.jsonb AS wanted) p)', NULL),
('publication', 'rebuild', 'all_tables all_sequences except', 2, NULL, '', NULL, NULL),
('default privilege', 'exists', NULL, NULL, NULL, 'true', NULL, NULL)
