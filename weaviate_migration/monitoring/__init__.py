"""Only looks: metrics, alerts, status, postflight, report."""
