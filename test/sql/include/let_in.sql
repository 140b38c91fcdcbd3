-- After a deployment a row that is valid goes into each child: one that is there is taken out, past all triggers, and put in again, with
-- them; then both are undone. Lists the children whose row is not let in, with the error; `valid` leaves out those that may have orphans.
CREATE FUNCTION pg_temp.let_in(valid boolean DEFAULT false) RETURNS TABLE (child regclass, error text) LANGUAGE plpgsql AS $$
DECLARE
  columns text;
  filter text;
BEGIN
  FOR child, filter IN
    SELECT conrelid::regclass, string_agg(DISTINCT format('%I IS NOT NULL', attname), ' AND ')
    FROM pg_constraint JOIN pg_attribute a ON attrelid = conrelid AND attnum = ANY (conkey)
    WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema::regnamespace
    GROUP BY 1 HAVING bool_and(convalidated) OR NOT valid ORDER BY conrelid::regclass::text COLLATE "C"
  LOOP
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
    WHERE attrelid = child AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    BEGIN
      EXECUTE format('CREATE TEMP TABLE let_in_row ON COMMIT DROP AS SELECT *, ctid AS let_in_at, tableoid AS let_in_of FROM %s WHERE %s LIMIT 1', child, filter);
      PERFORM set_config('session_replication_role', 'replica', true);
      EXECUTE format('DELETE FROM %s c USING let_in_row r WHERE c.ctid = r.let_in_at AND c.tableoid = r.let_in_of', child);
      PERFORM set_config('session_replication_role', 'origin', true);
      EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM let_in_row', child, columns, columns);
      SET CONSTRAINTS ALL IMMEDIATE;
      RAISE EXCEPTION USING errcode = 'LETIN';
    EXCEPTION WHEN OTHERS THEN
      IF SQLSTATE <> 'LETIN' THEN
        error := SQLSTATE || ' ' || SQLERRM;
        RETURN NEXT;
      END IF;
    END;
  END LOOP;
END
$$;

-- And functions of ours that run as another role than the owner of the table that they serve
CREATE FUNCTION pg_temp.lent() RETURNS TABLE ("table" regclass, owner regrole) LANGUAGE sql AS $$
  SELECT t.tgrelid::regclass, p.proowner::regrole
  FROM pg_proc p LEFT JOIN pg_trigger t ON t.tgfoid = p.oid LEFT JOIN pg_class c ON c.oid = t.tgrelid
  WHERE p.prosecdef AND p.proname LIKE '~schemaguard%' AND p.proowner IS DISTINCT FROM c.relowner
$$;
