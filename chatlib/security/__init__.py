"""Who is who: keys, what is known of other people's keys, and who may come in.

Nothing here knows ZeroMQ; net/curve.py does with it what libzmq asks for.
"""
