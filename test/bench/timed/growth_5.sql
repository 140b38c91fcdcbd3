-- The audit of the reference data set, among others
\set table child
\set rows :child_rows
\ir ../six_keys.sql
