create table stock (
  sku text primary key,
  on_hand integer not null check (on_hand >= 0),
  reserved integer not null default 0 check (reserved >= 0),
  low_at integer not null default 10 check (low_at >= 0),
  -- The promise of this service, held by the database whatever the code does.
  check (reserved <= on_hand)
);

-- The admin's list of what runs out.
create index stock_low on stock ((on_hand - reserved), sku) where on_hand - reserved <= low_at;

create table reservations (
  order_id uuid primary key,
  status text not null check (status in ('held', 'committed', 'released')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table reservation_lines (
  order_id uuid not null references reservations (order_id) on delete cascade,
  sku text not null,
  quantity integer not null check (quantity > 0),
  primary key (order_id, sku)
);

create table stock_movements (
  id uuid primary key,
  sku text not null,
  delta integer not null check (delta <> 0),
  reason text not null,
  moved_by text not null,
  moved_at timestamptz not null default now()
);

create index stock_movements_of_sku on stock_movements (sku, moved_at desc, id desc);
