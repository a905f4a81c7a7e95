"""Runs a command on a terminal of its own: what is written to us is typed, what it shows is written by us.

First line on stderr: its pid. Last: how it ended, and whether the terminal was left as it was.
"""
import fcntl, json, os, select, subprocess, sys, termios

master, slave = os.openpty()
before = termios.tcgetattr(slave)


def own_terminal():
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)
print(json.dumps({"pid": child.pid}), file=sys.stderr, flush=True)
typing = [0]
while True:
    # Our end of the slave stays open, to look at its settings afterwards: its end shows no other way.
    readable, _, _ = select.select([master, *typing], [], [], 0.02)
    if master in readable:
        os.write(1, os.read(master, 65536))
    elif child.poll() is not None:
        break
    if 0 in readable:
        typed = os.read(0, 4096)
        if typed:
            os.write(master, typed)
        else:
            # Whoever types is gone, as when a test failed: nothing of it stays behind.
            typing = []
            child.kill()
print(json.dumps({"code": child.returncode, "restored": termios.tcgetattr(slave) == before}), file=sys.stderr, flush=True)
