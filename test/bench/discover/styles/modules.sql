-- tables of modules, columns named after the last word only
CREATE TABLE res_country (id int PRIMARY KEY, code text UNIQUE, currency_id int);
CREATE TABLE res_currency (id int PRIMARY KEY, name text UNIQUE);
ALTER TABLE res_country ADD FOREIGN KEY (currency_id) REFERENCES res_currency;
CREATE TABLE res_partner (id int PRIMARY KEY, parent_id int REFERENCES res_partner, country_id int REFERENCES res_country,
    commercial_partner_id int REFERENCES res_partner, ref text, color int);
CREATE TABLE res_company (id int PRIMARY KEY, partner_id int REFERENCES res_partner, currency_id int REFERENCES res_currency,
    parent_id int REFERENCES res_company);
CREATE TABLE res_users (id int PRIMARY KEY, login text UNIQUE, partner_id int REFERENCES res_partner, company_id int REFERENCES res_company,
    create_uid int REFERENCES res_users, write_uid int REFERENCES res_users);
ALTER TABLE res_partner ADD user_id int REFERENCES res_users, ADD create_uid int REFERENCES res_users, ADD write_uid int REFERENCES res_users;
CREATE TABLE product_category (id int PRIMARY KEY, parent_id int REFERENCES product_category, create_uid int REFERENCES res_users);
CREATE TABLE product_template (id int PRIMARY KEY, categ_id int REFERENCES product_category, company_id int REFERENCES res_company,
    responsible_id int REFERENCES res_users, create_uid int REFERENCES res_users, write_uid int REFERENCES res_users, sequence int);
CREATE TABLE product_product (id int PRIMARY KEY, product_tmpl_id int REFERENCES product_template, barcode text,
    create_uid int REFERENCES res_users, write_uid int REFERENCES res_users);
CREATE TABLE sale_order (id int PRIMARY KEY, partner_id int REFERENCES res_partner, partner_invoice_id int REFERENCES res_partner,
    partner_shipping_id int REFERENCES res_partner, user_id int REFERENCES res_users, company_id int REFERENCES res_company,
    create_uid int REFERENCES res_users, access_token text, client_order_ref text);
CREATE TABLE sale_order_line (id int PRIMARY KEY, order_id int REFERENCES sale_order, product_id int REFERENCES product_product,
    salesman_id int REFERENCES res_users, currency_id int REFERENCES res_currency, sequence int, create_uid int REFERENCES res_users);
CREATE TABLE account_move (id int PRIMARY KEY, partner_id int REFERENCES res_partner, reversed_entry_id int REFERENCES account_move,
    company_id int REFERENCES res_company, sequence_number int, create_uid int REFERENCES res_users, res_model text, res_id int);
CREATE TABLE account_move_line (id int PRIMARY KEY, move_id int REFERENCES account_move, partner_id int REFERENCES res_partner,
    product_id int REFERENCES product_product, create_uid int REFERENCES res_users, quantity int);
