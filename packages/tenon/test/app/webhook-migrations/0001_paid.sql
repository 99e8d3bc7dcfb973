create table paid (position integer generated always as identity primary key, order_id text not null, cents integer not null);
