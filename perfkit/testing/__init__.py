"""What the pytest plugin is made of; only ``perfkit.pytest_plugin`` knows pytest's hooks."""
