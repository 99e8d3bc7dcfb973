create table marks (position integer generated always as identity primary key, what text not null, at text not null, missed integer not null);
