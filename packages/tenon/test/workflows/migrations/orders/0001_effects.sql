create table effects (run text not null, what text not null, place integer generated always as identity primary key);
