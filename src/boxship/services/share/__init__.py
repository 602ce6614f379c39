"""The share service: Manila's API v2 for file systems that several hosts and containers use at once.

``api`` speaks HTTP, ``operations`` decide and write wishes, ``store`` keeps them, ``plan`` names the next step, ``reconciler``
takes it. Other services enter by ``public.py``.
"""
