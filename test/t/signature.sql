-- Everything that extension schemaguard is made of, as lines in one order: what an update must not leave different from a fresh
-- installation. Made of what the catalogs say: no OID, no number of a column.
SET search_path = pg_catalog;
CREATE TEMPORARY VIEW member AS
  SELECT d.classid, d.objid, e.extowner, e.extnamespace
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
   WHERE e.extname = 'schemaguard' AND d.deptype = 'e';
CREATE TEMPORARY VIEW member_relation AS
  SELECT c.* FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass;

WITH line (line) AS (
  SELECT format('routine %s: %s', p.oid::regprocedure, concat_ws(' | ', pg_get_functiondef(p.oid), p.proowner = m.extowner, p.proacl, p.probin, d.description, i.initprivs))
    FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
         LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = m.classid
         LEFT JOIN pg_init_privs i ON i.objoid = p.oid AND i.classoid = m.classid
  UNION ALL
  SELECT format('relation %s: %s', c.oid::regclass, concat_ws(' | ', c.relkind, c.relpersistence, c.relowner = m.extowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
                c.reloptions, d.description, i.initprivs, CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END,
                (SELECT row(format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle) FROM pg_sequence s WHERE s.seqrelid = c.oid)))
    FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
         LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = m.classid AND d.objsubid = 0
         LEFT JOIN pg_init_privs i ON i.objoid = c.oid AND i.classoid = m.classid AND i.objsubid = 0
  UNION ALL
  SELECT format('column %s %s %s: %s', c.oid::regclass, lpad((row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum))::text, 3), a.attname,
                concat_ws(' | ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attacl, a.attcollation::regcollation,
                          pg_get_expr(f.adbin, f.adrelid), col_description(c.oid, a.attnum)))
    FROM member_relation c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum
  UNION ALL
  SELECT format('constraint %s %s: %s %s', c.oid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated)
    FROM member_relation c JOIN pg_constraint k ON k.conrelid = c.oid
  UNION ALL
  SELECT format('index %s', pg_get_indexdef(x.indexrelid)) FROM member_relation c JOIN pg_index x ON x.indrelid = c.oid
  UNION ALL
  SELECT format('trigger %s %s', pg_get_triggerdef(t.oid), t.tgenabled) FROM member_relation c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal
  UNION ALL
  SELECT format('policy %s %s: %s', c.oid::regclass, p.polname, concat_ws(' | ', p.polcmd, p.polpermissive, p.polroles, pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)))
    FROM member_relation c JOIN pg_policy p ON p.polrelid = c.oid
  UNION ALL
  SELECT format('owned by: %s, %s', pg_describe_object(d.classid, d.objid, 0), (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = d.refobjid AND a.attnum = d.refobjsubid))
    FROM member_relation c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass
  UNION ALL
  SELECT format('event trigger %s: %s', t.evtname, concat_ws(' | ', t.evtevent, t.evtenabled, t.evttags, t.evtfoid::regprocedure, obj_description(t.oid, 'pg_event_trigger')))
    FROM member m JOIN pg_event_trigger t ON t.oid = m.objid AND m.classid = 'pg_event_trigger'::regclass
  UNION ALL
  SELECT format('dumped: %s %s', k.config::regclass, k.condition)
    FROM pg_extension e, unnest(e.extconfig, e.extcondition) k (config, condition) WHERE e.extname = 'schemaguard'
  UNION ALL
  SELECT format('shipped: %s %s', signal, weight) FROM schemaguard.discovery_weight WHERE source = 'fitted'
  UNION ALL
  SELECT format('extension %s in %s', e.extversion, e.extnamespace::regnamespace) FROM pg_extension e WHERE e.extname = 'schemaguard'
  UNION ALL
  SELECT format('members: %s of %s', count(*), m.classid::regclass) FROM member m GROUP BY m.classid)
SELECT replace(line, E'\n', ' ') FROM line ORDER BY line COLLATE "C";
