-- Two names of two Chinese characters each, two that differ in an umlaut, and two in the case of one;
-- and columns whose names are alike, or blank.
CREATE TABLE "用户" ("编号" INTEGER PRIMARY KEY, "姓名" TEXT);
CREATE TABLE "订单" ("编号" INTEGER PRIMARY KEY, "用户编号" INTEGER REFERENCES "用户" ("编号"), "备注" TEXT);
CREATE TABLE "Grüße" (id INTEGER PRIMARY KEY, body TEXT, "Ä" TEXT, "ä" TEXT, "" TEXT, " " TEXT, "_" TEXT, "甲" TEXT);
CREATE TABLE "Größe" (id INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE "äpfel" (id INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE "Äpfel" (id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO "用户" VALUES (1, '甲'), (2, '乙');
INSERT INTO "订单" VALUES (10, 1, '第一单'), (11, 2, '第二单'), (12, 9, '孤儿');
INSERT INTO "Grüße" VALUES (1, 'von hier', 'groß', 'klein', 'nichts', 'leer', 'Strich', '甲');
INSERT INTO "Größe" VALUES (1, 'klein');
INSERT INTO "äpfel" VALUES (1, 'sauer');
INSERT INTO "Äpfel" VALUES (1, 'süß');
