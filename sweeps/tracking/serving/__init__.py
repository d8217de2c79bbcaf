"""The best network of a sweep as a model: how it is registered, and the loaders that travel with it.

The loaders are copied into the model and import nothing of `sweeps` there.
"""
