"""Which memory a host gives to TDX: convertible regions, TDMRs over them, reserved areas inside."""
from host_protocol import Failed, ask, say

GIB = 1 << 30
EINVAL = -22


def convertible(memory, cmrs):
    """Memory in CMRs above the first MiB as (base, end, node); what lies outside them is taken offline."""
    regions = []
    for region in memory:
        at = max(int(region["base"], 16), 1 << 20)
        end = int(region["base"], 16) + int(region["size"], 16)
        for first, last in cmrs + [[end, end]]:
            if first > at and at < end:
                take_offline(at, min(first, end))
            if max(first, at) < min(last, end):
                regions.append((max(first, at), min(last, end), region["node"]))
            at = max(at, last)
    if not regions:
        say("initialization failed: no memory is convertible", 3, "no-convertible-memory")
        raise Failed(EINVAL)
    return regions


def take_offline(base, end):
    if not ask("offline-memory", base=hex(base), size=hex(end - base))["offline"]:
        say("memory [0x%x, 0x%x) is not convertible and in use" % (base, end), 3, "memory-in-use", base, end)
        raise Failed(EINVAL)


def cover(regions):
    """TDMRs as (base, end): whole GiBs, none twice."""
    tdmrs = []
    for base, end, _ in regions:
        base, end = base // GIB * GIB, -(-end // GIB) * GIB
        if tdmrs and base < tdmrs[-1][1]:
            base = tdmrs[-1][1]
        if base < end:
            tdmrs.append((base, end))
    return tdmrs


def reserved(base, end, cmrs, pamts):
    """What the module must not use of a TDMR, ascending and joined: the holes between CMRs, and every PAMT."""
    holes, at = [], base
    for first, last in cmrs + [[end, end]]:
        holes.append((at, min(first, end)))
        at = max(at, last)
    areas = []
    for first, last in sorted((max(first, base), min(last, end)) for first, last in holes + pamts):
        if first >= last:
            continue
        if areas and first <= areas[-1][1]:
            areas[-1][1] = max(areas[-1][1], last)
        else:
            areas.append([first, last])
    return areas
