-- dimensions and facts, keys that end in key, columns with the table's letters before them
CREATE TABLE dim_date (date_key int PRIMARY KEY, calendar_date date UNIQUE, month_no int);
CREATE TABLE dim_customer (customer_key int PRIMARY KEY, customer_id text, segment text);
CREATE TABLE dim_product (product_key int PRIMARY KEY, product_code text UNIQUE, brand text);
CREATE TABLE dim_store (store_key int PRIMARY KEY, store_no int UNIQUE, manager_name text);
CREATE TABLE dim_employee (employee_key int PRIMARY KEY, supervisor_key int REFERENCES dim_employee, badge_no int);
CREATE TABLE dim_promotion (promotion_key int PRIMARY KEY, start_date_key int REFERENCES dim_date, end_date_key int REFERENCES dim_date);
CREATE TABLE fact_sales (order_date_key int REFERENCES dim_date, ship_date_key int REFERENCES dim_date,
    customer_key int REFERENCES dim_customer, product_key int REFERENCES dim_product, store_key int REFERENCES dim_store,
    promo_key int REFERENCES dim_promotion, cashier_employee_key int REFERENCES dim_employee, order_number text, quantity int);
CREATE TABLE fact_inventory (date_key int REFERENCES dim_date, product_key int REFERENCES dim_product,
    store_key int REFERENCES dim_store, on_hand int, PRIMARY KEY (date_key, product_key, store_key));
CREATE TABLE fact_returns (return_date_key int REFERENCES dim_date, customer_key int REFERENCES dim_customer,
    product_key int REFERENCES dim_product, reason_code text, units int);
CREATE TABLE route (carrier int, route_no int, stops int, PRIMARY KEY (carrier, route_no));
CREATE TABLE leg (leg_no int PRIMARY KEY, route_carrier int, route_route_no int, miles int,
    FOREIGN KEY (route_carrier, route_route_no) REFERENCES route);
CREATE TABLE pallet (site int, slot int, weight int, PRIMARY KEY (site, slot));
CREATE TABLE pallet_move (move_no int PRIMARY KEY, pallet_site int, pallet_slot int, moves int,
    FOREIGN KEY (pallet_site, pallet_slot) REFERENCES pallet);
