"""People: invitations, roles, signing in (django-allauth), acting for a tenant."""
