create table orders (id uuid primary key, sku text not null);
