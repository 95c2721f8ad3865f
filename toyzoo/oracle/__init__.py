"""What a picture of the small world shows, told from its pixels alone: no trained weights, only classical analysis.

`reading` finds the things and the backdrop, `following` checks them against a wish, `quality` asks how cleanly they
are drawn whatever was wished, and `measure` says how far all of this can be trusted.
"""
