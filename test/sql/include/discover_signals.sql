\set ECHO none
-- What discovery makes of schemas of a few tables, for its regression tests
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;

-- The candidates inside of one schema, and which of some signals they have
CREATE FUNCTION signals(style text, VARIADIC wanted text[]) RETURNS TABLE (reference text, signals text)
LANGUAGE sql AS $$
  SELECT r.reference,
         (SELECT string_agg(s || CASE WHEN v < 1 THEN ' ' || round(v::numeric, 2) ELSE '' END, ', ' ORDER BY s COLLATE "C")
          FROM unnest(signals, "values") u (s, v) WHERE s = ANY (wanted))
  FROM schemaguard.sg_discovery_candidates()
       CROSS JOIN LATERAL (SELECT substr(child_table, length(style) + 2) || child_columns::text || ' > ' ||
                                  substr(parent_table, length(style) + 2) || parent_columns::text) r (reference)
  WHERE split_part(child_table, '.', 1) = style AND split_part(parent_table, '.', 1) = style
  ORDER BY r.reference COLLATE "C"
$$;

-- The same as messages, and then the schema goes: people, and how keys are called, are looked for everywhere
CREATE PROCEDURE show_signals(style text, VARIADIC wanted text[])
LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN SELECT s.reference || coalesce(': ' || s.signals, '') FROM signals(style, VARIADIC wanted) s
  LOOP
    RAISE INFO '%', line;
  END LOOP;
  SET LOCAL client_min_messages = warning;
  EXECUTE format('DROP SCHEMA %I CASCADE', style);
END $$;
\set ECHO all
