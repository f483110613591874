"""Sensors: pending changes are applied, and somebody is told when something goes wrong."""
