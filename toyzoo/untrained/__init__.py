"""Tiny checkpoints of random weights, in the layout of the hub's own repositories.

They stand in for real models wherever what matters is that a pipeline loads and runs. `families` has one for every
family of the catalogue that can be built without the hub; the backends' own families (SDXL in `checkpoints`, IF in
`deepfloyd`, OpenMUSE in `muse`, StyleGAN-T in `stylegan_t`) have files of their own.
"""
