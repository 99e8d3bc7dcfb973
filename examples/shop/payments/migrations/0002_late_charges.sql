-- A charge may take its time, and so may a refund. Those from before had all ended.
alter table payments
  add column status text not null default 'captured' check (status in ('processing', 'captured', 'declined')),
  add column decline_reason text,
  add check ((status = 'declined') = (decline_reason is not null));
alter table payments alter column status drop default;

alter table refunds add column status text not null default 'settled' check (status in ('pending', 'settled', 'failed'));
alter table refunds alter column status set default 'pending';
