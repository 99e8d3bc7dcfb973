create table arrivals (position bigint generated always as identity primary key, key text not null, n integer not null);
