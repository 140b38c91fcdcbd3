ALTER TABLE shops ADD CONSTRAINT shops_owner FOREIGN KEY (owner_id) REFERENCES profiles (id);
ALTER TABLE workspaces
    ADD CONSTRAINT workspaces_shop FOREIGN KEY (shop_id) REFERENCES shops,
    ADD CONSTRAINT workspaces_creator FOREIGN KEY (created_by) REFERENCES profiles ON DELETE SET NULL;
ALTER TABLE memberships
    ADD CONSTRAINT memberships_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces ON DELETE CASCADE,
    ADD CONSTRAINT memberships_profile FOREIGN KEY (user_id) REFERENCES profiles ON DELETE CASCADE;
ALTER TABLE products ADD CONSTRAINT products_shop FOREIGN KEY (shop_id) REFERENCES shops ON DELETE CASCADE;
ALTER TABLE reviews
    ADD CONSTRAINT reviews_product FOREIGN KEY (shop_id, sku) REFERENCES products (shop_id, sku) ON UPDATE CASCADE,
    ADD CONSTRAINT reviews_profile FOREIGN KEY (user_id) REFERENCES profiles ON DELETE SET NULL;
ALTER TABLE orders
    ADD CONSTRAINT orders_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    ADD CONSTRAINT orders_profile FOREIGN KEY (user_id) REFERENCES profiles (id);
ALTER TABLE order_items
    ADD CONSTRAINT order_items_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
    ADD CONSTRAINT order_items_product FOREIGN KEY (shop_id, sku) REFERENCES products ON UPDATE CASCADE;
ALTER TABLE payments ADD CONSTRAINT payments_order FOREIGN KEY (order_id) REFERENCES orders ON DELETE RESTRICT;
ALTER TABLE invoices
    ADD CONSTRAINT invoices_order FOREIGN KEY (order_id) REFERENCES orders,
    ADD CONSTRAINT invoices_corrects FOREIGN KEY (corrects_id) REFERENCES invoices DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT invoices_issuer FOREIGN KEY (issued_by) REFERENCES profiles ON DELETE SET NULL;
ALTER TABLE events
    ADD CONSTRAINT events_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces ON DELETE CASCADE,
    ADD CONSTRAINT events_actor FOREIGN KEY (actor_id) REFERENCES profiles ON DELETE SET NULL;
ALTER TABLE sessions ADD CONSTRAINT sessions_profile FOREIGN KEY (user_id) REFERENCES profiles ON DELETE CASCADE;
