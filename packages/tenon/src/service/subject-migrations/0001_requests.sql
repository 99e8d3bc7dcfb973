create table requests (
  id uuid primary key,
  subject text not null,
  kind text not null check (kind in ('export', 'erasure')),
  state text not null check (state in ('working', 'done', 'held', 'replaced')),
  asked_by text not null,
  asked_at timestamptz not null,
  -- who has to take part
  services jsonb not null,
  done_at timestamptz,
  report text
);
comment on table requests is 'What persons asked for, and how far it has come';

-- One at a time: who asks again is told of the one under way.
create unique index requests_working on requests (subject, kind) where state = 'working';

create table parts (
  request uuid not null references requests (id) on delete cascade,
  service text not null,
  done_at timestamptz not null default now(),
  outcome jsonb not null,
  -- sealed under the key of the subject
  data text,
  primary key (request, service)
);
comment on table parts is 'What each service found and did for a request';
