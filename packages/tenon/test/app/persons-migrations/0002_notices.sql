create table notices (
  id text primary key,
  author text not null,
  shown int not null default 0
);
