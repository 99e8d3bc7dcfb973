create table notes (
  id uuid primary key,
  owner_id text not null,
  team_id text not null,
  body text not null
);
create table members (
  team_id text not null,
  user_id text not null,
  part text not null,
  primary key (user_id, team_id)
);
