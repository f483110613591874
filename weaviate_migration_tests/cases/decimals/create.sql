-- Decimal numbers as .NET writes them, in texts, and as an integer of cents.
CREATE TABLE invoices (id TEXT PRIMARY KEY, total TEXT, cents INTEGER);
INSERT INTO invoices VALUES
 ('exact', '19.95', 1995), ('zeros', '12.50', 1250), ('negative', '-0.1', -10), ('zero', '0.0', 0),
 ('negative zero', '-0.0', NULL), ('largest of .NET', '79228162514264337593543950335', 9007199254740991),
 ('too many digits', '0.1000000000000000000000000001', 9007199254740993), ('exponent', '1E3', 9223372036854775807),
 ('no number', '12,50', 'free'), ('real', X'31', 12.5), ('null', NULL, NULL);
