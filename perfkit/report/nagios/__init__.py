"""A report as a monitoring plugin's answer: exit status, one line, figures with their thresholds."""
