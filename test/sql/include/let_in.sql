-- After a deployment a row that is valid goes into each child: one that is there is taken out, past all triggers, and put in again, with
-- them; then both are undone. Lists the children whose row is not let in, with the error.
CREATE FUNCTION pg_temp.let_in() RETURNS TABLE (child regclass, error text) LANGUAGE plpgsql AS $$
DECLARE
  columns text;
  filter text;
BEGIN
  FOR child, filter IN
    SELECT conrelid::regclass, string_agg(DISTINCT format('%I IS NOT NULL', attname), ' AND ')
    FROM pg_constraint JOIN pg_attribute a ON attrelid = conrelid AND attnum = ANY (conkey)
    WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema::regnamespace GROUP BY 1 ORDER BY conrelid::regclass::text COLLATE "C"
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
