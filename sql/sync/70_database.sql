VALUES
('event trigger', 'exists', NULL, NULL::int, NULL::boolean, 'EXISTS (SELECT FROM pg_catalog.pg_event_trigger t WHERE t.evtname = {name|L})', NULL, NULL::text),
('event trigger', 'create', NULL, 6, false, 'CREATE EVENT TRIGGER {identity} ON {event}[ WHEN TAG IN ({tags|L})] EXECUTE FUNCTION {function_name}()', NULL, NULL),
('event trigger', 'alter', 'enabled', 6, true, '{?enabled_changes}ALTER EVENT TRIGGER {identity} [{?enabled=origin}ENABLE][{?enabled=disabled}DISABLE][{?enabled=replica}ENABLE REPLICA][{?enabled=always}ENABLE ALWAYS]', NULL, NULL),
('event trigger', 'rebuild', 'event function tags', 2, NULL, '', NULL, NULL),
('publication', 'exists', NULL, NULL, NULL, 'EXISTS (SELECT FROM pg_catalog.pg_publication p WHERE p.pubname = {name|L})', NULL, NULL),
('publication', 'create', NULL, 6, false, 'CREATE PUBLICATION {identity}[ FOR {published}] WITH (publish = ''[{publish}]''[{?via_root}, publish_via_partition_root = true][, publish_generated_columns = {generated_columns}])', NULL, NULL),
('publication', 'alter', 'publish via_root generated_columns', 6, false, 'ALTER PUBLICATION {identity} SET (publish = ''[{publish}]'', publish_via_partition_root = [{?via_root}true][{?!via_root}false])', NULL, NULL),
('publication', 'alter', 'tables schemas table_columns table_filters', 6, false, '{?!all_tables}{?!old.all_tables}ALTER PUBLICATION {identity} SET {published}', NULL, NULL),
('publication', 'rebuild', 'all_tables all_sequences except', 2, NULL, '', NULL, NULL),
('default privilege', 'exists', NULL, NULL, NULL, 'true', NULL, NULL),
('subscription', 'beyond', '*', 2, NULL, 'a snapshot knows no connection of a subscription', NULL, NULL)
