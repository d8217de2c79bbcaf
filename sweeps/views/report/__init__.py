"""The report of a sweep: one HTML page that needs nothing else.

What it shows, how it is published, and, in `page/`, how it is drawn; what is worth showing is found in `analysis`.
"""
