#!/usr/bin/env python3
"""A host that makes SEAMCALLs, behind seam-stdio/1. Copy it, then make it yours: nothing but Python 3.8 is needed.

See docs/implementing-a-host.md."""
from host_memory import GIB, convertible, cover, reserved
from host_protocol import Failed, ask, read, say, seamcall, serve, store, tell

ENOMEM, EACCES, ENODEV, EINVAL, ENOSPC = -12, -13, -19, -22, -28
KEY_CONFIG, SYS_INIT, LP_INIT, TDMR_INIT, SYS_CONFIG = 0x1F, 0x21, 0x23, 0x24, 0x2D

HELLO = {
    "protocol": {"major": 1, "minor": 0},
    "implementation": {"name": "python host starter", "version": "0.1", "language": "Python"},
    "capabilities": {"role": "host", "commands": ["boot", "enable", "memory-online"], "deterministic": True},
}


class Host:
    def __init__(self, boot):
        self.boot, self.online = boot, []
        keyids = boot["keyids"] or {"mktme": 0, "tdx": 0}
        self.keyid, end = keyids["mktme"] + 1, keyids["mktme"] + 1 + keyids["tdx"]
        sane = keyids["tdx"] >= 2 and end <= (1 << 52) // int(boot["addressEnd"], 16)
        self.offered = sane and boot["seamrrEnabled"] and not boot["hibernation"]
        self.status, self.sysinit = "uninitialised", False
        # LPs and packages that are done; what the module was given; how many TDMRs are initialised.
        self.lps, self.keyed, self.tdmrs, self.memory, self.ready = set(), set(), [], [], 0
        self.configured, self.objects = False, []

    def state(self):
        regions = [{"base": hex(base), "size": hex(end - base), "node": node} for base, end, node in self.memory]
        running = self.status == "initialised"
        return {"offered": self.offered, "tdx": self.status, "lps": sorted(self.lps), "s3": not running, "tdxMemory": regions}

    def enable(self, request):
        if not self.offered:
            return ENODEV
        if self.status == "initialised":
            return 0
        self.online = request["online"]
        try:
            self.bring_up(request["cpu"])
            if not self.configured:
                self.configure(request["cpu"], request["memory"])
            self.finish(request["cpu"])
        except Failed as failure:
            return failure.args[0]
        self.status = "initialised"
        return 0

    def bring_up(self, cpu):
        """The module waits for every LP that was there at boot, whether it is online now or not."""
        for lp, facts in enumerate(self.boot["cpus"]):
            if not facts["present"] or lp in self.lps:
                continue
            if lp not in self.online and not facts["bootable"]:
                self.blame("CPU %d in package %d cannot be brought up for TDX", "lp-held-offline", lp)
                raise Failed(EINVAL)
            if not self.sysinit:
                self.on(lp, SYS_INIT)
                self.sysinit = True
            self.on(lp, LP_INIT)
            self.lps.add(lp)

    def on(self, lp, leaf):
        """One SEAMCALL on an LP that may be offline, or not in VMX operation."""
        if not ask("vmxon", lp=lp)["entered"]:
            self.blame("CPU %d in package %d cannot enter VMX operation", "lp-not-in-vmx", lp)
            raise Failed(EACCES)
        try:
            seamcall(lp, leaf)
        finally:
            if lp not in self.online:
                tell("vmxoff", lp=lp)

    def blame(self, text, message, lp):
        """Names the LP that is in the way, and every package that has no CPU online."""
        cpus = self.boot["cpus"]
        say(text % (lp, cpus[lp]["package"]), 3, message, lp, cpus[lp]["package"])
        dark = {cpu["package"] for cpu in cpus if cpu["present"]} - {cpus[other]["package"] for other in self.online}
        for package in sorted(dark):
            say("no online CPUs in package %d" % package, 3, "package-without-cpu", package)

    def configure(self, cpu, memory):
        """TDMRs over all convertible memory, their PAMTs, TDH.SYS.CONFIG. What fails gives everything back."""
        self.objects = []
        try:
            max_tdmrs, max_reserved = read(cpu, 0x9100000100000008), read(cpu, 0x9100000100000009)
            entries = [read(cpu, 0x9100000100000010 + size) for size in range(3)]
            cmrs = []
            for index in range(read(cpu, 0x9000000100000000)):
                base, size = read(cpu, 0x9000000300000080 + index), read(cpu, 0x9000000300000100 + index)
                if cmrs and size and cmrs[-1][1] == base:
                    cmrs[-1][1] = base + size
                elif size:
                    cmrs.append([base, base + size])
            self.memory = convertible(memory, cmrs)
            tdmrs = cover(self.memory)
            if len(tdmrs) > max_tdmrs:
                say("initialization failed: TDMRs exhausted.", 4)
                raise Failed(ENOSPC)
            pamts = []
            for base, end in tdmrs:
                sizes = [-(-((end - base) // page * entry) // 4096) * 4096 for page, entry in zip((4096, 1 << 21, GIB), entries)]
                pamts.append((self.alloc(sum(sizes), "contiguous"), sizes))
            # The array of addresses, and each TDMR_INFO on a boundary of 1024 bytes.
            table = self.alloc(4096 + 1024 * len(tdmrs), "pages")
            for index, (base, end) in enumerate(tdmrs):
                start, (size_4k, size_2m, size_1g) = pamts[index]
                words = [base, end - base, start + size_4k + size_2m, size_1g, start + size_4k, size_2m, start, size_4k]
                areas = reserved(base, end, cmrs, [(first, first + sum(sizes)) for first, sizes in pamts])
                if len(areas) > max_reserved:
                    say("initialization failed: TDMR [0x%x, 0x%x): reserved areas exhausted." % (base, end), 4)
                    raise Failed(ENOSPC)
                for first, last in areas:
                    words += [first - base, last - first]
                store(table + 4096 + 1024 * index, words)
            store(table, [table + 4096 + 1024 * index for index in range(len(tdmrs))])
            seamcall(cpu, SYS_CONFIG, rcx=table, rdx=len(tdmrs), r8=self.keyid)
        except Failed:
            for address in self.objects:
                tell("free", address=hex(address))
            self.memory = []
            raise
        # From here on the module can reach the PAMTs: they stay, and another try goes on where this one stopped.
        self.tdmrs, self.configured = tdmrs, True

    def finish(self, cpu):
        """Caches flushed, the key on every package, then every TDMR initialised."""
        if not self.keyed:
            tell("wbinvd")
        for lp, facts in enumerate(self.boot["cpus"]):
            if facts["present"] and facts["package"] not in self.keyed:
                at_hand = [other for other in self.lps if self.boot["cpus"][other]["package"] == facts["package"]]
                self.on(min(at_hand, key=lambda other: (other not in self.online, other)), KEY_CONFIG)
                self.keyed.add(facts["package"])
        while self.ready < len(self.tdmrs):
            base, end = self.tdmrs[self.ready]
            seamcall(cpu, TDMR_INIT, rcx=base, until=hex(end))
            self.ready += 1

    def alloc(self, size, kind):
        address = ask("alloc", size=hex(size), kind=kind)["address"]
        if address is None:
            raise Failed(ENOMEM)
        self.objects.append(int(address, 16))
        return int(address, 16)

    def memory_online(self, request):
        """Once TDX runs, what is not TDX memory must not reach the page allocator."""
        base = int(request["base"], 16)
        at, end = base, base + int(request["size"], 16)
        for first, last, _ in sorted(self.memory):
            if first <= at < last:
                at = last
        if self.status != "initialised" or at >= end:
            return 0
        say("Reject hot-adding memory range: [0x%x, 0x%x) for TDX compatibility." % (base, end), 4, "memory-refused", base, end)
        return EINVAL


if __name__ == "__main__":
    serve(HELLO, Host)
