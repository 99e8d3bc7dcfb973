create table orders (
  id uuid primary key,
  customer_id uuid not null,
  email text not null,
  currency text not null,
  shipping_address jsonb not null,
  billing_same_as_shipping boolean not null,
  note text not null,
  placed_at timestamptz not null,
  priority text not null,
  channel text not null,
  coupon_code text not null,
  tags jsonb not null,
  status text not null,
  total_cents integer not null
);

create table order_lines (
  order_id uuid not null references orders (id),
  line_number integer not null,
  sku text not null,
  name text not null,
  quantity integer not null,
  unit_cents integer not null,
  gift_wrap boolean not null,
  primary key (order_id, line_number)
);
