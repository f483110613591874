"""What is measured, for people and for Prometheus: read from where the code that moves the data puts it."""
