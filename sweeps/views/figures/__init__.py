"""Pictures, drawn with Matplotlib: the stability map, and curves of several trainings side by side.

The map as data is `analysis.stability_map`.
"""
