-- A copy of what inventory tells, so that products can be searched by it: a service does not read another one's rows.
alter table products add column is_sold_out boolean not null default false;
