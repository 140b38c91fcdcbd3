WITH object AS MATERIALIZED (
    SELECT s.kind, s.identity, s.parent, s.properties, s.oid,
        sha256(convert_to(s.kind || chr(10) || s.identity || chr(10) || coalesce(s.parent, '') || chr(10) || s.properties::text, 'UTF8')) AS checksum
    FROM (
        -- what a replay of files has made belongs to nobody yet, so it is told as that role's
        SELECT s.kind, s.identity, s.parent, CASE WHEN s.properties ->> 'owner' = 'pg_database_owner'
                AND (s.kind, s.identity) <> ('schema', 'public') AND current_setting('sg_snapshot.owner', true) <> ''
            THEN s.properties || jsonb_build_object('owner', current_setting('sg_snapshot.owner'))
            ELSE s.properties END AS properties, s.oid
        FROM (
\ir 01_statement.sql
        ) s
        -- extensions that files create, and that could not be created where they ran
        UNION ALL
        SELECT 'extension', x.identity, NULL, x.properties, 0::oid
        FROM jsonb_to_recordset(nullif(current_setting('sg_snapshot.unknown_extensions', true), '')::jsonb)
            x (identity text, properties jsonb)
    ) s
)
SELECT l.line
FROM (SELECT 0 AS part, '' AS kind, '' AS identity, left(h.sealed, length(h.sealed) - 1) || ', "objects": [' AS line
      FROM (SELECT (h.header || jsonb_build_object('seal', encode(sha256(convert_to(h.header::text, 'UTF8')), 'hex')))::text AS sealed
            FROM (SELECT jsonb_build_object('schemaguard_snapshot', 2,
                      'taken_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                      'role', CURRENT_USER, 'server', NULL, 'database', current_database(),
                      'server_version_num', current_setting('server_version_num')::int,
                      'schemas', nullif(current_setting('sg_snapshot.schemas', true), '')::text[],
                      'environment', (
\ir 91_environment.sql
                      ),
                      'count', (SELECT count(*) FROM object),
                      'checksum', (SELECT encode(sha256(coalesce(string_agg(o.checksum, ''
                              ORDER BY o.kind COLLATE "C", o.identity COLLATE "C"), '')), 'hex')
                          FROM object o)) AS header) h) h
      UNION ALL
      SELECT 1, o.kind, o.identity, CASE row_number() OVER (ORDER BY o.kind COLLATE "C", o.identity COLLATE "C") WHEN 1 THEN '' ELSE ',' END
          || jsonb_build_object('kind', o.kind, 'identity', o.identity, 'parent', o.parent, 'oid', o.oid::bigint,
              'properties', o.properties, 'checksum', encode(o.checksum, 'hex'))
      FROM object o
      UNION ALL
      SELECT 2, '', '', ']}') l
ORDER BY l.part, l.kind COLLATE "C", l.identity COLLATE "C"
