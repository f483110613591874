"""What all stand on: settings, errors, secrets, logs, YAML with lines, a file replaced in one step, texts."""
