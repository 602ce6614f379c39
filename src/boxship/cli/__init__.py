"""The command line. ``main.py`` lists the commands; each module is loaded only when one of its commands runs.

Commands that use a cloud speak HTTP to it and know nothing else of it. ``lifecycle.py`` alone, which starts and removes
clouds, may reach the program and the drivers.
"""
