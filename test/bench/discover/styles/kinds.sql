-- tables of kinds: one for each column that has one of a few values, named after the column's table and the column
CREATE TABLE parcel_state_enum (value text PRIMARY KEY, comment text);
CREATE TABLE parcel_priority_enum (value text PRIMARY KEY, comment text);
CREATE TABLE depot_region_values (name text PRIMARY KEY, note text);
CREATE TABLE van_fuel_enum (value text PRIMARY KEY, comment text);
CREATE TABLE depot (id uuid PRIMARY KEY, title text, region text REFERENCES depot_region_values, opening text, phone text);
CREATE TABLE van (id uuid PRIMARY KEY, plate text UNIQUE, depot_id uuid REFERENCES depot, fuel text REFERENCES van_fuel_enum,
    colour text, state text);
CREATE TABLE parcel (id uuid PRIMARY KEY, van_id uuid REFERENCES van, state text NOT NULL REFERENCES parcel_state_enum,
    priority text REFERENCES parcel_priority_enum, weight int, label text, note text);
CREATE TABLE parcel_note (id uuid PRIMARY KEY, parcel_id uuid REFERENCES parcel, body text, tone text);
CREATE TABLE parcel_note_old (id uuid PRIMARY KEY, parcel_id uuid REFERENCES parcel, body text, tone text);
