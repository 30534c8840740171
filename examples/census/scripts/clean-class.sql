-- Some releases of the data end the income class with a full stop.
SELECT person_id, age, workclass, education, education_num, marital_status, occupation, race, sex,
       capital_gain, capital_loss, hours_per_week, native_country, rtrim(class, '.') AS class
FROM person
