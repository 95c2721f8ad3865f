"""How gunicorn serves the site; read by every `gunicorn evalsite.wsgi` that starts in this folder."""

import gc

worker_class = "gthread"
workers = 2
threads = 4
# A request waits in the kernel's queue for the first thread of any process, never behind the threads of one while those
# of another are free: a process takes as many connections as it has threads, and keeps none for a next request.
worker_connections = threads
keepalive = 0
control_socket_disable = True  # it would be made in the home folder


def post_worker_init(worker: object) -> None:
    """What stays for good is not looked through for garbage, while a request waits, again and again."""
    gc.collect()
    gc.freeze()
