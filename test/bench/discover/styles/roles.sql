-- rows above by the table's own name, people by what they do in other languages, modules that are called like their first table
CREATE TABLE nutzer (id int PRIMARY KEY, name text, vorgesetzter int REFERENCES nutzer);
CREATE TABLE unit_category (id int PRIMARY KEY, name text);
CREATE TABLE unit_unit (id int PRIMARY KEY, name text, category_id int REFERENCES unit_category, factor int);
CREATE TABLE pages (id int PRIMARY KEY, title text, page_parent int REFERENCES pages, page_order int, note_count int);
CREATE TABLE notes (id int PRIMARY KEY, page_id int REFERENCES pages, note_parent int REFERENCES notes, note_karma int, body text,
    page_rank int);
CREATE TABLE stock_item (id int PRIMARY KEY, unit_id int REFERENCES unit_unit, quantity int, title text);
CREATE TABLE stock_count (id int PRIMARY KEY, stock_item_id int REFERENCES stock_item, unit_id int REFERENCES unit_unit, counted int);
