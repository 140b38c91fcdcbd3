-- A fifth and four times the rows of the child
CREATE TABLE child_1 (LIKE child);
CREATE TABLE child_20 (LIKE child);
ALTER TABLE child_1 SET (parallel_workers = :workers);
ALTER TABLE child_20 SET (parallel_workers = :workers);
INSERT INTO child_1 SELECT * FROM child WHERE id <= :rows_1;
INSERT INTO child_20 SELECT * FROM child;
INSERT INTO child_20 SELECT * FROM child;
INSERT INTO child_20 SELECT * FROM child;
INSERT INTO child_20 SELECT * FROM child;
VACUUM ANALYZE child_1, child_20;
SELECT bench.add_keys('child_1');
SELECT bench.add_keys('child_20');
