create table effects (job text not null, at timestamptz not null default clock_timestamp());
