"""How gunicorn runs the program: gunicorn, in this folder, is enough."""

wsgi_app = "config.wsgi"
workers = 2
# Threads, so that a sender who is slow holds up one of eight, and not one of two. Nothing can end
# a handler in a thread: each bounds what it waits for itself, as saas/crm.py does.
worker_class = "gthread"
threads = 4
control_socket_disable = True  # Else two programs of one user would take it from each other.
