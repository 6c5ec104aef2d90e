"""The configuration of gunicorn: run gunicorn in this folder."""

wsgi_app = "config.wsgi"
workers = 2
# Threads, so that a slow sender blocks one of eight, not one of two. A handler in a thread cannot
# be stopped, so each limits its own waits, as saas/crm.py does.
worker_class = "gthread"
threads = 4
control_socket_disable = True  # Two programs of one user would share its path.
