create view seen as select note from t
