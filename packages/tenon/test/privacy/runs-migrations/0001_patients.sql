create table patients (id text primary key, name text not null);
