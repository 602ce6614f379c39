"""Runs in the clients' environment: one command line of openstackclient, unmodified, on the terminal it was started on.

The first word is a CA for sessions, or empty: for those python-zunclient trusts the CAs of the system only, whatever OS_CACERT
says, and a test cannot add one there.
"""

import importlib
import sys

authority, *words = sys.argv[1:]
if authority:
    client = importlib.import_module("zunclient.common.websocketclient.websocketclient").WebSocketClient
    client.get_system_ca_file = staticmethod(lambda: authority)
sys.exit(importlib.import_module("openstackclient.shell").main(words))
