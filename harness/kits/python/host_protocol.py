"""seam-stdio/1 for a host in Python, and SEAMCALLs that say what failed: need not be touched.

`Host(boot)` makes a host as `boot` leaves it; its methods are the commands, with `_` for `-`, and its `state()` is told
after each."""
import json
import sys

EIO, EACCES, ENODEV, EOPNOTSUPP = -5, -13, -19, -95
SYS_RD = 0x22
# Operand busy, system busy, no entropy, key generation failed: another try may do.
TRANSIENT = (0x80000200, 0x80000202, 0x80000203, 0x80000800)
TRIES = 10
TRAPS = {
    "gp": (EOPNOTSUPP, "strict-gp", "#GP, SEAM is not enabled there"),
    "ud": (EACCES, "strict-ud", "#UD, not in VMX operation"),
    "vmfail": (ENODEV, "strict-vmfail", "no module answers"),
}
asked = 0


class Failed(Exception):
    """Initialisation goes no further; the argument is a negative errno."""


def send(message):
    # A line that is not flushed is never read.
    print(json.dumps(message), flush=True)


def receive():
    """The next message; a line that is none is answered with an error, and life goes on."""
    for line in sys.stdin.buffer:
        try:
            message = json.loads(line)
            if isinstance(message["type"], str) and isinstance(message["id"], int):
                return message
            problem = "expected a type and an id"
        except Exception as error:
            problem = type(error).__name__ + ": " + str(error)
        send({"type": "error", "id": None, "message": problem})
    sys.exit()


def ask(what, **members):
    """Asks something within a command: seamcall, alloc, load, vmxon, offline-memory."""
    global asked
    asked += 1
    send({"type": what, "id": asked, **members})
    return receive()


def tell(what, **members):
    """Does something that has no answer: free, store, movdir64b, wbinvd, vmxoff, printk."""
    send({"type": what, **members})


def say(text, level, message=None, *args):
    """A line of dmesg, and what it means (a name and arguments of model/kernel/message.ts)."""
    meaning = {"message": message, "args": list(args)} if message else {}
    tell("printk", text="virt/tdx: " + text, level=level, **meaning)


def store(address, words):
    tell("store", address=hex(address), words=[hex(word) for word in words])


def read(cpu, field):
    return int(seamcall(cpu, SYS_RD, rdx=field)["r8"], 16)


def seamcall(lp, leaf, until=None, **operands):
    """One SEAMCALL, again while another try may do; says what failed and raises."""
    registers = {name: hex(value) for name, value in operands.items()}
    if until is not None:
        registers["until"] = until
    for _ in range(TRIES):
        answer = ask("seamcall", lp=lp, rax=hex(leaf), **registers)
        status = int(answer["rax"], 16)
        if answer["trap"] == "none" and status == 0:
            return answer
        if answer["trap"] != "none" or status >> 32 not in TRANSIENT:
            break
    if answer["trap"] in TRAPS:
        errno, message, text = TRAPS[answer["trap"]]
        say("SEAMCALL on CPU %d: %s" % (lp, text), 3, message, lp)
        raise Failed(errno)
    say("SEAMCALL (0x%016x) failed: 0x%016x" % (leaf, status), 3)
    raise Failed(EIO)


def serve(hello, make):
    host = None
    while True:
        request = receive()
        kind, identifier = request["type"], request["id"]
        try:
            if kind == "hello":
                send({"type": "hello", "id": identifier, **hello})
            elif kind == "ping":
                send({"type": "pong", "id": identifier})
            elif kind == "stop":
                send({"type": "stopped", "id": identifier})
                return
            elif kind not in hello["capabilities"]["commands"]:
                send({"type": "error", "id": identifier, "message": "no such command: " + kind})
            elif kind == "boot":
                # Everything before is forgotten.
                host = make(request)
                send({"type": "done", "id": identifier, "ret": 0, "state": host.state()})
            else:
                ret = getattr(host, kind.replace("-", "_"))(request)
                send({"type": "done", "id": identifier, "ret": ret, "state": host.state()})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            send({"type": "error", "id": identifier, "message": type(error).__name__ + ": " + str(error)})
