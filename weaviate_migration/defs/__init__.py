"""What Dagster loads: assets, checks, resources, jobs, sensors. Thin: no data logic."""
