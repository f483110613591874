-- Booleans, times and prices as applications of several families store them.
CREATE TABLE events (id TEXT PRIMARY KEY, active BOOLEAN, shipped BOOLEAN, created_at DATETIME, updated_at DATETIME, price TEXT);
INSERT INTO events VALUES
 ('1', 't', 'true', '2024-05-17 02:23:57.241892 -0700 PDT m=+0.492', '2024-05-17T02:23:57+0000', '12.50'),
 ('2', 'f', 'false', '2024-05-17 02:23:57 +0000 UTC', '2024-05-17T02:23:57-0700', '0.99'),
 ('3', 't', 'True', '2024-05-17 02:23:57 -0500', '2024-05-17T02:23:57+00', '1e3'),
 ('4', 'f', 'N', '2024-05-17 02:23:57 UTC', '20240517T022357Z', '7');
