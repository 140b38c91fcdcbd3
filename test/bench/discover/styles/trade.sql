-- tables with a prefix, id before the name, codes as keys, another language
CREATE TABLE t_pais (cod_pais char(2) PRIMARY KEY, nombre text);
CREATE TABLE t_moneda (cod_moneda char(3) PRIMARY KEY, nombre text, decimales int);
CREATE TABLE t_usuario (id_usuario int PRIMARY KEY, login text UNIQUE, id_usuario_creador int REFERENCES t_usuario, estado int);
CREATE TABLE t_cliente (id_cliente int PRIMARY KEY, nombre text, cod_pais char(2) REFERENCES t_pais, id_vendedor int,
    fk_usuario int REFERENCES t_usuario, id_cliente_padre int REFERENCES t_cliente, nif text);
CREATE TABLE t_direccion (id_direccion int PRIMARY KEY, id_cliente int REFERENCES t_cliente, cod_pais char(2) REFERENCES t_pais);
CREATE TABLE t_almacen (id_almacen int PRIMARY KEY, id_direccion int REFERENCES t_direccion, num_estantes int);
CREATE TABLE t_producto (id_producto int PRIMARY KEY, referencia text UNIQUE, id_familia int, cod_moneda char(3) REFERENCES t_moneda,
    fk_almacen int REFERENCES t_almacen, id_producto_base int REFERENCES t_producto, peso numeric);
CREATE TABLE t_pedido (id_pedido int PRIMARY KEY, id_cliente int NOT NULL REFERENCES t_cliente,
    id_direccion_envio int REFERENCES t_direccion, id_direccion_factura int REFERENCES t_direccion,
    cod_moneda_pago char(3) REFERENCES t_moneda, fk_usuario_alta int REFERENCES t_usuario, num_pedido int);
CREATE TABLE t_linea_pedido (id_pedido int REFERENCES t_pedido, num_linea int, id_producto int REFERENCES t_producto, cantidad int,
    PRIMARY KEY (id_pedido, num_linea));
CREATE TABLE t_entrega (id_entrega int PRIMARY KEY, id_pedido int, num_linea int, id_almacen int REFERENCES t_almacen,
    FOREIGN KEY (id_pedido, num_linea) REFERENCES t_linea_pedido);
