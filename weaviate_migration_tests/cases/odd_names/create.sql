CREATE TABLE "an ""odd"" table 🎉" ("the key" TEXT PRIMARY KEY, "select" TEXT, "it's" INTEGER, " " TEXT, "" TEXT);
INSERT INTO "an ""odd"" table 🎉" VALUES ('a', 'from', 1, 'blank', 'no name at all');
