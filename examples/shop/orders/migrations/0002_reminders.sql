-- When somebody last changed a line. A cart is as old as its youngest line.
alter table cart_lines add column touched_at timestamptz not null default now();

create table cart_reminders (
  account_id text not null,
  touched_at timestamptz not null,
  reminded_at timestamptz not null default now(),
  -- Once for a cart as it was left. One that is filled again and left again is another one.
  primary key (account_id, touched_at)
);
