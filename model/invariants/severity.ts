/** What breaking a rule costs, worst first. */
export const SEVERITIES = {
  crash: 'the host crashes or hangs, or the module is dead under a kernel that goes on',
  memory: 'memory of the host is corrupted, or lost for good',
  'tdx-lost': 'TDX is lost until the next boot, or for as long as machine and kernel stay as they are',
  'tdx-refused': 'TDX, or a guest, is refused and can be tried again',
  'part-lost': 'TDX stays, and something beside it is lost: a guest or its KeyID, a CPU, memory hotplug, a sleep state',
  misleading: 'nothing is lost; the user reads nothing, or something untrue',
  cosmetic: 'nothing is lost and nothing untrue is printed; the kernel does more than it needs to',
} as const satisfies Readonly<Record<string, string>>;

export type Severity = keyof typeof SEVERITIES;

const ORDER = Object.keys(SEVERITIES) as readonly Severity[];

/** 0 for the worst. */
export function severityRank(severity: Severity): number {
  return ORDER.indexOf(severity);
}
