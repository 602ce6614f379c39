"""The world behind narrow interfaces.

One package per kind of world: ``engine`` (containers), ``linux`` (networks of the kernel), ``storage`` (files,
loop devices, mounts). Each holds ``interface.py``, the real driver, ``fake.py`` and a conformance suite in
``tests/conformance`` that both pass. Every verb tolerates being repeated, fails only with the three errors
``Absent``, ``Busy`` and ``Refused`` of ``core.errors``, touches only what carries the mark of this
installation, and never sees the database.
"""
