// A host that makes SEAMCALLs, behind seam-stdio/1. Copy it, then make it yours: nothing but Node is needed.
// See docs/implementing-a-host.md.
import { type CMR, convertible, cover, GIB, type Region, reserved } from './host-memory.ts';
import {
  ask,
  type Boot,
  type Command,
  type CPUFacts,
  Failed,
  type Host,
  hex,
  read,
  say,
  seamcall,
  serve,
  store,
  tell,
} from './host-protocol.ts';

const [ENOMEM, EACCES, ENODEV, EINVAL, ENOSPC] = [-12, -13, -19, -22, -28];
const [KEY_CONFIG, SYS_INIT, LP_INIT, TDMR_INIT, SYS_CONFIG] = [0x1f, 0x21, 0x23, 0x24, 0x2d];
const PAGE_SIZES = [4096, 2 ** 21, GIB];

const HELLO = {
  protocol: { major: 1, minor: 0 },
  implementation: { name: 'typescript host starter', version: '0.1', language: 'TypeScript' },
  capabilities: { role: 'host', commands: ['boot', 'enable', 'memory-online'], deterministic: true },
};

/** A host as `boot` leaves it: made anew by every boot. */
function createHost({ cpus, keyids, addressEnd, seamrrEnabled, hibernation }: Boot): Host {
  const keyid = (keyids?.mktme ?? 0) + 1;
  const count = keyids?.tdx ?? 0;
  const offered = count >= 2 && keyid + count <= 2 ** 52 / Number(addressEnd) && seamrrEnabled && !hibernation;
  let status: 'uninitialised' | 'initialised' = 'uninitialised';
  let online: readonly number[] = [];
  let sysinit = false;
  // LPs and packages that are done; what the module was given, once it was; how many TDMRs are initialised.
  const lps = new Set<number>();
  const keyed = new Set<number>();
  let given: { tdmrs: readonly CMR[]; memory: readonly Region[] } | null = null;
  let ready = 0;
  const facts = (lp: number): CPUFacts => cpus[lp] ?? { package: 0, present: false, online: false, bootable: false };

  /** Names the LP that is in the way, and every package that has no CPU online. */
  function blame(lp: number, text: string, message: string, errno: number): never {
    say(`CPU ${lp} in package ${facts(lp).package} ${text}`, 3, message, lp, facts(lp).package);
    const dark = new Set(cpus.filter(({ present }) => present).map((cpu) => cpu.package));
    for (const other of online) dark.delete(facts(other).package);
    for (const pkg of dark) say(`no online CPUs in package ${pkg}`, 3, 'package-without-cpu', pkg);
    throw new Failed(errno);
  }

  /** One SEAMCALL on an LP that may be offline, or not in VMX operation. */
  function callOn(lp: number, leaf: number): void {
    if (ask({ type: 'vmxon', lp })['entered'] !== true)
      blame(lp, 'cannot enter VMX operation', 'lp-not-in-vmx', EACCES);
    try {
      seamcall(lp, leaf);
    } finally {
      if (!online.includes(lp)) tell({ type: 'vmxoff', lp });
    }
  }

  /** The module waits for every LP that was there at boot, whether it is online now or not. */
  function bringUp(): void {
    for (const [lp, { present, bootable }] of cpus.entries()) {
      if (!present || lps.has(lp)) continue;
      if (!online.includes(lp) && !bootable) blame(lp, 'cannot be brought up for TDX', 'lp-held-offline', EINVAL);
      if (!sysinit) callOn(lp, SYS_INIT);
      sysinit = true;
      callOn(lp, LP_INIT);
      lps.add(lp);
    }
  }

  /** TDMRs over all convertible memory, their PAMTs, TDH.SYS.CONFIG. What fails gives everything back. */
  function configure(cpu: number, regions: Command['memory']): void {
    const objects: number[] = [];
    const alloc = (size: number, kind: string): number => {
      const { address } = ask({ type: 'alloc', size: hex(size), kind });
      if (typeof address !== 'string') throw new Failed(ENOMEM);
      objects.push(Number(address));
      return Number(address);
    };
    try {
      const [tdmrsMax, reservedMax] = [read(cpu, 0x9100000100000008n), read(cpu, 0x9100000100000009n)];
      const entries = [0n, 1n, 2n].map((size) => read(cpu, 0x9100000100000010n + size));
      const cmrs: CMR[] = [];
      const cmrCount = read(cpu, 0x9000000100000000n);
      for (let index = 0n; index < cmrCount; index++) {
        const [base, size] = [read(cpu, 0x9000000300000080n + index), read(cpu, 0x9000000300000100n + index)];
        const last = cmrs.at(-1);
        if (last?.end === base) last.end += size;
        else if (size > 0) cmrs.push({ base, end: base + size });
      }
      const memory = convertible(regions, cmrs);
      const tdmrs = cover(memory);
      if (tdmrs.length > tdmrsMax) {
        say('initialization failed: TDMRs exhausted.', 4);
        throw new Failed(ENOSPC);
      }
      const pamts = tdmrs.map(({ base, end }) => {
        const sizes = PAGE_SIZES.map(
          (page, at) => Math.ceil((((end - base) / page) * (entries[at] ?? 0)) / 4096) * 4096,
        );
        const [size4K = 0, size2M = 0, size1G = 0] = sizes;
        const start = alloc(size4K + size2M + size1G, 'contiguous');
        return { size4K, size2M, size1G, base: start, end: start + size4K + size2M + size1G };
      });
      // The array of addresses, and each TDMR_INFO on a boundary of 1024 bytes.
      const table = alloc(4096 + 1024 * tdmrs.length, 'pages');
      for (const [index, { base, end }] of tdmrs.entries()) {
        const { size4K, size2M, size1G, base: start } = pamts[index] as (typeof pamts)[number];
        const areas = reserved(base, end, cmrs, pamts);
        if (areas.length > reservedMax) {
          say(`initialization failed: TDMR [${hex(base)}, ${hex(end)}): reserved areas exhausted.`, 4);
          throw new Failed(ENOSPC);
        }
        store(table + 4096 + 1024 * index, [
          ...[base, end - base, start + size4K + size2M, size1G, start + size4K, size2M, start, size4K],
          ...areas.flatMap((area) => [area.base - base, area.end - area.base]),
        ]);
      }
      store(
        table,
        tdmrs.map((_, index) => table + 4096 + 1024 * index),
      );
      seamcall(cpu, SYS_CONFIG, { rcx: table, rdx: tdmrs.length, r8: keyid });
      // From here on the module can reach the PAMTs: they stay, and another try goes on where this one stopped.
      given = { tdmrs, memory };
    } catch (error) {
      for (const address of objects) tell({ type: 'free', address: hex(address) });
      throw error;
    }
  }

  /** Caches flushed, the key on every package, then every TDMR initialised. */
  function finish(cpu: number): void {
    if (keyed.size === 0) tell({ type: 'wbinvd' });
    for (const { package: pkg, present } of cpus) {
      if (!present || keyed.has(pkg)) continue;
      const there = [...lps].filter((lp) => facts(lp).package === pkg);
      callOn(there.find((lp) => online.includes(lp)) ?? there[0] ?? cpu, KEY_CONFIG);
      keyed.add(pkg);
    }
    for (const { base, end } of given?.tdmrs.slice(ready) ?? []) {
      seamcall(cpu, TDMR_INIT, { rcx: base, until: end });
      ready++;
    }
  }

  return {
    state: () => ({
      ...{ offered, tdx: status, lps: [...lps].sort((a, b) => a - b), s3: status !== 'initialised' },
      tdxMemory: (given?.memory ?? []).map(({ base, end, node }) => ({ base: hex(base), size: hex(end - base), node })),
    }),
    enable(request) {
      if (!offered) return ENODEV;
      if (status === 'initialised') return 0;
      online = request.online;
      bringUp();
      if (given === null) configure(request.cpu, request.memory);
      finish(request.cpu);
      status = 'initialised';
      return 0;
    },
    /** Once TDX runs, what is not TDX memory must not reach the page allocator. */
    'memory-online'(request) {
      const [base, end] = [Number(request.base), Number(request.base) + Number(request.size)];
      let at = base;
      for (const region of [...(given?.memory ?? [])].sort((a, b) => a.base - b.base))
        if (region.base <= at && at < region.end) at = region.end;
      if (status !== 'initialised' || at >= end) return 0;
      const range = `[${hex(base)}, ${hex(end)})`;
      say(`Reject hot-adding memory range: ${range} for TDX compatibility.`, 4, 'memory-refused', base, end);
      return EINVAL;
    },
  };
}

serve(HELLO, createHost);
