"""Django settings of the web and worker processes, derived from environment.py."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from fedsip_platform import languages
from fedsip_platform.environment import SettingError, WebSettings
from fedsip_platform.tasks import timetable

try:
    WEB = WebSettings.from_env(os.environ)
except SettingError as error:
    print(f"fedsip web: {error}", file=sys.stderr)
    raise SystemExit(2) from None  # nothing of this process can work without its settings

SECRET_KEY = WEB.secret_key
DEBUG = WEB.debug
ALLOWED_HOSTS = list(WEB.allowed_hosts)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "channels",
    "axes",
    "admin_ui",  # before allauth, whose templates it replaces
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "fedsip_platform.tenants",
    "fedsip_platform.audit",
    "fedsip_platform.directory",
    "fedsip_platform.routing",
    "fedsip_platform.location",
    "fedsip_platform.calls",
    "fedsip_platform.live",
    "fedsip_platform.federation",
    "fedsip_platform.gateway",
    "fedsip_platform.people",
    "fedsip_platform.tasks",
    "fedsip_platform.webhooks",
    "fedsip_platform.api",
    "fedsip_platform.cli",
]

MIDDLEWARE = [
    "fedsip_platform.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "fedsip_platform.middleware.content_security_policy",
    "fedsip_platform.middleware.api_is_not_stored",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "fedsip_platform.audit.actor.note_request",
    "allauth.account.middleware.AccountMiddleware",
    "fedsip_platform.people.mfa.require",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "fedsip_platform.urls"
ASGI_APPLICATION = "fedsip_platform.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "admin_ui.frame.around",
            ],
        },
    },
]

# -- PostgreSQL

_RENAMED = {
    "dbname": "NAME",
    "user": "USER",
    "password": "PASSWORD",
    "host": "HOST",
    "port": "PORT",
}

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **{_RENAMED[name]: value for name, value in WEB.database.items() if name in _RENAMED},
        "OPTIONS": {
            **{name: value for name, value in WEB.database.items() if name not in _RENAMED},
            "application_name": "fedsip",
            "connect_timeout": 10,
        },
    },
}

# The web process alone (asgi.py): under ASGI every request has a thread of its own, so connections
# that a thread keeps would be left behind.
WEB_DATABASE_POOL = {"min_size": 1, "max_size": 16, "timeout": 10, "max_idle": 300}

# -- people and sign-in

AUTH_USER_MODEL = "tenants.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"

ACCOUNT_ADAPTER = "fedsip_platform.people.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # who was invited by letter has read it
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Failed passwords are axes' (below); a limit by name would let any stranger lock its owner out.
# "login_failed" limits second factors alone (people/adapters.py): its key is whose password it was.
ACCOUNT_RATE_LIMITS = {"login_failed": "30/m/ip,10/15m/key", "login": "60/m/ip"}
MFA_ADAPTER = "fedsip_platform.people.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "fedsip"
SOCIALACCOUNT_ADAPTER = "fedsip_platform.people.adapters.SingleSignOnAdapter"
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = "oidc"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        # The operator chose this one provider, so its word about an address counts.
        "EMAIL_AUTHENTICATION": True,
        "VERIFIED_EMAIL": True,
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sso",
                "name": WEB.oidc_name,
                "client_id": WEB.oidc_client_id,
                "secret": WEB.oidc_client_secret,
                "settings": {"server_url": WEB.oidc_issuer},
            }
        ],
    }
}
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_STORE_TOKENS = False

# Guesses are counted by address (an IPv6 network of 64 bits is one): locking a name would let any
# stranger lock its owner out.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_LOCKOUT_CALLABLE = "fedsip_platform.lockout.refuse"
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_SENSITIVE_PARAMETERS = ["password"]
AXES_VERBOSE = False

# -- letters: mail.py keeps them, tasks/letters.py posts them

EMAIL_BACKEND = WEB.email.backend
EMAIL_HOST = WEB.email.host
EMAIL_PORT = WEB.email.port
EMAIL_HOST_USER = WEB.email.user
EMAIL_HOST_PASSWORD = WEB.email.password
EMAIL_USE_TLS = WEB.email.scheme == "smtp"
EMAIL_USE_SSL = WEB.email.scheme == "smtps"
EMAIL_TIMEOUT = 20
EMAIL_FILE_PATH = str(WEB.state_dir / "mail")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = WEB.email_from

# -- browsers

SESSION_COOKIE_NAME = "__Host-fedsip-session"
SESSION_COOKIE_SECURE = SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 7 * 86400
CSRF_COOKIE_NAME = "__Host-fedsip-csrf"
CSRF_COOKIE_SECURE = CSRF_COOKIE_HTTPONLY = True  # pages have the token in their forms
CSRF_FAILURE_VIEW = "fedsip_platform.api.errors.csrf_failure"
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health$"]
SECURE_HSTS_SECONDS = WEB.hsts_seconds
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    # Other hosts below the operator's name are not ours to switch to HTTPS.
    "security.W005",
    "security.W021",
    *([] if WEB.is_vouched_for else ["security.W004"]),  # then HSTS would shut browsers out
]

# -- static files: served from the packages by this process, no collecting step

STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # there are no uploads
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 300
WHITENOISE_ALLOW_ALL_ORIGINS = False

# -- language and time

LANGUAGE_CODE = languages.ENGLISH[0]
LANGUAGES = languages.offered()
LOCALE_PATHS = [languages.FOLDER]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# -- REST

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "fedsip_platform.api.authentication.TokenAuthentication",
        "fedsip_platform.api.authentication.SignedInAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["fedsip_platform.api.permissions.SignedIn"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["fedsip_platform.api.parsing.BoundedJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["fedsip_platform.api.throttles.RequestThrottle"],
    "DEFAULT_PAGINATION_CLASS": "fedsip_platform.api.paging.Pages",
    "DEFAULT_SCHEMA_CLASS": "fedsip_platform.api.schema.Operations",
    "EXCEPTION_HANDLER": "fedsip_platform.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "fedsip",
    "VERSION": "1",
    "DESCRIPTION": "Tenants, domains, users, registrations and translations of a SIP platform.",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"filter": True},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "fedsip_platform.api.schema.describe_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RoleEnum": "fedsip_platform.tenants.models.Role",
        "ScopeEnum": "fedsip_platform.api.areas.Scope",
        "FederationEnum": "fedsip_platform.directory.models.Federation",
        "MediaPolicyEnum": "fedsip_platform.directory.models.MediaPolicy",
        "SrtpEnum": "fedsip_platform.directory.models.Srtp",
        "MediaPolicyOfCallEnum": "fedsip_platform.calls.policies.MEDIA_POLICIES",
        "SrtpOfCallEnum": "fedsip_platform.calls.policies.SRTP_POLICIES",
    },
}

# -- celery

CELERY_BROKER_URL = WEB.broker_url
CELERY_IMPORTS = timetable.MODULES
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a task whose worker was killed runs again: all are idempotent
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = timetable.TIMETABLE
if WEB.broker_url.startswith(("redis", "rediss", "unix")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 900,  # above the longest task, else it would be given out twice
        "unacked_restore_interval": 10,
    }

# -- logs: one line an event, on stderr, which the launcher keeps

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": WEB.log_level},
    "loggers": {
        # A refused request is the client's fault, and is answered; only what we broke is logged.
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": ["stderr"], "level": WEB.log_level, "propagate": False},
        "axes": {"level": "WARNING"},
        "daphne": {"level": "INFO"},
    },
}
