create table placeholders (id integer primary key);
