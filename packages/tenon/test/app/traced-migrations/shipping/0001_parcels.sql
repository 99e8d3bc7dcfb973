create table parcels (id text primary key);
