"""The example's settings as its tests need them: data in memory, quick passwords, no store."""

from shop_site.settings import *  # noqa: F403
from shop_site.settings import DATABASES

DATABASES["default"]["NAME"] = ":memory:"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PERFKIT = {"STORE": False}
