"""The small world that the toy systems draw: what can be in a picture, how it is said, and how it looks.

A `Wish` is what a caption asks for, and leaves the rest open; a `Scene` is one complete picture of a wish.
`captions` turns wishes into text and back, `scenes` completes and lays out, `drawing` renders.
"""
