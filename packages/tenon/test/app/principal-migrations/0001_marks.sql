create table marks (id text primary key, caller text not null);
