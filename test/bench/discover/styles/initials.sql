-- short names: a letter and id, initials of a table, initials and its last words; and what only looks like them
CREATE TABLE networks (id uuid PRIMARY KEY, label text);
CREATE TABLE business_unit_class (id int PRIMARY KEY, label text);
CREATE TABLE business_unit (id int PRIMARY KEY, nid uuid NOT NULL REFERENCES networks, bu_class_id int REFERENCES business_unit_class,
    label text, parent_id int REFERENCES business_unit);
CREATE TABLE credit_account (id int PRIMARY KEY, nid uuid NOT NULL REFERENCES networks, bu_id int REFERENCES business_unit, pos int,
    lid int, opened date);
CREATE TABLE sales_order_line (id int PRIMARY KEY, nid uuid NOT NULL REFERENCES networks, ca_id int REFERENCES credit_account,
    amount int, pos int);
CREATE TABLE dispatches (id int PRIMARY KEY, nid uuid NOT NULL REFERENCES networks, sol_id int REFERENCES sales_order_line,
    pid int, sid text, weight int, bu_class int REFERENCES business_unit_class);
CREATE TABLE refunds (id int PRIMARY KEY, nid uuid NOT NULL REFERENCES networks, sol_id int REFERENCES sales_order_line, bu_id int
    REFERENCES business_unit, reason text);
CREATE TABLE ledger_rows (id int PRIMARY KEY, nid uuid NOT NULL REFERENCES networks, ca_id int REFERENCES credit_account, side text,
    st_code text, amount int, pos int);
CREATE TABLE organization_units (id int PRIMARY KEY, nid uuid NOT NULL REFERENCES networks, title text);
CREATE TABLE identification_types (id int PRIMARY KEY, title text);
CREATE TABLE staff_badges (id int PRIMARY KEY, org_unit_id int REFERENCES organization_units, ident_type_id int REFERENCES
    identification_types, orig_type text, number int);
