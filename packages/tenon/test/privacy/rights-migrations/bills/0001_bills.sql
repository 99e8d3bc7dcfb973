create table bills (id text primary key, person_id text not null, address text, cents integer not null);
