create type mood as enum ('sad', 'ok');
create table t (id int, note mood);
insert into t values (1, 'sad'), (2, 'ok');
