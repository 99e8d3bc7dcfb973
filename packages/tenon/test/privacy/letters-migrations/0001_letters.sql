create table readers (reader_id text primary key, email text not null, wishes jsonb not null);
