create table t (id int, note text[]);
insert into t values (1, '{a,"b,c",NULL}');
