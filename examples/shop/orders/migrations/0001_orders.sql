create table cart_lines (
  account_id text not null,
  sku text not null,
  quantity integer not null check (quantity between 1 and 999),
  added_at timestamptz not null default now(),
  primary key (account_id, sku)
);

create table orders (
  id uuid primary key,
  account_id text not null,
  status text not null default 'pending' check (status in ('pending', 'paid', 'shipped', 'canceled', 'failed')),
  currency text not null check (currency = 'EUR'),
  subtotal_cents integer not null check (subtotal_cents >= 0),
  shipping_cents integer not null check (shipping_cents >= 0),
  total_cents integer not null,
  refunded_cents integer not null default 0,
  ship_to jsonb not null,
  failure_reason text,
  tracking_code text,
  placed_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (total_cents = subtotal_cents + shipping_cents),
  check (refunded_cents between 0 and total_cents),
  check ((status = 'failed') = (failure_reason is not null))
);

create index orders_of_account on orders (account_id, placed_at desc, id desc);
create index orders_newest on orders (placed_at desc, id desc);
create index orders_by_status on orders (status, placed_at desc, id desc);

create table order_lines (
  order_id uuid not null references orders (id) on delete cascade,
  position integer not null,
  sku text not null,
  name text not null,
  unit_price_cents integer not null check (unit_price_cents >= 0),
  quantity integer not null check (quantity > 0),
  total_cents integer not null,
  primary key (order_id, position),
  check (total_cents = unit_price_cents * quantity)
);

create table order_refunds (
  id uuid primary key,
  order_id uuid not null references orders (id),
  amount_cents integer not null check (amount_cents > 0),
  reason text not null,
  refunded_by text not null,
  refunded_at timestamptz not null default now()
);

create index order_refunds_of_order on order_refunds (order_id, refunded_at, id);
