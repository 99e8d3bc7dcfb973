create table handled (number integer not null, handled_at timestamptz not null default now());
