select 1 as id, content as note from read_text('/etc/passwd')
