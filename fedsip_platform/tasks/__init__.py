"""What celery does in the background."""
