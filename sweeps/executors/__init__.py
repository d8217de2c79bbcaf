"""Where trials run: worker processes behind the interface of concurrent.futures.

What runs there is `worker`; which task is next is `driver`.
"""
