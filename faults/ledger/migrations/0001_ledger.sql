create table orders (id uuid primary key, reference text not null, lines integer not null);
create table order_lines (order_id uuid not null, position integer not null, quantity integer not null, primary key (order_id, position));
create table totals (id integer primary key, orders bigint not null, quantity bigint not null);
insert into totals values (1, 0, 0);
