"""How gunicorn serves the example; it finds this file in its working folder."""

import os

wsgi_app = "shop_site.wsgi"
# The debug toolbar keeps its pages in the memory of one process.
workers = 1 if os.environ.get("EXAMPLE_DEBUG") == "1" else 2
worker_class = "gthread"
threads = 2
# gthread keeps a visitor's connection open between requests, as a proxy in front would.
keepalive = 5
loglevel = "warning"
# Nothing is left in the home folder (gunicorn 25 and later; an older one ignores the name).
control_socket_disable = True
