/** What breaking a rule costs, worst first. */
export const SEVERITIES = {
  crash: 'the host crashes or hangs, or the module has shut down under a running kernel',
  memory: 'memory of the host is corrupted, or lost until reboot',
  'tdx-lost': 'TDX is unavailable until the next boot, or as long as machine and kernel stay the same',
  'tdx-refused': 'TDX, or a guest, is refused and can be tried again',
  'part-lost': 'TDX stays, and something else is lost: a guest or its KeyID, a CPU, memory hotplug, a sleep state',
  misleading: 'nothing is lost; the user gets no message, or a wrong one',
  cosmetic: 'nothing is lost and no message is wrong; the kernel does unnecessary work',
} as const satisfies Readonly<Record<string, string>>;

export type Severity = keyof typeof SEVERITIES;

const ORDER = Object.keys(SEVERITIES) as readonly Severity[];

/** 0 for the worst. */
export function severityRank(severity: Severity): number {
  return ORDER.indexOf(severity);
}
