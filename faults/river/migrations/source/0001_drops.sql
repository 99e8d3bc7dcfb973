create table drops (key text not null, n integer not null);
