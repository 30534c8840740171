select * from nope
