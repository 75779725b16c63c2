"""The dashboards for Graphite: one description of the panels, written for graphite-web and for Grafana.

``names`` knows how statsd and carbon call what perfkit sends, ``expressions`` what is computed from it, ``sections`` what is
shown; ``graphite_web`` and ``grafana`` write that down, and ``check`` asks Graphite for every target.
"""
