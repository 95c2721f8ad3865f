"""Small text-to-image systems that are really trained and run on a laptop, and the world that they draw.

domain     what can be in a picture, how it is said, how it looks
training   one file a method; train.py runs them
weights    what training made, in the hub's layout
oracle     reads a picture back and judges it
untrained  tiny checkpoints of random weights, for tests
layout     the hub's layout, which all of them are written in
"""
