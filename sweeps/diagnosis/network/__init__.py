"""The examination of a network class by finite differences: what its steps and its cost do, and what that is called.

It knows no framework and runs in a worker; how a class is spoken to is `user_network`.
"""
