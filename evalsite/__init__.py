"""The site: settings, addresses, the Celery application, the shared look."""

from evalsite.celery import app as celery_app

__all__ = ["celery_app"]
