"""How gunicorn serves the site; read by every `gunicorn evalsite.wsgi` that starts in this folder."""

worker_class = "gthread"
workers = 2
threads = 4
control_socket_disable = True  # it would be made in the home folder
