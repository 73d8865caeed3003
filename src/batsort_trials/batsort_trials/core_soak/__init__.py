"""A whole cell of core parts under random faults, run after run: does it keep its promises?

Pure: a run is a function of its seed. A part crashes and is restored from its records, messages are
lost, late and repeated, and what is heard of bodies on a kinematic belt (`belt`) is judged by
`promises`.
"""
