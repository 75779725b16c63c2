"""Records Celery tasks: ``INSTALLED_APPS = [..., "perfkit.celery"]``."""
