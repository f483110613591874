-- Named after files by an importer: two of over 247 characters, paths, and what no file may be called somewhere.
CREATE TABLE "./data/2024 sales (final).csv" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "./data/2024 sales (final).csv" VALUES (1, 'Sales');
CREATE TABLE "../x" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "../x" VALUES (1, 'Above');
CREATE TABLE "quarterly_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "quarterly_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_" VALUES (1, 'Quarterly');
CREATE TABLE "quarterly_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_2" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "quarterly_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_report_of_all_regional_offices_and_their_departments_2" VALUES (1, 'Quarterly2');
CREATE TABLE "o'neil" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "o'neil" VALUES (1, 'Quoted');
CREATE TABLE "con" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "con" VALUES (1, 'Device');
CREATE TABLE "/etc/passwd" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "/etc/passwd" VALUES (1, 'Root');
CREATE TABLE ".." (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO ".." VALUES (1, 'Dots');
CREATE TABLE "a\b:c*?" (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO "a\b:c*?" VALUES (1, 'Back');
