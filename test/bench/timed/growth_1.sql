-- The audit of a fifth of the rows
\set table child_1
\set rows :rows_1
\ir ../six_keys.sql
