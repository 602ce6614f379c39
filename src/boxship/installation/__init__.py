"""An installation of Boxship: its state directory and what is kept there. It knows files and processes of the host, never
a service, a driver or the database.

    installation.json   directory.py   mark, format of the state, engine, the options that ``up`` was told
    boxship.pid         lock.py        who works on the directory now; locked as long as it does
    passwords.json      secrets.py     one random password per user
    clouds.yaml         secrets.py     the same for OpenStack clients
    logs/boxship.log    logs.py        JSON lines, one per event
    boxship.yaml        (operator)     settings; see docs/reference/settings.md
    policy.yaml         (operator)     rules that differ from the defaults

``choice.py`` puts the settings together, ``host.py`` checks the host, ``removal.py`` takes everything away again.
"""
