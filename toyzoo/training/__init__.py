"""How the toy systems were trained: one file a method, each of which names the paper that it follows.

`python -m toyzoo.train NAME` trains one on a CPU, goes on where it was interrupted, and writes the system's folder.
"""
