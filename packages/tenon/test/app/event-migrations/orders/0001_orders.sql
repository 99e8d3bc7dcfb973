create table paid_orders (id text primary key, cents integer not null);
