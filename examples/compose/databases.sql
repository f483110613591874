-- PostgreSQL runs it once, when its folder is new. The database `migration`, named as its user, is there already.
CREATE DATABASE dagster;
