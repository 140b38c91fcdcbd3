-- The audit of four times the rows
\set table child_20
\set rows :rows_20
\ir ../six_keys.sql
