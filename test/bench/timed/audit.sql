-- The audit of the six keys of the reference data set
\set table child
\set rows :child_rows
\ir ../six_keys.sql
