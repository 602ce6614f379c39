"""What callers can ask of the network service: a module per resource, a function per wish; ``checks`` are pure.

A function runs inside the one transaction of its request, checks everything before the first change, changes wishes
and wakes reconcilers. It never touches the world.
"""
