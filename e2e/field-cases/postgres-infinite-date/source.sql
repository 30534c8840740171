create table t (id int, v date);
insert into t values (1, 'infinity'), (2, '2024-02-29');
