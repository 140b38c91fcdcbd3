-- what is left lets in rows that are valid, and nothing of ours runs as anybody but the owner of its table
\set ECHO none
\set let_in :test '/sql/include/let_in.sql'
\i :let_in
\set ECHO all
SELECT * FROM pg_temp.let_in(valid => true);
SELECT * FROM pg_temp.lent();
