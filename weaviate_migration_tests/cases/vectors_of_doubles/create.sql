-- What numpy's `tobytes` gives without a dtype: float64s, told in one mapping and not in the other.
CREATE TABLE told (id TEXT PRIMARY KEY, embedding BLOB);
INSERT INTO told VALUES
 ('0', x'fe2e977c15c6e23faa01a520e59ae43fc05bdf3c2aa69ebf902c69ef2f83debf32dbd55e99f8efbf7c3d62193dd7d43f00ea6904ab75aebfd6f1e03d6d9fe03f'),
 ('1', x'dccbe3ea473cd0bf8ed42c98f849e13fc8b42da83a18ddbf14b995519552e33f30caf56de66add3fa896dc82ac03c6bf401483e2bd9cb33f90e281b1784dd73f'),
 ('2', x'aa1e7ec322a6e3bf10ffc46c7273bb3f32c3d4052787e33fe8c264f56703debf5660e154566ae33f08e568a1afc4d73fc2c865bbb808e63ffcfd2700a60bd5bf'),
 ('3', x'0a561a35150aeabf2c914703d537e33f26ff00528a81e33f106939531e0dbcbf5298f49980ffe9bfa8de6472b261e3bf5019be5c0545d13f746e703e7fbadabf');
CREATE TABLE untold AS SELECT * FROM told;
