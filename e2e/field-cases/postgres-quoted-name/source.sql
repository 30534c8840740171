create table "My.Table ""x""" (id int, "group" text);
insert into "My.Table ""x""" values (1, 'a');
