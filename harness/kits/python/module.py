#!/usr/bin/env python3
"""A TDX module that is just begun, behind seam-stdio/1. Copy it, then make it yours.

Nothing but Python 3.8 or later is needed. See docs/implementing.md.
"""

import json
import sys

# --- The module: replace this part with yours ---------------------------------------------------------------------

SUCCESS = 0
OPERAND_INVALID = 0xC000010000000000
SYS_NOT_READY = 0xC000050500000000
SYS_INIT_NOT_PENDING = 0xC000050000000000
SYS_LP_INIT_NOT_PENDING = 0xC000050B00000000
SYS_LP_INIT_DONE = 0xC000050300000000
SYS_CONFIG_NOT_PENDING = 0xC000050C00000000
SYS_KEY_CONFIG_NOT_PENDING = 0xC000050700000000
KEY_CONFIGURED = 0x0000081500000000


class Module:
    """The module as the loader leaves it: made anew for every case."""

    def __init__(self, platform):
        self.phase = "PENDING"
        self.packages = {lp["id"]: lp["pkg"] for lp in platform["lps"]}
        self.initialised = set()
        self.configured = set()

    def sys_init(self, lp, regs):
        if self.phase != "PENDING":
            return SYS_INIT_NOT_PENDING
        self.phase = "SYSINIT_DONE"
        return SUCCESS

    def sys_lp_init(self, lp, regs):
        if self.phase != "SYSINIT_DONE":
            return SYS_LP_INIT_NOT_PENDING
        if lp in self.initialised:
            return SYS_LP_INIT_DONE
        self.initialised.add(lp)
        return SUCCESS

    def sys_config(self, lp, regs):
        if self.phase != "SYSINIT_DONE" or len(self.initialised) != len(self.packages):
            return SYS_CONFIG_NOT_PENDING
        # Next: read the TDMR_INFOs that RCX points to, and check them.
        self.phase = "CONFIG_DONE"
        return SUCCESS

    def sys_key_config(self, lp, regs):
        if self.phase != "CONFIG_DONE":
            return SYS_KEY_CONFIG_NOT_PENDING
        package = self.packages[lp]
        if package in self.configured:
            return KEY_CONFIGURED
        self.configured.add(package)
        if self.configured == set(self.packages.values()):
            self.phase = "READY"
        return SUCCESS


# A leaf that is not here is answered TDX_SYS_NOT_READY before READY, and "unsupported" after.
LEAVES = {
    0x1F: Module.sys_key_config,
    0x21: Module.sys_init,
    0x23: Module.sys_lp_init,
    0x2D: Module.sys_config,
}
BEFORE_READY = {0x20, 0x22, 0x25, 0x2C, 0x35}
VERSIONED = {0x3, 0xB, 0x17, 0x1A, 0x1E}  # They may have a version in RAX bits 23:16; bits 63:24 are always 0.
OUTPUTS = ("rcx", "rdx", "r8", "r9", "r10", "r11")
INPUTS_NOT_READ = ("msr", "lpMsr", "cpuid", "inject", "seamopsCaps", "reload", "read")

HELLO = {
    "protocol": {"major": 1, "minor": 0},
    "implementation": {"name": "python starter", "version": "0.1", "language": "Python"},
    "capabilities": {
        "role": "module",
        "modules": ["1.5.01"],
        "leaves": [hex(leaf) for leaf in sorted(LEAVES)],
        "inputs": ["mem", "repeat"],
        "batchMax": 16,
        "inFlightMax": 4,
        "state": False,
        "deterministic": True,
    },
}


def play(case):
    """One case from reset: what came of each of its steps."""
    module = Module(case["platform"])
    answers = []
    for step in case["steps"]:
        # Words written before the call: step.get("mem", []), not read yet. What is not simulated is said to be unsupported.
        missing = [name for name in INPUTS_NOT_READ if name in step]
        if missing:
            answers.append({"unsupported": "no " + ", ".join(missing)})
            break
        call = step["seamcall"]
        regs = {name: int(call.get(name, "0x0"), 16) for name in OUTPUTS}
        rax = int(call["rax"], 16)
        runs = []
        for _ in range(step.get("repeat", 1)):
            if rax >> 24 or (rax >> 16 and rax & 0xFFFF not in VERSIONED):
                status = OPERAND_INVALID
            elif rax in LEAVES:
                status = LEAVES[rax](module, call["lp"], regs)
            elif module.phase != "READY" and rax not in BEFORE_READY:
                status = SYS_NOT_READY
            else:
                break
            result = {"rax": hex(status)}
            result.update({name: hex(value) for name, value in regs.items() if value})
            if runs and runs[-1]["result"] == result:
                runs[-1]["n"] += 1
            else:
                runs.append({"n": 1, "result": result})
        if not runs:
            answers.append({"unsupported": "leaf " + hex(rax)})
            break
        answers.append({"runs": runs} if "repeat" in step else {"result": runs[0]["result"]})
    return {"case": case["id"], "outcome": "observed", "steps": answers}


# --- The protocol: need not be touched ----------------------------------------------------------------------------


def answer(request):
    kind = request["type"]
    if kind == "hello":
        return {"type": "hello", **HELLO}
    if kind == "configure":
        module = request["profile"]["module"]
        if module in HELLO["capabilities"]["modules"]:
            return {"type": "configured", "outcome": "ok"}
        return {"type": "configured", "outcome": "unsupported", "reason": "it is no " + module}
    if kind == "run":
        return {"type": "ran", "results": [play(case) for case in request["cases"]]}
    if kind == "ping":
        return {"type": "pong"}
    if kind == "stop":
        return {"type": "stopped"}
    raise ValueError("unknown type " + repr(kind))


def main():
    for line in sys.stdin.buffer:
        identifier = None
        try:
            request = json.loads(line)
            identifier = request["id"] if isinstance(request, dict) else None
            response = answer(request)
        except Exception as error:  # A bad line is answered, and life goes on.
            response = {"type": "error", "message": type(error).__name__ + ": " + str(error)}
        print(json.dumps({**response, "id": identifier}), flush=True)
        if response["type"] == "stopped":
            break


if __name__ == "__main__":
    main()
