create table receipts (
  order_id uuid primary key,
  account_id text not null,
  lines jsonb not null,
  shipping_cents integer not null,
  total_cents integer not null,
  currency text not null,
  paid_at timestamptz not null
);

create index receipts_of_account on receipts (account_id, paid_at desc, order_id desc);
